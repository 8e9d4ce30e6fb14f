"""What a board runs after boot.py: its adapter, for ever.

The configuration is in /config.json; or, after an update, in another place, as the code may be.
Where is in /slots.json, see slots.py, which is loaded only when an update is on trial.
"""

import json
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def start() -> "tuple[dict[str, Any], str, Callable[..., None]]":
    """Return what slots.py has noted, the path of the configuration, and what runs it."""
    found: dict[str, Any] = {"code": "a", "config": "a", "number": 0, "failed": 0, "trial": None}
    for name in ("/slots.new", "/slots.json"):  # a power cut can spoil one of the two
        try:
            with open(name) as file:
                read = json.load(file)
            if type(read["number"]) is int:
                found = read
        except (OSError, ValueError, TypeError, KeyError):
            pass
    if found["trial"]:
        import slots

        slots.try_update()
    sys.path.insert(0, "/b/lib" if found["code"] == "b" else "/lib")
    from myocan.edge.board import run

    return found, "/b/config.json" if found["config"] == "b" else "/config.json", run


noted, path, run = start()
del start  # its memory is for the adapter
run(path, noted)
