"""`send`, `get` and `tail` against a hub that runs, and what stays when it has stopped."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from myocan.hub.house import House
from myocan.hub.running_hub import RunningHub
from myocan.tools.demo.hub_process import HubProcess

if TYPE_CHECKING:
    from support.command_line import Myocan


def test_what_is_sent_is_on_disk_and_can_be_read_back(myocan: Myocan, house: Path) -> None:
    with HubProcess(house):
        assert RunningHub.read(House.load(house)) is not None
        for _ in range(3):
            sent = myocan("send", "button1.press", "--json", cwd=house)
            assert sent.returncode == 0, sent.stderr
            assert json.loads(sent.stdout)["topic"] == "button1.press"
        assert myocan("get", "lamp1.state", cwd=house / "modules").stdout == "on\n"
    assert RunningHub.read(House.load(house)) is None
    # And without a hub:
    assert myocan("get", "lamp1.state", cwd=house).stdout == "on\n"
    assert json.loads(myocan("get", "--json", cwd=house).stdout) == {
        "lamp1.state": "on",
        "switch1.state": "on",
    }
    tail = myocan("tail", "lamp1.state", "--no-follow", "--json", "--since", "1h", cwd=house)
    rows = [json.loads(line) for line in tail.stdout.splitlines()]
    assert [row["value"] for row in rows] == ["on", "off", "on"]
    assert {row["producer"] for row in rows} == {"lamp1"}
    assert all(row["cause"] < row["offset"] and row["rule"] in (7, 9) for row in rows)


def test_a_reading_of_a_board_can_be_got_like_a_variable(myocan: Myocan, house: Path) -> None:
    module = "MODULE alarm\n  SUBSCRIBE door.state {shut,open}\n  WHEN door.state.open\n"
    (house / "modules" / "alarm.scc").write_text(module + '    THEN log("open")\n')
    with HubProcess(house):
        assert myocan("send", "door.state", "open", cwd=house).returncode == 0
    assert myocan("get", "door.state", cwd=house).stdout == "open\n"
    assert "door.state" not in myocan("get", cwd=house).stdout
    assert "alarm.door.state = open" in myocan("get", "alarm", "--all", cwd=house).stdout


def test_a_message_that_nobody_takes_is_told_to_who_sent_it(
    myocan: Myocan, running_house: Path
) -> None:
    sent = myocan("send", "buton1.press", cwd=running_house)
    assert sent.returncode == 1
    assert "on the hub's disk" in sent.stdout
    assert "buton1.press" in sent.stderr


def test_a_value_may_stand_behind_the_topic_or_an_equals_sign(
    myocan: Myocan, running_house: Path
) -> None:
    for words in (["nobody.hears", "12.50"], ["nobody.hears=12.50"]):
        sent = myocan("send", *words, cwd=running_house)
        assert sent.stdout.startswith("nobody.hears = 12.50: ")
    assert myocan("send", "nobody.hears", "-1", cwd=running_house).stdout.startswith(
        "nobody.hears = -1: "
    )


def test_tail_shows_when_what_and_because_of_what(myocan: Myocan, running_house: Path) -> None:
    myocan("send", "button1.press", cwd=running_house)
    lines = myocan("tail", "--no-follow", cwd=running_house).stdout.splitlines()
    press, switch, lamp = lines[-3:]
    assert "button1.press" in press
    assert "from send-" in press
    number = switch.split("because of ")[1]
    assert f" {number} " in press
    assert " by lamp1:" in lamp


def test_tail_says_in_words_that_an_at_is_due() -> None:
    from zoneinfo import ZoneInfo

    from myocan.hub.store import Message
    from myocan.tools.cli.messages import describe

    message = Message(7, 0, "porch", "%%at%%", "", '"[\\"77f1.0\\"]"', "clock", None, None, None)
    assert "porch: an AT is due" in describe(message, ZoneInfo("UTC"))


def test_tail_goes_on_with_what_comes(myocan: Myocan, running_house: Path) -> None:
    command = [sys.executable, "-m", "myocan.tools.cli", "tail", "switch1", "--json"]
    with subprocess.Popen(
        [*command, "--since", "2000-01-01"], cwd=running_house, stdout=subprocess.PIPE, text=True
    ) as tail:
        assert tail.stdout is not None
        try:
            rules = json.loads(tail.stdout.readline())
            assert rules["variable"] == "%%code%%"  # it has begun to read
            sent = myocan("send", "button1.press", "--timeout", "30", cwd=running_house)
            assert sent.returncode == 0, sent.stderr  # else there is nothing to wait for
            while (row := json.loads(tail.stdout.readline()))["variable"] != "state":
                pass
            assert row["value"] in ("on", "off")
            tail.send_signal(signal.SIGINT)
            assert tail.wait(60) == 0
        finally:
            tail.kill()


def test_a_reader_that_has_seen_enough_is_no_failure(myocan: Myocan, running_house: Path) -> None:
    code = f"{sys.executable} -m myocan.tools.cli tail --no-follow --since 2000-01-01 | true"
    pipe = ["bash", "-o", "pipefail", "-c", code]
    done = subprocess.run(pipe, cwd=running_house, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_value_that_is_not_there_is_the_answer_no(myocan: Myocan, running_house: Path) -> None:
    got = myocan("get", "lamp7.state", cwd=running_house)
    assert got.returncode == 1
    assert "no value" in got.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["send", "nonsense"], 2),
        (["send", "other.domain.lamp1.state"], 2),
        (["send", "lamp1.mode", '"open'], 2),
        (["send", "lamp1.mode", "9" * 25], 2),
        (["send", "button1.press", "--broker", "http://x"], 2),
        (["tail", "--since", "soon"], 2),
        (["tail", "a.b.c"], 2),
        (["send", "button1.press", "--broker", "mqtt://127.0.0.1:9", "--timeout", "0.3"], 4),
    ],
)
def test_what_cannot_be_is_refused_with_an_exit_code_of_its_own(
    myocan: Myocan, running_house: Path, words: list[str], code: int
) -> None:
    done = myocan(*words, cwd=running_house)
    assert done.returncode == code, done.stderr
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_hub_of_a_house_is_refused(myocan: Myocan, running_house: Path) -> None:
    second = myocan("run", cwd=running_house)
    assert second.returncode == 3
    assert "Traceback" not in second.stderr


@pytest.mark.parametrize("command", [["send", "button1.press"], ["get"], ["tail"]])
def test_without_a_hub_it_is_said_how_to_start_one(
    myocan: Myocan, house: Path, command: list[str]
) -> None:
    done = myocan(*command, cwd=house)
    assert done.returncode == 3
    assert "myocan run" in done.stderr


REPORT = """MODULE report HISTORY
  SUBSCRIBE button1.press
  PUBLIC count 0
  ON button1.press
    THEN count++
"""


def test_a_value_that_a_deployment_took_is_not_told_as_if_it_were_there(
    myocan: Myocan, house: Path
) -> None:
    with HubProcess(house):
        for _ in range(2):
            assert myocan("send", "button1.press", cwd=house).returncode == 0
        (house / "modules" / "report.scc").write_text(REPORT)
        assert myocan("deploy", cwd=house).returncode == 0
        assert myocan("get", "report.count", cwd=house).stdout == "2\n"
        assert myocan("deploy", "rollback", cwd=house).returncode == 0
        (house / "modules" / "report.scc").unlink()
        got = myocan("get", "report.count", cwd=house)
        assert (got.returncode, got.stdout) == (1, "")
        assert "report.count has no value any more, since 20" in got.stderr
        as_json = myocan("get", "report.count", "--json", cwd=house)
        assert (as_json.returncode, as_json.stdout) == (1, "{}\n")
        why = myocan("why", "report.count", cwd=house).stdout
        assert why.startswith("report.count has no value any more, because of this:\n")
        assert "by a rollback of" in why, why
