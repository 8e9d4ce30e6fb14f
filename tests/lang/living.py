"""Runs modules from their text, so that a test can say what happens in a house.

The one idea: a test sends `module.variable` and a JSON value and reads back lines of the same form,
so it looks like what `myocan tail` would show.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator

from myocan.hub.core import Core, Role
from myocan.hub.core.program import INSTANCES_VARIABLE
from myocan.hub.core.scalars import parse_scalar, scalar_json
from myocan.hub.lang import compile_module


class Living:
    """Modules that run in memory."""

    def __init__(self, **texts: str) -> None:
        """Compile and link modules: their names and texts, which must be free of errors."""
        programs = []
        for name, text in texts.items():
            compiled = compile_module(text, name)
            assert compiled.program is not None, "\n".join(map(str, compiled.diagnostics))
            programs.append(compiled.program)
        self.core = Core()
        self.core.link(programs)
        self.now_ms = 1_000_000

    def send(self, *messages: str) -> list[str]:
        """Send `module.variable` or `module.variable = value`, one after the other.

        Those of an instance have its key in brackets, `lamp[hall].event = "toggle"`; `lamp[hall]`
        alone, with `= true` or without, says that it is born or dropped.

        `6 minutes later` alone lets that time pass, and sends what timers send.

        Returns:
            What was published, in the same form; records of the log with them.
        """
        waited = re.fullmatch(r"\s*([0-9]+) minutes? later\s*", messages[0])
        if waited is not None:
            return self._wait(60_000 * int(waited[1]))
        topics, tags, values, instances = array("q"), array("q"), array("q"), array("q")
        for message in messages:
            name, _, value = (part.strip() for part in message.partition("="))
            name, key = _without_key(name)
            module, _, variable = name.rpartition(".")
            domain, _, module = module.rpartition(".")
            number = self.core.topic((domain, module, variable))
            assert number >= 0, f"nobody hears {name}"
            tag, units = parse_scalar(value or "null", self.core.intern)
            topics.append(number)
            tags.append(tag)
            values.append(units)
            instances.append(-1 if key is None else self.core.intern(key))
        self.core.run(topics, tags, values, self.now_ms, instances)
        return [line for line, cause in self._rows() if cause >= 0]

    def _wait(self, by_ms: int) -> list[str]:
        end = self.now_ms + by_ms
        said = []
        while True:
            due = [
                (int(self.value(name)), name)
                for name in self._timers()
                if self.value(name) not in ("null", "0")
            ]
            first = min(due, key=lambda one: one[0], default=None)
            if first is None or first[0] > end:
                self.now_ms = end
                return said
            self.now_ms = first[0]
            said += self.send(first[1])

    def _timers(self) -> Iterator[str]:
        for program in self.core.programs:
            for variable in program.variables:
                keys = self.core.instances(program.module) if variable.keyed else [""]
                for key in keys if variable.role is Role.TIMER else ():
                    whose = f"[{key}]" if key else ""
                    yield f"{program.module}{whose}.{variable.name.lower()}"

    def value(self, name: str) -> str:
        """Return the JSON text of a variable, named `module.variable`, `module[key].variable`."""
        name, key = _without_key(name)
        module, _, variable = name.partition(".")
        found = self.core.read(module, variable.lower(), key or "")
        assert found is not None, f"there is no {name}"
        return scalar_json(*found, self.core.texts)

    def _rows(self) -> list[tuple[str, int]]:
        found = []
        for topic, tag, value, _, cause, _, instance in self.core.rows():
            domain, module, variable = self.core.topics[topic]
            if instance >= 0:
                module += f"[{self.core.texts[instance]}]"
            if variable == INSTANCES_VARIABLE:
                variable = ""
            name = ".".join(part for part in (domain, module, variable) if part)
            text = scalar_json(tag, value, self.core.texts)
            found.append((name if text == "null" else f"{name} = {text}", cause))
        return found


def _without_key(name: str) -> tuple[str, str | None]:
    """Return a name without the key in it, and that key."""
    found = re.fullmatch(r"(\w+)\[([^]]*)\](.*)", name)
    if found is None:
        return name, None
    return f"{found[1]}{found[3] or '.' + INSTANCES_VARIABLE}", found[2]
