"""The hub: takes messages in, decides by the rules of the house, and sends messages out."""

from myocan.hub.externals import external

__all__ = ["external"]
