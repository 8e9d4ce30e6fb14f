"""What the methods of a class say of its variables, looked at before they run.

The one idea: what stands behind `self.` is declared, so a name or a word that cannot be meant is
seen in the text, and not when the message comes one night that leads there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from myocan.hub.core.program import Role, Type, Variable
from myocan.hub.core.records import expectation
from myocan.hub.lang.diagnostics import Report, nearest, quoted
from myocan.hub.python.declaring import OWN, Declarations
from myocan.hub.python.text import span_of
from myocan.hub.python.values import DoesNotFit, to_slot


def check_methods(tree: ast.ClassDef, declared: Declarations, report: Report) -> None:
    """Report names that the class does not have, and values that its variables cannot be.

    Arguments:
        tree: the class.
        declared: what it declares.
        report: takes what is wrong.
    """
    stored = {*_stored(tree)}
    names = {
        *OWN,
        *declared.fields,
        *declared.functions,
        *(node.name for node in tree.body if isinstance(node, ast.FunctionDef)),
        *stored,
    }
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.Lambda):
            me = _first_parameter(function, tree)
            if me:
                _Methods(me, names, stored, declared, report).check(function)


def _stored(tree: ast.ClassDef) -> Iterator[str]:
    """Yield the names that the class itself gives to anything."""
    for statement in tree.body:
        if not isinstance(statement, ast.FunctionDef):
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield node.id


def _first_parameter(function: ast.FunctionDef | ast.Lambda, tree: ast.ClassDef) -> str:
    """Return what a function calls its module: of a method, and of a condition of @when."""
    if isinstance(function, ast.FunctionDef):
        plain = all(
            _named(one) not in ("staticmethod", "classmethod") for one in function.decorator_list
        )
        is_method = function in tree.body and plain
    else:
        is_method = any(
            function in one.args
            for method in tree.body
            if isinstance(method, ast.FunctionDef)
            for one in method.decorator_list
            if isinstance(one, ast.Call) and _named(one.func) == "when"
        )
    arguments = function.args.args
    return arguments[0].arg if is_method and arguments else ""


def _named(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


class _Methods:
    def __init__(
        self,
        me: str,
        names: set[str],
        stored: set[str],
        declared: Declarations,
        report: Report,
    ) -> None:
        self.me = me
        self.names = names
        self.constants = stored - declared.fields.keys() - declared.functions.keys()
        self.declared = declared
        self.report = report

    def check(self, function: ast.FunctionDef | ast.Lambda) -> None:
        body = function.body if isinstance(function.body, list) else [function.body]
        for node in (one for part in body for one in ast.walk(part)):
            if isinstance(node, ast.Attribute) and _named(node.value) == self.me:
                self._name(node)
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    self._assigned(target, node.value)
            elif isinstance(node, ast.AugAssign):
                self._assigned(node.target, None)
            elif isinstance(node, ast.Compare):
                self._compared(node)

    def _name(self, node: ast.Attribute) -> None:
        if node.attr not in self.names:
            self.report.error(
                span_of(node),
                f"the class does not declare {quoted(node.attr)}",
                nearest(node.attr, sorted(self.names)),
            )

    def _variable(self, node: ast.expr) -> Variable | None:
        """Return the variable that is meant as a whole, or a value of; None for anything else."""
        of_map = isinstance(node, ast.Subscript)
        if isinstance(node, ast.Subscript):
            node = node.value
        if not isinstance(node, ast.Attribute) or _named(node.value) != self.me:
            return None
        number = self.declared.fields.get(node.attr)
        variable = None if number is None else self.declared.variables[number]
        return variable if variable is not None and variable.map == of_map else None

    def _assigned(self, target: ast.expr, value: ast.expr | None) -> None:
        variable = self._variable(target)
        if variable is None:
            self._assigned_other(target)
            return
        if "#" in variable.name:
            self.report.error(
                span_of(target), f"{quoted(variable.name)} is what the hub knows; it is only read"
            )
        elif variable.role is Role.SUBSCRIBE:
            self.report.error(
                span_of(target), f"{quoted(variable.name)} is what others say; it is only read"
            )
        elif isinstance(value, ast.Constant):
            try:
                to_slot(variable, value.value, lambda text: 0)
            except DoesNotFit as error:
                near = nearest(str(value.value), variable.members)
                self.report.error(span_of(value), str(error), near)

    def _assigned_other(self, target: ast.expr) -> None:
        """Report that a map as a whole is assigned, or what is no variable."""
        if not isinstance(target, ast.Attribute) or _named(target.value) != self.me:
            return
        number = self.declared.fields.get(target.attr)
        if number is None:
            if target.attr in self.constants:
                told = f"{quoted(target.attr)} is the same for ever, since it has no type; to be "
                told += f"remembered it is declared like {target.attr}: int = 0"
                self.report.error(span_of(target), told)
        elif self.declared.variables[number].map:
            self.report.error(
                span_of(target), f'say for which key: {self.me}.{target.attr}["…"] = …'
            )

    def _compared(self, node: ast.Compare) -> None:
        sides = [node.left, *node.comparators]
        for one, op, other in zip(sides, node.ops, sides[1:], strict=False):
            if isinstance(op, ast.Eq | ast.NotEq):
                self._words(one, other)
                self._words(other, one)
            elif isinstance(op, ast.In | ast.NotIn):
                for word in getattr(other, "elts", ()):
                    self._words(one, word)

    def _words(self, asked: ast.expr, word: ast.expr) -> None:
        """Report a word that an enumeration never is."""
        variable = self._variable(asked)
        if variable is None or variable.type is not Type.ENUMERATION:
            return
        said = word.value if isinstance(word, ast.Constant) else None
        if isinstance(said, str) and said not in variable.members:
            self.report.error(
                span_of(word),
                f"{variable.name} is never {said!r}; it is {expectation(variable)}",
                nearest(said, variable.members),
            )
