"""The hub's side of MQTT: what came in, what goes out, and whether the broker is there.

The one idea to know: the thread that calls `receive` does the input and output itself. While it
waits for messages it waits on the socket, so a message reaches the agent, and its answer the
socket, without a hop between threads. A second thread exists only while a connection is dialled.

What is promised:
- `receive` gives messages and link events in one list, in order: `CONNECTED` before the first
  message of a connection, `DISCONNECTED` after its last.
- Nothing that came in is dropped. Who does not call `receive` leaves the messages with the broker,
  which slows down whoever sends (TCP), or keeps and drops by its own rules.
- What is published goes out in order, each frame once within a connection.
- A lost connection forgets what the broker had not acknowledged: nothing is sent again behind the
  agent's back, out of order, or from before its knowledge. After `CONNECTED` the agent publishes
  its values and what is left above `confirmed()`, from the log, which is also what it does after a
  crash. Frames published between the loss and `CONNECTED` are not taken.
- Memory is bounded: a connection that cannot get rid of `queue_limit` frames keeps the agent from
  taking in more; one that acknowledges nothing for ten seconds is given up, and so is one on which
  `OVERFLOW` times as many wait.
"""

from __future__ import annotations

import contextlib
import functools
import random
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from myocan.hub.bus.address import BusError, parse_url
from myocan.hub.bus.dial import Dialler, check_authority, explain
from myocan.hub.bus.link import CONNECT_S, Frame, Link, Outgoing

__all__ = ["CONNECTED", "DISCONNECTED", "REFUSED", "Bus", "BusRefused"]

CONNECTED = "\0connected"
"""Stands in a frame's place of the topic: a connection begins, subscriptions included."""

DISCONNECTED = "\0disconnected"
"""Stands in a frame's place of the topic: there is no connection; the payload says why."""

REFUSED = "\0refused"
"""Stands in a frame's place of the topic: the broker refused a publication; the payload says which
and why. Only MQTT 5 tells."""

BATCH = 512
"""About how many messages one `receive` returns at most, so that none waits long for the rest."""

OVERFLOW = 4
"""How many times `queue_limit` may wait to be sent before more is said: what comes due is said
whether or not the broker keeps up. The log has it for the next connection."""

BACKOFF_S = (0.05, 5.0)
"""The first and the longest pause between two attempts to connect; each doubles the last."""

ANSWER_S = 3.0
"""How long a broker may think about MQTT 5 before it is offered 3.1.1: some wait for more bytes."""

STABLE_S = 5.0
"""A connection that lasted this long was a good one: the next pause is the first again."""

_SUSPICIOUS = 3
"""So many short connections in a row look like two clients of one name that take turns."""

_TICK_S = 1.0
_MQTT_5, _MQTT_311 = 5, 4
_PROTOCOLS = {"5": (_MQTT_5,), "3.1.1": (_MQTT_311,), "auto": (_MQTT_5, _MQTT_311)}


class BusRefused(BusError):
    """The broker does not let us in, and will not until somebody changes the configuration."""


class Bus:
    """A client of one MQTT broker that connects by itself, again and again.

    url: the broker, see `parse_url`.
    client_id: our name there; a second client of this name ends our connection.
    subscriptions: (filter, QoS) pairs, renewed with each connection.
    will: (topic, payload) that the broker publishes, retained, when we vanish; None for none.
    queue_limit: frames held in each direction, at least 1.
    keepalive_s: a silence of the broker of this length is broken with a ping, and one of twice this
        length ends the connection.
    protocol: "5", "3.1.1", or "auto": 5 if the broker has it.
    jitter: returns a random number from 0 to 1. clock: returns monotonic seconds.

    One thread calls `receive`, always the same one; all others may call `publish` and `wake`.
    Raises BusError if the URL is none.
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        *,
        subscriptions: Sequence[tuple[str, int]] = (),
        will: tuple[str, bytes] | None = None,
        queue_limit: int = 65536,
        keepalive_s: int = 20,
        protocol: str = "auto",
        jitter: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address = parse_url(url)
        check_authority(self.address)
        self._client_id = client_id
        self._subscriptions = tuple(subscriptions)
        self._will = will
        self._queue_limit = queue_limit
        self._keepalive_s = keepalive_s
        self._protocols = _PROTOCOLS[protocol]
        self._jitter = jitter
        self._clock = clock

        self._pending: deque[Outgoing] = deque()
        self._arrived: list[Frame] = []
        self._confirmed = 0
        self._overflown = False

        self._link: Link | None = None
        self._online = False
        self._online_since = 0.0
        self._once_online = False
        self._short_ones = 0
        self._reason = ""
        self._refusal: BusRefused | None = None
        self._next_tick = 0.0

        self._dialler = Dialler(self._nudge)
        self._started = False
        self._protocol = 0
        self._pause = BACKOFF_S[0]

        self._io = threading.Lock()
        self._stopping = threading.Event()
        self._sleeping = self._nudged = self._woken = False
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._poll = select.poll()
        self._poll.register(self._wake_in, select.POLLIN)
        self._interest = 0

    @property
    def online(self) -> bool:
        """Whether there is a connection, as of the last `receive`."""
        return self._online

    @property
    def protocol(self) -> str:
        """The version of MQTT that is spoken, or tried: "5" or "3.1.1"."""
        return "5" if self._protocols[self._protocol] == _MQTT_5 else "3.1.1"

    def start(self) -> None:
        """Begin to connect; returns at once. `CONNECTED` comes out of `receive`."""
        if not self._started:
            self._started = True
            self._dial(0.0)

    def stop(self, last: Sequence[Outgoing] = (), timeout: float = 2.0) -> None:
        """Publish `last`, wait until all is acknowledged, take leave of the broker.

        timeout: seconds that the waiting may take. A `receive` under way returns. No thread stays.
        """
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._nudge()
        with self._io:
            self._settle()
            if self._link is not None:
                self._say_last(last, self._clock() + timeout)
        self._dialler.close()
        self._wake_in.close()
        self._wake_out.close()

    def receive(self, timeout: float | None) -> list[Frame]:
        """Return what has come in since the last call, waiting until something does.

        timeout: seconds to wait at most, None for ever. An empty list means that the time is up, or
        that somebody called `wake` or `stop`.

        Raises BusRefused if the broker has refused us from the start: wrong password, no right to
        read, a certificate nobody vouches for. Later such a refusal is `DISCONNECTED` with the same
        text, and the attempts go on, since a running house outlives a mistake at its broker.
        """
        deadline = None if timeout is None else self._clock() + timeout
        with self._io:
            waited = False
            while not self._stopping.is_set():
                self._send()
                self._settle()
                if self._refusal is not None:
                    raise self._refusal
                frames = self._take()
                if frames or self._woken:
                    self._woken = False
                    return frames
                wait = _TICK_S
                if deadline is not None:
                    wait = min(wait, deadline - self._clock())
                    if waited and wait <= 0:
                        return []
                self._await(max(0.0, wait))
                waited = True
            return []

    def wake(self) -> None:
        """Make `receive` return, now or the next time; from any thread."""
        self._woken = True
        self._nudge()

    def publish(self, frames: Sequence[Outgoing]) -> bool:
        """Send frames, in order; from any thread; never blocks.

        Returns False, having taken nothing, while there is no connection (see the promises above).
        Raises ValueError for a topic with a wildcard in it, or a QoS that is none.
        """
        if not self._online:
            return False
        if len(self._pending) > OVERFLOW * self._queue_limit:
            self._overflown = True
            self._nudge()
            return False
        self._pending.extend(frames)
        if self._io.acquire(blocking=False):
            try:
                self._send()
            finally:
                self._io.release()
        else:
            self._nudge()  # whoever has the lock may have looked already
        return True

    @property
    def backlog(self) -> int:
        """How many published frames wait for the socket, or for the broker's acknowledgements."""
        return len(self._pending)

    def confirmed(self) -> int:
        """Return the largest token T of which is known: all that was published up to T is safe.

        Safe means acknowledged by the broker, on this connection or an earlier one: QoS 1 frames in
        the order of their publishing, so tokens should rise. It never falls. 0: none yet.
        """
        return self._confirmed

    # What follows, but for `_nudge`, runs in whoever holds `_io`.

    def _take(self) -> list[Frame]:
        """Return what has arrived, unless the agent is too far ahead of the broker already."""
        if not self._arrived or (self._online and len(self._pending) > self._queue_limit):
            return []
        frames, self._arrived = self._arrived, []
        return frames

    def _send(self) -> None:
        link = self._link
        if link is not None and self._online and (self._pending or link.wants_write()):
            link.send(self._pending)

    def _await(self, wait: float) -> None:
        """Wait for the socket or a nudge, at most `wait` seconds; read what there is."""
        link = self._link
        room = self._queue_limit - len(self._arrived)
        if link is not None:
            interest = (select.POLLIN if room > 0 else 0) | (
                select.POLLOUT if link.wants_write() else 0
            )
            if interest != self._interest:
                self._poll.modify(link.descriptor, interest)
                self._interest = interest
            if room > 0 and link.has_bytes():
                wait = 0.0
        self._sleeping = True
        if self._nudged:
            wait = 0.0
        events = self._poll.poll(wait * 1000)
        self._sleeping = self._nudged = False
        for descriptor, event in events:
            if link is None or descriptor != link.descriptor:
                with contextlib.suppress(BlockingIOError):
                    self._wake_in.recv(4096)
            elif event != select.POLLOUT:
                link.read(min(BATCH, room))
        if link is None:
            return
        if room > 0 and link.has_bytes():
            link.read(min(BATCH, room))
        now = self._clock()
        if now >= self._next_tick:
            self._next_tick = now + _TICK_S
            link.tick(now)

    def _settle(self) -> None:
        """Turn what has happened to the link into events and messages for the agent."""
        link = self._link
        if link is None:
            dialled = self._dialler.result()
            if isinstance(dialled, Link):
                self._adopt(dialled)
            elif dialled is not None:
                self._protocol = 0  # whoever answers next may be another broker
                self._lose(*explain(dialled, self.address))
            return
        if link.online:
            if not self._online:
                self._pending.clear()
                self._online = self._once_online = True
                self._online_since = self._clock()
                self._reason = ""
                self._arrived.append((CONNECTED, b"", False))
            if link.frames:
                self._arrived += link.frames
                link.frames.clear()
            if link.complaints:
                self._arrived += [(REFUSED, text.encode(), False) for text in link.complaints]
                link.complaints.clear()
            self._confirmed = link.confirmed
        if self._overflown and link.lost is None:
            link.abort(f"the broker at {self.address} is too slow: too much waits for it")
        self._overflown = False
        if link.lost is not None:
            self._poll.unregister(link.descriptor)
            self._link = None
            at_once = False
            if not link.answered:  # older brokers hang up on a version that they do not know
                self._protocol = (self._protocol + 1) % len(self._protocols)
                at_once = self._protocol > 0
            link.abort(link.lost)
            self._lose(link.lost, link.refused, at_once=at_once)

    def _adopt(self, link: Link) -> None:
        self._link = link
        self._interest = select.POLLIN
        self._poll.register(link.descriptor, self._interest)
        self._next_tick = self._clock() + _TICK_S

    def _lose(self, reason: str, refused: bool, *, at_once: bool = False) -> None:
        """Tell the agent, forget what was not acknowledged, and connect again after a pause."""
        if refused and not self._once_online:
            self._refusal = BusRefused(reason)
            return
        if self._online:
            if self._clock() - self._online_since >= STABLE_S:
                self._pause = BACKOFF_S[0]
                self._short_ones = 0
            else:
                self._short_ones += 1
            if self._short_ones >= _SUSPICIOUS or "Session taken over" in reason:
                reason += f" (does another hub use the client id {self._client_id!r}?)"
        if self._online or (reason != self._reason and not at_once):
            self._arrived.append((DISCONNECTED, reason.encode(), False))
            self._reason = reason
        self._online = False
        self._pending.clear()
        if at_once:
            self._dial(0.0)
        else:
            self._dial(self._pause * (0.5 + self._jitter() / 2))
            self._pause = min(2 * self._pause, BACKOFF_S[1])

    def _say_last(self, last: Sequence[Outgoing], deadline: float) -> None:
        link = self._link
        assert link is not None
        if self._online and link.lost is None:
            self._pending.extend(last)
            self._send()
            while link.lost is None and not (link.settled() and not self._pending):
                wait = deadline - self._clock()
                if wait <= 0:
                    break
                self._await(wait)
                link.frames.clear()
                self._send()
            self._confirmed = link.confirmed
            link.close()
        link.abort("stopped")
        self._link = None
        self._online = False

    def _nudge(self) -> None:
        """Make the thread in `_await` look again; from any thread."""
        self._nudged = True
        if self._sleeping:
            with contextlib.suppress(OSError):  # full: it will look; closed: nobody is left to
                self._wake_out.send(b"\0")

    def _dial(self, pause: float) -> None:
        protocol = self._protocols[self._protocol]
        make = functools.partial(
            Link,
            self.address,
            self._client_id,
            protocol=protocol,
            subscriptions=self._subscriptions,
            will=self._will,
            keepalive_s=self._keepalive_s,
            answer_s=ANSWER_S if protocol != self._protocols[-1] else CONNECT_S,
            confirmed=self._confirmed,
        )
        self._dialler.dial(make, pause)
