"""`myocan instance` and `myocan topic`, as people use them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from myocan.tools.demo.hub_process import HubProcess

if TYPE_CHECKING:
    from support.command_line import Myocan

HEATER = """MODULE heater[room]
  SUBSCRIBE wish[room] 0.0
  PUBLIC target[room] 0.0
  ON wish[room]
    THEN target[room] = wish[room]
"""


def test_instances_come_and_go_by_the_command_line(myocan: Myocan, house: Path) -> None:
    (house / "modules" / "heater.scc").write_text(HEATER)
    with HubProcess(house):
        made = myocan("instance", "create", "heater", "bath room", cwd=house)
        assert (made.returncode, made.stdout) == (0, "heater[bath room] created\n"), made.stderr
        again = myocan("instance", "create", "heater", "bath room", "--json", cwd=house)
        assert json.loads(again.stdout)["created"] is False
        assert myocan("send", "heater.wish[bath room]=21.5", cwd=house).returncode == 0
        assert myocan("get", "heater.target[bath room]", cwd=house).stdout == "21.5\n"
        listed = myocan("instance", "list", "heater", cwd=house)
        assert listed.stdout == "heater[bath room]\n"
        dropped = myocan("instance", "drop", "heater", "bath room", cwd=house)
        assert dropped.stdout == "heater[bath room] dropped\n"
        wrong = myocan("instance", "drop", "heater", "bath room", cwd=house)
        assert (wrong.returncode, wrong.stdout) == (3, "")
        assert "heater has no instance 'bath room'" in wrong.stderr
        other = myocan("instance", "create", "nope", "x", cwd=house)
        assert other.returncode == 3
        assert "no module nope runs here; these have instances: heater" in other.stderr
        near = myocan("instance", "create", "heatr", "x", cwd=house)
        assert "no module heatr runs here; did you mean heater?" in near.stderr
    away = myocan("instance", "list", "heater", cwd=house)
    assert away.returncode == 3
    assert "myocan run" in away.stderr
    tail = myocan("tail", "heater", "--no-follow", "--since", "1h", cwd=house).stdout
    assert "heater[bath room] is born" in tail
    assert "heater[bath room] is dropped" in tail
    assert "target[bath room]" not in myocan("get", "heater", "--all", cwd=house).stdout


def test_topics_are_listed_with_who_meets_in_them(myocan: Myocan, house: Path) -> None:
    (house / "modules" / "heater.scc").write_text(HEATER)
    listed = myocan("topic", "list", cwd=house)
    assert listed.returncode == 0, listed.stderr
    assert listed.stdout.splitlines() == [
        "TOPIC                CARRIES    FROM         TO           KEPT",
        "button1.press        event      board porch  switch1      forever",
        "heater.target[room]  0.0        heater       -            forever",
        "heater.wish[room]    0.0        -            heater       forever",
        "lamp1.state          {off, on}  lamp1        board porch  forever",
        "switch1.state        {off, on}  switch1      lamp1        forever",
    ]
    plain = json.loads(myocan("topic", "list", "--json", cwd=house).stdout)
    assert plain[1] == {
        "topic": "heater.target[room]",
        "carries": "0.0",
        "publishers": ["heater"],
        "hearers": [],
        "keep": "forever",
    }
