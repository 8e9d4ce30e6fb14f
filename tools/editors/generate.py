"""Makes the editors' files: what VS Code needs to colour modules and scenarios.

The one idea: no word of the language is written down here. They come from the lists that the
compiler itself reads, so an editor cannot know other words than the hub does.

    python tools/editors/generate.py [FOLDER]

Writes the extension's folder, by default `build/editors/myocan`, and beside it `myocan.vsix`, the
same packed for `code --install-extension`. README.md in this folder tells what to do with it.

The colours come from TextMate grammars. Their expressions keep to what both Oniguruma, which the
editor uses, and Python's `re`, which the tests use, read the same way.
"""

from __future__ import annotations

import argparse
import json
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from myocan.hub.lang import words
from myocan.hub.lang.declare import CLOCKS
from myocan.hub.lang.schedules import cursor, schedule
from myocan.hub.lang.schedules import words as times
from myocan.hub.scenario import formatter, reader
from myocan.hub.scenario import line as scenario_line

ROOT: Final = Path(__file__).resolve().parents[2]
NAME: Final = "myocan"

Rule = dict[str, Any]

WORD: Final = r"[^\W\d]\w*"
_OPTIONS: Final = ("AGENT", "AUTO", "HISTORY")
_OPERATORS: Final = ("AND", "OR", "NOT")
_REACTIONS: Final = ("ON", "AT", "AND", "WITH", "WHEN", "IF", "THEN")


def one_of(alternatives: Iterable[str]) -> str:
    """Return an expression for any of some words, whatever their case; the longest comes first."""
    longest_first = sorted(set(alternatives), key=lambda word: (-len(word), word))
    return f"(?i:{'|'.join(longest_first)})"


def opening(alternatives: Iterable[str]) -> str:
    """Return an expression for a word that opens a line."""
    return rf"^[ \t]*({one_of(alternatives)})(?!\w)"


def rule(name: str, match: str) -> Rule:
    """Return a rule that colours a whole match."""
    return {"name": f"{name}.scc", "match": match}


def parts(match: str, *names: str) -> Rule:
    """Return a rule that colours each group of a match."""
    return {"match": match, "captures": _captures(*names)}


def line(match: str, colour: str, *includes: str) -> Rule:
    """Return a rule for the rest of the line behind the word that opens it."""
    return {
        "begin": match,
        "beginCaptures": _captures(colour),
        "end": "$",
        "patterns": including("comment", *includes, "value", "member", "sign", "word"),
    }


def within(begin: str, end: str, *includes: str) -> Rule:
    """Return a rule for what stands between brackets; none goes on over the end of a line."""
    return {"begin": begin, "end": f"{end}|(?=$)", "patterns": including("comment", *includes)}


def including(*names: str) -> list[Rule]:
    """Return the patterns that refer to rules of the repository."""
    return [{"include": f"#{name}"} for name in names]


def _captures(*names: str) -> dict[str, dict[str, str]]:
    return {str(number): {"name": f"{name}.scc"} for number, name in enumerate(names, 1) if name}


def tokens() -> dict[str, Rule]:
    """Return the rules for what stands in a line, by name."""
    levels = one_of(words.LOG_LEVELS)
    functions = (*words.FUNCTIONS, *words.ACTIONS)
    dates = (*cursor.DAYS, *schedule.MONTHS, *cursor.PERIODS)
    not_operator = r"(?!(?i:NOT)(?:[ \t]+[\w\"-]|[ \t]*\())"
    return {
        "comment": rule("comment.line.double-slash", r"//.*$"),
        "text": rule("string.quoted.double", r'"[^"]*"'),
        "clock": rule("constant.numeric.time", r"\b[0-9]+:[0-9]+(?:[ \t]*[aApP][mM]\b)?"),
        "duration": parts(
            rf"\b([0-9]+(?:\.[0-9]+)?)[ \t]+({one_of(words.UNITS_MS)})(?!\w)",
            "constant.numeric",
            "keyword.other.unit",
        ),
        "kept": parts(
            rf"\b([0-9]+)[ \t]+({one_of((*words.KEEP_TIMES, *words.KEEP_SIZES))})(?!\w)",
            "constant.numeric",
            "keyword.other.unit",
        ),
        "number": rule("constant.numeric", r"\b[0-9]+(?:\.[0-9]+)?\b"),
        "braces": within(r"\{", r"\}", "text", "clock", "number", "listed"),
        "listed": rule("constant.other.member", WORD),
        "key": within(r"\[", r"\]", "text", "number", "keyed"),
        "keyed": rule("variable.parameter.key", WORD),
        # What stands behind a point or a sign is a value, whatever word it is.
        "member": parts(rf"\.[ \t]*({WORD})", "variable.other.member"),
        "value": parts(
            rf"(==|!=|=)[ \t]*{not_operator}({WORD})(?![\w.#\[]|[ \t]*\()",
            "keyword.operator",
            "variable.other.value",
        ),
        "sign": rule("keyword.operator", r"==|!=|<=|>=|\+\+|--|[=<>+*/-]"),
        "log": parts(rf"(?i:(system\.log))(#{levels})(?!\w)", "support.variable", "support.other"),
        "system": rule("support.variable", rf"(?i:system)\.{WORD}"),
        "attribute": rule("support.other.attribute", rf"#{WORD}"),
        "function": rule("support.function", rf"{one_of(functions)}(?=[ \t]*\()"),
        "call": rule("entity.name.function", rf"{WORD}(?=[ \t]*\()"),
        "ignore": parts(r"(?i:\b(ignore))[ \t]*(?=//|$)", "support.function"),
        "operator": rule("keyword.operator.word", rf"\b{one_of(_OPERATORS)}(?!\w)"),
        "qualifier": rule("keyword.control.when", rf"\b{one_of(cursor.KEYWORDS)}(?!\w)"),
        "time": rule("constant.language.time", rf"\b{one_of((*times.TIMES, 'before', 'after'))}\b"),
        "date": rule("constant.language.date", rf"\b{one_of(dates)}s?\b"),
        "word": {"match": WORD},
    }


_LITERALS: Final = ("text", "clock", "duration", "number")
_EXPRESSION: Final = (
    *("log", "system", "attribute", "function", "operator", "call"),
    *("braces", "key", *_LITERALS),
)


def grammar() -> Rule:
    """Return the grammar of modules."""
    others = set(words.INNER_WORDS) - {*_OPTIONS, *_OPERATORS}
    declaring = set(words.STATEMENTS) - {"MODULE", *_REACTIONS}
    reacting = set(_REACTIONS) - {"AT", "THEN"}
    control = "keyword.control"
    repository = {
        **tokens(),
        "module": {
            "begin": rf"{opening(['MODULE'])}[ \t]+({WORD})",
            "beginCaptures": _captures("storage.type", "entity.name.type.module"),
            "end": "$",
            "patterns": including("comment", "key", "option", "word"),
        },
        "option": rule("storage.modifier", rf"\b{one_of(_OPTIONS)}(?!\w)"),
        "inner": rule("storage.modifier", rf"\b{one_of(others)}(?!\w)"),
        "declaration": line(
            opening(declaring), "storage.type", "braces", "key", "kept", *_LITERALS, "inner"
        ),
        "at": line(
            opening(["AT"]), control, "text", "clock", "duration", "number",
            "qualifier", "time", "date",
        ),
        "then": line(opening(["THEN"]), control, "ignore", *_EXPRESSION),
        "reaction": line(opening(reacting), control, *_EXPRESSION),
    }  # fmt: skip
    return {
        "name": "Myocan rules",
        "scopeName": "source.scc",
        "fileTypes": ["scc"],
        "patterns": including("comment", "module", "declaration", "at", "then", "reaction"),
        "repository": repository,
    }


def scenario_grammar() -> Rule:
    """Return the grammar of scenarios; their lines are made of the same pieces."""
    known = tokens()
    units = parts(
        rf"\b([0-9]+(?:\.[0-9]+)?)[ \t]+({one_of(scenario_line.UNITS_MS)})(?!\w)",
        "constant.numeric",
        "keyword.other.unit",
    )
    steps = set(reader.WORDS) - {"SCENARIO", "EXPECT"}
    title = parts(
        rf"{opening(['SCENARIO'])}[ \t]+(.*?)(?=[ \t]+//|[ \t]*$)",
        "storage.type",
        "entity.name.section",
    )
    literals = ("key", "text", "clock", "duration", "date", "number", "moment")
    pieces = ("comment", "text", "clock", "number", "key", "keyed", "member", "value", "sign")
    repository = {
        **{name: known[name] for name in (*pieces, "call", "word")},
        "duration": units,
        "date": rule("constant.numeric.date", r"\b[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}\b"),
        "moment": rule("constant.language.time", rf"\b{one_of(CLOCKS)}(?!\w)"),
        "title": title,
        "to": rule("keyword.control", r"\b(?i:TO)(?!\w)"),
        "seen": rule("support.other", rf"\b{one_of(('NO', *formatter.SEEN))}(?![\w.\[])"),
        "step": line(opening(steps), "keyword.control", "to", *literals),
        "expect": line(opening(["EXPECT"]), "keyword.control", "seen", "call", *literals),
    }
    return {
        "name": "Myocan scenarios",
        "scopeName": "source.scenario",
        "fileTypes": ["scenario"],
        "patterns": including("comment", "title", "step", "expect"),
        "repository": repository,
    }


def configuration() -> Rule:
    """Return what the editor knows of brackets, comments and indentation."""
    openings = "|".join(("MODULE", "ON", "AT", "WHEN", "IF", "SCENARIO"))
    return {
        "comments": {"lineComment": "//"},
        "brackets": [["{", "}"], ["[", "]"], ["(", ")"]],
        "autoClosingPairs": [["{", "}"], ["[", "]"], ["(", ")"], ['"', '"']],
        "surroundingPairs": [["{", "}"], ["[", "]"], ["(", ")"], ['"', '"']],
        "wordPattern": WORD,
        "folding": {"offSide": True},
        "onEnterRules": [
            {
                # JavaScript's expressions know no flags within them.
                "beforeText": {"pattern": rf"^\s*({openings})\b.*$", "flags": "i"},
                "action": {"indent": "indent"},
            },
        ],
    }


def package() -> Rule:
    """Return the extension's own description."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    kinds = [("scc", "Myocan rules"), ("scenario", "Myocan scenarios")]
    return {
        "name": NAME,
        "displayName": "Myocan",
        "description": "Colours for the rules of a house, and their scenarios.",
        "version": project["version"],
        "publisher": NAME,
        "license": project["license"],
        "engines": {"vscode": "^1.75.0"},
        "categories": ["Programming Languages"],
        "contributes": {
            "languages": [
                {
                    "id": kind,
                    "aliases": [alias],
                    "extensions": [f".{kind}"],
                    "configuration": "./language-configuration.json",
                }
                for kind, alias in kinds
            ],
            "grammars": [
                {
                    "language": kind,
                    "scopeName": f"source.{kind}",
                    "path": f"./syntaxes/{kind}.tmLanguage.json",
                }
                for kind, _ in kinds
            ],
        },
    }


def files() -> dict[str, str]:
    """Return the files of the extension: path -> content."""
    plain = {
        "package.json": package(),
        "language-configuration.json": configuration(),
        "syntaxes/scc.tmLanguage.json": grammar(),
        "syntaxes/scenario.tmLanguage.json": scenario_grammar(),
    }
    return {name: json.dumps(content, indent=2) + "\n" for name, content in plain.items()}


def pack(target: Path, content: dict[str, str]) -> None:
    """Write an extension as one file, in the form that VS Code installs (a zip, Open Packaging)."""
    described = json.loads(content["package.json"])
    manifest = f"""\
<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
  <Metadata>
    <Identity Language="en-US" Id="{NAME}" Version="{described["version"]}" Publisher="{NAME}" />
    <DisplayName>{described["displayName"]}</DisplayName>
    <Description xml:space="preserve">{described["description"]}</Description>
    <Categories>{described["categories"][0]}</Categories>
    <Properties>
      <Property Id="Microsoft.VisualStudio.Code.Engine" Value="{described["engines"]["vscode"]}" />
    </Properties>
  </Metadata>
  <Installation>
    <InstallationTarget Id="Microsoft.VisualStudio.Code" />
  </Installation>
  <Dependencies />
  <Assets>
    <Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json"
           Addressable="true" />
  </Assets>
</PackageManifest>
"""
    types = """\
<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
  <Default Extension=".json" ContentType="application/json" />
  <Default Extension=".vsixmanifest" ContentType="text/xml" />
</Types>
"""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("extension.vsixmanifest", manifest)
        out.writestr("[Content_Types].xml", types)
        for name, text in content.items():
            out.writestr(f"extension/{name}", text)


def main() -> None:
    """Write the extension's folder and its packed form."""
    parser = argparse.ArgumentParser(description="Make the VS Code extension for rules.")
    parser.add_argument(
        "folder", nargs="?", type=Path, default=ROOT / "build" / "editors" / NAME,
        help="where to; default: build/editors/myocan in the checkout",
    )  # fmt: skip
    folder: Path = parser.parse_args().folder
    content = files()
    for name, text in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    packed = folder.with_name(f"{folder.name}.vsix")
    pack(packed, content)
    print(folder, packed, sep="\n")


if __name__ == "__main__":
    main()
