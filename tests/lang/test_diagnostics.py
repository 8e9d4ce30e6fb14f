"""What people are told: every message of the compiler, word for word.

The `.cases` files hold the table. A case is a line `=== what it shows`, the text of a module, a
line `---`, and the headlines of its diagnostics. Every module's file is m.scc.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from myocan.hub.lang import Diagnostic, compile_module

CASES = sorted(Path(__file__).parent.glob("*.cases"))


class Case(NamedTuple):
    """A text and what is said of it."""

    title: str
    text: str
    expected: list[str]


def read_cases(source: str) -> list[Case]:
    cases = []
    for block in re.split(r"^=== ", source, flags=re.MULTILINE)[1:]:
        title, _, rest = block.partition("\n")
        text, _, expected = rest.partition("---\n")
        cases.append(Case(title, text, expected.strip().splitlines()))
    return cases


TABLE = [case for path in CASES for case in read_cases(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.title)
def test_a_text_is_answered_with(case: Case) -> None:
    found = compile_module(case.text, "m").diagnostics
    assert [str(diagnostic) for diagnostic in found] == case.expected


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.title)
def test_there_is_a_program_unless_there_is_an_error(case: Case) -> None:
    compiled = compile_module(case.text, "m")
    errors = [d for d in compiled.diagnostics if d.severity == "error"]
    assert (compiled.program is None) == bool(errors)


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.title)
def test_every_diagnostic_points_into_its_line(case: Case) -> None:
    lines = case.text.split("\n")
    for found in compile_module(case.text, "m").diagnostics:
        line = lines[found.line - 1]
        assert 1 <= found.column < found.end_column <= len(line) + 2


def test_titles_are_unique() -> None:
    titles = [case.title for case in TABLE]
    assert len(set(titles)) == len(titles)


PAGE = """\
MODULE lamp1
\tSUBSCRIBE button1.press
\tPUBLIC state {on, off}
\tON button1.press
\t  AND state==off
\t  THEN state=on
\tON button1.press
\t  AND state==onn
\t  THEN state=off
"""


def test_a_diagnostic_shows_the_line_and_a_caret_below_the_place() -> None:
    (found,) = compile_module(PAGE, "lamp1").diagnostics
    assert found.render(PAGE).split("\n") == [
        "lamp1.scc:8:15: 'onn' is not one of {on, off}; did you mean 'on'?",
        "\t  AND state==onn",
        "\t             ^",
    ]


def test_the_file_is_called_what_the_caller_calls_it() -> None:
    (found,) = compile_module(PAGE, "lamp1", "modules/lamp1.scc").diagnostics
    assert str(found).startswith("modules/lamp1.scc:8:15: ")


def test_a_diagnostic_can_be_written_as_json() -> None:
    (found,) = compile_module(PAGE, "lamp1").diagnostics
    assert found.as_dict() == {
        "severity": "error",
        "file": "lamp1.scc",
        "line": 8,
        "column": 15,
        "end_column": 18,
        "message": "'onn' is not one of {on, off}",
        "suggestion": "on",
    }


def test_a_suggestion_put_in_the_place_of_the_error_mends_it() -> None:
    (found,) = compile_module(PAGE, "lamp1").diagnostics
    lines = PAGE.split("\n")
    line = lines[found.line - 1]
    lines[found.line - 1] = (
        line[: found.column - 1] + str(found.suggestion) + line[found.end_column - 1 :]
    )
    assert compile_module("\n".join(lines), "lamp1").diagnostics == []


def test_a_long_line_is_shown_around_the_place() -> None:
    text = f'MODULE m\nPRIVATE a 0\nWHEN a > 1\nTHEN log("{"x" * 300}", b, "{"y" * 300}")\n'
    (found,) = compile_module(text, "m").diagnostics
    _, shown, caret = found.render(text).split("\n")
    assert len(shown) <= 100
    assert shown[caret.index("^")] == "b"


def test_control_characters_of_a_line_are_not_shown() -> None:
    text = "MODULE m\nPRIVATE \x1b[31mred 0\n"
    (found,) = compile_module(text, "m").diagnostics
    assert "\x1b" not in found.render(text)
    assert "U+001B" in found.message


def test_a_diagnostic_of_another_text_is_shown_without_a_line() -> None:
    found = Diagnostic("warning", "a.scc", 7, 1, 2, "something")
    assert found.render("one line") == "a.scc:7:1: warning: something"


def test_a_text_of_rubbish_is_not_told_of_in_full() -> None:
    text = "MODULE m\n" + "rubbish\n" * 4000
    found = compile_module(text, "m").diagnostics
    assert len(found) == 101
    assert found[-1].message == "there are more errors, which are not shown"


def test_warnings_are_not_told_of_in_full_either() -> None:
    text = "MODULE m\n" + "".join(f"SUBSCRIBE a.v{n}\n" for n in range(500))
    found = compile_module(text, "m").diagnostics
    assert len(found) == 101
    assert {d.severity for d in found} == {"warning"}
