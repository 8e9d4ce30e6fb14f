"""Is code fit to be put in force, and what would that change?

The one idea: all of it is found out here, before the hub is asked, and from texts that were read
once. What is then put in force is told by its hash, so it is what was looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from difflib import unified_diff
from typing import TYPE_CHECKING

from myocan.tools.house_check import (
    Finding,
    check_adapter_file,
    check_house,
    topics_of_boards,
)

if TYPE_CHECKING:
    from myocan.hub.core import Program
    from myocan.hub.house import House
    from myocan.hub.scenario import Outcome

HARD = (".scc", ".py")
"""Files whose mistakes cannot be overruled, since the hub could not run them."""


@dataclass(slots=True)
class Verdict:
    """Whether code may be put in force.

    findings: what `check` finds. outcomes: of its scenarios, none if it has mistakes.
    """

    findings: list[Finding]
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def broken(self) -> bool:
        """Whether it has mistakes that no force overrules."""
        return any(one.severity == "error" and one.file.endswith(HARD) for one in self.findings)

    @property
    def failed(self) -> list[str]:
        """What speaks against it: scenarios that failed, files beside the rules with mistakes."""
        wrong = [
            one.file
            for one in self.findings
            if one.severity == "error" and not one.file.endswith(HARD)
        ]
        failed = [one.title for one in self.outcomes if not one.passed]
        return [*dict.fromkeys(wrong), *failed]


def judge(house: House, sources: Mapping[str, str]) -> Verdict:
    """Check code, and run the house's scenarios with it.

    sources: the texts of all modules.
    """
    from myocan.hub.scenario import run_scenarios
    from myocan.tools.scenario_files import make_cast, read_file

    verdict = Verdict(check_house(house, sources))
    if verdict.broken or not house.scenarios():
        return verdict
    adapters = [check_adapter_file(file, house.domain)[0] for file in house.adapters()]
    topics = topics_of_boards(adapter for adapter in adapters if adapter is not None)
    cast = make_cast(house, programs_of(sources), sources, topics)
    jobs = [
        (scenario, cast)
        for file in house.scenarios()
        for scenario in read_file(file, cast)[0].scenarios
    ]
    verdict.outcomes = list(run_scenarios(jobs))
    return verdict


def programs_of(sources: Mapping[str, str]) -> dict[str, Program]:
    """Return the modules that compile."""
    from myocan.hub.lang import compile_module

    compiled = {name: compile_module(text, name).program for name, text in sources.items()}
    return {name: program for name, program in compiled.items() if program is not None}


@dataclass(slots=True)
class Effect:
    """What other code does to a module.

    change: `new`, `changed` or `removed`. diff: lines of a unified diff. kept, new, forgotten,
    reset: names of variables; reset are those whose value the new declaration does not take.
    """

    module: str
    change: str
    diff: list[str]
    kept: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    reset: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, object]:
        """Return the fields as plain values, for JSON."""
        return {**asdict(self), "diff": "\n".join(self.diff)}


def effects(
    in_force: Mapping[str, str],
    sources: Mapping[str, str],
    state: Mapping[tuple[str, str, str], str],
    agent: str,
) -> list[Effect]:
    """Return what it would change to put code in force.

    in_force: the texts that run now, by module. sources: those that would. state: JSON texts by
    name, as of now. agent: the name of the hub; modules for another one do not run.
    """
    from myocan.hub.core import Core
    from myocan.hub.core.linker import fold
    from myocan.hub.history.replay import restore

    old, new = programs_of(in_force), programs_of(sources)
    others = {n for n, one in new.items() if one.agent and fold(one.agent) != fold(agent)}
    texts = {name: text for name, text in sources.items() if name not in others}
    core = Core()
    core.link(old.values())
    restore(core, state)
    before = core.snapshot().keys()
    core.link(program for name, program in new.items() if name not in others)
    lost = {name[:2] for name in before - core.snapshot().keys()}
    found = []
    for module in sorted(in_force.keys() | texts.keys()):
        was, now = in_force.get(module), texts.get(module)
        if was != now:
            change = "new" if was is None else "removed" if now is None else "changed"
            effect = Effect(module, change, _diff(module, was or "", now or ""))
            had, has = _variables(old.get(module)), _variables(new.get(module) if now else None)
            for name in dict.fromkeys((*had, *has)):
                if name not in has:
                    effect.forgotten.append(had[name])
                elif name not in had:
                    effect.new.append(has[name])
                elif (module, name) in lost:
                    effect.reset.append(has[name])
                else:
                    effect.kept.append(has[name])
            found.append(effect)
    return found


def _variables(program: Program | None) -> dict[str, str]:
    """Return what the variables of a module are called, by their lower-case names."""
    from myocan.hub.core.linker import fold

    variables = () if program is None else program.variables
    return {fold(one.name): one.name for one in variables if "#" not in one.name}


def _diff(module: str, was: str, now: str) -> list[str]:
    from myocan.hub.lang import file_name

    file = file_name(now or was, module)
    names = f"{file} in force", file
    return list(unified_diff(was.split("\n"), now.split("\n"), *names, lineterm=""))


def told(effects: Iterable[Effect]) -> list[str]:
    """Return in lines what code does to what modules know."""
    lines = []
    for effect in effects:
        parts = [
            f"{', '.join(names)} {what}"
            for names, what in (
                (effect.kept, "kept"),
                (effect.new, "new"),
                (effect.forgotten, "forgotten"),
                (effect.reset, "reset, for the new declaration does not take the value"),
            )
            if names
        ]
        lines.append(f"{effect.module}, {effect.change}: {'; '.join(parts) or 'no variables'}")
    return lines
