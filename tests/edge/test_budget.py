"""What a board has to carry: which files, how large, in how little memory."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from myocan.tools.flash.staging import LIB, stage
from support.edge_boards import HEAP, ROOT

FLASH = 24 * 1024
"""Bytes of bytecode that wire and the core of the edge may take."""
FIRMWARE = ROOT / "firmware"
NETWORK = ("network", "wifi", "lan", "names")
KINDS = (
    *("analog", "bme280", "button", "contact", "counter", "dht", "ds18b20", "led", "motion"),
    *("neopixel", "pwm", "relay", "servo"),
)
SHARED = ("debounce", "graded", "levels", "numbers", "reading", "sensor")
PARTS = ("analog", "dht", "i2c", "one_wire", "pixels", "pulses", "pwm")
BESIDE_THE_CORE = {
    *(f"myocan/edge/ports/{name}.py" for name in (*KINDS, *SHARED)),
    *(f"myocan/edge/pins/machine_{name}.py" for name in PARTS),
    "myocan/edge/pins/parts.py",
    "myocan/edge/pins/pulses.py",
    *(f"myocan/edge/{name}.py" for name in ("board", "guard", "proposals", "start", "tls")),
    *(f"myocan/edge/{name}.py" for name in ("offers", "updates", "fetch")),
    *(f"myocan/edge/{name}.py" for name in NETWORK),
    "myocan/wire/objects.py",
    "myocan/wire/proposal.py",
}
"""Kinds of ports (a board carries those that it uses), what only some configurations ask for, and
the firmware's own loop."""

OF_A_BOARD = {
    *(f"myocan/edge/{name}.py" for name in ("board", "start", "network", "wifi", "lan", "tls")),
}
"""What only a board can import; and TLS, for which a heap so small has no buffers."""


OF_AN_UPDATE = {f"myocan/edge/{name}.py" for name in ("updates", "fetch")}
"""What is loaded when there is an update, and gone after the restart that it ends with."""


def carried() -> dict[str, Path]:
    """Return what package.json says: file on the board -> source."""
    urls = json.loads((FIRMWARE / "package.json").read_text())["urls"]
    return {target: (FIRMWARE / source).resolve() for target, source in urls}


def imports(source: Path) -> Iterator[str]:
    """Yield what a file imports on a board: not what is for the type checker, or CPython, only."""
    stack: list[ast.AST] = [ast.parse(source.read_text())]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            stack += node.orelse
        elif isinstance(node, ast.Try) and "ImportError" in "".join(
            map(ast.unparse, node.handlers)
        ):
            continue
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(source.relative_to(ROOT).parts[1 : -node.level or None])
            stem = ".".join(filter(None, [package if node.level else "", node.module]))
            yield stem
            yield from (f"{stem}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        else:
            stack += ast.iter_child_nodes(node)


def file_of(module: str) -> str | None:
    """Return a module of ours as a file on a board; None for others and for names in a module."""
    parts = module.split(".")
    if parts[0] != "myocan" or len(parts) < 2:
        return None
    portion = ROOT / ("shared" if parts[1] == "wire" else "edge")
    for path in ("/".join(parts) + "/__init__.py", "/".join(parts) + ".py"):
        if (portion / path).is_file():
            return path
    return None


def needed_by(kinds: tuple[str, ...], parts: tuple[str, ...] = ()) -> set[str]:
    """Return what a program with these ports imports: files on the board."""
    wanted = {
        "myocan.edge.board",
        *(f"myocan.edge.ports.{kind}" for kind in kinds),
        *(f"myocan.edge.pins.machine_{kind}" for kind in parts),
        *(module for script in ("boot.py", "main.py") for module in imports(FIRMWARE / script)),
    }
    needed: set[str] = set()
    while wanted:
        module = wanted.pop()
        path = file_of(module)
        if path is None or path in needed:
            continue
        needed.add(path)
        portion = ROOT / ("shared" if path.startswith("myocan/wire/") else "edge")
        wanted |= {*imports(portion / path), module.rpartition(".")[0]}
    return needed


def test_a_board_carries_what_its_program_imports_and_nothing_else() -> None:
    assert needed_by(KINDS, PARTS) == set(carried())


def test_what_a_board_carries_is_there_and_named_as_it_is_imported() -> None:
    for target, source in carried().items():
        assert source.is_file()
        assert source.as_posix().endswith("/" + target)


def test_the_manifest_freezes_the_same_files(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen: list[str] = []

    def package(name: str, files: list[str], base_path: str) -> None:
        for file in files:
            assert (FIRMWARE / base_path / name / file).is_file()
        frozen.extend(f"{name}/{file}" for file in files)

    monkeypatch.chdir(FIRMWARE)
    names: dict[str, Any] = {
        "include": lambda path: None,
        "package": package,
    }
    exec((FIRMWARE / "manifest.py").read_text(), names)
    assert sorted(frozen) == sorted(carried())


def test_all_that_is_flashed_for_any_configuration_is_frozen(tmp_path: Path) -> None:
    config = {"name": "it", "hash": "", "ports": [{"kind": kind} for kind in KINDS]}
    flashed = {path for path in stage(config, tmp_path) if path.startswith(LIB)}
    assert {path.removeprefix(LIB).removesuffix(".mpy") + ".py" for path in flashed} <= set(
        carried()
    )


def test_wire_and_the_core_of_the_edge_fit_into_their_flash(board_library: Path) -> None:
    sizes = {
        target: (board_library / target).with_suffix(".mpy").stat().st_size for target in carried()
    }
    core = {target: size for target, size in sizes.items() if target not in BESIDE_THE_CORE}
    largest = sorted(core.items(), key=lambda each: -each[1])[:6]
    assert sum(core.values()) <= FLASH, f"{sum(core.values())} bytes, most of them in {largest}"


@pytest.mark.parametrize(
    ("kinds", "heap", "free"),
    [(("button", "contact", "led", "relay"), HEAP, 32), (KINDS, "80wK", 32)],
)
def test_everything_is_imported_and_runs_in_the_heap_of_a_small_board(
    run_on_board: Callable[..., str], kinds: tuple[str, ...], heap: str, free: int
) -> None:
    """All kinds of ports at once, which no board has, take no more than 16 KiB more."""
    needed = needed_by(kinds)
    modules = [
        target.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for target in sorted(needed)
        if target not in OF_A_BOARD | OF_AN_UPDATE and "pins/machine" not in target
    ]
    said = run_on_board(
        "import gc\n"
        + "".join(f"import {module}\n" for module in modules)
        + "gc.collect()\nprint(gc.mem_free())\n",
        heap=heap,
    )
    assert int(said) > free * 1024, f"only {said} bytes are left for ports and messages"


@pytest.mark.parametrize("part", ["ports", "pins", "update", "all else"])
def test_all_that_a_board_may_carry_can_be_imported_in_the_heap_of_a_small_one(
    run_on_board: Callable[..., str], part: str
) -> None:
    """In four parts, each of which is more than any board has. What is C on a board, or comes
    with its firmware, is stood in for."""
    modules = [
        target.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for target in carried()
        if part == part_of(target)
    ]
    assert modules
    said = run_on_board(
        STAND_INS
        + "".join(f"import {module}\n" for module in modules)
        + "gc.collect()\nprint(gc.mem_free())\n",
        heap=HEAP,
    )
    assert int(said) > 0


def part_of(target: str) -> str:
    """Return with what a file is imported here; an update's are gone before anything else comes."""
    if target in OF_AN_UPDATE:
        return "update"
    return next((each for each in ("ports", "pins") if f"/{each}/" in target), "all else")


STAND_INS = """
import gc, sys
class Whatever:
    def __getattr__(self, name):
        return self
sys.modules["machine"] = Whatever()
for name in ("network", "neopixel", "_onewire", "onewire", "dht", "esp32", "rp2"):
    try:
        __import__(name)
    except ImportError:
        sys.modules[name] = Whatever()
"""


def test_an_update_takes_little_memory_and_only_while_there_is_one(
    run_on_board: Callable[..., str],
) -> None:
    said = run_on_board("""
import gc
import myocan.edge.adapter
gc.collect()
print(gc.mem_free())
import myocan.edge.offers
gc.collect()
print(gc.mem_free())
from myocan.edge.offers import Offers
offers = Offers({"number": 1, "failed": 0}, "topic", b"key")
import myocan.edge.updates
gc.collect()
print(gc.mem_free())
offers._unload()
gc.collect()
print(gc.mem_free())
""")
    before, always, during, after = map(int, said.split())
    assert before - always < 5 * 512, "for good, with objects of 64 bits"
    assert always - during < 12 * 1024, "while there is an update"
    assert always - after < 2 * 1024, "afterwards: names stay, and what the heap is cut into"


BUTTONS = """[
    {"name": "button%d" % n, "kind": "button", "pin": "GP%d" % n, "pull": "up",
     "publish": {"press": "button%d/press" % n}}
    for n in range(8)
]"""
SENSORS = """[
    {"name": "a", "kind": "analog", "pin": "GP1", "publish": {"value": "a/a"}},
    {"name": "b", "kind": "bme280", "sda": "GP2", "scl": "GP3", "publish": {"temperature": "b/t"}},
    {"name": "c", "kind": "counter", "pin": "GP4", "publish": {"pulses": "c/p", "rate": "c/r"}},
    {"name": "d", "kind": "dht", "pin": "GP5", "publish": {"temperature": "d/t"}},
    {"name": "e", "kind": "ds18b20", "pin": "GP6", "publish": {"temperature": "e/t"}},
    {"name": "f", "kind": "motion", "pin": "GP7", "publish": {"value": "f/v"}},
    {"name": "g", "kind": "pwm", "pin": "GP8"},
    {"name": "h", "kind": "neopixel", "pin": "GP9"},
]"""


@pytest.mark.parametrize(("ports", "steps"), [(BUTTONS, 1000), (SENSORS, 10_000)])
def test_an_idle_loop_takes_no_memory(
    run_on_board: Callable[..., str], ports: str, steps: int
) -> None:
    """The sensors are measured meanwhile: steps are milliseconds."""
    said = run_on_board(
        f"ports = {ports}\nsteps = {steps}\n"
        + """
import gc
from myocan.edge.adapter import Adapter
from myocan.edge.link import Link
from myocan.edge.pins.simulated import SimulatedPins
broker = {"host": "127.0.0.1", "port": 1, "user": None, "password": None}
config = {"wire": 1, "name": "porch", "domain": "home", "broker": broker, "ports": ports}
link = Link(broker, "porch")
now = 1000
adapter = Adapter(config, link, SimulatedPins(), ticks=lambda: now)
adapter.step()
link._retry.off()
gc.collect()
gc.disable()
before = gc.mem_alloc()
for _ in range(steps):
    adapter.step()
    if not _ % 100:
        link.wait(0)
    now += 1
print(gc.mem_alloc() - before)
""",
        heap="128wK",  # so many kinds on one board are for one with much memory
    )
    assert int(said) * 60_000 // steps < 32 * 1024, "bytes a minute: no collection in that time"
