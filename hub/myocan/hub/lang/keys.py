"""Reads the keys in brackets: one's own, somebody's in particular, or all those of a map.

The one idea: in a module with a key, the key's name in brackets means one's own; any other key is
a text, whether it stands in quotes or not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from myocan.hub.core.program import MAX_KEY, Variable
from myocan.hub.lang import tree
from myocan.hub.lang.diagnostics import Report, clip, nearest, quoted
from myocan.hub.lang.words import fold

_PLAIN: Final = re.compile(r"\w+")
"""Keys that need no quotes to be read again."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Whose a declared name is: the fields of `Variable` that follow from its key."""

    keyed: bool = False
    instance: str = ""
    map: bool = False


def is_own(key: tree.Key, module_key: str) -> bool:
    """Whether a key in brackets is the name of the module's own key."""
    return bool(module_key) and not key.literal and fold(key.text) == fold(module_key)


def full_name(words: Sequence[str], key: str) -> str:
    """Return the name of one instance's variable, with the key behind the module's name.

    It may be written behind the variable's too, and means the same.
    """
    shown = f"[{key}]" if _PLAIN.fullmatch(key) else f'["{key}"]'
    if len(words) < 2:
        return "".join((*words, shown))
    return f"{'.'.join(words[:-1])}{shown}.{words[-1]}"


def placed_key(name: tree.Name, report: Report) -> tuple[bool, tree.Key | None]:
    """Return whether the keys of a declared name stand where they can, and its key, if any."""
    keys = [(place, part.key) for place, part in enumerate(name.parts) if part.key is not None]
    if not keys:
        return True, None
    place, key = keys[0]
    if len(keys) > 1:
        report.error(keys[1][1].span, "a name has one key in brackets; leave this one out")
        return False, None
    if place < len(name.parts) - 2:
        report.error(key.span, "the key stands behind the module's name or the variable's")
        return False, None
    return True, key


def fits(key: tree.Key, report: Report) -> bool:
    """Whether what stands in brackets can be somebody's key; reports why not."""
    if not key.literal and "." in key.text:
        report.error(key.span, "a key with a point stands in quotes", f'"{clip(key.text)}"')
        return False
    if not 1 <= len(key.text.encode()) <= MAX_KEY:
        what = "too long" if key.text else "empty"
        report.error(key.span, f"this key is {what}; it may have 1 to {MAX_KEY} bytes")
        return False
    return True


def placement(word: str, name: tree.Name, module_key: str, report: Report) -> Placement | None:
    """Return whose a declared name is, or report why that cannot be said and return None.

    Arguments:
        word: SUBSCRIBE, PUBLIC, PRIVATE or TIMER.
        name: with its key, if any.
        module_key: what the module's keys are called, "" if it has none.
        report: takes what is wrong.
    """
    good, key = placed_key(name, report)
    if not good:
        return None
    if key is None:
        return Placement()
    if is_own(key, module_key):
        return Placement(keyed=True)
    if not fits(key, report):
        return None
    if word == "SUBSCRIBE" or (word == "PUBLIC" and key.literal):
        _warn_of_slip(name, key, module_key, report)
        return Placement(instance=key.text)
    if word == "PUBLIC" and not module_key:
        return Placement(map=True)
    _refuse(word, key, module_key, report)
    return None


def _warn_of_slip(name: tree.Name, key: tree.Key, module_key: str, report: Report) -> None:
    """Warn of a key that names one instance where one's own was probably meant."""
    if key.literal:
        return
    if not module_key and len(name.parts) == 1:
        report.warning(
            key.span,
            f"{quoted(key.text)} is taken as the key of one instance, since this module has none; "
            f"behind MODULE, [{clip(key.text)}] gives it one",
            f'"{clip(key.text)}"',
        )
    elif module_key and nearest(key.text, (module_key,)) is not None:
        report.warning(
            key.span,
            f"{quoted(key.text)} is taken as the key of one instance; this module's own is "
            f"{quoted(module_key)}",
            module_key,
        )


def _refuse(word: str, key: tree.Key, module_key: str, report: Report) -> None:
    said = quoted(key.text)
    if module_key and word == "PUBLIC":
        report.error(
            key.span,
            f"the key of this module is {quoted(module_key)}, not {said}; what is published for "
            "one key in particular has it in quotes",
            module_key,
        )
    elif module_key:
        report.error(
            key.span,
            f"the key of this module is {quoted(module_key)}; nobody has a {word} of {said}",
            module_key,
        )
    else:
        report.error(
            key.span,
            f"a {word} has a key in a module that has one, such as MODULE lamp[{clip(key.text)}]; "
            f"leave [{clip(key.text)}] out",
        )


EACH: Final = "\0"
"""Stands for all keys; no text holds it, so no key is taken for it."""


def whose(variable: Variable) -> str:
    """Return which keys messages of a variable have: "" for none, `EACH` for any, or the one."""
    return EACH if variable.keyed or variable.map else variable.instance


def meet(published: str, heard: str) -> bool:
    """Whether messages with such keys, as `whose` says, are heard by who hears such."""
    if published == heard:
        return True
    return bool(published and heard) and EACH in (published, heard)
