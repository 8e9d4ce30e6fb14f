"""The house of a chaos run: boards with a button, a door and a lamp, and modules that count."""

from __future__ import annotations

import socket
from pathlib import Path

__all__ = ["SAID", "make_house"]

COUNTER = """
MODULE counter{n}
    SUBSCRIBE button{n}.press
    PUBLIC total 0
    PUBLIC lamp {{off, on}}
    ON button{n}.press
        THEN total++
        THEN next(lamp)
"""
ADAPTER = """
board = "unix"
[ports.button]
kind = "button"
pin = "GP14"
pull = "up"
debounce_ms = 0
publish = "button{n}.press"
[ports.door]
kind = "contact"
pin = "GP13"
pull = "up"
debounce_ms = 0
publish = "door{n}.state"
map = {{ open = 0, shut = 1 }}
[ports.lamp]
kind = "relay"
pin = "GP15"
safe = "off"
subscribe = "counter{n}.lamp"
map = {{ on = 1, off = 0 }}
"""
ALL = """
MODULE all
{subscriptions}
    PUBLIC total 0
    PUBLIC lamp {{off, on}}
    PUBLIC resting {{yes, no}}
    TIMER quiet 2 seconds
{rules}
    ON quiet
        THEN resting = yes
"""
RULE = """
    ON counter{n}.total
        THEN total++
        THEN next(lamp)
        THEN resting = no
        THEN start(quiet)
"""
SAID = ("total", "lamp")
"""What every module of the house says, besides what depends on time."""


def make_house(folder: Path, boards: int) -> None:
    """Write the house into `folder`; its broker listens on a free port, always the same one."""
    (folder / "modules").mkdir(parents=True)
    (folder / "adapters").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = f'domain = "home"\n[broker]\nlisten = "127.0.0.1:{port}"\n'
    (folder / "myocan.toml").write_text(settings, encoding="utf-8")
    numbers = range(1, boards + 1)
    for n in numbers:
        module, adapter = COUNTER.format(n=n), ADAPTER.format(n=n)
        (folder / "modules" / f"counter{n}.scc").write_text(module.lstrip(), encoding="utf-8")
        (folder / "adapters" / f"board{n}.toml").write_text(adapter.lstrip(), encoding="utf-8")
    text = ALL.format(
        subscriptions="\n".join(f"    SUBSCRIBE counter{n}.total 0" for n in numbers),
        rules="".join(RULE.format(n=n) for n in numbers),
    )
    (folder / "modules" / "all.scc").write_text(text.lstrip(), encoding="utf-8")
