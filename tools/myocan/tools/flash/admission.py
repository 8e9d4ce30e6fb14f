"""Which broker a board goes to, and whether the board that is plugged in may be that board.

The one idea to know: a name is one board's. So a second chip is not flashed under it by accident;
`replace` says that the first one is gone, and shuts it out by drawing all secrets anew.
"""

from __future__ import annotations

from dataclasses import replace as changed
from typing import TYPE_CHECKING, Any

from myocan.tools.errors import ToolsError
from myocan.tools.flash.mpremote import BoardError
from myocan.tools.flash.secrets import (
    BoardSecrets,
    board_secrets,
    forget_secrets,
    known_secrets,
    new_secrets,
    save_secrets,
)

if TYPE_CHECKING:
    from myocan.hub.house import House
    from myocan.hub.running_hub import RunningHub
    from myocan.tools.board_kinds import BoardKind
    from myocan.tools.flash.flashing import Found

__all__ = ["Admission", "board_broker", "password_in_url", "tell_hub"]


def board_broker(
    house: House, name: str, given: str | None = None, *, kind: BoardKind | None = None
) -> dict[str, Any]:
    """Return the `broker` part of a board's configuration: where it is, and the board's account.

    kind: the board's, for some cannot encrypt; None: one that can.
    given: the broker's URL, in place of what the house or its running hub says. A board never gets
    the account that stands in there, but its own; none where there is none. If the account in
    there is the board's own, as it is on a machine that the hub does not run on, it is taken for
    this once: what is kept in the house stays, for the hub's own broker lets in whom that names.

    Raises as `broker_address`.
    """
    broker, asks = broker_address(house, given, kind=kind)
    if asks:
        password = password_in_url(house, name, given)
        if password is None:
            password = board_secrets(house, name).password
            tell_hub(house)
        broker.update(user=name, password=password)
    return broker


def password_in_url(house: House, name: str, given: str | None = None) -> str | None:
    """Return the password of a board whose own account stands in the broker's URL; else None.

    given: see `board_broker`. Raises BusError.
    """
    from myocan.hub.bus import parse_url

    url = given if given is not None else house.broker.url
    address = None if url is None else parse_url(url)
    return address.password if address is not None and address.user == name else None


def broker_address(
    house: House, given: str | None = None, *, kind: BoardKind | None = None
) -> tuple[dict[str, Any], bool]:
    """Return the `broker` part of boards' configurations without an account, and whether boards
    need one.

    given, kind: see `board_broker`. Raises ToolsError if no hub of this house runs here and none is
    configured, or if it has no door for a board that cannot encrypt; BusError.
    """
    from myocan.hub.bus import parse_url
    from myocan.hub.running_hub import RunningHub

    running = RunningHub.read(house)
    own = running is not None and running.boards not in ("", running.url)
    if given is not None:
        url = given
    elif running is not None:
        url = _door(running, kind)
    elif house.broker.url is not None:
        url = house.broker.url
    else:
        raise ToolsError(
            f"no hub of {house.root} runs on this machine, and the house names no broker. "
            f"Start it (`myocan run {house.root}`), or name one: [broker] url in myocan.toml."
        )
    address = parse_url(url)
    broker: dict[str, Any] = {
        "host": address.host,
        "port": address.port,
        "tls": address.tls,
        "ca": address.ca,
        "user": None,
        "password": None,
    }
    return broker, own or address.user is not None


def _door(running: RunningHub, kind: BoardKind | None) -> str:
    """Return the URL at which boards of a kind reach the broker of a hub that runs here."""
    url = running.boards or running.url
    if kind is None or kind.tls or not running.boards.startswith("mqtts:"):
        return url
    if not running.plain and running.boards != running.url:
        raise ToolsError(
            f"the hub's broker encrypts ([broker] tls = true in myocan.toml), and a {kind.title} "
            'cannot. To let it in all the same, write plain = "0.0.0.0:1883" below that, and '
            "start the hub again; who is in your network can then read what this board says and "
            "hears, its password included"
        )
    return running.plain or url


def tell_hub(house: House) -> None:
    """Let a hub that runs know that accounts of boards have changed.

    Raises HubError if it does not answer.
    """
    from myocan.hub.control import ask
    from myocan.hub.running_hub import RunningHub

    running = RunningHub.read(house)
    if running is not None and running.boards not in ("", running.url):
        ask(house, "board accounts")


class Admission:
    """Lets a board have a name of a house, or not; for `flash(admit=...)`.

    replace: whether it may take the name over from another board; its secrets are drawn anew even
        if it is the same one.
    password: what it gets in place of the one that is kept, see `password_in_url`; not with
        `replace`.
    """

    def __init__(
        self, house: House, name: str, *, replace: bool = False, password: str | None = None
    ) -> None:
        self._house = house
        self._name = name
        self._replace = replace
        self._password = password

    def __call__(self, found: Found) -> BoardSecrets:
        """Return the secrets of the board that was found.

        Raises BoardError if its name is another board's.
        """
        secrets = board_secrets(self._house, self._name)
        if self._replace:
            secrets = new_secrets(self._house, self._name)
        elif secrets.identity not in ("", found.identity):
            raise BoardError(
                f"{self._name} is another board of this house already (chip "
                f"{secrets.identity}, this is {found.identity}). Two of one name would "
                "contradict each other: give this one an adapter of another name, or, if it "
                "is to take the other's place, flash it with --replace"
            )
        if secrets.identity != found.identity:
            secrets = changed(secrets, identity=found.identity)
            save_secrets(self._house, secrets)
        for other in known_secrets(self._house):
            if other.identity == found.identity and other.name != self._name:
                forget_secrets(self._house, other.name)  # this chip had that name before
        tell_hub(self._house)
        if self._password is not None and not self._replace:
            return changed(secrets, password=self._password)
        return secrets
