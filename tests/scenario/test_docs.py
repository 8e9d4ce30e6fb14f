"""Every example of docs/scenarios.md is run, and comes out as the page says.

Blocks of the page: `scc` is a module, which takes part in all that follows; `scenario` is a file of
scenarios; `passed`, `mistakes` or `failed`, below one, is what `myocan test` has to say of it.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from myocan.hub.scenario import read_scenarios, run_scenario
from scenario.playing import cast_of, modules_of

PAGE = Path(__file__).parents[2] / "docs" / "scenarios.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)


def told_of() -> list[tuple[str, str, str, str]]:
    """Return (modules so far, scenarios, kind of the answer, answer) of each example."""
    modules, found = "", []
    for (kind, text), (other, answer) in pairwise(BLOCKS):
        if kind == "scc":
            modules += text
        elif kind == "scenario":
            found.append((modules, text, other, answer))
    return found


EXAMPLES = told_of()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example[1].splitlines()[0])
def test_an_example_comes_out_as_the_page_says(example: tuple[str, str, str, str]) -> None:
    modules, text, kind, answer = example
    cast = cast_of(modules_of(modules))
    assert not cast.broken
    read = read_scenarios(text, "m.scenario", cast)
    assert "".join(f"{d.render(text)}\n" for d in read.diagnostics) == (
        answer if kind == "mistakes" else ""
    )
    outcomes = [run_scenario(scenario, cast) for scenario in read.scenarios]
    failed = [
        "\n".join(
            [f"FAILED  {one.title}", *(f"  {line}".rstrip() for line in one.failure.told(one.file))]
        )
        for one in outcomes
        if one.failure is not None
    ]
    assert "\n".join(failed) == (answer.rstrip("\n") if kind == "failed" else "")
    if kind == "passed":
        count = len(outcomes)
        plural = "s" if count > 1 else ""
        assert answer == f"{count} scenario{plural}: {count} passed\n"


def test_no_block_of_the_page_is_left_out() -> None:
    kinds = [kind for kind, _ in BLOCKS]
    assert set(kinds) <= {"scc", "scenario", "passed", "mistakes", "failed"}
    answers = sum(kinds.count(kind) for kind in ("passed", "mistakes", "failed"))
    assert len(EXAMPLES) == kinds.count("scenario") == answers
    assert PAGE.read_text(encoding="utf-8").count("```") == 2 * len(BLOCKS)
