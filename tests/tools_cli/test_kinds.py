"""`myocan board`: from what there is to a board of one's own."""

from __future__ import annotations

import errno
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.command_line import Myocan


@pytest.mark.parametrize("kind", ["esp8266", "pico-w"])
def test_a_new_board_of_a_kind_is_right_as_it_is_written(
    myocan: Myocan, house: Path, kind: str
) -> None:
    made = myocan("board", "new", "back-door", "--board", kind, cwd=house)
    assert made.returncode == 0, made.stderr
    assert "adapters/back-door.toml" in made.stdout
    text = (house / "adapters" / "back-door.toml").read_text()
    assert 'publish = "back_door.press"' in text
    checked = myocan("check", cwd=house)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    listed = json.loads(myocan("board", "list", "--json", cwd=house).stdout)
    assert {"name": "back-door", "kind": kind, "ports": 1} in listed["boards"]


def test_boards_are_shown_with_and_without_a_house(myocan: Myocan, tmp_path: Path) -> None:
    listed = myocan("board", "list", cwd=tmp_path)
    assert listed.returncode == 0
    assert "pico-w" in listed.stdout
    assert "In this house" not in listed.stdout
    shown = myocan("board", "show", "pico-w", cwd=tmp_path)
    assert "GP15 ┤ 20    21 ├ GP16" in shown.stdout
    facts = json.loads(myocan("board", "show", "esp8266", "--json", cwd=tmp_path).stdout)
    assert facts["tls"] is False


def test_a_new_board_takes_the_place_of_the_example_while_nobody_has_changed_it(
    myocan: Myocan, house: Path
) -> None:
    words = ("board", "new", "porch", "--board", "pico-w")
    assert myocan(*words, cwd=house).returncode == 0
    assert 'board = "pico-w"' in (house / "adapters/porch.toml").read_text()
    again = myocan(*words, cwd=house)
    assert (again.returncode, "is there already" in again.stderr) == (3, True)


def test_what_cannot_be_is_told(myocan: Myocan, house: Path) -> None:
    with (house / "adapters/porch.toml").open("a") as file:
        file.write("# mine\n")
    for words, code, text in (
        (("board", "show", "pico"), 3, "did you mean 'pico-w'"),
        (("board", "new", "x", "--board", "pico"), 3, "did you mean 'pico-w'"),
        (("board", "new", "a/b", "--board", "pico-w"), 2, "cannot be a board"),
        (("board", "new", "porch", "--board", "pico-w"), 3, "is there already"),
        (("board", "new", "attic.toml", "--board", "pico-w"), 2, "myocan board new attic"),
        (("board", "new", "porch"), 2, "--board"),
    ):
        done = myocan(*words, cwd=house)
        said = " ".join(done.stderr.replace("│", " ").split())
        assert (done.returncode, done.stdout) == (code, ""), words
        assert text in said, words


def test_a_disk_that_is_full_is_told_and_leaves_no_half_of_a_file(
    house: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from myocan.tools.cli import main

    def fill(path: Path, *_: object, **__: object) -> None:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.chdir(house)
    monkeypatch.setattr(Path, "write_text", fill)
    monkeypatch.setattr(sys, "argv", ["myocan", "board", "new", "attic", "--board", "pico-w"])
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # which `main` takes for itself
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 3
    assert "No space left on device: make room, and do it again" in capsys.readouterr().err
    assert [file.name for file in (house / "adapters").iterdir()] == ["porch.toml"]
