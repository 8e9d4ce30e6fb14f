"""An update as it is sent: the list of files, the files, and the signed offer.

The format is the board's, see `myocan.edge.fetch`: the same code signs here and checks there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from myocan.edge.fetch import FORMAT, signature_of

PIECE = 512
"""Bytes of a file in one message; with its topic that fits into a board's buffer."""
TRIAL_S = 60
"""How long a board may take to be online with an update."""


@dataclass(frozen=True)
class Release:
    """An update for one board.

    number: above those of all former ones. files: the list first, then the files that it names.
    offer: what goes onto the board's topic `config`.
    """

    number: int
    files: tuple[bytes, ...]
    offer: bytes
    trial_s: int

    def piece(self, file: int, offset: int) -> bytes | None:
        """Return the message that a board asks for; None if there is no such piece."""
        if not 0 <= file < len(self.files) or not 0 <= offset < len(self.files[file]):
            return None
        head = f"{self.number} {file} {offset}\n".encode()
        return head + self.files[file][offset : offset + PIECE]


def parts(files: Mapping[str, Path]) -> dict[str, bytes]:
    """Return what of a board's files an update may replace: name in its list -> contents.

    files: path on the board -> file, as `stage` made them.
    """
    return {
        path[1:]: file.read_bytes()
        for path, file in sorted(files.items())
        if path.startswith("/lib/") or path == "/config.json"
    }


def make_release(
    files: Mapping[str, Path],
    topic: str,
    *,
    number: int,
    key: bytes,
    mpy: int,
    trial_s: int = TRIAL_S,
) -> Release:
    """Make an update.

    files: path on the board -> file, as `stage` made them. topic: the board's `config`. number: see
    `next_number`. key: the board's. mpy: version of the bytecode. trial_s: how long the board may
    take to be online with it, in seconds.
    """
    contents = parts(files)
    header = json.dumps({"format": FORMAT, "mpy": mpy, "seconds": trial_s})
    lines = [header]
    lines += [
        f"{hashlib.sha256(content).hexdigest()} {len(content)} {name}"
        for name, content in contents.items()
    ]
    listed = ("\n".join(lines) + "\n").encode()
    digest = hashlib.sha256(listed).hexdigest()
    signature = signature_of(key, topic, number, digest, len(listed))
    offer = json.dumps([number, digest, len(listed), signature]).encode()
    return Release(number, (listed, *contents.values()), offer, trial_s)
