"""`myocan deploy`, as somebody uses it whose house must not stand still."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from myocan.tools.demo.hub_process import HubProcess

if TYPE_CHECKING:
    from support.command_line import Myocan


def lamp_of(house: Path) -> Path:
    return house / "modules" / "lamp1.scc"


def test_rules_are_deployed_looked_at_and_taken_back(myocan: Myocan, house: Path) -> None:
    lamp = lamp_of(house)
    first = lamp.read_text()
    with HubProcess(house):
        assert myocan("send", "button1.press", cwd=house).returncode == 0
        lamp.write_text(first.replace("MODULE lamp1", "MODULE lamp1\n    PRIVATE extra 0"))
        shown = myocan("deploy", "--diff", cwd=house)
        assert shown.returncode == 1
        assert "+    PRIVATE extra 0" in shown.stdout
        assert "lamp1, changed: switch1.state, state kept; extra new" in shown.stdout
        dry = myocan("deploy", str(house), "--dry-run", cwd=house.parent)
        assert (dry.returncode, dry.stdout.splitlines()[-1]) == (
            0,
            "would be deployed: lamp1 changed",
        )
        done = myocan("deploy", str(house), "--json", cwd=house.parent)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert (told["deployed"], told["modules"]) == (True, {"lamp1": "changed"})
        assert myocan("get", "lamp1.state", cwd=house).stdout == "on\n"

        lamp.write_text(first.replace("THEN state = on", "THEN state = off"))
        refused = myocan("deploy", cwd=house)
        assert refused.returncode == 1
        assert "FAILED  a press of the button lights the lamp" in refused.stdout
        assert "--force deploys all the same" in refused.stderr
        forced = myocan("deploy", "--force", cwd=house)
        assert forced.returncode == 0, forced.stderr
        assert "though these failed: a press of the button lights the lamp" in forced.stdout
        back = myocan("deploy", "rollback", cwd=house)
        assert back.returncode == 0, back.stderr
        assert f"back to: #{told['offset']}" in back.stdout
        assert "the files in modules/ stay as they are" in back.stderr
    history = myocan("deploy", "history", cwd=house)
    lines = history.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["3", "2", "1", "0"]
    assert "start by" in lines[0]
    assert "; forced though these failed: a press of the button lights the lamp" in lines[2]
    assert re.search(rf"rollback to #{told['offset']} by \w+: lamp1 changed", lines[3])
    plain = json.loads(myocan("deploy", "history", "--json", cwd=house).stdout)
    assert [(one["back"], one["by"], one["forced"]) for one in plain] == [
        (3, "start", False),
        (2, "deploy", False),
        (1, "deploy", True),
        (0, "rollback", False),
    ]


def test_mistakes_are_shown_as_check_shows_them_and_no_force_helps(
    myocan: Myocan, house: Path
) -> None:
    lamp = lamp_of(house)
    lamp.write_text(lamp.read_text().replace("THEN state = on", "THEN state = onn"))
    refused = myocan("deploy", "--force", cwd=house)
    assert refused.returncode == 1
    assert "lamp1.scc:7:22: 'onn' is not one of {off, on}; did you mean 'on'?" in refused.stdout
    assert refused.stderr == "not deployed: the rules have mistakes\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["deploy"], 3, "myocan run"),
        (["deploy", "--module", "lmap1"], 3, "there is no module lmap1; did you mean lamp1?"),
        (["deploy", "--from", "1h"], 2, "add --history"),
        (["deploy", "rollback"], 3, "there is no store yet"),
    ],
)
def test_what_cannot_be_done_is_said(
    myocan: Myocan, house: Path, words: list[str], code: int, said: str
) -> None:
    done = myocan(*words, cwd=house)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)
    assert said in done.stderr
