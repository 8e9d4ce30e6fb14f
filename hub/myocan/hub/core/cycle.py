"""The steps of a cycle behind its ONs: WHENs, changes, publications, effects; or that it is undone.

The one idea: a cycle is what lies between `_mark` and `_touched`: what it has assigned, with the
values from before. From that follow what differs, what is published, what is undone.
"""

from __future__ import annotations

from array import array

from myocan.hub.core import records
from myocan.hub.core.granted import Granted
from myocan.hub.core.linker import FAILED
from myocan.hub.core.program import AttributeKind
from myocan.hub.core.scalars import scalar_json

try:
    import cython
except ImportError:  # a pure build runs without Cython
    from myocan.hub.core.uncompiled import cython

if not cython.compiled:
    from myocan.hub.core.uncompiled import (  # fmt: skip
        BOOL_TAG,
        CREATE,
        ENDLESS,
        ENUMERATION,
        EVENT,
        FORGOTTEN_TAG,
        NULL_TAG,
        OWN_KEY,
        PUBLIC,
        TEXT_TAG,
        TIMER,
    )


class Cycle(Granted):
    """Ends cycles. For one thread."""

    def __init__(self) -> None:
        self._newborn = -1
        self._offset = 0
        self._producers: array[int] | None = None
        self._stamps: array[int] | None = None
        self._just_born: set[tuple[int, str]] | None = None
        super().__init__()

    def _react(self, first: int, last: int, base: int, meta: int) -> int:
        """Choose and run the WHENs first <= w < last; return a failure (negative) or 1."""
        count = 0
        for when in range(first, last):
            for number in range(self._when_reads[when], self._when_reads[when + 1]):
                if self._read_differs(self._reads[number], base, meta):
                    outcome = self._execute(self._when_condition[when], base, meta)
                    if outcome < 0:
                        return outcome
                    if outcome:
                        self._chosen[count] = when
                        count += 1
                    break
        for number in range(count):
            outcome = self._execute(self._when_actions[self._chosen[number]], base, meta)
            if outcome < 0:
                return outcome
        return 1

    def _read_differs(self, read: int, base: int, meta: int) -> bool:
        """Tell whether what a WHEN reads differs: a variable, or any value of a map (~variable)."""
        if read >= 0:
            return self._differs(base + read)
        for number in range(self._mark, self._touched):
            slot = self._touched_slot[number]
            of_map = slot >= self._fixed_slots and self._slot_meta[slot] == meta + ~read
            if of_map and self._differs(slot):
                return True
        return False

    def _undo(self) -> None:
        for number in range(self._mark, self._touched):
            slot = self._touched_slot[number]
            self._slots[slot].value = self._touched_value[number]
            self._slots[slot].tag = self._touched_tag[number]
            self._slots[slot].written = self._touched_written[number]
        self._touched = self._mark
        self._forget_effects()

    def _finish(self, row: int, module: int, meta_of_base: int) -> None:
        """Step 4 of the cycle: changes and publications, in declaration order, then the rest."""
        if self._newborn >= 0:
            self._tell_birth(row, module)
        if self._notes_changes:
            self._note_modified(module, meta_of_base)
        mark = self._mark
        count = self._touched
        order = self._order
        slots = self._slots
        touched = self._touched_slot
        fixed = self._fixed_slots
        instance = self._instance
        elements = 0
        for number in range(mark, count):  # few, and nearly in order already
            slot = touched[number]
            if slot >= fixed:
                elements = 1
            place = number
            while place > mark and touched[order[place - 1]] > slot:
                order[place] = order[place - 1]
                place -= 1
            order[place] = number
        if elements:
            self._put_maps_in_order()
        for place in range(mark, count):
            number = order[place]
            slot = touched[number]
            meta = meta_of_base + slot
            named = slot
            key = instance
            if slot >= fixed:
                named, key = self._element_owners[slot - fixed]
                meta = self._slot_meta[slot]
            kind = self._type[meta]
            public = self._role[meta] == PUBLIC
            differs = (
                self._touched_value[number] != slots[slot].value
                or self._touched_tag[number] != slots[slot].tag
                or not self._touched_written[number]
            )
            if instance >= 0:
                self._keep_if_keyed(module, slot)
            if kind == EVENT:
                if not public:
                    if differs and self._role[meta] == TIMER:
                        self._change(row, named, 0, slots[slot].value, key)
                    continue
            elif not differs and not (public and kind == ENUMERATION and self._count[meta] == 1):
                continue
            tag = self._scalar_tag(meta, slot)
            value = self._scalar_value(meta, slot)
            if differs and kind != EVENT:
                self._change(row, named, tag, value, key)
            if public:
                publish_key = slots[slot].key
                if publish_key == OWN_KEY:
                    publish_key = instance
                self._emit(
                    slots[slot].topic,
                    tag,
                    value,
                    module,
                    row,
                    self._touched_pc[number],
                    self._row_depth[row] + 1,
                    publish_key,
                )
        if self._effects:
            self._tell_effects(row, module)

    def _note_modified(self, module: int, meta_of_base: int) -> None:
        """Fill #modified of what this cycle has given another value (arrivals have theirs)."""
        base = self.layout.module_base[module]
        for number in range(self._mark, self._touched):
            slot = self._touched_slot[number]
            if slot < self._fixed_slots:
                meta = meta_of_base + slot
                hidden = self._modified[meta]
                if hidden >= 0 and not self._observed[meta] and self._differs(slot):
                    self._assign(base + hidden, self._now, NULL_TAG, -1)

    def _put_maps_in_order(self) -> None:
        """Order what was touched by declaration, the values of a map by key."""
        numbers = sorted(range(self._mark, self._touched), key=self._declared)
        for place, number in enumerate(numbers):
            self._order[self._mark + place] = number

    def _declared(self, number: int) -> tuple[int, str]:
        """Return where something touched was declared, and its key in a map."""
        slot = self._touched_slot[number]
        if slot < self._fixed_slots:
            return slot, ""
        owner, key_number = self._element_owners[slot - self._fixed_slots]
        return owner, self.texts[key_number]

    def _tell_birth(self, row: int, module: int) -> None:
        """Tell that the message has created its instance."""
        key_number = self._newborn
        self._change(row, self.layout.births_slot[module], BOOL_TAG, 1, key_number)
        self._emit_birth(row, module, BOOL_TAG, key_number, -1)

    def _emit_birth(self, row: int, module: int, tag: int, key_number: int, pc: int) -> None:
        topic = self.layout.births_topic[module]
        depth = self._row_depth[row] + 1
        self._emit(topic, tag, 1 if tag == BOOL_TAG else 0, module, row, pc, depth, key_number)

    def _tell_effects(self, row: int, module: int) -> None:
        """Let instances be born and dropped, then send log lines and calls."""
        for op, key_number, pc in self._births:
            if op == CREATE:
                if self._bear(row, module, key_number):
                    self._note_birth(module, key_number)
                    self._emit_birth(row, module, BOOL_TAG, key_number, pc)
            elif self._drop(row, module, key_number):
                self._emit_birth(row, module, NULL_TAG, key_number, pc)
        depth = self._row_depth[row] + 1
        for topic, text, pc in self._messages:
            self._emit(topic, TEXT_TAG, self.intern(text), module, row, pc, depth, -1)
        self._forget_effects()

    def _note_birth(self, module: int, key_number: int) -> None:
        """Remember who was born of this message, which is not for them."""
        if self._just_born is None:
            self._just_born = set()
        self._just_born.add((module, self.texts[key_number]))

    def _forget_effects(self) -> None:
        self._births.clear()
        self._messages.clear()
        self._pieces.clear()
        self._effects = 0

    def _record(self, kind: int, text: str, module: int, row: int, pc: int) -> None:
        """Write a row of the hub's own log: what went wrong with `row`, in words."""
        depth = self._row_depth[row] + 1
        self._emit(kind, TEXT_TAG, self.intern(text), module, row, pc, depth, -1)

    def _record_of(self, kind: int, row: int, sub: int, outcome: int) -> None:
        module = self._subscriptions[sub].module
        number = self._subscriptions[sub].variable
        program = self.programs[module]
        variable = program.variables[number]
        value = scalar_json(self._row_tag[row], self._row_value[row], self.texts)
        pc = self._pc if kind == FAILED else -1
        line = self.line(pc) if pc >= 0 else variable.line
        if kind == FAILED and outcome == ENDLESS:
            self._count_endless(row, module)
        text = records.text(
            kind, program, line, variable, value, outcome, self._key_text(), self.said
        )
        self._record(kind, text, module, row, pc)

    def _count_endless(self, row: int, module: int) -> None:
        """Count a cycle of a module in Python that did not come to an end, and was undone."""
        base = self.layout.module_base[module]
        slot = base + self._methods[base].endless
        value = self._slots[slot].value + 1
        self._slots[slot].value = value
        self._slots[slot].written = 1
        self._change(row, slot, 0, value, -1)

    def _key_text(self) -> str:
        return self.texts[self._instance] if self._instance >= 0 else ""

    def _observe(self, row: int, base: int, meta: int, number: int) -> None:
        """Fill the attributes of a variable that a message has just been stored in."""
        source = self._row_module[row]
        for attribute in self.layout.attributes[meta + number]:
            slot = base + attribute.variable
            kind = attribute.kind
            if kind == AttributeKind.MODIFIED:
                if self._differs(base + number):
                    self._assign(slot, self._now, NULL_TAG, -1)
            elif kind == AttributeKind.OFFSET:
                self._assign(slot, self._offset + row, NULL_TAG, -1)
            elif kind == AttributeKind.TIMESTAMP:
                stamp = 0
                if source < 0 and self._stamps is not None:
                    stamp = self._stamps[-1 - source]
                self._assign(slot, stamp or self._now, NULL_TAG, -1)
            elif kind == AttributeKind.PRODUCER:
                producer = self.programs[source].module if source >= 0 else ""
                if source < 0 and self._producers is not None:
                    producer_number = self._producers[-1 - source]
                    producer = self.texts[producer_number] if producer_number >= 0 else ""
                self._assign(slot, self.intern(producer), NULL_TAG, -1)
            else:
                domain, module, variable = self.topics[self._row_topic[row]]
                key = self._row_instance[row]
                written = f"{domain}.{module}" if domain else module
                if key >= 0:
                    written = f"{written}[{self.texts[key]}]"
                self._assign(slot, self.intern(f"{written}.{variable}"), NULL_TAG, -1)

    # ------------------------------------------------------------------ instances

    def _bear(self, row: int, module: int, key_number: int) -> bool:
        """Let an instance be born; return whether it was not there."""
        if self._place_of(module, key_number) >= 0:
            return False
        self._instances[module].add(key_number, self.texts[key_number])
        self._change(row, self.layout.births_slot[module], BOOL_TAG, 1, key_number)
        return True

    def _drop(self, row: int, module: int, key_number: int) -> bool:
        """Drop an instance; return whether it was there."""
        own = self._instances[module]
        place = self._place_of(module, key_number)
        if place < 0:
            return False
        self._show(own, place)
        base = self.layout.module_base[module]
        for variable in self.layout.shapes[module].keyed:
            if self._is_written(base + variable):
                self._change(row, base + variable, FORGOTTEN_TAG, 0, key_number)
        self._change(row, self.layout.births_slot[module], FORGOTTEN_TAG, 0, key_number)
        own.remove(key_number, self.texts[key_number])
        if self._shelf is not None:
            self._gone.add((module, self.texts[key_number]))
        return True
