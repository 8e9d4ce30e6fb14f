"""Writes instructions, one behind the other.

The one idea: a jump may lead to a place that is not written yet, so it leads to a label, and is
completed when the label gets its place. How high the stack is, is counted along, since the core
does not look.
"""

from __future__ import annotations

from typing import Final

from myocan.hub.core.program import INT64_MAX, INT64_MIN, STACK_DEPTH, Op

MAX_CODE: Final = 65_536
"""Most instructions of a module."""


class TooLarge(Exception):
    """The code of a module, or one of its expressions, is beyond a limit."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        self.message = message
        super().__init__(message)


class Label:
    """A place in the code that jumps lead to, known or not yet."""

    __slots__ = ("pc", "wanted")

    def __init__(self) -> None:
        self.pc = -1
        self.wanted: list[int] = []


class Assembler:
    """The code so far."""

    def __init__(self) -> None:
        """Start without code."""
        self.code: list[int] = []
        self.texts: dict[str, int] = {}
        self.lines: list[tuple[int, int]] = []
        self.line = 0
        self.depth = 0

    def put(self, op: Op, a: int = 0, b: int = 0, c: int = 0) -> None:
        """Write an instruction that leaves the stack as it is."""
        for operand in (a, b, c):
            assert INT64_MIN <= operand <= INT64_MAX, "an operand is beyond 64 bits"
        self.code += (int(op), a, b, c)
        if len(self.code) > 4 * MAX_CODE:
            raise TooLarge(self.line, "this module is too large; split it up")

    def push(self, op: Op, a: int = 0, b: int = 0, c: int = 0) -> None:
        """Write an instruction that puts a value onto the stack."""
        self.depth += 1
        if self.depth > STACK_DEPTH:
            raise TooLarge(self.line, "this expression is too long; split it up")
        self.put(op, a, b, c)

    def pop(self, op: Op, a: int = 0) -> None:
        """Write an instruction that leaves one value less on the stack."""
        self.depth -= 1
        self.put(op, a)

    def jump(self, op: Op, target: Label, b: int = 0, c: int = 0) -> None:
        """Write a jump."""
        if target.pc < 0:
            target.wanted.append(len(self.code) + 1)
        self.put(op, max(target.pc, 0), b, c)

    def jump_popping(self, op: Op, target: Label) -> None:
        """Write a jump that takes its condition from the stack."""
        self.depth -= 1
        self.jump(op, target)

    def here(self, label: Label) -> None:
        """Let a label stand for the next instruction."""
        label.pc = len(self.code)
        for place in label.wanted:
            self.code[place] = label.pc

    def mark(self, line: int) -> None:
        """Let what follows belong to a line."""
        self.line = line
        if self.lines and self.lines[-1][0] == len(self.code):
            self.lines.pop()
        if not self.lines or self.lines[-1][1] != line:
            self.lines.append((len(self.code), line))

    def text(self, text: str) -> int:
        """Return the number of a text."""
        return self.texts.setdefault(text, len(self.texts))
