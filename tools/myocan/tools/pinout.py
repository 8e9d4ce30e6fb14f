"""A board drawn with letters: where its pins are, and what to know of each before wiring it.

The one idea: beside a pin stands what sets it apart from a plain one. That it can be an input and
an output, and has a pull-up, goes without saying; said is what it can besides, and what it cannot.
"""

from __future__ import annotations

from myocan.tools.board_kinds import SUPPLY, BoardKind, PinFacts

__all__ = ["describe", "draw"]

_USUAL = frozenset(("in", "out", "pull-up"))
_ANALOG = frozenset(("adc", "adc2", "dac"))


def draw(kind: BoardKind) -> list[str]:
    """Return the lines of a drawing of the board; none if there is nothing to wire."""
    pinout = kind.pinout
    if pinout is None:
        return []
    left = [_label(kind, name) for name in pinout.left]
    right = [_label(kind, name) for name in pinout.right]
    numbers = pinout.numbers()
    margin = max(map(len, left))
    digits = max(len(number) for side in numbers for number in side)
    inner = max(2 * digits + 6, len(pinout.top) + 4)
    lines = [" " * margin + " ┌" + pinout.top.center(inner, "─") + "┐"]
    for one, number, other_number, other in zip(left, *numbers, right, strict=True):
        room = inner - 2 - 2 * digits
        middle = f" {number:>{digits}}{'':{room}}{other_number:<{digits}} "
        lines.append(f"{one:>{margin}} ┤{middle}├ {other}".rstrip())
    lines.append(" " * margin + " └" + "─" * inner + "┘")
    return lines


def describe(kind: BoardKind) -> list[str]:
    """Return what to beware of, a line for each pin that has something."""
    lines = []
    for name, pin in kind.pins.items():
        for word, text in (
            ("not for you", pin.reserved),
            ("at the start", pin.strapping),
            ("beware", pin.warning),
        ):
            if text:
                lines.append(f"{name}: {word}: {text}")
    return lines


def _label(kind: BoardKind, name: str) -> str:
    """Return what stands beside a pin: its name, and what sets it apart."""
    if name in SUPPLY:
        return name
    words = _words(kind.pins[name])
    return f"{name} ({', '.join(words)})" if words else name


def _words(pin: PinFacts) -> list[str]:
    if pin.reserved:
        return ["reserved"]
    words = [str(word) for word in sorted(pin.can & _ANALOG)]
    if "out" not in pin.can:
        words.append("in only" if "in" in pin.can else "no digital")
    elif "in" not in pin.can:
        words.append("out only")
    elif not pin.can >= _USUAL:
        words.append("no pull-up")
    if pin.strapping:
        words.append("start")
    if pin.warning:
        words.append("!")
    return words
