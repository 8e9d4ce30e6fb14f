"""Where instances are that are not in memory.

The one idea: **an instance is what is written down of it**. What its variables hold between two
cycles is exactly what the changes of its cycles said, so it can be let go of between two batches,
and be had again from whoever keeps those changes. No rule can tell, and no row is another one.

The core asks for an instance when a message is for it, or somebody reads it. For a message to all
instances it takes them page by page, in the order of their keys; one that such a cycle has not
changed is let go of at once, so that a message to very many costs no memory, and those that are
spoken to stay.

What a batch has changed must be on the shelf before the next `Core.run`, `link`, `let_go` or
`compact`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

__all__ = ["Shelf"]


class Shelf(Protocol):
    """Has all instances of all keyed modules, those in memory too, as of the last batch."""

    def fetch(self, module: str, key: str) -> Mapping[str, str] | None:
        """Return what an instance holds: lower-case name of each written variable -> JSON text.

        None if there is no such instance. Names that the module does not have are left aside.
        """

    def page(self, module: str, after: str) -> Sequence[tuple[str, Mapping[str, str]]]:
        """Return the next instances whose keys come after `after`, in order, as `fetch` does.

        As many as is convenient, at least one; none if there are no more.
        """
