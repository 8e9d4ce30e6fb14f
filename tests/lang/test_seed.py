"""The examples that the language comes from, as far as this version goes.

They compile and run as written: with tabs, PUBLIC or PUBLISH, SUBSCRIBE or SUBSCRIPTION, `state.on`
or `state=on`, once their elisions are completed.
"""

from __future__ import annotations

from pathlib import Path

from lang.living import Living
from myocan.hub.lang import check_house, compile_module

SEED = Path(__file__).with_name("seed")
SWITCH = (SEED / "switch1.scc").read_text(encoding="utf-8")
LAMP = (SEED / "lamp1.scc").read_text(encoding="utf-8")
KEPT = (SEED / "lamp2.scc").read_text(encoding="utf-8")


def test_a_lamp_follows_a_switch() -> None:
    house = Living(switch1=SWITCH, lamp1=LAMP)
    assert house.send("button1.press") == ['switch1.state = "off"', 'lamp1.light = "off"']
    assert house.send("button1.press") == ['switch1.state = "on"', 'lamp1.light = "on"']


def test_the_switch_and_the_lamp_fit_together() -> None:
    found = check_house({"switch1": SWITCH, "lamp1": LAMP})
    assert [str(d) for d in found] == [
        "switch1.scc:3:12: warning: nobody publishes 'button1.press'"
    ]


def test_the_long_and_the_short_spellings_mean_the_same() -> None:
    other = SWITCH.replace("SUBSCRIBE", "SUBSCRIPTION").replace("PUBLIC", "PUBLISH")
    other = other.replace("state.on", "state=on").replace("THEN state.off", "THEN state=off")
    assert compile_module(other, "switch1").program == compile_module(SWITCH, "switch1").program


def test_the_module_determines_whether_a_press_turns_on_or_off() -> None:
    text = (SEED / "lampModule.scc").read_text(encoding="utf-8")
    house = Living(lampModule=text)
    assert house.send("button.press") == ['lampModule.lamp = "off"']
    assert house.send("button.press") == ['lampModule.lamp = "on"']


def test_a_message_without_an_on_is_a_problem_and_is_told() -> None:
    (record,) = Living(lamp1=LAMP.replace("ON switch1.state.off\n\t\tTHEN light=off\n", "")).send(
        'switch1.state = "off"'
    )
    assert record.startswith("$log.unhandled")


def test_a_subscribed_variable_keeps_its_value_for_later() -> None:
    house = Living(lamp2=KEPT)
    assert house.send("clock.midnight") == []
    assert house.send('lamp2.mode = "auto"', "clock.midnight") == ['lamp2.state = "off"']
