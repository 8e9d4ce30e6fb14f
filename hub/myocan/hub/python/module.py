"""What a module in Python is written with: the class, its declarations, its reactions.

The one idea: the class only declares. Each name in it stands for something in the core, so a method
that reads `self.state` reads the core's variable, and one that assigns it assigns that. There is
nothing else on `self`: what is not declared cannot be remembered.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

if TYPE_CHECKING:
    from myocan.hub.python.running import Now

__all__ = [
    "Call",
    "Event",
    "Map",
    "Module",
    "Reaction",
    "Timer",
    "about",
    "at",
    "calls",
    "each",
    "event",
    "hears",
    "on",
    "publishes",
    "timer",
    "when",
]

_Method = TypeVar("_Method", bound=Callable[..., Any])

REACTIONS = "__reactions__"
"""The attribute of a method that says what it reacts to."""


class _Unset:
    """No default was given."""


UNSET: Any = _Unset()


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a method was decorated with.

    Arguments:
        kind: the decorator.
        line: where it stands.
        said: the topic of `on`, the schedule of `at`, the condition of `when`.
        values: of `on`, which of them it wants; none for all.
    """

    kind: Literal["on", "at", "when"]
    line: int
    said: Any
    values: tuple[Any, ...] = ()


def on(topic: str, *values: Any) -> Callable[[_Method], _Method]:
    """Run a method when a message arrives.

    The first in the class that wants a message takes it, as with ON. A method with a second
    parameter is given the message's value.

    Arguments:
        topic: `button1.press`, or the name of a timer or of something that the class `hears`.
        values: which values it wants; none for all.
    """
    return _reacting(Reaction("on", _line(), topic, values))


def at(schedule: str) -> Callable[[_Method], _Method]:
    """Run a method at times.

    Arguments:
        schedule: as behind AT: `sunset`, `30 minutes before sunrise ON weekdays`, `7:30`.
    """
    return _reacting(Reaction("at", _line(), schedule))


def when(condition: Callable[[Any], Any]) -> Callable[[_Method], _Method]:
    """Run a method when a condition holds and something that it reads has changed.

    Arguments:
        condition: of the module: `lambda my: my.light < 10 and my.state == "off"`.
    """
    return _reacting(Reaction("when", _line(), condition))


def _line() -> int:
    """Return the line on which a declaration stands."""
    return sys._getframe(2).f_lineno


def _reacting(reaction: Reaction) -> Callable[[_Method], _Method]:
    def decorate(method: _Method) -> _Method:
        # The lowest decorator comes first, and reads last.
        setattr(method, REACTIONS, (reaction, *getattr(method, REACTIONS, ())))
        return method

    return decorate


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration of the class that is no plain default.

    Arguments:
        kind: the function that made it.
        line: where it stands.
        said: a topic, a duration, a function's name; "" for what follows from the name.
        default: what it holds at first.
        keep: how long the log keeps what is published, "" where nothing is said of it.
    """

    kind: Literal["hears", "publishes", "timer", "event", "calls", "each", "about"]
    line: int
    said: Any
    default: Any = UNSET
    keep: str = ""


def hears(topic: str = "", default: Any = UNSET) -> Any:
    """Declare a variable that holds the last message of a topic.

    Its annotation says what fits it; without one, everything does.

    Arguments:
        topic: `motion1.state`, or `system.clock#sunset` and the like; "" for a topic of the module
            itself, to which others can send.
        default: what it holds before the first; of a `Decimal` a text with the digits, "0.0".
    """
    return Declared("hears", _line(), topic, default)


def publishes(topic: str, default: Any = UNSET, *, keep: str = "") -> Any:
    """Declare a variable that is published on another topic than the module's own.

    Arguments:
        topic: `house.mode`.
        default: what it holds at first.
        keep: says, as TOPIC does, what the topic carries, and how long the log keeps it: `30 days`,
            `10 MB`, `forever`.
    """
    return Declared("publishes", _line(), topic, default, keep)


def each(default: Any) -> Any:
    """Declare a map: a variable with a value for each key, `self.light["hall"] = "dim"`.

    Its annotation is `dict[str, …]`, with what a value can be. It is published as
    `NAME[key].variable`; a module with instances has none.

    Arguments:
        default: what each key has at first; `field(default=0, ge=0)` for bounds.
    """
    return Declared("each", _line(), "", default)


def about(name: str, what: str) -> Any:
    """Declare what the hub knows of a message, or of a variable.

    Arguments:
        name: of something that the class hears, declared above, or a topic; for `modified` of any
            variable.
        what: of its last message `timestamp` (when it happened, a `datetime`, None before the
            first), `offset` (in the log, an int), `producer` (who sent it) or `topic` (both texts);
            `modified`, a `datetime`: when it last became another.
    """
    return Declared("about", _line(), (name, what))


def timer(duration: str | timedelta) -> Timer:
    """Declare a timer.

    Arguments:
        duration: how long it runs, from 0.1 seconds to a year: `5 minutes`.
    """
    return Declared("timer", _line(), duration)  # type: ignore[return-value]


def event(topic: str = "", *, keep: str = "") -> Event:
    """Declare an event that the module publishes by calling it: `self.opened()`.

    Arguments:
        topic: on which; "" for the module's own of the same name.
        keep: as of `publishes`.
    """
    return Declared("event", _line(), topic, keep=keep)  # type: ignore[return-value]


def calls(name: str = "") -> Call:
    """Declare a function of `externals.py`, called by name: `self.notify("hello")`.

    Arguments:
        name: as it is registered; "" for the name that it is declared with.
    """
    return Declared("calls", _line(), name)  # type: ignore[return-value]


class Timer:
    """A timer of a module that runs; `@on` of its name is run when it is over.

    Arguments:
        now: the cycle.
        number: of its variable.
        duration_ms: how long it runs.
    """

    __slots__ = ("_duration_ms", "_now", "_number")

    def __init__(self, now: Now, number: int, duration_ms: int) -> None:
        self._now = now
        self._number = number
        self._duration_ms = duration_ms

    def start(self) -> None:
        """Let it run from now on, whether it did or not."""
        self._now.set_timer(self._number, self._duration_ms)

    def reset(self) -> None:
        """Let it run from now on, if it runs."""
        if self.running:
            self.start()

    def cancel(self) -> None:
        """Stop it."""
        if self.running:
            self._now.set_timer(self._number, 0)

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._now.due_ms(self._number) > 0


class Map(Mapping[str, Any]):
    """A map of a module that runs: a value for each key, the first one for a key without.

    It goes over the keys that were ever assigned, in order.

    Arguments:
        now: the cycle.
        number: of its variable.
    """

    __slots__ = ("_now", "_number")

    def __init__(self, now: Now, number: int) -> None:
        self._now = now
        self._number = number

    def __getitem__(self, key: str) -> Any:
        return self._now.value_of(self._number, key)

    def __setitem__(self, key: str, value: Any) -> None:
        self._now.set_of(self._number, key, value)

    def __contains__(self, key: object) -> bool:
        return key in self._now.keys_of(self._number)

    def __iter__(self) -> Iterator[str]:
        return iter(self._now.keys_of(self._number))

    def __len__(self) -> int:
        return len(self._now.keys_of(self._number))

    def __eq__(self, other: object) -> bool:
        return dict(self) == other

    __hash__ = None  # type: ignore[assignment]


class Event:
    """An event of a module that runs; to call it publishes it when the cycle ends.

    Arguments:
        now: the cycle.
        number: of its variable.
    """

    __slots__ = ("_now", "_number")

    def __init__(self, now: Now, number: int) -> None:
        self._now = now
        self._number = number

    def __call__(self) -> None:
        self._now.activate(self._number)


class Call:
    """A function of `externals.py`; to call it has it called once the cycle is on the disk.

    Arguments:
        now: the cycle.
        name: of the function.
    """

    __slots__ = ("_name", "_now")

    def __init__(self, now: Now, name: str) -> None:
        self._now = now
        self._name = name

    def __call__(self, *arguments: Any) -> None:
        """Arguments are texts, numbers, True, False or None; there is no answer."""
        self._now.call(self._name, arguments)


class _Sealed(type):
    """A class on which nothing can be remembered once it is ready."""

    sealed: bool

    def __setattr__(cls, name: str, value: object) -> None:
        if getattr(cls, "sealed", False):
            raise AttributeError(f"{cls.__name__}.{name} cannot be set: a class remembers nothing")
        super().__setattr__(name, value)


class Module(metaclass=_Sealed):
    """The base of a module: one class in a file `modules/NAME.py`.

    Its annotated names are its variables: published as `NAME.variable`, or private with a `_` in
    front. Options stand in the class line:

        key: what its keys are called; the module then has an instance for each, and all that it
            declares is an instance's.
        auto: whether the first message for a key creates its instance.
        agent: the hub that it is pinned to.
        history: whether it is told, when it is new, what came before it.
    """

    __slots__ = ("_now_",)

    sealed: ClassVar[bool] = False
    options: ClassVar[tuple[str, bool, str, bool]] = ("", False, "", False)

    def __init_subclass__(
        cls, key: str = "", auto: bool = False, agent: str = "", history: bool = False
    ) -> None:
        cls.options = (key, auto, agent, history)

    def __setattr__(self, name: str, value: object) -> None:
        if not hasattr(type(self), name):
            raise AttributeError(
                f"the class does not declare {name!r}; what a module remembers is declared, as in "
                f"_{name.lstrip('_')}: int = 0"
            )
        object.__setattr__(self, name, value)

    @property
    def _now(self) -> Now:
        now: Now = self._now_  # type: ignore[attr-defined]
        return now

    @property
    def now(self) -> datetime:
        """The time of this cycle, in the house's time zone."""
        return self._now.time()

    @property
    def key(self) -> str:
        """The key of this instance, "" in a module without."""
        return self._now.key()

    def log(self, text: object) -> None:
        """Write a line to the log."""
        self._now.log(0, str(text))

    def warn(self, text: object) -> None:
        """Write a warning to the log."""
        self._now.log(1, str(text))

    def alert(self, text: object) -> None:
        """Write an alert to the log."""
        self._now.log(2, str(text))

    def create(self, key: str) -> None:
        """Let the instance of a key be born when the cycle ends."""
        self._now.bear_or_drop(True, key)

    def drop(self, key: str) -> None:
        """Drop the instance of a key when the cycle ends."""
        self._now.bear_or_drop(False, key)
