"""What a text means is what its tree means: the compiler and the core against the reference.

The one idea: a random tree is written as text and compiled, as if somebody had written it; then the
core runs the program and the reference the tree, and everything that they tell is compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from core import houses
from core.agreement import Pair
from core.houses import Case
from core.reference import Module, fold
from core.test_against_reference import agree
from lang.living import Living
from lang.spelling import spell
from myocan.hub.core import Core, Program
from myocan.hub.lang import compile_module


class Spelled(Pair):
    """The core runs what the compiler makes of the modules' texts."""

    def program_of(self, module: Module) -> Program:
        return compiled(module)


def compiled(module: Module) -> Program:
    """Return the program of a module's text; what the compiler refuses is not looked at."""
    found = compile_module(spell(module), module.name)
    assume(found.program is not None)
    assert found.program is not None
    return found.program


def as_compiled(module: Module) -> Module:
    """Return a tree with what only the compiler can know: its ATs' names, what it hides, and where.

    A variable that no line declares is in a program if a rule names it, in the order of its use.
    """
    program = compiled(module)
    declared = {fold(var.name): var for var in module.variables}
    ats = zip(module.ats, program.ats, strict=True)
    return replace(
        module,
        variables=tuple(
            replace(declared[fold(var.name)], line=var.line) for var in program.variables
        ),
        ats=tuple(replace(at, identity=known.identity) for at, known in ats),
        attributes=tuple(
            told
            for told in module.attributes
            if any(fold(var.name) == fold(told.var.name) for var in program.variables)
        ),
    )


@st.composite
def spelled_cases(draw: Any) -> Case:
    """Draw a house that can be written down, and what happens in it."""
    trees: Sequence[Module] = houses.modules(draw, spelled=True)
    return houses.lived(draw, tuple(map(as_compiled, trees)))


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(spelled_cases())
def test_a_text_does_what_its_tree_means(case: Case) -> None:
    agree(case, Spelled(case.modules, Core()))


def test_a_when_that_reads_one_key_of_a_map_does_not_wait_for_others() -> None:
    text = """\
MODULE m
SUBSCRIBE x.level 0
PUBLIC part[name] 0
PUBLIC seen 0
ON x.level > 5
  THEN part["hall"] = x.level
ON x.level
  THEN part["attic"] = x.level
WHEN part["hall"] >= 0
  THEN seen++
"""
    house = Living(m=text)
    assert house.send("x.level = 3") == ["m[attic].part = 3"]
    assert house.send("x.level = 7") == ["m[hall].part = 7", "m.seen = 1"]
