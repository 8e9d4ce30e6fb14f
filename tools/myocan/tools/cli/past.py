"""What the commands that look at the past have in common."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from myocan.hub.core import Program
    from myocan.hub.store import Reader


@cache
def program_of(module: str, source: str) -> Program | None:
    """Compile a text of the log, each only once; None if it has mistakes."""
    from myocan.hub.lang import compile_module

    return compile_module(source, module).program


def differences(count: int) -> str:
    """Return so many differences, in words."""
    return "1 difference" if count == 1 else f"{count:,} differences"


def check_mode(reader: Reader, mode: str) -> None:
    """Raise ToolsError if the store has no such mode: an empty log answers nothing."""
    from myocan.tools.errors import ToolsError

    if mode not in reader.modes():
        raise ToolsError(f"there is no mode {mode}; there are {', '.join(reader.modes())}")
