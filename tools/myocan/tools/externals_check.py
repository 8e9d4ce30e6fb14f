"""Is a house's `externals.py` right, and does it have the functions that rules call?

The one idea to know: nothing is run. The file is read as Python reads it, and what it registers is
seen from its text; where that cannot be told, nothing is said.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from myocan.tools.house_check import Finding, from_diagnostic, read_source, shown_name

if TYPE_CHECKING:
    from myocan.hub.core import Program
    from myocan.hub.house import House


def check_externals(
    house: House,
    programs: Mapping[str, Program],
    files: Mapping[str, str],
    texts: Mapping[str, str],
) -> list[Finding]:
    """Return what is wrong with the functions of a house.

    programs: its modules by name. files: what their files are called. texts: by these names.
    """
    path = house.externals_path
    known: set[str] | None = set()
    if path is not None:
        file, source = shown_name(path), read_source(path)
        try:
            known = _registered(ast.parse(source, file))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return [_unreadable(file, error)]
    if known is None:
        return []
    return [
        finding
        for name, program in programs.items()
        for finding in _missing(program, known, files[name], texts[files[name]])
    ]


def _unreadable(file: str, error: BaseException) -> Finding:
    line = error.lineno if isinstance(error, SyntaxError) else None
    column = error.offset if isinstance(error, SyntaxError) else None
    what = error.msg if isinstance(error, SyntaxError) else str(error)
    message = f"Python cannot read this: {what}"
    where = ":".join(str(part) for part in (file, line, column) if part is not None)
    return Finding("error", file, line, column, message, None, f"{where}: {message}")


def _registered(tree: ast.Module) -> set[str] | None:
    """Return the names of the functions that a file registers, None if that cannot be told."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            if any(_is_external(decorator) for decorator in node.decorator_list):
                names.add(node.name.lower())
        elif isinstance(node, ast.ImportFrom | ast.Import):
            if not _is_plain(node):
                return None
        elif isinstance(node, ast.Call) and _is_external(node.func, "register"):
            first = node.args[0] if node.args else None
            if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
                return None
            names.add(first.value.lower())
    return names


def _is_plain(node: ast.ImportFrom | ast.Import) -> bool:
    """Tell whether `external` keeps its name."""
    return not any(alias.name == "external" and alias.asname for alias in node.names)


def _is_external(node: ast.expr, attribute: str = "external") -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr == attribute
    return attribute == "external" and isinstance(node, ast.Name) and node.id == "external"


def _missing(program: Program, known: set[str], file: str, text: str) -> Iterator[Finding]:
    """Yield a warning for each function that a module calls and the house does not have."""
    from myocan.hub.core import Op
    from myocan.hub.lang import Diagnostic

    told = set(known)
    line, marks = 0, dict(program.lines)
    for pc in range(0, len(program.code), 4):
        line = marks.get(pc, line)
        if program.code[pc] != Op.CALL:
            continue
        name = program.texts[program.code[pc + 1]]
        if name.lower() not in told:
            told.add(name.lower())
            message = (
                f"externals.py of this house has no function {name}; write it there: "
                f"@external def {name}(...)"
            )
            yield from_diagnostic(Diagnostic("warning", file, line, 1, 2, message), text)
