"""Compile the modules that have a `.pxd` beside them: all of them, or none.

The one idea: a module `x.py` with a neighbour `x.pxd` is plain Python that Cython can also compile.
The same source is both the fast and the readable one, so a machine without a compiler gets the same
program, only slower. A mixture would be a third program that nobody tests, hence all or nothing.

hatchling runs `AccelBuildHook` for every wheel. Two environment variables steer it:

    SKIP_CYTHON=1      never compile: a pure wheel (`py3-none-any`)
    REQUIRE_CYTHON=1   any failure to compile is an error; without it, a warning and a pure wheel

What was built is kept in `build/accel`, under a name that follows from all that it was made of: the
wheels for `.venv` and for `.venv-test` are of the same sources, and compiling takes a minute.

An editable install does not compile unless REQUIRE_CYTHON=1, because a compiled module hides its
`.py`: an edit would show no effect. Developers who want it anyway:

    python tools/build_accel.py            compile beside the sources
    python tools/build_accel.py --clean    remove the libraries beside the sources
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PORTIONS = ("hub", "shared")
"""The top-level folders that may hold compiled modules; what boards run is never compiled."""

LIBRARY_SUFFIXES = (".so", ".pyd")

DIRECTIVES = {
    "language_level": 3,
    # C types live in the .pxd alone; annotations are for people and for mypy.
    "annotation_typing": False,
    "freethreading_compatible": True,
}

COMPILER_SETTINGS = ("CC", "CFLAGS", "CPPFLAGS", "CCSHARED", "LDSHARED", "LDFLAGS", "ARCHFLAGS")
"""What setuptools takes from the environment, or from what Python was built with."""

LIST = "built.json"
"""The file in the folder of a build that names its libraries and what is in them."""

KEPT_S = 24 * 3600.0
"""How long a build is kept that nobody uses, in seconds; longer than any build takes."""


def accelerated(root: Path) -> dict[str, Path]:
    """Return module name -> `.py` path (below `root`) of every module that has a `.pxd`."""
    found = {}
    for portion in PORTIONS:
        base = root / portion
        for pxd in sorted(base.rglob("*.pxd")):
            source = pxd.with_suffix(".py")
            if source.is_file():
                found[".".join(source.relative_to(base).with_suffix("").parts)] = source
    return found


def libraries(root: Path) -> Iterator[Path]:
    """Yield every compiled library that lies beside the sources."""
    for portion in PORTIONS:
        for suffix in LIBRARY_SUFFIXES:
            yield from (root / portion).rglob("*" + suffix)


def compile_all(root: Path) -> dict[Path, Path]:
    """Compile every accelerated module, or find what an earlier build made of the very same.

    Returns built library -> the path beside its source where it belongs. Raises whatever Cython,
    setuptools or the compiler raise; nothing outside `root/build` is touched.
    """
    modules = accelerated(root)
    if not modules:
        raise RuntimeError(f"no module with a .pxd beside it below {root}: nothing to compile")
    sources = read_sources(root, modules)
    builds = root / "build" / "accel"
    built = builds / made_of(sources)
    libraries = what_was_built(built)
    if libraries is None:
        builds.mkdir(parents=True, exist_ok=True)
        remove_old(builds)
        with tempfile.TemporaryDirectory(prefix="making-", dir=builds) as folder:
            making = Path(folder)
            names = {name: str(path.relative_to(root)) for name, path in modules.items()}
            compile_sources(sources, names, making)
            libraries = put_in_place(making / "lib", built)
    with contextlib.suppress(OSError):
        os.utime(built)
    return {
        built / libraries[name]: source.parent / Path(libraries[name]).name
        for name, source in modules.items()
    }


def read_sources(root: Path, modules: dict[str, Path]) -> dict[str, bytes]:
    """Return path below `root` -> content of all that Cython reads."""
    paths = set(modules.values())
    for portion in PORTIONS:
        paths.update((root / portion).rglob("*.pxd"))
        for module in modules.values():
            inside = (folder for folder in module.parents if folder.is_relative_to(root / portion))
            paths.update(filter(Path.is_file, (folder / "__init__.py" for folder in inside)))
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(paths)}


def made_of(sources: dict[str, bytes]) -> str:
    """Return the name of what is built of `sources` by this Python, these tools, this file."""
    settings = [
        *(sys.version, sysconfig.get_platform(), str(sysconfig.get_config_var("EXT_SUFFIX"))),
        *(str(sysconfig.get_config_var(name)) for name in COMPILER_SETTINGS),
        *(os.environ.get(name, "") for name in COMPILER_SETTINGS),
        *platform.libc_ver(),
        *(f"{tool} {importlib.metadata.version(tool)}" for tool in ("Cython", "setuptools")),
    ]
    total = hashlib.sha256(Path(__file__).read_bytes())
    for piece in (*settings, *sources):
        total.update(hashlib.sha256(piece.encode()).digest())
    for content in sources.values():
        total.update(hashlib.sha256(content).digest())
    return total.hexdigest()


def what_was_built(built: Path) -> dict[str, str] | None:
    """Return module -> library below `built`, or None if not all of them are there, and whole."""
    try:
        listed = json.loads((built / LIST).read_bytes())
        whole = all(hash_of(built / library) == has for library, has in listed["hashes"].items())
        return dict(listed["libraries"]) if whole else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def hash_of(library: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(library.read_bytes()).hexdigest()


def put_in_place(made: Path, built: Path) -> dict[str, str]:
    """Make of the libraries in `made` the build `built`, unless another process was first.

    Returns what `what_was_built` does. Raises RuntimeError if they are not there afterwards.
    """
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    found = {library: library.relative_to(made).as_posix() for library in made.rglob("*" + suffix)}
    listed = {
        "libraries": {name.removesuffix(suffix).replace("/", "."): name for name in found.values()},
        "hashes": {name: hash_of(library) for library, name in found.items()},
    }
    (made / LIST).write_text(json.dumps(listed))
    if built.exists() and what_was_built(built) is None:
        shutil.rmtree(built, ignore_errors=True)
    with contextlib.suppress(OSError):  # a folder with files in it is never replaced
        made.rename(built)
    libraries = what_was_built(built)
    if libraries is None:
        raise RuntimeError(f"{built} cannot be written; remove it and build again")
    return libraries


def remove_old(builds: Path) -> None:
    """Remove builds that nobody used for a while, and what a build that was ended has left."""
    for folder in builds.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > KEPT_S:
                shutil.rmtree(folder) if folder.is_dir() else folder.unlink()


def compile_sources(sources: dict[str, bytes], modules: dict[str, str], making: Path) -> None:
    """Compile a copy of `sources` in the folder `making`; the libraries come into its `lib`.

    A copy, so that the build is of what was read, whatever is edited meanwhile.
    """
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension

    for name, content in sources.items():
        path = making / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    flags = [] if sys.platform == "win32" else ["-O3", "-g0"]
    here = Path.cwd()
    os.chdir(making)  # setuptools would mirror absolute paths inside its build folder
    try:
        extensions = cythonize(
            [Extension(name, [path], extra_compile_args=flags) for name, path in modules.items()],
            build_dir="c",
            include_path=list(PORTIONS),
            compiler_directives=DIRECTIVES,
            nthreads=os.cpu_count() or 1,
            quiet=True,
        )
        # What takes longest comes first, so that no processor waits for it in the end.
        extensions.sort(key=lambda extension: -os.path.getsize(extension.sources[0]))
        command = Distribution({"ext_modules": extensions}).get_command_obj("build_ext")
        command.build_lib = "lib"
        command.build_temp = "temp"
        command.parallel = os.cpu_count()
        command.ensure_finalized()
        command.run()
    finally:
        os.chdir(here)


def place_beside_sources(built: dict[Path, Path]) -> None:
    """Copy built libraries to where the interpreter looks first."""
    for library, place in built.items():
        shutil.copy(library, place)  # as of now: it is of the sources as they are now


def wanted(name: str) -> bool:
    """Whether the environment variable `name` is set to something that means yes."""
    return os.environ.get(name, "").lower() not in ("", "0", "false", "no")


class AccelBuildHook(BuildHookInterface[Any]):
    """hatchling's entry: puts the compiled modules into the wheel, or leaves it pure."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before the wheel is put together; `version` is "standard" or "editable"."""
        required = wanted("REQUIRE_CYTHON")
        if wanted("SKIP_CYTHON") or (version == "editable" and not required):
            return
        root = Path(self.root)
        try:
            built = compile_all(root)
        except (Exception, SystemExit) as error:  # distutils ends the process for some failures
            if required:
                raise
            self.app.display_warning(f"myocan stays pure Python, slower but the same: {error}")
            return
        if version == "editable":
            place_beside_sources(built)
            return
        for library, place in built.items():
            portion = place.relative_to(root).parts[0]
            build_data["force_include"][str(library)] = str(place.relative_to(root / portion))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True


def main() -> int:
    """Build beside the sources, or clean up; for developers."""
    parser = argparse.ArgumentParser(description="Compile the core beside its sources.")
    parser.add_argument("--clean", action="store_true", help="remove compiled libraries instead")
    clean = parser.parse_args().clean
    root = Path(__file__).resolve().parent.parent
    for library in list(libraries(root)):
        library.unlink()
    if clean:
        return 0
    built = compile_all(root)
    place_beside_sources(built)
    for place in built.values():
        print(place.relative_to(root))
    return 0


if __name__ == "__main__":
    sys.exit(main())
