"""A hub whose store was copied, exported, imported or replaced: what boards and the broker see."""

from __future__ import annotations

import io
import shutil
import sqlite3
from pathlib import Path

from myocan.hub.store import export_store, import_store
from support.board import Board

LAMP_STATE = "mc1/live/home/lamp1/state"


def press(board: Board, times: int) -> None:
    """Press the button, and wait until the hub has it on disk."""
    for _ in range(times):
        board.send("button1/press")
    board.await_acknowledged()


def move(house: Path) -> None:
    """Export the house's store, lose it, and import it again."""
    path = house / ".myocan" / "store.sqlite"
    lines = io.BytesIO()
    export_store(path, lines.write, "1.0")
    shutil.rmtree(path.parent)
    lines.seek(0)
    import_store(lines, path)


def test_a_hub_goes_on_with_an_imported_store_and_loses_and_doubles_nothing(
    broker, hub, house, log, state
) -> None:
    with Board(broker.url, "home", "porch", hears=[LAMP_STATE]) as board:
        with hub():
            press(board, 3)
        for _ in range(4):
            board.send("button1/press")  # nobody is there; the board keeps them
        move(house)
        with hub():
            press(board, 2)
            board.await_that(lambda: len(board.stores) == 2, "the other store's identity")
            board.await_that(lambda: board.values("lamp1.state")[-1:] == ["on"], "the lamp")
    assert state("lamp1", "count") == "9"
    assert len(log("button1.press")) == 9
    assert log("$log.alert") == []
    assert log("$log.lost") == []
    marks = [(incarnation, offset) for *_, incarnation, offset in board.heard]
    assert {incarnation for incarnation, _ in marks} == {1, 2}
    assert marks == sorted(marks)


def test_an_older_export_is_noticed_by_what_boards_were_told(broker, hub, house, log) -> None:
    path = house / ".myocan" / "store.sqlite"
    lines = io.BytesIO()
    with Board(broker.url, "home", "porch", hears=[LAMP_STATE]) as board:
        with hub():
            press(board, 2)
            export_store(path, lines.write, "1.0")
            press(board, 3)
        shutil.rmtree(path.parent)
        lines.seek(0)
        import_store(lines, path)
        with hub():
            press(board, 1)
    told = [message.value for message in log("$log.alert")]
    assert any("porch has had 3 messages acknowledged" in text for text in told)
    assert len(log("button1.press")) == 3


def test_a_copy_made_in_the_last_life_is_noticed_by_what_the_broker_heard(
    broker, hub, house, log, tmp_path
) -> None:
    path = house / ".myocan" / "store.sqlite"
    copy = tmp_path / "backup.sqlite"
    with hub(), Board(broker.url, "home", "porch") as board:
        press(board, 1)
        tool = sqlite3.connect(path)
        tool.execute(f"VACUUM INTO '{copy}'")
        tool.close()
        press(board, 5)
    shutil.rmtree(path.parent)
    path.parent.mkdir()
    shutil.copyfile(copy, path)
    with hub():
        pass
    (told,) = (message.value for message in log("$log.alert"))
    assert "the broker has heard of message" in told
    assert "restored from an older copy" in told
    with hub():
        pass
    assert len(log("$log.alert")) == 1
