"""Boards drawn with letters."""

from __future__ import annotations

import pytest

from myocan.tools.board_kinds import BoardKind, BoardKindError, parse
from myocan.tools.pinout import describe, draw

WIRED = [name for name in BoardKind.names() if BoardKind.load(name).pinout is not None]


def test_every_board_that_has_pins_to_wire_is_drawn() -> None:
    assert sorted({*BoardKind.names()} - {*WIRED}) == ["unix"]
    assert draw(BoardKind.load("unix")) == []


@pytest.mark.parametrize("name", WIRED)
def test_a_drawing_shows_each_pin_once_in_its_place(name: str) -> None:
    kind = BoardKind.load(name)
    assert kind.pinout is not None
    top, *rows, bottom = draw(kind)
    assert kind.pinout.top in top
    assert len({line.index(edge) for line, edge in ((top, "┌"), (bottom, "└"))}) == 1
    assert len({line.index("├") for line in rows}) == len({line.index("┤") for line in rows}) == 1
    shown = [(row.split("┤")[0].split()[0], row.split("├")[1].split()[0]) for row in rows]
    assert shown == list(zip(kind.pinout.left, kind.pinout.right, strict=True))
    text = "\n".join(rows)
    for pin, facts in kind.pins.items():
        if facts.reserved and pin in {*kind.pinout.left, *kind.pinout.right}:
            assert f"{pin} (reserved)" in text


@pytest.mark.parametrize("name", WIRED)
def test_a_drawing_leaves_out_only_pins_that_no_one_can_wire(name: str) -> None:
    kind = BoardKind.load(name)
    assert kind.pinout is not None
    missing = {*kind.pins} - {*kind.pinout.left, *kind.pinout.right}
    free = {pin for pin in missing if not kind.pins[pin].reserved}
    # The Picos' lamp is on no pin of the board; two pins of the S3's module are on none either.
    # A Raspberry Pi's analog inputs are those of another chip.
    assert free <= {"LED", "GPIO33", "GPIO34", *(f"A{channel}" for channel in range(8))}


def test_the_pico_is_numbered_around_and_the_pi_in_rows() -> None:
    pico = draw(BoardKind.load("pico-w"))
    assert [line.split() for line in (pico[1], pico[20])] == [
        ["GP0", "┤", "1", "40", "├", "VBUS"],
        ["GP15", "┤", "20", "21", "├", "GP16"],
    ]
    pi = draw(BoardKind.load("raspberry-pi"))
    assert pi[4].split() == ["GPIO4", "┤", "7", "8", "├", "GPIO14", "(!)"]


def test_what_to_beware_of_is_told_pin_by_pin() -> None:
    said = describe(BoardKind.load("esp32-devkit"))
    assert any(line.startswith("GPIO6: not for you: the flash") for line in said)
    assert any(line.startswith("GPIO12: at the start: it must be low") for line in said)
    assert any(line.startswith("GPIO34: beware: input only") for line in said)


PINS = """
title = "t"
source = "s"
chip = "c"
runtime = "cpython"
flash = "none"
wifi = false
tls = false
[pinout]
top = "top"
left = [{left}]
right = [{right}]
[pins]
A = {{ number = 0, can = ["in"] }}
B = {{ number = 1, can = ["in"] }}
"""


@pytest.mark.parametrize(
    ("left", "right", "words"),
    [
        ('"A"', '"B", "GND"', "more pins on one side"),
        ('"A"', '"C"', "shows C, which is no pin"),
        ('"A"', '"A"', "a pin twice"),
    ],
)
def test_a_pinout_that_cannot_be_is_refused(left: str, right: str, words: str) -> None:
    parse("x", PINS.format(left='"A"', right='"B"'))
    with pytest.raises(BoardKindError, match=words):
        parse("x", PINS.format(left=left, right=right))
