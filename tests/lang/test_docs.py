"""Every example of docs/language.md compiles, does what the page says, and is answered as it says.

Blocks of the page: `scc` is a module without fault; `messages`, below one, are what arrives and
what the module says (`a -> b, c`); `mistake` is a module with faults and `answer`, below it, what
is said of it.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from lang.living import Living
from myocan.hub.lang import compile_module

PAGE = Path(__file__).parents[2] / "docs" / "language.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
MODULES = [text for kind, text in BLOCKS if kind == "scc"]
TOLD = [(before[1], text) for before, (kind, text) in pairwise(BLOCKS) if kind == "messages"]
ANSWERS = [
    (text, answer)
    for (kind, text), (other, answer) in pairwise(BLOCKS)
    if kind == "mistake" and other == "answer"
]


def name_of(text: str) -> str:
    return text.split()[1]


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


def test_no_block_of_the_page_is_left_out() -> None:
    kinds = [kind for kind, _ in BLOCKS]
    assert set(kinds) == {"scc", "messages", "mistake", "answer"}
    assert len(TOLD) == kinds.count("messages")
    assert len(ANSWERS) == kinds.count("mistake") == kinds.count("answer")
    assert PAGE.read_text(encoding="utf-8").count("```") == 2 * len(BLOCKS)
