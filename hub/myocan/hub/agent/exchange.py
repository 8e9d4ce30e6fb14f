"""What other programs make of the state of a mode.

The one idea: the core itself says what it keeps, by name and by type, when it is given other
programs; what differs before and after is what the log is told. So a start, a deployment in a
running house and a replay come to the same.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from myocan.hub.agent.clerk import Clerk
from myocan.hub.agent.deployment import CODE, Deployment
from myocan.hub.agent.outlet import Name
from myocan.hub.calendar import place_of
from myocan.hub.core import Core, Program, Tag
from myocan.hub.core.linker import TopicName, fold
from myocan.hub.core.program import AT_VARIABLE, INSTANCES_VARIABLE
from myocan.hub.core.scalars import parse_time
from myocan.hub.declared import declared_in
from myocan.hub.house import House
from myocan.hub.timetable import Due, Timetable

__all__ = ["Exchange", "ats_left_behind", "births_first", "exchange", "sources_in"]

MAX_LEFT_BEHIND = 1000
"""Occurrences of ATs that are counted; bounds what a long absence takes."""


@dataclass(slots=True)
class Exchange:
    """What a deployment changes.

    Attributes:
        new, changed, removed: modules whose text is not what it was.
        changes: by module what its new text makes of the state: JSON texts by name, None for what
            is forgotten.
        reset: what is forgotten because its new declaration does not take it, with its last value.
        state: all that the log knows afterwards.
        said: the topics of these modules and of boards that have values afterwards, and these.
            cleared: those that had some and do not any more. fresh: those of `said` that others
            must be told.
        ats: (module, identity) of the ATs that were not there before.
    """

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    changes: dict[str, dict[Name, str | None]] = field(default_factory=dict)
    reset: list[tuple[Name, str]] = field(default_factory=list)
    state: dict[Name, str] = field(default_factory=dict)
    said: dict[Name, tuple[str, str]] = field(default_factory=dict)
    cleared: list[Name] = field(default_factory=list)
    fresh: list[Name] = field(default_factory=list)
    ats: set[tuple[str, str]] = field(default_factory=set)

    @property
    def modules(self) -> dict[str, str]:
        """What became of each module whose text is not what it was."""
        kinds = {"new": self.new, "changed": self.changed, "removed": self.removed}
        return {module: kind for kind, modules in kinds.items() for module in modules}


def exchange(
    core: Core,
    clerk: Clerk,
    deployment: Deployment,
    topics: Iterable[TopicName],
    state: Mapping[Name, str],
    learnt: Mapping[Name, str],
) -> Exchange:
    """Let other programs run in a core; return what that changes.

    Arguments:
        core: with the present programs and all that they know.
        clerk: writes down what it does.
        deployment: the other programs.
        topics: that exist whether or not a program names them.
        state: all that the log knows.
        learnt: what new modules know of the time before them, and what others knew whose present
            text does not run; births first.
    """
    in_force = sources_in(state)
    stale, removed = deployment.stale(in_force)
    found = Exchange(
        [module for module in stale if module not in in_force],
        [module for module in stale if module in in_force],
        removed,
        {module: {} for module in (*stale, *removed)},
    )
    running = {program.module for program in core.programs}
    touched = {name: text for name, text in state.items() if _concerns(name, found, running)}
    had = _said(clerk, touched)
    variables = {(one.module, fold(of.name)) for one in core.programs for of in one.variables}
    ats = _ats(core.programs)
    core.link(deployment.programs.values(), topics)
    clerk.glossary.know_models(declared_in(deployment.sources))
    for name, text in learnt.items():
        clerk.restore(name, text)
    ats_now = _ats(core.programs)
    found.ats = ats_now - ats
    kept = core.snapshot(found.changes)
    for name, text in _of_modules(touched, found.changes):
        now = kept.get(name)
        if name[1] == AT_VARIABLE and (name[0], name[2]) in ats_now:
            now = text  # which occurrence was taken last
        if now != text:
            found.changes[name[0]][name] = now
        if now is None and name[:2] in variables and core.read(*name) is not None:
            found.reset.append((name, text))
    for name, text in kept.items():
        if name not in state:
            found.changes[name[0]][name] = text
    found.state = dict(state)
    for changes in _with_texts(found, deployment):
        for known in (found.state, touched):
            _apply(changes, known)
    found.said = _said(clerk, touched)
    found.cleared = _without_value(
        clerk, found.state, touched, [t for t in had if t not in found.said]
    )
    found.fresh = [
        topic
        for topic, value in found.said.items()
        if had.get(topic) != value and value[1] not in found.new  # which say it themselves
    ]
    return found


def _with_texts(found: Exchange, deployment: Deployment) -> Iterator[Mapping[Name, str | None]]:
    """Yield what becomes of the state for each module, its text included."""
    for module, changes in found.changes.items():
        source = deployment.sources.get(module)
        text = None if source is None else json.dumps(source, ensure_ascii=False)
        yield {(module, CODE, ""): text, **changes}


def _apply(changes: Mapping[Name, str | None], known: dict[Name, str]) -> None:
    for name, text in changes.items():
        if text is None:
            known.pop(name, None)
        else:
            known[name] = text


def births_first(state: Mapping[Name, str]) -> list[tuple[Name, str]]:
    """Return what is known in an order in which a core takes it."""
    return sorted(state.items(), key=lambda item: item[0][1] != INSTANCES_VARIABLE)


def sources_in(state: Mapping[Name, str]) -> dict[str, str]:
    """Return the texts in force, by module."""
    return {name[0]: json.loads(text) for name, text in state.items() if name[1] == CODE}


def _concerns(name: Name, found: Exchange, modules: Collection[str]) -> bool:
    """Tell whether a value may be another's, or published elsewhere, when other programs run.

    That is what belongs to their modules, and what boards said.
    """
    return name[0] in found.changes or name[0] not in modules


def _without_value(
    clerk: Clerk, state: Mapping[Name, str], touched: Mapping[Name, str], topics: list[Name]
) -> list[Name]:
    """Return those of these topics on which nobody else's value stands."""
    if not topics:
        return []
    others = {clerk.glossary.topic_of(name) for name in state if name not in touched}
    return [topic for topic in topics if topic not in others]


def _of_modules(state: Mapping[Name, str], modules: Collection[str]) -> list[tuple[Name, str]]:
    return [one for one in state.items() if one[0][0] in modules and one[0][1] != CODE]


def _ats(programs: Iterable[Program]) -> set[tuple[str, str]]:
    return {(program.module, at.identity) for program in programs for at in program.ats}


def _said(clerk: Clerk, state: Mapping[Name, str]) -> dict[Name, tuple[str, str]]:
    """Return the values of topics, and whose they are."""
    said = {}
    for name, text in state.items():
        topic = clerk.glossary.topic_of(name)
        if topic is not None:
            said[topic] = (text, name[0])
    return said


def ats_left_behind(
    house: House,
    core: Core,
    deployment: Deployment,
    state: Mapping[Name, str],
    log_ms: int,
    now_ms: int,
) -> list[str]:
    """Return in words which ATs were due while nobody ran them, and are not any more.

    Arguments:
        house: where it stands.
        core: with the present programs.
        deployment: those that come.
        state: all that the log knows.
        log_ms: of the last row of the log; all that was due before was taken.
        now_ms: the log's time.
    """
    kept = _ats(deployment.programs.values())
    gone = [
        replace(
            program,
            ats=tuple(at for at in program.ats if (program.module, at.identity) not in kept),
        )
        for program in core.programs
    ]
    due: dict[str, list[int]] = {}

    def minutes(module: str, variable: str) -> int | None:
        scalar = core.read(module, variable)
        return parse_time(core.texts[scalar[1]]) if scalar and scalar[0] == Tag.TEXT else None

    def after_ms(module: str, identity: str) -> int:
        return max(int(state.get((module, AT_VARIABLE, identity), 0)), log_ms - 1)

    if log_ms and any(program.ats for program in gone):
        timetable = Timetable(gone, lambda: place_of(house), minutes, after_ms, now_ms - log_ms + 1)
        for _ in range(MAX_LEFT_BEHIND):
            at = timetable.take(now_ms)
            if at is None:
                break
            if isinstance(at, Due):
                due.setdefault(at.module, []).append(at.at_ms)
    return [_left_behind(module, times) for module, times in due.items()]


def _left_behind(module: str, times: list[int]) -> str:
    first = datetime.fromtimestamp(times[0] / 1000, UTC).isoformat(timespec="minutes")
    return (
        f"{module}: an AT of its earlier rules was due {len(times)} times while the hub was away, "
        f"first at {first}; its rules have changed and do not have it any more, so it is dropped"
    )
