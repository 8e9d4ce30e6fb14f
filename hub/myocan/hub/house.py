"""What a house is on disk: `myocan.toml` and the folders beside it.

The one idea to know: a mistake in the file is told to the person who made it. A key that nobody
reads is an error rather than a silence, and every error names the file, the key, and where it can,
the key that was probably meant.

    myocan.toml     the settings below; an empty file is a house with the defaults
    modules/        NAME.scc (or NAME.py, in Python), one module each; NAME.scenario, tests of them
    adapters/       NAME.toml, one board each; NAME is the board's name
    externals.py    functions in Python that rules may call, if there are any
    models.py       state models in Python, if there are any
    .myocan/        what the hub keeps: the store, its own broker's files, hub.json while it runs
"""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
)

from myocan.hub.bus.address import BusError, parse_url
from myocan.hub.durations import parse_duration
from myocan.hub.errors import HubError
from myocan.hub.needs import text_of
from myocan.hub.retention import check_pattern, parse_keep

__all__ = [
    "FILE_NAME",
    "Agent",
    "Boards",
    "Broker",
    "Clock",
    "Externals",
    "House",
    "HouseError",
    "Location",
    "Metrics",
    "Publish",
    "RunningHub",
    "Store",
    "Wifi",
    "check_broker_url",
    "check_level",
    "check_zone",
]

FILE_NAME = "myocan.toml"

MODULE_SUFFIXES = (".scc", ".py")
"""What the names of module files end with."""

CATCH_UP_MS = (60_000, 366 * 24 * 3_600_000)
"""The shortest and the longest `catch_up`: a minute, for an AT is always a moment late; a year."""

STALE_MS = (1000, 7 * 24 * 3_600_000)
"""The shortest and the longest `stale_events`: a second, a week."""
NO_RESERVE = "0 KB"
"""What `[store] reserve` says for no reserve."""

_LEVEL = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""One level of a topic, as the wire format has it."""


class HouseError(HubError):
    """A house that cannot be used as it stands; the message names the file, the key, the remedy."""


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
    address: under which boards find the hub's own broker; absent: what the network has given this
    machine, if it listens there.
    """

    url: Annotated[str, AfterValidator(check_broker_url)] | None = None
    listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:18830"
    address: Annotated[str, AfterValidator(_host)] | None = None

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


class House(_Table):
    """A house: its settings and its files. Made by `load`.

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

    _root: Path = PrivateAttr()

    @classmethod
    def load(cls, path: Path | str) -> House:
        """Read the house in folder `path` (or its `myocan.toml`).

        Raises HouseError: no such house, no TOML, an unknown key, a value that does not fit.
        """
        path = Path(path)
        file = path if path.name == FILE_NAME else path / FILE_NAME
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise HouseError(
                f"{file.parent} is no house: it holds no {FILE_NAME}. "
                "Make one with `myocan init`, or name another folder."
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise HouseError(f"{file} cannot be read: {error}") from error
        except tomllib.TOMLDecodeError as error:
            raise HouseError(
                f"{file}: this is not valid TOML: {error}; a value is written like"
                ' domain = "home", with both brackets and both quotes'
            ) from error
        except RecursionError:
            raise HouseError(f"{file}: brackets within brackets, far too many; mend it") from None
        try:
            house = cls.model_validate(content)
        except ValidationError as error:
            raise HouseError("\n".join(_explain(file, cls, error))) from None
        house._root = file.parent.resolve()
        return house

    @classmethod
    def find(cls, start: Path | str) -> Path:
        """Return the nearest folder that holds a house: `start` or one above it.

        Raises HouseError if there is none.
        """
        start = Path(start).resolve()
        for folder in (start, *start.parents):
            if (folder / FILE_NAME).is_file():
                return folder
        raise HouseError(
            f"no {FILE_NAME} in {start} or above it. Go to a house, name one with --house, "
            "or make one with `myocan init`."
        )

    @property
    def root(self) -> Path:
        """The house's folder, absolute."""
        return self._root

    def modules(self) -> list[Path]:
        """The modules, by name: of rules (.scc), and in Python (.py)."""
        return module_files(self.root / "modules")

    def adapters(self) -> list[Path]:
        """The adapter files, by name."""
        return sorted((self.root / "adapters").glob("*.toml"))

    def scenarios(self) -> list[Path]:
        """The scenario files, by name."""
        return sorted((self.root / "modules").glob("*.scenario"))

    @property
    def models_path(self) -> Path | None:
        """The file with state models, if the house has one."""
        path = self.root / "models.py"
        return path if path.is_file() else None

    @property
    def externals_path(self) -> Path | None:
        """The file with functions that rules may call, if the house has one."""
        path = self.root / "externals.py"
        return path if path.is_file() else None

    @property
    def store_path(self) -> Path:
        """Where the log is kept, absolute."""
        return self.root / self.store.path

    @property
    def private_path(self) -> Path:
        """The folder for what the hub keeps for itself; it may not exist yet."""
        return self.root / ".myocan"

    @property
    def accepts_unknown_boards(self) -> bool:
        """Whether a board that no adapter is for is heard; see `Boards`."""
        if self.boards.accept_unknown is not None:
            return self.boards.accept_unknown
        return not self.broker.asks_for_credential


def module_files(folder: Path) -> list[Path]:
    """Return the modules in a folder, by name."""
    return sorted(file for file in folder.glob("*") if file.suffix in MODULE_SUFFIXES)


def _explain(file: Path, model: type[BaseModel], error: ValidationError) -> list[str]:
    """Return one line for each mistake: file, key, what is wrong, what to write instead."""
    lines = []
    for mistake in error.errors(include_url=False):
        location = [str(part) for part in mistake["loc"]]
        if mistake["type"] == "extra_forbidden":
            what = _unknown_key(model, location)
        elif mistake["type"] == "value_error":
            what = str(mistake["ctx"]["error"])
        else:
            given = mistake["input"]
            shown = f", not {text_of(given)}" if isinstance(given, str | int | float | bool) else ""
            what = mistake["msg"].replace("Input should be", "has to be") + shown
        lines.append(f"{file}: {_key(location)}: {what}")
    return lines


def _key(location: list[str]) -> str:
    """Return a key as it stands in the file: `[broker] url`, or `domain`."""
    if location[-1] == "[key]":  # a wrong key of a table with keys of any name
        location = location[:-1]
    if len(location) == 1:
        return location[0]
    return f"[{'.'.join(location[:-1])}] {location[-1]}"


def _unknown_key(model: type[BaseModel], location: list[str]) -> str:
    for name in location[:-1]:
        if name.isdigit():  # one of a list of tables
            continue
        inner: Any = model.model_fields[name].annotation
        model = next(iter(get_args(inner)), inner)
    known = sorted(model.model_fields)
    near = difflib.get_close_matches(location[-1].lower(), known, n=1)
    if near:
        return f"unknown key; did you mean {near[0]!r}?"
    if len(location) == 1:  # perhaps right, but in the wrong place
        for name, field in model.model_fields.items():
            table: Any = field.annotation
            if isinstance(table, type) and location[0] in getattr(table, "model_fields", {}):
                return f"unknown key; it belongs under [{name}]"
    return f"unknown key; known here: {', '.join(known)}"


@dataclass(frozen=True)
class RunningHub:
    """The hub that runs a house now, as `.myocan/hub.json` tells it.

    url: where programs on this machine reach its broker. pid: its process. control: the socket on
    which it takes commands (see `myocan.hub.control`), "" for none. boards: where boards reach the
    broker; "" for there, too.
    """

    url: str
    pid: int
    control: str = ""
    boards: str = ""

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
