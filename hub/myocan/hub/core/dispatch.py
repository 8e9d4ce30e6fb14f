"""The core: messages in, cycles run, messages out. Pure Python, and with `dispatch.pxd` C.

The one idea: the rows of a batch are their own queue. An input becomes a row; each row is given to
its topic's subscribers, one cycle each, and what they publish becomes rows behind it; when no row
is left, the next input comes. So the order of rows is the order of the log, and "all consequences
of one input before the next" needs no second structure.

Rules of a cycle (`_cycle`), which takes one message and one module:

0. "Differs" below is measured against the variables before step 1.
1. The value is converted to the variable's type and stored. One that does not fit changes nothing
   and
   leaves a *rejected* record.
2. The ONs of that variable are tried in order; the first whose event and guards hold runs. If
   there are
   ONs and none holds, that is an *unhandled* record.
3. The WHENs that read a variable which differs, and hold, are chosen once; then all chosen run, in
   order.
4. Each PUBLIC variable that differs (or was never assigned before, or has but one member), and each
   activated event, is published once, in declaration order; then the log lines.
5. A failure undoes all of it, publishes nothing, and leaves a *failed* record.

A TIMER's message is taken only while it is due, and stops it for good, even if its cycle fails:
undone, it would be due again for ever. The ATs of a module that are due are one message
(`_cycle_of_ats`). What they mean is told in `program`.

A cycle reads no clock, no random number, no file; what it works on is described in `tables`.
"""

from __future__ import annotations

import json
from array import array

from myocan.hub.core import records
from myocan.hub.core.linker import FAILED, REJECTED, STALE, UNHANDLED
from myocan.hub.core.program import DIGITS, STACK_DEPTH
from myocan.hub.core.scalars import number_text, scalar_json
from myocan.hub.core.tables import Tables

try:
    import cython
except ImportError:  # a pure build runs without Cython
    from myocan.hub.core.uncompiled import cython

if not cython.compiled:
    from myocan.hub.core.uncompiled import (  # fmt: skip
        ABS,
        ACTIVATE,
        ADD,
        ADD_CONST,
        ANY_EQUAL,
        BOOL_TAG,
        CANCEL,
        COPY,
        DIV,
        DIVISION_BY_ZERO,
        ENUMERATION,
        EVENT,
        GE,
        HAS_NUMBER,
        JUMP,
        JUMP_IF,
        JUMP_UNLESS,
        LOAD,
        LOAD_NUMBER,
        LOAD_TEXT,
        LOAD_TRUTH,
        LOG,
        MATCHED,
        NEG,
        NEXT,
        NOT,
        NOT_A_NUMBER,
        NULL_TAG,
        OUTSIDE,
        OVER,
        OVERFLOW,
        PIECE_NUMBER,
        PIECE_TEXT,
        PIECE_VAR,
        PUBLIC,
        PUSH,
        PUSH_TEXT,
        RESET,
        ROUND,
        SET,
        SET_TEXT,
        START,
        STORE,
        STORE_RAW,
        STORE_TEXT,
        TEXT_TAG,
        TIMER,
        UNLESS_EQ,
        UNLESS_GE,
        UNLESS_GT,
        UNLESS_LE,
        UNLESS_LT,
        UNLESS_NE,
        UNMATCHED,
        beyond_64_bits,
        combine,
        look_ahead,
        narrow,
        plus,
        times_power,
        to_python,
        to_units,
        wide_round,
    )

COMPILED: bool = cython.compiled
"""Whether this is the C build."""

MAX_DEPTH = 64
"""Messages that may follow from one another; bounds modules that feed each other in a loop."""

MAX_CONSEQUENCES = 10_000
"""Rows that one input may cause, before no more of them are passed on; bounds loops that branch."""


class Core(Tables):
    """Runs programs: messages in, rows and changes out. For one thread."""

    def __init__(self) -> None:
        if not cython.compiled:
            self._stack = [0] * STACK_DEPTH
        self._deepest = MAX_DEPTH
        self._most_rows = MAX_CONSEQUENCES
        self._logging = 0
        self._now = 0
        self._log_lines: list[tuple[int, str, int]] = []
        self._pieces: list[str] = []
        super().__init__()

    # ------------------------------------------------------------------ a batch

    def run(self, topics: array[int], tags: array[int], values: array[int], now_ms: int = 0) -> int:
        """Process these messages in order, each with all its consequences before the next.

        Arguments:
            topics: numbers of topics (`topic`), one for each message, as `array("q")`.
            tags, values: the messages' scalars, likewise.
            now_ms: the log's time, milliseconds since 1970 UTC; what timers are started from.

        Returns:
            How many rows there are now; `rows()` and `changes()` tell what happened.

        Raises:
            ValueError: a topic or a scalar is none of this `epoch`'s; nothing was processed.
        """
        self._check(topics, tags, values)
        self._rows = 0
        self._changes = 0
        self._now = now_ms
        head = 0
        count = len(topics)
        for number in range(count):
            if cython.compiled and number + 6 < count:
                look_ahead(
                    self._topic_first,
                    self._subscriptions,
                    self._slots,
                    topics[number + 6],
                    topics[number + 4],
                    topics[number + 2],
                )
            self._emit(topics[number], tags[number], values[number], -1 - number, -1, -1, 0)
            self._last_row = self._rows + self._most_rows
            while head < self._rows:
                topic = self._row_topic[head]
                if self._topic_first[topic] != self._topic_first[topic + 1]:
                    self._dispatch(head, topic)
                head += 1
        return self._rows

    def _check(self, topics: array[int], tags: array[int], values: array[int]) -> None:
        count = len(topics)
        if len(tags) != count or len(values) != count:
            raise ValueError("each message of a batch is a topic, a tag and a value")
        known = len(self.topics)
        pool = len(self.texts)
        finest = DIGITS
        for number in range(count):
            tag = tags[number]
            if (
                not 0 <= topics[number] < known
                or not TEXT_TAG <= tag <= finest
                or (tag == TEXT_TAG and not 0 <= values[number] < pool)
            ):
                raise ValueError(
                    f"message {number} of the batch has a topic, tag or text that is not known; "
                    "ask `topic` and `intern` again after each new `epoch`"
                )

    def _dispatch(self, row: int, topic: int) -> None:
        if self._row_depth[row] >= self._deepest or self._rows > self._last_row:
            if topic > STALE:  # or records that modules hear would lead to records without end
                text = records.loop(self.topics[topic])
                self._record(FAILED, text, self._row_module[row], row, self._row_pc[row])
            return
        for sub in range(self._topic_first[topic], self._topic_first[topic + 1]):
            self._cycle(row, sub)

    def _cycle(self, row: int, sub: int) -> None:
        heard = self._subscriptions
        number = heard[sub].variable
        if number < 0:
            self._cycle_of_ats(row, sub)
            return
        base = heard[sub].base
        meta = heard[sub].meta
        entry = heard[sub].entry
        slot = base + number
        self._touched = 0
        if not self._convert(meta + number, self._row_tag[row], self._row_value[row]):
            if not self._runs_out(meta + number, slot, self._row_tag[row]):
                self._record_of(REJECTED, row, sub, 0)
                return
            self._converted = 0
            self._converted_tag = 0
        self._assign(slot, self._converted, self._converted_tag, entry)
        outcome = 1
        if entry >= 0:
            outcome = self._execute(entry, base, meta)
        if outcome >= 0:
            first = heard[sub].first_when
            last = heard[sub].last_when
            if first != last:
                failure = self._react(first, last, base, meta)
                if failure < 0:
                    outcome = failure
        if outcome < 0:
            self._undo()
            if self._role[meta + number] == TIMER:
                self._slots[slot].value = 0
                self._change(row, slot, 0, 0)
            self._record_of(FAILED, row, sub, outcome)
            return
        self._finish(row, heard[sub].module, meta - base)
        if outcome == 0:
            self._record_of(UNHANDLED, row, sub, 0)

    def _runs_out(self, meta: int, slot: int, tag: int) -> int:
        """Tell whether a message is that of a timer which is due."""
        due = self._slots[slot].value
        return 1 if self._role[meta] == TIMER and tag == NULL_TAG and 0 < due <= self._now else 0

    def _cycle_of_ats(self, row: int, sub: int) -> None:
        """A cycle whose message names the ATs of a module that are due."""
        heard = self._subscriptions
        module = heard[sub].module
        base = heard[sub].base
        meta = heard[sub].meta
        program = self.programs[module]
        code = self.layout.shapes[module].code
        self._touched = 0
        named = _identities(self._row_tag[row], self._row_value[row], self.texts)
        line = 0
        outcome = 1
        for at in program.ats:
            if at.identity in named:
                line = at.line
                outcome = self._execute(code + at.pc, base, meta)
                if outcome != 0:
                    break
        if outcome >= 0:
            first = heard[sub].first_when
            last = heard[sub].last_when
            outcome = self._react(first, last, base, meta)
        if outcome < 0:
            self._undo()
            text = records.at_failed(program.module, self.line(self._pc), line, outcome)
            self._record(FAILED, text, module, row, self._pc)
            return
        self._finish(row, module, meta - base)
        known = {at.identity for at in program.ats}
        gone = [identity for identity in named if identity not in known]
        if gone or not named:
            self._record(UNHANDLED, records.at_gone(program.module, gone), module, row, -1)

    def _react(self, first: int, last: int, base: int, meta: int) -> int:
        """Choose and run the WHENs first <= w < last; return a failure (negative) or 1."""
        count = 0
        for when in range(first, last):
            for number in range(self._when_reads[when], self._when_reads[when + 1]):
                if self._differs(base + self._reads[number]):
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

    def _undo(self) -> None:
        for number in range(self._touched):
            slot = self._touched_slot[number]
            self._slots[slot].value = self._touched_value[number]
            self._slots[slot].tag = self._touched_tag[number]
            self._slots[slot].written = self._touched_written[number]
        self._drop_log_lines()

    def _finish(self, row: int, module: int, meta_of_base: int) -> None:
        """Step 4 of the cycle: changes and publications, in declaration order, then log lines."""
        count = self._touched
        order = self._order
        for number in range(count):  # few, and nearly in order already
            place = number
            while place > 0 and self._touched_slot[order[place - 1]] > self._touched_slot[number]:
                order[place] = order[place - 1]
                place -= 1
            order[place] = number
        for place in range(count):
            number = order[place]
            slot = self._touched_slot[number]
            meta = meta_of_base + slot
            kind = self._type[meta]
            differs = (
                self._touched_value[number] != self._slots[slot].value
                or self._touched_tag[number] != self._slots[slot].tag
                or not self._touched_written[number]
            )
            if differs and (kind != EVENT or self._role[meta] == TIMER):
                self._change(
                    row, slot, self._scalar_tag(meta, slot), self._scalar_value(meta, slot)
                )
            if self._role[meta] == PUBLIC and (
                differs or kind == EVENT or (kind == ENUMERATION and self._count[meta] == 1)
            ):
                self._emit(
                    self._slots[slot].topic,
                    self._scalar_tag(meta, slot),
                    self._scalar_value(meta, slot),
                    module,
                    row,
                    self._touched_pc[number],
                    self._row_depth[row] + 1,
                )
        if self._logging:
            for level, text, pc in self._log_lines:
                self._emit(
                    level, TEXT_TAG, self.intern(text), module, row, pc, self._row_depth[row] + 1
                )
            self._drop_log_lines()

    def _drop_log_lines(self) -> None:
        self._log_lines.clear()
        self._pieces.clear()
        self._logging = 0

    def _record(self, kind: int, text: str, module: int, row: int, pc: int) -> None:
        """Write a row of the hub's own log: what went wrong with `row`, in words."""
        self._emit(kind, TEXT_TAG, self.intern(text), module, row, pc, self._row_depth[row] + 1)

    def _record_of(self, kind: int, row: int, sub: int, outcome: int) -> None:
        module = self._subscriptions[sub].module
        number = self._subscriptions[sub].variable
        program = self.programs[module]
        variable = program.variables[number]
        value = scalar_json(self._row_tag[row], self._row_value[row], self.texts)
        pc = self._pc if kind == FAILED else -1
        line = self.line(pc) if pc >= 0 else variable.line
        text = records.text(kind, program.module, line, variable, value, outcome)
        self._record(kind, text, module, row, pc)

    # ------------------------------------------------------------------ instructions

    def _execute(self, pc: int, base: int, meta: int) -> int:
        """Run the code from `pc` on for the module whose slots start at `base`.

        The instructions are described at `program.Op`, the commonest come first here.

        Returns:
            1 at MATCHED, 0 at UNMATCHED, or a `Failure` (negative; `_pc` says where).
        """
        code = self._code
        slots = self._slots
        stack = self._stack
        top = 0
        while True:
            op = code[pc]
            a = code[pc + 1]
            b = code[pc + 2]
            if op == UNLESS_EQ:
                pc = pc + 4 if slots[base + b].value == code[pc + 3] else a
                continue
            if op == SET:
                self._assign(base + a, b, NULL_TAG, pc)
            elif op == MATCHED:
                return 1
            elif op == NEXT:
                value = slots[base + a].value + 1
                self._assign(base + a, value if value < self._count[meta + a] else 0, NULL_TAG, pc)
            elif op == ADD_CONST:
                outcome = self._store_units(base + a, meta + a, plus(slots[base + a].value, b), pc)
                if outcome < 0:
                    return outcome
            elif op == UNMATCHED:
                return 0
            elif op == ACTIVATE:
                self._assign(base + a, 0, NULL_TAG, pc)
            elif op == UNLESS_NE:
                pc = pc + 4 if slots[base + b].value != code[pc + 3] else a
                continue
            elif op == UNLESS_LT:
                pc = pc + 4 if slots[base + b].value < code[pc + 3] else a
                continue
            elif op == UNLESS_LE:
                pc = pc + 4 if slots[base + b].value <= code[pc + 3] else a
                continue
            elif op == UNLESS_GT:
                pc = pc + 4 if slots[base + b].value > code[pc + 3] else a
                continue
            elif op == UNLESS_GE:
                pc = pc + 4 if slots[base + b].value >= code[pc + 3] else a
                continue
            elif op == JUMP:
                pc = a
                continue
            elif op == JUMP_IF:
                top -= 1
                pc = a if stack[top] != 0 else pc + 4
                continue
            elif op == JUMP_UNLESS:
                top -= 1
                pc = a if stack[top] == 0 else pc + 4
                continue
            elif op == LOAD:
                stack[top] = times_power(slots[base + a].value, b)
                top += 1
            elif op == PUSH:
                stack[top] = times_power(a, b)
                top += 1
            elif op == PUSH_TEXT:
                stack[top] = a
                top += 1
            elif op == STORE:
                top -= 1
                outcome = self._store_number(base + a, meta + a, stack[top], pc)
                if outcome < 0:
                    return outcome
            elif op <= GE and op >= ADD:
                if op == NEG:
                    stack[top - 1] = -stack[top - 1]
                elif op == ABS:
                    if stack[top - 1] < 0:
                        stack[top - 1] = -stack[top - 1]
                elif op == ROUND:
                    stack[top - 1] = wide_round(stack[top - 1], a)
                else:
                    top -= 1
                    if op == DIV and stack[top] == 0:
                        self._pc = pc
                        return DIVISION_BY_ZERO
                    stack[top - 1] = combine(op, stack[top - 1], stack[top])
                if stack[top - 1] == OVER:
                    self._pc = pc
                    return OVERFLOW
            elif op == NOT:
                stack[top - 1] = 1 if stack[top - 1] == 0 else 0
            elif op == STORE_RAW:
                top -= 1
                self._assign(base + a, narrow(stack[top]), NULL_TAG, pc)
            else:
                outcome = self._execute_rare(op, pc, base, meta, top)
                if outcome < 0:
                    return outcome
                top = outcome
            pc += 4

    def _execute_rare(self, op: int, pc: int, base: int, meta: int, top: int) -> int:
        """Run one instruction that deals with texts, unconstrained variables or log lines.

        Returns:
            The new height of the stack, or a `Failure`.
        """
        stack = self._stack
        a = self._code[pc + 1]
        b = self._code[pc + 2]
        slot = base + a
        self._pc = pc
        if op == LOAD_TEXT:
            is_text = self._scalar_tag(meta + a, slot) == TEXT_TAG
            stack[top] = self._scalar_value(meta + a, slot) if is_text else -1
            return top + 1
        if op == LOAD_TRUTH:
            stack[top] = self._slots[slot].value if self._slots[slot].tag == BOOL_TAG else -1
            return top + 1
        if op == LOAD_NUMBER:
            if self._slots[slot].tag < 0:
                return NOT_A_NUMBER
            stack[top] = times_power(self._slots[slot].value, 9 - self._slots[slot].tag)
            return top + 1
        if op == HAS_NUMBER:
            number = times_power(b, self._code[pc + 3])
            is_number = self._slots[slot].tag >= 0
            if is_number:
                is_number = (
                    times_power(self._slots[slot].value, 9 - self._slots[slot].tag) == number
                )
            stack[top] = 1 if is_number else 0
            return top + 1
        if op == ANY_EQUAL:
            stack[top] = 1 if self._same(slot, base + b) else 0
            return top + 1
        if op == SET_TEXT:
            self._assign(slot, b, NULL_TAG, pc)
            return top
        if op == STORE_TEXT:
            top -= 1
            text_number = narrow(stack[top])
            if text_number < 0 or not self._convert(meta + a, TEXT_TAG, text_number):
                return OUTSIDE
            self._assign(slot, self._converted, self._converted_tag, pc)
            return top
        if op == COPY:
            source = base + b
            tag = self._scalar_tag(meta + b, source)
            if not self._convert(meta + a, tag, self._scalar_value(meta + b, source)):
                return OUTSIDE
            self._assign(slot, self._converted, self._converted_tag, pc)
            return top
        if op == PIECE_TEXT:
            self._pieces.append(self.texts[a])
            return top
        if op == PIECE_VAR:
            self._pieces.append(self._shown(meta + a, slot))
            return top
        if op == PIECE_NUMBER:
            self._pieces.append(number_text(to_python(stack[top - 1])))
            return top - 1
        if op == START or (op == RESET and self._slots[slot].value > 0):
            self._assign(slot, self._now + b, 0, pc)
            return top
        if op == CANCEL and self._slots[slot].value > 0:
            self._assign(slot, 0, 0, pc)
            return top
        if op in (RESET, CANCEL):  # it does not run
            return top
        if op == LOG:
            self._log_lines.append((a, " ".join(self._pieces), pc))
            self._pieces.clear()
            self._logging = 1
            return top
        raise AssertionError(f"instruction {op} at {pc}: the program is damaged")

    def _same(self, one: int, other: int) -> bool:
        """Tell whether two unconstrained variables hold the same scalar; 5 and 5.0 are the same."""
        tag = self._slots[one].tag
        other_tag = self._slots[other].tag
        if tag >= 0 and other_tag >= 0:
            return bool(
                times_power(self._slots[one].value, 9 - tag)
                == times_power(self._slots[other].value, 9 - other_tag)
            )
        return bool(
            tag == other_tag
            and (tag == NULL_TAG or self._slots[one].value == self._slots[other].value)
        )

    def _store_number(self, slot: int, meta: int, number: int, pc: int) -> int:
        """Assign a number of the stack to a DECIMAL; return 1 or a `Failure`."""
        return self._store_units(slot, meta, to_units(number, self._decimals[meta]), pc)

    def _store_units(self, slot: int, meta: int, units: int, pc: int) -> int:
        if units < self._lower[meta] or units > self._upper[meta]:
            self._pc = pc
            return OVERFLOW if beyond_64_bits(units) else OUTSIDE
        self._assign(slot, narrow(units), NULL_TAG, pc)
        return 1


def _identities(tag: int, value: int, texts: list[str]) -> list[str]:
    """Return the identities that the message of a module's ATs names, none if it is damaged."""
    if tag != TEXT_TAG:
        return []
    try:
        named = json.loads(texts[value])
    except (ValueError, RecursionError):
        return []
    return [one for one in named if isinstance(one, str)] if isinstance(named, list) else []
