"""Commits: one message that says several fields of state models, of which nobody sees half.

The one idea: the fields become rows like any others, one behind the other, and before the first of
them has a cycle, each is stored wherever it is heard. So a rule that reads two fields finds both
new, whichever it hears first. That a field differs is still told by its own row: for that the value
from before is put back just before the row's cycle, which then takes the new one.

A commit's message is on `COMMIT_TOPIC`, a text that is a JSON object of scalars:

    {"heater.setpoint": 21.5, "heater.enabled": true, "valve[kitchen].open": false}

All of it is taken, or nothing: a field that there is not, or a value that it cannot have, leaves a
*rejected* record and no rows.
"""

from __future__ import annotations

import json
from typing import Any

from myocan.hub.core import records
from myocan.hub.core.linker import REJECTED
from myocan.hub.core.program import Tag
from myocan.hub.core.scalars import parse_scalar
from myocan.hub.core.taking import Taking

try:
    import cython
except ImportError:  # a pure build runs without Cython
    from myocan.hub.core.uncompiled import cython

if not cython.compiled:
    from myocan.hub.core.uncompiled import OWN_KEY, SUBSCRIBE, TEXT_TAG


class Commits(Taking):
    """Spreads commits. For one thread."""

    def __init__(self) -> None:
        self._ahead: dict[tuple[int, int], tuple[int, int]] | None = None
        self._commit_end = 0
        super().__init__()

    def _spread(self, row: int) -> None:
        """Let the fields of a commit be rows, and be known wherever they are heard."""
        if self._row_module[row] >= 0:
            return  # modules cannot commit
        found = _fields(self._row_tag[row], self._row_value[row], self.texts)
        fields = []
        for name, text in found or ():
            field = self._field(row, name, text)
            if field is None:
                return
            fields.append(field)
        if not fields:
            self._refuse(row, records.NO_COMMIT)
            return
        first = self._rows
        depth = self._row_depth[row]
        for module, topic, tag, value, key in fields:
            self._emit(topic, tag, value, module, row, -1, depth, key)
        self._ahead = {}
        self._commit_end = self._rows
        for number in range(first, self._rows):
            self._store_ahead(number, -1)

    def _field(self, row: int, name: str, text: str) -> tuple[int, int, int, int, int] | None:
        """Return the module, topic, scalar and key of a field; None, after a record, if it is none
        or cannot have this value."""
        owner, _, variable_name = name.rpartition(".")
        module_name, bracket, key = owner.partition("[")
        key = key.removesuffix("]")
        module = self._module_numbers.get(module_name, -1)
        slot = self._slot_numbers.get((module_name, variable_name), -1)
        if module < 0 or slot < 0:
            self._refuse(row, records.no_field(name))
            return None
        program = self.programs[module]
        number = slot - self.layout.module_base[module]
        meta = self._slot_meta[slot]
        if (
            number >= len(program.variables)
            or program.variables[number].topic != ("", module_name, variable_name)
            or self._role[meta] != SUBSCRIBE
            or program.variables[number].keyed != bool(bracket)
        ):
            self._refuse(row, records.no_field(name), module)
            return None
        tag, value = _scalar(text, self)
        if not self._convert(meta, tag, value):
            variable = program.variables[number]
            told = records.text(REJECTED, program, variable.line, variable, text, 0, key)
            self._refuse(row, told, module)
            return None
        key_number = self.intern(key) if bracket else -1
        return module, self.topic(("", module_name, variable_name)), tag, value, key_number

    def _refuse(self, row: int, text: str, module: int = 0) -> None:
        """Leave a record; that of nobody's field is the first module's, for each has one."""
        if self.programs:
            self._record(REJECTED, text, module, row, -1)

    def _tell_newborn(self, row: int, module: int) -> None:
        """Let an instance that a field of a commit gives birth to know the fields behind it."""
        if self._ahead is None:
            self._ahead = {}
        for number in range(row + 1, self._commit_end):
            if self._row_instance[number] == self._row_instance[row]:
                self._store_ahead(number, module)
        if not self._ahead:
            self._ahead = None

    def _store_ahead(self, row: int, only: int) -> None:
        """Let whoever hears a row know its value before the row's turn; -1, or one module alone."""
        topic = self._row_topic[row]
        instance = self._row_instance[row]
        heard = self._subscriptions
        for sub in range(self._topic_first[topic], self._topic_first[topic + 1]):
            number = heard[sub].variable
            key = heard[sub].key
            if number < 0 or (key != instance and (key != OWN_KEY or instance < 0)):
                continue
            if only >= 0 and (heard[sub].module != only or key != OWN_KEY):
                continue
            if not self._shows(sub, instance):
                continue
            if self._convert(heard[sub].meta + number, self._row_tag[row], self._row_value[row]):
                slot = heard[sub].base + number
                assert self._ahead is not None
                self._ahead[row, sub] = (self._slots[slot].value, self._slots[slot].tag)
                self._put(sub, self._converted, self._converted_tag)

    def _take_back(self, row: int, sub: int) -> None:
        """Put back what a variable held before the commit, since its row has its turn now."""
        assert self._ahead is not None
        before = self._ahead.pop((row, sub), None)
        if before is not None and self._shows(sub, self._row_instance[row]):
            value, tag = before
            self._put(sub, value, tag)
        if not self._ahead:
            self._ahead = None

    def _take_all_back(self, row: int, topic: int) -> None:
        """Put back all that was stored ahead of a row that nobody will hear."""
        for sub in range(self._topic_first[topic], self._topic_first[topic + 1]):
            if self._ahead is not None:
                self._take_back(row, sub)

    def _shows(self, sub: int, instance: int) -> bool:
        """Let the window of a subscriber show its instance; False if it has none of this key."""
        if self._subscriptions[sub].key != OWN_KEY:
            return True
        module = self._subscriptions[sub].module
        place = self._place_of(module, instance)
        if place < 0:
            return False
        self._show(self._instances[module], place)
        return True

    def _put(self, sub: int, value: int, tag: int) -> None:
        """Let a subscriber's variable hold something, without a cycle."""
        slot = self._subscriptions[sub].base + self._subscriptions[sub].variable
        self._slots[slot].value = value
        self._slots[slot].tag = tag
        if self._subscriptions[sub].key == OWN_KEY:
            self._keep_if_keyed(self._subscriptions[sub].module, slot)


def _scalar(text: str, core: Commits) -> tuple[int, int]:
    """Return the scalar that a JSON text stands for, itself as a text if it stands for none."""
    try:
        return parse_scalar(text, core.intern)
    except ValueError:
        return int(Tag.TEXT), core.intern(text)


class _Number(str):
    """A number as it was written, so that it stays exact."""


def _fields(tag: int, value: int, texts: list[str]) -> list[tuple[str, str]] | None:
    """Return the fields that a commit names, with the JSON texts of their values; None if it is
    damaged."""
    if tag != TEXT_TAG:
        return None
    try:
        told: Any = json.loads(texts[value], parse_float=_Number, parse_int=_Number)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    return [
        (name, str(one) if isinstance(one, _Number) else json.dumps(one, ensure_ascii=False))
        for name, one in told.items()
    ]
