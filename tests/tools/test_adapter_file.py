"""A right adapter file becomes what the board reads; of a wrong one the mistakes are told."""

from __future__ import annotations

import base64
import json
import ssl
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myocan.tools.adapters import (
    PORT_KINDS,
    AdapterError,
    AdapterFile,
    Problem,
    config_hash,
    load_adapter,
    parse_adapter,
)
from support.certificates import make_certificates

PORCH = """\
board = "pico-w"

[ports.door_button]
kind = "button"
pin = "GP14"
pull = "up"
debounce_ms = 20
publish = "button1.press"

[ports.door]
kind = "contact"
pin = "gp13"
publish = { value = "door.state" }
map = { open = 1, shut = 0 }

[ports.lamp]
kind = "relay"
pin = "GP15"
safe = "off"
hold_s = 0
subscribe = "lamp1.state"
map = { on = 1, off = 0 }
"""


def read(text: str, name: str = "porch", **options: str) -> AdapterFile:
    return parse_adapter(Path("adapters") / f"{name}.toml", text, **options)


def test_what_only_the_hub_reads_does_not_travel_to_the_board() -> None:
    aged = PORCH.replace("debounce_ms = 20", "debounce_ms = 20\nmax_age_s = 30")
    url = "mqtt://broker"
    assert read(aged).config(url)["ports"] == read(PORCH).config(url)["ports"]


def test_a_file_becomes_what_the_board_reads() -> None:
    config = read(PORCH).config("mqtt://porch:secret@broker:1884", wifi=[("net", "pass")])
    assert json.loads(json.dumps(config)) == {
        "wire": 1,
        "name": "porch",
        "domain": "home",
        "board": "pico-w",
        "broker": {
            "host": "broker",
            "port": 1884,
            "user": "porch",
            "password": "secret",
            "tls": False,
        },
        "wifi": [["net", "pass"]],
        "ports": [
            {
                "name": "door_button",
                "kind": "button",
                "pin": "GP14",
                "pull": "up",
                "debounce_ms": 20,
                "publish": {"press": "button1/press"},
            },
            {
                "name": "door",
                "kind": "contact",
                "pin": "GP13",
                "publish": {"value": "door/state"},
                "map": [["open", 1], ["shut", 0]],
            },
            {
                "name": "lamp",
                "kind": "relay",
                "pin": "GP15",
                "safe": 0,
                "hold_s": 0,
                "subscribe": "mc1/live/home/lamp1/state",
                "map": [["on", 1], ["off", 0]],
            },
        ],
        "hash": config["hash"],
    }


def test_the_hash_tells_configurations_apart_and_nothing_else() -> None:
    config = read(PORCH).config("mqtt://broker")
    assert config["hash"] == config_hash(config) == config_hash(dict(reversed(config.items())))
    assert len(config["hash"]) == 16
    other = read(PORCH.replace("hold_s = 0", "hold_s = 1")).config("mqtt://broker")
    assert other["hash"] != config["hash"]


def test_what_it_publishes_and_takes_is_there_for_the_check_of_the_house() -> None:
    porch = read(PORCH)
    assert [(each.topic, each.kind, each.values, each.line) for each in porch.publishes] == [
        ("button1.press", "event", None, 8),
        ("door.state", "value", ("open", "shut"), 13),
    ]
    assert [(each.topic, each.values, each.line) for each in porch.subscribes] == [
        ("lamp1.state", ("on", "off"), 21)
    ]


def test_house_and_mode_are_in_the_topics() -> None:
    config = read(PORCH, domain="cabin", mode="test").config("mqtt://broker")
    assert config["domain"] == "cabin"
    assert config["ports"][2]["subscribe"] == "mc1/test/cabin/lamp1/state"


def test_an_instance_is_written_in_brackets_and_encoded_on_the_wire() -> None:
    text = PORCH.replace("lamp1.state", "lamp.state[Küche/2]").replace(
        "button1.press", "button.press[a b]"
    )
    config = read(text).config("mqtt://broker")
    assert config["ports"][2]["subscribe"] == "mc1/live/home/lamp/state/Küche%2F2"
    assert config["ports"][0]["publish"] == {"press": "button/press/a b"}


def test_the_words_of_a_map_may_stand_for_booleans_and_numbers() -> None:
    text = PORCH.replace("{ on = 1, off = 0 }", "{ true = 1, false = 0, 7 = 1 }")
    lamp = read(text.replace('safe = "off"', "safe = true")).config("mqtt://broker")["ports"][2]
    assert lamp["map"] == [[True, 1], [False, 0], [7, 1]]
    assert lamp["safe"] == 1


@pytest.mark.parametrize(
    ("safe", "level"), [('"on"', 1), ('"off"', 0), ("1", 1), ("0", 0), ("true", 1), ("false", 0)]
)
def test_without_a_map_the_safe_value_is_on_or_off(safe: str, level: int) -> None:
    text = PORCH.replace("map = { on = 1, off = 0 }\n", "").replace('"off"', safe)
    assert read(text).config("mqtt://broker")["ports"][2]["safe"] == level


def test_networks_may_stand_in_the_file() -> None:
    text = PORCH + '[[wifi]]\nssid = "home"\npassword = "p"\n[[wifi]]\nssid = "guests"\n'
    house = [("home", "other"), ("van", "q")]
    config = read(text).config("mqtt://broker", wifi=house, country="DE")
    assert config["wifi"] == [["home", "p"], ["guests", ""], ["van", "q"]]
    assert config["country"] == "DE"
    assert "country" not in read(PORCH).config("mqtt://broker", country="DE")


PLACE = 'address = "192.168.1.20/24"\n'


def test_a_board_may_have_a_fixed_address_in_a_network() -> None:
    text = PORCH + '[[wifi]]\nssid = "home"\n' + PLACE
    away = 'gateway = "192.168.1.1"\n'
    own = ["192.168.1.20", "255.255.255.0"]
    for more, settings in (
        ("", ["0.0.0.0", "0.0.0.0"]),
        (away, ["192.168.1.1", "192.168.1.1"]),
        (away + 'dns = "10.0.0.1"\n', ["192.168.1.1", "10.0.0.1"]),
    ):
        network = read(text + more).config("mqtt://broker")["wifi"][0]
        assert network == ["home", "", [*own, *settings]]


def cabled(more: str = "") -> AdapterFile:
    return read(f"""board = "wt32-eth01"
[ports.lamp]
kind = "relay"
pin = "IO4"
subscribe = "lamp1.state"
{more}""")


def test_a_board_with_ethernet_uses_it_unless_its_file_names_a_wifi() -> None:
    built = {"mdc": 23, "mdio": 18, "phy_type": "PHY_LAN8720", "phy_addr": 1, "power": 16}
    config = cabled().config("mqtt://broker", wifi=[("home", "p")])
    assert (config["lan"], config["wifi"]) == (built, [])
    fixed = cabled("[ethernet]\n" + PLACE).config("mqtt://broker")["lan"]
    assert fixed["address"] == ["192.168.1.20", "255.255.255.0", "0.0.0.0", "0.0.0.0"]
    config = cabled('[[wifi]]\nssid = "x"').config("mqtt://broker", wifi=[("home", "p")])
    assert config["wifi"] == [["x", ""], ["home", "p"]]
    assert "lan" not in config


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('[[wifi]]\nssid = "a"\naddress = "1.2.3.4"', 7, "'1.2.3.4' is no address of a board"),
        ('[[wifi]]\nssid = "a"\naddress = "1.2.3/24"', 7, "'1.2.3/24' is no address of a board"),
        ('[[wifi]]\nssid = "a"\naddress = "1.2.3.0/24"', 7, "stands for the whole network"),
        ('[[wifi]]\nssid = "a"\ndns = "1.2.3.4"', 7, "gateway and dns go with a fixed address"),
        (f'[ethernet]\n{PLACE}gateway = "10.0.0.1"', 7, "10.0.0.1 is not in the board's network"),
        (f'[ethernet]\n{PLACE}gateway = "router"', 7, "'router' is no address: write it like"),
        ("[ethernet]\nadress = 3", 8, "unknown key 'adress'; did you mean 'address'?"),
        ('[ethernet]\n[[wifi]]\nssid = "a"', 7, "a board is in one network"),
        ('[[wifi]]\nsid = "a"', 8, "unknown key 'sid'; did you mean 'ssid'?"),
    ],
)
def test_a_network_that_cannot_be_is_told_with_its_line(text: str, line: int, says: str) -> None:
    with pytest.raises(AdapterError) as caught:
        cabled("\n" + text)
    assert any(
        says in problem.text("porch.toml") and problem.line == line
        for problem in caught.value.problems
    ), caught.value


def test_only_a_board_with_a_socket_for_it_has_ethernet() -> None:
    with pytest.raises(AdapterError, match="a Raspberry Pi Pico W has no Ethernet"):
        read(PORCH + "[ethernet]\n")


def test_a_board_is_told_the_one_authority_that_it_trusts(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    pem = (certificates / "ca.pem").read_text()
    url = f"mqtts://broker?ca={certificates}/ca.pem"
    broker = read(PORCH).config(url)["broker"]
    assert base64.b64decode(broker["ca"]) == ssl.PEM_cert_to_DER_cert(pem)
    assert broker["since"] == list(time.gmtime()[:2])
    assert broker["port"] == 8883
    assert read(PORCH).config(url)["hash"] == read(PORCH).config(url)["hash"]
    raspberry = read(
        PORCH.replace("pico-w", "raspberry-pi").replace("GP1", "GPIO1").replace("gp1", "GPIO1")
    )
    assert "ca" not in raspberry.config("mqtts://broker")["broker"]
    (tmp_path / "two.pem").write_text(
        pem + (make_certificates(tmp_path / "b") / "ca.pem").read_text()
    )
    (tmp_path / "none.pem").write_text("")
    for ca, says in (
        ("", "knows no authorities for TLS: say which one"),
        (f"?ca={tmp_path}/two.pem", "holds 2 certificates, and a board has room for one"),
        (f"?ca={tmp_path}/none.pem", "cannot be used"),
        (f"?ca={tmp_path}/away.pem", "cannot be used: .*No such file"),
        (f"?ca={certificates}/cert.pem", "holds no certificate of an authority"),
    ):
        with pytest.raises(AdapterError, match=says):
            read(PORCH).config(f"mqtts://broker{ca}")
    assert raspberry.config(f"mqtts://broker?ca={tmp_path}/two.pem")["broker"]["ca"]


def test_a_board_without_tls_is_not_sent_to_a_broker_that_wants_it() -> None:
    text = PORCH.replace("pico-w", "esp8266").replace("GP14", "D1").replace("gp13", "D2")
    adapter = read(text.replace("GP15", "D5"))
    assert adapter.config("mqtt://broker")["ports"][0]["pin"] == "GPIO5"
    with pytest.raises(AdapterError, match="has no TLS"):
        adapter.config("mqtts://broker")


def test_every_kind_of_port_can_be_read_by_the_edge() -> None:
    from importlib import import_module

    from myocan.edge.ports.port import Port

    for kind, keys in PORT_KINDS.items():
        port = import_module(f"myocan.edge.ports.{kind}").PORT
        assert issubclass(port, Port)
        events = tuple(name for name, tells in keys.TELLS.items() if tells == "event")
        assert set(events) == set(port.EVENTS)


MISTAKES = [
    # what is there, what is written instead, where, what is said
    ('board = "pico-w"', 'board = "picow"', 1, "no board 'picow'; did you mean 'pico-w'?"),
    ('board = "pico-w"', "", 1, '`board` is missing: say what kind of board it is, e.g. "pico-w"'),
    ('board = "pico-w"', "board = 7", 1, "board must be text in quotes, not 7"),
    ("\n[ports.door_b", 'wifii = "x"\n[ports.door_b', 2,
     "unknown key 'wifii'; did you mean 'wifi'?"),
    ('kind = "button"', 'kind = "buton"', 4, "no kind of port 'buton'; did you mean 'button'?"),
    ('kind = "button"', 'kind = "toaster"', 4,
     "no kind of port 'toaster'; known are " + ", ".join(PORT_KINDS)),
    ('kind = "button"\n', "", 3,
     "port door_button needs a `kind`: one of " + ", ".join(PORT_KINDS)),
    ('pin = "GP14"\n', "", 3, "port door_button needs a `pin`"),
    ('"GP14"', '"GP144"', 5, "a Raspberry Pi Pico W has no pin 'GP144'; did you mean 'GP14'?"),
    ('"GP14"', '"GP25"', 5,
     "pin GP25 is not free: it selects the WiFi chip; the lamp on the board is pin LED"),
    ('"GP14"', '"LED"', 5,
     "pin LED cannot do that: it is an output only, and a button is looked at"),
    ('"GP14"', '"GP13"', 12, "pin GP13 is taken already, by port door_button in line 5"),
    ('"GP14"', "14", 5, "pin must be text in quotes, not 14"),
    ('pull = "up"', 'pull = "upp"', 6, "pull must be 'up' or 'down', not 'upp'"),
    ("debounce_ms", "debonce_ms", 7,
     "unknown key 'debonce_ms' of a button; did you mean 'debounce_ms'?"),
    ("= 20", '= "20"', 7, "debounce_ms must be a whole number, not '20'"),
    ("= 20", "= -1", 7, "debounce_ms must be 0 or more, not -1"),
    ("= 20", "= 100000", 7, "debounce_ms must be 60000 or less, not 100000"),
    ('"button1.press"', '"button1"', 8,
     "'button1' is no topic: write MODULE.VARIABLE, like lamp1.state"),
    ('"button1.press"', '"but/ton.press"', 8, None),
    ('"button1.press"', '{ pres = "a.b" }', 8,
     "a button tells no 'pres' (only press, release, hold, double); did you mean 'press'?"),
    ("{ open = 1, shut = 0 }", "{ open = 1, shut = 1 }", 14, "the map has no value for level 0"),
    ("{ open = 1, shut = 0 }", "{ open = 2, shut = 0 }", 14, "map.open must be 1 or less, not 2"),
    ("map = { open", "subscribe = \"a.b\"\nmap = { open", 14, None),
    ('safe = "off"', 'safe = "of"', 19,
     "safe must be a value of the map, not 'of'; did you mean 'off'?"),
    ('safe = "off"', "safe = 2", 19, "safe must be a value of the map (on, off), not 2"),
    ("hold_s = 0", "hold_s = true", 20, "hold_s must be a number, not true"),
    ("[ports.lamp]", "[ports]\nlamp = 3\n[ports.lamp2]", 17, None),
    ('pin = "GP15"', 'pin = "GP15"; safe = "off"', 18, None),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "line", "message"), MISTAKES)
def test_a_mistake_is_told_with_its_line_and_what_was_meant(
    right: str, wrong: str, line: int, message: str | None
) -> None:
    assert right in PORCH
    with pytest.raises(AdapterError) as caught:
        read(PORCH.replace(right, wrong, 1))
    told = str(caught.value).splitlines()
    assert told[0].startswith(f"porch.toml:{line}: ")
    if message is not None:
        assert told == [f"porch.toml:{line}: {message}"]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = PORCH.replace("relay", "rely").replace("= 20", "= -20")
    with pytest.raises(AdapterError) as caught:
        read(text)
    assert [problem.line for problem in caught.value.problems] == [7, 17]


ESP = """\
board = "esp32-devkit"
[ports.a]
kind = "{kind}"
pin = "{pin}"
{more}
"""


@pytest.mark.parametrize(
    ("kind", "pin", "more", "said"),
    [
        ("relay", "GPIO34", 'subscribe = "a.b"', "it is an input only, and a relay is switched"),
        ("button", "GPIO34", 'publish = "a.b"\npull = "up"', "has no pull-up resistor"),
        ("relay", "GPIO6", 'subscribe = "a.b"', "the flash is connected to it"),
    ],
)
def test_a_pin_that_cannot_do_it_is_refused(kind: str, pin: str, more: str, said: str) -> None:
    with pytest.raises(AdapterError, match=said):
        read(ESP.format(kind=kind, pin=pin, more=more))


@pytest.mark.parametrize(
    ("kind", "pin", "more", "said"),
    [
        ("led", "GPIO12", 'subscribe = "a.b"', "strapping pin: it must be low when the board"),
        ("contact", "GPIO34", 'publish = "a.b"', "input only, without pull resistors"),
        ("led", "GPIO4", "", "port a takes nothing"),
        ("button", "GPIO4", "", "port a publishes nothing"),
    ],
)
def test_what_is_probably_a_mistake_is_a_warning(kind: str, pin: str, more: str, said: str) -> None:
    (warning,) = read(ESP.format(kind=kind, pin=pin, more=more)).warnings
    assert said in warning.message
    assert warning.line == 4
    assert warning.text("porch.toml").startswith("porch.toml:4: warning: ")


@pytest.mark.parametrize("name", ["por ch", "front/door", "ü", "x" * 65])
def test_a_name_that_no_topic_can_hold_is_refused(name: str) -> None:
    with pytest.raises(AdapterError, match="cannot be a board's name"):
        read(PORCH, name.replace("/", "+"))


def test_a_file_without_ports_says_what_to_add() -> None:
    with pytest.raises(AdapterError, match=r"add \[ports.NAME\]"):
        read('board = "unix"\n')


def test_semicolons_are_told_to_be_lines() -> None:
    with pytest.raises(AdapterError, match="write each on a line of its own"):
        read('board = "unix"\n[ports.a]\nkind = "led"; pin = "GP1"\n')


def test_the_files_of_the_example_house_are_right() -> None:
    folder = Path(__file__).resolve().parents[2] / "examples" / "house" / "adapters"
    for path in folder.glob("*.toml"):
        assert load_adapter(path).warnings == ()


_LINES = st.sampled_from(
    [
        *PORCH.splitlines(),
        *("[ports]", "[[ports]]", "[ports.a.b]", "ports = 3", "ports.x.pin = 1", "[wifi]"),
        *("[[wifi]]", "ssid = 3", 'kind = "led"', "kind = 3", "publish = []"),
        *("publish = { press = 1 }", "map = {}"),
        *( "map = 1", 'safe = "?"', "x = '''", 'x = """a', "}", "\x00", '"" = 1'),
    ]
)  # fmt: skip


@given(st.lists(_LINES, max_size=12).map("\n".join) | st.text(max_size=40))
def test_whatever_is_in_a_file_the_only_error_is_one_that_says_what_is_wrong(text: str) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        problems = read(text).warnings
    except AdapterError as error:
        problems = error.problems
    assert all(problem.line is None or problem.line >= 1 for problem in problems)


def test_a_wrong_key_hides_no_other_mistake_of_its_port() -> None:
    lamp = 'kind = "led"\npin = "GP2"\nsubscribe = "lamp1.state"\n'
    text = f'board = "pico-w"\n[ports.one]\n{lamp}[ports.two]\n{lamp}'
    with pytest.raises(AdapterError) as caught:
        read(text + "colour = 'red'\nhold_s = true\nsafe = 'off'\n")
    assert str(caught.value).splitlines() == [
        "porch.toml:8: pin GP2 is taken already, by port one in line 4",
        "porch.toml:10: unknown key 'colour' of a led (it has safe, hold_s, subscribe, needs, pin, "
        "active, map)",
        "porch.toml:11: hold_s must be a number, not true",
    ]
