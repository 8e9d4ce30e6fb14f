"""Whether a program that was kept somewhere is safe to run, found out without running it.

The one idea: the core trusts a program, and the compiled one looks at no bound, so what comes back
from a disk is followed here on all its ways first. A program that passes names only what exists,
jumps only to instructions, keeps the stack balanced, takes no number for a text, and comes to an
end. It may still mean something else than the text that it was made of: that no check can tell.
"""

from __future__ import annotations

from myocan.hub.core.program import (
    INT64_MAX,
    INT64_MIN,
    STACK_DEPTH,
    ClockPart,
    Op,
    Program,
    Role,
    Type,
    Variable,
)
from myocan.hub.patterns import fault_of, matches

__all__ = ["check"]

_JUMPS = frozenset(op for op in Op if op.name.startswith(("JUMP", "UNLESS_")))
_UNLESS = frozenset(op for op in Op if op.name.startswith("UNLESS_"))
_ENDS = frozenset((Op.MATCHED, Op.UNMATCHED))
_BINARY = frozenset((Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.MIN, Op.MAX))
_COMPARED = frozenset((Op.EQ, Op.NE, Op.LT, Op.LE, Op.GT, Op.GE))
_TEXT_IN_A = frozenset((Op.PUSH_TEXT, Op.PIECE_TEXT, Op.ARGUMENT_TEXT, Op.CALL))
_TEXT_IN_B = frozenset((Op.SET_TEXT, Op.SELECT))
_OF_AN_INSTANCE = frozenset((Op.LOAD_KEY, Op.PIECE_KEY, Op.ARGUMENT_KEY))
_SELECTING = frozenset((Op.SELECT, Op.SELECT_BY))
_PLAIN = frozenset((Type.ENUMERATION, Type.BOOLEAN, Type.DECIMAL, Type.TIME))
_PARTS = frozenset(ClockPart)
_ANY = frozenset((Type.ANY,))
_FINITE = frozenset((Type.ENUMERATION, Type.BOOLEAN))
_SAID = frozenset(Type) - {Type.EVENT}

_IN_A = {
    Op.LOAD: frozenset((Type.DECIMAL, Type.BOOLEAN, Type.TIME)),
    Op.LOAD_TEXT: frozenset((Type.TEXT, Type.ENUMERATION, Type.ANY)),
    Op.LOAD_NUMBER: _ANY,
    Op.LOAD_TRUTH: _ANY,
    Op.ANY_EQUAL: _ANY,
    Op.HAS_NUMBER: _ANY,
    Op.IS_NUMBER: _ANY,
    Op.SET: _PLAIN,
    Op.SET_TEXT: frozenset((Type.TEXT,)),
    Op.STORE: frozenset((Type.DECIMAL,)),
    Op.STORE_RAW: frozenset((Type.BOOLEAN, Type.TIME)),
    Op.STORE_TEXT: frozenset((Type.TEXT, Type.ENUMERATION)),
    Op.COPY: _SAID - _ANY,
    Op.ADD_CONST: frozenset((Type.DECIMAL,)),
    Op.NEXT: _FINITE,
    Op.ACTIVATE: frozenset((Type.EVENT,)),
    Op.PIECE_VAR: _SAID,
    Op.ARGUMENT_VAR: _SAID,
    Op.DIFFERS: frozenset(Type),
    Op.START: frozenset((Type.EVENT,)),
    Op.RESET: frozenset((Type.EVENT,)),
    Op.CANCEL: frozenset((Type.EVENT,)),
    Op.SELECT: frozenset(Type),
    Op.SELECT_BY: frozenset(Type),
}
"""Instructions whose operand a is a variable, and the types that it may have."""

_NUMBER, _TEXT = 0, 1
"""What is on the stack; a condition is a number."""

_Place = tuple[int, tuple[int, ...], int]
"""A pc, the stack there, and the map of which a key is selected, -1 for none."""

_EFFECT: dict[Op, tuple[tuple[int, ...], tuple[int, ...]]] = {
    Op.PUSH: ((), (_NUMBER,)),
    Op.PUSH_TEXT: ((), (_TEXT,)),
    Op.LOAD: ((), (_NUMBER,)),
    Op.LOAD_TEXT: ((), (_TEXT,)),
    Op.LOAD_NUMBER: ((), (_NUMBER,)),
    Op.LOAD_TRUTH: ((), (_NUMBER,)),
    Op.ANY_EQUAL: ((), (_NUMBER,)),
    Op.HAS_NUMBER: ((), (_NUMBER,)),
    Op.IS_NUMBER: ((), (_NUMBER,)),
    Op.LOAD_KEY: ((), (_TEXT,)),
    Op.LOAD_CLOCK: ((), (_NUMBER,)),
    Op.ASK: ((), (_NUMBER,)),
    Op.DIFFERS: ((), (_NUMBER,)),
    Op.NEG: ((_NUMBER,), (_NUMBER,)),
    Op.ABS: ((_NUMBER,), (_NUMBER,)),
    Op.ROUND: ((_NUMBER,), (_NUMBER,)),
    Op.NOT: ((_NUMBER,), (_NUMBER,)),
    Op.JUMP_IF: ((_NUMBER,), ()),
    Op.JUMP_UNLESS: ((_NUMBER,), ()),
    Op.STORE: ((_NUMBER,), ()),
    Op.STORE_RAW: ((_NUMBER,), ()),
    Op.STORE_TEXT: ((_TEXT,), ()),
    Op.PIECE_NUMBER: ((_NUMBER,), ()),
    Op.ARGUMENT_NUMBER: ((_NUMBER,), ()),
    Op.ARGUMENT_TRUTH: ((_NUMBER,), ()),
    Op.CREATE: ((_TEXT,), ()),
    Op.DROP: ((_TEXT,), ()),
    Op.SELECT_BY: ((_TEXT,), ()),
    **dict.fromkeys(_BINARY, ((_NUMBER, _NUMBER), (_NUMBER,))),
}
"""What an instruction takes from the stack and leaves there, if it does; `_COMPARED` take two of
one kind."""


def check(program: Program) -> None:
    """Raise ValueError, which says what is wrong, unless the program is safe to run."""
    _integers("an instruction", program.code)
    _require(len(program.code) % 4 == 0, "its last instruction is cut off")
    _texts("a text", (program.module, program.key, program.agent, program.python, *program.texts))
    _flag(program.auto)
    _flag(program.history)
    for variable in program.variables:
        _check_variable(variable)
    _check_layout(program)
    count = len(program.variables)
    for entries, keyed in ((program.entries, False), (program.keyed_entries, True)):
        _integers("an entry", (*entries.keys(), *entries.values()))
        for number, start in entries.items():
            _require(0 <= number < count, "an ON of no variable")
            variable = program.variables[number]
            _require(variable.role in (Role.SUBSCRIBE, Role.TIMER), "an ON of what is not heard")
            _require(keyed or not variable.keyed, "an ON of all for what is an instance's")
            _Walk(program, keyed).follow(start)
    for at in program.ats:
        _texts("an AT", (at.identity, at.schedule))
        _integers("an AT", (at.pc, at.line))
        _Walk(program, _flag(at.keyed)).follow(at.pc)
    for when in program.whens:
        _integers("a WHEN", (when.condition, when.actions, when.line, *when.reads))
        _require(all(0 <= number < count for number in when.reads), "a WHEN reads no variable")
        for start in (when.condition, when.actions):
            _Walk(program, _flag(when.keyed)).follow(start)
    for pc, line in program.lines:
        _integers("a line", (pc, line))
    for told in program.attributes:
        _integers("an attribute", (told.of, told.variable))
        _require(0 <= told.of < count and 0 <= told.variable < count, "an attribute of nothing")
    for definition in program.topics:
        _texts("a topic", (*definition.topic, definition.keep, *definition.members))
        _integers("a topic", (definition.line,))


def _check_layout(program: Program) -> None:
    """What the linker moves is there, in code that no way leads to, too."""
    code, texts = program.code, len(program.texts)
    for pc in range(0, len(code), 4):
        op, a, b = Op(code[pc]), code[pc + 1], code[pc + 2]
        _require(op not in _TEXT_IN_A or 0 <= a < texts, "a text that is not there")
        _require(op not in _TEXT_IN_B or 0 <= b < texts, "a text that is not there")
        if op in _JUMPS:
            _require(0 <= a < len(code), "it jumps to where no instruction is")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def _integers(what: str, numbers: tuple[object, ...]) -> None:
    for number in numbers:
        if type(number) is not int or not INT64_MIN <= number <= INT64_MAX:
            raise ValueError(f"{what} has no whole number where one belongs")


def _texts(what: str, texts: tuple[object, ...]) -> None:
    for text in texts:
        if type(text) is not str:
            raise ValueError(f"{what} is none")
        text.encode()  # a lone surrogate is a ValueError


def _flag(value: object) -> bool:
    _require(type(value) is bool, "it is neither yes nor no")
    return value is True


def _check_variable(variable: Variable) -> None:
    _texts("a name", (variable.name, variable.instance, *variable.members))
    _texts("a topic", variable.topic or ())
    _flag(variable.keyed)
    _flag(variable.map)
    numbers = (variable.lower, variable.upper, variable.decimals, variable.line)
    _integers("a variable", (*numbers, variable.duration_ms))
    _require(0 <= variable.decimals <= 9, "a variable of too many decimals")
    _texts("a pattern", (variable.pattern,))
    _require(not variable.pattern or variable.type is Type.TEXT, "a pattern of what is no text")
    _require(not (variable.pattern and fault_of(variable.pattern)), "a pattern that is none")
    if variable.type is Type.TEXT:
        _texts("an initial value", (variable.initial,))
        return
    _integers("an initial value", (variable.initial,))
    if variable.type is Type.ENUMERATION:
        _require(bool(variable.members), "an enumeration without a member")
    _in_range(variable, variable.initial)


def _in_range(variable: Variable, constant: object) -> None:
    """A constant of a variable, in its slot's units, is one that it can have."""
    low, high = {
        Type.ENUMERATION: (0, len(variable.members) - 1),
        Type.BOOLEAN: (0, 1),
        Type.TIME: (0, 1439),
    }.get(variable.type, (INT64_MIN, INT64_MAX))
    _require(isinstance(constant, int) and low <= constant <= high, "a value out of range")


class _Walk:
    """All ways through a program from one place on."""

    def __init__(self, program: Program, keyed: bool) -> None:
        self._program = program
        self._keyed = keyed
        self._seen: dict[int, tuple[tuple[int, ...], int]] = {}

    def follow(self, start: int) -> None:
        """Follow them all, to their ends."""
        path: set[int] = set()
        pending: list[_Place | int] = [(start, (), -1)]  # a number: its ways on are all known
        while pending:
            place = pending.pop()
            if isinstance(place, int):
                path.discard(place)
                continue
            pc, stack, selected = place
            _require(pc not in path, "it would never come to an end")
            if pc in self._seen:
                _require(self._seen[pc] == (stack, selected), "its stack is not balanced")
                continue
            self._seen[pc] = (stack, selected)
            path.add(pc)
            pending.append(pc)
            pending += self._step(pc, stack, selected)

    def _step(self, pc: int, stack: tuple[int, ...], selected: int) -> list[_Place]:
        """Look at an instruction; return where it goes on, with the stack and the map in force."""
        code = self._program.code
        _require(pc % 4 == 0 and 0 <= pc < len(code), "it jumps to where no instruction is")
        number, a, b, c = code[pc : pc + 4]
        op = Op(number)
        self._check_operands(op, a, b, c)
        named = self._named(op, a, b)
        _require(selected < 0 or all(one == selected for one in named), "it names two at once")
        stack = _pushed(op, stack)
        if op in _ENDS:
            _require(selected < 0 and not stack, "it ends too early")
            return []
        if op in _JUMPS:
            _require(selected < 0, "it jumps while a key is selected")
            onward = [] if op is Op.JUMP else [(pc + 4, stack, -1)]
            return [*onward, (a, stack, -1)]
        if op in _SELECTING:
            _require(selected < 0, "one key within another")
            selected = a
        elif op is Op.DESELECT:
            _require(selected >= 0, "no key is selected")
            selected = -1
        return [(pc + 4, stack, selected)]

    def _named(self, op: Op, a: int, b: int) -> list[int]:
        """Return the variables that an instruction names beside the map that it selects."""
        if op in _SELECTING:
            return []
        named = [a] if op in _IN_A else []
        if op in (Op.COPY, Op.ANY_EQUAL) or op in _UNLESS:
            named.append(b)
        if op is Op.LOAD_CLOCK and a != ClockPart.NOW:
            named.append(b)
        return named

    def _check_operands(self, op: Op, a: int, b: int, c: int) -> None:
        variables = self._program.variables
        for one in [*self._named(op, a, b), *([a] if op in _SELECTING else [])]:
            _require(0 <= one < len(variables), "it names a variable that is not there")
            _require(self._keyed or not variables[one].keyed, "it names what is an instance's")
        if op in _IN_A:
            _require(variables[a].type in _IN_A[op], "a variable of another type")
        if op in _UNLESS:
            _require(variables[b].type in _PLAIN, "a comparison of another type")
        if op is Op.COPY:
            _require(variables[b].type is not Type.EVENT, "COPY of an event")
        if op is Op.ANY_EQUAL:
            _require(variables[b].type is Type.ANY, "ANY_EQUAL of another type")
        if op in _SELECTING:
            _require(variables[a].map, "it selects a key of what has none")
        if op is Op.SET:
            _in_range(variables[a], b)
        if op is Op.SET_TEXT and variables[a].pattern:
            fits = matches(variables[a].pattern, self._program.texts[b])
            _require(fits, "a text that does not match its pattern")
        if op in (Op.START, Op.RESET, Op.CANCEL):
            _require(variables[a].role is Role.TIMER, "it times what is no timer")
        _require(op not in (Op.PUSH, Op.LOAD) or 0 <= b <= 9, "a number that is too large")
        _require(op is not Op.HAS_NUMBER or 0 <= c <= 9, "a number that is too large")
        _require(op is not Op.ROUND or 0 <= a <= 9, "too many digits")
        _require(op is not Op.LOG or 0 <= a <= 2, "a level of the log that is not there")
        _require(op is not Op.LOAD_CLOCK or a in _PARTS, "no part of the clock")
        _require(self._keyed or op not in _OF_AN_INSTANCE, "a key where there is none")
        if op in (Op.RUN, Op.ASK):
            _require(bool(self._program.python), "a method of rules")
            _require(a >= 0 and -1 <= b < len(variables), "a method that is not there")
        _require(
            bool(self._program.key) or op not in (Op.CREATE, Op.DROP), "instances of what has none"
        )


def _pushed(op: Op, stack: tuple[int, ...]) -> tuple[int, ...]:
    """Return the stack behind an instruction."""
    if op in _COMPARED:
        _require(len(stack) >= 2 and stack[-1] == stack[-2], "it compares what is not there")
        return (*stack[:-2], _NUMBER)
    takes, leaves = _EFFECT.get(op, ((), ()))
    if takes:
        _require(stack[-len(takes) :] == takes, "it takes what is not on the stack")
        stack = stack[: -len(takes)]
    stack += leaves
    _require(len(stack) <= STACK_DEPTH, "its stack is too high")
    return stack
