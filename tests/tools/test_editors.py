"""The editors' files are made from the compiler's word lists, and colour rules as one expects.

The editor is stood in for by the few rules of TextMate grammars that ours use: the earliest match
wins, then the first rule; a rule with `begin` holds until its `end`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from myocan.hub.lang import words
from myocan.hub.lang.schedules import cursor, schedule
from myocan.hub.lang.schedules import words as times
from myocan.hub.scenario import formatter, reader

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").rglob("*.scc")) + sorted((ROOT / "tests").rglob("*.scc"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the generator makes."""
    folder = tmp_path_factory.mktemp("editors") / "myocan"
    subprocess.run(
        [sys.executable, str(ROOT / "tools" / "editors" / "generate.py"), str(folder)],
        check=True,
        capture_output=True,
        timeout=300,
    )
    return folder


@pytest.fixture(scope="module")
def grammar(made: Path) -> Grammar:
    return Grammar(json.loads((made / "syntaxes" / "scc.tmLanguage.json").read_text()))


@pytest.fixture(scope="module")
def scenario_grammar(made: Path) -> Grammar:
    return Grammar(json.loads((made / "syntaxes" / "scenario.tmLanguage.json").read_text()))


class Grammar:
    """Colours lines by a TextMate grammar."""

    def __init__(self, plain: dict[str, Any]) -> None:
        self.plain = plain

    def rules(self, patterns: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return patterns with what they include in its place."""
        found = []
        for pattern in patterns:
            name = pattern.get("include", "").removeprefix("#")
            found.append(self.plain["repository"][name] if name else pattern)
        return found

    def colour(self, line: str) -> list[tuple[str, str]]:
        """Return the pieces of a line that have a colour, each with the name of it."""
        found: list[tuple[str, str]] = []
        open_rules = [self.plain]
        at = 0
        while True:
            top = open_rules[-1]
            best, chosen = None, None
            ending = re.compile(top["end"]).search(line, at) if "end" in top else None
            if ending is not None:
                best = ending
            for rule in self.rules(top["patterns"]):
                match = re.compile(rule.get("match", rule.get("begin"))).search(line, at)
                if match and (best is None or match.start() < best.start()):
                    best, chosen = match, rule
            if best is None:
                assert top is self.plain
                return found
            if chosen is None:
                open_rules.pop()
            else:
                captures = chosen.get("captures", chosen.get("beginCaptures", {}))
                if "name" in chosen:
                    found.append((best.group(), chosen["name"]))
                found += [(best.group(int(n)), c["name"]) for n, c in captures.items()]
                if "begin" in chosen:
                    open_rules.append(chosen)
            assert best.end() > at or chosen is None
            at = best.end()

    def expressions(self) -> list[str]:
        """Return all regular expressions."""
        found: list[str] = []

        def look(plain: Any) -> None:
            if isinstance(plain, dict):
                found.extend(plain[key] for key in ("match", "begin", "end") if key in plain)
                plain = list(plain.values())
            if isinstance(plain, list):
                for each in plain:
                    look(each)

        look(self.plain)
        return found


KEYWORD, TYPE, OPTION = "keyword.control.scc", "storage.type.scc", "storage.modifier.scc"
WORD, NUMBER, TIME = (
    "keyword.operator.word.scc",
    "constant.numeric.scc",
    "constant.numeric.time.scc",
)
MEMBER, LISTED, VALUE = (
    "variable.other.member.scc",
    "constant.other.member.scc",
    "variable.other.value.scc",
)
COMMENT, TEXT, FUNCTION = (
    "comment.line.double-slash.scc",
    "string.quoted.double.scc",
    "support.function.scc",
)
UNIT, SIGN = "keyword.other.unit.scc", "keyword.operator.scc"
WHEN, CLOCK, DATE = (
    "keyword.control.when.scc",
    "constant.language.time.scc",
    "constant.language.date.scc",
)


@pytest.mark.parametrize(
    ("line", "colours"),
    [
        ("// ON x", [("// ON x", COMMENT)]),
        (
            "MODULE lamp1 AGENT pi-porch // x",
            [("MODULE", TYPE), ("lamp1", "entity.name.type.module.scc"), ("AGENT", OPTION),
             ("// x", COMMENT)],
        ),
        (
            "  subscribe on.or {on, Or, 3} = auto AS and",
            [("subscribe", TYPE), ("or", MEMBER), ("on", LISTED), ("Or", LISTED), ("3", NUMBER),
             ("=", SIGN), ("auto", VALUE), ("AS", OPTION)],
        ),
        (
            '    PRIVATE note "a // b"',
            [("PRIVATE", TYPE), ('"a // b"', TEXT)],
        ),
        (
            "TIMER off 1 hour 30 minutes",
            [("TIMER", TYPE), ("1", NUMBER), ("hour", UNIT), ("30", NUMBER), ("minutes", UNIT)],
        ),
        (
            "\tSUBSCRIBE bedtime 3:00pm",
            [("SUBSCRIBE", TYPE), ("3:00pm", TIME)],
        ),
        (
            "SUBSCRIBE switch[on].mode AS mode",
            [("SUBSCRIBE", TYPE), ("on", "variable.parameter.key.scc"), ("mode", MEMBER),
             ("AS", OPTION)],
        ),
        (
            "ON x.on OR y == or AND NOT (z < -1.5)",
            [("ON", KEYWORD), ("on", MEMBER), ("OR", WORD), ("==", SIGN), ("or", VALUE),
             ("AND", WORD), ("NOT", WORD), ("<", SIGN), ("-", SIGN), ("1.5", NUMBER)],
        ),
        (
            "  THEN a = NOT b",
            [("THEN", KEYWORD), ("=", SIGN), ("NOT", WORD)],
        ),
        (
            '  THEN log("x", Min(a, 2))//c',
            [("THEN", KEYWORD), ("log", FUNCTION), ('"x"', TEXT), ("Min", FUNCTION),
             ("2", NUMBER), ("//c", COMMENT)],
        ),
        ("  then Ignore", [("then", KEYWORD), ("Ignore", FUNCTION)]),
        (
            '  THEN system.log#warn = "x"',
            [("THEN", KEYWORD), ("system.log", "support.variable.scc"),
             ("#warn", "support.other.scc"), ("=", SIGN), ('"x"', TEXT)],
        ),
        (
            "AT 10 minutes before sunset ON weekdays, december 24 FROM june THROUGH july // x",
            [("AT", KEYWORD), ("10", NUMBER), ("minutes", UNIT), ("before", CLOCK),
             ("sunset", CLOCK), ("ON", WHEN), ("weekdays", DATE), ("december", DATE),
             ("24", NUMBER), ("FROM", WHEN), ("june", DATE), ("THROUGH", WHEN), ("july", DATE),
             ("// x", COMMENT)],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_line_is_coloured(grammar: Grammar, line: str, colours: list[tuple[str, str]]) -> None:
    assert grammar.colour(line) == colours


@pytest.mark.parametrize(
    ("line", "colours"),
    [
        (
            "scenario The lamp goes on at http://x  // or not",
            [("scenario", TYPE), ("The lamp goes on at http://x", "entity.name.section.scc"),
             ("// or not", COMMENT)],
        ),
        (
            "  CLOCK 2027-06-01 23:58",
            [("CLOCK", KEYWORD), ("2027-06-01", "constant.numeric.date.scc"), ("23:58", TIME)],
        ),
        (
            "  SEND lamp[to].expect = on // x",
            [("SEND", KEYWORD), ("to", "variable.parameter.key.scc"), ("expect", MEMBER),
             ("=", SIGN), ("on", VALUE), ("// x", COMMENT)],
        ),
        (
            "  ADVANCE TO noon",
            [("ADVANCE", KEYWORD), ("TO", KEYWORD), ("noon", CLOCK)],
        ),
        (
            "  advance 2 weeks 1.5 hours",
            [("advance", KEYWORD), ("2", NUMBER), ("weeks", UNIT), ("1.5", NUMBER),
             ("hours", UNIT)],
        ),
        (
            '  EXPECT NO CALL notify("door", 3)',
            [("EXPECT", KEYWORD), ("NO", "support.other.scc"), ("CALL", "support.other.scc"),
             ("notify", "entity.name.function.scc"), ('"door"', TEXT), ("3", NUMBER)],
        ),
        ("  EXPECT log.no >= -3", [("EXPECT", KEYWORD), ("no", MEMBER), (">=", SIGN),
                                   ("-", SIGN), ("3", NUMBER)]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_line_of_a_scenario_is_coloured(
    scenario_grammar: Grammar, line: str, colours: list[tuple[str, str]]
) -> None:
    assert scenario_grammar.colour(line) == colours


@pytest.mark.parametrize("word", [*reader.WORDS, *formatter.SEEN])
def test_every_word_of_scenarios_has_a_colour(scenario_grammar: Grammar, word: str) -> None:
    lines = (f"  {word} x", f"  EXPECT {word}")
    assert word in [piece for line in lines for piece, _ in scenario_grammar.colour(line)]


LINES = {
    **{word: f"  {word} x" for word in words.STATEMENTS},
    **{word: f"  THEN {word}(x)" for word in (*words.FUNCTIONS, *words.ACTIONS)},
    **{word: f"  TOPIC a.b KEEP 5 {word}" for word in (*words.KEEP_TIMES, *words.KEEP_SIZES)},
    **{word: f"  TIMER t 5 {word}" for word in words.UNITS_MS},
    **{f"#{word}": f"  THEN system.log#{word} = x" for word in words.LOG_LEVELS},
    **{word.upper(): f"  AT x {word.upper()} y" for word in sorted(cursor.KEYWORDS)},
    **{word: f"  AT {word}" for word in (*times.TIMES, *schedule.MONTHS, *cursor.DAYS)},
}
"""Each word of the language -> a line where it means something."""


@pytest.mark.parametrize("word", LINES)
def test_every_word_of_the_language_has_a_colour(grammar: Grammar, word: str) -> None:
    assert word in [piece for piece, _ in grammar.colour(LINES[word])]


@pytest.mark.parametrize("word", words.INNER_WORDS)
def test_every_word_within_a_line_has_a_colour(grammar: Grammar, word: str) -> None:
    lines = (f"MODULE m {word} x", f"SUBSCRIBE a.b {word} x", f"WHEN a {word} b")
    assert word in [piece for line in lines for piece, _ in grammar.colour(line)]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_line_of_an_example_begins_with_a_coloured_word(grammar: Grammar, path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip():
            first = grammar.colour(line)[0]
            assert line.lstrip().startswith(first[0])
            assert first[1] in (KEYWORD, TYPE, COMMENT)


def test_the_files_are_sound_and_refer_to_each_other(made: Path, grammar: Grammar) -> None:
    package = json.loads((made / "package.json").read_text())
    shown = package["contributes"]
    for language in shown["languages"]:
        configuration = json.loads((made / language["configuration"]).read_text())
        assert configuration["comments"] == {"lineComment": "//"}
        re.compile(configuration["wordPattern"])
        (enter,) = configuration["onEnterRules"]
        assert re.search(enter["beforeText"]["pattern"], "    ON button1.press")
        assert language["extensions"] == [f".{language['id']}"]
    for entry in shown["grammars"]:
        plain = json.loads((made / entry["path"]).read_text())
        assert plain["scopeName"] == entry["scopeName"]
        parsed = Grammar(plain)
        for expression in parsed.expressions():
            re.compile(expression)
        used = re.findall(r'"#(\w+)"', json.dumps(plain))
        assert set(used) == set(plain["repository"])
    assert {entry["language"] for entry in shown["grammars"]} == {
        language["id"] for language in shown["languages"]
    }


def test_the_packed_extension_holds_the_same_files(made: Path) -> None:
    with zipfile.ZipFile(made.with_name("myocan.vsix")) as packed:
        names = {name.removeprefix("extension/"): name for name in packed.namelist()}
        for path in made.rglob("*.json"):
            name = path.relative_to(made).as_posix()
            assert packed.read(names[name]) == path.read_bytes()
        assert {"extension.vsixmanifest", "[Content_Types].xml"} <= set(packed.namelist())
