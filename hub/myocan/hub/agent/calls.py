"""Calls of EXTERNAL functions: what rules ask of the world outside.

The one idea: a call is a message of the log, and is made when that message is on the disk; how far
the calls were made is a message, too. So a hub that is killed in between makes again what it cannot
know to be done, under the same key, and never one that no message asked for.

A thread of its own makes the calls, one after the other. One that takes too long is left behind,
with its thread, which Python cannot end; the next is made by a new one. What a function raises, or
that it took too long, is told; it is not called again for that.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from queue import SimpleQueue
from typing import Any, NamedTuple

from myocan.hub.core import Op, Program
from myocan.hub.core.linker import fold
from myocan.hub.core.program import EXTERNAL_MODULE
from myocan.hub.externals import CallKey, Function, takes_key
from myocan.hub.store import LogRow, Store

__all__ = ["Calls", "functions_of"]

MAX_WAITING = 1000
"""Calls that wait in memory; more are read from the log when it is their turn."""

MAX_HANGING = 3
"""Calls of one function that may hang at a time, before it is not called any more."""

DONE_S = 1.0
"""How long it may take until the log says how far calls were made while more are waiting."""

END_S = 2.0
"""How long the end waits for the call under way."""

_log = logging.getLogger(__name__)


class _Call(NamedTuple):
    """A call that waits: the offset of its row, the function, its arguments as JSON, who asks."""

    offset: int
    name: str
    arguments: str
    caller: str


class _Worker:
    """A thread that makes one call after the other."""

    def __init__(self, on_end: Callable[[_Worker, str], None]) -> None:
        self._on_end = on_end
        self._calls: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="externals", daemon=True)
        self._thread.start()

    def make(self, call: Callable[[], object] | None) -> None:
        """Make a call, or end (None), when those before are made."""
        self._calls.put(call)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            problem = ""
            try:
                call()
            except BaseException as error:  # also SystemExit: no function ends the hub's thread
                problem = f"{type(error).__name__}: {error}"
            self._on_end(self, problem)

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)


class Calls:
    """The calls of one mode.

    Arguments:
        functions: those of the house, by lower-case name.
        store, mode: where the log is.
        asked, done: the offset of the newest call, and of the newest that was made, as the log
            knows them.
        timeout_s: how long a function may take.
        monotonic: a clock that only rises, in seconds.
        wake: lets `keep` be asked soon; called on the worker's thread.
        file_of: what the file of a module is called.

    Everything but `wake` belongs to the agent's thread.
    """

    def __init__(
        self,
        functions: Mapping[str, Function],
        store: Store,
        mode: str,
        *,
        asked: int,
        done: int,
        timeout_s: float,
        monotonic: Callable[[], float],
        wake: Callable[[], None],
        file_of: Callable[[str], str],
    ) -> None:
        self.use(functions)
        self._store = store
        self._mode = mode
        self._timeout_s = timeout_s
        self._monotonic = monotonic
        self._wake = wake
        self._file_of = file_of
        self._waiting: deque[_Call] = deque()
        self._asked = asked
        self._taken = done
        self._synced = asked
        self._unsynced: deque[tuple[int, int]] = deque()
        self.done = done
        self._told = done
        self._told_s = monotonic()
        self._worker: _Worker | None = None
        self._running: _Call | None = None
        self._began_s = 0.0
        self._ended: SimpleQueue[tuple[_Worker, str]] = SimpleQueue()
        self._hanging: dict[_Worker, str] = {}

    def use(self, functions: Mapping[str, Function]) -> None:
        """Call these functions from now on; a call under way ends as it began."""
        self._functions = functions
        self._takes_key = {name for name, function in functions.items() if takes_key(function)}

    def ask(self, rows: Iterable[LogRow], mark: int) -> None:
        """Take note of calls.

        Arguments:
            rows: of the log, that ask for them.
            mark: the number of the transaction that they are in.
        """
        for row in rows:
            offset = row[0]
            if self._taken == self._asked and len(self._waiting) < MAX_WAITING:
                self._waiting.append(self._call_of(row))
                self._taken = offset
            self._asked = offset
            self._unsynced.append((mark, offset))
            if len(self._unsynced) > 1 and self._unsynced[-2][0] == mark:
                del self._unsynced[-2]  # one offset a transaction is enough

    def due_s(self) -> float | None:
        """Return in how many seconds `keep` has something to do; None if nobody knows."""
        now = self._monotonic()
        waits = []
        if self._running is not None:
            waits.append(self._began_s + self._timeout_s - now)
        if self.done > self._told:
            waits.append(self._told_s + DONE_S - now)
        return max(0.0, min(waits)) if waits else None

    def keep(self, synced: int) -> list[str]:
        """Go on: see what has ended, give up what takes too long, make what is on the disk.

        Arguments:
            synced: transactions up to this number are on the disk.

        Returns:
            What went wrong, in words.
        """
        while self._unsynced and self._unsynced[0][0] <= synced:
            self._synced = self._unsynced.popleft()[1]
        problems: list[str] = []
        self._see_ends(problems)
        if self._running is not None and self._monotonic() >= self._began_s + self._timeout_s:
            self._give_up(problems)
        while self._running is None and self._next(problems):
            pass
        return problems

    def to_tell(self) -> int | None:
        """Return up to which offset calls were made, if it is time that the log says so."""
        if self.done == self._told:
            return None
        idle = self._running is None and self.done >= self._asked
        if not idle and self._monotonic() < self._told_s + DONE_S:
            return None
        self._told = self.done
        self._told_s = self._monotonic()
        return self._told

    def close(self) -> int | None:
        """End; return up to which offset calls were made, if the log does not say so yet.

        The call under way has `END_S` seconds. What is not made by then is made after the next
        start.
        """
        for worker in self._hanging:
            worker.make(None)
        if self._worker is not None:
            self._worker.make(None)
            self._worker.join(END_S)
            self._see_ends([])
        return self.done if self.done > self._told else None

    # ------------------------------------------------------------------ one call

    def _next(self, problems: list[str]) -> bool:
        """Begin the next call if it is on the disk; return whether to look again."""
        if not self._waiting and self._taken < self._asked:
            self._read_on()
        if not self._waiting or self._waiting[0].offset > self._synced:
            return False
        call = self._waiting.popleft()
        function = self._functions.get(fold(call.name))
        hanging = Counter(self._hanging.values())[call.name]
        if function is None:
            self._end(call, "this house has no such function in its externals.py", problems)
        elif hanging >= MAX_HANGING:
            self._end(call, f"not called: {hanging} calls of it hang", problems)
        else:
            self._begin(call, function)
        return True

    def _begin(self, call: _Call, function: Function) -> None:
        incarnation = self._store.incarnation_of(self._mode, call.offset)
        key: CallKey = (self._mode, incarnation, call.offset, 0)
        options: dict[str, Any] = {"key": key} if fold(call.name) in self._takes_key else {}
        arguments = json.loads(call.arguments, parse_float=Decimal)
        if self._worker is None:
            self._worker = _Worker(self._on_end)
        self._running = call
        self._began_s = self._monotonic()
        self._worker.make(lambda: function(*arguments, **options))

    def _on_end(self, worker: _Worker, problem: str) -> None:
        self._ended.put((worker, problem))
        self._wake()

    def _see_ends(self, problems: list[str]) -> None:
        while not self._ended.empty():
            worker, problem = self._ended.get()
            if self._hanging.pop(worker, None) is not None:
                worker.make(None)  # it came back after all; another works in its place
            elif self._running is not None:
                call, self._running = self._running, None
                self._end(call, problem, problems)

    def _give_up(self, problems: list[str]) -> None:
        call, self._running = self._running, None
        worker, self._worker = self._worker, None
        assert call is not None
        assert worker is not None
        self._hanging[worker] = call.name
        self._end(call, f"it took longer than {self._timeout_s:g} seconds", problems)

    def _end(self, call: _Call, problem: str, problems: list[str]) -> None:
        self.done = call.offset
        if problem:
            text = f"EXTERNAL {call.name}, called by {call.caller} in message {call.offset}"
            problems.append(f"{text}, failed: {problem}")
            _log.error("%s", problems[-1])

    # ------------------------------------------------------------------ the log

    def _read_on(self) -> None:
        """Take calls from the log that there was no room for, or that an earlier life left."""
        names = self._store.names()
        for row in self._store.rows(self._mode, self._taken):
            if row[0] > self._asked or len(self._waiting) >= MAX_WAITING:
                return
            module, variable, _instance = names[row[2]]
            if module == EXTERNAL_MODULE and variable[:1] != "$":
                self._waiting.append(self._call_of(row))
                self._taken = row[0]
        self._taken = self._asked

    def _call_of(self, row: LogRow) -> _Call:
        offset, _time, number, value, producer, _cause, line, _ts, _changes = row
        caller = self._store.producer(producer)
        if line:
            caller = f"{self._file_of(caller)}:{line}"
        return _Call(offset, self._store.names()[number][1], str(json.loads(value)), caller)


def functions_of(program: Program) -> set[str]:
    """Return the names of the EXTERNAL functions that a module calls."""
    code = program.code
    return {program.texts[code[pc + 1]] for pc in range(0, len(code), 4) if code[pc] == Op.CALL}
