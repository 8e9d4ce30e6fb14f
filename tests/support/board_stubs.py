"""Type stubs of MicroPython for two families of boards, fetched once through the ordinary pip.

They say which modules and functions a board has, so mypy finds what its Python lacks without any
board. They cannot be installed: their `socket`, `time` or `json` would hide those of CPython.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

from myocan.tools.umqtt import UmqttError, default_cache, pip_command

VERSION = "1.29.0"
WHEELS = {
    "esp32": "micropython-esp32-stubs==1.29.0.post1 --hash=sha256:"
    "c0a72410b9924f51b520534de0dc7f1839ff8f108689aa1e935a0c2b9fcbd96b",
    "rp2": "micropython-rp2-stubs==1.29.0.post1 --hash=sha256:"
    "a26183e4ef7557469fd3387677a8e08cf1bc856a6cbe13acc773e57e94f0625c",
}
"""What a family has of its own."""
COMMON = (
    "micropython-stdlib-stubs==1.29.0.post2 --hash=sha256:"
    "bdcd54d9896d8e1d455b3a99995d82a8399e1e2c9cb94eacabe278e5c2397783"
)
"""What they share: the builtins, and what MicroPython has of the standard library."""

FETCH_S = 120.0


class NoStubs(Exception):
    """The stubs cannot be had."""


def fetch_stubs(family: str) -> Path:
    """Return the folder with the stubs of a family, `esp32` or `rp2`; downloads it the first time.

    Raises NoStubs, with pip's reason.
    """
    wanted = f"{WHEELS[family]}\n{COMMON}\n"
    name = hashlib.sha256(wanted.encode()).hexdigest()[:12]
    folder = default_cache() / "stubs" / f"{family}-{VERSION}-{name}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=folder.parent) as scratch:
        made = Path(scratch) / "stubs"
        for wheel in _download(Path(scratch), wanted):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(made)
        if not (made / "machine.pyi").is_file():
            raise NoStubs(f"the stubs of {family} have no machine.pyi")
        try:
            os.replace(made, folder)
        except OSError:  # another process was quicker
            shutil.rmtree(made)
    return folder


def _download(scratch: Path, wanted: str) -> list[Path]:
    requirements = scratch / "requirements.txt"
    requirements.write_text(wanted)
    try:
        command = pip_command(requirements)
        done = subprocess.run(
            [
                *command,
                *("download", "--quiet", "--no-input", "--no-deps", "--require-hashes"),
                *("--requirement", str(requirements), "--dest", str(scratch / "wheels")),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=FETCH_S,
        )
    except (UmqttError, subprocess.TimeoutExpired) as error:
        raise NoStubs(f"pip did not get the stubs: {error}") from None
    wheels = sorted((scratch / "wheels").glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 2:
        raise NoStubs("pip could not get the stubs: does this machine reach its package index?")
    return wheels
