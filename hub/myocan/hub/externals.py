"""Functions in Python that rules may call: what `EXTERNAL notify` stands for.

The one idea: a rule only says that something is to be done; the hub does it when the message that
says so is on the disk, once more if it cannot know that it was done. So a function is given a key
that is the same each time: who must not act twice keeps it.

A house has its functions in `externals.py` beside its `modules/`:

    from myocan.hub import external

    @external
    def notify(text, *, key):
        ...
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from myocan.hub.errors import HubError
from myocan.hub.house_code import run_file

__all__ = ["CallKey", "ExternalsError", "Function", "external", "load_externals"]

CallKey = tuple[str, int, int, int]
"""(mode, incarnation, offset, index) of a call: another for every call, the same when repeated."""

Function = Callable[..., Any]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_AnyFunction = TypeVar("_AnyFunction", bound=Function)


class ExternalsError(HubError):
    """An `externals.py` that cannot be used; the message names the line and the mistake."""


class _External:
    """The decorator `external`, and what it has collected."""

    def __init__(self) -> None:
        self._functions: dict[str, Function] = {}
        self._loading = threading.Lock()

    def __call__(self, function: _AnyFunction) -> _AnyFunction:
        """Let rules call this function by its own name, as a decorator."""
        self.register(function.__name__, function)
        return function

    def register(self, name: str, function: Function) -> None:
        """Let rules call a function by this name.

        Arguments:
            name: as behind EXTERNAL, in any case.
            function: takes what stands in the call: texts as `str`, whole numbers as `int`, others
                as `Decimal`, `True` and `False`, `None` for an event. If it has a parameter `key`,
                it is given the call's `CallKey` by that name.

        Raises:
            ExternalsError: no name for a rule, no function, or there is one of that name.
        """
        if not _NAME.fullmatch(name):
            raise ExternalsError(
                f"{name!r} cannot stand behind EXTERNAL: write letters, digits and '_'"
            )
        if not callable(function):
            raise ExternalsError(f"{name} is no function: give register(name, function) one")
        folded = name.lower()
        if folded in self._functions:
            raise ExternalsError(f"there are two functions {name}: give one of them another name")
        self._functions[folded] = function

    def load(self, path: Path) -> dict[str, Function]:
        """Run a house's file and return what it registers, by lower-case name."""
        with self._loading:
            self._functions = {}
            module = ModuleType("externals")
            module.__file__ = str(path)
            sys.modules["externals"] = module  # some of what a file may do looks itself up there
            try:
                run_file(path, module, ExternalsError)
            finally:
                found, self._functions = self._functions, {}
            return found


external = _External()
"""Lets rules call a function: `@external`, or `external.register(name, function)`."""


def load_externals(path: Path | None) -> dict[str, Function]:
    """Return the functions of a house's `externals.py` by lower-case name; None: it has none.

    Raises:
        ExternalsError: the file cannot be read or run.
    """
    return {} if path is None else external.load(path)


def takes_key(function: Function) -> bool:
    """Tell whether a function wants to be given the call's key."""
    import inspect

    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # of some written in C nobody knows
        return False
    return any(
        parameter.kind is parameter.VAR_KEYWORD
        or (parameter.name == "key" and parameter.kind is not parameter.POSITIONAL_ONLY)
        for parameter in parameters
    )
