"""Runs under MicroPython, for board.py: a board's program, begun step by step.

Stand-ins for pins and for the network come first, and are not counted: the real ones are C. The
other end of the network is a broker and a hub of a few lines, which answer as they would.
"""

import gc
import io
import json
import select
import sys

LEVELS = {}


class Pin:
    """`machine.Pin`, without a pin."""

    IN, OUT, PULL_UP, PULL_DOWN = 0, 1, 2, 3

    def __init__(self, name, mode=0, pull=None, value=None):
        self.name = name
        LEVELS.setdefault(name, 1)

    def value(self, level=None):
        if level is None:
            return LEVELS[self.name]
        LEVELS[self.name] = level


class Machine:
    """`machine`, as far as digital ports and the loop go."""

    Pin = Pin


class Net(io.IOBase):
    """`socket`, an address, and a socket at whose other end are a broker and a hub."""

    SOCK_STREAM = 1

    def __init__(self):
        self.coming = b""
        self.seq = 0

    def getaddrinfo(self, *_):
        return [(2, 1, 0, "", ("127.0.0.1", 1883))]

    def socket(self, *_):
        return self

    def _nothing(self, *_):
        pass

    setblocking = setsockopt = settimeout = connect = close = _nothing

    def ioctl(self, request, flags):
        if request == 3:  # which of these are there?
            return flags & ((select.POLLIN if self.coming else 0) | select.POLLOUT)
        return 0

    def write(self, packet, start=0, size=None):
        size = len(packet) - start if size is None else size
        at = start
        while at < start + size:  # several packets may leave in one write
            length, body = packet[at + 1], at + 2
            if length & 0x80:
                length, body = length & 0x7F | packet[at + 2] << 7, at + 3
            self._took(bytes(packet[at : body + length]))
            at = body + length
        return size

    def _took(self, sent):
        if sent[0] == 0x10:
            self.coming += b"\x20\x02\x00\x00"
        elif sent[0] == 0x82:
            self.coming += b"\x90\x03" + sent[2:4] + b"\x00"
        elif sent[0] == 0xC0:
            self.coming += b"\xd0\x00"
        elif sent[0] & 0xF0 == 0x30:
            self._published(sent)

    def readinto(self, buffer, size=None):
        size = min(len(buffer), len(self.coming)) if self.coming else 0
        if not size:
            return None
        buffer[:size] = self.coming[:size]
        self.coming = self.coming[size:]
        return size

    def _published(self, packet):
        at = 1
        while packet[at] & 0x80:
            at += 1
        end = at + 3 + (packet[at + 1] << 8 | packet[at + 2])
        topic = packet[at + 3 : end].decode()
        if topic.endswith("/base"):
            boot, base, _ = json.loads(packet[end:])
            self.seq = base - 1
        elif "/up/" in topic:
            _, self.seq, _, boot = json.loads(packet[end:])
        else:
            return
        payload = b'[%d,%d,1700000000000,"00000000000000aa"]' % (boot, self.seq)
        self.say("mc1/$board/home/porch/ack", payload)

    def say(self, topic, payload):
        """Publish to the board."""
        body = bytes([0, len(topic)]) + topic.encode() + payload
        length = len(body)
        size = bytes([length]) if length < 128 else bytes([length & 127 | 128, length >> 7])
        self.coming += b"\x30" + size + body


class System:
    """`os`, as far as a board's program asks it for anything."""

    @staticmethod
    def urandom(count):
        return bytes(range(1, count + 1))


net = Net()
sys.modules["os"] = System
sys.modules["machine"] = Machine()
sys.modules["socket"] = sys.modules["usocket"] = net


gc.collect()


class Program:
    """A board's program, begun step by step."""

    def wire(self):
        """Load the wire format."""
        __import__("myocan.wire")

    def edge(self):
        """Load what every board loads besides."""
        for name in ("adapter", "link", "pins.machine"):
            __import__("myocan.edge." + name)
        self.board = __import__("myocan.edge.board", None, None, ("run",))

    def kinds(self, kinds):
        """Load the kinds of ports that are used: that is all code, if nobody asks for more."""
        for kind in kinds.split():
            __import__("myocan.edge.ports." + kind)

    def ports(self, text):
        """Start as a board does: make the adapter with its ports and buffers, forget the rest.

        text: the configuration, as it lies on a board.
        """
        with open("config.json", "w") as file:
            file.write(text)
        self.adapter, _, _ = self.board._begin("config.json", None, None)
        self.link = self.adapter.link

    def connected(self):
        """Open the connection."""
        self._run(400)
        assert self.adapter.outbox.now_ms() is not None, "no hub"

    def busy(self):
        """Press, open and switch everything forty times."""
        ports = self.adapter.ports
        for offset in range(1, 41):
            for name in LEVELS:
                LEVELS[name] ^= 1
            for port in ports:
                if port.subscribe:
                    word = b"on" if offset & 1 else b"off"
                    net.say(port.subscribe, b'["%s",%d,null,"hub",1]' % (word, offset))
            self._run(30)
        assert not len(self.adapter.outbox), "something was not acknowledged"

    def _run(self, count):
        for _ in range(count):
            self.link.wait(min(self.adapter.step(), 1))


program = Program()
gc.collect()
