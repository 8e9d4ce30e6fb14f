"""What a board says to the hub's proposals, on paper and through a real broker on both runtimes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from myocan.edge.guard import guard_ports
from myocan.edge.pins.simulated import SimulatedPins
from myocan.edge.ports.port import Port, open_port
from myocan.edge.proposals import verdict_on
from myocan.wire import WireError, decode_verdict, encode_propose
from support.edge_boards import BUTTON, CONTACT, LAMP, LAMP_TOPIC, Board
from support.fake_hub import FakeHub
from support.mosquitto import Mosquitto

NOON_MS = 1_800_000_000_000
PUMP = {"name": "pump", "kind": "relay", "pin": "GP2", "subscribe": "mc1/live/home/boiler/pump"}
HEATER = {
    "name": "heater",
    "kind": "relay",
    "pin": "GP3",
    "subscribe": "mc1/live/home/boiler/heater",
    "guard": {"needs": [["pump", "", ["on"], None, None]]},
}


@pytest.fixture
def ports() -> Iterator[list[Port]]:
    """A lamp, a heater that needs a pump, and a contact."""
    pins = SimulatedPins()
    opened = [open_port(spec, pins) for spec in (LAMP, HEATER, PUMP, CONTACT)]
    guard_ports(opened, [], lambda text: None)
    yield opened
    pins.close()


def asked(ports: list[Port], values: dict[str, Any], now_ms: int | None = NOON_MS) -> Any:
    """Return (whether all agree, why not); None if there was no verdict."""
    payload = encode_propose("7.1", NOON_MS, values)
    verdict = verdict_on(payload, now_ms, ports)
    if verdict is None:
        return None
    txn, agrees, why = decode_verdict(verdict)
    assert txn == "7.1"
    return agrees, why


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"lamp": "on"}, None),
        ({}, None),
        ({"lamp": "on", "pump": "on"}, None),
        ({"lamp": "blue"}, "port 'lamp' has no level for 'blue': add it to its map"),
        (
            {"heater": "on"},
            "port 'heater' cannot take 'on': it needs port 'pump' at 'on', which is at 'off'",
        ),
        ({"heater": "off"}, None),
        ({"heater": "on", "pump": "on"}, None),
        ({"heater": "on", "pump": True}, None),
        (
            {"heater": "on", "pump": "off"},
            "port 'heater' cannot take 'on': it needs port 'pump' at 'on', which is at 'off'",
        ),
        ({"door": "open"}, "port 'door' takes no values on this board: flash it again"),
        ({"gate": "open"}, "port 'gate' takes no values on this board: flash it again"),
    ],
    ids=str,
)
def test_a_verdict_speaks_for_all_ports_that_are_asked(
    ports: list[Port], values: dict[str, Any], why: str | None
) -> None:
    shown = [port.applied for port in ports]
    for _ in range(2):  # nothing of the first time is left
        assert asked(ports, values) == (why is None, why)
    assert [port.applied for port in ports] == shown


def test_there_is_no_verdict_on_what_is_past_its_time(ports: list[Port]) -> None:
    assert asked(ports, {"lamp": "on"}, NOON_MS + 1) is None
    assert asked(ports, {"lamp": "on"}, NOON_MS) == (True, None)
    assert asked(ports, {"lamp": "on"}, None) == (True, None), "nobody has told the time yet"


def test_the_check_of_a_port_of_ones_own_may_fail(
    ports: list[Port], monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(value: Any) -> None:
        raise ZeroDivisionError("by mistake")

    monkeypatch.setattr(ports[0], "check", check)
    agrees, why = asked(ports, {"lamp": "on"})
    assert not agrees
    assert why.startswith("port 'lamp' could not be asked: ZeroDivisionError")


@pytest.mark.parametrize("payload", [b"", b"[]", b'["x",1,{"a":[]}]', b'["x",1]', b"\xff" * 99])
def test_nonsense_is_no_proposal(ports: list[Port], payload: bytes) -> None:
    with pytest.raises(WireError):
        verdict_on(payload, NOON_MS, ports)


def test_a_board_is_asked_and_switches_nothing_until_it_is_told(
    start_board: Callable[..., Board], broker: Mosquitto, hub: FakeHub
) -> None:
    board = start_board(broker.port, [LAMP, HEATER, PUMP, BUTTON])
    hub.wait_online()
    needs_pump = "port 'heater' cannot take 'on': it needs port 'pump' at 'on', which is at 'off'"
    assert hub.propose("porch", {"lamp": "on"}) == (True, None)
    assert hub.propose("porch", {"lamp": "on", "heater": "on"}) == (False, needs_pump)
    assert hub.propose("porch", {"pump": "on", "heater": "on"}) == (True, None)
    assert hub.propose("porch", {"door_button": 1})[0] is False
    hub.send("mc1/$board/home/porch/propose", b"nonsense")
    hub.wait(lambda at: any("porch/propose" in each for each in at.remarks), "a remark")
    assert [board.changes(pin) for pin in ("GP15", "GP3", "GP2")] == [[0], [0], [0]]
    hub.publish(str(HEATER["subscribe"]), "on")
    hub.publish(str(PUMP["subscribe"]), "on")
    board.wait_level("GP3", 1)
    hub.publish(str(PUMP["subscribe"]), "off")
    board.wait_level("GP3", 0)
    hub.publish(LAMP_TOPIC, "on")
    board.wait_level("GP15", 1)
    assert board.changes("GP3") == [0, 1, 0]


def test_a_proposal_that_comes_late_is_not_answered(
    start_board: Callable[..., Board], broker: Mosquitto, hub: FakeHub
) -> None:
    start_board(broker.port, [LAMP])
    hub.wait_online()
    hub.wait(lambda at: at.bases, "the question that the first acknowledgement answers")
    own = "mc1/$board/home/porch/propose"
    hub.send(own, encode_propose("1.late", 1_000, {"lamp": "on"}))
    hub.send(own, encode_propose("1.kept", 2_000_000_000_000, {"lamp": "on"}), retain=True)
    assert hub.propose("porch", {"lamp": "on"}) == (True, None)
    assert {txn for txn, _, _ in hub.verdicts} <= {"1.kept", "1.1"}
