"""What `myocan.toml` can say: its tables, and what each key takes.

The one idea to know: a key that nobody reads is an error rather than a silence, and a value is
taken as it stands or refused, never converted. What does not fit raises ValueError, whose text goes
behind the file's name and the key's (see `myocan.hub.house`), so it says only what would fit.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from myocan.hub.bus.address import BusError, parse_url
from myocan.hub.durations import parse_duration
from myocan.hub.retention import check_pattern, parse_keep

__all__ = [
    "Agent",
    "Boards",
    "Broker",
    "Clock",
    "Externals",
    "Location",
    "Metrics",
    "Publish",
    "Settings",
    "Store",
    "Wifi",
    "check_broker_url",
    "check_level",
    "check_zone",
]

CATCH_UP_MS = (60_000, 366 * 24 * 3_600_000)
"""The shortest and the longest `catch_up`: a minute, for an AT is always a moment late; a year."""

STALE_MS = (1000, 7 * 24 * 3_600_000)
"""The shortest and the longest `stale_events`: a second, a week."""

TLS_LISTEN = "0.0.0.0:8883"
"""Where the hub's own broker listens if it encrypts and nobody says otherwise; IANA gives that port
to MQTT with TLS."""

NO_RESERVE = "0 KB"
"""What `[store] reserve` says for no reserve."""

_LEVEL = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""One level of a topic, as the wire format has it."""


def check_level(text: str) -> str:
    """Return `text` if it can be one level of a topic. Raises ValueError, which says what can."""
    if not _LEVEL.fullmatch(text):
        raise ValueError("takes 1 to 64 letters, digits, '_', '.', '-', being part of topics")
    return text


def check_zone(text: str) -> str:
    """Return `text` if it names a time zone. Raises ValueError, which says how one is written."""
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{text!r} is no time zone; write one like 'Europe/Berlin'") from None
    return text


def _country(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}", text):
        raise ValueError("takes a country's two capital letters, like 'DE'")
    return text


def check_broker_url(url: str) -> str:
    """Return `url` if it names an MQTT broker, see `myocan.hub.bus.parse_url`.

    Raises ValueError, whose text says what is wrong and never repeats a password.
    """
    try:
        parse_url(url)
    except BusError as error:
        raise ValueError(str(error)) from None
    return url


def _listen(text: str) -> str:
    host, _, port = text.rpartition(":")
    digits = port.isascii() and port.isdigit()
    if host and digits and (len(port.lstrip("0")) > 5 or int(port) > 65535):
        raise ValueError("names a port that cannot be: ports go up to 65535")
    if not host or not digits:
        raise ValueError("takes an address and a port, like '127.0.0.1:18830' (port 0: any)")
    return text


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.:-]{1,253}", text):
        raise ValueError("takes a name or an address, like '192.168.1.5', without a port")
    return text


def _catch_up(text: str) -> str:
    parse_duration(text, *CATCH_UP_MS)
    return text


def _stale_events(text: str) -> str:
    parse_duration(text, *STALE_MS)
    return text


def _bytes(text: str) -> int:
    return 0 if text == NO_RESERVE else parse_keep(text).size or 0


def _reserve(text: str) -> str:
    try:
        size = _bytes(text)
    except ValueError:
        size = -1
    if size <= 0 and text != NO_RESERVE:
        raise ValueError("takes a size, like '1 MB' or '256 KB'; '0 KB' for none")
    return text


def _kept(text: str) -> str:
    parse_keep(text)
    return text


def _joined(table: Any) -> Any:
    """Return a table of topics as it was meant: without quotes, camera.image is a table's key."""
    if not isinstance(table, dict):
        return table
    flat = {}
    for name, inner in table.items():
        if isinstance(inner, dict):
            flat.update({f"{name}.{rest}": text for rest, text in _joined(inner).items()})
        else:
            flat[name] = inner
    return flat


class _Table(BaseModel):
    """A table of the file: nothing unknown in it, nothing converted behind a person's back."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Location(_Table):
    """Where the house stands, for sun times and holidays.

    latitude: degrees, north positive, -90 to 90. longitude: degrees, east positive, -180 to 180.
    country: ISO 3166 code of two letters, whose holidays count, and whose channels WiFi may use.
    """

    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)
    country: Annotated[str, AfterValidator(_country)] | None = None


class Broker(_Table):
    """Which MQTT broker joins the house.

    url: the user's own broker; absent: the hub runs one itself.
    listen: where the hub's own broker listens, `host:port`; port 0 takes any free one.
    tls: whether the hub's own broker encrypts there; then `listen` is by default TLS_LISTEN.
    plain: where it listens besides, `host:port`, without encrypting, for boards that cannot.
    address: under which boards find the hub's own broker; absent: what the network has given this
    machine, if it listens there.
    """

    url: Annotated[str, AfterValidator(check_broker_url)] | None = None
    listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:18830"
    tls: bool = False
    plain: Annotated[str, AfterValidator(_listen)] | None = None
    address: Annotated[str, AfterValidator(_host)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _in_the_network(cls, table: Any) -> Any:
        if isinstance(table, dict) and table.get("tls") is True:
            return {"listen": TLS_LISTEN, **table}
        return table

    @field_validator("tls")
    @classmethod
    def _is_its_own(cls, tls: bool, others: ValidationInfo) -> bool:
        if tls and others.data.get("url") is not None:
            raise ValueError(
                "is for the hub's own broker; of yours, [broker] url says that it encrypts: "
                "mqtts://…?ca=PATH"
            )
        if tls and others.data.get("listen", "").endswith(":1883"):
            raise ValueError(
                f"and listen with port 1883, that of MQTT without TLS: leave listen out, or write "
                f'listen = "{TLS_LISTEN}"'
            )
        return tls

    @field_validator("plain")
    @classmethod
    def _is_besides(cls, plain: str | None, others: ValidationInfo) -> str | None:
        if plain is not None and not others.data.get("tls", True):
            raise ValueError("goes with tls = true; without it, nothing encrypts, see listen")
        if plain is not None and plain == others.data.get("listen") and not plain.endswith(":0"):
            raise ValueError("and listen are the same; give one of them another port")
        return plain

    @property
    def asks_for_credential(self) -> bool:
        """Whether the broker that is used wants to know who connects."""
        return self.url is not None and parse_url(self.url).user is not None


class Wifi(_Table):
    """A WiFi network for the boards of the house; `password` is empty for an open one."""

    ssid: str = Field(min_length=1)
    password: str = ""


class Store(_Table):
    """Where the log is kept: `path`, relative to the house.

    reserve: how much room is set aside beside it, so that a full disk can be written down, as KEEP
    has sizes: "1 MB"; "0 KB" for none.
    """

    path: str = Field(default=".myocan/store.sqlite", min_length=1)
    reserve: Annotated[str, AfterValidator(_reserve)] = "1 MB"

    @property
    def reserve_bytes(self) -> int:
        """The bytes of the reserve."""
        return _bytes(self.reserve)


class Agent(_Table):
    """Who this hub is among the hubs of its domain, and what it does with time it was away.

    name: part of topics. catch_up: how far back missed ATs are made up for. stale_events: the age
    from which an event is not published any more. Both in words, see `parse_duration`.
    instances_in_memory: how many instances of modules are kept there; others are in the store until
    somebody speaks to them.
    """

    name: Annotated[str, AfterValidator(check_level)] = "main"
    catch_up: Annotated[str, AfterValidator(_catch_up)] = "24 hours"
    stale_events: Annotated[str, AfterValidator(_stale_events)] = "60 seconds"
    instances_in_memory: Annotated[int, Field(ge=1, le=100_000_000)] = 100_000

    @property
    def catch_up_ms(self) -> int:
        """How far back missed ATs are made up for, in milliseconds."""
        return parse_duration(self.catch_up, *CATCH_UP_MS)

    @property
    def stale_events_ms(self) -> int:
        """The age from which an event is not published any more, in milliseconds."""
        return parse_duration(self.stale_events, *STALE_MS)


class Boards(_Table):
    """Which boards are heard, and how much of each.

    accept_unknown: also boards that no adapter of the house is for; absent: as long as the broker
    asks for no credential. rate: messages a second that one board may send for long.
    """

    accept_unknown: bool | None = None
    rate: Annotated[int, Field(ge=1, le=1_000_000)] = 5000


class Clock(_Table):
    """Whether the machine's clock is believed; `auto`: unless something speaks against it."""

    trust: Literal["auto", "always"] = "auto"


class Publish(_Table):
    """What is published beside what modules say: `inputs`, all that boards sent, once logged."""

    inputs: bool = False


class Metrics(_Table):
    """Whether Prometheus can look on.

    listen: where `/metrics` is answered, `host:port`; absent: nowhere.
    """

    listen: Annotated[str, AfterValidator(_listen)] | None = None

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port of `listen`."""
        if self.listen is None:
            return None
        host, _, port = self.listen.rpartition(":")
        return host, int(port)


class Externals(_Table):
    """How functions of `externals.py` are called.

    timeout_s: seconds that a call may take before the next one is made, above 0, up to an hour.
    """

    timeout_s: float = Field(default=30.0, gt=0, le=3600)


class Settings(_Table):
    """All that `myocan.toml` says.

    domain: first part of its topics. timezone: IANA name, for schedules and for what people read.
    wifi: networks for all boards, beside those of their adapters, the favourite first.
    retention: how long messages are kept, topics -> what KEEP says; see `myocan.hub.retention`.
    """

    domain: Annotated[str, AfterValidator(check_level)] = "home"
    timezone: Annotated[str, AfterValidator(check_zone)] = "UTC"
    location: Location = Location()
    broker: Broker = Broker()
    wifi: list[Wifi] = Field(default_factory=list)
    store: Store = Store()
    agent: Agent = Agent()
    boards: Boards = Boards()
    clock: Clock = Clock()
    publish: Publish = Publish()
    externals: Externals = Externals()
    metrics: Metrics = Metrics()
    retention: Annotated[
        dict[Annotated[str, AfterValidator(check_pattern)], Annotated[str, AfterValidator(_kept)]],
        BeforeValidator(_joined),
    ] = Field(default_factory=dict)

    @property
    def accepts_unknown_boards(self) -> bool:
        """Whether a board that no adapter is for is heard; see `Boards`."""
        if self.boards.accept_unknown is not None:
            return self.boards.accept_unknown
        return not self.broker.asks_for_credential
