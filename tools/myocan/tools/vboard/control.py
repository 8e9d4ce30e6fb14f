"""How tests and tools turn the pins, power and reset of a virtual board: a socket, JSON lines.

A client sends one object a line, `{"do": "wait", "pin": "GP15", "level": 1, "timeout_s": 2}`, and
gets one object back, `{"at_ns": 12345}` or `{"error": "..."}`. A connection is answered in order; a
client that waits for one thing while it does another opens two. The methods of `Control` below are
the commands, their arguments the keys.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from myocan.tools.vboard.parts import PartError
from myocan.tools.vboard.pins import Change, Level, UnknownPin

if TYPE_CHECKING:
    from myocan.tools.vboard.simulator import Simulator

Reply = dict[str, Any]

EXAMPLE = '{"do": "get", "pin": "GP15"}'


class Waiter(NamedTuple):
    """Somebody who waits for a pin to take a level."""

    pin: str
    level: Level
    reached: asyncio.Future[Change]


class Control:
    """The commands of a virtual board, and the socket on which they arrive."""

    COMMANDS = (
        *("set", "get", "wait", "press", "changes", "analog", "connect"),
        *("attach", "detach", "set_part", "get_part", "set_radio", "get_radio"),
        *("power", "reset", "soft_reset", "wait_started", "describe", "stop"),
    )

    def __init__(self, simulator: Simulator) -> None:
        self._board = simulator
        self._pins = simulator.pins
        self._pins.on_change = self._changed
        self._waiters: list[Waiter] = []
        self._path = ""
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def start(self, path: str) -> None:
        """Listen on a socket at `path`."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self._server = await asyncio.start_unix_server(self._talk, path)
        self._path = path
        os.chmod(path, 0o600)

    async def close(self) -> None:
        """End all connections and remove the socket."""
        if self._server is None:
            return
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)

    # -- commands --------------------------------------------------------------------------------

    async def set(self, pin: str, level: Level) -> Reply:
        """Drive an input pin; None lets go of it."""
        if level not in (0, 1, None):
            return {"error": f"a level is 0, 1 or null, not {level!r}"}
        return {"at_ns": self._board.drive(pin, level)}

    async def get(self, pin: str) -> Reply:
        return self._pins.describe(pin)

    async def press(self, pin: str, ms: float) -> Reply:
        """Press a button at a pin for a while, after an earlier press; answers as soon as it is
        down, with the time of the press."""
        return {"at_ns": await self._board.fingers.press(pin, ms / 1000)}

    async def wait(
        self, pin: str, level: Level, timeout_s: float, after_ns: int | None = None
    ) -> Reply:
        """Wait for a level; with `after_ns`, for a change to it after that time."""
        if change := self._pins.reached(pin, level, after_ns):
            return {"at_ns": change.at_ns}
        waiter = Waiter(pin, level, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        try:
            change = await asyncio.wait_for(waiter.reached, timeout_s)
        except TimeoutError:
            now = self._pins.wire(pin).level
            return {"error": f"{pin} did not become {level} within {timeout_s} s; it is {now}"}
        finally:
            self._waiters.remove(waiter)
        return {"at_ns": change.at_ns}

    async def changes(self, since_ns: int = 0) -> Reply:
        return {"changes": list(self._pins.changes(since_ns))}

    async def analog(self, pin: str, volts: float) -> Reply:
        """Put an analog level to a pin."""
        self._pins.wire(pin).volts = float(volts)
        return {}

    async def attach(self, kind: str, file: str, given: dict[str, Any]) -> Reply:
        """Wire a part; see `exchange.Bench.attach`."""
        return {"part": self._board.bench.attach(kind, file, given)}

    async def detach(self, part: int) -> Reply:
        self._board.bench.detach(part)
        return {}

    async def set_part(self, part: int, values: dict[str, Any]) -> Reply:
        self._board.bench.part(part).set(values)
        return {}

    async def get_part(self, part: int) -> Reply:
        return {"values": self._board.bench.part(part).values}

    async def set_radio(
        self, networks: dict[str, str] | None, hidden: list[str], cable: bool
    ) -> Reply:
        """Say what is in the air (None: any network that is asked for) and in the socket."""
        self._board.radio.set(networks, hidden, cable)
        return {}

    async def get_radio(self) -> Reply:
        return self._board.radio.describe()

    async def connect(self, output: str, into: str) -> Reply:
        """Put a wire between two pins."""
        self._pins.connect(output, into)
        return {}

    async def power(self, on: bool, fuse: int = 0) -> Reply:
        self._board.set_power(on, fuse)
        return {"boots": self._board.boots}

    async def reset(self) -> Reply:
        self._board.reset()
        return {"boots": self._board.boots}

    async def soft_reset(self, timeout_s: float) -> Reply:
        try:
            await asyncio.wait_for(self._board.soft_reset(), timeout_s)
        except TimeoutError:
            return {"error": f"the program that runs did not stop within {timeout_s} s"}
        return {"boots": self._board.boots}

    async def wait_started(self, boots: int, timeout_s: float) -> Reply:
        try:
            await asyncio.wait_for(self._board.wait_started(boots), timeout_s)
        except TimeoutError:
            return {"error": f"no start number {boots} within {timeout_s} s"}
        return {"boots": self._board.boots}

    async def describe(self) -> Reply:
        board = self._board
        return {
            "port": board.port,
            "kind": board.spec.kind,
            "boots": board.boots,
            "cause": board.cause,
            "powered": board.powered,
            "up": board.up,
            "console": board.transcript,
        }

    async def stop(self) -> Reply:
        self._board.stop()
        return {}

    # -- connections -----------------------------------------------------------------------------

    def _changed(self, change: Change) -> None:
        for waiter in self._waiters:
            if waiter[:2] == change[1:] and not waiter.reached.done():
                waiter.reached.set_result(change)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            while line := await reader.readline():
                reply = await self._answer(line)
                writer.write(json.dumps(reply).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass  # whoever asked is gone, or the board ends
        finally:
            self._talks.discard(task)
            writer.close()

    async def _answer(self, line: bytes) -> Reply:
        try:
            arguments = json.loads(line)
        except (ValueError, RecursionError):
            arguments = None
        if not isinstance(arguments, dict) or not isinstance(arguments.get("do"), str):
            return {"error": f"a request is one JSON object in a line, like {EXAMPLE}"}
        try:
            name = arguments.pop("do")
            if name not in self.COMMANDS:
                return {"error": f"no command {name!r}: one of {', '.join(self.COMMANDS)}"}
            command = getattr(self, name)
            inspect.signature(command).bind(**arguments)
        except TypeError as error:
            return {"error": f"{name}: {error}; it takes {_keys_of(command)}"}
        try:
            reply: Reply = await command(**arguments)
        except (UnknownPin, PartError, ValueError) as error:
            return {"error": str(error)}
        return reply


def _keys_of(command: Callable[..., Any]) -> str:
    """Return the keys that a command takes, in words."""
    keys = inspect.signature(command).parameters.values()
    said = [key.name if key.default is key.empty else f"maybe {key.name}" for key in keys]
    return ", ".join(said) or "no keys"
