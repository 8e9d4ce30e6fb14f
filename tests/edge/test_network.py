"""A board's way into its network, on MicroPython with a scripted radio, cable and name server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

RunOnBoard = Callable[..., str]

RADIO = """
import sys

class WLAN:
    PM_NONE = 0
    said = []           # what the board asked of it
    networks = {}       # name -> password, of those that are there
    deaf = False
    state = 1

    def __init__(self, interface):
        pass

    def active(self, on):
        WLAN.said.append("on" if on else "off")
        WLAN.state = 1

    def deinit(self):
        WLAN.said.append("deinit")

    def config(self, **more):
        pass

    def disconnect(self):
        WLAN.state = 1

    def ifconfig(self, *settings):
        if settings:
            WLAN.said.append(settings[0])
        return ("10.0.0.9", "255.255.255.0", "10.0.0.1", "10.0.0.1")

    def connect(self, name, password):
        WLAN.said.append((name, password))
        if WLAN.deaf:
            raise OSError(16)
        right = name in WLAN.networks and WLAN.networks[name] == password
        WLAN.state = 3 if right else -3 if name in WLAN.networks else -2

    def isconnected(self):
        return WLAN.state == 3

    def status(self):
        return WLAN.state

class network:
    STA_IF = 0
    STAT_IDLE, STAT_CONNECTING, STAT_GOT_IP = 0, 1, 3
    STAT_CONNECT_FAIL, STAT_NO_AP_FOUND, STAT_WRONG_PASSWORD = -1, -2, -3
    WLAN = WLAN

    @staticmethod
    def hostname(name):
        WLAN.said.append("hostname " + name)

    @staticmethod
    def country(code):
        WLAN.said.append("country " + code)

sys.modules["network"] = network
from myocan.edge.wifi import Wifi

class clock:
    now = 0

def pass_time(wifi, ms, useful=False, until_up=True):
    "Let time pass; return after how many milliseconds the board was in a network."
    for passed in range(0, ms, 10):
        up = wifi.step(clock.now)
        wifi.tell(clock.now, useful)
        clock.now += 10
        if up and until_up:
            return passed
"""


def test_a_board_takes_the_first_of_its_networks_that_is_there(run_on_board: RunOnBoard) -> None:
    said = run_on_board(
        RADIO
        + """
WLAN.networks = {"home": "right", "cafe": None}
wifi = Wifi([["away", "x"], ["home", "wrong"], ["cafe", ""]], "porch", "DE")
print(pass_time(wifi, 60_000))
print(WLAN.said)
print(repr(wifi.reason))
"""
    )
    took, asked, reason = said.splitlines()
    assert 1_000 <= int(took) <= 1_100, "a network that is not there is left after half a second"
    assert asked.startswith("['country DE', 'hostname porch', 'on', ('away', 'x'), ")
    assert asked.endswith("('home', 'wrong'), ('cafe', None)]")
    assert reason == "''"


def test_a_board_says_why_it_is_in_no_network(run_on_board: RunOnBoard) -> None:
    said = run_on_board(
        RADIO
        + """
WLAN.networks = {"home": "right"}
for networks in ([["home", "wrong"]], [["gone", "x"]]):
    wifi = Wifi(networks, "porch")
    print(pass_time(wifi, 3_000), wifi.reason)
WLAN.deaf = True
wifi = Wifi([["home", "right"]], "porch")
print(pass_time(wifi, 16_000), wifi.reason)
"""
    )
    assert said.splitlines() == [
        "None the WiFi 'home' refuses the password",
        "None the WiFi 'gone' is not there",
        "None the WiFi 'home' does not answer",
    ]


def test_an_address_can_be_fixed_for_one_network_alone(run_on_board: RunOnBoard) -> None:
    said = run_on_board(
        RADIO
        + """
fixed = ["10.0.0.9", "255.255.255.0", "10.0.0.1", "10.0.0.1"]
WLAN.networks = {"cafe": None}
wifi = Wifi([["home", "right", fixed], ["cafe", ""]], "porch")
WLAN.said.clear()
pass_time(wifi, 60_000)
print(WLAN.said)
"""
    )
    # switched off and on between: no radio goes back to an address from the router otherwise
    address = "('10.0.0.9', '255.255.255.0', '10.0.0.1', '10.0.0.1')"
    expected = f"[{address}, ('home', 'right'), 'off', 'deinit', 'on', ('cafe', None)]"
    assert said.strip() == expected


def test_a_radio_through_which_nobody_is_heard_is_started_afresh(run_on_board: RunOnBoard) -> None:
    said = run_on_board(
        RADIO
        + """
WLAN.networks = {"home": "right"}
wifi = Wifi([["home", "right"]], "porch")
pass_time(wifi, 10_000, useful=True, until_up=False)
WLAN.said.clear()
pass_time(wifi, 3_600_000, until_up=False)
print(WLAN.said.count("deinit"), WLAN.said[:4])
WLAN.said.clear()
pass_time(wifi, 100, useful=True, until_up=False)
pass_time(wifi, 61_000, until_up=False)
print(WLAN.said.count("deinit"))
"""
    )
    # after 1, 2, 4, 8 and then 16 minutes
    assert said.splitlines() == ["6 ['off', 'deinit', 'on', ('home', 'right')]", "1"]


LAN = """
import sys

class Pin:
    IN, OUT = 0, 1
    def __init__(self, number):
        self.number = number

class LAN:
    said = []
    link = False
    address = "0.0.0.0"
    def __init__(self, **built):
        LAN.said.append({k: getattr(v, "number", v) for k, v in built.items()})
    def active(self, on):
        LAN.said.append(on)
    def isconnected(self):
        return LAN.link
    def ifconfig(self, *settings):
        if settings:
            LAN.said.append(settings[0])
        return (LAN.address, "", "", "")

class network:
    PHY_LAN8720 = 77
    LAN = LAN
    @staticmethod
    def hostname(name):
        pass

class machine:
    pass

machine.Pin = Pin
sys.modules["network"] = network
sys.modules["machine"] = machine
from myocan.edge.lan import Lan
"""


def test_a_board_with_a_cable_needs_an_address_too(run_on_board: RunOnBoard) -> None:
    said = run_on_board(
        LAN
        + """
lan = Lan({"mdc": 23, "mdio": 18, "phy_type": "PHY_LAN8720", "phy_addr": 1}, "porch")
built = LAN.said[0]
print(sorted(built.items()), LAN.said[1:])
print(lan.step(0), lan.reason)
LAN.link = True
print(lan.step(1), lan.reason)
LAN.address = "10.0.0.9"
print(lan.step(2), repr(lan.reason))
LAN.link = False
print(lan.step(3))
LAN.said.clear()
lan.restart()
print(LAN.said)
lan = Lan({"address": ["10.0.0.9", "255.255.255.0", "10.0.0.1", "10.0.0.1"]}, "porch")
print(LAN.said[-1][0])
"""
    )
    assert said.splitlines() == [
        "[('mdc', 23), ('mdio', 18), ('phy_addr', 1), ('phy_type', 77)] [True]",
        "False no network at the cable",
        "False no address from the router",
        "True ''",
        "False",
        "[False, True]",
        "10.0.0.9",
    ]


def encode(name: str) -> bytes:
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


class NameServer:
    """Answers questions as told: `answer` makes the datagrams for a question."""

    def __init__(self, answer: Callable[[bytes], list[bytes]]) -> None:
        self.questions: list[bytes] = []
        self._answer = answer
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="name-server")
        self._thread.start()

    def _serve(self) -> None:
        while True:
            question, sender = self._socket.recvfrom(512)
            if not question:
                return
            self.questions.append(question)
            for datagram in self._answer(question):
                self._socket.sendto(datagram, sender)

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
            ending.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()


@pytest.fixture
def serve_names() -> Iterator[Callable[..., NameServer]]:
    servers: list[NameServer] = []

    def start(answer: Callable[[bytes], list[bytes]]) -> NameServer:
        servers.append(NameServer(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def look_up(run: RunOnBoard, port: int, name: str = "hub.home.arpa", *, datagrams: int = 1) -> str:
    """Look a name up on a board, whose clock goes on by 100 ms with each look.

    datagrams: how many come back for each question. They are waited for, one with each look,
        however long the name server takes on a busy machine.
    """
    return run(f"""
import select
from myocan.edge.names import Lookup
lookup = Lookup("{name}", "127.0.0.1", {port})
poll = select.poll()
poll.register(lookup._socket, select.POLLIN)
now = asked = coming = 0
try:
    while True:
        address = lookup.step(now)
        if address is not None:
            print(address)
            break
        if lookup._times > asked:
            asked, coming = lookup._times, {datagrams}
        if coming:
            coming -= 1
            poll.poll(60_000)
        now += 100
except OSError as error:
    print(error, now)
""").strip()


def reply(question: bytes, records: bytes, count: int, code: int = 0) -> bytes:
    flags = bytes([0x81, 0x80 | code])
    return question[:2] + flags + b"\0\1" + bytes([0, count]) + bytes(4) + question[12:] + records


POINTER = b"\xc0\x0c"
ADDRESS = POINTER + b"\0\1\0\1\0\0\0\x3c\0\4\x0a\0\0\7"
ALIAS = POINTER + b"\0\5\0\1\0\0\0\x3c" + (len(encode("a.b"))).to_bytes(2, "big") + encode("a.b")


def test_a_name_is_looked_up(
    run_on_board: RunOnBoard, serve_names: Callable[..., NameServer]
) -> None:
    server = serve_names(lambda question: [reply(question, ALIAS + ADDRESS, 2)])
    assert look_up(run_on_board, server.port) == "10.0.0.7"
    question = server.questions[0]
    assert question[2:] == (
        b"\1\0\0\1\0\0\0\0\0\0" + encode("hub.home.arpa") + b"\0\1\0\1"  # RFC 1035, 4.1
    )


def test_datagrams_that_are_no_answer_are_passed_over(
    run_on_board: RunOnBoard, serve_names: Callable[..., NameServer]
) -> None:
    def answer(question: bytes) -> list[bytes]:
        right = reply(question, ADDRESS, 1)
        other = reply(question, ADDRESS[:-1] + b"\x08", 1)
        wrong_number = bytes([question[0] ^ 1]) + other[1:]
        return [b"", b"\0" * 5, wrong_number, right[:-3], right[:20], question, right]

    server = serve_names(answer)
    assert look_up(run_on_board, server.port, datagrams=7) == "10.0.0.7"


def test_a_question_that_gets_lost_is_asked_again(
    run_on_board: RunOnBoard, serve_names: Callable[..., NameServer]
) -> None:
    server = serve_names(
        lambda question: [reply(question, ADDRESS, 1) if len(server.questions) > 2 else b"lost"]
    )
    assert look_up(run_on_board, server.port) == "10.0.0.7"
    assert len(server.questions) == 3


def test_a_name_that_nobody_knows_ends_the_question(
    run_on_board: RunOnBoard, serve_names: Callable[..., NameServer]
) -> None:
    server = serve_names(lambda question: [reply(question, b"", 0, code=3)])
    assert look_up(run_on_board, server.port).startswith("the name server knows no 'hub.home.arpa'")
    silent = serve_names(lambda question: [])
    said = look_up(run_on_board, silent.port, datagrams=0)
    assert said == "nobody knows where 'hub.home.arpa' is 4000", "after four seconds"
    silent.close()  # which comes after the last question
    assert len(silent.questions) == 4


def test_a_link_waits_for_its_network_and_the_name_of_the_broker(run_on_board: RunOnBoard) -> None:
    said = run_on_board("""
from myocan.edge.link import Link

class Network:
    up = False
    reason = "no such WiFi"
    answers = [None, None, OSError("nobody knows"), None, "127.0.0.1"]
    asked = []
    def step(self, now):
        return self.up
    def find(self, host, now):
        self.asked.append(now)
        answer = self.answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

network = Network()
link = Link({"host": "hub.local", "port": 1, "user": None, "password": None}, "porch", network)
link.attach(["a"], lambda: ("will", b"x"), print)
now = link._now
link.step(now)
print(link.reason, link.connection, network.asked)
network.up = True
for ms in range(1000):
    link.step(now + ms)
    if link.connection:
        break
print(len(network.answers), link.connection, link.reason)
print([network.asked[n + 1] - network.asked[n] for n in (0, 1)])
""")
    assert said.splitlines() == [
        "no such WiFi 0 []",
        "0 1 no connection to the broker: nobody knows",
        "[20, 20]",
    ]
