"""How a hub fares, in figures: for whoever looks on, from any thread."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Figures"]


class Figures(NamedTuple):
    """A hub at one moment.

    incarnation: which one it is. connected: whether the broker has taken it. messages: how many the
    log of each mode has had. unsynced: transactions that are not on the disk yet. store_bytes: the
    store's files. boards: those heard of, and whether each says that it is online. lost: how many
    messages each says that it had to throw away since it started.
    """

    incarnation: int
    connected: bool
    messages: dict[str, int]
    unsynced: int
    store_bytes: int
    boards: dict[str, bool]
    lost: dict[str, int]
