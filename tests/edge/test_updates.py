"""Updates against a power cut at every moment, and against offers of every wrong kind.

The board's own code on CPython, its disk a folder. A cut ends whatever is being written half done;
then the board starts again as its firmware does.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from myocan.edge import fetch
from myocan.edge.offers import Offers
from myocan.edge.updates import Updates
from support.edge_boards import ROOT

KEY = b"k" * 32
TOPIC = "mc1/$board/home/porch/config"
OLD = {"lib/myocan/a.mpy": b"old a" * 200, "lib/b.mpy": b"same", "config.json": b'{"old": 1}'}
NEW = {
    "lib/myocan/a.mpy": b"new a" * 150,
    "lib/b.mpy": b"same",
    "lib/myocan/edge/c.mpy": b"c",
    "config.json": b'{"new": 1}',
}


class PowerCut(BaseException):
    """Nothing on a board catches this."""


class Disk:
    """Counts what is done to a disk; at the `cut`-th of it the power goes."""

    def __init__(self, cut: int = 0) -> None:
        self.cut, self.done = cut, 0

    def _happens(self) -> bool:
        self.done += 1
        return self.done == self.cut

    def open(self, path: str, mode: str = "r") -> Any:
        if mode[0] in "wa" and self._happens():
            raise PowerCut
        file = builtins.open(path, mode)  # noqa: SIM115 (it is given on)
        return file if mode[0] == "r" else _File(file, self)

    def write(self, file: Any, piece: Any) -> None:
        if self._happens():
            file.write(piece[: len(piece) // 2])
            file.close()
            raise PowerCut
        file.write(piece)

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in ("mkdir", "remove"):
            return real

        def call(*arguments: Any) -> Any:
            if self._happens():
                raise PowerCut
            return real(*arguments)

        return call


class _File:
    def __init__(self, file: Any, disk: Disk) -> None:
        self._file, self._disk = file, disk

    def write(self, piece: Any) -> None:
        self._disk.write(self._file, piece)

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()


def load(name: str) -> ModuleType:
    """Return a module of the firmware."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "firmware" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class FakeAdapter:
    """What updates need of an adapter."""

    def __init__(self) -> None:
        self.heard = False
        self.said: list[list[Any]] = []
        self.remarks: list[str] = []
        self.facts: dict[str, Any] = {}

    def send(self, leaf: str, payload: bytes) -> None:
        assert leaf == "update/said"
        self.said.append(json.loads(payload))

    def remark(self, text: str) -> None:
        self.remarks.append(text)

    def tell_facts(self, facts: dict[str, Any]) -> None:
        self.facts = facts


def listed(files: dict[str, bytes], **header: Any) -> bytes:
    lines = [json.dumps({"format": fetch.FORMAT, "mpy": 6, "seconds": 60, **header})]
    lines += [
        f"{hashlib.sha256(text).hexdigest()} {len(text)} {name}" for name, text in files.items()
    ]
    return ("\n".join(lines) + "\n").encode()


def offer(number: int, text: bytes, key: bytes = KEY) -> bytes:
    digest = hashlib.sha256(text).hexdigest()
    signature = fetch.signature_of(key, TOPIC, number, digest, len(text))
    return json.dumps([number, digest, len(text), signature]).encode()


class Board:
    """A board whose disk is a folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = f"{folder}/"
        self.monkeypatch = monkeypatch
        self.slots = load("slots")
        self.now = 0
        self.write(OLD)

    def write(self, files: dict[str, bytes]) -> None:
        for name, text in files.items():
            path = Path(self.root + name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)

    def put_in(self, disk: Disk) -> None:
        for module in (fetch, self.slots):
            self.monkeypatch.setattr(module, "open", disk.open, raising=False)
        self.monkeypatch.setattr(fetch, "os", disk)

    def start(self) -> tuple[Any, FakeAdapter, Updates]:
        """Start as main.py and slots.py do."""
        slots = self.slots.Slots(self.root)
        slots.begin()
        adapter = FakeAdapter()
        return slots, adapter, Updates(adapter, slots, TOPIC, KEY, self.now)

    def runs(self, slots: Any) -> dict[str, bytes]:
        """Return the files that a start uses, of those that matter."""
        code, config = slots.chosen()
        names = [*NEW, *OLD]
        paths = {
            name: slots.path(config if name == "config.json" else code, name) for name in names
        }
        return {
            name: Path(path).read_bytes() for name, path in paths.items() if os.path.exists(path)
        }

    def live(self, text: bytes, contents: dict[str, bytes], number: int = 2) -> tuple[Any, str]:
        """Start, be offered an update, do all that there is to do; return why it ends."""
        slots, adapter, updates = self.start()
        assert self.runs(slots) in (OLD, NEW)
        files = [text, *contents.values()]
        adapter.heard = True
        updates.offered(offer(number, text), True)
        for _ in range(200):
            self.now += 10
            why = updates.step(self.now)
            while adapter.said:
                of, what, *more = adapter.said.pop(0)
                if what == "want":
                    head = f"{of} {more[0]} {more[1]}\n".encode()
                    updates.arrived(head + files[more[0]][more[1] : more[1] + 300])
            if why or slots.number == number:
                return slots, why
        raise AssertionError(adapter.remarks)


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Board:
    return Board(tmp_path, monkeypatch)


@pytest.mark.parametrize("what", ["both", "code", "configuration"])
def test_a_power_cut_at_any_moment_leaves_the_old_or_the_new_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    contents = {
        "both": NEW,
        "code": {**NEW, "config.json": OLD["config.json"]},
        "configuration": {**OLD, "config.json": NEW["config.json"]},
    }[what]
    monkeypatch.setitem(globals(), "NEW", contents)
    text = listed(contents)
    cuts = 0
    for cut in range(1, 1000):
        board = Board(tmp_path / str(cut), monkeypatch)
        disk = Disk(cut)
        board.put_in(disk)
        lives = 0
        while lives < 6:
            lives += 1
            try:
                slots, why = board.live(text, contents)
            except PowerCut:
                continue
            if not why:
                break
        assert slots.number == 2
        assert board.runs(slots) == contents
        assert board.runs(board.start()[0]) == contents, "at the next start, too"
        if disk.done < cut:
            break
        cuts += 1
    assert cuts > (12 if what == "configuration" else 20)


def test_what_main_reads_is_what_was_written_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = ast.parse((ROOT / "firmware" / "main.py").read_text())
    tree.body = [each for each in tree.body if isinstance(each, ast.FunctionDef | ast.Import)]
    tried: list[bool] = []
    monkeypatch.setitem(sys.modules, "myocan.edge.board", SimpleNamespace(run=None))
    monkeypatch.setitem(
        sys.modules, "slots", SimpleNamespace(try_update=lambda: tried.append(True))
    )
    monkeypatch.setattr(sys, "path", list(sys.path))
    names: dict[str, Any] = {"open": lambda path: Disk().open(f"{tmp_path}{path}")}
    exec(compile(tree, "main.py", "exec"), names)
    start: Callable[[], tuple[dict[str, Any], str, Any]] = names["start"]

    assert start()[1] == "/config.json", "a board that has noted nothing"
    slots = load("slots").Slots(f"{tmp_path}/")
    slots.try_out("b", "b", 5, 60)
    assert (start()[1], tried) == ("/config.json", [True])
    slots.begin()
    slots.confirm()
    assert start()[1] == "/b/config.json"
    assert sys.path[0] == "/b/lib"
    for half in ("slots.json", "slots.new"):
        whole = (tmp_path / half).read_text()
        (tmp_path / half).write_text(whole[: len(whole) // 2])
        assert start()[0]["number"] == 5, half
        assert load("slots").Slots(f"{tmp_path}/").number == 5
        (tmp_path / half).write_text(whole)
    for nonsense in ("[]", "{}", "null", '{"number": "5", "failed": 0, "trial": null}', "\0"):
        for half in ("slots.json", "slots.new"):
            (tmp_path / half).write_text(nonsense)
        assert start()[1] == "/config.json"
        assert load("slots").Slots(f"{tmp_path}/").chosen() == ["a", "a"]


def test_what_is_never_online_is_given_up_after_so_many_starts(board: Board) -> None:
    text = listed(NEW)
    _, why = board.live(text, NEW)
    assert why == "starts again, with an update"
    for _ in range(board.slots.TRIAL_STARTS):
        slots, _, _ = board.start()
        assert board.runs(slots) == NEW
    slots, adapter, updates = board.start()
    assert board.runs(slots) == OLD
    assert (slots.failed, slots.number) == (2, 0)
    updates.offered(offer(2, text), False)
    assert adapter.said == [[2, "refused", "it is not newer than 2, which was here already"]]


def test_what_is_not_online_in_time_is_given_up_at_once(board: Board) -> None:
    board.live(listed(NEW, seconds=7), NEW)
    slots, _, updates = board.start()
    assert updates.step(board.now + 6_900) == ""
    assert updates.due(board.now + 6_900) == 100
    assert updates.step(board.now + 7_000) == "goes back: the update was not online in time"
    slots, _, _ = board.start()
    assert board.runs(slots) == OLD
    assert slots.why == "it was not online within 7 s"


def test_what_belonged_to_an_earlier_update_is_removed_and_what_is_others_stays(
    board: Board,
) -> None:
    board.write({"b/lib/myocan/gone.mpy": b"x", "b/lib/theirs.py": b"y"})
    board.live(listed(NEW), NEW)
    assert not os.path.exists(board.root + "b/lib/myocan/gone.mpy")
    assert os.path.exists(board.root + "b/lib/theirs.py")


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"nonsense", [0, "refused", "the offer is no offer"]),
        (b"[1]", [0, "refused", "the offer is no offer"]),
        (b'["2", "", 5, ""]', [0, "refused", "the offer is no offer"]),
        (b'[2, 7, 5, "x"]', [2, "refused", "it is not signed with the key of this board"]),
        (b'[2, "", 5, ""]', [2, "refused", "it is not signed with the key of this board"]),
        (b'[2, "", 5, null]', [2, "refused", "it is not signed with the key of this board"]),
        (
            offer(2, b"x", b"other" * 6),
            [2, "refused", "it is not signed with the key of this board"],
        ),
        (offer(2, b"x" * 40_000), [2, "refused", "its list of files is too long"]),
    ],
)
def test_a_wrong_offer_is_refused(board: Board, payload: bytes, said: list[Any]) -> None:
    _, adapter, updates = board.start()
    updates.offered(payload, False)
    updates.step(1)
    assert adapter.said == [said]
    assert adapter.remarks == [f"refuses update {said[0]}: {said[2]}"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (listed(NEW, format=9), "it is for another MicroPython or firmware"),
        (listed({"lib/../../secrets.json": b"x"}), "does not belong to an update"),
        (listed({"boot.py": b"x"}), "does not belong to an update"),
        (b"{}\n", "the board could not take it: KeyError"),
        (b'{"format": 1, "mpy": 6, "seconds": 9}\nhash lib/x\n', "could not take it: ValueError"),
        (b"\xff\xff\n", "could not take it"),
    ],
)
def test_a_list_that_is_signed_and_wrong_harms_nobody(board: Board, text: bytes, why: str) -> None:
    with pytest.raises(AssertionError, match=why):
        board.live(text, {})
    assert board.runs(board.start()[0]) == OLD


def test_pieces_that_nobody_asked_for_change_nothing(board: Board) -> None:
    text = listed(NEW)
    _, adapter, updates = board.start()
    updates.arrived(b"2 0 0\nx")
    updates.offered(offer(2, text), False)
    updates.step(1)
    assert adapter.said == [[2, "want", 0, 0]]
    for piece in (b"", b"\n", b"2 0 5\nx", b"1 0 0\nx", b"2 1 0\nx"):
        updates.arrived(piece)
    assert not os.path.exists(board.root + "update.list")
    updates.arrived(b"2 0 0\n" + text + b"more")
    updates.step(2)
    assert adapter.said[-1][1:2] == ["refused"]


def test_a_board_that_gets_no_answer_gives_up(board: Board) -> None:
    _, adapter, updates = board.start()
    updates.offered(offer(2, listed(NEW)), False)
    for now in range(0, 40_000, 100):
        updates.step(now)
    assert [what for _, what, *_ in adapter.said].count("want") == 8
    assert adapter.said[-1] == [2, "refused", "nobody sends what the board asks for"]
    assert updates.idle()


def test_a_full_disk_is_told(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch.os, "statvfs", lambda root: (1, 1, 1, 100, 1, 1, 1, 1, 1, 1))
    with pytest.raises(AssertionError, match="disk is full, 750 bytes are needed"):
        board.live(listed(NEW), NEW)


def test_what_an_update_needs_is_loaded_for_it_and_gone_afterwards(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = ("myocan.edge.updates", "myocan.edge.fetch")
    for name in needed:
        monkeypatch.setitem(sys.modules, name, sys.modules[name])  # to be there again after it
        monkeypatch.setattr(sys.modules["myocan.edge"], name[12:], sys.modules[name])
    slots = board.slots.Slots(board.root)
    slots.accept(5)
    monkeypatch.setitem(sys.modules, "slots", SimpleNamespace(Slots=lambda: slots))
    adapter = FakeAdapter()
    offers = Offers(slots.noted(), TOPIC, KEY)
    offers.attach(adapter, None, 0)
    assert adapter.facts == {"update": 5}

    offers.hears["config"](offer(5, b"x"), True)
    offers.hears["config"](b"", True)
    offers.hears["update/piece"](b"5 0 0\nx", False)
    assert offers.step(1) == ""
    assert offers.due(1) > 1000
    assert "slots" in sys.modules, "nothing was loaded, so nothing had to go"

    offers.hears["config"](offer(6, listed({"config.json": OLD["config.json"]})), False)
    assert offers.due(1) == 0
    now = 0
    while offers.due(now) < 1000:
        now += 10
        assert offers.step(now) == ""
        while adapter.said:
            of, _, file, offset = adapter.said.pop(0)
            text = listed({"config.json": OLD["config.json"]})
            offers.hears["update/piece"](f"{of} {file} {offset}\n".encode() + text, False)
    assert adapter.facts == {"update": 6}
    assert not {"slots", *needed} & set(sys.modules)


def test_what_was_given_up_is_told_from_the_start() -> None:
    adapter = FakeAdapter()
    offers = Offers({"number": 5, "failed": 6, "why": "it hung"}, TOPIC, KEY)
    offers.attach(adapter, None, 0)
    assert adapter.facts == {"update": 5, "failed": 6, "why": "it hung"}


def test_a_file_that_is_not_what_the_list_says_is_not_used(board: Board) -> None:
    other = {**NEW, "lib/myocan/a.mpy": b"bad a" * 150}
    with pytest.raises(AssertionError, match="file 1 is not what the list says"):
        board.live(listed(NEW), other)
    assert board.runs(board.start()[0]) == OLD
