"""Says why a name is that of no variable, and which was probably meant.

The one idea: most names that are not found are names of something, but with a key too many, without
one, or with the wrong one; only what is left is a slip of the pen.
"""

from __future__ import annotations

from myocan.hub.lang import tree
from myocan.hub.lang.declare import Declarer
from myocan.hub.lang.diagnostics import Report, clip, nearest, quoted
from myocan.hub.lang.keys import full_name, is_own
from myocan.hub.lang.symbols import Symbol
from myocan.hub.lang.words import fold


def misnamed(name: tree.Name, declared: Declarer, report: Report) -> None:
    """Report a name that `declared` does not hold."""
    keys = [part.key for part in name.parts if part.key is not None]
    if len(keys) > 1:
        report.error(keys[1].span, "a name has one key in brackets; leave this one out")
        return
    key = keys[0] if keys else None
    for length in range(len(name.words), 0, -1):
        words = name.words[:length]
        symbol = declared.by_name.get(fold(".".join(words)))
        if symbol is not None:
            _key_is_wrong(name, key, symbol, declared, report)
            return
        full = full_name(words, key.text) if key is not None else ".".join(words)
        renamed = declared.renamed.get(fold(full))
        if renamed is not None:
            said = ".".join((renamed.name, *name.words[length:]))
            report.error(name.span, f"{quoted(name.text)} has a local name", said)
            return
    if key is None and declared.key and fold(name.text) == fold(declared.key):
        report.error(
            name.span,
            f"{quoted(name.text)} is the key of each instance; it never changes, and does not "
            "arrive",
        )
        return
    report.error(name.span, f"{quoted(name.text)} is not declared", _nearest(name, declared))


def _key_is_wrong(
    name: tree.Name, key: tree.Key | None, symbol: Symbol, declared: Declarer, report: Report
) -> None:
    variable, shown = symbol.variable, clip(symbol.name)
    if variable is None:
        return  # its declaration is wrong, which was told
    if key is None:
        example = f'{shown}["hall"]'
        report.error(
            name.span, f"{quoted(symbol.name)} has a value for each key; say which, as in {example}"
        )
    elif variable.keyed:
        report.error(
            key.span,
            f"each instance knows its own {quoted(symbol.name)} only, which is "
            f"{shown}[{clip(declared.key)}]; that of another is heard with SUBSCRIBE and AS",
            None if is_own(key, declared.key) else declared.key,
        )
    elif is_own(key, declared.key):
        report.error(
            name.span,
            f"{quoted(symbol.name)} is one for all of {clip(declared.module)}; leave "
            f"[{clip(key.text)}] out, or declare it as {shown}[{clip(key.text)}]",
        )
    else:
        report.error(
            name.span,
            f"{quoted(symbol.name)} was declared without a key; leave [{clip(key.text)}] out",
        )


def _nearest(name: tree.Name, declared: Declarer) -> str | None:
    words = name.words
    known = [symbol.name for symbol in declared.by_name.values() if not symbol.attribute]
    for symbol in declared.by_name.values():
        key = symbol.variable.instance if symbol.variable is not None else ""
        if key and fold(symbol.name) == fold(full_name(words, key)):
            return symbol.name
    near = nearest(name.text, known)
    if near is None and len(words) > 1:
        near = nearest(".".join(words[:-1]), known)
        near = None if near is None else f"{near}.{words[-1]}"
    return near
