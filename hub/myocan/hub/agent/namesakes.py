"""Hubs of the same domain and agent at one broker: who of them is to stay.

The one idea: whoever was there first stays. A hub that comes asks, and one that is there answers
with its status; so what a crash has left at the broker, which answers nothing, keeps nobody out.
Two that did not see each other in time (they waited for a broker together, or one was held up) find
out by their statuses: the one that was introduced later gives way.

A status says who speaks: `hub`, drawn at each start, and `since`, when it was introduced. What is
said live is proof that its speaker lives. What the broker kept, and a last will, are none, for they
may be from before, or come late. But a broker that knows clients by their user name lets two hubs
only take turns, so that each hears nothing but the other's last will: `MOST_TRACES` of those after
the introduction are proof, too.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from enum import Enum
from typing import Any

__all__ = ["Namesakes", "Verdict"]

MOST_TRACES = 5
"""Statuses of others that may be left over; one more says that somebody is writing them."""

_FOREVER = 1 << 62


class Verdict(Enum):
    """What to do about a status that was heard."""

    NOTHING = "nothing"
    ASK = "ask"  # it may be left over: whoever lives answers
    INSIST = "insist"  # say our own status again
    YIELD = "yield"  # the other was there first


class Namesakes:
    """What is known of other hubs of this name.

    Arguments:
        now_ms: the wall clock, milliseconds since 1970 UTC.
        draw: returns a number that no other hub has drawn.

    `token` tells this hub's statuses from others'.
    """

    def __init__(
        self, now_ms: Callable[[], int], draw: Callable[[], str] = lambda: os.urandom(6).hex()
    ) -> None:
        self._now_ms = now_ms
        self.token = draw()
        self._since: int | None = None
        self._traces = 0
        self._asked: set[str] = set()

    def introduce(self) -> None:
        """From now on this hub is there."""
        self._since = self._now_ms()

    def about(self) -> dict[str, Any]:
        """Return what a status says of its speaker."""
        about: dict[str, Any] = {"hub": self.token, "host": socket.gethostname()[:64]}
        if self._since is not None:
            about["since"] = self._since
        return about

    def judge(self, status: dict[str, Any], retained: bool) -> Verdict:
        """Return what follows from a status of a hub of this name.

        Arguments:
            status: as it was decoded.
            retained: whether the broker had kept it, so that nobody need live who says it.
        """
        token, online = status.get("hub"), bool(status.get("online"))
        if token == self.token:
            return Verdict.NOTHING if online or self._since is None else Verdict.INSIST
        if self._since is None:
            if not online:
                return Verdict.NOTHING
            return Verdict.ASK if retained or token is None else Verdict.YIELD
        later = (_since_of(status), str(token)) > (self._since, self.token)
        if online and not retained:
            return Verdict.INSIST if later else Verdict.YIELD
        self._traces += 1
        if self._traces > MOST_TRACES and not later:
            return Verdict.YIELD
        return Verdict.ASK if online else Verdict.INSIST

    def comes_first(self, token: str) -> bool:
        """Tell whether another that asks as this one does is to be let in before it."""
        return self._since is None and token < self.token

    def is_news(self, token: str) -> bool:
        """Tell whether another that asks for this hub's place asks for the first time."""
        if token in self._asked or len(self._asked) >= MOST_TRACES:
            return False
        self._asked.add(token)
        return True


def _since_of(status: dict[str, Any]) -> int:
    since = status.get("since")
    return since if isinstance(since, int) else _FOREVER
