"""docs/ports.md: every file that it shows is right, and so is what it says of kinds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from myocan.hub.lang import compile_module
from myocan.tools.adapters import PORT_KINDS, load_adapter
from myocan.tools.adapters.own_kinds import STATEMENTS

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "ports.md").read_text()
FILES = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("text", FILES, ids=lambda text: re.search(r'kind = "(.*)"', text)[1])  # type: ignore[index]
def test_each_file_is_right(text: str, tmp_path: Path) -> None:
    whole = text if "board =" in text else f'board = "pico-w"\n{text}'
    for folder in ("adapters", "ports"):
        (tmp_path / folder).mkdir()
    shutter = ROOT / "examples" / "shutter" / "ports" / "shutter.py"
    (tmp_path / "ports" / "shutter.py").write_text(shutter.read_text())
    path = tmp_path / "adapters" / "porch.toml"
    path.write_text(whole)
    adapter = load_adapter(path)
    assert [each.message for each in adapter.warnings if "strapping" not in each.message] == []


def test_each_kind_has_its_place() -> None:
    for kind in PORT_KINDS:
        assert f"`{kind}`" in TEXT or f"`{kind}" in TEXT, kind
    for statement in STATEMENTS:
        assert f"`{statement}`" in TEXT or f"{statement} = " in TEXT, statement


def test_the_module_is_right() -> None:
    (source,) = re.findall(r"```scc\n(.*?)```", TEXT, re.DOTALL)
    compiled = compile_module(source, "meter")
    assert compiled.program is not None, [each.message for each in compiled.diagnostics]


def test_the_test_of_the_shutter_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    code = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)[-1]
    monkeypatch.chdir(ROOT)
    names = {"Path": Path}
    exec(code, names)
    names["pins"].close()  # type: ignore[attr-defined]
