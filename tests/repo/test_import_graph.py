"""The parts know of each other only what the architecture allows.

Read from the source with `ast` (and from the `.pxd` files' cimports), so an import inside a
function or under TYPE_CHECKING counts like any other: a dependency is a dependency.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

MAY_KNOW = {
    "myocan.wire": {"myocan.wire"},
    "myocan.edge": {"myocan.edge", "myocan.wire"},
    "myocan.hub": {"myocan.hub", "myocan.wire"},
    "myocan.boards": {"myocan.boards"},
    "myocan.tools": {"myocan.tools", "myocan.hub", "myocan.edge", "myocan.wire", "myocan.boards"},
}
"""Part -> the parts it may import."""

MUST_NOT_KNOW = {
    "myocan.hub.lang": ("myocan.hub.store", "myocan.hub.bus", "myocan.hub.agent"),
    "myocan.hub.core": ("myocan.hub.store", "myocan.hub.bus", "myocan.hub.agent"),
    "myocan.hub.timetable": ("myocan.hub.store", "myocan.hub.bus", "myocan.hub.agent"),
    "myocan.hub.calendar": ("myocan.hub.store", "myocan.hub.bus", "myocan.hub.agent"),
    "myocan.hub.scenario": ("myocan.hub.store", "myocan.hub.bus", "myocan.hub.agent"),
    "myocan.hub.models": (
        "myocan.hub.core",
        "myocan.hub.lang",
        "myocan.hub.bus",
        "myocan.hub.agent",
    ),
}
"""Inside the hub: what decides knows neither disk nor network, and a library is no hub."""

PORTIONS = ("shared", "edge", "hub", "tools", "boards")


def modules() -> Iterator[tuple[str, Path]]:
    """Yield (module name, file) of every Python and Cython source of ours."""
    for portion in PORTIONS:
        base = ROOT / portion
        for path in sorted([*base.glob("myocan/**/*.py"), *base.glob("myocan/**/*.pxd")]):
            parts = path.relative_to(base).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            yield name, path


def imported(name: str, path: Path) -> Iterator[str]:
    """Yield the dotted names that a file imports, relative ones resolved."""
    text = path.read_text()
    if path.suffix == ".pxd":
        for match in re.finditer(r"^\s*(?:from\s+(\S+)\s+)?cimport\s+(\S+)", text, re.MULTILINE):
            yield match[1] or match[2]
        return
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(text, str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{stem}.{alias.name}" for alias in node.names)


def below(name: str, root: str) -> bool:
    """Whether dotted `name` is `root` or something inside it."""
    return name == root or name.startswith(root + ".")


def test_every_part_imports_only_the_parts_it_may_know() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {target}"
        for name, path in modules()
        for part, known in MAY_KNOW.items()
        if below(name, part)
        for target in imported(name, path)
        if below(target, "myocan") and not any(below(target, root) for root in known)
    ]
    assert not wrong


def test_what_decides_imports_neither_disk_nor_network() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {target}"
        for name, path in modules()
        for part, banned in MUST_NOT_KNOW.items()
        if below(name, part)
        for target in imported(name, path)
        if any(below(target, root) for root in banned)
    ]
    assert not wrong


def test_firmware_imports_only_what_a_board_carries() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in sorted((ROOT / "firmware").glob("*.py"))
        for target in imported(path.stem, path)
        if below(target, "myocan")
        and not any(below(target, root) for root in ("myocan.wire", "myocan.edge"))
    ]
    assert not wrong


def test_no_part_turns_the_shared_namespace_into_a_package() -> None:
    assert [str(path.relative_to(ROOT)) for path in ROOT.glob("*/myocan/__init__.py*")] == []


@pytest.mark.parametrize("package", ["wire", "edge", "hub", "tools"])
def test_every_package_says_that_it_is_typed(package: str) -> None:
    folder = "shared" if package == "wire" else package
    assert (ROOT / folder / "myocan" / package / "py.typed").is_file()


@pytest.mark.parametrize(
    ("package", "heavy"),
    [
        ("myocan.wire", ["myocan.hub", "typing", "dataclasses"]),
        ("myocan.hub", ["lark", "astral", "holidays", "amqtt", "rich", "gpiozero", "mpremote"]),
        ("myocan.edge", ["myocan.hub", "gpiozero", "mpremote", "rich"]),
        ("myocan.tools.cli", ["lark", "amqtt", "holidays", "rich.live", "mpremote", "pydantic"]),
    ],
)
def test_importing_a_package_loads_nothing_heavy(package: str, heavy: list[str]) -> None:
    code = f"import sys, {package}; print([n for n in {heavy!r} if n in sys.modules])"
    if package == "myocan.wire":  # the interpreter's own start may have loaded what wire must not
        code = (
            f"import sys; before = set(sys.modules); import {package}; "
            f"print([n for n in {heavy!r} if n in sys.modules and n not in before])"
        )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300
    ).stdout
    assert out.strip() == "[]"
