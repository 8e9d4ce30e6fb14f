"""What a batch did, as rows of the log and as frames for the bus.

The one idea: a row's value is one JSON text, made once, which the log keeps and the broker carries.
Numbers of the core (topics, slots, texts) become names here and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from myocan.hub.agent.deployment import CODE
from myocan.hub.agent.intake import Origin
from myocan.hub.agent.outlet import Name, Outlet
from myocan.hub.bus import Outgoing
from myocan.hub.core import Core, Role, Tag
from myocan.hub.core.linker import LOG_TOPICS, TopicName
from myocan.hub.core.program import AT_VARIABLE
from myocan.hub.core.scalars import decimal_text, parse_scalar, scalar_json
from myocan.hub.store import LogRow, Store

__all__ = ["Clerk", "Written"]

DEPLOYER = "deploy"
"""The producer of `%%code%%` messages."""

_TEXT = int(Tag.TEXT)


@dataclass(slots=True)
class Written:
    """What a batch comes to: rows for the log, frames to publish, changed state by name number."""

    rows: list[LogRow] = field(default_factory=list)
    frames: list[Outgoing] = field(default_factory=list)
    state: dict[int, str | None] = field(default_factory=dict)


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

    def restore(self, name: Name, value: str) -> bool:
        """Give a variable the value that the store has; False if there is no place for it."""
        module, variable, _instance = name
        try:
            tag, number = parse_scalar(value, self._core.intern)
        except ValueError:
            return False
        return self._core.restore(module, variable, tag, number)

    def publishes(self, name: Name) -> bool:
        """Tell whether the hub says values on this topic."""
        self._follow()
        return name in self._published_names

    def code_row(
        self, offset: int, now_ms: int, module: str, source: str | None, forgotten: Iterable[Name]
    ) -> Written:
        """Return the message that puts a module's text in force, or takes it out (None).

        Arguments:
            offset, now_ms: where and when the row stands.
            forgotten: variables that the new text does not have any more.
        """
        code = self._store.name_id(module, CODE)
        value = json.dumps(source, ensure_ascii=False)
        state: dict[int, str | None] = {self._store.name_id(*name): None for name in forgotten}
        state[code] = None if source is None else value
        changes = ",".join(
            f"{-number},null" if text is None else f"{number},{text}"
            for number, text in state.items()
        )
        producer = self._store.producer_id(DEPLOYER)
        row = (offset, now_ms, code, value, producer, None, None, None, f"[{changes}]")
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
        core, outlet, text_of = self._core, self._outlet, self._text
        written = Written()
        rows, frames, state = written.rows, written.frames, written.state
        changes = core.changes()
        place, end = 0, len(changes)
        for row, (topic, tag, value, module, cause, pc, _key) in enumerate(core.rows()):
            text = text_of(tag, value)
            name, number, published, kept = self._topics[topic]
            changed: list[str] = []
            for taken_name, taken_text in taken if row == 0 else ():
                taken_number = self._store.name_id(*taken_name)
                state[taken_number] = taken_text
                changed.append(f"{taken_number},{taken_text}")
            while place < end and changes[place][0] == row:
                _row, slot, slot_tag, slot_value, _key = changes[place]
                slot_number = self._slot_number(slot)
                state[slot_number] = slot_text = text_of(slot_tag, slot_value)
                changed.append(f"{slot_number},{slot_text}")
                place += 1
            if module >= 0:
                producer, producer_number = self._producers[module]
                came_from: int | None = offset + cause
                line = core.line(pc) or None
                ts = None
                frames.append(outlet.frame(name, text, offset + row, now_ms, producer, incarnation))
            else:
                producer, ts = origins[-1 - module]
                producer_number = self._store.producer_id(producer)
                came_from = line = None
                if published:
                    frames.append(outlet.frame(name, text, offset + row, ts, producer, incarnation))
                    if kept and text != "null":
                        state[number] = text
                        changed.append(f"{number},{text}")
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
                    f"[{','.join(changed)}]" if changed else None,
                )
            )
        return written

    def unconfirmed(self, mode: str, after: int, since_ms: int) -> list[Outgoing]:
        """Return what the log has and no broker has confirmed, under its original offset.

        None of it is retained: `Outlet.values` says, behind it, what is true now.

        Arguments:
            mode: whose log.
            after: the offset up to which all was confirmed.
            since_ms: what is older is left out, in milliseconds since 1970 UTC.
        """
        store, frames = self._store, []
        names = store.names()
        for row in store.rows(mode, after):
            offset, time_ms, number, value, producer, cause, _line, ts, _changes = row
            name = names[number]
            if time_ms >= since_ms and name[1] != CODE and self.publishes(name):
                topic, payload, qos, _retain, token = self._outlet.frame(
                    name,
                    value,
                    offset,
                    ts if cause is None else time_ms,
                    store.producer(producer),
                    store.incarnation_of(mode, offset),
                )
                frames.append((topic, payload, qos, False, token))
        return frames

    def _text(self, tag: int, value: int) -> str:
        if tag == _TEXT:
            text = self._texts.get(value)
            if text is None:
                text = self._texts[value] = scalar_json(tag, value, self._core.texts)
            return text
        if tag < 0:
            return scalar_json(tag, value, self._core.texts)
        return decimal_text(value, tag)

    def _slot_number(self, slot: int) -> int:
        number = self._slots.get(slot)
        if number is None:
            number = self._slots[slot] = self._store.name_id(*self._core.name_of(slot))
        return number

    def _follow(self) -> None:
        """Take over the core's numbers if they have changed."""
        core = self._core
        if self._epoch == core.epoch:
            return
        self._epoch = core.epoch
        self._texts.clear()
        self._slots: dict[int, int] = {}
        self._producers = [
            (program.module, self._store.producer_id(program.module)) for program in core.programs
        ]
        public = {
            variable.topic
            for program in core.programs
            for variable in program.variables
            if variable.role == Role.PUBLIC
        }
        own = {
            variable.topic
            for program in core.programs
            for variable in program.variables
            if variable.role == Role.TIMER
        }
        self._published_names: set[Name] = set()
        self._topics: list[tuple[Name, int, bool, bool]] = []
        for topic in core.topics:
            domain, module, variable = topic
            name = (f"{domain}.{module}" if domain else module, variable, "")
            as_input = topic in LOG_TOPICS or self._inputs is None or topic in self._inputs
            # What comes due concerns the module alone: it is in the log, and nowhere else.
            as_input = as_input and variable != AT_VARIABLE and topic not in own
            if as_input or topic in public:
                self._published_names.add(name)
            # A module's own SUBSCRIBE variable has the topic's name, and its own idea of the value.
            kept = as_input and topic not in LOG_TOPICS and core.read(module, variable) is None
            self._topics.append((name, self._store.name_id(*name), as_input, kept))
