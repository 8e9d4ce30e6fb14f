"""Whether the books of a simulation balance.

What is compared: each board's diary with the log; the state with what the log's inputs make of it,
once by counting and once by computing all of it again; what the broker keeps and what the lamps
show with the state; every frame that was ever published with the log, but for what a power cut took
before it was synced; and an incarnation's offset means one message only, for ever.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from myocan.hub.history import replay
from myocan.hub.store import Entry, Reader
from myocan.tools.chaos.simulation.boards import PRESS, SimulatedBoard
from myocan.tools.chaos.simulation.house import PUBLISHED

if TYPE_CHECKING:
    from myocan.hub.core import Program

__all__ = ["Witness", "check"]

_DATA = "mc1/live/home/"


class Witness:
    """Who sees everything that is published, and remembers what of it the log must have."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._seen: dict[tuple[str, bytes], None] = {}
        self._values: dict[tuple[int, int, str], str] = {}
        self._claims: dict[tuple[int, str], set[str]] = {}

    def see(self, topic: str, payload: bytes, retain: bool) -> None:
        """A frame has reached the broker."""
        if payload and topic.startswith(_DATA):
            self._seen.setdefault((topic, payload))

    def power_is_cut(self, offset: int) -> None:
        """The log goes up to `offset` after a power cut: what was said of the rest is void."""
        self._read()
        self._claims = {key: texts for key, texts in self._claims.items() if key[0] <= offset}

    def check(self, entries: Iterable[Entry]) -> None:
        """Compare what was published with the log."""
        self._read()
        offsets: dict[str, list[int]] = {}
        values: dict[str, list[str]] = {}
        for entry in entries:
            message = entry.message
            name = f"{message.module}.{message.variable}"
            offsets.setdefault(name, []).append(message.offset)
            values.setdefault(name, []).append(message.value)
        for (offset, name), texts in self._claims.items():
            place = bisect_right(offsets.get(name, []), offset)
            logged = values[name][place - 1] if place else None
            if texts != {logged}:
                self.faults.append(
                    f"{name} was published as {sorted(texts)} at offset {offset}, where the log "
                    f"has {logged}"
                )

    def _read(self) -> None:
        """Take in what was seen since the last time."""
        for topic, payload in self._seen:
            value, offset, _ts, _producer, incarnation = json.loads(payload)
            text = json.dumps(value)
            name = topic[len(_DATA) :].replace("/", ".")
            known = self._values.setdefault((incarnation, offset, name), text)
            if known != text:
                self.faults.append(
                    f"{name} was {known}, then {text}, both as offset {offset} of {incarnation}"
                )
            self._claims.setdefault((offset, name), set()).add(text)
        self._seen.clear()


def check(
    store: Path, entries: list[Entry], boards: list[SimulatedBoard], retained: dict[str, bytes]
) -> list[str]:
    """Return what does not balance, in words.

    Arguments:
        store: whose hub has ended in good order. entries: its log.
        boards: at the end, silent.
        retained: what the broker keeps.
    """
    with Reader(store) as reader:
        state = {f"{name[0]}.{name[1]}": text for name, text in reader.state().items()}
    faults = []
    if [entry.message.offset for entry in entries] != list(range(1, len(entries) + 1)):
        faults.append("the log has a gap")
    presses = 0
    for board in boards:
        presses += _check_board(board, entries, state, faults)
    _check_state(state, "hall.total", presses, faults)
    if state.get("hall.light", '"off"') != '"off"':
        faults.append("the timer of the hall never ran out")
    for name in PUBLISHED:
        payload = retained.get(_DATA + name.replace(".", "/"))
        kept = json.dumps(json.loads(payload)[0]) if payload else None
        if kept != state.get(name):
            faults.append(f"the broker has {kept} of {name}, the log {state.get(name)}")
    faults += _check_hours(entries)
    replayed = replay(entries, _program)
    faults += [
        f"computed again, {each.what} at {each.offset} is {each.computed}, in the log {each.logged}"
        for each in replayed.differences[:3]
    ]
    return faults


def _check_board(
    board: SimulatedBoard, entries: list[Entry], state: dict[str, str], faults: list[str]
) -> int:
    """Compare a board's diary; return how many of its presses the log has."""
    n, name = board.number, board.name
    own = [entry.message for entry in entries if entry.message.producer == name]
    presses = sum(message.module == f"button{n}" for message in own)
    told = [int(message.value) for message in own if message.module == f"tally{n}"]
    if len(set(told)) != len(told):
        faults.append(f"{name}: numbers that count twice: {_twice(told)}")
    all_told = {event for event in board.events if event != PRESS}
    if strange := set(told) - all_told:
        faults.append(f"{name}: numbers that nobody told: {sorted(strange)}")
    pressed = sum(event == PRESS for event in board.events)
    if presses > pressed:
        faults.append(f"{name}: {pressed} presses, and {presses} in the log")
    doubtful = {board.events[place] for place in board.doubtful} - {PRESS}
    died = sum(board.events[place] == PRESS for place in board.doubtful)
    missing = len(all_told - set(told) - doubtful) + max(0, pressed - presses - died)
    if missing > board.lost:
        faults.append(
            f"{name}: {missing} events are not in the log, and it said it lost {board.lost}; "
            f"numbers: {sorted(all_told - set(told) - doubtful)}, presses: {presses} of {pressed}, "
            f"{died} died"
        )
    _check_state(state, f"counter{n}.total", presses, faults)
    _check_state(state, f"counter{n}.sum", sum(told), faults)
    lit = state.get(f"counter{n}.lamp", '"off"') == '"on"'
    if lit != presses % 2:
        faults.append(f"counter{n}.lamp is {state.get(f'counter{n}.lamp')} after {presses} presses")
    # A board may still show what a power cut took back, until the hub says another value; of a
    # variable that the log does not know it says none.
    if f"counter{n}.lamp" in state and board.lamp != lit:
        faults.append(f"{name}: the lamp's pin is {board.lamp}, counter{n}.lamp {lit}")
    return presses


def _twice(numbers: list[int]) -> list[int]:
    return sorted({number for number in numbers if numbers.count(number) > 1})


def _check_state(state: dict[str, str], name: str, wanted: int, faults: list[str]) -> None:
    found = state.get(name, "0")
    if found != str(wanted):
        faults.append(f"{name} is {found}, and should be {wanted}")


def _check_hours(entries: list[Entry]) -> list[str]:
    """Each hour of the hall's came once, in order, none left out."""
    due = [e.message.time_ms for e in entries if e.message.variable == "%%at%%"]
    if due != sorted(set(due)):
        return [f"hours came twice, or out of order: {due}"]
    hours = [e for e in entries if (e.message.module, e.message.variable) == ("hall", "hours")]
    return [] if len(hours) == len(due) else [f"{len(due)} hours were due, {len(hours)} counted"]


@cache
def _program(module: str, source: str) -> Program | None:
    from myocan.hub.lang import compile_module

    return compile_module(source, module).program
