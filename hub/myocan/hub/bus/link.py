"""One connection to a broker, over paho-mqtt: from dialling to the loss, and then never used again.

The one idea to know: a `Link` does nothing by itself. It has no thread; whoever owns it calls
`read`, `send` and `tick`, one at a time. So nothing is locked, a message crosses no queue between
threads (measured: 0.15 to 0.25 ms less from press to lamp than with a thread of paho's own), and
a later transport needs the same few methods.

What makes paho fast enough here:
- Its own window of unacknowledged messages is off (it walks all that wait at every PUBACK: 160 µs
  each with a thousand); this file counts them instead, so the broker's limit still holds.
- Sending is put off (`on_socket_register_write`) until a batch is in, then written in one go.
- A new client for each connection: nothing of the old one is sent again behind our back.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from myocan.hub.bus.address import Address

if TYPE_CHECKING:  # paho takes 90 ms to import; the thread that dials does it
    import paho.mqtt.client as paho
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

__all__ = ["Frame", "Link", "Outgoing"]

Frame = tuple[str, bytes, bool]
"""What came in: topic, payload, whether the broker had it retained."""

Outgoing = tuple[str, bytes, int, bool, int]
"""What goes out: topic, payload, QoS 0 or 1, whether to retain it, token (see `Bus.confirmed`)."""

CONNECT_S = 4.0
"""How long the broker may take to accept a connection, and commonly to answer it."""

CONFIRM_S = 10.0
"""How long a broker may acknowledge nothing of what waits, before it counts as gone."""

WINDOW = 1024
"""Most messages sent and not yet acknowledged; the broker may ask for less."""

PACKET_LIMIT = 256 * 1024
"""Bytes of the largest packet that is sent: far above any of ours."""

RECEIVE_LIMIT = 16 * 1024 * 1024
"""Bytes of the largest packet that is taken (MQTT 5 lets us say so). What is larger a broker drops
without a word, so this is far above what anybody sends by mistake."""

KEPT = 64 * 1024
"""Bytes that are kept of a payload, its last: twice what the wire format allows, so that whoever
reads it sees that it is too long. Bounds what a batch of huge ones takes."""

_AROUND_PAYLOAD = 300
"""Bytes of a packet that are no payload, at most: a topic of 256 and what MQTT adds."""

_SLICE = 256
"""Frames given to paho at once, before their bytes are written: bounds what it holds."""

_CORK: int | None = getattr(socket, "TCP_CORK", None)

_PASSING = {"Server unavailable", "Server busy", "Use another server", "Quota exceeded"} | {
    "Connection rate exceeded",
    "Server shutting down",
}
"""Refusals that may be over in a minute; all others want a person."""


class _TlsContext(ssl.SSLContext):
    """A context that remembers the last socket that it has wrapped."""

    wrapped: ssl.SSLSocket | None = None

    @classmethod
    def trusting(cls, ca: str | None) -> _TlsContext:
        """Return one that verifies name and certificate, by a file of authorities or the system's.

        Raises OSError (SSLError among them) if the file cannot be used.
        """
        context = cls(ssl.PROTOCOL_TLS_CLIENT)
        if ca is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(ca)
        return context

    def wrap_socket(self, *args: Any, **rest: Any) -> ssl.SSLSocket:
        self.wrapped = super().wrap_socket(*args, **rest)
        return self.wrapped


class Link:
    """One connection.

    address: the broker. client_id: our name there. protocol: 5 or 4 (which is 3.1.1).
    subscriptions: (filter, QoS) pairs. will: (topic, payload), published by the broker, retained,
    if we vanish. keepalive_s: a silence longer than this is broken with a ping. answer_s: how long
    it may take from our introduction to the last subscription. confirmed: where the count of
    acknowledged tokens starts.

    online: accepted, and all subscriptions with it; stays so. lost: why it is over, None while it
    is not.
    refused: whether it is over for a reason that lasts until somebody changes the configuration.
    answered: whether the broker has answered at all. frames: what has come in; the owner takes it.
    complaints: publications that the broker refused (MQTT 5), as readable text.
    """

    def __init__(
        self,
        address: Address,
        client_id: str,
        *,
        protocol: int,
        subscriptions: Sequence[tuple[str, int]],
        will: tuple[str, bytes] | None,
        keepalive_s: int,
        answer_s: float,
        confirmed: int,
    ) -> None:
        import paho.mqtt.client as paho
        from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

        self.address = address
        self.protocol = protocol
        self.confirmed = confirmed
        self.online = False
        self.answered = False
        self.refused = False
        self.lost: str | None = None
        self.frames: list[Frame] = []
        self.complaints: list[str] = []
        self.descriptor = -1
        self._subscriptions = list(subscriptions)
        self._keepalive_s = keepalive_s
        self._answer_s = answer_s
        self._window = WINDOW
        self._largest = PACKET_LIMIT
        self._unconfirmed: deque[tuple[int, int, str]] = deque()
        self._waiting: set[int] = set()
        self._complained: set[str] = set()
        self._answers = self._answers_seen = 0
        self._patience_from: float | None = None
        self._socket: socket.socket | None = None
        self._readable = select.poll()

        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion(protocol),
            reconnect_on_failure=False,
        )
        client.max_inflight_messages = 0
        client.connect_timeout = CONNECT_S
        if address.user is not None:
            client.username_pw_set(address.user, address.password)
        self._tls = _TlsContext.trusting(address.ca) if address.tls else None
        if self._tls is not None:
            client.tls_set_context(self._tls)
        if will is not None:
            client.will_set(will[0], will[1], qos=1, retain=True)
        client.on_socket_open = self._on_socket_open
        client.on_socket_register_write = lambda *_: None
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        self._client = client

    def open(self) -> None:
        """Connect and introduce us; blocks. Raises OSError, also for what TLS finds wrong."""
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        options: dict[str, Any] = {}
        if self.protocol == 5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's
            properties.MaximumPacketSize = RECEIVE_LIMIT
            options = {"clean_start": True, "properties": properties}
        address = self.address
        try:
            self._client.connect(address.host, address.port, self._keepalive_s, **options)
        except BaseException:
            if self._tls is not None and self._tls.wrapped is not None:
                self._tls.wrapped.close()  # paho drops it open if the handshake fails
            raise
        self._client.loop_write()

    def wants_write(self) -> bool:
        """Whether bytes wait for the socket to take them."""
        return self._client.want_write()

    def has_bytes(self) -> bool:
        """Whether bytes have come that `poll` cannot see, since TLS has taken them already."""
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def read(self, limit: int) -> None:
        """Take in what has come, until there is no more or `frames` holds about `limit`."""
        client, frames, readable = self._client, self.frames, self._readable
        while True:
            client.loop_read()
            if self.lost is not None or len(frames) >= limit:
                return
            if not readable.poll(0) and not self.has_bytes():
                return

    def send(self, pending: deque[Outgoing]) -> None:
        """Send from the left of `pending` what window and socket take; the rest stays in it."""
        client, sock = self._client, self._socket
        if client.want_write():
            client.loop_write()
        if not pending or sock is None:
            return
        cork = _CORK is not None and len(pending) > 1
        if cork:  # one segment for many packets, and one wake-up of the broker
            self._set_cork(True)
        try:
            while pending and self.lost is None and not client.want_write():
                more = self._hand_over(pending)
                client.loop_write()
                if not more:
                    break
        finally:
            if cork:
                self._set_cork(False)

    def tick(self, now: float) -> None:
        """Ping, and find out that the broker is gone; to be called every second or so.

        now: seconds of a monotonic clock.
        """
        self._client.loop_misc()
        if self.online and not self._unconfirmed:
            self._patience_from = None
        elif self._patience_from is None or self._answers != self._answers_seen:
            self._answers_seen = self._answers
            self._patience_from = now
        elif now - self._patience_from > (CONFIRM_S if self.online else self._answer_s):
            what = "acknowledges nothing" if self.online else "does not answer"
            self.abort(f"the broker at {self.address} {what}")

    def settled(self) -> bool:
        """Whether the broker has acknowledged everything, and all bytes are out."""
        return not self._unconfirmed and not self._client.want_write()

    def close(self) -> None:
        """Take leave of the broker, which then does not publish the will."""
        self._client.disconnect()
        self._client.loop_write()
        self.abort("closed")

    def abort(self, reason: str) -> None:
        """Let go of the socket, as if the network had failed. reason: for `lost`."""
        if self.lost is None:
            self.lost = reason
        if self._socket is not None:
            self._socket.close()

    def _hand_over(self, pending: deque[Outgoing]) -> bool:
        """Give paho up to a slice of frames. False: no more at the moment."""
        client, waiting, window = self._client, self._waiting, self._window
        largest = self._largest
        for _ in range(min(_SLICE, len(pending))):
            topic, payload, qos, retain, token = frame = pending.popleft()
            if qos and len(waiting) >= window:
                pending.appendleft(frame)
                return False
            if len(payload) > largest:  # the broker would hang up, at each attempt again
                self._complain(topic, "Packet too large")
                continue
            sent = client.publish(topic, payload, qos, retain)
            if sent.rc:  # no connection any more, or all 65,535 packet numbers taken
                pending.appendleft(frame)
                return False
            if qos:
                waiting.add(sent.mid)
                self._unconfirmed.append((sent.mid, token, topic))
        return True

    def _set_cork(self, on: bool) -> None:
        assert _CORK is not None
        assert self._socket is not None
        with contextlib.suppress(OSError):  # closed meanwhile: nothing to hold back
            self._socket.setsockopt(socket.IPPROTO_TCP, _CORK, on)

    def _on_socket_open(self, client: paho.Client, userdata: Any, sock: Any) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = sock
        self.descriptor = sock.fileno()
        self._readable.register(sock, select.POLLIN)

    def _on_connect(
        self,
        client: paho.Client,
        userdata: Any,
        flags: paho.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self.answered = True
        if reason.is_failure:
            self._refuse(str(reason))
            return
        self._window = min(WINDOW, getattr(properties, "ReceiveMaximum", WINDOW))
        packet = min(PACKET_LIMIT, getattr(properties, "MaximumPacketSize", PACKET_LIMIT))
        self._largest = packet - _AROUND_PAYLOAD
        if self._subscriptions:
            client.subscribe(self._subscriptions)
            client.loop_write()
        else:
            self.online = True

    def _refuse(self, reason: str) -> None:
        where = f"the broker at {self.address}"
        if reason == "Unsupported protocol version":
            self.answered = False
            self.lost = f"{where} does not speak this version of MQTT"
            return
        self.refused = reason not in _PASSING
        if reason in ("Bad user name or password", "Not authorized"):
            if self.address.user is None:
                self.lost = f"{where} wants to know who we are: write mqtt://user:password@host"
            else:
                self.lost = f"{where} refuses user {self.address.user!r} with this password"
        else:
            self.lost = f"{where} refuses the connection: {reason}"

    def _on_subscribe(
        self,
        client: paho.Client,
        userdata: Any,
        mid: int,
        reasons: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        refused = [
            topic
            for (topic, _), reason in zip(self._subscriptions, reasons, strict=False)
            if reason.is_failure
        ]
        if refused:
            self.refused = True
            self.abort(
                f"the broker at {self.address} does not let us read {', '.join(refused)}: "
                "give the hub's user these topics in the broker's access rules"
            )
        else:
            self.online = True

    def _on_disconnect(
        self,
        client: paho.Client,
        userdata: Any,
        flags: paho.DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if self.lost is None:
            said = f": {reason}" if flags.is_disconnect_packet_from_server else ""
            self.lost = f"the broker at {self.address} ended the connection{said}"

    def _on_publish(
        self,
        client: paho.Client,
        userdata: Any,
        mid: int,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        waiting, unconfirmed = self._waiting, self._unconfirmed
        if mid not in waiting:
            return  # QoS 0: written, which is all that is ever known of it
        waiting.remove(mid)
        self._answers += 1
        if reason.is_failure:
            topic = next(topic for number, _, topic in unconfirmed if number == mid)
            self._complain(topic, str(reason))
        while unconfirmed and unconfirmed[0][0] not in waiting:
            token = unconfirmed.popleft()[1]
            if token > self.confirmed:
                self.confirmed = token

    def _complain(self, topic: str, reason: str) -> None:
        """Say once for each topic that a publication was refused."""
        if topic not in self._complained and len(self._complained) < WINDOW:
            self._complained.add(topic)
            self.complaints.append(f"the broker refuses what we publish to {topic}: {reason}")

    def _on_message(self, client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # no topic at all, so whoever takes it apart refuses it and says so
        payload = message.payload
        self.frames.append((topic, bytes(payload[-KEPT:]), message.retain))
