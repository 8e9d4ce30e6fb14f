"""One board on a bench, virtual or real, with the link to it in the bench's hands.

The one idea to know: virtual and real boards take the same way. Both are flashed, both talk to the
broker through a proxy that can be cut, and what can only be done to a virtual one (turning a pin
from outside, taking its power) says so of a real one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from myocan.hub.bus import parse_url
from myocan.tools.adapters import AdapterFile, load_adapter
from myocan.tools.board_kinds import BoardKind
from myocan.tools.chaos.cut import Cut
from myocan.tools.flash import BoardWatch, Flashed, Mpremote, flash, look
from myocan.tools.hil.broker import BenchBroker
from myocan.tools.hil.listener import DOMAIN, BenchError, Event, Heard, Listener
from myocan.tools.nearest import did_you_mean
from myocan.tools.vboard import VirtualBoard, micropython_path
from myocan.tools.vboard.pins import Level

VIRTUAL = "virtual"
USUAL = "pico-w"
"""The kind of a virtual board of which nobody has said another."""
WAIT_S = 30.0


class NotThisBoard(BenchError):
    """A real board cannot do that: somebody would have to stand beside it."""


class BenchBoard:
    """A board on the bench; use it in a `with` block, then `flash` an adapter onto it.

    where: "virtual", or what `mpremote connect` takes: /dev/ttyACM0, socket://host:port.
    broker, listener: of the bench. kind: of a virtual board; None makes it what the first adapter
        is for, or a Pico W if something else is done with it first. A real board is what it is.
    wifi: networks (name, password) for a board that needs one and whose adapter names none.

    Raises BenchError or BoardError when the board does not do what it should.
    """

    def __init__(
        self,
        where: str,
        broker: BenchBroker,
        listener: Listener,
        *,
        name: str = "porch",
        kind: str | None = None,
        wifi: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.name = name
        self.where = where
        self._broker, self._listener = broker, listener
        self._kind = kind
        self._wifi = list(wifi)
        self._stack = ExitStack()
        self._link: Cut | None = None
        self._virtual: VirtualBoard | None = None
        self._adapter: AdapterFile | None = None
        self._seen = 0

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            broker = self._broker
            self._link = stack.enter_context(Cut((broker.host, broker.port), host=broker.host))
            if self.is_virtual:
                micropython_path()
            else:
                found = look(Mpremote(self.where)).kind
                if found is None:
                    raise BenchError(
                        f"no file of boards/ describes what is at {self.where}: myocan board list"
                    )
                self._kind = found.name
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()
        self._virtual = None

    # what it is

    @property
    def is_virtual(self) -> bool:
        """Whether it is simulated."""
        return self.where == VIRTUAL

    @property
    def kind(self) -> BoardKind:
        """What kind of board it is."""
        return BoardKind.load(self._kind or USUAL)

    @property
    def port(self) -> str:
        """What `mpremote connect` takes to reach it."""
        return self.simulation.port if self.is_virtual else self.where

    @property
    def link(self) -> Cut:
        """What is between it and the broker: `cut()`, `freeze()`, `mend()`."""
        if self._link is None:
            raise BenchError(f"{self.name} is not on the bench: use it in a `with` block")
        return self._link

    @property
    def simulation(self) -> VirtualBoard:
        """The virtual board itself: parts, networks, power. Raises NotThisBoard of a real one."""
        if not self.is_virtual:
            raise NotThisBoard(f"the board at {self.where} is a real one: nobody can do that to it")
        if self._virtual is None:
            self._kind = self.kind.name
            folder = tempfile.TemporaryDirectory(prefix="bench-")
            board = VirtualBoard(
                self.name, Path(self._stack.enter_context(folder)), kind=self._kind
            )
            self._virtual = self._stack.enter_context(board)
        return self._virtual

    @property
    def heard(self) -> Heard:
        """All that was heard of it."""
        return self._listener.heard(self.name)

    # what is done to it

    def flash(self, adapter: Path | str | AdapterFile, seconds: float = 60.0) -> Flashed:
        """Put an adapter onto it, and wait until it is online.

        adapter: its file, or one that was read. It is known as `name` here, whatever its file is
            called.

        Raises AdapterError for a wrong file, BenchError if it is not online in time.
        """
        if not isinstance(adapter, AdapterFile):
            adapter = _load(Path(adapter))
        adapter = replace(adapter, name=self.name, domain=DOMAIN, mode="live")
        self._kind = self._kind or adapter.kind.name
        if adapter.kind.name != self._kind:
            raise BenchError(
                f"{adapter.name} is for a {adapter.kind.title}, and this board is a "
                f"{self.kind.title}: take another board, or another adapter"
            )
        wifi = self._wifi or ([("bench", "bench")] if self.is_virtual else [])
        config = adapter.config(self._broker.url_at(self.link.port), wifi)
        boots = len(self.heard.boots)
        with BoardWatch(config, parse_url(self._broker.url)) as watch:
            done = flash(
                config, self.port, online=lambda _: watch.wait(seconds), own=adapter.own_modules
            )
        if not done.online:
            raise BenchError(f"{self.name} was flashed, but is not online after {seconds:g} s")
        # the hub of the bench has another connection than the one that has seen it online
        self.wait(lambda heard: len(heard.boots) > boots, "its first word", seconds)
        self._adapter = adapter
        self._seen = len(self.heard.events)
        return done

    def connect(self, output: str, into: str) -> None:
        """Put a wire between two pins; at a real board somebody has done so, or will."""
        if self.is_virtual:
            self.simulation.wire(output, into)

    def reset(self) -> None:
        """Let it start again; returns when it is online."""
        boots = len(self.heard.boots)
        if self.is_virtual:
            self.simulation.reset()
        else:
            Mpremote(self.where).run("reset", timeout=WAIT_S)
        self.wait(lambda heard: len(heard.boots) > boots, "a new start", 3 * WAIT_S)

    def press(self, port: str, ms: float = 40) -> int:
        """Press the button of a port, of a virtual board, for `ms` milliseconds; returns when
        (monotonic, ns), as soon as it is over."""
        pin = self.pin(port)
        pressed = self.simulation.press(pin, ms)
        self.simulation.until(pin, lambda state: state.at_ns > pressed)
        return pressed

    def drive(self, port: str, level: Level) -> int:
        """Drive the pin of a port, of a virtual board, to 0 or 1, or let go of it (None); returns
        when (monotonic, ns)."""
        return self.simulation.set(self.pin(port), level)

    def wait_level(self, port: str, level: Level, seconds: float = WAIT_S) -> int:
        """Wait until the pin of a port, of a virtual board, has a level; returns since when."""
        return self.simulation.wait(self.pin(port), level, seconds)

    def say(self, topic: str, value: Any) -> int:
        """Let the hub say a value, "lamp1.state", "on"; returns when (monotonic, ns)."""
        return self._listener.say(topic, value)

    def expect(self, topic: str, value: Any = None, seconds: float = WAIT_S) -> Event:
        """Wait for the next event or value of a topic, and return it; what came before it is
        passed over. Raises BenchError if it does not come in time, or with another value."""
        found: list[Event] = []

        def holds(heard: Heard) -> bool:
            for place in range(self._seen, len(heard.events)):
                if heard.events[place].topic == topic:
                    self._seen = place + 1
                    found.append(heard.events[place])
                    return True
            return False

        self.wait(holds, topic, seconds)
        if found[0].value != value:
            raise BenchError(f"{topic} came as {found[0].value!r}, not {value!r}")
        return found[0]

    def wait(self, holds: Callable[[Heard], Any], what: str, seconds: float = WAIT_S) -> None:
        """Wait until `holds` is true of what was heard of it; BenchError with `what` if not."""
        self._listener.wait(self.name, holds, what, seconds)

    def wait_applied(self, port: str, value: Any, seconds: float = WAIT_S) -> None:
        """Wait until the board says that a port shows a value: works of a real board, too."""
        self.wait(
            lambda heard: heard.status.get("applied", {}).get(port) == value,
            f"{port} showing {value!r}",
            seconds,
        )

    def pin(self, port: str) -> str:
        """Return the pin of a port of the adapter, or the pin of that name; BenchError if a
        virtual board has neither."""
        specs = self._adapter.ports if self._adapter is not None else ()
        pins = {spec.name: spec.pin for spec in specs}
        if port in pins:
            return pins[port]
        if not self.is_virtual or self.kind.find_pin(port) is not None:
            return port
        if self._adapter is None:
            raise BenchError(f"{self.name} has no port '{port}' yet: flash an adapter first")
        hint = did_you_mean(port, pins, "there are")
        raise BenchError(f"{self.name} has no port '{port}', nor such a pin{hint}")


def _load(file: Path) -> AdapterFile:
    try:
        return load_adapter(file, domain=DOMAIN)
    except FileNotFoundError:
        whole = file.absolute()
        known = ", ".join(path.name for path in sorted(whole.parent.glob("*.toml")))
        there = f"its folder has {known}" if known else "its folder has no adapter at all"
        raise BenchError(f"{whole} is not there; {there}") from None
    except OSError as error:
        raise BenchError(f"{file} cannot be read: {error.strerror}") from None
