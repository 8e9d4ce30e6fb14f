"""`myocan fmt` changes how rules look, says what it did, and harms no file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from myocan.tools.replacing import replace_file

if TYPE_CHECKING:
    from support.command_line import Myocan

UNTIDY = "module lamp1\n  private x 0 // it\n\n\n  when x>1\n  then x=0"
TIDY = "MODULE lamp1\n    PRIVATE x 0  // it\n\n    WHEN x > 1\n        THEN x = 0\n"
BROKEN = "module lamp1\nwhen x >\n"


def test_the_rules_of_a_house_are_formatted(myocan: Myocan, house: Path) -> None:
    again = myocan("fmt", cwd=house)
    assert (again.returncode, again.stdout) == (0, "")
    assert again.stderr == "3 files as it should be\n"
    (house / "modules" / "lamp1.scc").write_text(UNTIDY)
    done = myocan("fmt", cwd=house)
    assert (done.returncode, done.stdout) == (0, "modules/lamp1.scc\n")
    assert done.stderr == "1 file formatted, 2 files as it should be\n"
    assert (house / "modules" / "lamp1.scc").read_text() == TIDY
    assert sorted(path.name for path in (house / "modules").iterdir()) == [
        "lamp1.scc",
        "lamp1.scenario",
        "switch1.scc",
    ]


def test_scenarios_are_formatted_like_modules(myocan: Myocan, house: Path) -> None:
    (house / "modules" / "x.scenario").write_text("SCENARIO x\nsend button1 . press\n")
    done = myocan("fmt", cwd=house)
    assert (done.returncode, done.stdout) == (0, "modules/x.scenario\n")
    file = house / "modules" / "x.scenario"
    assert file.read_text() == "SCENARIO x\n  SEND button1.press\n"
    file.write_text("SCENARIO x\nsent button1.press\n")
    done = myocan("fmt", "modules/x.scenario", cwd=house)
    assert done.returncode == 1
    assert "x.scenario:2:1: a line of a scenario does not start with 'sent'" in done.stderr


def test_check_and_diff_write_nothing(myocan: Myocan, tmp_path: Path) -> None:
    file = tmp_path / "lamp1.scc"
    file.write_text(UNTIDY)
    checked = myocan("fmt", "--check", "lamp1.scc", cwd=tmp_path)
    assert (checked.returncode, checked.stdout) == (1, "lamp1.scc is to be formatted\n")
    shown = myocan("fmt", "--diff", "lamp1.scc", cwd=tmp_path)
    assert shown.returncode == 0
    assert "\n-  when x>1\n" in shown.stdout
    assert "\n+    WHEN x > 1\n" in shown.stdout
    assert myocan("fmt", "--check", "--diff", "lamp1.scc", cwd=tmp_path).returncode == 1
    assert file.read_text() == UNTIDY
    file.write_text(TIDY)
    assert myocan("fmt", "--check", "lamp1.scc", cwd=tmp_path).returncode == 0
    assert myocan("fmt", "--diff", "lamp1.scc", cwd=tmp_path).stdout == ""


def test_what_cannot_be_understood_is_left_as_it_is(myocan: Myocan, house: Path) -> None:
    (house / "modules" / "lamp1.scc").write_text(BROKEN)
    (house / "modules" / "other.scc").write_text(UNTIDY)
    done = myocan("fmt", cwd=house)
    assert done.returncode == 1
    assert "modules/lamp1.scc:2:" in done.stderr
    assert "\nwhen x >\n" in done.stderr
    assert done.stderr.endswith("1 file formatted, 2 files as it should be, 1 file with mistakes\n")
    assert (house / "modules" / "lamp1.scc").read_text() == BROKEN
    assert (house / "modules" / "other.scc").read_text() == TIDY


@pytest.mark.parametrize(
    ("args", "text", "code", "out", "said"),
    [
        (["-"], UNTIDY, 0, TIDY, ""),
        (["-"], "scenario a  b\n clock 2027-06-01", 0, "SCENARIO a b\n  CLOCK 2027-06-01\n", ""),
        (["-"], BROKEN, 1, BROKEN, "standard input:2:"),
        (["-", "--check"], UNTIDY, 1, "", ""),
        (["-", "--check"], TIDY, 0, "", ""),
        (["-", "--diff"], BROKEN, 1, "", "standard input:2:"),
    ],
)
def test_standard_input_goes_through(
    tmp_path: Path, args: list[str], text: str, code: int, out: str, said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "myocan.tools.cli", "fmt", *args],
        input=text.encode(),
        cwd=tmp_path,
        capture_output=True,
        timeout=300,
    )
    assert (done.returncode, done.stdout.decode()) == (code, out)
    assert done.stderr.decode().startswith(said)


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["notes.txt"], 2, "neither rules (.scc)"),
        (["-", "lamp1.scc"], 2, "- stands alone"),
        (["missing.scc"], 3, "missing.scc cannot be read"),
        (["."], 3, "is no house"),
    ],
)
def test_what_holds_no_rules_is_refused(
    myocan: Myocan, tmp_path: Path, args: list[str], code: int, said: str
) -> None:
    done = myocan("fmt", *args, cwd=tmp_path)
    assert done.returncode == code
    assert said in " ".join(done.stderr.split())


def test_a_replaced_file_keeps_its_rights_and_its_links(tmp_path: Path) -> None:
    file, link = tmp_path / "lamp1.scc", tmp_path / "link.scc"
    file.write_text(UNTIDY)
    file.chmod(0o640)
    link.symlink_to(file)
    replace_file(link, b"new")
    assert link.is_symlink()
    assert file.read_bytes() == b"new"
    assert file.stat().st_mode & 0o7777 == 0o640
    assert len(list(tmp_path.iterdir())) == 2


def test_a_replacement_that_fails_leaves_the_old_content_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    file = tmp_path / "lamp1.scc"
    file.write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_file(file, b"new")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]
