"""The clock of a mode: the wall clock, or one that was set, stopped, or runs faster.

The one idea: a clock is one point and a speed. At wall time `wall_ms` it showed `shown_ms`, and
since then it has gone on `speed` times as fast as the wall clock; with speed 0 it stands. That is
kept in the log, so a restart changes nothing: what passed meanwhile has passed here, too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

__all__ = ["MAX_SPEED", "Clock", "Setting", "parse_speed"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

MAX_SPEED = 100_000
"""A day in a second, about."""


class Setting(NamedTuple):
    """How a clock was set.

    Arguments:
        shown_ms: what it showed, milliseconds since 1970 UTC.
        wall_ms: the wall clock at that time.
        speed: how fast it goes since, 0 to `MAX_SPEED`; 1 is as fast as the wall clock.
    """

    shown_ms: int
    wall_ms: int
    speed: Decimal

    def to_json(self) -> str:
        """Return it as the log has it: a JSON text that people can read, too."""
        return json.dumps(f"{_iso(self.shown_ms)} at {_iso(self.wall_ms)} speed {self.speed}")

    @classmethod
    def from_json(cls, text: str) -> Setting:
        """Return what the log has; raises ValueError."""
        shown, _at, wall, _speed, speed = str(json.loads(text)).split()
        return cls(_ms(shown), _ms(wall), parse_speed(speed))


class Clock:
    """A mode's clock.

    Arguments:
        wall_ms: the wall clock, milliseconds since 1970 UTC.

    `setting` is None as long as it is the wall clock itself.
    """

    def __init__(self, wall_ms: Callable[[], int]) -> None:
        self._wall_ms = wall_ms
        self.setting: Setting | None = None

    def now_ms(self) -> int:
        """Return what it shows."""
        now = self._wall_ms()
        if self.setting is None:
            return now
        passed = int((now - self.setting.wall_ms) * self.setting.speed)
        return self.setting.shown_ms + passed

    def setting_at(self, shown_ms: int | None = None, speed: Decimal | None = None) -> Setting:
        """Return the setting that shows a time now, with a speed; None for both as they are."""
        if speed is None:
            speed = Decimal(1) if self.setting is None else self.setting.speed
        shown = self.now_ms() if shown_ms is None else shown_ms
        return Setting(shown, self._wall_ms(), speed)

    def wait_s(self, due_ms: int) -> float | None:
        """Return in how many seconds it shows a time; None for never."""
        speed = 1 if self.setting is None else self.setting.speed
        left = due_ms - self.now_ms()
        if left <= 0:
            return 0.0
        return float(left / speed) / 1000 if speed else None


def parse_speed(text: str) -> Decimal:
    """Return how fast a clock is to go, of a number from 0 to `MAX_SPEED`; raises ValueError."""
    try:
        speed = Decimal(text)
    except InvalidOperation:
        speed = Decimal(-1)
    if not speed.is_finite() or not 0 <= speed <= MAX_SPEED:
        raise ValueError(f"{text!r} is no speed; write a number from 0 (stands) to {MAX_SPEED}")
    return speed


def _iso(ms: int) -> str:
    return (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")


def _ms(iso: str) -> int:
    return (datetime.fromisoformat(iso) - _EPOCH) // timedelta(milliseconds=1)
