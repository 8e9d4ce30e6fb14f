"""`myocan store`, as somebody uses it who looks after a house."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from myocan.tools.demo.hub_process import HubProcess
from support.command_line import make_house, run_myocan

if TYPE_CHECKING:
    from support.command_line import Myocan


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house in which a button was pressed, and whose store was looked at while its hub ran."""
    house = make_house(tmp_path_factory.mktemp("past") / "house")
    with HubProcess(house):
        for _ in range(3):
            assert run_myocan("send", "button1.press", cwd=house).returncode == 0
        verified = run_myocan("store", "verify", cwd=house)
        assert (verified.returncode, verified.stderr) == (0, "")
        assert run_myocan("store", "export", "running.jsonl", cwd=house).returncode == 0
        refused = run_myocan("store", "compact", cwd=house)
        assert refused.returncode == 3
        assert "stop that hub first" in refused.stderr
    return house


@pytest.fixture
def house(past: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(past, tmp_path / "copy")


def test_info_tells_what_is_in_there(myocan: Myocan, past: Path) -> None:
    told = myocan("store", "info", cwd=past)
    assert told.returncode == 0, told.stderr
    assert "live: " in told.stdout
    assert "board send-" in told.stdout
    assert "started 1 time" in told.stdout
    plain = json.loads(myocan("store", "info", "--json", cwd=past).stdout)
    assert plain["incarnation"] == 1
    assert plain["modes"][0]["positions"][0]["last"] == 1
    assert any(topic["module"] == "lamp1" for topic in plain["largest"])


def test_verify_finds_a_house_sound_and_equal(myocan: Myocan, past: Path) -> None:
    told = myocan("store", "verify", "--replay", cwd=past)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.splitlines()[-1] == "sound"
    plain = json.loads(myocan("store", "verify", "--json", cwd=past).stdout)
    assert plain["sound"] is True
    assert plain["modes"][0]["exact_after"] == 0


def test_a_house_moves_and_its_hub_goes_on(myocan: Myocan, house: Path) -> None:
    count = json.loads(myocan("get", "--json", cwd=house).stdout)
    exported = myocan("store", "export", "moved.jsonl", cwd=house)
    assert exported.returncode == 0, exported.stderr
    shutil.rmtree(house / ".myocan")
    imported = myocan("store", "import", "moved.jsonl", cwd=house)
    assert imported.returncode == 0, imported.stderr
    assert "goes on with it" in imported.stdout
    assert json.loads(myocan("get", "--json", cwd=house).stdout) == count
    with HubProcess(house):
        assert myocan("send", "button1.press", cwd=house).returncode == 0
    told = myocan("store", "verify", "--replay", cwd=house)
    assert told.stdout.splitlines()[-1] == "sound", told.stdout
    lamp = json.loads(myocan("get", "lamp1.state", "--json", cwd=house).stdout)
    assert lamp == {"lamp1.state": "off"}
    info = json.loads(myocan("store", "info", "--json", cwd=house).stdout)
    assert info["incarnation"] == 2
    assert info["origin"]


def test_what_a_running_hub_gave_can_be_imported(myocan: Myocan, past: Path, house: Path) -> None:
    other = house / "other.sqlite"
    done = myocan("store", "import", "running.jsonl", "--store", str(other), "--json", cwd=house)
    assert json.loads(done.stdout)["problems"] == []
    assert myocan("store", "verify", "--store", str(other), cwd=house).returncode == 0


def test_nothing_is_overwritten(myocan: Myocan, house: Path) -> None:
    refused = myocan("store", "export", "running.jsonl", cwd=house)
    assert refused.returncode == 3
    assert "give another name" in refused.stderr
    refused = myocan("store", "import", "running.jsonl", cwd=house)
    assert refused.returncode == 3
    assert "replaces nothing" in refused.stderr


def test_compact_says_what_it_saved(myocan: Myocan, house: Path) -> None:
    told = myocan("store", "compact", cwd=house)
    assert told.returncode == 0, told.stderr
    assert "before" in told.stdout
    plain = json.loads(myocan("store", "compact", "--json", cwd=house).stdout)
    assert plain["before"] == plain["after"]


def test_a_damaged_store_is_told_with_what_to_do(myocan: Myocan, house: Path) -> None:
    path = house / ".myocan" / "store.sqlite"
    content = bytearray(path.read_bytes())
    content[-3000:-2000] = b"\xff" * 1000
    path.write_bytes(content)
    told = myocan("store", "verify", cwd=house)
    assert told.returncode == 1
    assert "myocan store export saved.jsonl" in told.stdout
    saved = myocan("store", "export", "saved.jsonl", cwd=house)
    assert saved.returncode == 1
    assert "what could be read was saved" in saved.stderr
    done = myocan("store", "import", "saved.jsonl", "--store", "saved.sqlite", cwd=house)
    assert done.returncode == 0, done.stderr
    path.write_bytes(b"nonsense" * 1000)
    for command in ("verify", "info", "compact"):
        told = myocan("store", command, cwd=house)
        assert told.returncode == 3
        assert told.stderr.startswith("myocan: ")


def test_an_output_that_takes_nothing_is_told(house: Path) -> None:
    command = [sys.executable, "-m", "myocan.tools.cli", "store", "export", "-"]
    with open("/dev/full", "wb") as full:
        told = subprocess.run(
            command, cwd=house, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert told.returncode == 3
    assert told.stderr.splitlines()[-1].startswith("myocan: the output cannot be written (No space")


def test_a_place_that_cannot_be_written_is_told(myocan: Myocan, house: Path) -> None:
    told = myocan("store", "export", "nowhere/saved.jsonl", cwd=house)
    assert told.returncode == 3
    assert "nowhere/saved.jsonl cannot be written" in told.stderr


def test_a_file_that_is_not_there_is_told(myocan: Myocan, house: Path) -> None:
    told = myocan("store", "import", "nothing.jsonl", "--store", "new.sqlite", cwd=house)
    assert told.returncode == 3
    assert "No such file" in told.stderr
    assert not (house / "new.sqlite").exists()


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (("store", "verify"), "folder"),
        (("store", "export", "-"), "file/store.sqlite"),
        (("store", "compact"), "folder"),
        (("mode", "list"), "folder"),
        (("run",), "folder"),
        (("run",), "file/store.sqlite"),
    ],
)
def test_a_place_where_no_store_can_be_is_told_by_every_command(
    myocan: Myocan, tmp_path: Path, words: tuple[str, ...], place: str
) -> None:
    house = make_house(tmp_path / "house")
    (house / "folder").mkdir()
    (house / "file").write_text("no store\n")
    settings = house / "myocan.toml"
    settings.write_text(settings.read_text() + f'\n[store]\npath = "{place}"\n')
    refused = myocan(*words, cwd=house)
    assert (refused.returncode, refused.stdout) == (3, "")
    assert "is a folder, not a store" in refused.stderr or "is a file, not a folder" in (
        refused.stderr
    )
    assert "with --store, or as path under [store] in myocan.toml" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert sorted(path.name for path in house.glob("f*")) == ["file", "folder"]
    assert not list((house / "folder").iterdir())
