"""What changed in a mode from one message of its log to another.

The one idea: a state as of any message is the one of the nearest checkpoint before, with the
changes from there on applied. Nothing is executed, and what changed nothing is not looked at.
"""

import sqlite3

import msgspec

from myocan.hub.store.errors import StoreDamaged
from myocan.hub.store.rows import apply

__all__ = ["changes_between"]

PIECE = 10_000
"""Rows of the log that are in memory at once."""


def changes_between(
    db: sqlite3.Connection, mode: int, after: int, up_to: int, where: str
) -> dict[int, str | None]:
    """What the messages behind `after`, up to message `up_to`, have changed in the end: number of
    a name -> JSON text, None where it is forgotten.

    Call it inside a read transaction if somebody may be writing. Raises StoreDamaged, which names
    the place as `where`, if changes in the log cannot be read.
    """
    latest: dict[int, msgspec.Raw | None] = {}
    query = f'SELECT "offset", changes FROM log_{mode} WHERE "offset" > ? AND "offset" <= ?'
    rows = db.execute(query + ' AND changes IS NOT NULL ORDER BY "offset"', (after, up_to))
    while piece := rows.fetchmany(PIECE):
        for at, changes in piece:
            try:
                apply(changes, latest)
            except (ValueError, TypeError) as error:
                raise StoreDamaged(
                    f"{where}: the changes of message {at} cannot be read ({error}); restore a"
                    " backup of the store"
                ) from error
    return {name: None if value is None else str(value, "utf-8") for name, value in latest.items()}
