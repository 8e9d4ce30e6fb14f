"""What the clerk writes down of keyed modules: the log alone brings back all that the core knew.

Random messages, in random batches, to modules with instances, maps, timers and attributes; what a
start reads from the store is then what the core held, and what would be said to a broker that
forgot everything is what the rows said last.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import given, settings
from hypothesis import strategies as st

from myocan.hub.agent.batch import Batch, OwnMessage
from myocan.hub.agent.clerk import Clerk
from myocan.hub.agent.outlet import Outlet
from myocan.hub.core import Core
from myocan.hub.lang import compile_module
from myocan.hub.store import Store
from myocan.wire import decode_data, parse_topic

LAMP = """MODULE lamp[place] AUTO
SUBSCRIBE event[place] {toggle, slow}
SUBSCRIBE away "none"
SUBSCRIBE all {off, on} AS all
PUBLIC state[place] {off, on}
PUBLIC total 0
PUBLIC room.brightness[place] {0-9} AS brightness
PRIVATE presses[place] 0
PRIVATE at[place] 0
TIMER off[place] 5 minutes
EXTERNAL notify
ON all
  THEN total++
ON away
  THEN drop(away)
  THEN notify("gone", away)
ON event.toggle
  THEN next(state[place])
  THEN presses[place]++
  THEN at[place] = event[place]#offset
  THEN brightness[place] = brightness[place] + 3
  THEN start(off[place])
ON event.slow
  THEN drop(place)
ON off[place]
  THEN state[place].off
WHEN all.off
  THEN state[place].off
"""
BOARD = """MODULE board
SUBSCRIBE which "x"
PUBLIC lit[place] {no, yes}
PRIVATE count 0
ON which
  THEN lit[which].yes
  THEN count++
"""


def programs():
    found = [compile_module(LAMP.replace("{0-9}", "0"), "lamp"), compile_module(BOARD, "board")]
    assert all(one.program is not None for one in found), [one.diagnostics for one in found]
    return [one.program for one in found]


PROGRAMS = programs()
KEYS = st.sampled_from(["hall", "attic", "küche", "a/b", "x" * 64])
MESSAGES = st.one_of(
    st.tuples(st.just(("lamp", "event")), st.sampled_from(["toggle", "slow", "wrong"]), KEYS),
    st.tuples(st.just(("lamp", "away")), KEYS, st.just("")),
    st.tuples(st.just(("lamp", "all")), st.sampled_from(["off", "on"]), st.just("")),
    st.tuples(st.just(("lamp", "off")), st.none(), KEYS),
    st.tuples(st.just(("lamp", "$instances")), st.sampled_from([True, None]), KEYS),
    st.tuples(st.just(("board", "which")), KEYS, st.just("")),
)


class Hub:
    """A core, a clerk and a store; and a broker that keeps what is retained."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.core = Core()
        self.core.link(PROGRAMS)
        self.outlet = Outlet("live", "home")
        self.outlet.know(self.core.programs)
        self.clerk = Clerk(self.core, store, self.outlet, set())
        self.offset = store.next_offset("live")
        self.retained: dict[str, bytes] = {}
        self.now_ms = 0

    def process(self, messages) -> None:
        batch = Batch()
        for (module, variable), value, key in messages:
            text = json.dumps(value, ensure_ascii=False)
            batch.add_own(self.core, OwnMessage(("", module, variable), text, "test", key))
        instances = [batch.keys.get(place, -1) for place in range(len(batch.topics))]
        array = type(batch.topics)
        self.now_ms += 200_000
        self.core.run(
            *(batch.topics, batch.tags, batch.values, self.now_ms, array("q", instances)),
            self.offset,
        )
        written = self.clerk.write(self.offset, self.now_ms, batch.origins, 1)
        self.store.append("live", written.rows)
        self.offset += len(written.rows)
        for topic, payload, _qos, retain, _token in written.frames:
            if retain and payload:
                self.retained[topic] = payload
            elif retain:
                self.retained.pop(topic, None)

    def restart(self) -> Hub:
        """Return what a start makes of the store."""
        names = self.store.names()
        state = self.store.recover("live").state
        new = Hub(self.store)
        known = {names[number]: value for number, value in state.items()}
        for name in sorted(known, key=lambda name: name[1] != "$instances"):
            assert new.clerk.restore(name, known[name]) or name[0] == "$external"
        for name, value in known.items():
            topic = new.clerk.glossary.topic_of(name)
            if topic is not None:
                new.outlet.remember(topic, value, self.offset - 1, name[0])
        return new


def said(frames: dict[str, bytes]) -> dict[tuple[str | None, ...], object]:
    return {parse_topic(topic): decode_data(payload)[0] for topic, payload in frames.items()}


@contextmanager
def a_hub() -> Iterator[Hub]:
    with Store.memory() as store:
        store.begin_incarnation()
        yield Hub(store)


@given(batches=st.lists(st.lists(MESSAGES, max_size=6), max_size=12))
@settings(deadline=None, max_examples=150)
def test_the_log_brings_back_all_that_the_core_knew(batches) -> None:
    with a_hub() as hub:
        for messages in batches:
            hub.process(messages)
        again = hub.restart()
        assert again.core.snapshot() == hub.core.snapshot()
        assert again.core.instances("lamp") == hub.core.instances("lamp")
        values = {topic: payload for topic, payload, *_ in hub.outlet.values(1) if payload}
        assert said(values) == said(hub.retained)
        remembered = {topic: payload for topic, payload, *_ in again.outlet.values(1) if payload}
        assert said(remembered) == said(hub.retained)


@given(messages=st.lists(MESSAGES, max_size=20), cut=st.integers(0, 20))
@settings(deadline=None, max_examples=50)
def test_a_broker_that_missed_the_end_is_told_all_of_it(messages, cut) -> None:
    with a_hub() as hub:
        for message in messages[:cut]:
            hub.process([message])
        heard, after = dict(hub.retained), hub.offset - 1
        for message in messages[cut:]:
            hub.process([message])
        again = hub.restart()
        missed, _, _ = again.clerk.unconfirmed("live", after, since_ms=hub.now_ms + 1)  # all is old
        for topic, payload, _qos, retain, _token in [*missed, *again.outlet.values(2)]:
            if retain and payload:
                heard[topic] = payload
            elif retain:
                heard.pop(topic, None)
        assert said(heard) == said(hub.retained)
