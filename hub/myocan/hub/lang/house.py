"""Checks the modules of a house together.

The one idea: modules meet in topics only. So it is enough to know who publishes into a topic, who
hears it, with which keys, and which messages a message can lead to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from myocan.hub.core.program import INT64_MAX, INT64_MIN, Role, Type, Variable
from myocan.hub.lang import Topic, file_name
from myocan.hub.lang.checker import check_source
from myocan.hub.lang.compiler import program_of
from myocan.hub.lang.diagnostics import Diagnostic, Report, Span, clip, nearest, quoted
from myocan.hub.lang.keys import EACH, full_name, meet, whose
from myocan.hub.lang.loops import loops, outputs
from myocan.hub.lang.meaning import Checked, Definition, Meaning
from myocan.hub.lang.misfits import MOST, misfit, misfit_outside
from myocan.hub.lang.symbols import describe
from myocan.hub.lang.words import fold

Address = tuple[str, str, str]
"""A topic: (domain, module, variable)."""


@dataclass(frozen=True, slots=True)
class _Member:
    """A module of the house that has a meaning, and where its names stand."""

    meaning: Meaning
    places: tuple[Span, ...]
    definitions: tuple[Span, ...]
    report: Report

    def variables(self, role: Role) -> Iterable[tuple[int, Variable, Address]]:
        """Return the variables of a role that have a topic, with their numbers.

        Topics of the hub itself (`$clock`) are nobody's concern.
        """
        for index, variable in enumerate(self.meaning.variables):
            topic = variable.topic
            if variable.role is role and topic is not None and not topic[1].startswith("$"):
                yield index, variable, topic


def check_all(
    modules: Mapping[str, str | bytes],
    external: tuple[Topic, ...],
    filenames: Mapping[str, str],
    models: Collection[str],
) -> list[Diagnostic]:
    """Check every module by itself and all together; see `myocan.hub.lang.check_house`."""
    found: list[Diagnostic] = []
    members: dict[str, _Member] = {}
    for name in sorted(modules):
        file = filenames.get(name) or file_name(modules[name], name)
        checked: Checked = check_source(modules[name], name, file)
        program, told = program_of(checked, file)
        found += told
        if program is not None and checked.meaning is not None:
            places = (checked.places, checked.definitions)
            members[name] = _Member(checked.meaning, *places, Report(file))
    house = _House(members, frozenset(modules), external, models)
    house.check()
    for member in members.values():
        found += member.report.sorted()
    return sorted(found, key=lambda d: (d.file, d.line, d.column, d.severity, d.message))


class _House:
    """What the modules say of each other."""

    def __init__(
        self,
        members: Mapping[str, _Member],
        names: frozenset[str],
        external: tuple[Topic, ...],
        models: Collection[str],
    ) -> None:
        self.members = members
        self.names = names
        self.models = models
        self.publishers: dict[Address, list[tuple[str, Variable]]] = {}
        self.inbound: dict[Address, list[tuple[str, Variable]]] = {}
        self.defined: dict[Address, tuple[str, Definition]] = {}
        self.adapters: dict[Address, Topic] = {}
        for name, member in members.items():
            for _, variable, topic in member.variables(Role.PUBLIC):
                self.publishers.setdefault(topic, []).append((name, variable))
            for _, variable, topic in member.variables(Role.SUBSCRIBE):
                if topic[:2] == ("", name):
                    self.inbound.setdefault(topic, []).append((name, variable))
                    if name in models:  # whoever commits says what it can be
                        self.publishers.setdefault(topic, []).append((name, variable))
        for outside in external:
            address = (outside.domain, outside.module, fold(outside.variable))
            self.adapters.setdefault(address, outside)

    def check(self) -> None:
        """Report what does not fit together to the report of the module that it is about."""
        for name, member in self.members.items():
            self._define(name, member)
        for name, member in self.members.items():
            for index, variable, topic in member.variables(Role.PUBLIC):
                self._into(name, member, index, variable, topic)
            for index, variable, topic in member.variables(Role.SUBSCRIBE):
                self._from(member, index, variable, topic)
        self._loops()

    def _define(self, name: str, member: _Member) -> None:
        """Note the topics that a module defines."""
        for definition, place in zip(member.meaning.topics, member.definitions, strict=True):
            topic = definition.heard.topic
            assert topic is not None
            if topic[1] in self.names:
                member.report.error(
                    place,
                    f"{quoted(topic[1])} is a module, and its topics follow from what it declares; "
                    "a TOPIC belongs to no module",
                )
                continue
            other, _ = self.defined.setdefault(topic, (name, definition))
            if other != name:
                member.report.error(
                    place, f"module {quoted(other)} defines {quoted(definition.heard.name)} already"
                )

    # What a module publishes.

    def _into(
        self, name: str, member: _Member, index: int, variable: Variable, topic: Address
    ) -> None:
        domain, module, word = topic
        place, report = member.places[index], member.report
        defined = self.defined.get(topic)
        if defined is not None:
            problem = misfit(variable, defined[1].heard)
            if problem is not None:
                told = f"{quoted(module + '.' + word)} is defined in module {quoted(defined[0])}"
                report.error(place, f"{told}, and this publishes {problem}")
        if domain or module == name or module not in self.names:
            return
        if module in self.models:
            self._into_model(place, report, variable, topic)
        if module not in self.members:
            return  # it has errors; nobody knows what it hears
        hearing = [heard for _, heard in self.inbound.get(topic, ())]
        if not hearing:
            report.error(
                place,
                f"{quoted(module)} is another module, and only what it hears with SUBSCRIBE "
                f"{word} can be published to it",
            )
        elif not any(meet(whose(variable), whose(heard)) for heard in hearing):
            key = clip(self.members[module].meaning.key)
            report.error(
                place,
                f"module {quoted(module)} hears this for each {key}; say for which, as in "
                f'{clip(module)}["…"].{clip(word)}'
                if whose(hearing[0]) == EACH
                else f"module {quoted(module)} does not hear this for a key; leave what stands in "
                "brackets out",
            )

    def _into_model(self, place: Span, report: Report, variable: Variable, topic: Address) -> None:
        """Report a number without bounds, a text without the pattern, that is said to a field which
        has some.

        Elsewhere each value is looked at when it arrives; what a model does not take nobody should
        hear.
        """
        for _, heard in self.inbound.get(topic, ()):
            bounded = (heard.lower, heard.upper) != (INT64_MIN, INT64_MAX)
            free = (variable.lower, variable.upper) == (INT64_MIN, INT64_MAX)
            other = heard.pattern not in ("", variable.pattern)
            number = variable.type is heard.type is Type.DECIMAL and bounded and free
            if number or (variable.type in (Type.TEXT, Type.TIME) and other):
                told = f"{quoted(f'{topic[1]}.{topic[2]}')} is a field of a state model and takes"
                report.error(place, f"{told} {describe(heard)}; declare it so", describe(heard))

    # What a module hears.

    def _from(self, member: _Member, index: int, variable: Variable, topic: Address) -> None:
        place, report = member.places[index], member.report
        for name, published in self.publishers.get(topic, ()):
            problem = misfit(published, variable)
            if problem is not None and meet(whose(published), whose(variable)):
                report.error(place, f"module {quoted(name)} publishes {problem}")
        defined = self.defined.get(topic)
        if defined is not None:
            problem = misfit(defined[1].heard, variable)
            if problem is not None:
                report.error(place, f"the TOPIC of module {quoted(defined[0])} carries {problem}")
        adapter = self.adapters.get(topic)
        if adapter is not None:
            problem = misfit_outside(adapter, variable)
            if problem is not None:
                report.error(place, f"an adapter publishes {problem}")
        if defined is not None or adapter is not None:
            return  # of any key
        sources = [*self.publishers.get(topic, ()), *self.inbound.get(topic, ())]
        if not sources:
            self._unpublished(member, index, topic)
        elif not any(meet(whose(source), whose(variable)) for _, source in sources):
            self._another_key(member, index, topic, sources)

    def _unpublished(self, member: _Member, index: int, topic: Address) -> None:
        domain, module, word = topic
        whole = len(self.members) == len(self.names)
        if domain or (not whole and (module not in self.members or module in self.names)):
            return
        known = [
            t for t in (*self.publishers, *self.adapters, *self.inbound, *self.defined) if not t[0]
        ]
        member.report.warning(
            member.places[index],
            f"nobody publishes {quoted(module + '.' + word)}",
            nearest(f"{module}.{word}", sorted({f"{m}.{v}" for _, m, v in known})),
        )

    def _another_key(
        self, member: _Member, index: int, topic: Address, sources: list[tuple[str, Variable]]
    ) -> None:
        """Report a subscription to a topic all of whose messages have another key, or none."""
        _, module, word = topic
        place, report = member.places[index], member.report
        wanted = whose(member.meaning.variables[index])
        keys = sorted({whose(variable) for _, variable in sources})
        told = quoted(f"{module}.{word}")
        if keys == [""]:
            report.error(
                place,
                f"messages of {told} have no key; leave what stands in brackets out",
                f"{module}.{word}",
            )
        elif EACH in keys:
            name, source = next(one for one in sources if whose(one[1]) == EACH)
            each = self.members[name].meaning.key if source.keyed else "key"
            report.error(
                place,
                f"there is a {told} for each {clip(each)}; say whose is meant, as in "
                f"{clip(module)}[kitchen].{clip(word)}",
            )
        else:
            meant = keys[-1] if not wanted else nearest(wanted, keys)
            said = full_name((module, word), wanted) if wanted else f"{module}.{word}"
            report.warning(
                place,
                f"nobody publishes {quoted(said)}",
                None if meant is None else full_name((module, word), meant),
            )

    def _loops(self) -> None:
        hears: dict[tuple[str, str, str, str], tuple[str, int]] = {}
        published: dict[tuple[str, str, str, str], set[tuple[str, str, str, str]]] = {}
        for name, member in self.members.items():
            for index, variable, topic in member.variables(Role.SUBSCRIBE):
                found = outputs(member.meaning, index)
                if found:
                    node = (*topic, whose(variable))
                    published.setdefault(node, set()).update(found)
                    hears[node] = (name, index)
        listening: dict[Address, list[tuple[str, str, str, str]]] = {}
        for node in hears:
            listening.setdefault(node[:3], []).append(node)
        leads = {
            node: {
                heard
                for said in found
                for heard in listening.get(said[:3], ())
                if meet(said[3], heard[3])
            }
            for node, found in published.items()
        }
        for loop in loops(leads):
            first = loop[0]
            name, index = hears[first]
            member = self.members[name]
            shown = [f"{module}.{word}" for _, module, word, _ in (*loop, first)]
            if len(shown) > 2 * MOST:
                shown[MOST:-1] = ["…"]
            member.report.warning(
                member.places[index],
                f"a message goes round in a loop: {' -> '.join(shown)}; see that it comes to rest",
            )
