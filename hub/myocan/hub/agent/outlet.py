"""What goes out on the data topics, and what is said again when a broker or a board comes back.

The one idea: only what the log has is published, under the offset it has there. A topic's newest
value is kept, so that at each connection all values go out again; boards ignore what they know. Of
very many instances only those that spoke last are kept here; the others are looked up.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from myocan.hub.bus import Outgoing
from myocan.hub.core import Program, Role, Type, linker
from myocan.wire import WireError, data_topic

__all__ = ["Name", "Outlet"]

MAX_TOPICS = 1 << 16
"""Topics whose text is remembered; bounds what very many instances cost here."""

MAX_VALUES = 4096
"""Values of instances that are remembered here; there may be a million, and the store has all."""

_log = logging.getLogger(__name__)

Name = tuple[str, str, str]
"""(module, variable, instance) of a topic of this house, as the store has it."""


class Outlet:
    """Makes frames of log rows.

    Arguments:
        mode: the deployment mode, `live`.
        domain: the house's.
    """

    def __init__(self, mode: str, domain: str) -> None:
        self._mode = mode
        self._domain = domain
        self._topics: dict[Name, tuple[str, bool]] = {}
        self._unsayable: set[tuple[str, str]] = set()
        self._momentary: set[tuple[str, str]] = set()
        self._plain: list[Name] = []
        self._values: dict[Name, tuple[str, int, str, str]] = {}
        self._of_instances: dict[Name, None] = {}
        self.knows_all = True
        """Whether no value was left out for lack of room."""

    def know(self, programs: Iterable[Program]) -> None:
        """Learn which PUBLIC variables say *that* something happened rather than how things are.

        An event has no value, and one of a single member says as little by it: a board that
        connects later must not take either for something new.
        """
        self._topics.clear()
        self._momentary = {
            (variable.topic[1], variable.topic[2])
            for program in programs
            for variable in program.variables
            if variable.role == Role.PUBLIC
            and variable.topic is not None
            and variable.type == Type.ENUMERATION
            and len(variable.members) == 1
        }
        self._plain = [
            (variable.topic[1], variable.topic[2], variable.instance)
            for program in programs
            for variable in program.variables
            if variable.role == Role.PUBLIC
            and variable.topic is not None
            and not variable.topic[0]
            and variable.type != Type.EVENT
            and not variable.keyed
            and not variable.map
            and (variable.topic[1], variable.topic[2]) not in self._momentary
        ]
        for name in [name for name in self._values if name[:2] in self._momentary]:
            del self._values[name]

    def frame(
        self, name: Name, value: str, offset: int, ts: int | None, producer: str, incarnation: int
    ) -> Outgoing | None:
        """Return a message as it is published; a value is remembered for `values`.

        None for an instance whose key makes the topic longer than one can be.

        Arguments:
            name: the topic's.
            value: its JSON text.
            offset, incarnation: where it stands in the log.
            ts: when it happened, milliseconds since 1970 UTC, None if nobody knows.
            producer: the module or board that says it.
        """
        topic, retain = self._topic(name)
        if not topic:
            return None
        retain = retain and value != "null"
        when = "null" if ts is None else str(ts)
        if retain:
            self._values[name] = (value, offset, when, producer)
            if name[2]:
                self._make_room(name)
        payload = f'[{value},{offset},{when},"{producer}",{incarnation}]'.encode()
        return topic, payload, 1, retain, offset

    def again(
        self, name: Name, value: str, offset: int, ts: int | None, producer: str, incarnation: int
    ) -> Outgoing | None:
        """Return a message that was published before, as `frame` does; it is not the newest."""
        topic, _retain = self._topic(name)
        if not topic:
            return None
        when = "null" if ts is None else str(ts)
        payload = f'[{value},{offset},{when},"{producer}",{incarnation}]'.encode()
        return topic, payload, 1, False, offset

    def remember(self, name: Name, value: str, offset: int, producer: str) -> None:
        """Take a value that was published in an earlier life of the hub."""
        if value != "null" and self._topic(name)[1]:
            self._values.setdefault(name, (value, offset, "null", producer))
            if name[2]:
                self._make_room(name)

    def say(
        self, name: Name, value: str, offset: int, producer: str, incarnation: int
    ) -> Outgoing | None:
        """Return the frame of a value that was looked up; None if it is remembered here anyway.

        Arguments:
            name, value, producer, incarnation: as of `frame`.
            offset: as of which message it is the value.
        """
        if name in self._values or value == "null":
            return None
        topic, retain = self._topic(name)
        payload = f'[{value},{offset},null,"{producer}",{incarnation}]'.encode()
        return (topic, payload, 1, True, 0) if retain else None

    def _make_room(self, name: Name) -> None:
        """Remember an instance's value as the newest, and forget the oldest if there are many."""
        self._of_instances.pop(name, None)
        self._of_instances[name] = None
        if len(self._of_instances) > MAX_VALUES:
            oldest = next(iter(self._of_instances))
            del self._of_instances[oldest]
            self._values.pop(oldest, None)
            self.knows_all = False

    def forget(self, name: Name) -> Outgoing | None:
        """Forget a topic's value; return the frame that takes it from the broker, see `clear`."""
        self._values.pop(name, None)
        self._of_instances.pop(name, None)
        return self.clear(name)

    def clear(self, name: Name) -> Outgoing | None:
        """Return the frame that takes a topic's retained value from the broker.

        None for a name that cannot be a topic's, such as that of an attribute.
        """
        module, variable, instance = name
        try:
            topic = data_topic(self._mode, self._domain, module, variable, instance or None)
        except WireError:
            return None
        return topic, b"", 1, True, 0

    def value(self, name: Name) -> str | None:
        """Return the value that a topic was last published with, as JSON text; None: not known."""
        known = self._values.get(name)
        return None if known is None else known[0]

    def keeps(self, name: Name, value: str) -> bool:
        """Tell whether a message says how things are, rather than that something happened."""
        return value != "null" and self._topic(name)[1]

    def finals(self, names: Iterable[Name], incarnation: int) -> list[Outgoing]:
        """Return the newest values of these topics, of those that have one, as `values` does."""
        return [
            (
                self._topic(name)[0],
                f'[{value},{offset},{when},"{producer}",{incarnation}]'.encode(),
                1,
                True,
                offset,
            )
            for name in names
            if name in self._values
            for value, offset, when, producer in [self._values[name]]
        ]

    def values(self, incarnation: int) -> list[Outgoing]:
        """Return the newest value of every topic, under the present incarnation.

        A topic without an instance that has none is cleared: what the broker has there was said by
        a log that a power cut, or an older copy of the store, has taken back.
        """
        unsaid = [name for name in self._plain if name not in self._values]
        return [
            *((self._topic(name)[0], b"", 1, True, 0) for name in unsaid),
            *(
                (
                    self._topic(name)[0],
                    f'[{value},{offset},{when},"{producer}",{incarnation}]'.encode(),
                    1,
                    True,
                    0,
                )
                for name, (value, offset, when, producer) in self._values.items()
            ),
        ]

    def farewell(self) -> list[Outgoing]:
        """Return what takes all values from the broker."""
        return [(self._topic(name)[0], b"", 1, True, 0) for name in self._values]

    def _topic(self, name: Name) -> tuple[str, bool]:
        known = self._topics.get(name)
        if known is None:
            module, variable, instance = name
            retain = module != linker.LOG_MODULE and (module, variable) not in self._momentary
            try:
                topic = data_topic(self._mode, self._domain, module, variable, instance or None)
            except WireError as error:
                if not instance:
                    raise
                topic, retain = "", False
                if (module, variable) not in self._unsayable:
                    self._unsayable.add((module, variable))
                    _log.warning("%s.%s[%s] is not published: %s", *name, error)
            if len(self._topics) >= MAX_TOPICS:
                self._topics.clear()
            known = self._topics[name] = (topic, retain)
        return known
