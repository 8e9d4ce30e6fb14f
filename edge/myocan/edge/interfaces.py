"""What the adapter expects of pins and links, for the type checker; no board carries this file."""

from collections.abc import Callable
from typing import Any, Protocol

Spec = dict[str, Any]
"""A part of the adapter's configuration, as JSON gave it."""

Take = Callable[[str, bytes | None, bool], None]
"""What a link calls with each message: topic, payload (None if it was too large to be read), and
whether the message is a retained one."""


class Input(Protocol):
    """A digital input."""

    def value(self) -> int:
        """Return the level, 0 or 1."""


class Output(Protocol):
    """A digital output."""

    def value(self, level: int, /) -> object:
        """Set the level, 0 or 1."""


class Pins(Protocol):
    """Where ports get their pins from; one small class for each library that has pins."""

    look_ms: int
    """How often inputs must be looked at, in milliseconds; NEVER where `streams` tell."""

    def digital_in(self, pin: str, pull: str | None) -> Input:
        """Return an input with the given pull ("up", "down", None); raises PinError."""

    def digital_out(self, pin: str, level: int) -> Output:
        """Return an output that starts at `level`; raises PinError."""

    def streams(self) -> list[Any]:
        """Return what a poll can wait for: readable when an input may have changed."""

    def take_in(self) -> None:
        """Take in what `streams` announced; called before inputs are looked at."""

    def close(self) -> None:
        """Give the pins back."""


class PwmOut(Protocol):
    """An output that is high for a part of the time."""

    def duty(self, level: int, /) -> None:
        """Set that part: 0 is never, 65535 is always."""


class AnalogIn(Protocol):
    """An input that measures a voltage."""

    def read(self) -> int:
        """Return it: 0 is none, 65535 the highest that it can measure."""


class I2cBus(Protocol):
    """An I2C bus; what a device does not do is an OSError."""

    def write(self, address: int, content: bytes, /) -> None:
        """Send bytes to a device."""

    def read(self, address: int, register: int, count: int, /) -> bytes:
        """Return so many bytes of a device, from a register on."""


class OneWireBus(Protocol):
    """A 1-Wire bus with thermometers; `rom` is a sensor's eight bytes, None for the only one."""

    def convert(self, rom: bytes | None, /) -> None:
        """Let it measure, which takes 750 ms; raises OSError if it is not there."""

    def scratchpad(self, rom: bytes | None, /) -> bytes:
        """Return the nine bytes that it measured; raises OSError if it is not there."""

    def devices(self) -> list[bytes]:
        """Return the eight bytes of each sensor that is there."""


class DhtIn(Protocol):
    """A DHT11 or DHT22."""

    def measure(self) -> tuple[int, int]:
        """Return tenths of a degree Celsius and tenths of a percent; raises OSError."""


class PixelsOut(Protocol):
    """A strip of lamps."""

    def show(self, colors: bytes | bytearray, /) -> None:
        """Send the bytes of all lamps, in the order in which they want them."""


class PulsesIn(Protocol):
    """An input whose pulses are counted."""

    def count(self) -> int:
        """Return how many there were since the start."""


class Link(Protocol):
    """A connection to the broker that comes back by itself."""

    ready: bool
    """Whether the broker has accepted the connection and all subscriptions."""
    connection: int
    """The number of the present connection, or of the last one: 1, 2, 3 ..."""
    reason: str
    """Why the last connection, or the last attempt, ended; "" before there was one."""

    def attach(self, topics: list[str], will: Callable[[], tuple[str, bytes]], take: Take) -> None:
        """Say, before the first `step`, what to subscribe to, whose will to leave (asked for
        before each connection), and what to call with each message."""

    def step(self, now: int) -> None:
        """Go on as far as is possible without waiting; calls `take`."""

    def writable(self) -> bool:
        """Return whether `publish` can be called now."""

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        """Send at QoS 0, if `writable`; what the network does not take ends the connection."""

    def subscribe(self, topics: list[str]) -> None:
        """Subscribe again, so that the broker sends the retained values once more."""

    def probe(self) -> None:
        """Ask the broker for a sign of life now; without one the connection is renewed."""

    def renew(self, reason: str) -> None:
        """Give the connection up and make another."""

    def close(self, topic: str, payload: bytes) -> None:
        """Publish a last retained message and end the connection for good."""

    def due(self, now: int) -> int:
        """Return the milliseconds after which `step` is due even if nothing arrives."""

    def watch(self, stream: Any) -> None:
        """Let `wait` return when this stream becomes readable, too."""

    def wait(self, ms: int) -> None:
        """Wait until something arrives, or a watched stream is readable, or `ms` have passed."""


class Places(Protocol):
    """Which files a board uses; the firmware's `slots.Slots`."""

    root: str
    """Where the board's files are, with a slash at its end."""
    on_trial: bool
    """Whether this start is one of an update that is on trial."""
    number: int
    """The number of the update that is confirmed, 0 for none."""
    failed: int
    """The number of an update that was given up since, 0 for none."""
    why: str
    """Why it was."""

    def chosen(self) -> list[str]:
        """Return the places in use, of code and configuration, each "a" or "b"."""

    def path(self, place: str, name: str) -> str:
        """Return where a file of a place is."""

    def newest(self) -> int:
        """Return the number that an update must be above."""

    def seconds(self) -> int:
        """Return how long what is on trial may take to be online."""

    def try_out(self, code: str, config: str, number: int, seconds: int) -> None:
        """From the next start on, these places are on trial."""

    def noted(self) -> Spec:
        """Return what is written down of all this."""

    def crashed(self, why: str) -> None:
        """A start of what is on trial ended like that."""

    def confirm(self) -> None:
        """What is on trial is good."""

    def accept(self, number: int) -> None:
        """What is there is what the update of this number would bring."""

    def roll_back(self, why: str) -> None:
        """What is on trial is no good; the next start is with what was before."""
