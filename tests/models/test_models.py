"""The models of the two ways between board and hub hold, and would notice if they did not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from models.verify import HERE, MUTANTS, SOUND, Run, missing, mutants, verify

needs_spin = pytest.mark.skipif(bool(missing()), reason=missing())


@needs_spin
@pytest.mark.parametrize("run", SOUND, ids=str)
def test_the_design_has_no_error(run: Run) -> None:
    outcome = verify(run)
    assert outcome.errors == 0, outcome.text
    assert outcome.complete, outcome.text


@needs_spin
@pytest.mark.parametrize("run", mutants(), ids=str)
def test_a_mutant_is_caught(run: Run) -> None:
    outcome = verify(run)
    assert outcome.errors > 0, outcome.text
    assert re.search(r"assertion violated|acceptance cycle", outcome.text)


@pytest.mark.parametrize("model", ["session", "down"])
def test_every_mutant_of_a_model_is_tried_and_told_of(model: str) -> None:
    said = set(re.findall(r"MUTANT_([A-Z_]+)", (HERE / f"{model}.pml").read_text()))
    tried = {name for run, names in MUTANTS.items() if run.model == model for name in names}
    assert said == tried
    told = Path(HERE / "README.md").read_text()
    assert [name for name in sorted(said) if f"`{name}`" not in told] == []
