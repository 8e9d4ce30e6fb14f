"""`check` reads `externals.py` without running it, and misses what rules call in vain."""

from __future__ import annotations

from pathlib import Path

import pytest

from myocan.hub.house import House
from myocan.tools.house_check import check_house

RULES = """MODULE bell
SUBSCRIBE button.press
EXTERNAL notify
EXTERNAL ring
ON button.press
  THEN notify("ding")
  THEN notify("dong")
  THEN ring()
"""


def told(folder: Path, externals: str | None) -> list[str]:
    (folder / "modules").mkdir()
    (folder / "myocan.toml").write_text('domain = "home"\n')
    (folder / "modules" / "bell.scc").write_text(RULES)
    if externals is not None:
        (folder / "externals.py").write_text(externals)
    findings = check_house(House.load(folder))
    return [f"{one.severity} {Path(one.file).name}:{one.line}" for one in findings[1:]]


NOTIFY = "from myocan.hub import external\n@external\ndef Notify(text, *, key): ...\n"
RING = "external.register('ring', print)\n"


@pytest.mark.parametrize(
    ("externals", "expected"),
    [
        (None, ["warning bell.scc:6", "warning bell.scc:8"]),
        (NOTIFY, ["warning bell.scc:8"]),
        (NOTIFY + RING, []),
        (NOTIFY + "external.register(name(), print)\n", []),  # nobody knows what that is
        ("from myocan.hub import external as e\n", []),
        ("import myocan.hub\n@myocan.hub.external\ndef notify(): ...\n", ["warning bell.scc:8"]),
        ("1/0\n", ["warning bell.scc:6", "warning bell.scc:8"]),  # it is not run
        ("def broken(:\n", ["error externals.py:1"]),
        ("\0", ["error externals.py:None"]),
        ("(" * 5000, ["error externals.py:1"]),
    ],
)
def test_the_functions_that_rules_call_are_looked_for(
    tmp_path: Path, externals: str | None, expected: list[str]
) -> None:
    assert told(tmp_path, externals) == expected
