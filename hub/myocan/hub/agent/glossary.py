"""What the core's numbers mean: names of topics and variables, and what is published of them.

The one idea: names become numbers once for each `epoch` of the core, and all that a row needs to
know of its topic is found out then; while rows are written, nothing is looked up but numbers.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from myocan.hub.agent.outlet import Name
from myocan.hub.core import Core, Role, Tag
from myocan.hub.core.linker import LOG_TOPICS, TopicName, fold
from myocan.hub.core.program import AT_VARIABLE, EXTERNAL_MODULE, INSTANCES_VARIABLE
from myocan.hub.core.scalars import decimal_text, scalar_json
from myocan.hub.store import Store

__all__ = ["Glossary", "Meaning"]

MAX_KEYS = 1 << 16
"""Names of instances whose numbers are remembered; bounds what very many instances cost here."""

_TEXT = int(Tag.TEXT)


class Meaning(NamedTuple):
    """What a topic of the core means.

    Arguments:
        name: its name without an instance.
        number: that name's number in the store.
        as_input: whether it is published when it comes from outside.
        kept: whether its newest value is state then.
        silent: whether it is a call of an EXTERNAL function, which is published nowhere.
        is_field: whether it is a field of a model: of that is published what the model took.
    """

    name: Name
    number: int
    as_input: bool
    kept: bool
    silent: bool
    is_field: bool


class Glossary:
    """Knows the names behind a core's numbers.

    Arguments:
        core: whose numbers they are.
        store: gives names their numbers in the log.
        inputs: topics of boards that are published as data too; None for all.

    Attributes, as of the last `follow`:
        topics: what each topic of the core means, by its number.
        producers: of each program its name, and the number of that.
        births: topic of births and drops -> the topics that each instance has values on.
        slots: numbers of the names of variables without a key, as far as they were asked for.
        watched: slots of those whose changes are noted.
        stated: slots of fields of models.
        field_names: the fields of models, (module, lower-case name).
    """

    def __init__(self, core: Core, store: Store, inputs: set[TopicName] | None) -> None:
        self._core = core
        self._store = store
        self._inputs = inputs
        self._epoch = -1
        self._texts: dict[int, str] = {}
        self._watched_names: Collection[tuple[str, str]] = ()
        self._models: Collection[str] = ()

    def know_models(self, models: Collection[str]) -> None:
        """Publish what is committed to these modules, or said to them: they are state models."""
        self._models = models
        self._epoch = -1

    def watch(self, variables: Collection[tuple[str, str]]) -> None:
        """Note the changes of these variables, (module, lower-case name), in what is written."""
        self._watched_names = variables
        self._epoch = -1

    # ------------------------------------------------------------------ what is published

    def topic_of(self, name: Name) -> Name | None:
        """Return the topic that the value of a name is published on, None if it is not."""
        self.follow()
        module, variable, instance = name
        said = self._said_on.get((module, variable))
        if said is not None:
            return said[0], said[1], said[2] or instance
        return name if self.publishes(name) else None

    def speakers(self) -> list[str]:
        """Return the modules whose names have values that are said on topics."""
        self.follow()
        return sorted({module for module, _ in (*self._said_on, *self._published_names)})

    def publishes(self, name: Name) -> bool:
        """Tell whether the hub says values on this topic."""
        self.follow()
        return name[:2] in self._published_names

    def topics_of_instance(self, births: int, key: str) -> list[Name]:
        """Return the topics that an instance has values on, by the topic that tells of its drop."""
        return [(module, variable, key) for module, variable, _ in self.births.get(births, ())]

    # ------------------------------------------------------------------ numbers of the core

    def text(self, tag: int, value: int) -> str:
        """Return a scalar of the core as JSON."""
        if tag == _TEXT:
            text = self._texts.get(value)
            if text is None:
                text = self._texts[value] = scalar_json(tag, value, self._core.texts)
            return text
        if tag < 0:
            return scalar_json(tag, value, self._core.texts)
        return decimal_text(value, tag)

    def slot_number(self, slot: int, key: int) -> int:
        """Return the number of a variable's name, and find out whether it is watched.

        key: the text number of its instance, -1 for none.
        """
        number = self._keyed_slots.get((slot, key))
        if number is None:
            name = self.slot_name(slot, key)
            number = self._store.name_id(*name)
            if name[:2] in self._watched_names:
                self.watched.add(slot)
            if name[:2] in self.field_names:
                self.stated.add(slot)
            if key < 0:
                self.slots[slot] = number
            else:
                if len(self._keyed_slots) >= MAX_KEYS:
                    self._keyed_slots.clear()
                self._keyed_slots[slot, key] = number
        return number

    def slot_name(self, slot: int, key: int) -> Name:
        """Return the name of a variable, with its instance."""
        module, variable = self._core.name_of(slot)
        return module, variable, self._core.texts[key] if key >= 0 else ""

    def keyed_topic(self, topic: int, key: int) -> tuple[Name, int]:
        """Return the name of a topic with an instance, and the number of that."""
        known = self._keyed_topics.get((topic, key))
        if known is None:
            if len(self._keyed_topics) >= MAX_KEYS:
                self._keyed_topics.clear()
            module, variable, _instance = self.topics[topic].name
            name = module, variable, self._core.texts[key]
            known = self._keyed_topics[topic, key] = name, self._store.name_id(*name)
        return known

    # ------------------------------------------------------------------ a new epoch

    def follow(self) -> None:
        """Take over the core's numbers if they have changed."""
        if self._epoch == self._core.epoch:
            return
        self._epoch = self._core.epoch
        self._texts.clear()
        self.slots: dict[int, int] = {}
        self._keyed_slots: dict[tuple[int, int], int] = {}
        self._keyed_topics: dict[tuple[int, int], tuple[Name, int]] = {}
        self.watched: set[int] = set()
        self.stated: set[int] = set()
        self.producers = [
            (program.module, self._store.producer_id(program.module))
            for program in self._core.programs
        ]
        self._keyed: dict[str, list[Name]] = {}
        self._know_fields()
        self._know_variables()
        self._published_names: set[tuple[str, str]] = set(self.field_names)
        self.births: dict[int, tuple[Name, ...]] = {}
        self.topics = [
            self._meaning(number, topic) for number, topic in enumerate(self._core.topics)
        ]

    def _know_fields(self) -> None:
        """Note the fields of models."""
        self._fields: set[TopicName] = set()
        for program in self._core.programs:
            if program.module not in self._models:
                continue
            for variable in program.variables:
                if variable.topic == ("", program.module, fold(variable.name)):
                    self._fields.add(variable.topic)
                    if variable.keyed:
                        name = _name(variable.topic)
                        self._keyed.setdefault(program.module, []).append(name)
        self.field_names = {topic[1:] for topic in self._fields}

    def _know_variables(self) -> None:
        """Note which variables there are, and the topics of those that are published."""
        self._said_on: dict[tuple[str, str], Name] = {}
        self._public: set[TopicName] = set()
        self._timers: set[TopicName] = set()
        self._variables: set[tuple[str, str]] = set()
        for program in self._core.programs:
            for variable in program.variables:
                self._variables.add((program.module, fold(variable.name)))
                if variable.topic is None or variable.topic in self._fields:
                    continue
                if variable.role == Role.TIMER:
                    self._timers.add(variable.topic)
                elif variable.role == Role.PUBLIC:
                    self._public.add(variable.topic)
                    said_on = (*_name(variable.topic)[:2], variable.instance)
                    self._said_on[program.module, fold(variable.name)] = said_on
                    if variable.keyed:
                        self._keyed.setdefault(program.module, []).append(said_on)

    def _meaning(self, number: int, topic: TopicName) -> Meaning:
        """Find out what a topic means, and note it where it is published or tells of births."""
        name = _name(topic)
        _domain, module, of = topic
        silent = module == EXTERNAL_MODULE
        births = of == INSTANCES_VARIABLE
        as_input = births or topic in LOG_TOPICS
        as_input = as_input or self._inputs is None or topic in self._inputs
        # What comes due concerns the module alone: it is in the log, and nowhere else.
        as_input = as_input and of != AT_VARIABLE and topic not in self._timers and not silent
        if as_input or topic in self._public:
            self._published_names.add(name[:2])
        # A module's own SUBSCRIBE variable has the topic's name, and its own idea of the value.
        kept = as_input and not births and topic not in LOG_TOPICS
        kept = kept and (module, of) not in self._variables
        is_field = topic in self._fields
        if births:
            self.births[number] = (*self._keyed.get(module, ()), name)
        name_number = self._store.name_id(*name)
        return Meaning(name, name_number, as_input and not is_field, kept, silent, is_field)


def _name(topic: TopicName) -> Name:
    """Return a topic's name as the store has it, without an instance."""
    domain, module, variable = topic
    return f"{domain}.{module}" if domain else module, variable, ""
