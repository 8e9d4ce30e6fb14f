"""Who hears a message, what becomes of its cycles, and what lives on when programs change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from core.interpreter.cycle import Cycle, Held, identities
from core.interpreter.tree import AtDo, Module, On, Place, Var, declared, is_keyed
from core.interpreter.values import (
    DEPTH,
    REFUSED,
    Failed,
    Scalar,
    Topic,
    converted,
    fold,
    is_due_time,
    is_key,
    json_text,
    seconds,
)
from myocan.hub.core import Role, Type
from myocan.hub.core.program import AT_VARIABLE, INSTANCES_VARIABLE, AttributeKind

T = TypeVar("T", On, AtDo)


@dataclass(frozen=True)
class Message:
    """What comes in from outside; a stamp of 0 says that nobody knows when it happened."""

    topic: Topic
    scalar: Scalar
    key: str = ""
    producer: str = ""
    stamp: int = 0


@dataclass(frozen=True)
class Row:
    """A message, or a record (then `text` is None and `line` the one that it names)."""

    topic: Topic
    text: str | None
    producer: str | int
    cause: int
    line: int
    key: str = ""
    scalar: Scalar = None
    depth: int = 0


class TooLong(Exception):
    """More rows than a test wants to look at."""


@dataclass
class Running:
    """A module, what it holds, and which instances of it are alive."""

    module: Module
    held: Held = field(default_factory=dict)
    alive: set[str] = field(default_factory=set)
    born: set[str] = field(default_factory=set)  # of the message at hand, which they do not get


class House:
    """Modules side by side, and what became of the messages that they were given."""

    def __init__(self, modules: Sequence[Module], most_rows: int = 2000) -> None:
        self.most_rows = most_rows
        self.running: list[Running] = []
        self.rows: list[Row] = []
        self.changes: list[tuple[int, str, str, str, str | None]] = []
        self.link(modules)

    # ------------------------------------------------------------------ programs

    def link(self, modules: Sequence[Module]) -> None:
        """Run these modules from now on; what they still declare, and still fits, they keep."""
        before = {running.module.name: running for running in self.running}
        self.running = []
        for module in sorted(modules, key=lambda module: module.name):
            running = Running(module)
            if module.name in before:
                earlier = before[module.name]
                running.alive = set(earlier.alive) if module.key else set()
                for (name, key), value in earlier.held.items():
                    self._keep(running, name, key, value)
            self.running.append(running)

    def _keep(self, running: Running, name: str, key: str, value: Scalar) -> None:
        for var in running.module.variables:
            at_home = key in running.alive if var.keyed else (not key or var.map)
            if fold(var.name) != name or not at_home or (var.map and not key):
                continue
            if var.role == Role.TIMER:
                fitting: object = value if is_due_time(value) else REFUSED
            else:
                fitting = converted(value, var)
            if fitting is not REFUSED and (var.type != Type.EVENT or var.role == Role.TIMER):
                running.held[name, key] = fitting  # type: ignore[assignment]

    def snapshot(self) -> dict[tuple[str, str, str], str]:
        """Return everything that was ever written, as JSON, and who is alive."""
        found = {}
        for running in self.running:
            name = running.module.name
            for key in running.alive:
                found[name, INSTANCES_VARIABLE, key] = "true"
            for (variable, key), value in running.held.items():
                found[name, variable, key] = json_text(value)
        return found

    def timers(self) -> list[tuple[int, Message]]:
        """Return when the timers that run are due, in that order, with what they will send."""
        found = []
        for running in self.running:
            for var in running.module.variables:
                keys = running.alive if var.keyed else {""}
                for key in sorted(keys) if var.role == Role.TIMER else ():
                    due = running.held.get((fold(var.name), key))
                    if isinstance(due, Decimal) and due and var.topic is not None:
                        found.append((int(due), Message(var.topic, None, key)))
        return sorted(found, key=lambda one: one[0])

    # ------------------------------------------------------------------ messages

    def take(self, messages: Sequence[Message], now: int = 0, offset: int = 0) -> None:
        """Process a batch; `rows` and `changes` are this batch's."""
        self.rows, self.changes = [], []
        self.now, self.offset, self.messages = now, offset, messages
        head = 0
        for number, message in enumerate(messages):
            text = json_text(message.scalar)
            self.rows.append(
                Row(message.topic, text, -1 - number, -1, 0, message.key, message.scalar)
            )
            while head < len(self.rows):
                if len(self.rows) > self.most_rows:
                    raise TooLong
                self._pass_on(head)
                head += 1

    def _pass_on(self, number: int) -> None:
        row = self.rows[number]
        for running in self.running:
            running.born.clear()
        hearing = list(self._hearing(row))
        if hearing and row.depth >= DEPTH:
            self._add("failed", None, row.producer, number, row.line)
            return
        for running, var in hearing:
            if var is None:
                self._of_ats(number, running)
            elif var.keyed:
                self._of_instance(number, running, var)
            else:
                self._of_class(number, running, var)
        for running in self.running:
            births = ("", running.module.name, INSTANCES_VARIABLE)
            if running.module.key and row.topic == births and row.cause < 0:
                self._asked_for(number, running)

    def _hearing(self, row: Row) -> Iterator[tuple[Running, Var | None]]:
        for running in self.running:
            for var in running.module.variables:
                if var.role not in (Role.SUBSCRIBE, Role.TIMER) or var.topic != row.topic:
                    continue
                if var.keyed or var.instance == row.key:
                    yield running, var
            ats = ("", running.module.name, AT_VARIABLE)
            if running.module.ats and row.topic == ats and not row.key:
                yield running, None

    def _asked_for(self, number: int, running: Running) -> None:
        """A message from outside that an instance be there, or not."""
        row = self.rows[number]
        if is_key(row.key) and (row.scalar is None or isinstance(row.scalar, bool)):
            if (row.key in running.alive) != (row.scalar is True):
                self._let_live(number, running, row.key, row.scalar is True)
        else:
            self._add("rejected", None, running.module.name, number, 0)

    def _let_live(self, number: int, running: Running, key: str, alive: bool) -> None:
        """Let an instance be born, or forget it."""
        name = running.module.name
        if alive:
            running.alive.add(key)
        else:
            running.alive.remove(key)
            for var in running.module.variables:
                slot = fold(var.name), key
                if var.keyed and slot in running.held:
                    del running.held[slot]
                    self.changes.append((number, name, slot[0], key, None))
        self.changes.append((number, name, INSTANCES_VARIABLE, key, "true" if alive else None))

    def _add(
        self,
        topic: Topic | str,
        scalar: Scalar,
        producer: str | int,
        cause: int,
        line: int,
        key: str = "",
    ) -> None:
        depth = self.rows[cause].depth + 1
        if isinstance(topic, str):
            self.rows.append(
                Row(("", "$log", topic), None, producer, cause, line, key, None, depth)
            )
        else:
            text = json_text(scalar)
            self.rows.append(Row(topic, text, producer, cause, line, key, scalar, depth))

    # ------------------------------------------------------------------ who takes it

    def _of_class(self, number: int, running: Running, var: Var) -> None:
        """A message for a variable of the class: its cycle, then one in each instance."""
        name, value = running.module.name, self._fitting(number, running, var, "")
        if value is REFUSED:
            self._add("rejected", None, name, number, var.line)
            return
        ons = [on for on in running.module.ons if on.var.name == var.name]
        own, keyed = _parted(ons)
        before, alive = dict(running.held), sorted(running.alive)
        taken = self._cycle(number, running, "", before, own, (var, value))
        if taken is None:
            return
        asked, taken = self._broadcast(number, running, alive, before, keyed, taken)
        if (own or asked) and not taken:
            self._add("unhandled", None, name, number, var.line)

    def _of_ats(self, number: int, running: Running) -> None:
        """The message that some of a module's ATs are due."""
        module, due = running.module, identities(self.rows[number].scalar)
        own, keyed = _parted([at for at in module.ats if at.identity in due])
        before, alive = dict(running.held), sorted(running.alive)
        taken = self._cycle(number, running, "", before, own)
        if taken is None:
            return
        if not due or set(due) - {at.identity for at in module.ats}:
            self._add("unhandled", None, module.name, number, 0)
        self._broadcast(number, running, alive, before, keyed, taken)

    def _broadcast(
        self,
        number: int,
        running: Running,
        alive: Sequence[str],
        before: Held,
        reactions: Sequence[On | AtDo],
        taken: bool,
    ) -> tuple[bool, bool]:
        """Let each instance that was alive take what its class has taken.

        Returns:
            Whether any was asked for a reaction, and whether one or the class took the message.
        """
        asked = False
        reactions = [] if taken else reactions
        for key in alive:
            if key in running.alive and key not in running.born:
                asked = asked or bool(reactions)
                outcome = self._cycle(number, running, key, before, reactions)
                taken = taken or outcome is not False  # a failure has its own record
        return asked, taken

    def _of_instance(self, number: int, running: Running, var: Var) -> None:
        """A message for a variable that each instance has for itself."""
        module, row = running.module, self.rows[number]
        born = row.key in running.alive
        if not born and not (module.auto and is_key(row.key)):
            self._add("unhandled", None, module.name, number, var.line)
            return
        value = self._fitting(number, running, var, row.key)
        if value is REFUSED:
            self._add("rejected", None, module.name, number, var.line)
            return
        ons = [on for on in module.ons if on.var.name == var.name]
        before = dict(running.held)
        taken = self._cycle(number, running, row.key, before, ons, (var, value), not born)
        if ons and taken is False:
            self._add("unhandled", None, module.name, number, var.line)

    def _fitting(self, number: int, running: Running, var: Var, key: str) -> object:
        """Return what the variable will hold of a message, or `REFUSED`."""
        scalar = self.rows[number].scalar
        if var.role != Role.TIMER:
            return converted(scalar, var)
        due = running.held.get((fold(var.name), key))
        runs_out = isinstance(due, Decimal) and 0 < due <= self.now and scalar is None
        return Decimal(0) if runs_out else REFUSED

    # ------------------------------------------------------------------ cycles

    def _cycle(
        self,
        number: int,
        running: Running,
        key: str,
        before: Held,
        reactions: Sequence[On | AtDo],
        arrival: tuple[Var, object] | None = None,
        birth: bool = False,
    ) -> bool | None:
        """Run one cycle; return whether one of the reactions was the one, None if it failed."""
        name = running.module.name
        cycle = Cycle(running.module, dict(running.held), before, self.now, key)
        try:
            if arrival is not None:
                cycle.put(*arrival)  # type: ignore[arg-type]
                self._note_arrival(number, cycle, arrival[0])
            taken = cycle.first_that_holds(reactions)
            cycle.run_whens()
        except Failed:
            if arrival is not None and arrival[0].role == Role.TIMER:
                var = arrival[0]  # it has run out, whatever became of its cycle
                running.held[fold(var.name), key] = Decimal(0)
                self.changes.append((number, name, fold(var.name), key, "0"))
            self._add("failed", None, name, number, cycle.line)
            return None
        if birth:
            self._tell_birth(number, running, key, True, 0)
        self._finish(number, running, cycle)
        return taken

    def _note_arrival(self, number: int, cycle: Cycle, var: Var) -> None:
        """Write down where the message of this cycle comes from."""
        row = self.rows[number]
        domain, name, variable = row.topic
        place = f"{name}[{row.key}]" if row.key else name
        stamp, producer = 0, str(row.producer)
        if row.cause < 0:
            message = self.messages[-1 - int(row.producer)]
            stamp, producer = message.stamp, message.producer
        told: dict[AttributeKind, Scalar] = {
            AttributeKind.TIMESTAMP: seconds(stamp or self.now),
            AttributeKind.OFFSET: Decimal(self.offset + number),
            AttributeKind.PRODUCER: producer,
            AttributeKind.TOPIC: ".".join(filter(None, (domain, place, variable))),
        }
        if cycle.differs(var) and var.role == Role.SUBSCRIBE:
            told[AttributeKind.MODIFIED] = seconds(self.now)
        for attribute in cycle.module.attributes:
            if attribute.of.name == var.name and attribute.kind in told:
                cycle.put(attribute.var, told[attribute.kind])

    def _finish(self, number: int, running: Running, cycle: Cycle) -> None:
        """Step 4: keep what differs, publish it; then births and drops, log lines and calls."""
        name = running.module.name
        for attribute in cycle.module.attributes:
            ours = attribute.of.keyed == bool(cycle.instance)
            if attribute.kind == AttributeKind.MODIFIED and ours and cycle.differs(attribute.of):
                cycle.put(attribute.var, seconds(self.now))
        for place, slot in self._in_order(cycle):
            var, key = declared(place), slot[1]
            after = cycle.held[slot]
            event = var.role == Role.PUBLIC and var.type == Type.EVENT
            differs = slot not in running.held or (
                json_text(running.held[slot]) != json_text(after)
            )
            if differs and not event:
                self.changes.append((number, name, slot[0], key, json_text(after)))
            if var.role == Role.PUBLIC and (differs or event or len(var.members) == 1):
                assert var.topic is not None
                line = cycle.assigned[place]
                self._add(var.topic, after, name, number, line, var.instance or key)
            if event:
                del cycle.held[slot]
        running.held = cycle.held
        for key, alive, line in cycle.births:
            if (key in running.alive) != alive:
                self._tell_birth(number, running, key, alive, line)
                running.born |= {key} if alive else set()
        for topic, text, line in cycle.said:
            self._add(topic, text, name, number, line)

    def _in_order(self, cycle: Cycle) -> list[tuple[Place, tuple[str, str]]]:
        """Return what a cycle has assigned, as it was declared, and a map's values by key."""
        names = [fold(var.name) for var in cycle.module.variables]
        assigned = [(place, cycle.slot(place)) for place in cycle.assigned]
        return sorted(assigned, key=lambda one: (names.index(one[1][0]), one[1][1]))

    def _tell_birth(self, number: int, running: Running, key: str, alive: bool, line: int) -> None:
        """Let an instance be born, or forget it, and say so."""
        name = running.module.name
        self._let_live(number, running, key, alive)
        told = True if alive else None
        self._add(("", name, INSTANCES_VARIABLE), told, name, number, line, key)


def _parted(reactions: Sequence[T]) -> tuple[list[T], list[T]]:
    """Return the reactions of the class, and those of each instance."""
    return [r for r in reactions if not is_keyed(r)], [r for r in reactions if is_keyed(r)]
