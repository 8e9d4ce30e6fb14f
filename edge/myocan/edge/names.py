"""Looks up the address of a machine by its name, without waiting.

The one idea to know: MicroPython's own `getaddrinfo` waits for the name server, for as long as it
likes; on a Pico W whose network has just gone, for ever. So a board asks by itself: a datagram
goes out, and whoever owns this looks now and then whether one came back. Names that end in .local
are asked of everybody in the house (multicast DNS), the others of the network's name server.

Source of the format: RFC 1035, 4.1; RFC 6762, 5.1 and 18.12.
"""

import os
import socket

from myocan.edge.clock import Alarm, const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable

_ASK_MS = const(1_000)
"""After so long without an answer the question is asked again: datagrams get lost."""
_TIMES = const(4)
_LARGEST = const(512)
"""Bytes of an answer: RFC 1035, 4.2.1."""
_ADDRESS = const(1)
_INTERNET = const(1)
_EVERYBODY = "224.0.0.251"


class Lookup:
    """One question: what is the address of `name`?

    server: address of the name server that the network has told. port: where it listens.
    random: returns so many random bytes.
    """

    def __init__(
        self,
        name: str,
        server: str,
        port: int = 53,
        random: "Callable[[int], bytes]" = os.urandom,
    ) -> None:
        self._name = name
        self._everybody = name.endswith(".local")
        if self._everybody:
            server, port = _EVERYBODY, 5353
        self._server = socket.getaddrinfo(server, port)[0][-1]
        self._random = random
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._question = b""
        self._again = Alarm()
        self._times = 0

    def step(self, now: int) -> "str | None":
        """Go on; return the address, or None while it is not known yet.

        Raises OSError when there is no such name, or nobody answers; the question is over then.
        """
        try:
            address = self._listen()
            if address is None:
                self._again.rings(now)
                if not self._again.on:
                    self._ask(now)
                return None
        except OSError:
            self._socket.close()
            raise
        self._socket.close()
        return address

    def _ask(self, now: int) -> None:
        if self._times == _TIMES:
            raise OSError(f"nobody knows where '{self._name}' is")
        self._times += 1
        self._again.set(now, _ASK_MS)
        question = bytearray(self._random(2))
        question += b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
        for label in self._name.split("."):
            raw = label.encode()
            question.append(len(raw))
            question += raw
        question += b"\x00\x00\x01\x00\x01"
        self._question = bytes(question)
        try:  # noqa: SIM105 (a board has no contextlib)
            self._socket.sendto(self._question, self._server)
        except OSError:
            pass  # no way to it at the moment; it is asked again

    def _listen(self) -> "str | None":
        try:
            answer, sender = self._socket.recvfrom(_LARGEST)
        except OSError:
            return None  # nothing came
        if not self._everybody and sender != self._server:
            return None
        try:
            return self._read(answer)
        except IndexError:
            return None  # it ends too early

    def _read(self, answer: bytes) -> "str | None":
        """Return the first address in an answer; raises OSError if it says that there is none."""
        flags, code = answer[2], answer[3] & 15
        # a neighbour may leave out number and question
        if not flags & 0x80 or (not self._everybody and answer[:2] != self._question[:2]):
            return None
        if code:
            raise OSError(f"the name server knows no '{self._name}'")
        at = 12
        for _ in range(answer[4] << 8 | answer[5]):
            at = _skip_name(answer, at) + 4
        for _ in range(answer[6] << 8 | answer[7]):
            at = _skip_name(answer, at)
            kind = answer[at] << 8 | answer[at + 1]
            group = answer[at + 2] << 8 | answer[at + 3]
            size = answer[at + 8] << 8 | answer[at + 9]
            at += 10
            if at + size > len(answer):
                return None
            if kind == _ADDRESS and group & 0x7FFF == _INTERNET and size == 4:
                return ".".join([str(part) for part in answer[at : at + 4]])
            at += size
        return None


def _skip_name(packet: bytes, at: int) -> int:
    """Return where the name that begins at `at` ends."""
    while True:
        size = packet[at]
        if size >= 0xC0:  # the rest stands elsewhere
            return at + 2
        at += 1 + size
        if size == 0:
            return at
