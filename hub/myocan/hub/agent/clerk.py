"""What a batch did, as rows of the log and as frames for the bus.

The one idea: a row's value is one JSON text, made once, which the log keeps and the broker carries.
What the core's numbers mean is the `Glossary`'s to say.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Raw

from myocan.hub.agent.away import NOWHERE, Away, LeftOut
from myocan.hub.agent.batch import Origin
from myocan.hub.agent.deployment import CODE, DEPLOY, FILES
from myocan.hub.agent.glossary import Glossary
from myocan.hub.agent.outlet import Name, Outlet
from myocan.hub.agent.written import Stated, Written
from myocan.hub.bus import Outgoing
from myocan.hub.core import Core, Tag
from myocan.hub.core.linker import LOG_MODULE, TopicName
from myocan.hub.core.program import EXTERNAL_MODULE, INSTANCES_VARIABLE
from myocan.hub.core.scalars import parse_scalar
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

_FORGOTTEN = int(Tag.FORGOTTEN)


class Clerk:
    """Writes down what the core did.

    Arguments:
        core: whose numbers they are.
        store: gives names their numbers in the log.
        outlet: makes the frames.
        inputs: topics of boards that are published as data too; None for all.

    Attributes:
        glossary: what the core's numbers mean.
    """

    def __init__(
        self, core: Core, store: Store, outlet: Outlet, inputs: set[TopicName] | None
    ) -> None:
        self._core = core
        self._store = store
        self._outlet = outlet
        self.glossary = Glossary(core, store, inputs)

    def restore(self, name: Name, value: str) -> bool:
        """Give a variable the value that the store has; False if there is no place for it."""
        module, variable, instance = name
        try:
            tag, number = parse_scalar(value, self._core.intern)
        except ValueError:
            return False
        return self._core.restore(module, variable, tag, number, instance)

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
        glossary = self.glossary
        glossary.follow()
        core, outlet, store = self._core, self._outlet, self._store
        text_of, topics, producers = glossary.text, glossary.topics, glossary.producers
        written = Written()
        rows, frames = written.rows, written.frames
        changed, stated = self._write_changes(written, taken)
        for row, (topic, tag, value, module, cause, pc, key) in enumerate(core.rows()):
            text = text_of(tag, value)
            name, number, as_input, kept, silent, is_field = topics[topic]
            if key >= 0:
                name, number = glossary.keyed_topic(topic, key)
                if text == "null" and topic in glossary.births:
                    left = glossary.topics_of_instance(topic, name[2])
                    frames += filter(None, map(outlet.forget, left))
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
        glossary, state = self.glossary, written.state
        text_of, plain, watched = glossary.text, glossary.slots, glossary.watched
        changed: dict[int, list[str]] = {}
        stated: dict[int, list[tuple[Name, str | None]]] = {}
        for taken_name, taken_text in taken:
            number = self._store.name_id(*taken_name)
            state[number] = taken_text
            changed.setdefault(0, []).append(f"{number},{taken_text}")
        for row, slot, tag, value, key in self._core.changes():
            known = plain.get(slot) if key < 0 else None
            number = glossary.slot_number(slot, key) if known is None else known
            text = None if tag == _FORGOTTEN else text_of(tag, value)
            state[number] = text
            said = f"{-number},null" if text is None else f"{number},{text}"
            if row in changed:
                changed[row].append(said)
            else:
                changed[row] = [said]
            if slot in watched:
                written.noted.append((glossary.slot_name(slot, key), text))
            if slot in glossary.stated:
                stated.setdefault(row, []).append((glossary.slot_name(slot, key), text))
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
        glossary = self.glossary
        glossary.follow()
        for row in store.rows(mode, after):
            offset, time_ms, number, value, producer, cause, _line, ts, changes = row
            name = names[number]
            if name == DEPLOY:
                frames += self._cleared(value, offset)
            if name[1] == INSTANCES_VARIABLE and value == "null":
                births = self._core.topic(("", name[0], INSTANCES_VARIABLE))
                for clear in map(self._outlet.clear, glossary.topics_of_instance(births, name[2])):
                    frames += [(*clear[:4], offset)] if clear is not None else []
            if name[1] == CODE or not glossary.publishes(name):
                continue
            if name[:2] in glossary.field_names:
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
