"""What is run on a board while it is flashed: short programs in MicroPython, as text.

Each prints one line that begins with MARK, and JSON after it; whatever else a board prints is not
for us. They leave nothing behind but files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from myocan.tools.flash.mpremote import IN_THE_WAY, BoardError

MARK = "MYOCAN:"

MANIFEST = "/lib/myocan/manifest.json"
"""On the board: the list of files that flashing put there, and may replace or remove."""

_LOOK = """
import gc, json, os, sys, machine, hashlib, binascii
gc.collect()
def _hash(path):
    h = hashlib.sha256()
    b = bytearray(512)
    try:
        with open(path, "rb") as f:
            while True:
                n = f.readinto(b)
                if not n:
                    break
                h.update(b if n == 512 else b[:n])
        return binascii.hexlify(h.digest()).decode()
    except OSError:
        return None
def _json(path):
    try:
        with open(path) as f:
            found = json.load(f)
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}
_i = sys.implementation
_s = os.statvfs("/")
_v = getattr(machine, "simulates", None)
if _v:
    try: machine.WDT(timeout=86_400_000)
    except ValueError: pass
print(MARK + json.dumps({
    "runtime": _i.name,
    "version": list(_i.version)[:3],
    "machine": getattr(_i, "_machine", sys.platform),
    "mpy": getattr(_i, "_mpy", getattr(_i, "mpy", 0)),
    "simulates": _v,
    "id": binascii.hexlify(machine.unique_id()).decode(),
    "name": _json("/config.json").get("name"),
    "free": gc.mem_free(),
    "space": _s[0] * _s[3],
    "files": {p: _hash(p) for p in _json(MANIFEST).get("files", [])},
}))
"""

_PREPARE = """
import os, json
for _p in FILES:
    try: _m = os.stat(_p)[0]
    except OSError: continue
    if _m & 0x4000: raise OSError(IN_THE_WAY + _p)
def _to_be(d):
    try: os.mkdir(d)
    except OSError: pass
for _d in FOLDERS: _to_be(_d)
for _p in REMOVED:
    try: os.remove(_p)
    except OSError: pass
with open(MANIFEST, "w") as _f: json.dump({"files": FILES}, _f)
print(MARK + "true")
"""

_WIPE = """
import os
def _wipe(folder):
    for _e in list(os.ilistdir(folder)):
        _p = folder + "/" + _e[0]
        if _e[1] & 0x4000:
            _wipe(_p)
            os.rmdir(_p)
        else:
            os.remove(_p)
_wipe("")
print(MARK + "true")
"""


def look() -> str:
    """Return a program that tells what the board is and which files it has."""
    return f"MARK = {MARK!r}\nMANIFEST = {MANIFEST!r}{_LOOK}"


def prepare(files: Iterable[str], removed: Iterable[str] = ()) -> str:
    """Return a program that makes the folders for `files`, removes others, and notes what is ours.

    files: paths on the board, as they will be noted. It fails with IN_THE_WAY, having done nothing,
        if one of them is a folder: files would be copied into it.
    """
    files = sorted(files)
    folders = sorted({folder for path in (*files, MANIFEST) for folder in _folders(path)})
    names = f"MARK = {MARK!r}\nMANIFEST = {MANIFEST!r}\nFOLDERS = {folders!r}\n"
    names += f"IN_THE_WAY = {IN_THE_WAY!r}\n"
    return names + f"FILES = {files!r}\nREMOVED = {sorted(removed)!r}" + _PREPARE


def wipe() -> str:
    """Return a program that removes all files and folders."""
    return f"MARK = {MARK!r}{_WIPE}"


def answer(said: str) -> Any:
    """Return what a program printed after MARK; raises BoardError if it did not get there."""
    _, found, rest = said.rpartition(MARK)
    try:
        return json.loads(rest.splitlines()[0]) if found else None
    except (ValueError, IndexError):
        raise BoardError("the board's answer is garbled: check the cable, and try again") from None


def _folders(path: str) -> list[str]:
    """Return the folders above a path, the outermost first."""
    steps = path.strip("/").split("/")[:-1]
    return ["/" + "/".join(steps[: n + 1]) for n in range(len(steps))]
