"""Checks the ports of an adapter file: their keys, their pins, their topics."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import ValidationError

from myocan.tools.adapters.port_kinds import PORT_KINDS, USUAL, Port, Tells
from myocan.tools.adapters.problems import Problem, complaint
from myocan.tools.adapters.toml_lines import Path, TomlLines
from myocan.tools.board_kinds import BoardKind, Capability
from myocan.tools.nearest import nearest
from myocan.wire import WireError, data_topic, up_topic

MAX_PORT_NAME = 32

ELSEWHERE = ("kind", "pin", "publish", "subscribe", "max_age_s", "min", "max", "needs")
"""Keys that do not travel to the board as they are written."""


class TopicSpec(NamedTuple):
    """A topic as it is written, `module.variable` or `module.variable[instance]`, and where."""

    module: str
    variable: str
    instance: str
    line: int


Value = str | int | bool


@dataclass(frozen=True)
class PortSpec:
    """A right port.

    pin: by the name that the board knows. publish: what -> topic. values: of its `map`.
    keys: what else was written, as the board reads it.
    """

    name: str
    kind: str
    pin: str
    line: int
    tells: dict[str, Tells]
    publish: dict[str, TopicSpec]
    subscribe: TopicSpec | None
    values: tuple[Value, ...] | None
    keys: dict[str, Any] = field(default_factory=dict)

    def config(self, mode: str, domain: str) -> dict[str, Any]:
        """Return the port's part of what the board reads."""
        config = {"name": self.name, "kind": self.kind, "pin": self.pin, **self.keys}
        if self.publish:
            config["publish"] = {what: _up(topic) for what, topic in self.publish.items()}
        if self.subscribe is not None:
            config["subscribe"] = _data(self.subscribe, mode, domain)
        return config


def _up(topic: TopicSpec) -> str:
    """Return what stands below `up/` in the topic on which a board publishes."""
    whole = up_topic("domain", "board", topic.module, topic.variable, topic.instance or None)
    return whole.partition("/up/")[2]


def _data(topic: TopicSpec, mode: str, domain: str) -> str:
    return data_topic(mode, domain, topic.module, topic.variable, topic.instance or None)


class PortCheck:
    """Takes ports one after the other; `ports` are the right ones, `problems` all that is wrong.

    kind: the board; None if the file names none that is known, then pins are not looked at.
    lines: where things stand in the file. domain, mode: for the topics.
    """

    def __init__(self, kind: BoardKind | None, lines: TomlLines, domain: str, mode: str) -> None:
        self.ports: list[PortSpec] = []
        self.problems: list[Problem] = []
        self._board = kind
        self._lines = lines
        self._domain = domain
        self._mode = mode
        self._users: dict[str, tuple[str, int]] = {}  # pin -> who uses it, and where

    def add(self, name: str, given: Any) -> None:
        """Check one port, `[ports.NAME]`."""
        at: Path = ("ports", name)
        if not isinstance(given, dict):
            self._wrong(f"port {name} must be a table: write [ports.{name}]", at)
            return
        if not name.replace("_", "").replace("-", "").isalnum() or len(name) > MAX_PORT_NAME:
            self._wrong(f"port name '{name}': use 1 to {MAX_PORT_NAME} letters, digits, _, -", at)
        keys = self._keys(name, given)
        if keys is None:
            return
        before = len(self.problems)
        pin = self._pin(name, keys)
        values = self._values(name, keys)
        publish = self._publish(name, keys)
        subscribe = self._subscribe(name, keys)
        rest = self._rest(name, keys)
        if pin is None or any(each.severity == "error" for each in self.problems[before:]):
            return
        self.ports.append(
            PortSpec(
                name=name,
                kind=keys.kind,
                pin=pin,
                line=self._lines.line(at),
                tells=dict(keys.TELLS),
                publish=publish,
                subscribe=subscribe,
                values=values,
                keys=rest,
            )
        )

    # -- keys ------------------------------------------------------------------------------------

    def _keys(self, name: str, given: dict[str, Any]) -> Port | None:
        kind = given.get("kind")
        if kind is None:
            self._wrong(f"port {name} needs a `kind`: one of {', '.join(PORT_KINDS)}", name)
            return None
        model = PORT_KINDS.get(kind) if isinstance(kind, str) else None
        if model is None:
            meant = nearest(str(kind), PORT_KINDS)
            known = "" if meant else f"; known are {', '.join(PORT_KINDS)}"
            self._wrong(f"no kind of port '{kind}'{known}", name, "kind", meant=meant)
            return None
        try:
            return model.model_validate(given)
        except ValidationError as error:
            for each in error.errors():
                self._key_wrong(name, kind, model, each)
            return None

    def _key_wrong(self, name: str, kind: str, model: type[Port], error: Any) -> None:
        key = str(error["loc"][0])
        if error["type"] == "extra_forbidden":
            known = [each for each in model.model_fields if each != "kind"]
            meant = nearest(key, known)
            hint = "" if meant else f" (it has {', '.join(known)})"
            self._wrong(f"unknown key '{key}' of a {kind}{hint}", name, key, meant=meant)
        elif error["type"] == "missing":
            self._wrong(f"port {name} needs a `{key}`", name)
        else:
            what = ".".join(str(step) for step in error["loc"] if step != USUAL)
            self._wrong(complaint(error, what), name, key)

    def _rest(self, name: str, keys: Port) -> dict[str, Any]:
        """Return what was written besides kind, pin and topics, as the board reads it."""
        rest = {
            key: value
            for key, value in keys.model_dump(exclude_unset=True).items()
            if key not in ELSEWHERE and value is not None
        }
        if "hold_s" in rest and rest["hold_s"] == int(rest["hold_s"]):
            rest["hold_s"] = int(rest["hold_s"])
        if "map" in rest:
            rest["map"] = [[_value(text), level] for text, level in rest["map"].items()]
        if "safe" in rest:
            rest["safe"] = self._safe(name, rest["safe"], rest.get("map"))
        return rest

    def _safe(self, name: str, safe: Any, pairs: list[list[Any]] | None) -> int:
        known = pairs or [["on", 1], ["off", 0], [True, 1], [False, 0]]
        for value, level in known:
            if type(value) is type(safe) and value == safe:
                return int(level)
        if safe in (0, 1) and type(safe) is int:
            return safe
        words = [str(value) for value, _ in known if isinstance(value, str)]
        meant = nearest(safe, words) if isinstance(safe, str) else None
        hint = "" if meant else f" ({', '.join(words)})"
        message = f"safe must be a value of the map{hint}, not {safe!r}"
        self._wrong(message, name, "safe", meant=meant)
        return 0

    def _values(self, name: str, keys: Port) -> tuple[Value, ...] | None:
        levels: dict[str, int] | None = getattr(keys, "map", None)
        if levels is None:
            return None
        for level in (0, 1):
            if level not in levels.values():
                self._wrong(f"the map has no value for level {level}", name, "map")
        return tuple(_value(text) for text in levels)

    # -- pins ------------------------------------------------------------------------------------

    def _pin(self, name: str, keys: Port) -> str | None:
        board = self._board
        if board is None:
            return None
        pin = board.find_pin(keys.pin)
        if pin is None:
            meant = nearest(keys.pin, board.pin_names())
            message = f"a {board.title} has no pin '{keys.pin}'"
            self._wrong(message, name, "pin", meant=meant)
            return None
        facts = board.pins[pin]
        if facts.reserved:
            self._wrong(f"pin {pin} is not free: {facts.reserved}", name, "pin")
            return None
        for need in keys.NEEDS:
            if need not in facts.can:
                self._wrong(f"pin {pin} cannot do that: {_lacks(keys.kind, need)}", name, "pin")
                return None
        pull = getattr(keys, "pull", None)
        if pull and f"pull-{pull}" not in facts.can:
            message = f"pin {pin} has no pull-{pull} resistor: add one of 10 kOhm, without `pull`"
            self._wrong(message, name, "pull")
        if facts.strapping:
            self._beware(f"pin {pin} is a strapping pin: {facts.strapping}", name)
        if facts.warning:
            self._beware(f"pin {pin}: {facts.warning}", name)
        return self._use(pin, f"port {name}", ("ports", name, "pin"))

    def claim(self, text: str, user: str, *path: str) -> str | None:
        """Take a pin for something that is no port; return it as the board names it.

        text: as it is written. user: who wants it. path: where that stands in the file.
        """
        board = self._board
        if board is None:
            return None
        pin = board.find_pin(text)
        if pin is None:
            meant = nearest(text, board.pin_names())
            self._wrong(f"a {board.title} has no pin '{text}'", path, meant=meant)
            return None
        if board.pins[pin].reserved:
            self._wrong(f"pin {pin} is not free: {board.pins[pin].reserved}", path)
            return None
        return self._use(pin, user, path)

    def _use(self, pin: str, user: str, path: Path) -> str | None:
        if pin in self._users:
            other, line = self._users[pin]
            self._wrong(f"pin {pin} is taken already, by {other} in line {line}", path)
            return None
        self._users[pin] = (user, self._lines.line(path))
        return pin

    # -- topics ----------------------------------------------------------------------------------

    def _publish(self, name: str, keys: Port) -> dict[str, TopicSpec]:
        written: dict[str, str] = getattr(keys, "publish", {})
        publish = {}
        for what, text in written.items():
            if what == USUAL:
                what = next(iter(keys.TELLS))
            elif what not in keys.TELLS:
                message = f"a {keys.kind} tells no '{what}' (only {', '.join(keys.TELLS)})"
                self._wrong(message, name, "publish", what, meant=nearest(what, keys.TELLS))
                continue
            topic = self._topic(text, name, "publish", what)
            if topic is not None:
                publish[what] = topic
        if keys.TELLS and not written:
            self._beware(f"port {name} publishes nothing: add `publish`", name)
        return publish

    def _subscribe(self, name: str, keys: Port) -> TopicSpec | None:
        if "subscribe" not in type(keys).model_fields:
            return None
        text: str | None = getattr(keys, "subscribe", None)
        if text is None:
            self._beware(f"port {name} takes nothing: add `subscribe`", name)
            return None
        return self._topic(text, name, "subscribe")

    def _topic(self, text: str, *at: str) -> TopicSpec | None:
        return self.topic(text, "ports", *at)

    def topic(self, text: str, *path: str) -> TopicSpec | None:
        """Return the topic that `text` names; path: where that stands in the file."""
        instance = ""
        if text.endswith("]"):
            text, _, instance = text[:-1].partition("[")
        module, dot, variable = text.rpartition(".")
        if not dot or not module or not variable:
            self._wrong(f"'{text}' is no topic: write MODULE.VARIABLE, like lamp1.state", path)
            return None
        topic = TopicSpec(module, variable.lower(), instance, self._lines.line(path))
        try:
            _up(topic)
            _data(topic, self._mode, self._domain)
        except WireError as error:
            self._wrong(f"'{text}' is no topic: {error}", path)
            return None
        return topic

    def wire_topic(self, kind: str, topic: TopicSpec) -> str:
        """Return a topic as the board reads it: what it takes whole, what it tells without head."""
        return _data(topic, self._mode, self._domain) if kind == "subscribe" else _up(topic)

    # -- problems --------------------------------------------------------------------------------

    def wrong(self, message: str, *path: str, meant: str | None = None) -> None:
        """Take note of a mistake; path: where it stands in the file."""
        self._wrong(message, path, meant=meant)

    def _wrong(self, message: str, *at: Any, meant: str | None = None) -> None:
        path = at[0] if at and isinstance(at[0], tuple) else ("ports", *at)
        self.problems.append(Problem(message, self._lines.line(path), meant))

    def _beware(self, message: str, name: str) -> None:
        line = self._lines.line(("ports", name, "pin"))
        self.problems.append(Problem(message, line, severity="warning"))


def _value(text: str) -> Value:
    """Return the value that a key of a `map` stands for: TOML's keys are always text."""
    if text in ("true", "false"):
        return text == "true"
    if text.isascii() and text.removeprefix("-").isdigit():
        return int(text)
    return text


def _lacks(kind: str, need: Capability) -> str:
    return {
        "in": f"it is an output only, and a {kind} is looked at",
        "out": f"it is an input only, and a {kind} is switched",
    }.get(need, f"it has no {need}")
