"""The hub's half of delivery, rule by rule."""

from __future__ import annotations

import pytest

from myocan.wire import WINDOW, Inbox
from myocan.wire.inbox import (
    CLONED,
    FORGET,
    GAP,
    KEEP_MS,
    KNOWN,
    MAX_BOOTS,
    NEW,
    REFRESH_MS,
    REFUSED,
    REPEAT,
    SILENT_MS,
    TAKE,
    UNKNOWN,
)

NOW = 1_700_000_000_000


def opened(boot: int = 7, base: int = 1) -> Inbox:
    """An Inbox that knows one boot and has answered its base."""
    inbox = Inbox()
    assert inbox.on_base(boot, base, 0, NOW) == (NEW, 0)
    assert inbox.acks(NOW) == [(boot, base - 1)]
    return inbox


def take(inbox: Inbox, count: int, boot: int = 7, first: int = 1, now: int = NOW) -> None:
    for seq in range(first, first + count):
        assert inbox.on_message(boot, seq, now) == TAKE


def store(inbox: Inbox, mark: int) -> list[tuple[int, int, int]]:
    """Write what changed, and make it durable."""
    changed = inbox.changed()
    inbox.written(mark)
    inbox.synced(mark)
    return changed


# Knowing a boot


def test_a_message_of_an_unknown_boot_is_not_taken_and_not_answered() -> None:
    inbox = Inbox()
    assert inbox.on_message(7, 1, NOW) == UNKNOWN
    assert inbox.on_message(7, 5, NOW) == UNKNOWN
    assert inbox.changed() == []
    assert inbox.acks(NOW) == []


def test_a_boot_becomes_known_by_its_base_at_the_number_before_it() -> None:
    inbox = opened(base=5)
    assert inbox.on_message(7, 4, NOW) == REPEAT
    assert inbox.on_message(7, 6, NOW) == GAP
    assert inbox.on_message(7, 5, NOW) == TAKE


def test_every_base_is_answered_at_once_with_the_synced_position() -> None:
    inbox = opened()
    take(inbox, 3)
    assert inbox.on_base(7, 1, 0, NOW) == (KNOWN, 0)
    assert inbox.acks(NOW) == [(7, 0)]
    assert inbox.on_base(7, 1, 0, NOW) == (KNOWN, 0)
    assert inbox.acks(NOW) == [(7, 0)]
    store(inbox, 1)
    inbox.on_base(7, 1, 0, NOW)
    assert inbox.acks(NOW) == [(7, 3)]


# Taking


def test_of_a_known_boot_only_the_next_number_is_taken() -> None:
    inbox = opened()
    assert inbox.on_message(7, 2, NOW) == GAP
    assert inbox.on_message(7, 1, NOW) == TAKE
    assert inbox.on_message(7, 1, NOW) == REPEAT
    assert inbox.on_message(7, 3, NOW) == GAP
    assert inbox.on_message(7, 2, NOW) == TAKE


def test_a_late_message_of_an_earlier_boot_is_not_taken_for_a_new_one() -> None:
    inbox = opened()
    take(inbox, 3)
    assert inbox.on_base(8, 1, 0, NOW) == (NEW, 0)
    assert inbox.on_message(8, 1, NOW) == TAKE
    assert inbox.on_message(7, 2, NOW) == REPEAT
    assert inbox.on_message(7, 4, NOW) == TAKE
    assert inbox.on_message(8, 1, NOW) == REPEAT


def test_no_more_than_a_window_is_taken_ahead_of_the_disk() -> None:
    inbox = opened()
    take(inbox, WINDOW)
    assert inbox.on_message(7, WINDOW + 1, NOW) == GAP
    inbox.on_base(7, 3, 2, NOW)
    take(inbox, 2, first=WINDOW + 1)
    assert inbox.on_message(7, WINDOW + 3, NOW) == GAP
    store(inbox, 1)
    take(inbox, WINDOW, first=WINDOW + 3)


# Losing


def test_a_base_above_the_position_moves_it_and_tells_what_is_lost() -> None:
    inbox = opened()
    take(inbox, 2)
    assert inbox.on_base(7, 6, 3, NOW) == (KNOWN, 3)
    assert inbox.on_message(7, 5, NOW) == REPEAT
    assert inbox.on_message(7, 6, NOW) == TAKE


def test_a_base_at_or_below_the_position_changes_nothing() -> None:
    inbox = opened()
    take(inbox, 5)
    for base in (1, 5, 6):
        assert inbox.on_base(7, base, 0, NOW) == (KNOWN, 0)
    assert inbox.on_message(7, 6, NOW) == TAKE


def test_what_a_board_threw_away_before_it_had_a_number_is_lost_too() -> None:
    inbox = Inbox()
    assert inbox.on_base(7, 1, 4, NOW) == (NEW, 4)
    assert inbox.on_base(7, 1, 4, NOW) == (KNOWN, 0)
    assert inbox.on_base(7, 1, 6, NOW) == (KNOWN, 2)
    assert inbox.on_base(7, 1, 5, NOW) == (KNOWN, 0)


def test_after_a_restart_only_what_the_numbers_show_is_lost() -> None:
    inbox = Inbox([(7, 10, NOW)])
    assert inbox.on_base(7, 11, 40, NOW) == (KNOWN, 0)
    assert inbox.on_base(7, 11, 41, NOW) == (KNOWN, 1)
    inbox = Inbox([(7, 10, NOW)])
    assert inbox.on_base(7, 14, 40, NOW) == (KNOWN, 3)


def test_a_loss_whose_transaction_failed_is_told_again() -> None:
    inbox = opened()
    store(inbox, 1)
    assert inbox.on_base(7, 4, 5, NOW) == (KNOWN, 5)
    inbox.changed()
    inbox.revert()
    assert inbox.on_base(7, 4, 5, NOW) == (KNOWN, 5)
    store(inbox, 2)
    assert inbox.on_base(7, 4, 5, NOW) == (KNOWN, 0)


# Memory, transactions, disk


def test_only_what_is_on_the_disk_is_acknowledged() -> None:
    inbox = opened()
    take(inbox, 40)
    assert inbox.acks(NOW + 1000) == []
    assert inbox.changed() == [(7, 40, NOW)]
    inbox.written(1)
    assert inbox.acks(NOW + 1000) == []
    take(inbox, 5, first=41)
    inbox.synced(1)
    assert inbox.acks(NOW + 1000) == [(7, 40)]


def test_a_sync_covers_what_was_written_until_its_mark() -> None:
    inbox = opened()
    for mark in (1, 2, 3):
        take(inbox, 1, first=mark)
        inbox.changed()
        inbox.written(mark)
    inbox.synced(2)
    assert inbox.acks(NOW + 1000) == [(7, 2)]
    inbox.synced(2)
    assert inbox.acks(NOW + 2000) == []
    inbox.synced(9)
    assert inbox.acks(NOW + 2000) == [(7, 3)]


def test_only_changed_positions_are_to_be_stored() -> None:
    inbox = opened()
    assert store(inbox, 1) == [(7, 0, NOW)]
    assert store(inbox, 2) == []
    take(inbox, 1)
    inbox.on_base(8, 1, 0, NOW)
    assert sorted(store(inbox, 3)) == [(7, 1, NOW), (8, 0, NOW)]
    inbox.on_base(7, 2, 0, NOW)
    assert store(inbox, 4) == []


def test_a_boot_that_only_says_base_is_stored_again_once_a_day() -> None:
    inbox = opened()
    store(inbox, 1)
    inbox.on_base(7, 1, 0, NOW + REFRESH_MS - 1)
    assert store(inbox, 2) == []
    inbox.on_base(7, 1, 0, NOW + REFRESH_MS)
    assert store(inbox, 3) == [(7, 0, NOW + REFRESH_MS)]


def test_a_failed_transaction_leaves_all_as_it_was_written() -> None:
    inbox = opened()
    store(inbox, 1)
    take(inbox, 2)
    store(inbox, 2)
    take(inbox, 3, first=3)
    inbox.on_base(8, 1, 0, NOW)
    inbox.on_message(8, 1, NOW)
    inbox.changed()
    inbox.revert()
    assert inbox.changed() == []
    assert inbox.on_message(8, 1, NOW) == UNKNOWN
    take(inbox, 3, first=3)
    assert store(inbox, 3) == [(7, 5, NOW)]


def test_after_a_crash_what_is_on_the_disk_counts() -> None:
    inbox = Inbox([(7, 3, NOW), (8, 0, NOW - 1), (9, FORGET, NOW)])
    assert inbox.on_message(7, 3, NOW) == REPEAT
    assert inbox.on_message(7, 4, NOW) == TAKE
    assert inbox.on_message(8, 1, NOW) == TAKE
    assert inbox.on_message(9, 1, NOW) == UNKNOWN


def test_a_hub_that_starts_tells_the_boot_that_was_seen_last_how_far_it_is() -> None:
    inbox = Inbox([(7, 3, NOW), (8, 5, NOW + 1), (9, 1, NOW - 1)])
    assert inbox.due_ms(NOW) == 0
    assert inbox.acks(NOW + 2) == [(8, 5)]
    assert inbox.acks(NOW + 2) == []


# When to acknowledge


def test_half_a_window_is_acknowledged_at_once_and_less_at_most_every_50_ms() -> None:
    inbox = opened()
    now = NOW
    take(inbox, 1)
    store(inbox, 1)
    assert inbox.due_ms(now) == 50
    assert inbox.acks(now + 49) == []
    assert inbox.acks(now + 50) == [(7, 1)]
    take(inbox, WINDOW // 2 - 1, first=2)
    store(inbox, 2)
    assert inbox.acks(now + 51) == []
    take(inbox, 1, first=WINDOW // 2 + 1)
    store(inbox, 3)
    assert inbox.due_ms(now + 51) == 0
    assert inbox.acks(now + 51) == [(7, WINDOW // 2 + 1)]


def test_a_message_after_silence_is_acknowledged_at_once() -> None:
    inbox = opened()
    take(inbox, 1, now=NOW + 5000)
    store(inbox, 1)
    assert inbox.acks(NOW + 5000) == [(7, 1)]


@pytest.mark.parametrize(("seq", "outcome"), [(3, REPEAT), (5, GAP)])
def test_a_repeat_or_gap_is_answered_with_the_synced_position_at_most_every_100_ms(
    seq: int, outcome: str
) -> None:
    inbox = opened()
    take(inbox, 3)
    store(inbox, 1)
    inbox.acks(NOW + 50)
    now = NOW + 1000
    for ms, answer in ((0, [(7, 3)]), (1, []), (99, []), (100, [(7, 3)]), (150, [])):
        assert inbox.on_message(7, seq, now + ms) == outcome
        assert inbox.acks(now + ms) == answer
    assert inbox.due_ms(now + 150) == 50
    assert inbox.acks(now + 200) == [(7, 3)]
    assert inbox.due_ms(now + 200) is None
    assert inbox.acks(now + 900) == []


def test_a_gap_is_answered_once_more_after_an_acknowledgement_that_looks_like_progress() -> None:
    inbox = opened()
    take(inbox, 3)
    assert inbox.on_message(7, 5, NOW) == GAP
    store(inbox, 1)
    assert inbox.acks(NOW + 50) == [(7, 3)]
    assert inbox.acks(NOW + 149) == []
    assert inbox.acks(NOW + 150) == [(7, 3)]
    assert inbox.acks(NOW + 999) == []


def test_a_gap_that_was_filled_is_answered_by_progress_alone() -> None:
    inbox = opened()
    inbox.on_message(7, 2, NOW)
    take(inbox, 2)
    store(inbox, 1)
    assert inbox.acks(NOW + 100) == [(7, 2)]
    assert inbox.acks(NOW + 300) == []


def test_a_clock_that_is_set_back_delays_no_answer() -> None:
    inbox = opened()
    take(inbox, 1)
    store(inbox, 1)
    assert inbox.due_ms(NOW - 3_600_000) == 0
    assert inbox.acks(NOW - 3_600_000) == [(7, 1)]


# Bounds


def test_no_more_than_64_boots_are_kept_and_the_one_not_seen_for_longest_goes() -> None:
    inbox = Inbox()
    for boot in range(MAX_BOOTS):
        inbox.on_base(boot, 1, 0, NOW + boot)
    inbox.on_message(0, 1, NOW + 1000)
    store(inbox, 1)
    inbox.on_base(1000, 1, 0, NOW + 1001)
    assert len(inbox.positions()) == MAX_BOOTS
    assert inbox.on_message(1, 1, NOW + 1002) == UNKNOWN
    assert inbox.on_message(0, 2, NOW + 1002) == TAKE
    assert (1, FORGET, NOW + 1) in store(inbox, 2)
    assert all(last != FORGET for _, last, _ in store(inbox, 3))


def test_a_boot_not_seen_for_30_days_is_forgotten_when_another_comes() -> None:
    inbox = opened()
    store(inbox, 1)
    inbox.on_base(8, 1, 0, NOW + KEEP_MS)
    assert inbox.on_message(7, 1, NOW + KEEP_MS) == TAKE
    inbox.on_base(9, 1, 0, NOW + 2 * KEEP_MS + 1)
    assert inbox.on_message(7, 2, NOW) == UNKNOWN
    assert {boot: last for boot, last, _ in store(inbox, 2)} == {7: FORGET, 8: FORGET, 9: 0}


def test_a_boot_that_comes_back_after_it_was_forgotten_is_stored_again() -> None:
    inbox = opened()
    store(inbox, 1)
    inbox.on_base(8, 1, 0, NOW + KEEP_MS + 1)
    inbox.on_base(7, 3, 0, NOW + KEEP_MS + 2)
    assert sorted(store(inbox, 2))[0] == (7, 2, NOW + KEEP_MS + 2)


def test_a_flood_of_boots_and_bases_stays_bounded() -> None:
    inbox = Inbox()
    for i in range(2000):
        inbox.on_base(i, i + 1, i, NOW + i)
        inbox.on_message(i, i + 5, NOW + i)
        if i % 10 == 0:
            store(inbox, i)
        inbox.acks(NOW + i)
    assert len(inbox.positions()) == MAX_BOOTS
    assert len(inbox._owing) <= MAX_BOOTS
    assert len(inbox._unsynced) == 0
    assert len(inbox._forgotten) <= 10


# Clones


def turns(inbox: Inbox, count: int) -> list[str]:
    """Boots 7 and 8 say base in turns, 7 first; what came of those of 7."""
    inbox.on_base(7, 1, 0, NOW)
    inbox.on_base(8, 1, 0, NOW)
    outcomes = []
    for i in range(count):
        outcomes.append(inbox.on_base(7, 1, 0, NOW + i)[0])
        assert inbox.on_base(8, 1, 0, NOW + i) == (KNOWN, 0)
    return outcomes


def test_of_two_boots_that_take_turns_the_older_is_refused_and_that_is_told_once() -> None:
    inbox = Inbox()
    assert turns(inbox, 6) == [KNOWN, KNOWN, CLONED, REFUSED, REFUSED, REFUSED]
    assert inbox.on_message(7, 1, NOW) == REFUSED
    assert inbox.on_message(8, 1, NOW) == TAKE
    assert inbox.acks(NOW + 1000) == [(8, 0)]


def test_a_refused_boot_is_heard_again_when_the_other_has_been_silent_for_ten_minutes() -> None:
    inbox = Inbox()
    turns(inbox, 3)
    assert inbox.on_base(7, 1, 0, NOW + SILENT_MS)[0] == REFUSED
    assert inbox.on_base(7, 1, 0, NOW + SILENT_MS + 2)[0] == KNOWN
    assert inbox.on_message(7, 1, NOW + SILENT_MS + 3) == TAKE
    later = [inbox.on_base(boot, 1, 0, NOW + SILENT_MS + 4)[0] for boot in (8, 7) * 3]
    assert later == [KNOWN, KNOWN, KNOWN, CLONED, KNOWN, REFUSED]


def test_late_frames_of_a_dead_boot_are_no_clone() -> None:
    inbox = Inbox()
    inbox.on_base(7, 1, 0, NOW)
    inbox.on_base(8, 1, 0, NOW)
    for seq in range(1, 20):
        inbox.on_message(7, seq, NOW)
        inbox.on_message(8, seq, NOW)
        inbox.on_base(8, 1, 0, NOW)
    for _ in range(5):
        assert inbox.on_base(7, 1, 0, NOW)[0] == KNOWN


def test_a_board_that_restarts_often_is_no_clone() -> None:
    inbox = Inbox()
    for boot in range(200):
        assert inbox.on_base(boot, 1, 0, NOW + boot)[0] == NEW
        assert inbox.on_base(boot, 1, 0, NOW + boot)[0] == KNOWN
