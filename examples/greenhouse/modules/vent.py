"""The vent of the greenhouse: it follows the warmth of the last minutes, and rain closes it.

A curve, and a mean over time: that is easier to say in Python than in rules.
"""

from decimal import Decimal
from itertools import pairwise
from typing import Literal

from myocan.hub import Module, field, hears, on, timer, when

CURVE = [(22, 0), (26, 40), (32, 100)]
"""How warm it is, in °C, and how far the vent is open then, in percent; straight in between."""


class Vent(Module):
    """Opens and closes the vent."""

    position: int = field(default=0, ge=0, le=100, unit="%")
    warmth: Decimal = Decimal("20.00")
    state: Literal["follows", "by_hand", "rain"] = "follows"
    air: Decimal = hears("greenhouse.air", default="20.0")
    rain: Literal["dry", "wet"] = hears("greenhouse.rain")
    by_hand = timer("2 hours")

    @on("air")
    def measured(self, value):
        """Each measurement counts for a fifth, those before it for the rest."""
        self.warmth += (value - self.warmth) / 5

    @on("rain", "wet")
    def rains(self):
        self.by_hand.cancel()
        self.state = "rain"

    @on("rain", "dry")
    def dries(self):
        self.state = "follows"

    @on("greenhouse.press")
    def pressed(self):
        if self.state == "rain":
            self.log("it rains, so the vent stays shut")
            return
        self.state = "by_hand"
        self.position = 0 if self.position > 0 else 100
        self.by_hand.start()

    @on("by_hand")
    def enough(self):
        self.state = "follows"

    @when(lambda my: my.state == "rain")
    def shuts(self):
        self.position = 0

    @when(lambda my: my.state == "follows" and abs(wanted(my.warmth) - my.position) >= 5)
    def follows(self):
        """Not for each tenth of a degree, or the servo would never rest."""
        self.position = wanted(self.warmth)


def wanted(warmth):
    """Return how far the vent should be open, in percent, rounded."""
    if warmth <= CURVE[0][0]:
        return CURVE[0][1]
    for (low, before), (high, behind) in pairwise(CURVE):
        if warmth <= high:
            return round(before + (warmth - low) * (behind - before) / (high - low))
    return CURVE[-1][1]
