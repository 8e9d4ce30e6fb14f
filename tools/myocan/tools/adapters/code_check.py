"""Checks what an adapter's own code says of itself: `[code]` in its file, and the Python beside it.

The one idea to know: code can do anything, so the file says what it does to others: its topics, its
pins. With that `myocan check` sees a misspelt topic, or a pin that is used twice, before a board
does. The Python is compiled and looked through here, never run.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from myocan.tools.adapters.port_kinds import Age, Seconds, Text
from myocan.tools.adapters.problems import Problem, complaint
from myocan.tools.nearest import nearest

if TYPE_CHECKING:
    from myocan.tools.adapters.port_check import PortCheck, TopicSpec

CLASS = "ADAPTER"
"""What the module calls its adapter's class."""
BOARD_MODULE = "myocan.house.adapter"
"""What the code is called on a board, as `myocan.edge.board` imports it."""
METHODS = {"tell": ("events", "values"), "pin": ("pins",)}
"""Method of CustomAdapter -> the tables in which its first argument must be a name."""


class CodeKeys(BaseModel):
    """The keys of `[code]`.

    events, values: what the code tells -> topic. subscribe: what it takes -> topic. pins: what it
    calls them -> pin. settings: whatever it wants to be told. hold_s: see Switched, max_age_s: see
    Input.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    events: dict[str, Text] = {}
    values: dict[str, Text] = {}
    subscribe: dict[str, Text] = {}
    pins: dict[str, Text] = {}
    settings: Annotated[dict[str, Any], Field(strict=True)] = {}
    hold_s: Seconds | None = None
    max_age_s: Age | None = None


@dataclass(frozen=True)
class CodeSpec:
    """The code of an adapter, found right.

    path: of the Python file. keys: `[code]` of the adapter's file. topics: what the code tells or
    takes -> topic, for each of "events", "values" and "subscribe". pins: as the board names them.
    """

    path: Path
    keys: CodeKeys
    topics: dict[str, dict[str, TopicSpec]]
    pins: dict[str, str]

    def config(self, check: PortCheck) -> dict[str, Any]:
        """Return the part of the board's configuration that is about code.

        It has a hash of the code, so that other code makes another configuration.
        """
        keys = self.keys
        said: dict[str, Any] = {"pins": self.pins, "settings": keys.settings}
        for kind, topics in self.topics.items():
            said[kind] = {what: check.wire_topic(kind, topic) for what, topic in topics.items()}
        config = {key: value for key, value in said.items() if value}
        if keys.hold_s is not None:
            config["hold_s"] = keys.hold_s
        return {**config, "hash": hashlib.sha256(self.path.read_bytes()).hexdigest()[:16]}


def check_code(given: Any, path: Path, check: PortCheck) -> CodeSpec | None:
    """Check an adapter's code.

    given: what the adapter's file says under `code`, None for nothing. path: of the Python that may
    lie beside it. check: the one that has taken the ports; it is told what is wrong.

    Returns None where there is no code, or no right one.
    """
    there = path.is_file()
    if given is None and not there:
        return None
    before = len(check.problems)
    if not there:
        check.wrong(f"there is no {path.name} beside this file: write it, or remove [code]", "code")
    keys = _keys({} if given is None else given, check)
    if keys is None or not there:
        return None
    topics = {
        kind: {
            what: topic
            for what, text in getattr(keys, kind).items()
            if (topic := check.topic(text, "code", kind, what)) is not None
        }
        for kind in ("events", "values", "subscribe")
    }
    for what in sorted(keys.events.keys() & keys.values.keys()):
        check.wrong(f"'{what}' is either an event or a value", "code", "values", what)
    for what in sorted(keys.subscribe.keys() & {port.name for port in check.ports}):
        check.wrong(f"'{what}' is a port already: find another name", "code", "subscribe", what)
    pins = {
        what: pin
        for what, text in keys.pins.items()
        if (pin := check.claim(text, f"the code ({what})", "code", "pins", what)) is not None
    }
    for message, line, meant in _look_through(path, keys):
        check.problems.append(Problem(f"{path.name}, line {line}: {message}", None, meant))
    if any(each.severity == "error" for each in check.problems[before:]):
        return None
    return CodeSpec(path, keys, topics, pins)


def _keys(given: Any, check: PortCheck) -> CodeKeys | None:
    try:
        keys = CodeKeys.model_validate(given)
        json.dumps(keys.settings)
        return keys
    except TypeError:
        check.wrong("settings cannot hold dates or times: write them as text", "code", "settings")
        return None
    except ValidationError as error:
        for each in error.errors():
            name = ".".join(str(step) for step in each["loc"]) or "code"
            if each["type"] == "extra_forbidden":
                known = ", ".join(CodeKeys.model_fields)
                meant = nearest(name, CodeKeys.model_fields)
                hint = "" if meant else f" (it has {known})"
                check.wrong(f"unknown key '{name}' of [code]{hint}", "code", name, meant=meant)
            else:
                check.wrong(complaint(each, name), "code", *map(str, each["loc"]))
        return None


def _look_through(path: Path, keys: CodeKeys) -> Iterator[tuple[str, int, str | None]]:
    """Yield what is wrong with Python source, where, and what was probably meant."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        yield f"this is no Python: {error.msg}", error.lineno or 1, None
        return
    except (ValueError, RecursionError) as error:  # no UTF-8, a NUL in it, or nested too deep
        yield f"this is no Python: {error}", 1, None
        return
    if CLASS not in _assigned(tree):
        yield (
            f"it has no {CLASS}: write a subclass of CustomAdapter, and at the end {CLASS} = "
            "its name",
            1,
            None,
        )
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="self"), attr=method),
                args=[ast.Constant(value=str(what)), *_],
            ) if method in METHODS:
                known = [name for table in METHODS[method] for name in getattr(keys, table)]
                if what not in known:
                    tables = " or ".join(METHODS[method])
                    meant = nearest(what, known)
                    yield f"'{what}' does not stand under [code] {tables}", node.lineno, meant


def _assigned(tree: ast.Module) -> set[str]:
    found = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {each.id for each in node.targets if isinstance(each, ast.Name)}
    return found
