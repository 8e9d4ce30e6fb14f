"""Which topics a house has, by its files: who publishes, who hears, what their messages carry.

The one idea: topics are defined where they are used, by modules' PUBLIC variables, by TOPIC, and by
the ports of boards; here they are seen from the side of the topics.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from myocan.hub.core import Program, TopicDefinition, Variable
    from myocan.hub.house import House
    from myocan.tools.adapters import AdapterFile

Address = tuple[str, str, str]
"""(domain, module, variable)"""

BOARD = "board "
"""Stands before the name of a board, among publishers and hearers."""


@dataclass(slots=True)
class Topic:
    """A topic of a house.

    name: as people write it, with the word for its key behind it. carries: what its messages carry,
    as rules declare it, "" if nobody says. publishers, hearers: modules and boards. keep: how long
    its messages are kept, as KEEP says it, "" for ever.
    """

    name: str
    carries: str = ""
    publishers: set[str] = field(default_factory=set)
    hearers: set[str] = field(default_factory=set)
    keep: str = ""


def topics_of(house: House) -> list[Topic]:
    """Return the topics of a house, by name.

    Modules and adapters with mistakes are left out; `myocan check` tells what is wrong with them.
    """
    from myocan.hub.declared import load_models, program_of
    from myocan.hub.lang import compile_module
    from myocan.hub.retention import Retention
    from myocan.tools.house_check import check_adapter_file

    compiled = (compile_module(file.read_bytes(), file.stem) for file in house.modules())
    programs = [one.program for one in compiled if one.program is not None]
    models = load_models(house.models_path).models
    programs += map(program_of, models.values())
    found = (check_adapter_file(file, house.domain)[0] for file in house.adapters())
    adapters = [adapter for adapter in found if adapter is not None]
    topics = topics_between(programs, adapters, models)
    retention = Retention(house.retention, programs)
    for topic in topics:
        module, _, variable = topic.name.partition("[")[0].rpartition(".")
        topic.keep = retention.of(module, variable).text
    return topics


def topics_between(
    programs: list[Program], adapters: list[AdapterFile], models: Collection[str] = ()
) -> list[Topic]:
    """Return the topics of these modules and boards, by name.

    models: those of the modules that are state models, whose fields others than rules commit.
    """
    from myocan.tools.house_check import word

    topics: dict[Address, Topic] = {}
    for program in programs:
        for definition in program.topics:
            topic = _topic(topics, definition.topic)
            topic.carries = _defined(definition)
            topic.keep = definition.keep
    for program in programs:
        for variable in program.variables:
            _add_variable(topics, program, variable, program.module in models)
    for adapter in adapters:
        for publication in adapter.publishes:
            topic = _topic(topics, ("", publication.module, publication.variable))
            topic.publishers.add(BOARD + adapter.name)
            if not topic.carries and publication.values:
                topic.carries = "{" + ", ".join(map(word, publication.values)) + "}"
            elif not topic.carries and publication.kind == "event":
                topic.carries = "event"
            elif not topic.carries and publication.unit:
                topic.carries = f"number, {publication.unit}"
        for taken in adapter.subscribes:
            topic = _topic(topics, ("", taken.module, taken.variable))
            topic.hearers.add(BOARD + adapter.name)
    return sorted(topics.values(), key=lambda topic: topic.name)


def _add_variable(
    topics: dict[Address, Topic], program: Program, variable: Variable, is_model: bool
) -> None:
    from myocan.hub.core import Role, Type
    from myocan.hub.lang.symbols import describe

    if variable.topic is None or variable.topic[1][:1] == "$" or variable.role is Role.TIMER:
        return  # what the hub says itself is no topic of the house
    topic = _topic(topics, variable.topic)
    says = variable.role is Role.PUBLIC or is_model
    if says:
        topic.publishers.add(program.module)
    if variable.role is not Role.PUBLIC:
        topic.hearers.add(program.module)
    if says or (not topic.carries and variable.type is not Type.ANY):
        topic.carries = "event" if variable.type is Type.EVENT else describe(variable)
    if (variable.keyed or variable.map) and "[" not in topic.name:
        topic.name += f"[{program.key or 'key'}]"


def _topic(topics: dict[Address, Topic], address: Address) -> Topic:
    known = topics.get(address)
    if known is None:
        known = topics[address] = Topic(".".join(filter(None, address)))
    return known


def _defined(definition: TopicDefinition) -> str:
    from myocan.hub.core import Type

    if definition.members:
        return "{" + ", ".join(definition.members) + "}"
    if definition.type is Type.EVENT:
        return "event"
    return "" if definition.type is Type.ANY else definition.type.name.lower()
