"""EXPECT: what a scenario wants to see.

The one idea: three things can be expected: a value, which is as it is now; something that happened
(a message, a record, a line of the log, a call), which counts since the last step that is no
EXPECT; and that an instance exists.
"""

from __future__ import annotations

from myocan.hub.core.linker import TopicName, fold
from myocan.hub.core.program import Role, Type, Variable
from myocan.hub.lang import tree
from myocan.hub.lang.diagnostics import quoted
from myocan.hub.scenario.cast import Cast, Stage
from myocan.hub.scenario.line import OPERATORS, Line, Name, Wrong
from myocan.hub.scenario.messages import (
    check_key,
    instance_of,
    key_of,
    topic_of,
    unknown,
)
from myocan.hub.scenario.steps import (
    Expect,
    ExpectCall,
    ExpectInstance,
    ExpectLog,
    ExpectMessage,
    ExpectRecord,
    ExpectTopic,
    ExpectVariable,
    Scalar,
)
from myocan.hub.scenario.values import fit, plain

_TIMER = "{} is a TIMER; EXPECT what it does instead"
_ORDERED = (Type.DECIMAL, Type.TIME, Type.ANY)


def expectation(line: Line, number: int, text: str, stage: Stage, cast: Cast) -> Expect:
    """Read what stands behind EXPECT.

    Raises:
        Wrong: there is no such topic or variable, it takes no such value, or the line makes no
            sense.
    """
    wanted = not (line.word() == "NO" and line.kind(1) == "WORD" and line.took("NO"))
    word = line.word() if line.kind(1) not in ("DOT", "LSQB") else ""
    if word in ("RECORD", "RECORDS", "LOG", "LOGS"):
        line.take()
        part = _part(line)
        kind = ExpectRecord if word.startswith("RECORD") else ExpectLog
        return kind(number, text, wanted, part)
    if word in ("CALL", "CALLS"):
        line.take()
        return _call(line, number, text, wanted)
    name = line.name("what is expected, such as lamp1.state = on,")
    if line.over:
        if len(name.words) == 1 and name.keys:
            return ExpectInstance(number, text, wanted, *instance_of(name, stage, cast))
        topic, key = _message(name, stage, cast)
        return ExpectMessage(number, text, wanted, topic, key)
    if line.kind() not in OPERATORS:
        raise line.wrong("behind what is expected stands =, !=, <, <=, > or >= and a value")
    operator = OPERATORS[line.take().kind]
    literal = line.value("the value that is expected")
    line.finish("one value is expected; a text of several words stands in quotes")
    if not wanted:
        raise Wrong(name.span, "NO takes no value; EXPECT it with != instead")
    return _value(name, operator, literal, number, text, stage, cast)


def _part(line: Line) -> str:
    """Return the text behind RECORD or LOG, "" for none."""
    part = ""
    if line.kind() == "TEXT":
        part = line.take().text[1:-1]
    line.finish('a part of its text stands here, in quotes: EXPECT RECORD "does not fit"')
    return part


def _call(line: Line, number: int, text: str, wanted: bool) -> ExpectCall:
    if line.over:
        return ExpectCall(number, text, wanted, "", None)
    if line.kind() != "WORD":
        raise line.wrong('the function stands here: EXPECT CALL notify("door open")')
    function = line.take().text
    arguments: list[Scalar] | None = None
    if line.kind() == "LPAR":
        line.take()
        arguments = []
        while line.kind() != "RPAR":
            if arguments:
                if line.kind() != "COMMA":
                    raise line.wrong("a comma or a ')' is missing here")
                line.take()
            arguments.append(plain(line.value("an argument of the call")))
        line.take()
    line.finish('a call is a function and its arguments: notify("door open")')
    return ExpectCall(
        number, text, wanted, function, None if arguments is None else tuple(arguments)
    )


def _message(name: Name, stage: Stage, cast: Cast) -> tuple[TopicName, str | None]:
    """Return the topic on which a message is expected, and its key; None for any."""
    found = _find(name, stage)
    if found is not None:
        variable, key = found
        if variable.role is Role.TIMER:
            raise Wrong(name.span, _TIMER.format(quoted(name.text)))
        if variable.role is not Role.PUBLIC or variable.topic is None:
            raise Wrong(
                name.span,
                f"{quoted(name.text)} is never published; EXPECT its value, as in {name.text} = …",
            )
        if key and not (variable.keyed or variable.map):
            check_key(name, variable, key)
        return variable.topic, key or variable.instance or None
    topic, key = _topic(name, stage, cast)
    return topic, key or None


def _find(name: Name, stage: Stage) -> tuple[Variable, str] | None:
    """Return the variable that a name means, and its key, or None if it means none."""
    module, *rest = name.words
    variable = stage.variable(module, ".".join(rest)) if rest else None
    return None if variable is None else (variable, key_of(name))


def _topic(name: Name, stage: Stage, cast: Cast) -> tuple[TopicName, str]:
    """Return the topic that a name means if it is no variable's."""
    if len(name.words) > 1:
        topic, key = topic_of(name)
        if topic in stage.publishes or topic in stage.defined:
            return topic, key
        if topic in stage.boards:
            raise Wrong(
                name.span,
                f"{quoted(name.text)} comes from a board; EXPECT what modules say",
            )
    raise unknown(name, stage, cast)


def _value(
    name: Name,
    operator: str,
    literal: tree.Expression,
    number: int,
    text: str,
    stage: Stage,
    cast: Cast,
) -> Expect:
    found = _find(name, stage)
    if found is not None:
        variable, key = found
        check_key(name, variable, key)
        value = _compared(name, variable, operator, literal)
        return ExpectVariable(
            number, text, True, name.words[0], fold(variable.name), key, operator, value
        )
    topic, key = _topic(name, stage, cast)
    published = stage.publishes.get(topic)
    value = plain(literal) if not published else _compared(name, published[0], operator, literal)
    instance = key or (published[0].instance if published else "")
    return ExpectTopic(number, text, True, topic, instance, operator, value)


def _compared(name: Name, variable: Variable, operator: str, literal: tree.Expression) -> Scalar:
    if variable.role is Role.TIMER:
        raise Wrong(name.span, _TIMER.format(quoted(name.text)))
    if variable.type is Type.EVENT:
        raise Wrong(
            name.span,
            f"{quoted(name.text)} is an event, it has no value; EXPECT {name.text} asks whether it "
            "came",
        )
    if operator not in ("==", "!=") and variable.type not in _ORDERED:
        raise Wrong(name.span, f"{quoted(name.text)} has no order; compare it with = or !=")
    if variable.type is Type.DECIMAL and isinstance(literal, tree.NumberLiteral):
        value = plain(literal)
        if operator in ("==", "!="):
            fit(variable, literal)
        return value
    return fit(variable, literal)[0]
