"""Checks the modules of a house together.

The one idea: modules meet in topics only. So it is enough to know who publishes into a topic, who
hears it, and which messages a message can lead to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from myocan.hub.core.program import INT64_MAX, INT64_MIN, Role, Type, Variable
from myocan.hub.lang import Topic
from myocan.hub.lang.checker import check_source
from myocan.hub.lang.compiler import program_of
from myocan.hub.lang.diagnostics import Diagnostic, Report, Span, listed, nearest, quoted
from myocan.hub.lang.loops import loops, outputs
from myocan.hub.lang.meaning import Checked, Meaning
from myocan.hub.lang.symbols import describe
from myocan.hub.lang.words import fold

Address = tuple[str, str, str]
"""A topic: (domain, module, variable)."""

_MOST: Final = 4
"""Most members that a message names."""


@dataclass(frozen=True, slots=True)
class _Member:
    """A module of the house that has a meaning."""

    meaning: Meaning
    places: tuple[Span, ...]
    report: Report

    def variables(self, role: Role) -> Iterable[tuple[int, Variable, Address]]:
        """Return the variables of a role that have a topic, with their numbers."""
        for index, variable in enumerate(self.meaning.variables):
            if variable.role is role and variable.topic is not None:
                yield index, variable, variable.topic


def check_all(
    modules: Mapping[str, str | bytes], external: tuple[Topic, ...], filenames: Mapping[str, str]
) -> list[Diagnostic]:
    """Check every module by itself and all together; see `myocan.hub.lang.check_house`."""
    found: list[Diagnostic] = []
    members: dict[str, _Member] = {}
    for name in sorted(modules):
        file = filenames.get(name, f"{name}.scc")
        checked: Checked = check_source(modules[name], name, file)
        program, told = program_of(checked, file)
        found += told
        if program is not None and checked.meaning is not None:
            members[name] = _Member(checked.meaning, checked.places, Report(file))
    house = _House(members, frozenset(modules), external)
    house.check()
    for member in members.values():
        found += member.report.sorted()
    return sorted(found, key=lambda d: (d.file, d.line, d.column, d.severity, d.message))


class _House:
    """What the modules say of each other."""

    def __init__(
        self, members: Mapping[str, _Member], names: frozenset[str], external: tuple[Topic, ...]
    ) -> None:
        self.members = members
        self.names = names
        self.publishers: dict[Address, list[tuple[str, Variable]]] = {}
        self.adapters: dict[Address, Topic] = {}
        self.inbound: set[Address] = set()
        for name, member in members.items():
            for _, variable, topic in member.variables(Role.PUBLIC):
                self.publishers.setdefault(topic, []).append((name, variable))
            for _, _, topic in member.variables(Role.SUBSCRIBE):
                if topic[:2] == ("", name):
                    self.inbound.add(topic)
        for outside in external:
            address = (outside.domain, outside.module, fold(outside.variable))
            self.adapters.setdefault(address, outside)

    def check(self) -> None:
        """Report what does not fit together to the report of the module that it is about."""
        for name, member in self.members.items():
            for index, variable, topic in member.variables(Role.PUBLIC):
                self._into(name, member, index, variable, topic)
            for index, variable, topic in member.variables(Role.SUBSCRIBE):
                self._from(member, index, variable, topic)
        self._loops()

    def _into(
        self, name: str, member: _Member, index: int, variable: Variable, topic: Address
    ) -> None:
        domain, module, word = topic
        if domain or module == name or module not in self.names or topic in self.inbound:
            return
        if module not in self.members:
            return  # it has errors; nobody knows what it hears
        member.report.error(
            member.places[index],
            f"{quoted(module)} is another module, and only what it hears with SUBSCRIBE {word} can "
            "be published to it",
        )

    def _from(self, member: _Member, index: int, variable: Variable, topic: Address) -> None:
        place, report = member.places[index], member.report
        for name, published in self.publishers.get(topic, ()):
            problem = misfit(published, variable)
            if problem is not None:
                report.error(place, f"module {quoted(name)} publishes {problem}")
        adapter = self.adapters.get(topic)
        if adapter is not None:
            problem = _misfit_outside(adapter, variable)
            if problem is not None:
                report.error(place, f"an adapter publishes {problem}")
        if topic in self.publishers or topic in self.adapters or topic in self.inbound:
            return
        domain, module, word = topic
        whole = len(self.members) == len(self.names)
        if domain or (not whole and (module not in self.members or module in self.names)):
            return
        known = [t for t in (*self.publishers, *self.adapters, *self.inbound) if not t[0]]
        report.warning(
            place,
            f"nobody publishes {quoted(module + '.' + word)}",
            nearest(f"{module}.{word}", sorted({f"{m}.{v}" for _, m, v in known})),
        )

    def _loops(self) -> None:
        leads: dict[Address, set[Address]] = {}
        hears: dict[Address, tuple[str, int]] = {}
        for name, member in self.members.items():
            for index, _, topic in member.variables(Role.SUBSCRIBE):
                found = outputs(member.meaning, index)
                if found:
                    leads.setdefault(topic, set()).update(found)
                    hears.setdefault(topic, (name, index))
        for loop in loops(leads):
            first = loop[0]
            name, index = hears[first]
            member = self.members[name]
            shown = [f"{module}.{word}" for _, module, word in (*loop, first)]
            if len(shown) > 2 * _MOST:
                shown[_MOST:-1] = ["…"]
            member.report.warning(
                member.places[index],
                f"a message goes round in a loop: {' -> '.join(shown)}; see that it comes to rest",
            )


def misfit(published: Variable, heard: Variable) -> str | None:
    """Return what a subscriber cannot take of a published variable, None if it takes all."""
    kinds = (published.type, heard.type)
    if heard.type is Type.ANY:
        return None
    if published.type is Type.EVENT:
        return f"an event, without a value, and {describe(heard)} takes none"
    if kinds == (Type.ENUMERATION, Type.ENUMERATION):
        taken = {fold(member) for member in heard.members}
        return _missing((m for m in published.members if fold(m) not in taken), heard)
    if kinds == (Type.DECIMAL, Type.DECIMAL):
        return _outside(published, heard)
    fits = {
        Type.TEXT: (Type.TEXT, Type.ENUMERATION, Type.TIME),
        Type.ENUMERATION: (Type.TEXT,),
        Type.TIME: (Type.TIME, Type.TEXT),
    }.get(heard.type, (heard.type,))
    if published.type in fits:
        return None
    return f"{describe(published)}, which does not fit {describe(heard)}"


def _outside(published: Variable, heard: Variable) -> str | None:
    if published.lower == INT64_MIN and published.upper == INT64_MAX:
        return None  # it promises nothing; each value is looked at when it arrives
    shift, other = 10**heard.decimals, 10**published.decimals
    below = heard.lower != INT64_MIN and published.lower * shift < heard.lower * other
    above = heard.upper != INT64_MAX and published.upper * shift > heard.upper * other
    if below or above:
        return f"{describe(published)}, which goes beyond {describe(heard)}"
    return None


def _misfit_outside(topic: Topic, heard: Variable) -> str | None:
    if heard.type is Type.ANY:
        return None
    if topic.kind == "event":
        return f"an event, without a value, and {describe(heard)} takes none"
    if topic.values is None or heard.type is Type.TEXT:
        return None
    if heard.type in (Type.ENUMERATION, Type.BOOLEAN):
        taken = {fold(member) for member in heard.members or ("false", "true")}
        return _missing((value for value in topic.values if fold(value) not in taken), heard)
    return f"words ({', '.join(topic.values[:_MOST])}), which do not fit {describe(heard)}"


def _missing(missing: Iterable[str], heard: Variable) -> str | None:
    words = [quoted(word) for word in missing]
    if not words:
        return None
    more = [f"{len(words) - _MOST} more"] if len(words) > _MOST else []
    joined = listed([*words[:_MOST], *more]).replace(" or ", " and ")
    return f"{joined}, which {describe(heard)} lacks"
