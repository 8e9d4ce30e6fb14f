"""Runs an adapter on CPython: on a Raspberry Pi, or with simulated pins on any machine."""

import signal
from collections.abc import Callable

from myocan.edge.adapter import Adapter
from myocan.edge.errors import ConfigError
from myocan.edge.interfaces import Pins, Spec
from myocan.edge.link_paho import PahoLink

CAPACITY = 262_144
"""Bytes of memory for messages that the hub does not have yet, if the configuration does not say:
more than a board has, since there is more."""


def open_pins(backend: str = "gpiozero") -> Pins:
    """Return the pins of this machine.

    backend: "gpiozero" (Raspberry Pi), "blinka" (whatever adafruit-blinka knows), or "simulated"
        (levels in memory, for trying out).

    Raises ConfigError for another name, or if the library is missing or finds no pins.
    """
    if backend == "simulated":
        from myocan.edge.pins.simulated import SimulatedPins

        return SimulatedPins()
    if backend == "blinka":
        return _blinka_pins()
    if backend != "gpiozero":
        raise ConfigError(
            f"pins '{backend}': there is no such library: take gpiozero, blinka or simulated"
        )
    try:
        from myocan.edge.pins.gpiozero import GpiozeroPins
    except ImportError as error:
        raise ConfigError(
            "pins need gpiozero, which is not installed: `pip install 'myocan[gpio]'`, "
            "or take simulated pins"
        ) from error
    return GpiozeroPins()


def _blinka_pins() -> Pins:
    try:
        from myocan.edge.pins.blinka import BlinkaPins
    except ImportError as error:
        raise ConfigError(
            "pins need adafruit-blinka, which is not installed: `pip install 'myocan[sensors]'`"
        ) from error
    except NotImplementedError as error:
        raise ConfigError(f"adafruit-blinka does not know this computer: {error}") from error
    return BlinkaPins()


class Runner:
    """An adapter and the loop that keeps it going.

    config: what the adapter's TOML file was compiled to.
    pins: where its ports get pins from; or a backend's name, see `open_pins`; None takes gpiozero,
        or simulated pins for a configuration whose board is "unix".
    say: called with a line of text when something happens that a person may want to read.
    make: the adapter's class; one of a house's own, for a configuration with `code`.

    Raises ConfigError or PinError. Outputs are at their safe values when the constructor returns;
    nothing is sent before `run`.
    """

    def __init__(
        self,
        config: Spec,
        pins: Pins | str | None = None,
        say: Callable[[str], None] = print,
        make: type[Adapter] = Adapter,
    ) -> None:
        if pins is None:
            pins = "simulated" if config.get("board") == "unix" else "gpiozero"
        if isinstance(pins, str):
            pins = open_pins(pins)
        self.pins = pins
        self._link = PahoLink(config["broker"], config["name"])
        self._stopping = False
        try:
            self.adapter = make({"outbox": CAPACITY, **config}, self._link, pins, say)
        except Exception:
            self._link.close("", b"")
            pins.close()
            raise

    def run(self) -> None:
        """Go on until `stop`. However it ends, outputs are left at their safe values."""
        reason = "crashed"
        try:
            while not self._stopping:
                self._link.wait(self.adapter.step())
            reason = "stopped"
        finally:
            self.adapter.close(reason)

    def stop(self) -> None:
        """Let `run` return; from any thread."""
        self._stopping = True
        self._link.interrupt()


def run_adapter(
    config: Spec,
    pins: Pins | str | None = None,
    say: Callable[[str], None] = print,
    make: type[Adapter] = Adapter,
) -> None:
    """Run an adapter until the process is told to end, by Ctrl-C or SIGTERM.

    Must be called by the main thread, which gets the signals; see Runner for other threads, and
    for the arguments and errors.
    """
    runner = Runner(config, pins, say, make)
    # not as an exception, which could come in the middle of a packet
    before = [
        (number, signal.signal(number, lambda *_: runner.stop()))
        for number in (signal.SIGINT, signal.SIGTERM)
    ]
    try:
        runner.run()
    finally:
        for number, action in before:
            signal.signal(number, action)
