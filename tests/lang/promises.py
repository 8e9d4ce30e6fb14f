"""What is promised of every text, whatever it is: an answer that can be shown, and one style.

The one idea: these hold for any bytes, so tests with texts of all kinds share them.
"""

from __future__ import annotations

import json
import re
from typing import Any

from lang.verify import verify
from myocan.hub.core.stored import write_program
from myocan.hub.lang import compile_module, format_module
from myocan.hub.lang.diagnostics import Report
from myocan.hub.lang.lexer import tokens


def answered(source: str | bytes) -> bool:
    """Compile a text and hold the answer to what is promised; return whether it is a program."""
    compiled = compile_module(source, "m")
    errors = [d for d in compiled.diagnostics if d.severity == "error"]
    assert (compiled.program is None) == bool(errors)
    text = source if isinstance(source, str) else source.decode("utf-8", "replace")
    for diagnostic in compiled.diagnostics:
        assert diagnostic.line >= 1
        assert 1 <= diagnostic.column < diagnostic.end_column
        assert "\n" not in str(diagnostic)
        assert str(diagnostic).isprintable()
        assert len(str(diagnostic)) < 600
        assert diagnostic.render(text).startswith(str(diagnostic))
        json.dumps(diagnostic.as_dict())
    if compiled.program is not None:
        verify(compiled.program)
        write_program(compiled.program).encode()
    return compiled.program is not None


def comments(text: str) -> list[str]:
    """Return all comments of a text, in order."""
    found = []
    for line in re.split(r"\r\n|\r|\n", text):
        cut, _ = tokens(line, 1, Report("m.scc"))
        rest = line[cut[-1].span.end_column - 1 :] if cut else line
        found += [rest.strip()] if rest.strip() else []
    return found


def meaning(text: str, name: str = "m") -> Any:
    """Return what a text compiles to, and what is said of it, without the numbers of lines.

    A message repeats words of the text, so upper and lower case of it count as the same.
    """
    compiled = compile_module(text, name)
    told = sorted(
        (d.severity, re.sub(r"lines? [0-9]+(?:(?:,| and) [0-9]+)*", "line", d.message).casefold())
        for d in compiled.diagnostics
    )
    if compiled.program is None:
        return told

    def without_lines(plain: Any) -> Any:
        if isinstance(plain, dict):
            plain = {key: value for key, value in plain.items() if key != "line"}
            if "lines" in plain:
                plain["lines"] = [pc for pc, _ in plain["lines"]]
            return {key: without_lines(value) for key, value in plain.items()}
        return [without_lines(each) for each in plain] if isinstance(plain, list) else plain

    return without_lines(json.loads(write_program(compiled.program))), told


def formatted(source: str | bytes) -> str | None:
    """Format a text and hold the answer to what is promised; None where it cannot be read."""
    answer = format_module(source, "m.scc")
    assert (answer.text is None) == bool(answer.diagnostics)
    if answer.text is None:
        return None
    text = source if isinstance(source, str) else source.decode("utf-8")
    assert format_module(answer.text, "m.scc").text == answer.text, "formatting twice differs"
    assert comments(answer.text) == comments(text.removeprefix("\ufeff"))
    assert not re.search(r"[ \t]$|\r|\n\n\n|\A\n|\n\n\Z", answer.text, re.M)
    assert answer.text.endswith("\n") or not answer.text
    return answer.text
