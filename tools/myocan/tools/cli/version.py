"""What `myocan --version` says."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version


def installed_version() -> str:
    """Return the version of the installed distribution."""
    try:
        return version("myocan")
    except PackageNotFoundError:  # run from a checkout that nobody installed
        return "(not installed)"


def core_build() -> str:
    """Return "compiled" or "pure": which build of the core Python loads."""
    from myocan.hub.core import COMPILED

    return "compiled" if COMPILED else "pure"


def describe() -> str:
    """Return one line: version, build of the core, Python."""
    return (
        f"myocan {installed_version()}, core {core_build()}, "
        f"Python {platform.python_version()} on {platform.machine()}"
    )
