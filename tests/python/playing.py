"""A module in Python on a core of its own, and what comes of messages."""

from __future__ import annotations

import textwrap
from array import array
from collections.abc import Mapping

from myocan.hub.core import Core, Program
from myocan.hub.core.scalars import parse_scalar, scalar_json
from myocan.hub.core.stored import read_program, write_program
from myocan.hub.lang import compile_module

HEAD = """
from datetime import time
from decimal import Decimal
from enum import Enum
from typing import Literal

from myocan.hub import (
    Module, about, at, calls, each, event, field, hears, on, publishes, timer, when,
)
"""


def text_of(body: str) -> str:
    """Return the text of a module: the imports that there can be, and this below."""
    return HEAD + textwrap.dedent(body)


def program_of(body: str, name: str = "lamp1") -> Program:
    """Return a module that has no mistakes, by way of its stored form."""
    compiled = compile_module(text_of(body), name)
    assert compiled.program is not None, "\n".join(map(str, compiled.diagnostics))
    return read_program(write_program(compiled.program))


def mistakes_of(body: str) -> list[str]:
    """Return what is wrong with a module, by the line of `body`, as `3: message`."""
    found = compile_module(text_of(body), "lamp1").diagnostics
    above = HEAD.count("\n")
    offer = {one: f" [{one.suggestion}]" if one.suggestion else "" for one in found}
    return [f"{one.line - above}: {one.message}{offer[one]}" for one in found]


class Play:
    """Modules that run.

    Attributes:
        lines: where what was said last stands in its text, by what was said.
    """

    def __init__(self, *programs: Program) -> None:
        self.core = Core()
        self.core.link(programs)
        self.now_ms = 0
        self.lines: dict[str, int] = {}

    def send(self, topic: str, value: str = "null", *, key: str = "") -> list[str]:
        """Let a message arrive, as JSON; return what followed: `lamp1.state = "on"`."""
        core = self.core
        module, _, variable = topic.rpartition(".")
        domain, _, module = module.rpartition(".")
        number = core.topic((domain, module, variable.lower()))
        assert number >= 0, f"nobody knows {topic}"
        scalar = parse_scalar(value, core.intern)
        batch = [array("q", [each]) for each in (number, *scalar)]
        core.run(*batch, self.now_ms, array("q", [core.intern(key)]) if key else None)
        said = []
        for topic_number, tag, value_number, _module, cause, pc, instance in core.rows():
            if cause < 0:
                continue
            _, module, variable = core.topics[topic_number]
            of = f"[{core.texts[instance]}]" if instance >= 0 else ""
            text = core.texts[value_number] if module == "$log" else None
            shown = text or scalar_json(tag, value_number, core.texts)
            said.append(f"{module}{of}.{variable} = {shown}")
            self.lines[said[-1]] = core.line(pc)
        return said

    def read(self, variable: str, key: str = "", module: str = "lamp1") -> str:
        """Return what a variable holds, as JSON."""
        found = self.core.read(module, variable, key)
        assert found is not None
        return scalar_json(*found, self.core.texts)

    def changed(self) -> Mapping[str, str]:
        """Return what the last message changed, by variable."""
        texts = self.core.texts
        return {
            self.core.name_of(slot)[1]: scalar_json(tag, value, texts)
            for _row, slot, tag, value, _key in self.core.changes()
        }
