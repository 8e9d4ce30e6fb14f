"""A module in Python goes through cycles as rules do."""

from __future__ import annotations

import subprocess
import sys

from myocan.hub.core.scalars import parse_scalar
from python.playing import HEAD, Play, program_of

LAMP = """
class Lamp(Module):
    state: Literal["off", "on"] = "off"
    level: int = field(default=3, ge=0, le=10, unit="%")
    warmth: Decimal = Decimal("2.50")
    _count: int = 0
    mode: Literal["auto", "manual"] = hears("switch1.mode")
    light: Decimal = hears("garden.light", default="0.0")
    wake: time = time(6, 30)
    name: str = "hall"
    lit: bool = False
    over = timer("5 minutes")
    opened = event()
    notify = calls()
    ask: Literal["no", "yes"] = publishes("lamp2.event")

    @on("button1.press")
    def pressed(self):
        self.state = "off" if self.state == "on" else "on"
        self._count += 1
        self.over.start()

    @on("over")
    def ends(self):
        self.state = "off"

    @on("dial.turn")
    def turned(self, value):
        self.level = value

    @on("all.kinds")
    def kinds(self, value):
        self.warmth = self.warmth * 2
        self.lit = not self.lit
        self.name = f"{self.name} {value!r}"
        self.wake = self.wake.replace(hour=self.wake.hour + 1)
        self.ask = "yes"
        self.opened()
        self.log(f"it is {self.now:%H:%M}")
        self.notify("x", 5, Decimal("1.50"), True, None)

    @on("two.steps", "first")
    def first(self):
        self.level = 1

    @on("two.steps", "second", 2, True)
    def second(self, value):
        self.level = 2

    @on("two.steps", "bad")
    def bad(self):
        self.level = 5
        self.warn("never said")
        self.opened()
        raise ValueError("too late")

    @when(lambda my: my.is_dark() and my.mode == "auto")
    def gets_dark(self):
        self.state = "on"

    def is_dark(self):
        return self.light < 10
"""


def lamp() -> Play:
    return Play(program_of(LAMP))


def test_a_method_changes_variables_and_they_are_published_in_declared_order() -> None:
    play = lamp()
    assert play.send("button1.press") == ['lamp1.state = "on"']
    assert play.changed() == {
        "state": '"on"', "_count": "1", "over": "300000", "button1.press": "null",
    }  # fmt: skip
    assert play.send("button1.press") == ['lamp1.state = "off"']
    assert play.read("_count") == "2"


def test_a_message_knows_the_line_that_sent_it() -> None:
    play = lamp()
    text = HEAD + LAMP
    play.send("button1.press")
    line = text.split("\n")[play.lines['lamp1.state = "on"'] - 1]
    assert line.strip() == 'self.state = "off" if self.state == "on" else "on"'
    play.send("garden.light", "5.0")
    assert play.send("switch1.mode", '"auto"') == []
    play.send("button1.press")
    assert play.send("garden.light", "3.0") == ['lamp1.state = "on"']
    line = text.split("\n")[play.lines['lamp1.state = "on"'] - 1]
    assert line.strip() == 'self.state = "on"'


def test_a_timer_runs_out_and_is_cancelled_by_starting_anew() -> None:
    play = lamp()
    play.send("button1.press")
    play.now_ms = 299_999
    assert "is a timer that is not due" in play.send("lamp1.over")[0]
    play.now_ms = 300_000
    assert play.send("lamp1.over") == ['lamp1.state = "off"']


def test_every_kind_of_value_goes_in_and_out() -> None:
    play = lamp()
    play.now_ms = 11 * 3_600_000
    assert play.send("$clock.offset", "90") == []
    assert play.send("all.kinds", "5") == [
        "lamp1.warmth = 5.00",
        'lamp1.wake = "07:30"',
        """lamp1.name = "hall 5\"""",
        "lamp1.lit = true",
        "lamp1.opened = null",
        'lamp2.event = "yes"',
        "$log.info = it is 12:30",
        '$external.notify = "[\\"x\\",5,1.50,true,null]"',
    ]
    for said, seen in (("5.25", "Decimal('5.25')"), ("true", "True"), ("null", "None")):
        assert f"hall 5 {seen}" in play.send("all.kinds", said)[2]
        play.core.restore("lamp1", "name", -3, play.core.intern("hall 5"))


def test_the_first_method_that_wants_a_value_takes_it() -> None:
    play = lamp()
    assert play.send("two.steps", '"first"') == ["lamp1.level = 1"]
    assert play.send("two.steps", '"SECOND"') == ["lamp1.level = 2"]
    assert play.send("two.steps", '"first"') == ["lamp1.level = 1"]
    assert play.send("two.steps", "2.0") == ["lamp1.level = 2"]
    play.send("two.steps", '"first"')
    assert play.send("two.steps", "true") == ["lamp1.level = 2"]
    for unwanted in ("1", "false", '"third"', "null"):
        (record,) = play.send("two.steps", unwanted)
        assert record.startswith("$log.unhandled = lamp1.py:")
        assert "no @on" in record


def test_what_a_method_raises_undoes_its_cycle_and_is_told_with_the_line() -> None:
    play = lamp()
    (record,) = play.send("two.steps", '"bad"')
    line = 1 + (HEAD + LAMP).split("\n").index('        raise ValueError("too late")')
    assert record == (
        f'$log.failed = lamp1.py:{line}: two.steps = "bad" failed: ValueError: too late; the whole '
        "cycle was undone"
    )
    assert play.changed() == {}
    assert play.read("level") == "3"
    assert play.send("button1.press") == ['lamp1.state = "on"']


def test_a_value_that_does_not_fit_fails_the_cycle_and_says_what_fits() -> None:
    play = lamp()
    for said, told in (
        ("11", "level is a number from 0 to 10, not 11"),
        ('"x"', "level is a number from 0 to 10, not 'x'"),
        ("true", "level is a number from 0 to 10, not True"),
        ("null", "level is a number from 0 to 10, not None"),
    ):
        (record,) = play.send("dial.turn", said)
        assert told in record
    assert play.send("dial.turn", "2.5") == ["lamp1.level = 2"]  # half to even
    assert play.send("dial.turn", "3.5") == ["lamp1.level = 4"]


def test_a_text_with_a_pattern_is_nothing_else() -> None:
    play = Play(program_of("""
        class Gate(Module):
            plate: str = field(default="A-1", pattern="[A-Z]+-[0-9]+")
            heard: str = hears("desk.said", field(default="x", pattern="[a-zA-Z0-9-]+"))

            @on("heard")
            def said(self, value):
                self.plate = value
        """))  # fmt: skip
    assert play.send("desk.said", '"KA-17"') == ['lamp1.plate = "KA-17"']
    assert (
        "plate is a text that matches [A-Z]+-[0-9]+, not 'KA17'"
        in (play.send("desk.said", '"KA17"')[0])
    )
    assert "does not fit: expected a text that matches" in play.send("desk.said", '"KA 17"')[0]
    assert play.read("plate") == '"KA-17"'


MANY = """
    class Evening(Module, history=True):
        light: dict[str, Literal["bright", "dim"]] = each("bright")
        level: dict[str, int] = each(field(default=0, ge=0, le=2))
        room: str = hears("remote.room")
        seen = about("room", "timestamp")
        number: int = about("remote.evening", "offset")
        mode: Literal["day", "night"] = publishes("house.mode", "day", keep="30  days")
        gone = event("house.gone", keep="forever")
        count: int = 0
        counted = about("count", "modified")

        @on("remote.evening")
        def evening(self, value):
            self.light["hall"] = "dim"
            self.light["bath"] = value
            self.count += 1
            self.log(f"{self.seen} {self.counted} {list(self.light)} {'attic' in self.light}")

        @on("room")
        def of_room(self, value):
            self.level[value] += 1
            self.log(f"{self.seen:%H:%M:%S} {dict(self.level)}")

        @on("all.rooms")
        def all_rooms(self, value):
            for number in range(value):
                self.level[str(number)] = 1

        @when(lambda my: my.light["bath"] == "dim")
        def dimmed(self):
            self.gone()
    """


def test_a_map_has_a_value_for_each_key() -> None:
    play = Play(program_of(MANY))
    assert play.send("remote.evening", '"bright"')[:3] == [
        'lamp1[bath].light = "bright"',
        'lamp1[hall].light = "dim"',
        "lamp1.count = 1",
    ]
    assert 'lamp1[bath].light = "dim"' in play.send("remote.evening", '"dim"')
    assert "light is one of {bright, dim}, not 'dark'" in play.send("remote.evening", '"dark"')[0]
    play.now_ms = 61_000
    play.send("remote.room", '"hall"')
    assert "00:01:01 {'hall': 2}" in play.send("remote.room", '"hall"')[-1]
    assert "level is a number from 0 to 2, not 3" in play.send("remote.room", '"hall"')[0]
    assert (
        "the key of a map is a text of 1 to 64 bytes, not ''" in play.send("remote.room", '""')[0]
    )
    assert len(play.send("all.rooms", "900")) == 900
    assert "a cycle assigns at most 1,000 values" in play.send("all.rooms", "1200")[0]
    state = play.core.snapshot()
    assert len([name for name in state if name[1] == "level"]) == 901
    again = Play(program_of(MANY))
    for (module, name, key), text in state.items():
        tag, value = parse_scalar(text, again.core.intern)
        assert again.core.restore(module, name, tag, value, key), (name, key)
    assert again.core.snapshot() == state


def test_what_is_known_of_messages_and_topics_is_declared() -> None:
    program = program_of(MANY)
    assert program.history
    assert [(one.topic[1:], one.type.name, one.keep) for one in program.topics] == [
        (("house", "mode"), "ENUMERATION", "30 days"),
        (("house", "gone"), "ANY", "forever"),
    ]
    play = Play(program)
    play.now_ms = 1000
    said = play.send("remote.evening", '"dim"')
    assert "house.gone = null" in said
    assert "$log.info = None None ['bath', 'hall'] False" in said
    play.now_ms = 3_600_000
    play.send("remote.room", '"hall"')
    (_count, line) = play.send("remote.evening", '"dim"')
    assert "1970-01-01 01:00:00+00:00 1970-01-01 00:00:01+00:00 [" in line


def test_a_condition_is_looked_at_when_something_that_it_reads_has_changed() -> None:
    play = lamp()
    assert play.send("garden.light", "50.0") == []
    assert play.send("switch1.mode", '"manual"') == []
    assert play.send("garden.light", "5.0") == []
    assert play.send("switch1.mode", '"auto"') == ['lamp1.state = "on"']
    play.send("button1.press")
    assert play.send("dial.turn", "7") == ["lamp1.level = 7"]  # which it does not read
    assert play.send("garden.light", "4.0") == ['lamp1.state = "on"']


def test_what_does_not_fit_what_is_heard_is_rejected() -> None:
    play = lamp()
    (record,) = play.send("switch1.mode", '"wild"')
    assert record.startswith("$log.rejected = lamp1.py:")
    assert "one of {auto, manual}" in record


def test_an_at_runs_and_what_it_raises_is_told() -> None:
    play = Play(program_of("""
        class Clock(Module):
            wake: time = time(6, 30)
            count: int = 0
            @at("wake ON weekdays")
            @at("7:30")
            def up(self):
                self.count = 3 // (2 - self.count)
        """))  # fmt: skip
    first, second = (at.identity for at in play.core.programs[0].ats)
    assert first != second
    assert play.send("lamp1.%%at%%", f'"[\\"{first}\\"]"') == ["lamp1.count = 1"]
    assert play.send("lamp1.%%at%%", f'"[\\"{second}\\"]"') == ["lamp1.count = 3"]
    play.core.restore("lamp1", "count", 0, 2)
    (record,) = play.send("lamp1.%%at%%", f'"[\\"{second}\\"]"')
    assert "the @at of line" in record
    assert "ZeroDivisionError" in record


def test_what_cannot_be_written_down_is_never_sent() -> None:
    play = Play(program_of("""
        class Lamp(Module):
            told: str = ""
            notify = calls()
            @on("a.text")
            def text(self):
                self.told = chr(0xD800)
            @on("a.call")
            def call(self):
                self.notify(chr(0xD800))
            @on("a.error")
            def error(self):
                raise ValueError(chr(0xD800) + "x" * 1000)
            @on("a.line")
            def line(self):
                self.log("a" + chr(0xD800) + "b" * 10_000)
        """))  # fmt: skip
    assert "half a letter" in play.send("a.text")[0]
    assert "half a letter" in play.send("a.call")[0]
    for topic in ("a.text", "a.call", "a.error", "a.line"):
        (said,) = play.send(topic)
        assert len(said.encode()) < 5000


def test_nothing_is_remembered_that_is_not_declared() -> None:
    play = Play(program_of("""
        KEPT = [1, 2]
        class Lamp(Module):
            count: int = 0
            @on("a.own")
            def own(self):
                setattr(self, "seen", 1)
            @on("a.cls")
            def cls(self):
                setattr(type(self), "seen", 1)
            @on("a.kept")
            def kept(self):
                KEPT.append(3)
            @on("a.timer")
            def other(self):
                setattr(self, "press", 5)
        """))  # fmt: skip
    assert "does not declare 'seen'" in play.send("a.own")[0]
    assert "a class remembers nothing" in play.send("a.cls")[0]
    assert "'tuple' object has no attribute 'append'" in play.send("a.kept")[0]
    assert "does not declare 'press'" in play.send("a.timer")[0]


def test_instances_have_their_own_and_are_born_and_dropped() -> None:
    play = Play(program_of("""
        class Lamp(Module, key="room", auto=True):
            state: Literal["off", "on"] = "off"
            motion: Literal["no", "yes"] = hears("motion[room].seen")
            over = timer("1 minute")

            @on("motion")
            def seen(self, value):
                self.state = "on" if value == "yes" else "off"
                if self.key == "bath":
                    self.over.start()
                    self.create("hall")

            @on("over")
            def ends(self):
                self.drop(self.key)

            @on("all.off")
            def all_off(self):
                self.state = "off"
        """, "lamp"))  # fmt: skip
    said = play.send("motion.seen", '"yes"', key="bath")
    assert 'lamp[bath].state = "on"' in said
    assert play.core.instances("lamp") == ["bath", "hall"]
    assert play.send("motion.seen", '"yes"', key="hall") == ['lamp[hall].state = "on"']
    play.send("motion.seen", '"no"', key="hall")
    assert play.read("state", "bath", "lamp") == '"on"'
    assert play.send("all.off") == [
        'lamp[bath].state = "off"',
    ]
    play.now_ms = 60_000
    assert play.send("lamp.over", key="bath") == ["lamp[bath].$instances = null"]
    assert play.core.instances("lamp") == ["hall"]


def test_a_house_without_such_modules_loads_nothing_of_it() -> None:
    asked = (
        "import sys; from myocan.hub.core import Core; from myocan.hub.lang import compile_module;"
        "import myocan.hub.agent, myocan.hub.scenario;"
        "program = compile_module('MODULE x\\nPUBLIC c 0\\nAT noon\\nTHEN c++\\n', 'x').program;"
        "Core().link([program]);"
        "print([name for name in sys.modules if name.startswith('myocan.hub.python')])"
    )
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True)
    assert told.stdout.strip() == "[]", told.stderr


def test_a_module_is_the_same_on_a_core_that_was_linked_anew() -> None:
    play = lamp()
    play.send("button1.press")
    play.core.link(play.core.programs)
    assert play.send("button1.press") == ['lamp1.state = "off"']
    assert play.read("_count") == "2"
