"""What was compiled is taken again where it is of the very same, and nowhere else."""

from __future__ import annotations

import importlib.util
import json
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SUFFIX = str(sysconfig.get_config_var("EXT_SUFFIX"))
MODULES = ("myocan.hub.core.a", "myocan.hub.core.b")


class Checkout:
    """A checkout of two modules, and a compiler that writes what it was given."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        spec = importlib.util.spec_from_file_location("build_accel", ROOT / "tools/build_accel.py")
        assert spec is not None
        assert spec.loader is not None
        self.accel: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.accel)
        monkeypatch.setattr(self.accel, "compile_sources", self.compile_sources)
        self.root = root
        self.core = root / "hub/myocan/hub/core"
        self.core.mkdir(parents=True)
        (root / "shared").mkdir()
        for name in ("a.py", "a.pxd", "b.py", "b.pxd", "native.pxd", "__init__.py", "other.py"):
            (self.core / name).write_text(name)
        self.compiled = 0
        self.meanwhile: Callable[[], object] = lambda: None

    def compile_sources(self, sources: dict[str, bytes], modules: dict[str, str], to: Path) -> None:
        self.compiled += 1
        self.meanwhile()
        for name, path in modules.items():
            library = to / "lib" / (name.replace(".", "/") + SUFFIX)
            library.parent.mkdir(parents=True, exist_ok=True)
            library.write_bytes(b"compiled: " + sources[path])

    def build(self) -> list[Path]:
        """Build; check what came of it, and return the libraries."""
        built = self.accel.compile_all(self.root)
        assert {place.name: library.read_bytes() for library, place in built.items()} == {
            f"{name}{SUFFIX}": b"compiled: " + (self.core / f"{name}.py").read_bytes()
            for name in ("a", "b")
        }
        assert {place.parent for place in built.values()} == {self.core}
        return sorted(built)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    return Checkout(tmp_path, monkeypatch)


def test_what_was_built_of_the_same_is_taken_again(checkout: Checkout) -> None:
    first = checkout.build()
    (checkout.core / "other.py").write_text("not compiled, so it does not matter")
    assert checkout.build() == first
    assert checkout.compiled == 1


@pytest.mark.parametrize("name", ["a.py", "b.pxd", "native.pxd", "__init__.py"])
def test_what_was_edited_is_built_again(checkout: Checkout, name: str) -> None:
    first = checkout.build()
    text = (checkout.core / name).read_text()
    (checkout.core / name).write_text("changed")
    assert set(checkout.build()).isdisjoint(first)
    (checkout.core / name).write_text(text)
    assert checkout.build() == first
    assert checkout.compiled == 2


def test_a_source_of_another_name_is_built(checkout: Checkout) -> None:
    checkout.build()
    (checkout.core / "native.pxd").rename(checkout.core / "figures.pxd")
    checkout.build()
    assert checkout.compiled == 2


def test_other_tools_build_again(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout.build()
    monkeypatch.setenv("CFLAGS", "-O0")
    checkout.build()
    monkeypatch.setattr("sys.version", "4.0.0 (main)")
    checkout.build()
    monkeypatch.setattr(checkout.accel.importlib.metadata, "version", lambda tool: "99.0")
    checkout.build()
    assert checkout.compiled == 4


@pytest.mark.parametrize("harm", ["cut", "gone", "list cut", "list gone"])
def test_a_build_that_is_not_whole_is_made_again(checkout: Checkout, harm: str) -> None:
    library, _ = checkout.build()
    listed = next(checkout.root.glob("build/accel/*/built.json"))
    assert set(json.loads(listed.read_text())["libraries"]) == set(MODULES)
    target = listed if harm.startswith("list") else library
    if harm.endswith("cut"):
        target.write_bytes(target.read_bytes()[:-1])
    else:
        target.unlink()
    checkout.build()
    assert checkout.compiled == 2


def test_two_at_once_agree_on_one(checkout: Checkout) -> None:
    def other() -> None:
        checkout.meanwhile = lambda: None
        checkout.build()

    checkout.meanwhile = other
    built = checkout.build()
    assert checkout.compiled == 2
    assert checkout.build() == built
    assert checkout.compiled == 2


def test_what_is_edited_meanwhile_is_not_what_was_built(checkout: Checkout) -> None:
    source = checkout.core / "a.py"
    text = source.read_text()
    checkout.meanwhile = lambda: source.write_text("changed")
    built = checkout.accel.compile_all(checkout.root)
    assert sorted(built)[0].read_bytes() == b"compiled: " + text.encode()
    checkout.build()
    assert checkout.compiled == 2


def test_a_build_that_failed_leaves_nothing(checkout: Checkout) -> None:
    def fail() -> None:
        raise RuntimeError("no compiler")

    checkout.meanwhile = fail
    with pytest.raises(RuntimeError, match="no compiler"):
        checkout.build()
    assert list((checkout.root / "build/accel").iterdir()) == []


def test_old_builds_go_and_those_in_use_stay(checkout: Checkout) -> None:
    (old,) = {library.parents[3] for library in checkout.build()}
    (checkout.core / "a.py").write_text("changed")
    checkout.build()
    assert old.is_dir()
    checkout.accel.KEPT_S = -60.0
    (checkout.core / "b.py").write_text("changed")
    checkout.build()
    assert not old.exists()
