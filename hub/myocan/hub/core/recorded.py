"""Gives a core what a log has, in batches, and compares what follows with the log.

The one idea: what was said and what changed are compared as the texts that the log holds. Only
where these are not the same letter by letter does anybody look closer, in words; so a message that
comes to what the log says costs a few comparisons, and no object is made of it.

A *row* is a message as the store has it: (offset, time, number of the name, JSON value, number of
the producer, cause, line, time of the producer, changes). A *group* is an input and all rows behind
it up to the next input.
"""

from __future__ import annotations

import contextlib
from array import array
from collections.abc import Callable

from myocan.hub.core.dispatch import Core
from myocan.hub.core.linker import TopicName
from myocan.hub.core.scalars import decimal_text, parse_scalar, scalar_json

try:
    import cython
except ImportError:  # a pure build runs without Cython
    from myocan.hub.core.uncompiled import cython

if not cython.compiled:
    from myocan.hub.core.uncompiled import FORGOTTEN_TAG, TEXT_TAG

MOST_TEXTS = 1 << 16
"""Texts, scalars and names that are remembered of each kind; bounds what a long log costs here."""

Name = tuple[str, str, str]
"""(module, variable in lower case, instance or "")."""

Row = tuple[int, int, int, str, int, int | None, int | None, int | None, str | None]


class Recorded:
    """Feeds a core from a log. For one thread.

    Arguments:
        core: that runs the messages; what it is linked with may change between two batches.
        name_of, producer_of: what a row's numbers stand for.
        number_of, number_of_producer: the numbers that rows have for these, -1 if none has it.
    """

    def __init__(
        self,
        core: Core,
        name_of: Callable[[int], Name],
        producer_of: Callable[[int], str],
        number_of: Callable[[Name], int],
        number_of_producer: Callable[[str], int],
    ) -> None:
        self._core = core
        self._intern = core.intern
        self._name_of = name_of
        self._producer_of = producer_of
        self._number_of = number_of
        self._number_of_producer = number_of_producer
        self._epoch = -1
        self._inputs: dict[int, tuple[int, int, str]] = {}
        self._scalars: dict[str, tuple[int, ...]] = {}
        self._texts: dict[int, str] = {}
        self._names: dict[int, int] = {}
        self._slots: dict[int, str] = {}
        self._left: list[tuple[int, int]] = []
        self._fed = 0
        self._capacity = 0
        self._change = 0
        self._own_inputs(1)
        self._follow()

    def feed(self, rows: list[Row], places: list[int]) -> None:
        """Let the core process some of these rows as they came, each at its time and offset.

        Those on topics that no program names, or with a value that is no scalar, are left out.

        Arguments:
            rows: of a log, in order.
            places: of those to process, in order.
        """
        core = self._core
        if self._epoch != core.epoch:
            self._follow()
        count = len(places)
        if count > self._capacity:
            self._own_inputs(2 * count)
        last = len(rows)
        fed = 0
        self._left = []
        for number in range(count):
            place = places[number]
            row = rows[place]
            known = self._inputs.get(row[2])
            if known is None:
                known = self._input(row[2])
            scalar = self._scalars.get(row[3])
            if scalar is None:
                scalar = self._scalar(row[3])
            end = places[number + 1] if number + 1 < count else last
            if known[0] < 0 or not scalar:
                self._left.append((place, end))
                continue
            self._topics[fed] = known[0]
            self._instances[fed] = known[1]
            self._tags[fed] = scalar[0]
            self._values[fed] = scalar[1]
            self._offsets[fed] = row[0]
            self._times[fed] = row[1]
            if self._observes:
                self._producers[fed] = core.intern(self._producer_of(row[4]))
                self._stamps[fed] = row[7] or 0
            self._places[fed] = place
            self._ends[fed] = end
            fed += 1
        self._fed = fed
        core.run(
            self._topics[:fed],
            self._tags[:fed],
            self._values[:fed],
            0,
            self._instances[:fed],
            0,
            self._producers[:fed] if self._observes else None,
            self._stamps[:fed] if self._observes else None,
            self._times[:fed],
            self._offsets[:fed],
        )

    def inputs(self, rows: list[Row]) -> list[int]:
        """Return the places of those rows that came from outside."""
        return [place for place, row in enumerate(rows) if row[5] is None]

    def others(self, rows: list[Row], names: set[int]) -> list[int]:
        """Return the places of those rows whose names' numbers are not among these."""
        return [place for place, row in enumerate(rows) if row[2] not in names]

    def differing(self, rows: list[Row]) -> list[tuple[int, int, int, int]]:
        """Return the groups that may not be what the last `feed` of these rows came to.

        Each is (place, end, row, last): rows[place:end] of the log, and the core's rows from `row`
        up to `last`, which are none for an input that was left out.
        """
        core = self._core
        found = []
        for place, end in self._left:
            whole = end - place == 1 and self._scalars.get(rows[place][3])
            if not whole or not self._input_agrees(rows[place], None):
                found.append((place, end, 0, 0))
        count = core._rows
        row = 0
        self._change = 0
        for number in range(self._fed):
            first = row
            row += 1
            while row < count and core._row_module[row] >= 0:
                row += 1
            place = self._places[number]
            end = self._ends[number]
            if not self._agrees(rows, place, end, first, row):
                found.append((place, end, first, row))
        return found

    def _agrees(self, rows: list[Row], place: int, end: int, first: int, last: int) -> bool:
        """Tell whether a group is to the letter what the core has computed."""
        if last - first != end - place:
            return False
        core = self._core
        logged = rows[place]
        offset = logged[0]
        time_ms = logged[1]
        if not self._input_agrees(logged, self._changes_of(first)):
            return False
        for row in range(first + 1, last):
            place += 1
            logged = rows[place]
            offset_of = logged[0]
            time_of = logged[1]
            cause = logged[5]
            if (
                offset_of != offset + row - first
                or time_of != time_ms
                or cause != offset + core._row_cause[row] - first
                or logged[2] != self._topic_number(core._row_topic[row], core._row_instance[row])
                or logged[4] != self._modules[core._row_module[row]]
                or logged[6] != self._lines[core._row_pc[row] >> 2]
                or logged[3] != self._text(core._row_tag[row], core._row_value[row])
                or logged[8] != self._changes_of(row)
            ):
                return False
        return True

    def _input_agrees(self, logged: Row, changes: str | None) -> bool:
        """Tell whether an input changed what the log says, its own value being kept or not."""
        if logged[8] == changes:
            return True
        own = self._inputs[logged[2]][2]
        if not own:
            return False
        kept = f"{own},{logged[3]}]"
        return logged[8] == (f"[{kept}" if changes is None else f"{changes[:-1]},{kept}")

    def _changes_of(self, row: int) -> str | None:
        """Return what the cycles of a row have changed, as the log writes it."""
        core = self._core
        change = self._change
        count = core._changes
        while change < count and core._change_row[change] < row:
            change += 1
        if change == count or core._change_row[change] != row:
            self._change = change
            return None
        said = "["
        while change < count and core._change_row[change] == row:
            if len(said) > 1:
                said += ","
            said += self._change_text(
                core._change_slot[change],
                core._change_tag[change],
                core._change_value[change],
                core._change_instance[change],
            )
            change += 1
        self._change = change
        return said + "]"

    def _change_text(self, slot: int, tag: int, value: int, key: int) -> str:
        name = (slot << 32) + key
        number = self._slots.get(name)
        if number is None:
            named = self._core.name_of(slot)
            text = self._core.texts[key] if key >= 0 else ""
            number = self._slots[name] = str(self._number_of((named[0], named[1], text)))
            if len(self._slots) > MOST_TEXTS:
                self._slots.clear()
        if tag == FORGOTTEN_TAG:
            return f"-{number},null"
        return f"{number},{self._text(tag, value)}"

    def _topic_number(self, topic: int, key: int) -> int:
        """Return the number of the name that a topic of the core has in the log."""
        name = (topic << 32) + key
        number = self._names.get(name)
        if number is None:
            domain, module, variable = self._core.topics[topic]
            text = self._core.texts[key] if key >= 0 else ""
            of = f"{domain}.{module}" if domain else module
            number = self._names[name] = self._number_of((of, variable, text))
            if len(self._names) > MOST_TEXTS:
                self._names.clear()
        return number

    def _text(self, tag: int, value: int) -> str:
        if tag < 0 and tag != TEXT_TAG:
            return scalar_json(tag, value, self._core.texts)
        if -(1 << 58) < value < (1 << 58):
            number = (value << 4) + tag + 3
            text = self._texts.get(number)
            if text is None:
                text = self._texts[number] = scalar_json(tag, value, self._core.texts)
                if len(self._texts) > MOST_TEXTS:
                    self._texts.clear()
            return text
        return decimal_text(value, tag)

    def _scalar(self, text: str) -> tuple[int, ...]:
        """Return the scalar that a JSON text stands for, () if it stands for none."""
        scalar: tuple[int, ...] = ()
        with contextlib.suppress(ValueError):
            scalar = parse_scalar(text, self._intern)
        if len(self._scalars) > MOST_TEXTS:
            self._scalars.clear()
        self._scalars[text] = scalar
        return scalar

    def _input(self, number: int) -> tuple[int, int, str]:
        """Return of a name the core's topic, its key, and its number if its value is kept as it
        came, "" if it is a variable of a module."""
        module, variable, instance = self._name_of(number)
        topic = self._core.topic(topic_of(module, variable))
        key = self._intern(instance) if instance and topic >= 0 else -1
        own = "" if (module, variable) in self._variables else str(number)
        if len(self._inputs) > MOST_TEXTS:
            self._inputs.clear()
        self._inputs[number] = (topic, key, own)
        return topic, key, own

    def _follow(self) -> None:
        """Take over the core's numbers, which have changed."""
        core = self._core
        self._epoch = core.epoch
        self._inputs.clear()
        self._scalars.clear()
        self._texts.clear()
        self._names.clear()
        self._slots.clear()
        self._variables = set(core._slot_numbers)
        self._modules = [self._number_of_producer(one.module) for one in core.programs]
        self._observes = any(one.attributes for one in core.programs)
        # What no line has done (a pc of -1) has the last of the list.
        self._lines = [line or None for line in core.layout.lines] + [None]

    def _own_inputs(self, capacity: int) -> None:
        self._capacity = capacity
        empty = bytes(8 * capacity)
        self._topics = array("q", empty)
        self._tags = array("q", empty)
        self._values = array("q", empty)
        self._instances = array("q", empty)
        self._offsets = array("q", empty)
        self._times = array("q", empty)
        self._producers = array("q", empty)
        self._stamps = array("q", empty)
        self._places = array("q", empty)
        self._ends = array("q", empty)


def topic_of(module: str, variable: str) -> TopicName:
    """Return the topic of a message as the core names it."""
    domain, _, last = module.rpartition(".")
    return domain, last, variable
