"""What is said of modules together, that none of them shows alone."""

from __future__ import annotations

import pytest

from myocan.hub.lang import Topic, check_house

BUTTON = Topic("button1", "press", "event")
LAMP = """\
MODULE lamp1
SUBSCRIBE button1.press
SUBSCRIBE mode {off,auto,on}
PUBLIC state {on,off}
ON button1.press
  THEN next(state)
ON mode
  THEN ignore
"""


def told(modules: dict[str, str], *external: Topic) -> list[str]:
    return [str(diagnostic) for diagnostic in check_house(modules, external)]


def hears(name: str, declaration: str) -> str:
    """Return a module that takes whatever arrives in the variable that it declares."""
    variable = declaration.split()[0]
    return f"MODULE {name}\nSUBSCRIBE {declaration}\nON {variable}\nTHEN ignore\n"


def test_a_house_that_fits_together_is_not_commented_on() -> None:
    watcher = hears("watcher", "lamp1.state {on,off}")
    assert told({"lamp1": LAMP, "watcher": watcher}, BUTTON) == []


def test_the_diagnostics_of_each_module_are_among_them() -> None:
    found = told({"lamp1": LAMP.replace("next(state)", "state.onn")}, BUTTON)
    assert found == ["lamp1.scc:6:14: 'onn' is not one of {on, off}; did you mean 'on'?"]


def test_files_are_called_what_the_caller_calls_them() -> None:
    (found,) = check_house({"lamp1": LAMP}, filenames={"lamp1": "modules/lamp1.scc"})
    assert found.file == "modules/lamp1.scc"


def test_a_subscription_to_a_topic_that_nobody_defines() -> None:
    modules = {"lamp1": LAMP, "watcher": hears("watcher", "lamp1.stat {on,off}")}
    assert told(modules, BUTTON) == [
        "watcher.scc:2:11: warning: nobody publishes 'lamp1.stat'; did you mean 'lamp1.state'?"
    ]
    assert told({"lamp1": LAMP}, Topic("Button1", "press", "event")) == [
        "lamp1.scc:2:11: warning: nobody publishes 'button1.press'; did you mean 'Button1.press'?"
    ]
    assert told({"lamp1": LAMP}) == ["lamp1.scc:2:11: warning: nobody publishes 'button1.press'"]


def test_topics_of_other_domains_may_be_defined_elsewhere() -> None:
    assert told({"m": hears("m", "net.example.gate.door {open,shut}")}) == []


def test_a_variable_of_ones_own_topic_is_set_by_others() -> None:
    other = (
        "MODULE other\nSUBSCRIBE x.y\nPUBLIC lamp1.mode {auto,on}\nON x.y\nTHEN next(lamp1.mode)\n"
    )
    assert told({"lamp1": LAMP, "other": other}, BUTTON, Topic("x", "y")) == []


def test_what_a_module_hears_of_itself_others_may_hear_too() -> None:
    watcher = hears("watcher", "lamp1.mode {off,auto,on}")
    assert told({"lamp1": LAMP, "watcher": watcher}, BUTTON) == []


def test_publishing_into_another_modules_topic() -> None:
    other = (
        "MODULE other\nSUBSCRIBE x.y\nPUBLIC lamp1.state {on,off}\nON x.y\nTHEN next(lamp1.state)\n"
    )
    assert told({"lamp1": LAMP, "other": other}, BUTTON, Topic("x", "y")) == [
        "other.scc:3:8: 'lamp1' is another module, and only what it hears with SUBSCRIBE state can "
        "be published to it"
    ]


def test_publishing_into_an_independent_topic_is_fine() -> None:
    one = "MODULE one\nSUBSCRIBE x.y\nPUBLIC bed.time\nON x.y\nTHEN activate(bed.time)\n"
    two = one.replace("MODULE one", "MODULE two")
    three = hears("three", "bed.time")
    assert told({"one": one, "two": two, "three": three}, Topic("x", "y")) == []


@pytest.mark.parametrize(
    ("published", "heard", "said"),
    [
        ("{on,off}", "", None),
        ("{on,off}", "{ON,OFF,auto}", None),
        ("{on,off,auto}", "{on,off}", "'auto', which {on, off} lacks"),
        ("{a,b,c,d,e,f}", "{x}", "'a', 'b', 'c', 'd' and 2 more, which {x} lacks"),
        ("{on,off}", '""', None),
        ("{on,off}", "0", "{on, off}, which does not fit 0"),
        ("{on,off}", "{false,true}", "{on, off}, which does not fit {false, true}"),
        ("{false,true}", "{on,off}", "{false, true}, which does not fit {on, off}"),
        ("{false,true}", "true", None),
        ("0.00", "0", None),
        ("0.00", "{0-100}", None),
        ("{0-1}", "{0.00-1.00}", None),
        ("{0.00-1.00}", "{0-1}", None),
        ("{0-101}", "{0-100}", "{0-101}, which goes beyond {0-100}"),
        ("{-1.0-100.0}", "{0-100}", "{-1.0-100.0}, which goes beyond {0-100}"),
        ("{0-}", "{0-100}", "{0-}, which goes beyond {0-100}"),
        ("{0-}", "{-40-}", None),
        ("00:00", "12:00", None),
        ("00:00", '""', None),
        ("00:00", "0", "00:00, which does not fit 0"),
        ('"x"', "{on,off}", None),
        ('"x"', "0", '"", which does not fit 0'),
        ("", "", None),
        ("", "{on,off}", "an event, without a value, and {on, off} takes none"),
        ("", "0", "an event, without a value, and 0 takes none"),
    ],
)
def test_what_a_module_publishes_must_fit_its_subscribers(
    published: str, heard: str, said: str | None
) -> None:
    action = {"": "activate(v)", "{": "ignore"}.get(published[:1], "ignore")
    speaker = f"MODULE a\nSUBSCRIBE x.y\nPUBLIC v {published}\nON x.y\nTHEN {action}\n"
    found = check_house({"a": speaker, "b": hears("b", f"a.v {heard}")}, [Topic("x", "y")])
    expected = [] if said is None else [f"b.scc:2:11: module 'a' publishes {said}"]
    assert [str(d) for d in found if d.severity == "error"] == expected


@pytest.mark.parametrize(
    ("topic", "heard", "said"),
    [
        (Topic("a", "v"), "{on,off}", None),
        (Topic("a", "v", "values"), "{on,off}", None),
        (Topic("a", "V", "values", ("on",)), "{On,off}", None),
        (Topic("a", "v", "values", ("open",)), "{on,off}", "'open', which {on, off} lacks"),
        (Topic("a", "v", "values", ("true",)), "{false,true}", None),
        (Topic("a", "v", "values", ("open",)), "0", "words (open), which do not fit 0"),
        (Topic("a", "v", "values", ("open",)), '""', None),
        (Topic("a", "v", "values", ("open",)), "", None),
        (Topic("a", "v", "event"), "", None),
        (Topic("a", "v", "event"), "0", "an event, without a value, and 0 takes none"),
    ],
)
def test_what_an_adapter_publishes_must_fit_too(topic: Topic, heard: str, said: str | None) -> None:
    expected = [] if said is None else [f"b.scc:2:11: an adapter publishes {said}"]
    assert told({"b": hears("b", f"a.v {heard}")}, topic) == expected


def relay(name: str, heard: str, published: str) -> str:
    return f"MODULE {name}\nSUBSCRIBE {heard} 0 AS i\nPUBLIC {published} 0 AS o\nON i\nTHEN o = i\n"


def test_modules_that_feed_each_other_in_a_loop() -> None:
    modules = {
        "a": relay("a", "c.v", "v"),
        "b": relay("b", "a.v", "v"),
        "c": relay("c", "b.v", "v"),
        "d": relay("d", "c.v", "v"),
    }
    assert told(modules) == [
        "b.scc:2:11: warning: a message goes round in a loop: a.v -> b.v -> c.v -> a.v; see that "
        "it comes to rest"
    ]


def test_a_module_that_feeds_itself_is_a_loop() -> None:
    assert told({"a": relay("a", "a.v", "v")}) == [
        "a.scc:2:11: warning: a message goes round in a loop: a.v -> a.v; see that it comes to rest"
    ]


def test_a_loop_through_a_when_is_one_too() -> None:
    one = "MODULE a\nSUBSCRIBE b.v 0\nPRIVATE n 0\nPUBLIC v 0\nON b.v\nTHEN n = b.v\n"
    one += "WHEN n > 3\nTHEN v = n\n"
    assert len(told({"a": one, "b": relay("b", "a.v", "v")})) == 1


def test_what_only_looks_like_a_loop_is_none() -> None:
    # b reads what a publishes, but only as a guard, so nothing goes round.
    b = """\
MODULE b
SUBSCRIBE a.v 0
SUBSCRIBE x.y
PUBLIC v 0
ON x.y
  AND a.v > 3
  THEN v++
"""
    assert told({"a": relay("a", "b.v", "v"), "b": b}, Topic("x", "y")) == []


def test_a_long_loop_is_told_in_short() -> None:
    modules = {f"m{n:02}": relay(f"m{n:02}", f"m{(n - 1) % 30:02}.v", "v") for n in range(30)}
    (found,) = told(modules)
    assert "m00.v -> m01.v -> m02.v -> m03.v -> … -> m00.v" in found


def test_of_a_module_with_errors_nothing_is_guessed() -> None:
    broken = "MODULE lamp1\nSUBSCRIBE mode {off\nPUBLIC state {on,off}\n"
    other = """\
MODULE other
SUBSCRIBE lamp1.anything {x}
SUBSCRIBE bed.time
PUBLIC lamp1.mode {x}
ON lamp1.anything OR bed.time
  THEN lamp1.mode.x
"""
    found = check_house({"lamp1": broken, "other": other})
    assert {d.file for d in found} == {"lamp1.scc"}


def test_a_house_of_nothing_is_fine() -> None:
    assert check_house({}) == []


# Keys.

KEYED = """\
MODULE lamp[location]
SUBSCRIBE event[location] {toggle}
SUBSCRIBE rest
PUBLIC state[location] {on,off}
PUBLIC total 0
ON event
  THEN next(state)
ON rest
  THEN total++
"""
MAP = """\
MODULE rooms
SUBSCRIBE x.y
PUBLIC mode[room] {auto,manual}
ON x.y
  THEN mode["hall"] = auto
"""
ONE = """\
MODULE one
SUBSCRIBE x.y
PUBLIC mode["hall"] {auto,manual}
ON x.y
  THEN mode["hall"] = auto
"""


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ("lamp[hall].state {on,off}", None),
        ("lamp.total 0", None),
        ("rooms[hall].mode {auto,manual}", None),
        ("one[hall].mode {auto,manual}", None),
        ("lamp[hall].event {toggle}", None),
        ("lamp[hall].state {on}", "2:11: module 'lamp' publishes 'off', which {on} lacks"),
        (
            "lamp.state {on,off}",
            "2:11: there is a 'lamp.state' for each location; say whose is meant, as in "
            "lamp[kitchen].state",
        ),
        (
            "lamp.event {toggle}",
            "2:11: there is a 'lamp.event' for each location; say whose is meant, as in "
            "lamp[kitchen].event",
        ),
        (
            "rooms.mode {auto,manual}",
            "2:11: there is a 'rooms.mode' for each key; say whose is meant, as in "
            "rooms[kitchen].mode",
        ),
        (
            "lamp[hall].total 0",
            "2:11: messages of 'lamp.total' have no key; leave what stands in brackets out; did "
            "you mean 'lamp.total'?",
        ),
        (
            "one[hal].mode {auto,manual}",
            "2:11: warning: nobody publishes 'one[hal].mode'; did you mean 'one[hall].mode'?",
        ),
        (
            "one.mode {auto,manual}",
            "2:11: warning: nobody publishes 'one.mode'; did you mean 'one[hall].mode'?",
        ),
    ],
)
def test_a_subscriber_names_the_key_of_what_has_one(heard: str, said: str | None) -> None:
    modules = {"lamp": KEYED, "rooms": MAP, "one": ONE}
    modules["b"] = f"MODULE b\nSUBSCRIBE {heard} AS v\nON v\nTHEN ignore\n"
    outside = (Topic("x", "y"), Topic("lamp", "rest"))
    assert told(modules, *outside) == ([] if said is None else [f"b.scc:{said}"])


def test_an_instance_hears_the_same_key_of_another_module() -> None:
    other = "MODULE b[room]\nSUBSCRIBE lamp[room].state {on,off}\nSUBSCRIBE lamp[room].total 0\n"
    other += "ON lamp[room].state OR lamp[room].total\nTHEN ignore\n"
    assert told({"lamp": KEYED, "b": other}) == [
        "b.scc:3:11: messages of 'lamp.total' have no key; leave what stands in brackets out; did "
        "you mean 'lamp.total'?"
    ]


@pytest.mark.parametrize(
    ("published", "said"),
    [
        ('lamp["hall"].event {toggle}', None),
        ("lamp[room].event {toggle}", None),
        (
            "lamp.event {toggle}",
            "3:8: module 'lamp' hears this for each location; say for which, as in "
            'lamp["…"].event',
        ),
        (
            'lamp["hall"].rest',
            "3:8: module 'lamp' does not hear this for a key; leave what stands in brackets out",
        ),
        (
            'lamp["hall"].state {on,off}',
            "3:8: 'lamp' is another module, and only what it hears with SUBSCRIBE state can be "
            "published to it",
        ),
    ],
)
def test_who_publishes_to_a_module_says_for_which_key(published: str, said: str | None) -> None:
    action = "activate(v)" if "rest" in published else "v.toggle"
    if "state" in published:
        action = "v.on"
    if "[room]" in published:
        action = 'v["hall"].toggle'
    other = f"MODULE b\nSUBSCRIBE x.y\nPUBLIC {published} AS v\nON x.y\nTHEN {action}\n"
    found = told({"lamp": KEYED, "b": other}, Topic("x", "y"))
    assert found == ([] if said is None else [f"b.scc:{said}"])


def keyed_relay(name: str, heard: str, published: str) -> str:
    text = f"MODULE {name}[room]\nSUBSCRIBE {heard} 0 AS i\nPUBLIC {published} 0 AS o\n"
    return f"{text}ON i\nTHEN o = i\n"


def test_a_loop_goes_round_within_a_key() -> None:
    modules = {
        "a": keyed_relay("a", "b[room].v", "v[room]"),
        "b": keyed_relay("b", "a[room].v", "v[room]"),
    }
    assert told(modules) == [
        "b.scc:2:11: warning: a message goes round in a loop: a.v -> b.v -> a.v; see that it comes "
        "to rest"
    ]


def test_what_comes_back_with_another_key_goes_round_in_no_loop() -> None:
    modules = {
        "a": relay("a", "b[hall].v", 'v["hall"]'),
        "b": relay("b", "a[hall].v", 'v["attic"]'),
    }
    assert [d for d in told(modules) if "loop" in d] == []


# Topics.

NIGHT = """\
MODULE night
TOPIC bed.mode {early,late}
TOPIC bed.bell
"""


def test_a_topic_that_is_defined_needs_no_publisher() -> None:
    other = hears("b", "bed.mode {early,late,never}")
    third = hears("c", "bed[hall].bell").replace("ON bed[hall].bell", "ON bed[hall].bell")
    assert told({"night": NIGHT, "b": other, "c": third}) == []
    assert told({"night": NIGHT, "b": hears("b", "bed.bel")}) == [
        "b.scc:2:11: warning: nobody publishes 'bed.bel'; did you mean 'bed.bell'?"
    ]


def test_a_topic_is_defined_once_and_belongs_to_no_module() -> None:
    other = "MODULE other\nTOPIC bed.mode {early,late}\nTOPIC night.bell\n"
    assert told({"night": NIGHT, "other": other}) == [
        "other.scc:2:7: module 'night' defines 'bed.mode' already",
        "other.scc:3:7: 'night' is a module, and its topics follow from what it declares; a TOPIC "
        "belongs to no module",
    ]


def test_who_publishes_or_hears_a_topic_fits_what_it_carries() -> None:
    speaker = "MODULE a\nSUBSCRIBE x.y\nPUBLIC bed.mode {early,noon} AS v\nON x.y\nTHEN v.noon\n"
    found = told(
        {"night": NIGHT, "a": speaker, "b": hears("b", "bed.mode {late}")}, Topic("x", "y")
    )
    assert found == [
        "a.scc:3:8: 'bed.mode' is defined in module 'night', and this publishes 'noon', which "
        "{early, late} lacks",
        "b.scc:2:11: module 'a' publishes 'early' and 'noon', which {late} lacks",
        "b.scc:2:11: the TOPIC of module 'night' carries 'early', which {late} lacks",
    ]


def test_what_the_hub_itself_says_is_always_published() -> None:
    text = "MODULE m\nPRIVATE n 0\nWHEN system.clock#season.winter\nTHEN n = system.clock#year\n"
    text += 'WHEN system.agent#name == "porch" AND n > 3\nTHEN log(system.config#country)\n'
    assert told({"m": text}) == []


def test_what_rules_say_to_a_field_with_a_pattern_has_that_pattern() -> None:
    gate = 'MODULE gate\nSUBSCRIBE plate {"[a-z]+-[0-9]+"} = "a-1"\n'

    def of(declaration: str) -> list[str]:
        clerk = f"MODULE clerk\nSUBSCRIBE b.press\nPUBLIC {declaration}\nON b.press\nTHEN ignore\n"
        modules = {"gate": gate, "clerk": clerk}
        found = check_house(modules, (Topic("b", "press", "event"),), models=("gate",))
        return [str(one) for one in found if one.severity == "error"]

    takes = (
        "clerk.scc:3:8: 'gate.plate' is a field of a state model and takes {\"[a-z]+-[0-9]+\"}; "
        "declare it so; did you mean '{\"[a-z]+-[0-9]+\"}'?"
    )
    assert of('gate.plate {"[a-z]+-[0-9]+"} = "b-2"') == []
    assert of('gate.plate ""') == [takes]
    assert of('gate.plate {"[a-z]*"}') == [takes]
    assert of("gate.plate 07:30") == [takes]
    assert of("gate.plate {one, two}") == [
        "gate.scc:2:11: module 'clerk' publishes 'one' and 'two', which {\"[a-z]+-[0-9]+\"} does "
        "not take"
    ]
    words = check_house({"gate": gate}, (Topic("gate", "plate", "state", ("low", "a-1")),))
    assert [one.message for one in words if one.severity == "error"] == [
        "an adapter publishes 'low', which {\"[a-z]+-[0-9]+\"} does not take"
    ]
