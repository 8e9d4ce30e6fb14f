"""Where the example house lies: the demo runs its porch, and `myocan init` copies that.

The one idea to know: the whole house shows what rules can do; a new house begins with what one can
try at once, a button and a lamp.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from myocan.tools.errors import ToolsError

_PACKAGE = Path(__file__).resolve().parent


PORCH = (
    "myocan.toml",
    "models.py",
    "adapters/porch.toml",
    "modules/switch1.scc",
    "modules/lamp1.scc",
    "modules/lamp1.scenario",
)
"""The files of the example house that a new house begins with."""


def example_house() -> Path:
    """Return the folder of the example house: in an installed package, or in a checkout.

    Raises ToolsError if neither holds it.
    """
    for folder in (_PACKAGE / "examples" / "house", _PACKAGE.parents[2] / "examples" / "house"):
        if (folder / "myocan.toml").is_file():
            return folder
    raise ToolsError("the example house is missing from this installation; install myocan again")


def is_example(file: Path) -> bool:
    """Whether a file of a house's `adapters/` is still what `copy_example_house` put there."""
    example = example_house() / "adapters" / file.name
    return example.is_file() and example.read_bytes() == file.read_bytes()


def copy_example_house(target: Path) -> list[Path]:
    """Copy the porch of the example house into folder `target`, made if need be.

    Returns the files, relative to `target`. Raises ToolsError, before anything is written, if one
    of them is there already.
    """
    source = example_house()
    files = [Path(name) for name in PORCH]
    if taken := [str(file) for file in files if (target / file).exists()]:
        raise ToolsError(
            f"{target} already holds {', '.join(taken)}; nothing was written. "
            "Choose another folder, or move them away."
        )
    for file in files:
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / file, target / file)
    return files
