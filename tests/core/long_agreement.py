"""Long run: random houses in the core and in the reference, for as long as one likes.

Some are run from their trees, some are written as text and compiled, some live long.

    python tests/core/long_agreement.py                   about a minute
    python tests/core/long_agreement.py --houses 2000     most of an hour, pure

Houses live as in `test_agreement_over_time`, each of many steps. Exit code 1 if the two ever
differ; what differs is printed with the shortest house that shows it. With `--seed`, a run can be
repeated.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from hypothesis import HealthCheck, given, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from core.agreement import Pair
from core.houses import Case, cases
from core.test_against_reference import agree
from core.test_agreement_over_time import LivingHouse
from lang.test_three_ways import Spelled, spelled_cases
from myocan.hub.core import COMPILED, Core


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--houses", type=int, default=40, help="how many to draw, of each kind")
    parser.add_argument("--steps", type=int, default=20, help="what happens to one that lives")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    draws = settings(
        max_examples=options.houses,
        stateful_step_count=options.steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )

    @seed(options.seed)
    @draws
    @given(cases())
    def trees(case: Case) -> None:
        agree(case, Pair(case.modules, Core(), case.short))

    @seed(options.seed)
    @draws
    @given(spelled_cases())
    def texts(case: Case) -> None:
        agree(case, Spelled(case.modules, Core()))

    def long_lives() -> None:
        run_state_machine_as_test(seed(options.seed)(LivingHouse), settings=draws)

    wrong = 0
    for name, run in (("trees", trees), ("texts", texts), ("long lives", long_lives)):
        begin = time.perf_counter()
        try:
            run()
        except Exception:
            traceback.print_exc()
            wrong += 1
        build = "compiled" if COMPILED else "pure"
        spent = time.perf_counter() - begin
        print(f"{name}: {options.houses} houses in the {build} core, {spent:.1f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
