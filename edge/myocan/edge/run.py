"""Runs an adapter on CPython: on a Raspberry Pi, or with simulated pins on any machine."""

import signal
import sysconfig
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from myocan.edge.adapter import Adapter
from myocan.edge.errors import ConfigError, EdgeError
from myocan.edge.interfaces import Pins, Spec
from myocan.edge.link_paho import PahoLink

CAPACITY = 262_144
"""Bytes of memory for messages that the hub does not have yet, if the configuration does not say:
more than a board has, since there is more."""
CRASH_S = 3
"""How long an adapter that crashed stays at its safe values before it starts again: as a board."""
HUNG_S = 8.0
"""How long own code may keep an adapter busy: as long as the watchdog of a board lets it."""
_AGAIN_S = 1.0
"""After this time once more, if what hangs catches whatever comes."""
_MAIN = threading.main_thread()
_LOOK_S = 0.1
"""How often it is looked meanwhile whether it shall end."""
_REASON = 200
"""So many characters of an error are told in the status."""


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
        reason = "stopped"
        try:
            while not self._stopping:
                _watch(HUNG_S)
                due = self.adapter.step()
                _watch(0)
                self._link.wait(due)
        except Exception as error:
            reason = f"crashed: {error!r}"[:_REASON]
            raise
        finally:
            _watch(0)
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

    If it crashes, its outputs are safe, and after CRASH_S seconds it starts again, as on a board;
    on pins that the caller has opened, and which are closed then, the crash is raised.

    Must be called by the main thread, which gets the signals; see Runner for other threads, and
    for the arguments and errors: of the first start, which are those of a wrong configuration.
    """
    keeper = _Keeper(say, again=pins is None or isinstance(pins, str))
    # not as an exception, which could come in the middle of a packet
    before = [
        (number, signal.signal(number, keeper.stop)) for number in (signal.SIGINT, signal.SIGTERM)
    ]
    before.append((signal.SIGALRM, signal.signal(signal.SIGALRM, _hung)))
    try:
        keeper.keep(lambda: Runner(config, pins, say, make))
    finally:
        for number, action in before:
            signal.signal(number, action)


class Hung(Exception):
    """Own code that kept the adapter busy for too long."""


def _hung(*_: object) -> None:
    raise Hung(f"this kept the adapter busy for {HUNG_S:g} seconds; nothing in it may wait")


def _watch(seconds: float) -> None:
    """Let what does not come to its end be ended, where signals can: as a crash; 0: it has."""
    if signal.getsignal(signal.SIGALRM) is _hung and threading.current_thread() is _MAIN:
        signal.setitimer(signal.ITIMER_REAL, seconds, seconds and _AGAIN_S)


class _Keeper:
    """Starts an adapter, and again when it has crashed, if that may be, until `stop`."""

    def __init__(self, say: Callable[[str], None], *, again: bool) -> None:
        self._say = say
        self._again = again
        self._runner: Runner | None = None
        self._stopping = False

    def stop(self, *_: object) -> None:
        self._stopping = True
        if self._runner is not None:
            self._runner.stop()

    def keep(self, start: Callable[[], Runner]) -> None:
        first = True
        while not self._stopping:
            try:
                self._runner = start()
                first = False
                if not self._stopping:  # told to while it started
                    self._runner.run()
                else:
                    self._runner.adapter.close()
            except Exception as error:  # anything can go wrong in what people write
                if not self._again or (first and isinstance(error, EdgeError)):
                    raise  # a wrong configuration would be wrong the next time, too
                first = False
                self._say(f"crashed: {_place(error)}; starts again in {CRASH_S} s, Ctrl-C ends it")
                self._rest()
            finally:
                self._runner = None

    def _rest(self) -> None:
        until = time.monotonic() + CRASH_S
        while not self._stopping and time.monotonic() < until:
            time.sleep(_LOOK_S)


def _place(error: Exception) -> str:
    """Return what went wrong and where: in people's own code, if it comes from there."""
    paths = sysconfig.get_paths()
    ours = [Path(__file__).parent, *(Path(paths[name]) for name in ("stdlib", "purelib"))]
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame
        for frame in frames
        if not any(Path(frame.filename).is_relative_to(folder) for folder in ours)
    ]
    frame = (own or frames)[-1]
    return f"{frame.filename}, line {frame.lineno}: {type(error).__name__}: {error}"
