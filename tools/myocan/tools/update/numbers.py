"""The numbers of updates: each above the last, so that no board can be brought back to an old one.

The one idea to know: a number stands for a content. What is flashed or sent again unchanged keeps
its number; anything else gets one above all former ones, and not below the time in seconds since
1970, so that a house that was restored from a backup gives no number twice.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from myocan.tools.errors import ToolsError
from myocan.tools.update.release import parts

if TYPE_CHECKING:
    from myocan.hub.house import House


def content_of(files: Mapping[str, Path]) -> str:
    """Return a hash of all that an update of these files would bring; see `make_release`."""
    whole = hashlib.sha256()
    for name, content in parts(files).items():
        whole.update(f"{name} {hashlib.sha256(content).hexdigest()}\n".encode())
    return whole.hexdigest()


def next_number(house: House, name: str, content: str, above: int = 0) -> int:
    """Return the number under which a content goes to a board, and keep it.

    name: the board's. content: see `content_of`. above: the number must be above this one.

    Raises ToolsError if the house's file cannot be read.
    """
    path = house.private_path / "updates" / f"{name}.json"
    last, of = _read(path)
    if of == content and last > above:
        return last
    number = max(last + 1, above + 1, int(time.time()))
    for folder in (path.parent.parent, path.parent):
        folder.mkdir(mode=0o700, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.urandom(4).hex()}")
    fresh.write_text(json.dumps({"number": number, "content": content}), encoding="utf-8")
    fresh.replace(path)
    return number


def last_content(house: House, name: str) -> tuple[int, str]:
    """Return the number that a board was given last, and for what; (0, "") for none."""
    return _read(house.private_path / "updates" / f"{name}.json")


def _read(path: Path) -> tuple[int, str]:
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        return int(plain["number"]), str(plain["content"])
    except FileNotFoundError:
        return 0, ""
    except (ValueError, KeyError, TypeError):
        raise ToolsError(f"{path} is damaged: remove it") from None
