"""Simulated time: however it is cut into pieces, the same comes of it."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import example, given, settings
from hypothesis import strategies as st

from myocan.hub.scenario.steps import Scalar
from myocan.hub.scenario.world import World
from scenario.playing import cast_of, modules_of

MINUTE, DAY = 60_000, 86_400_000

CAST = cast_of(
    modules_of(
        """\
MODULE day
SUBSCRIBE go
SUBSCRIBE bed 22:00
PUBLIC count 0
PUBLIC dark {no, yes}
PUBLIC name ""
TIMER tick 47 minutes
ON go OR tick
  THEN count++
  THEN start(tick)
AT sunset OR 10 minutes before sunrise
  THEN next(dark)
  THEN count++
AT 02:30
  THEN name = system.clock#date
AT bed ON weekdays
  THEN log("to bed", count)
WHEN count > 20
  THEN cancel(tick)
MODULE room[name]
SUBSCRIBE day.dark {no, yes}
PUBLIC lamp[name] {off, on}
TIMER out[name] 3 hours
ON day.dark.no
  THEN ignore
ON day.dark.yes
  THEN lamp = on
  THEN start(out)
ON out
  THEN lamp = off
  THEN log(name, "is dark")
"""
    )
)
START_OF_SUMMER_TIME = int(datetime(2027, 3, 27, 12, tzinfo=UTC).timestamp()) * 1000
END_OF_SUMMER_TIME = int(datetime(2027, 10, 30, 12, tzinfo=UTC).timestamp()) * 1000


def played(start_ms: int, pieces: list[int]) -> tuple[object, ...]:
    """Let time pass in these pieces; return all that can be seen of it."""
    world = World(CAST, ("day", "room"), start_ms)
    for room in ("hall", "kitchen"):
        world.create("room", room, created=True)
    world.send(("", "day", "go"), "", (-1, 0))
    for piece in pieces:
        world.advance(world.now_ms + piece)
    said: dict[object, list[Scalar]] = world.happened.messages
    return world.now_ms, world.core.snapshot(), said, world.happened.logs, world.rows


@given(
    start=st.sampled_from([START_OF_SUMMER_TIME, END_OF_SUMMER_TIME]),
    offset=st.integers(0, DAY // MINUTE),
    pieces=st.lists(st.integers(1, 3 * DAY // 2), min_size=2, max_size=8),
)
@settings(deadline=None, max_examples=40)
@example(start=START_OF_SUMMER_TIME, offset=0, pieces=[13 * 60 * MINUTE, 1, DAY])
def test_time_passes_alike_at_once_and_in_pieces(
    start: int, offset: int, pieces: list[int]
) -> None:
    begin = start + offset * MINUTE
    assert played(begin, pieces) == played(begin, [sum(pieces)])


def test_something_does_happen_in_it() -> None:
    _, state, said, logs, _ = played(START_OF_SUMMER_TIME, [2 * DAY])
    assert isinstance(state, dict)
    assert state["day", "name", ""] == '"2027-03-29"'
    assert isinstance(said, dict)
    assert len(said[("", "room", "lamp"), "hall"]) == 4
    assert logs == [
        "hall is dark", "kitchen is dark",
        "hall is dark", "kitchen is dark",
    ]  # fmt: skip
