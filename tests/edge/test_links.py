"""What both links promise about when to try again, without a broker."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable

RunOnBoard = Callable[..., str]

SCRIPT = """
link = {link}({{"host": "127.0.0.1", "port": 1, "user": None, "password": None}}, "porch"{more})
link.attach(["a"], lambda: ("will", b"x"), print)
now = link._now

def wait_after(lasted_ms):
    "How long it waits after a connection that lasted so long; None for one that never was."
    if lasted_ms is not None:
        link.ready = True
        link._steady.set(link._now, 1000)
        link._now += lasted_ms
        link._steady.rings(link._now)
    link.renew("cut")
    return link._retry.left(link._now)

waits = [wait_after(None) for _ in range(12)]
print(waits[0], max(waits), waits == sorted(waits))
print([wait_after(ms) for ms in (10, 999, 1000, 10, 1000)])
link.close("will", b"x")
"""
EXPECTED = ["100 4000 True", "[4000, 4000, 100, 150, 100]"]


def test_waits_grow_until_a_connection_was_steady_on_a_board(run_on_board: RunOnBoard) -> None:
    script = "from myocan.edge.link import Link\n" + SCRIPT.format(
        link="Link", more=", None, bytes"
    )
    assert run_on_board(script).splitlines() == EXPECTED


def test_waits_grow_until_a_connection_was_steady_on_cpython() -> None:
    script = SCRIPT.format(link="PahoLink", more=", bytes")
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec("from myocan.edge.link_paho import PahoLink\n" + script, {})
    assert said.getvalue().splitlines() == EXPECTED
