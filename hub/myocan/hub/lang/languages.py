"""Which language the text of a module is written in.

The one idea: the text says so itself, wherever it comes from: a file, the log, another machine. No
statement of the rule language begins as a module in Python does.
"""

from __future__ import annotations

import re

_FIRST_WORD = re.compile(r"\s*(?:(?:from|import|class)\b|@|[\"'])")
_COMMENT = re.compile(r"\s*(?:#|$)")


def is_python(source: str | bytes) -> bool:
    """Tell whether the text of a module is Python: it begins with a docstring or an import."""
    text = source.decode("utf-8", "replace") if isinstance(source, bytes) else source
    for line in text.removeprefix("\ufeff").split("\n"):
        if not _COMMENT.match(line):
            return _FIRST_WORD.match(line) is not None
    return False
