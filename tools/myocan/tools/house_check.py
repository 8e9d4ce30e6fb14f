"""Is a house right: each module, each adapter, and whether they fit together.

The one idea to know: the compiler knows what modules say to each other, the adapter files say what
boards send and take; a house is right when every topic that somebody takes is one that somebody
sends, with values that the taker knows. What boards send is told to the compiler as external
topics; what boards take is held against the compiled modules here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myocan.tools.adapters.problems import Problem
from myocan.tools.errors import ToolsError
from myocan.tools.nearest import nearest
from myocan.wire import Fixed

if TYPE_CHECKING:
    from myocan.hub.core import Program, Variable
    from myocan.hub.house import House
    from myocan.hub.lang import Diagnostic, Topic
    from myocan.tools.adapters import AdapterFile, Subscription


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake, or what is probably one.

    severity: "error" or "warning". file: relative to where people are, if it is below. line,
    column: from 1, None where that is not known. message: one line. suggestion: what could stand
    there instead, or None. shown: the message with the line it is about, for people.
    """

    severity: str
    file: str
    line: int | None
    column: int | None
    message: str
    suggestion: str | None
    shown: str

    def plain(self) -> dict[str, Any]:
        """Return the fields as plain values, for JSON."""
        fields = asdict(self)
        del fields["shown"]
        return fields


def from_diagnostic(diagnostic: Diagnostic, source: str) -> Finding:
    """Return what the compiler found as a finding."""
    return Finding(
        diagnostic.severity,
        diagnostic.file,
        diagnostic.line,
        diagnostic.column,
        diagnostic.message,
        diagnostic.suggestion,
        diagnostic.render(source),
    )


def from_problem(problem: Problem, file: str) -> Finding:
    """Return what is wrong with an adapter file as a finding."""
    return Finding(
        problem.severity,
        file,
        problem.line,
        None,
        problem.message,
        problem.suggestion,
        problem.text(file),
    )


def shown_name(file: Path) -> str:
    """Return a file's name as people read it: relative to where they are, if it is below."""
    here = Path.cwd()
    return str(file.relative_to(here)) if file.is_relative_to(here) else str(file)


def read_source(file: Path) -> bytes:
    """Return the bytes of a file; raises ToolsError."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise ToolsError(f"{file} cannot be read: {error.strerror}") from error


def check_module_file(file: Path) -> list[Finding]:
    """Check one module by itself."""
    from myocan.hub.lang import compile_module

    source = read_source(file)
    text = source.decode(errors="replace")
    found = compile_module(source, file.stem, shown_name(file)).diagnostics
    return [from_diagnostic(diagnostic, text) for diagnostic in found]


def check_adapter_file(
    file: Path, domain: str = "home"
) -> tuple[AdapterFile | None, list[Finding]]:
    """Check one adapter by itself; return it, unless it has errors, and what was found."""
    from myocan.tools.adapters import AdapterError, parse_adapter

    try:
        text = read_source(file).decode("utf-8-sig")
        adapter = parse_adapter(file, text, domain=domain)
    except UnicodeDecodeError:
        problem = Problem("this is no text; save it as UTF-8")
        return None, [from_problem(problem, shown_name(file))]
    except AdapterError as error:
        return None, [from_problem(problem, shown_name(file)) for problem in error.problems]
    return adapter, [from_problem(problem, shown_name(file)) for problem in adapter.warnings]


def check_house(house: House, given: Mapping[str, str] | None = None) -> list[Finding]:
    """Check all modules and adapters of a house, and whether they fit together.

    given: the texts of its modules, if they are not those of its files.
    """
    from myocan.hub.lang import check_house as check_modules
    from myocan.hub.lang import compile_module
    from myocan.tools.externals_check import check_externals
    from myocan.tools.models_check import check_ports, from_declared, models_in
    from myocan.tools.scenario_files import make_cast, read_file

    findings: list[Finding] = [] if given is not None else _twice(house)
    adapters: list[AdapterFile] = []
    files, found = _readable(house.adapters())
    findings += found
    broken = [file for file in house.adapters() if file not in files]
    for file in files:
        adapter, found = check_adapter_file(file, house.domain)
        findings += found
        if adapter is None:
            broken.append(file)
        else:
            adapters.append(adapter)
    findings += _kinds(house, findings)
    findings += _shut_out(house, adapters)
    models, declared, found = models_in(house)
    findings += found
    modules, found = _readable(house.modules()) if given is None else ([], [])
    findings += found
    sources, names = _modules(house, modules, declared, given)
    texts = {names[name]: source.decode(errors="replace") for name, source in sources.items()}
    external = topics_of_boards(adapters) + topics_of_broken(broken)
    models_of_house = declared.keys() & sources.keys()
    models_of = {names[topic]: model for topic, model in models.models.items() if topic in names}
    for diagnostic in check_modules(sources, external, names, models_of_house):
        if diagnostic.file not in models_of:
            findings.append(from_diagnostic(diagnostic, texts[diagnostic.file]))
        elif diagnostic.severity == "error":  # and nobody has to use all that a model has
            path = house.root / "models.py"
            findings.append(from_declared(diagnostic, path, models_of[diagnostic.file]))
    if models.models and not broken:
        findings += check_ports(house.root / "models.py", models.models, adapters)
    programs = [compile_module(source, name).program for name, source in sources.items()]
    taken = check_taken(
        adapters, [program for program in programs if program is not None], declared
    )
    for name, program in zip(sources, programs, strict=True):
        if program is not None and program.ats:
            findings += check_ats(house, program, names[name], texts[names[name]])
    right = {
        name: program
        for name, program in zip(sources, programs, strict=True)
        if program is not None
    }
    findings += check_externals(house, right, names, texts)
    findings += check_said(adapters, right.values(), declared)
    if None not in programs:  # else a topic that seems missing may be in a module with a mistake
        findings += taken
    scenarios, found = _readable(house.scenarios())
    findings += found
    if scenarios:
        cast = make_cast(
            house,
            dict(zip(sources, programs, strict=True)),
            {name: texts[names[name]] for name in sources},
            external,
        )
        for file in scenarios:
            findings += read_file(file, cast)[1]
    return findings


def _readable(files: Iterable[Path]) -> tuple[list[Path], list[Finding]]:
    """Return those files that can be read, and what is wrong with the others."""
    right, findings = [], []
    for file in files:
        try:
            with file.open("rb"):
                right.append(file)
        except OSError as error:
            problem = Problem(f"this cannot be read: {error.strerror}; mend it, or remove it")
            findings.append(from_problem(problem, shown_name(file)))
    return right, findings


def _kinds(house: House, told: Iterable[Finding]) -> list[Finding]:
    """Tell what is wrong with the house's own kinds of ports, unless an adapter's line does."""
    from myocan.tools.adapters.own_kinds import OwnKinds

    said = {finding.message for finding in told}
    return [
        from_problem(Problem(fault.plain, fault.line), shown_name(fault.path))
        for fault in OwnKinds(house.root / "ports").faults()
        if str(fault) not in said
    ]


def _shut_out(house: House, adapters: Iterable[AdapterFile]) -> list[Finding]:
    """Tell which boards the hub's own broker would have to encrypt for, and they cannot."""
    if not house.broker.tls or house.broker.plain is not None:
        return []
    return [
        from_problem(
            Problem(
                f"a {adapter.kind.title} cannot encrypt, so with [broker] tls = true it finds no "
                'broker; write plain = "0.0.0.0:1883" below that, and it comes in unencrypted',
                severity="warning",
            ),
            shown_name(adapter.path),
        )
        for adapter in adapters
        if not adapter.kind.tls
    ]


def _modules(
    house: House,
    readable: Iterable[Path],
    declared: Mapping[str, str],
    given: Mapping[str, str] | None,
) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return the modules' texts, models among them, and what their files are called."""
    files = {file.stem: file for file in (readable if given is None else house.modules())}
    if given is None:
        sources = {name: text.encode() for name, text in declared.items()}
        sources |= {name: read_source(file) for name, file in files.items()}
    else:
        sources = {name: text.encode() for name, text in sorted(given.items())}
    from myocan.hub.lang import file_name

    folder = house.root / "modules"
    named = {name: file_name(source, name) for name, source in sources.items()}
    if given is None:
        named |= {name: file.name for name, file in files.items()}
    names = {name: shown_name(folder / named[name]) for name in sources}
    shown = shown_name(house.root / "models.py")
    models = {name: f"{shown} ({name})" for name in declared if name not in files}
    return sources, names | models


def _twice(house: House) -> list[Finding]:
    """Tell which modules have two files."""
    files = house.modules()
    found = []
    for one, other in pairwise(files):
        if one.stem == other.stem:
            text = f"{other.name} is the same module; keep one of them, or rename the other"
            found.append(from_problem(Problem(text), shown_name(one)))
    return found


def check_ats(house: House, program: Program, file: str, text: str) -> list[Finding]:
    """Tell which ATs of a module do nothing where the house stands: no sun, no such holiday."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    from myocan.hub.lang import Diagnostic
    from myocan.hub.lang.schedules import Place, Schedule, remarks

    where = house.location
    zone = ZoneInfo(house.timezone)
    place = Place(zone, where.latitude, where.longitude, where.country or "")
    now = datetime.now(UTC)
    return [
        from_diagnostic(Diagnostic("warning", file, at.line, 1, 2, remark), text)
        for at in program.ats
        for remark in remarks(Schedule.from_json(at.schedule), place, now)
    ]


def topics_of_boards(adapters: Iterable[AdapterFile]) -> list[Topic]:
    """Return what boards send, as the compiler wants to know it."""
    from myocan.hub.lang import Topic

    return [
        Topic(
            publication.module,
            publication.variable,
            "event" if publication.kind == "event" else "values",
            None if publication.values is None else tuple(map(word, publication.values)),
        )
        for adapter in adapters
        for publication in adapter.publishes
    ]


def topics_of_broken(files: Iterable[Path]) -> list[Topic]:
    """Return what adapters with mistakes seem to send, so that one mistake is told once."""
    from myocan.hub.agent.topics import AdapterTopics
    from myocan.hub.lang import Topic

    return [
        Topic(module, variable, domain=domain)
        for domain, module, variable in AdapterTopics(files).published
    ]


def word(value: str | int | bool) -> str:
    """Return a value as the rule language writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_taken(
    adapters: Iterable[AdapterFile], programs: Iterable[Program], models: Collection[str] = ()
) -> list[Finding]:
    """Hold what boards take against what modules and other boards send.

    models: the names of those modules that are state models, whose fields are said when committed.
    """
    from myocan.hub.core import Role

    adapters = list(adapters)
    modules = {
        variable.topic[1:]: variable
        for program in programs
        for variable in program.variables
        if (variable.role is Role.PUBLIC or program.module in models)
        and variable.topic is not None
        and not variable.topic[0]
    }
    boards = {
        (publication.module, publication.variable): publication.values
        for adapter in adapters
        for publication in adapter.publishes
    }
    known = [f"{module}.{variable}" for module, variable in (*modules, *boards)]
    findings = []
    for adapter in adapters:
        for taken in adapter.subscribes:
            topic = taken.module, taken.variable
            if taken.anything and (topic in modules or topic in boards):
                continue
            if topic in modules:
                problem = misfit(taken, modules[topic]) or beyond_limit(taken, modules[topic])
            elif topic in boards:
                problem = misfit_values(taken, boards[topic])
            else:
                problem = Problem(
                    f"port {taken.port} takes {taken.topic}, which nobody publishes",
                    taken.line,
                    nearest(taken.topic, known),
                )
            if problem is not None:
                findings.append(from_problem(problem, shown_name(adapter.path)))
    return findings


def check_said(
    adapters: Iterable[AdapterFile], programs: Iterable[Program], models: Collection[str] = ()
) -> list[Finding]:
    """Tell which boards say what only a module may say: the hub would refuse it, each time.

    models: as of `check_taken`; what boards say of their fields is taken.
    """
    from myocan.hub.agent.topics import said_by

    said = said_by(program for program in programs if program.module not in models)
    return [
        from_problem(
            Problem(
                f"port {sent.port} publishes {sent.module}.{sent.variable}, which module {module} "
                f"says (its line {line}): take another topic, and let {module} SUBSCRIBE to it",
                sent.line,
            ),
            shown_name(adapter.path),
        )
        for adapter in adapters
        for sent in adapter.publishes
        for module, line in [said.get((sent.module, sent.variable), ("", 0))]
        if module
    ]


def misfit(taken: Subscription, sent: Variable) -> Problem | None:
    """Return why a port cannot take all that a module's variable can be; None if it can."""
    from myocan.hub.core import Type

    if sent.type is Type.ENUMERATION:
        return misfit_values(taken, tuple(member.lower() for member in sent.members))
    if sent.type is Type.BOOLEAN:
        return misfit_values(taken, ("true", "false"))
    if sent.type is Type.TEXT and taken.text:
        return None
    if sent.type is Type.DECIMAL and taken.range is not None:
        return misfit_range(taken, sent)
    kind = sent.type.name.lower().replace("event", "event, which has no value")
    what = "words" if taken.range is None else "numbers"
    return Problem(
        f"port {taken.port} takes {what}, but {taken.topic} is of type {kind}", taken.line
    )


def misfit_range(taken: Subscription, sent: Variable) -> Problem | None:
    """Return whether a variable with bounds can be what a port does not take; None if it cannot.
    One without bounds is believed: the port refuses, at the time, what is too much."""
    from myocan.hub.core.program import INT64_MAX, INT64_MIN

    assert taken.range is not None
    least, most = taken.range
    one = int(10**sent.decimals)
    too_low = INT64_MIN < sent.lower < least * one
    if not too_low and not most * one < sent.upper < INT64_MAX:
        return None
    bound = sent.lower if too_low else sent.upper
    shown = Fixed(bound, sent.decimals)
    return Problem(
        f"{taken.topic} can be {shown}, but port {taken.port} takes {least} to {most}: "
        "give it these bounds",
        taken.line,
    )


def beyond_limit(taken: Subscription, sent: Variable) -> Problem | None:
    """Return that a variable with bounds can be more than a port's limit; None if it cannot.

    Of what is too little nothing is said: it may be the safe value, which is always taken.
    """
    from myocan.hub.core.program import INT64_MAX

    upper = Decimal(sent.upper).scaleb(-sent.decimals)
    if taken.most is None or sent.upper == INT64_MAX or upper <= taken.most:
        return None
    return Problem(
        f"{taken.topic} can be {upper}, but port {taken.port} refuses what is above {taken.most}",
        taken.line,
        severity="warning",
    )


def misfit_values(taken: Subscription, sent: Iterable[str | int | bool] | None) -> Problem | None:
    """Return which of the values a port does not know; None if it knows all."""
    if sent is None:
        return None
    knows = () if taken.values is None else tuple(map(word, taken.values))
    missing = [text for text in map(word, sent) if text not in knows]
    if not missing:
        return None
    return Problem(
        f"{taken.topic} can be {', '.join(missing)}, for which port {taken.port} has no level; "
        f"it knows {', '.join(knows)}: add to its map",
        taken.line,
    )
