"""The test vectors are the contract: both runtimes read and write exactly what they say."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from myocan.tools.wasm import NoWasm, run_wasm
from support import wire_vectors

HERE = Path(__file__).resolve().parent
VECTORS = HERE.parent / "vectors" / "wire.json"
SUPPORT = HERE.parent / "support"
WIRE = HERE.parents[1] / "shared" / "myocan" / "wire"


def test_cpython_reads_and_writes_what_the_vectors_say(vectors: list[dict[str, Any]]) -> None:
    faults = [(vector, wire_vectors.fault(vector)) for vector in vectors]
    assert [fault for fault in faults if fault[1]] == []


def test_micropython_reads_and_writes_what_the_vectors_say(
    on_board: Callable[..., str], vectors: list[dict[str, Any]]
) -> None:
    said = on_board("vectors_on_board.py", VECTORS, SUPPORT, heap_kib=1024)
    assert said.splitlines()[-1] == f"{len(vectors)} vectors, 0 faults", said


def test_micropython_of_32_bits_reads_and_writes_what_the_vectors_say(
    vectors: list[dict[str, Any]],
) -> None:
    """Its integers are as small as a board's; what is larger is another kind of object."""
    files = {f"/lib/myocan/wire/{path.name}": path for path in WIRE.glob("*.py")}
    files |= {"/lib/wire_vectors.py": SUPPORT / "wire_vectors.py", "/wire.json": VECTORS}
    script = (HERE / "vectors_on_board.py").read_text(encoding="utf-8")
    script = script.replace("sys.argv[1]", "'/wire.json'").replace("sys.argv[2]", "'/lib'")
    try:
        said = run_wasm(["import sys\nassert sys.maxsize == 2**31 - 1", script], files)
    except NoWasm as error:
        pytest.skip(str(error))
    assert said.splitlines()[-1] == f"{len(vectors)} vectors, 0 faults", said


def test_the_reference_encoder_writes_the_vectors_that_are_checked_in() -> None:
    made = subprocess.run(
        [sys.executable, str(HERE / "reference_encoder.py")],
        capture_output=True,
        check=True,
        timeout=300,
    ).stdout
    assert made == VECTORS.read_bytes(), "python tests/wire/reference_encoder.py > (that file)"


def test_the_reference_encoder_shares_no_line_with_the_package() -> None:
    assert "myocan" not in (HERE / "reference_encoder.py").read_text(encoding="utf-8")


def test_every_topic_and_message_has_vectors_of_both_kinds(vectors: list[dict[str, Any]]) -> None:
    count = Counter((vector["what"], "bad" in vector) for vector in vectors)
    for what in wire_vectors.DECODERS:
        assert count[what, False] >= 3
        assert count[what, True] >= 10
    leaves = {
        v["is"][-1] for v in vectors if v["what"] == "topic" and v.get("is", [0])[0] == "board"
    }
    assert leaves >= {"base", "ack", "status", "propose", "verdict", "log", "config"}
