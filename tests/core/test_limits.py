"""What bounds a batch: modules that feed each other, and numbers that the core never gave out."""

from __future__ import annotations

from array import array

import pytest

from core.assemble import batch, linked, rows_of, send, topic
from core.reference import Activate, Log, Module, On, Var
from myocan.hub.core import MAX_CONSEQUENCES, MAX_DEPTH, Core, Role, Type

EVENT = Type.EVENT


def passes_on(name: str, hears: str, *says: str) -> Module:
    """Return a module that answers each message on one topic with an event on others."""
    source = Var("source", Role.SUBSCRIBE, Type.ANY, topic(hears))
    targets = [Var(f"t{i}", Role.PUBLIC, EVENT, topic(said), line=9) for i, said in enumerate(says)]
    actions = tuple(Activate(target, 5) for target in targets)
    return Module(name, (source, *targets), (On(source, (), actions, 4),))


def records(core: Core) -> list[str]:
    return [text for name, text, *_ in rows_of(core) if name == ("", "$log", "failed")]


def test_two_modules_that_feed_each_other_are_cut_at_the_deepest_message() -> None:
    core = linked(passes_on("a", "x.x", "y.y"), passes_on("b", "y.y", "x.x"))
    came = send(core, ("x.x", None))
    assert len(came) == MAX_DEPTH + 1
    assert came[:2] == [("y.y", "null"), ("x.x", "null")]
    [text] = records(core)
    assert text.startswith('"x.x was not passed on: too many messages followed from one')
    name, _text, producer, cause, line = rows_of(core)[-1]
    assert (name[2], producer, cause, line) == ("failed", "b", MAX_DEPTH, 5)


def test_a_loop_is_cut_for_each_input_anew() -> None:
    core = linked(passes_on("a", "x.x", "x.x"))
    for _ in range(2):
        send(core, ("x.x", None), ("x.x", None))
        assert len(core.rows()) == 2 * (MAX_DEPTH + 2)
        assert len(records(core)) == 2


def test_a_chain_that_ends_in_time_is_not_cut() -> None:
    core = linked(*(passes_on(f"m{i}", f"x.t{i}", f"x.t{i + 1}") for i in range(MAX_DEPTH)))
    assert len(send(core, ("x.t0", None))) == MAX_DEPTH
    assert records(core) == []


@pytest.mark.parametrize(
    "modules", [1, 1000], ids=["that says two things", "of a thousand modules"]
)
def test_a_loop_that_branches_ends_quickly(modules: int) -> None:
    core = linked(*(passes_on(f"m{i}", "x.x", "x.x", "x.x") for i in range(modules)))
    rows = core.run(*batch(core, [(topic("x.x"), None)]))
    most = 1 + MAX_CONSEQUENCES + 2 * 2 * modules  # the first hearers are many without a loop, too
    assert rows > MAX_CONSEQUENCES
    assert rows - len(records(core)) <= most
    assert len(records(core)) <= most


def test_many_consequences_of_many_inputs_are_not_cut() -> None:
    core = linked(passes_on("a", "x.x", "y.y"), passes_on("b", "y.y", "z.z"))
    inputs = MAX_CONSEQUENCES
    assert core.run(*batch(core, [(topic("x.x"), None)] * inputs)) == 3 * inputs
    assert records(core) == []


@pytest.mark.parametrize("level", ["failed", "info"])
def test_a_module_that_hears_the_log_cannot_make_it_endless(level: str) -> None:
    source = Var("source", Role.SUBSCRIBE, Type.ANY, ("", "$log", level))
    says = Module("says", (source,), (On(source, (), (Log(0, ("again",), 3),), 3),))
    core = linked(says, passes_on("a", "x.x", "x.x"))
    assert len(send(core, ("x.x", None))) < 3 * MAX_DEPTH
    assert core.run(*batch(core, [(("", "$log", level), None)])) < 3 * MAX_DEPTH


OUT_OF_RANGE = {
    "a topic that is none": ([-1], [-1], [0]),
    "a topic beyond the last": ([1000], [-1], [0]),
    "a tag below": ([9], [-4], [0]),
    "a number of ten decimals": ([9], [10], [0]),
    "a text beyond the pool": ([9], [-3], [1000]),
    "a text below the pool": ([9], [-3], [-1]),
    "fewer tags": ([9, 9], [-1], [0, 0]),
    "fewer values": ([9, 9], [-1, -1], [0]),
}


@pytest.mark.parametrize("wrong", OUT_OF_RANGE)
def test_a_batch_with_numbers_that_mean_nothing_is_refused_whole(wrong: str) -> None:
    core = linked(passes_on("a", "x.x", "y.y"))
    first = core.topic(topic("x.x"))
    assert first == 9
    topics, tags, values = OUT_OF_RANGE[wrong]
    with pytest.raises(ValueError, match="message"):
        core.run(array("q", [first, *topics]), array("q", [-1, *tags]), array("q", [0, *values]))
    assert core.snapshot() == {}
    assert core.rows() == []
    assert send(core, ("x.x", None)) == [("y.y", "null")]
