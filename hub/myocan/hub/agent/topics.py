"""Which topics the adapters of a house send to and take from, and what its modules make of them.

The one idea: the hub need not know what a port is. All it reads in an adapter's file is `publish`
and `subscribe` of each port, by which it knows a topic that no module names from a stranger's,
`max_age_s`, which says how old what it tells may be, and what `board_ports` makes of the rest. What
the adapter's own code tells and takes, under `[code]`, counts like more ports.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from myocan.hub.agent.board_ports import BoardPort, code_of, port_of
from myocan.hub.agent.outlet import Name
from myocan.hub.core import Program, Role
from myocan.hub.core.linker import TopicName, fold
from myocan.wire import WireError, data_topic

__all__ = ["AdapterTopics", "data_topics_taken", "keyed_topics", "said_by", "split_name"]

MOST_AGE_S = 10**9
"""An age beyond this, 30 years, means nothing."""


class AdapterTopics:
    """What the adapters of a house say of topics.

    boards: the names of the house's boards. published: topics that they send. subscribed: topics
    that they take. keyed: those of both that are named with an instance. max_age_ms: how old what
    a board sends on a topic may be to be acted on, by board and topic, in milliseconds.
    ports: those of all boards, by board and name. A file that cannot be read says nothing;
    `myocan check` tells what is wrong with it, and a hub that runs should not stop for it.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self.boards: set[str] = set()
        self.published: set[TopicName] = set()
        self.subscribed: set[TopicName] = set()
        self.keyed: set[TopicName] = set()
        self.max_age_ms: dict[tuple[str, TopicName], int] = {}
        self.ports: dict[tuple[str, str], BoardPort] = {}
        for file in files:
            self.boards.add(file.stem)
            for name, port in _ports(file):
                for known in [port_of(file.stem, name, port)] if name else code_of(file.stem, port):
                    self.ports.setdefault((file.stem, known.name), known)
                sent = [
                    topic
                    for key in ("publish", "events", "values")
                    for topic in self._add(self.published, port.get(key))
                ]
                self._add(self.subscribed, port.get("subscribe"))
                most_s = port.get("max_age_s")
                if isinstance(most_s, int | float) and 0 < most_s <= MOST_AGE_S:
                    ages = ((file.stem, topic) for topic in sent)
                    self.max_age_ms.update(dict.fromkeys(ages, int(most_s * 1000)))

    def follow(self, other: AdapterTopics) -> None:
        """Say from now on what others say, to everybody who has this one."""
        for own, new in (
            (self.boards, other.boards),
            (self.published, other.published),
            (self.subscribed, other.subscribed),
            (self.keyed, other.keyed),
        ):
            own.clear()
            own.update(new)  # type: ignore[arg-type]
        self.max_age_ms.clear()
        self.max_age_ms.update(other.max_age_ms)
        self.ports = other.ports

    def ports_that_take(self, name: Name) -> list[BoardPort]:
        """Return the ports that take the values of a topic, on whichever boards."""
        return [port for port in self.ports.values() if port.takes == name]

    def topic_shown(self, board: str, port: str, what: str) -> Name | None:
        """Return the topic by which others know what a port shows; None if there is none.

        Arguments:
            board, port: its board's name and its own.
            what: what it tells; "": its usual value.
        """
        known = self.ports.get((board, port))
        if known is None:
            return None
        if what:
            return known.tells.get(what)
        return known.takes or known.tells.get("value") or known.tells.get("")

    def _add(self, topics: set[TopicName], spec: object) -> list[TopicName]:
        found = []
        for name in spec.values() if isinstance(spec, dict) else [spec]:
            plain, bracket, _key = name.partition("[") if isinstance(name, str) else ("", "", "")
            topic = split_name(plain)
            if topic is not None:
                topics.add(topic)
                found.append(topic)
                if bracket:
                    self.keyed.add(topic)
        return found


def split_name(name: str) -> TopicName | None:
    """Return (domain, module, variable) of `lamp1.state` or `net.example.lamp1.state`, or None.

    All but the last two parts are the domain, "" for the house's own.
    """
    parts = name.split(".")
    if len(parts) < 2 or not all(parts):
        return None
    return ".".join(parts[:-2]), parts[-2], fold(parts[-1])


def _ports(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return
    ports = content.get("ports")
    if isinstance(ports, dict):
        yield from ((name, port) for name, port in ports.items() if isinstance(port, dict))
    code = content.get("code")
    if isinstance(code, dict):
        yield "", code


def data_topics_taken(file: Path, domain: str) -> list[str]:
    """Return the data topics, as they are at the broker, that the board of an adapter's file takes.

    domain: the house's.
    """
    found: dict[str, None] = {}
    for _, port in _ports(file):
        spec = port.get("subscribe")
        for name in spec.values() if isinstance(spec, dict) else [spec]:
            plain, _, key = name.partition("[") if isinstance(name, str) else ("", "", "")
            topic = split_name(plain)
            if topic is not None:
                with suppress(WireError):  # `myocan check` tells what is wrong with it
                    instance = key.removesuffix("]") or None
                    whole = data_topic("live", topic[0] or domain, topic[1], topic[2], instance)
                    found[whole] = None
    return list(found)


def keyed_topics(programs: Iterable[Program]) -> set[TopicName]:
    """Return the topics whose messages carry a key, as some module has it."""
    return {
        variable.topic
        for program in programs
        for variable in program.variables
        if variable.topic is not None and (variable.keyed or variable.instance or variable.map)
    }


def said_by(programs: Iterable[Program]) -> dict[tuple[str, str], tuple[str, int]]:
    """Return the topics, (module, variable), that only a module may say something on.

    Each with the module that does, which is not always the one that the topic is named after, and
    the line that says so.
    """
    return {
        (variable.topic[1], variable.topic[2]): (program.module, variable.line)
        for program in programs
        for variable in program.variables
        if variable.topic is not None and variable.role in (Role.PUBLIC, Role.TIMER)
    }
