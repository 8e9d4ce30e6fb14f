"""Scenarios: tests of a house's rules, written in the spirit of the rules.

The one idea: a scenario plays a house in memory, on a clock of its own, and says what should be
seen. It has neither disk nor network, so thousands of them take seconds.

    read = read_scenarios(text, "lamp1.scenario", Cast(programs, place))
    for outcome in run_scenarios([(scenario, cast) for scenario in read.scenarios]):
        print(outcome.title, outcome.passed)

The way of a text: `line` (words) -> `messages`, `expectations` (what they mean) -> `reader` (the
scenarios of a file, as `steps`) -> `runner`, in a `world`.
"""

from myocan.hub.scenario.cast import Cast
from myocan.hub.scenario.formatter import format_scenarios
from myocan.hub.scenario.many import Job, run_scenarios
from myocan.hub.scenario.reader import Scenarios, read_scenarios
from myocan.hub.scenario.rules import Rule, rules_of
from myocan.hub.scenario.runner import Failure, Outcome, run_scenario
from myocan.hub.scenario.steps import Scenario
from myocan.hub.scenario.trace import Trace
from myocan.hub.scenario.world import World

__all__ = [
    "Cast",
    "Failure",
    "Job",
    "Outcome",
    "Rule",
    "Scenario",
    "Scenarios",
    "Trace",
    "World",
    "format_scenarios",
    "read_scenarios",
    "rules_of",
    "run_scenario",
    "run_scenarios",
]
