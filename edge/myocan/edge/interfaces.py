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
