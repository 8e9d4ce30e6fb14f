"""Runs modules from their text, so that a test can say what happens in a house.

The one idea: a test sends `module.variable` and a JSON value and reads back lines of the same form,
so it looks like what `myocan tail` would show.
"""

from __future__ import annotations

from array import array

from myocan.hub.core import Core
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

    def send(self, *messages: str) -> list[str]:
        """Send `module.variable` or `module.variable = value`, one after the other.

        Returns:
            What was published, in the same form; records of the log with them.
        """
        topics, tags, values = array("q"), array("q"), array("q")
        for message in messages:
            name, _, value = (part.strip() for part in message.partition("="))
            module, _, variable = name.rpartition(".")
            domain, _, module = module.rpartition(".")
            number = self.core.topic((domain, module, variable))
            assert number >= 0, f"nobody hears {name}"
            tag, units = parse_scalar(value or "null", self.core.intern)
            topics.append(number)
            tags.append(tag)
            values.append(units)
        self.core.run(topics, tags, values)
        return [line for line, cause in self._rows() if cause >= 0]

    def value(self, name: str) -> str:
        """Return the JSON text of a variable, named `module.variable`."""
        module, _, variable = name.partition(".")
        found = self.core.read(module, variable.lower())
        assert found is not None, f"there is no {name}"
        return scalar_json(*found, self.core.texts)

    def _rows(self) -> list[tuple[str, int]]:
        found = []
        for topic, tag, value, _, cause, _ in self.core.rows():
            domain, module, variable = self.core.topics[topic]
            name = ".".join(part for part in (domain, module, variable) if part)
            text = scalar_json(tag, value, self.core.texts)
            found.append((name if text == "null" else f"{name} = {text}", cause))
        return found
