"""Where a broker is and who we are to it: the URL of a broker, taken apart.

The one idea to know: an address can be printed. `str()` and `repr()` never hold the password, and
no error of this package does, so whatever meets an address may log it.

    mqtt://host                           port 1883, nobody in particular
    mqtt://user:password@host:port        characters like @ / # in them percent-encoded
    mqtts://host?ca=/path/to/ca.pem       TLS, port 8883; `ca` in place of the system's authorities
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from myocan.hub.errors import HubError

__all__ = ["Address", "BusError", "parse_url"]

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_FORM = "write mqtt://user:password@host:port, or mqtts:// for TLS"


class BusError(HubError):
    """What goes wrong between the hub and its broker; the root of this package's errors."""


@dataclass(frozen=True, slots=True)
class Address:
    """One broker, seen by one client.

    host: name or IP address, IPv6 without brackets. port: 1 to 65535. user, password: None where
    the broker asks for none. tls: whether to encrypt. ca: path of a file of PEM certificates that
    alone may vouch for the broker; None trusts the system's authorities.
    """

    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    ca: str | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def parse_url(url: str) -> Address:
    """Take the URL of a broker apart.

    Raises BusError, which says what is wrong and how it is written, and never repeats a password.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise BusError(f"the broker's URL has a host that is none; {_FORM}") from None
    if parts.scheme not in _PORTS:
        raise BusError(f"the broker's URL has to start with mqtt:// or mqtts://; {_FORM}")
    if parts.path not in ("", "/") or parts.fragment:
        raise BusError(
            "the broker's URL goes on after host and port; "
            f"in a user name or a password write @ as %40, / as %2F, # as %23, ? as %3F. {_FORM}"
        )
    if not parts.hostname or any(c.isspace() for c in parts.hostname):
        raise BusError(f"the broker's URL names no host; {_FORM}")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise BusError(f"the broker's URL has a port that is no number from 1 to 65535; {_FORM}")
    if parts.password is not None and not parts.username:
        raise BusError(f"the broker's URL has a password and no user; {_FORM}")
    tls = parts.scheme == "mqtts"
    return Address(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password is not None else None,
        tls=tls,
        ca=_authority(parts.query, tls),
    )


def _authority(query: str, tls: bool) -> str | None:
    """Return the `ca` of a query, the only thing that may stand there."""
    options = dict(parse_qsl(query, keep_blank_values=True))
    ca = options.pop("ca", None)
    if options or (query and ca is None):
        raise BusError("after the ? of the broker's URL only ca=PATH may stand")
    if ca == "":
        raise BusError("?ca= of the broker's URL names no file; write ?ca=/path/to/ca.pem")
    if ca is not None and not tls:
        raise BusError("?ca=PATH is for TLS: write mqtts:// instead of mqtt://, or leave it out")
    return ca
