"""What the user of a hub can ask of it about the instances of a keyed module."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from myocan.hub.agent.batch import OwnMessage
from myocan.hub.agent.commands import COMMAND, Command, CommandRefused
from myocan.hub.agent.mode import Mode
from myocan.hub.core import Program
from myocan.hub.core.program import INSTANCES_VARIABLE, MAX_KEY

__all__ = ["Instances"]


class Instances:
    """The commands for instances.

    Arguments:
        mode_of: returns the mode that a request is for; may raise CommandRefused.
    """

    def __init__(self, mode_of: Callable[[dict[str, Any]], Mode]) -> None:
        self._mode_of = mode_of
        self.commands: dict[str, Command] = {
            "instance create": self._create,
            "instance drop": self._drop,
            "instance list": self._list,
        }

    def _create(self, content: dict[str, Any]) -> dict[str, Any]:
        mode = self._mode_of(content)
        module, key = _keyed(mode, content).module, _key(content)
        there = _lives(mode, module, key)
        _tell(mode, module, key, "true")
        return {"created": not there}

    def _drop(self, content: dict[str, Any]) -> dict[str, Any]:
        mode = self._mode_of(content)
        module, key = _keyed(mode, content).module, _key(content)
        if not _lives(mode, module, key):
            near = get_close_matches(key, mode.core.instances(module), n=1)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            raise CommandRefused(f"{module} has no instance {key!r}{meant}")
        _tell(mode, module, key, "null")
        return {"dropped": True}

    def _list(self, content: dict[str, Any]) -> dict[str, Any]:
        mode = self._mode_of(content)
        program = _keyed(mode, content)
        return {"key": program.key, "instances": mode.core.instances(program.module)}


def _tell(mode: Mode, module: str, key: str, value: str) -> None:
    message = OwnMessage(("", module, INSTANCES_VARIABLE), value, COMMAND, key)
    mode.process_own([message], mode.now())


def _lives(mode: Mode, module: str, key: str) -> bool:
    return mode.core.read(module, INSTANCES_VARIABLE, key) is not None


def _keyed(mode: Mode, content: dict[str, Any]) -> Program:
    name = content.get("module")
    programs = {program.module: program for program in mode.core.programs}
    program = programs.get(str(name))
    if program is None:
        keyed = sorted(name for name, program in programs.items() if program.key)
        if near := get_close_matches(str(name), programs, n=1):
            hint = f"did you mean {near[0]}?"
        elif keyed:
            hint = f"these have instances: {', '.join(keyed)}"
        else:
            hint = "none that runs has instances"
        raise CommandRefused(f"no module {name} runs here; {hint}")
    if not program.key:
        raise CommandRefused(
            f"module {name} has no instances; a key behind its name gives it some: "
            f"MODULE {name}[location]"
        )
    return program


def _key(content: dict[str, Any]) -> str:
    key = content.get("key")
    if not isinstance(key, str) or not 0 < len(key.encode("utf-8", "replace")) <= MAX_KEY:
        raise CommandRefused(f"the key of an instance has 1 to {MAX_KEY} bytes of text")
    return key
