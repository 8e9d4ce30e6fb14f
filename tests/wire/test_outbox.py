"""The board's half of delivery, rule by rule.

Runs under pytest and, by `tests_on_board.py`, under MicroPython; so nothing but the package is
imported, and what should be refused is caught by hand.
"""

from myocan.wire import WINDOW, Fixed, Outbox, WireError, decode_base, decode_up
from myocan.wire.outbox import MESSAGE_COST

NOW_MS = 1_700_000_000_000
ROUND = 1 << 30


def draw_from(*boots):
    """A `new_boot` that gives these."""
    left = list(boots)
    return lambda: left.pop(0)


def connected(capacity=100_000, boot=7, new_boot=None, ms=0):
    """An outbox whose link stands and whose hub has answered."""
    outbox = Outbox(capacity, boot, new_boot or draw_from(), ms)
    outbox.on_reconnect()
    assert drain(outbox) == [("base", (boot, 1, 0))]
    assert outbox.on_ack(boot, 0, NOW_MS)
    return outbox


def drain(outbox):
    """All that can be sent now: (leaf, fields)."""
    frames = []
    while True:
        frame = outbox.sendable()
        if frame is None:
            return frames
        leaf, payload = frame
        frames.append((leaf, decode_base(payload) if leaf == "base" else decode_up(payload)))


def numbers(outbox):
    """The numbers of the messages that can be sent now, and "base" where it goes out."""
    return ["base" if leaf == "base" else fields[1] for leaf, fields in drain(outbox)]


def refused(call, *arguments):
    try:
        call(*arguments)
    except WireError as error:
        return str(error)
    raise AssertionError("nothing was refused")


def push_events(outbox, count, first=0):
    for i in range(count):
        assert outbox.push("button1/press", first + i)


# Opening


def test_nothing_can_be_sent_before_there_is_a_link():
    outbox = Outbox(1000, 7, draw_from())
    outbox.push("button1/press", None)
    assert drain(outbox) == []
    outbox.on_tick(100_000)
    assert drain(outbox) == []


def test_base_opens_a_link_and_no_message_goes_before_the_hub_has_answered():
    outbox = Outbox(1000, 7, draw_from())
    outbox.push("button1/press", None)
    outbox.on_reconnect()
    assert drain(outbox) == [("base", (7, 1, 0))]
    assert not outbox.on_ack(8, 0, NOW_MS)
    assert drain(outbox) == []
    assert outbox.on_ack(7, 0, NOW_MS)
    assert drain(outbox) == [("up/button1/press", (None, 1, NOW_MS, 7))]


def test_base_goes_out_again_until_the_hub_answers_at_growing_intervals():
    outbox = Outbox(1000, 7, draw_from())
    outbox.on_reconnect()
    times = []
    for ms in range(0, 130_000, 50):
        outbox.on_tick(ms)
        if numbers(outbox):
            times.append(ms)
    assert times == [0, 500, 1500, 3500, 7500, 15500, 31500, 61500, 91500, 121500]


def test_every_link_is_opened_anew_and_all_unacknowledged_is_sent_again_in_order():
    outbox = connected()
    push_events(outbox, 3)
    assert numbers(outbox) == [1, 2, 3]
    outbox.on_ack(7, 1, NOW_MS)
    push_events(outbox, 1)
    outbox.on_reconnect()
    assert numbers(outbox) == ["base"]
    outbox.on_ack(7, 1, NOW_MS)
    assert numbers(outbox) == [2, 3, 4]


def test_a_number_stays_with_its_message():
    outbox = connected()
    outbox.push("t/value", 1, "last")
    outbox.push("button1/press", "x")
    first = drain(outbox)
    outbox.push("t/value", 2, "last")
    outbox.on_reconnect()
    drain(outbox)
    outbox.on_ack(7, 0, NOW_MS + 5)
    first.append(("up/t/value", (2, 3, NOW_MS + 5, 7)))
    assert drain(outbox) == first


# The window


def test_no_more_than_a_window_is_under_way():
    outbox = connected()
    push_events(outbox, WINDOW + 10)
    assert numbers(outbox) == list(range(1, WINDOW + 1))
    outbox.on_ack(7, 3, NOW_MS)
    assert numbers(outbox) == [WINDOW + 1, WINDOW + 2, WINDOW + 3]


def test_an_acknowledgement_is_cumulative_and_forgets():
    outbox = connected()
    push_events(outbox, 5)
    drain(outbox)
    assert len(outbox) == 5
    outbox.on_ack(7, 4, NOW_MS)
    assert len(outbox) == 1
    assert outbox.base == 5
    outbox.on_ack(7, 4, NOW_MS)
    outbox.on_ack(7, 2, NOW_MS)
    assert len(outbox) == 1
    outbox.on_ack(7, 5, NOW_MS)
    assert len(outbox) == 0
    assert numbers(outbox) in ([], ["base"])


def test_an_acknowledgement_for_another_boot_says_nothing():
    outbox = connected()
    push_events(outbox, 1)
    drain(outbox)
    assert not outbox.on_ack(8, 1, NOW_MS)
    assert not outbox.on_ack(8, 99, NOW_MS)
    assert len(outbox) == 1
    assert outbox.boot == 7


# Sending again


def test_a_time_out_sends_all_again_base_first_and_doubles_up_to_thirty_seconds():
    outbox = connected()
    push_events(outbox, 2)
    drain(outbox)
    times = []
    for ms in range(0, 130_000, 50):
        outbox.on_tick(ms)
        sent = numbers(outbox)
        if sent:
            assert sent == ["base", 1, 2]
            times.append(ms)
    assert times == [500, 1500, 3500, 7500, 15500, 31500, 61500, 91500, 121500]


def test_progress_makes_the_time_out_short_again():
    outbox = connected()
    push_events(outbox, 2)
    drain(outbox)
    for ms in (500, 1500, 3500):
        outbox.on_tick(ms)
        assert numbers(outbox) == ["base", 1, 2]
    outbox.on_ack(7, 1, NOW_MS)
    outbox.on_tick(3999)
    assert numbers(outbox) == []
    outbox.on_tick(4000)
    assert numbers(outbox) == ["base", 2]


def test_a_new_link_makes_the_time_out_short_again():
    outbox = connected()
    push_events(outbox, 1)
    drain(outbox)
    for ms in (500, 1500, 3500):
        outbox.on_tick(ms)
        drain(outbox)
    outbox.on_reconnect()
    assert numbers(outbox) == ["base"]
    outbox.on_tick(4000)
    assert numbers(outbox) == ["base"]


def test_an_acknowledgement_without_progress_sends_again_at_once_but_only_once():
    outbox = connected()
    push_events(outbox, 3)
    drain(outbox)
    outbox.on_ack(7, 0, NOW_MS)
    assert numbers(outbox) == ["base", 1, 2, 3]
    outbox.on_ack(7, 0, NOW_MS)
    assert numbers(outbox) == []
    outbox.on_ack(7, 1, NOW_MS)
    assert numbers(outbox) == []
    outbox.on_ack(7, 1, NOW_MS)
    assert numbers(outbox) == ["base", 2, 3]


def test_a_time_out_allows_to_send_again_at_once_once_more():
    outbox = connected()
    push_events(outbox, 1)
    drain(outbox)
    outbox.on_ack(7, 0, NOW_MS)
    assert numbers(outbox) == ["base", 1]
    outbox.on_tick(500)
    assert numbers(outbox) == ["base", 1]
    outbox.on_ack(7, 0, NOW_MS)
    assert numbers(outbox) == ["base", 1]


def test_the_answer_that_opens_a_link_is_no_reason_to_send_again():
    outbox = connected()
    push_events(outbox, 1)
    drain(outbox)
    outbox.on_reconnect()
    drain(outbox)
    outbox.on_ack(7, 0, NOW_MS)
    assert numbers(outbox) == [1]


def test_nothing_is_sent_again_when_nothing_is_under_way():
    outbox = connected()
    push_events(outbox, 1)
    drain(outbox)
    outbox.on_ack(7, 1, NOW_MS)
    outbox.on_ack(7, 1, NOW_MS)
    outbox.on_tick(100_000)
    assert numbers(outbox) == []


def test_progress_in_the_middle_of_sending_again_goes_on_behind_it():
    outbox = connected()
    push_events(outbox, 5)
    drain(outbox)
    outbox.on_tick(500)
    assert outbox.sendable()[0] == "base"
    assert decode_up(outbox.sendable()[1])[1] == 1
    outbox.on_ack(7, 3, NOW_MS)
    assert numbers(outbox) == [4, 5]


def test_a_heartbeat_is_a_base_and_its_answer_sends_nothing_again():
    outbox = connected()
    outbox.ask()
    assert drain(outbox) == [("base", (7, 1, 0))]
    assert outbox.on_ack(7, 0, NOW_MS)
    outbox.on_tick(100_000)
    assert numbers(outbox) == []


def test_a_heartbeat_that_stays_unanswered_is_repeated():
    outbox = connected()
    outbox.ask()
    drain(outbox)
    outbox.on_tick(500)
    assert numbers(outbox) == ["base"]


# Readings


def test_a_reading_replaces_an_older_one_that_was_not_sent_and_waits_behind_what_came_between():
    outbox = Outbox(10_000, 7, draw_from())
    outbox.push("t/value", 1, "last")
    outbox.push("u/value", 10, "last")
    outbox.push("button1/press", None)
    outbox.push("t/value", 2, "last")
    assert len(outbox) == 3
    outbox.on_reconnect()
    drain(outbox)
    outbox.on_ack(7, 0, NOW_MS)
    sent = [(leaf, fields[0], fields[1]) for leaf, fields in drain(outbox)]
    assert sent == [("up/u/value", 10, 1), ("up/button1/press", None, 2), ("up/t/value", 2, 3)]
    assert outbox.lost == 0


def test_a_reading_that_was_sent_is_not_replaced():
    outbox = connected()
    outbox.push("t/value", 1, "last")
    assert numbers(outbox) == [1]
    outbox.push("t/value", 2, "last")
    outbox.push("t/value", 3, "last")
    assert len(outbox) == 2
    assert [fields[:2] for _, fields in drain(outbox)] == [(3, 2)]


def test_an_event_is_neither_replaced_nor_replaces():
    outbox = connected()
    outbox.push("t/value", 1)
    outbox.push("t/value", 2, "last")
    outbox.push("t/value", 3)
    assert [fields[0] for _, fields in drain(outbox)] == [1, 2, 3]


def test_readings_and_events_are_told_apart():
    outbox = connected()
    outbox.push("t/value", 1, "last")
    assert outbox.events() == 0
    push_events(outbox, 2)
    assert outbox.events() == 2
    drain(outbox)
    outbox.on_ack(7, 2, NOW_MS)
    assert outbox.events() == 1


# Capacity

SIZE = len("button1/press") + len("0") + MESSAGE_COST


def test_full_of_events_the_oldest_goes_and_is_counted():
    outbox = Outbox(3 * SIZE, 7, draw_from())
    push_events(outbox, 5)
    assert len(outbox) == 3
    assert outbox.lost == 2
    assert outbox.base == 3, "what goes takes its number along, though it was never sent"
    outbox.on_reconnect()
    assert drain(outbox) == [("base", (7, 3, 2))]
    outbox.on_ack(7, 2, NOW_MS)
    assert [fields[:2] for _, fields in drain(outbox)] == [(2, 3), (3, 4), (4, 5)]


def test_readings_that_were_not_sent_go_before_any_event():
    outbox = Outbox(4 * SIZE, 7, draw_from())
    push_events(outbox, 2)
    outbox.push("t/value", 1, "last")
    outbox.push("u/value", 1, "last")
    push_events(outbox, 1, 2)
    push_events(outbox, 1, 3)
    assert outbox.events() == 4
    assert len(outbox) == 4
    assert outbox.lost == 2


def test_a_reading_does_not_displace_an_event():
    outbox = Outbox(3 * SIZE, 7, draw_from())
    push_events(outbox, 3)
    assert outbox.push("t/value", 1, "last") is False
    assert outbox.events() == 3
    assert outbox.lost == 1


def test_base_moves_when_a_message_that_was_sent_goes_and_is_told_before_the_next():
    outbox = connected(3 * SIZE)
    push_events(outbox, 3)
    assert numbers(outbox) == [1, 2, 3]
    push_events(outbox, 1)
    assert outbox.base == 2
    assert drain(outbox)[0] == ("base", (7, 2, 1))
    push_events(outbox, 1)
    assert numbers(outbox) == ["base", 5]


def test_a_message_is_measured_by_its_bytes():
    outbox = Outbox(5000, 7, draw_from())
    outbox.push("t/value", "é" * 2000, "last")
    push_events(outbox, 50)
    assert outbox.lost > 0


def test_what_was_forgotten_makes_room():
    outbox = connected(3 * SIZE)
    for round_ in range(20):
        push_events(outbox, 3)
        drain(outbox)
        outbox.on_ack(7, 3 * round_ + 3, NOW_MS)
    assert outbox.lost == 0


def test_a_message_larger_than_the_outbox_is_refused():
    outbox = Outbox(1000, 7, draw_from())
    push_events(outbox, 3)
    assert "capacity" in refused(outbox.push, "t/value", "x" * 1000)
    assert len(outbox) == 3


# What can be pushed


def test_what_cannot_travel_is_refused_and_leaves_the_outbox_as_it_was():
    outbox = Outbox(100_000, 7, draw_from())
    outbox.push("t/value", 1, "last")
    for value in (1.5, float("nan"), 1 << 63, "x" * 4097, "a" + chr(0xD800), b"x", [1], {}):
        refused(outbox.push, "t/value", value, "last")
    for topic in ("", "t", "t/value/", "a/b/c/d", "T/Value", "t/v+", "t/#", "t/v/a+", "t/v/#",
                  "t/v/\0", "t/v/$", "$log/info", "t/$instances/x", "t/v/" + chr(0xD800),
                  "t/v/" + "x" * 300, "t /v"):  # fmt: skip
        refused(outbox.push, topic, 1, "last")
    refused(outbox.push, "t/value", 1, "some")
    for ts in (-1, 1.5, True, "now", 1 << 60):
        refused(outbox.push, "t/value", 1, "last", ts)
    assert len(outbox) == 1
    assert outbox.lost == 0


def test_every_kind_of_value_travels():
    outbox = connected()
    values = [None, True, False, 0, -5, (1 << 63) - 1, Fixed(2150, 2), Fixed(-5, 3), "", 'a"\\\n,é']
    for value in values:
        outbox.push("T.1/value/a%2Fb", value)
    assert [fields[0] for _, fields in drain(outbox)] == values


# Time


def test_a_message_from_before_the_first_answer_gets_its_time_by_the_hubs_clock():
    outbox = Outbox(10_000, 7, draw_from(), 1000)
    outbox.push("button1/press", 1)
    outbox.on_tick(1400)
    outbox.push("button1/press", 2)
    outbox.on_reconnect()
    drain(outbox)
    outbox.on_tick(1800)
    outbox.on_ack(7, 0, NOW_MS)
    outbox.on_tick(2300)
    outbox.push("button1/press", 3)
    outbox.on_tick(2301)
    assert [fields[2] - NOW_MS for _, fields in drain(outbox)] == [-800, -400, 500]


def test_a_time_once_sent_stays():
    outbox = connected()
    push_events(outbox, 1)
    first = drain(outbox)
    outbox.on_tick(100)
    outbox.on_ack(7, 0, NOW_MS + 77_000)
    assert drain(outbox)[1:] == first


def test_a_message_may_bring_its_own_time():
    outbox = connected()
    outbox.push("button1/press", None, "all", 12345)
    assert drain(outbox)[0][1][2] == 12345


def test_ticks_may_go_round_once():
    for step in (600, ROUND // 2, ROUND - 500):
        outbox = connected(ms=ROUND - 100)
        push_events(outbox, 1)
        for _ in range(2):
            half = (outbox._ticks + step // 2) % ROUND
            outbox.on_tick(half)
        outbox.on_ack(7, 0, NOW_MS + step)
        assert drain(outbox)[0][1][2] == NOW_MS, step


def test_a_message_held_while_the_ticks_went_round_has_no_time():
    outbox = Outbox(10_000, 7, draw_from(), 50)
    push_events(outbox, 1)
    for ms in (ROUND - 1, 49):
        outbox.on_tick(ms)
    push_events(outbox, 1)
    outbox.on_tick(51)
    outbox.on_reconnect()
    drain(outbox)
    outbox.on_ack(7, 0, NOW_MS)
    assert [fields[2] for _, fields in drain(outbox)] == [None, NOW_MS - 2]


def test_a_time_before_1970_is_none():
    outbox = Outbox(10_000, 7, draw_from())
    push_events(outbox, 1)
    outbox.on_tick(5000)
    outbox.on_reconnect()
    drain(outbox)
    outbox.on_ack(7, 0, 1000)
    assert drain(outbox)[0][1][2] is None


def test_a_time_out_is_met_when_the_ticks_go_round():
    outbox = connected(ms=ROUND - 200)
    push_events(outbox, 1)
    drain(outbox)
    outbox.on_tick(ROUND - 1)
    assert numbers(outbox) == []
    outbox.on_tick(299)
    assert numbers(outbox) == []
    outbox.on_tick(300)
    assert numbers(outbox) == ["base", 1]


def test_ticks_of_any_clock_will_do():
    outbox = connected(ms=10**15 + 1)
    push_events(outbox, 1)
    drain(outbox)
    outbox.on_tick(10**15 + 500)
    assert numbers(outbox) == []
    outbox.on_tick(10**15 + 501)
    assert numbers(outbox) == ["base", 1]


# Boots


def test_an_acknowledgement_of_what_was_never_sent_means_another_boot_number():
    outbox = Outbox(10_000, 7, draw_from(8))
    push_events(outbox, 2)
    outbox.on_reconnect()
    drain(outbox)
    assert not outbox.on_ack(7, 1, NOW_MS)
    assert outbox.boot == 8
    assert drain(outbox) == [("base", (8, 1, 0))]
    assert not outbox.on_ack(7, 1, NOW_MS)
    assert drain(outbox) == []
    outbox.on_ack(8, 0, NOW_MS)
    assert [(fields[1], fields[3]) for _, fields in drain(outbox)] == [(1, 8), (2, 8)]


def test_with_another_boot_number_all_that_is_held_is_numbered_anew():
    outbox = connected(new_boot=draw_from(8))
    push_events(outbox, 3)
    drain(outbox)
    outbox.on_ack(7, 1, NOW_MS)
    assert not outbox.on_ack(7, 4, NOW_MS)
    assert drain(outbox) == [("base", (8, 1, 0))]
    outbox.on_ack(8, 0, NOW_MS)
    assert [fields[:2] for _, fields in drain(outbox)] == [(1, 1), (2, 2)]


def test_a_boot_number_has_31_bits_whatever_is_drawn():
    outbox = Outbox(1000, (1 << 40) + 7, draw_from((1 << 31) + 8))
    assert outbox.boot == 7
    outbox.on_reconnect()
    drain(outbox)
    outbox.on_ack(7, 5, NOW_MS)
    assert outbox.boot == 8


def test_a_boot_number_is_drawn_until_one_is_free():
    outbox = Outbox(1000, 7, draw_from(8, 7, 9))
    outbox.on_reconnect()
    for boot in (7, 8, 7):
        drain(outbox)
        outbox.on_ack(boot, 3, NOW_MS)
    assert drain(outbox) == [("base", (9, 1, 0))]
    assert outbox.on_ack(9, 0, NOW_MS)
