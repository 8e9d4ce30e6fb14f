"""The part of MQTT 3.1.1 that a board needs, without I/O: bytes in and packets out, and back.

The one idea to know: all memory is taken once. `Reader` has one buffer that the socket fills and in
which packets are found; `Writer` has one in which packets are composed, so that they leave in one
write. A length is checked before anything is done with it, and a packet that is larger than the
buffer is still answered (or the broker would wait for ever), but its contents are thrown away.

Source of the format: MQTT Version 3.1.1, OASIS Standard, chapters 2 and 3.
"""

from myocan.edge.clock import const
from myocan.edge.errors import EdgeError

_CONNECT = const(0x10)
CONNACK = 0x20
_PUBLISH = const(0x30)
_PUBACK = const(0x40)
_SUBSCRIBE = const(0x82)
SUBACK = 0x90
PINGREQ = 0xC0
PINGRESP = 0xD0
DISCONNECT = 0xE0

_BEGIN = const(0x2E)
"""Flags of a CONNECT: nothing is kept of an earlier connection; a last will, retained, QoS 1."""
_ACCOUNT = const(0xC0)
"""Flags of a CONNECT that has user and password."""


class ProtocolError(EdgeError):
    """The broker sent what MQTT 3.1.1 does not allow; the connection is of no more use."""


class Reader:
    """Finds packets in a stream that comes in pieces.

    room: bytes of memory; a packet that needs more is found, too, but has no payload.

    Read into `space()`, tell `got(n)`, then call `next()` until it returns 0.
    """

    topic: str
    payload: "bytes | None"
    """Of the PUBLISH that was found; None if it was larger than the buffer."""
    retained: bool
    packet_id: int
    """Of the SUBACK or PUBLISH that was found; 0 if it wants no answer."""
    code: int
    """Of the CONNACK (0, or why not) or SUBACK (from 0x80 on it is a refusal) that was found."""

    def __init__(self, room: int = 768) -> None:
        self._view = memoryview(bytearray(room))
        self.clear()

    def clear(self) -> None:
        """Forget everything: a new connection begins."""
        self._have = self._at = self._skip = 0

    def space(self) -> memoryview:
        """Return the memory to read into; never empty after `next` has returned 0."""
        return self._view[self._have :] if self._have else self._view

    def got(self, count: int) -> None:
        """Take note that `count` bytes were read into `space()`."""
        self._have += count

    def next(self) -> int:
        """Return the kind of the next packet (CONNACK, PUBLISH, SUBACK, PINGRESP), its contents in
        the attributes; or 0 when more must be read first. Raises ProtocolError."""
        view = self._view
        skipped = min(self._skip, self._have - self._at)
        self._skip -= skipped
        at = self._at = self._at + skipped
        length = shift = 0
        body = at + 1
        while True:
            if body >= self._have:
                return self._wait()
            byte = view[body]
            body += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
            if shift > 21:
                raise ProtocolError("a length of more than four bytes")
        end = body + length
        whole = end - at <= len(view)
        if whole and end > self._have:
            return self._wait()
        if not whole:
            if self._have - at < len(view):
                return self._wait()
            self._skip = end - self._have
            end = self._have
        self._at = end
        head = view[at]
        self._parse(head, body, end, whole)
        return head & 0xF0

    def _wait(self) -> int:
        rest = self._have - self._at
        if self._at and rest:
            self._view[:rest] = self._view[self._at : self._have]
        self._at, self._have = 0, rest
        return 0

    def _parse(self, head: int, at: int, end: int, whole: bool) -> None:
        size = end - at
        if head & 0xF0 == _PUBLISH:
            self._parse_publish(head, at, end, whole)
        elif head == PINGRESP and size == 0:
            pass
        elif head == CONNACK and size == 2:
            self.code = self._view[at + 1]
        elif head == SUBACK and size == 3:
            self.packet_id = self._number(at)
            self.code = self._view[at + 2]
        else:
            raise ProtocolError(f"a packet 0x{head:02x} of {size} bytes")

    def _parse_publish(self, head: int, at: int, end: int, whole: bool) -> None:
        qos = head >> 1 & 3
        if qos > 1:
            raise ProtocolError(f"a message of QoS {qos}")
        topic = at + 2
        at = topic + self._number(at) if topic <= end else end + 1
        if at + 2 * qos > end:
            raise ProtocolError("a message that is shorter than it says")
        try:
            self.topic = str(bytes(self._view[topic:at]), "utf-8")
        except ValueError:  # UnicodeError is one
            raise ProtocolError("a topic that is not UTF-8")  # noqa: B904 (no chains on a board)
        self.packet_id = self._number(at) if qos else 0
        self.payload = bytes(self._view[at + 2 * qos : end]) if whole else None
        self.retained = bool(head & 1)

    def _number(self, at: int) -> int:
        return self._view[at] << 8 | self._view[at + 1]


class Writer:
    """Composes packets, one behind the other: `buffer[:end]`.

    room: bytes of memory; what needs more gets other memory until it is sent.
    """

    def __init__(self, room: int = 512) -> None:
        self.buffer = self._own = bytearray(room)
        self.end = 0

    def clear(self) -> None:
        """Begin anew: all is sent, or never will be."""
        self.buffer = self._own
        self.end = 0

    def fits(self, size: int) -> bool:
        """Return whether a message of so many bytes, topic and payload, finds room."""
        return self.end + 7 + size <= len(self.buffer)

    def connect(
        self,
        client_id: str,
        keepalive_s: int,
        account: "tuple[str | None, str | None]",
        will: "tuple[str, bytes]",
    ) -> None:
        """Compose what opens a connection that begins with nothing.

        account: user and password; no user, no password. will: topic and payload of what the
            broker publishes, retained and at QoS 1, when nothing was heard of this board for one
            and a half times `keepalive_s`.
        """
        user, password = account
        texts = [client_id.encode(), will[0].encode(), will[1]]
        flags = _BEGIN
        if user:
            flags |= _ACCOUNT
            texts += (user.encode(), (password or "").encode())
        self._begin(_CONNECT, 10 + sum([2 + len(text) for text in texts]))
        self._text(b"MQTT")
        self._raw(bytes((4, flags)))
        self._number(keepalive_s)
        for text in texts:
            self._text(text)

    def publish(self, topic: bytes, payload: bytes, retain: bool) -> None:
        """Compose a message of QoS 0."""
        size = len(topic)
        self._begin(_PUBLISH | (1 if retain else 0), 2 + size + len(payload))
        buffer, at = self.buffer, self.end
        buffer[at] = size >> 8
        buffer[at + 1] = size & 0xFF
        at += 2 + size
        buffer[at - size : at] = topic
        self.end = at + len(payload)
        buffer[at : self.end] = payload

    def subscribe(self, packet_id: int, topic: bytes) -> None:
        """Compose a subscription at QoS 1."""
        self._begin(_SUBSCRIBE, 5 + len(topic))
        self._number(packet_id)
        self._text(topic)
        self._raw(b"\x01")

    def acknowledge(self, packet_id: int) -> None:
        """Compose the answer to a message of QoS 1."""
        self._begin(_PUBACK, 2)
        self._number(packet_id)

    def bare(self, kind: int) -> None:
        """Compose a packet that is only its kind: PINGREQ or DISCONNECT."""
        self._begin(kind, 0)

    def _text(self, text: bytes) -> None:
        self._number(len(text))
        self._raw(text)

    def _raw(self, piece: bytes) -> None:
        self.buffer[self.end : self.end + len(piece)] = piece
        self.end += len(piece)

    def _begin(self, head: int, length: int) -> None:
        at = self.end
        size = at + 5 + length
        if size > len(self.buffer):
            larger = bytearray(size)
            larger[:at] = self.buffer[:at]
            self.buffer = larger
        buffer = self.buffer
        buffer[at] = head
        at += 1
        while length > 0x7F:
            buffer[at] = length & 0x7F | 0x80
            length >>= 7
            at += 1
        buffer[at] = length
        self.end = at + 1

    def _number(self, number: int) -> None:
        self.buffer[self.end] = number >> 8
        self.buffer[self.end + 1] = number & 0xFF
        self.end += 2
