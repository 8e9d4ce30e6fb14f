"""Which hub runs a house, and how programs on this machine reach it: `.myocan/hub.json`.

The one idea to know: the file is an announcement, and a killed hub cannot take its own back. So
what counts is whether the process it names is alive.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from myocan.hub.house import House

__all__ = ["RunningHub"]


@dataclass(frozen=True)
class RunningHub:
    """The hub that runs a house now, as `.myocan/hub.json` tells it.

    url: where programs on this machine reach its broker. pid: its process. control: the socket on
    which it takes commands (see `myocan.hub.control`), "" for none. boards: where boards reach the
    broker; "" for there, too. plain: where boards do that cannot encrypt, "" for nowhere else.
    """

    url: str
    pid: int
    control: str = ""
    boards: str = ""
    plain: str = ""

    @staticmethod
    def path(house: House) -> Path:
        """The file that is there while a hub runs."""
        return house.private_path / "hub.json"

    @classmethod
    def read(cls, house: House) -> RunningHub | None:
        """Return the hub that runs `house`, or None; a file that a crash left behind counts not."""
        try:
            plain = json.loads(cls.path(house).read_text(encoding="utf-8"))
            found = cls(
                str(plain["url"]),
                int(plain["pid"]),
                str(plain.get("control", "")),
                str(plain.get("boards", "")),
                str(plain.get("plain", "")),
            )
            os.kill(found.pid, 0)
        except PermissionError:
            return found  # it lives, under another user
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found

    def write(self, house: House) -> None:
        """Announce this hub; readable by its user alone, since a URL may hold a password."""
        path = self.path(house)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
        fresh.replace(path)

    def withdraw(self, house: House) -> None:
        """Take the announcement back, unless another hub has put its own there meanwhile."""
        if RunningHub.read(house) == self:
            self.path(house).unlink(missing_ok=True)
