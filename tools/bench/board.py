"""What a program takes of a board: bytes of flash for its bytecode, bytes of RAM for all of it.

Decides: what may be in the core that every board carries, and what must be a module of its own that
is loaded when a configuration asks for it; and which boards can run it from files, which only if it
is frozen into their firmware, where bytecode, names and constants take no RAM.

    python tools/bench/board.py [--json]

Eight ports: two buttons, two contacts, three relays, a lamp; connected to a broker and a hub (a few
lines of Python in place of a network, not counted). RAM is what is in use after a step, all before
it included. MicroPython's WebAssembly build has objects as large as a board's, those of the unix
port are twice as large. There it is measured twice: with bytecode that is loaded from files into
RAM, as on most boards, and used where it lies, in a ROMFS. The WebAssembly build has no ROMFS, so
what is in the files says what would stay in flash (`mpy.py`); beside the figure that was measured
with objects of 64 bits is what this reckoning says for them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mpy import stays_in_flash

from myocan.tools.flash.staging import board_modules, compiled
from myocan.tools.vboard.micropython import micropython_path
from myocan.tools.wasm import NoWasm, run_wasm

ON_BOARD = Path(__file__).with_name("ram_on_board.py")
STEPS = {
    "wire": "the wire format loaded",
    "edge": "adapter, link, loop loaded",
    "kinds": "kinds of ports loaded: all code",
    "ports": "eight ports, buffers",
    "connected": "connected",
    "busy": "after 40 changes of each port",
}
HEAP = "512wK"
RUN_S = 60.0


def port(number: int, kind: str, **keys: Any) -> dict[str, Any]:
    """Return a port's part of a configuration."""
    return {"name": f"{kind}{number}", "kind": kind, "pin": str(number), **keys}


def configuration() -> dict[str, Any]:
    """Return the configuration of a board with eight ports."""
    told = ({"press": "button0/press", "hold": "button0/hold"}, {"press": "button1/press"})
    topics = ("mc1/live/home/lamp{}/state",) * 4
    ports = [
        *(port(at, "button", pull="up", debounce_ms=0, publish=told[at]) for at in (0, 1)),
        port(2, "contact", debounce_ms=0, map=[["open", 1], ["shut", 0]], publish={"value": "d/s"}),
        port(3, "contact", debounce_ms=0, publish={"value": "window/state"}),
        *(port(at, "relay", subscribe=topics[0].format(at)) for at in (4, 5, 6)),
        port(7, "led", subscribe=topics[0].format(7)),
    ]
    broker = {"host": "192.168.1.10", "port": 1883, "user": "porch", "password": "x" * 20}
    return {
        "wire": 1,
        "name": "porch",
        "domain": "home",
        "board": "pico-w",
        "broker": {**broker, "tls": False},
        "wifi": [],
        "ports": ports,
        "hash": "0123456789abcdef",
    }


def bytecode(config: Mapping[str, Any]) -> dict[str, Path]:
    """Return what a board loads: path below its `/lib` -> compiled file."""
    files = {}
    for module, source in board_modules(config).items():
        inner = "/__init__" if source.name == "__init__.py" else ""
        files[f"{module.replace('.', '/')}{inner}.mpy"] = compiled(source, module)
    return files


def scripts(config: Mapping[str, Any]) -> list[str]:
    """Return the steps, each as a script that collects, and one that tells what is taken."""
    kinds = " ".join(sorted({each["kind"] for each in config["ports"]}))
    arguments = {"kinds": repr(kinds), "ports": repr(json.dumps(config))}
    found = [ON_BOARD.read_text(encoding="utf-8"), "start = gc.mem_alloc()"]
    for step in STEPS:
        found.append(f"program.{step}({arguments.get(step, '')})\ngc.collect()")
        found.append(f"print({step!r}, gc.mem_alloc() - start, *sys.modules)")
    return [*found, "import micropython\nmicropython.qstr_info(1)"]


def steps_of(said: str) -> dict[str, int]:
    """Return bytes by step, from what the scripts printed."""
    rows = [line.split() for line in said.splitlines()]
    return {row[0]: int(row[1]) for row in rows if row[0] in STEPS}  # the board says "online", too


def in_place(said: str, files: Mapping[str, Path], block: int) -> dict[str, int]:
    """Return bytes by step if the files were used where they lie. block: bytes that are given away
    at once."""
    names = [line[2:-1] for line in said.splitlines() if line.startswith("Q(")]
    taken = {}
    for line in said.splitlines():
        step, _, rest = line.partition(" ")
        if step in STEPS:
            found, *modules = rest.split()
            paths = [module.replace(".", "/") for module in modules]
            loaded = [
                files[path]
                for stem in paths
                for path in (f"{stem}.mpy", f"{stem}/__init__.mpy")
                if path in files
            ]
            taken[step] = int(found) - stays_in_flash(loaded, names, block)
    return taken


def run_unix(config: Mapping[str, Any], files: Mapping[str, Path], *, romfs: bool) -> str:
    """Run the steps on the unix port; return what they printed."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, source in files.items():
            target = folder / "lib" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
        text = "\n".join(scripts(config))
        if romfs:
            (folder / "image").write_bytes(image_of(folder / "lib"))
            text = f"{MOUNT}\n{text}"
        (folder / "script.py").write_text(text, encoding="utf-8")
        done = subprocess.run(
            [str(micropython_path()), "-X", f"heapsize={HEAP}", "script.py"],
            cwd=folder,
            env={"MICROPYPATH": "/nowhere" if romfs else str(folder / "lib")},
            capture_output=True,
            text=True,
            timeout=RUN_S,
        )
    if done.returncode != 0:
        raise SystemExit(f"the steps failed: {done.stdout}{done.stderr}")
    return done.stdout


MOUNT = """import sys, vfs
image = open("image", "rb").read()
vfs.mount(vfs.VfsRom(image), "/rom")
sys.path[:] = ["/rom"]"""


def image_of(folder: Path) -> bytes:
    """Return a ROMFS of what is in a folder."""
    from mpremote.romfs import VfsRomWriter  # type: ignore[import-untyped]

    writer = VfsRomWriter()
    add_to(writer, folder)
    image: bytes = writer.finalise()
    return image


def add_to(writer: Any, folder: Path) -> None:
    """Add what is in a folder to a ROMFS."""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            writer.opendir(path.name)
            add_to(writer, path)
            writer.closedir()
        else:
            writer.mkfile(path.name, path.read_bytes())


def measure() -> dict[str, Any]:
    """Return sizes of all that is loaded, and what is taken after each step; None: not measured."""
    config = configuration()
    files = bytecode(config)
    ram: dict[str, Any] = {"32 bits": None, "in place": None}
    try:
        said = run_wasm(scripts(config), {f"/lib/{name}": each for name, each in files.items()})
        ram["32 bits"] = steps_of(said)
        ram["in place"] = in_place(said, files, 16)
    except NoWasm as error:
        ram["why not"] = str(error)
    said = run_unix(config, files, romfs=False)
    ram["64 bits"] = steps_of(said)
    ram["in place, 64"] = in_place(said, files, 32)
    ram["64 bits, ROMFS"] = steps_of(run_unix(config, files, romfs=True))
    return {"mpy": {name: file.stat().st_size for name, file in files.items()}, "ram": ram}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="no difference: it takes seconds")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    options = parser.parse_args()
    found = measure()
    if options.json:
        print(json.dumps(found))
        return
    print("bytecode of what these ports need, bytes")
    for name, size in sorted(found["mpy"].items(), key=lambda each: -each[1]):
        print(f"  {name:<40}{size:>7}")
    print(f"  {'all':<40}{sum(found['mpy'].values()):>7}")
    ram = found["ram"]
    print(f"{'RAM, bytes':<42}" + "".join(f"{kind:>16}" for kind in ram if kind != "why not"))
    for step, meaning in STEPS.items():
        row = [ram[kind][step] if ram[kind] else "-" for kind in ram if kind != "why not"]
        print(f"{meaning:<42}" + "".join(f"{each:>16}" for each in row))
    if "why not" in ram:
        print(f"no figures for 32 bits: {ram['why not']}")


if __name__ == "__main__":
    main()
