"""What the user of a hub can ask of it about topics: that one is forgotten.

The one idea: a topic that no rule knows can go without anybody missing it. First its values, with
a message that says so; then, when a checkpoint lies behind that, all its messages; then a message
says that it is done. A start that finds only the first of the two does all of it once more.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from myocan.hub.agent.commands import COMMAND, Answer, Command, CommandRefused, later
from myocan.hub.agent.mode import Mode
from myocan.hub.agent.processing import text_of
from myocan.hub.core.linker import fold
from myocan.hub.store import Store

__all__ = ["Topics"]

NOTE = "topic"
"""What is dropped, as `$admin` has it."""


class Topics:
    """The commands for topics.

    Arguments:
        mode_of: returns the mode that a request is for; may raise CommandRefused.
        store: where their messages are.
    """

    def __init__(self, mode_of: Callable[[dict[str, Any]], Mode], store: Store) -> None:
        self._mode_of = mode_of
        self._store = store
        self.commands: dict[str, Command] = {"topic drop": self._drop}

    def unfinished(self, mode: Mode) -> dict[str, Any] | None:
        """Return the request to drop what an earlier life of the hub began to, if there is that."""
        begun = json.loads(json.loads(mode.administration.get(NOTE, '"{}"')))
        if "dropping" not in begun:
            return None
        topic = {name: begun[name] for name in ("module", "variable", "instance")}
        return {"command": "topic drop", "mode": mode.name, **topic}

    def _drop(self, content: dict[str, Any]) -> Answer:
        mode = self._mode_of(content)
        module, variable = str(content.get("module")), fold(str(content.get("variable")))
        instance = str(content.get("instance") or "")
        shown = f"{module}.{variable}" + (f"[{instance}]" if instance else "")
        _refuse_used(mode, module, variable, shown)
        known = self._store.names_of(module)
        numbers = {
            number: key
            for number, (name, key) in known.items()
            if name == variable and instance in ("", key)
        }
        if not numbers:
            near = get_close_matches(variable, {name for name, _key in known.values()}, n=1)
            meant = f"; did you mean {module}.{near[0]}?" if near else ""
            raise CommandRefused(f"the log has nothing of {shown}{meant}")
        begun = {"dropping": shown, "module": module, "variable": variable, "instance": instance}
        mode.note(NOTE, text_of(begun), COMMAND, forgotten=numbers)
        for key in numbers.values():
            mode.take_back((module, variable, key))
        mode.checkpoints.hurry()
        return self._remove(mode, list(numbers), mode.offset - 1, shown)

    def _remove(self, mode: Mode, numbers: list[int], up_to: int, shown: str) -> Answer:
        """Remove the messages of a topic, from the next checkpoint on; return who tells when."""
        removed: list[Callable[[], int | None]] = []

        def answer() -> dict[str, Any] | None:
            if not removed:
                if mode.checkpoints.finished < up_to:
                    return None
                removed.append(mode.trimming.drop(numbers, up_to))
            messages = removed[0]()
            if messages is None:
                return None
            done = {"dropped": shown, "messages": messages}
            mode.note(NOTE, text_of(done), COMMAND)
            return done

        return later(mode, answer)


def _refuse_used(mode: Mode, module: str, variable: str, shown: str) -> None:
    if module.startswith("$") or variable[:1] in ("$", "%"):
        raise CommandRefused(f"{shown} is the hub's own and stays")
    domain, _, last = module.rpartition(".")
    for program in mode.core.programs:
        if program.module == module:
            raise CommandRefused(
                f"{shown} belongs to module {module}, which runs here; take the module out of the "
                "house first"
            )
        if any(one.topic == (domain, last, variable) for one in program.variables):
            raise CommandRefused(
                f"module {program.module} uses {shown}; take it out of its rules first"
            )
