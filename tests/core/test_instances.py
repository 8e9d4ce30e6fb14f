"""Keyed modules: a class, its instances, and which of them a message is a cycle of."""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import Any

import pytest

from myocan.hub.core import At, Core, Op, Program, Role, Tag, Type, Variable, When
from myocan.hub.core.scalars import parse_scalar, scalar_json

LAMP = ("", "lamp", "state")
EVENT, STATE, ALL_OFF, MASTER, OFF, NEW, GONE, LAST = range(8)
VARIABLES = (
    Variable("event", Role.SUBSCRIBE, Type.ENUMERATION, ("", "lamp", "event"), members=("toggle",),
             line=2, keyed=True),
    Variable("state", Role.PUBLIC, Type.ENUMERATION, LAMP, members=("off", "on"), line=3,
             keyed=True),
    Variable("allOff", Role.SUBSCRIBE, Type.ANY, ("", "lamp", "alloff"), line=4),
    Variable("master", Role.SUBSCRIBE, Type.ENUMERATION, ("", "lamp", "master"),
             members=("off", "on"), line=5),
    Variable("off", Role.TIMER, Type.EVENT, ("", "lamp", "off"), duration_ms=5000, line=6,
             keyed=True),
    Variable("new", Role.SUBSCRIBE, Type.ANY, ("", "lamp", "new"), line=7),
    Variable("gone", Role.SUBSCRIBE, Type.ANY, ("", "lamp", "gone"), line=8),
    Variable("last", Role.PUBLIC, Type.TEXT, ("", "lamp", "last"), initial="", line=9),
)  # fmt: skip
ENDS = [(Op.MATCHED,), (Op.UNMATCHED,)]


def lamp(**changes: Any) -> Program:
    """A lamp for each key, written out as the compiler would."""
    code: list[int] = []

    def put(*instructions: tuple[int, ...]) -> int:
        start = len(code)
        for instruction in instructions:
            code.extend((*map(int, instruction), *(0,) * (4 - len(instruction))))
        return start

    toggles = put((Op.NEXT, STATE), (Op.START, OFF, 5000), *ENDS)
    all_off = put((Op.SET, STATE, 0), (Op.CANCEL, OFF), *ENDS)
    runs_out = put((Op.SET, STATE, 0), *ENDS)
    new = put((Op.LOAD_TEXT, NEW), (Op.CREATE,), (Op.LOAD_TEXT, NEW), (Op.STORE_TEXT, LAST), *ENDS)
    gone = put((Op.LOAD_TEXT, GONE), (Op.DROP,), *ENDS)
    is_on = put((Op.UNLESS_EQ, len(code) + 8, MASTER, 1), *ENDS)
    turns_on = put((Op.SET, STATE, 1), (Op.PIECE_KEY,), (Op.LOG, 0), (Op.MATCHED,))
    return replace(
        Program(
            "lamp",
            VARIABLES,
            tuple(code),
            entries={NEW: new, GONE: gone},
            keyed_entries={EVENT: toggles, ALL_OFF: all_off, OFF: runs_out},
            whens=(When(is_on, turns_on, (MASTER,), 12, keyed=True),),
            lines=((toggles, 10), (all_off, 11), (is_on, 12)),
            ats=(At("night.0", "{}", all_off, 13, keyed=True),),
            key="location",
        ),
        **changes,
    )


class House:
    """A core with one lamp module, spoken to in words."""

    def __init__(self, program: Program | None = None) -> None:
        self.core = Core()
        self.core.link([program or lamp()])
        self.now = 1000

    def send(self, variable: str, value: str = "null", key: str = "") -> list[str]:
        """Send a message; return what followed, a line each, and check that changes add up."""
        core = self.core
        before = core.snapshot()
        tag, number = parse_scalar(value, core.intern)
        instance = core.intern(key) if key else -1
        core.run(
            array("q", (core.topic(("", "lamp", variable)),)),
            array("q", (tag,)),
            array("q", (number,)),
            self.now,
            array("q", (instance,)),
        )
        for _row, slot, changed, changed_value, changed_key in core.changes():
            module, name = core.name_of(slot)
            of = (module, name, core.texts[changed_key] if changed_key >= 0 else "")
            if changed == Tag.FORGOTTEN:
                before.pop(of, None)
            else:
                before[of] = scalar_json(changed, changed_value, core.texts)
        assert before == core.snapshot()
        return [self._line(row) for row in core.rows()[1:]]

    def _line(self, row: tuple[int, ...]) -> str:
        topic, tag, value, _module, _cause, _pc, key = row
        _domain, module, variable = self.core.topics[topic]
        where = f"[{self.core.texts[key]}]" if key >= 0 else ""
        text = scalar_json(tag, value, self.core.texts)
        return f"{module}{where}.{variable} = {text}"

    def bear(self, *keys: str) -> House:
        for key in keys:
            self.send("$instances", "true", key)
        return self


def test_a_message_with_a_key_is_a_cycle_of_that_instance_alone() -> None:
    house = House().bear("kitchen", "hall")
    assert house.send("event", '"toggle"', "kitchen") == ['lamp[kitchen].state = "on"']
    assert house.core.read("lamp", "state", "kitchen") == (Tag.TEXT, house.core.intern("on"))
    assert house.core.read("lamp", "state", "hall") == (Tag.TEXT, house.core.intern("off"))
    assert house.send("event", '"toggle"', "kitchen") == ['lamp[kitchen].state = "off"']


def test_instances_take_turns_in_one_window_without_mixing() -> None:
    keys = [f"room {number}" for number in range(40)]
    house = House().bear(*keys)
    for number in range(400):
        key = keys[number * number % 40]
        house.now += 1
        house.send("event", '"toggle"', key)
    pressed = [sum(keys[n * n % 40] == key for n in range(400)) for key in keys]
    for key, count in zip(keys, pressed, strict=True):
        expected = house.core.intern("on" if count % 2 else "off")
        assert house.core.read("lamp", "state", key) == (Tag.TEXT, expected)


def test_a_message_without_a_key_reaches_every_instance_in_the_order_of_keys() -> None:
    house = House().bear("b", "a", "C")
    for key in "abC":
        house.send("event", '"toggle"', key)
    assert house.send("alloff") == [f'lamp[{key}].state = "off"' for key in "Cab"]
    assert house.send("alloff") == []


def test_a_change_of_the_class_is_seen_by_the_whens_of_the_instances() -> None:
    house = House().bear("a", "b")
    assert house.send("master", '"on"') == [
        'lamp[a].state = "on"', '$log.info = "a"', 'lamp[b].state = "on"', '$log.info = "b"',
    ]  # fmt: skip
    assert house.send("master", '"on"') == []


def test_an_on_of_the_class_creates_an_instance_that_lives_from_then_on() -> None:
    house = House()
    assert house.send("new", '"hall"') == ['lamp.last = "hall"', "lamp[hall].$instances = true"]
    assert house.send("new", '"hall"') == []
    assert house.core.instances("lamp") == ["hall"]
    assert house.send("event", '"toggle"', "hall") == ['lamp[hall].state = "on"']


def test_a_dropped_instance_is_forgotten_and_starts_fresh() -> None:
    house = House().bear("hall")
    house.send("event", '"toggle"', "hall")
    assert house.send("gone", '"hall"') == ["lamp[hall].$instances = null"]
    assert house.send("gone", '"hall"') == []
    assert house.core.read("lamp", "state", "hall") is None
    house.bear("hall")
    assert house.core.snapshot() == {
        ("lamp", "gone", ""): '"hall"', ("lamp", "$instances", "hall"): "true",
    }  # fmt: skip


@pytest.mark.parametrize("key", ['""', "3", '"%s"' % ("ä" * 33)])
def test_what_cannot_be_a_key_fails_the_cycle(key: str) -> None:
    house = House()
    (record,) = house.send("new", key)
    assert "failed: a key that is no text" in record
    assert house.core.snapshot() == {}


def test_a_message_for_an_unknown_key_says_how_to_create_it() -> None:
    (record,) = House().send("event", '"toggle"', "attic")
    assert record.startswith('$log.unhandled = "lamp.scc:2: event[attic] = ')
    assert "myocan instance create lamp attic" in record
    assert "MODULE lamp[location]" in record


def test_a_message_without_the_key_that_it_needs_says_so() -> None:
    (record,) = House().bear("hall").send("event", '"toggle"')
    assert "$log.unhandled" in record
    assert "needs a key" in record


def test_with_auto_the_first_message_creates_the_instance() -> None:
    house = House(lamp(auto=True))
    assert house.send("event", '"toggle"', "attic") == [
        "lamp[attic].$instances = true", 'lamp[attic].state = "on"',
    ]  # fmt: skip
    assert house.send("event", '"toggle"', "attic") == ['lamp[attic].state = "off"']


def test_a_message_that_does_not_fit_creates_nothing() -> None:
    house = House(lamp(auto=True))
    (record,) = house.send("event", '"bang"', "attic")
    assert "$log.rejected" in record
    assert house.core.instances("lamp") == []


def test_timers_run_out_for_their_own_instance() -> None:
    house = House().bear("a", "b")
    house.send("event", '"toggle"', "a")
    house.now += 2000
    house.send("event", '"toggle"', "b")
    house.now += 3000
    assert house.send("off", key="a") == ['lamp[a].state = "off"']
    (early,) = house.send("off", key="b")
    assert "is a timer that is not due" in early
    house.now += 2000
    assert house.send("off", key="b") == ['lamp[b].state = "off"']


def test_an_at_of_the_instances_runs_in_each() -> None:
    house = House().bear("b", "a")
    house.send("master", '"on"')
    assert house.send("%%at%%", '"[\\"night.0\\"]"') == [
        'lamp[a].state = "off"', 'lamp[b].state = "off"',
    ]  # fmt: skip


@pytest.mark.parametrize(("value", "key"), [("true", ""), ("3", "hall"), ('"on"', "hall")])
def test_a_birth_that_says_nothing_sensible_is_rejected(value: str, key: str) -> None:
    house = House()
    (record,) = house.send("$instances", value, key)
    assert "$log.rejected" in record
    assert house.core.instances("lamp") == []


def test_a_snapshot_with_instances_is_restored_elsewhere_and_over_new_programs() -> None:
    house = House().bear("b", "a")
    house.send("event", '"toggle"', "a")
    house.send("new", '"c"')
    snapshot = house.core.snapshot()
    other = House()
    for (module, name, key), text in snapshot.items():
        assert other.core.restore(module, name, *parse_scalar(text, other.core.intern), key)
    assert other.core.snapshot() == snapshot
    other.core.link([lamp(texts=("something new",))])
    assert other.core.snapshot() == snapshot
    assert other.core.instances("lamp") == ["a", "b", "c"]
    other.core.link([])
    assert other.core.snapshot() == {}


def test_instances_without_a_variable_of_their_own_live_all_the_same() -> None:
    bell = Variable("ring", Role.SUBSCRIBE, Type.ANY, ("", "lamp", "ring"), line=2)
    house = House(Program("lamp", (bell,), (), key="location"))
    keys = [f"room {number}" for number in range(20)]
    house.bear(*keys)
    assert house.core.instances("lamp") == sorted(keys)
    assert house.send("ring", "true") == []
    for key in keys[1:]:
        house.send("$instances", "null", key)
    assert house.core.instances("lamp") == ["room 0"]


def test_a_value_of_an_instance_that_does_not_live_is_not_restored() -> None:
    core = House().core
    assert not core.restore("lamp", "state", Tag.TEXT, core.intern("on"), "hall")
    assert not core.restore("lamp", "state", Tag.TEXT, core.intern("on"))
    assert not core.restore("lamp", "last", Tag.TEXT, core.intern("on"), "hall")
    assert core.read("lamp", "state") is None


def test_the_trail_of_a_cycle_tells_what_code_it_ran() -> None:
    house = House().bear("a")
    house.core.tracing = True
    house.send("event", '"toggle"', "a")
    ((row, module, key, pcs),) = house.core.trail()
    assert (row, module, house.core.texts[key]) == (0, 0, "a")
    assert pcs == [0, 4, 8]
    assert house.core.line(pcs[0]) == 10
