"""Why something did not happen: what the rules made of what they had.

The one idea: the rules that could have said it are asked again. The last messages that they heard
are run once more, each from the state that it met, and what each rule did, or which line of it did
not hold, is told. What these rules wait for beside messages is told as well (`waiting`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from myocan.hub.core import Core, Program, Role, Type, Variable
from myocan.hub.core.linker import fold
from myocan.hub.core.program import AT_VARIABLE, INSTANCES_VARIABLE
from myocan.hub.core.records import expectation
from myocan.hub.core.scalars import decimal_text, parse_scalar, parse_time
from myocan.hub.history.past import CODE, Name, Past
from myocan.hub.history.replay import Compile, restore, run
from myocan.hub.history.waiting import CastOf, Publisher, waiting
from myocan.hub.patterns import matches
from myocan.hub.scenario import Trace
from myocan.hub.store import Message, Reader, Trimmed

NEAR = 10_000
"""Messages that are gone over rather than to ask for the state behind them."""


class Unanswerable(Exception):
    """A question about what did not happen that the log cannot answer; the message says why."""


def why_not(
    reader: Reader,
    mode: str,
    name: Name,
    up_to: int,
    compile_module: Compile,
    cast_of: CastOf,
    count: int = 3,
    value: str = "",
    at_ms: int | None = None,
) -> list[str]:
    """Return, in lines, what the rules that publish a topic made of the last messages.

    Arguments:
        reader: of the store.
        mode: whose log.
        name: the topic, as of `find`.
        up_to: the offset at which it is asked.
        compile_module: makes programs of texts.
        cast_of: makes a cast of programs and their texts, for the words.
        count: how many messages are told.
        value: that the topic did not have, as people write it; "" for any.
        at_ms: the time for which it is asked, milliseconds since 1970 UTC; None: that of the
            message at `up_to`. It says what was not due yet.

    Raises:
        Unanswerable: no rule publishes the topic, or not such a value, or its module has heard
            nothing yet, or all that is not in the log any more.
    """
    past = _past(reader, mode, up_to)
    shown = ".".join(name[:2])
    publishers = list(_publishers(past.sources, compile_module, name))
    if not publishers:
        raise Unanswerable(f"no rule that was in force then publishes {shown}")
    _refuse_value(publishers, shown, value)
    if name[2] and _is_keyed(past, name, compile_module):
        module = name[0]
        if (module, INSTANCES_VARIABLE, name[2]) not in past.state:
            raise Unanswerable(f"there was no {module}[{name[2]}] then")
    last = reader.entry(mode, up_to)
    asked_ms = max(at_ms or 0, last.message.time_ms if last else 0)
    waits = list(waiting(publishers, past, name[2], asked_ms, cast_of))
    offsets: set[int] = set()
    for publisher in publishers:
        module = publisher.program.module
        since = _in_force_since(reader, mode, module, publisher.source, up_to)
        offsets.update(
            reader.newest_of(
                mode,
                sorted(_heard(publisher.program)),
                instance=name[2] or None,
                after=max(since, reader.trimmed(mode)),
                up_to=up_to,
                count=count,
            )
        )
    if not offsets and not waits:
        raise Unanswerable(f"what publishes {shown} had heard nothing since its rules were changed")
    newest = sorted(offsets)[-count:]
    return [*_tell(reader, mode, newest, compile_module, cast_of), *waits]


def _past(reader: Reader, mode: str, offset: int) -> Past:
    """Return what held right after a message."""
    try:
        return Past(offset, reader.state_as_of(mode, offset))
    except Trimmed:
        raise Unanswerable(
            f"the log of that time is not kept any more; it is whole from "
            f"#{reader.trimmed(mode) + 1} on"
        ) from None


def _in_force_since(reader: Reader, mode: str, module: str, source: str, up_to: int) -> int:
    """Return the message that put a module's text in force; 0 if the log has it no more.

    A message that says the same text once more changed nothing.
    """
    since = 0
    while newest := reader.newest_of(mode, [(module, CODE)], up_to=up_to):
        entry = reader.entry(mode, newest[0])
        if entry is None or json.loads(entry.message.value) != source:
            break
        since, up_to = newest[0], newest[0] - 1
    return since


# ---------------------------------------------------------------------- who could have said it


def _publishers(
    sources: Mapping[str, str], compile_module: Compile, name: Name
) -> Iterator[Publisher]:
    for module, source in sources.items():
        if fold(name[1]) in fold(source):  # else it need not be compiled
            program = compile_module(module, source)
            variable = None if program is None else _published(program, name)
            if program is not None and variable is not None:
                yield Publisher(program, variable, source)


def _published(program: Program, name: Name) -> Variable | None:
    """Return the variable that a program publishes on a topic, None if it does not."""
    domain, _, module = name[0].rpartition(".")
    topic = (domain, module, fold(name[1]))
    for one in program.variables:
        whose = not name[2] or one.instance in ("", name[2])
        if one.role is Role.PUBLIC and one.topic == topic and whose:
            return one
    return None


def _heard(program: Program) -> set[tuple[str, str]]:
    """Return the topics that a module hears."""
    heard = {(program.module, AT_VARIABLE)}
    for variable in program.variables:
        if variable.topic is not None and variable.role in (Role.SUBSCRIBE, Role.TIMER):
            domain, of, topic = variable.topic
            if not of.startswith("$"):
                heard.add((f"{domain}.{of}" if domain else of, topic))
    return heard


def _is_keyed(past: Past, name: Name, compile_module: Compile) -> bool:
    source = past.sources.get(name[0])
    program = None if source is None else compile_module(name[0], source)
    return program is not None and bool(program.key)


# ---------------------------------------------------------------------- values that it never has


def _refuse_value(publishers: Iterable[Publisher], shown: str, value: str) -> None:
    """Raise Unanswerable if no module ever gives the topic such a value."""
    reasons = []
    for program, variable, _source in publishers:
        fitting = _what_fits(variable, value.strip())
        if not value or fitting is None:
            return
        reasons.append(f"{program.file}:{variable.line} says that it is {fitting}")
    raise Unanswerable(f"{shown} is never {value.strip()}: {'; '.join(reasons)}")


def _what_fits(variable: Variable, value: str) -> str | None:
    """Return what a variable can be, in words; None if it can be this."""
    text = value.strip('"')
    if variable.type is Type.ENUMERATION:
        fits = fold(text) in map(fold, variable.members)
        return None if fits else _one_of(variable.members)
    if variable.type is Type.BOOLEAN:
        return None if value in ("true", "false") else "true or false"
    if variable.type is Type.DECIMAL:
        return None if _is_within(variable, value) else _range(variable)
    if variable.pattern:
        return None if matches(variable.pattern, text) else expectation(variable)
    if variable.type is Type.TIME:
        return None if parse_time(text) is not None else "a time of day, like 07:30"
    if variable.type is Type.EVENT:
        return "an event: it happens, and has no value; ask without =" if value else None
    return None


def _is_within(variable: Variable, value: str) -> bool:
    """Tell whether a number is one that a DECIMAL can be, to the digit."""
    try:
        tag, units = parse_scalar(value, lambda text: 0)
    except ValueError:
        return False
    if tag < 0:
        return False
    scaled, rest = divmod(units * 10**variable.decimals, 10**tag)
    return not rest and variable.lower <= scaled <= variable.upper


def _range(variable: Variable) -> str:
    lower, upper = (
        decimal_text(units, variable.decimals) if abs(units) < 2**62 else None
        for units in (variable.lower, variable.upper)
    )
    digits = variable.decimals
    ending = f" with {digits} digit{'s' * (digits > 1)} behind the point" if digits else ""
    if lower is None and upper is None:
        return f"a number{ending}" if ending else "a whole number"
    return f"a number from {lower or 'any'} to {upper or 'any'}{ending}"


def _one_of(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


# ---------------------------------------------------------------------- what the rules did


def _tell(
    reader: Reader,
    mode: str,
    offsets: Iterable[int],
    compile_module: Compile,
    cast_of: CastOf,
) -> Iterator[str]:
    """Run these messages again, each from the state that it met; yield what the rules did."""
    past: Past | None = None
    for offset in offsets:
        entry = reader.entry(mode, offset)
        if entry is None:
            continue
        message = entry.message
        if past is None or offset - past.offset > NEAR:
            past = _past(reader, mode, offset - 1)
        for before in reader.entries(mode, after=past.offset, up_to=offset - 1):
            past.take(before)
        found = {module: compile_module(module, text) for module, text in past.sources.items()}
        programs = {module: one for module, one in found.items() if one is not None}
        core = Core()
        core.link(programs.values())
        restore(core, past.state)
        core.tracing = True
        trace = Trace(cast_of(programs, past.sources), core)
        trace.heading(message.time_ms, f"#{offset} {_said(message)}")
        trace.before()
        run(core, message)
        trace.after(message.time_ms)
        yield from trace.lines()


def _said(message: Message) -> str:
    key = f"[{message.instance}]" if message.instance else ""
    if message.variable == AT_VARIABLE:
        return f"{message.module}: an AT is due"
    value = "" if message.value == "null" else f" = {message.value}"
    return f"{message.module}{key}.{message.variable}{value}"
