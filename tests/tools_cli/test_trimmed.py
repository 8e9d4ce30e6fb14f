"""What a person sees of a log that does not keep everything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from myocan.hub.retention import FOREVER, Keep
from myocan.hub.store import Reader, Store
from myocan.tools.demo.hub_process import HubProcess
from support.command_line import make_house, run_myocan

if TYPE_CHECKING:
    from support.command_line import Myocan

HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def trimmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house whose lamp was switched, and whose presses were not kept."""
    house = make_house(tmp_path_factory.mktemp("trimmed") / "house")
    with HubProcess(house):
        for _ in range(2):
            assert run_myocan("send", "button1.press", cwd=house).returncode == 0
        used = run_myocan("topic", "drop", "button1.press", cwd=house)
        assert used.returncode == 3
        assert "module switch1 uses button1.press; take it out of its rules" in used.stderr
        unknown = run_myocan("topic", "drop", "camera.image", cwd=house)
        assert "nothing of camera.image" in unknown.stderr
    with HubProcess(house):
        pass  # two checkpoints at two times
    path = house / ".myocan" / "store.sqlite"
    with Reader(path) as reader:
        last_ms = max(message.time_ms for message in reader.messages())

    def keep_of(_module: str, variable: str) -> Keep:
        return FOREVER if variable == "%%code%%" else Keep("an hour", age_ms=HOUR_MS)

    with Store.open(path) as store:
        trimmer = store.trimmer("live", keep_of)
        trimmer.begin(last_ms + 2 * HOUR_MS)
        while trimmer.step():
            pass
        assert trimmer.removed > 0
    return house


def test_why_says_where_the_log_was_trimmed(myocan: Myocan, trimmed: Path) -> None:
    listed = json.loads(myocan("mode", "list", "--json", cwd=trimmed).stdout)
    with Reader(trimmed / ".myocan" / "store.sqlite") as reader:
        assert listed[0]["messages"] == len(list(reader.messages())) < reader.newest()
    told = myocan("why", "lamp1.state", cwd=trimmed)
    assert told.returncode == 0, told.stderr
    assert "the log was trimmed here" in told.stdout or "from send-" in told.stdout
    with Reader(trimmed / ".myocan" / "store.sqlite") as reader:
        there = {message.offset for message in reader.messages()}
        missing = next(offset for offset in range(1, reader.trimmed()) if offset not in there)
    gone = myocan("why", f"#{missing}", cwd=trimmed)
    assert gone.returncode == 1
    assert "was not kept so long" in gone.stdout
    never = myocan("why", "lamp1.nothing", cwd=trimmed)
    assert "it was trimmed" in never.stdout


def test_replay_starts_where_the_log_is_whole(myocan: Myocan, trimmed: Path) -> None:
    told = myocan("replay", cwd=trimmed)
    assert told.returncode == 0, told.stdout
    assert "all equal" in told.stdout
    assert "the log was trimmed up to #" in told.stderr
    early = myocan("replay", "--from", "2001-01-01", cwd=trimmed)
    assert early.returncode == 3
    assert "the log was trimmed here" in early.stderr


def test_the_list_of_topics_says_how_long_each_is_kept(myocan: Myocan, tmp_path: Path) -> None:
    house = make_house(tmp_path / "house")
    with (house / "myocan.toml").open("a") as file:
        file.write('\n[retention]\nbutton1.press = "2 weeks"\n"lamp1.*" = "1 GB"\n')
    listed = json.loads(myocan("topic", "list", "--json", cwd=house).stdout)
    kept = {one["topic"]: one["keep"] for one in listed}
    assert kept["button1.press"] == "2 weeks"
    assert kept["lamp1.state"] == "1 GB"
    assert kept["switch1.state"] == "forever"
