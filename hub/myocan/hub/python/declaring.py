"""What a class declares: its variables, in the order in which they stand, and its reactions.

The one idea: each name becomes a `Variable` as a line of the rule language would, so everybody who
looks at programs (the checker of the house, scenarios, the list of topics) sees no difference.
"""

from __future__ import annotations

import ast
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from inspect import get_annotations, isfunction
from typing import Any, ClassVar, get_args, get_origin

from myocan.hub.core.linker import fold
from myocan.hub.core.program import Attribute, Role, Type, Variable
from myocan.hub.durations import parse_duration
from myocan.hub.lang.diagnostics import Report, Span, listed, nearest, quoted
from myocan.hub.lang.meaning import Definition
from myocan.hub.python.module import REACTIONS, UNSET, Declared, Module, Reaction
from myocan.hub.python.text import span_of
from myocan.hub.python.values import DoesNotFit, argument, bounds_in_units, first_value, kind_of
from myocan.hub.retention import parse_keep

MIN_TIMER_MS, MAX_TIMER_MS = 100, 366 * 24 * 3_600_000

MAX_VARIABLES = 1000

RUNAWAYS = "python#endless-"
"""Begins the name of the variable that counts cycles which did not come to an end; behind it stands
a sum of the text, so that another text starts at none."""

OFFSET = "system.clock#offset"

OWN = frozenset(name for name in dir(Module) if not name.startswith("__")) | {"_now_"}
"""Names that a module has anyway."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_TOPIC = re.compile(
    r"(?:(?P<domain>[A-Za-z0-9_.]+)\.)?(?P<module>[A-Za-z_]\w*)(?:\[(?P<key>[^\]]+)\])?"
    r"\.(?P<variable>[A-Za-z_]\w*)",
    re.ASCII,
)


@dataclass(slots=True)
class Declarations:
    """What a class declares.

    Attributes:
        variables: of the program. spans: where each is declared.
        fields: name in the class -> number of its variable.
        kinds: the Python type of each variable.
        functions: name in the class -> the function of `externals.py` that it calls, and the line.
        reactions: each with its method; of `on` the variables that it hears.
        key, auto, agent, history, attributes: as in `Program`.
        topics: that it says what they carry; topic_spans: where each is.
        places: line -> where on it a decorator stands.
        endless: the number of the variable that counts runaway cycles; offset: of the one with the
            house's offset from UTC, -1 if nobody asks for the time.
    """

    key: str = ""
    auto: bool = False
    agent: str = ""
    history: bool = False
    attributes: list[Attribute] = field(default_factory=list)
    topics: list[Definition] = field(default_factory=list)
    topic_spans: list[Span] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    fields: dict[str, int] = field(default_factory=dict)
    kinds: list[Any] = field(default_factory=list)
    functions: dict[str, tuple[str, int]] = field(default_factory=dict)
    reactions: list[tuple[Reaction, Callable[..., Any], int]] = field(default_factory=list)
    places: dict[int, Span] = field(default_factory=dict)
    endless: int = -1
    offset: int = -1

    def place(self, line: int) -> Span:
        """Return where the decorator on a line stands."""
        return self.places.get(line) or Span(max(line, 1), 1, 2)


def declared_by(
    module: str, cls: type[Module], tree: ast.ClassDef, names: dict[str, Any], report: Report
) -> Declarations:
    """Return what a class declares, and report what it cannot.

    Arguments:
        module: the name of the module.
        cls: its class. tree: the same in the text.
        names: what the text has defined, by which annotations are understood.
        report: takes what is wrong.
    """
    reader = _Reader(module, cls, tree, report)
    reader.read(names)
    return reader.found


class _Reader:
    def __init__(self, module: str, cls: type[Module], tree: ast.ClassDef, report: Report) -> None:
        self.module = module
        self.cls = cls
        self.tree = tree
        self.report = report
        self.found = Declarations(*cls.options)
        self._folded: set[str] = set()
        self._by_topic: dict[tuple[tuple[str, str, str], str, bool], int] = {}
        self._spans = {name: span_of(node) for name, node in _named(tree)}
        self.found.places = {
            node.lineno: span_of(node)
            for method in tree.body
            if isinstance(method, ast.FunctionDef)
            for node in method.decorator_list
        }

    def read(self, names: dict[str, Any]) -> None:
        key, auto, agent = self.found.key, self.found.auto, self.found.agent
        for what, fits in (
            ("key is a name", key == "" or (isinstance(key, str) and _NAME.fullmatch(key))),
            ("auto is True or False, and needs a key", auto is False or (auto is True and key)),
            ("history is True or False", isinstance(self.found.history, bool)),
            ("agent is a name", agent == "" or (isinstance(agent, str) and _NAME.fullmatch(agent))),
        ):
            if not fits:
                self.report.error(span_of(self.tree), f"{what}; see the class line")
                return
        for method in self.tree.body:
            if isinstance(method, ast.FunctionDef) and method.name.startswith("__"):
                self.report.error(
                    span_of(method),
                    f"leave {method.name} out; what variables are at first stands behind them",
                )
        own: dict[str, Any] = {}
        for name, said in get_annotations(self.cls).items():
            try:
                own[name] = eval(said, names) if isinstance(said, str) else said
            except Exception as error:
                self.report.error(self._spans[name], f"{name}: {said} means nothing: {error}")
                own[name] = ClassVar
        for name, _node in _named(self.tree):
            value = self.cls.__dict__.get(name, UNSET)
            if name in own and ClassVar in (own[name], get_origin(own[name])):
                continue
            if name in own or isinstance(value, Declared):
                self._field(name, own.get(name, object), value)
        for name, value in self.cls.__dict__.items():
            for reaction in getattr(value, REACTIONS, ()):
                self._reaction(name, value, reaction)
        moments = any(kind is datetime for kind in self.found.kinds)
        if moments or any(_asks_time(node) for node in ast.walk(self.tree)):
            topic = ("", "$clock", "offset")
            number = self._by_topic.get((topic, "", False))
            clock = Variable(OFFSET, Role.SUBSCRIBE, Type.DECIMAL, topic)
            self.found.offset = self._add(clock, int) if number is None else number
        if not self.found.reactions:
            self.report.error(
                span_of(self.tree),
                "nothing in this class reacts; put @on, @at or @when above a method",
            )

    # Fields.

    def _field(self, name: str, annotation: Any, value: Any) -> None:
        span = self._spans[name]
        if not self._name_fits(name, span):
            return
        try:
            made = self._made(name, annotation, value, span.line)
        except (DoesNotFit, ValueError) as error:
            self.report.error(span, f"{name}: {error}")
            return
        if made is not None:
            variable, kind = made
            self._folded.add(fold(name))
            self.found.fields[name] = self._add(variable, kind, span)

    def _name_fits(self, name: str, span: Span) -> bool:
        wrong = ""
        if name in OWN:
            wrong = f"{quoted(name)} is what every module has; choose another name"
        elif not _NAME.fullmatch(name) or name.startswith("__"):
            wrong = f"{quoted(name)} is no name: A to Z, a to z, 0 to 9 and _, at most 64"
        elif fold(name) in self._folded:
            wrong = f"{quoted(name)} is declared already, but for capital letters"
        elif len(self.found.variables) >= MAX_VARIABLES:
            wrong = f"a module has at most {MAX_VARIABLES} variables; split it up"
        if wrong:
            self.report.error(span, wrong)
        return not wrong

    def _made(
        self, name: str, annotation: Any, value: Any, line: int
    ) -> tuple[Variable, Any] | None:
        """Return a field's variable and the type of its values; None if it has none."""
        own = ("", self.module, fold(name))
        keyed = bool(self.found.key)
        if not isinstance(value, Declared):
            private = name.startswith("_")
            role = Role.PRIVATE if private else Role.PUBLIC
            base = Variable(name, role, Type.ANY, None if private else own, line=line, keyed=keyed)
            return self._typed(base, annotation, value)
        if value.kind == "timer":
            made = Variable(name, Role.TIMER, Type.EVENT, own, line=line, keyed=keyed)
            return replace(made, duration_ms=_duration(value.said)), object
        if value.kind == "calls":
            self.found.functions[name] = value.said or name, line
            self._folded.add(fold(name))
            return None
        if value.kind == "about":
            return self._about(value)
        if value.kind == "each":
            base = Variable(name, Role.PUBLIC, Type.ANY, own, line=line)
            return self._map(base, annotation, value)
        if value.kind == "hears" and str(value.said).startswith("system."):
            return self._of_house(name, value)
        topic, instance, keyed = (own, "", keyed)
        if value.said:
            topic, instance, keyed = self._topic(value.said)
        role = Role.SUBSCRIBE if value.kind == "hears" else Role.PUBLIC
        base = Variable(name, role, Type.EVENT, topic, line=line, instance=instance, keyed=keyed)
        found: tuple[Variable, Any] = base, object
        if value.kind == "publishes" and annotation is object:
            raise DoesNotFit("say what it can be, as in name: bool = publishes(...)")
        if isinstance(value.default, Declared) and value.default.kind == "each":
            found = self._map(base, annotation, value.default)
        elif value.kind != "event":
            found = self._typed(base, annotation, value.default)
        if value.keep:
            self._define(found[0], value)
        return found

    def _map(self, base: Variable, annotation: Any, value: Declared) -> tuple[Variable, Any]:
        """Return the variable of a map, and the type of its values."""
        what = get_args(annotation)
        if get_origin(annotation) is not dict or len(what) != 2 or what[0] is not str:
            raise DoesNotFit("a map says what its values are: name: dict[str, bool] = each(False)")
        if self.found.key or base.instance:
            raise DoesNotFit("a module with instances has no maps; each instance has its variables")
        if base.name.startswith("_"):
            raise DoesNotFit("a map is published; leave the _ out")
        return self._typed(replace(base, map=True), what[1], value.default)

    def _about(self, value: Declared) -> tuple[Variable, Any]:
        """Return the variable of what the hub knows of another, which the core fills."""
        from myocan.hub.lang.attributes import attributes_of, shape_of_attribute

        name, what = map(str, value.said)
        number = self.found.fields.get(name, -1)
        if number < 0:
            number = self._listening(name, value.line, span=None)
        of = self.found.variables[number]
        known = () if of.map or "#" in of.name else attributes_of(of)
        if what not in known:
            there = f"there is {listed(known)}" if known else "there is nothing"
            raise DoesNotFit(f"nobody knows the {what} of {name}; {there}")
        kind, shape = shape_of_attribute(what)
        self.found.attributes.append(Attribute(kind, number, len(self.found.variables)))
        line = value.line
        made = replace(shape, name=f"{of.name}#{what}", keyed=of.keyed, line=line)
        python = datetime if made.decimals else str if made.type is Type.TEXT else int
        return made, python

    def _define(self, variable: Variable, value: Declared) -> None:
        """Note that the topic of a variable carries what that can be, and how long it is kept."""
        assert variable.topic is not None
        domain, module, word = variable.topic
        if domain or module == self.module:
            raise DoesNotFit("keep= is for topics of no module; what is kept of this one's own, "
                             "[retention] of myocan.toml says")  # fmt: skip
        try:
            keep = parse_keep(value.keep).text
        except ValueError as error:
            raise DoesNotFit(f"keep {error}") from None
        event = variable.type is Type.EVENT
        heard = replace(
            variable,
            name=f"{module}.{word}",
            role=Role.SUBSCRIBE,
            type=Type.ANY if event else variable.type,
            keyed=False,
            instance="",
            map=False,
        )
        self.found.topics.append(Definition(heard, keep))
        self.found.topic_spans.append(Span(max(value.line, 1), 1, 2))

    def _typed(self, base: Variable, annotation: Any, value: Any) -> tuple[Variable, Any]:
        """Return a variable with a type, bounds and a first value."""
        default, bounds, pattern = _default_of(value)
        if annotation is Decimal and default is UNSET:
            raise DoesNotFit('say how many digits it has, as in hears("...", default="0.0")')
        kind = kind_of(annotation, None if default is UNSET else default)
        lower, upper = base.lower, base.upper
        if bounds:
            if kind.type is not Type.DECIMAL:
                raise DoesNotFit("only a number has bounds")
            lower, upper = bounds_in_units(bounds, kind.decimals)
        made = replace(
            base,
            type=kind.type,
            decimals=kind.decimals,
            members=kind.members,
            lower=lower,
            upper=upper,
            initial="" if kind.type is Type.TEXT else 0,
            pattern=pattern,
        )
        if pattern and kind.type is not Type.TEXT:
            raise DoesNotFit("only a text has a pattern")
        if default is not UNSET:
            made = replace(made, initial=first_value(made, default))
        elif kind.type is Type.ANY and base.role is not Role.SUBSCRIBE:
            raise DoesNotFit("say what it can be, as in name: bool = False")
        elif kind.type is Type.DECIMAL and base.role is Role.SUBSCRIBE:
            made = replace(made, initial=min(max(0, lower), upper))
        elif base.role is not Role.SUBSCRIBE and kind.type is not Type.ENUMERATION:
            raise DoesNotFit("say what it is at first, as in name: int = 0")
        return made, kind.python

    def _of_house(self, name: str, value: Declared) -> tuple[Variable, Any]:
        """Return the variable of what is known of the day and of the house."""
        from myocan.hub.lang.attributes import shape_of_house

        part, _, word = str(value.said).removeprefix("system.").partition("#")
        shape, topic, known = shape_of_house(fold(part), fold(word))
        if shape is None:
            raise DoesNotFit(f"there is no {value.said}; there is {listed(known)}")
        kinds = {Type.TIME: time, Type.DECIMAL: Decimal if shape.decimals else int}
        line = value.line
        return replace(shape, name=name, topic=topic, line=line), kinds.get(shape.type, str)

    def _topic(self, text: str) -> tuple[tuple[str, str, str], str, bool]:
        """Return a topic's name, the key of the one instance that is meant, and if each has it."""
        match = _TOPIC.fullmatch(text)
        if match is None:
            raise DoesNotFit(f"{text!r} is no topic; write one like button1.press")
        key = match["key"] or ""
        topic = (match["domain"] or "", match["module"], fold(match["variable"]))
        if key and key == self.found.key:
            return topic, "", True
        return topic, key.strip("\"'"), False

    # Reactions.

    def _reaction(self, name: str, method: Any, reaction: Reaction) -> None:
        span = self.found.place(reaction.line)
        if not isfunction(method):
            self.report.error(span, f"{name} is no plain method; leave other decorators out")
            return
        most = method.__code__.co_argcount
        least = most - len(method.__defaults__ or ())
        takes = 2 if reaction.kind == "on" else 1
        if not (least <= takes and 1 <= most <= 2) or method.__code__.co_kwonlyargcount:
            what = "self, and the value if it wants it" if takes == 2 else "self alone"
            self.report.error(span, f"{name} takes {what}; @{reaction.kind} gives it nothing else")
            return
        heard = -1
        if reaction.kind == "on":
            try:
                heard = self._heard(reaction)
            except DoesNotFit as error:
                self.report.error(span, str(error))
                return
        self.found.reactions.append((reaction, method, heard))

    def _heard(self, reaction: Reaction) -> int:
        """Return the number of the variable that an `on` is about."""
        said = str(reaction.said)
        number = self.found.fields.get(said, -1)
        if number < 0:
            number = self._listening(said, reaction.line, self.found.place(reaction.line))
        variable = self.found.variables[number]
        if variable.role not in (Role.SUBSCRIBE, Role.TIMER):
            raise DoesNotFit(f"{said} is this module's own; @when tells when it changes")
        for value in reaction.values:
            if variable.type is Type.ANY:
                argument(value)
            else:
                first_value(variable, value)
        return number

    def _listening(self, said: str, line: int, span: Span | None) -> int:
        """Return the number of the variable that hears a topic, a new one if need be."""
        if "." not in said:
            heard = [
                one
                for one, number in self.found.fields.items()
                if self.found.variables[number].role in (Role.SUBSCRIBE, Role.TIMER)
            ]
            near = nearest(said, heard)
            meant = f"; did you mean {near!r}?" if near else ""
            raise DoesNotFit(
                f"{said!r} is neither a topic, like button1.press, nor a timer or something that "
                f"this class hears{meant}"
            )
        topic, instance, keyed = self._topic(said)
        number = self._by_topic.get((topic, instance, keyed), -1)
        if number >= 0:
            return number
        base = Variable(said, Role.SUBSCRIBE, Type.ANY, topic, line=line)
        return self._add(replace(base, instance=instance, keyed=keyed), object, span)

    def _add(self, variable: Variable, kind: Any, span: Span | None = None) -> int:
        number = len(self.found.variables)
        self.found.variables.append(variable)
        self.found.spans.append(span or Span(max(variable.line, 1), 1, 2))
        self.found.kinds.append(kind)
        if variable.role is Role.SUBSCRIBE and variable.topic is not None:
            whose = (variable.topic, variable.instance, variable.keyed)
            self._by_topic.setdefault(whose, number)
        return number


def counter(text: str) -> Variable:
    """Return the variable that counts the runaway cycles of a text."""
    return Variable(f"{RUNAWAYS}{zlib.crc32(text.encode()):08x}", Role.PRIVATE, Type.DECIMAL)


def _named(tree: ast.ClassDef) -> list[tuple[str, ast.stmt]]:
    """Return the names that a class gives a value or an annotation, in order."""
    found: dict[str, ast.stmt] = {}
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found[target.id] = node
    return list(found.items())


def _asks_time(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "now"


def _default_of(value: Any) -> tuple[Any, dict[str, Any], str]:
    """Return a default, the bounds and the pattern of what `field` may have made."""
    metadata = getattr(value, "metadata", None)
    if metadata is None or not hasattr(value, "default"):
        return value, {}, ""
    bounds = {
        name: getattr(one, name)
        for one in metadata
        for name in ("ge", "gt", "le", "lt")
        if getattr(one, name, None) is not None
    }
    from myocan.hub.models.model import pattern_of

    return value.default, bounds, pattern_of(value) or ""


def _duration(said: Any) -> int:
    if isinstance(said, timedelta):
        ms = said // timedelta(milliseconds=1)
        if not MIN_TIMER_MS <= ms <= MAX_TIMER_MS:
            raise DoesNotFit("a timer runs from 0.1 seconds to a year")
        return ms
    return parse_duration(str(said), MIN_TIMER_MS, MAX_TIMER_MS)
