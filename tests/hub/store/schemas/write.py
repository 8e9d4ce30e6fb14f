"""Writes the store that `test_migrations.py` keeps of each schema: `python write.py`.

Run it once when a schema is new; what it wrote of earlier ones stays as it is for good.
"""

import sqlite3
import tempfile
from pathlib import Path

from myocan.hub.store import Store, schema

FOLDER = Path(__file__).parent


def fill(store: Store) -> None:
    """Put some of everything into an empty store; the same with every version that there was."""
    press, state, gone = (store.name_id(*name) for name in (
        ("button1", "press"), ("lamp1", "state"), ("lamp1", "level", "kitchen"),
    ))  # fmt: skip
    porch, lamp = store.producer_id("porch"), store.producer_id("lamp1")
    store.keep_program("key", "compiled")
    store.begin_incarnation(note="an earlier version")
    store.append("live", [
        (1, 1_000, press, "null", porch, None, None, 999, f'[{state},"on",{gone},21.50]'),
        (2, 1_000, state, '"on"', lamp, 1, 7, None, None),
    ], [("porch", 5, 1, 1_000)])  # fmt: skip
    store.checkpoint("live", 2, {state: '"on"', gone: "21.50"})
    store.append("live", [
        (3, 2_000, press, "null", porch, None, None, None, f'[{state},"off",-{gone},null]'),
        (4, 2_000, state, '"off"', lamp, 3, 8, None, None),
    ], [("porch", 5, 2, 2_000)], released=4)  # fmt: skip
    store.append("test", [(1, 3_000, state, '"dim"', lamp, None, None, None, f'[{state},"dim"]')])


def dump(path: Path) -> str:
    """The store at `path`, which is closed, as SQL."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        lines = [f"PRAGMA application_id = {schema.APPLICATION_ID};", *db.iterdump()]
    finally:
        db.close()
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite"
        with Store.open(path, draw=bytes) as store:
            fill(store)
        (FOLDER / f"{schema.VERSION}.sql").write_text(dump(path))
