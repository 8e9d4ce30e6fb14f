"""Which Python a module may be, and how it is kept from going on for ever.

The one idea: what would make a replay come to something else is refused before it runs: clocks,
random numbers, files, the order of a set. And every loop and every call is counted, in the text
itself, so a cycle that does not end is stopped at the same step everywhere, and on each replay.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from myocan.hub.lang.diagnostics import Report, Span, nearest, quoted

MAX_STEPS = 100_000
"""Rounds of loops and calls of functions that a cycle may take."""

MAX_RANGE = 1_000_000
MAX_BITS = 100_000
MAX_LENGTH = 1_000_000
"""The longest range, the largest whole number in bits, and the longest text or list that * and +
make; what is beyond would take long in a single step."""

IMPORTS = frozenset(
    (
        *("__future__", "abc", "bisect", "collections", "colorsys", "contextlib", "copy"),
        *("dataclasses", "datetime", "decimal", "enum", "fractions", "functools", "heapq"),
        *("itertools", "json", "math", "numbers", "operator", "re", "statistics", "string"),
        *("textwrap", "types", "typing", "unicodedata"),
    )
)
"""What a module may import beside `myocan.hub`: what gives the same answer whenever it is asked."""

OFFERED = frozenset(
    (
        *("Call", "Event", "Map", "Module", "Timer", "about", "at", "calls", "each", "event"),
        *("field", "hears", "on", "publishes", "timer", "when"),
    )
)
"""What it may import from `myocan.hub`."""

_ENDLESS = frozenset(("count", "cycle", "repeat"))

_CLOCKS = frozenset(("now", "today", "utcnow"))

INSTEAD = {
    "print": "self.log(...) writes to the log",
    "open": "a function of externals.py can, see calls()",
    "input": "a message is the only input",
    "id": "it is another one in each process",
    "hash": "it is another one in each process",
    "globals": "what is remembered is declared in the class",
    "locals": "what is remembered is declared in the class",
    "vars": "what is remembered is declared in the class",
    "exec": "the text of a module is all that runs",
    "eval": "the text of a module is all that runs",
    "compile": "the text of a module is all that runs",
    "__import__": "write import at the top",
    "exit": "a method ends with return",
    "quit": "a method ends with return",
    "breakpoint": "`myocan test` shows what happened",
}
"""Names that a module does not have, and what to do instead."""

NAMES = frozenset(
    name
    for name in dir(builtins)
    if name not in INSTEAD and name not in ("help", "copyright", "credits", "license", "memoryview")
)

STEP, STEPS, POWER, SHIFT, TIMES, PLUS = ".step", ".steps", ".power", ".shift", ".times", ".plus"
"""What is put into the text; no name that anybody can write."""


def span_of(node: Any) -> Span:
    """Return where something of the text stands, at most to the end of its first line."""
    line = getattr(node, "lineno", 1)
    column = getattr(node, "col_offset", 0) + 1
    end = getattr(node, "end_col_offset", None) or column
    if getattr(node, "end_lineno", line) != line:
        end = column
    return Span(line, column, max(end + 1, column + 1))


def parse(text: str, report: Report) -> ast.Module | None:
    """Return the tree of a text, None if it is none; report what may not be in it."""
    try:
        tree = ast.parse(text, report.file)
    except SyntaxError as error:
        line, column = error.lineno or 1, max(error.offset or 1, 1)
        report.error(Span(line, column, column + 1), f"this is no Python: {error.msg}")
        return None
    except (ValueError, RecursionError, MemoryError) as error:
        said = str(error) or "brackets or signs within one another, far too many"
        report.error(Span(1, 1, 2), f"this is no Python: {said}")
        return None
    check(tree, report)
    return tree


def check(tree: ast.Module, report: Report) -> None:
    """Report what would not come to the same each time, or not to an end."""
    known = _names_of(tree)
    for node in ast.walk(tree):
        for told in _wrong(node, known):
            report.error(span_of(node), *told)
        for default in _defaults(node):
            report.error(
                span_of(default), "this default would remember what is put into it; make it None"
            )


def _wrong(node: ast.AST, known: set[str]) -> Iterator[tuple[str, str | None]]:
    match node:
        case ast.Import(names=names):
            for alias in names:
                yield from _import(alias.name, ())
        case ast.ImportFrom(module=module, names=names, level=level):
            yield from _import("." * level + (module or ""), [alias.name for alias in names])
        case ast.Name(id=name, ctx=ast.Load()) if name not in known:
            if name in INSTEAD:
                yield f"a module has no {name}: {INSTEAD[name]}", None
            else:
                yield f"there is no {quoted(name)}", nearest(name, sorted(known))
        case ast.Attribute(value=value, attr=attr) if attr in _CLOCKS and _last(value) in (
            "datetime",
            "date",
        ):
            yield f"{_last(value)}.{attr} reads the clock of the machine; use self.now", None
        case ast.Attribute(value=ast.Name(id="itertools"), attr=attr) if attr in _ENDLESS:
            yield f"itertools.{attr} never ends; use range or a list", None
        case ast.Global():
            yield "a module remembers nothing outside of its class; declare a variable there", None
        case ast.AsyncFunctionDef() | ast.Await() | ast.AsyncFor() | ast.AsyncWith():
            yield "a cycle waits for nothing; write it without async and await", None
        case ast.ExceptHandler(type=None):
            yield "an except without a name would hide every mistake; name what it is for", None
        case ast.For(iter=walked) | ast.comprehension(iter=walked) if _is_set(walked):
            yield "the order of a set is another one in each process; go over sorted(...)", None


def _defaults(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the defaults of a function that could be changed."""
    if isinstance(node, ast.arguments):
        for default in (*node.defaults, *node.kw_defaults):
            if isinstance(default, ast.List | ast.Dict | ast.Set):
                yield default


def _import(name: str, wanted: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    if name == "myocan.hub":
        for one in wanted:
            if one not in OFFERED:
                yield (
                    f"a module cannot use {quoted(one)} of myocan.hub",
                    nearest(one, sorted(OFFERED)),
                )
        return
    root = name.split(".")[0]
    if root not in IMPORTS:
        yield (
            f"a module cannot import {name or 'that'}: it would not come to the same when the log "
            "is replayed; what acts on the world is a function of externals.py, see calls()",
            None,
        )
    elif root == "itertools":
        for one in wanted:
            if one in _ENDLESS:
                yield f"itertools.{one} never ends; use range or a list", None


def _last(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def _is_set(node: ast.expr) -> bool:
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    return isinstance(node, ast.Call) and _last(node.func) in ("set", "frozenset")


def _names_of(tree: ast.Module) -> set[str]:
    """Return all names that the text gives to anything, and those that there are anyway."""
    known = set(NAMES) | {"__name__", "__file__", "__class__"}
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
                known.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                known.add(name)
            case ast.alias(name=name, asname=asname):
                known.add(asname or name.split(".")[0])
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                known.add(name)
            case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                known.add(name)
    return known


# ---------------------------------------------------------------------- counting


def counted(tree: ast.Module) -> ast.Module:
    """Return a tree whose loops, functions and large products are counted."""
    made: ast.Module = _Counting().visit(tree)
    return ast.fix_missing_locations(made)


class _Counting(ast.NodeTransformer):
    """Puts the calls of `Steps` into a text."""

    def visit_While(self, node: ast.While) -> ast.AST:
        self.generic_visit(node)
        node.test = _then(_call(STEP, at=node.test), node.test)
        return node

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        node.iter = _call(STEPS, node.iter, at=node.iter)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        self.generic_visit(node)
        node.iter = _call(STEPS, node.iter, at=node.iter)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        step = ast.copy_location(ast.Expr(_call(STEP, at=node.body[0])), node.body[0])
        node.body.insert(1 if ast.get_docstring(node) is not None else 0, step)
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self.generic_visit(node)
        node.body = _then(_call(STEP, at=node.body), node.body)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        name = _COSTLY.get(type(node.op))
        return node if name is None else _call(name, node.left, node.right, at=node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        name, target = _COSTLY.get(type(node.op)), node.target
        if name is None:
            return node
        read: ast.expr
        if isinstance(target, ast.Name):
            read = ast.Name(target.id, ast.Load())
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            read = ast.Attribute(ast.Name(target.value.id, ast.Load()), target.attr, ast.Load())
        else:
            return node
        value = _call(name, read, node.value, at=node)
        return ast.copy_location(ast.Assign([target], value), node)


_COSTLY: dict[type[ast.operator], str] = {
    ast.Pow: POWER,
    ast.LShift: SHIFT,
    ast.Mult: TIMES,
    ast.Add: PLUS,
}


def _call(name: str, *arguments: ast.expr, at: ast.AST) -> ast.Call:
    function = ast.copy_location(ast.Name(name, ast.Load()), at)
    call = ast.copy_location(ast.Call(function, list(arguments), []), at)
    return ast.fix_missing_locations(call)


def _then(step: ast.expr, value: ast.expr) -> ast.expr:
    return ast.copy_location(ast.BoolOp(ast.And(), [step, value]), value)


class TooManySteps(BaseException):
    """A cycle that does not come to an end; nothing of a module can catch it but by name."""


class Steps:
    """Counts what a cycle does.

    Attributes:
        left: how many steps it may still take; below 0 it is to be stopped.
    """

    def __init__(self) -> None:
        self.left = MAX_STEPS

    def step(self) -> bool:
        """Count a step. Raises TooManySteps."""
        self.left -= 1
        if self.left < 0:
            raise TooManySteps
        return True

    def steps(self, walked: Iterable[Any]) -> Iterator[Any]:
        """Count each round of a loop. Raises TooManySteps."""
        for one in walked:
            self.left -= 1
            if self.left < 0:
                raise TooManySteps
            yield one

    def names(self) -> dict[str, Callable[..., Any]]:
        """Return what the text of a module calls."""
        return {
            STEP: self.step,
            STEPS: self.steps,
            POWER: power,
            SHIFT: _shift,
            TIMES: _times,
            PLUS: _plus,
        }


def power(base: Any, exponent: Any, modulus: Any = None) -> Any:
    """Return a power, if it is not too large."""
    if modulus is None and isinstance(base, int) and isinstance(exponent, int):
        _fits(base.bit_length() * exponent)
    return pow(base, exponent, modulus)


def _shift(number: Any, count: Any) -> Any:
    if isinstance(number, int) and isinstance(count, int):
        _fits(number.bit_length() + count)
    return number << count


def _times(left: Any, right: Any) -> Any:
    if isinstance(left, int) and isinstance(right, int):
        _fits(left.bit_length() + right.bit_length())
        return left * right
    many, count = (right, left) if isinstance(left, int) else (left, right)
    sequence = isinstance(count, int) and isinstance(many, str | bytes | list | tuple)
    if sequence and len(many) * count > MAX_LENGTH:
        raise OverflowError("a text or a list became too long")
    return left * right


def _plus(left: Any, right: Any) -> Any:
    sequences = isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple)
    if sequences and len(left) + len(right) > MAX_LENGTH:
        raise OverflowError("a text or a list became too long")
    return left + right


def _fits(bits: int) -> None:
    if bits > MAX_BITS:
        raise OverflowError("a number became too large")


def bounded_range(*bounds: int) -> range:
    """Return a range, if it is not too long."""
    made = range(*bounds)
    if made.start != made.stop and abs(made.stop - made.start) // abs(made.step) > MAX_RANGE:
        raise ValueError(f"a range of more than {MAX_RANGE:,} numbers takes too long")
    return made
