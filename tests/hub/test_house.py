"""A house's settings: what may stand in `myocan.toml`, and what a mistake is answered with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from myocan.hub.errors import HubError
from myocan.hub.house import House, HouseError
from myocan.hub.running_hub import RunningHub

FULL = """
domain = "net.example.gate"
timezone = "Europe/Berlin"
[location]
latitude = 52.52
longitude = 13
country = "DE"
[broker]
url = "mqtts://hub:secret@broker.example:8884"
listen = "0.0.0.0:1900"
[store]
path = "elsewhere/log.sqlite"
[agent]
name = "attic"
catch_up = "2 days"
stale_events = "1 minute 30 s"
[boards]
accept_unknown = false
rate = 50
[clock]
trust = "always"
[publish]
inputs = true
[[wifi]]
ssid = "cottage"
password = "secret"
[[wifi]]
ssid = "guests"
"""


def make(folder: Path, text: str) -> Path:
    """Write a house with these settings; return its folder."""
    (folder / "myocan.toml").write_text(text)
    return folder


def test_an_empty_file_is_a_house_with_the_defaults(tmp_path: Path) -> None:
    house = House.load(make(tmp_path, ""))
    assert (house.domain, house.timezone, house.agent.name) == ("home", "UTC", "main")
    assert (house.broker.url, house.broker.listen) == (None, "127.0.0.1:18830")
    assert house.store_path == tmp_path / ".myocan" / "store.sqlite"
    assert house.location.latitude is None
    assert house.accepts_unknown_boards
    assert not house.publish.inputs
    assert (house.agent.catch_up_ms, house.agent.stale_events_ms) == (24 * 3_600_000, 60_000)


def test_a_broker_that_encrypts_does_so_in_the_network(tmp_path: Path) -> None:
    assert House.load(make(tmp_path, "[broker]\ntls = true")).broker.listen == "0.0.0.0:8883"
    assert House.load(make(tmp_path, "[broker]\ntls = false")).broker.listen == "127.0.0.1:18830"
    given = '[broker]\ntls = true\nlisten = "192.168.1.2:8884"\nplain = "127.0.0.1:1883"'
    broker = House.load(make(tmp_path, given)).broker
    assert (broker.listen, broker.plain) == ("192.168.1.2:8884", "127.0.0.1:1883")


def test_a_mark_in_front_that_some_editors_write_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "myocan.toml").write_bytes(b'\xef\xbb\xbfdomain = "attic"')
    assert House.load(tmp_path).domain == "attic"


def test_every_setting_is_read(tmp_path: Path) -> None:
    house = House.load(make(tmp_path, FULL) / "myocan.toml")
    assert (house.domain, house.timezone) == ("net.example.gate", "Europe/Berlin")
    assert house.location.model_dump() == {"latitude": 52.52, "longitude": 13.0, "country": "DE"}
    assert house.broker.url == "mqtts://hub:secret@broker.example:8884"
    assert house.broker.listen == "0.0.0.0:1900"
    assert house.store_path == tmp_path / "elsewhere" / "log.sqlite"
    assert house.agent.name == "attic"
    assert not house.accepts_unknown_boards
    assert house.publish.inputs
    assert (house.boards.rate, house.clock.trust) == (50, "always")
    assert (house.agent.catch_up_ms, house.agent.stale_events_ms) == (48 * 3_600_000, 90_000)
    assert [(each.ssid, each.password) for each in house.wifi] == [
        ("cottage", "secret"),
        ("guests", ""),
    ]
    assert house.root == tmp_path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('domian = "x"', "domian: unknown key; did you mean 'domain'?"),
        ('[brokr]\nurl = "x"', "brokr: unknown key; did you mean 'broker'?"),
        ('[[wifi]]\nsid = "x"', "[wifi.0] sid: unknown key; did you mean 'ssid'?"),
        ("[[wifi]]\nssid = 3", "[wifi.0] ssid: has to be a valid string"),
        ('[wifi]\nssid = "x"', "wifi: has to be a valid list"),
        ('[broker]\nulr = "x"', "[broker] ulr: unknown key; did you mean 'url'?"),
        ('[broker]\nURL = "x"', "[broker] URL: unknown key; did you mean 'url'?"),
        ("[broker]\ntls = 1", "[broker] tls: has to be a valid boolean, not 1"),
        (
            '[broker]\ntls = true\nurl = "mqtt://hub:x@broker.example"',
            "[broker] tls: is for the hub's own broker; of yours, [broker] url says",
        ),
        (
            '[broker]\ntls = true\nlisten = "0.0.0.0:1883"',
            "[broker] tls: and listen with port 1883, that of MQTT without TLS: leave listen out",
        ),
        ('[broker]\nplain = "0.0.0.0:1883"', "[broker] plain: goes with tls = true; without it"),
        (
            '[broker]\ntls = true\nplain = "0.0.0.0:8883"',
            "[broker] plain: and listen are the same; give one of them another port",
        ),
        ("latitude = 50.0", "latitude: unknown key; it belongs under [location]"),
        ("[agent]\nzebra = 1", "[agent] zebra: unknown key; known here: catch_up, "),
        ('[agent]\ncatch_up = "soon"', "[agent] catch_up: 'soon' is no duration; write one like"),
        (
            '[agent]\ncatch_up = "5 s"',
            "[agent] catch_up: '5 s' is too short; the least is 1 minute",
        ),
        ("[agent]\nstale_events = 60", "[agent] stale_events: has to be a valid string, not 60"),
        ('[agent]\nstale_events = "2 weeks"', "'2 weeks' is too long; the most is 7 days"),
        ("[boards]\nrate = 0", "[boards] rate: has to be greater than or equal to 1, not 0"),
        ('[clock]\ntrust = "maybe"', "[clock] trust: has to be 'auto' or 'always', not 'maybe'"),
        ("domain = 3", "domain: has to be a valid string, not 3"),
        ('domain = "a/b"', "domain: takes 1 to 64 letters"),
        ('domain = ""', "domain: takes 1 to 64 letters"),
        ('timezone = "Mars/Olympus"', "timezone: 'Mars/Olympus' is no time zone"),
        ('timezone = "../etc/passwd"', "timezone: '../etc/passwd' is no time zone"),
        ("[location]\nlatitude = 91", "[location] latitude: has to be less than or equal to 90"),
        ('[location]\nlatitude = "50"', "[location] latitude: has to be a valid number, not '50'"),
        ('[location]\ncountry = "de"', "[location] country: takes a country's two capital letters"),
        ('[broker]\nurl = "http://x"', "has to start with mqtt:// or mqtts://"),
        ('[broker]\nurl = "mqtt://"', "[broker] url: the broker's URL names no host"),
        ('[broker]\nurl = "mqtt://h:99999"', "[broker] url: the broker's URL has "),
        ('[broker]\nurl = "mqtt://h/path"', "[broker] url: the broker's URL "),
        ('[broker]\nlisten = "18830"', "[broker] listen: takes an address and a port"),
        (
            '[broker]\nlisten = "::1:70000"',
            "[broker] listen: names a port that cannot be: ports go up to 65535",
        ),
        ('[boards]\naccept_unknown = "yes"', "[boards] accept_unknown: has to be a valid boolean"),
        ("broker = 3", "broker: "),
        (f"rate = {'9' * 5000}", "a number in it has far too many digits"),
        ("domain = [", "this is not valid TOML: Invalid value (at end of document)"),
        ('domain = "x"\ntimezone = UTC', "this is not valid TOML: Invalid value (at line 2"),
    ],
)
def test_a_mistake_is_answered_with_file_key_and_remedy(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(HouseError) as caught:
        House.load(make(tmp_path, text))
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'myocan.toml'}: ")
    assert said in message


def test_every_mistake_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(HouseError) as caught:
        House.load(make(tmp_path, 'domian = "x"\n[store]\npth = "y"'))
    assert len(str(caught.value).splitlines()) == 2


def test_a_password_is_not_repeated_in_an_error(tmp_path: Path) -> None:
    with pytest.raises(HouseError) as caught:
        House.load(make(tmp_path, '[broker]\nurl = "mqtt://me:secret@host:port"'))
    assert "secret" not in str(caught.value)


def test_a_folder_without_settings_is_no_house_and_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(HouseError, match=r"myocan init"):
        House.load(tmp_path)
    assert issubclass(HouseError, HubError)


def test_the_nearest_house_above_a_folder_is_found(tmp_path: Path) -> None:
    inner = make(tmp_path, "") / "modules" / "upstairs"
    inner.mkdir(parents=True)
    assert House.find(inner) == tmp_path
    assert House.find(tmp_path) == tmp_path


def test_files_of_a_house_come_sorted_and_others_are_left_out(tmp_path: Path) -> None:
    for name in (
        "modules/b.scc",
        "modules/a.scc",
        "modules/notes.txt",
        "adapters/porch.toml",
        "modules/night.scenario",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    house = House.load(make(tmp_path, ""))
    assert [path.name for path in house.modules()] == ["a.scc", "b.scc"]
    assert [path.name for path in house.adapters()] == ["porch.toml"]
    assert [path.name for path in house.scenarios()] == ["night.scenario"]
    assert house.models_path is None


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("", True),
        ('[broker]\nurl = "mqtt://h"', True),
        ('[broker]\nurl = "mqtt://user:pw@h"', False),
        ('[broker]\nurl = "mqtt://user:pw@h"\n[boards]\naccept_unknown = true', True),
        ("[boards]\naccept_unknown = false", False),
    ],
)
def test_unknown_boards_are_heard_as_long_as_the_broker_asks_for_no_credential(
    tmp_path: Path, text: str, accepted: bool
) -> None:
    assert House.load(make(tmp_path, text)).accepts_unknown_boards is accepted


def test_a_running_hub_announces_itself_to_its_own_user_only(tmp_path: Path) -> None:
    house = House.load(make(tmp_path, ""))
    assert RunningHub.read(house) is None
    hub = RunningHub("mqtt://127.0.0.1:18830", os.getpid())
    hub.write(house)
    assert RunningHub.read(house) == hub
    assert RunningHub.path(house).stat().st_mode & 0o777 == 0o600
    hub.withdraw(house)
    assert not RunningHub.path(house).exists()


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"url": "mqtt://h", "pid": 999999999}', '{"url": 1, "pid": "x"}']
)
def test_an_announcement_of_a_dead_hub_counts_for_nothing(tmp_path: Path, content: str) -> None:
    house = House.load(make(tmp_path, ""))
    RunningHub.path(house).parent.mkdir()
    RunningHub.path(house).write_text(content)
    assert RunningHub.read(house) is None


def test_an_old_hub_does_not_withdraw_its_successor(tmp_path: Path) -> None:
    house = House.load(make(tmp_path, ""))
    RunningHub("mqtt://127.0.0.1:2", os.getpid()).write(house)
    RunningHub("mqtt://127.0.0.1:1", os.getpid()).withdraw(house)
    assert RunningHub.path(house).exists()


def test_retention_may_be_written_with_and_without_quotes(tmp_path: Path) -> None:
    text = '[retention]\ncamera.image = "10 MB"\n"*.state" = "30 days"\ndefault = "forever"\n'
    house = House.load(make(tmp_path, text))
    assert house.retention == {"camera.image": "10 MB", "*.state": "30 days", "default": "forever"}
    assert house.store.reserve_bytes == 1 << 20


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[retention]\ndefault = "30 dayz"',
            "[retention] default: takes a time, a size or forever",
        ),
        ('[retention]\ncamera = "1 day"', "[retention] camera: 'camera' names no topic"),
        ('[retention]\n"a.b" = 3', "[retention] a.b: has to be a valid string, not 3"),
        ('[store]\nreserve = "1 day"', "[store] reserve: takes a size, like '1 MB'"),
        ('retention = "1 day"', "retention: has to be a valid dictionary"),
    ],
)
def test_a_mistake_in_retention_is_told(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(HouseError) as caught:
        House.load(make(tmp_path, text))
    assert said in str(caught.value)


def test_the_documents_name_every_key() -> None:
    page = Path(__file__).parents[2] / "docs" / "command-line.md"
    rows = page.read_text().partition("## The settings of a house")[2]
    for name, field in House.model_fields.items():
        inner = getattr(field.annotation, "model_fields", {})
        for key in inner or {name: field}:
            assert f"`{key}`" in rows or f"[{name}] {key}`" in rows, f"{name} {key}"
