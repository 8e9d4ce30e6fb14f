"""What rules do once they run: the sentences of the language page, one by one."""

from __future__ import annotations

import pytest

from lang.living import Living

LAMP = """\
MODULE lamp1
    SUBSCRIBE button1.press
    PUBLIC state {on,off}
    PRIVATE count 0
    ON button1.press
      AND state==off
      THEN state=on
      THEN count++
    ON button1.press
      THEN state=off
"""


def test_a_press_toggles_the_lamp() -> None:
    house = Living(lamp1=LAMP)
    assert house.value("lamp1.state") == '"on"'
    seen = [house.send("button1.press") for _ in range(3)]
    assert seen == [['lamp1.state = "off"'], ['lamp1.state = "on"'], ['lamp1.state = "off"']]
    assert house.value("lamp1.count") == "1"


def test_the_first_assignment_is_published_whatever_the_value() -> None:
    text = "MODULE m\nSUBSCRIBE x.y\nPUBLIC state {on,off}\nON x.y\nTHEN state.on\n"
    house = Living(m=text)
    assert house.send("x.y") == ['m.state = "on"']
    assert house.send("x.y") == []


def test_a_one_member_enumeration_publishes_at_every_assignment() -> None:
    text = "MODULE m\nSUBSCRIBE x.y\nPUBLIC event {toggle}\nON x.y\nTHEN event.toggle\n"
    house = Living(m=text)
    assert [house.send("x.y") for _ in range(2)] == [['m.event = "toggle"']] * 2


def test_the_first_on_that_matches_wins_and_its_actions_see_each_other() -> None:
    text = """\
MODULE m
SUBSCRIBE x.y 0
PUBLIC a 0
PUBLIC b 0
ON x.y > 30
  THEN a = x.y
  THEN b = a + 1
ON x.y
  THEN b = 0
"""
    house = Living(m=text)
    assert house.send("x.y = 31") == ["m.a = 31", "m.b = 32"]
    assert house.send("x.y = 30") == ["m.b = 0"]


def test_an_equal_value_is_an_arrival_too() -> None:
    text = (
        "MODULE m\nSUBSCRIBE x.y {on,off}\nPUBLIC n 0\nON x.y.on\nTHEN n++\nON x.y\nTHEN ignore\n"
    )
    house = Living(m=text)
    assert [house.send('x.y = "on"') for _ in range(2)] == [["m.n = 1"], ["m.n = 2"]]


def test_the_alternative_that_holds_must_be_the_one_that_arrived() -> None:
    text = """\
MODULE m
SUBSCRIBE a.a
SUBSCRIBE b 0
PRIVATE armed true
PUBLIC n 0
ON a.a OR b==2
  AND armed
  THEN n++
ON b
  THEN ignore
"""
    house = Living(m=text)
    assert house.send("a.a") == ["m.n = 1"]
    assert house.send("m.b = 1") == []
    assert house.send("m.b = 2") == ["m.n = 2"]
    assert house.send("m.b = 3") == []  # what arrived is b, and it is not 2
    assert house.send("a.a") == ["m.n = 3"]


def test_two_alternatives_of_one_variable_are_either() -> None:
    text = """\
MODULE m
SUBSCRIBE mode {off,auto,on}
PUBLIC n 0
ON mode.auto OR mode.on
  THEN n++
ON mode
  THEN n = 0
"""
    house = Living(m=text)
    assert house.send('m.mode = "auto"', 'm.mode = "on"') == ["m.n = 1", "m.n = 2"]
    assert house.send('m.mode = "off"') == ["m.n = 0"]


@pytest.mark.parametrize("guard", ["AND", "WITH", "WHEN", "and", "When"])
def test_guards_are_written_and_with_or_when(guard: str) -> None:
    text = f"""\
MODULE m
SUBSCRIBE x.y
SUBSCRIBE mode {{off,on}}
PUBLIC n 0
ON x.y
  {guard} mode.on
  THEN n++
ON x.y
  THEN ignore
"""
    house = Living(m=text)
    assert house.send("x.y", 'm.mode = "on"', "x.y") == ["m.n = 1"]


def test_a_when_runs_if_what_it_reads_changed_and_every_one_that_holds() -> None:
    text = """\
MODULE m
SUBSCRIBE level 0
SUBSCRIBE other 0
PUBLIC high {false,true}
PUBLIC n 0
WHEN level > 10
  THEN high = true
WHEN level > 10
  AND other > 0
  THEN n++
IF level <= 10
  THEN high = false
"""
    house = Living(m=text)
    assert house.send("m.level = 5") == ["m.high = false"]
    assert house.send("m.level = 5") == []  # an equal value is no change
    assert house.send("m.level = 11") == ["m.high = true"]
    assert house.send("m.other = 1") == ["m.n = 1"]  # a guard of a WHEN is part of what it reads
    assert house.send("m.level = 12") == ["m.n = 2"]


def test_what_whens_write_chooses_no_more() -> None:
    text = """\
MODULE m
SUBSCRIBE x 0
PUBLIC a 0
PUBLIC b 0
WHEN x > 0
  THEN a = x
WHEN a > 0
  THEN b = a
"""
    house = Living(m=text)
    assert house.send("m.x = 5") == ["m.a = 5"]


def test_a_message_that_no_on_wants_is_an_unhandled_record() -> None:
    text = "MODULE m\nSUBSCRIBE x.y {on,off}\nPUBLIC n 0\nON x.y.on\nTHEN n++\n"
    (record,) = Living(m=text).send('x.y = "off"')
    assert record.startswith('$log.unhandled = "m.scc:2: ')


def test_ignore_accepts_a_message() -> None:
    text = "MODULE m\nSUBSCRIBE x.y {on,off}\nON x.y\nTHEN ignore\n"
    assert Living(m=text).send('x.y = "off"') == []


def test_a_value_outside_the_constraint_is_rejected() -> None:
    text = "MODULE m\nSUBSCRIBE x.y {0-5}\nPUBLIC n 0\nON x.y\nTHEN n = x.y\n"
    house = Living(m=text)
    (record,) = house.send("x.y = 6")
    assert record.startswith("$log.rejected")
    assert house.send("x.y = 4.5") == ["m.n = 4"]  # half-even, at its arrival


def test_a_failure_undoes_the_cycle_and_names_the_line() -> None:
    text = """\
MODULE m
SUBSCRIBE x.y 0
PUBLIC n 0
PUBLIC quotient 0.00
ON x.y
  THEN n++
  THEN quotient = 10 / x.y
"""
    house = Living(m=text)
    (record,) = house.send("x.y = 0")
    assert record.startswith('$log.failed = "m.scc:7: ')
    assert house.value("m.n") == "0"
    assert house.send("x.y = 3") == ["m.n = 1", "m.quotient = 3.33"]


def test_a_sum_beyond_the_bounds_fails() -> None:
    text = "MODULE m\nSUBSCRIBE x.y\nPUBLIC n {0-1}\nON x.y\nTHEN n++\n"
    house = Living(m=text)
    assert house.send("x.y") == ["m.n = 1"]
    assert house.send("x.y")[0].startswith('$log.failed = "m.scc:5: ')


def test_counting_is_by_ones_whatever_the_scale() -> None:
    text = """\
MODULE m
SUBSCRIBE up.x
SUBSCRIBE down.x
PUBLIC n 0.50
ON up.x
  THEN n++
ON down.x
  THEN n--   // a comment behind it
"""
    house = Living(m=text)
    assert house.send("up.x", "up.x", "down.x") == ["m.n = 1.50", "m.n = 2.50", "m.n = 1.50"]


def test_next_moves_on_and_around() -> None:
    text = """\
MODULE m
SUBSCRIBE x.y
PUBLIC mode {off,low,high}
PUBLIC flag {false,true}
ON x.y
  THEN next(mode)
  THEN Next(flag)
"""
    house = Living(m=text)
    house.send("x.y")
    assert house.send("x.y") == ['m.mode = "high"', "m.flag = false"]
    assert house.send("x.y") == ['m.mode = "off"', "m.flag = true"]


def test_activate_publishes_an_event_once_a_cycle_in_declaration_order() -> None:
    text = """\
MODULE m
SUBSCRIBE x.y
PUBLIC last
PUBLIC first
ON x.y
  THEN activate(first)
  THEN activate(last)
  THEN activate(first)
"""
    assert Living(m=text).send("x.y") == ["m.last", "m.first"]


def test_logs_have_levels_and_pieces() -> None:
    text = """\
MODULE m
SUBSCRIBE x.y 0.0
PRIVATE mode {Off,On}
PRIVATE title "sun"
PRIVATE armed true
PRIVATE wake 7:05am
ON x.y
  THEN log("read", x.y, x.y * 2, mode, mode.on, NOT armed, title, wake, 15:00, 2.50)
  THEN system.log#warn = "careful"
  THEN system.log#alert = x.y
"""
    assert Living(m=text).send("x.y = 1.5") == [
        '$log.info = "read 1.5 3 Off false false sun 07:05 15:00 2.5"',
        '$log.warn = "careful"',
        '$log.alert = "1.5"',
    ]


def test_times_of_day_are_compared_and_assigned() -> None:
    text = """\
MODULE m
SUBSCRIBE wake 00:00
PUBLIC bed 00:00
PUBLIC early {false,true}
ON wake
  THEN early = wake < 6:30am
  THEN bed = 10:30pm
WHEN bed > noon
  THEN log("late")
"""
    assert Living(m=text).send('m.wake = "6:29"') == [
        'm.bed = "22:30"',
        "m.early = true",
        '$log.info = "late"',
    ]


def test_what_stands_opposite_an_unconstrained_variable_is_what_it_says() -> None:
    text = """\
MODULE m
SUBSCRIBE x.y
PUBLIC kind ""
ON x.y == true
  THEN kind = "yes"
ON x.y == 5
  THEN kind = "five"
ON x.y == "on"
  THEN kind = "on"
ON x.y == false
  THEN kind = "no"
ON x.y
  THEN kind = "other"
"""
    house = Living(m=text)
    answers = [
        house.send(f"x.y = {value}")
        for value in ("true", "5", "5.0", '"on"', '"5"', "false", '"ON"', "null")
    ]
    said = [answer[0].partition(" = ")[2].strip('"') if answer else "=" for answer in answers]
    assert said == ["yes", "five", "=", "on", "other", "no", "other", "="]


def test_an_order_of_what_is_no_number_fails() -> None:
    text = "MODULE m\nSUBSCRIBE x.y\nPUBLIC n 0\nON x.y > 30\nTHEN n++\nON x.y\nTHEN n=0\n"
    house = Living(m=text)
    assert house.send("x.y = 31") == ["m.n = 1"]
    assert house.send('x.y = "warm"')[0].startswith('$log.failed = "m.scc:4: ')


def test_two_unconstrained_variables_are_equal_if_they_hold_the_same() -> None:
    text = """\
MODULE m
SUBSCRIBE a.a
SUBSCRIBE b.b
PUBLIC same {false,true}
ON a.a OR b.b
  THEN same = a.a == b.b
"""
    house = Living(m=text)
    assert house.send("a.a = 5") == ["m.same = false"]
    assert house.send("b.b = 5.0") == ["m.same = true"]
    assert house.send('b.b = "5"') == ["m.same = false"]


def test_a_variable_is_copied_as_it_would_arrive() -> None:
    text = """\
MODULE m
SUBSCRIBE x.y
SUBSCRIBE fine 0.000
PUBLIC rough 0.0
PUBLIC mode {off,on}
PUBLIC title ""
ON fine
  THEN rough = fine
ON x.y
  THEN mode = x.y
  THEN title = mode
"""
    house = Living(m=text)
    assert house.send("m.fine = 0.250") == ["m.rough = 0.2"]
    assert house.send('x.y = "ON"') == ['m.mode = "on"', 'm.title = "on"']
    assert house.send('x.y = "up"')[0].startswith('$log.failed = "m.scc:10: ')


def test_enumerations_with_common_members_compare_by_name() -> None:
    text = """\
MODULE m
SUBSCRIBE a {low,high}
SUBSCRIBE b {off,LOW}
PUBLIC same {false,true}
ON a OR b
  THEN same = a == b
"""
    house = Living(m=text)
    assert house.send('m.b = "low"') == ["m.same = true"]
    assert house.send('m.a = "high"') == ["m.same = false"]


def test_a_number_is_compared_with_all_its_digits() -> None:
    text = """\
MODULE m
SUBSCRIBE x 0
PUBLIC n 0
ON x > 30.5
  THEN n = 1
ON x >= 30.5
  THEN n = 2
ON x < -30.5
  THEN n = 3
ON x <= -29.5
  THEN n = 4
ON x
  THEN n = 5
"""
    house = Living(m=text)
    seen = [house.send(f"m.x = {x}")[0][-1] for x in (31, 30, -31, -30, -29)]
    assert seen == ["1", "5", "3", "4", "5"]


def test_expressions_are_exact_and_rounded_half_even_when_stored() -> None:
    text = """\
MODULE m
SUBSCRIBE x 0.00
PUBLIC a 0.0
PUBLIC b 0.000
PUBLIC c 0
PUBLIC d 0.0
ON x
  THEN a = x + 0.10 * 2
  THEN b = (x - 1) / 3
  THEN c = max(abs(-x), min(3, 4, 2), -5)
  THEN d = round(x, 1) - round(x)
"""
    assert Living(m=text).send("m.x = 2.25") == [
        "m.a = 2.4",
        "m.b = 0.417",
        "m.c = 2",
        "m.d = 0.2",
    ]


def test_other_domains_are_heard_by_their_whole_name() -> None:
    text = """\
MODULE m
SUBSCRIBE net.example.gate.door {open,shut}
SUBSCRIBE net.example.gate.Bell AS bell
PUBLIC n 0
ON net.example.gate.door.open OR bell
  THEN n++
ON net.example.gate.door
  THEN ignore
"""
    house = Living(m=text)
    assert house.send('net.example.gate.door = "open"', "net.example.gate.bell") == [
        "m.n = 1",
        "m.n = 2",
    ]


def test_a_variable_can_be_published_to_an_independent_topic_under_a_local_name() -> None:
    text = """\
MODULE m
SUBSCRIBE x.y
PUBLIC livingRoom.Lamp1 {on,off} AS lamp
ON x.y
  THEN lamp.off
"""
    assert Living(m=text).send("x.y") == ['livingRoom.lamp1 = "off"']


def test_case_does_not_matter_but_for_modules() -> None:
    text = """\
module Lamp
subscribe Button.PRESS
subscription Mode {Off, AUTO}
Publish State {On,oFF}
on BUTTON_is_not_it.x
  then ignore
On button.x
  Then ignore
"""
    text = text.replace("on BUTTON_is_not_it.x\n  then ignore\nOn button.x\n  Then ignore\n", "")
    text += "on button.press\n  AND MODE == auto\n  then STATE.ON\nOn mode\n  Then Ignore\n"
    text += "ON BUTTON.press\n THEN state=OFF\n"
    house = Living(Lamp=text)
    assert house.send("Button.press") == ['Lamp.state = "off"']
    assert house.send('Lamp.mode = "AUTO"', "Button.press") == ['Lamp.state = "on"']


def test_words_are_keywords_only_where_one_is_expected() -> None:
    text = """\
MODULE m
SUBSCRIBE on {on, off, and, or, not, then, as}
SUBSCRIBE then.when AS if
PRIVATE not {not, true_}
PUBLIC and {or, with}
ON on.not
  AND not == not AND NOT not == true_
  THEN and = with
ON on == and OR on == or
  THEN and = or
ON on
  THEN ignore
ON if
  THEN next(and)
"""
    house = Living(m=text)
    assert house.send('m.on = "not"') == ['m.and = "with"']
    assert house.send('m.on = "or"') == ['m.and = "or"']
    assert house.send("then.when") == ['m.and = "with"']


def test_a_member_comes_before_a_variable_of_the_same_name() -> None:
    text = """\
MODULE m
SUBSCRIBE x.y
PUBLIC state {on,off}
PRIVATE off {off,on} = on
PRIVATE wish {off,on} = on
ON x.y
  AND state == wish
  THEN state = off
ON x.y
  THEN state = wish
"""
    house = Living(m=text)
    assert house.send("x.y") == ['m.state = "off"']
    assert house.send("x.y") == ['m.state = "on"']


def test_either_side_of_a_comparison_may_be_the_word() -> None:
    text = """\
MODULE m
SUBSCRIBE mode {off,on}
SUBSCRIBE temp 0
PUBLIC n 0
ON on == mode
  THEN n = 1
ON mode
  THEN n = 2
ON 30 < temp
  THEN n = 3
ON temp
  THEN n = 4
"""
    house = Living(m=text)
    sent = ('m.mode = "on"', 'm.mode = "off"', "m.temp = 31", "m.temp = 30")
    assert [house.send(message)[0][-1] for message in sent] == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("declaration", "initial"),
    [
        ("{off,auto,on}", '"off"'),
        ("{off,auto,on} = AUTO", '"auto"'),
        ("{false,true}", "false"),
        ("{true,false}", "true"),
        ("{false, true} = true", "true"),
        ("true", "true"),
        ("0", "0"),
        ("5", "5"),
        ("-0.50", "-0.50"),
        ("0.00", "0.00"),
        ("0.00 = 20.5", "20.50"),
        ("{0.00-1.00}", "0.00"),
        ("{-40-}", "0"),
        ("{-40--10}", "-40"),
        ("{5-30} = 20", "20"),
        ("{5-30.5}", "5.0"),
        ('"hello"', '"hello"'),
        ('""', '""'),
        ('"" = "there"', '"there"'),
        ("00:00", '"00:00"'),
        ("3:00pm", '"15:00"'),
        ("12:00am", '"00:00"'),
        ("12:30 PM", '"12:30"'),
        ("00:00 = midnight", '"00:00"'),
        ("00:00 = noon", '"12:00"'),
    ],
)
def test_a_variable_starts_at(declaration: str, initial: str) -> None:
    house = Living(m=f"MODULE m\nPRIVATE x {declaration}\n")
    assert house.value("m.x") == initial


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_editors_end_them(end: str) -> None:
    house = Living(lamp1=LAMP.replace("\n", end))
    assert house.send("button1.press") == ['lamp1.state = "off"']


def test_blanks_tabs_and_comments_carry_no_meaning() -> None:
    text = LAMP.replace("    ", "\t").replace("==", "  ==\t").replace("\n", "   // why\n\n")
    assert Living(lamp1=text).send("button1.press") == ['lamp1.state = "off"']


def test_slashes_in_a_text_are_no_comment() -> None:
    text = 'MODULE m\nSUBSCRIBE x.y\nPUBLIC t ""\nON x.y\nTHEN t = "http://x" // link\n'
    assert Living(m=text).send("x.y") == ['m.t = "http://x"']


def test_modules_feed_each_other_within_one_input() -> None:
    switch = "MODULE switch1\nSUBSCRIBE b.x\nPUBLIC state {off,on}\nON b.x\nTHEN next(state)\n"
    lamp = """\
MODULE lamp1
SUBSCRIBE switch1.state {off,on}
PUBLIC light {off,on}
ON switch1.state
  THEN light = switch1.state
"""
    house = Living(switch1=switch, lamp1=lamp)
    assert house.send("b.x") == ['switch1.state = "on"', 'lamp1.light = "on"']
