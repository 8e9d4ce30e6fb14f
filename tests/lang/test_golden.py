"""The code of a few modules, instruction by instruction.

`golden/NAME.code` is what `disassemble` says of `golden/NAME.scc`. A change of what is generated
shows here, and raises `COMPILER_VERSION`, which stands in the first line of each file.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from myocan.hub.core import Op, Program
from myocan.hub.lang import COMPILER_VERSION, compile_module

GOLDEN = Path(__file__).with_name("golden")
NAMES = sorted(path.stem for path in GOLDEN.glob("*.scc"))


def disassemble(program: Program) -> str:
    """Return a program's code in lines: each instruction, with the reaction that begins there."""
    entry_of = {pc: f"ON {program.variables[v].name}" for v, pc in program.entries.items()}
    entry_of.update(
        (pc, f"ON {program.variables[v].name}[{program.key}]")
        for v, pc in program.keyed_entries.items()
    )
    entry_of.update((at.pc, f"AT {at.identity}") for at in program.ats)
    lines_of = dict(program.lines)
    out = []
    for pc in range(0, len(program.code), 4):
        op, a, b, c = program.code[pc : pc + 4]
        if pc in entry_of:
            out.append(f"{entry_of[pc]}:")
        where = f"  ; line {lines_of[pc]}" if pc in lines_of else ""
        out.append(f"{pc:6d}  {Op(op).name:<13} {a} {b} {c}{where}")
    return "\n".join(out)


def listing(program: Program) -> str:
    """Return all that can change about a program: its code, and what the code refers to."""
    parts = [f"version {COMPILER_VERSION}", disassemble(program)]
    parts += [
        f"WHEN condition {when.condition}, actions {when.actions}, reads {list(when.reads)}, "
        f"line {when.line}{', of one' * when.keyed}"
        for when in program.whens
    ]
    parts += [
        f"AT {at.identity}, line {at.line}{', of one' * at.keyed}: {at.schedule}"
        for at in program.ats
    ]
    parts += [f"text {number}: {text}" for number, text in enumerate(program.texts)]
    parts += [
        f"attribute {each.kind.name} of {each.of} in {each.variable}" for each in program.attributes
    ]
    parts += [f"topic {'.'.join(each.topic[1:])}: {each}" for each in program.topics]
    if program.key:
        parts.append(f"key {program.key}, auto {program.auto}, agent {program.agent!r}")
    return "\n".join(parts) + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_the_code_of_a_module_is(name: str) -> None:
    compiled = compile_module((GOLDEN / f"{name}.scc").read_text(encoding="utf-8"), name)
    assert compiled.diagnostics == []
    assert compiled.program is not None
    expected = (GOLDEN / f"{name}.code").read_text(encoding="utf-8")
    assert listing(compiled.program) == expected


def test_there_are_golden_programs() -> None:
    assert NAMES == ["alternatives", "lamp", "office", "porch", "rooms", "thermostat"]
