"""Runs the instructions of a program, which `program.Op` describes.

The one idea: what an instruction does to variables can be undone (`Tables._assign`), and what it
says to others is only collected here: log lines, calls, births and drops. So a cycle that fails has
done nothing.
"""

from __future__ import annotations

from myocan.hub.core.program import STACK_DEPTH
from myocan.hub.core.scalars import number_text, scalar_json
from myocan.hub.core.variables import Variables, fits_as_key

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
        ARGUMENT_KEY,
        ARGUMENT_NUMBER,
        ARGUMENT_TEXT,
        ARGUMENT_TRUTH,
        ARGUMENT_VAR,
        ASK,
        BOOL_TAG,
        CALL,
        CANCEL,
        COPY,
        CREATE,
        DESELECT,
        DIFFERS,
        DIV,
        DIVISION_BY_ZERO,
        DROP,
        GE,
        HAS_NUMBER,
        HOUR_PART,
        IS_NUMBER,
        JUMP,
        JUMP_IF,
        JUMP_UNLESS,
        LOAD,
        LOAD_CLOCK,
        LOAD_KEY,
        LOAD_NUMBER,
        LOAD_TEXT,
        LOAD_TRUTH,
        LOG,
        MATCHED,
        MINUTE_PART,
        NEG,
        NEXT,
        NO_KEY,
        NOT,
        NOT_A_NUMBER,
        NOW_PART,
        NULL_TAG,
        OUTSIDE,
        OVER,
        OVERFLOW,
        PIECE_KEY,
        PIECE_NUMBER,
        PIECE_TEXT,
        PIECE_VAR,
        PUSH,
        PUSH_TEXT,
        RESET,
        ROUND,
        RUN,
        SECOND_PART,
        SELECT,
        SELECT_BY,
        SET,
        SET_TEXT,
        START,
        STORE,
        STORE_RAW,
        STORE_TEXT,
        TEXT_TAG,
        TIME_PART,
        UNLESS_EQ,
        UNLESS_GE,
        UNLESS_GT,
        UNLESS_LE,
        UNLESS_LT,
        UNLESS_NE,
        UNMATCHED,
        beyond_64_bits,
        combine,
        narrow,
        plus,
        times_power,
        to_python,
        to_units,
        wide_round,
    )


class Machine(Variables):
    """Runs code on the variables. For one thread."""

    def __init__(self) -> None:
        if not cython.compiled:
            self._stack = [0] * STACK_DEPTH
        self._now = 0
        self._instance = -1
        self._effects = 0
        self._messages: list[tuple[int, str, int]] = []
        self._births: list[tuple[int, int, int]] = []
        self._pieces: list[str] = []
        self._mark = 0
        self.tracing = False
        self._trail: list[tuple[int, int, int, list[int]]] = []
        self._pc = -1
        self.said = ""
        self._home = 0
        self._home_meta = 0
        super().__init__()

    def _execute(self, pc: int, base: int, meta: int) -> int:
        """Run the code from `pc` on for the module whose slots start at `base`.

        The instructions are described at `program.Op`, the commonest come first here.

        Returns:
            1 at MATCHED, 0 at UNMATCHED, or a `Failure` (negative; `_pc` says where).
        """
        code = self._code
        slots = self._slots
        stack = self._stack
        home = base
        tracing = self.tracing
        top = 0
        while True:
            if tracing:
                self._trail[-1][3].append(pc)
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
            elif op in (SELECT, SELECT_BY):
                if op == SELECT_BY:
                    top -= 1
                    b = narrow(stack[top])
                if not self._is_key(b):
                    self._pc = pc
                    return NO_KEY
                base = self._selected(home + a, b, code[pc + 4]) - a
                slots = self._slots
            elif op == DESELECT:
                base = home
            else:
                outcome = self._execute_rare(op, pc, base, meta, top)
                if outcome < 0:
                    return outcome
                top = outcome
            pc += 4

    def _execute_rare(self, op: int, pc: int, base: int, meta: int, top: int) -> int:
        """Run one instruction that is not among the commonest.

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
        if op == START or (op == RESET and self._slots[slot].value > 0):
            self._assign(slot, self._now + b, 0, pc)
            return top
        if op == CANCEL and self._slots[slot].value > 0:
            self._assign(slot, 0, 0, pc)
            return top
        if op in (RESET, CANCEL):  # it does not run
            return top
        if op == IS_NUMBER:
            stack[top] = 1 if self._slots[slot].tag >= 0 else 0
            return top + 1
        if op == LOAD_KEY:
            stack[top] = self._instance
            return top + 1
        if op == DIFFERS:
            stack[top] = 1 if self._differs(slot) else 0
            return top + 1
        if op == LOAD_CLOCK:
            if a == NOW_PART:
                stack[top] = times_power(self._now, 6)
            else:
                clock = self._clock(a, self._slots[base + b].value)
                stack[top] = times_power(clock, 0 if a == TIME_PART else 9)
            return top + 1
        if op in (CREATE, DROP):
            top -= 1
            key_number = narrow(stack[top])
            if not self._is_key(key_number):
                return NO_KEY
            self._births.append((op, key_number, pc))
            self._effects = 1
            return top
        return self._execute_words(op, pc, base, meta, top)

    def _execute_words(self, op: int, pc: int, base: int, meta: int, top: int) -> int:
        """Run one instruction that makes a log line or a call, or a method of a module in Python.

        Lines and calls are collected, and emitted when the cycle ends.

        Returns:
            The new height of the stack, or a `Failure`.
        """
        a = self._code[pc + 1]
        slot = base + a
        if op == PIECE_TEXT:
            self._pieces.append(self.texts[a])
        elif op == PIECE_VAR:
            self._pieces.append(self._shown(meta + a, slot))
        elif op == PIECE_KEY:
            self._pieces.append(self.texts[self._instance])
        elif op == PIECE_NUMBER:
            top -= 1
            self._pieces.append(number_text(to_python(self._stack[top])))
        elif op == LOG:
            self._effect(a, " ".join(self._pieces), pc)
        elif op == ARGUMENT_TEXT:
            self._pieces.append(scalar_json(TEXT_TAG, a, self.texts))
        elif op == ARGUMENT_VAR:
            tag, value = self._scalar_tag(meta + a, slot), self._scalar_value(meta + a, slot)
            self._pieces.append(scalar_json(tag, value, self.texts))
        elif op == ARGUMENT_KEY:
            self._pieces.append(scalar_json(TEXT_TAG, self._instance, self.texts))
        elif op == ARGUMENT_NUMBER:
            top -= 1
            self._pieces.append(number_text(to_python(self._stack[top])))
        elif op == ARGUMENT_TRUTH:
            top -= 1
            self._pieces.append("true" if self._stack[top] != 0 else "false")
        elif op == CALL:
            self._effect(a, f"[{','.join(self._pieces)}]", pc)
        elif op in (RUN, ASK):
            self._home = base
            self._home_meta = meta
            answer = self._methods[base].run(self, a, self._code[pc + 2])
            if answer < 0:
                return answer
            if op == ASK:
                self._stack[top] = answer
                top += 1
        else:
            raise AssertionError(f"instruction {op} at {pc}: the program is damaged")
        return top

    def _effect(self, topic: int, text: str, pc: int) -> None:
        """Collect a message that is sent if the cycle does not fail: a log line or a call."""
        self._messages.append((topic, text, pc))
        self._pieces.clear()
        self._effects = 1

    def _is_key(self, text_number: int) -> bool:
        """Tell whether what is on the stack as a text can be a key."""
        return text_number >= 0 and fits_as_key(self.texts[text_number])

    def _selected(self, slot: int, key_number: int, op: int) -> int:
        """Return the slot of a map's value, for this instruction.

        To read a key that was never assigned makes no slot: the map's own, which nothing assigns,
        has the initial value.
        """
        if op in (LOAD, LOAD_TEXT, DIFFERS, PIECE_VAR, ARGUMENT_VAR):
            element = self._elements.get((slot, key_number))
            return slot if element is None else element
        return self._element(slot, key_number)

    def _clock(self, part: int, offset: int) -> int:
        """Return a part of the log's time; `offset` are the house's minutes east of UTC."""
        minutes = self._now // 60_000 + offset
        if part == HOUR_PART:
            return minutes // 60 % 24
        if part == MINUTE_PART:
            return minutes % 60
        if part == SECOND_PART:
            return self._now // 1000 % 60
        return minutes % 1440

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
