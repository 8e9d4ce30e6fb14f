"""How long the log keeps the messages of a topic: what `KEEP` and `[retention]` say.

The one idea: whoever names a topic most exactly is right. `[retention]` of `myocan.toml` may name
one (`camera.image`) or many (`camera.*`), rules name one (`TOPIC camera.image KEEP 10 MB`), and
`default` is for all the others:

    a whole name in [retention]  >  KEEP in rules  >  the longest pattern in [retention]  >  default

Without any of these, messages are kept forever.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from myocan.hub.core import Program

__all__ = ["DEFAULT", "FOREVER", "Keep", "Retention", "check_pattern", "parse_keep"]

DEFAULT = "default"
"""The key of `[retention]` for topics that nothing else names."""

_HOUR_MS = 3_600_000
_AGES = {
    "hour": _HOUR_MS,
    "day": 24 * _HOUR_MS,
    "week": 7 * 24 * _HOUR_MS,
    "month": 30 * 24 * _HOUR_MS,
    "year": 365 * 24 * _HOUR_MS,
}
_SIZES = {"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
_CODE = "%%code%%"
_FOR_GOOD = ("$admin", "$external")
_COUNTED = re.compile(r"([1-9][0-9]{0,8}) +([A-Za-z]+)")
_PATTERN = re.compile(r"[A-Za-z0-9_$*.-]{1,128}")


class Keep(NamedTuple):
    """How long messages are kept. `text`: as KEEP says it.

    age_ms: how old they get, in milliseconds. size: how many bytes those of one topic take in the
    log, its keys together. None: any.
    """

    text: str
    age_ms: int | None = None
    size: int | None = None


FOREVER = Keep("forever")


def parse_keep(text: str) -> Keep:
    """Return what stands behind KEEP: `30 days`, `10 MB`, `forever`; a month has 30 days.

    Raises ValueError, whose text says what can stand there.
    """
    if text.strip().lower() == FOREVER.text:
        return FOREVER
    counted = _COUNTED.fullmatch(text.strip())
    if counted is not None:
        number, unit = int(counted[1]), counted[2]
        age = _AGES.get(unit.lower().removesuffix("s"))
        if age is not None:
            return Keep(f"{number} {unit.lower()}", age_ms=number * age)
        size = _SIZES.get(unit.upper())
        if size is not None:
            return Keep(f"{number} {unit.upper()}", size=number * size)
    raise ValueError(
        f"takes a time, a size or forever, like '30 days', '10 MB' or 'forever', not {text!r}; "
        "times are hours, days, weeks, months, years, sizes KB, MB, GB"
    )


def check_pattern(text: str) -> str:
    """Return `text` if it names topics. Raises ValueError, whose text says how that is done."""
    if text == DEFAULT or (_PATTERN.fullmatch(text) and "." in text.strip(".")):
        return text
    raise ValueError(
        f"{text!r} names no topic; write MODULE.VARIABLE, with * for any letters and then in "
        "quotes: camera.image, 'camera.*', '*.temperature', or default for all others"
    )


class Retention:
    """How long each topic is kept.

    Arguments:
        settings: pattern -> KEEP's text, as `[retention]` has them.
        programs: the modules in force, for their TOPIC lines.

    Raises ValueError, see `parse_keep`.
    """

    def __init__(self, settings: Mapping[str, str], programs: Iterable[Program] = ()) -> None:
        self.default = parse_keep(settings.get(DEFAULT, FOREVER.text))
        self._exact: dict[str, Keep] = {}
        self._patterns: list[tuple[str, Keep]] = []
        for program in programs:
            for topic in program.topics:
                if topic.keep:
                    domain, module, variable = topic.topic
                    name = f"{domain}.{module}" if domain else module
                    self._exact[f"{name}.{variable}".lower()] = parse_keep(topic.keep)
        for pattern, text in settings.items():
            if "*" in pattern:
                self._patterns.append((pattern.lower(), parse_keep(text)))
            elif pattern != DEFAULT:
                self._exact[pattern.lower()] = parse_keep(text)
        self._patterns.sort(key=lambda one: (-len(one[0]), one[0]))

    @property
    def is_endless(self) -> bool:
        """Whether every topic is kept forever, so that there is nothing to do."""
        keeps = [self.default, *self._exact.values(), *(keep for _, keep in self._patterns)]
        return all(keep.age_ms is None and keep.size is None for keep in keeps)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Retention) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def of(self, module: str, variable: str) -> Keep:
        """Return how long a topic is kept.

        The texts of modules, what was administered, and calls of EXTERNAL functions stay for good;
        what the hub notes for itself beside the topics of a module (births, ATs) is kept as
        `default` says.

        Arguments:
            module, variable: as the log names them.
        """
        if variable == _CODE or module in _FOR_GOOD:
            return FOREVER
        if variable[:1] in ("$", "%"):
            return self.default
        name = f"{module}.{variable}".lower()
        exact = self._exact.get(name)
        if exact is not None:
            return exact
        for pattern, keep in self._patterns:
            if fnmatchcase(name, pattern):
                return keep
        return self.default
