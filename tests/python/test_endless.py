"""A module that does not come to an end is stopped, and stops nobody else."""

from __future__ import annotations

import pytest

from myocan.hub.core import Core
from myocan.hub.core.scalars import parse_scalar
from python.playing import Play, mistakes_of, program_of

ENDLESS = {
    "while": "while True: pass",
    "for": "for one in iterate(self): pass",
    "comprehension": "[one for one in iterate(self)]",
    "sum": "sum(iterate(self))",
    "recursion": "again(self)",
    "caught": """
        while True:
            try:
                while True: pass
            except BaseException:
                pass""",
    "finally": """
        try:
            while True: pass
        finally:
            return None""",
}

MODULE = """
def iterate(me):
    while True:
        yield 1

def again(me):
    return [again(me) for _ in range(100_000)] and again(me)

class Lamp(Module):
    state: bool = False
    @on("button1.press")
    def pressed(self):
        self.state = not self.state
        {body}
    @on("good.press")
    def good(self):
        self.state = not self.state
"""


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS)
def test_what_does_not_end_is_stopped_and_undone(body: str) -> None:
    play = Play(program_of(MODULE.format(body=body)))
    (record,) = play.send("button1.press")
    assert record.startswith("$log.failed = lamp1.py:")
    assert play.read("state") == "false"
    if "again" not in body:  # that one ends by itself, as too deep
        assert "took more than 100,000 steps" in record


@pytest.mark.parametrize("body", [
    "x = 10 ** 10 ** 9", "x = 1 << 10 ** 9", "x = 'ab' * 10 ** 9", "sum(range(10 ** 12))",
    "x = 7\n        while True: x *= x", "list(iter(int, 1))", "x = [0] * 10 ** 9",
    "x = [0]\n        while True: x = x + x", "x = 'a'\n        while True: x += x",
])  # fmt: skip
def test_a_single_step_that_takes_for_ever_is_refused(body: str) -> None:
    play = Play(program_of(MODULE.format(body=body)))
    (record,) = play.send("button1.press")
    assert "failed" in record
    assert play.read("state") == "false"


def test_what_ends_in_time_may_loop() -> None:
    body = "for one in range(20_000): pass"
    assert Play(program_of(MODULE.format(body=body))).send("button1.press") == [
        "lamp1.state = true"
    ]


def test_a_module_that_goes_on_for_ever_three_times_is_suspended_and_no_other() -> None:
    bad = program_of(MODULE.format(body="while True: pass"))
    well = program_of(MODULE.format(body="pass"), "lamp2")
    play = Play(bad, well)
    for time in range(3):
        (told,) = (one for one in play.send("button1.press") if "lamp1" in one)
        assert ("it is suspended until it is mended" in told) is (time == 2)
    assert play.send("button1.press") == ["lamp2.state = false"]
    assert play.send("good.press") == ["lamp2.state = true"]
    kept = play.core.snapshot()

    core = Core()  # as after a start
    core.link([bad, well])
    for (module, name, instance), text in kept.items():
        assert core.restore(module, name, *parse_scalar(text, core.intern), instance)
    again = Play()
    again.core = core
    assert again.send("good.press") == ["lamp2.state = false"]

    mended = program_of(MODULE.format(body="pass"))
    core.link([mended, well])
    assert again.send("good.press") == ["lamp1.state = true", "lamp2.state = true"]


def test_an_exception_that_cannot_even_be_told_fails_its_cycle_alone() -> None:
    own = """
class Odd(Exception):
    def __str__(self):
        while True: pass
"""
    play = Play(program_of(own + MODULE.format(body="raise Odd")))
    assert "failed" in play.send("button1.press")[0]
    assert play.send("good.press") == ["lamp1.state = true"]


def test_an_exception_does_not_suspend() -> None:
    play = Play(program_of(MODULE.format(body="raise ValueError")))
    for _ in range(5):
        assert "ValueError" in play.send("button1.press")[0]
    assert play.send("good.press") == ["lamp1.state = true"]


def test_a_text_that_does_not_end_when_it_is_read_is_told() -> None:
    assert mistakes_of("while True: pass") == ["1: this goes on for ever"]
