"""What rules of a keyed module do, what maps hold, what attributes tell."""

from __future__ import annotations

import pytest

from lang.living import Living
from myocan.hub.lang import compile_module

LAMP = """\
MODULE lamp[location]
    SUBSCRIBE event[location] {toggle}
    SUBSCRIBE instance
    SUBSCRIBE gone
    SUBSCRIBE all {off,on}
    SUBSCRIBE switch[location].state {on,off}
    PRIVATE instanceCount 0
    PRIVATE presses[location] 0
    PUBLIC state[location] {on,off}
    TIMER off[location] 5 minutes
    ON instance
      THEN create(instance)
      THEN instanceCount++
    ON gone
      THEN drop(gone)
    ON event.toggle
      THEN next(state[location])
      THEN presses[location]++
      THEN start(off)
    ON switch[location].state.on
      THEN state[location].on
    ON switch.state
      AND location != "attic"
      THEN state=off
    ON all.off
      AND state.on
      THEN state.off
    ON all
      AND state.off
      THEN ignore
    ON off
      THEN log(location, "goes out after", presses)
      THEN state.off
"""


def house(*born: str, **texts: str) -> Living:
    living = Living(**(texts or {"lamp": LAMP}))
    for key in born:
        living.send(f'lamp.instance = "{key}"')
    return living


def test_create_lets_an_instance_be_born_once() -> None:
    living = Living(lamp=LAMP)
    assert living.send('lamp.instance = "hall"') == ["lamp[hall] = true"]
    assert living.send('lamp.instance = "hall"') == []
    assert living.core.instances("lamp") == ["hall"]
    assert living.value("lamp.instanceCount") == "2"


def test_each_instance_has_its_own_variables() -> None:
    living = house("hall", "attic")
    assert living.send('lamp[hall].event = "toggle"') == ['lamp[hall].state = "off"']
    assert living.send('lamp[hall].event = "toggle"') == ['lamp[hall].state = "on"']
    assert living.send('lamp[attic].event = "toggle"') == ['lamp[attic].state = "off"']
    assert living.value("lamp[hall].presses") == "2"
    assert living.value("lamp[attic].presses") == "1"


def test_an_instance_hears_the_same_key_of_another_module() -> None:
    living = house("hall", "attic")
    assert living.send('switch[hall].state = "on"') == ['lamp[hall].state = "on"']
    assert living.send('switch[hall].state = "off"') == ['lamp[hall].state = "off"']


def test_ones_own_key_is_a_value() -> None:
    living = house("hall", "attic")
    living.send('switch[hall].state = "on"', 'switch[attic].state = "on"')
    assert living.send('switch[hall].state = "off"') == ['lamp[hall].state = "off"']
    (record,) = living.send('switch[attic].state = "off"')
    assert record.startswith("$log.unhandled")


def test_a_message_for_all_runs_in_every_instance_in_the_order_of_keys() -> None:
    living = house("hall", "attic")
    living.send('switch[hall].state = "on"', 'switch[attic].state = "on"')
    said = living.send('lamp.all = "off"')
    assert said == ['lamp[attic].state = "off"', 'lamp[hall].state = "off"']


def test_a_timer_of_an_instance_is_its_own() -> None:
    living = house("hall", "attic")
    living.send('lamp[hall].event = "toggle"', 'lamp[hall].event = "toggle"')
    living.send("2 minutes later")
    living.send('lamp[attic].event = "toggle"', 'lamp[attic].event = "toggle"')
    assert living.send("3 minutes later") == [
        'lamp[hall].state = "off"',
        '$log.info = "hall goes out after 2"',
    ]
    assert living.send("2 minutes later")[-1] == '$log.info = "attic goes out after 2"'


def test_a_message_for_an_unknown_key_says_how_to_create_it() -> None:
    (record,) = house().send('lamp[cellar].event = "toggle"')
    assert record.startswith("$log.unhandled")
    assert "create" in record


def test_auto_creates_with_the_first_message() -> None:
    text = LAMP.replace("MODULE lamp[location]", "MODULE lamp[location] AUTO")
    assert house(lamp=text).send('lamp[cellar].event = "toggle"') == [
        "lamp[cellar] = true",
        'lamp[cellar].state = "off"',
    ]


def test_one_dropped_and_created_again_starts_fresh() -> None:
    living = house("hall")
    living.send('lamp[hall].event = "toggle"')
    assert living.send('lamp.gone = "hall"') == ["lamp[hall]"]
    assert living.send('lamp.instance = "hall"') == ["lamp[hall] = true"]
    assert living.value("lamp[hall].presses") == "0"


def test_the_first_on_wins_across_what_is_of_all_and_what_is_of_one() -> None:
    text = """\
MODULE lamp[location]
SUBSCRIBE instance
SUBSCRIBE all 0
PUBLIC level[location] 0
PUBLIC top 0
ON instance
  THEN create(instance)
ON all > 9
  THEN top = all
ON all
  THEN level = all
"""
    living = house("hall", lamp=text)
    assert living.send("lamp.all = 10") == ["lamp.top = 10"]
    assert living.send("lamp.all = 3") == ["lamp[hall].level = 3"]


def test_one_named_instance_is_heard_by_all() -> None:
    text = """\
MODULE watch
SUBSCRIBE lamp[hall].state {on,off} AS hall
SUBSCRIBE lamp["bath room"].state {on,off}
PUBLIC seen ""
ON hall
  THEN seen = hall
ON lamp["bath room"].state
  THEN seen = "bath"
"""
    living = house("hall", "attic", "bath room", lamp=LAMP, watch=text)
    assert 'watch.seen = "off"' in living.send('lamp[hall].event = "toggle"')
    assert living.send('lamp[attic].event = "toggle"') == ['lamp[attic].state = "off"']
    assert 'watch.seen = "bath"' in living.send('lamp[bath room].event = "toggle"')


# Maps.

MAP = """\
MODULE rooms
SUBSCRIBE room
SUBSCRIBE go {a,b,c,d,e,f}
SUBSCRIBE amount 0.5
PUBLIC mode[room] {auto,manual,off}
PUBLIC level[room] {0.0-9.9}
PUBLIC flag[room] {false,true}
PUBLIC title[room] ""
PUBLIC wake[room] 07:00
PUBLIC bell[room]
PUBLIC last {auto,manual,off}
ON room
  THEN ignore
ON amount
  THEN level[room] = amount
ON go.a
  THEN mode["hall"] = manual
  THEN next(mode[room])
ON go.b
  AND mode["hall"].manual
  AND mode[room] != mode["hall"]
  THEN level[room]++
  THEN level["hall"] = level[room] + 1.5
  THEN level["attic"] = level["hall"]
ON go.c
  AND level["hall"] > 2 AND NOT flag[room]
  THEN flag[room] = level[room] < level["hall"]
  THEN title[room] = "x"
  THEN title["hall"] = title[room]
  THEN wake[room] = 08:30
  THEN wake["hall"] = wake[room]
ON go.d
  THEN activate(bell[room])
  THEN log(mode[room], level["hall"], title[room], wake["cellar"])
ON go.e
  AND flag[room] AND title[room] == "x" AND wake[room] >= 8:00
  THEN last = mode[room]
  THEN mode["attic"] = last
ON go.f
  THEN ignore
WHEN mode["hall"].off
  THEN last = off
"""


def test_a_map_has_a_value_for_each_key() -> None:
    assert [str(d) for d in compile_module(MAP, "rooms").diagnostics] == []
    living = Living(rooms=MAP)
    living.send('rooms.room = "bath"')
    assert living.send('rooms.go = "a"') == [
        'rooms[bath].mode = "manual"',
        'rooms[hall].mode = "manual"',
    ]
    assert living.send('rooms.go = "a"') == ['rooms[bath].mode = "off"']
    assert living.send('rooms.go = "b"') == [
        "rooms[attic].level = 2.5",
        "rooms[bath].level = 1.0",
        "rooms[hall].level = 2.5",
    ]
    assert living.send('rooms.go = "c"') == [
        "rooms[bath].flag = true",
        'rooms[bath].title = "x"',
        'rooms[hall].title = "x"',
        'rooms[bath].wake = "08:30"',
        'rooms[hall].wake = "08:30"',
    ]
    assert living.send('rooms.go = "d"') == [
        "rooms[bath].bell",
        '$log.info = "off 2.5 x 07:00"',
    ]
    assert living.send('rooms.go = "e"') == ['rooms[attic].mode = "off"', 'rooms.last = "off"']
    assert living.send("rooms.amount = 3.25") == ["rooms[bath].level = 3.2"]


def test_a_when_sees_a_change_of_the_value_it_looks_at_only() -> None:
    living = Living(rooms=MAP)
    living.send('rooms.room = "hall"')
    assert living.send('rooms.go = "a"') == ['rooms[hall].mode = "off"', 'rooms.last = "off"']
    living.send('rooms.room = "bath"')
    assert living.send('rooms.go = "a"') == [
        'rooms[bath].mode = "manual"',
        'rooms[hall].mode = "manual"',
    ]


def test_what_is_no_key_fails_the_cycle() -> None:
    (record,) = Living(rooms=MAP).send('rooms.go = "d"')
    assert record.startswith("$log.failed")


# Attributes.


def test_attributes_tell_of_the_last_message() -> None:
    text = """\
MODULE m
SUBSCRIBE motion.seen
SUBSCRIBE clock.tick
PUBLIC idle 0.000
PUBLIC seen 0.000
PUBLIC topic ""
PRIVATE light {off,on}
ON motion.seen
  THEN light.on
  THEN topic = motion.seen#topic
  THEN seen = motion.seen#timestamp
ON clock.tick
  AND system.clock#now - motion.seen#timestamp > 60
  THEN idle = system.clock#now - light#modified
ON clock.tick
  THEN ignore
"""
    living = Living(m=text)
    said = living.send("motion.seen")
    assert said == ["m.seen = 1000.000", 'm.topic = "motion.seen"']
    assert living.send("clock.tick") == []
    living.now_ms += 90_500
    assert living.send("clock.tick") == ["m.idle = 90.500"]


def test_attributes_of_an_instance_are_its_own() -> None:
    text = """\
MODULE m[room] AUTO
SUBSCRIBE motion[room].seen
PUBLIC at[room] 0.000
ON motion.seen
  THEN at = motion[room].seen#timestamp
"""
    living = Living(m=text)
    living.send("motion[a].seen")
    living.now_ms += 1000
    assert living.send("motion[b].seen")[-1] == "m[b].at = 1001.000"
    assert living.value("m[a].at") == "1000.000"


def test_the_clock_and_the_house_can_be_asked() -> None:
    text = """\
MODULE m
SUBSCRIBE go.go
PUBLIC said ""
PUBLIC hour 0
PUBLIC early 00:00
PUBLIC where ""
ON go.go
  AND system.clock#time < noon
  AND system.clock#hour == 0 AND system.clock#weekday.saturday
  THEN said = system.module#name
  THEN hour = system.clock#hour * 60 + system.clock#minute
  THEN early = system.clock#time
  THEN where = system.agent#name
ON go.go
  THEN ignore
"""
    living = Living(m=text)
    assert living.send("go.go") == []
    living.send('$clock.weekday = "saturday"', '$config.agent = "porch"')
    assert living.send("go.go") == [
        'm.said = "m"',
        "m.hour = 16",
        'm.early = "00:16"',
        'm.where = "porch"',
    ]


def test_a_call_is_a_message_with_what_it_is_told() -> None:
    text = """\
MODULE m[room] AUTO
EXTERNAL notify
SUBSCRIBE door[room].state {open,shut}
PRIVATE count[room] 0
ON door.state
  THEN count++
  THEN Notify("door", room, count, count / 2, door.state.open, 15:00, door.state)
"""
    said = Living(m=text).send('door[hall].state = "open"')
    assert said[0] == "m[hall] = true"
    (call,) = said[1:]
    assert call.endswith('= "[\\"door\\",\\"hall\\",1,0.5,true,\\"15:00\\",\\"open\\"]"')
    assert call.startswith("$external")


@pytest.mark.parametrize(("value", "same"), [("3", True), ('"x"', False), ("null", False)])
def test_whatever_arrives_is_compared_with_a_number_without_fail(value: str, same: bool) -> None:
    text = """\
MODULE m
SUBSCRIBE x.y
PRIVATE n 3
PUBLIC said {no,yes}
ON x.y == n
  AND x.y == n + 0
  THEN said.yes
ON x.y != n
  AND x.y != n * 1
  THEN said.no
"""
    said = Living(m=text).send(f"x.y = {value}")
    assert said == ['m.said = "yes"' if same else 'm.said = "no"']


def test_what_no_instance_takes_can_be_ignored_below() -> None:
    text = """\
MODULE lamp[location]
SUBSCRIBE instance
SUBSCRIBE all {off,on}
PUBLIC state[location] {on,off}
ON instance
  THEN create(instance)
ON all
  AND location == "hall"
  THEN state = all
ON all.off
  THEN ignore
"""
    living = house("attic", lamp=text)
    assert living.send('lamp.all = "off"') == []
    (record,) = living.send('lamp.all = "on"')
    assert record.startswith("$log.unhandled")
    living = house("attic", "hall", lamp=text)
    assert living.send('lamp.all = "off"') == ['lamp[hall].state = "off"']
