"""Brings a store that an earlier version wrote up to date, when the hub opens it.

The one idea: **a step is history, never edited**. Step N makes schema N + 1 of schema N with SQL of
its own; it calls nothing that makes the tables of today, since those go on changing and the step
must not. All steps that a store lacks run in one transaction, synced, so that a crash leaves it as
it was, for the earlier version too, or up to date. Who changes `schema.py` adds 1 to its `VERSION`
and a step to the end of `STEPS`, and `tests/hub/store/schemas/` a store of the schema before.

A step gets the connection inside the transaction, and must not commit. The tables of modes come
several times; `modes` tells their numbers. The view `messages` is made anew behind the last step.
"""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from typing import NamedTuple

from myocan.hub.store import schema
from myocan.hub.store.writer import Faults

__all__ = ["STEPS", "Step", "migrate", "modes"]

_log = logging.getLogger(__name__)


class Step(NamedTuple):
    """What makes one schema of the one before it; `what` tells people, `run` does it."""

    what: str
    run: Callable[[sqlite3.Connection], None]


def modes(db: sqlite3.Connection) -> list[int]:
    """The numbers of the modes, for steps that change the tables of each."""
    return [number for (number,) in db.execute("SELECT id FROM mode ORDER BY id")]


def _keep_checkpoints(db: sqlite3.Connection) -> None:
    db.execute("ALTER TABLE mode ADD COLUMN trimmed INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE checkpoint ADD COLUMN time INTEGER NOT NULL DEFAULT 0")
    db.execute(
        "CREATE TABLE gone (mode INTEGER NOT NULL, block INTEGER NOT NULL,"
        " messages INTEGER NOT NULL, PRIMARY KEY (mode, block)) WITHOUT ROWID"
    )
    for number in modes(db):
        db.execute(
            f"CREATE TABLE past_{number} (until INTEGER NOT NULL, name INTEGER NOT NULL,"
            " at INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (until, name)) WITHOUT ROWID"
        )
        db.execute(
            f"UPDATE checkpoint SET time = ifnull((SELECT time FROM log_{number} AS l WHERE"
            ' l."offset" = checkpoint."offset"), 0) WHERE mode = ?',
            (number,),
        )


def _index_due_times(db: sqlite3.Connection) -> None:
    for number in modes(db):
        db.execute(
            f"CREATE INDEX state_{number}_due ON state_{number} (value) WHERE value GLOB"
            " '[1-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]'"
        )


STEPS: Sequence[Step] = (
    Step("older checkpoints and retention", _keep_checkpoints),
    Step("an index of due times", _index_due_times),
)
"""`STEPS[0]` leads from schema 1 to schema 2, and so on; as many as `schema.VERSION` - 1."""


def migrate(db: sqlite3.Connection, path: object, faults: Faults | None = None) -> None:
    """Run the steps that the store at `path` lacks, in one transaction that is on disk at the end.

    Does nothing if there are none. `faults`: see `writer.Faults`; the points are `migrate begun`,
    `filled` and `committed`. Raises sqlite3.Error, and then nothing has changed.
    """
    found = schema.version_of(db, path)
    if found == schema.VERSION:
        return
    lacking = STEPS[found - 1 :]
    _log.warning(
        "%s: an earlier myocan wrote this store (schema %d); bringing it to schema %d: %s",
        path,
        found,
        schema.VERSION,
        ", ".join(step.what for step in lacking),
    )
    db.execute("PRAGMA synchronous = FULL")
    db.execute("BEGIN IMMEDIATE")
    try:
        _reach(faults, "begun")
        for step in lacking:
            step.run(db)
        schema.show_messages(db)
        db.execute("UPDATE meta SET value = ? WHERE key = 'schema'", (schema.VERSION,))
        _reach(faults, "filled")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    _reach(faults, "committed")
    _log.warning("%s: is up to date; earlier versions of myocan cannot open it any more", path)


def _reach(faults: Faults | None, where: str) -> None:
    if faults is not None:
        faults(f"migrate {where}")
