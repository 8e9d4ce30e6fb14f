"""Writes the code of a module.

The one idea: AND, OR and NOT are jumps, so what need not be looked at is not. A condition is
written either to fall through when it holds and jump when it does not, or the other way round; the
common guard, a variable against a constant, is then a single instruction.
"""

from __future__ import annotations

from typing import Final

from myocan.hub.core.program import (
    DIGITS,
    INT64_MAX,
    INT64_MIN,
    STACK_DEPTH,
    At,
    Op,
    Program,
    Type,
    Variable,
    When,
)
from myocan.hub.lang import meaning
from myocan.hub.lang.declare import plain
from myocan.hub.lang.diagnostics import Diagnostic
from myocan.hub.lang.meaning import Comparison, Kind

MAX_CODE: Final = 65_536
"""Most instructions of a module."""

_UNLESS: Final = {comparison: Op[f"UNLESS_{comparison.name}"] for comparison in Comparison}
_COMPARE: Final = {comparison: Op[comparison.name] for comparison in Comparison}


class TooLarge(Exception):
    """The code of a module, or one of its expressions, is beyond a limit."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        self.message = message
        super().__init__(message)


class _Label:
    """A place in the code that jumps lead to, known or not yet."""

    __slots__ = ("pc", "wanted")

    def __init__(self) -> None:
        self.pc = -1
        self.wanted: list[int] = []


def program_of(checked: meaning.Checked, file: str) -> tuple[Program | None, list[Diagnostic]]:
    """Return the program of a checked text, or None if it has none, and all that is said of it.

    Arguments:
        checked: what the checker found.
        file: what messages call the file.
    """
    if checked.meaning is None:
        return None, checked.diagnostics
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
    entries = writer.entries()
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
    )


class _Writer:
    """The code so far."""

    def __init__(self, module: meaning.Meaning) -> None:
        self.module = module
        self.variables: tuple[Variable, ...] = module.variables
        self.code: list[int] = []
        self.texts: dict[str, int] = {}
        self.lines: list[tuple[int, int]] = []
        self.bodies: dict[int, _Label] = {}
        self.line = 0
        self.depth = 0

    # Reactions.

    def entries(self) -> dict[int, int]:
        """Write the ONs; return where the messages of each variable start."""
        chains: dict[int, list[tuple[int, meaning.On]]] = {}
        for number, on in enumerate(self.module.ons):
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
        otherwise = _Label()
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
            self.bodies[number] = body = _Label()
            self.here(body)
            self.actions(on.actions)
        else:
            self.jump(Op.JUMP, body)
        self.here(otherwise)

    def when(self, when: meaning.When) -> When:
        """Write a WHEN."""
        condition = len(self.code)
        otherwise = _Label()
        for line in when.conditions:
            self.mark(line.line)
            self.unless(_condition(line), otherwise)
        self.mark(when.line)
        self.put(Op.MATCHED)
        self.here(otherwise)
        self.put(Op.UNMATCHED)
        actions = len(self.code)
        self.actions(when.actions)
        return When(condition, actions, tuple(sorted(when.reads)), when.line)

    def at(self, at: meaning.At) -> At:
        """Write an AT."""
        pc = len(self.code)
        otherwise = _Label()
        self.mark(at.line)
        for guard in at.guards:
            self.mark(guard.line)
            self.unless(_condition(guard), otherwise)
        self.actions(at.actions)
        self.here(otherwise)
        self.put(Op.UNMATCHED)
        return At(at.identity, at.schedule, pc, at.line)

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
            case meaning.Set(variable, str() as text):
                self.put(Op.SET_TEXT, variable, self.text(text))
            case meaning.Set(variable, int() as constant):
                self.put(Op.SET, variable, constant)
            case meaning.Copy(variable, source):
                self.put(Op.COPY, variable, source)
            case meaning.Add(variable, constant):
                self.put(Op.ADD_CONST, variable, constant)
            case meaning.Next(variable):
                self.put(Op.NEXT, variable)
            case meaning.Activate(variable):
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

    def store(self, store: meaning.Store) -> None:
        """Write a computed value into a variable."""
        if self.variables[store.variable].type is Type.DECIMAL:
            self.value(store.value, Kind.NUMBER)
            self.pop(Op.STORE, store.variable)
        else:
            self.value(store.value, Kind.TRUTH)
            self.pop(Op.STORE_RAW, store.variable)

    def piece(self, piece: meaning.Piece | meaning.Value) -> None:
        """Write a part of a log line."""
        match piece:
            case meaning.Piece(variable):
                self.put(Op.PIECE_VAR, variable)
            case meaning.Text(value):
                self.put(Op.PIECE_TEXT, self.text(value))
            case meaning.Number(scaled):
                self.put(Op.PIECE_TEXT, self.text(plain(scaled)))
            case meaning.Clock(minutes):
                written = f"{minutes // 60:02d}:{minutes % 60:02d}"
                self.put(Op.PIECE_TEXT, self.text(written))
            case meaning.Load() | meaning.Arithmetic() | meaning.Function():
                self.value(piece, Kind.NUMBER)
                self.pop(Op.PIECE_NUMBER)
            case _:
                otherwise, end = _Label(), _Label()
                self.unless(piece, otherwise)
                self.put(Op.PIECE_TEXT, self.text("true"))
                self.jump(Op.JUMP, end)
                self.here(otherwise)
                self.put(Op.PIECE_TEXT, self.text("false"))
                self.here(end)

    # Conditions.

    def unless(self, condition: meaning.Condition, target: _Label) -> None:
        """Write: go on if the condition holds, jump if it does not."""
        match condition:
            case meaning.Truth(value):
                if not value:
                    self.jump(Op.JUMP, target)
            case meaning.Test(variable, comparison, constant):
                self.jump(_UNLESS[comparison], target, variable, constant)
            case meaning.Not(inner):
                self.when_holds(inner, target)
            case meaning.Every(conditions):
                for term in conditions:
                    self.unless(term, target)
            case meaning.Some(conditions):
                found = _Label()
                for term in conditions[:-1]:
                    self.when_holds(term, found)
                self.unless(conditions[-1], target)
                self.here(found)
            case _:
                self.truth(condition)
                self.jump_popping(Op.JUMP_UNLESS, target)

    def when_holds(self, condition: meaning.Condition, target: _Label) -> None:
        """Write: jump if the condition holds, go on if it does not."""
        match condition:
            case meaning.Truth(value):
                if value:
                    self.jump(Op.JUMP, target)
            case meaning.Test(variable, comparison, constant):
                self.jump(_UNLESS[comparison.negated], target, variable, constant)
            case meaning.Not(inner):
                self.unless(inner, target)
            case meaning.Some(conditions):
                for term in conditions:
                    self.when_holds(term, target)
            case meaning.Every(conditions):
                failed = _Label()
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
            case meaning.IsNumber(variable, scaled):
                self.push(Op.HAS_NUMBER, variable, *_shortest(scaled))
            case meaning.Same(left, right):
                self.push(Op.ANY_EQUAL, left, right)
            case _:
                otherwise, end = _Label(), _Label()
                self.unless(condition, otherwise)
                self.push(Op.PUSH, 1, 0)
                self.jump(Op.JUMP, end)
                self.here(otherwise)
                self.depth -= 1  # only one of the two is pushed
                self.push(Op.PUSH, 0, 0)
                self.here(end)

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
            case meaning.Load(variable, read_as):
                self.load(variable, read_as)
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

    def load(self, variable: int, kind: Kind) -> None:
        """Write a variable's value onto the stack."""
        declared = self.variables[variable]
        if kind is Kind.TEXT:
            self.push(Op.LOAD_TEXT, variable)
        elif declared.type is Type.ANY:
            self.push(Op.LOAD_NUMBER if kind is Kind.NUMBER else Op.LOAD_TRUTH, variable)
        else:
            shift = DIGITS - declared.decimals if kind is Kind.NUMBER else 0
            self.push(Op.LOAD, variable, shift)

    # Instructions.

    def put(self, op: Op, a: int = 0, b: int = 0, c: int = 0) -> None:
        """Write an instruction that leaves the stack as it is."""
        for operand in (a, b, c):
            assert INT64_MIN <= operand <= INT64_MAX, "an operand is beyond 64 bits"
        self.code += (int(op), a, b, c)
        if len(self.code) > 4 * MAX_CODE:
            raise TooLarge(self.line, "this module is too large; split it up")

    def push(self, op: Op, a: int = 0, b: int = 0, c: int = 0) -> None:
        """Write an instruction that puts a value onto the stack."""
        self.depth += 1
        if self.depth > STACK_DEPTH:
            raise TooLarge(self.line, "this expression is too long; split it up")
        self.put(op, a, b, c)

    def pop(self, op: Op, a: int = 0) -> None:
        """Write an instruction that leaves one value less on the stack."""
        self.depth -= 1
        self.put(op, a)

    def jump(self, op: Op, target: _Label, b: int = 0, c: int = 0) -> None:
        """Write a jump."""
        if target.pc < 0:
            target.wanted.append(len(self.code) + 1)
        self.put(op, max(target.pc, 0), b, c)

    def jump_popping(self, op: Op, target: _Label) -> None:
        """Write a jump that takes its condition from the stack."""
        self.depth -= 1
        self.jump(op, target)

    def here(self, label: _Label) -> None:
        """Let a label stand for the next instruction."""
        label.pc = len(self.code)
        for place in label.wanted:
            self.code[place] = label.pc

    def mark(self, line: int) -> None:
        """Let what follows belong to a line."""
        self.line = line
        if self.lines and self.lines[-1][0] == len(self.code):
            self.lines.pop()
        if not self.lines or self.lines[-1][1] != line:
            self.lines.append((len(self.code), line))

    def text(self, text: str) -> int:
        """Return the number of a text."""
        return self.texts.setdefault(text, len(self.texts))


def _condition(line: meaning.Line) -> meaning.Condition:
    return line.does  # type: ignore[return-value]


def _kind(left: meaning.Value, right: meaning.Value) -> Kind:
    """Return the kind of two compared values; a condition among them makes it TRUTH."""
    for side in (left, right):
        match side:
            case meaning.Load(_, kind):
                return kind
            case meaning.Number() | meaning.Arithmetic() | meaning.Function():
                return Kind.NUMBER
            case meaning.Text():
                return Kind.TEXT
            case meaning.Clock():
                return Kind.CLOCK
    return Kind.TRUTH


def _shortest(scaled: int) -> tuple[int, int]:
    """Return a, b with a * 10 ** b = `scaled`, a as short as it gets."""
    a, b = scaled, 0
    while b < DIGITS and a % 10 == 0 and a:
        a, b = a // 10, b + 1
    return a, b
