"""The hub's loop, and what stands between the bus, the store and the core."""

from myocan.hub.agent.agent import Agent
from myocan.hub.agent.deployment import CODE, DeploymentRefused

__all__ = ["CODE", "Agent", "DeploymentRefused"]
