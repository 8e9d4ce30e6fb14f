"""Running a house's own files of Python: `models.py` and `externals.py`.

The one idea: what people write may do anything, also end the program, or never come to its end. So
whatever it does becomes a message with a line, and who waits for it is told for what.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from myocan.hub.errors import HubError

__all__ = ["now_running", "run_file"]

SLOW_S = 5
"""How long a file may run before who waits for it is told so."""

_running = threading.local()


def now_running() -> str:
    """Return the name of the file that this thread is running, "" for none.

    For a signal's sake: whoever waits for a file cannot be waiting for anything else.
    """
    return str(getattr(_running, "name", ""))


def run_file(path: Path, module: ModuleType, fault: Callable[[str], HubError]) -> bytes:
    """Run a file as a module, and return its text.

    Arguments:
        path: it.
        module: where its names go.
        fault: makes an error of a message with the line.

    Raises:
        HubError: what `fault` makes, if the file cannot be read, fails, or wants to end the
            program.
    """
    slow = threading.Timer(SLOW_S, _tell, [path.name])
    slow.daemon = True
    slow.start()
    _running.name = path.name
    try:
        source = path.read_bytes()
        exec(compile(source, str(path), "exec"), module.__dict__)
    except SystemExit as error:
        if type(error) is not SystemExit:
            raise  # a signal's, which is to end the program
        raise fault(_explain(path, error)) from error
    except Exception as error:
        raise fault(_explain(path, error)) from error
    finally:
        _running.name = ""
        slow.cancel()
    return source


def _tell(name: str) -> None:
    print(
        f"{name} has been running for {SLOW_S} seconds; Ctrl-C stops this",
        file=sys.stderr,
        flush=True,
    )


def _first_line(error: BaseException) -> str:
    """Return what an error says in its first line; what stands below is for developers."""
    try:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    except Exception:  # of a class of the file's own
        lines = []
    return lines[0].rstrip(".:") if lines else "it says no more"


def _explain(path: Path, error: BaseException) -> str:
    """Return where a file goes wrong and why, in a line."""
    line = error.lineno if isinstance(error, SyntaxError) and error.filename == str(path) else None
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == str(path):
            line = frame.lineno
    where = f"{path}:{line}" if line else str(path)
    if isinstance(error, SystemExit):
        return f"{where}: this ends the whole program; mend it, or take the file away"
    what = error.msg if isinstance(error, SyntaxError) else _first_line(error)
    kind = "" if isinstance(error, HubError) else f"{type(error).__name__}: "
    return f"{where}: {kind}{what}; mend it, or take the file away"
