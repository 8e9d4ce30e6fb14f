"""Time that passed while the hub was away, or held up: how it is made up for.

The one idea: what came due meanwhile runs in order, each at its due time as the log's time, and
nobody outside hears of it before all of it is done. Then each topic says what is true now, once. A
lamp that would have gone on and off three times does not flicker.

Rules:

- `$clock.away` says in the log from which offset on, and up to which, this was so; while it goes on
  there is no end. So a hub that is killed in the middle goes on with it, and knows after its end
  what not to publish one by one.
- Of values the last counts. Events are published if they are younger than `stale_events`; older
  ones are left out, and `$log.stale` says which and how many.
- What boards held meanwhile comes in between, at the time when it happened, see `latecomers`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from myocan.hub.agent.outlet import Name
from myocan.hub.durations import duration_text

__all__ = ["AWAY", "LATE_MS", "NOWHERE", "Away", "LeftOut"]

AWAY = ("$clock", "away", "")
"""The name of the offsets between which was made up for what was missed."""

LATE_MS = 2000
"""From when on something is missed rather than late."""

MOST_TOLD = 20
"""Topics that are named of which something was left out; the others are counted."""


class Away(NamedTuple):
    """A range of the log in which was made up for what was missed.

    Arguments:
        first: its first offset, 0 for none. last: its last, 0 while it goes on.
    """

    first: int = 0
    last: int = 0

    @property
    def goes_on(self) -> bool:
        """Whether it has no end yet."""
        return bool(self.first and not self.last)

    def __contains__(self, offset: object) -> bool:
        """Tell whether a message of the log stands in it."""
        if not isinstance(offset, int) or not self.first:
            return False
        return self.first <= offset and (not self.last or offset <= self.last)

    def to_json(self) -> str:
        """Return it as the log has it: a JSON text, `"901-"` or `"901-1417"`."""
        return json.dumps(f"{self.first}-{self.last or ''}")

    @classmethod
    def from_json(cls, text: str | None) -> Away:
        """Return what the log has; None: nothing."""
        if text is None:
            return cls()
        first, _, last = str(json.loads(text)).partition("-")
        return cls(int(first), int(last or 0))


NOWHERE = Away()
"""No such range."""


@dataclass(slots=True)
class LeftOut:
    """Events that were not published, being too old: by topic how many, from when to when.

    after: those up to this offset were told of before.
    """

    after: int = 0
    topics: dict[Name, tuple[int, int, int]] = field(default_factory=dict)
    more: int = 0

    def note(self, name: Name, offset: int, at_ms: int) -> None:
        """Take note of an event of a topic.

        Arguments:
            name: the topic's.
            offset: where it stands in the log.
            at_ms: the log's time, milliseconds since 1970 UTC.
        """
        known = self.topics.get(name)
        if offset <= self.after:
            return
        if known is not None:
            self.topics[name] = known[0] + 1, known[1], at_ms
        elif len(self.topics) < MOST_TOLD:
            self.topics[name] = 1, at_ms, at_ms
        else:
            self.more += 1

    def texts(self, stale_ms: int) -> list[str]:
        """Return what the log says of it.

        Arguments:
            stale_ms: the age from which an event is left out, in milliseconds.
        """
        why = f"older than {duration_text(stale_ms)} ([agent] stale_events)"
        texts = []
        for (module, variable, key), (count, first_ms, last_ms) in self.topics.items():
            name = f"{module}.{variable}" + (f"[{key}]" if key else "")
            if count == 1:
                texts.append(f"{name} of {_shown(first_ms)} was not published: it is {why}")
            else:
                when = f"from {_shown(first_ms)} to {_shown(last_ms)}"
                texts.append(f"{count} of {name}, {when}, were not published: they are {why}")
        if self.more:
            texts.append(f"{self.more} events of other topics were not published: they are {why}")
        return texts


def _shown(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
