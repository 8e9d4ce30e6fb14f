"""The rules of a module as they stand in its text: which lines belong together.

The one idea: one line is one statement, so a line's number is enough to find the rule that it is
part of, and what it asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from myocan.hub.lang import tree
from myocan.hub.lang.diagnostics import Report, split_lines
from myocan.hub.lang.languages import is_python
from myocan.hub.lang.lexer import tokens
from myocan.hub.lang.reader import read


@dataclass(slots=True, eq=False)
class Rule:
    """An ON, AT, WHEN or IF with what stands below it.

    Attributes:
        line: of its first statement.
        chosen: whether it is a WHEN, which is looked at when the ONs are over.
        conditions: line -> the names that it asks for.
        actions: lines of its THENs -> the names that they give a value.
        texts: line -> its words.
        method: of a module in Python, what it runs; "" for a rule, whose THENs say it.
    """

    line: int
    chosen: bool
    conditions: dict[int, list[tree.Name]] = field(default_factory=dict)
    actions: dict[int, tree.Name | None] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    method: str = ""


@lru_cache(maxsize=256)
def rules_of(source: str) -> dict[int, Rule]:
    """Return the rules of a module's text, by each of their lines."""
    if is_python(source):
        return {line: rule for rule in _methods_of(source) for line in rule.texts}
    report = Report("")
    lines = split_lines(source)
    found: dict[int, Rule] = {}
    for reaction in read(source, report).reactions:
        opening = reaction.opening
        rule = Rule(opening.span.line, isinstance(opening, tree.Opening) and opening.word != "ON")
        if isinstance(opening, tree.Opening):
            rule.conditions[rule.line] = list(_names(opening.condition))
        for guard in reaction.guards:
            rule.conditions[guard.span.line] = list(_names(guard.condition))
        for action in reaction.actions:
            target = action.target
            if isinstance(target, tree.Call):
                named = [one for one in target.arguments if isinstance(one, tree.Name)]
                rule.actions[action.span.line] = named[0] if named else None
            else:
                rule.actions[action.span.line] = target if isinstance(target, tree.Name) else None
        for line in (rule.line, *rule.conditions, *rule.actions):
            rule.texts[line] = _words(lines[line - 1])
            found[line] = rule
    return found


def _methods_of(source: str) -> Iterator[Rule]:
    """Yield the methods and functions of a module in Python, each as a rule; inner ones last.

    What stands above a method says when it runs; its lines, from `def` on, are what it does.
    """
    import ast  # only who writes Python needs it

    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    lines = split_lines(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            rule = Rule(first, False, method=node.name)
            for above in node.decorator_list:
                rule.chosen |= ast.unparse(above).startswith("when(")
                rule.conditions[above.lineno] = []
            rule.actions = dict.fromkeys(range(node.lineno, (node.end_lineno or node.lineno) + 1))
            for line in (*rule.conditions, *rule.actions):
                rule.texts[line] = lines[line - 1].strip()
            yield rule


def _words(line: str) -> str:
    """Return a line without what stands before and behind its words."""
    cut, _ = tokens(line, 1, Report(""))
    return line[cut[0].span.column - 1 : cut[-1].span.end_column - 1] if cut else line.strip()


def _names(expression: tree.Expression) -> Iterator[tree.Name]:
    """Yield the names in an expression, from left to right."""
    match expression:
        case tree.Name():
            yield expression
        case tree.Unary(operand=operand):
            yield from _names(operand)
        case tree.Binary(left=left, right=right):
            yield from _names(left)
            yield from _names(right)
        case tree.Chain(terms=terms):
            for term in terms:
                yield from _names(term)
        case tree.Call(arguments=arguments):
            for argument in arguments:
                yield from _names(argument)
