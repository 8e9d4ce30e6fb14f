"""Loads a house's own code on this machine, for `myocan adapter run`."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from myocan.edge.custom import CustomAdapter
from myocan.edge.ports.port import Port
from myocan.tools.adapters.code_check import BOARD_MODULE, CLASS
from myocan.tools.errors import ToolsError

if TYPE_CHECKING:
    from myocan.tools.adapters.code_check import CodeSpec


def load_code(code: CodeSpec) -> type[CustomAdapter]:
    """Return the class of an adapter's own code; the code's module is run for that.

    Raises ToolsError, with file and line, for code that does not get to its end, or has no class.
    """
    made = getattr(_load(BOARD_MODULE, code.path), CLASS, None)
    if not (isinstance(made, type) and issubclass(made, CustomAdapter)):
        raise ToolsError(f"{code.path}: {CLASS} must be a subclass of CustomAdapter, not {made!r}")
    return made


def load_ports(files: Mapping[str, Path]) -> None:
    """Run the files of a house's own ports, so that the edge finds them under the names that they
    have on a board.

    files: as `AdapterFile.own_ports`. Raises ToolsError like `load_code`.
    """
    for name, path in files.items():
        module = _load(name, path)
        made = getattr(module, "PORT", None)
        if not (isinstance(made, type) and issubclass(made, Port)):
            raise ToolsError(f"{path}: PORT must be a subclass of Port, not {made!r}")
        sys.modules[name] = module


def _load(name: str, path: Path) -> ModuleType:
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # anything can go wrong in what people write
        if isinstance(error, SystemExit) and type(error) is not SystemExit:
            raise  # a signal's, which is to end the program
        raise ToolsError(f"{_place(path, error)}: {_what(error)}") from error
    return module


def _place(path: Path, error: BaseException) -> str:
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(path)
    ]
    return f"{path}, line {lines[-1]}" if lines else str(path)


def _what(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return "this ends the whole program; mend it"
    if isinstance(error, ImportError) and error.name in ("machine", "network", "rp2", "esp32"):
        return f"there is no `{error.name}` on this machine: take pins from self.pins"
    return f"{type(error).__name__}: {error}"
