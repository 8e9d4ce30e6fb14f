"""Random modules as text, for hypothesis: everything that stands in them is well formed and typed.

The one idea: an expression is drawn as a pair, its text and what Python says it is worth, so that a
test can hold what runs against something that was not compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Worth = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class Written:
    """An expression: its text, and its worth given the values of the variables."""

    text: str
    worth: Worth

    def __repr__(self) -> str:
        return self.text


MEMBERS = ("off", "auto", "on")
TIMES = ("00:00", "07:05", "12:00", "23:59")
TEXTS = ("", "on", "On", "hello there")
# The variables that expressions speak of: name, declaration, possible values.
VARIABLES = {
    "n": ("0", st.integers(-5, 5)),
    "d": ("0.00", st.integers(-300, 300).map(lambda units: units / 100)),
    "b": ("{-6-6}", st.integers(-6, 6)),
    "mode": ("{off,auto,on}", st.sampled_from(MEMBERS)),
    "wish": ("{auto,on,boost}", st.sampled_from(("auto", "on", "boost"))),
    "flag": ("{false,true}", st.booleans()),
    "wake": ("00:00", st.sampled_from(TIMES)),
    "title": ('""', st.sampled_from(TEXTS)),
    "what": ("", st.one_of(st.integers(-3, 3), st.booleans(), st.sampled_from(TEXTS), st.none())),
}
DECLARATIONS = "".join(f"SUBSCRIBE {name} {kind}\n" for name, (kind, _) in VARIABLES.items())

ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
EQUAL: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b and isinstance(a, bool) == isinstance(b, bool),
    "!=": lambda a, b: a != b or isinstance(a, bool) != isinstance(b, bool),
}


def values() -> st.SearchStrategy[dict[str, Any]]:
    """Draw a value for every variable."""
    return st.fixed_dictionaries({name: drawn for name, (_, drawn) in VARIABLES.items()})


def variable(name: str) -> Written:
    return Written(name, lambda env: env[name])


def constant(text: str, value: Any) -> Written:
    return Written(text, lambda env: value)


def shouted(draw: Any, word: str) -> str:
    """Return a word in one of the cases in which it may be written."""
    return draw(st.sampled_from((word, word.upper(), word.title())))


def _whole(value: int) -> Written:
    return constant(str(value), value)


INTEGERS = st.integers(-6, 6).map(_whole)


@st.composite
def numbers(draw: Any, depth: int = 3) -> Written:
    """Draw an expression whose value is a whole number."""
    if depth == 0 or draw(st.booleans()):
        return draw(st.one_of(st.sampled_from((variable("n"), variable("b"))), INTEGERS))
    a = draw(numbers(depth - 1))
    b = draw(numbers(depth - 1))
    shape = draw(st.sampled_from(("+", "-", "*", "neg", "min", "max", "abs", "round")))
    if shape == "neg":
        return Written(f"-({a.text})", lambda env: -a.worth(env))
    if shape in ("abs", "round"):
        function = abs if shape == "abs" else round
        return Written(f"{shouted(draw, shape)}({a.text})", lambda env: function(a.worth(env)))
    if shape in ("min", "max"):
        choose = min if shape == "min" else max
        return Written(
            f"{shape}({a.text}, {b.text})", lambda env: choose(a.worth(env), b.worth(env))
        )
    join = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__}[shape]
    return Written(
        f"({a.text}) {shape} ({b.text})", lambda env: join(int(a.worth(env)), int(b.worth(env)))
    )


@st.composite
def comparisons(draw: Any) -> Written:
    """Draw a comparison, of any types that can be compared."""
    kind = draw(
        st.sampled_from(
            ("number", "decimal", "mode", "member", "wish", "flag", "wake", "title", "what")
        )
    )
    if kind == "member":
        member = draw(st.sampled_from(MEMBERS))
        return Written(f"mode.{shouted(draw, member)}", lambda env: env["mode"] == member)
    if kind in ("number", "decimal", "wake"):
        sign, compare = draw(st.sampled_from(sorted({**ORDER, **EQUAL}.items())))
    else:
        sign, compare = draw(st.sampled_from(sorted(EQUAL.items())))
    left, right = _sides(draw, kind, sign)
    if draw(st.booleans()):
        mirrored = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(sign, sign)
        text = f"{right.text} {mirrored} {left.text}"
    else:
        text = f"{left.text}{draw(st.sampled_from(('', ' ')))}{sign} {right.text}"
    return Written(text, lambda env: compare(left.worth(env), right.worth(env)))


def _sides(draw: Any, kind: str, sign: str) -> tuple[Written, Written]:
    match kind:
        case "number":
            return draw(numbers(2)), draw(numbers(2))
        case "decimal":
            units = draw(st.integers(-300, 300))
            fine = sign not in EQUAL and draw(st.booleans())
            value = units / 100 + (0.005 if fine else 0)
            return variable("d"), constant(f"{value:.3f}" if fine else f"{value:.2f}", value)
        case "mode":
            member = draw(st.sampled_from(MEMBERS))
            return variable("mode"), constant(shouted(draw, member), member)
        case "wish":
            return variable("mode"), variable("wish")
        case "flag":
            value = draw(st.booleans())
            return variable("flag"), constant(shouted(draw, str(value).lower()), value)
        case "wake":
            time = draw(st.sampled_from(TIMES))
            return variable("wake"), constant(time, time)
        case "title":
            text = draw(st.sampled_from(TEXTS))
            return variable("title"), constant(f'"{text}"', text)
    value = draw(st.one_of(st.integers(-3, 3), st.booleans(), st.sampled_from(TEXTS)))
    if isinstance(value, str):
        return variable("what"), constant(f'"{value}"', value)
    return variable("what"), constant(str(value).lower(), value)


@st.composite
def conditions(draw: Any, depth: int = 3) -> Written:
    """Draw a condition."""
    if depth == 0 or draw(st.integers(0, 2)) == 0:
        return draw(st.one_of(comparisons(), st.just(variable("flag"))))
    shape = draw(st.sampled_from(("AND", "OR", "NOT", "and", "Or", "compare")))
    a = draw(conditions(depth - 1))
    if shape == "NOT":
        return Written(f"NOT ({a.text})", lambda env: not a.worth(env))
    b = draw(conditions(depth - 1))
    if shape == "compare":
        return Written(f"({a.text}) == ({b.text})", lambda env: a.worth(env) == b.worth(env))
    if shape.upper() == "AND":
        return Written(f"({a.text}) {shape} ({b.text})", lambda env: a.worth(env) and b.worth(env))
    return Written(f"({a.text}) {shape} ({b.text})", lambda env: a.worth(env) or b.worth(env))


# Whole modules.

TARGETS = """\
PUBLIC o_mode {off,auto,on}
PUBLIC o_flag {false,true}
PUBLIC o_count 0
PUBLIC o_level {0.0-10.0}
PUBLIC o_title ""
PUBLIC o_wake 00:00
PUBLIC o_rang
PRIVATE p_count 0.000
PUBLIC far.away {x} AS o_far
"""


@st.composite
def actions(draw: Any) -> str:
    """Draw what can stand behind THEN."""
    simple = (
        *("o_mode.on", "o_mode = auto", "o_mode = mode", "next(o_mode)", "o_flag.true"),
        *("o_flag = flag", "next(o_flag)", "o_count++", "o_count--", "o_level = 2.25"),
        *("o_level++", "o_level = o_level + 0.5", "p_count = p_count - 1", 'o_title = "x"'),
        *("o_title = title", "o_title = mode", "o_wake = noon", "o_wake = wake"),
        *("activate(o_rang)", "o_far.x", "ignore", 'system.log#warn = "w"', "o_count = what"),
        *("o_mode = title", "o_title = what", "o_wake = title", 'log("a", mode, d, what, wake)'),
    )
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return f"o_count = {draw(numbers())}"
    if kind == 1:
        return f"o_flag = {draw(conditions(2))}"
    if kind == 2:
        return f"log({draw(numbers(2))}, {draw(conditions(1))}, n / 7)"
    return draw(st.sampled_from(simple))


@st.composite
def modules(draw: Any) -> str:
    """Draw the text of a module called m that compiles."""
    lines = ["MODULE m", DECLARATIONS + TARGETS]
    for _ in range(draw(st.integers(0, 6))):
        if draw(st.booleans()):
            events = draw(st.lists(st.sampled_from(_EVENTS), min_size=1, max_size=3))
            lines.append("ON " + " OR ".join(events))
        else:
            opening = draw(st.sampled_from(("WHEN", "IF", "when")))
            lines.append(f"{opening} n > 2 OR ({draw(conditions())})")  # it must read something
        for _ in range(draw(st.integers(0, 2))):
            guard = draw(st.sampled_from(("AND", "WITH", "with")))
            lines.append(f"  {guard} {draw(conditions())}")
        lines += [f"  THEN {draw(actions())}" for _ in range(draw(st.integers(1, 4)))]
    return "\n".join(lines) + "\n"


_EVENTS = (
    *("n", "n > 3", "n == -2", "d < 0.005", "b != 2", "n > b + 1", "mode", "mode.auto"),
    *("mode == ON", "mode == wish", "wish != boost", "flag", "flag.true", "wake >= 07:05"),
    *("title", 'title == "on"', "what", "what == 3", "what.true", 'what != "on"', "(n OR b)"),
)
