"""Presses in, lamps out: the load of the end-to-end benchmarks, over sockets of its own.

The one idea: whoever measures must not be what is measured. So there is no MQTT library here: two
connections, packets built by joining prepared pieces, all that one read brings answered with one
write. `busy` says which share of a processor it took all the same.

A press is a message of a board, `[null,seq,ts,boot]` on `mc1/$board/home/pNN/up/bNN/press`, sent at
QoS 0 or 1; boards keep to the wire format: numbers without gaps, `base` first, never more than a
window ahead of what was acknowledged. A lamp is any message on `mc1/live/home/lampNN/state` that
has `"on"` or `"off"` in it. Whoever knows no boards sees topics and payloads, and no other rules.

Every answer is checked: each lamp must be the opposite of what it was, and there must be as many
answers as presses. So a lost, repeated or reordered press ends the run (`Wrong`).
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections import deque
from pathlib import Path

from myocan.hub.bus import Address
from myocan.wire import WINDOW

LAMPS = 100
PATIENCE_S = 10.0
PRESSES = "mc1/$board/home/+/up/+/press"
STATES = "mc1/live/home/+/state"
ACKS = "mc1/$board/home/+/ack"
PUBLISH, PUBACK = 0x30, 0x40


class Wrong(Exception):
    """The peer lost, doubled or reordered a press, or does not answer any more."""


class Connection:
    """An MQTT 3.1.1 connection with as little in it as can be; packets of less than 16 KiB."""

    def __init__(self, url: Address, client_id: str) -> None:
        self.socket = socket.create_connection((url.host, url.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        flags = 0x02 if url.user is None else 0xC2
        body = _text("MQTT") + bytes([4, flags, 0, 0]) + _text(client_id)
        if url.user is not None:
            body += _text(url.user) + _text(url.password or "")
        self.socket.sendall(bytes([0x10, len(body)]) + body)
        if self.socket.recv(4) != b"\x20\x02\x00\x00":
            raise Wrong("the broker refuses the connection")
        self.rest = b""

    def subscribe(self, *filters: tuple[str, int]) -> None:
        """Subscribe to (filter, QoS) pairs; what is retained may come right behind the answer."""
        body = b"\x00\x01" + b"".join([_text(topic) + bytes([qos]) for topic, qos in filters])
        self.socket.sendall(bytes([0x82, len(body)]) + body)
        answer = bytes([0x90, 2 + len(filters), 0, 1, *[qos for _, qos in filters]])
        came = self.socket.recv(1 << 16)
        if not came.startswith(answer):
            raise Wrong("the broker refuses the subscription")
        self.rest = came[len(answer) :]

    def close(self) -> None:
        self.socket.close()


class Load:
    """Presses buttons and watches lamps.

    Arguments:
        url: the broker.
        qos: at which presses are sent.
        boards: how many send them, each with its own numbers; 0: the peer acknowledges nothing, so
            nothing holds the boards back.
        lamps: how many take turns, at most 100.
    """

    def __init__(self, url: Address, qos: int, boards: int, lamps: int = LAMPS) -> None:
        self._qos = qos
        self._lamps = lamps
        self._bounded = boards > 0
        self._boards = boards or 16
        self._out = Connection(url, "bench-press")
        self._in = Connection(url, "bench-lamp")
        self._in.subscribe((STATES, 1), *[(ACKS, 0)] * self._bounded)
        self._boot = int.from_bytes(os.urandom(4), "big") >> 1
        self._seq = [0] * self._boards
        self._acked = [0] * self._boards
        self._lit = [False] * lamps
        self._begun: list[deque[float]] = [deque() for _ in range(lamps)]
        self._pressed = self.seen = 0  # seen: presses whose lamps came back
        self._said = 0  # lamps whose state was told before any press
        self.held = 0  # how often a board had to wait for an acknowledgement
        self._topics = [
            [_text(f"mc1/$board/home/p{board:02}/up/b{lamp:02}/press") for lamp in range(lamps)]
            for board in range(self._boards)
        ]
        self._poll = select.poll()
        self._poll.register(self._in.socket, select.POLLIN)
        self._poll.register(self._out.socket, select.POLLIN)
        if self._bounded:
            for board in range(self._boards):
                topic = _text(f"mc1/$board/home/p{board:02}/base")
                self._out.socket.sendall(_publish(topic, b"[%d,1,0]" % self._boot, 0, 0))
        self.busy = 0.0
        self.took: list[float] = []

    def close(self) -> None:
        self._out.close()
        self._in.close()

    def closed_loop(self, window: int, seconds: float) -> float:
        """Return presses/s whose lamps came back, with `window` presses under way all the time."""
        self._run_until(window, time.perf_counter() + min(0.3, seconds))
        first, begun, spent = self.seen, time.perf_counter(), time.process_time()
        self._run_until(window, begun + seconds)
        took = time.perf_counter() - begun
        self.busy = (time.process_time() - spent) / took
        rate = (self.seen - first) / took
        self._drain()
        return rate

    def paced(self, rate: float, seconds: float) -> list[float]:
        """Return the times from press to lamp, in ms, sorted, at `rate` presses a second.

        A press is due whether or not the last one was answered, and is timed from when it was due.
        """
        self.took = []
        due = time.perf_counter()
        for _ in range(max(20, round(seconds * rate))):
            due += 1 / rate
            while (left := due - time.perf_counter()) > 0:
                self._take(left)
            self._press(1, due)
        self._drain()
        took, self.took = sorted(self.took), []
        return took

    def first(self, known: bool) -> float:
        """Press once; return when the lamp came, by `time.perf_counter`.

        known: whether the hub has values of all lamps from before, and says them first.
        """
        while known and self._said < self._lamps:
            self._take(PATIENCE_S)
        self._press(1)
        self._drain()
        return time.perf_counter()

    def _run_until(self, window: int, end: float) -> None:
        while time.perf_counter() < end:
            self._press(window - (self._pressed - self.seen))
            self._take(PATIENCE_S)
        self.took = []

    def _drain(self) -> None:
        while self.seen < self._pressed:
            self._take(PATIENCE_S)

    def _press(self, count: int, due: float | None = None) -> None:
        """Press the next buttons, as far as their boards' windows allow."""
        packets = []
        now = time.perf_counter() if due is None else due
        stamp = time.time_ns() // 1_000_000
        for _ in range(count):
            lamp, board = self._pressed % self._lamps, self._pressed % self._boards
            seq = self._seq[board] + 1
            if self._bounded and seq > self._acked[board] + WINDOW:
                self.held += 1
                break
            self._seq[board] = seq
            self._begun[lamp].append(now)
            payload = b"[null,%d,%d,%d]" % (seq, stamp, self._boot)
            number = self._pressed % 65_535 + 1
            packets.append(_publish(self._topics[board][lamp], payload, self._qos, number))
            self._pressed += 1
        if packets:
            self._out.socket.sendall(b"".join(packets))

    def _take(self, wait: float) -> None:
        """Take what has come, waiting up to `wait` seconds; raise Wrong if that is for nothing."""
        ready = self._poll.poll(wait * 1000)
        if not ready and wait >= PATIENCE_S:
            raise Wrong(f"{self._pressed - self.seen} presses have not come back")
        for descriptor, _ in ready:
            if descriptor == self._out.socket.fileno():
                if not self._out.socket.recv(1 << 18):  # acknowledgements of QoS 1, not looked at
                    raise Wrong("the broker has gone")
            else:
                self._take_answers()

    def _take_answers(self) -> None:
        part = self._in.socket.recv(1 << 18)
        if not part:
            raise Wrong("the broker has gone")
        buffer = self._in.rest + part
        now = time.perf_counter()
        at, end = 0, len(buffer)
        answers = []
        while end - at >= 3:
            size = buffer[at + 1]
            body = at + 2
            if size > 127:
                size += (buffer[at + 2] << 7) - 128
                body += 1
            if end - body < size:
                break
            if buffer[at] & 0xF0 == PUBLISH:
                text = body + 2
                rest = text + (buffer[body] << 8) + buffer[body + 1]
                if buffer[at] & 0x06:
                    answers.append(buffer[rest : rest + 2])
                    rest += 2
                if buffer[text : text + 5] == b"mc1/l":
                    self._see(buffer, text + 18, rest, now)
                else:
                    self._acknowledge(buffer, text + 17, rest, body + size)
            at = body + size
        self._in.rest = buffer[at:]
        if answers:
            self._in.socket.sendall(b"".join([b"\x40\x02" + number for number in answers]))

    def _see(self, buffer: bytes, digits: int, payload: int, now: float) -> None:
        """Take a lamp's state; `digits` is where its number stands."""
        lamp = int(buffer[digits : digits + 2])
        lit = buffer[payload : payload + 5] == b'["on"'
        if not self._begun[lamp]:
            if not self._pressed:
                self._said += 1  # retained from before
                self._lit[lamp] = lit
                return
            raise Wrong(f"lamp {lamp} changes without a press")
        if lit == self._lit[lamp]:
            raise Wrong(f"lamp {lamp} is {'on' if lit else 'off'} twice")
        self._lit[lamp] = lit
        self.seen += 1
        self.took.append((now - self._begun[lamp].popleft()) * 1e3)

    def _acknowledge(self, buffer: bytes, digits: int, payload: int, end: int) -> None:
        board = int(buffer[digits : digits + 2])
        boot, seq, _ = buffer[payload + 1 : end].split(b",", 2)
        if int(boot) == self._boot:
            self._acked[board] = max(self._acked[board], int(seq))


def processor_s(pid: int) -> float:
    """Return the processor time of a process, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process, in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _publish(topic: bytes, payload: bytes, qos: int, number: int) -> bytes:
    """Return a PUBLISH packet, shorter than 128 bytes; `topic` has its length before it."""
    if qos:
        return b"%c%c%b%b%b" % (
            PUBLISH | qos << 1,
            len(topic) + 2 + len(payload),
            topic,
            number.to_bytes(2, "big"),
            payload,
        )
    return b"%c%c%b%b" % (PUBLISH, len(topic) + len(payload), topic, payload)


def _text(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2, "big") + encoded
