"""The tables of a store, and what is refused when one is opened.

One idea shapes them: **a transaction of one message dirties one page**. A commit appends whole
pages to the write-ahead log, so each further table that every message touched would cost another
page of flash wear. Hence what belongs to a batch (positions of boards, the released offset) rides
in columns of the batch's last row, and is folded into tables of its own only by a checkpoint;
hence the log has no index beside its offset. Rows are found by time with a search by halves, since
time rises with the offset; by topic with a scan of a range of offsets.

    meta          schema, identity, incarnation; while a mode is being copied, its number
    mode          the modes; released as of the last checkpoint; behind `trimmed` the log is whole
    start         which incarnation wrote which part of which mode's log
    name          number -> module, variable, instance
    producer      number -> who sent it
    program       compiled forms of accepted sources
    checkpoint    per mode the offsets that the state is complete for (complete = 1; 0: being
                  written, 2: being dropped), with the log's time there
    position      per mode how far each board was heard, good for offset `at` of the log
    log_N         the log of mode N
    state_N       the state of mode N: name, at, value; a value holds from offset `at` on, until a
                  newer one of the same name; NULL: forgotten. Its index `due` has what can be
                  the due time of a timer, 13 digits from 2001 to 2286
    past_N        values of older checkpoints of mode N that state_N has no more: one holds from
                  offset `at` on, until offset `until`
    gone          how many messages retention has taken out of each `BLOCK` offsets of a mode
    messages      a view of all logs for people
"""

import sqlite3

from myocan.hub.store.errors import StoreDamaged, StoreError, StoreTooNew, StoreTooOld

__all__ = [
    "APPLICATION_ID",
    "PAGE_SIZE",
    "VERSION",
    "begin_mode",
    "create",
    "create_mode",
    "drop_tables",
    "finish_mode",
    "is_empty",
    "refuse_others",
    "show_messages",
    "unfinished_mode",
    "version_of",
]

VERSION = 3
"""The number of this schema. Who changes the tables adds 1, and a step to `migrations.STEPS`."""
BLOCK = 1024
"""Block b of a log is offsets b * BLOCK + 1 to (b + 1) * BLOCK."""
PAGE_SIZE = 1024
"""A commit appends whole pages, so small ones spare the disk; they cost no speed (tools/bench)."""
APPLICATION_ID = 0x6D796F63
"""`myoc` in ASCII, where SQLite keeps whose file this is (https://sqlite.org/fileformat2.html)."""

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE mode (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
    released INTEGER NOT NULL DEFAULT 0, trimmed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE start (mode INTEGER NOT NULL, incarnation INTEGER NOT NULL,
    first INTEGER NOT NULL, note TEXT NOT NULL, PRIMARY KEY (mode, incarnation)) WITHOUT ROWID;
CREATE TABLE name (id INTEGER PRIMARY KEY, module TEXT NOT NULL, variable TEXT NOT NULL,
    instance TEXT NOT NULL, UNIQUE (module, instance, variable));
CREATE TABLE producer (id INTEGER PRIMARY KEY, producer TEXT NOT NULL UNIQUE);
CREATE TABLE program (key TEXT PRIMARY KEY, compiled TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE checkpoint (mode INTEGER NOT NULL, "offset" INTEGER NOT NULL,
    complete INTEGER NOT NULL, time INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (mode, "offset")) WITHOUT ROWID;
CREATE TABLE position (mode INTEGER NOT NULL, board TEXT NOT NULL, boot INTEGER NOT NULL,
    last INTEGER, seen INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (mode, board, boot)) WITHOUT ROWID;
CREATE TABLE gone (mode INTEGER NOT NULL, block INTEGER NOT NULL, messages INTEGER NOT NULL,
    PRIMARY KEY (mode, block)) WITHOUT ROWID;
"""

_MODE_TABLES = """
CREATE TABLE log_{n} ("offset" INTEGER PRIMARY KEY, time INTEGER NOT NULL, name INTEGER NOT NULL,
    value TEXT NOT NULL, producer INTEGER NOT NULL, cause INTEGER, rule INTEGER, ts INTEGER,
    changes TEXT, released INTEGER, positions TEXT);
CREATE TABLE state_{n} (name INTEGER NOT NULL, at INTEGER NOT NULL, value TEXT,
    PRIMARY KEY (name, at)) WITHOUT ROWID;
CREATE INDEX state_{n}_forgotten ON state_{n} (at) WHERE value IS NULL;
CREATE INDEX state_{n}_due ON state_{n} (value) WHERE value GLOB
    '[1-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]';
CREATE TABLE past_{n} (until INTEGER NOT NULL, name INTEGER NOT NULL, at INTEGER NOT NULL,
    value TEXT NOT NULL, PRIMARY KEY (until, name)) WITHOUT ROWID;
"""

_VIEW_PART = """
SELECT l."offset", strftime('%Y-%m-%d %H:%M:%f', l.time / 1000.0, 'unixepoch') AS time,
    '{mode}' AS mode, n.module, n.instance, n.variable, l.value, p.producer, l.cause, l.rule, l.ts
FROM log_{n} AS l JOIN name AS n ON n.id = l.name JOIN producer AS p ON p.id = l.producer
"""


def _run(db: sqlite3.Connection, script: str) -> None:
    # Not executescript: that commits the transaction which this belongs to.
    for statement in script.split(";\n"):
        if statement.strip():
            db.execute(statement)


def is_empty(db: sqlite3.Connection) -> bool:
    """Whether nothing was ever made in this file."""
    return db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None


def create(db: sqlite3.Connection, identity: str) -> None:
    """Make the tables, inside the caller's transaction."""
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    _run(db, _TABLES)
    db.executemany(
        "INSERT INTO meta VALUES (?, ?)",
        [("schema", VERSION), ("identity", identity), ("incarnation", 0)],
    )


def create_mode(db: sqlite3.Connection, name: str) -> int:
    """Make the tables of a new mode and list it, inside the caller's transaction.

    Returns the mode's number.
    """
    number = begin_mode(db)
    finish_mode(db, number, name)
    return number


def begin_mode(db: sqlite3.Connection) -> int:
    """Make the tables of a mode that is not there before `finish_mode`; return its number.

    Raises StoreError while another is being made.
    """
    if unfinished_mode(db) is not None:
        raise StoreError("a mode is being copied; wait until it is there")
    (number,) = db.execute("SELECT ifnull(max(id), 0) + 1 FROM mode").fetchone()
    _run(db, _MODE_TABLES.format(n=number))
    db.execute("INSERT INTO meta VALUES ('copying', ?)", (number,))
    return int(number)


def finish_mode(db: sqlite3.Connection, number: int, name: str) -> None:
    """Let a mode be there from the caller's transaction on."""
    db.execute("INSERT INTO mode (id, name) VALUES (?, ?)", (number, name))
    db.execute("DELETE FROM meta WHERE key = 'copying'")
    show_messages(db)


def unfinished_mode(db: sqlite3.Connection) -> int | None:
    """Return the number of a mode between `begin_mode` and `finish_mode`, None if there is none."""
    found = db.execute("SELECT value FROM meta WHERE key = 'copying'").fetchone()
    return None if found is None else int(found[0])


def show_messages(db: sqlite3.Connection) -> None:
    """Make the view of all modes' logs anew, inside the caller's transaction."""
    db.execute("DROP VIEW IF EXISTS messages")
    parts = [
        _VIEW_PART.format(n=n, mode=mode.replace("'", "''"))
        for n, mode in db.execute("SELECT id, name FROM mode ORDER BY id")
    ]
    db.execute("CREATE VIEW messages AS " + " UNION ALL ".join(parts))


def drop_tables(db: sqlite3.Connection, number: int) -> None:
    """Remove the tables of a mode that the view does not show."""
    db.execute(f"DROP TABLE log_{number}")
    db.execute(f"DROP TABLE state_{number}")
    db.execute(f"DROP TABLE past_{number}")


def version_of(db: sqlite3.Connection, path: object) -> int:
    """The number of the store's schema, from 1 to `VERSION`.

    Raises StoreError for another program's database, StoreTooNew for a later version's,
    StoreDamaged for one of ours that does not say which it is.
    """
    if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise StoreError(
            f"{path}: a database, but not a store of myocan; give another file with --store"
        )
    try:
        (version,) = db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    except (sqlite3.OperationalError, TypeError, UnicodeDecodeError) as error:
        raise StoreDamaged(
            f"{path}: a store of myocan without its tables ({error}); restore a backup"
        ) from error
    if not isinstance(version, int) or version < 1:
        raise StoreDamaged(
            f"{path}: a store of myocan whose schema has no number ({version!r}); restore a backup"
        )
    if version > VERSION:
        raise StoreTooNew(
            f"{path}: written by a later myocan (schema {version}, this one knows {VERSION});"
            " install that version again, or give another store with --store"
        )
    return version


def refuse_others(db: sqlite3.Connection, path: object) -> None:
    """Raise what `version_of` does, and StoreTooOld for an earlier version's: for those who only
    read, and so cannot bring it up to date."""
    version = version_of(db, path)
    if version < VERSION:
        raise StoreTooOld(
            f"{path}: written by an earlier myocan (schema {version}, this one knows {VERSION});"
            " start the hub once (myocan run), which brings it up to date"
        )
