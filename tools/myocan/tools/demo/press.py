"""One press after the other, each followed from pin to pin and through the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from myocan.hub.store import Message, Reader

LAMP_S = 20.0
"""How long a press may take to reach the lamp before it counts as one that did not."""


class Board(Protocol):
    """The board of the demo, seen from its pins. Times are `time.monotonic_ns()`."""

    runtime: str
    """What runs the adapter, for people: "MicroPython 1.28.0"."""

    def press(self) -> int:
        """Press and release the button, away from any bounce; return when its pin went down."""

    def lamp(self) -> int:
        """Return the level of the lamp's pin."""

    def wait_lamp(self, level: int, after_ns: int, timeout: float) -> int | None:
        """Return when the lamp's pin took `level` after a time; None if not within `timeout`."""

    def lamp_changes(self, since_ns: int) -> int:
        """Return how often the lamp's pin changed after a time."""


@dataclass(frozen=True, slots=True)
class Press:
    """A press and what came of it.

    number: 1 for the first. latency_ns: from the button's pin to the lamp's pin; None if the lamp
    did not follow. lamp: the level of its pin then. messages: what the log got meanwhile.
    """

    number: int
    latency_ns: int | None
    lamp: int
    messages: tuple[Message, ...]


def press_all(
    board: Board,
    reader: Reader,
    count: int,
    pause: Callable[[], None],
    tell: Callable[[Press], None],
) -> list[Press]:
    """Press the button `count` times.

    pause: called between two presses. tell: called with each press once it is over.
    """
    presses = []
    for number in range(1, count + 1):
        if number > 1:
            pause()
        before, wanted = reader.newest(), 1 - board.lamp()
        pressed_ns = board.press()
        lit_ns = board.wait_lamp(wanted, pressed_ns, LAMP_S)
        press = Press(
            number,
            None if lit_ns is None else lit_ns - pressed_ns,
            board.lamp(),
            tuple(reader.messages(after=before)),
        )
        presses.append(press)
        tell(press)
    return presses
