"""Whether a text matches a pattern: a regular expression that it must match as a whole.

The one idea: one engine for all, that which checks the fields of state models (pydantic's). It
never takes longer than the text is long, whatever the pattern: what rules and boards say is matched
in the hub's one thread.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_core import SchemaValidator

__all__ = ["fault_of", "matches", "whole"]


def whole(pattern: str) -> str:
    """Return a pattern that only a whole text matches."""
    return f"^(?:{pattern})$"


def matches(pattern: str, text: str) -> bool:
    """Tell whether a text matches a pattern as a whole; there are no patterns with a fault."""
    return _compiled(pattern).isinstance_python(text)


def fault_of(pattern: str) -> str:
    """Return in a line why a pattern is none, "" if it is one."""
    from pydantic_core import SchemaError, SchemaValidator, core_schema

    try:
        SchemaValidator(core_schema.str_schema(pattern=pattern))  # alone, "a)(b" is none
        _compiled(pattern)
    except (SchemaError, UnicodeError) as error:
        said = [line.strip() for line in str(error).splitlines() if line.strip()]
        return said[-1].removeprefix("SchemaError: ").removeprefix("error: ")
    return ""


@lru_cache(maxsize=1000)
def _compiled(pattern: str) -> SchemaValidator:
    from pydantic_core import SchemaValidator, core_schema  # few houses have patterns

    return SchemaValidator(core_schema.str_schema(pattern=whole(pattern), strict=True))
