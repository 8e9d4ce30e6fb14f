"""What many modules and many messages cost in memory: counted, not timed."""

from __future__ import annotations

import os
import subprocess
import sys
from array import array
from pathlib import Path

import pytest

from core.assemble import assemble, send, topic
from core.reference import Module, Next, On, Var
from myocan.hub.core import Core, Program, Role, Type

MODULES = 2000


def lamp(number: int) -> Program:
    press = Var("press", Role.SUBSCRIBE, Type.ANY, topic(f"button{number}.press"))
    state = Var(
        "state", Role.PUBLIC, Type.ENUMERATION, topic(f"lamp{number}.state"), members=("off", "on")
    )
    module = Module(f"lamp{number}", (press, state), (On(press, (), (Next(state, 2),), 1),))
    return assemble(module)


def test_a_module_costs_its_variables_topics_and_subscriptions_and_nothing_more() -> None:
    core, alone = Core(), Core()
    core.link(lamp(number) for number in range(MODULES))
    alone.link([lamp(0)])
    layout = core.layout
    assert len(layout.modules) == MODULES
    assert len(layout.slot_meta) == 2 * MODULES
    assert len(layout.subscriptions) == MODULES
    assert len(layout.topics) == 2 * MODULES + 9
    for shared in ("code", "lines", "meta_type", "members", "when_condition", "reads"):
        assert len(getattr(layout, shared)) == len(getattr(alone.layout, shared))
    assert len(core.texts) == len(alone.texts)


def test_a_long_batch_grows_the_rows_and_keeps_every_one() -> None:
    core = Core()
    core.link([lamp(0)])
    press = core.topic(topic("button0.press"))
    for count in (1, 511, 512, 513, 5000):
        total = core.run(
            array("q", [press] * count), array("q", [-1] * count), array("q", [0] * count)
        )
        assert total == 2 * count
        assert [row[3] for row in core.rows()[::2]] == [-1 - number for number in range(count)]
        assert len(core.changes()) == count + (count == 1)
    assert send(core, ("button0.press", None)) == [("lamp0.state", '"off"')]


LEAK = """
import resource, sys
from array import array
from core.test_memory import lamp
from core.assemble import topic
from myocan.hub.core import Core

programs = [lamp(number) for number in range(200)]
core = Core()

def work(times):
    global core
    for _ in range(times):
        core.link(programs)
        press = core.topic(topic("button7.press"))
        count = 3000
        core.run(array("q", [press] * count), array("q", [-1] * count), array("q", [0] * count))
        core.rows(), core.changes(), core.snapshot()
        core = Core()

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

work(10)
before = peak()
work(40)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss counts kilobytes on Linux alone")
def test_linking_and_running_again_and_again_takes_no_more_memory() -> None:
    tests = str(Path(__file__).parent.parent)
    path = os.pathsep.join([tests, *sys.path])
    ran = subprocess.run(
        [sys.executable, "-c", LEAK],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    # one core's tables and rows are about 500 KB, so a leak of them would be 20 MB
    assert int(ran.stdout) < 4000
