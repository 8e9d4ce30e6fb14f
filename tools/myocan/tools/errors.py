"""The root of what the tools raise: every message says what to do next."""

from __future__ import annotations


class ToolsError(Exception):
    """Something a person at a desk can put right; the text says how."""
