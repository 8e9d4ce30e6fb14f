"""Runs the models of this folder through `spin`: the sound designs and the mutants they must catch.

python tests/models/verify.py               all of the suite's runs, with their counts of states
python tests/models/verify.py --thorough    larger ones, for an hour and 4 GB of memory
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
MEGABYTES = 1500
"""Most memory that a run of the suite may take; a thorough one may take 4 GB."""


@dataclass(frozen=True)
class Run:
    """A verification: model, its `-D` settings, and whether an error must be found."""

    model: str
    settings: tuple[str, ...] = ()
    mutant: str = ""

    @property
    def is_live(self) -> bool:
        return "LIVE" in self.settings

    def __str__(self) -> str:
        kind = ["liveness" if self.is_live else "safety"]
        kind += [setting for setting in self.settings if setting != "LIVE"]
        return f"{self.model} {' '.join(kind)}{f' {self.mutant}' if self.mutant else ''}"


@dataclass(frozen=True)
class Outcome:
    """What spin said: errors found, states looked at, whether all of them, and its words."""

    errors: int
    states: int
    complete: bool
    text: str


UP = ("LIVE", "EVENTS=2", "CAPACITY=1", "REBOOTS=0")
DOWN = ("LIVE", "VALUES=2", "ROWS=2", "STARTS=1", "REBOOTS=0")
RESTORED = ("LIVE", "VALUES=2", "ROWS=2", "STARTS=0", "REBOOTS=0", "BROKERS=0", "RESTORES=1")
LOST = ("LIVE", "VALUES=2", "ROWS=2", "STARTS=0", "REBOOTS=0", "RESTORES=1", "FORGETFUL", "NO_COPY")

SOUND = [
    Run("session"),
    Run("session", ("RESTORES=1",)),
    Run("session", UP),
    Run("down"),
    Run("down", ("RESTORES=1", "STARTS=1")),
    Run("down", DOWN),
    Run("down", LOST),
]
"""What the suite verifies: no error, every state looked at."""

THOROUGH = [
    Run("session", ("EVENTS=4", "CAPACITY=3", "CRASHES=2")),
    Run("session", ("EVENTS=4", "BOOTS=3", "REBOOTS=2")),
    Run("session", ("EVENTS=4", "RESTORES=1")),
    Run("session", ("RESTORES=2", "CRASHES=2")),
    Run("session", ("LIVE",)),
    Run("down", ("RESTORES=2",)),
    Run("down", RESTORED),
    Run("down", ("LIVE",)),
]

MUTANTS = {
    Run("session"): (
        "ACK_WRITTEN",
        "DATA_MAKES_KNOWN",
        "TAKE_GAPS",
        "UNASKED",
        "NEVER_TAKEN",
        "SILENT_OVERFLOW",
        "POSITION_SURVIVES",
        "LOG_SURVIVES",
    ),
    Run("session", UP): (
        "UNNUMBERED_LOSS",
        "BASE_ONLY_OPENS",
        "SKIP_UNRECORDED",
        "BASE_ONCE",
        "NO_RESEND",
        "BASE_UNANSWERED",
    ),
    Run("session", (*UP[:3], "REBOOTS=1")): ("BOOTS_MIXED",),
    Run("down"): ("NO_MARKS", "OFFSET_ONLY", "SAME_INCARNATION", "INCARNATION_UNSYNCED"),
    Run("down", ("RESTORES=1", "STARTS=1")): ("RETAINED_UNHEARD",),
    Run("down", DOWN): ("NO_REPUBLISH", "VALUES_OF_OLD_LIFE"),
    Run("down", LOST): ("KEEP_MARKS",),
    Run("down", RESTORED): ("STATUS_BEHIND",),
}
"""Where each mutant shows."""


def mutants() -> list[Run]:
    """Return the runs that must find an error."""
    return [
        Run(run.model, run.settings, mutant) for run, names in MUTANTS.items() for mutant in names
    ]


def missing() -> str:
    """Return what this machine lacks, "" if nothing."""
    compiler = next((name for name in ("gcc", "cc", "clang") if shutil.which(name)), "")
    if not shutil.which("spin"):
        return "spin is not installed (apt-get install spin)"
    return "" if compiler else "a C compiler is not installed, which spin needs"


def verify(run: Run, megabytes: int = MEGABYTES, seconds: float = 120.0) -> Outcome:
    """Let spin look at every state of a model. Raises subprocess errors, TimeoutExpired too."""
    compiler = next(name for name in ("gcc", "cc", "clang") if shutil.which(name))
    settings = [*run.settings, *([f"MUTANT_{run.mutant}"] if run.mutant else [])]
    kind = ["-DNFAIR=3"] if run.is_live else ["-DSAFETY", "-DNOREDUCE"]

    def say(*command: str) -> str:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=seconds, check=True
        )
        return done.stdout + done.stderr

    with tempfile.TemporaryDirectory(prefix="myocan-model-") as folder:
        say("spin", "-a", *(f"-D{one}" for one in settings), str(HERE / f"{run.model}.pml"))
        # Of most mutants few states are looked at, and compiling takes longer.
        effort = "-O0" if run.mutant and run.settings != RESTORED else "-O1"
        say(compiler, effort, "-w", f"-DMEMLIM={megabytes}", *kind, "-o", "pan", "pan.c")
        fair = ("-a", "-f") if run.is_live else ()
        text = say("./pan", "-m1000000", *fair)
    errors = re.search(r"errors: (\d+)", text)
    states = re.search(r"([\d.e+]+) states, stored", text)
    assert errors is not None, text
    assert states is not None, text
    return Outcome(
        errors=int(errors[1]),
        states=int(float(states[1])),
        complete="search not completed" not in text.lower() and "max search depth" not in text,
        text=text,
    )


def main() -> int:
    """Run all; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--thorough", action="store_true", help="larger models, no mutants")
    options = parser.parse_args()
    if lacking := missing():
        print(lacking)
        return 1
    wrong = 0
    for run in THOROUGH if options.thorough else [*SOUND, *mutants()]:
        began = time.monotonic()
        outcome = verify(run, 4000, 7200.0) if options.thorough else verify(run)
        good = (outcome.errors > 0) if run.mutant else outcome.errors == 0 and outcome.complete
        wrong += not good
        said = f"{outcome.states:,} states, {outcome.errors} errors"
        print(f"{run}: {said}, {time.monotonic() - began:.1f} s{'' if good else '  WRONG'}")
        sys.stdout.flush()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
