"""Whether the books of a chaos run balance: what boards sent, what the log and the house say.

The one idea: two who know nothing of each other count the same presses, the finger at the boards'
pins and the modules in the hub. Between them may lie only what a board itself said was lost, and
what died in a board's memory with its power.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from myocan.tools.chaos.house import SAID

if TYPE_CHECKING:
    from myocan.hub.core import Program

__all__ = ["Books", "Ledger", "balance", "logged_presses"]


@dataclass(slots=True)
class Ledger:
    """What the finger knows of a board.

    name: the board's. number: of its button. pressed: how often. lost: how many messages it says
    that it threw away since it has had power. died: how many presses at most went with its power.
    lamp: the level of its lamp at the end.
    """

    name: str
    number: int
    pressed: int = 0
    lost: int = 0
    died: int = 0
    lamp: int | None = None


@dataclass(slots=True)
class Books:
    """What came of a comparison.

    logged: how many presses the log has. lost: how many the boards said they lost. died: how many
    at most went with a board's power. messages: how many the log has; replayed: how many of these
    were computed again. faults: what does not balance, in words.
    """

    logged: int = 0
    lost: int = 0
    died: int = 0
    messages: int = 0
    replayed: int = 0
    faults: list[str] = field(default_factory=list)


def logged_presses(store: Path, ledger: Ledger) -> int:
    """Return how many presses of a board the log has at this moment."""
    from myocan.hub.store import Reader

    with Reader(store) as reader:
        rows = reader.messages(module=f"button{ledger.number}", variable="press")
        return sum(row.producer == ledger.name for row in rows)


def balance(store: Path, ledgers: list[Ledger], retained: Mapping[str, str]) -> Books:
    """Compare, after the hub has ended in good order.

    Arguments:
        store: the log.
        ledgers: what the finger knows.
        retained: what the broker kept of the house, "module.variable" -> JSON text.
    """
    from myocan.hub.store import Reader

    books = Books()
    _check_file(store, books)
    with Reader(store) as reader:
        state = {f"{name[0]}.{name[1]}": text for name, text in reader.state().items()}
        offsets = [row.offset for row in reader.messages()]
    books.messages = len(offsets)
    if offsets != list(range(1, len(offsets) + 1)):
        books.faults.append("the offsets of the log have a gap")
    for ledger in ledgers:
        _balance_board(store, ledger, state, books)
    _check(books, state, "all.total", str(books.logged))
    _check(books, state, "all.lamp", '"on"' if books.logged % 2 else '"off"')
    for module in ("all", *(f"counter{ledger.number}" for ledger in ledgers)):
        for variable in SAID:
            topic = f"{module}.{variable}"
            if retained.get(topic) != state.get(topic):
                books.faults.append(
                    f"the broker has {retained.get(topic)} of {topic}, the log {state.get(topic)}"
                )
    _replay(store, books)
    return books


def _balance_board(store: Path, ledger: Ledger, state: Mapping[str, str], books: Books) -> None:
    logged = logged_presses(store, ledger)
    books.logged += logged
    books.lost += ledger.lost
    books.died += ledger.died
    if logged > ledger.pressed:
        books.faults.append(
            f"{ledger.name}: {ledger.pressed} presses, but the log has {logged}: some count twice"
        )
    missing = ledger.pressed - ledger.lost - ledger.died - logged
    if missing > 0:
        books.faults.append(
            f"{ledger.name}: of {ledger.pressed} presses the log has {logged}; {ledger.lost} were "
            f"told as lost, {ledger.died} at most died with the board, so {missing} are missing"
        )
    topic = f"counter{ledger.number}"
    lit = logged % 2
    _check(books, state, f"{topic}.total", str(logged))
    _check(books, state, f"{topic}.lamp", '"on"' if lit else '"off"')
    if ledger.lamp != lit:
        books.faults.append(f"{ledger.name}: the lamp's pin is {ledger.lamp}, not {lit}")


def _check(books: Books, state: Mapping[str, str], topic: str, wanted: str) -> None:
    # What was never changed is not in the log; it is as the module declares it.
    found = state.get(topic, "0" if topic.endswith("total") else '"off"')
    if found != wanted:
        books.faults.append(f"{topic} is {found}, and should be {wanted}")


def _check_file(store: Path, books: Books) -> None:
    with closing(sqlite3.connect(f"{store.resolve().as_uri()}?mode=ro", uri=True)) as db:
        (found,) = db.execute("PRAGMA integrity_check").fetchone()
    if found != "ok":
        books.faults.append(f"the store is damaged: {found}")


def _replay(store: Path, books: Books) -> None:
    from myocan.hub.history import replay
    from myocan.hub.store import Reader

    with Reader(store) as reader:
        replayed = replay(reader.entries(), _program)
    books.replayed = replayed.rows
    for difference in replayed.differences[:5]:
        books.faults.append(
            f"replay: {difference.what} at offset {difference.offset} is {difference.logged} in "
            f"the log, and computed again {difference.computed}"
        )


@cache
def _program(module: str, source: str) -> Program | None:
    from myocan.hub.lang import compile_module

    return compile_module(source, module).program
