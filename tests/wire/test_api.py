"""The public API: what is there, with which parameters, and what importing it loads."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

from myocan import wire

WIRE = Path(wire.__file__).parent

API = {
    "WINDOW": "64",
    "WIRE_VERSION": "1",
    "Fixed": "(units, decimals)",
    "Inbox": "(positions=())",
    "Inbox.acks": "(self, now_ms)",
    "Inbox.changed": "(self)",
    "Inbox.due_ms": "(self, now_ms)",
    "Inbox.on_base": "(self, boot, base, lost, now_ms)",
    "Inbox.on_message": "(self, boot, seq, now_ms)",
    "Inbox.positions": "(self)",
    "Inbox.revert": "(self)",
    "Inbox.synced": "(self, mark)",
    "Inbox.written": "(self, mark)",
    "Outbox": "(capacity, boot, new_boot, ms=0)",
    "Outbox.ask": "(self)",
    "Outbox.events": "(self)",
    "Outbox.now_ms": "(self)",
    "Outbox.on_ack": "(self, boot, seq, now_ms=None)",
    "Outbox.on_reconnect": "(self)",
    "Outbox.on_tick": "(self, ms)",
    "Outbox.push": "(self, topic, value, keep='all', ts=None)",
    "Outbox.sendable": "(self)",
    "WireError": "",
    "board_topic": "(domain, board, leaf)",
    "data_topic": "(mode, domain, module, variable, instance=None)",
    "decode_ack": "(payload)",
    "decode_base": "(payload)",
    "decode_data": "(payload)",
    "decode_log": "(payload)",
    "decode_propose": "(payload)",
    "decode_status": "(payload)",
    "decode_up": "(payload)",
    "decode_value": "(raw)",
    "decode_verdict": "(payload)",
    "encode_ack": "(boot, seq, now_ms, store)",
    "encode_base": "(boot, base, lost)",
    "encode_data": "(value, offset, ts, producer, incarnation)",
    "encode_log": "(level, text, ts, boot)",
    "encode_propose": "(txn, expires_ms, values)",
    "encode_status": "(status)",
    "encode_up": "(value, seq, ts, boot)",
    "encode_value": "(value)",
    "encode_verdict": "(txn, ok, why=None)",
    "envelope": "(payload)",
    "hub_topic": "(domain, agent)",
    "parse_topic": "(topic)",
    "sender_of": "(topic)",
    "up_topic": "(domain, board, module, variable, instance=None)",
}


def shape(thing: object) -> str:
    """How a thing is called, without types; its value if it is a constant."""
    if isinstance(thing, type) and issubclass(thing, Exception):
        return ""
    if not callable(thing):
        return repr(thing)
    signature = inspect.signature(thing)
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    empty = inspect.Signature.empty
    return str(signature.replace(parameters=bare, return_annotation=empty))


def test_the_public_api_is_this_and_no_more() -> None:
    found = {}
    for name in wire.__all__:
        thing = getattr(wire, name)
        found[name] = shape(thing)
        if name in ("Inbox", "Outbox"):
            for method in vars(thing):
                if not method.startswith("_"):
                    found[f"{name}.{method}"] = shape(vars(thing)[method])
    assert found == API
    assert sorted(wire.__all__) == sorted(set(wire.__all__))


def test_an_outbox_shows_its_boot_base_and_losses() -> None:
    outbox = wire.Outbox(1000, 7, lambda: 8)
    assert (outbox.boot, outbox.base, outbox.lost, outbox.capacity, len(outbox)) == (
        7,
        1,
        0,
        1000,
        0,
    )


def test_the_one_error_is_a_value_error() -> None:
    assert issubclass(wire.WireError, ValueError)


def test_importing_the_package_loads_nothing_but_its_modules() -> None:
    code = (
        "import sys; before = set(sys.modules); import myocan.wire;"
        "print(*sorted(n for n in set(sys.modules) - before))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300
    ).stdout.split()
    assert [name for name in loaded if not name.startswith("myocan")] == []


def test_no_module_imports_anything_from_outside_the_package() -> None:
    for source in WIRE.glob("*.py"):
        tree = ast.parse(source.read_text(encoding="utf-8"))
        for branch in [n for n in ast.walk(tree) if isinstance(n, ast.If)]:
            if isinstance(branch.test, ast.Name) and branch.test.id == "TYPE_CHECKING":
                branch.body = [ast.Pass()]
        for node in ast.walk(tree):
            assert not isinstance(node, ast.Import), source.name
            assert not isinstance(node, ast.ImportFrom) or node.level == 1, source.name


def test_every_public_thing_says_what_it_is() -> None:
    for name in wire.__all__:
        thing = getattr(wire, name)
        if callable(thing):
            assert thing.__doc__, name
        if name in ("Inbox", "Outbox"):
            for method in vars(thing).values():
                if inspect.isfunction(method) and not method.__name__.startswith("_"):
                    assert method.__doc__, f"{name}.{method.__name__}"
