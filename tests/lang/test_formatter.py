"""The formatter: one style, the same meaning, and no comment lost."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lang import growing, promises, writing
from lang.promises import meaning
from myocan.hub.lang import compile_module, format_module
from myocan.hub.lang.diagnostics import Report
from myocan.hub.lang.lexer import tokens
from myocan.hub.lang.words import KEYWORDS

ROOT = Path(__file__).parents[2]
FILES = [
    path for folder in ("examples", "tests/lang") for path in sorted((ROOT / folder).rglob("*.scc"))
]
SHOWN = [
    block
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    for block in re.findall(r"^```scc\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)
]
some = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def formatted(text: str) -> str:
    """Format a text that can be read."""
    tidy = promises.formatted(text)
    assert tidy is not None
    return tidy


MESSY = """\


//about
   module  lamp1   agent pi - porch
subscribe  Button1 . press   // the one at the door
  // the mode

Subscribe mode{Off,auto , on}=auto  // first
publish  State  {off,on}            // second
                                    // more of it
private level{- 40-}
private low {-4--1}
private start -5 // a sign
timer OffTimer 1 Hour 30 MINUTES\t
subscribe bedtime 3:00 PM


on BUTTON1.Press or MODE.AUTO
 when  LEVEL>-3 and not(low==1-2)
  // do it
then level=MIN (Level,- 2)
 then STATE = ON
 then Start( offtimer )
then system.log#Warn="a  b"
then LEVEL ++   // up
  // the end

// alone

if state . ON
then IGNORE
at 10 Minutes before Sunset on Weekdays, December 24 from june 1 through July 13 or BEDTIME
 with mode . off
 then cancel( OffTimer )
 // last"""

TIDY = """\
//about
MODULE lamp1 AGENT pi-porch
    SUBSCRIBE Button1.press  // the one at the door
    // the mode

    SUBSCRIBE mode {Off, auto, on} = auto  // first
    PUBLISH State {off, on}                // second
                                           // more of it
    PRIVATE level {-40-}
    PRIVATE low {-4--1}
    PRIVATE start -5  // a sign
    TIMER OffTimer 1 hour 30 minutes
    SUBSCRIBE bedtime 3:00pm

    ON Button1.press OR mode.auto
        WHEN level > -3 AND NOT (low == 1 - 2)
        // do it
        THEN level = min(level, -2)
        THEN State = on
        THEN start(OffTimer)
        THEN system.log#Warn = "a  b"
        THEN level++  // up
        // the end

    // alone

    IF State.on
        THEN ignore
    AT 10 minutes before sunset ON weekdays, december 24 FROM june 1 THROUGH july 13 OR bedtime
        WITH mode.Off
        THEN cancel(OffTimer)
        // last
"""


def test_there_is_one_style() -> None:
    assert formatted(MESSY) == TIDY
    assert formatted(MESSY.replace("\n", "\r\n")) == TIDY
    assert formatted("\ufeff" + MESSY) == TIDY


@pytest.mark.parametrize(
    ("text", "tidy"),
    [
        ("", ""),
        ("\n \n\t\n", ""),
        ("// only this", "// only this\n"),
        ("MODULE m\n\n\n\n// end\n\n", "MODULE m\n\n// end\n"),
        ("private x 0\nwhen x>1\nthen x=x*-1", None),
        ('MODULE m\nON x// "no"\n THEN log("//")// yes\n', None),
        ("MODULE m\nTIMER t 5 s\nON x.y\n THEN t=start\n", None),
        (
            "topic a . b{x,y} keep 30 DAYS\ntopic a.c keep 10 mb\ntopic a.d keep Forever\n"
            'external Notify\non a.x\nthen NOTIFY ( "x",1 )\nthen mode [ NOW ] = a',
            "    TOPIC a.b {x, y} KEEP 30 days\n    TOPIC a.c KEEP 10 MB\n"
            "    TOPIC a.d KEEP forever\n    EXTERNAL Notify\n    ON a.x\n"
            '        THEN Notify("x", 1)\n        THEN mode[NOW] = a\n',
        ),
        ("MODULE m\nON x . 5 . 6\n THEN y\n", "MODULE m\n    ON x . 5 . 6\n        THEN y\n"),
    ],
)
def test_odd_texts(text: str, tidy: str | None) -> None:
    assert formatted(text) == (formatted(text) if tidy is None else tidy)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_means_the_same_when_it_is_formatted(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert meaning(formatted(text), path.stem) == meaning(text, path.stem)


@pytest.mark.parametrize("text", SHOWN, ids=lambda text: text.split("MODULE ")[-1].split()[0])
def test_what_the_documents_show_is_in_the_one_style(text: str) -> None:
    assert formatted(text) == text


@pytest.mark.parametrize("path", sorted((ROOT / "examples").rglob("*.scc")), ids=lambda p: p.name)
def test_the_examples_are_in_the_one_style(path: Path) -> None:
    assert formatted(path.read_text(encoding="utf-8")) == path.read_text(encoding="utf-8")


@st.composite
def untidy(draw: Any) -> tuple[str, str]:
    """Draw a module, and the same with other blanks, comments and letters."""
    text: str = draw(writing.modules())
    lines = []
    for line in text.split("\n"):
        cut, _ = tokens(line, 1, Report("m.scc"))
        pieces = []
        for token in cut:
            if token.text.upper() in KEYWORDS and token is cut[0]:
                pieces.append(draw(st.sampled_from((token.text.lower(), token.text.title()))))
            else:
                pieces.append(token.text)
        blanks = draw(st.sampled_from((" ", "  ", "\t", "\u00a0 ")))
        margin = draw(st.sampled_from(("", " ", "\t\t", "      ")))
        ending = draw(st.sampled_from(("", " ", "// x", "   // y", "\t//  z //", "\n\n\n", "\r")))
        lines.append(margin + blanks.join(pieces) + ending)
        if draw(st.integers(0, 9)) == 0:
            lines.append(draw(st.sampled_from(("// a", "     // b", "\t\t//c"))))
    return text, "\n".join(lines)


@some
@given(untidy())
def test_a_module_means_the_same_however_it_was_written(texts: tuple[str, str]) -> None:
    text, other = texts
    assert meaning(formatted(other), "m") == meaning(other, "m")
    bare = [re.sub(" *//.*", "", line) for line in formatted(other).split("\n")]
    assert [line for line in bare if line] == [line for line in formatted(text).split("\n") if line]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("MODULE m\non x ==\n", "m.scc:2:"),
        ("MODULE m\nPRIVATE x 0\nWHEN x > 1\n", "m.scc:3:1: WHEN needs a THEN"),
        ("module m\nTHEN x\n", "m.scc:2:1: this THEN has no ON"),
        (b"MODULE m\n// gr\xfcn", "m.scc:2:6: this is not text in UTF-8"),
        ('module m\nprivate x "', 'm.scc:2:11: this text has no closing "'),
    ],
)
def test_a_text_that_does_not_parse_is_left_alone(text: str | bytes, said: str) -> None:
    answer = format_module(text, "m.scc")
    assert answer.text is None
    assert str(answer.diagnostics[0]).startswith(said)


def test_a_text_with_another_mistake_is_formatted() -> None:
    assert formatted("module m\non nobody.knows\nthen  x=1") == (
        "MODULE m\n    ON nobody.knows\n        THEN x = 1\n"
    )


def test_a_name_gets_the_spelling_of_its_declaration_and_texts_keep_theirs() -> None:
    text = """\
MODULE m
    SUBSCRIBE title ""
    SUBSCRIBE Living.Mode {a, On} AS Mode
    PUBLIC On {x, Y}
    PUBLIC o ""
    ON TITLE == OTHER
        AND MODE == ON AND mode.on
        AND ON.y
        THEN o = ON
        THEN O = "On"
        THEN on = y
"""
    assert formatted(text).split("\n")[5:] == [
        "    ON title == OTHER",
        "        AND Mode == On AND Mode.On",
        "        AND On.Y",
        "        THEN o = On",
        '        THEN o = "On"',
        "        THEN On = Y",
        "",
    ]


PLACES = ("WHEN y == %", "WHEN % == y AND x > 1", "ON x\nTHEN room = %", "ON x\nTHEN create(%)")
"""Where a bare word may be a text, if it is no variable."""


@pytest.mark.parametrize("head", ["MODULE m", "MODULE m[location]"])
@pytest.mark.parametrize("place", PLACES)
def test_a_text_without_quotes_is_never_taken_for_a_name(head: str, place: str) -> None:
    lines = [head]
    for declaration in growing.DECLARED:
        if compile_module("\n".join([*lines, declaration]), "m").program is not None:
            lines.append(declaration)
    for word in ("X", "MODE", "TITLE", "A", "B", "EVENT", "LIGHT", "MAP", "OWN", "NOTIFY", "ONE"):
        text = "\n".join([*lines, place.replace("%", word), "THEN ignore", ""])
        assert meaning(formatted(text)) == meaning(text)
