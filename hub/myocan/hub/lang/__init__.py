"""The rule language: from the text of a module to a `Program` that the core runs.

The one idea: a text always gives an answer, never an exception: either a program, or diagnostics
that say where it goes wrong, why, and what was probably meant.

    compiled = compile_module(text, "lamp1")
    for diagnostic in compiled.diagnostics:
        print(diagnostic.render(text))

The way of a text: `lexer` (tokens of a line) -> `syntax` (a statement) -> `reader` (the tree of
the module) -> `declare`, `topics`, `externals` (what its names are) -> `names`, `values`,
`expressions`, `assignments`, `actions`, `checker` (what its reactions mean) -> `compiler` (code).
`keys` and `attributes` say what brackets and `#` make of a name, `misnamed` why a name is none.
`coverage` finds what most likely was not meant; `house` looks at all modules together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from myocan.hub.lang.diagnostics import Diagnostic
from myocan.hub.lang.languages import is_python

if TYPE_CHECKING:
    from myocan.hub.core.program import Program
    from myocan.hub.lang.formatter import Formatted
    from myocan.hub.lang.meaning import Checked

COMPILER_VERSION = 3
"""Raised with each change of what is generated, so that kept programs are compiled again."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic that something outside the modules publishes, such as an adapter's port.

    Arguments:
        module, variable: its name, as in `button1.press`.
        kind: "event" (it carries no value), "values" (it does), or None if that is not known.
        values: all words that it can carry, or None if that is not known.
        domain: "" for the house's own.
    """

    module: str
    variable: str
    kind: str | None = None
    values: tuple[str, ...] | None = None
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What became of a text.

    Arguments:
        program: ready to run, or None if there is an error.
        diagnostics: errors and warnings, by position.
    """

    program: Program | None
    diagnostics: list[Diagnostic]


def check(source: str | bytes, name: str, filename: str | None = None) -> Checked:
    """Find out what a module means, without making a program of it.

    Arguments:
        source: its text, or the bytes of its file.
        name: the module's name, which is the file's without `.scc` or `.py`.
        filename: what messages call the file; `file_name` if not given.
    """
    from myocan.hub.lang.checker import check_source

    return check_source(source, name, filename or file_name(source, name))


def compile_module(source: str | bytes, name: str, filename: str | None = None) -> Compiled:
    """Make a program of a module.

    Arguments:
        source: its text, or the bytes of its file.
        name: the module's name, which is the file's without `.scc` or `.py`.
        filename: what messages call the file; `file_name` if not given.
    """
    from myocan.hub.lang.compiler import program_of

    return Compiled(*program_of(check(source, name, filename), filename or file_name(source, name)))


def file_name(source: str | bytes, name: str) -> str:
    """Return what the file of a module is called: `NAME.scc`, of one in Python `NAME.py`."""
    return f"{name}.{'py' if is_python(source) else 'scc'}"


def format_module(source: str | bytes, filename: str) -> Formatted:
    """Write a module the one way that modules are written; what it means stays what it was.

    Arguments:
        source: its text, or the bytes of its file.
        filename: what messages call the file.

    Returns:
        The text, or why it cannot be read: one that does not parse is left to its writer.
    """
    from myocan.hub.lang.formatter import format_source

    return format_source(source, filename)


def check_house(
    modules: Mapping[str, str | bytes],
    external: Iterable[Topic] = (),
    filenames: Mapping[str, str] | None = None,
    models: Collection[str] = (),
) -> list[Diagnostic]:
    """Check all modules of a house, each by itself and all together.

    Arguments:
        modules: the text of each module by its name.
        external: topics that adapters and bridges publish.
        filenames: what messages call the file of a module; `file_name` of those that are not here.
        models: the names of those modules that are state models: all that they hear can be said.

    Returns:
        Errors and warnings by file and position, those of each module included.
    """
    from myocan.hub.lang.house import check_all

    return check_all(modules, tuple(external), filenames or {}, models)


__all__ = [
    "COMPILER_VERSION",
    "Compiled",
    "Diagnostic",
    "Topic",
    "check",
    "check_house",
    "compile_module",
    "file_name",
    "format_module",
]
