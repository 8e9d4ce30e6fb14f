"""Runs under MicroPython, for day.py, behind ram_on_board.py: a board's day on a simulated clock.

What the other end of the network takes of memory is counted apart, for it stands for C and cable.
"""
# (continues ram_on_board.py, which makes these names)
# ruff: noqa: F821
# mypy: ignore-errors

HOUR_MS = 3_600_000


class Cable(Net):
    """A Net that counts what it takes itself, and can be cut."""

    def __init__(self):
        super().__init__()
        self.own = 0
        self.cut = False

    def socket(self, *_):
        self.cut, self.coming = False, b""
        return self

    def ioctl(self, request, flags):
        if request == 3 and self.cut:
            return flags
        return super().ioctl(request, flags)

    def write(self, packet, start=0, size=None):
        before = gc.mem_alloc()
        size = super().write(packet, start, size)
        self.own += gc.mem_alloc() - before
        return size

    def readinto(self, buffer, size=None):
        if self.cut:
            return 0
        before = gc.mem_alloc()
        size = super().readinto(buffer, size)
        self.own += gc.mem_alloc() - before
        return size


net = sys.modules["socket"] = sys.modules["usocket"] = Cable()


class Day:
    """A board whose time passes as fast as it can.

    text: the configuration. start: ticks at the beginning.
    """

    def __init__(self, text, start):
        program, config = __import__("myocan.edge.start", None, None, ("begin",)), json.loads(text)
        self.now = start
        self.link = program.Link(config["broker"], config["name"], None)
        self.link._now = start
        self.link._retry.set(start, 0)
        pins = program.MachinePins()
        self.adapter = program.Adapter(
            config, self.link, pins, say=lambda text: None, ticks=lambda: self.now
        )
        self.offset = 0
        self.events = 0
        self.pass_time(2000, 20)
        assert self.adapter.heard, "no hub"

    def pass_time(self, ms, stride):
        """Let time pass, with a look at everything each `stride` milliseconds."""
        adapter, link, period = self.adapter, self.link, 1 << 30
        for _ in range(ms // stride):
            adapter.step()
            link.wait(0)
            self.now = (self.now + stride) % period

    def live(self):
        """Live through ten seconds in which things happen."""
        for pin in LEVELS:
            if self.offset % 3 == 0 or pin in ("0", "1"):
                LEVELS[pin] ^= 1
        self.offset += 1
        for port in self.adapter.ports:
            if port.subscribe:
                word = b"on" if self.offset & 1 else b"off"
                net.say(port.subscribe, b'["%s",%d,null,"hub",1]' % (word, self.offset))
        self.pass_time(200, 20)
        self.pass_time(9800, 200)

    def steady(self, ms, stride):
        """Return how many bytes a time takes in which nothing happens."""
        gc.collect()
        gc.disable()
        before, own = gc.mem_alloc(), net.own
        self.pass_time(ms, stride)
        taken = gc.mem_alloc() - before - (net.own - own)
        gc.enable()
        return taken

    def run(self, hours):
        """Return the low-water of free memory in each hour."""
        low = [0] * hours  # taken now, for a list that grows is no board's
        for hour in range(hours):
            least = 1 << 30
            for step in range(360):
                self.live()
                if step % 180 == 90:
                    net.cut = True
                if step % 6 == 0:
                    gc.collect()
                    least = min(least, gc.mem_free())
            low[hour] = least
        assert not len(self.adapter.outbox), "something was not acknowledged"
        assert self.adapter.outbox.lost == 0, "something was lost"
        return low
