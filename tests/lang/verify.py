"""Checks that code is safe to run, by following it without values.

The one idea: the core trusts a program, so whatever the compiler writes must keep the stack
balanced on every way through it, come to an end, jump only to instructions, and name only what
exists.
"""

from __future__ import annotations

from graphlib import TopologicalSorter

from myocan.hub.core.program import INT64_MAX, INT64_MIN, STACK_DEPTH, Op, Program, Role, Type

UNLESS = {op for op in Op if op.name.startswith("UNLESS_")}
JUMPS = {Op.JUMP, Op.JUMP_IF, Op.JUMP_UNLESS} | UNLESS
PUSHES = {
    Op.PUSH,
    Op.PUSH_TEXT,
    Op.LOAD,
    Op.LOAD_TEXT,
    Op.LOAD_NUMBER,
    Op.LOAD_TRUTH,
    Op.ANY_EQUAL,
    Op.HAS_NUMBER,
    *(Op.IS_NUMBER, Op.LOAD_KEY, Op.LOAD_CLOCK, Op.DIFFERS),
}
POPS = {
    Op.JUMP_IF,
    Op.JUMP_UNLESS,
    Op.STORE,
    Op.STORE_RAW,
    Op.STORE_TEXT,
    Op.PIECE_NUMBER,
    *(Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.MIN, Op.MAX),
    *(Op.EQ, Op.NE, Op.LT, Op.LE, Op.GT, Op.GE),
    *(Op.CREATE, Op.DROP, Op.SELECT_BY, Op.ARGUMENT_NUMBER, Op.ARGUMENT_TRUTH),
}
TAKES = {
    Op.LOAD: {Type.DECIMAL, Type.BOOLEAN, Type.TIME},
    Op.LOAD_TEXT: {Type.TEXT, Type.ENUMERATION, Type.ANY},
    Op.LOAD_NUMBER: {Type.ANY},
    Op.LOAD_TRUTH: {Type.ANY},
    Op.HAS_NUMBER: {Type.ANY},
    Op.SET: {Type.ENUMERATION, Type.BOOLEAN, Type.DECIMAL, Type.TIME},
    Op.SET_TEXT: {Type.TEXT},
    Op.STORE: {Type.DECIMAL},
    Op.STORE_RAW: {Type.BOOLEAN, Type.TIME},
    Op.STORE_TEXT: {Type.TEXT, Type.ENUMERATION},
    Op.ADD_CONST: {Type.DECIMAL},
    Op.NEXT: {Type.ENUMERATION, Type.BOOLEAN},
    Op.ACTIVATE: {Type.EVENT},
    Op.COPY: set(Type) - {Type.EVENT, Type.ANY},
    Op.PIECE_VAR: set(Type) - {Type.EVENT},
    Op.ANY_EQUAL: {Type.ANY},
    Op.IS_NUMBER: {Type.ANY},
    Op.ARGUMENT_VAR: set(Type) - {Type.EVENT},
}
WRITES = {
    Op.SET,
    Op.SET_TEXT,
    Op.STORE,
    Op.STORE_RAW,
    Op.STORE_TEXT,
    Op.COPY,
    Op.ADD_CONST,
    Op.NEXT,
    Op.ACTIVATE,
    Op.START,
    Op.RESET,
    Op.CANCEL,
}
NAMES_A = {
    *(WRITES - {Op.COPY}),
    *(Op.LOAD, Op.LOAD_TEXT, Op.LOAD_NUMBER, Op.LOAD_TRUTH, Op.HAS_NUMBER, Op.IS_NUMBER),
    *(Op.PIECE_VAR, Op.ARGUMENT_VAR, Op.DIFFERS),
}
NAMES_B = {*UNLESS, Op.LOAD_CLOCK}
NAMES_BOTH = {Op.COPY, Op.ANY_EQUAL}


def verify(program: Program) -> None:
    """Raise AssertionError (or graphlib.CycleError) if the code could do anything but run."""
    assert len(program.code) % 4 == 0
    assert all(INT64_MIN <= number <= INT64_MAX for number in program.code)
    for entries, keyed in ((program.entries, False), (program.keyed_entries, True)):
        for variable, start in entries.items():
            assert program.variables[variable].role in (Role.SUBSCRIBE, Role.TIMER)
            assert keyed or not program.variables[variable].keyed
            _follow(program, start, keyed)
    assert len({at.identity for at in program.ats}) == len(program.ats)
    for at in program.ats:
        _follow(program, at.pc, at.keyed)
    for when in program.whens:
        assert list(when.reads) == sorted(set(when.reads))
        assert all(0 <= variable < len(program.variables) for variable in when.reads)
        written = _follow(program, when.condition, when.keyed)
        assert not written, "a condition writes"
        _follow(program, when.actions, when.keyed)
    places = [place for place, _ in program.lines]
    assert places == sorted(set(places))
    assert all(place % 4 == 0 and 0 <= place < len(program.code) for place in places)
    assert all(line >= 1 for _, line in program.lines)


def _follow(program: Program, start: int, keyed: bool) -> set[int]:
    """Follow all ways from a pc on; return the variables that are written on one of them."""
    heights: dict[int, int] = {}
    selected: dict[int, int | None] = {start: None}
    waiting = [(start, 0)]
    written: set[int] = set()
    ways: dict[int, list[int]] = {}
    while waiting:
        pc, height = waiting.pop()
        assert pc % 4 == 0, f"{pc} is within an instruction"
        assert 0 <= pc < len(program.code), f"{pc} is outside the code"
        if pc in heights:
            assert heights[pc] == height, f"two heights of the stack at {pc}"
            continue
        heights[pc] = height
        op, a, b, c = program.code[pc : pc + 4]
        op = Op(op)
        _operands(program, op, a, b, c)
        _keys(program, op, a, b, keyed, selected[pc])
        selected[pc + 4] = _selected(program, op, a, selected[pc])
        if op in WRITES:
            written.add(a)
        height += (op in PUSHES) - (op in POPS)
        assert 0 <= height <= STACK_DEPTH, f"stack of {height} at {pc}"
        if op in (Op.MATCHED, Op.UNMATCHED):
            assert height == 0, f"something is left on the stack at {pc}"
            continue
        if op in JUMPS:
            ways.setdefault(pc, []).append(a)
            selected[a] = None
            waiting.append((a, height))
        if op is not Op.JUMP:
            ways.setdefault(pc, []).append(pc + 4)
            waiting.append((pc + 4, height))
    TopologicalSorter(ways).prepare()  # raises CycleError for a run that might not end
    return written


def _selected(program: Program, op: Op, a: int, before: int | None) -> int | None:
    """Return the map whose value is meant behind an instruction, None for none."""
    if op in (Op.SELECT, Op.SELECT_BY):
        assert before is None, "one key within another"
        assert program.variables[a].map
        return a
    if before is not None:
        assert op not in JUMPS, "a jump while a key is selected"
        assert op not in (Op.MATCHED, Op.UNMATCHED), "a key stays selected"
    assert op is not Op.DESELECT or before is not None
    return None if op is Op.DESELECT else before


def _keys(program: Program, op: Op, a: int, b: int, keyed: bool, selected: int | None) -> None:
    """Hold the variables that an instruction names to whose they are."""
    named = [a] if op in NAMES_A else [b] if op in NAMES_B else [a, b] if op in NAMES_BOTH else []
    for number in named:
        variable = program.variables[number]
        assert keyed or not variable.keyed, "a reaction of all names what is an instance's"
        assert not keyed or variable.keyed or op not in WRITES, "an instance writes what is of all"
        assert variable.map is (selected == number), f"{op.name} of a map, or within another"
    assert keyed or op not in (Op.LOAD_KEY, Op.PIECE_KEY, Op.ARGUMENT_KEY)
    assert program.key or op not in (Op.CREATE, Op.DROP)


def _operands(program: Program, op: Op, a: int, b: int, c: int) -> None:
    variables = program.variables
    if op in TAKES:
        assert variables[a].type in TAKES[op], f"{op.name} of a {variables[a].type.name}"
    if op in UNLESS:
        assert variables[b].type in TAKES[Op.SET]
        if op in (Op.UNLESS_EQ, Op.UNLESS_NE):
            _in_range(variables[b], c)
    if op in WRITES:
        assert variables[a].role is not Role.SUBSCRIBE, "a SUBSCRIBE variable is written"
    timed = op in (Op.START, Op.RESET, Op.CANCEL)
    assert not timed or variables[a].role is Role.TIMER, f"{op.name} of what is no timer"
    assert not timed or b == (0 if op is Op.CANCEL else variables[a].duration_ms)
    if op is Op.SET:
        _in_range(variables[a], b)
    if op in (Op.PUSH_TEXT, Op.PIECE_TEXT, Op.ARGUMENT_TEXT, Op.CALL):
        assert 0 <= a < len(program.texts)
    if op in (Op.SET_TEXT, Op.SELECT):
        assert 0 <= b < len(program.texts)
    if op is Op.LOAD and variables[a].type is Type.DECIMAL:
        assert b == 9 - variables[a].decimals
    if op in (Op.COPY, Op.ANY_EQUAL):
        assert variables[b].type is not Type.EVENT
    if op is Op.PUSH:
        assert 0 <= b <= 9


def _in_range(variable: object, constant: int) -> None:
    limits = {
        Type.ENUMERATION: (0, len(variable.members) - 1),  # type: ignore[attr-defined]
        Type.BOOLEAN: (0, 1),
        Type.TIME: (0, 1439),
        Type.DECIMAL: (variable.lower, variable.upper),  # type: ignore[attr-defined]
    }
    low, high = limits[variable.type]  # type: ignore[attr-defined]
    assert low <= constant <= high
