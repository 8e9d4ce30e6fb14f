"""What one module makes of one message: a cycle, from the message to its end.

The one idea: a cycle is all or nothing. It ends published (`_finish`), or undone with a record that
says why, and which of the two is known before anything of it is seen. Its rules:

0. "Differs" below is measured against the variables before step 1.
1. The value is converted to the variable's type and stored. One that does not fit changes nothing
   and leaves a *rejected* record.
2. The ONs of that variable are tried in order; the first whose event and guards hold runs. If there
   are ONs and none holds, that is an *unhandled* record.
3. The WHENs that read a variable which differs, and hold, are chosen once; then all chosen run, in
   order.
4. Each PUBLIC variable that differs (or was never assigned before, or has but one member), and each
   activated event, is published once, in declaration order; then the log lines.
5. A failure undoes all of it, publishes nothing, and leaves a *failed* record.

A TIMER's message is taken only while it is due, and stops it for good, even if its cycle fails:
undone, it would be due again for ever. The ATs of a module that are due are one message
(`_cycle_of_ats`). What they mean is told in `program`; steps 3 and 4 are in `cycle`.
"""

from __future__ import annotations

import json

from myocan.hub.core import records
from myocan.hub.core.cycle import Cycle
from myocan.hub.core.linker import FAILED, REJECTED, UNHANDLED

try:
    import cython
except ImportError:  # a pure build runs without Cython
    from myocan.hub.core.uncompiled import cython

if not cython.compiled:
    from myocan.hub.core.uncompiled import (  # fmt: skip
        ENDLESS,
        LEFT,
        NULL_TAG,
        STOPPED,
        TEXT_TAG,
        TIMER,
    )


class Taking(Cycle):
    """Runs cycles. For one thread."""

    def __init__(self) -> None:
        self._outcome = 0
        super().__init__()

    def _begin(self, row: int, sub: int, instance: int) -> None:
        self._touched = 0
        self._mark = 0
        self._instance = instance
        if self.tracing:
            self._trail.append((row, self._subscriptions[sub].module, instance, []))

    def _take(self, row: int, sub: int) -> int:
        """Steps 1 to 5 of a cycle that takes a message for a variable.

        Returns:
            `TAKEN` if an ON matched, `LEFT` if none did, `STOPPED` if nothing came of it.
        """
        heard = self._subscriptions
        base = heard[sub].base
        meta = heard[sub].meta
        entry = heard[sub].entry
        number = heard[sub].variable
        slot = base + number
        if not self._convert(meta + number, self._row_tag[row], self._row_value[row]):
            if not self._runs_out(meta + number, slot, self._row_tag[row]):
                self._record_of(REJECTED, row, sub, 0)
                return STOPPED
            self._converted = 0
            self._converted_tag = 0
        self._assign(slot, self._converted, self._converted_tag, entry)
        if self._observed[meta + number]:
            self._observe(row, base, meta, number)
        outcome = LEFT
        if entry >= 0:
            outcome = self._execute(entry, base, meta)
        failure = 0
        if outcome >= 0:
            first = heard[sub].first_when
            last = heard[sub].last_when
            if first != last:
                failure = self._react(first, last, base, meta)
        if outcome < 0 or failure < 0:
            self._undo()
            if self._role[meta + number] == TIMER:
                self._slots[slot].value = 0
                self._change(row, slot, 0, 0, self._instance)
                if self._instance >= 0:
                    self._keep_if_keyed(heard[sub].module, slot)
            self._record_of(FAILED, row, sub, outcome if outcome < 0 else failure)
            return STOPPED
        self._finish(row, heard[sub].module, meta - base)
        return outcome

    def _react_of_instance(self, row: int, sub: int, entry: int) -> int:
        """The cycle of one instance for a message of its class; as `_take`."""
        heard = self._subscriptions
        base = heard[sub].base
        meta = heard[sub].meta
        outcome = LEFT
        if entry >= 0:
            outcome = self._execute(entry, base, meta)
        failure = 0
        if outcome >= 0:
            failure = self._react(heard[sub].first_when, heard[sub].last_when, base, meta)
        if outcome < 0 or failure < 0:
            self._undo()
            self._record_of(FAILED, row, sub, outcome if outcome < 0 else failure)
            return STOPPED
        self._finish(row, heard[sub].module, meta - base)
        return outcome

    def _runs_out(self, meta: int, slot: int, tag: int) -> int:
        """Tell whether a message is that of a timer which is due."""
        due = self._slots[slot].value
        return 1 if self._role[meta] == TIMER and tag == NULL_TAG and 0 < due <= self._now else 0

    def _cycle_of_ats(self, row: int, sub: int) -> None:
        """A cycle of a class whose message names the ATs of its module that are due."""
        module = self._subscriptions[sub].module
        program = self.programs[module]
        named = identities(self._row_tag[row], self._row_value[row], self.texts)
        self._outcome = self._try_ats(row, sub, named, False)
        if self._outcome == STOPPED:
            return
        known = {at.identity for at in program.ats}
        gone = [identity for identity in named if identity not in known]
        if gone or not named:
            self._record(UNHANDLED, records.at_gone(program, gone), module, row, -1)

    def _try_ats(self, row: int, sub: int, named: list[str], keyed: bool) -> int:
        """Try those of the named ATs, the keyed ones or the others; end the cycle."""
        heard = self._subscriptions
        module = heard[sub].module
        base = heard[sub].base
        meta = heard[sub].meta
        program = self.programs[module]
        code = self.layout.shapes[module].code
        line = 0
        outcome = LEFT
        for at in program.ats if named else ():
            if at.identity in named and at.keyed == keyed:
                line = at.line
                outcome = self._execute(code + at.pc, base, meta)
                if outcome != LEFT:
                    break
        failure = 0
        if outcome >= 0:
            failure = self._react(heard[sub].first_when, heard[sub].last_when, base, meta)
        if outcome < 0 or failure < 0:
            self._undo()
            reason = outcome if outcome < 0 else failure
            if reason == ENDLESS:
                self._count_endless(row, module)
            key = self._key_text()
            text = records.at_failed(program, self.line(self._pc), line, reason, key, self.said)
            self._record(FAILED, text, module, row, self._pc)
            return STOPPED
        self._finish(row, module, meta - base)
        return outcome


def identities(tag: int, value: int, texts: list[str]) -> list[str]:
    """Return the identities that the message of a module's ATs names, none if it is damaged."""
    if tag != TEXT_TAG:
        return []
    try:
        named = json.loads(texts[value])
    except (ValueError, RecursionError):
        return []
    return [one for one in named if isinstance(one, str)] if isinstance(named, list) else []
