"""What a batch did, as rows of the log and as frames for the bus.

The one idea: a row's value is one JSON text, made once, which the log keeps and the broker carries.
Numbers of the core (topics, slots, texts) become names here and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Raw

from myocan.hub.agent.away import NOWHERE, Away, LeftOut
from myocan.hub.agent.batch import Origin
from myocan.hub.agent.deployment import CODE, DEPLOY, FILES
from myocan.hub.agent.outlet import Name, Outlet
from myocan.hub.agent.written import Stated, Written
from myocan.hub.bus import Outgoing
from myocan.hub.core import Core, Role, Tag
from myocan.hub.core.linker import LOG_MODULE, LOG_TOPICS, TopicName, fold
from myocan.hub.core.program import AT_VARIABLE, EXTERNAL_MODULE, INSTANCES_VARIABLE
from myocan.hub.core.scalars import decimal_text, parse_scalar, scalar_json
from myocan.hub.store import Store
from myocan.hub.store.rows import apply

__all__ = ["CALLED", "DONE", "EXTERNALS", "Clerk", "Written"]

CALLED = (EXTERNAL_MODULE, "$called", "")
"""The name of the offset of the newest row that asks for an EXTERNAL function."""

DONE = (EXTERNAL_MODULE, "$done", "")
"""The name of the offset of the newest such row whose function was called."""

EXTERNALS = "externals"
"""The producer of what is said of EXTERNAL functions."""

DEPLOYER = "deploy"
"""The producer of `%%code%%` messages."""

MAX_KEYS = 1 << 16
"""Names of instances whose numbers are remembered; bounds what very many instances cost here."""

_TEXT, _FORGOTTEN = int(Tag.TEXT), int(Tag.FORGOTTEN)


_Topic = tuple[Name, int, bool, bool, bool, bool]
"""What a topic of the core means: its name without an instance and the number of that, whether it
is published when it comes from outside, whether its newest value is state then, whether it is a
call, and whether it is a field of a model: of that is published what the model took."""


class Clerk:
    """Writes down what the core did.

    Arguments:
        core: whose numbers they are.
        store: gives names their numbers in the log.
        outlet: makes the frames.
        inputs: topics of boards that are published as data too; None for all.
    """

    def __init__(
        self, core: Core, store: Store, outlet: Outlet, inputs: set[TopicName] | None
    ) -> None:
        self._core = core
        self._store = store
        self._outlet = outlet
        self._inputs = inputs
        self._epoch = -1
        self._texts: dict[int, str] = {}
        self._watched_names: Collection[tuple[str, str]] = ()
        self._models: Collection[str] = ()

    def restore(self, name: Name, value: str) -> bool:
        """Give a variable the value that the store has; False if there is no place for it."""
        module, variable, instance = name
        try:
            tag, number = parse_scalar(value, self._core.intern)
        except ValueError:
            return False
        return self._core.restore(module, variable, tag, number, instance)

    def know_models(self, models: Collection[str]) -> None:
        """Publish what is committed to these modules, or said to them: they are state models."""
        self._models = models
        self._epoch = -1

    def _know_fields(self, keyed: dict[str, list[Name]]) -> None:
        """Note the fields of models; `keyed` takes those that each instance has."""
        self._fields: set[TopicName] = set()
        for program in self._core.programs:
            if program.module not in self._models:
                continue
            for variable in program.variables:
                if variable.topic == ("", program.module, fold(variable.name)):
                    self._fields.add(variable.topic)
                    if variable.keyed:
                        name = _name(variable.topic)
                        keyed.setdefault(program.module, []).append(name)
        self._field_names = {topic[1:] for topic in self._fields}

    def watch(self, variables: Collection[tuple[str, str]]) -> None:
        """Note the changes of these variables, (module, lower-case name), in what is written."""
        self._watched_names = variables
        self._epoch = -1

    def topic_of(self, name: Name) -> Name | None:
        """Return the topic that the value of a name is published on, None if it is not."""
        self._follow()
        module, variable, instance = name
        said = self._said_on.get((module, variable))
        if said is not None:
            return said[0], said[1], said[2] or instance
        return name if self.publishes(name) else None

    def speakers(self) -> list[str]:
        """Return the modules whose names have values that are said on topics."""
        self._follow()
        return sorted({module for module, _ in (*self._said_on, *self._published_names)})

    def publishes(self, name: Name) -> bool:
        """Tell whether the hub says values on this topic."""
        self._follow()
        return name[:2] in self._published_names

    def deployment(
        self,
        offset: int,
        now_ms: int,
        told: Mapping[str, object],
        files: str,
        changes: Mapping[str, Mapping[Name, str | None]],
        sources: Mapping[str, str],
    ) -> Written:
        """Return the messages that put texts of modules in force, and take others out.

        Arguments:
            offset, now_ms: where and when the first of them stands.
            told: what is said of the deployment.
            files: the hash of the module files.
            changes: by module what its new text, or its end, makes of the state.
            sources: the texts; a module that has none here is taken out.
        """
        store = self._store
        value = json.dumps(json.dumps(told, ensure_ascii=False), ensure_ascii=False)  # a text
        written = self.row_of(offset, now_ms, DEPLOY, value, DEPLOYER)
        self._change(written, {DEPLOY: value, FILES: json.dumps(files)})
        for module, of_module in changes.items():
            source = sources.get(module)
            text = json.dumps(source, ensure_ascii=False)
            code = store.name_id(module, CODE)
            by = store.producer_id(DEPLOYER)
            at = offset + len(written.rows)
            written.rows.append((at, now_ms, code, text, by, None, None, None, None))
            code_change = {(module, CODE, ""): None if source is None else text}
            self._change(written, {**code_change, **of_module})
        return written

    def _change(self, written: Written, changes: Mapping[Name, str | None]) -> None:
        """Let the last row of these change variables, JSON texts by name, None for forgotten."""
        numbered = {self._store.name_id(*name): text for name, text in changes.items()}
        written.state.update(numbered)
        written.rows[-1] = (*written.rows[-1][:-1], _changes(numbered))

    def row_of(
        self,
        offset: int,
        now_ms: int,
        name: Name,
        value: str,
        producer: str,
        cause: int | None = None,
        forgotten: Iterable[int] = (),
    ) -> Written:
        """Return a message of the hub's own that no module hears, and whose value is state.

        Arguments:
            offset, now_ms: where and when the row stands.
            name: of what is told.
            value: its JSON text; null: it is forgotten.
            producer: who tells it.
            cause: the offset of the row that led to it, None for none.
            forgotten: numbers of names whose values are forgotten with it.
        """
        number = self._store.name_id(*name)
        by = self._store.producer_id(producer)
        state: dict[int, str | None] = {number: None if value == "null" else value}
        state.update(dict.fromkeys(forgotten))
        changes = _changes(state)
        row = (offset, now_ms, number, value, by, cause, None, None, changes)
        return Written([row], [], state)

    def write(
        self,
        offset: int,
        now_ms: int,
        origins: Sequence[Origin],
        incarnation: int,
        taken: Iterable[tuple[Name, str]] = (),
    ) -> Written:
        """Return what the core's last run comes to.

        Arguments:
            offset: of its first row.
            now_ms: the log's time.
            origins: who sent each input, and when.
            incarnation: the present one.
            taken: what the first input changes besides variables, names and JSON texts: which
                occurrence of an AT it is.
        """
        self._follow()
        core, outlet, store = self._core, self._outlet, self._store
        text_of, topics, producers = self._text, self._topics, self._producers
        written = Written()
        rows, frames = written.rows, written.frames
        changed, stated = self._write_changes(written, taken)
        for row, (topic, tag, value, module, cause, pc, key) in enumerate(core.rows()):
            text = text_of(tag, value)
            name, number, as_input, kept, silent, is_field = topics[topic]
            if key >= 0:
                name, number = self._keyed_topic(topic, key)
                if text == "null" and topic in self._births:
                    frames += filter(None, map(outlet.forget, self._left(topic, name[2])))
            if module >= 0:
                producer, producer_number = producers[module]
                came_from: int | None = offset + cause
                line = core.line(pc) or None
                ts = None
                if silent:
                    self._write_call(written, changed, row, offset)
                elif not is_field:
                    frame = outlet.frame(name, text, offset + row, now_ms, producer, incarnation)
                    if frame is not None:
                        frames.append(frame)
            else:
                producer, ts = origins[-1 - module]
                producer_number = store.producer_id(producer)
                came_from = line = None
                if as_input:
                    frame = outlet.frame(name, text, offset + row, ts, producer, incarnation)
                    if frame is not None:
                        frames.append(frame)
                    if kept and text != "null":
                        written.state[number] = text
                        changed.setdefault(row, []).append(f"{number},{text}")
            for of, said in stated.get(row, ()) if stated else ():
                together = offset + row if came_from is None else came_from
                written.stated.append(Stated(offset + row, together, of, said, producer))
                if said is not None:
                    took = outlet.frame(of, said, offset + row, ts or now_ms, producer, incarnation)
                    frames += filter(None, (outlet.forget(of) if said == "null" else None, took))
            texts = changed.get(row)
            rows.append(
                (
                    offset + row,
                    now_ms,
                    number,
                    text,
                    producer_number,
                    came_from,
                    line,
                    ts,
                    f"[{','.join(texts)}]" if texts else None,
                )
            )
        return written

    def _write_changes(
        self, written: Written, taken: Iterable[tuple[Name, str]]
    ) -> tuple[dict[int, list[str]], dict[int, list[tuple[Name, str | None]]]]:
        """Write down what the core's last run changed.

        Returns:
            It as the log has it, by row, and what fields of models took, likewise.
        """
        text_of, plain, watched, state = self._text, self._slots, self._watched, written.state
        changed: dict[int, list[str]] = {}
        stated: dict[int, list[tuple[Name, str | None]]] = {}
        for taken_name, taken_text in taken:
            number = self._store.name_id(*taken_name)
            state[number] = taken_text
            changed.setdefault(0, []).append(f"{number},{taken_text}")
        for row, slot, tag, value, key in self._core.changes():
            known = plain.get(slot) if key < 0 else None
            number = self._slot_number(slot, key) if known is None else known
            text = None if tag == _FORGOTTEN else text_of(tag, value)
            state[number] = text
            said = f"{-number},null" if text is None else f"{number},{text}"
            if row in changed:
                changed[row].append(said)
            else:
                changed[row] = [said]
            if slot in watched:
                written.noted.append((self._slot_name(slot, key), text))
            if slot in self._stated:
                stated.setdefault(row, []).append((self._slot_name(slot, key), text))
        return changed, stated

    def _write_call(
        self, written: Written, changed: dict[int, list[str]], row: int, offset: int
    ) -> None:
        """Write down that a row asks for an EXTERNAL function."""
        number = self._store.name_id(*CALLED)
        written.state[number] = str(offset + row)
        changed.setdefault(row, []).append(f"{number},{offset + row}")
        written.calls.append(offset + row)

    def unconfirmed(
        self, mode: str, after: int, since_ms: int, away: Away = NOWHERE, told: int = 0
    ) -> tuple[list[Outgoing], LeftOut, list[Name]]:
        """Return what the log has and no broker has confirmed, under its original offset.

        None of it is retained: `Outlet.values` says, behind it, what is true now.

        Arguments:
            mode: whose log.
            after: the offset up to which all was confirmed.
            since_ms: what is older is left out, in milliseconds since 1970 UTC.
            away: where in the log of values only the last counts, too.
            told: the offset up to which was told what is left out.

        Returns:
            The frames, the events that are left out, and the topics of values that count.
        """
        store = self._store
        frames: list[Outgoing] = []
        left_out = LeftOut(told)
        finals: dict[Name, None] = {}
        names = store.names()
        self._follow()
        for row in store.rows(mode, after):
            offset, time_ms, number, value, producer, cause, _line, ts, changes = row
            name = names[number]
            if name == DEPLOY:
                frames += self._cleared(value, offset)
            if name[1] == INSTANCES_VARIABLE and value == "null":
                births = self._core.topic(("", name[0], INSTANCES_VARIABLE))
                for clear in map(self._outlet.clear, self._left(births, name[2])):
                    frames += [(*clear[:4], offset)] if clear is not None else []
            if name[1] == CODE or not self.publishes(name):
                continue
            if name[:2] in self._field_names:
                taken = _taken(number, changes)
                if taken is None:
                    continue
                value = taken
            keeps = self._outlet.keeps(name, value)
            if keeps and offset in away:
                finals[name] = None
            elif time_ms >= since_ms:
                frame = self._outlet.again(
                    name,
                    value,
                    offset,
                    ts if cause is None else time_ms,
                    store.producer(producer),
                    store.incarnation_of(mode, offset),
                )
                frames += [frame] if frame is not None else []
            elif not keeps and name[0] != LOG_MODULE:
                left_out.note(name, offset, time_ms)
        return frames, left_out, list(finals)

    def _cleared(self, deployment: str, offset: int) -> list[Outgoing]:
        """Return what takes from a broker the topics that a deployment left without a value."""
        names = json.loads(json.loads(deployment)).get("cleared", ())
        found = (self._outlet.clear((module, of, key)) for module, of, key in names)
        return [(*clear[:4], offset) for clear in found if clear is not None]

    def _left(self, births: int, key: str) -> list[Name]:
        """Return the topics that a dropped instance had values on.

        births: the topic that told of its drop.
        """
        return [(module, variable, key) for module, variable, _ in self._births.get(births, ())]

    def _text(self, tag: int, value: int) -> str:
        if tag == _TEXT:
            text = self._texts.get(value)
            if text is None:
                text = self._texts[value] = scalar_json(tag, value, self._core.texts)
            return text
        if tag < 0:
            return scalar_json(tag, value, self._core.texts)
        return decimal_text(value, tag)

    def _slot_number(self, slot: int, key: int) -> int:
        """Return the number of a variable's name, and find out whether it is watched."""
        number = self._keyed_slots.get((slot, key))
        if number is None:
            name = self._slot_name(slot, key)
            number = self._store.name_id(*name)
            if name[:2] in self._watched_names:
                self._watched.add(slot)
            if name[:2] in self._field_names:
                self._stated.add(slot)
            if key < 0:
                self._slots[slot] = number
            else:
                if len(self._keyed_slots) >= MAX_KEYS:
                    self._keyed_slots.clear()
                self._keyed_slots[slot, key] = number
        return number

    def _slot_name(self, slot: int, key: int) -> Name:
        module, variable = self._core.name_of(slot)
        return module, variable, self._core.texts[key] if key >= 0 else ""

    def _keyed_topic(self, topic: int, key: int) -> tuple[Name, int]:
        known = self._keyed_topics.get((topic, key))
        if known is None:
            if len(self._keyed_topics) >= MAX_KEYS:
                self._keyed_topics.clear()
            module, variable, _instance = self._topics[topic][0]
            name = module, variable, self._core.texts[key]
            known = self._keyed_topics[topic, key] = name, self._store.name_id(*name)
        return known

    def _follow(self) -> None:
        """Take over the core's numbers if they have changed."""
        core = self._core
        if self._epoch == core.epoch:
            return
        self._epoch = core.epoch
        self._texts.clear()
        self._slots: dict[int, int] = {}
        self._keyed_slots: dict[tuple[int, int], int] = {}
        self._keyed_topics: dict[tuple[int, int], tuple[Name, int]] = {}
        self._watched: set[int] = set()
        self._stated: set[int] = set()
        self._producers = [
            (program.module, self._store.producer_id(program.module)) for program in core.programs
        ]
        self._said_on: dict[tuple[str, str], Name] = {}
        public: set[TopicName] = set()
        own: set[TopicName] = set()
        keyed: dict[str, list[Name]] = {}
        variables: set[tuple[str, str]] = set()
        self._know_fields(keyed)
        for program in core.programs:
            for variable in program.variables:
                variables.add((program.module, fold(variable.name)))
                if variable.topic is None or variable.topic in self._fields:
                    continue
                if variable.role == Role.TIMER:
                    own.add(variable.topic)
                elif variable.role == Role.PUBLIC:
                    public.add(variable.topic)
                    said_on = (*_name(variable.topic)[:2], variable.instance)
                    self._said_on[program.module, fold(variable.name)] = said_on
                    if variable.keyed:
                        keyed.setdefault(program.module, []).append(said_on)
        self._published_names: set[tuple[str, str]] = set(self._field_names)
        self._topics: list[_Topic] = []
        self._births: dict[int, tuple[Name, ...]] = {}
        for number, topic in enumerate(core.topics):
            name = _name(topic)
            _domain, module, of = topic
            silent = module == EXTERNAL_MODULE
            births = of == INSTANCES_VARIABLE
            as_input = births or topic in LOG_TOPICS
            as_input = as_input or self._inputs is None or topic in self._inputs
            # What comes due concerns the module alone: it is in the log, and nowhere else.
            as_input = as_input and of != AT_VARIABLE and topic not in own and not silent
            if as_input or topic in public:
                self._published_names.add(name[:2])
            # A module's own SUBSCRIBE variable has the topic's name, and its own idea of the value.
            kept = as_input and not births and topic not in LOG_TOPICS
            kept = kept and (module, of) not in variables
            is_field = topic in self._fields
            as_input = as_input and not is_field
            if births:
                self._births[number] = (*keyed.get(module, ()), name)
            name_number = self._store.name_id(*name)
            self._topics.append((name, name_number, as_input, kept, silent, is_field))


def _taken(number: int, changes: str | None) -> str | None:
    """Return what a row made of a value, by the number of its name; None if it left it alone."""
    found: dict[int, Raw | None] = {}
    apply(changes or "[]", found)
    value = found.get(number)
    return None if value is None else bytes(value).decode()


def _changes(state: Mapping[int, str | None]) -> str:
    """Return changes as a row of the log has them."""
    changes = ",".join(
        f"{-number},null" if text is None else f"{number},{text}" for number, text in state.items()
    )
    return f"[{changes}]"


def _name(topic: TopicName) -> Name:
    """Return a topic's name as the store has it, without an instance."""
    domain, module, variable = topic
    return f"{domain}.{module}" if domain else module, variable, ""
