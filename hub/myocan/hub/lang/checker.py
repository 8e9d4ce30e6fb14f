"""Finds out what a module means, and everything that is wrong with it.

The one idea: nothing stops at the first mistake. A statement that cannot be understood is reported
and left out; only when the whole text was looked at does an error mean that there is no program.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from myocan.hub.core.program import Role, Type
from myocan.hub.lang import meaning, tree
from myocan.hub.lang.actions import Actions
from myocan.hub.lang.coverage import warn_of_ons
from myocan.hub.lang.declare import Declarer
from myocan.hub.lang.diagnostics import Report, Span, clip, quoted
from myocan.hub.lang.expressions import COMPARISONS, Expressions
from myocan.hub.lang.languages import is_python
from myocan.hub.lang.meaning import Checked, Comparison
from myocan.hub.lang.naming import MAX_NAME, travels, word_fits
from myocan.hub.lang.reader import decode, read
from myocan.hub.lang.symbols import Symbol
from myocan.hub.lang.topics import Topics
from myocan.hub.lang.words import fold

if TYPE_CHECKING:
    from myocan.hub.lang.schedules import Mistake

_ARRIVING: Final = (Role.SUBSCRIBE, Role.TIMER)


def check_source(source: str | bytes, name: str, file: str) -> Checked:
    """Find out what a module means.

    Arguments:
        source: its text, or the bytes of its file.
        name: the module's name, which is the file's.
        file: what messages call the file.
    """
    report = Report(file)
    if is_python(source):
        from myocan.hub.python.compiling import checked

        return checked(source, name, file)
    if file.endswith(".py"):
        report.error(Span(1, 1, 2), "a module in Python begins with its docstring or an import")
        return Checked(None, report.sorted())
    text = decode(source, report)
    if text is None:
        return Checked(None, report.sorted())
    checker = _Checker(name, report)
    found = checker.check(read(text, report))
    places = tuple(symbol.span for symbol in checker.declared.symbols)
    definitions = tuple(checker.topics.places)
    return Checked(None if report.failed else found, report.sorted(), places, definitions)


class _Checker:
    """Checks one module."""

    def __init__(self, name: str, report: Report) -> None:
        self.name = name
        self.report = report
        self.declared = Declarer(name, report)
        self.expressions = Expressions(self.declared, report)
        self.actions = Actions(self.declared, self.expressions, report)
        self.topics = Topics(self.declared, report)
        self.schedules: dict[str, int] = {}
        """The ordinal of the last AT of each schedule."""
        self.auto = False
        self.history = False
        self.agent = ""

    def check(self, source: tree.Source) -> meaning.Meaning:
        self._module(source)
        for statement in source.declarations:
            self.declared.declare(statement)
        for broken in source.broken:
            self.declared.broken(broken)
        for topic in source.topics:
            self.topics.define(topic)
        for external in source.externals:
            self.expressions.externals.declare(external)
        ons: list[meaning.On] = []
        whens: list[meaning.When] = []
        ats: list[meaning.At] = []
        places: list[Span] = []
        whole = not source.broken
        for reaction in source.reactions:
            whole = whole and reaction.complete
            self.expressions.begin()
            if isinstance(reaction.opening, tree.Opening) and reaction.opening.word == "ON":
                ons.append(self._on(reaction, reaction.opening))
                places.append(reaction.opening.span)
            elif isinstance(reaction.opening, tree.At):
                at = self._at(reaction, reaction.opening)
                if at is not None:
                    ats.append(at)
            else:
                whens.append(self._when(reaction))
        self._class_first(ons, places)
        # In a text with errors, what seems unused may be used by what was not understood.
        if whole and not self.report.failed:
            self._unused()
            self.expressions.externals.warn_of_unused()
            warn_of_ons(ons, places, self.declared.symbols, self.report)
        declared = (symbol.variable for symbol in self.declared.symbols)
        variables = tuple(variable for variable in declared if variable is not None)
        return meaning.Meaning(
            self.name,
            variables,
            tuple(ons),
            tuple(whens),
            tuple(ats),
            tuple(self.declared.selections),
            tuple(self.expressions.attributes.used.values()),
            tuple(self.topics.definitions),
            key=self.declared.key,
            auto=self.auto,
            history=self.history,
            agent=self.agent,
        )

    def _module(self, source: tree.Source) -> None:
        start = Span(1, 1, 2)
        if not travels(self.name) or len(self.name) > MAX_NAME:
            self.report.error(
                start,
                f"{quoted(self.name)} is no name for a module: names have A to Z, a to z, 0 to 9 "
                f"and _, at most {MAX_NAME} of them; rename the file",
            )
        elif fold(self.name) == "system":
            self.report.error(start, "'system' is a name of the language; rename the file")
        module = source.module
        if module is None:
            self.report.error(start, f"a module begins with its name: MODULE {clip(self.name)}")
        if not isinstance(module, tree.Module):
            return
        name = module.name
        if name.text != self.name:
            self.report.error(
                name.span,
                f"this file holds module {quoted(self.name)}, as its name says, "
                f"not {quoted(name.text)}",
                self.name,
            )
        if name.attribute is not None:
            self.report.error(
                name.span, "a module's name has no attribute; leave out what begins with #"
            )
        key = name.parts[-1].key
        if key is not None and key.literal:
            example = f"MODULE {clip(self.name)}[location]"
            self.report.error(key.span, f"the key of a module has a name, as in {example}")
        elif key is not None and word_fits(tree.Part(key.span, key.text), self.report):
            self.declared.key = key.text
        self._options(module)

    def _options(self, module: tree.Module) -> None:
        seen: set[str] = set()
        for option in module.options:
            if option.word in seen:
                self.report.error(option.span, f"{option.word} stands here already; leave it out")
            seen.add(option.word)
            if option.word == "HISTORY":
                self.history = True
            elif option.word == "AUTO":
                self.auto = True
                if module.name.parts[-1].key is None:
                    self.report.error(
                        option.span,
                        "AUTO creates instances, and this module has no key; write "
                        f"MODULE {clip(self.name)}[location] AUTO, or leave AUTO out",
                    )
            elif len(option.value) > MAX_NAME or not option.value.isascii():
                self.report.error(
                    option.span,
                    f"an agent's name has letters, digits, - and ., at most {MAX_NAME} of them",
                )
            else:
                self.agent = option.value

    def _unused(self) -> None:
        for symbol in self.declared.symbols:
            variable = symbol.variable
            if variable is None:
                continue
            if variable.role is Role.TIMER:
                self._unused_timer(symbol)
            if variable.role is Role.SUBSCRIBE and not symbol.read:
                self.report.warning(
                    symbol.span,
                    f"nothing reads {quoted(symbol.name)}; use it behind ON, or delete it",
                )
            if variable.role is Role.PUBLIC and not symbol.written:
                self.report.warning(
                    symbol.span,
                    f"nothing writes {quoted(symbol.name)}; use it behind THEN, or delete it",
                )

    def _unused_timer(self, symbol: Symbol) -> None:
        name = quoted(symbol.name)
        if not symbol.written:
            self.report.warning(
                symbol.span,
                f"nothing starts the TIMER {name}; use start({clip(symbol.name)}) behind THEN, or "
                "delete it",
            )
        elif not symbol.read:
            self.report.warning(
                symbol.span,
                f"nothing happens when the TIMER {name} has run out; add ON {clip(symbol.name)}, "
                "or delete it",
            )

    # Reactions.

    def _at(self, reaction: tree.Reaction, opening: tree.At) -> meaning.At | None:
        from myocan.hub.lang.schedules import Mistake, parse_schedule

        symbols = self.declared.by_name
        times = {
            name
            for name, symbol in symbols.items()
            if symbol.variable is None or symbol.variable.type is Type.TIME
        }
        found = parse_schedule(opening.words, times)
        guards, actions = self._guards(reaction), self._actions(reaction)
        if isinstance(found, Mistake):
            self.report.error(_place(opening, found), found.message, found.suggestion)
            return None
        for name in found.variables:
            symbols[name].read = True
            self._one_for_all(opening, name)
        keyed = self._keyed()
        text = found.to_json()
        ordinal = self.schedules[text] = self.schedules.get(text, -1) + 1
        line = opening.span.line
        return meaning.At(line, found.identity(ordinal), text, guards, actions, keyed)

    def _one_for_all(self, opening: tree.At, name: str) -> None:
        """Report a time variable of which there are several, since a schedule is one for all."""
        symbol = self.declared.by_name[name]
        if symbol.variable is None or not (symbol.variable.keyed or symbol.variable.map):
            return
        first, _, _ = name.partition(".")
        places = [word.span for word in opening.words if fold(word.text) == first]
        self.report.error(
            places[0],
            f"an AT is one for all, and there is a {quoted(symbol.name)} for each key; declare one "
            "without a key",
        )

    def _on(self, reaction: tree.Reaction, opening: tree.Opening) -> meaning.On:
        arrivals: list[meaning.Arrival] = []
        for alternative in _alternatives(opening.condition):
            arrival = self._arrival(alternative, opening)
            if arrival is not None:
                arrivals.append(arrival)
        guards, actions = self._guards(reaction), self._actions(reaction)
        return meaning.On(opening.span.line, tuple(arrivals), guards, actions, self._keyed())

    def _guards(self, reaction: tree.Reaction) -> tuple[meaning.Line, ...]:
        found = []
        for guard in reaction.guards:
            condition = self.expressions.condition(guard.condition)
            if condition is not None:
                found.append(meaning.Line(guard.span.line, condition))
        return tuple(found)

    def _actions(self, reaction: tree.Reaction) -> tuple[meaning.Line, ...]:
        found = []
        for statement in reaction.actions:
            action = self.actions.action(statement)
            if action is not None:
                found.append(meaning.Line(statement.span.line, action))
        return tuple(found)

    def _when(self, reaction: tree.Reaction) -> meaning.When:
        opening = reaction.opening
        conditions: tuple[meaning.Line, ...] = ()
        if isinstance(opening, tree.Opening):
            condition = self.expressions.condition(opening.condition)
            if condition is not None:
                conditions = (meaning.Line(opening.span.line, condition),)
        complete = len(conditions) == 1
        conditions += self._guards(reaction)
        read_here = frozenset(self.expressions.reads)
        if complete and not read_here:
            self.report.error(
                opening.span,
                f"{opening.word} looks at variables that change; this names none",
            )
        actions = self._actions(reaction)
        return meaning.When(opening.span.line, conditions, actions, read_here, self._keyed())

    def _keyed(self) -> bool:
        """Whether the reaction just checked runs in an instance; then it writes only there."""
        names = self.expressions
        if names.keyed_by is None:
            return False
        key = clip(self.declared.key)
        for symbol, span in names.class_writes:
            self.report.error(
                span,
                f"{quoted(symbol.name)} is one for all of {clip(self.name)}, and this runs in each "
                f"{key}, since it names {quoted(names.keyed_by)}; declare "
                f"{clip(symbol.name)}[{key}], or write it where nothing of one instance is named",
            )
        return True

    def _class_first(self, ons: list[meaning.On], places: list[Span]) -> None:
        """Report an ON for all below one of an instance: it would be tried first all the same.

        One that only ignores may stand there. It writes nothing, so it runs in each instance, too.
        """
        keyed: dict[int, int] = {}
        for place, on in enumerate(ons):
            numbers = dict.fromkeys(arrival.variable for arrival in on.arrivals)
            above = next((keyed[number] for number in numbers if number in keyed), None)
            if not on.keyed and above is not None:
                if any(line.does != meaning.Ignore() for line in on.actions):
                    self.report.error(
                        places[place],
                        f"this ON runs once, for all of {clip(self.name)}, and so before that of "
                        f"line {above}, which runs in each {clip(self.declared.key)}; move it "
                        "above that one",
                    )
                    continue
                ons[place] = replace(on, keyed=True)
            if ons[place].keyed:
                for number in numbers:
                    keyed.setdefault(number, on.line)

    def _arrival(
        self, alternative: tree.Expression, opening: tree.Opening
    ) -> meaning.Arrival | None:
        expressions = self.expressions
        match alternative:
            case tree.Name():
                resolved = expressions.resolve(alternative)
                if resolved is None or not self._arrives(resolved.symbol, opening):
                    return None
                symbol = resolved.symbol
                expressions.read(symbol)
                if resolved.member is None:
                    return meaning.Arrival(symbol.index)
                condition = expressions.against(
                    symbol, Comparison.EQ, resolved.member, alternative.span
                )
                return None if condition is None else meaning.Arrival(symbol.index, condition)
            case tree.Binary() if alternative.operator in COMPARISONS:
                return self._compared_arrival(alternative, opening)
            case tree.Chain():
                self.report.error(
                    alternative.places[0],
                    "what must hold besides the arrival stands in a line of its own: put this AND "
                    "below the ON",
                )
                return None
        self.report.error(
            alternative.span,
            "ON names what arrives, as in: ON x, ON x.on, ON x > 30; what else must hold stands "
            "behind AND in the next line",
        )
        return None

    def _compared_arrival(self, node: tree.Binary, opening: tree.Opening) -> meaning.Arrival | None:
        expressions = self.expressions
        sides = [expressions.whole(side) for side in (node.left, node.right)]
        named = [symbol for symbol in sides if symbol is not None]
        if not named:
            if isinstance(node.left, tree.Name) and expressions.resolve(node.left) is None:
                return None
            self.report.error(
                node.span, "ON compares a SUBSCRIBE variable, as in: ON x > 30; this names none"
            )
            return None
        arriving = [s for s in named if s.variable is None or s.variable.role in _ARRIVING]
        symbol = arriving[0] if arriving else named[0]
        if not self._arrives(symbol, opening):
            return None
        condition = expressions.condition(node)
        return None if condition is None else meaning.Arrival(symbol.index, condition)

    def _arrives(self, symbol: Symbol, opening: tree.Opening) -> bool:
        variable = symbol.variable
        if symbol.attribute:
            self.report.error(
                opening.span,
                f"{quoted(symbol.name)} is read, and does not arrive; put it behind AND or "
                "WHEN, or use AT for a time",
                "WHEN",
            )
            return False
        if variable is None or variable.role in _ARRIVING:
            return True
        self.report.error(
            opening.span,
            f"{quoted(symbol.name)} is {variable.role.name} and does not arrive; only SUBSCRIBE "
            "variables and TIMERs stand behind ON, a change of others is seen with WHEN",
            "WHEN",
        )
        return False


def _place(at: tree.At, mistake: Mistake) -> Span:
    """Return where in the text an AT is wrong: its words, or behind them if some are missing."""
    words = at.words[mistake.index : mistake.index + max(mistake.count, 1)]
    if words:
        return words[0].span.to(words[-1].span)
    end = (at.words[-1].span if at.words else at.span).end_column
    return Span(at.span.line, end, end + 1)


def _alternatives(condition: tree.Expression) -> list[tree.Expression]:
    """Return what an ON's OR joins, from the left."""
    found: list[tree.Expression] = []
    waiting = [condition]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tree.Chain) and node.operator == "OR":
            waiting.extend(reversed(node.terms))
        else:
            found.append(node)
    return found
