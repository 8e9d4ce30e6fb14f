"""The modes of a hub, and what its user can do with them.

The one idea: all modes take turns in the hub's one thread. `live` comes first, the others do a
bounded piece of their work in each turn, and a copy that is being made is one more of them. How a
mode came to be is in its log and in that of `live`, as a message of `$admin`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any, NamedTuple

from myocan.hub.agent.batch import OwnMessage
from myocan.hub.agent.clocks import Setting, parse_speed
from myocan.hub.agent.commands import (
    COMMAND,
    Answer,
    Command,
    CommandRefused,
    NoSuchMode,
    later,
)
from myocan.hub.agent.deployment import Reason, load_deployment
from myocan.hub.agent.hearing import Hearing
from myocan.hub.agent.mirror import MIRRORED, Mirror
from myocan.hub.agent.mode import Mode
from myocan.hub.agent.order import FilesAtStart, Order
from myocan.hub.agent.outlet import Name
from myocan.hub.agent.processing import text_of
from myocan.hub.agent.shared import LIVE, Shared
from myocan.hub.agent.topics import keyed_topics, said_by
from myocan.hub.bus import Outgoing
from myocan.hub.core.linker import fold
from myocan.hub.core.scalars import parse_scalar
from myocan.hub.settings import check_level
from myocan.hub.store import DiskFull, ModeCopy

__all__ = ["MADE", "MAX_MODES", "Modes"]

MADE = "mode"
"""How a mode was made, as its `$admin` has it: a JSON object as text."""

MAX_MODES = 16
"""Modes of a hub, `live` among them; each has its programs and their state in memory."""

MAX_MS = 4_102_444_800_000
"""The year 2100, milliseconds since 1970 UTC: calendars know holidays and the sun up to there."""

_log = logging.getLogger(__name__)


class _Copying(NamedTuple):
    """A copy under way: of what, under which name, and what was asked for."""

    copy: ModeCopy
    source: str
    name: str
    mirror: bool
    user: str


class Modes:
    """The modes of a hub.

    Arguments:
        shared: what they have in common.
        files: which programs to put in force in `live`; those of the others are in their logs.
        wall_ms: the wall clock, milliseconds since 1970 UTC.

    `hearing` tells which of them hears which board.
    """

    def __init__(self, shared: Shared, files: FilesAtStart, wall_ms: Callable[[], int]) -> None:
        self._shared = shared
        self._wall_ms = wall_ms
        self.live = Mode(LIVE, shared, files, wall_ms)
        self._modes = {LIVE: self.live}
        self._mirrors: dict[str, Mirror] = {}
        self._copying: _Copying | None = None
        self._gone: list[Outgoing] = []
        self.commands: dict[str, Command] = {
            "mode create": self._create,
            "mode copy": self._copy,
            "mode drop": self._drop,
            "clock": self._set_clock,
            "send": self._send,
        }
        for name in shared.store.modes():
            if name != LIVE:
                self._bring_back(name)
        self.hearing = Hearing(shared, self._modes, self.of, wall_ms)
        self.commands |= self.hearing.commands

    def __iter__(self) -> Iterator[Mode]:
        return iter(self._modes.values())

    def of(self, content: dict[str, Any]) -> Mode:
        """Return the mode that a request is for, `live` if it names none.

        Raises CommandRefused.
        """
        name = str(content.get("mode", LIVE))
        mode = self._modes.get(name)
        if mode is None:
            near = get_close_matches(name, self._modes, n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            raise NoSuchMode(
                f"no mode {name} runs here{meant}; `myocan mode list` shows those that do"
            )
        return mode

    def values_of(self, name: str) -> Callable[[Name], object] | None:
        """Return what tells the values of topics in a mode; None if there is no such mode."""
        mode = self._modes.get(name)
        return None if mode is None else mode.shown

    def turn(self) -> None:
        """Let the test modes do a piece of their work."""
        for name, mode in self._modes.items():
            if name != LIVE:
                if not self.hearing.process(mode, mode.take_what_is_due()):
                    continue  # what waits has numbers of the core, which are to stay
                if name in self._mirrors:
                    self._mirrors[name].feed()
                mode.core.compact()
        if self._copying is not None:
            self._step(self._copying)

    def due_s(self) -> float | None:
        """Return in how many seconds there is something to do; None if nobody knows."""
        if self._copying is not None or any(one.is_behind() for one in self._mirrors.values()):
            return 0.0
        waits = [mode.due_s() for mode in self]
        return min((wait for wait in waits if wait is not None), default=None)

    def greeting(self) -> list[Outgoing]:
        """Return what the broker may have missed."""
        gone, self._gone = self._gone, []
        return [*gone, *(frame for mode in self for frame in mode.greeting())]

    def close(self) -> None:
        """Write what is left to write, in an orderly end."""
        for mode in self:
            mode.close()

    # ------------------------------------------------------------------ making and dropping

    def _bring_back(self, name: str) -> None:
        """Let a mode that the store has go on."""
        mode = self._modes[name] = Mode(name, self._shared, None, self._wall_ms)
        made = json.loads(json.loads(mode.administration.get(MADE, '"{}"')))
        if made.get("mirror"):
            self._mirror(mode, int(mode.administration[MIRRORED]))

    def _mirror(self, mode: Mode, after: int) -> None:
        self._mirrors[mode.name] = Mirror(self._shared.store, self.live, mode, after)

    def _create(self, content: dict[str, Any]) -> Answer:
        name = self._new_name(content)
        self._shared.store.make_mode(name)
        house = self._shared.house
        deployment = load_deployment(
            self.live.sources, self._shared.adapters, self._shared.store, house.agent.name
        )
        order = Order(deployment, Reason("mode create", _user_of(content), ""))
        mode = Mode(name, self._shared, order, self._wall_ms)
        self._add(mode, None, bool(content.get("mirror")), _user_of(content))
        return {"created": name}

    def _copy(self, content: dict[str, Any]) -> Answer:
        source = self.of({"mode": content.get("source", LIVE)}).name
        name = self._new_name(content)
        copy = self._shared.store.start_copy(source, name)
        mirror = bool(content.get("mirror"))
        self._copying = _Copying(copy, source, name, mirror, _user_of(content))

        def answer() -> dict[str, Any] | None:
            if name in self._modes:
                return {"copied": name, "source": source}
            if self._copying is None or self._copying.copy is not copy:
                raise CommandRefused(f"the disk has no room for a copy of {source}")
            return None

        return answer

    def _step(self, copying: _Copying) -> None:
        """Go on with a copy; let it be a mode when it is done."""
        try:
            if copying.copy.step():
                return
        except DiskFull as error:
            _log.error("%s; the copy %s is given up", error, copying.name)
            self._copying = None
            copying.copy.abandon()
            return
        self._copying = None
        self._shared.store.finish_copy(copying.copy, copying.name)
        mode = Mode(copying.name, self._shared, None, self._wall_ms)
        self._add(mode, copying.source, copying.mirror, copying.user)

    def _add(self, mode: Mode, source: str | None, mirror: bool, user: str) -> None:
        """Take in a new mode, and let its log and that of `live` say how it was made."""
        if mirror:
            after = self.live.offset - 1
            if source in self._mirrors:  # it may not have taken all yet
                after = self._mirrors[source].after
            mode.note(MIRRORED, str(after), COMMAND)
            self._mirror(mode, after)
        made = {"from": source, "offset": mode.offset - 1, "mirror": mirror, "by": user}
        mode.note(MADE, text_of(made), COMMAND)
        self.live.note(f"{MADE}.{mode.name}", text_of(made), COMMAND)
        self._modes[mode.name] = mode
        self._shared.connection.publish(mode.greeting())

    def _drop(self, content: dict[str, Any]) -> Answer:
        name = str(content.get("name"))
        if name == LIVE:
            raise CommandRefused("live is the house itself; only test modes are dropped")
        if name not in self._shared.store.modes():
            self.of({"mode": name})
        if self._copying is not None and self._copying.source == name:
            raise CommandRefused(f"{name} is being copied; drop it after that")
        if boards := self.hearing.boards_in(name):
            raise CommandRefused(
                f"{name} hears {', '.join(boards)}; let live hear it first: "
                f"myocan board mode {boards[0]} live"
            )
        self._shared.store.drop_mode(name)
        self._mirrors.pop(name, None)
        mode = self._modes.pop(name)
        mode.dropped = True
        mode.on_dropped()
        farewell = mode.farewell()
        if self._shared.connection.online:
            self._shared.connection.publish(farewell)
        else:
            self._gone += farewell
        self.live.note(f"{MADE}.{name}", "null", COMMAND)
        return {"dropped": name}

    def _new_name(self, content: dict[str, Any]) -> str:
        name = str(content.get("name"))
        try:
            check_level(name)
        except ValueError as error:
            raise CommandRefused(f"{name!r} cannot be a mode: its name {error}") from None
        if self._copying is not None:
            raise CommandRefused(f"mode {self._copying.name} is being copied; ask again after it")
        if name in self._shared.store.modes():
            raise CommandRefused(f"there is a mode {name} already; drop it, or take another name")
        if len(self._modes) >= MAX_MODES:
            raise CommandRefused(f"there are {MAX_MODES} modes already; drop one first")
        return name

    # ------------------------------------------------------------------ clocks and messages

    def _set_clock(self, content: dict[str, Any]) -> Answer:
        if content.get("to") is None:
            return _clock_of(self.of(content))
        mode = self._test_mode(content, "the clock of live is the wall clock")
        setting = self._setting(mode, content)
        if setting is not None and setting.shown_ms < mode.log_ms:
            raise CommandRefused(
                f"the log of {mode.name} is further than that already, and its time only rises; "
                "to go back, copy the mode of that time anew"
            )
        mode.set_clock(setting, COMMAND)

        def answer() -> dict[str, Any] | None:
            return _clock_of(mode) if mode.caught_up else None

        return later(mode, answer)

    def _setting(self, mode: Mode, content: dict[str, Any]) -> Setting | None:
        clock = mode.clock
        # A clock that was fast shows less, when read a moment later, than the log has.
        now_ms = max(clock.now_ms(), mode.log_ms)
        to, amount = str(content.get("to")), content.get("amount")
        try:
            if to == "live":
                return None
            if to == "frozen":
                return clock.setting_at(now_ms, parse_speed("0"))
            if to == "speed":
                return clock.setting_at(now_ms, parse_speed(str(amount)))
            if to == "set":
                return clock.setting_at(_milliseconds(amount))
            if to == "advance":
                return clock.setting_at(_milliseconds(now_ms + _milliseconds(amount)))
        except ValueError as error:
            raise CommandRefused(str(error)) from None
        raise CommandRefused(f"a clock can be live, frozen, set, advance or speed, not {to!r}")

    def _send(self, content: dict[str, Any]) -> Answer:
        mode = self._test_mode(content, "what is for live goes through the broker")
        module, variable = str(content.get("module")), fold(str(content.get("variable")))
        instance, value = str(content.get("instance") or ""), str(content.get("value"))
        shown = f"{module}.{variable}" + (f"[{instance}]" if instance else "")
        topic = "", module, variable
        programs = mode.core.programs
        if mode.core.topic(topic) < 0:
            raise CommandRefused(f"no module of mode {mode.name} knows {shown}")
        whose, _line = said_by(programs).get((module, variable), ("", 0))
        if whose:
            raise CommandRefused(f"{shown} is what module {whose} says; send what {whose} hears")
        if instance and topic not in keyed_topics(programs):
            raise CommandRefused(f"{shown}: its messages have no key; send {module}.{variable}")
        try:
            parse_scalar(value, mode.core.intern)
        except ValueError as error:
            raise CommandRefused(f"{shown}: {error}") from None
        if fault := self._shared.models.fault(module, variable, value):
            raise CommandRefused(f"{shown} was not taken by its model: {fault}")
        message = OwnMessage(topic, value, COMMAND, instance)

        def answer() -> dict[str, Any] | None:
            now = mode.take_what_is_due()
            if now is None:
                return None
            offset = mode.offset
            mode.process_own([message], now)
            return {"mode": mode.name, "offset": offset}

        return later(mode, answer)

    def _test_mode(self, content: dict[str, Any], reason: str) -> Mode:
        mode = self.of(content)
        if mode.is_live:
            raise CommandRefused(f"{reason}; try it in a copy: myocan mode copy live NAME")
        return mode


def _clock_of(mode: Mode) -> dict[str, Any]:
    setting = mode.clock.setting
    speed = "1" if setting is None else str(setting.speed)
    now_ms = mode.clock.now_ms()
    return {
        "mode": mode.name,
        "now_ms": now_ms,
        "log_ms": mode.log_ms,
        "speed": speed,
        "live": setting is None,
    }


def _user_of(content: dict[str, Any]) -> str:
    return str(content.get("user") or "")


def _milliseconds(amount: object) -> int:
    if not isinstance(amount, int) or isinstance(amount, bool) or amount > MAX_MS:
        raise ValueError("a clock shows times up to the year 2100")
    return max(amount, 0)
