"""Compile the modules that have a `.pxd` beside them: all of them, or none.

The one idea: a module `x.py` with a neighbour `x.pxd` is plain Python that Cython can also compile.
The same source is both the fast and the readable one, so a machine without a compiler gets the same
program, only slower. A mixture would be a third program that nobody tests, hence all or nothing.

hatchling runs `AccelBuildHook` for every wheel. Two environment variables steer it:

    SKIP_CYTHON=1      never compile: a pure wheel (`py3-none-any`)
    REQUIRE_CYTHON=1   any failure to compile is an error; without it, a warning and a pure wheel

An editable install does not compile unless REQUIRE_CYTHON=1, because a compiled module hides its
`.py`: an edit would show no effect. Developers who want it anyway:

    python tools/build_accel.py            compile beside the sources
    python tools/build_accel.py --clean    remove what that left
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
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
    """Compile every accelerated module into `root/build`.

    Returns built library -> the path beside its source where it belongs. Raises whatever Cython,
    setuptools or the compiler raise; nothing outside `root/build` is touched.
    """
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension

    modules = accelerated(root)
    if not modules:
        raise RuntimeError(f"no module with a .pxd beside it below {root}: nothing to compile")
    flags = [] if sys.platform == "win32" else ["-O3", "-g0"]
    build = root / "build" / "accel"
    shutil.rmtree(build, ignore_errors=True)
    here = Path.cwd()
    os.chdir(root)  # setuptools would mirror absolute paths inside its build folder
    try:
        extensions = cythonize(
            [
                Extension(name, [str(path.relative_to(root))], extra_compile_args=flags)
                for name, path in modules.items()
            ],
            build_dir=str(build.relative_to(root) / "c"),
            include_path=list(PORTIONS),
            compiler_directives=DIRECTIVES,
            quiet=True,
        )
        command = Distribution({"ext_modules": extensions}).get_command_obj("build_ext")
        command.build_lib = str(build / "lib")
        command.build_temp = str(build / "temp")
        command.parallel = os.cpu_count()
        command.ensure_finalized()
        command.run()
        return {
            Path(command.get_ext_fullpath(name)): path.parent / Path(library).name
            for name, path in modules.items()
            for library in [command.get_ext_filename(name)]
        }
    finally:
        os.chdir(here)


def place_beside_sources(built: dict[Path, Path]) -> None:
    """Move built libraries to where the interpreter looks first."""
    for library, place in built.items():
        shutil.copy2(library, place)


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
        shutil.rmtree(root / "build" / "accel", ignore_errors=True)
        return 0
    built = compile_all(root)
    place_beside_sources(built)
    for place in built.values():
        print(place.relative_to(root))
    return 0


if __name__ == "__main__":
    sys.exit(main())
