"""On which line of a TOML file a key stands; the standard library's reader does not tell.

The one idea to know: only statements count. The text is cut into `[tables]` and `key = value`
statements, values being skipped whole, so nothing in a string or an array is taken for a key. What
is inside a value (an inline table's keys) has the line on which the statement begins.
"""

from __future__ import annotations

import re

Path = tuple[str | int, ...]

_BARE = r"[A-Za-z0-9_-]+"
_KEY = rf"""(?:{_BARE}|"[^"\n]*"|'[^'\n]*')"""
_DOTTED = re.compile(rf"{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*")
_PIECE = re.compile(_KEY)
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""|'
    r"'''.*?'''|"
    r'"(?:\\.|[^"\\\n])*"|'
    r"'[^'\n]*'|"
    r"#[^\n]*|"
    r".",
    re.DOTALL,
)


class TomlLines:
    """The lines of a TOML text that the reader accepted."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines: dict[Path, int] = {(): 1}
        self._arrays: dict[Path, int] = {}
        self._scan()

    def line(self, path: Path) -> int:
        """Return the line of a key or table, e.g. ("ports", "lamp", "pin"), counted from 1; of the
        nearest that encloses it, if it has none of its own."""
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]

    def _scan(self) -> None:
        at, table = 0, Path(())
        while True:
            at = self._skip_blank(at)
            if at >= len(self._text):
                return
            line = self._text.count("\n", 0, at) + 1
            if self._text[at] == "[":
                table, at = self._header(at, line)
            else:
                found = _DOTTED.match(self._text, at)
                if found is None:
                    return  # not TOML; the reader has said so
                self._note((*table, *_pieces(found[0])), line)
                at = self._end_of_value(found.end())

    def _skip_blank(self, at: int) -> int:
        found = _BLANK.match(self._text, at)
        return found.end() if found else at

    def _header(self, at: int, line: int) -> tuple[Path, int]:
        array = self._text.startswith("[[", at)
        end = self._text.find("\n", at)
        end = len(self._text) if end < 0 else end
        found = _DOTTED.search(self._text, at, end)
        path: Path = _pieces(found[0]) if found else ()
        if array:
            number = self._arrays.get(path, -1) + 1
            self._arrays[path] = number
            path = (*path, number)
        self._note(path, line)
        return path, end

    def _end_of_value(self, at: int) -> int:
        depth = 0
        while found := _TOKEN.match(self._text, at):
            token = found[0]
            if token == "\n" and depth == 0:
                break
            depth += (token in "[{") - (token in "]}")
            at = found.end()
        return at

    def _note(self, path: Path, line: int) -> None:
        for length in range(1, len(path) + 1):
            self._lines.setdefault(path[:length], line)


def _pieces(dotted: str) -> Path:
    return tuple(piece.strip("\"'") for piece in _PIECE.findall(dotted))
