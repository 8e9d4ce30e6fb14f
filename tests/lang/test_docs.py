"""Every example of docs/language.md compiles, does what the page says, and is answered as it says.

Blocks of the page: `scc` is a module without fault; `messages`, below one, are what arrives and
what the module says (`a -> b, c`); `scenario` are scenarios of the modules of that part of the
page, which all pass; `mistake` is a module with faults and `answer`, below it, what is said of it.

The tables at its end, and the card, name all that the language has: the lists are the code's own.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from lang.living import Living
from myocan.hub.core.program import MAX_KEY
from myocan.hub.externals import load_externals
from myocan.hub.lang import attributes, compile_module, words
from myocan.hub.lang.declare import MAX_MEMBERS, MAX_VARIABLES
from myocan.hub.lang.lexer import MAX_TEXT
from myocan.hub.lang.reader import MAX_SOURCE, MAX_STATEMENTS
from myocan.hub.lang.schedules import cursor
from myocan.hub.lang.schedules import words as times
from myocan.hub.lang.syntax import MAX_DEPTH
from myocan.hub.scenario import read_scenarios, run_scenario
from scenario.playing import cast_of, modules_of

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "language.md").read_text(encoding="utf-8")
CARD = (DOCS / "language-card.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
BLOCKS = BLOCK.findall(TEXT)
TABLES = TEXT[TEXT.index("## Everything in tables") :]
MODULES = [text for kind, text in BLOCKS if kind == "scc"]
TOLD = [(before[1], text) for before, (kind, text) in pairwise(BLOCKS) if kind == "messages"]
TOLD_OF = [
    ("".join(text for kind, text in BLOCK.findall(part) if kind == "scc"), stories)
    for part in TEXT.split("\n## ")
    for kind, stories in BLOCK.findall(part)
    if kind == "scenario"
]
ANSWERS = [
    (text, answer)
    for (kind, text), (other, answer) in pairwise(BLOCKS)
    if kind == "mistake" and other == "answer"
]


def name_of(text: str) -> str:
    return text.split()[1].partition("[")[0]


@pytest.mark.parametrize("text", MODULES, ids=name_of)
def test_an_example_compiles_without_a_word(text: str) -> None:
    compiled = compile_module(text, name_of(text))
    assert [str(diagnostic) for diagnostic in compiled.diagnostics] == []


@pytest.mark.parametrize(("text", "messages"), TOLD, ids=[name_of(text) for text, _ in TOLD])
def test_an_example_does_what_the_page_says(text: str, messages: str) -> None:
    house = Living(**{name_of(text): text})
    for line in messages.splitlines():
        arriving, _, said = line.partition("->")
        expected = [part.strip() for part in said.split(", ") if part.strip()]
        assert house.send(*arriving.split(",")) == expected


@pytest.mark.parametrize(("text", "answer"), ANSWERS, ids=["errors", "warnings"])
def test_a_mistake_is_answered_as_the_page_says(text: str, answer: str) -> None:
    found = compile_module(text, name_of(text)).diagnostics
    assert "".join(f"{diagnostic.render(text)}\n" for diagnostic in found) == answer


@pytest.mark.parametrize(
    ("modules", "stories"), TOLD_OF, ids=[s.split("\n")[0] for _, s in TOLD_OF]
)
def test_a_scenario_comes_out_as_the_page_says(modules: str, stories: str) -> None:
    cast = cast_of(modules_of(modules))
    assert not cast.broken
    read = read_scenarios(stories, "m.scenario", cast)
    assert [str(diagnostic) for diagnostic in read.diagnostics] == []
    for scenario in read.scenarios:
        failure = run_scenario(scenario, cast).failure
        assert failure is None, "\n".join(failure.told("m.scenario"))


@pytest.mark.parametrize("text", [text for kind, text in BLOCKS if kind == "python"])
def test_a_function_of_the_page_can_be_called(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "externals.py"
    file.write_text(text)
    load_externals(file)["notify"]("times:", 3, key=("live", 1, 2, 0))
    assert capsys.readouterr().out == "times: 3\n"


def test_no_block_of_the_page_is_left_out() -> None:
    kinds = [kind for kind, _ in BLOCKS]
    assert set(kinds) == {"scc", "messages", "scenario", "python", "mistake", "answer"}
    assert len(TOLD) == kinds.count("messages")
    assert len(TOLD_OF) == kinds.count("scenario")
    assert len(ANSWERS) == kinds.count("mistake") == kinds.count("answer")
    assert TEXT.count("```") == 2 * len(BLOCKS)


def test_every_link_within_the_page_leads_to_a_heading() -> None:
    """Anchors are made as most viewers of Markdown make them."""
    headings = re.findall(r"^#+ (.+)$", TEXT, re.M)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= anchors


# The tables and the card.

WORDS = sorted(
    {*words.KEEP_TIMES[::2], *words.KEEP_SIZES, "forever"}
    | {*words.KEYWORDS, *words.FUNCTIONS, *words.ACTIONS, *words.UNITS_MS, *cursor.QUALIFIERS}
    | {*times.TIMES, "before", "after", "through", "weekdays", "weekends", "holidays"}
)
ATTRIBUTES = [
    *(f"x#{name}" for name in attributes._OF_VARIABLES),
    *(f"system.clock#{name}" for name in attributes._CLOCK),
    *(f"system.{part}#{name}" for part, names in attributes._of_house().items() for name in names),
    *(f"system.log#{level}" for level in words.LOG_LEVELS),
    "system.module#name",
]


@pytest.mark.parametrize("word", WORDS)
def test_every_word_of_the_language_is_in_the_tables_and_on_the_card(word: str) -> None:
    for shown in (TABLES, CARD):
        code = " ".join(re.findall(r"`[^`\n]+`|```.*?```", shown, re.S))
        assert re.search(rf"(?<!\w){word}(?!\w)", code, re.I)


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_every_attribute_is_in_the_tables_and_on_the_card(attribute: str) -> None:
    owner, _, name = attribute.partition("#")
    for shown in (TABLES, CARD):
        rows = [line for line in shown.split("\n") if f"{owner}#" in line]
        assert any(re.search(rf"#{name}(?!\w)", row) for row in rows)


def rows(title: str) -> list[list[str]]:
    """Return what stands in code in the first column of each row of a table."""
    part = TABLES.split(f"### {title}\n")[1].split("\n### ")[0]
    lines = [line for line in part.split("\n") if line.startswith("| `")]
    return [re.findall(r"`([^`]+)`", line.split(" | ")[0]) for line in lines]


STATEMENTS = [statement for row in rows("Statements") for statement in row]
DECLARED = [s for s in STATEMENTS if s.split()[0] in words.DECLARATIONS]


@pytest.mark.parametrize("declaration", DECLARED)
def test_a_declaration_in_the_table_compiles(declaration: str) -> None:
    compiled = compile_module(f"MODULE m\n{declaration}\n", "m")
    assert [str(d) for d in compiled.diagnostics if d.severity == "error"] == []


def test_every_statement_has_a_row() -> None:
    assert {statement.split()[0] for statement in STATEMENTS} >= (
        set(words.STATEMENTS) - {"SUBSCRIPTION", "PUBLISH"}
    )


@pytest.mark.parametrize("when", [when for row in rows("AT") for when in row if "…" not in when])
def test_a_time_in_the_table_compiles(when: str) -> None:
    first = "" if when.split()[0].lower() not in cursor.QUALIFIERS else "noon "
    text = f"MODULE m\nSUBSCRIBE bedtime 22:30\nAT {first}{when}\nTHEN ignore\n"
    compiled = compile_module(text, "m")
    assert [str(d) for d in compiled.diagnostics if d.severity == "error"] == []


def test_the_limits_are_those_of_the_code() -> None:
    told = dict(re.findall(r"^\| (.+?) \| (.+?) \|$", TABLES, re.M))
    assert told["a module"] == (
        f"{MAX_SOURCE // 1024} KiB, {MAX_STATEMENTS:,} statements, {MAX_VARIABLES:,} variables"
    )
    assert told["a list of words"] == str(MAX_MEMBERS)
    assert told["a text"] == f"{MAX_TEXT:,} bytes"
    assert told["a key"] == f"{MAX_KEY} bytes"
    assert told["parentheses in parentheses"] == str(MAX_DEPTH)


@pytest.mark.parametrize("text", [text for kind, text in BLOCK.findall(CARD) if kind == "scc"])
def test_the_module_on_the_card_compiles(text: str) -> None:
    assert [str(d) for d in compile_module(text, "hall").diagnostics] == []


def test_the_card_fits_a_printed_page() -> None:
    """A page of A4 in landscape holds some 60 lines of 150 letters, at ten points."""
    lines = [line for line in CARD.split("\n") if line]
    assert sum(1 + len(line) // 150 for line in lines) <= 60
