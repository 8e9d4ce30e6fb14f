"""The timetable: what is due is said in order and once, wherever the hub was stopped in between."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from myocan.hub.core import Program
from myocan.hub.lang import compile_module
from myocan.hub.lang.schedules import Place
from myocan.hub.timetable import CATCH_UP_MS, Due, Timetable

MINUTE, HOUR = 60_000, 3_600_000
PLACE = Place(ZoneInfo("Europe/Berlin"))
TEXTS = {
    "bells": """
MODULE bells
PUBLIC rung 0
SUBSCRIBE wakeup 07:00
AT noon
  THEN rung++
AT 12:00 OR 18:30
  THEN rung++
AT wakeup
  THEN rung++
AT 02:30
  THEN rung++
""",
    "alarm": """
MODULE alarm
SUBSCRIBE key
PUBLIC rung 0
TIMER short 5 minutes
TIMER long 1 hour
ON key
  THEN start(short)
  THEN start(long)
ON short OR long
  THEN rung++
AT noon
  THEN rung++
""",
}


def ms(text: str) -> int:
    """Return a time of UTC in milliseconds since 1970."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def programs() -> list[Program]:
    found = [compile_module(text, name).program for name, text in TEXTS.items()]
    return [program for program in found if program is not None]


PROGRAMS = programs()
START = ms("2027-10-30T00:00")  # the clocks go back on the 31st


class Kept:
    """What a hub keeps over a restart: when timers are due, which occurrences were taken."""

    def __init__(self) -> None:
        self.due: dict[tuple[str, str], int] = {}
        self.taken: dict[tuple[str, str], int] = {}
        self.minutes = 7 * 60
        self.log_ms = START

    def timetable(self) -> Timetable:
        table = Timetable(
            PROGRAMS,
            lambda: PLACE,
            lambda module, name: self.minutes,
            lambda module, identity: max(self.taken.get((module, identity), 0), self.log_ms - 1),
        )
        for (module, name), due_ms in self.due.items():
            table.note(module, name, due_ms, self.log_ms)
        return table

    def start(self, table: Timetable, name: str, due_ms: int) -> None:
        self.due["alarm", name] = due_ms
        table.note("alarm", name, due_ms, self.log_ms)

    def drain(self, table: Timetable, now_ms: int) -> list[Due]:
        """Take all that is due as the agent does; a short timer starts again once."""
        found = []
        while (due := table.take(now_ms)) is not None:
            if isinstance(due, str):
                continue
            self.log_ms = max(self.log_ms, due.at_ms)
            found.append(due)
            for identity in due.identities:
                self.taken[due.module, identity] = due.at_ms
            if not due.identities:
                self.start(table, due.variable, 0)
        return found


def test_what_is_due_comes_by_time_then_by_module_and_line() -> None:
    kept = Kept()
    table = kept.timetable()
    noon = ms("2027-10-30T10:00")
    kept.start(table, "long", noon)
    kept.start(table, "short", noon)
    found = kept.drain(table, ms("2027-10-30T17:00"))
    assert [(due.at_ms, due.module, due.variable, len(due.identities)) for due in found] == [
        (ms("2027-10-30T00:30"), "bells", "%%at%%", 1),
        (ms("2027-10-30T05:00"), "bells", "%%at%%", 1),
        (noon, "alarm", "short", 0),
        (noon, "alarm", "long", 0),
        (noon, "alarm", "%%at%%", 1),
        (noon, "bells", "%%at%%", 2),
        (ms("2027-10-30T16:30"), "bells", "%%at%%", 1),
    ]


def test_nothing_is_due_before_its_time() -> None:
    table = Kept().timetable()
    due = table.next_due_ms()
    assert due == ms("2027-10-30T00:30")
    assert table.take(due - 1) is None
    assert isinstance(table.take(due), Due)


def test_a_timer_that_was_stopped_or_started_anew_is_due_as_said_last() -> None:
    kept = Kept()
    table = kept.timetable()
    kept.start(table, "long", START + 5)
    kept.start(table, "long", START + 9)
    kept.start(table, "short", START + 7)
    kept.start(table, "short", 0)
    kept.start(table, "long", START + 5)
    kept.start(table, "long", START + 9)
    found = kept.drain(table, START + MINUTE)
    assert [(due.at_ms - START, due.variable) for due in found] == [(9, "long")]


def test_a_changed_time_variable_moves_what_is_still_to_come() -> None:
    kept = Kept()
    table = kept.timetable()
    kept.drain(table, START + 2 * HOUR)
    kept.minutes = 6 * 60 + 15
    table.note("bells", "wakeup", 0, START + 2 * HOUR)
    assert table.next_due_ms() == ms("2027-10-30T04:15")


def test_what_is_older_than_a_day_is_left_out_with_a_word_and_a_timer_never() -> None:
    kept = Kept()
    table = kept.timetable()
    kept.start(table, "long", START + HOUR)
    now = START + 3 * CATCH_UP_MS
    found = []
    while (due := table.take(now)) is not None:
        found.append(due)
        if isinstance(due, Due) and not due.identities:
            table.note("alarm", "long", 0, now)
    said = [one for one in found if isinstance(one, str)]
    taken = [one for one in found if isinstance(one, Due)]
    assert len(said) == 5  # one of each AT
    assert all("left out" in one for one in said)
    assert [one.at_ms for one in taken if not one.identities] == [now - CATCH_UP_MS]
    assert all(one.at_ms >= now - CATCH_UP_MS for one in taken)
    assert len([one for one in taken if one.module == "alarm" and one.identities]) == 1


Steps = st.lists(
    st.tuples(
        st.integers(1, 6 * HOUR),
        st.booleans(),
        st.sampled_from([(), ("short",), ("long",), ("short", "long")]),
    ),
    max_size=16,
)


@settings(max_examples=60, deadline=None)
@given(Steps)
def test_a_restart_at_any_moment_changes_nothing(steps: list[tuple[int, bool, tuple[str, ...]]]):
    runs = []
    for restarting in (False, True):
        kept, now, found = Kept(), START, []
        table = kept.timetable()
        for wait, restart, started in steps:
            now += wait
            if restart and restarting:
                table = kept.timetable()
            found += kept.drain(table, now)
            kept.log_ms = max(kept.log_ms, now) if started else kept.log_ms
            for name in started:
                kept.start(table, name, now + (5 * MINUTE if name == "short" else HOUR))
        runs.append(found)
    assert runs[0] == runs[1]
    times = [due.at_ms for due in runs[0]]
    assert times == sorted(times)
    assert len(set(runs[0])) == len(runs[0])


ROOMS = """MODULE room[location]
SUBSCRIBE press
TIMER late[location] 5 minutes
TIMER later[location] 5 minutes
TIMER whole 5 minutes
PUBLIC rung 0
ON press
  THEN start(late[location])
AT noon
  THEN rung++
"""


def test_timers_of_instances_come_by_line_then_by_key_among_all_that_is_due() -> None:
    program = compile_module(ROOMS, "room").program
    assert program is not None
    noon = ms("2027-10-30T10:00")
    table = Timetable([program], lambda: PLACE, lambda *_: None, lambda *_: noon - HOUR)
    for key in ("b", "ä", "a"):
        table.note("room", "later", noon, noon - HOUR, key)
        table.note("room", "late", noon, noon - HOUR, key)
    table.note("room", "whole", noon, noon - HOUR)
    table.note("room", "late", noon + 1, noon - HOUR, "ä")
    table.note("room", "later", 0, noon - HOUR, "a")
    found = []
    while (due := table.take(noon + MINUTE)) is not None:
        assert isinstance(due, Due)
        found.append((due.at_ms - noon, due.variable, due.instance))
        if not due.identities:
            table.note("room", due.variable, 0, noon, due.instance)
    assert found == [
        (0, "late", "a"),
        (0, "late", "b"),
        (0, "later", "b"),
        (0, "later", "ä"),
        (0, "whole", ""),
        (0, "%%at%%", ""),
        (1, "late", "ä"),
    ]
