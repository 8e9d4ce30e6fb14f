"""`myocan init` makes a house that is right; `myocan check` finds what is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from myocan.hub.house import House
from myocan.tools.house_check import check_house

if TYPE_CHECKING:
    from support.command_line import Myocan


def test_a_new_house_is_found_right(myocan: Myocan, tmp_path: Path) -> None:
    made = myocan(
        "init", "cottage", "--domain", "cottage", "--timezone", "Asia/Tokyo", cwd=tmp_path
    )
    assert made.returncode == 0, made.stderr
    house = House.load(tmp_path / "cottage")
    assert (house.domain, house.timezone) == ("cottage", "Asia/Tokyo")
    checked = myocan("check", "cottage", cwd=tmp_path)
    assert (checked.returncode, checked.stdout) == (0, "2 modules, 1 adapter: nothing wrong\n")


def test_init_lists_its_files_as_json(myocan: Myocan, tmp_path: Path) -> None:
    made = json.loads(myocan("init", "--json", cwd=tmp_path).stdout)
    assert made["house"] == str(tmp_path)
    assert "modules/lamp1.scc" in made["files"]


def test_a_folder_that_cannot_be_written_is_said_without_a_traceback(
    myocan: Myocan, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    made = myocan("init", "file/house", cwd=tmp_path)
    assert made.returncode == 3
    assert "file/house" in made.stderr
    assert "Traceback" not in made.stderr


@pytest.mark.parametrize("taken", ["myocan.toml", "modules/lamp1.scc"])
def test_init_writes_nothing_over_what_is_there(myocan: Myocan, tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).parent.mkdir(exist_ok=True)
    (tmp_path / taken).write_text("mine")
    made = myocan("init", cwd=tmp_path)
    assert made.returncode == 3
    assert "nothing was written" in made.stderr
    assert (tmp_path / taken).read_text() == "mine"
    assert not (tmp_path / "adapters").exists()


@pytest.mark.parametrize("option", [("--domain", "a/b"), ("--timezone", "Mars/Olympus")])
def test_init_refuses_settings_that_cannot_be(
    myocan: Myocan, tmp_path: Path, option: tuple[str, str]
) -> None:
    made = myocan("init", *option, cwd=tmp_path)
    assert made.returncode == 2
    assert not (tmp_path / "myocan.toml").exists()


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "modules/lamp1.scc",
            "state.on\n",
            "state.onn\n",
            "modules/lamp1.scc:6:22: 'onn' is not one of {off, on}; did you mean 'on'?\n"
            "    ON switch1.state.onn\n"
            "                     ^\n",
        ),
        (
            "modules/lamp1.scc",
            "SUBSCRIBE switch1.state {off, on}",
            "SUBSCRIBE switch1.state {on}",
            "modules/lamp1.scc:",
        ),
        (
            "adapters/porch.toml",
            "lamp1.state",
            "lamp1.stat",
            "porch.toml:17: port lamp takes lamp1.stat, which nobody publishes; "
            "did you mean 'lamp1.state'?",
        ),
        (
            "adapters/porch.toml",
            'safe = "off"\nsubscribe = "lamp1.state"\nmap = { on = 1, off = 0 }',
            'safe = "shut"\nsubscribe = "lamp1.state"\nmap = { on = 1, shut = 0 }',
            "porch.toml:17: lamp1.state can be off, for which port lamp has no level; "
            "it knows on, shut",
        ),
        ("adapters/porch.toml", "debounce_ms = 20", f"debounce_ms = {'9' * 5000}", "many digits"),
        ("adapters/porch.toml", "GP14", "GP99", "porch.toml:8: "),
        ("adapters/porch.toml", 'board = "unix"', 'board = "pico-v"', "did you mean 'pico-w'?"),
        ("adapters/porch.toml", 'board = "unix"', "board = [", "porch.toml:"),
    ],
)
def test_a_mistake_is_shown_where_it_is_with_the_likely_fix(
    house: Path, monkeypatch: pytest.MonkeyPatch, file: str, old: str, new: str, said: str
) -> None:
    text = (house / file).read_text()
    assert old in text
    (house / file).write_text(text.replace(old, new))
    monkeypatch.chdir(house)
    findings = check_house(House.load(house))
    errors = [finding for finding in findings if finding.severity == "error"]
    assert said in "\n".join(finding.shown for finding in errors) + "\n"
    assert len(errors) == 1, "one mistake is told once"


def test_a_mistake_is_the_answer_no_and_is_counted(myocan: Myocan, house: Path) -> None:
    (house / "modules" / "lamp1.scc").write_text(
        "MODULE lamp1\n  PUBLIC state {off,on}\n  ON x\n  THEN state.on\n"
    )
    checked = myocan("check", cwd=house)
    assert checked.returncode == 1
    assert checked.stdout.startswith("modules/lamp1.scc:3:6: ")
    assert "\n  ON x\n     ^\n" in checked.stdout
    assert "error" in checked.stdout.splitlines()[-1]


def test_what_nobody_sends_is_a_warning_and_no_failure(myocan: Myocan, house: Path) -> None:
    (house / "adapters" / "porch.toml").unlink()
    checked = myocan("check", cwd=house)
    assert checked.returncode == 0
    assert "warning: nobody publishes 'button1.press'" in checked.stdout
    assert checked.stdout.endswith("2 modules: 1 warning\n")


def test_a_sunset_of_a_house_that_is_nowhere_is_a_warning(myocan: Myocan, house: Path) -> None:
    text = "MODULE dusk\nPUBLIC light {off, on}\nAT sunset\n  THEN light.on\n"
    (house / "modules" / "dusk.scc").write_text(text)
    checked = myocan("check", cwd=house)
    assert checked.returncode == 0
    assert "modules/dusk.scc:3:1: warning: sunset is never due" in checked.stdout
    assert "[location]" in checked.stdout


def test_findings_come_as_json(myocan: Myocan, house: Path) -> None:
    (house / "modules" / "lamp1.scc").write_text("MODULE lamp1\n  PUBLIK x\n")
    checked = myocan("check", "--json", cwd=house)
    assert checked.returncode == 1
    found = json.loads(checked.stdout)
    assert found["errors"] == len(found["findings"]) > 0
    assert found["findings"][0]["file"] == "modules/lamp1.scc"
    assert found["findings"][0]["line"] == 2


def test_one_file_is_checked_within_its_house(myocan: Myocan, house: Path) -> None:
    (house / "modules" / "switch1.scc").write_text("MODULE switch1\n  PUBLIK x\n")
    assert myocan("check", "modules/lamp1.scc", cwd=house).returncode == 0
    assert myocan("check", "modules/switch1.scc", cwd=house).returncode == 1


def test_files_outside_of_a_house_are_checked_by_themselves(myocan: Myocan, tmp_path: Path) -> None:
    (tmp_path / "lamp.scc").write_text("MODULE lamp\n  PUBLIC state {off,on}\n")
    (tmp_path / "porch.toml").write_text('board = "unix"\n')
    (tmp_path / "notes.txt").write_text("")
    assert myocan("check", "lamp.scc", cwd=tmp_path).returncode == 0
    assert myocan("check", "lamp.scc", "porch.toml", cwd=tmp_path).returncode == 1
    assert myocan("check", "notes.txt", cwd=tmp_path).returncode == 2
    assert myocan("check", "missing.scc", cwd=tmp_path).returncode == 3


def test_a_broken_configuration_is_told_with_file_and_key(myocan: Myocan, house: Path) -> None:
    (house / "myocan.toml").write_text('domian = "x"')
    checked = myocan("check", cwd=house)
    assert checked.returncode == 3
    assert "myocan.toml: domian: unknown key; did you mean 'domain'?" in checked.stderr


def test_an_adapter_that_is_no_text_is_told_and_the_rest_is_checked(
    myocan: Myocan, house: Path
) -> None:
    (house / "adapters" / "photo.toml").write_bytes(b"\x89PNG\r\n\xff\x00")
    (house / "modules" / "lamp1.scc").write_text("MODULE lamp1\n  NONSENSE\n")
    told = myocan("check", cwd=house)
    assert told.returncode == 1
    assert "photo.toml: this is no text; save it as UTF-8" in told.stdout
    assert "lamp1.scc:2" in told.stdout


def test_what_cannot_be_read_is_one_finding_among_others(myocan: Myocan, tmp_path: Path) -> None:
    assert myocan("init", cwd=tmp_path).returncode == 0
    for name in ("adapters/dir.toml", "modules/dir.scc", "modules/dir.scenario", "ports/dir.py"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "adapters" / "gone.toml").symlink_to("nowhere")
    (tmp_path / "ports" / "blorb.py").write_text("\ndef (\n")
    (tmp_path / "adapters" / "wrong.toml").write_text('board = "picow"\n')
    found = {
        Path(each.file).relative_to(tmp_path).as_posix(): each
        for each in check_house(House.load(tmp_path))
        if each.severity == "error"
    }
    unread = [name for name, each in found.items() if "this cannot be read" in each.message]
    assert sorted(unread) == [
        *("adapters/dir.toml", "adapters/gone.toml"),
        *("modules/dir.scc", "modules/dir.scenario", "ports/dir.py"),
    ]
    assert "this is no Python" in found["ports/blorb.py"].message
    assert found["ports/blorb.py"].line == 2
    assert "picow" in found["adapters/wrong.toml"].message


def test_a_board_that_the_broker_would_shut_out_is_told(tmp_path: Path) -> None:
    (tmp_path / "adapters").mkdir()
    for name, kind, pin in (("attic", "esp8266", "D5"), ("porch", "pico-w", "GP14")):
        text = f'board = "{kind}"\n[ports.a]\nkind = "led"\npin = "{pin}"\nsubscribe = "a.b"\n'
        (tmp_path / "adapters" / f"{name}.toml").write_text(text)
    for settings, shut_out in (
        ("tls = true", ["attic"]),
        ('tls = true\nplain = "0.0.0.0:1883"', []),
        ("tls = false", []),
    ):
        (tmp_path / "myocan.toml").write_text(f"[broker]\n{settings}\n")
        found = [each for each in check_house(House.load(tmp_path)) if "encrypt" in each.message]
        assert [Path(each.file).stem for each in found] == shut_out
        assert all("plain = " in each.message for each in found)


def test_a_broken_kind_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "myocan.toml").write_text("")
    for folder in ("ports", "adapters"):
        (tmp_path / folder).mkdir()
    (tmp_path / "ports" / "blorb.py").write_text("def (\n")
    port = 'board = "pico-w"\n[ports.one]\nkind = "blorb"\npin = "GP1"\n'
    (tmp_path / "adapters" / "porch.toml").write_text(port)
    (finding,) = check_house(House.load(tmp_path))
    assert finding.line == 3
