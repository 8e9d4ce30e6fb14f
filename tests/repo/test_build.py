"""What the build puts into a wheel, and what it must never leave out or carry along."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of the files in a pure wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    code = f"from hatchling.build import build_wheel; build_wheel({str(folder)!r})"
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"SKIP_CYTHON": "1", "PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
        timeout=1200,
    )
    (file,) = folder.glob("*.whl")
    assert file.name.endswith("-py3-none-any.whl")
    return zipfile.ZipFile(file).namelist()


@pytest.mark.parametrize(
    "name",
    [
        "myocan/wire/__init__.py",
        "myocan/edge/__init__.py",
        "myocan/hub/__init__.py",
        "myocan/hub/py.typed",
        "myocan/tools/cli/__init__.py",
        "myocan/boards/unix.toml",
        "myocan/tools/firmware/main.py",
        "myocan/tools/examples/house/myocan.toml",
        "myocan/tools/examples/house/adapters/porch.toml",
    ],
)
def test_the_wheel_holds(wheel: list[str], name: str) -> None:
    assert name in wheel


def test_the_wheel_holds_every_module_of_every_portion(wheel: list[str]) -> None:
    missing = [
        path.relative_to(ROOT / portion).as_posix()
        for portion in ("shared", "edge", "hub", "tools", "boards")
        for path in (ROOT / portion).glob("myocan/**/*.py")
        if path.relative_to(ROOT / portion).as_posix() not in wheel
    ]
    assert not missing


def test_the_wheel_holds_nothing_that_running_left_behind(wheel: list[str]) -> None:
    assert [n for n in wheel if ".myocan/" in n or "__pycache__" in n or n.endswith(".so")] == []
    assert "myocan/__init__.py" not in wheel


def test_every_pxd_describes_a_module_or_is_taken_in_by_one_that_does() -> None:
    """Any other would be left out of the build in silence."""
    pxds = [path for portion in ("hub", "shared") for path in (ROOT / portion).rglob("*.pxd")]
    texts = {path: path.read_text() for path in pxds}
    alone = [
        str(path.relative_to(ROOT))
        for path in pxds
        if not path.with_suffix(".py").exists()
        and not any(
            f".{path.stem} cimport" in text or f"cimport {path.stem}" in text
            for other, text in texts.items()
            if other != path
        )
    ]
    assert alone == []


def test_no_board_code_is_compiled_for_the_hub() -> None:
    """The edge runs on MicroPython, which reads no compiled CPython module."""
    assert list((ROOT / "edge").rglob("*.pxd")) == []
