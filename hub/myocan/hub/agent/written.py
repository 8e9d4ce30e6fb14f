"""What a batch comes to, before it is written and published."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from myocan.hub.agent.outlet import Name
from myocan.hub.bus import Outgoing
from myocan.hub.store import LogRow

__all__ = ["Stated", "Written"]


class Stated(NamedTuple):
    """What a field of a state model took.

    Attributes:
        offset: of the row. together: what the rows of one commit, or one cycle, have in common.
        name: the field's. value: JSON, None for what is forgotten. producer: who said it.
    """

    offset: int
    together: int
    name: Name
    value: str | None
    producer: str


@dataclass(slots=True)
class Written:
    """What a batch comes to.

    rows: for the log. frames: to publish. state: what changed, by number of the name, as JSON; None
    for what is forgotten. noted: the changes of variables that are watched. calls: offsets of the
    rows that ask for an EXTERNAL function. stated: what fields of state models took.
    """

    rows: list[LogRow] = field(default_factory=list)
    frames: list[Outgoing] = field(default_factory=list)
    state: dict[int, str | None] = field(default_factory=dict)
    noted: list[tuple[Name, str | None]] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    stated: list[Stated] = field(default_factory=list)

    def add(self, other: Written) -> None:
        """Add what comes behind it, in the same transaction."""
        self.rows += other.rows
        self.frames += other.frames
        self.state |= other.state
        self.noted += other.noted
        self.calls += other.calls
        self.stated += other.stated
