"""Texts and bytes made worse: a corpus, what is done to its entries, and always the same by seed.

The one idea: what finds faults is nearly right. So an entry of the corpus has a few pieces cut,
doubled, exchanged, or replaced by what has broken readers before: odd numbers, quotes, halves of
characters, brackets a thousand deep.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

CORPUS = Path(__file__).with_name("corpus")
MOST = 40_000
"""Bytes of an input, at most; a little more than the longest payload that is read."""

PIECES = (
    *(b"", b"0", b"-0", b"-1", b"1.0", b"1e5", b"1e999", b"-1e999", b"NaN", b"inf", b"nan"),
    *(b"2147483647", b"2147483648", b"4294967296", b"9223372036854775807", b"9223372036854775808"),
    *(b"-9223372036854775808", b"9" * 40, b"0." + b"9" * 30, b"253402300800000", b"1_000", b"0x7f"),
    *(b"null", b"true", b"false", b'""', b'"', b"'", b"\\", b"\\u0000", b"\\ud800", b"\\udc00"),
    *(b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", "ß".encode()),
    *(
        b"\n",
        b"\r",
        b"\t",
        b" ",
        b",",
        b":",
        b";",
        b"=",
        b".",
        b"/",
        b"+",
        b"#",
        b"%",
        b"%2F",
        b"$",
    ),
    *(b"{", b"}", b"[", b"]", b"(", b")", b"{}", b"[]", b"[[", b"]]", b"[" * 2000, b"{" * 2000),
    *(b'{"a":' * 500, b"x" * 4097, b"(" * 200, b"mc1/", b"$board", b"$instances", b"up/"),
)


def load(target: str) -> list[bytes]:
    """Return the corpus of a target: a line each, a JSON text, or an object with `hex`."""
    entries = []
    for line in (CORPUS / f"{target}.jsonl").read_text(encoding="utf-8").strip("\n").split("\n"):
        entry = json.loads(line)
        entries.append(entry.encode() if isinstance(entry, str) else bytes.fromhex(entry["hex"]))
    return entries


def mutated(entries: list[bytes], chance: random.Random) -> bytes:
    """Return an entry made worse."""
    data = bytearray(chance.choice(entries))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.choice((0, 1, 1, 2, 4, 8, 30)))
        what = chance.randrange(8)
        if what == 0:
            del data[start:end]
        elif what == 1:
            data[start:end] = data[start:end] * chance.choice((2, 3, 50))
        elif what == 2:
            other = chance.choice(entries)
            place = chance.randrange(len(other) + 1)
            data[start:end] = other[place : place + chance.choice((1, 4, 20, 100))]
        elif what == 3 and start < len(data):
            data[start] ^= 1 << chance.randrange(8)
        elif what == 4 and start < len(data):
            data[start] = chance.randrange(256)
        else:
            data[start:end] = chance.choice(PIECES)
    return bytes(data[:MOST])
