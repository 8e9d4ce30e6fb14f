"""What the text that the language comes from says, claim by claim, and who holds it.

`CLAIMS` is the table: each claim in few words, by the heading that it stands under, with the test
that holds it, with what the language settles otherwise, or with why it is not yet there. A test
holds the table to the tests that there are.

The examples lie in `seed`, in a folder for each place; they compile and run as written there:
with tabs, PUBLIC or PUBLISH, SUBSCRIBE or SUBSCRIPTION, `state.on` or `state=on`, once their
elisions are completed and their imaginary lines dropped.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lang.living import Living
from lang.schedules.drawn import PLACES
from myocan.hub.lang import check_house, compile_module
from myocan.hub.lang.schedules import Schedule, next_due

TESTS = Path(__file__).parents[1]
SEED = Path(__file__).with_name("seed")
EXAMPLES = sorted(SEED.rglob("*.scc"))


@dataclass(frozen=True)
class Claim:
    """A claim of the seed.

    Arguments:
        heading: what it stands under.
        says: it, in few words.
        held: the test that holds it, of this file, or `folder/file.py::test`; "" if none can yet.
        settled: what the language says instead.
        later: what is not in the product yet.
    """

    heading: str
    says: str
    held: str = ""
    settled: str = ""
    later: str = ""


CLAIMS = (
    # Publish Subscribe
    Claim(
        "Messages",
        "PUBLIC variables wait to be sent, SUBSCRIBE variables to be received",
        "test_a_lamp_follows_a_switch",
    ),
    Claim(
        "Messages",
        "every message has a time and says who produced it",
        "hub/agent/test_externals.py::test_attributes_tell_of_messages_from_boards_and_modules",
    ),
    Claim("Messages", "key and payload are both optional", "test_a_message_may_lack_key_and_value"),
    Claim(
        "Message Bus",
        "whoever produces knows nothing of who consumes: one more can come",
        "test_another_consumer_can_come",
    ),
    Claim(
        "Message Consumer",
        "a module sees what arrives and the passage of time; it cannot peek into another",
        "test_a_module_cannot_peek_into_another",
    ),
    Claim(
        "Topic Structure",
        "each module has its own topic, of domain and module",
        "test_each_module_has_its_own_topic",
    ),
    Claim(
        "Topic Structure",
        "the mode is a part of the topic",
        "hub/agent/test_modes.py::test_a_dropped_mode_takes_its_values_from_the_broker",
    ),
    Claim(
        "Message Format",
        "offsets rise and never repeat",
        "hub/store/test_log.py::test_rows_can_be_read_from_any_offset",
    ),
    Claim(
        "Message Format",
        "a message carries instance, variable and value",
        "test_a_message_may_lack_key_and_value",
    ),
    # Module Persistence
    Claim(
        "Module Persistence",
        "what arrived earlier is there when midnight needs it",
        "test_a_mode_set_earlier_decides_at_midnight",
    ),
    Claim(
        "Module Persistence",
        "variables are restored after the module was off-line",
        "hub/agent/test_instances.py::test_a_restart_brings_instances_back_with_their_values",
    ),
    Claim(
        "Module Persistence",
        "what is stored is redundant: going on from it is going on from the messages",
        "core/test_agreement_over_time.py::goes_on_in_another_process",
    ),
    Claim(
        "Module Persistence",
        "code is a message, so the log says which code saw which message",
        "hub/agent/test_agent.py::test_changed_modules_keep_what_still_fits_and_say_so_in_the_log",
    ),
    Claim(
        "Module Persistence",
        "rarely used modules leave memory and come back as messages arrive",
        later="instances on disk alone",
    ),
    # Topic
    Claim("Topic", "topics are formally defined", "test_the_switch_and_the_lamp_fit_together"),
    Claim(
        "Topic",
        "TOPIC defines one that does not have the module's name in its own",
        "test_a_topic_can_be_independent",
    ),
    Claim(
        "Topic",
        "a topic lasts until somebody deletes it",
        "hub/agent/test_retention.py::test_a_topic_that_no_module_uses_can_be_dropped",
    ),
    # Module behavior
    Claim(
        "Module behavior",
        "of two messages at once, one goes first",
        "core/test_cycle.py::test_consequences_are_first_in_first_out_and_all_before_the_next_input",
    ),
    Claim(
        "Module behavior",
        "ONs are considered in the order of their declaration until one matches",
        "test_ons_are_considered_in_order_until_one_matches",
    ),
    Claim(
        "Module behavior",
        "that time passes without a match is normal",
        "test_a_mode_set_earlier_decides_at_midnight",
    ),
    Claim(
        "Module behavior",
        "a message that no ON matches is an error",
        "test_a_message_without_an_on_is_a_problem_and_is_told",
    ),
    # Module Instance
    Claim(
        "Module Instance",
        "a subscription by location hears the messages of that location",
        "test_an_instance_hears_its_own_location",
    ),
    Claim(
        "Module Instance",
        "instances are created by the module that they are under, with create",
        "test_instances_are_created_by_a_message_to_their_module",
    ),
    Claim(
        "Module Instance",
        "a message without location is for the module itself",
        "test_instances_are_created_by_a_message_to_their_module",
    ),
    Claim(
        "Module Instance",
        "the cycle that creates one can set variables that are not of instances",
        "test_instances_are_created_by_a_message_to_their_module",
    ),
    # Module Time
    Claim(
        "Module Time",
        "AT noon ON fridays matches when it is noon and a Friday",
        "test_noon_on_fridays_is_noon_and_a_friday",
    ),
    Claim(
        "Module Time",
        "a match sends a special message, with the identity of the AT; that one acts",
        "test_a_time_acts_by_a_message_of_its_own",
    ),
    Claim(
        "Module Time",
        "the special message is invisible to the author",
        "test_a_time_acts_by_a_message_of_its_own",
    ),
    Claim(
        "Module Time",
        "it is processed in turn, after what is being processed",
        "hub/agent/test_time.py::test_the_first_at_whose_guards_hold_runs_and_a_time_variable_says_when",
    ),
    Claim(
        "Module Time",
        "the WHEN of an AT may let the message be ignored",
        "test_a_mode_set_earlier_decides_at_midnight",
    ),
    Claim(
        "Module Time",
        "all times that came are in the log afterwards",
        "hub/agent/test_time.py::test_what_comes_due_is_logged_and_not_published",
    ),
    Claim(
        "ALERT: Race Condition",
        "the message of an AT that an update has deleted is dropped",
        "test_a_time_whose_at_is_gone_is_dropped",
    ),
    Claim(
        "Module Instance Time",
        "a time is for all instances known at that time, and for no later one",
        "test_a_time_is_for_the_instances_that_are_there_then",
    ),
    Claim(
        "Module Instance Topic",
        "births are messages of a topic parallel to the module's, with the key alone",
        "test_instances_are_created_by_a_message_to_their_module",
    ),
    Claim(
        "Module Instance Topic",
        "there is one entry for each instance",
        "test_creating_one_that_exists_adds_no_entry",
    ),
    # Message-Variable Duality
    Claim(
        "Message-Variable Duality",
        "a message is stored in its variable at once, then ONs react",
        "test_a_lamp_follows_a_switch",
    ),
    Claim(
        "Message-Variable Duality",
        "ONs react if the value has changed",
        "test_an_on_reacts_to_an_equal_value_too",
        settled="`ON x` is any arrival, an equal value included, since a toggle is always equal",
    ),
    Claim(
        "Message-Variable Duality",
        "what was modified is published when the cycle ends, as switch1.state with its value",
        "test_what_a_cycle_has_modified_is_published_once_when_it_ends",
    ),
    # Module Instantiation
    Claim(
        "Module Instantiation",
        "a module for one device has messages without a key",
        "test_a_message_may_lack_key_and_value",
    ),
    Claim(
        "Module Instantiation",
        "instances of one class behave alike and know nothing of each other",
        "test_offices_behave_alike_and_for_themselves",
    ),
    Claim(
        "Module Instantiation",
        "a variable without key is the whole class's, set by one message",
        "test_one_message_sets_the_time_for_all_offices",
    ),
    Claim(
        "Module Instantiation",
        "AT takes a time variable; its THEN sets what each instance has for itself",
        "test_one_message_sets_the_time_for_all_offices",
    ),
    # Adapters
    Claim(
        "Adapters",
        "a press travels over the bus to the module, its answer to the lamp's adapter",
        "hub/agent/test_agent.py::test_a_press_toggles_the_lamp_and_the_log_says_why",
    ),
    Claim(
        "Adapters",
        "the module, not the adapter, determines whether a press turns on or off",
        "test_the_module_determines_whether_a_press_turns_on_or_off",
    ),
    # Message Persistence
    Claim(
        "Message Persistence",
        "a message stays though somebody has consumed it",
        "hub/store/test_log.py::test_rows_can_be_read_from_any_offset",
    ),
    Claim(
        "Message Persistence",
        "a new module gets all messages of the past",
        "test_a_new_module_sees_what_comes_after_it",
        settled="a new module sees what comes after it; the past is asked for, with HISTORY",
    ),
    Claim(
        "Message Persistence",
        "messages go when they are too old, or too many, or never",
        "hub/store/test_trim.py::test_each_topic_is_kept_as_long_as_it_is_to_be",
    ),
    # Other Messages, Infrastructure
    Claim(
        "Other Messages",
        "errors are messages of a log topic",
        "test_a_message_without_an_on_is_a_problem_and_is_told",
    ),
    Claim(
        "Module deployment",
        "each module is a program of its own on some host",
        "hub/agent/test_externals.py::test_a_module_of_another_agent_is_checked_and_not_run",
        settled="one process runs a whole house; AGENT pins a module to one of another name",
    ),
    Claim(
        "Deployment Modes",
        "a copy of the live house under another mode, for tests",
        "hub/agent/test_modes.py::test_a_copy_goes_on_by_itself",
    ),
    Claim(
        "Deployment Modes",
        "the copy does not affect the live house",
        "hub/agent/test_modes.py::test_nothing_of_a_copy_is_published_as_live_and_no_board_sends_to_it",
    ),
    Claim(
        "Deployment Modes",
        "whoever names the mode acts on it alone",
        "tools_cli/test_modes.py::test_a_night_is_tried_in_a_copy",
    ),
    Claim(
        "Deployment Modes",
        "topics, modules and adapters have the mode appended to their names",
        "hub/agent/test_modes.py::test_a_mode_that_is_created_starts_at_the_beginning",
        settled="the mode is a level of the topic, so names stay as they are",
    ),
)


def text(name: str) -> str:
    """Return an example, named by its folder and file."""
    return (SEED / f"{name}.scc").read_text(encoding="utf-8")


def due(house: Living, module: str, *numbers: int) -> list[str]:
    """Let ATs of a module come due, by their place in the text."""
    (program,) = (program for program in house.core.programs if program.module == module)
    identities = json.dumps([program.ats[number].identity for number in numbers])
    return house.send(f"{module}.%%at%% = {json.dumps(identities)}")


# ---------------------------------------------------------------------- the table


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.says)
def test_every_claim_is_held_or_said_why_not(claim: Claim) -> None:
    assert claim.held or claim.later
    path, _, name = claim.held.rpartition("::")
    source = (TESTS / path if path else Path(__file__)).read_text(encoding="utf-8")
    assert re.search(rf"^ *def {name}\(", source, re.M) or not claim.held


def test_no_claim_is_listed_twice() -> None:
    assert len({claim.says for claim in CLAIMS}) == len(CLAIMS)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name + "/" + path.stem)
def test_every_example_compiles_without_a_word(path: Path) -> None:
    compiled = compile_module(path.read_text(encoding="utf-8"), path.stem)
    assert compiled.program is not None
    assert list(map(str, compiled.diagnostics)) == []


# ---------------------------------------------------------------------- messages and topics


def test_a_lamp_follows_a_switch() -> None:
    house = Living(switch1=text("duality/switch1"), lamp1=text("duality/lamp1"))
    assert house.send("button1.press") == ['switch1.state = "off"', 'lamp1.light = "off"']
    assert house.send("button1.press") == ['switch1.state = "on"', 'lamp1.light = "on"']
    assert house.value("lamp1.switch1.state") == '"on"'


def test_a_message_may_lack_key_and_value() -> None:
    house = Living(
        one=text("one/JoesOfficeLight").replace("JoesOfficeLight", "one"),
        OficeLight=text("offices/OficeLight"),
    )
    assert house.send("motion.seen") == ['one.state = "on"']
    house.send("OficeLight[Joe] = true")
    assert house.send("OficeLight[Joe].motion") == ['OficeLight[Joe].state = "on"']


def test_another_consumer_can_come() -> None:
    other = "MODULE lamp3\n\tSUBSCRIBE switch1.state {on,off}\n\tPUBLIC seen 0\n"
    other += "\tON switch1.state\n\t\tTHEN seen++\n"
    house = Living(switch1=text("duality/switch1"), lamp1=text("duality/lamp1"), lamp3=other)
    assert house.send("button1.press") == [
        'switch1.state = "off"',
        'lamp1.light = "off"',
        "lamp3.seen = 1",
    ]


def test_a_module_cannot_peek_into_another() -> None:
    peeking = (
        text("duality/lamp1") + "\tON switch1.state\n\t\tAND lamp2.light.on\n\t\tTHEN ignore\n"
    )
    compiled = compile_module(peeking, "lamp1")
    assert compiled.program is None
    assert "lamp2" in str(compiled.diagnostics[0])


def test_each_module_has_its_own_topic() -> None:
    for name in ("lamp7", "lamp8"):
        program = compile_module(text("duality/lamp1").replace("lamp1", name), name).program
        assert program is not None
        assert program.variables[1].topic == ("", name, "light")


def test_the_switch_and_the_lamp_fit_together() -> None:
    found = check_house({"switch1": text("duality/switch1"), "lamp1": text("duality/lamp1")})
    assert [str(d) for d in found] == [
        "switch1.scc:3:12: warning: nobody publishes 'button1.press'"
    ]


def test_a_topic_can_be_independent() -> None:
    bed = "MODULE bed\n\tTOPIC bedtime.activate\n\tSUBSCRIBE button2.press\n"
    bed += "\tPUBLIC bedtime.activate\n\tON button2.press\n\t\tTHEN activate(bedtime.activate)\n"
    assert Living(bed=bed).send("button2.press") == ["bedtime.activate"]


def test_how_long_a_topic_is_kept_can_be_said() -> None:
    for keep in ("30 days", "10 MB", "forever"):
        program = compile_module(f"MODULE m\n\tTOPIC a.b KEEP {keep}\n", "m").program
        assert program is not None
        assert [topic.keep for topic in program.topics] == [keep]


def test_the_long_and_the_short_spellings_mean_the_same() -> None:
    switch = text("duality/switch1")
    other = switch.replace("SUBSCRIBE", "SUBSCRIPTION").replace("PUBLIC", "PUBLISH")
    other = other.replace("state.on", "state=on").replace("THEN state.off", "THEN state=off")
    assert compile_module(other, "switch1").program == compile_module(switch, "switch1").program


# ---------------------------------------------------------------------- cycles


def test_a_mode_set_earlier_decides_at_midnight() -> None:
    house = Living(lamp1=text("persistence/lamp1"))
    assert due(house, "lamp1", 0) == []
    assert house.send('lamp1.mode = "auto"') == []
    assert due(house, "lamp1", 0) == ['lamp1.state = "off"']
    assert house.send('lamp1.mode = "on"') == []
    assert due(house, "lamp1", 0) == []


def test_ons_are_considered_in_order_until_one_matches() -> None:
    house = Living(switch1=text("duality/switch1"))
    assert house.send("button1.press", "button1.press") == [
        'switch1.state = "off"',
        'switch1.state = "on"',
    ]


def test_a_message_without_an_on_is_a_problem_and_is_told() -> None:
    lamp = text("duality/lamp1").replace("ON switch1.state.off\n\t\tTHEN light=off\n", "")
    (record,) = Living(lamp1=lamp).send('switch1.state = "off"')
    assert record.startswith("$log.unhandled")


def test_an_on_reacts_to_an_equal_value_too() -> None:
    house = Living(lamp=text("instances/lamp"))
    house.send("lamp[hall] = true")
    assert house.send('lamp[hall].event = "toggle"') == ['lamp[hall].state = "on"']
    assert house.send('lamp[hall].event = "toggle"') == ['lamp[hall].state = "off"']


def test_what_a_cycle_has_modified_is_published_once_when_it_ends() -> None:
    switch = text("duality/switch1").replace("THEN state.off", "THEN state.on\n\t\tTHEN state.off")
    assert Living(switch1=switch).send("button1.press") == ['switch1.state = "off"']


def test_the_module_determines_whether_a_press_turns_on_or_off() -> None:
    house = Living(lampModule=text("adapters/lampModule"))
    assert house.send("button.press") == ['lampModule.lamp = "off"']
    assert house.send("button.press") == ['lampModule.lamp = "on"']


def test_a_new_module_sees_what_comes_after_it() -> None:
    house = Living(switch1=text("duality/switch1"))
    house.send("button1.press")
    lamp = compile_module(text("duality/lamp1"), "lamp1").program
    assert lamp is not None
    house.core.link([*house.core.programs, lamp])
    assert house.value("lamp1.light") == '"on"'  # as it begins, not as the switch would have it
    assert house.send("button1.press")[-1] == 'lamp1.light = "on"'


# ---------------------------------------------------------------------- times


def test_noon_on_fridays_is_noon_and_a_friday() -> None:
    program = compile_module(text("module_time/lamp"), "lamp").program
    assert program is not None
    (at,) = program.ats
    moment = datetime(2027, 3, 20, tzinfo=UTC)
    seen = []
    for _ in range(3):
        found = next_due(Schedule.from_json(at.schedule), moment, PLACES["Berlin"], {})
        assert found is not None
        moment = found
        seen.append(f"{found.astimezone(PLACES['Berlin'].zone):%a %d %H:%M}")
    assert seen == ["Fri 26 12:00", "Fri 02 12:00", "Fri 09 12:00"]  # over a change of clocks


def test_a_time_acts_by_a_message_of_its_own() -> None:
    house = Living(lamp=text("module_time/lamp"))
    (program,) = house.core.programs
    assert [variable.name for variable in program.variables] == ["state"]
    assert due(house, "lamp", 0) == ['lamp.state = "off"']


def test_a_time_whose_at_is_gone_is_dropped() -> None:
    house = Living(lamp=text("module_time/lamp"))
    (record,) = house.send(f"lamp.%%at%% = {json.dumps(json.dumps(['another.0']))}")
    assert record.startswith("$log.unhandled")
    assert "no such AT" in record


def test_a_time_is_for_the_instances_that_are_there_then() -> None:
    house = Living(lamp=text("instance_time/lamp"))
    house.send("lamp[porch] = true", "lamp[hall] = true")
    assert due(house, "lamp", 0) == ['lamp[hall].state = "off"', 'lamp[porch].state = "off"']
    house.send("lamp[attic] = true")
    assert house.value("lamp[attic].state") == '"on"'


# ---------------------------------------------------------------------- instances


def test_an_instance_hears_its_own_location() -> None:
    house = Living(lamp=text("instances/lamp"))
    house.send("lamp[porch] = true", "lamp[hall] = true")
    assert house.send('lamp[hall].event = "toggle"') == ['lamp[hall].state = "on"']
    assert house.value("lamp[porch].state") == '"off"'


def test_instances_are_created_by_a_message_to_their_module() -> None:
    house = Living(lamp=text("instances/lamp"))
    (record,) = house.send('lamp[hall].event = "toggle"')
    assert record.startswith("$log.unhandled")
    assert house.send('lamp.instance = "hall"') == ["lamp[hall] = true"]
    assert house.value("lamp.instanceCount") == "1"
    assert house.value("lamp[hall].state") == '"off"'
    assert house.send('lamp[hall].event = "toggle"') == ['lamp[hall].state = "on"']


def test_creating_one_that_exists_adds_no_entry() -> None:
    house = Living(lamp=text("instances/lamp"))
    assert house.send('lamp.instance = "hall"', 'lamp.instance = "hall"') == ["lamp[hall] = true"]
    assert house.core.instances("lamp") == ["hall"]


def test_offices_behave_alike_and_for_themselves() -> None:
    house = Living(OficeLight=text("offices/OficeLight"))
    house.send("OficeLight[Ann] = true", "OficeLight[Joe] = true")
    assert house.send("OficeLight[Joe].motion") == ['OficeLight[Joe].state = "on"']
    assert house.send("OficeLight[Ann].motion") == ['OficeLight[Ann].state = "on"']


def test_one_message_sets_the_time_for_all_offices() -> None:
    house = Living(OficeLight=text("offices/OficeLight"))
    house.send("OficeLight[Ann] = true", "OficeLight[Joe] = true")
    assert house.send('OficeLight.automodeontime = "18:00"') == []
    assert house.value("OficeLight.autoModeOnTime") == '"18:00"'
    assert due(house, "OficeLight", 0) == [
        'OficeLight[Ann].mode = "auto"',
        'OficeLight[Joe].mode = "auto"',
    ]
