"""The connection to the broker on CPython, through paho-mqtt.

The one idea to know: everything happens in the adapter's own thread, as on a board, except the one
thing that can only wait: opening the connection (name look-up, TCP). That is done by a thread of
its own, which ends when it is done. So a broker that does not answer stops no button.

The interface is `interfaces.Link`.
"""

import binascii
import os
import selectors
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from myocan.edge.clock import FIRST_WAIT_MS, Alarm, shortened, ticks_ms, wait_after
from myocan.edge.interfaces import Spec, Take
from myocan.edge.wake import Wake

KEEPALIVE_S = 6
"""Seconds without a word after which paho asks the broker, and after which it gives it up."""
ANSWER_MS = 4_000
"""How long the broker may take to answer."""
GOODBYE_S = 1.0
"""How long to wait at the end until the broker has closed the connection."""
NO_REASON = "Unspecified error"
"""What paho says of a connection that ended without a word."""
STEADY_MS = 1_000
"""A connection that lasted so long makes the next wait short again."""


class PahoLink:
    """The connection of the board called `client_id`.

    broker: the `broker` part of the configuration: host, port, user, password, tls, and maybe `ca`
        (base64 of DER): the authorities that alone may vouch for the broker, in place of the
        system's.
    random: returns so many random bytes.
    """

    def __init__(
        self, broker: Spec, client_id: str, random: Callable[[int], bytes] = os.urandom
    ) -> None:
        self.ready = False
        self.connection = 0
        self.reason = ""
        self._broker = broker
        self._client_id = client_id
        self._trust = _Trust.of(broker) if broker.get("tls") else None
        self._random = random
        self._wait_ms = FIRST_WAIT_MS  # before the next try
        self._selector = selectors.DefaultSelector()
        self._wake = Wake()
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._client: Client | None = None
        self._dialling: _Dialling | None = None
        self._socket: Any = None
        self._readable = False
        self._arrived: list[MQTTMessage] = []
        self._topics: list[str] = []
        self._retry, self._answer, self._steady = Alarm(), Alarm(), Alarm()
        self._now = ticks_ms()
        self._retry.set(self._now, 0)

    def attach(self, topics: list[str], will: Callable[[], tuple[str, bytes]], take: Take) -> None:
        """See interfaces.Link."""
        self._topics, self._will, self._take = topics, will, take

    def step(self, now: int) -> None:
        """See interfaces.Link."""
        self._now = now
        self._wake.clear()
        if self._dialling is not None:
            if self._dialling.done:
                self._dialled()
        elif self._client is None:
            if self._retry.rings(now):
                self._dial()
        else:
            self._converse()
        self._steady.rings(now)
        if self._answer.rings(now):
            self.renew("the broker does not answer")

    def writable(self) -> bool:
        """See interfaces.Link."""
        return self.ready

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        """See interfaces.Link."""
        assert self._client is not None
        if self._client.publish(topic, payload, 0, retain).rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self.renew("the connection is lost")

    def subscribe(self, topics: list[str]) -> None:
        """See interfaces.Link."""
        if self._client is not None:
            self._client.subscribe([(topic, 1) for topic in topics])

    def probe(self) -> None:
        """See interfaces.Link."""
        if self.ready and not self._answer.on:
            self.subscribe(self._topics[:1])  # paho's own ping cannot be asked for
            self._answer.set(self._now, ANSWER_MS)

    def renew(self, reason: str) -> None:
        """See interfaces.Link."""
        if self.ready and not self._steady.on:
            self._wait_ms = FIRST_WAIT_MS
        self._hang_up()
        self.reason = reason
        self._retry.set(self._now, shortened(self._wait_ms, self._random))
        self._wait_ms = wait_after(self._wait_ms)

    def close(self, topic: str, payload: bytes) -> None:
        """See interfaces.Link."""
        if self._dialling is not None:
            self._dialling.abandon()
            self._dialling = None
        if self.ready:
            self.publish(topic, payload, True)
        if self.ready and self._client is not None:
            # With bytes unread, closing would throw away what was sent last. A TLS socket has no
            # duplicates; its file has.
            below = os.dup(self._socket.fileno())
            with socket.socket(fileno=below) as lingering, suppress(OSError):
                self._client.disconnect()
                self._flush()
                lingering.settimeout(GOODBYE_S)
                while lingering.recv(4096):
                    pass
        self._hang_up()
        self._retry.off()
        self._selector.close()
        self._wake.close()

    def due(self, now: int) -> int:
        """See interfaces.Link."""
        return min(self._retry.left(now), self._answer.left(now))

    def watch(self, stream: Any) -> None:
        """See interfaces.Link."""
        self._selector.register(stream, selectors.EVENT_READ)

    def wait(self, ms: int) -> None:
        """See interfaces.Link."""
        if self._client is not None and self._socket is not None:
            wanted = selectors.EVENT_READ
            if self._client.want_write():
                wanted |= selectors.EVENT_WRITE
            self._selector.modify(self._socket, wanted)
        for key, events in self._selector.select(ms / 1000):
            if key.fileobj is self._socket and events & selectors.EVENT_READ:
                self._readable = True

    def interrupt(self) -> None:
        """End a `wait`, from any thread."""
        self._wake.ring()

    def _dial(self) -> None:
        self.connection += 1
        client = Client(
            CallbackAPIVersion.VERSION2, client_id=self._client_id, reconnect_on_failure=False
        )
        topic, payload = self._will()
        client.will_set(topic, payload, qos=1, retain=True)
        if user := self._broker.get("user"):
            client.username_pw_set(user, self._broker.get("password"))
        if self._trust is not None:
            client.tls_set_context(self._trust)
        client.connect_timeout = ANSWER_MS / 1000
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        host, port = self._broker["host"], self._broker["port"]
        self._dialling = _Dialling(client, host, port, self._wake.ring, self._trust)
        self._dialling.start()

    def _dialled(self) -> None:
        assert self._dialling is not None
        self._dialling.join()
        dialling, self._dialling = self._dialling, None
        self._client, self._socket = dialling.client, dialling.client.socket()
        if self._socket is None:
            why = _in_words(dialling.problem, tls=self._trust is not None)
            self.renew(f"no connection to the broker: {why}")
            return
        with suppress(OSError):  # a socket that is closed already tells so when it is read
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._answer.set(self._now, ANSWER_MS)

    def _converse(self) -> None:
        assert self._client is not None
        client, readable = self._client, self._readable
        self._readable = False
        try:
            if readable:
                client.loop_read()
                # what TLS has taken from the socket already, no selector tells of
                while self._trust is not None and client.socket() and self._socket.pending():
                    client.loop_read()
            self._flush()
            client.loop_misc()
        except Exception as error:  # paho's parser raises whatever a malformed packet makes it
            self.renew(f"the broker sent what is no MQTT: {error!r}")
            return
        arrived, self._arrived = self._arrived, []
        for message in arrived:
            self._take(message.topic, bytes(message.payload), message.retain)
        if self._client is client and client.socket() is None:
            self.renew(self.reason)

    def _flush(self) -> None:
        if self._client is not None and self._client.want_write():
            self._client.loop_write()

    def _hang_up(self) -> None:
        self._answer.off()
        self._steady.off()
        if self._socket is not None:
            with suppress(KeyError, ValueError):  # not registered yet, or closed by paho
                self._selector.unregister(self._socket)
            self._socket.close()
        self._client = self._socket = None
        self._arrived.clear()
        self.ready = self._readable = False

    def _on_connect(
        self, client: Client, _: Any, flags: ConnectFlags, code: ReasonCode, more: Properties | None
    ) -> None:
        if code.is_failure:
            user = self._broker.get("user")
            who = f"user '{user}' with this password" if user else "a board without an account"
            self.reason = f"the broker refuses {who}: {code}"
        else:
            client.subscribe([(topic, 1) for topic in self._topics])
            self._answer.set(self._now, ANSWER_MS)

    def _on_subscribe(
        self, client: Client, _: Any, mid: int, codes: list[ReasonCode], more: Properties | None
    ) -> None:
        self._answer.off()
        if refused := sum(code.is_failure for code in codes):
            self.reason = f"the broker refuses {refused} subscriptions"
        if not self.ready:
            self.ready = True
            self._steady.set(self._now, STEADY_MS)

    def _on_disconnect(
        self, client: Client, _: Any, flags: Any, code: ReasonCode, more: Properties | None
    ) -> None:
        why = "it was closed over there" if str(code) == NO_REASON else code
        if self.ready:
            self.reason = f"the connection is lost: {why}"
        elif not self.reason.startswith("the broker refuses"):
            self.reason = f"no connection to the broker: {why}"

    def _on_message(self, client: Client, _: Any, message: MQTTMessage) -> None:
        self._arrived.append(message)


def _in_words(problem: Exception | None, *, tls: bool) -> str:
    """Return why there is no connection; of a certificate the same as the other link says."""
    if isinstance(problem, ssl.SSLCertVerificationError):
        return (
            "its certificate is not from the authority that this board knows, or not for this "
            f"host, or not valid now ({problem.verify_message})"
        )
    if tls and isinstance(problem, ConnectionResetError | ssl.SSLEOFError):
        return "it hangs up on a board that speaks TLS"
    return str(problem)


class _Trust(ssl.SSLContext):
    """How to know that it is the right broker. Remembers the last socket, which paho loses when the
    greetings fail."""

    wrapped: ssl.SSLSocket | None = None

    @classmethod
    def of(cls, broker: Spec) -> "_Trust":
        """Return one for the `broker` part of a configuration."""
        trust = cls(ssl.PROTOCOL_TLS_CLIENT)
        if broker.get("ca") is None:
            trust.load_default_certs()
        else:
            trust.load_verify_locations(cadata=binascii.a2b_base64(broker["ca"]))
        return trust

    def wrap_socket(self, *args: Any, **rest: Any) -> ssl.SSLSocket:
        self.wrapped = super().wrap_socket(*args, **rest)
        return self.wrapped


class _Dialling(Thread):
    """Opens a connection, which can only wait; then rings."""

    def __init__(
        self,
        client: Client,
        host: str,
        port: int,
        ring: Callable[[], None],
        trust: _Trust | None,
    ) -> None:
        super().__init__(name="myocan-dial", daemon=True)
        self._trust = trust
        self.client = client
        self.problem: Exception | None = None
        self.done = False
        self._broker = (host, port)
        self._ring = ring

    def abandon(self) -> None:
        """Wait for the end, and close what was opened. (A name server may take for ever; then the
        thread is left to itself.)"""
        self.join(ANSWER_MS / 1000 + 1)
        if (opened := self.client.socket()) is not None:
            opened.close()

    def run(self) -> None:
        try:
            self.client.connect(*self._broker, keepalive=KEEPALIVE_S)
        except (OSError, ValueError) as error:
            self.problem = error
            if self._trust is not None and self._trust.wrapped is not None:
                self._trust.wrapped.close()
        finally:
            self.done = True  # before the ring, or who wakes up may look too early
            self._ring()
