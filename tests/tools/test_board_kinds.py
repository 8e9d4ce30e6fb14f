"""The files that say what boards can do are complete, consistent, and found by name."""

from __future__ import annotations

import pytest

from myocan.tools.board_kinds import BoardKind, BoardKindError, parse

KINDS = BoardKind.names()

MICROPYTHON = [name for name in KINDS if BoardKind.load(name).runtime == "micropython"]


def test_the_kinds_that_the_project_promises_are_there() -> None:
    promised = "esp32-c3 esp32-devkit esp32-s3 esp8266 pico-2-w pico-w raspberry-pi unix wt32-eth01"
    assert promised.split() == KINDS


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_says_where_its_facts_come_from(name: str) -> None:
    kind = BoardKind.load(name)
    assert kind.name == name
    assert kind.source
    assert kind.title


@pytest.mark.parametrize("name", KINDS)
def test_every_pin_can_do_something_or_says_why_it_must_not_be_used(name: str) -> None:
    kind = BoardKind.load(name)
    for pin, facts in kind.pins.items():
        assert bool(facts.can) != bool(facts.reserved), pin
        assert 0 <= facts.number <= 255, "virtual boards send it as a byte"
        if pin.startswith("GP"):
            assert pin.removeprefix("GPIO").removeprefix("GP") == str(facts.number)
    assert any({"in", "pull-up"} <= facts.can for facts in kind.pins.values())
    assert any("out" in facts.can for facts in kind.pins.values())


@pytest.mark.parametrize("name", MICROPYTHON)
def test_a_board_with_micropython_says_what_a_flash_tool_must_know(name: str) -> None:
    kind = BoardKind.load(name)
    assert kind.memory is not None
    assert kind.memory.heap_kib < kind.memory.ram_kib
    assert kind.memory.files_kib < kind.memory.flash_kib
    assert kind.micropython
    assert bool(kind.machine) == bool(kind.mpy_arch) == bool(kind.usb) == (name != "unix")


@pytest.mark.parametrize("name", [name for name in MICROPYTHON if name != "unix"])
def test_a_board_is_known_by_what_it_says_of_itself(name: str) -> None:
    kind = BoardKind.load(name)
    for ending in kind.machine:
        said = "Some maker's " + ending
        found = BoardKind.identify(said)
        assert found is not None
        # what runs on a board knows its chip, and several kinds may have the same
        assert found.name == name or (found.chip == kind.chip and kind.is_machine(said))


def test_a_board_that_no_file_describes_is_not_taken_for_another() -> None:
    assert BoardKind.identify("Raspberry Pi Pico with RP2040") is None


@pytest.mark.parametrize(
    ("kind", "said", "meant"),
    [
        ("pico-w", "GP14", "GP14"),
        ("pico-w", "gp14", "GP14"),
        ("esp8266", "D1", "GPIO5"),
        ("esp32-devkit", "D4", "GPIO4"),
        ("esp32-devkit", "IO4", "GPIO4"),
        ("pico-w", "GP33", None),
    ],
)
def test_a_pin_is_found_by_every_name_that_is_printed_on_boards(
    kind: str, said: str, meant: str | None
) -> None:
    assert BoardKind.load(kind).find_pin(said) == meant


def test_strapping_pins_are_marked() -> None:
    marked = {
        name: [facts.number for facts in BoardKind.load(name).pins.values() if facts.strapping]
        for name in KINDS
    }
    assert marked["esp32-devkit"] == [0, 2, 5, 12, 15]
    assert marked["esp32-s3"] == [0, 3, 45, 46]
    assert marked["esp32-c3"] == [2, 8, 9]
    assert marked["esp8266"] == [0, 2, 15]


def test_an_unknown_kind_names_the_nearest_or_all() -> None:
    with pytest.raises(BoardKindError, match=r"no board 'picow'; did you mean 'pico-w'\?"):
        BoardKind.load("picow")
    with pytest.raises(BoardKindError, match=r"known are esp32-c3, .*unix"):
        BoardKind.load("commodore")


GOOD = """
title = "T"
source = "S"
chip = "C"
runtime = "cpython"
flash = "none"
wifi = false
tls = false
[sets]
gpio = ["in", "out"]
[pins]
A = { number = 1, can = ["gpio", "pwm"], also = ["X"] }
B = { number = 2, can = ["in"] }
"""


@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        ("number = 2", "number = 1", "same number"),
        ("B = ", "X = ", "same name"),
        ('can = ["in"]', 'also = ["Y"]', "either `can` or `reserved`"),
        ('can = ["in"]', 'can = ["swim"]', "swim|Input should be"),
        ("wifi = false", "wifi = false\nwiffi = true", "wiffi"),
        ("[sets]", "[sets", "boards/test.toml"),
    ],
)
def test_a_file_with_a_mistake_is_refused(good: str, bad: str, complaint: str) -> None:
    assert parse("test", GOOD).pins["A"].can == {"in", "out", "pwm"}
    with pytest.raises(BoardKindError, match=complaint):
        parse("test", GOOD.replace(good, bad, 1))
