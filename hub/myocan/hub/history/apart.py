"""Where two modes of a house part.

The one idea: what two modes did is compared variable by variable, as the order of the values that
each had, not by time: a copy whose clock is ahead does the same things, earlier.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from myocan.hub.core.program import AT_VARIABLE
from myocan.hub.history.past import CODE, Name
from myocan.hub.store import Entry, Reader

__all__ = ["Apart", "Step", "compare_modes"]


class Step(NamedTuple):
    """A value that a variable took, or an event: where in the log, when, and which, as JSON."""

    offset: int
    time_ms: int
    value: str | None


class Apart(NamedTuple):
    """Something that two modes do not agree on.

    name: the variable or topic. steps: how many values it took, or how often it happened, in each
    since they are two. first: the first of these that the other does not have, None where the one
    has no more. last: the newest in each, None for none.
    """

    name: Name
    steps: tuple[int, int]
    first: tuple[Step | None, Step | None]
    last: tuple[Step | None, Step | None]


def compare_modes(reader: Reader, one: str, other: str) -> list[Apart]:
    """Return what two modes do not agree on since they have been two, by name.

    What the hub itself notes (`$admin`, which ATs are due, what day it is) is left out.
    """
    together = _last_common(reader, one, other)
    tracks = [_tracks(reader, mode, together) for mode in (one, other)]
    found = []
    rules = [_rules(reader, mode) for mode in (one, other)]
    for name in sorted(tracks[0].keys() | tracks[1].keys()):
        steps = [track.get(name, []) for track in tracks]
        values = [[step.value for step in taken] for taken in steps]
        if values[0] == values[1]:
            continue
        if name[1] == CODE and rules[0].get(name) == rules[1].get(name):
            continue  # the same again
        pairs = zip(*values, strict=False)
        shorter = min(map(len, values))
        parted = next((place for place, (a, b) in enumerate(pairs) if a != b), shorter)
        first = [taken[parted] if parted < len(taken) else None for taken in steps]
        last = [taken[-1] if taken else None for taken in steps]
        found.append(
            Apart(name, (len(steps[0]), len(steps[1])), (first[0], first[1]), (last[0], last[1]))
        )
    return found


def _rules(reader: Reader, mode: str) -> dict[Name, str]:
    return {name: text for name, text in reader.state(mode).items() if name[1] == CODE}


def _last_common(reader: Reader, one: str, other: str) -> int:
    """Return the offset up to which the logs of two modes are the same; 0 if nowhere."""
    low, high = 0, min(reader.newest(one), reader.newest(other))
    while low < high:  # a copy begins with all that its original had, and then has its own
        middle = (low + high + 1) // 2
        if reader.entry(one, middle) == reader.entry(other, middle):
            low = middle
        else:
            high = middle - 1
    return low


def _tracks(reader: Reader, mode: str, after: int) -> dict[Name, list[Step]]:
    tracks: dict[Name, list[Step]] = defaultdict(list)
    for entry in reader.entries(mode, after=after):
        message = entry.message
        for name, value in _said(entry):
            tracks[name].append(Step(message.offset, message.time_ms, value))
        told = tracks.get((message.module, message.variable, message.instance))
        if told and told[-1][::2] == (message.cause, message.value):
            told[-1] = told[-1]._replace(offset=message.offset)  # what was decided is said here
    return tracks


def _said(entry: Entry) -> Iterator[tuple[Name, str | None]]:
    """Return what a message did: values that changed, and events."""
    message, changes = entry
    for name, value in changes.items():
        if name[0][:1] != "$" and name[1] != AT_VARIABLE:
            yield name, value
    name = message.module, message.variable, message.instance
    is_own = message.module[:1] == "$" or message.variable in (CODE, AT_VARIABLE)
    if message.value == "null" and name not in changes and not is_own:
        yield name, message.value
