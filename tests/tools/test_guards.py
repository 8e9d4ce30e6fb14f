"""Limits and interlocks in adapter files: what a board reads, and which mistakes are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from myocan.edge.pins.simulated import SimulatedPins
from myocan.edge.ports.port import open_port
from myocan.hub.lang import compile_module
from myocan.tools.adapters import AdapterError, parse_adapter
from myocan.tools.house_check import check_said, check_taken

BOILER = """\
board = "unix"

[ports.heater]
kind = "relay"
pin = "GP1"
subscribe = "boiler1.heater"
needs = { pump = "on" }

[ports.pump]
kind = "relay"
pin = "GP2"
subscribe = "boiler1.pump"

[ports.lid]
kind = "contact"
pin = "GP3"
map = { open = 1, shut = 0 }
publish = "boiler1.lid"

[ports.bell]
kind = "button"
pin = "GP4"
publish = "boiler1.bell"
"""


A_VALUE = "a value, a list of them, or { min = 5, max = 90 }"


def guards(text: str) -> dict[str, Any]:
    """Return what a board reads, by port."""
    config = parse_adapter(Path("boiler.toml"), text).config("mqtt://127.0.0.1")
    return {port["name"]: port["guard"] for port in config["ports"] if "guard" in port}


def problems(text: str) -> list[str]:
    with pytest.raises(AdapterError) as error:
        parse_adapter(Path("boiler.toml"), text)
    return [each.text("boiler.toml") for each in error.value.problems if each.severity == "error"]


@pytest.mark.parametrize(
    ("needs", "row"),
    [
        ('{ pump = "on" }', ["pump", "", ["on"], None, None]),
        ("{ pump = [true, 1] }", ["pump", "", [True, 1], None, None]),
        ('{ lid = "shut" }', ["lid", "value", ["shut"], None, None]),
        ('{ lid = { value = "shut" } }', ["lid", "value", ["shut"], None, None]),
    ],
)
def test_an_interlock_becomes_what_the_board_reads(needs: str, row: list[Any]) -> None:
    text = BOILER.replace('{ pump = "on" }', needs)
    assert guards(text) == {"heater": {"needs": [row]}}


def test_numbers_travel_exactly() -> None:
    text = BOILER + '[ports.dial]\nkind = "pwm"\npin = "GP5"\nsubscribe = "a.b"\nmin = 0.1\n'
    text += "max = 30\n"
    text = text.replace('{ pump = "on" }', "{ dial = { min = 0.05, max = 12 }, pump = 1 }")
    assert guards(text) == {
        "heater": {"needs": [["dial", "", None, [5, 2], [12, 0]], ["pump", "", [1], None, None]]},
        "dial": {"min": [1, 1], "max": [30, 0]},
    }
    text = text.replace("{ min = 0.05, max = 12 }", "[0.5, 2]")
    assert guards(text)["heater"]["needs"][0] == ["dial", "", [[5, 1], 2], None, None]


def test_what_is_written_is_what_a_board_obeys() -> None:
    config = parse_adapter(Path("boiler.toml"), BOILER).config("mqtt://127.0.0.1")
    pins = SimulatedPins()
    ports = {port["name"]: open_port(port, pins) for port in config["ports"]}
    guard = ports["heater"].guard
    assert guard is not None
    guard.bind(ports)
    assert guard.unmet() is not None
    ports["pump"].take("on")
    assert guard.unmet() is None
    pins.close()


@pytest.mark.parametrize(
    ("needs", "problem"),
    [
        ("0", 'needs is a table of ports, like { pump = "on" }'),
        ("[]", 'needs is a table of ports, like { pump = "on" }'),
        ('""', 'needs is a table of ports, like { pump = "on" }'),
        ('"pump"', 'needs is a table of ports, like { pump = "on" }'),
        ('{ pmup = "on" }', "port heater needs 'pmup', and this board has no such port; did you "
         "mean 'pump'?"),
        ('{ heater = "on" }', "port heater cannot need itself"),
        ('{ pump = "of" }', "port pump never shows 'of' (only on, off); did you mean 'off'?"),
        ('{ lid = "closed" }', "port lid never shows 'closed' (only open, shut)"),
        ("{ lid = { max = 3 } }", "port lid shows no numbers, but 'open', 'shut'"),
        ('{ lid = { valeu = "shut" } }', "port lid has no 'valeu' (it tells value); did you mean "
         "'value'?"),
        ('{ pump = { value = "on" } }', "port pump has no 'value' (it is an output: leave that "
         "out)"),
        ('{ bell = "press" }', "port bell only tells events: it shows nothing that could be "
         "needed"),
        ("{ pump = [] }", "needs.pump is " + A_VALUE),
        ("{ pump = 1979-05-27 }", "needs.pump is " + A_VALUE),
        ("{ pump = { min = 3, max = 2 } }", "needs.pump: min is above max, so nothing would ever "
         "do"),
        ("{ pump = { min = inf } }", "needs.pump.min must have at most nine digits before and "
         "behind the point"),
        ('{ pump = { min = "3" } }', "needs.pump.min must be a number, not '3'"),
    ],
)  # fmt: skip
def test_a_wrong_interlock_is_told_with_its_line(needs: str, problem: str) -> None:
    assert problems(BOILER.replace('{ pump = "on" }', needs)) == [f"boiler.toml:7: {problem}"]


@pytest.mark.parametrize("value", ["60", "-1", "1e9", "nan", '"5"', "true", "0.12345678901"])
def test_a_limit_is_a_number(value: str) -> None:
    text = f'board = "unix"\n[ports.dial]\nkind = "pwm"\npin = "GP5"\nmin = {value}\nmax = 50\n'
    [problem] = problems(text)
    assert problem.startswith("boiler.toml:5: min ")


def test_a_port_that_is_switched_has_no_limits() -> None:
    [problem] = problems(BOILER.replace("needs =", "max = 3\nneeds ="))
    assert problem.startswith("boiler.toml:7: unknown key 'max' of a relay")


@pytest.mark.parametrize(
    ("declared", "said"),
    [("{0-30}", 0), ("{0.0-30.0}", 0), ("{0.0-30.5}", 1), ("{0-100}", 1), ("5", 0)],
)
def test_a_variable_that_can_be_more_than_a_limit_is_told(declared: str, said: int) -> None:
    text = 'board = "pico-w"\n[ports.fan]\nkind = "pwm"\npin = "GP5"\nsubscribe = "a.b"\nmax = 30\n'
    adapter = parse_adapter(Path("boiler.toml"), text)
    source = f"MODULE a\nPUBLIC b {declared}\nSUBSCRIBE c.d\nON c.d\n    THEN b = b\n"
    program = compile_module(source, "a").program
    assert program is not None
    found = [(each.severity, each.message) for each in check_taken([adapter], [program])]
    upper = declared.partition("-")[2].rstrip("}")
    message = f"a.b can be {upper}, but port fan refuses what is above 30"
    assert found == [("warning", message)] * said


def test_outputs_that_wait_for_each_other_are_a_mistake() -> None:
    circle = BOILER.replace('"boiler1.pump"', '"boiler1.pump"\nneeds = { heater = "on" }')
    assert problems(circle) == [
        "boiler.toml:7: port heater and pump wait for each other, so none is ever switched on"
    ]


def test_outputs_that_exclude_each_other_are_none() -> None:
    text = BOILER.replace('{ pump = "on" }', '{ pump = "off" }')
    text = text.replace('"boiler1.pump"', '"boiler1.pump"\nneeds = { heater = "off" }')
    assert guards(text).keys() == {"heater", "pump"}


def test_a_mistake_in_the_needed_port_is_told_alone() -> None:
    text = BOILER.replace('pin = "GP2"', 'pin = "no"')
    assert len(problems(text)) == 1


def test_what_only_a_module_may_say_is_no_boards_to_say() -> None:
    text = 'board = "pico-w"\n[ports.a]\nkind = "button"\npin = "GP14"\npublish = "lamp.state"\n'
    adapter = parse_adapter(Path("porch.toml"), text)
    program = compile_module("MODULE lamp\nPUBLIC state {off, on}\n", "lamp").program
    assert program is not None
    (found,) = check_said([adapter], [program])
    assert (found.severity, found.line) == ("error", 5)
    assert "publishes lamp.state, which module lamp says (its line 2)" in found.message
    assert check_said([adapter], [program], {"lamp"}) == []
