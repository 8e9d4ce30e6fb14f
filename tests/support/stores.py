"""Random stores, made step by step, for tests that only look at what came of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from myocan.hub.retention import FOREVER, Keep
from myocan.hub.store import Reader, Store

DAY_MS = 86_400_000
STEP_MS = 2 * DAY_MS
"""From one message to the next, so that some are old, and several checkpoints are kept."""
MODES = st.sampled_from(["live", "live", "live", "test"])
TOPICS = st.tuples(
    st.sampled_from(["lamp1", "ümlaut", "$log"]),
    st.sampled_from(["state", "level"]),
    st.sampled_from(["", "kitchen", 'a "b"\n/%', "\x00"]),
)
VALUES = st.sampled_from(
    ['"on"', "21.50", "-3", "null", "true", '"ü\\n\\u0000"', "1e5", '["x",12]']
)
PRODUCERS = st.sampled_from(["porch", "hall", "clock"])
NUMBERS = st.none() | st.integers(0, 2**53)
MESSAGES = st.tuples(
    TOPICS,
    VALUES,
    PRODUCERS,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.dictionaries(TOPICS, st.none() | VALUES, max_size=4),
)
POSITIONS = st.dictionaries(
    st.tuples(st.sampled_from(["porch", "hall"]), st.integers(1, 3)), st.none() | st.integers(0, 9)
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), MODES, st.lists(MESSAGES, max_size=5), POSITIONS, NUMBERS),
        st.tuples(st.just("checkpoint"), MODES),
        st.tuples(st.just("start"), st.integers(0, 9)),
        st.tuples(st.just("program"), st.sampled_from("abc")),
        st.tuples(st.just("trim"), st.integers(0, 90)),
        st.tuples(st.just("reopen")),
    ),
    max_size=20,
)
"""What `make` does."""


def make(path: Path, steps: Sequence[tuple[Any, ...]]) -> Path:
    """Make a store by these steps, and close it."""
    store = Store.open(path)
    changed: dict[str, dict[int, str | None]] = {}
    for kind, *args in steps:
        if kind == "append":
            _append(store, changed, *args)
        elif kind == "checkpoint":
            offset = store.next_offset(args[0]) - 1
            store.checkpoint(args[0], offset, changed.pop(args[0], {}))
        elif kind == "start":
            store.begin_incarnation(args[0], f"myocan {args[0]}")
        elif kind == "trim":
            _trim(store, *args)
        elif kind == "program":
            store.keep_program(args[0], f"compiled {args[0]}")
        else:
            store.close()
            store = Store.open(path)
            changed.clear()
    store.append("live", [])
    store.close()
    return path


def _trim(store: Store, days: int) -> None:
    """Take out what is older than so many days; what is on level is kept for good."""
    keeps = {"state": Keep("days", age_ms=days * DAY_MS), "level": FOREVER}
    for mode in store.modes():
        trimmer = store.trimmer(mode, lambda _module, variable: keeps[variable])
        trimmer.begin(store.next_offset(mode) * STEP_MS)
        while trimmer.step():
            pass


def _append(
    store: Store,
    changed: dict[str, dict[int, str | None]],
    mode: str,
    messages: Sequence[Any],
    positions: Mapping[tuple[str, int], int | None],
    released: int | None,
) -> None:
    first = store.next_offset(mode)
    rows = []
    for offset, message in enumerate(messages, first):
        topic, value, producer, cause, rule, ts, changes = message
        texts = []
        for name, new in changes.items():
            number = store.name_id(*name)
            texts.append(f"-{number},null" if new is None else f"{number},{new}")
            changed.setdefault(mode, {})[number] = new
        text = "[" + ",".join(texts) + "]" if texts else None
        rows.append(
            (offset, STEP_MS * offset, store.name_id(*topic), value, store.producer_id(producer),
             cause, rule, ts, text)
        )  # fmt: skip
    heard = [(board, boot, last, 5) for (board, boot), last in positions.items()]
    store.append(mode, rows, heard, released)


def said(path: Path) -> dict[str, object]:
    """All that a store says, names instead of numbers; its identity and its file apart."""
    with Store.open(path) as store:
        inside: dict[str, object] = {
            "incarnation": store.incarnation,
            "starts": {
                mode: [
                    store.incarnation_of(mode, offset)
                    for offset in range(1, store.next_offset(mode) + 1)
                ]
                for mode in store.modes()
            },
            "programs": {key: store.program(key) for key in "abc"},
        }
        names = store.names()
        for mode in store.modes():
            recovered = store.recover(mode)
            inside[mode] = {
                "offset": recovered.offset,
                "state": {names[name]: value for name, value in recovered.state.items()},
                "positions": sorted(recovered.positions),
                "released": recovered.released,
            }
    with Reader(path) as reader:
        for mode in reader.modes():
            inside[f"log of {mode}"] = list(reader.entries(mode))
            inside[f"state of {mode}"] = reader.state(mode)
    return inside
