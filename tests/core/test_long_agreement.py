"""The long run works, and finds nothing in a moment."""

from __future__ import annotations

import pytest

from core import long_agreement


def test_the_long_run_compares_houses_and_says_how_many(capsys: pytest.CaptureFixture[str]) -> None:
    assert long_agreement.main(["--houses", "3", "--steps", "4"]) == 0
    assert capsys.readouterr().out.count(": 3 houses in the ") == 3
