"""Reads scenarios: from the text of a file to steps that can be run.

The one idea: like the compiler, it never stops at the first mistake and never raises: a line that
makes no sense is told of, its scenario is left out, and the others are read.

Rules:

- MODULE, HOUSE and CLOCK stand before the first step. Without MODULE all modules of the house take
  part.
- The clock shows the house's time. A time that the clocks skip is the first that there is, one that
  they show twice is the first of the two.
- A scenario that needs a module with errors is left out: these are told where they are.
- What is sent has to fit whoever hears it, unless EXPECT RECORD follows: then it is meant.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

from myocan.hub.lang import Diagnostic
from myocan.hub.lang.diagnostics import Report, Span, nearest, quoted, split_lines
from myocan.hub.lang.lexer import Token, tokens
from myocan.hub.lang.reader import MAX_SOURCE, decode
from myocan.hub.lang.schedules import Place, at_clock
from myocan.hub.lang.words import shout
from myocan.hub.scenario.cast import Cast, Stage
from myocan.hub.scenario.expectations import expectation
from myocan.hub.scenario.line import MAX_ADVANCE_MS, Line, Moment, Wrong
from myocan.hub.scenario.messages import creation, doubt_of, sending, setting
from myocan.hub.scenario.steps import Advance, Expect, ExpectRecord, Scenario, Step

WORDS: Final = (
    *("SCENARIO", "MODULE", "HOUSE", "CLOCK"),
    *("SEND", "SET", "CREATE", "DROP", "ADVANCE", "EXPECT"),
)
"""Words that open a line."""

MAX_SCENARIOS: Final = 1000
"""Most scenarios in a file."""

MAX_STEPS: Final = 1000
"""Most steps of a scenario."""

MAX_TITLE: Final = 200
"""Longest title, in characters."""

START: Final = (date(2027, 6, 1), 12 * 60)
"""What the clock shows without a CLOCK: noon of a Tuesday in June."""

_BEGINNING: Final = "a scenario begins with what it shows: SCENARIO the lamp goes out"

_BLANKS: Final = " \t\N{NO-BREAK SPACE}"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Scenarios:
    """What became of a file.

    Arguments:
        scenarios: those without mistakes.
        diagnostics: what is said of the others.
        left_out: how many there are that need a module with errors, which nothing is said of.
    """

    scenarios: list[Scenario]
    diagnostics: list[Diagnostic]
    left_out: int = 0


def read_scenarios(source: str | bytes, file: str, cast: Cast) -> Scenarios:
    """Read the scenarios of a file.

    Arguments:
        source: its text, or its bytes.
        file: what messages call it.
        cast: the house that they are about.
    """
    report = Report(file)
    if len(source) > MAX_SOURCE:
        kib = MAX_SOURCE // 1024
        report.error(Span(1, 1, 2), f"this file is too large; at most {kib} KiB are read")
        return Scenarios([], report.sorted())
    text = decode(source, report)
    reader = _Reader(file, report, cast)
    for number, line in enumerate(split_lines(text or ""), 1):
        if report.full:
            break
        reader.take(number, line)
    reader.end()
    return Scenarios(reader.scenarios, report.sorted(), reader.left_out)


@dataclass
class _Open:
    """The scenario that is being read; `whole` tells that no line of it was wrong.

    `left_out`: a module that takes part has errors, so nobody knows what it has and hears.
    """

    title: str
    span: Span
    whole: bool = True
    left_out: bool = False
    modules: dict[str, Span] = field(default_factory=dict)
    house: Span | None = None
    start: Moment | None = None
    stage: Stage | None = None
    start_ms: int = 0
    now_ms: int = 0
    steps: list[Step] = field(default_factory=list)
    misfits: list[Wrong] = field(default_factory=list)
    """What the last message is said to be wrong with, until it is known that it is not meant."""


class _Reader:
    """Takes line after line."""

    def __init__(self, file: str, report: Report, cast: Cast) -> None:
        self.file = file
        self.report = report
        self.cast = cast
        self.scenarios: list[Scenario] = []
        self.left_out = 0
        self._open: _Open | None = None
        self._lost = False
        self._count = 0
        self._titles: dict[str, int] = {}

    def take(self, number: int, text: str) -> None:
        """Take a line."""
        title = title_of(text)
        if title is not None:
            column = len(text) - len(text.lstrip(_BLANKS)) + 1
            self._scenario(title[0], Span(number, column, column + len("SCENARIO")))
            return
        found, whole = tokens(text, number, self.report)
        if found and whole:
            try:
                self._statement(Line(found), _words_of(text, found))
            except Wrong as wrong:
                self._wrong(wrong)
        elif not whole:
            self._broken()

    def end(self) -> None:
        """Close the scenario that is open, if one is."""
        scenario, self._open = self._open, None
        if scenario is None:
            return
        self._open = scenario
        self._settle()
        if scenario.stage is None and scenario.whole:
            self._begin(scenario)
        if scenario.left_out:
            self.left_out += 1
        elif scenario.whole:
            if not any(isinstance(step, Expect) for step in scenario.steps):
                self.report.warning(
                    scenario.span, "this scenario has no EXPECT, so it can never fail"
                )
            self._keep(scenario)
        self._open = None

    def _keep(self, scenario: _Open) -> None:
        assert scenario.stage is not None
        self.scenarios.append(
            Scenario(
                scenario.title,
                self.file,
                scenario.span.line,
                tuple(scenario.stage.programs),
                scenario.start_ms,
                tuple(scenario.steps),
            )
        )

    # What is wrong.

    def _wrong(self, wrong: Wrong) -> None:
        self.report.error(wrong.span, wrong.message, wrong.suggestion)
        self._broken()

    def _broken(self) -> None:
        if self._open is None:
            self._lost = True
        else:
            self._open.whole = False

    def _settle(self) -> None:
        """Tell what is wrong with the last message, since nothing says that it is meant."""
        if self._open is not None and self._open.misfits:
            wrong = self._open.misfits[0]
            self._open.misfits.clear()
            self._wrong(wrong)

    # Statements.

    def _scenario(self, title: str, span: Span) -> None:
        self.end()
        self._lost = False
        if self._count == MAX_SCENARIOS:
            self.report.error(span, f"a file holds at most {MAX_SCENARIOS} scenarios; split it up")
        self._count += 1
        if self._count > MAX_SCENARIOS:
            self._lost = True
            return
        self._open = _Open(title, span)
        if not title:
            self._wrong(Wrong(span, _BEGINNING))
        elif len(title) > MAX_TITLE:
            self._wrong(Wrong(span, f"this is too long; say it in {MAX_TITLE} letters"))
        elif title in self._titles:
            line = self._titles[title]
            self._wrong(Wrong(span, f"line {line} has a scenario of this name; say what differs"))
        self._titles.setdefault(title, span.line)

    def _statement(self, line: Line, text: str) -> None:
        word = line.word()
        if word == "SCENARIO":  # with something that is no blank behind it
            raise line.wrong(_BEGINNING)
        if word not in WORDS:
            known = "SCENARIO, MODULE, HOUSE, CLOCK, SEND, SET, CREATE, DROP, ADVANCE or EXPECT"
            first = line.tokens[0]
            near = nearest(first.text, WORDS) if first.kind == "WORD" else None
            raise line.wrong(
                f"a line does not start with {quoted(first.text)}; it starts with {known}", near
            )
        scenario = self._open
        if scenario is None:
            if self._lost:
                return  # told already
            raise line.wrong(_BEGINNING)
        span = line.take().span
        if word in ("MODULE", "HOUSE", "CLOCK"):
            self._preparation(word, span, line, scenario)
        else:
            self._step(word, span, line, text, scenario)

    def _preparation(self, word: str, span: Span, line: Line, scenario: _Open) -> None:
        if scenario.stage is not None:
            instead = "; to let time pass, write ADVANCE" if word == "CLOCK" else ""
            raise Wrong(span, f"{word} stands before the first step of its scenario{instead}")
        if word == "CLOCK":
            if scenario.start is not None:
                raise Wrong(span, "the clock was set already; to let time pass, write ADVANCE")
            start = line.moment()
            if start.day is None:
                raise Wrong(start.span, "the clock needs a day, too: 2027-06-01 23:58")
            scenario.start = start
            line.finish("CLOCK takes a day and a time")
            return
        if word == "HOUSE":
            line.finish("HOUSE stands alone and means all modules")
            scenario.house = span
        else:
            self._modules(line, scenario)
        if scenario.house is not None and scenario.modules:
            raise Wrong(span, "HOUSE means all modules; write either HOUSE or MODULE")

    def _modules(self, line: Line, scenario: _Open) -> None:
        while True:
            if line.kind() != "WORD":
                raise line.wrong("the name of a module is missing here")
            word = line.take()
            if word.text not in self.cast.names:
                raise Wrong(
                    word.span,
                    f"there is no module {quoted(word.text)} here",
                    nearest(word.text, sorted(self.cast.names)),
                )
            scenario.modules.setdefault(word.text, word.span)
            if line.over:
                return
            if line.kind() != "COMMA":
                line.finish("names of modules are separated by commas")
            line.take()

    def _step(self, word: str, span: Span, line: Line, text: str, scenario: _Open) -> None:
        if word != "EXPECT":
            self._settle()
        if scenario.stage is None:
            self._begin(scenario)
        stage = scenario.stage
        if stage is None or scenario.left_out:
            return
        number = span.line
        step: Step
        if word == "SEND":
            step, misfit = sending(line, number, text, stage, self.cast)
            if misfit is not None:
                scenario.misfits.append(misfit)
            if (doubt := doubt_of(step, stage)) is not None:
                self.report.warning(span, doubt)
        elif word == "SET":
            step, warnings = setting(line, number, text, stage, self.cast)
            for warning in warnings:
                place = Span(warning.line, warning.column, warning.end_column)
                self.report.warning(place, warning.message, warning.suggestion)
        elif word == "ADVANCE":
            step = self._advance(line, number, text, scenario)
        elif word == "EXPECT":
            step = expectation(line, number, text, stage, self.cast)
            if isinstance(step, ExpectRecord) and step.wanted:
                scenario.misfits.clear()
        else:
            step = creation(line, number, text, stage, self.cast, created=word == "CREATE")
        if len(scenario.steps) == MAX_STEPS:
            raise Wrong(span, f"a scenario has at most {MAX_STEPS} steps; split it up")
        scenario.steps.append(step)

    # The house and its clock.

    def _taking_part(self, scenario: _Open) -> list[str]:
        return sorted(scenario.modules or self.cast.names)

    def _begin(self, scenario: _Open) -> None:
        """Put the modules on stage, and set the clock."""
        modules = self._taking_part(scenario)
        scenario.stage = Stage(self.cast, modules)
        day, minutes = START
        if scenario.start is not None:
            assert scenario.start.day is not None
            day, minutes = scenario.start.day, scenario.start.minutes or 0
        scenario.start_ms = scenario.now_ms = _instant_ms(day, minutes, self.cast.place)
        scenario.left_out = not self.cast.broken.isdisjoint(modules)

    def _advance(self, line: Line, number: int, text: str, scenario: _Open) -> Advance:
        place, now_ms = self.cast.place, scenario.now_ms
        if not line.took("TO"):
            if line.kind() != "NUMBER":
                raise line.wrong("ADVANCE takes how long, such as 2 minutes, or TO and a time")
            to_ms = now_ms + line.duration_ms()
            line.finish("a duration is a number and a unit, such as 2 minutes")
        else:
            moment = line.moment()
            line.finish("ADVANCE TO takes a time, a day, or both")
            to_ms = _next_ms(moment, now_ms, place)
            if to_ms <= now_ms:
                raise Wrong(moment.span, f"it is {shown_time(now_ms, place)} by then already")
            if to_ms - now_ms > MAX_ADVANCE_MS:
                raise Wrong(moment.span, "one ADVANCE goes on by 10 years at most")
        scenario.now_ms = to_ms
        return Advance(number, text, to_ms)


def shown_time(at_ms: int, place: Place) -> str:
    """Return a time as people of the house write it, to the second if there are seconds."""
    local = (_EPOCH + at_ms * _MILLISECOND).astimezone(place.zone)
    return f"{local:%Y-%m-%d %H:%M:%S}" if at_ms % 60_000 else f"{local:%Y-%m-%d %H:%M}"


def _instant_ms(day: date, minutes: int, place: Place) -> int:
    return (at_clock(day, minutes, place.zone) - _EPOCH) // _MILLISECOND


def _next_ms(moment: Moment, now_ms: int, place: Place) -> int:
    """Return when a moment is; a time of day alone: when it is next."""
    if moment.day is not None:
        return _instant_ms(moment.day, moment.minutes or 0, place)
    assert moment.minutes is not None
    today = (_EPOCH + now_ms * _MILLISECOND).astimezone(place.zone).date()
    for days in range(3):  # a day that clocks leave out has no times of its own
        found = _instant_ms(today + timedelta(days=days), moment.minutes, place)
        if found > now_ms:
            return found
    raise AssertionError("there is a tomorrow")


def title_of(line: str) -> tuple[str, str] | None:
    """Return the title and the comment of a line that begins a scenario; None for any other.

    What a // is part of (http://) belongs to the title.
    """
    bare = line.lstrip(_BLANKS)
    first, *_ = bare.split(maxsplit=1) or [""]
    if shout(first) != "SCENARIO" or not bare.startswith(first):
        return None
    text = bare[len(first) :]
    for place in range(len(text)):
        if text.startswith("//", place) and (place == 0 or text[place - 1].isspace()):
            return " ".join(text[:place].split()), text[place:]
    return " ".join(text.split()), ""


def _words_of(text: str, found: list[Token]) -> str:
    return text[found[0].span.column - 1 : found[-1].span.end_column - 1]
