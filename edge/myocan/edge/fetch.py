"""Fetches an update: asks for its files piece by piece, into the place that is not in use.

The one idea to know: everything is named by its hash. The offer names the list of files, and the
list each file; what is there with the right hash, from the last update or from one that was cut
off, is not asked for again. Only when every file is right are the new places put on trial. One call
does one file at most, so that the board's buttons do not wait for long.

The list: a line of JSON with what the update is for, then one line per file, "hash size path";
`lib/...` is code, `config.json` the configuration.
"""

import hashlib
import json
import os
import sys
from binascii import hexlify

from myocan.edge.clock import Alarm, const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable

    from myocan.edge.interfaces import Places

FORMAT = 1
_LIST_MAX = const(32_768)
_FILE_MAX = const(131_072)
_ANSWER_MS = const(2_000)
"""After so long without a piece it is asked for again."""
_TRIES = const(8)
_BLOCK = const(512)
_SPARE = const(8_192)
"""Bytes that must stay free on the board's disk."""


def signature_of(key: bytes, topic: str, number: int, digest: str, size: int) -> str:
    """Return the signature of an offer: HMAC-SHA256 (RFC 2104), as hex digits.

    key: at most 64 bytes. topic: of the offer, which is the board's own, so it counts for no other.
    """
    text = f"myocan update {FORMAT}\n{topic}\n{number} {digest} {size}"
    block = key + bytes(64 - len(key))
    inner = hashlib.sha256(bytes([byte ^ 0x36 for byte in block]))
    inner.update(text.encode())
    outer = hashlib.sha256(bytes([byte ^ 0x5C for byte in block]))
    outer.update(inner.digest())
    return hexlify(outer.digest()).decode()


def signed(
    key: bytes, topic: str, number: int, digest: object, size: int, signature: object
) -> bool:
    """Return whether an offer has the right signature; takes as long for every wrong one."""
    if not (isinstance(digest, str) and isinstance(signature, str)):
        return False
    wanted = signature_of(key, topic, number, digest, size).encode()
    given = signature.encode()
    wrong = len(given) ^ len(wanted)
    for at, byte in enumerate(wanted):
        wrong |= byte ^ (given[at] if at < len(given) else 0)
    return not wrong


def digest_of(path: str) -> str:
    """Return the SHA-256 of a file as hex digits, "" if it is not there."""
    whole = hashlib.sha256()
    block = bytearray(_BLOCK)
    view = memoryview(block)
    try:
        with open(path, "rb") as file:
            while True:
                count = file.readinto(block)
                if not count:
                    break
                whole.update(view[:count])
    except OSError:
        return ""
    return hexlify(whole.digest()).decode()


class Fetch:
    """The fetching of one update.

    slots: which files are in use. number, digest, size: of the offer, whose signature was right.
    say: called with number, "want", and more. refuse: called with number and a reason; it is over
    then.
    """

    def __init__(
        self,
        slots: "Places",
        number: int,
        digest: str,
        size: int,
        say: "Callable[..., None]",
        refuse: "Callable[[int, str], None]",
    ) -> None:
        self.number = number
        self.over = False
        """Whether it has ended without being tried: refused, given up, or nothing to do."""
        self._slots = slots
        self._say = say
        self._refuse = refuse
        self._places: list[str] = list(slots.chosen())
        self._differs = {"lib": False, "config.json": False}
        self._list = slots.root + "update.list"
        self._seconds = 0
        self._body = 0  # the byte in the list behind its first line
        self._offset = self._lines = 0  # how far the list was read, in bytes and in lines
        self._putting = False  # the second time through the list
        self._now = 0
        self._asked = Alarm()
        self._tries = 0
        self._target = ""  # the file that is being fetched
        self._digest, self._size, self._have, self._file = "", 0, 0, 0
        if size > _LIST_MAX:
            self._end("its list of files is too long")
        elif digest_of(self._list) != digest:
            self._fetch(self._list, digest, size, 0)

    def step(self, now: int) -> bool:
        """Go on; return whether all is there, and on trial from the next start on."""
        self._now = now
        if self.over:
            return False
        try:
            if not self._target:
                return self._look()
            if not self._asked.on or self._asked.rings(now):
                self._ask()
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._end(f"the board could not take it: {error!r}")
        return False

    def due(self, now: int) -> int:
        """Return the milliseconds after which `step` is due."""
        return self._asked.left(now) if self._target and self._asked.on else 0

    # -- one file --------------------------------------------------------------------------------

    def arrived(self, payload: bytes) -> None:
        """Take a piece: "number file offset", a line feed, and bytes of the file."""
        end = payload.find(b"\n")
        wanted = f"{self.number} {self._file} {self._have}".encode()
        if self.over or not self._target or payload[:end] != wanted:
            return  # of another update, or come twice
        count = len(payload) - end - 1
        try:
            if count == 0 or self._have + count > self._size:
                raise ValueError("a piece of the wrong size")
            with open(self._target, "ab" if self._have else "wb") as file:
                file.write(memoryview(payload)[end + 1 :])
            self._have += count
            self._tries = 0
            if self._have < self._size:
                self._ask()
            elif digest_of(self._target) == self._digest:
                self._target = ""
            else:
                self._end(f"file {self._file} is not what the list says")
        except (OSError, ValueError) as error:
            self._end(f"the board could not take it: {error!r}")

    def _fetch(self, target: str, digest: str, size: int, number: int) -> None:
        """Ask for a file from the next step on. number: in the list, from 1; 0 is the list."""
        if not 0 < size <= _FILE_MAX:
            raise ValueError("a file of the wrong size")
        self._target, self._digest, self._size, self._file = target, digest, size, number
        self._have = self._tries = 0
        self._asked.off()

    def _ask(self) -> None:
        self._tries += 1
        if self._tries > _TRIES:
            self._end("nobody sends what the board asks for")
            return
        self._asked.set(self._now, _ANSWER_MS)
        self._say(self.number, "want", self._file, self._have)

    def _end(self, why: str) -> None:
        self.over = True
        self._refuse(self.number, why)

    # -- the list --------------------------------------------------------------------------------

    def _look(self) -> bool:
        """Look at the next line of the list; return whether all is there."""
        with open(self._list, "rb") as file:
            file.seek(self._offset)
            line = file.readline()
        self._offset += len(line)
        self._lines += 1
        if not self._body:
            self._read_header(line)
            self._body = self._offset
        elif line:
            digest, size, name = line.decode().split()
            if not (name == "config.json" or name.startswith("lib/")) or ".." in name:
                raise ValueError("a file that does not belong to an update")
            if self._putting:
                self._put(name, digest, int(size))
            elif digest_of(self._slots.path(self._place(name), name)) != digest:
                self._differs[_group(name)] = True
        elif self._putting:
            self._finish()
            return True
        else:
            self._decide()
        return False

    def _read_header(self, line: bytes) -> None:
        header = json.loads(line)
        loads = getattr(sys.implementation, "_mpy", 0) & 0xFF
        self._seconds = int(header["seconds"])
        if header["format"] != FORMAT or (loads and header["mpy"] != loads):
            self._end("it is for another MicroPython or firmware: flash the board over its cable")

    def _decide(self) -> None:
        """The list was compared with what is in use: now it is known what goes where."""
        differs = self._differs
        if not (differs["lib"] or differs["config.json"]):
            self._slots.accept(self.number)
            self.over = True
        for at, group in enumerate(("lib", "config.json")):
            if differs[group]:
                self._places[at] = "a" if self._places[at] == "b" else "b"
        self._putting = True
        self._offset, self._lines = self._body, 1

    def _put(self, name: str, digest: str, size: int) -> None:
        """See that a file is in its new place, if it has one."""
        if not self._differs[_group(name)]:
            return
        slots = self._slots
        target = slots.path(self._places[_group(name) != "lib"], name)
        if digest_of(target) == digest:
            return
        disk = os.statvfs(slots.root)
        if disk[0] * disk[3] < size + _SPARE:
            self._end(f"the board's disk is full, {size} bytes are needed")
            return
        _make_folders(slots.root, target)
        source = slots.path(self._place(name), name)
        if digest_of(source) != digest:
            self._fetch(target, digest, size, self._lines - 1)  # the first line is no file
            return
        _copy(source, target)
        if digest_of(target) != digest:
            raise ValueError("what was written is not what is there")

    def _place(self, name: str) -> str:
        """Return the place that a file of this name has among those in use."""
        return self._slots.chosen()[_group(name) != "lib"]

    def _finish(self) -> None:
        code, config = self._places
        if self._differs["lib"]:
            self._remove_others(self._slots.path(code, "lib/myocan"))
        self._slots.try_out(code, config, self.number, self._seconds)

    def _remove_others(self, folder: str) -> None:
        """Remove what an earlier update or flashing left in a place, and this one does not have."""
        with open(self._list, "rb") as file:
            known = [line.decode().split()[2] for line in file if line[:1] != b"{"]
        head = len(folder) - len("lib/myocan")
        wanted = [folder[:head] + name for name in known]
        folders = [folder]
        while folders:
            here = folders.pop()
            for name in os.listdir(here):
                path = f"{here}/{name}"
                if os.stat(path)[0] & 0x4000:
                    folders.append(path)
                elif path not in wanted and name != "manifest.json":
                    os.remove(path)


def _group(name: str) -> str:
    return "lib" if name[:4] == "lib/" else "config.json"


def _copy(source: str, target: str) -> None:
    block = bytearray(_BLOCK)
    view = memoryview(block)
    with open(source, "rb") as old, open(target, "wb") as new:
        while True:
            count = old.readinto(block)
            if not count:
                return
            new.write(view[:count])


def _make_folders(root: str, path: str) -> None:
    at = path.find("/", len(root))
    while at >= 0:
        try:  # noqa: SIM105 (a board has no contextlib)
            os.mkdir(path[:at])
        except OSError:
            pass  # it is there
        at = path.find("/", at + 1)
