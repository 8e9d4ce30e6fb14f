"""What the user of a hub can ask of it while it runs: see `myocan.hub.control`.

The one idea: a command becomes a message of the log. Whatever it does is done by the same cycles
as everything else, and a replay finds it where it was.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from myocan.hub.agent.batch import OwnMessage
from myocan.hub.agent.mode import Mode
from myocan.hub.core import Program
from myocan.hub.core.program import INSTANCES_VARIABLE, MAX_KEY

__all__ = ["CommandRefused", "Commands"]

COMMAND = "command"
"""The producer of what a user asks for."""


class CommandRefused(Exception):
    """A command that is not done; the text says why, to who gave it."""


class Commands:
    """The commands of a hub.

    Arguments:
        mode: what runs.
    """

    def __init__(self, mode: Mode) -> None:
        self._mode = mode
        self._known: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "instance create": self._create,
            "instance drop": self._drop,
            "instance list": self._list,
        }

    def do(self, content: dict[str, Any]) -> dict[str, Any]:
        """Do what a request asks; return the answer. Raises CommandRefused."""
        command = self._known.get(str(content.get("command")))
        if command is None:
            raise CommandRefused(f"this hub has no such command; it knows {', '.join(self._known)}")
        return command(content)

    def _create(self, content: dict[str, Any]) -> dict[str, Any]:
        module, key = self._keyed(content).module, _key(content)
        there = self._lives(module, key)
        self._process(OwnMessage(("", module, INSTANCES_VARIABLE), "true", COMMAND, key))
        return {"created": not there}

    def _drop(self, content: dict[str, Any]) -> dict[str, Any]:
        program, key = self._keyed(content), _key(content)
        if not self._lives(program.module, key):
            near = get_close_matches(key, self._mode.core.instances(program.module), n=1)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            raise CommandRefused(f"{program.module} has no instance {key!r}{meant}")
        self._process(OwnMessage(("", program.module, INSTANCES_VARIABLE), "null", COMMAND, key))
        return {"dropped": True}

    def _list(self, content: dict[str, Any]) -> dict[str, Any]:
        program = self._keyed(content)
        return {"key": program.key, "instances": self._mode.core.instances(program.module)}

    def _process(self, message: OwnMessage) -> None:
        self._mode.process_own([message], self._mode.now())

    def _lives(self, module: str, key: str) -> bool:
        return self._mode.core.read(module, INSTANCES_VARIABLE, key) is not None

    def _keyed(self, content: dict[str, Any]) -> Program:
        name = content.get("module")
        programs = {program.module: program for program in self._mode.core.programs}
        program = programs.get(str(name))
        if program is None:
            near = get_close_matches(str(name), programs, n=1) or sorted(programs)
            known = f"; did you mean {near[0]}?" if near else ""
            raise CommandRefused(f"no module {name} runs here{known}")
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
