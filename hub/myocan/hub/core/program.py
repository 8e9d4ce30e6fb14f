"""A compiled module: what `myocan.hub.lang` makes of a `.scc` text and what the core runs.

The one idea: a Program is integers and names only. It holds no object of the checker, can be
written as JSON and read back without the grammar (`stored`), and means the same to the compiled and
to the pure core.

Variables
    A program's variables are numbered in declaration order; instructions name them by that number.
    The core gives each a *slot*, one 64-bit integer whose meaning depends on the type:

    ============  =====================================================================
    EVENT         nothing (behind PUBLIC); its slot is never read. Of a TIMER: when it is due, in
                  milliseconds of log time, 0 while it does not run
    ANY           whatever scalar arrived; the slot's *tag* says what it is (see below)
    ENUMERATION   the index of the member, in declaration order
    BOOLEAN       0 or 1
    DECIMAL       units of 10 ** -decimals
    TEXT          the number of the text in the core's text pool
    TIME          minutes since midnight, 0 to 1439
    ============  =====================================================================

Scalars that travel
    Between modules, and in from boards, a value is a pair (tag, value): `NULL`, `BOOL`, `TEXT`
    (value is a number in the text pool) or, for a number, the count of digits behind its point, 0
    to 9 (value is in units of 10 ** -tag). Every arrival is converted to the variable's type by
    the core; what does not fit is rejected.

Code
    Instructions are four integers, `op a b c`, in one flat list; a *pc* is an index into that
    list, a multiple of four. Numbers on the stack are scaled by 10 ** 9 in 128 bits; conditions
    are 0 or 1; texts are pool numbers, -1 for "not a text"; booleans and times are as in their
    slots.

    A run starts at a pc and ends at `MATCHED` or at `UNMATCHED`, so one form serves all reactions:

    - `entries[v]` is where a message for variable *v* starts: the ONs that it can trigger, in
      order, each `guards, else jump to the next; actions; MATCHED`, and `UNMATCHED` at the end.
    - a `When` has two: its condition (`MATCHED` if it holds) and its actions (end with `MATCHED`).
    - `At.pc` is where an AT starts: `guards, else UNMATCHED; actions; MATCHED`.

Time
    The core has no clock: `Core.run` is told the log's time, and whoever calls it sends what is due
    as messages. A TIMER's message is a null on its own topic; it is taken only while the timer is
    due, and stops it. A module's ATs have one topic, variable `AT_VARIABLE`; its message is a text,
    a JSON array of the identities of those that are due at that minute. They are tried in
    declaration order, and the first whose guards hold runs, as with ON; that none does is no
    *unhandled* record, but an identity that the program does not have is one.

    *start* makes a timer due its duration from now, whether it ran or not; *reset* does so only
    while it runs; *cancel* stops it. A timer that is due has run out whatever becomes of its cycle:
    if that fails, all that its rules did is undone, but it does not run again.

Keys
    A module with a `key` has a *class*, the variables that are not `keyed`, and *instances*, each
    with its own copy of those that are. Messages of keyed variables carry the instance's key. A
    reaction that names anything keyed is *keyed*: it runs in an instance, reads the class's
    variables and never writes them. So a message for a class variable is one cycle of the class
    (`entries`, the WHENs that are not keyed) and then, if no ON of the class was the one, one of
    every instance alive, in the order of their keys (`keyed_entries`, the keyed WHENs).

    Births and drops of instances are messages on `INSTANCES_VARIABLE` of the module's topic, with
    the key as their instance: true and null. They take effect when their cycle ends.

    In a module without a key, a PUBLIC variable that is `map` holds a value for each key that was
    ever assigned. `SELECT` or `SELECT_BY` makes the variable mean one of them, for the instructions
    up to `DESELECT`; between the two stands no jump, and no other variable.

Attributes
    `x#timestamp` and the like are PRIVATE variables of that name, which the core fills
    (`Attribute`); what a cycle can know of the calendar and of the house (`system.clock#sunset`)
    are SUBSCRIBE variables of the topics of `$clock` and `$config`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

AT_VARIABLE = "%%at%%"
"""The variable of a module's topic for the ATs that come due."""

INSTANCES_VARIABLE = "$instances"
"""The variable of a keyed module's topic for births (true) and drops (null) of its instances."""

EXTERNAL_MODULE = "$external"
"""The module of the topics that calls of EXTERNAL functions are logged under."""

ADMIN_MODULE = "$admin"
"""The module of what is done to a house as a whole: deployments, clocks, modes."""

CODE_VARIABLE = "%%code%%"
"""The variable that holds a module's text, as the seed names it."""

DIGITS = 9
"""Digits behind the point of a number on the stack."""

STACK_DEPTH = 64
"""Most values on the stack; the compiler refuses an expression that needs more."""

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


class Type(IntEnum):
    """What a variable holds; the table in the module's text says how."""

    EVENT = 0
    ANY = 1
    ENUMERATION = 2
    BOOLEAN = 3
    DECIMAL = 4
    TEXT = 5
    TIME = 6


class Role(IntEnum):
    """How a variable was declared."""

    SUBSCRIBE = 0
    PUBLIC = 1
    PRIVATE = 2
    TIMER = 3


class Tag(IntEnum):
    """What a travelling scalar is, unless it is a number (then the tag counts its decimals)."""

    NULL = -1
    BOOL = -2
    TEXT = -3
    FORGOTTEN = -4  # only of a change: the name is gone


class Op(IntEnum):
    """Instructions. *v*, *w* are variables, *pc* a target, *k* an index into `Program.texts`."""

    MATCHED = 0  # ends the run: this reaction was the one (or: this condition holds)
    UNMATCHED = 1  # ends the run: nothing here applied
    JUMP = 2  # pc
    JUMP_IF = 3  # pc: pops a condition, jumps if it holds
    JUMP_UNLESS = 4  # pc: pops a condition, jumps if it does not hold
    # Jumps to pc unless slot(v) compares so with c, a constant in the slot's own units.
    # For ENUMERATION, BOOLEAN, DECIMAL and TIME; the compiler's short form of the common guard.
    UNLESS_EQ = 5  # pc v c
    UNLESS_NE = 6
    UNLESS_LT = 7
    UNLESS_LE = 8
    UNLESS_GT = 9
    UNLESS_GE = 10
    # Onto the stack.
    PUSH = 11  # a b: a * 10 ** b (a number 21.5 is 215 8; a boolean, time or condition has b = 0)
    PUSH_TEXT = 12  # k
    LOAD = 13  # v b: slot(v) * 10 ** b; b = 9 - decimals for a DECIMAL, 0 for BOOLEAN and TIME
    LOAD_TEXT = 14  # v: pool number of the text, of the member's name, or -1 (an ANY without text)
    LOAD_NUMBER = 15  # v: the number in an ANY; fails with NOT_A_NUMBER
    LOAD_TRUTH = 16  # v: the boolean in an ANY as 0 or 1, -1 if it holds something else
    ANY_EQUAL = 17  # v w: two ANYs, 1 if same kind and same value
    HAS_NUMBER = 18  # v a b: 1 if the ANY is a number equal to a * 10 ** b (at the stack's scale)
    ADD = 19
    SUB = 20
    MUL = 21
    DIV = 22
    NEG = 23
    ABS = 24
    MIN = 25
    MAX = 26
    ROUND = 27  # a: half-even to a digits behind the point, 0 to 9
    EQ = 28
    NE = 29
    LT = 30
    LE = 31
    GT = 32
    GE = 33
    NOT = 34
    # Into a variable.
    SET = 35  # v c: the constant c, in the slot's own units
    SET_TEXT = 36  # v k
    STORE = 37  # v: pops a number into a DECIMAL: half-even to its decimals, then its bounds
    STORE_RAW = 38  # v: pops what is already in the slot's units (BOOLEAN, TIME)
    STORE_TEXT = 39  # v: pops a text into TEXT or, if it names a member, ENUMERATION
    COPY = 40  # v w: v = w, converted as an arrival would be
    ADD_CONST = 41  # v c: slot(v) += c, then the bounds (`x++`, `x--`)
    NEXT = 42  # v: the next member, the first behind the last; a BOOLEAN turns over
    ACTIVATE = 43  # v: an EVENT is published at the end of the cycle
    # Log lines: pieces are collected, then written.
    PIECE_TEXT = 44  # k
    PIECE_VAR = 45  # v, as people write it
    PIECE_NUMBER = 46  # pops a number
    LOG = 47  # a: 0 info, 1 warn, 2 alert; the pieces so far, one blank between
    # Of a TIMER.
    START = 48  # v c: due c milliseconds from now
    RESET = 49  # v c: likewise, if it runs
    CANCEL = 50  # v: stops it
    # Of unconstrained variables.
    IS_NUMBER = 51  # v: 1 if the ANY holds a number
    # Of keys and instances.
    LOAD_KEY = 52  # the text of one's own key
    PIECE_KEY = 53  # one's own key, into a log line
    CREATE = 54  # pops a text: the instance of this key is born at the end of the cycle
    DROP = 55  # pops a text: likewise dropped
    # Of a map: until DESELECT, v means its value of this key.
    SELECT = 56  # v k
    SELECT_BY = 57  # v: pops the key, a text
    DESELECT = 58
    DIFFERS = 59  # v: 1 if this cycle gave it another value
    # Of time.
    LOAD_CLOCK = 60  # a v: a `ClockPart`; v is the variable with the offset from UTC in minutes
    # Calls of EXTERNAL functions: arguments are collected, then the call.
    ARGUMENT_TEXT = 61  # k
    ARGUMENT_VAR = 62  # v
    ARGUMENT_NUMBER = 63  # pops a number
    ARGUMENT_TRUTH = 64  # pops 0 or 1
    ARGUMENT_KEY = 65  # one's own key
    CALL = 66  # k: the function of this name, with the arguments so far
    # Of a module in Python: its methods are numbered, and v is what arrived, -1 for nothing.
    RUN = 67  # a v: method a
    ASK = 68  # a v: 1 if method a says yes, else 0


class Failure(IntEnum):
    """Why a cycle was undone."""

    OVERFLOW = -1
    DIVISION_BY_ZERO = -2
    OUTSIDE = -3  # a value outside its variable's constraint
    NOT_A_NUMBER = -4
    NO_KEY = -5  # what should be a key is no text, empty, or longer than `MAX_KEY`
    RAISED = -6  # of a module in Python, which says why itself
    ENDLESS = -7  # likewise: it took more steps than a cycle may


class ClockPart(IntEnum):
    """What `LOAD_CLOCK` reads of the log's time."""

    NOW = 0  # seconds since 1970 UTC, with milliseconds behind the point
    HOUR = 1  # 0 to 23, in the house's time, as all that follow
    MINUTE = 2
    SECOND = 3
    TIME = 4  # the time of day, in minutes since midnight


class AttributeKind(IntEnum):
    """What an attribute tells of a variable."""

    TIMESTAMP = 0  # when its last message happened, by its producer; a DECIMAL of 3, in seconds
    OFFSET = 1  # of its last message in the log; a DECIMAL of 0
    PRODUCER = 2  # of its last message; a TEXT
    TOPIC = 3  # that its last message came on, as `button1.press`; a TEXT
    MODIFIED = 4  # log time at which its value last became another; a DECIMAL of 3, in seconds


MAX_KEY = 64
"""Longest key of an instance or of a map, in bytes of UTF-8."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One declared name.

    Arguments:
        name: as declared, what people are shown (`button1.press`, `livingLight`).
        role: how it was declared.
        type: what it holds.
        topic: (domain, module, variable) that it hears or publishes; the domain is "" for the
            house's
            own, the variable is in lower case as it travels. None for a PRIVATE one.
        decimals: digits behind the point of a DECIMAL, 0 to 9.
        lower, upper: bounds of a DECIMAL, in its units.
        members: an ENUMERATION's names, in declared order and spelling.
        pattern: what a TEXT matches as a whole (`myocan.hub.patterns`), "" for any text.
        initial: in the slot's units; for TEXT the text itself.
        line: where it was declared.
        duration_ms: how long a TIMER runs, in milliseconds; its type is EVENT, its topic the
            module's own.
        keyed: each instance has its own; its messages carry the instance's key.
        instance: the key of the one instance that it hears or publishes for (`switch[bathroom]`),
            "" for none.
        map: a PUBLIC one that has a value for each key.
    """

    name: str
    role: Role
    type: Type
    topic: tuple[str, str, str] | None = None
    decimals: int = 0
    lower: int = INT64_MIN
    upper: int = INT64_MAX
    members: tuple[str, ...] = ()
    initial: int | str = 0
    line: int = 0
    duration_ms: int = 0
    keyed: bool = False
    instance: str = ""
    map: bool = False
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A variable that the core fills.

    Arguments:
        kind: what it tells.
        of: the variable that it tells this of; a SUBSCRIBE one, but for `MODIFIED` any.
        variable: the PRIVATE one that holds it; keyed if `of` is.
    """

    kind: AttributeKind
    of: int
    variable: int


@dataclass(frozen=True, slots=True)
class TopicDefinition:
    """An independent topic that a module defines with TOPIC.

    Arguments:
        topic: (domain, module, variable).
        type: what its messages carry; ANY if nothing is said of it.
        members: of an ENUMERATION.
        line: where it stands.
        keep: how long its messages are kept, as KEEP says it: "30 days", "10 MB", "forever", or "".
    """

    topic: tuple[str, str, str]
    type: Type
    members: tuple[str, ...] = ()
    line: int = 0
    keep: str = ""


@dataclass(frozen=True, slots=True)
class When:
    """A statement that opens with WHEN (or IF).

    Arguments:
        condition: pc of its condition.
        actions: pc of its actions.
        reads: the variables that its condition reads, ascending; a change of one of them makes it a
            candidate.
        line: where it stands.
        keyed: whether it runs in an instance.
    """

    condition: int
    actions: int
    reads: tuple[int, ...]
    line: int
    keyed: bool = False


@dataclass(frozen=True, slots=True)
class At:
    """A statement that opens with AT.

    Arguments:
        identity: stands for it in messages; stays when other lines change.
        schedule: when it is due, as JSON (`myocan.hub.lang.schedules.Schedule`).
        pc: where its guards start.
        line: where it stands.
        keyed: whether it runs in every instance.
    """

    identity: str
    schedule: str
    pc: int
    line: int
    keyed: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """One module, ready to run.

    Arguments:
        module: its name, as the file's.
        variables: in declaration order.
        code: four integers an instruction.
        texts: what `k` counts in.
        entries: SUBSCRIBE variable or TIMER -> pc of its ONs; one that has no ON is absent.
        whens: in declaration order.
        lines: (pc, line) in ascending order of pc: the statement that the code from pc on belongs
            to.
        ats: in declaration order.
        key: what the keys of a keyed module are called (`location`), "" for one without.
        auto: whether the first message for a key creates its instance.
        agent: the agent that it is pinned to, "" for any.
        keyed_entries: like `entries`, of the keyed ONs; these run in an instance.
        attributes: the variables that the core fills.
        topics: that it defines.
        history: whether it knows what came before it, once it is new.
        python: the text of a module in Python (`myocan.hub.python`), whose methods `RUN` and `ASK`
            mean; "" for rules.
    """

    module: str
    variables: tuple[Variable, ...]
    code: tuple[int, ...]
    texts: tuple[str, ...] = ()
    entries: dict[int, int] = field(default_factory=dict)
    whens: tuple[When, ...] = ()
    lines: tuple[tuple[int, int], ...] = ()
    ats: tuple[At, ...] = ()
    key: str = ""
    auto: bool = False
    agent: str = ""
    keyed_entries: dict[int, int] = field(default_factory=dict)
    attributes: tuple[Attribute, ...] = ()
    topics: tuple[TopicDefinition, ...] = ()
    history: bool = False
    python: str = ""

    @property
    def file(self) -> str:
        """What the file of its text is called: `lamp1.scc`, `lamp1.py`."""
        return f"{self.module}.{'py' if self.python else 'scc'}"
