"""A roller shutter: a motor with one relay for each direction, of which never both may be on.

This is a kind of port of a house's own. The file's name is the kind; an adapter of this house says
kind = "shutter". It is the same on boards with MicroPython, on a Raspberry Pi, and with simulated
pins.
"""

from myocan.edge.clock import Alarm
from myocan.edge.errors import Refused
from myocan.edge.ports.port import Port

PAUSE_MS = 500  # a motor that is turned round at full speed breaks its gear


class Shutter(Port):
    """Takes "up", "down" and "stop"; tells as `moves` what it does: "up", "down" or "still".

    The relay of a direction is on for `run_s` seconds: longer than the shutter needs, whose own
    switches stop it at the ends.
    """

    # What `myocan check` wants to know. It reads this and runs nothing, so it is written out.
    PINS = {"raise_pin": "out", "lower_pin": "out"}  # key -> what the pin must be able to do
    WORDS = ("up", "down", "stop")  # what it takes
    VALUES = ("moves",)  # what it tells
    KEYS = {"run_s": 30.0}  # what else may stand in the file, and what it is if it does not

    def __init__(self, spec, pins):
        super().__init__(spec, pins)
        self._relays = {
            "up": pins.digital_out(spec["raise_pin"], 0),
            "down": pins.digital_out(spec["lower_pin"], 0),
        }
        self._run_ms = int(spec.get("run_s", 30.0) * 1000)
        self._moves = "still"
        self._wish = None  # a direction that waits for the pause to end
        self._pause, self._end = Alarm(), Alarm()
        self.applied = "stop"

    def start(self):
        self.refresh()

    def check(self, value):
        super().check(value)
        if value not in self.WORDS:
            raise Refused(f"port '{self.name}' takes up, down or stop, not {value!r}")

    def take(self, value):
        self.check(value)
        self._wish = None if value == self._moves else value
        self.applied = value

    def make_safe(self):
        self._wish = None
        self._switch("still")
        self.applied = "stop"

    def step(self, now):
        self._pause.rings(now)
        if self._end.rings(now):
            self._halt(now)
        if self._wish is None:
            return
        if self._moves != "still":
            self._halt(now)
        if self._wish == "stop":
            self._wish = None
        elif not self._pause.on:
            self._switch(self._wish)
            self._end.set(now, self._run_ms)
            self._wish = None

    def due(self, now):
        if self._wish is not None and not self._pause.on:
            return 0
        return min(self._pause.left(now), self._end.left(now))

    def refresh(self):
        self.tell("moves", self._moves)

    def _halt(self, now):
        self._end.off()
        self._pause.set(now, PAUSE_MS)
        self._switch("still")

    def _switch(self, moves):
        for direction in self._relays:  # the one that goes off first, whichever it is
            if direction != moves:
                self._relays[direction].value(0)
        if moves != "still":
            self._relays[moves].value(1)
        if moves != self._moves:
            self._moves = moves
            self.refresh()


PORT = Shutter
