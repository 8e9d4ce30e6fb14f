"""What variables hold between cycles: by name, from outside, and over a change of the programs.

The one idea: a name is (module, variable, instance), and every value has exactly one. A module's
own variables have the instance "", a keyed variable that of its instance, a value of a map its key.
That an instance lives is a value too: of the variable `INSTANCES_VARIABLE`. Where it is, here or on
the shelf, makes no difference.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from myocan.hub.core import linker
from myocan.hub.core.instances import Instances
from myocan.hub.core.linker import TopicName
from myocan.hub.core.methods import Methods, methods_of
from myocan.hub.core.program import INSTANCES_VARIABLE, MAX_KEY, Program
from myocan.hub.core.scalars import parse_scalar, scalar_json
from myocan.hub.core.shelf import Shelf
from myocan.hub.core.tables import Tables

try:
    import cython
except ImportError:  # a pure build runs without Cython
    from myocan.hub.core.uncompiled import cython

if not cython.compiled:
    from myocan.hub.core.uncompiled import (  # fmt: skip
        BOOL_TAG,
        EVENT,
        FORGOTTEN_TAG,
        NULL_TAG,
        TEXT_TAG,
        TIMER,
        grown,
        grown_slots,
    )

MAX_POOL = 1 << 18
"""Texts that may pile up before `compact` drops the unused ones; bounds what new texts cost."""

Name = tuple[str, str, str]
"""(module, variable in lower case, instance or "")."""


class Variables(Tables):
    """The variables of some programs. For one thread."""

    def __init__(self) -> None:
        super().__init__()
        self._slot_numbers: dict[tuple[str, str], int] = {}
        self._module_numbers: dict[str, int] = {}
        self._instances: list[Instances] = []
        self._keyed_modules: list[Instances] = []
        self._no_instances = Instances([], [])
        self._elements: dict[tuple[int, int], int] = {}
        self._other_topics: frozenset[TopicName] = frozenset()
        self._shelf: Shelf | None = None
        self._most_instances = 0
        self._gone: set[tuple[int, str]] = set()
        self._cold: Mapping[str, str] | None = None
        self._brought = 0
        self._methods: dict[int, Methods] = {}
        self.link(())

    # ------------------------------------------------------------------ programs

    def link(self, programs: Iterable[Program], topics: Iterable[TopicName] = ()) -> None:
        """Run these programs from now on, instead of those before.

        A variable of the same module and name keeps its value if it fits the new type; others start
        at their initial value. The instances of a module that stays keyed live on.

        Arguments:
            programs: at most one for each module name.
            topics: topics that exist whether or not a program names them.
        """
        self._gone.clear()
        if self._shelf is not None:
            for own in self._instances:
                own.clear()
        kept = list(self._state(self._shelf is None))
        texts = self.texts
        self._other_topics = frozenset(topics)
        layout = self._lay_out(programs, self._other_topics)
        self._fixed_texts = len(self.texts)
        self._slot_numbers = {}
        self._module_numbers = {}
        self._instances = []
        self._methods = {}
        for module, program in enumerate(layout.modules):
            self._module_numbers[program.module] = module
            base = layout.module_base[module]
            for number, variable in enumerate(program.variables):
                self._slot_numbers[program.module, linker.fold(variable.name)] = base + number
            if program.python:
                self._methods[base] = methods_of(program, layout.shapes[module].code, self.topic)
            own = self._no_instances
            if program.key:
                self._slot_numbers[program.module, INSTANCES_VARIABLE] = layout.births_slot[module]
                keyed = layout.shapes[module].keyed
                slots = [base + number for number in keyed]
                own = Instances(slots, [layout.slot_initial[slot] for slot in slots])
            self._instances.append(own)
        self._keyed_modules = [own for own in self._instances if own is not self._no_instances]
        self._slot_names = list(self._slot_numbers)
        self._elements = {}
        self._element_owners: list[tuple[int, int]] = []
        self._fixed_slots = len(layout.slot_initial)
        self._slot_capacity = self._fixed_slots
        for (module_name, name, instance), tag, value in kept:
            number = self.intern(texts[value]) if tag == TEXT_TAG else value
            self.restore(module_name, name, tag, number, instance)

    def compact(self) -> bool:
        """Drop unused texts if there are very many; for between batches.

        Returns:
            Whether text and topic numbers changed (`epoch` did too).
        """
        keys = len(self._elements) + self.let_go()
        if len(self.texts) - self._fixed_texts - keys < MAX_POOL:
            return False
        self.link(self.programs, self._other_topics)
        return True

    def name_of(self, slot: int) -> tuple[str, str]:
        """Return the (module, lower-case name) of a slot."""
        return self._slot_names[slot]

    def instances(self, module: str) -> list[str]:
        """Return the keys of a module's instances, in order; none if it is not keyed or unknown."""
        number = self._module_numbers.get(module, -1)
        return list(self._alive(number)) if number >= 0 else []

    def use_shelf(self, shelf: Shelf, most: int) -> None:
        """Keep few instances in memory from now on, and the others on a shelf.

        Arguments:
            shelf: has them all, those too that are in memory now.
            most: how many `let_go` leaves in memory, of all modules together; 1 or more.
        """
        self._shelf = shelf
        self._most_instances = most

    def let_go(self) -> int:
        """Let go of instances if there are too many in memory; for between batches.

        Returns:
            How many are in memory.
        """
        self._gone.clear()
        there = 0
        for own in self._keyed_modules:
            there += own.count()
        most = self._most_instances
        if self._shelf is None or there <= most:
            return there
        left = 0
        for own in self._keyed_modules:
            # An eighth more than need be, so that this is not for a single one each time.
            share = own.count() * (most - most // 8) // there
            own.let_go(share if share > 1 else 1, self.texts)
            left += own.count()
        return left

    # ------------------------------------------------------------------ by name

    def restore(self, module: str, name: str, tag: int, value: int, instance: str = "") -> bool:
        """Give a variable a value, as if it had been assigned before; no cycle.

        Arguments:
            module: the module's name.
            name: the variable's, lower case; `INSTANCES_VARIABLE` lets the instance be born.
            tag, value: the scalar.
            instance: the key, if the variable is keyed or a map. Births come before values.

        Returns:
            Whether there is such a variable and the value fits it.
        """
        slot = self._slot_of(module, name, instance)
        if slot < 0:
            return False
        if name == INSTANCES_VARIABLE:
            if tag != BOOL_TAG or not value or not fits_as_key(instance):
                return False
            number = self._module_numbers[module]
            if self._place_of(number, self.intern(instance)) < 0:
                self._instances[number].add(self.intern(instance), instance)
            return True
        if not self._accept(self._slot_meta[slot], tag, value):
            return False
        self._slots[slot].value = self._converted
        self._slots[slot].tag = self._converted_tag
        self._slots[slot].written = 1
        if instance:
            self._keep_if_keyed(self._module_numbers[module], slot)
        return True

    def read(self, module: str, name: str, instance: str = "") -> tuple[int, int] | None:
        """Return the scalar in a variable, or None if there is no such variable or instance.

        One that nothing has written reads as its initial value.
        """
        slot = self._slot_of(module, name, instance)
        if slot < 0:
            return None
        if name == INSTANCES_VARIABLE:
            lives = self._find(self._module_numbers[module], instance) >= 0
            return (BOOL_TAG, 1) if lives else None
        meta = self._slot_meta[slot]
        return self._scalar_tag(meta, slot), self._scalar_value(meta, slot)

    def snapshot(self, modules: Collection[str] | None = None) -> dict[Name, str]:
        """Return the JSON texts of all variables that something has written, by name.

        Arguments:
            modules: whose; None for all.
        """
        written = self._state(True, modules)
        return {name: scalar_json(tag, value, self.texts) for name, tag, value in written}

    def _state(
        self, instances: bool, modules: Collection[str] | None = None
    ) -> Iterator[tuple[Name, int, int]]:
        """Return all that is written: name, tag and value; births before what is of an instance."""
        for (module, name), slot in self._slot_numbers.items():
            variable = self.layout.meta_variable[self._slot_meta[slot]]
            if name == INSTANCES_VARIABLE or variable.keyed or variable.map:
                continue
            if self._is_written(slot) and (modules is None or module in modules):
                yield (module, name, ""), *self._scalar(slot)
        for (slot, key_number), element in self._elements.items():
            if modules is not None and self._slot_names[slot][0] not in modules:
                continue
            if self._is_written(element):
                yield (*self._slot_names[slot], self.texts[key_number]), *self._scalar(element)
        if instances:
            for number, own in enumerate(self._instances):
                if modules is None or self.programs[number].module in modules:
                    yield from self._state_of_instances(number, own)

    def _state_of_instances(self, module: int, own: Instances) -> Iterator[tuple[Name, int, int]]:
        program = self.programs[module]
        base = self.layout.module_base[module]
        for key in self._alive(module):
            yield (program.module, INSTANCES_VARIABLE, key), BOOL_TAG, 1
            cold = self._cold
            place = own.find(self.intern(key)) if cold is None else self._bring(module, key, cold)
            self._show(own, place)
            for variable in self.layout.shapes[module].keyed:
                slot = base + variable
                if self._is_written(slot):
                    yield (*self._slot_names[slot], key), *self._scalar(slot)
            if cold is not None:
                own.remove(self.intern(key), key)

    def _accept(self, meta: int, tag: int, value: int) -> bool:
        """Bring a stored scalar into a variable's own units, as `_convert` does one that came."""
        if self._role[meta] != TIMER:
            return bool(self._convert(meta, tag, value))
        self._converted = value
        self._converted_tag = tag
        return tag == 0 and value >= 0

    def _is_written(self, slot: int) -> bool:
        meta = self._slot_meta[slot]
        holds = self._type[meta] != EVENT or self._role[meta] == TIMER
        return bool(holds and self._slots[slot].written)

    def _scalar(self, slot: int) -> tuple[int, int]:
        meta = self._slot_meta[slot]
        return self._scalar_tag(meta, slot), self._scalar_value(meta, slot)

    def _slot_of(self, module: str, name: str, instance: str) -> int:
        """Return the slot of a name, -1 if there is none; the window then shows its instance."""
        slot = self._slot_numbers.get((module, name), -1)
        if slot < 0:
            return -1
        if name == INSTANCES_VARIABLE:
            return slot
        variable = self.layout.meta_variable[self._slot_meta[slot]]
        if variable.map:
            return self._element(slot, self.intern(instance)) if fits_as_key(instance) else -1
        if not variable.keyed:
            return -1 if instance else slot
        number = self._module_numbers[module]
        place = self._find(number, instance)
        if place < 0:
            return -1
        self._show(self._instances[number], place)
        return slot

    def _keep_if_keyed(self, module: int, slot: int) -> None:
        """Keep what the window of a keyed module shows in this slot, if the variable is keyed."""
        own = self._instances[module]
        number = self._place[self._slot_meta[slot]]
        if number >= 0:
            slots = self._slots
            own.keep(own.shown, number, slots[slot].value, slots[slot].tag, slots[slot].written)

    # ------------------------------------------------------------------ instances and maps

    def _find(self, module: int, key: str) -> int:
        """Return the place of an instance, -1 if there is none; from the shelf if need be."""
        place = self._instances[module].find(self._text_numbers.get(key, -1))
        return self._fetch(module, key) if place < 0 else place

    def _place_of(self, module: int, key_number: int) -> int:
        """Return the place of an instance, as `_find` does."""
        place = self._instances[module].find(key_number)
        return self._fetch(module, self.texts[key_number]) if place < 0 else place

    def _fetch(self, module: int, key: str) -> int:
        """Take an instance from the shelf; return its place, -1 if there is none."""
        if self._shelf is None or (module, key) in self._gone:
            return -1
        cold = self._shelf.fetch(self.programs[module].module, key)
        return -1 if cold is None else self._bring(module, key, cold)

    def _bring(self, module: int, key: str, cold: Mapping[str, str]) -> int:
        """Let an instance be in memory that holds this; return its place."""
        own = self._instances[module]
        name = self.programs[module].module
        place = own.add(self.intern(key), key)
        self._brought += 1
        for variable, text in cold.items():
            slot = self._slot_numbers.get((name, variable), -1)
            if slot < 0 or variable == INSTANCES_VARIABLE:
                continue
            meta = self._slot_meta[slot]
            number = self._place[meta]
            tag, value = _parsed(text, self)
            if number >= 0 and self._accept(meta, tag, value):
                own.keep(place, number, self._converted, self._converted_tag, 1)
        return place

    def _alive(self, module: int) -> Iterable[str]:
        """Return the keys of all instances of a module, in order, wherever they are.

        `_cold` says what the one that was last returned holds, if it is on the shelf alone.
        """
        self._cold = None
        warm = self._instances[module].ordered()
        return warm if self._shelf is None else self._merged(module, warm)

    def _merged(self, module: int, warm: list[str]) -> Iterator[str]:
        assert self._shelf is not None
        name = self.programs[module].module
        if not self.programs[module].key:
            return
        at, after = 0, ""
        while page := self._shelf.page(name, after):
            for key, cold in page:
                while at < len(warm) and warm[at] < key:
                    self._cold = None
                    yield warm[at]
                    at += 1
                self._cold = cold
                if at < len(warm) and warm[at] == key:
                    self._cold = None
                    at += 1
                elif (module, key) in self._gone:
                    continue
                yield key
            after = page[-1][0]
        self._cold = None
        yield from warm[at:]

    def _show(self, own: Instances, place: int) -> None:
        """Let the window of a module show the instance at this place."""
        own._recent[place] = 1
        if own.shown == place:
            return
        cell = place * own._width
        slots = self._slots
        for number in range(own._width):
            slot = own._slots[number]
            slots[slot].value = own._values[cell]
            slots[slot].tag = own._states[cell] >> 1
            slots[slot].written = own._states[cell] & 1
            cell += 1
        own.shown = place

    def _element(self, slot: int, key_number: int) -> int:
        """Return the slot of a map's value for a key, a new one if need be."""
        element = self._elements.get((slot, key_number))
        if element is not None:
            return element
        number = self._fixed_slots + len(self._element_owners)
        if number >= self._slot_capacity:
            self._own_elements(number, 2 * number + 8)
        slots = self._slots
        slots[number].value = self.layout.slot_initial[slot]
        slots[number].tag = NULL_TAG
        slots[number].topic = self.layout.slot_topic[slot]
        slots[number].key = key_number
        slots[number].touch = 0
        slots[number].written = 0
        self._slot_meta[number] = self._slot_meta[slot]
        self._elements[slot, key_number] = number
        self._element_owners.append((slot, key_number))
        return number

    def _own_elements(self, used: int, capacity: int) -> None:
        owner: list[object] = []
        self._slots = grown_slots(owner, self._slots, used, capacity)
        self._slot_meta = grown(owner, self._slot_meta, used, capacity)
        self._slot_capacity = capacity
        self._element_owner = owner


def _parsed(text: str, core: Variables) -> tuple[int, int]:
    """Return the scalar that a stored JSON text stands for; one that fits nothing if it is none."""
    try:
        return parse_scalar(text, core.intern)
    except ValueError:
        return FORGOTTEN_TAG, 0


def fits_as_key(key: str) -> bool:
    """Tell whether a text can be the key of an instance or of a map."""
    return 0 < len(key) <= MAX_KEY and len(key.encode("utf-8", "replace")) <= MAX_KEY
