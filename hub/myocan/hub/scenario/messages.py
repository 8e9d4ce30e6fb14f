"""SEND, SET, CREATE and DROP: what a scenario does to a house.

The one idea: a name is looked up among those who take part, and what is not there is told together
with what is near; so a scenario that misspells a topic cannot pass by saying nothing.
"""

from __future__ import annotations

from myocan.hub.core.linker import TopicName, fold
from myocan.hub.core.program import MAX_KEY, Role, Tag, Type, Variable
from myocan.hub.lang import Diagnostic, tree
from myocan.hub.lang.diagnostics import listed, nearest, quoted
from myocan.hub.scenario.cast import Cast, Stage, topic_text
from myocan.hub.scenario.line import Line, Name, Wrong
from myocan.hub.scenario.steps import Instance, Scalar, Send, Set
from myocan.hub.scenario.values import NULL, fit, plain


def sending(
    line: Line, number: int, text: str, stage: Stage, cast: Cast
) -> tuple[Send, Wrong | None]:
    """Read what stands behind SEND.

    Returns:
        The step, and why nobody can take it, unless a record is what is expected.

    Raises:
        Wrong: there is no such topic, or the line makes no sense.
    """
    name = line.name("the topic that the message is sent to")
    topic, key = topic_of(name)
    hearers = stage.hears.get(topic, [])
    if not hearers and topic not in stage.boards:
        raise _unheard(name, topic, stage, cast)
    literal = None
    if not line.over:
        if line.kind() not in ("ASSIGN", "EQ"):
            raise line.wrong("behind the topic stands = and a value, or nothing")
        line.take()
        literal = line.value("the value of the message")
        line.finish("a message has one value; a text of several words stands in quotes")
    misfit = _misfit_of_key(name, key, hearers)
    try:
        value = _sent(name, topic, literal, hearers, stage)
    except Wrong as wrong:
        misfit = misfit or wrong
        value = NULL if literal is None else plain(literal)
    if misfit is not None:
        misfit = Wrong(
            misfit.span,
            f"{misfit.message} (if that is meant, EXPECT RECORD below it)",
            misfit.suggestion,
        )
    return Send(number, text, topic, key, value), misfit


def doubt_of(send: Send, stage: Stage) -> str | None:
    """Return why a message is most likely not meant so, None if it may be."""
    domain, module, word = send.topic
    own = stage.variable(module, word) if not domain else None
    if own is not None and own.role is Role.PUBLIC:
        return (
            f"{quoted(module)} takes part and says this itself; leave it out with MODULE, or make "
            "it say so"
        )
    hearers = stage.hears.get(send.topic, [])
    known = sorted({variable.instance for variable in hearers})
    if known and all(known) and send.instance not in known:
        heard = [topic_text(send.topic, one) for one in known]
        return f"only {listed(heard)} is listened to here, so nothing comes of this"
    return None


def setting(
    line: Line, number: int, text: str, stage: Stage, cast: Cast
) -> tuple[Set, list[Diagnostic]]:
    """Read what stands behind SET; return the step, and what the compiler warns of.

    Raises:
        Wrong: there is no such variable, it takes no such value, or the line makes no sense.
    """
    name = line.name("the variable that is set")
    module, variable, key = variable_of(name, stage, cast)
    if variable.role is Role.TIMER:
        raise Wrong(name.span, f"{quoted(variable.name)} is a TIMER; SEND what starts it instead")
    if variable.type is Type.EVENT:
        raise Wrong(name.span, f"{quoted(variable.name)} is an event, it keeps no value")
    if line.kind() not in ("ASSIGN", "EQ"):
        raise line.wrong("behind the variable stands = and a value")
    line.take()
    value, warnings = fit(variable, line.value("the value of the variable"))
    line.finish("a variable has one value; a text of several words stands in quotes")
    return Set(number, text, module, fold(variable.name), key, value), warnings


def creation(
    line: Line, number: int, text: str, stage: Stage, cast: Cast, *, created: bool
) -> Instance:
    """Read what stands behind CREATE or DROP.

    Raises:
        Wrong: there is no such module, it has no instances, or the line makes no sense.
    """
    name = line.name("the instance, as in lamp[kitchen],")
    line.finish("one instance stands here, as in lamp[kitchen]")
    module, key = instance_of(name, stage, cast)
    return Instance(number, text, module, key, created)


# Names.


def key_of(name: Name) -> str:
    """Return the key of a name, "" for none. Raises Wrong: there are several, or it is none."""
    if len(name.keys) > 1:
        raise Wrong(name.keys[1][0], "a name has one key in brackets at most")
    if not name.keys:
        return ""
    place, key = name.keys[0]
    if not 0 < len(key.encode()) <= MAX_KEY:
        raise Wrong(place, f"a key has 1 to {MAX_KEY} bytes")
    return key


def topic_of(name: Name) -> tuple[TopicName, str]:
    """Return the topic and key that a name means. Raises Wrong: it is too short."""
    words = name.words
    if len(words) < 2:
        raise Wrong(
            name.span, f"a topic is a module and a variable, such as {words[0]}.state", None
        )
    return (".".join(words[:-2]), words[-2], fold(words[-1])), key_of(name)


def variable_of(name: Name, stage: Stage, cast: Cast) -> tuple[str, Variable, str]:
    """Return the module, variable and key that a name means.

    Raises:
        Wrong: there is no such variable among those who take part, or its key does not fit.
    """
    module, *rest = name.words
    variable = stage.variable(module, ".".join(rest)) if rest else None
    if variable is None:
        raise unknown(name, stage, cast)
    key = key_of(name)
    check_key(name, variable, key)
    return module, variable, key


def check_key(name: Name, variable: Variable, key: str) -> None:
    """Raise Wrong if a variable has no keys and there is one, or has them and there is none."""
    several = variable.keyed or variable.map
    if several and not key:
        module, *rest = name.words
        raise Wrong(
            name.span,
            f"{quoted(name.text)} has a value for each key; name one",
            f"{module}[kitchen].{'.'.join(rest)}",
        )
    if key and not several:
        raise Wrong(name.span, f"{quoted(name.text)} has one value, and no keys", name.text)


def instance_of(name: Name, stage: Stage, cast: Cast) -> tuple[str, str]:
    """Return the module and key of an instance: `lamp[kitchen]`. Raises Wrong: it is none."""
    module, key = name.words[0], key_of(name)
    if len(name.words) > 1 or not key:
        raise Wrong(name.span, "an instance is a module and a key, such as lamp[kitchen]")
    program = stage.programs.get(module)
    if program is None:
        raise unknown_module(name, module, cast)
    if not program.key:
        raise Wrong(name.span, f"module {quoted(module)} has no key, so there is but one of it")
    return module, key


def unknown(name: Name, stage: Stage, cast: Cast) -> Wrong:
    """Return what is said of a variable that there is not."""
    module, *rest = name.words
    if module not in stage.programs and (module in cast.names or not rest):
        return unknown_module(name, module, cast)
    if not rest:
        return Wrong(
            name.span, f"a variable of {quoted(module)} is missing here, as in {module}.state"
        )
    if module in stage.programs:
        known = [f"{module}.{variable.name}" for variable in stage.variables(module)]
    else:
        known = [
            f"{other}.{variable.name}"
            for other in stage.programs
            for variable in stage.variables(other)
        ]
    near = nearest(name.text, known)
    shorter = stage.variable(module, ".".join(rest[:-1])) if len(rest) > 1 else None
    if shorter is not None:  # `lamp1.state.on`, as a rule would say it
        near = f"{module}.{shorter.name} = {rest[-1]}"
    if near is not None and name.keys:
        other, dot, variable = near.partition(".")
        near = f"{other}[{name.keys[0][1]}]{dot}{variable}"
    return Wrong(name.span, f"there is no {quoted(name.text)} here", near)


def unknown_module(name: Name, module: str, cast: Cast) -> Wrong:
    """Return what is said of a module that there is not, or that takes no part."""
    if module in cast.names:
        return Wrong(
            name.span,
            f"module {quoted(module)} takes no part in this scenario; add it behind MODULE",
        )
    return Wrong(
        name.span, f"there is no module {quoted(module)} here", nearest(module, sorted(cast.names))
    )


# Messages.


def _unheard(name: Name, topic: TopicName, stage: Stage, cast: Cast) -> Wrong:
    _, module, word = topic
    shown = topic_text(topic)
    own = stage.variable(module, word)
    if own is not None and own.role is Role.TIMER:
        return Wrong(
            name.span, f"{quoted(name.text)} is a TIMER: it comes by itself when its time has come"
        )
    if topic in stage.publishes:
        return Wrong(
            name.span,
            f"{quoted(module)} says {quoted(shown)} itself, and nobody here listens to it",
        )
    if module in cast.programs and module not in stage.programs:
        return unknown_module(name, module, cast)
    return Wrong(
        name.span, f"nobody here listens to {quoted(shown)}", nearest(shown, stage.sendable())
    )


def _misfit_of_key(name: Name, key: str, hearers: list[Variable]) -> Wrong | None:
    """Return why nobody can take a message with this key, or without one."""
    if not hearers or any(_takes_key(variable, key) for variable in hearers):
        return None
    if any(variable.keyed for variable in hearers):
        return Wrong(name.span, f"{quoted(name.text)} needs a key, as in {name.words[0]}[kitchen]")
    if any(variable.instance for variable in hearers):
        return None  # it may be sent to see that nothing comes of it
    return Wrong(name.span, f"{quoted(name.text)} has one value, and no keys", name.text)


def _takes_key(variable: Variable, key: str) -> bool:
    if variable.keyed:
        return bool(key)
    if variable.instance:
        return variable.instance == key
    return not key or "." in variable.name  # of another module, which may have keys


def _sent(
    name: Name,
    topic: TopicName,
    literal: tree.Expression | None,
    hearers: list[Variable],
    stage: Stage,
) -> Scalar:
    """Return what is sent. Raises Wrong: somebody who hears it cannot take it."""
    if literal is None:
        for variable in hearers:
            if variable.type not in (Type.ANY, Type.EVENT):
                raise Wrong(name.span, f"{quoted(name.text)} needs a value, and none stands here")
        return NULL
    board = stage.boards.get(topic)
    if board is not None and board.kind == "event":
        raise Wrong(literal.span, f"{quoted(name.text)} is an event, it has no value")
    value = plain(literal)
    for variable in hearers:
        if variable.type is not Type.ANY:
            fitted, _ = fit(variable, literal)
            if fitted[0] < 0:  # a number travels as it is written
                value = fitted
    if not hearers and board is not None and board.values is not None:
        word = str(value[1]) if value[0] == Tag.TEXT else ""
        if word and word not in board.values:
            raise Wrong(
                literal.span,
                f"no board sends {quoted(word)} as {quoted(name.text)}",
                nearest(word, board.values),
            )
    return value
