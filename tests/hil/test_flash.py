"""Flashing writes what changed and nothing else, and never leaves anybody waiting."""

from __future__ import annotations

import os
import pty
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from myocan.tools.adapters import parse_adapter
from myocan.tools.flash import (
    BoardError,
    Mpremote,
    NoAnswer,
    Progress,
    check_board,
    flash,
    look,
    mpremote,
)
from myocan.tools.flash.onboard import MANIFEST
from myocan.tools.vboard import VirtualBoard

MakeBoard = Callable[..., VirtualBoard]


@pytest.fixture
def board(cleared_board: VirtualBoard) -> VirtualBoard:
    return cleared_board


PORCH = """
board = "{kind}"
[ports.button]
kind = "button"
pin = "GP14"
pull = "up"
publish = "button1.press"
[ports.lamp]
kind = "{lamp}"
pin = "GP15"
subscribe = "lamp1.state"
"""


def configuration(kind: str = "unix", lamp: str = "relay", port: int = 1) -> dict[str, Any]:
    adapter = parse_adapter(Path("porch.toml"), PORCH.format(kind=kind, lamp=lamp))
    return adapter.config(f"mqtt://127.0.0.1:{port}")


def test_everything_is_written_once_and_then_only_what_changed(board: VirtualBoard) -> None:
    first = flash(configuration(), board.port)
    assert first.unchanged == first.removed == ()
    assert {"/main.py", "/boot.py", "/config.json", "/lib/myocan/edge/link.mpy"} < set(
        first.written
    )
    assert not [path for path in first.written if "inbox" in path or "hub_" in path]

    second = flash(configuration(), board.port)
    assert second.written == second.removed == ()
    assert set(second.unchanged) == set(first.written)

    third = flash(configuration(port=2), board.port)
    assert third.written == ("/config.json",)
    assert third.config != first.config


def test_what_somebody_changed_on_the_board_is_written_again(board: VirtualBoard) -> None:
    flash(configuration(), board.port)
    (board.files / "main.py").write_text("print('mine')")
    (board.files / "lib/myocan/edge/link.mpy").unlink()
    done = flash(configuration(), board.port)
    assert done.written == ("/lib/myocan/edge/link.mpy", "/main.py")


def test_a_configuration_that_is_none_is_written_again(board: VirtualBoard) -> None:
    flash(configuration(), board.port)
    (board.files / "config.json").write_text("[]")
    (board.files / "lib/myocan/manifest.json").write_text("5")
    assert "/config.json" in flash(configuration(), board.port).written


def test_a_board_that_was_only_looked_at_goes_on_when_somebody_stops_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from myocan.tools.flash import flashing

    ran: list[tuple[str, ...]] = []

    def run(self: Mpremote, *words: str, **options: Any) -> str:
        ran.append(words)
        if words[-1] != "reset":
            raise KeyboardInterrupt
        return ""

    monkeypatch.setattr(Mpremote, "run", run)
    with pytest.raises(KeyboardInterrupt):
        flash(configuration(), "/dev/ttyACM0")
    assert [words[0] for words in ran] == ["exec", "resume"]
    ran.clear()
    monkeypatch.setattr(flashing, "look", lambda board: None)
    monkeypatch.setattr(flashing, "check_board", lambda found, config: None)
    monkeypatch.setattr(flashing, "stage", run)
    with pytest.raises(KeyboardInterrupt):
        flash(configuration(), "/dev/ttyACM0", admit=lambda found: run(None, "admit"))  # type: ignore[arg-type]
    assert ran == [("admit",), ("resume", "reset")]


def test_files_that_are_no_longer_needed_go_and_those_of_others_stay(board: VirtualBoard) -> None:
    flash(configuration(lamp="led"), board.port)
    (board.files / "lib/theirs.py").write_text("")
    assert (board.files / "lib/myocan/edge/ports/led.mpy").exists()
    done = flash(configuration(lamp="relay"), board.port)
    assert done.removed == ("/lib/myocan/edge/ports/led.mpy",)
    assert not (board.files / "lib/myocan/edge/ports/led.mpy").exists()
    assert (board.files / "lib/theirs.py").exists()


def test_a_flashing_that_broke_off_is_made_good_by_the_next(
    board: VirtualBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    flash(configuration(lamp="led"), board.port)
    run = Mpremote.run

    def break_off(self: Mpremote, *words: str, **options: Any) -> str:
        if "--force" in words:  # the cable comes off after the first file
            words = words[: words.index("+", words.index("--force"))]
            run(self, *words, **options)
            raise BoardError("the cable came off")
        return run(self, *words, **options)

    monkeypatch.setattr(Mpremote, "run", break_off)
    with pytest.raises(BoardError, match="came off"):
        flash(configuration(port=2), board.port, everything=True)
    monkeypatch.undo()
    done = flash(configuration(), board.port)
    assert "/config.json" in done.written
    assert "/lib/myocan/edge/ports/led.mpy" in done.removed
    assert flash(configuration(), board.port).written == ()


def test_progress_is_told_from_the_first_look_to_the_end(board: VirtualBoard) -> None:
    told: list[Progress] = []
    done = flash(configuration(), board.port, progress=told.append, online=lambda seconds: True)
    assert list(dict.fromkeys(each.step for each in told)) == [
        *("look", "compile", "write", "reset", "online")
    ]
    writing = [each for each in told if each.step == "write"]
    assert [each.done for each in writing] == list(range(len(done.written) + 1))
    assert {each.text for each in writing[:-1]} == set(done.written)
    assert done.online is True


def test_the_board_starts_anew_even_if_nothing_was_written(board: VirtualBoard) -> None:
    flash(configuration(), board.port)
    before = board.boots
    flash(configuration(), board.port)
    board.wait_started(before + 1)
    board.wait("GP15", 0)


def test_a_board_whose_adapter_runs_is_flashed_like_any_other(board: VirtualBoard) -> None:
    flash(configuration(), board.port)
    board.wait("GP15", 0)  # it runs, with its watchdog on
    assert flash(configuration(port=2), board.port).written == ("/config.json",)
    board.wait("GP15", 0)


def test_a_flash_chip_is_written_like_a_folder(make_board: MakeBoard) -> None:
    board = make_board(flash=512 * 1024)
    assert flash(configuration(), board.port).written
    assert flash(configuration(), board.port).written == ()


def test_a_board_without_room_is_told_before_anything_is_written(make_board: MakeBoard) -> None:
    board = make_board(flash=64 * 1024)
    with pytest.raises(BoardError, match=r"the board has \d+ KiB left .* KiB are needed"):
        flash(configuration(), board.port)
    assert look(Mpremote(board.port)).files == {}


def test_an_adapter_for_another_kind_of_board_is_refused(board: VirtualBoard) -> None:
    with pytest.raises(BoardError) as caught:
        flash(configuration("pico-w"), board.port)
    assert str(caught.value).startswith("porch is for a Raspberry Pi Pico W, but this is a Virtual")
    assert 'write board = "unix"' in str(caught.value)
    assert not (board.files / "main.py").exists()


def test_a_virtual_board_stands_for_the_kind_that_it_is_told_to(make_board: MakeBoard) -> None:
    board = make_board(kind="pico-w")
    assert flash(configuration("pico-w"), board.port).written
    board.wait("GP15", 0)
    before, dark = board.boots, time.monotonic_ns()
    with pytest.raises(BoardError, match="but this is a Raspberry Pi Pico W"):
        flash(configuration("unix"), board.port)
    board.wait_started(before + 1)
    board.wait("GP15", 0, after=dark)  # it goes on with what it has


def test_what_a_real_board_could_not_run_with_is_told(board: VirtualBoard) -> None:
    from dataclasses import replace

    from myocan.tools.board_kinds import BoardKind

    found = look(Mpremote(board.port))
    assert found.simulated
    assert found.identity == b"porch".hex()
    real = replace(found, simulated=False, kind=BoardKind.load("pico-w"))
    config = configuration("pico-w")
    with pytest.raises(BoardError, match="needs a WiFi network"):
        check_board(real, config)
    for wifi, wrong in [
        (["cottage", "..."], "of the WiFi network cottage has 3 characters"),
        (["cottage", "x" * 64], "64 hexadecimal digits"),
        (["ä" * 17, "password"], "it has 34 bytes, and 32 is the most"),
    ]:
        config["wifi"] = [["guests", ""], wifi]
        with pytest.raises(BoardError, match=wrong):
            check_board(real, config)
    config["wifi"] = [["net", "password"], ["ä" * 16, "0f" * 32], ["guests", "", ["192.168.1.2"]]]
    with pytest.raises(BoardError, match="means the board itself"):
        check_board(real, config)
    config["broker"]["host"] = "hub.local"
    check_board(real, config)
    with pytest.raises(BoardError, match=r"has MicroPython 1\.18\.0, which is too old"):
        check_board(replace(real, version=(1, 18, 0)), config)
    check_board(replace(real, version=(1, 21, 0)), config)
    config["broker"]["tls"] = True
    check_board(replace(real, version=(1, 22, 0)), config)
    with pytest.raises(BoardError, match=r"1\.21\.0, which cannot tell .* 1\.22 or newer"):
        check_board(replace(real, version=(1, 21, 0)), config)
    with pytest.raises(BoardError, match="something that no board file describes"):
        check_board(replace(real, kind=None), config)


def test_a_port_that_is_not_there_is_told_at_once() -> None:
    with pytest.raises(BoardError, match="no port /dev/nowhere: is the board plugged in"):
        flash(configuration(), "/dev/nowhere")


@pytest.fixture
def silent_port() -> Iterator[str]:
    """A serial port at which nothing ever answers."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    try:
        yield os.ttyname(slave)
    finally:
        os.close(slave)
        os.close(master)


@pytest.mark.parametrize("way", ["by name", "through a link"])
def test_a_dead_port_is_given_up_within_the_time_promised(
    silent_port: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from myocan.tools.flash import flashing

    assert (
        flashing.LOOK_S + flashing.LOOK_AGAIN_S < 12
    )  # a command takes 15 s in all, with its start
    monkeypatch.setattr(flashing, "LOOK_S", 1.0)
    monkeypatch.setattr(flashing, "LOOK_AGAIN_S", 1.0)
    port = silent_port
    if way == "through a link":
        port = str(tmp_path / "tty")
        os.symlink(silent_port, port)
    with pytest.raises(NoAnswer, match=r"within \d s.* Press its reset button|put MicroPython"):
        flash(configuration(), port)


def test_a_board_that_swallows_the_first_interruption_is_asked_again(
    board: VirtualBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    from myocan.tools.flash.mpremote import Mpremote

    asked = Mpremote.run
    silent = [True]

    def run(self: Mpremote, *words: str, **options: Any) -> str:
        if silent.pop() if silent else False:
            raise NoAnswer("nothing answered")
        return asked(self, *words, **options)

    monkeypatch.setattr(Mpremote, "run", run)
    assert flash(configuration(lamp="led"), board.port).written
    assert not silent


def test_a_board_that_hangs_in_the_middle_is_given_up(
    board: VirtualBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    from myocan.tools.flash import flashing

    def pull_the_plug(progress: Progress) -> None:
        if progress.step == "write" and progress.done == 3:
            board.power_off()

    monkeypatch.setattr(flashing, "WRITE_S", 1.0)
    monkeypatch.setattr(flashing, "BYTES_PER_S", 100_000)
    with pytest.raises(BoardError):
        flash(configuration(), board.port, progress=pull_the_plug)
    board.power_on()
    monkeypatch.undo()
    flash(configuration(), board.port)
    board.wait("GP15", 0)


def test_a_port_that_somebody_else_uses_is_told(
    board: VirtualBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    with open(board.port, "rb+", buffering=0) as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BoardError, match="close whatever else uses it"):
            flash(configuration(), board.port)


def test_without_mpremote_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mpremote, "find_spec", lambda name: None)
    with pytest.raises(BoardError, match=r"pip install 'myocan\[flash\]'"):
        Mpremote("/dev/ttyACM0")


def test_a_folder_where_a_file_has_to_be_is_told(board: VirtualBoard) -> None:
    Mpremote(board.port).run("exec", "import os; os.mkdir('/config.json')", timeout=20)
    with pytest.raises(BoardError, match=r"has a folder /config\.json where .* rm -r :/config"):
        flash(configuration(), board.port)


def test_the_list_of_our_files_is_on_the_board(board: VirtualBoard) -> None:
    done = flash(configuration(), board.port)
    assert (board.files / MANIFEST[1:]).is_file()
    assert set(look(Mpremote(board.port)).files) == set(done.written)
