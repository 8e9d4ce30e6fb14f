"""Whatever the text: an answer, never an exception, and never a long wait."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lang import growing, writing
from lang.promises import answered, formatted, meaning
from myocan.hub.lang import check_house, compile_module
from myocan.hub.lang.words import ACTIONS, FUNCTIONS, KEYWORDS

GOLDEN = Path(__file__).with_name("golden")
SAMPLES = [path.read_text(encoding="utf-8") for path in sorted(GOLDEN.glob("*.scc"))]
VOCABULARY = (
    sorted(
        {
            *(*KEYWORDS, *FUNCTIONS, *ACTIONS),
            *("==", "!=", "<=", ">=", "=", "<", ">", "++", "--", "+", "-", "*", "/", "(", ")"),
            *("{", "}", "[", "]", ",", ".", "#", "//", '"', "'", ";", ":", "&", "|", "!", "?", "@"),
            *("x", "x.y", "m", "mode", "on", "off", "true", "false", "system", "system.log#info"),
            *("0", "1.5", "-3", "12:00", "3:00pm", "99:99", '"text"', "30 minutes", "{on,off}"),
            *("\r\n", "\t", " ", "\0", "\x1b", "\ufeff", "\u2028", "\u017f", "\u212a", "ß"),
        }
    )
    + ["\n"] * 20
)
SECONDS = 20.0
"""Most processor time that the largest text may take, on a slow machine that does other things."""

QUIET = [HealthCheck.too_slow]
few = settings(max_examples=30, deadline=None, suppress_health_check=QUIET)  # whole modules
moderate = settings(max_examples=100, deadline=None, suppress_health_check=QUIET)


def answer(source: str | bytes) -> None:
    """Hold what becomes of a text to what is promised of every text."""
    answered(source)
    formatted(source)


@moderate
@given(st.binary(max_size=300))
def test_bytes_get_an_answer(source: bytes) -> None:
    answer(source)
    answer(b"MODULE m\n" + source)


@moderate
@given(st.text(st.characters(), max_size=200))
def test_characters_get_an_answer(text: str) -> None:
    answer(text)
    answer("MODULE m\nPRIVATE x 0\nWHEN " + text)


@moderate
@given(st.lists(st.sampled_from(VOCABULARY), max_size=60), st.sampled_from(("", " ")))
def test_words_of_the_language_in_any_order_get_an_answer(words: list[str], blank: str) -> None:
    answer(f"MODULE m\n{writing.DECLARATIONS}" + blank.join(words))


@st.composite
def mutants(draw: Any) -> str:
    """Draw a good module with a few pieces deleted, doubled, exchanged or put in."""
    text = draw(st.one_of(st.sampled_from(SAMPLES), writing.modules()))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, max(len(text) - 1, 0)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        piece = text[start:end]
        other = draw(st.sampled_from((*VOCABULARY, piece * 2, piece[::-1], piece.swapcase(), "")))
        text = text[:start] + other + text[end:]
    return text


@few
@given(mutants())
def test_what_was_well_formed_gets_an_answer(text: str) -> None:
    answer(text)


SEEDS = st.integers(0, 2**32)


@moderate
@given(SEEDS)
def test_what_grows_from_the_grammar_gets_an_answer(seed: int) -> None:
    answer(growing.module(seed))
    answer(growing.rubbish(seed))


@few
@given(SEEDS)
def test_what_grows_and_compiles_means_the_same_when_it_is_formatted(seed: int) -> None:
    text = growing.sound(seed, tries=4)
    assert answered(text)
    tidy = formatted(text)
    assert tidy is not None
    assert meaning(tidy) == meaning(text)


BROKEN = ("@@@", "WHEN (", "ON a == ", "THEN = 3", "PRIVATE 5", "SUBSCRIBE", 'AND "x', "ONN x.y")


@moderate
@given(st.sampled_from(SAMPLES), st.data())
def test_a_broken_line_hides_no_other(text: str, data: st.DataObject) -> None:
    lines = text.split("\n")
    places = st.integers(1, len(lines) - 2)
    broken = data.draw(st.dictionaries(places, st.sampled_from(BROKEN), min_size=1, max_size=8))
    for place, line in broken.items():
        lines[place] = line
    found = compile_module("\n".join(lines), "m").diagnostics
    assert {place + 1 for place in broken} <= {d.line for d in found if d.severity == "error"}


@few
@given(st.lists(st.sampled_from(SAMPLES), max_size=3), mutants())
def test_a_house_of_anything_gets_an_answer(samples: list[str], mutant: str) -> None:
    named = {text.split(maxsplit=2)[1]: text for text in samples}
    found = check_house({**named, "m": mutant})
    places = [(d.file, d.line, d.column) for d in found]
    assert places == sorted(places)


@given(st.text(max_size=70))
@settings(max_examples=100, deadline=None)
def test_a_module_of_any_name_gets_an_answer(name: str) -> None:
    compiled = compile_module("MODULE m\n", name)
    assert (compiled.program is not None) == (name == "m")
    assert all(str(d) for d in compiled.diagnostics)


def many(piece: str, count: int, join: str = "") -> str:
    return join.join(piece.replace("%", str(n)) for n in range(count))


HUGE = {
    "a text beyond the limit": "//" * 140_000,
    "many lines": "\n" * 200_000,
    "many comments": "//\n" * 80_000,
    "many comments that stand alone": "//\n\n" * 60_000,
    "many comments behind something": "PRIVATE x 0  //\n" * 4990 + " " * 14 + "//\n",
    "many statements": many("PRIVATE v% 0\n", 6000),
    "many variables": many("SUBSCRIBE a.v%\n", 1200),
    "many members": "PRIVATE x {" + many("m%", 400, ",") + "}\n",
    "many parentheses": "PRIVATE x 0\nWHEN " + "(" * 100_000 + "x\n",
    "parentheses that close": "PRIVATE x 0\nWHEN " + "(" * 400 + "x>1" + ")" * 400 + "\nTHEN x++\n",
    "many NOTs": "PRIVATE x true\nWHEN " + "NOT " * 900 + "x\nTHEN ignore\n",
    "many minuses": "PRIVATE x 0\nWHEN x > " + "- " * 900 + "x\nTHEN ignore\n",
    "a long sum": "PRIVATE x 0\nWHEN x" + " + x" * 400 + " > 1\nTHEN ignore\n",
    "a deep sum": "PRIVATE x 0\nWHEN x > " + "(x + " * 300 + "x" + ")" * 300 + "\nTHEN ignore\n",
    "a deep sum that is taken": "PRIVATE x 0\nWHEN x > "
    + "(x + " * 60
    + "x"
    + ")" * 60
    + "\nTHEN x = x\n",
    "many alternatives": "SUBSCRIBE x 0\n" + "ON x==0" + many(" OR x==%", 300) + "\nTHEN ignore\n",
    "many ONs": "SUBSCRIBE x 0\n" + many("ON x==%0\nTHEN ignore\n", 1500),
    "many hidden ONs": "SUBSCRIBE x 0\nON x\nTHEN ignore\n" + many("ON x==%\nTHEN ignore\n", 1500),
    "guards of many variables": many("SUBSCRIBE a.v%\n", 240)
    + "ON "
    + many("a.v%", 240, " OR ")
    + "\n"
    + many("AND a.v0 == %\n", 300)
    + "THEN ignore\n",
    "a long name": "PRIVATE " + "a" * 200_000 + " 0\n",
    "a name of many parts": "SUBSCRIBE " + "a." * 480 + "a\nON " + "b." * 480 + "b\nTHEN ignore\n",
    "many digits": "PRIVATE x " + "9" * 200_000 + "\n",
    "many decimals": "PRIVATE x 1." + "9" * 200_000 + "\n",
    "many digits of a time": "PRIVATE x " + "9" * 100_000 + ":" + "1" * 100_000 + "\n",
    "a long text": 'PRIVATE x "' + "x" * 200_000 + '"\n',
    "many quotes": '"' * 100_001,
    "many blanks": "PRIVATE x 0\nWHEN x > 1 -" + " " * 100_000 + "-" + " " * 100_000 + "\n",
    "many pluses": "++ " * 60_000,
    "many names that are near": many("PRIVATE " + "v" * 50 + "% 0\n", 900)
    + "WHEN "
    + many("v" * 55 + "% > 1", 100, " OR ")
    + "\nTHEN ignore\n",
}


@pytest.mark.parametrize("what", HUGE)
def test_a_huge_text_is_answered_in_time(what: str) -> None:
    before = time.process_time()
    answer("MODULE m\n" + HUGE[what])
    assert time.process_time() - before < SECONDS


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("a text beyond the limit", "this module is too large; at most 256 KiB are read"),
        ("many statements", "this module has more than 5000 statements; split it up"),
        ("many variables", "this module has more than 1000 variables; split it up"),
        ("many members", "these are more than 256 members"),
        ("many parentheses", "this line is too long; it has more than 1000 words and signs"),
        ("many NOTs", "this is nested too deeply (more than 64 levels); split it up"),
        ("a long sum", "this is nested too deeply (more than 64 levels); split it up"),
        ("guards of many variables", "this module is too large; split it up"),
        ("a long text", "this text is too long; messages carry at most 4096 bytes"),
    ],
)
def test_what_is_beyond_a_limit_is_told(what: str, said: str) -> None:
    found = compile_module("MODULE m\n" + HUGE[what], "m").diagnostics
    assert said in [diagnostic.message for diagnostic in found]


@pytest.mark.parametrize("what", ["guards of many variables", "many members"])
def test_a_house_with_a_module_beyond_a_limit_does_not_pass(what: str) -> None:
    text = "MODULE m\n" + HUGE[what]
    assert check_house({"m": text}) == compile_module(text, "m").diagnostics


def test_bytes_that_are_no_text_are_told_with_their_place() -> None:
    (found,) = compile_module("MODULE m\n// grün".encode("latin-1"), "m").diagnostics
    assert str(found) == ("m.scc:2:6: this is not text in UTF-8; save the file with that encoding")


def test_bytes_are_read_as_utf_8_with_or_without_a_mark() -> None:
    for mark in (b"", b"\xef\xbb\xbf"):
        compiled = compile_module(mark + "MODULE m\n// grün\n".encode(), "m")
        assert compiled.diagnostics == []


@pytest.mark.parametrize(
    "text",
    [
        "MODULE m\nON x.y\nWITH a#clock > 1\nTHEN ignore\nPRIVATE light[location].on AS a\n",
    ],
)
def test_what_once_escaped_is_told(text: str) -> None:
    answer(text)
