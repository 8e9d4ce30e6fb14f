"""What somebody probably meant: the end of most error messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str], everything: str = "") -> str:
    """Return "; did you mean 'pull'?", or what there is, or nothing.

    everything: how to introduce the list of all of `known` when none is near, e.g. "known are"; ""
        leaves the list out.
    """
    words = list(known)
    folded = {each.lower(): each for each in words}
    if near := difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.6):
        return f"; did you mean '{folded[near[0]]}'?"
    return f"; {everything} {', '.join(words)}" if everything and words else ""
