"""Updates over the air, on a virtual board: taken, refused, and taken back.

The board is flashed as any other, then has its key; what is sent is made and signed by the tools.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from myocan.hub.bus import parse_url
from myocan.tools.adapters import AdapterFile, load_adapter
from myocan.tools.flash import BoardSecrets, Flashed, flash, stage
from myocan.tools.flash.staging import mpy_version
from myocan.tools.update import (
    BoardTalk,
    NotUpdated,
    Progress,
    Release,
    UpdateError,
    make_release,
)
from myocan.tools.vboard import VirtualBoard
from support.fake_hub import FakeHub
from support.mosquitto import Mosquitto

KEY = bytes(range(32))
PORCH = """
board = "unix"
[ports.lamp]
kind = "relay"
pin = "{pin}"
subscribe = "lamp1.state"
"""
CODE = """
from myocan.edge.custom import CustomAdapter

class Porch(CustomAdapter):
    def start(self):
        {start}

ADAPTER = Porch
"""


class Workshop:
    """A board in a house: makes what is flashed and sent, and counts its updates."""

    def __init__(self, folder: Path, port: int, board: VirtualBoard, hub: FakeHub) -> None:
        self.folder, self.port, self.board, self.hub = folder, port, board, hub
        self.number = 0

    def adapter(self, pin: str, start: str = "pass") -> AdapterFile:
        (self.folder / "porch.toml").write_text(PORCH.format(pin=pin))
        (self.folder / "porch.py").write_text(CODE.format(start=start))
        return load_adapter(self.folder / "porch.toml")

    def config(self, adapter: AdapterFile, port: int | None = None) -> dict[str, Any]:
        return adapter.config(f"mqtt://127.0.0.1:{port or self.port}")

    def release(
        self, adapter: AdapterFile, *, key: bytes = KEY, trial_s: int = 30, port: int | None = None
    ) -> Release:
        self.number += 1
        config = self.config(adapter, port)
        files = stage(config, self.folder / "staged", own=adapter.own_modules)
        return make_release(
            files,
            "mc1/$board/home/porch/config",
            number=self.number,
            key=key,
            mpy=int(mpy_version().split(".")[0]),
            trial_s=trial_s,
        )

    def flash(self, adapter: AdapterFile) -> Flashed:
        self.number += 1
        config = self.config(adapter)
        own, number = adapter.own_modules, self.number
        secrets = BoardSecrets("porch", "secret", KEY.hex())
        return flash(
            config,
            self.board.port,
            own=own,
            admit=lambda found: secrets,
            number=lambda files: number,
        )

    @property
    def places(self) -> dict[str, Any]:
        """What the board notes of its places."""
        found: dict[str, Any] = json.loads((self.board.files / "slots.json").read_text())
        return found


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A board that was flashed, with a lamp at GP15; each test leaves another one behind."""
    folder = tmp_path_factory.mktemp("workshop")
    with (
        Mosquitto(folder / "mosquitto") as broker,
        FakeHub("127.0.0.1", broker.port) as hub,
        VirtualBoard("porch", folder / "board") as board,
    ):
        workshop = Workshop(folder, broker.port, board, hub)
        workshop.flash(workshop.adapter("GP15"))
        yield workshop


@pytest.fixture
def talk(workshop: Workshop) -> Iterator[BoardTalk]:
    with BoardTalk(parse_url(f"mqtt://127.0.0.1:{workshop.port}"), "home", "porch") as talk:
        talk.status(60)
        yield talk


def test_what_changed_is_put_beside_what_runs(workshop: Workshop, talk: BoardTalk) -> None:
    board, before = workshop.board, workshop.places
    told: list[Progress] = []
    talk.update(workshop.release(workshop.adapter("GP14")), told.append)
    board.wait("GP14", 0)
    after = workshop.places
    assert (after["code"], after["number"]) == (before["code"], workshop.number)
    assert after["config"] != before["config"]
    assert told[-1].text == "sent; porch starts with it and has 30 s to be online"
    assert any(each.text.startswith("sent 1 of ") for each in told)
    assert told[-1].total < 6000, "code that is the same is not sent again"

    talk.update(workshop.release(workshop.adapter("GP13", "print('mine')")))
    board.wait("GP13", 0)
    assert workshop.places["code"] != before["code"]
    assert "mine" in board.console()

    # what is there already is only given its number, without a restart
    boots = board.boots
    talk.update(workshop.release(workshop.adapter("GP13", "print('mine')")))
    assert (workshop.places["number"], board.boots) == (workshop.number, boots)


def test_forged_and_older_updates_are_refused(workshop: Workshop, talk: BoardTalk) -> None:
    with pytest.raises(NotUpdated, match="not signed with the key of this board"):
        talk.update(workshop.release(workshop.adapter("GP12"), key=bytes(32)))
    real = workshop.release(workshop.adapter("GP12"))
    number = json.loads(real.offer)[0]
    offer = real.offer.replace(f"[{number},".encode(), f"[{number + 1},".encode())
    with pytest.raises(NotUpdated, match="not signed"):
        talk.update(Release(number + 1, real.files, offer, 30))
    files = tuple(
        file.replace(b"GP12", b"GP10") if at and b'"GP12"' in file else file
        for at, file in enumerate(real.files)
    )
    assert files != real.files
    with pytest.raises(NotUpdated, match="is not what the list says"):
        talk.update(Release(number, files, real.offer, 30))
    talk.update(real)
    workshop.board.wait("GP12", 0)
    workshop.number -= 2
    with pytest.raises(NotUpdated, match=f"not newer than {number}"):
        talk.update(workshop.release(workshop.adapter("GP11")))
    workshop.number = number
    assert workshop.places["number"] == number
    assert any("refuses update" in remark for remark in workshop.hub.remarks)


@pytest.mark.parametrize(
    ("start", "port", "why"),
    [
        ("raise ValueError('broken')", None, "it started several times .*ValueError..broken"),
        ("pass", 1, "not online within 2 s"),
    ],
    ids=["code that crashes", "a configuration that leads nowhere"],
)
def test_an_update_that_does_not_come_up_is_taken_back(
    workshop: Workshop, talk: BoardTalk, start: str, port: int | None, why: str
) -> None:
    before = workshop.places
    release = workshop.release(workshop.adapter("GP9", start), trial_s=2, port=port)
    with pytest.raises(NotUpdated, match=why):
        talk.update(release)
    status = talk.status(60)
    assert (status["failed"], status["update"]) == (release.number, before["number"])
    assert {key: workshop.places[key] for key in ("code", "config", "number")} == {
        key: before[key] for key in ("code", "config", "number")
    }
    with pytest.raises(NotUpdated, match=f"not newer than {release.number}"):
        talk.update(release)


def test_a_board_whose_power_is_cut_goes_on_with_what_it_has(
    workshop: Workshop, talk: BoardTalk
) -> None:
    board = workshop.board
    release = workshop.release(workshop.adapter("GP8", "print('cut')"))
    before = workshop.places
    cuts = 0

    def cut(progress: Progress) -> None:
        nonlocal cuts
        if cuts == 0 and progress.done > 1500:
            cuts += 1
            board.power_off()
            board.power_on()
            assert workshop.places == before

    talk.update(release, cut)  # the offer is retained: the board finds it when it is back
    board.wait("GP8", 0)
    assert (cuts, workshop.places["number"]) == (1, release.number)


def test_flashing_counts_whatever_an_update_has_made_of_the_board(workshop: Workshop) -> None:
    done = workshop.flash(workshop.adapter("GP7"))
    assert done.written[-1] == "/slots.json"
    workshop.board.wait("GP7", 0)
    assert (workshop.places["code"], workshop.places["number"]) == ("a", workshop.number)


def test_a_board_that_is_not_there_is_told(workshop: Workshop) -> None:
    told: list[Progress] = []
    with BoardTalk(parse_url(f"mqtt://127.0.0.1:{workshop.port}"), "home", "garden") as talk:
        with pytest.raises(UpdateError, match="has never been online here: flash it first"):
            talk.status(0.2)
        with pytest.raises(UpdateError):
            talk.status(0.8, told.append)
        assert [each.text for each in told] == ["garden is away; waiting up to 1 s for it"]
        workshop.hub.send("mc1/$board/home/garden/status", b'{"online":false}', retain=True)
        why = ""
        while "is not online: switch it on" not in why:
            assert why in ("", "garden has never been online here: flash it first")
            with pytest.raises(UpdateError) as caught:
                talk.status(0.2)
            why = str(caught.value)
