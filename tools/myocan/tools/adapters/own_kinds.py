"""Kinds of ports that a house has of its own: `ports/KIND.py`, beside the folder of its adapters.

The one idea to know: nothing is run. What such a port has for keys, pins and topics stands in its
class as plain values, and is read from the text; so `myocan check` knows a kind of somebody's own
as well as ours, and a mistake in it is told before a board has it.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, get_args

from pydantic import Field, create_model

from myocan.tools.adapters.port_keys import (
    Age,
    Fault,
    Number,
    Output,
    Port,
    Published,
    Sensor,
    Tells,
    Text,
    Word,
)
from myocan.tools.adapters.port_kinds import PORT_KINDS
from myocan.tools.board_kinds import Capability

BOARD_PACKAGE = "myocan.edge.ports."
"""Where such a file lies on a board, as ours do."""

STATEMENTS = ("PINS", "EVENTS", "VALUES", "READINGS", "WORDS", "RANGE", "KEYS")
"""What a class may say of itself."""

_SPECS: Mapping[type, Any] = {
    bool: Annotated[bool, Field(strict=True)],
    int: Annotated[int, Field(strict=True)],
    float: Number,
    str: Text,
}


class OwnOutput(Output):
    """Something that takes values. WORDS, RANGE: which, if its file says so."""

    WORDS: ClassVar[tuple[Word, ...]] = ()
    RANGE: ClassVar[tuple[int, int] | None] = None

    def taken_words(self) -> tuple[Word, ...]:
        return self.WORDS

    def range(self) -> tuple[int, int] | None:
        return self.RANGE

    def takes_anything(self) -> bool:
        return not self.WORDS and self.RANGE is None

    def compiled(self) -> dict[str, Any]:
        if self.WORDS and self.safe is not None and self.safe not in self.WORDS:
            raise self.not_safe([str(word) for word in self.WORDS])
        return super().compiled()


@dataclass(frozen=True)
class OwnKind:
    """A kind of somebody's own. path: its file. model: its keys."""

    path: Path
    model: type[Port]

    def hash(self) -> str:
        """Return what changes when its file does."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()[:16]


class KindFault(Fault):
    """What is wrong with the file of a kind: path, and line (None: the whole); plain: only what."""

    def __init__(self, path: Path, line: int | None, message: str) -> None:
        where = f"ports/{path.name}" if line is None else f"ports/{path.name}, line {line}"
        super().__init__("kind", f"{where}: {message}")
        self.path, self.line, self.plain = path, line, message


class OwnKinds:
    """The kinds of a house. folder: where the files are; there need not be one."""

    def __init__(self, folder: Path | None = None) -> None:
        files = [] if folder is None else sorted(folder.glob("*.py"))
        self._files = {file.stem: file for file in files if file.stem.isidentifier()}

    def names(self) -> list[str]:
        """Return the names of all kinds that there are, ours too."""
        return sorted({*PORT_KINDS, *self._files})

    def faults(self) -> Iterator[KindFault]:
        """Yield what is wrong with the house's own, also with those that nobody uses."""
        for name in self._files:
            try:
                self.find(name)
            except KindFault as fault:
                yield fault

    def find(self, name: str) -> OwnKind | None:
        """Return a kind of the house's own, None if it has none of that name; raises Fault."""
        path = self._files.get(name)
        if path is None:
            return None
        if name in PORT_KINDS:
            raise KindFault(
                path, None, "a kind of this name comes with myocan: give it another name"
            )
        return OwnKind(path, _model(path))


def own_kinds(adapter: Path) -> OwnKinds:
    """Return the kinds of the house that an adapter file lies in."""
    inside = adapter.parent.name == "adapters"
    return OwnKinds(adapter.parent.parent / "ports" if inside else None)


def _model(path: Path) -> type[Port]:
    """Return the keys of a kind, from its file's text; raises Fault, with file and line."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise KindFault(path, error.lineno, f"this is no Python: {error.msg}") from None
    except OSError as error:
        raise KindFault(path, None, f"this cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise KindFault(path, None, f"this is no Python: {error}") from None
    made = _class(path, tree)
    said = _statements(path, made)
    base = _base(tree, made)
    pins = {key: _needs(path, made, can) for key, can in _table(path, made, said, "PINS").items()}
    if not pins and not base.PINS:
        pins = {"pin": ("in",)}
    tells = _tells(path, made, said)
    if issubclass(base, Sensor):
        tells["fault"] = "value"
    fields: dict[str, Any] = dict.fromkeys(pins, (Text, ...))
    if tells and "publish" not in base.model_fields:
        fields |= {"publish": (Published, {}), "max_age_s": (Age | None, None)}
    for key, default in _table(path, made, said, "KEYS").items():
        if key in base.model_fields or key in fields:
            raise KindFault(
                path, made.lineno, f"KEYS has '{key}', which every such port has already"
            )
        fields[key] = (_SPECS.get(type(default), Any), default)
    model: type[Port] = create_model(path.stem, __base__=base, **fields)
    model.PINS = {**base.PINS, **pins}
    model.TELLS = {**base.TELLS, **tells}
    model.NUMBERS = (*base.NUMBERS, *(each[0] for each in said.get("READINGS", ())))
    if issubclass(model, OwnOutput):
        model.WORDS = tuple(said.get("WORDS", ()))
        model.RANGE = tuple(said["RANGE"]) if "RANGE" in said else None
    return model


def _class(path: Path, tree: ast.Module) -> ast.ClassDef:
    """Return the class that the file calls PORT."""
    names = set()
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="PORT")], value=ast.Name(id=str(name))):
                names.add(name)
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name in names:
            return node
    raise KindFault(path, None, "it has no PORT: write a class, and at the end PORT = its name")


def _base(tree: ast.Module, made: ast.ClassDef) -> type[Port]:
    """Return the keys that come with what the class is made from: one of our kinds, or none."""
    modules = {
        alias.asname or alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module is not None
        for alias in node.names
    }
    for base in made.bases:
        name = base.id if isinstance(base, ast.Name) else ""
        kind = (modules.get(name) or "").removeprefix(BOARD_PACKAGE)
        if kind in PORT_KINDS:
            return PORT_KINDS[kind]
        if kind == "sensor":
            return Sensor
    takes = any(isinstance(node, ast.FunctionDef) and node.name == "take" for node in made.body)
    return OwnOutput if takes else Port


def _statements(path: Path, made: ast.ClassDef) -> dict[str, Any]:
    """Return what the class says of itself."""
    said: dict[str, Any] = {}
    for node in made.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if isinstance(target, ast.Name) and target.id in STATEMENTS:
                try:
                    said[target.id] = ast.literal_eval(node.value)
                except (ValueError, TypeError):
                    message = f"{target.id} must be written out, without names or calculations"
                    raise KindFault(path, node.lineno, message) from None
    return said


def _table(path: Path, made: ast.ClassDef, said: dict[str, Any], what: str) -> dict[str, Any]:
    table = said.get(what, {})
    if isinstance(table, dict) and all(isinstance(key, str) for key in table):
        return table
    raise KindFault(path, made.lineno, f'{what} must be a dict, like {{"pin": "out"}}')


def _tells(path: Path, made: ast.ClassDef, said: dict[str, Any]) -> dict[str, Tells]:
    tells: dict[str, Tells] = {}
    kinds: tuple[tuple[str, Tells], ...] = (("EVENTS", "event"), ("VALUES", "value"))
    for what, kind in kinds:
        names = said.get(what, ())
        if not isinstance(names, tuple | list) or not all(isinstance(each, str) for each in names):
            message = f'{what} must be a tuple of names, like ("begin",); mind the comma'
            raise KindFault(path, made.lineno, message)
        tells |= dict.fromkeys(names, kind)
    readings = said.get("READINGS", ())
    try:
        for name, decimals, (units, digits) in readings:
            assert isinstance(name, str)
            assert all(isinstance(each, int) for each in (decimals, units, digits))
            tells[name] = "value"
    except (TypeError, ValueError, AssertionError):
        message = 'READINGS must be like (("level", 1, (2, 1)),): name, decimals, least change'
        raise KindFault(path, made.lineno, message) from None
    return tells


def _needs(path: Path, made: ast.ClassDef, can: Any) -> tuple[str, ...]:
    """Return what a pin must be able to do, of what stands in PINS."""
    needs = (can,) if isinstance(can, str) else tuple(can) if isinstance(can, tuple | list) else ()
    known = get_args(Capability)
    for need in needs or ("",):
        if need not in known:
            message = f"PINS says {can!r}; a pin can be one of {', '.join(known)}"
            raise KindFault(path, made.lineno, message)
    return needs
