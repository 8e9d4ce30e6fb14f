"""The accounts of a house's boards at the hub's own broker.

The one idea: a board may read what its adapter's file says that it takes, and nothing of others.
Its password was drawn when it was flashed (`myocan.tools.flash.secrets` writes the files); a board
that never was has no account.
"""

from __future__ import annotations

import json
import logging

from myocan.hub.agent.topics import data_topics_taken
from myocan.hub.bus import Account
from myocan.hub.house import House
from myocan.hub.settings import check_level

__all__ = ["board_accounts"]

_log = logging.getLogger(__name__)


def board_accounts(house: House) -> list[Account]:
    """Return the accounts of a house's boards, by name; a file that cannot be read gives none."""
    found = []
    for file in sorted((house.private_path / "boards").glob("*.json")):
        try:
            plain = json.loads(file.read_text(encoding="utf-8"))
            name, password = check_level(plain["name"]), plain["password"]
            if name != file.stem or not isinstance(password, str) or not password:
                raise ValueError("it is not what flashing has written")
        except (OSError, ValueError, KeyError, TypeError) as error:
            _log.warning("%s gives no board an account: %s", file, error)
            continue
        adapter = house.root / "adapters" / f"{name}.toml"
        found.append(Account(name, password, tuple(data_topics_taken(adapter, house.domain))))
    return found
