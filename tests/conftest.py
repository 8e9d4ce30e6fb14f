"""What holds for every test: the build under test is known, and nothing is left running.

Three things live here and nowhere else: the session stops when a compiled library is older than the
source it hides (an edit would seem to have no effect), the header says which build is tested, and
every test is checked for threads and processes that it left behind.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["myocan.tools.pytest_plugin"]
"""Also where myocan is not installed, but only on the path."""

ROOT = Path(__file__).resolve().parent.parent
PORTIONS = ("hub", "shared")
LIBRARY_SUFFIXES = (".so", ".pyd")
OF_EACH_BUILD = (
    "core",
    "fuzz",
    "histories",
    "lang",
    "scenario",
    "hub/agent/test_any_deployments.py",
)
"""What is run of both builds of the core: all that could tell them apart. The rest, whole hubs with
their brokers and boards, command lines, models, takes most of the time and is run of one."""

OF_ONE_BUILD = (
    "lang/schedules",
    "lang/test_api.py",
    "lang/test_diagnostics.py",
    "lang/test_formatter.py",
    "lang/test_fuzz.py",
    "lang/test_golden.py",
    "lang/test_house.py",
    "scenario/test_diagnostics.py",
    "scenario/test_formatter.py",
    "scenario/test_fuzz.py",
)
"""What of that is run of one nonetheless: texts are read and written there, and no rule runs. Rules
call nothing that is compiled before they do; scenarios are linked, as `core/test_link.py` tries."""

GRACE_S = 30.0
"""How long a thread or process that a test has told to end may take to do so."""


def accelerated_sources() -> dict[str, Path]:
    """Return module name -> source of every module with a `.pxd` beside it, in the checkout."""
    return {
        ".".join(pxd.relative_to(ROOT / portion).with_suffix("").parts): pxd.with_suffix(".py")
        for portion in PORTIONS
        for pxd in (ROOT / portion).rglob("*.pxd")
        if pxd.with_suffix(".py").exists()
    }


def stale_libraries() -> list[Path]:
    """Return the compiled libraries in the checkout that are older than what they were made of."""
    stale = []
    for portion in PORTIONS:
        for suffix in LIBRARY_SUFFIXES:
            for library in (ROOT / portion).rglob("*" + suffix):
                stem = library.name.split(".")[0]
                made_of = [library.parent / (stem + ".py"), library.parent / (stem + ".pxd")]
                if any(
                    not source.exists() or source.stat().st_mtime > library.stat().st_mtime
                    for source in made_of
                ):
                    stale.append(library)
    return stale


def is_compiled(module: str) -> bool:
    """Whether Python would load `module` from a compiled library."""
    spec = find_spec(module)
    return bool(spec and spec.origin and spec.origin.endswith(LIBRARY_SUFFIXES))


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to test a library that hides a newer source, or another build than was asked for."""
    if stale := stale_libraries():
        names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
        pytest.exit(
            f"older than its source: {names}. Build again with `python tools/build_accel.py`, "
            "or remove it with `python tools/build_accel.py --clean`.",
            returncode=4,
        )

    core, wanted = core_build(), os.environ.get("MYOCAN_TEST_CORE", "")
    if core == "half" or wanted not in ("", core):
        pytest.exit(
            f"the core that Python finds is {core}, not {wanted or 'of one kind'}: install again, "
            "or let tools/test do it",
            returncode=4,
        )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of the second build, run only what is of each."""
    if os.environ.get("MYOCAN_TEST_AGAIN") != "1":
        return
    of_each, of_one = (
        [ROOT / "tests" / place for place in places] for places in (OF_EACH_BUILD, OF_ONE_BUILD)
    )
    again = [
        any(map(item.path.is_relative_to, of_each))
        and not any(map(item.path.is_relative_to, of_one))
        for item in items
    ]
    config.hook.pytest_deselected(
        items=[item for item, kept in zip(items, again, strict=True) if not kept]
    )
    items[:] = [item for item, kept in zip(items, again, strict=True) if kept]


def core_build() -> str:
    """Return which build of the core Python would load: "compiled", "pure", or "half"."""
    kinds = {is_compiled(module) for module in accelerated_sources()}
    return {frozenset({True}): "compiled", frozenset({True, False}): "half"}.get(
        frozenset(kinds), "pure"
    )


# How long an example takes says something of the machine, and nothing of the code.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

STAY = ("multiprocessing.resource_tracker", "support/forking.py")
"""What Python starts with the first process of a pool, and what command lines are forked from: one
of each, for as long as the session runs."""


def pytest_report_header(config: pytest.Config) -> str:
    """Say which of the two builds this run tests."""
    return f"myocan core: {core_build()}"


def living_children() -> set[int]:
    """Return the ids of this process's children that still run; empty where /proc has none."""
    living = set()
    for task in Path("/proc/self/task").glob("*/children"):
        try:
            pids = [int(pid) for pid in task.read_text().split()]
        except OSError:
            continue
        for pid in pids:
            try:
                state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if state != "Z":
                living.add(pid)
    return living


def await_end(pids: set[int], deadline: float) -> set[int]:
    """Wait until `deadline` (monotonic) for processes to end; return those that did not."""
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        finally:
            os.close(descriptor)
    return pids & living_children()


def command_line(pid: int) -> str:
    """Return what a process was started as, for a message."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return "?"


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """Fail a test that leaves a thread or a child process behind."""
    threads, children = set(threading.enumerate()), living_children()
    yield
    deadline = time.monotonic() + GRACE_S
    for thread in set(threading.enumerate()) - threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    left = [thread.name for thread in set(threading.enumerate()) - threads]
    assert not left, f"threads left behind: {left}"
    if new := living_children() - children:
        ends = {pid for pid in new if not any(one in command_line(pid) for one in STAY)}
        left = [command_line(pid) for pid in await_end(ends, deadline)]
        assert not left, f"processes left behind: {left}"
