"""An adapter file, read and checked: a board, and what is wired to it.

The one idea to know: a file is told all that is wrong with it at once, with lines. So reading
collects problems, and only at the end decides whether there is an `AdapterFile` to return. It is
then right in itself and for its kind of board; whether the modules know its topics is for
`myocan check`, which `publishes` and `subscribes` are there for.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from myocan.tools.adapters.code_check import BOARD_MODULE, CodeSpec, check_code
from myocan.tools.adapters.guards import add_guards, limit_of
from myocan.tools.adapters.networks import Ethernet, Wifi, broker_config, lan_config
from myocan.tools.adapters.own_kinds import BOARD_PACKAGE, own_kinds
from myocan.tools.adapters.port_check import PortCheck, PortSpec
from myocan.tools.adapters.port_kinds import Tells, Text
from myocan.tools.adapters.problems import AdapterError, Problem, complaint
from myocan.tools.adapters.toml_lines import TomlLines
from myocan.tools.board_kinds import BoardKind, BoardKindError
from myocan.tools.errors import ToolsError
from myocan.tools.nearest import nearest
from myocan.wire import WIRE_VERSION

NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""What a board may be called: one level of a topic (see myocan.wire)."""


class TopKeys(BaseModel):
    """The keys of an adapter file, its ports aside."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    board: Text
    wifi: tuple[Wifi, ...] = ()
    ethernet: Ethernet | None = None
    ports: dict[str, Any] = {}
    code: Any = None


NESTED: dict[str, type[BaseModel]] = {"wifi": Wifi, "ethernet": Ethernet}
"""Tables of an adapter file with keys of their own."""


@dataclass(frozen=True)
class Publication:
    """What a port publishes.

    topic: "module.variable". kind: every one counts ("event"), or the newest ("value").
    values: those that it can have, None for an event and where the file does not say.
    line: where it is written. unit: of a number, "" where nobody says.
    """

    module: str
    variable: str
    instance: str
    kind: Tells
    values: tuple[str | int | bool, ...] | None
    port: str
    line: int
    unit: str = ""

    @property
    def topic(self) -> str:
        return f"{self.module}.{self.variable}"


@dataclass(frozen=True)
class Subscription:
    """What a port takes; `values` are those that it knows, None where the file does not say.

    anything: whether it takes whatever comes, as code does, which sees for itself. range: the least
    and the greatest number that it takes, None if it takes none. text: whether it takes text of
    some form ("#ff8000") besides these values. most: the limit beyond which it refuses numbers.
    """

    module: str
    variable: str
    instance: str
    values: tuple[str | int | bool, ...] | None
    port: str
    line: int
    anything: bool = False
    range: tuple[int, int] | None = None
    text: bool = False
    most: Decimal | None = None

    @property
    def topic(self) -> str:
        return f"{self.module}.{self.variable}"


@dataclass(frozen=True)
class AdapterFile:
    """A right adapter file, for a house's domain and mode.

    name: the board's, from the file's name. warnings: what is probably a mistake. code: the
    adapter's own, NAME.py beside the file; None if there is none. code_config: what the board reads
    of that.
    """

    name: str
    path: Path
    domain: str
    mode: str
    kind: BoardKind
    ports: tuple[PortSpec, ...]
    wifi: tuple[Wifi, ...]
    ethernet: Ethernet | None
    publishes: tuple[Publication, ...]
    subscribes: tuple[Subscription, ...]
    warnings: tuple[Problem, ...]
    code: CodeSpec | None = None
    code_config: Mapping[str, Any] | None = None

    @property
    def own_modules(self) -> dict[str, Path]:
        """The house's own code that goes onto the board: name of the module there -> source."""
        code = {} if self.code is None else {BOARD_MODULE: self.code.path}
        return {**code, **self.own_ports}

    @property
    def own_ports(self) -> dict[str, Path]:
        """The files of its ports whose kind is the house's own, likewise."""
        kinds = {port.kind: port.own.path for port in self.ports if port.own is not None}
        return {BOARD_PACKAGE + kind: path for kind, path in kinds.items()}

    def config(
        self,
        broker: str | Mapping[str, Any],
        wifi: Sequence[tuple[str, str]] = (),
        country: str | None = None,
    ) -> dict[str, Any]:
        """Return what the board reads: `config.json`.

        broker: URL, mqtt://user:password@host:port or mqtts://…?ca=PATH, or a table with host and
            maybe port, user, password, tls, ca (path of a file of PEM certificates).
        wifi: networks (name, password) besides those in the file.
        country: two letters, whose channels WiFi may use.

        Raises AdapterError when the board cannot reach such a broker, BusError for a wrong URL.
        """
        try:
            where = broker_config(broker, self.kind)
        except ToolsError as error:
            raise AdapterError(self.path, [Problem(str(error))]) from None
        networks = [each.config() for each in self.wifi]
        known = {each.ssid for each in self.wifi}
        networks += [list(each) for each in wifi if each[0] not in known]
        cable = self.kind.ethernet is not None and not self.wifi
        config: dict[str, Any] = {
            "wire": WIRE_VERSION,
            "name": self.name,
            "domain": self.domain,
            "board": self.kind.name,
            "broker": where,
            "wifi": networks if self.kind.wifi and not cable else [],
            "ports": [port.config(self.mode, self.domain) for port in self.ports],
        }
        if cable:
            config["lan"] = lan_config(self.kind, self.ethernet)
        elif country is not None and config["wifi"]:
            config["country"] = country
        if self.code_config is not None:
            config["code"] = dict(self.code_config)
        return {**config, "hash": config_hash(config)}


def config_hash(config: Mapping[str, Any]) -> str:
    """Return the first 16 hex digits of the SHA-256 of a configuration, in its one JSON form.

    The board's account at the broker is no part of it: it is kept apart (`myocan.tools.flash`).
    """
    rest = {key: value for key, value in config.items() if key != "hash"}
    if "broker" in rest:
        rest["broker"] = without_account(rest["broker"])
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def without_account(broker: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `broker` part of a configuration without the board's account there."""
    return {**broker, "user": None, "password": None}


def load_adapter(path: Path, *, domain: str = "home", mode: str = "live") -> AdapterFile:
    """Read and check an adapter file.

    domain, mode: of the house, for the topics.

    Raises AdapterError, with everything that is wrong, or OSError if there is no such file.
    """
    return parse_adapter(path, path.read_text(encoding="utf-8-sig"), domain=domain, mode=mode)


def parse_adapter(
    path: Path, text: str, *, domain: str = "home", mode: str = "live"
) -> AdapterFile:
    """Check the text of an adapter file; `path` is where it is, or would be. See `load_adapter`."""
    problems: list[Problem] = []
    if not NAME.fullmatch(path.stem):
        problems.append(
            Problem(
                f"'{path.stem}' cannot be a board's name, which is the file's: "
                "use 1 to 64 letters, digits, '_', '.' and '-'"
            )
        )
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise AdapterError(path, [*problems, _not_toml(text, error)]) from None
    except RecursionError:
        too_deep = Problem("brackets within brackets, far too many: mend them")
        raise AdapterError(path, [*problems, too_deep]) from None
    except ValueError:  # of a number; Python reads none of more than 4,300 digits
        too_long = Problem("a number has far too many digits: mend it")
        raise AdapterError(path, [*problems, too_long]) from None
    lines = TomlLines(text)
    top = _top(given, lines, problems)
    kind = _kind(given, lines, problems)
    ports = given.get("ports", {})
    check = PortCheck(kind, lines, domain, mode, own_kinds(path))
    for name, keys in ports.items() if isinstance(ports, dict) else ():
        check.add(name, keys)
    add_guards(check.ports, ports, check.wrong)
    code = check_code(given.get("code"), path.with_suffix(".py"), check)
    problems += check.problems
    if not ports and not given.get("code"):
        problems.append(Problem("no ports: add [ports.NAME] with `kind` and `pin`"))
    if top is not None and kind is not None and top.ethernet is not None:
        problems += _ethernet(top, kind, lines)
    problems.sort(key=lambda problem: problem.line or 0)
    if top is None or kind is None or any(problem.severity == "error" for problem in problems):
        raise AdapterError(path, problems)
    return AdapterFile(
        name=path.stem,
        path=path,
        domain=domain,
        mode=mode,
        kind=kind,
        ports=tuple(check.ports),
        wifi=top.wifi,
        ethernet=top.ethernet,
        publishes=(*_publications(check.ports), *_publications_of_code(code)),
        subscribes=(*_subscriptions(check.ports), *_subscriptions_of_code(code)),
        warnings=tuple(problems),
        code=code,
        code_config=None if code is None else code.config(check),
    )


def _publications(ports: Sequence[PortSpec]) -> list[Publication]:
    return [
        Publication(
            *topic[:3],
            port.tells[what],
            port.values[what],
            port.name,
            topic.line,
            port.units.get(what, ""),
        )
        for port in ports
        for what, topic in port.publish.items()
    ]


def _subscriptions(ports: Sequence[PortSpec]) -> list[Subscription]:
    return [
        Subscription(
            *port.subscribe[:3],
            port.words,
            port.name,
            port.subscribe.line,
            port.takes_anything,
            port.range,
            port.takes_text,
            limit_of(port),
        )
        for port in ports
        if port.subscribe is not None
    ]


def _publications_of_code(code: CodeSpec | None) -> list[Publication]:
    kinds: tuple[tuple[str, Tells], ...] = (("events", "event"), ("values", "value"))
    return [
        Publication(*topic[:3], tells, None, what, topic.line)
        for kind, tells in kinds
        for what, topic in (code.topics[kind].items() if code else ())
    ]


def _subscriptions_of_code(code: CodeSpec | None) -> list[Subscription]:
    taken = code.topics["subscribe"].items() if code else ()
    return [Subscription(*topic[:3], None, what, topic.line, True) for what, topic in taken]


def _not_toml(text: str, error: tomllib.TOMLDecodeError) -> Problem:
    found = re.search(r"\(at line (\d+), column \d+\)", str(error))
    line = int(found[1]) if found else text.count("\n") + 1
    message = re.sub(r" \(at .*\)$", "", str(error))
    lines = text.splitlines()
    if line <= len(lines) and re.search(r"=[^\"']*([\"'].*[\"'])?\s*;", lines[line - 1]):
        message += "; keys are not separated by ';': write each on a line of its own"
    return Problem(f"not TOML: {message[0].lower()}{message[1:]}", line)


def _top(given: dict[str, Any], lines: TomlLines, problems: list[Problem]) -> TopKeys | None:
    try:
        return TopKeys.model_validate(given)
    except ValidationError as error:
        for each in error.errors():
            path = tuple(each["loc"])
            known = NESTED.get(str(path[0]), TopKeys).model_fields
            if each["type"] == "extra_forbidden":
                message = f"unknown key '{path[-1]}'"
                meant = nearest(str(path[-1]), known)
                problems.append(Problem(message, lines.line(path), meant))
            elif path == ("board",) and each["type"] == "missing":
                message = '`board` is missing: say what kind of board it is, e.g. "pico-w"'
                problems.append(Problem(message, 1))
            else:
                name = ".".join(str(step) for step in path if not isinstance(step, int))
                problems.append(Problem(complaint(each, name), lines.line(path)))
        return None


def _ethernet(top: TopKeys, kind: BoardKind, lines: TomlLines) -> list[Problem]:
    if kind.ethernet is None:
        wrong = f"a {kind.title} has no Ethernet: leave [ethernet] out"
    elif top.wifi:
        wrong = "a board is in one network: leave [ethernet] out, or [[wifi]]"
    else:
        return []
    return [Problem(wrong, lines.line(("ethernet",)))]


def _kind(given: dict[str, Any], lines: TomlLines, problems: list[Problem]) -> BoardKind | None:
    board = given.get("board")
    if not isinstance(board, str) or not board:
        return None
    try:
        return BoardKind.load(board)
    except BoardKindError as error:
        # the sentence tells of the nearest name itself
        problems.append(Problem(str(error), lines.line(("board",))))
        return None
