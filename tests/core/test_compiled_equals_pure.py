"""The compiled core and the pure one are one program: same houses, same messages, same everything.

The one idea: the source lies beside the library that was made of it. It is loaded here under other
names, as Python, while `myocan.hub.core` stays compiled; both run in one process.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.assemble import assemble, batch, deliver
from core.houses import Case, cases
from core.test_instructions import CASES, described, program
from core.test_instructions import Case as InstructionCase
from myocan.hub import core
from myocan.hub.core import COMPILED, Core

pytestmark = pytest.mark.skipif(not COMPILED, reason="this is the pure build: nothing to compare")


@contextmanager
def standing_for(names: dict[str, ModuleType]) -> Iterator[None]:
    """Let imports find these modules under these names for a while."""
    before = {name: sys.modules[name] for name in names}
    sys.modules.update(names)
    try:
        yield
    finally:
        sys.modules.update(before)


def source_of(name: str) -> ModuleType:
    """Load a module of the core from its .py, under a name of its own."""
    path = Path(str(core.__file__)).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"pure_core_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pure() -> Any:
    """The class Core of the pure build."""
    standing: dict[str, ModuleType] = {}
    parents = ("tables", "variables", "machine", "granted", "cycle", "taking", "commits")
    for name in ("instances", *parents):
        with standing_for(standing):
            standing[f"myocan.hub.core.{name}"] = source_of(name)
    with standing_for(standing):
        dispatch = source_of("dispatch")
    assert not dispatch.COMPILED
    assert {one.__module__ for one in dispatch.Core.__mro__[1:-1]} == {
        f"pure_core_{name}"
        for name in ("tables", "variables", "machine", "granted", "cycle", "taking", "commits")
    }
    return dispatch.Core


def all_of(one: Any) -> dict[str, Any]:
    """Return everything that a core tells."""
    return {
        "rows": one.rows(),
        "changes": one.changes(),
        "texts": one.texts,
        "topics": one.topics,
        "epoch": one.epoch,
        "snapshot": one.snapshot(),
        "lines": [one.line(row[5]) for row in one.rows()],
        "names": [one.name_of(change[1]) for change in one.changes()],
    }


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, *HealthCheck],
)
@given(case=cases(), compact=st.booleans())
def test_random_houses_are_the_same_in_both(pure: Any, case: Case, compact: bool) -> None:
    programs = [assemble(module, case.short) for module in case.modules]
    cores = Core(), pure()
    for one in cores:
        one.link(programs)
    for messages, now, relink in zip(case.batches, case.times, case.relink, strict=True):
        for one in cores:
            if relink:
                one.link(one.programs)
            deliver(one, messages, now)
            one.compact()
        assert all_of(cores[0]) == all_of(cores[1])


@pytest.mark.parametrize("case", CASES, ids=described)
def test_every_instruction_is_the_same_in_both(pure: Any, case: InstructionCase) -> None:
    code, sent, _expected = case
    cores = Core(), pure()
    for one in cores:
        one.link([program(code)])
        one.run(*batch(one, [(("", "x", "in"), sent)]))
    assert all_of(cores[0]) == all_of(cores[1])


def test_both_offer_the_same_methods(pure: Any) -> None:
    offered = [{name for name in dir(one) if not name.startswith("_")} for one in (Core(), pure())]
    assert offered[0] == offered[1]
