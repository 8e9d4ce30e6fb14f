"""What somebody probably meant: the end of most error messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the one of `known` that `word` is probably a slip of, or None."""
    folded = {each.lower(): each for each in known}
    near = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    return folded[near[0]] if near else None


def did_you_mean(word: str, known: Iterable[str], everything: str = "") -> str:
    """Return "; did you mean 'pull'?", or what there is, or nothing.

    everything: how to introduce the list of all of `known` when none is near, e.g. "known are"; ""
        leaves the list out.
    """
    words = list(known)
    if meant := nearest(word, words):
        return f"; did you mean '{meant}'?"
    return f"; {everything} {', '.join(words)}" if everything and words else ""
