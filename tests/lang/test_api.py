"""What the package offers, and what it costs to import it."""

from __future__ import annotations

import subprocess
import sys

from myocan.hub import lang


def test_the_public_names_are_these() -> None:
    assert sorted(lang.__all__) == [
        "COMPILER_VERSION",
        "Compiled",
        "Diagnostic",
        "Topic",
        "check",
        "check_house",
        "compile_module",
        "file_name",
        "format_module",
    ]
    assert all(hasattr(lang, name) for name in lang.__all__)


def test_importing_the_package_does_not_import_the_grammar_tool() -> None:
    code = "import sys, myocan.hub.lang; print('lark' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_ten_line_lamp_compiles_without_a_word_of_complaint() -> None:
    text = """\
MODULE lamp1
    SUBSCRIBE button1.press
    PUBLIC state {on, off}
    ON button1.press
      AND state==off
      THEN state=on
    ON button1.press
      THEN state=off
"""
    compiled = lang.compile_module(text, "lamp1")
    assert compiled.diagnostics == []
    assert compiled.program is not None
    assert compiled.program.module == "lamp1"
