"""G2 with real processes: `kill -9` at every boundary, then the next one goes on."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from myocan.hub.store import Store

HUB = """
import os, signal, sys
from pathlib import Path
from myocan.hub.store import Store, checkpoint

path, wanted, times = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
checkpoint.SLICE = 2

def fault(point):
    global times
    if point == wanted:
        times -= 1
        if times == 0:
            os.kill(os.getpid(), signal.SIGKILL)

store = Store.open(path, faults=fault)
store.begin_incarnation()
name, producer = store.name_id("lamp1", "state"), store.producer_id("porch")
state = {}
for offset in range(1, 8):
    row = (offset, 0, name, f"{offset}", producer, None, None, None, f"[{offset},{offset}]")
    store.append("live", [row], [("porch", 7, offset, 0)], offset - 1)
    state[offset] = f"{offset}"
    if offset == 4:
        store.checkpoint("live", 4, dict(state))
store.append("test", [(1, 0, name, "1", producer, None, None, None, None)])
"""

# Where it dies -> what is there then: (last offset, checkpoint, incarnation).
DEATHS = [
    ("create filled", 1, (0, 0, 0)),
    ("create committed", 1, (0, 0, 0)),
    ("incarnation filled", 1, (0, 0, 0)),
    ("incarnation committed", 1, (0, 0, 1)),
    ("append begun", 3, (2, 0, 1)),
    ("append filled", 3, (2, 0, 1)),
    ("append committed", 3, (3, 0, 1)),
    ("checkpoint begun", 1, (4, 0, 1)),
    ("checkpoint committed", 1, (4, 0, 1)),
    ("checkpoint filled", 2, (4, 0, 1)),
    ("checkpoint committed", 2, (4, 4, 1)),
    ("append committed", 6, (6, 4, 1)),
    ("mode filled", 1, (7, 4, 1)),
    ("mode committed", 1, (7, 4, 1)),
]


@pytest.mark.parametrize(("point", "times", "expected"), DEATHS)
def test_a_killed_process_leaves_what_it_committed(
    point: str, times: int, expected: tuple[int, int, int], place: Path
) -> None:
    process = subprocess.run(
        [sys.executable, "-c", HUB, str(place), point, str(times)], timeout=300, check=False
    )
    assert process.returncode == -signal.SIGKILL
    offset, checkpoint, incarnation = expected
    with Store.open(place) as store:
        recovered = store.recover("live")
        assert (recovered.offset, recovered.checkpoint, store.incarnation) == expected
        assert recovered.state == {name: json.dumps(name) for name in range(1, offset + 1)}
        assert recovered.changed == {
            name: json.dumps(name) for name in range(checkpoint + 1, offset + 1)
        }
        assert recovered.positions == ([("porch", 7, offset, 0)] if offset else [])
        assert recovered.released == max(offset - 1, 0)
        assert store.begin_incarnation() == incarnation + 1
        assert len(store.names()) == (1 if offset else 0)
