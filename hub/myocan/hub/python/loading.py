"""From the text of a module to its class, ready to run.

The one idea: a text is run once, with few names and counted, and what it leaves behind is made so
that nothing can be remembered in it: lists become tuples, and the class is sealed.
"""

from __future__ import annotations

import ast
import builtins
import threading
import traceback
from dataclasses import dataclass, field
from functools import lru_cache
from types import CodeType, MappingProxyType
from typing import Any

from myocan.hub.lang.diagnostics import Diagnostic, Report, Span
from myocan.hub.python.checking import check_methods
from myocan.hub.python.declaring import Declarations, counter, declared_by
from myocan.hub.python.module import Module
from myocan.hub.python.text import (
    NAMES,
    Steps,
    TooManySteps,
    bounded_range,
    counted,
    parse,
    power,
    span_of,
)

MAX_SOURCE = 1 << 20
"""Longest text of a module, in characters."""


@dataclass(slots=True)
class Loaded:
    """A module's text, as far as it could be read.

    Attributes:
        cls: its class, None if there is an error.
        declared: what that declares.
        steps: counts what its methods do.
        file: what tracebacks call the text.
        diagnostics: what is wrong with it.
    """

    file: str
    cls: type[Module] | None = None
    declared: Declarations = field(default_factory=Declarations)
    steps: Steps = field(default_factory=Steps)
    diagnostics: list[Diagnostic] = field(default_factory=list)


_mine = threading.local()


def load(text: str, module: str, file: str) -> Loaded:
    """Return a module's class; of the same text the same, within a thread.

    Arguments:
        text: of the module.
        module: its name.
        file: what messages call its file.
    """
    loading = getattr(_mine, "loading", None)
    if loading is None:
        loading = _mine.loading = lru_cache(maxsize=256)(_load)
    loaded: Loaded = loading(text, module, file)
    return loaded


def _load(text: str, module: str, file: str) -> Loaded:
    report = Report(file)
    loaded = Loaded(f"{module}.py")
    tree = None
    text = text.replace("\r\n", "\n")
    if len(text) > MAX_SOURCE:
        report.error(Span(1, 1, 2), "this module is too large; split it up")
    else:
        tree = parse(text, report)
    if tree is not None and not report.failed:
        _make(loaded, tree, module, text, report)
    loaded.diagnostics = report.sorted()
    return loaded


def _make(loaded: Loaded, tree: ast.Module, module: str, text: str, report: Report) -> None:
    names = _run(loaded, text, report)
    if names is None:
        return
    classes = [
        one
        for one in names.values()
        if isinstance(one, type) and issubclass(one, Module) and one is not Module
    ]
    nodes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    if len(classes) != 1 or classes[0].__name__ not in nodes:
        what = "no class" if not classes else "more than one class"
        report.error(Span(1, 1, 2), f"there is {what} of Module here; a module is one: "
                     f"class {module[:1].upper()}{module[1:]}(Module)")  # fmt: skip
        return
    cls, node = classes[0], nodes[classes[0].__name__]
    if cls.__base__ is not Module:
        report.error(span_of(node), "its only base is Module; let functions say what several share")
        return
    loaded.declared = declared_by(module, cls, node, names, report)
    if not report.failed:
        check_methods(node, loaded.declared, report)
    if report.failed:
        return
    declared = loaded.declared
    declared.endless = len(declared.variables)
    declared.variables.append(counter(text))
    declared.spans.append(Span(1, 1, 2))
    declared.kinds.append(int)
    for name, number in declared.fields.items():
        setattr(cls, name, _Field(number))
    for name, (function, _line) in declared.functions.items():
        setattr(cls, name, _Function(function))
    for name, value in list(names.items()):
        if not name.startswith(("__", ".")):
            names[name] = frozen(value)
    type.__setattr__(cls, "sealed", True)
    loaded.cls = cls


def _run(loaded: Loaded, text: str, report: Report) -> dict[str, Any] | None:
    """Run the text, and return what it defines; None if that fails, which is reported."""
    names: dict[str, Any] = {
        "__name__": "myocan.hub.python",  # some of what a file may do looks itself up there
        "__file__": loaded.file,
        "__builtins__": _BUILTINS,
        **loaded.steps.names(),
    }
    try:
        code: CodeType = compile(counted(ast.parse(text)), loaded.file, "exec", dont_inherit=True)
        exec(code, names)
    except TooManySteps as error:
        report.error(_where(error, loaded.file, text), "this goes on for ever")
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        report.error(_where(error, loaded.file, text), " ".join(said[:300].split()))
    else:
        return names
    return None


def _where(error: BaseException, file: str, text: str) -> Span:
    line = line_of(error, file) or 1
    shown = text.split("\n")[line - 1]
    column = len(shown) - len(shown.lstrip()) + 1
    return Span(line, column, column + 1)


def line_of(error: BaseException, file: str) -> int:
    """Return the last line of a text that an exception went through, 0 for none."""
    line = 0
    for frame, number in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename == file:
            line = number
    return line


def frozen(value: Any) -> Any:
    """Return what cannot be changed for a list, dict or set of the text; others as they are."""
    if type(value) is list:
        return tuple(frozen(one) for one in value)
    if type(value) is dict and all(isinstance(key, str | int) for key in value):
        return MappingProxyType({key: frozen(one) for key, one in value.items()})
    return frozenset(value) if type(value) is set else value


class _Field:
    """A variable, on the class."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number

    def __get__(self, me: Module, cls: type[Module]) -> Any:
        return me._now.value(self.number) if me is not None else self

    def __set__(self, me: Module, value: Any) -> None:
        me._now.set(self.number, value)


class _Function:
    """A function of `externals.py`, on the class."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, me: Module, cls: type[Module]) -> Any:
        from myocan.hub.python.module import Call

        return Call(me._now, self.name)

    def __set__(self, me: Module, value: Any) -> None:
        raise AttributeError(f"{self.name} is a function; call it, as in self.{self.name}(...)")


_BUILTINS: dict[str, Any] = {name: getattr(builtins, name) for name in sorted(NAMES)} | {
    "__import__": builtins.__import__,  # what a text imports is looked at before it runs
    "__build_class__": builtins.__build_class__,
    "range": bounded_range,
    "pow": power,
    "iter": lambda walked: iter(walked),
}
"""The names that a module has beside its own."""
