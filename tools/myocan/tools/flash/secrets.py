"""What a board and its house know, and nobody else: its password at the broker, its update key.

The one idea to know: each board has secrets of its own, drawn when it is first flashed, so a board
that is stolen opens nothing but itself, and flashing another one in its place shuts it out. They
are kept in the house, `.myocan/boards/NAME.json`, which its user alone can read; the hub's own
broker takes passwords from there (`myocan.hub.agent.accounts`).

    {"name": "porch", "password": "9f2c…", "update_key": "51ab…", "identity": "e6614c31…"}
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from myocan.tools.errors import ToolsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from myocan.hub.house import House

__all__ = [
    "BoardSecrets",
    "SecretsError",
    "board_secrets",
    "forget_secrets",
    "known_secrets",
    "new_secrets",
    "save_secrets",
]

PASSWORD_BYTES = 24
UPDATE_KEY_BYTES = 32
"""As long as what HMAC-SHA256 returns, and no longer (RFC 2104, section 3)."""


class SecretsError(ToolsError):
    """The file with a board's secrets cannot be used; the text says what to do."""


@dataclass(frozen=True)
class BoardSecrets:
    """What was drawn for one board.

    name: the board's. password: its own at the broker, where its name is the user. update_key: what
    updates for it are signed with, 64 hex digits. identity: the number of the chip that was
    flashed under this name, as it says itself; "" before any was.
    """

    name: str
    password: str = field(repr=False)
    update_key: str = field(repr=False)
    identity: str = ""

    def broker(self, broker: Mapping[str, Any]) -> dict[str, Any]:
        """Return the `broker` part of a configuration with this board's account, if the broker
        asks for one: then `broker` has somebody's."""
        if broker["user"] is None:
            return dict(broker)
        return {**broker, "user": self.name, "password": self.password}


def board_secrets(house: House, name: str) -> BoardSecrets:
    """Return the secrets of a board of a house; those of a new board are drawn now, and kept.

    Raises SecretsError for a file that holds something else.
    """
    path = _path(house, name)
    try:
        return _read(path, name)
    except FileNotFoundError:
        pass
    fresh = _written(path, _drawn(name))
    try:
        os.link(fresh, path)  # unlike a rename it fails if somebody else drew some meanwhile
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return _read(path, name)


def new_secrets(house: House, name: str) -> BoardSecrets:
    """Draw a board's secrets anew: what knows the former ones is shut out."""
    drawn = _drawn(name)
    save_secrets(house, drawn)
    return drawn


def save_secrets(house: House, secrets: BoardSecrets) -> None:
    """Keep secrets in the place of those that a house has for this board."""
    path = _path(house, secrets.name)
    _written(path, secrets).replace(path)


def known_secrets(house: House) -> list[BoardSecrets]:
    """Return the secrets of all boards of a house, by name; unreadable ones are left out."""
    found = []
    for path in sorted((house.private_path / "boards").glob("*.json")):
        with suppress(SecretsError, OSError):
            found.append(_read(path, path.stem))
    return found


def forget_secrets(house: House, name: str) -> None:
    """Forget a board: what it knows opens nothing any more."""
    _path(house, name).unlink(missing_ok=True)


def _drawn(name: str) -> BoardSecrets:
    return BoardSecrets(name, os.urandom(PASSWORD_BYTES).hex(), os.urandom(UPDATE_KEY_BYTES).hex())


def _path(house: House, name: str) -> Path:
    return house.private_path / "boards" / f"{name}.json"


def _read(path: Path, name: str) -> BoardSecrets:
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        found = replace(BoardSecrets("", "", ""), **plain)
        whole = len(bytes.fromhex(found.update_key)) == UPDATE_KEY_BYTES and found.password
        if found.name != name or not whole:
            raise ValueError
    except (ValueError, TypeError):
        raise SecretsError(
            f"{path} does not hold the secrets of {name}: restore it from a backup, or remove it "
            "and flash the board again over its cable"
        ) from None
    return found


def _written(path: Path, secrets: BoardSecrets) -> Path:
    """Return a new file beside `path` that holds them, and that its user alone can read."""
    for folder in (path.parent.parent, path.parent):
        folder.mkdir(mode=0o700, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.urandom(4).hex()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(secrets), file)
        file.flush()
        os.fsync(file.fileno())  # a board that has them must not outlive those of its house
    return fresh
