"""The root of every error that the hub raises on purpose.

Catch `HubError` to catch them all. Each message is one that a person can act on: it says what was
found and what to do about it.
"""

__all__ = ["HubError"]


class HubError(Exception):
    """Something that the hub refuses or cannot do; the text says what to do about it."""
