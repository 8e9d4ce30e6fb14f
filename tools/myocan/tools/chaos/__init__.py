"""Chaos: a house at work, to which is done whatever can be done to one; its books must balance.

The one idea to know: everything in it is real, the hub, its broker, the boards, the disk; only what
befalls them is drawn, from a seed. What the boards sensed and what the modules counted are compared
at the end, to the last press.
"""

from myocan.tools.chaos.plan import Strike, draw_kills, draw_plan
from myocan.tools.chaos.run import Outcome, run_chaos

__all__ = ["Outcome", "Strike", "draw_kills", "draw_plan", "run_chaos"]
