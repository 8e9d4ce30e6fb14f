"""Feeds a test mode with what comes into the live one.

The one idea: what came in is in the live log, so nothing needs to be handed on while it comes. A
mirror reads that log behind the place that its own mode's log says it has come to, so each input
is taken once, whatever happens in between.

What a mode finds out by itself is left out: what comes due, what day it is, which rules run.
"""

from __future__ import annotations

from itertools import islice

from myocan.hub.agent.batch import Batch, OwnMessage
from myocan.hub.agent.mode import Mode
from myocan.hub.agent.shared import LIVE
from myocan.hub.agent.topics import split_name
from myocan.hub.core import Role
from myocan.hub.core.linker import fold
from myocan.hub.core.program import ADMIN_MODULE
from myocan.hub.store import LogRow, Store

__all__ = ["MIRRORED", "Mirror"]

MIRRORED = "mirrored"
"""The offset of the live log that a mode was fed up to, as its `$admin` has it."""

MOST = 512
"""Messages that are read at once, so that the live mode need not wait."""


class Mirror:
    """The way from the live log into a mode.

    Arguments:
        store: where both logs are.
        live: what is mirrored.
        mode: what is fed.
        after: the offset of the live log that it goes on behind.
    """

    def __init__(self, store: Store, live: Mode, mode: Mode, after: int) -> None:
        self._store = store
        self._live = live
        self._mode = mode
        self.after = after

    def is_behind(self) -> bool:
        """Tell whether there is more to feed."""
        return self.after < self._live.offset - 1

    def feed(self) -> None:
        """Feed the next messages, in one batch."""
        if not self.is_behind():
            return
        now = self._mode.take_what_is_due()
        if now is None:
            return
        batch = Batch()
        last = self.after
        for row in islice(self._store.rows(LIVE, self.after), MOST):
            last = row[0]
            message = self._input_of(row)
            if message is not None:
                batch.add_own(self._mode.core, message, row[7])
        if batch.topics:
            self._mode.process(batch, now, taken=[((ADMIN_MODULE, MIRRORED, ""), str(last))])
            self._mode.core.compact()
        self.after = last

    def _input_of(self, row: LogRow) -> OwnMessage | None:
        """Return a message of the live log as the mode takes it, None if it does not."""
        _offset, _time, number, value, producer, cause, _rule, _ts, _changes = row
        module, variable, instance = self._store.names()[number]
        if cause is not None or module[:1] == "$" or variable[:2] == "%%":
            return None
        topic = split_name(f"{module}.{variable}")
        if topic is None or self._mode.core.topic(topic) < 0 or self._is_timer(module, variable):
            return None
        return OwnMessage(topic, value, self._store.producer(producer), instance)

    def _is_timer(self, module: str, variable: str) -> bool:
        return any(
            one.role is Role.TIMER and fold(one.name) == variable
            for program in self._mode.core.programs
            if program.module == module
            for one in program.variables
        )
