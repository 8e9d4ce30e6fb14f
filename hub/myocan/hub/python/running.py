"""What the core asks of a module in Python: its methods, one at a time.

The one idea: a method is given nothing but the cycle. `Now` is that cycle: what `self` reads and
assigns goes through it into the core, and the line of the text goes with it. What a method raises
fails its cycle, as an error in a rule does, and nothing else.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal, localcontext
from typing import Any

from myocan.hub.core.linker import MAX_MAP_VALUES
from myocan.hub.core.program import (
    EXTERNAL_MODULE,
    INT64_MAX,
    MAX_KEY,
    Failure,
    Program,
    Role,
    Tag,
    Type,
)
from myocan.hub.python.loading import Loaded, line_of, load
from myocan.hub.python.module import Event, Map, Module, Timer
from myocan.hub.python.text import MAX_STEPS, TooManySteps
from myocan.hub.python.values import (
    CONTEXT,
    MAX_TEXT,
    DoesNotFit,
    argument,
    constant,
    to_python,
    to_slot,
    whole,
)

MOST_ENDLESS = 3
"""Cycles that did not come to an end before a module is suspended."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_LONGEST = 200


class Running:
    """The methods of one module in a core.

    Arguments:
        program: its.
        code: where its code starts in the layout.
        topic: gives a topic's number.

    Attributes:
        endless: the number of the variable that counts cycles which did not come to an end.
    """

    def __init__(
        self, program: Program, code: int, topic: Callable[[tuple[str, str, str]], int]
    ) -> None:
        loaded = load(program.python, program.module, program.file)
        self.endless = loaded.declared.endless
        self._loaded = loaded
        self._broken = ""
        if loaded.cls is None or tuple(loaded.declared.variables) != program.variables:
            self._broken = "this version of myocan reads its text otherwise; deploy it again"
            self.endless = len(program.variables) - 1
        self._pcs = {line: code + pc for pc, line in program.lines}
        # The lines of the class come last, one instruction each, so that theirs are kept.
        self._now = Now(program, loaded, self._pcs, topic)

    def run(self, core: Any, number: int, arrived: int) -> int:
        """Run a method; see `myocan.hub.core.methods.Methods`."""
        now, loaded = self._now, self._loaded
        if core.holds(self.endless)[1] >= MOST_ENDLESS:
            return 1  # it is suspended, and says nothing
        if self._broken or loaded.cls is None:
            core.fail(self._broken, -1)
            return int(Failure.RAISED)
        now.core = core
        reaction, method, _ = loaded.declared.reactions[number // 2]
        loaded.steps.left = MAX_STEPS
        me = object.__new__(loaded.cls)
        object.__setattr__(me, "_now_", now)
        answer = 1
        line = 0
        try:
            with localcontext(CONTEXT):
                if number % 2:
                    if arrived >= 0 and method.__code__.co_argcount > 1:
                        method(me, now.value(arrived))
                    else:
                        method(me)
                elif reaction.kind == "on":
                    wanted = [constant(one) for one in reaction.values]
                    answer = int(_is_one_of(constant(now.value(arrived)), wanted))
                else:
                    answer = int(bool(reaction.said(me)))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            line = line_of(error, loaded.file) or reaction.line
            if not isinstance(error, TooManySteps):
                core.fail(_said(error), self._pcs.get(line, -1))
                if loaded.steps.left >= 0:
                    return int(Failure.RAISED)
        if loaded.steps.left < 0:  # whatever it has made of that
            core.fail(self._gone_on(core), self._pcs.get(line or reaction.line, -1))
            return int(Failure.ENDLESS)
        return answer

    def _gone_on(self, core: Any) -> str:
        said = f"it took more than {MAX_STEPS:,} steps, so a loop in it does not end"
        if core.holds(self.endless)[1] + 1 < MOST_ENDLESS:
            return said
        return f"{said}, as {MOST_ENDLESS - 1} times before; it is suspended until it is mended"


def _is_one_of(value: Any, wanted: list[Any]) -> bool:
    """Tell whether a value is among those that are wanted; true is not 1."""
    return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in wanted)


def _said(error: BaseException) -> str:
    """Return what went wrong, in a line that is the same on each replay."""
    try:
        text = _line(" ".join(_ADDRESS.sub("", str(error)).split()), _LONGEST)
    except BaseException:  # of a class of the module's own
        text = ""
    if isinstance(error, DoesNotFit):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _line(text: str, most: int) -> str:
    """Return a text that can be written down, and is not too long."""
    text = text if len(text) <= most else text[:most] + "…"
    return text.encode("utf-8", "replace").decode()


class Now:
    """The cycle that a method runs in.

    Arguments:
        program: of the module.
        loaded: its class.
        pcs: of the layout, for each line.
        topic: gives a topic's number.

    Attributes:
        core: whose cycle it is.
    """

    def __init__(
        self,
        program: Program,
        loaded: Loaded,
        pcs: dict[int, int],
        topic: Callable[[tuple[str, str, str]], int],
    ) -> None:
        self.core: Any = None
        self._program = program
        self._variables = program.variables
        self._kinds = loaded.declared.kinds
        self._offset = loaded.declared.offset
        self._file = loaded.file
        self._pcs = pcs
        self._topic = topic

    def value(self, number: int) -> Any:
        """Return the Python value of a variable; of a timer or an event the thing itself."""
        variable = self._variables[number]
        if variable.type is Type.EVENT:
            if variable.duration_ms:
                return Timer(self, number, variable.duration_ms)
            return Event(self, number)
        if variable.map:
            return Map(self, number)
        tag, value = self.core.holds(number)
        if self._kinds[number] is datetime:
            return self._when(value) if value else None
        return to_python(variable, self._kinds[number], tag, value, self.core.texts)

    def set(self, number: int, value: Any) -> None:
        """Assign a variable. Raises DoesNotFit."""
        variable = self._variables[number]
        if variable.type is Type.EVENT:
            raise DoesNotFit(
                f"{variable.name} is {'a timer' if variable.duration_ms else 'an event'}; write "
                f"self.{variable.name}{'.start' if variable.duration_ms else ''}()"
            )
        if variable.role is Role.SUBSCRIBE or "#" in variable.name:
            what = "what the hub knows" if "#" in variable.name else "what others say"
            raise DoesNotFit(f"{variable.name} is {what}; it is read, not assigned")
        if variable.map:
            raise DoesNotFit(f'say for which key: self.{variable.name}["…"] = …')
        tag, units = to_slot(variable, value, self.core.intern)
        self.core.give(number, tag, units, self._pc())

    def value_of(self, number: int, key: str) -> Any:
        """Return the Python value of a map for a key. Raises DoesNotFit."""
        variable, core = self._variables[number], self.core
        if not isinstance(key, str):
            raise DoesNotFit(f"the key of a map is a text, not {key!r}")
        tag, value = core.holds_of(number, key)
        return to_python(variable, self._kinds[number], tag, value, core.texts)

    def keys_of(self, number: int) -> list[str]:
        """Return the keys of a map that were ever assigned, in order."""
        keys: list[str] = self.core.keys_of(number)
        return keys

    def set_of(self, number: int, key: str, value: Any) -> None:
        """Assign a value of a map. Raises DoesNotFit."""
        tag, units = to_slot(self._variables[number], value, self.core.intern)
        done = 0
        if isinstance(key, str):
            done = self.core.give_of(number, whole(key), tag, units, self._pc())
        if done < 0:
            raise DoesNotFit(f"a cycle assigns at most {MAX_MAP_VALUES:,} values of maps")
        if not done:
            raise DoesNotFit(f"the key of a map is a text of 1 to {MAX_KEY} bytes, not {key!r}")

    def due_ms(self, number: int) -> int:
        """Return when a timer is due, milliseconds since 1970 UTC; 0 while it does not run."""
        due: int = self.core.holds(number)[1]
        return due

    def set_timer(self, number: int, duration_ms: int) -> None:
        """Let a timer run from now on, or stop it: 0."""
        due = min(self.core.moment()[0] + duration_ms, INT64_MAX) if duration_ms else 0
        self.core.give(number, 0, due, self._pc())

    def activate(self, number: int) -> None:
        """Publish an event when the cycle ends."""
        self.core.give(number, int(Tag.NULL), 0, self._pc())

    def log(self, level: int, text: str) -> None:
        """Write to the log: 0 info, 1 warn, 2 alert."""
        self.core.say(level, _line(text, MAX_TEXT), self._pc())

    def call(self, name: str, arguments: tuple[Any, ...]) -> None:
        """Have a function of `externals.py` called. Raises DoesNotFit."""
        parts = [_json(argument(one)) for one in arguments]
        topic = self._topic(("", EXTERNAL_MODULE, name))
        self.core.say(topic, f"[{','.join(parts)}]", self._pc())

    def bear_or_drop(self, born: bool, key: str) -> None:
        """Let an instance be born, or drop it, when the cycle ends. Raises DoesNotFit."""
        if not self._program.key:
            raise DoesNotFit('this module has no instances; give it a key: (Module, key="room")')
        if not isinstance(key, str) or not self.core.bear_or_drop(born, key, self._pc()):
            raise DoesNotFit(f"the key of an instance is a text of 1 to 64 bytes, not {key!r}")

    def time(self) -> datetime:
        """Return the log's time, in the house's time zone."""
        return self._when(self.core.moment()[0])

    def _when(self, now_ms: int) -> datetime:
        minutes = self.core.holds(self._offset)[1] if self._offset >= 0 else 0
        zone = timezone(timedelta(minutes=minutes))
        return (_EPOCH + timedelta(milliseconds=now_ms)).astimezone(zone)

    def key(self) -> str:
        """Return the key of this instance."""
        key: str = self.core.moment()[1]
        return key

    def _pc(self) -> int:
        """Return the instruction of the line of the text that is running."""
        frame = sys._getframe(2)
        while frame is not None and frame.f_code.co_filename != self._file:
            frame = frame.f_back  # type: ignore[assignment]
        return self._pcs.get(frame.f_lineno, -1) if frame is not None else -1


def _json(value: Any) -> str:
    return (
        format(value, "f") if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)
    )


__all__ = ["Module", "Now", "Running"]
