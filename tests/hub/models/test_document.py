"""The worked example of `docs/state.md` does what the page says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs" / "state.md"


WHOLE_LINES = """
def print(*pieces):
    import sys
    sys.stdout.write(" ".join(map(str, pieces)) + "\\n")
"""
"""Lets no thread come between the pieces that another's `print` is made of."""


def test_the_kettle_remembers_and_tells_its_subscribers(tmp_path: Path) -> None:
    example = PAGE.read_text().split("```python\n")[1].split("```")[0]
    said = [
        subprocess.run(
            [sys.executable, "-c", WHOLE_LINES + example],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        for _ in range(2)
    ]
    assert sorted(said[0]) == [
        "cloud: setpoint=Decimal('66.5') enabled=True",
        "screen: speed=0 -> speed=30",
    ]
    assert sorted(said[1]) == [
        "cloud: setpoint=Decimal('66.5') enabled=True",
        "screen: None -> speed=30",
    ]
