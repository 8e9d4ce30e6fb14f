"""Tells when somebody has knocked three times, and blinks while there is an alarm.

Runs on a board (`myocan flash porch`) and on this machine (`myocan adapter run porch`).
"""

from myocan.edge.clock import Alarm
from myocan.edge.custom import CustomAdapter


class Porch(CustomAdapter):
    def start(self):
        self.sensor = self.pins.digital_in(self.pin("sensor"), "down")
        self.lamp = self.pins.digital_out(self.pin("lamp"), 0)
        self.before = 0
        self.count = 0
        self.patience = Alarm()
        self.blink = Alarm()
        self.lit = 0

    def work(self, now):
        level = self.sensor.value()
        if level and not self.before:
            self.knock(now)
        self.before = level
        if self.patience.rings(now):
            self.count = 0
        if self.blink.rings(now):
            self.blink.set(now, self.settings["blink_ms"])
            self.light(1 - self.lit)
        return min(self.patience.left(now), self.blink.left(now))

    def knock(self, now):
        if not self.count:
            self.patience.set(now, self.settings["within_ms"])
        self.count += 1
        if self.count == self.settings["knocks"]:
            self.count = 0
            self.patience.off()
            self.tell("knocks")

    def take(self, what, value):
        if value == "on":
            self.blink.set(self.now(), 0)
        else:
            self.safe()

    def light(self, level):
        self.lit = level
        self.lamp.value(level)

    def safe(self):
        self.blink.off()
        self.light(0)


ADAPTER = Porch
