"""Checks the ports of an adapter file: their keys, their pins, their topics."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import ValidationError

from myocan.hub.needs import text_of
from myocan.tools.adapters.own_kinds import OwnKind, OwnKinds
from myocan.tools.adapters.port_keys import (
    USUAL,
    Fault,
    Measured,
    Output,
    Port,
    Tells,
    Word,
    with_article,
)
from myocan.tools.adapters.port_kinds import PORT_KINDS
from myocan.tools.adapters.problems import Problem, complaint
from myocan.tools.adapters.toml_lines import Path, TomlLines
from myocan.tools.board_kinds import BoardKind
from myocan.tools.nearest import nearest
from myocan.wire import WireError, data_topic, up_topic

MAX_PORT_NAME = 32


class TopicSpec(NamedTuple):
    """A topic as it is written, `module.variable` or `module.variable[instance]`, and where."""

    module: str
    variable: str
    instance: str
    line: int


@dataclass(frozen=True)
class PortSpec:
    """A right port.

    pins: key -> pin, by the name that the board knows. publish: what -> topic. values, units: of
    what it publishes. words, range, takes_text, takes_anything: what it takes. own: its kind, if
    that is the house's own. keys: what else was written, as the board reads it.
    """

    name: str
    kind: str
    pins: dict[str, str]
    line: int
    tells: dict[str, Tells]
    publish: dict[str, TopicSpec]
    subscribe: TopicSpec | None
    values: dict[str, tuple[Word, ...] | None]
    units: dict[str, str] = field(default_factory=dict)
    words: tuple[Word, ...] = ()
    range: tuple[int, int] | None = None
    takes_text: bool = False
    takes_anything: bool = False
    own: OwnKind | None = None
    keys: dict[str, Any] = field(default_factory=dict)

    @property
    def pin(self) -> str:
        """Its pin, or the first one."""
        return next(iter(self.pins.values()), "")

    def config(self, mode: str, domain: str) -> dict[str, Any]:
        """Return the port's part of what the board reads."""
        config = {"name": self.name, "kind": self.kind, **self.pins, **self.keys}
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
    lines: where things stand in the file. domain, mode: for the topics. own: the house's kinds.
    """

    def __init__(
        self,
        kind: BoardKind | None,
        lines: TomlLines,
        domain: str,
        mode: str,
        own: OwnKinds | None = None,
    ) -> None:
        self.ports: list[PortSpec] = []
        self.problems: list[Problem] = []
        self._board = kind
        self._lines = lines
        self._domain = domain
        self._mode = mode
        self._own = own or OwnKinds()
        # pin -> who uses it, where that is said, and for which wire of which bus
        self._users: dict[str, tuple[str, int, str]] = {}
        self._on_buses: dict[str, tuple[str, ...]] = {}
        self._pwms: dict[str, tuple[int, int]] = {}  # port -> pin's number, Hz

    def add(self, name: str, given: Any) -> None:
        """Check one port, `[ports.NAME]`."""
        at: Path = ("ports", name)
        if not isinstance(given, dict):
            self._wrong(f"port {name} must be a table: write [ports.{name}]", at)
            return
        if not name.replace("_", "").replace("-", "").isalnum() or len(name) > MAX_PORT_NAME:
            self._wrong(f"port name '{name}': use 1 to {MAX_PORT_NAME} letters, digits, _, -", at)
        try:
            own = self._own.find(str(given.get("kind")))
        except Fault as fault:
            self._wrong(str(fault), name, fault.key)
            return
        before = len(self.problems)
        keys = self._keys(name, given, own)
        if keys is None:
            return
        whole = not self._has_error(before)  # else told once what is wrong
        pins = self._pins(name, keys)
        publish = self._publish(name, keys, whole)
        subscribe = self._subscribe(name, keys, whole)
        known = type(keys).model_fields.keys() & given.keys()
        rest = self._compiled(name, keys) if known <= keys.model_fields_set else {}
        if pins is None or self._has_error(before):
            return
        takes = keys if isinstance(keys, Output) else None
        self.ports.append(
            PortSpec(
                name=name,
                kind=keys.kind,
                pins=pins,
                line=self._lines.line(at),
                tells=dict(keys.TELLS),
                publish=publish,
                subscribe=subscribe,
                values={what: keys.values(what) for what in keys.TELLS},
                units=keys.units() if isinstance(keys, Measured) else {},
                words=() if takes is None else takes.taken_words(),
                range=None if takes is None else takes.range(),
                takes_text=takes is not None and takes.takes_text(),
                takes_anything=takes is not None and takes.takes_anything(),
                own=own,
                keys=rest if own is None else {**rest, "code": own.hash()},
            )
        )

    # -- keys ------------------------------------------------------------------------------------

    def _keys(self, name: str, given: dict[str, Any], own: OwnKind | None) -> Port | None:
        """Return the keys of a port; those that are right, if others are not, as was said."""
        kind, kinds = given.get("kind"), self._own.names()
        if kind is None:
            self._wrong(f"port {name} needs a `kind`: one of {', '.join(kinds)}", name)
            return None
        model = PORT_KINDS.get(kind) if isinstance(kind, str) else None
        if own is not None:
            model = own.model
        if model is None:
            meant = nearest(str(kind), kinds)
            known = "" if meant else f"; known are {', '.join(kinds)}"
            self._wrong(f"no kind of port '{kind}'{known}", name, "kind", meant=meant)
            return None
        try:
            model = model.made_for(given)
            return model.model_validate(given)
        except Fault as fault:
            self._wrong(str(fault), name, fault.key)
            return None
        except ValidationError as error:
            for each in error.errors():
                self._key_wrong(name, kind, model, each)
            return _right_keys(model, given, {each["loc"][0] for each in error.errors()})

    def _key_wrong(self, name: str, kind: str, model: type[Port], error: Any) -> None:
        key = str(error["loc"][0])
        if error["type"] == "extra_forbidden":
            known = [each for each in model.model_fields if each != "kind"]
            meant = nearest(key, known)
            hint = "" if meant else f" (it has {', '.join(known)})"
            self._wrong(
                f"unknown key '{key}' of {with_article(kind)}{hint}", name, key, meant=meant
            )
        elif error["type"] == "missing":
            self._wrong(f"port {name} needs a `{key}`", name)
        else:
            what = ".".join(str(step) for step in error["loc"] if step != USUAL)
            self._wrong(complaint(error, what), name, key)

    def _compiled(self, name: str, keys: Port) -> dict[str, Any]:
        try:
            return keys.compiled()
        except Fault as fault:
            self._wrong(str(fault), name, fault.key, meant=fault.meant)
            return {}

    # -- pins ------------------------------------------------------------------------------------

    def _pins(self, name: str, keys: Port) -> dict[str, str] | None:
        """Return key -> pin, by the names that the board knows; None if one is wrong."""
        if self._board is None:
            return None
        before = len(self.problems)
        if self._board.runtime not in keys.RUNTIMES:
            message = (
                f"{with_article(keys.kind)} is for computers, and a {self._board.title} is none"
            )
            self._wrong(message, name, "kind")
        pins = {}
        for key, needs in keys.PINS.items():
            pin = self._pin(name, key, keys, needs)
            if pin is not None:
                pins[key] = pin
        if len(pins) < len(keys.PINS) or self._has_error(before):
            return None
        self._check_bus(name, keys, tuple(pins.values()))
        self._check_pwm(name, keys, pins)
        return pins

    def _has_error(self, since: int) -> bool:
        return any(each.severity == "error" for each in self.problems[since:])

    def _pin(self, name: str, key: str, keys: Port, needs: tuple[str, ...]) -> str | None:
        board = self._board
        assert board is not None
        text = getattr(keys, key)
        pin = board.find_pin(text)
        if pin is None:
            meant = nearest(text, board.pin_names())
            self._wrong(f"a {board.title} has no pin {text_of(text)}", name, key, meant=meant)
            return None
        facts = board.pins[pin]
        if facts.reserved:
            self._wrong(f"pin {pin} is not free: {facts.reserved}", name, key)
            return None
        for need in needs:
            lack = _lack(board, pin, keys.kind, need)
            if lack is not None:
                self._wrong(f"pin {pin} cannot do that: {lack}", name, key)
                return None
        pull = getattr(keys, "pull", None)
        if pull and f"pull-{pull}" not in facts.can:
            message = f"pin {pin} has no pull-{pull} resistor: add one of 10 kOhm, without `pull`"
            self._wrong(message, name, "pull")
        if facts.strapping:
            self._beware(f"pin {pin} is a strapping pin: {facts.strapping}", name, key)
        if facts.warning and not (keys.SHARES == "i2c" and "I2C" in facts.warning):
            self._beware(f"pin {pin}: {facts.warning}", name, key)
        share = f"{keys.SHARES} {key}" if keys.SHARES else ""
        return self._use(pin, f"port {name}", ("ports", name, key), share)

    def _check_bus(self, name: str, keys: Port, pins: tuple[str, ...]) -> None:
        """Look whether two ports on a bus are the same sensor, and what the bus must be."""
        if not keys.SHARES:
            return
        board = self._board
        assert board is not None
        if keys.SHARES == "i2c" and board.i2c and pins not in board.i2c:
            known = " or ".join(f'sda = "{sda}", scl = "{scl}"' for sda, scl in board.i2c)
            self._wrong(f"a {board.title} has its I2C bus elsewhere: write {known}", name, "sda")
        mine = (keys.SHARES, *pins, keys.which())
        for other, there in self._on_buses.items():
            if there[:-1] != mine[:-1]:
                continue
            if "" in (mine[-1], there[-1]):
                message = f"port {other} is on the same pin: both need `device`, to tell them apart"
                self._wrong(message, name)
            elif there == mine:
                self._wrong(f"port {name} is the same sensor as port {other}", name)
        self._on_buses[name] = mine

    def _check_pwm(self, name: str, keys: Port, pins: dict[str, str]) -> None:
        hz, board = keys.frequency(), self._board
        if not hz or board is None or board.pwm is None:
            return
        facts = board.pwm
        if len(self._pwms) >= facts.outputs:
            message = f"a {board.title} has {facts.outputs} PWM outputs, and all are in use"
            self._wrong(message, name)
        if hz > facts.highest_hz:
            self._wrong(f"a {board.title} has PWM up to {facts.highest_hz} Hz", name, "hz")
        number = board.pins[pins["pin"]].number
        for other, (there, its_hz) in self._pwms.items():
            if facts.channel(number) == facts.channel(there):
                self._wrong(
                    f"pin {pins['pin']} and that of port {other} share one PWM output: take "
                    "another pin",
                    *(name, "pin"),
                )
            elif hz != its_hz and facts.clock(number) == facts.clock(there):
                self._wrong(
                    f"pin {pins['pin']} and that of port {other} ({its_hz} Hz) have one frequency "
                    f"for both, and this needs {hz} Hz: take another pin, or the same `hz`",
                    *(name, "pin"),
                )
        self._pwms[name] = (number, hz)

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
            self._wrong(f"a {board.title} has no pin {text_of(text)}", path, meant=meant)
            return None
        if board.pins[pin].reserved:
            self._wrong(f"pin {pin} is not free: {board.pins[pin].reserved}", path)
            return None
        return self._use(pin, user, path)

    def _use(self, pin: str, user: str, path: Path, share: str = "") -> str | None:
        if pin in self._users:
            other, line, its_share = self._users[pin]
            if share and share == its_share:
                return pin
            self._wrong(f"pin {pin} is taken already, by {other} in line {line}", path)
            return None
        self._users[pin] = (user, self._lines.line(path), share)
        return pin

    # -- topics ----------------------------------------------------------------------------------

    def _publish(self, name: str, keys: Port, whole: bool) -> dict[str, TopicSpec]:
        written: dict[str, str] = getattr(keys, "publish", {})
        publish = {}
        for what, text in written.items():
            if what == USUAL:
                what = next(iter(keys.TELLS))
            elif what not in keys.TELLS:
                message = (
                    f"{with_article(keys.kind)} tells no '{what}' (only {', '.join(keys.TELLS)})"
                )
                self._wrong(message, name, "publish", what, meant=nearest(what, keys.TELLS))
                continue
            topic = self._topic(text, name, "publish", what)
            if topic is not None:
                publish[what] = topic
        if keys.TELLS and not written and whole:
            self._beware(f"port {name} publishes nothing: add `publish`", name)
        return publish

    def _subscribe(self, name: str, keys: Port, whole: bool) -> TopicSpec | None:
        if "subscribe" not in type(keys).model_fields:
            return None
        text: str | None = getattr(keys, "subscribe", None)
        if text is None:
            if whole:
                self._beware(f"port {name} takes nothing: add `subscribe`", name)
            return None
        return self._topic(text, name, "subscribe")

    def _topic(self, text: str, *at: str) -> TopicSpec | None:
        return self.topic(text, "ports", *at)

    def topic(self, text: str, *path: str) -> TopicSpec | None:
        """Return the topic that `text` names; path: where that stands in the file."""
        if not text.isprintable():
            self._wrong(f"{text_of(text)} is no topic: use only what can be seen", path)
            return None
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

    def _beware(self, message: str, name: str, key: str = "pin") -> None:
        line = self._lines.line(("ports", name, key))
        self.problems.append(Problem(message, line, severity="warning"))


def _right_keys(model: type[Port], given: dict[str, Any], wrong: set[Any]) -> Port | None:
    """Return the keys that are right, so that what is wrong besides is told, too."""
    try:
        return model.model_validate({key: given[key] for key in given if key not in wrong})
    except ValidationError:
        return None  # what it cannot do without is wrong


def _lack(board: BoardKind, pin: str, kind: str, need: str) -> str | None:
    """Return why a pin cannot do what a kind of port needs; None if it can."""
    can = board.pins[pin].can
    if need in can:
        return None
    if need == "adc" and "adc2" in can:
        if not board.wifi:
            return None
        free = ", ".join(name for name, facts in board.pins.items() if "adc" in facts.can)
        return f"its analog input (ADC2) does not work while WiFi is on; take one of {free}"
    if need == "in":
        return f"it is an output only, and {with_article(kind)} is looked at"
    if need == "out" or (need == "pwm" and "out" not in can):
        return f"it is an input only, and {with_article(kind)} is switched"
    names = [name for name, facts in board.pins.items() if need in facts.can]
    what = {"adc": "analog input", "pwm": "PWM", "i2c": "I2C", "one-wire": "1-Wire"}.get(need, need)
    where = f"; take one of {', '.join(names)}" if len(names) < 9 else ""
    return f"it has no {what}{where}" if names else f"a {board.title} has no {what}"
