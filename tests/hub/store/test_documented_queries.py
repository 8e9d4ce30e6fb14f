"""The queries of docs/store.md work, and the page names every table that there is."""

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

from myocan.hub.store import LogRow, Store

Message = Callable[..., LogRow]
PAGE = (Path(__file__).resolve().parents[3] / "docs" / "store.md").read_text()
QUERIES = re.findall(r"^```sql\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SHELL = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_queries_that_are_shown_answer(kept: Store, message: Message) -> None:
    press = kept.name_id("button1", "press")
    name = kept.name_id("lamp1", "state")
    producer = kept.producer_id("porch")
    kept.append("live", [
        (1, 1_795_302_249_123, press, "null", producer, None, None, None, f'[{name},"on"]'),
        (2, 1_795_302_249_123, name, '"on"', producer, 1, 7, None, None),
    ])  # fmt: skip
    kept.checkpoint("live", 2, {name: '"on"'})
    kept.append("test", [message(kept, 1)])
    assert kept.path is not None
    reader = sqlite3.connect(f"file:{kept.path}?mode=ro", uri=True)
    try:
        newest, presses, consequences, state = [
            reader.execute(query).fetchall() for query in QUERIES
        ]
    finally:
        reader.close()
    assert newest[0] == (2, "2026-11-21 23:04:09.123", "lamp1", "state", '"on"', "porch")
    assert len(newest) == 3
    assert presses == [("2026-11-21", 1)]
    assert consequences == [(2, "lamp1", "state", '"on"', 7)]
    assert state == [("lamp1", "", "state", '"on"', 2)]


def test_a_copy_made_as_shown_is_whole_while_the_hub_goes_on(
    kept: Store, message: Message, place: Path
) -> None:
    kept.append("live", [message(kept, 1, changes="[1,1]")])
    copy = place.with_name("backup.sqlite")
    (statement,) = re.findall(r'"(VACUUM INTO .*)"', "".join(SHELL))
    tool = sqlite3.connect(place)
    try:
        tool.execute(statement.replace("backup.sqlite", str(copy)))
    finally:
        tool.close()
    kept.append("live", [message(kept, 2)])
    with Store.open(copy) as store:
        assert store.identity == kept.identity
        assert store.recover("live").state == {1: "1"}
    assert kept.next_offset("live") == 3


def test_every_table_is_explained(kept: Store) -> None:
    rows = kept._live().db.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
    missing = [name for (name,) in rows if f"`{name}`" not in PAGE]
    assert missing == []
