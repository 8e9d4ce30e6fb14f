"""Feeds every reader of the project with what is nearly right, and holds it to its promise.

    python tests/fuzz/run.py                         all targets, for a minute together
    python tests/fuzz/run.py --minutes 10
    python tests/fuzz/run.py --target wire --inputs 100000 --seed 7
    python tests/fuzz/run.py --target wire --seed 12345 --inputs 1 --show

Every input follows from its number, which is printed with what goes wrong, and the input with it:
put that into `corpus/TARGET.jsonl`, and every later run begins with it. An input that takes longer
than ten seconds ends the run with a traceback of where it was. Exit code 1 if anything was wrong.
(Rules and scenarios that grow from the grammar, not from a corpus: `tests/lang/fuzz.py`.)
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import logging
import os
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz.mutation import load
from fuzz.targets import TARGETS, Target

PATIENCE_S = 10.0
"""Longest that one input may take."""


def folder_in_memory() -> tempfile.TemporaryDirectory[str]:
    """Return a folder whose syncs cost nothing, where the system has such."""
    memory = "/dev/shm"
    return tempfile.TemporaryDirectory(
        prefix="myocan-fuzz-", dir=memory if os.path.isdir(memory) else None
    )


class Run:
    """Inputs for one target.

    folder: where it may write.
    """

    def __init__(self, target: type[Target], folder: Path) -> None:
        self.entries = load(target.name)
        self._target = target(folder)
        self.became: Counter[str] = Counter()
        self.wrong = 0

    def input(self, number: int) -> bytes:
        """Return the input of a number: the corpus itself first, from -1 on downwards."""
        if number < 0:
            return self.entries[~number]
        return self._target.worse(self.entries, random.Random(number))

    def try_one(self, number: int) -> None:
        """Try an input. Raises AssertionError, or whatever escaped."""
        self.became[self._target.take(self.input(number), random.Random(number))] += 1

    def try_and_tell(self, number: int) -> None:
        """Try an input, and print what goes wrong."""
        faulthandler.dump_traceback_later(PATIENCE_S, exit=True)
        try:
            self.try_one(number)
        except Exception:
            self.wrong += 1
            data = self.input(number)
            try:
                shown = json.dumps(data.decode(), ensure_ascii=False)
            except UnicodeDecodeError:
                shown = json.dumps({"hex": data.hex()})
            print(f"--- {self._target.name}, seed {number}\n{shown[:2000]}")
            traceback.print_exc(file=sys.stdout)
        finally:
            faulthandler.cancel_dump_traceback_later()

    def told(self) -> str:
        """Return in a line what became of the inputs."""
        became = ", ".join(f"{count:,} {what}" for what, count in self.became.most_common())
        total = self.became.total() + self.wrong
        return f"{self._target.name}: {total:,} inputs: {became}; {self.wrong} went wrong"


def main() -> int:
    """Try inputs until the time is up, or there were enough; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=1.0, help="for all targets together")
    parser.add_argument("--inputs", type=int, help="so many for each target, however long it takes")
    parser.add_argument("--seed", type=int, help="the number of the first input; default: any")
    parser.add_argument("--target", choices=[target.name for target in TARGETS], action="append")
    parser.add_argument("--show", action="store_true", help="print the inputs, too")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    first = random.randrange(2**32) if options.seed is None else options.seed
    targets = [target for target in TARGETS if target.name in (options.target or [target.name])]
    wrong = 0
    for target in targets:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(folder_in_memory()))
            run = Run(target, folder)
            ends = time.monotonic() + 60 * options.minutes / len(targets)
            count = 0
            for number in range(-len(run.entries) if options.seed is None else 0, 0):
                run.try_and_tell(number)
            while count < options.inputs if options.inputs else time.monotonic() < ends:
                if options.show:
                    print(run.input(first + count))
                run.try_and_tell(first + count)
                count += 1
            print(run.told() + f" (seeds from {first})", flush=True)
            wrong += run.wrong
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
