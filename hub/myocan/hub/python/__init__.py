"""Modules in Python, for who outgrows the rule language: same cycle, log, replay and scenarios.

The one idea: a module in Python is a program like any other. Its class says what it hears and
publishes, so its variables lie in the core, and its methods are asked by the core as ONs, ATs and
WHENs are. A method reads and changes nothing but these variables, so all that is true of a rule is
true of it: a failure undoes its cycle, what it changed is logged with it, and a replay computes the
same again.

    from myocan.hub import Module, on

    class Lamp(Module):
        state: Literal["off", "on"] = "off"

        @on("button1.press")
        def pressed(self):
            self.state = "off" if self.state == "on" else "on"

The way of a text: `text` (what Python it may be, and where its loops are counted) -> `loading` (the
class) -> `declaring` (its variables) -> `compiling` (a program); `running` is what the core asks.
"""

from myocan.hub.python.module import (
    Call,
    Event,
    Map,
    Module,
    Timer,
    about,
    at,
    calls,
    each,
    event,
    hears,
    on,
    publishes,
    timer,
    when,
)

__all__ = [
    "Call",
    "Event",
    "Map",
    "Module",
    "Timer",
    "about",
    "at",
    "calls",
    "each",
    "event",
    "hears",
    "on",
    "publishes",
    "timer",
    "when",
]
