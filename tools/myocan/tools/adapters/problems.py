"""Mistakes in adapter files: where they are, what is wrong, what was probably meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from myocan.hub.needs import text_of
from myocan.tools.errors import ToolsError


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake, or what is probably one.

    line: counted from 1; None for the file as a whole. suggestion: what could stand there instead.
    """

    message: str
    line: int | None = None
    suggestion: str | None = None
    severity: Literal["error", "warning"] = "error"

    def text(self, file: str) -> str:
        """Return it in one line that begins with file and line."""
        where = f"{file}:{self.line}" if self.line else file
        kind = "warning: " if self.severity == "warning" else ""
        hint = f"; did you mean '{self.suggestion}'?" if self.suggestion else ""
        return f"{where}: {kind}{self.message}{hint}"


class AdapterError(ToolsError):
    """An adapter file that cannot be used; `problems` lists all that is wrong with it."""

    def __init__(self, path: Path, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(problem.text(path.name) for problem in problems))
        self.path = path
        self.problems = tuple(problems)


def complaint(error: Mapping[str, Any], what: str) -> str:
    """Return what pydantic has against a value, as one says it.

    error: one of `ValidationError.errors()`. what: the name of the key.
    """
    given = error["input"]
    limits = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return f"{what} is missing"
        case "literal_error":
            return f"{what} must be {limits['expected']}, not {text_of(given)}"
        case "int_type":
            return f"{what} must be a whole number, not {text_of(given)}"
        case "float_type":
            return f"{what} must be a number, not {text_of(given)}"
        case "string_type":
            return f"{what} must be text in quotes, not {text_of(given)}"
        case "dict_type" | "model_type":
            return f"{what} must be a table, not {text_of(given)}"
        case "list_type" | "tuple_type":
            return f"{what} must be a list, not {text_of(given)}"
        case "greater_than_equal":
            return f"{what} must be {_plain(limits['ge'])} or more, not {given}"
        case "less_than_equal":
            return f"{what} must be {_plain(limits['le'])} or less, not {given}"
        case "greater_than":
            return f"{what} must be more than {_plain(limits['gt'])}, not {given}"
        case "finite_number":
            return f"{what} must be a number, not {given}"
        case "value_error":
            return f"{what}: {limits['error']}"
        case "string_too_short":
            return f"{what} must not be empty"
    return f"{what}: {error['msg']}"


def _plain(limit: float) -> str:
    return str(int(limit)) if limit == int(limit) else f"{limit:g}"
