"""What is said again when a broker comes back: all that is, and that what is not is not."""

from __future__ import annotations

from myocan.hub.agent.outlet import Outlet
from myocan.hub.lang import compile_module

LAMP = """
MODULE lamp1
    SUBSCRIBE button1.press
    PUBLIC state {off, on}
    PUBLIC light[room] {off, on}
    PUBLIC ring
    ON button1.press
        THEN next(state)
        THEN activate(ring)
"""
STATE = "mc1/live/home/lamp1/state"


def test_a_topic_without_a_value_is_cleared_until_it_has_one() -> None:
    program = compile_module(LAMP, "lamp1").program
    assert program is not None
    outlet = Outlet("live", "home")
    outlet.know([program])
    # Neither the map, whose keys nobody knows, nor the event, which is never retained.
    assert outlet.values(3) == [(STATE, b"", 1, True, 0)]
    outlet.frame(("lamp1", "state", ""), '"on"', 7, None, "lamp1", 3)
    assert outlet.values(3) == [(STATE, b'["on",7,null,"lamp1",3]', 1, True, 0)]
