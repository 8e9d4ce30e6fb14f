"""Numbers of names stay the same, however few of them fit into memory."""

import sqlite3

from hypothesis import given, settings
from hypothesis import strategies as st

from myocan.hub.store.names import Names

STEPS = st.lists(st.one_of(st.integers(0, 30), st.sampled_from(["write", "undo", "open"])))


@settings(max_examples=100, deadline=None)
@given(STEPS, st.integers(1, 40))
def test_a_name_keeps_its_number_whatever_is_forgotten_undone_and_reopened(
    steps: list[int | str], cached: int
) -> None:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute("CREATE TABLE name (id INTEGER PRIMARY KEY, a TEXT, b TEXT, UNIQUE (b, a))")

    def fresh() -> Names[tuple[str, str]]:
        return Names(db, "name", ("a", "b"), cached=cached)

    names = fresh()
    written: dict[tuple[str, str], int] = {}
    pending: dict[tuple[str, str], int] = {}
    for step in steps:
        if isinstance(step, int):
            key = (f"a{step}", "b")
            number = names.number(key)
            known = {**written, **pending}
            if key in known:
                assert number == known[key]
            else:
                assert number not in known.values()
                pending[key] = number
            assert names[number] == key
        elif step == "open":
            names = fresh()
            pending = {}
        else:
            db.execute("BEGIN")
            names.write()
            db.execute("COMMIT" if step == "write" else "ROLLBACK")
            if step == "write":
                names.written()
                written |= pending
                pending = {}
    everything = {number: key for key, number in {**written, **pending}.items()}
    assert dict(names) == everything
    assert len(names) == len(everything)
    assert 0 not in names
    db.close()
