"""Who takes part in scenarios: the modules of a house, and what boards send and take.

The one idea: a scenario sees topics and variables as people name them; here it is known which there
are, whose they are, and what was probably meant by a name that there is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from myocan.hub.calendar import Calendar
from myocan.hub.core.linker import TopicName, fold
from myocan.hub.core.program import Program, Role, Variable
from myocan.hub.lang import Topic
from myocan.hub.lang.schedules import Place


@dataclass(frozen=True)
class Cast:
    """A house, as its scenarios see it.

    Arguments:
        programs: of its modules, by name.
        place: where it stands.
        sources: the texts of the modules, by name, for what is told of a failure.
        topics: what boards send and take.
        broken: names of modules that have errors, and so no program.
        calendar: what rules can read of days and of the house's settings.
    """

    programs: Mapping[str, Program]
    place: Place
    sources: Mapping[str, str] = field(default_factory=dict)
    topics: tuple[Topic, ...] = ()
    broken: frozenset[str] = frozenset()
    calendar: Calendar | None = None

    @property
    def names(self) -> frozenset[str]:
        """The names of all modules, those with errors included."""
        return self.broken | self.programs.keys()


class Stage:
    """The modules that take part in one scenario.

    Attributes:
        hears: topic -> the variables that hear it.
        publishes: topic -> the variables that are published to it.
        boards: topic -> what a board sends or takes there.
        defined: topics that a module defines with TOPIC.
    """

    def __init__(self, cast: Cast, modules: Iterable[str]) -> None:
        self.programs = {name: cast.programs[name] for name in modules if name in cast.programs}
        self.hears: dict[TopicName, list[Variable]] = {}
        self.publishes: dict[TopicName, list[Variable]] = {}
        self.defined: set[TopicName] = set()
        self.boards = {
            (topic.domain, topic.module, fold(topic.variable)): topic for topic in cast.topics
        }
        self._variables: dict[str, dict[str, Variable]] = {}
        for name, program in self.programs.items():
            own = self._variables[name] = {}
            for variable in program.variables:
                own[fold(variable.name)] = variable
                if variable.topic is not None:
                    sides = {Role.SUBSCRIBE: self.hears, Role.PUBLIC: self.publishes}
                    side = sides.get(variable.role)
                    if side is not None:
                        side.setdefault(variable.topic, []).append(variable)
            self.defined.update(topic.topic for topic in program.topics)

    def variable(self, module: str, name: str) -> Variable | None:
        """Return a variable of a module that takes part; case of its name does not count."""
        return self._variables.get(module, {}).get(fold(name))

    def variables(self, module: str) -> list[Variable]:
        """Return the variables of a module, but those that only the compiler knows of."""
        own = self._variables.get(module, {})
        return [variable for name, variable in own.items() if "#" not in name]

    def sendable(self) -> list[str]:
        """Return the topics that a message can be sent to with an effect, as people write them."""
        return sorted({topic_text(topic) for topic in (*self.hears, *self.boards)})


def topic_text(topic: TopicName, instance: str = "") -> str:
    """Return a topic as people write it: `lamp1.state`, `lamp[kitchen].state`."""
    domain, module, variable = topic
    key = f"[{instance}]" if instance else ""
    return ".".join(part for part in (domain, module + key, variable) if part)
