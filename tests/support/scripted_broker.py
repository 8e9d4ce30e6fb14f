"""A TCP server that plays an MQTT broker by a script, for what no real broker does on demand.

It withholds acknowledgements, hangs up in the middle, answers garbage, and knows afterwards exactly
what it was told. Whatever a real Mosquitto can show is tested with a real Mosquitto.

    def script(connection, number):         # number: 0 for the first connection, and so on
        welcome(connection)
        kind, body = read_packet(connection)
        connection.sendall(puback(body))
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Self

PATIENCE_S = 60.0

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 0x10, 0x20, 0x30, 0x40, 0x80, 0x90


class ScriptedBroker:
    """Does to each client, one after the other in a thread of its own, what `script` says.

    script: called with each connection and its number, from 0; when it returns, or the client goes
    away, the connection is closed. Leave the `with` block and the thread has ended.
    """

    def __init__(self, script: Callable[[socket.socket, int], None]) -> None:
        self._script = script
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"mqtt://127.0.0.1:{self._server.getsockname()[1]}"
        self._connection: socket.socket | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="scripted-broker")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._closed = True
        for each in (self._server, self._connection):
            if each is not None:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.close()

    def _serve(self) -> None:
        number = 0
        while not self._closed:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._connection = connection
            with connection, contextlib.suppress(OSError):
                connection.settimeout(PATIENCE_S)
                self._script(connection, number)
            number += 1


def read_packet(connection: socket.socket) -> tuple[int, bytes]:
    """Return first byte and body of the next MQTT packet. Raises OSError when there is none."""
    kind = _exactly(connection, 1)[0]
    length = shift = 0
    while True:
        byte = _exactly(connection, 1)[0]
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return kind, _exactly(connection, length)


def packets(connection: socket.socket) -> Iterator[tuple[int, bytes]]:
    """Yield packets until the client is gone."""
    with contextlib.suppress(OSError):
        while True:
            yield read_packet(connection)


def protocol_of(connect: bytes) -> int:
    """Return the protocol level of a CONNECT packet's body: 5, or 4 for 3.1.1."""
    return connect[6]


def welcome(connection: socket.socket, *, subscriptions: int = 0) -> int:
    """Accept a client and its one SUBSCRIBE; return its protocol level."""
    kind, body = read_packet(connection)
    assert kind & 0xF0 == CONNECT
    level = protocol_of(body)
    connection.sendall(b"\x20\x03\x00\x00\x00" if level == 5 else b"\x20\x02\x00\x00")
    if subscriptions:
        kind, body = read_packet(connection)
        assert kind & 0xF0 == SUBSCRIBE
        properties = b"\x00" if level == 5 else b""
        answer = body[:2] + properties + bytes(subscriptions)
        connection.sendall(bytes([SUBACK, len(answer)]) + answer)
    return level


def publish(topic: str, payload: bytes) -> bytes:
    """Return a QoS 0 PUBLISH packet of MQTT 3.1.1, up to 127 bytes long."""
    body = len(topic).to_bytes(2, "big") + topic.encode() + payload
    return bytes([PUBLISH, len(body)]) + body


def packet_number(body: bytes) -> bytes:
    """Return the packet identifier of a QoS 1 PUBLISH packet's body."""
    start = 2 + int.from_bytes(body[:2], "big")
    return body[start : start + 2]


def puback(body: bytes) -> bytes:
    """Return the acknowledgement of a QoS 1 PUBLISH packet."""
    return bytes([PUBACK, 2]) + packet_number(body)


def _exactly(connection: socket.socket, count: int) -> bytes:
    gathered = b""
    while len(gathered) < count:
        if not (part := connection.recv(count - len(gathered))):
            raise ConnectionError("the client has gone")
        gathered += part
    return gathered
