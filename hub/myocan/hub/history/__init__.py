"""What the log says of the past: that it can be computed again, and why each thing happened.

`Replay` runs a log through the core once more and compares; `explain` follows a message back to
what started it, `why_not` tells what rules made of the messages that they had; `instead` runs other
rules on old messages; `compare_modes` tells where a copy parts from its original. All only read: a
hub may write to the same store meanwhile.
"""

from myocan.hub.history.apart import Apart, Step, compare_modes
from myocan.hub.history.deployments import Deployed, deployment_of, deployments, sources_as_of
from myocan.hub.history.instead import Parting, instead
from myocan.hub.history.past import Past
from myocan.hub.history.replay import Difference, Replay, Replayed, replay
from myocan.hub.history.why import Link, explain, find
from myocan.hub.history.why_not import Unanswerable, why_not

__all__ = [
    "Apart",
    "Deployed",
    "Difference",
    "Link",
    "Parting",
    "Past",
    "Replay",
    "Replayed",
    "Step",
    "Unanswerable",
    "compare_modes",
    "deployment_of",
    "deployments",
    "explain",
    "find",
    "instead",
    "replay",
    "sources_as_of",
    "why_not",
]
