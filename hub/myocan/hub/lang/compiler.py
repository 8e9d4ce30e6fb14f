"""Writes the code of a module.

The one idea: AND, OR and NOT are jumps, so what need not be looked at is not. A condition is
written either to fall through when it holds and jump when it does not, or the other way round; the
common guard, a variable against a constant, is then a single instruction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

from myocan.hub.core.program import (
    DIGITS,
    At,
    ClockPart,
    Op,
    Program,
    TopicDefinition,
    Type,
    Variable,
    When,
)
from myocan.hub.lang import meaning
from myocan.hub.lang.assembler import Assembler, Label, TooLarge
from myocan.hub.lang.diagnostics import Diagnostic
from myocan.hub.lang.meaning import Comparison, Kind
from myocan.hub.lang.symbols import plain
from myocan.hub.lang.words import fold

_UNLESS: Final = {comparison: Op[f"UNLESS_{comparison.name}"] for comparison in Comparison}
_COMPARE: Final = {comparison: Op[comparison.name] for comparison in Comparison}


def program_of(checked: meaning.Checked, file: str) -> tuple[Program | None, list[Diagnostic]]:
    """Return the program of a checked text, or None if it has none, and all that is said of it.

    Arguments:
        checked: what the checker found.
        file: what messages call the file.
    """
    if checked.meaning is None or checked.program is not None:
        return checked.program, checked.diagnostics
    try:
        return write(checked.meaning), checked.diagnostics
    except TooLarge as error:
        found = Diagnostic("error", file, error.line, 1, 2, error.message)
        return None, sorted([*checked.diagnostics, found], key=lambda d: d.line)


def write(module: meaning.Meaning) -> Program:
    """Return the program of a checked module.

    Raises:
        TooLarge: it is beyond a limit.
    """
    writer = _Writer(module)
    entries = writer.entries(keyed=False)
    keyed_entries = writer.entries(keyed=True)
    whens = tuple(writer.when(when) for when in module.whens)
    ats = tuple(writer.at(at) for at in module.ats)
    return Program(
        module=module.module,
        variables=module.variables,
        code=tuple(writer.code),
        texts=tuple(writer.texts),
        entries=entries,
        whens=whens,
        lines=tuple(writer.lines),
        ats=ats,
        key=module.key,
        auto=module.auto,
        history=module.history,
        agent=module.agent,
        keyed_entries=keyed_entries,
        attributes=module.attributes,
        topics=tuple(defined(topic) for topic in module.topics),
    )


def defined(topic: meaning.Definition) -> TopicDefinition:
    heard = topic.heard
    assert heard.topic is not None
    return TopicDefinition(heard.topic, heard.type, heard.members, heard.line, topic.keep)


class _Writer(Assembler):
    """Writes what a module means."""

    def __init__(self, module: meaning.Meaning) -> None:
        super().__init__()
        self.module = module
        self.variables: tuple[Variable, ...] = module.variables
        self.bodies: dict[int, Label] = {}

    # Reactions.

    def entries(self, keyed: bool) -> dict[int, int]:
        """Write the ONs of all, or of instances; return where those of each variable start."""
        chains: dict[int, list[tuple[int, meaning.On]]] = {}
        for number, on in enumerate(self.module.ons):
            if on.keyed is not keyed:
                continue
            for variable in dict.fromkeys(arrival.variable for arrival in on.arrivals):
                chains.setdefault(variable, []).append((number, on))
        starts = {}
        for variable, chain in sorted(chains.items()):
            starts[variable] = len(self.code)
            for number, on in chain:
                self.on(variable, number, on)
            self.put(Op.UNMATCHED)
        return starts

    def on(self, variable: int, number: int, on: meaning.On) -> None:
        """Write an ON as one that a message for `variable` can trigger.

        An ON of several variables has its actions once; the guards are with each, since where they
        lead to when they fail is not the same.
        """
        otherwise = Label()
        self.mark(on.line)
        conditions = [a.condition for a in on.arrivals if a.variable == variable]
        wanted = [condition for condition in conditions if condition is not None]
        if len(wanted) == len(conditions):
            self.unless(wanted[0] if len(wanted) == 1 else meaning.Some(tuple(wanted)), otherwise)
        for guard in on.guards:
            self.mark(guard.line)
            self.unless(_condition(guard), otherwise)
        body = self.bodies.get(number)
        if body is None:
            self.bodies[number] = body = Label()
            self.here(body)
            self.actions(on.actions)
        else:
            self.jump(Op.JUMP, body)
        self.here(otherwise)

    def when(self, when: meaning.When) -> When:
        """Write a WHEN."""
        condition = len(self.code)
        otherwise = Label()
        self.mark(when.line)
        reads = {self.module.declared(number) for number in when.reads}
        if min(when.reads, default=0) < 0:
            self.any_differs(when.reads, otherwise)
        for line in when.conditions:
            self.mark(line.line)
            self.unless(_condition(line), otherwise)
        self.mark(when.line)
        self.put(Op.MATCHED)
        self.here(otherwise)
        self.put(Op.UNMATCHED)
        actions = len(self.code)
        self.actions(when.actions)
        return When(condition, actions, tuple(sorted(reads)), when.line, when.keyed)

    def any_differs(self, reads: Collection[int], otherwise: Label) -> None:
        """Write: go on if one of these differs.

        The core only knows that a map differs, not whether it does so where it is looked at.
        """
        found = Label()
        *first, last = sorted(reads, key=lambda number: (number < 0, abs(number)))
        for number in (*first, last):
            with self.selected(number) as variable:
                self.push(Op.DIFFERS, variable)
            if number == last:
                self.jump_popping(Op.JUMP_UNLESS, otherwise)
            else:
                self.jump_popping(Op.JUMP_IF, found)
        self.here(found)

    def at(self, at: meaning.At) -> At:
        """Write an AT."""
        pc = len(self.code)
        otherwise = Label()
        self.mark(at.line)
        for guard in at.guards:
            self.mark(guard.line)
            self.unless(_condition(guard), otherwise)
        self.actions(at.actions)
        self.here(otherwise)
        self.put(Op.UNMATCHED)
        return At(at.identity, at.schedule, pc, at.line, at.keyed)

    def actions(self, actions: tuple[meaning.Line, ...]) -> None:
        """Write what is done."""
        for line in actions:
            self.mark(line.line)
            self.action(line.does)  # type: ignore[arg-type]
        self.put(Op.MATCHED)

    # Actions.

    def action(self, action: meaning.Action) -> None:
        """Write one action."""
        match action:
            case meaning.Set(number, str() as text):
                with self.selected(number) as variable:
                    self.put(Op.SET_TEXT, variable, self.text(text))
            case meaning.Set(number, int() as constant):
                with self.selected(number) as variable:
                    self.put(Op.SET, variable, constant)
            case meaning.Copy(variable, source):
                self.put(Op.COPY, variable, source)
            case meaning.Add(number, constant):
                with self.selected(number) as variable:
                    self.put(Op.ADD_CONST, variable, constant)
            case meaning.Next(number):
                with self.selected(number) as variable:
                    self.put(Op.NEXT, variable)
            case meaning.Activate(number):
                with self.selected(number) as variable:
                    self.put(Op.ACTIVATE, variable)
            case meaning.Timer(variable, operator):
                takes = 0 if operator == "CANCEL" else self.variables[variable].duration_ms
                self.put(Op[operator], variable, takes)
            case meaning.Store():
                self.store(action)
            case meaning.Log(level, pieces):
                for piece in pieces:
                    self.piece(piece)
                self.put(Op.LOG, level)
            case meaning.Instance(operator, key):
                self.value(key, Kind.TEXT)
                self.pop(Op[operator])
            case meaning.Call(function, arguments):
                for argument in arguments:
                    self.argument(argument)
                self.put(Op.CALL, self.text(function))

    def store(self, store: meaning.Store) -> None:
        """Write a computed value into a variable."""
        kind, op = {
            Type.DECIMAL: (Kind.NUMBER, Op.STORE),
            Type.TEXT: (Kind.TEXT, Op.STORE_TEXT),
            Type.ENUMERATION: (Kind.TEXT, Op.STORE_TEXT),
            Type.TIME: (Kind.CLOCK, Op.STORE_RAW),
        }.get(self.declared(store.variable).type, (Kind.TRUTH, Op.STORE_RAW))
        self.value(store.value, kind)
        with self.selected(store.variable) as variable:
            self.pop(op, variable)

    def piece(self, piece: meaning.Piece | meaning.Value) -> None:
        """Write a part of a log line."""
        match piece:
            case meaning.Piece(number):
                with self.selected(number) as variable:
                    self.put(Op.PIECE_VAR, variable)
            case meaning.Key():
                self.put(Op.PIECE_KEY)
            case meaning.Text(value):
                self.put(Op.PIECE_TEXT, self.text(value))
            case meaning.Number(scaled):
                self.put(Op.PIECE_TEXT, self.text(plain(scaled)))
            case meaning.Clock(minutes):
                self.put(Op.PIECE_TEXT, self.text(_clock(minutes)))
            case meaning.Load() | meaning.ClockRead() | meaning.Arithmetic() | meaning.Function():
                self.value(piece, Kind.NUMBER)
                self.pop(Op.PIECE_NUMBER)
            case _:
                otherwise, end = Label(), Label()
                self.unless(piece, otherwise)
                self.put(Op.PIECE_TEXT, self.text("true"))
                self.jump(Op.JUMP, end)
                self.here(otherwise)
                self.put(Op.PIECE_TEXT, self.text("false"))
                self.here(end)

    def argument(self, argument: meaning.Piece | meaning.Value) -> None:
        """Write an argument of a call."""
        match argument:
            case meaning.Piece(number):
                with self.selected(number) as variable:
                    self.put(Op.ARGUMENT_VAR, variable)
            case meaning.Key():
                self.put(Op.ARGUMENT_KEY)
            case meaning.Text(value):
                self.put(Op.ARGUMENT_TEXT, self.text(value))
            case meaning.Clock(minutes):
                self.put(Op.ARGUMENT_TEXT, self.text(_clock(minutes)))
            case (
                meaning.Number()
                | meaning.Load()
                | meaning.ClockRead()
                | meaning.Arithmetic()
                | meaning.Function()
            ):
                self.value(argument, Kind.NUMBER)
                self.pop(Op.ARGUMENT_NUMBER)
            case _:
                self.truth(argument)
                self.pop(Op.ARGUMENT_TRUTH)

    # Conditions.

    def unless(self, condition: meaning.Condition, target: Label) -> None:
        """Write: go on if the condition holds, jump if it does not."""
        match condition:
            case meaning.Truth(value):
                if not value:
                    self.jump(Op.JUMP, target)
            case meaning.Test(variable, comparison, constant) if variable >= 0:
                self.jump(_UNLESS[comparison], target, variable, constant)
            case meaning.Not(inner):
                self.when_holds(inner, target)
            case meaning.Every(conditions):
                for term in conditions:
                    self.unless(term, target)
            case meaning.Some(conditions):
                found = Label()
                for term in conditions[:-1]:
                    self.when_holds(term, found)
                self.unless(conditions[-1], target)
                self.here(found)
            case _:
                self.truth(condition)
                self.jump_popping(Op.JUMP_UNLESS, target)

    def when_holds(self, condition: meaning.Condition, target: Label) -> None:
        """Write: jump if the condition holds, go on if it does not."""
        match condition:
            case meaning.Truth(value):
                if value:
                    self.jump(Op.JUMP, target)
            case meaning.Test(variable, comparison, constant) if variable >= 0:
                self.jump(_UNLESS[comparison.negated], target, variable, constant)
            case meaning.Not(inner):
                self.unless(inner, target)
            case meaning.Some(conditions):
                for term in conditions:
                    self.when_holds(term, target)
            case meaning.Every(conditions):
                failed = Label()
                for term in conditions[:-1]:
                    self.unless(term, failed)
                self.when_holds(conditions[-1], target)
                self.here(failed)
            case _:
                self.truth(condition)
                self.jump_popping(Op.JUMP_IF, target)

    def truth(self, condition: meaning.Condition) -> None:
        """Write a condition as 0 or 1 on the stack."""
        match condition:
            case meaning.Truth(value):
                self.push(Op.PUSH, int(value), 0)
            case meaning.Compare(comparison, left, right):
                kind = _kind(left, right)
                self.value(left, kind)
                self.value(right, kind)
                self.pop(_COMPARE[comparison])
            case meaning.Test(number, comparison, constant) if number < 0:
                self.selected_test(number, comparison, constant)
            case meaning.HoldsNumber(variable):
                self.push(Op.IS_NUMBER, variable)
            case meaning.IsNumber(variable, scaled):
                self.push(Op.HAS_NUMBER, variable, *_shortest(scaled))
            case meaning.Same(left, right):
                self.push(Op.ANY_EQUAL, left, right)
            case _:
                otherwise, end = Label(), Label()
                self.unless(condition, otherwise)
                self.push(Op.PUSH, 1, 0)
                self.jump(Op.JUMP, end)
                self.here(otherwise)
                self.depth -= 1  # only one of the two is pushed
                self.push(Op.PUSH, 0, 0)
                self.here(end)

    def selected_test(self, number: int, comparison: Comparison, constant: int) -> None:
        """Write whether one value of a map compares so with a constant in its slot's units."""
        declared = self.declared(number)
        match declared.type:
            case Type.ENUMERATION:
                self.load(number, Kind.TEXT)
                self.push(Op.PUSH_TEXT, self.text(fold(declared.members[constant])))
            case Type.DECIMAL:
                self.load(number, Kind.NUMBER)
                self.push(Op.PUSH, *_shortest(constant * 10 ** (DIGITS - declared.decimals)))
            case _:
                self.load(number, Kind.TRUTH)
                self.push(Op.PUSH, constant, 0)
        self.pop(_COMPARE[comparison])

    # Values.

    def value(self, value: meaning.Value, kind: Kind) -> None:
        """Write a value onto the stack."""
        match value:
            case meaning.Number(scaled):
                self.push(Op.PUSH, *_shortest(scaled))
            case meaning.Text(text):
                self.push(Op.PUSH_TEXT, self.text(text))
            case meaning.Clock(minutes):
                self.push(Op.PUSH, minutes, 0)
            case meaning.Load(number, read_as):
                self.load(number, read_as)
            case meaning.Key():
                self.push(Op.LOAD_KEY)
            case meaning.ClockRead(part, offset):
                self.push(Op.LOAD_CLOCK, part, offset)
            case meaning.Arithmetic(operator, left, right):
                self.value(left, Kind.NUMBER)
                self.value(right, Kind.NUMBER)
                self.pop(Op[operator])
            case meaning.Function(operator, operand, digits):
                self.value(operand, Kind.NUMBER)
                self.put(Op[operator], digits)
            case _:
                assert kind is Kind.TRUTH
                self.truth(value)

    def load(self, number: int, kind: Kind) -> None:
        """Write a variable's value onto the stack."""
        declared = self.declared(number)
        with self.selected(number) as variable:
            if kind is Kind.TEXT:
                self.push(Op.LOAD_TEXT, variable)
            elif declared.type is Type.ANY:
                self.push(Op.LOAD_NUMBER if kind is Kind.NUMBER else Op.LOAD_TRUTH, variable)
            else:
                shift = DIGITS - declared.decimals if kind is Kind.NUMBER else 0
                self.push(Op.LOAD, variable, shift)

    # Values of maps.

    def declared(self, number: int) -> Variable:
        """Return the variable that a number means: a value of a map is like all of its map."""
        return self.variables[self.module.declared(number)]

    @contextmanager
    def selected(self, number: int) -> Iterator[int]:
        """Let the variable that is given back mean what `number` does, within the `with`."""
        if number >= 0:
            yield number
            return
        selection = self.module.selections[-1 - number]
        if isinstance(selection.key, meaning.Text):
            self.put(Op.SELECT, selection.variable, self.text(selection.key.value))
        else:
            self.value(selection.key, Kind.TEXT)
            self.pop(Op.SELECT_BY, selection.variable)
        yield selection.variable
        self.put(Op.DESELECT)


def _condition(line: meaning.Line) -> meaning.Condition:
    return line.does  # type: ignore[return-value]


def _kind(left: meaning.Value, right: meaning.Value) -> Kind:
    """Return the kind of two compared values; a condition among them makes it TRUTH."""
    for side in (left, right):
        match side:
            case meaning.Load(_, kind):
                return kind
            case meaning.ClockRead(part, _):
                return Kind.CLOCK if part is ClockPart.TIME else Kind.NUMBER
            case meaning.Number() | meaning.Arithmetic() | meaning.Function():
                return Kind.NUMBER
            case meaning.Text() | meaning.Key():
                return Kind.TEXT
            case meaning.Clock():
                return Kind.CLOCK
    return Kind.TRUTH


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _shortest(scaled: int) -> tuple[int, int]:
    """Return a, b with a * 10 ** b = `scaled`, a as short as it gets."""
    a, b = scaled, 0
    while b < DIGITS and a % 10 == 0 and a:
        a, b = a // 10, b + 1
    return a, b
