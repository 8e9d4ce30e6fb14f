"""What the core works on: programs laid out side by side, variables, rows and changes.

The one idea: everything a cycle touches is in flat tables of integers, lists here and C arrays in
the compiled build (`tables.pxd`), so that no Python object is made for a message. Variables are in
*slots*; a module's slots are in declaration order. What a slot means is told by its *meta*, which
modules of the same shape share (see `linker`).
"""

from __future__ import annotations

from collections.abc import Iterable

from myocan.hub.core import linker
from myocan.hub.core.linker import Layout, TopicName
from myocan.hub.core.program import Program
from myocan.hub.core.scalars import parse_time, plain_text, time_text
from myocan.hub.patterns import matches

try:
    import cython
except ImportError:  # a pure build runs without Cython
    from myocan.hub.core.uncompiled import cython

if not cython.compiled:
    from myocan.hub.core.uncompiled import (  # fmt: skip
        ANY,
        BOOL_TAG,
        BOOLEAN,
        DECIMAL,
        ENUMERATION,
        NULL_TAG,
        TEXT,
        TEXT_TAG,
        TIME,
        grown,
        rescale,
        slot_table,
        subscription_table,
        table,
        times_power,
    )

_INITIAL_ROWS = 1024


class Tables:
    """The tables of some programs, and what the last batch did. For one thread.

    Rows, changes and numbers of topics, texts and slots are valid until the next `run`, `link` or
    `compact`.
    """

    def __init__(self) -> None:
        if not cython.compiled:
            self._row_topic: list[int] = []
            self._row_tag: list[int] = []
            self._row_value: list[int] = []
            self._row_module: list[int] = []
            self._row_cause: list[int] = []
            self._row_pc: list[int] = []
            self._row_depth: list[int] = []
            self._row_instance: list[int] = []
            self._change_row: list[int] = []
            self._change_slot: list[int] = []
            self._change_tag: list[int] = []
            self._change_value: list[int] = []
            self._change_instance: list[int] = []
        self.epoch = 0
        self.texts: list[str] = []
        self._text_numbers: dict[str, int] = {}
        self.layout = Layout()
        self.programs: list[Program] = []
        self.topics: list[TopicName] = []
        self._topic_numbers: dict[TopicName, int] = {}
        self._rows = 0
        self._changes = 0
        self._touched = 0
        self._own_rows(_INITIAL_ROWS)
        self._own_changes(_INITIAL_ROWS)

    # ------------------------------------------------------------------ programs

    def _lay_out(self, programs: Iterable[Program], topics: frozenset[TopicName]) -> Layout:
        """Make new tables and a new pool of texts for these programs."""
        self.epoch += 1
        self.texts = []
        self._text_numbers = {}
        layout = linker.lay_out(programs, self.intern, topics)
        self.layout = layout
        self.programs = layout.modules
        self.topics = layout.topics
        self._topic_numbers = {name: number for number, name in enumerate(layout.topics)}
        self._own_layout(layout)
        return layout

    def _own_layout(self, layout: Layout) -> None:
        owner: list[object] = []
        most = layout.most_variables + 1
        self._most_touched = most - 1
        self._code = table(owner, layout.code)
        self._type = table(owner, layout.meta_type)
        self._role = table(owner, layout.meta_role)
        self._decimals = table(owner, layout.meta_decimals)
        self._lower = table(owner, layout.meta_lower)
        self._upper = table(owner, layout.meta_upper)
        self._first = table(owner, layout.meta_members)
        self._count = table(owner, layout.meta_count)
        self._members = table(owner, layout.members)
        self._place = table(owner, layout.meta_place)
        self._modified = table(owner, layout.meta_modified)
        self._observed = table(owner, layout.meta_observed)
        self._notes_changes = int(max(layout.meta_modified, default=-1) >= 0)
        self._slots = slot_table(owner, layout.slot_initial, layout.slot_topic, layout.slot_key)
        self._slot_meta = table(owner, layout.slot_meta)
        self._when_condition = table(owner, layout.when_condition)
        self._when_actions = table(owner, layout.when_actions)
        self._when_reads = table(owner, layout.when_reads)
        self._reads = table(owner, layout.reads)
        self._topic_first = table(owner, layout.topic_first)
        self._subscriptions = subscription_table(owner, layout.subscriptions)
        self._chosen = table(owner, [0] * (layout.most_whens + 1))
        self._touched_slot = table(owner, [0] * most)
        self._touched_value = table(owner, [0] * most)
        self._touched_tag = table(owner, [0] * most)
        self._touched_written = table(owner, [0] * most)
        self._touched_pc = table(owner, [0] * most)
        self._order = table(owner, [0] * most)
        self._layout_owner = owner  # the tables before these go now

    def intern(self, text: str) -> int:
        """Return the number of `text` in the pool, a new one if need be; good for this `epoch`."""
        number = self._text_numbers.get(text)
        if number is None:
            number = self._text_numbers[text] = len(self.texts)
            self.texts.append(text)
        return number

    def _forget_texts(self, count: int) -> None:
        """Take the texts behind the first `count` from the pool; nobody may have their numbers."""
        while len(self.texts) > count:
            del self._text_numbers[self.texts.pop()]

    def topic(self, name: TopicName) -> int:
        """Return the number of a topic that some program names, or -1."""
        return self._topic_numbers.get(name, -1)

    def heard(self, topic: int) -> bool:
        """Tell whether any module subscribes to the topic of this number."""
        known = 0 <= topic < len(self.topics)
        return known and bool(self._topic_first[topic] != self._topic_first[topic + 1])

    def line(self, pc: int) -> int:
        """Return the line of the statement that the code at `pc` belongs to, 0 for none."""
        return self.layout.lines[pc >> 2] if pc >= 0 else 0

    # ------------------------------------------------------------------ variables

    def _assign(self, slot: int, value: int, tag: int, pc: int) -> None:
        """Store into a slot; keep its value before the cycle, for step 4 and for undoing."""
        slots = self._slots
        number = slots[slot].touch
        if number >= self._touched or self._touched_slot[number] != slot:
            number = self._touched
            self._touched = number + 1
            slots[slot].touch = number
            self._touched_slot[number] = slot
            self._touched_value[number] = slots[slot].value
            self._touched_tag[number] = slots[slot].tag
            self._touched_written[number] = slots[slot].written
        self._touched_pc[number] = pc
        slots[slot].value = value
        slots[slot].tag = tag
        slots[slot].written = 1

    def _differs(self, slot: int) -> bool:
        """Tell whether this cycle gave a slot another value; 5 and 5.0 in an ANY are the same."""
        number = self._slots[slot].touch
        if number >= self._touched or self._touched_slot[number] != slot:
            return False
        before = self._touched_tag[number]
        tag = self._slots[slot].tag
        if before != tag and before >= 0 and tag >= 0:
            return bool(
                times_power(self._touched_value[number], 9 - before)
                != times_power(self._slots[slot].value, 9 - tag)
            )
        return before != tag or self._touched_value[number] != self._slots[slot].value

    # ------------------------------------------------------------------ scalars and slots

    def _convert(self, meta: int, tag: int, value: int) -> int:
        """Bring a scalar into a variable's own units: into `_converted`, `_converted_tag`.

        Returns:
            1, or 0 if it does not fit the variable's type and constraint.
        """
        kind = self._type[meta]
        self._converted_tag = NULL_TAG
        if kind == ANY:
            self._converted = value
            self._converted_tag = tag
            return 1
        if kind == ENUMERATION:
            if tag != TEXT_TAG:
                return 0
            first = self._first[meta]
            for number in range(first, first + self._count[meta]):
                if self._members[number] == value:
                    self._converted = number - first
                    return 1
            folded = self._text_numbers.get(linker.fold(self.texts[value]), value)
            return self._convert(meta, TEXT_TAG, folded) if folded != value else 0
        if kind == DECIMAL:
            if tag < 0:
                return 0
            units = rescale(value, tag, self._decimals[meta])
            if units < self._lower[meta] or units > self._upper[meta]:
                return 0
            self._converted = units
            return 1
        if kind == BOOLEAN:
            self._converted = value
            return 1 if tag == BOOL_TAG else 0
        if kind == TEXT:
            self._converted = value
            if tag != TEXT_TAG or not self._count[meta]:
                return 1 if tag == TEXT_TAG else 0
            return 1 if matches(self.layout.meta_variable[meta].pattern, self.texts[value]) else 0
        if kind == TIME and tag == TEXT_TAG:
            minutes = parse_time(self.texts[value])
            if minutes is not None:
                self._converted = minutes
                return 1
        return 0

    def _scalar_tag(self, meta: int, slot: int) -> int:
        kind = self._type[meta]
        if kind in (ENUMERATION, TEXT, TIME):
            return TEXT_TAG
        if kind == DECIMAL:
            return self._decimals[meta]
        if kind == BOOLEAN:
            return BOOL_TAG
        return self._slots[slot].tag

    def _scalar_value(self, meta: int, slot: int) -> int:
        kind = self._type[meta]
        if kind == ENUMERATION:
            return self._members[self._first[meta] + self._slots[slot].value]
        if kind == TIME:
            return self.intern(time_text(self._slots[slot].value))
        return self._slots[slot].value

    def _shown(self, meta: int, slot: int) -> str:
        """Return what is in a slot as people write it; a member in its declared spelling."""
        members = self.layout.meta_variable[meta].members
        if members:
            return members[self._slots[slot].value]
        return plain_text(self._scalar_tag(meta, slot), self._scalar_value(meta, slot), self.texts)

    # ------------------------------------------------------------------ rows and changes

    def rows(self) -> list[tuple[int, int, int, int, int, int, int]]:
        """Return the rows of the last run.

        Each is (topic, tag, value, module, cause, pc, instance): the number of the module that
        published it (or -1 - i for input i), the row that led to it (-1 for an input), where the
        rule stands (`line(pc)`; -1 for none), and the text number of its key, or -1.
        """
        return [
            (
                self._row_topic[row],
                self._row_tag[row],
                self._row_value[row],
                self._row_module[row],
                self._row_cause[row],
                self._row_pc[row],
                self._row_instance[row],
            )
            for row in range(self._rows)
        ]

    def changes(self) -> list[tuple[int, int, int, int, int]]:
        """Return what the last run changed: (row whose cycle did it, slot, tag, value, instance).

        The instance is the text number of the key, or -1; a tag `FORGOTTEN` says that there is no
        such variable of this instance any more. The births and drops of a module have a slot of
        their own, named `INSTANCES_VARIABLE`.
        """
        return [
            (
                self._change_row[number],
                self._change_slot[number],
                self._change_tag[number],
                self._change_value[number],
                self._change_instance[number],
            )
            for number in range(self._changes)
        ]

    def _emit(
        self,
        topic: int,
        tag: int,
        value: int,
        module: int,
        cause: int,
        pc: int,
        depth: int,
        instance: int,
    ) -> None:
        row = self._rows
        if row == self._row_capacity:
            self._own_rows(2 * row)
        self._row_topic[row] = topic
        self._row_tag[row] = tag
        self._row_value[row] = value
        self._row_module[row] = module
        self._row_cause[row] = cause
        self._row_pc[row] = pc
        self._row_depth[row] = depth
        self._row_instance[row] = instance
        self._rows = row + 1

    def _change(self, row: int, slot: int, tag: int, value: int, instance: int) -> None:
        number = self._changes
        if number == self._change_capacity:
            self._own_changes(2 * number)
        self._change_row[number] = row
        self._change_slot[number] = slot
        self._change_tag[number] = tag
        self._change_value[number] = value
        self._change_instance[number] = instance
        self._changes = number + 1

    def _own_rows(self, capacity: int) -> None:
        owner: list[object] = []
        self._row_topic = grown(owner, self._row_topic, self._rows, capacity)
        self._row_tag = grown(owner, self._row_tag, self._rows, capacity)
        self._row_value = grown(owner, self._row_value, self._rows, capacity)
        self._row_module = grown(owner, self._row_module, self._rows, capacity)
        self._row_cause = grown(owner, self._row_cause, self._rows, capacity)
        self._row_pc = grown(owner, self._row_pc, self._rows, capacity)
        self._row_depth = grown(owner, self._row_depth, self._rows, capacity)
        self._row_instance = grown(owner, self._row_instance, self._rows, capacity)
        self._row_capacity = capacity
        self._row_owner = owner

    def _own_changes(self, capacity: int) -> None:
        owner: list[object] = []
        self._change_row = grown(owner, self._change_row, self._changes, capacity)
        self._change_slot = grown(owner, self._change_slot, self._changes, capacity)
        self._change_tag = grown(owner, self._change_tag, self._changes, capacity)
        self._change_value = grown(owner, self._change_value, self._changes, capacity)
        self._change_instance = grown(owner, self._change_instance, self._changes, capacity)
        self._change_capacity = capacity
        self._change_owner = owner
