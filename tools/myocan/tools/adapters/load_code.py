"""Loads an adapter's own code on this machine, for `myocan adapter run`."""

from __future__ import annotations

import traceback
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING

from myocan.edge.custom import CustomAdapter
from myocan.tools.adapters.code_check import BOARD_MODULE, CLASS
from myocan.tools.errors import ToolsError

if TYPE_CHECKING:
    from myocan.tools.adapters.code_check import CodeSpec


def load_code(code: CodeSpec) -> type[CustomAdapter]:
    """Return the class of an adapter's own code; the code's module is run for that.

    Raises ToolsError, with file and line, for code that does not get to its end, or has no class.
    """
    spec = spec_from_file_location(BOARD_MODULE, code.path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # anything can go wrong in what people write
        raise ToolsError(f"{_place(code, error)}: {_what(error)}") from error
    made = getattr(module, CLASS, None)
    if not (isinstance(made, type) and issubclass(made, CustomAdapter)):
        raise ToolsError(f"{code.path}: {CLASS} must be a subclass of CustomAdapter, not {made!r}")
    return made


def _place(code: CodeSpec, error: Exception) -> str:
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(code.path)
    ]
    return f"{code.path}, line {lines[-1]}" if lines else str(code.path)


def _what(error: Exception) -> str:
    if isinstance(error, ImportError) and error.name in ("machine", "network", "rp2", "esp32"):
        return f"there is no `{error.name}` on this machine: take pins from self.pins"
    return f"{type(error).__name__}: {error}"
