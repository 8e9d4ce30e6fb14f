"""The words behind AT: each spelling of the page, each mistake, and anything at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lang.schedules.reading import cut, read
from myocan.hub.lang.schedules import (
    Alternative,
    Between,
    Bound,
    Condition,
    In,
    Mistake,
    Moment,
    On,
    Schedule,
    parse_schedule,
)
from myocan.hub.lang.schedules.cursor import QUALIFIERS
from myocan.hub.lang.schedules.words import TIMES

NOON = Moment("clock", 720)
SUNSET = Moment("sunset")
FRIDAY, CHRISTMAS_EVE = frozenset({4}), (12, 24)


def noon(*conditions: Condition) -> Schedule:
    return Schedule((Alternative(NOON, 0, conditions),))


def on(*days: int | tuple[int, int] | str) -> On:
    return On(
        frozenset(day for day in days if isinstance(day, int)),
        frozenset(day for day in days if isinstance(day, tuple)),
        frozenset(day for day in days if isinstance(day, str)),
    )


TIMES_READ = [
    ("noon", NOON, 0),
    ("Midnight", Moment("clock", 0), 0),
    ("sunrise", Moment("sunrise"), 0),
    ("SUNSET", SUNSET, 0),
    ("3:00pm", Moment("clock", 900), 0),
    ("3:00 PM", Moment("clock", 900), 0),
    ("12:00am", Moment("clock", 0), 0),
    ("15:00", Moment("clock", 900), 0),
    ("autoModeOnTime", Moment("variable", variable="automodeontime"), 0),
    ("settings.bedtime", Moment("variable", variable="settings.bedtime"), 0),
    ("10 minutes before sunset", SUNSET, -10),
    ("1 minute after sunset", SUNSET, 1),
    ("1 hour 30 minutes after noon", NOON, 90),
    ("1 hour and 30 minutes after noon", NOON, 90),
    ("1 hour, 30 minutes after noon", NOON, 90),
    ("1.5 hours after noon", NOON, 90),
    ("2 h 5 min before bedtime", Moment("variable", variable="bedtime"), -125),
]


@pytest.mark.parametrize(("line", "moment", "offset"), TIMES_READ, ids=[t[0] for t in TIMES_READ])
def test_a_time_is_read(line: str, moment: Moment, offset: int) -> None:
    assert read(line) == Schedule((Alternative(moment, offset),))


DAYS_READ: list[tuple[str, tuple[Condition, ...]]] = [
    ("ON fridays", (on(4),)),
    ("on Friday", (on(4),)),
    ("ON mondays fridays", (on(0, 4),)),
    ("ON mondays, fridays", (on(0, 4),)),
    ("ON monday, tuesday and friday", (on(0, 1, 4),)),
    ("ON weekdays", (on(0, 1, 2, 3, 4),)),
    ("ON weekends", (on(5, 6),)),
    ("ON weekend monday", (on(0, 5, 6),)),
    ("ON december 24", (on((12, 24)),)),
    ("ON december 24, 25 january 1", (on((12, 24), (12, 25), (1, 1)),)),
    ("ON december 24 and sundays", (on((12, 24), 6),)),
    ("ON february 29", (on((2, 29)),)),
    ("ON christmas", (on("christmas"),)),
    ("ON christmas easter", (on("christmas", "easter"),)),
    ("ON easter monday", (on("easter monday"),)),
    ("ON easter mondays", (on("easter", 0),)),
    ("ON new years day saturdays", (on("new years day", 5),)),
    ('ON "New Year\'s Day"', (on("new years day"),)),
    ("ON holidays", (on("holidays"),)),
    ("IN december", (In(frozenset({12})),)),
    ("DURING december", (In(frozenset({12})),)),
    ("IN decembers and octobers", (In(frozenset({12, 10})),)),
    ("IN december january", (In(frozenset({12, 1})),)),
    ("IN winter", (In(seasons=frozenset({"winter"})),)),
    ("DURING fall, springs", (In(seasons=frozenset({"autumn", "spring"})),)),
    ("IN 2027", (In(years=frozenset({2027})),)),
    ("IN december 2027", (In(frozenset({12})), In(years=frozenset({2027})))),
    ("FROM june 1 THROUGH july 13", (Between((6, 1), (7, 13)),)),
    ("FROM june THROUGH july", (Between((6, 1), (7, 31)),)),
    ("FROM november THROUGH february", (Between((11, 1), (2, 29)),)),
    ("STARTING may 1, 2027", (Bound(True, (5, 1), 2027),)),
    ("STARTING may 1 2027", (Bound(True, (5, 1), 2027),)),
    ("STARTING may 2027", (Bound(True, (5, 1), 2027),)),
    ("STARTING 2027", (Bound(True, (1, 1), 2027),)),
    ("STARTING may 1", (Bound(True, (5, 1)),)),
    ("ENDING may 2027", (Bound(False, (5, 31), 2027),)),
    ("ENDING 2027", (Bound(False, (12, 31), 2027),)),
    ("STARTING may 1, 2027 ENDING may 3, 2028",
     (Bound(True, (5, 1), 2027), Bound(False, (5, 3), 2028))),
    ("STARTING november 1 ENDING march 31", (Between((11, 1), (3, 31)),)),
    ("ON fridays IN december, FROM june 1 THROUGH july 13",
     (on(4), In(frozenset({12})), Between((6, 1), (7, 13)))),
]  # fmt: skip


@pytest.mark.parametrize(("line", "conditions"), DAYS_READ, ids=[row[0] for row in DAYS_READ])
def test_days_are_read(line: str, conditions: tuple[Condition, ...]) -> None:
    assert read(f"noon {line}") == noon(*conditions)


def test_a_qualifier_binds_to_the_nearest_time() -> None:
    first, last = Alternative(NOON), Alternative(SUNSET, -10, (on(4),))
    assert read("noon OR 10 minutes before sunset ON fridays") == Schedule((first, last))


# Of each: the words, the words that are wrong, what stands there instead, part of the message.
MISTAKES = [
    ("", None, None, "needs a time"),
    ("noon OR", None, None, "a time is missing"),
    ("ON fridays", "ON", None, "a time is missing before 'ON'"),
    ("fridays", "fridays", "noon ON fridays", "one comes first"),
    ("winter", "winter", "noon IN winter", "one comes first"),
    ("dusk", "dusk", "sunset", "neither a time"),
    ("3 pm", "3 pm", "3:00pm", "has minutes"),
    ("15", "15", "15:00", "no time of day"),
    ("10 minuts before noon", "minuts", "minutes", "hours and minutes"),
    ("30 seconds before noon", "seconds", "minutes", "whole minutes"),
    ("0.5 minutes before noon", "0.5 minutes", None, "whole minutes"),
    ("9999999999999 hours before noon", "9999999999999 hours", None, "366 days"),
    ("10 minutes befor noon", "befor", "before", "'before' or 'after'"),
    ("10 minutes before", None, None, "a time is missing"),
    ("bedtime[hall]", "[", None, "without a key"),
    ("noon fridays", "fridays", "ON fridays", "behind ON"),
    ("noon december 24", "december", "ON december", "behind ON"),
    ("noon december", "december", "IN december", "behind IN"),
    ("noon ONN fridays", "ONN", "ON", "no meaning"),
    ("noon ON", None, None, "ON needs a day"),
    ("noon ON fridays OR mondays", "OR", ",", "side by side"),
    ("noon ON fridays AND state==off", "state", None, "line of its own"),
    ("noon AND mode.auto", "AND", None, "line of its own"),
    ("noon ON fridays,", ",", None, "leads to nothing"),
    ("noon ON mondys", "mondys", "mondays", "neither a day nor a holiday"),
    ("noon ON mon", "mon", "mondays", "neither a day nor a holiday"),
    ("noon ON chrismas", "chrismas", "christmas", "holiday"),
    ("noon ON easter mondey", "mondey", "monday", "neither a day"),
    ("noon ON june 31", "31", None, "june has 30 days"),
    ("noon ON february 30", "30", None, "february has 29 days"),
    ("noon ON june 0", "0", None, "june has 30 days"),
    ("noon ON 24 december", "24 december", "december 24", "month comes first"),
    ("noon ON december", "ON", "IN", "'december' stands behind IN"),
    ("noon ON winter", "ON", "IN", "'winter' stands behind IN"),
    ("noon ON 2027", "ON", "IN", "'2027' stands behind IN"),
    ("noon ON december 24, 2027", "2027", "IN 2027", "every year"),
    ("noon ON mondays ON fridays", "ON", ",", "no day is both"),
    ("noon IN", None, None, "IN needs"),
    ("noon IN fridays", "IN", "ON", "'fridays' stands behind ON"),
    ("noon IN june 1", "IN", "ON", "'june' stands behind ON"),
    ("noon DURING decembre", "decembre", "december", "no month"),
    ("noon IN 99999", "99999", None, "a year is"),
    ("noon FROM june 1 TO july 13", "TO", "THROUGH", "FROM needs THROUGH"),
    ("noon FROM june 1 - july 13", "-", "THROUGH", "FROM needs THROUGH"),
    ("noon FROM june 1", None, None, "FROM needs THROUGH"),
    ("noon FROM june 1, 2027 THROUGH july", "2027", None, "every year"),
    ("noon FROM 9:00 THROUGH 17:00", "9:00", None, "needs a month"),
    ("noon FROM june 31 THROUGH july", "31", None, "june has 30 days"),
    ("noon FROM june THROUGH jully", "jully", "july", "needs a month"),
    ("noon STARTING mai 1, 2027", "mai", "may", "needs a month"),
    ("noon STARTING february 29, 2027", "february 29 , 2027", None, "no february 29"),
    ("noon STARTING 2028 ENDING 2027", "2027", None, "ends before"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "words", "suggestion", "message"), MISTAKES, ids=[row[0] for row in MISTAKES]
)
def test_a_mistake_says_where_what_and_what_instead(
    line: str, words: str | None, suggestion: str | None, message: str
) -> None:
    tokens = cut(line)
    found = parse_schedule(tokens)
    assert isinstance(found, Mistake)
    wrong = tokens[found.index : found.index + found.count]
    said = " ".join(token.text for token in wrong) or None
    assert (said, found.suggestion) == (words, suggestion), found
    assert message in found.message


@pytest.mark.parametrize(
    ("line", "suggestion"),
    [("bedtme", "bedtime"), ("nooon", "noon"), ("10 minutes after sunst", "sunset")],
)
def test_an_unknown_variable_is_held_against_those_that_are_known(
    line: str, suggestion: str
) -> None:
    found = parse_schedule(cut(line), {"bedtime", "fridays"})
    assert isinstance(found, Mistake)
    assert found.suggestion == suggestion
    assert read("fridays", {"fridays"}).variables == {"fridays"}


def test_the_holidays_that_count_are_those_that_are_given() -> None:
    found = parse_schedule(cut("noon ON german unity day"), None, {"german unity day", "christmas"})
    assert found == noon(on("german unity day"))
    found = parse_schedule(cut("noon ON labour day"), None, {"labor day", "christmas"})
    assert isinstance(found, Mistake)
    assert (found.index, found.count, found.suggestion) == (2, 2, "labor day")


def test_a_holiday_of_any_country_is_known_where_no_country_is_given() -> None:
    assert read("noon ON juneteenth fridays") == noon(on("juneteenth", 4))


VOCABULARY = (
    *QUALIFIERS, *TIMES, "or", "and", "through", "before", "after", "minutes", "hour", "s",
    "mondays", "fridays", "weekends", "december", "june", "february", "winter", "falls",
    "christmas", "easter", "monday", "holidays", "day", "of", "x", "bedtime", "on",
    "0", "1", "10", "29", "31", "2027", "1.5", "99999999999999999999", "0.5", "15:00", "3:00pm",
    ",", ",", ".", "[", "]", "==", "-", "+", '"text"', '""', '"christmas"', "#", "(", "\u0131",
)  # fmt: skip


lines = st.lists(st.sampled_from(VOCABULARY), max_size=12).map(" ".join)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.sampled_from(VOCABULARY), max_size=12).map(" ".join)
    | st.lists(st.sampled_from(VOCABULARY), max_size=10).map(
        lambda words: f"noon {' '.join(words)}"
    )
    | st.text(max_size=40)
)
def test_any_words_get_an_answer(line: str) -> None:
    tokens = cut(line)
    found = parse_schedule(tokens, None, ("christmas", "easter monday", "new years day"))
    if isinstance(found, Mistake):
        assert 0 <= found.index <= len(tokens)
        assert found.count >= 1
        assert found.index == len(tokens) or found.index + found.count <= len(tokens)
        assert found.message.isprintable()
        assert len(found.message) < 300
        assert found.suggestion is None or len(found.suggestion) < 100
    else:
        assert Schedule.from_json(found.to_json()) == found
