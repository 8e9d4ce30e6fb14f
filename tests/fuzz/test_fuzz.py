"""Every reader keeps its promise: for its corpus, and for a few inputs of each kind.

`python tests/fuzz/run.py` goes on for as long as one likes.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuzz.mutation import load, mutated
from fuzz.run import Run, folder_in_memory
from fuzz.target import Target
from fuzz.targets import TARGETS

INPUTS = {
    "wire": 300,
    "scalars": 300,
    "intake": 40,
    "house": 60,
    "adapter": 40,
    "requests": 100,
    "rules": 8,
    "scenarios": 12,
    "programs": 150,
    "python": 30,
    "models": 20,
    "store": 12,
    "import": 25,
    "agent": 5,
}
"""How many inputs the suite tries, beside the corpus."""


@pytest.fixture
def folder(caplog: pytest.LogCaptureFixture) -> Iterator[Path]:
    caplog.set_level(logging.CRITICAL)
    with folder_in_memory() as folder:
        yield Path(folder)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_reader_keeps_its_promise(target: type[Target], folder: Path) -> None:
    run = Run(target, folder)
    for number in range(-len(run.entries), INPUTS[target.name]):
        try:
            run.try_one(number)
        except Exception as error:
            error.add_note(f"python tests/fuzz/run.py --target {target.name} --inputs 1 "
                           f"--seed {number} --show")  # fmt: skip
            raise
    assert len(run.became) > 1 or target.name in ("agent",), "all inputs come to the same"


def test_an_input_follows_from_its_number() -> None:
    entries = load("wire")
    inputs = [mutated(entries, random.Random(number)) for number in range(200)]
    assert inputs == [mutated(entries, random.Random(number)) for number in range(200)]
    assert len(set(inputs)) > 150
