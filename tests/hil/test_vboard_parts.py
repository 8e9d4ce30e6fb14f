"""Parts that are wired to a virtual board answer its program as real ones do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from myocan.tools.vboard import NoMicroPython, VirtualBoard, VirtualBoardError
from myocan.tools.vboard.parts import Registers
from myocan.tools.vboard.sensors import Bme280, Dht11, Dht22, bits, crc8, unbits

Run = Callable[[str], Any]

IN_FRONT = """
import json, machine
from machine import Pin
def tell(what):
    open("told.json", "w").write(json.dumps(what))
    Pin("GP22", Pin.OUT, value=1)
"""


class Echo(Registers):
    """A part of one's own: what is written into register 1 stands in register 2 doubled."""

    def register_written(self, register: int, byte: int) -> None:
        if register == 9:
            raise RuntimeError("it hurts")
        self.registers[2] = byte * 2 % 256


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualBoard]:
    try:
        board = VirtualBoard("bench", tmp_path_factory.mktemp("bench"), kind="pico-w")
    except NoMicroPython as error:
        pytest.skip(str(error))
    with board:
        yield board


@pytest.fixture
def run(board: VirtualBoard) -> Run:
    """Run a program as the board's main.py until it calls `tell(...)`; returns what it told."""

    def run(program: str) -> Any:
        (board.files / "main.py").write_text(IN_FRONT + program)
        board.power_off()
        board.power_on()
        try:
            board.wait("GP22", 1)
        except VirtualBoardError:
            raise AssertionError(board.console()) from None
        return json.loads((board.files / "told.json").read_text())

    return run


def test_the_formulas_are_those_of_the_data_sheet() -> None:
    sensor = Bme280(sda="GP4", scl="GP5")
    fine = sensor.fine_temperature(519888)
    assert fine / 5120 == pytest.approx(25.08, abs=0.01)  # BMP280 data sheet, 3.12
    assert sensor.pressure(415148, fine) == pytest.approx(100653.27, abs=0.5)


@pytest.mark.parametrize(
    ("sensor", "frame"),
    [
        (Dht22(pin="GP3", celsius=35.1, humidity=65.2), "028c015fee"),  # AM2302 manual, 7.2
        (Dht22(pin="GP3", celsius=-10.1, humidity=65.2), "028c806573"),
        (Dht11(pin="GP3", celsius=24.4, humidity=53), "3500180451"),  # DHT11 manual, 5.2
    ],
)
def test_humidity_sensors_send_what_their_manuals_show(sensor: Dht22 | Dht11, frame: str) -> None:
    assert sensor.sent().hex() == frame


def test_the_crc_is_the_one_of_the_application_note() -> None:
    number = bytes.fromhex("021cb801000000a2")  # Maxim application note 27
    assert crc8(number[:7]) == number[7]
    assert unbits(bits(number)) == number


def test_an_analog_input_shows_the_level(board: VirtualBoard, run: Run) -> None:
    board.analog("GP26", 1.1)
    board.analog("GP27", 5)
    told = run("tell([machine.ADC(pin).read_u16() for pin in (26, Pin(27), 'GP28')])")
    assert told == [21845, 65535, 0]
    assert "ADC capabilities" in run("try: machine.ADC(5)\nexcept ValueError as e: tell(str(e))")


def test_the_second_converter_of_an_esp32_fails_while_wifi_is_on(tmp_path: Path) -> None:
    with VirtualBoard("esp", tmp_path, kind="esp32-devkit") as board:
        board.analog("GPIO4", 3.3)
        (board.files / "main.py").write_text(
            "import machine, network\n"
            "from machine import Pin\n"
            "if machine.ADC(4).read_u16() == 65535: Pin('GPIO22', Pin.OUT, value=1)\n"
            "network.WLAN().active(True)\n"
            "try: machine.ADC(4).read_u16()\n"
            "except OSError: Pin('GPIO23', Pin.OUT, value=1)\n"
        )
        board.reset()
        board.wait("GPIO22", 1)
        board.wait("GPIO23", 1)


def test_pwm_is_seen_with_duty_and_frequency(board: VirtualBoard, run: Run) -> None:
    run(
        "p = machine.PWM(Pin(15), freq=50)\np.duty_ns(1500000)\n"
        "q = machine.PWM(Pin(16), freq=100000, duty_u16=65535)\n"
        "r = machine.PWM(Pin(17), freq=1000, duty_u16=16384, invert=True)\ntell(0)"
    )
    servo = board.until("GP15", lambda state: state.duty)
    assert servo.freq_hz == 50
    assert servo.duty == pytest.approx(0.075, abs=1e-4)
    assert board.get("GP16")[:2] == (1, "pwm")
    assert board.get("GP16").freq_hz == 100_000
    assert board.get("GP17").duty == pytest.approx(0.75, abs=1e-4)
    board.power_off()
    assert board.get("GP15").duty is None
    board.power_on()
    with pytest.raises(VirtualBoardError, match="GP14 did not become what was waited for"):
        board.until("GP14", lambda state: state.duty, timeout=0.01)


def test_what_is_sent_as_pulses_is_seen(board: VirtualBoard, run: Run) -> None:
    run("machine.bitstream(Pin(7, Pin.OUT), 0, (400, 850, 800, 450), b'\\x01\\xff')\ntell(0)")
    assert board.get("GP7").sent == "01ff"


def test_a_sensor_on_i2c_measures_when_it_is_told_to(board: VirtualBoard, run: Run) -> None:
    sensor = board.attach("bme280", sda="GP4", scl="GP5", celsius=25.08, hectopascals=1006.53)
    read = (
        "i = machine.I2C(0, sda=Pin(4), scl=Pin(5))\n"
        "before = i.readfrom_mem(0x76, 0xf7, 8)\n"
        "i.writeto_mem(0x76, 0xf4, b'\\x25')\n"  # both once, "forced mode"
        "after, mode = i.readfrom_mem(0x76, 0xf7, 8), i.readfrom_mem(0x76, 0xf4, 1)\n"
        "tell([i.scan(), before.hex(), after.hex(), mode[0]])"
    )
    try:
        found, before, after, mode = run(read)
        assert found == [0x76]
        assert before == "8000008000008000"  # reset values of its data sheet
        assert int(after[:5], 16) == pytest.approx(415148, abs=60)
        assert int(after[6:11], 16) == pytest.approx(519888, abs=60)
        assert after[12:] == "8000"  # humidity was not asked for
        assert mode == 0x24
        sensor.set(present=False)
        assert run("tell(machine.I2C(0, sda=Pin(4), scl=Pin(5)).scan())") == []
    finally:
        sensor.remove()
    gone = (
        "i = machine.SoftI2C(sda=Pin(4), scl=Pin(5))\n"
        "try: i.readfrom(0x76, 1)\nexcept OSError as e: tell(e.errno)"
    )
    assert run(gone) == 5


def test_i2c_of_the_chip_wants_its_own_pins(run: Run) -> None:
    wrong = "try: machine.I2C(0, sda=Pin({}), scl=Pin({}))\nexcept ValueError as e: tell(str(e))"
    assert run(wrong.format(6, 7)) == "bad SDA pin"
    assert run(wrong.format(4, 6)) == "bad SCL pin"


def test_several_thermometers_share_a_wire(board: VirtualBoard, run: Run) -> None:
    roms = ["28ff641e81160485", "28ff641e80160400", "2800000000000000"]
    roms = [rom[:14] + f"{crc8(bytes.fromhex(rom[:14])):02x}" for rom in roms]
    parts = [
        board.attach("ds18b20", pin="GP2", rom=rom, celsius=degrees, conversion_ms=10)
        for rom, degrees in zip(roms, (21.5, -0.5, 85), strict=True)
    ]
    program = (
        "import onewire, time\n"
        "w = onewire.OneWire(Pin(2))\n"
        "w.reset(True); w.writebyte(0xcc); w.writebyte(0x44)\n"
        "while not w.readbit(): time.sleep_ms(1)\n"
        "told = {}\n"
        "for rom in w.scan():\n"
        "    w.select_rom(rom); w.writebyte(0xbe)\n"
        "    pad = bytearray(9); w.readinto(pad)\n"
        "    told[rom.hex()] = [pad[0] | pad[1] << 8, w.crc8(pad)]\n"
        "tell(told)"
    )
    try:
        assert run(program) == {roms[0]: [344, 0], roms[1]: [0xFFF8, 0], roms[2]: [85 * 16, 0]}
        parts[0].set(spoilt=True)
        for part in parts[1:]:
            part.set(present=False)
        assert run(program)[roms[0]][1] != 0
    finally:
        for part in parts:
            part.remove()
    assert run("import onewire\ntell(onewire.OneWire(Pin(2)).scan())") == []


def test_a_humidity_sensor_answers_or_does_not(board: VirtualBoard, run: Run) -> None:
    sensor = board.attach("dht22", pin="GP3", celsius=-10.1, humidity=65.2)
    read = (
        "b = bytearray(5)\n"
        "try: machine.dht_readinto(Pin(3), b)\nexcept OSError as e: tell(e.errno)\n"
        "else: tell(b.hex())"
    )
    assert run(read) == "028c806573"
    sensor.set(spoilt=True)
    assert run(read) == "028c806574"
    sensor.remove()
    assert run(read) == 110


def test_a_part_of_ones_own_is_a_class_in_a_test(board: VirtualBoard, run: Run) -> None:
    part = board.attach(Echo, sda="GP6", scl="GP7", address=0x20, contents={0x10: [1, 2, 3]})
    told = run(
        "i = machine.SoftI2C(sda=Pin(6), scl=Pin(7))\n"
        "i.writeto(0x20, b'\\x01\\x15')\n"
        "hurt = ''\n"
        "try: i.writeto_mem(0x20, 9, b'1')\nexcept ValueError as e: hurt = str(e)\n"
        "tell([i.readfrom_mem(0x20, 2, 1)[0], list(i.readfrom_mem(0x20, 0x10, 3)), hurt])"
    )
    part.remove()
    assert told == [42, [1, 2, 3], "RuntimeError('it hurts')"]


@pytest.mark.parametrize(
    ("kind", "given", "problem"),
    [
        ("bme820", {}, "no part 'bme820': there are bme280"),
        ("bme280", {"sda": "GP4"}, "Bme280 needs scl"),
        ("bme280", {"sda": "GP4", "scl": "GP55"}, "no pin 'GP55'"),
        ("bme280", {"sda": "GP4", "scl": "GP5", "warmth": 3}, "Bme280 has no 'warmth'"),
        ("ds18b20", {"pin": "GP4", "rom": "28ff"}, "is no 1-Wire number"),
    ],
)
def test_a_part_that_is_wired_wrong_is_refused(
    board: VirtualBoard, kind: Any, given: dict[str, Any], problem: str
) -> None:
    with pytest.raises(VirtualBoardError, match=problem):
        board.attach(kind, **given)


def test_every_edge_comes_as_an_interrupt_when_the_program_looks(
    board: VirtualBoard, run: Run
) -> None:
    counter = (
        "count = 0\n"
        "def more(pin):\n    global count\n    count += 1\n"
        "Pin(10, Pin.IN, Pin.PULL_UP).irq(more, Pin.IRQ_FALLING)\n"
        "Pin(11, Pin.OUT, value=1)\n"
        "while Pin(12, Pin.IN, Pin.PULL_UP).value(): pass\n"
        "tell(count)"
    )
    (board.files / "main.py").write_text(IN_FRONT + counter)
    board.reset()
    board.wait("GP11", 1)
    for _ in range(500):
        board.set("GP10", 0)
        board.set("GP10", 1)
    board.set("GP12", 0)
    board.wait("GP22", 1)
    assert json.loads((board.files / "told.json").read_text()) == 500
    board.set("GP10", None)
    board.set("GP12", None)


def test_wifi_is_what_is_in_the_air(board: VirtualBoard, run: Run) -> None:
    board.networks({"home": "secret", "attic": "other"}, hidden=["attic"])
    told = run(
        "import network\n"
        "network.country('DE'); network.hostname('bench')\n"
        "w = network.WLAN(network.STA_IF); w.active(True)\n"
        "seen = [n[0].decode() for n in w.scan()]\n"
        "w.connect('away', 'x'); a = w.status()\n"
        "w.connect('home', 'x'); b = w.status()\n"
        "w.ifconfig(('10.0.0.5', '255.255.255.0', '10.0.0.1', '10.0.0.1'))\n"
        "w.connect('home', 'secret')\n"
        "tell([seen, a, b, w.isconnected(), w.ifconfig()[0]])\n"
        "while w.isconnected(): pass\n"
        "Pin(21, Pin.OUT, value=1)\n"
        "while not w.isconnected(): w.connect('home', 'secret')\n"
        "Pin(20, Pin.OUT, value=1)\n"
    )
    assert told == [["home", ""], -2, -3, True, "10.0.0.5"]
    state = board.network()
    assert (state["ssid"], state["country"], state["hostname"]) == ("home", "DE", "bench")
    assert state["joins"][-3:] == ["away", "home", "home"]
    assert state["address"][0] == "10.0.0.5"
    board.networks({})
    board.wait("GP21", 1)
    assert board.network()["ssid"] == ""
    board.networks({"home": "secret"})
    board.wait("GP20", 1)
    board.networks(None)


def test_a_network_cable_can_be_pulled(board: VirtualBoard, run: Run) -> None:
    assert run(
        "import network\n"
        "lan = network.LAN(mdc=Pin(1), mdio=Pin(2)); lan.active(True)\n"
        "tell(lan.isconnected())\n"
        "while lan.isconnected(): pass\n"
        "Pin(21, Pin.OUT, value=1)\n"
    )
    board.networks(None, cable=False)
    board.wait("GP21", 1)
    board.networks(None)


def test_an_answer_that_nobody_waits_for_any_more_is_not_taken_for_another(
    board: VirtualBoard, run: Run
) -> None:
    board.analog("GP26", 3.3)
    board.analog("GP27", 0)
    told = run(
        "a, b = machine.ADC(27), machine.ADC(26)\n"
        "machine._questions.write(bytes((77, ord('a'), 0, 1, 26)))\n"  # and then came Ctrl-C
        "tell([a.read_u16(), b.read_u16(), a.read_u16()])"
    )
    assert told == [0, 65535, 0]
