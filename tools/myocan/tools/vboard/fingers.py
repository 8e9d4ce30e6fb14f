"""The fingers at a virtual board's buttons: no press is too short to be seen, or too soon.

The one idea to know: a real board looks at its pins every millisecond, a virtual one when it has
its share of a busy machine. So time counts here from when the board has looked: a press lasts until
it has looked once more when the time is over, and so does the pause behind a press. What is told
apart by time, a press from chatter, is so on any machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from myocan.tools.vboard.pins import Level, Pins

LOOK_S = 5.0
"""How long a finger waits for a board to look at its pins; one that never does is let be."""
_AGAIN_S = 0.001


class Fingers:
    """One finger for each button.

    pins: the board's. drive: drives a pin from outside; returns the monotonic time of it in
    nanoseconds. tell: tells the board something of its pins. looks_away: whether it has not taken
    in yet what it was told.
    """

    def __init__(
        self,
        pins: Pins,
        drive: Callable[[str, Level], int],
        tell: Callable[[bytes], None],
        looks_away: Callable[[], bool],
    ) -> None:
        self._pins = pins
        self._drive = drive
        self._tell = tell
        self._looks_away = looks_away
        self._at_work: dict[str, asyncio.Task[None]] = {}

    async def press(self, pin: str, seconds: float) -> int:
        """Press a button for `seconds`, when an earlier press of it is over; returns the time of
        the press. Raises UnknownPin."""
        level = self._pins.pressed_level(pin)
        while (earlier := self._at_work.get(pin)) is not None:
            await asyncio.wait([earlier])
        at_ns = self._drive(pin, level)
        self._at_work[pin] = asyncio.ensure_future(self._let_go(pin, seconds))
        return at_ns

    async def close(self) -> None:
        """Take them away."""
        tasks = list(self._at_work.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _let_go(self, pin: str, seconds: float) -> None:
        try:
            await self._seen_for(pin, seconds)
            self._drive(pin, None)
            await self._seen_for(pin, seconds)
        finally:
            del self._at_work[pin]

    async def _seen_for(self, pin: str, seconds: float) -> None:
        """Wait until the board has seen a pin as it is for so long."""
        await self._looked()
        await asyncio.sleep(seconds)
        self._tell(self._pins.driven(pin))  # once more: then it is known when it has looked again
        await self._looked()

    async def _looked(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + LOOK_S
        while self._looks_away() and loop.time() < deadline:
            await asyncio.sleep(_AGAIN_S)
