"""The one line in which commits become true.

The one idea: a commit is *accepted*, then *kept*, then *true*. Accepted: nothing speaks against it;
it waits in the one line of the keeper. Kept: it is on the disk, with all that wait in line at that
moment, in one transaction and one sync. True: it can be checked out, and subscribers are told. Why
that is safe:

- What can be read is on the disk, and so is what a subscriber is told: only what is true is read or
  told. So nobody acknowledges what a power cut takes away.
- The line is in one order, which is that of the log, and in which commits become true. All that is
  accepted of one model was accepted by one who held it, so each was decided by what is in front.
- If the disk does not take what is in line, all of that is refused: whoever was decided by what was
  accepted in front of it stands behind that in line. There is nothing to undo, for nobody has seen
  any of it.
- Only `update` decides by what is accepted and not yet true, since nobody else sees its copy, and
  then only for a commit: a refusal, or that nothing differs, is an answer, too, and decided by what
  is true. All others begin when what is in line of their models is true: a block that holds them,
  a commit of copies, and devices before they are asked. A copy that is checked out without holding
  anything is of what is true.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from copy import copy as copied
from pathlib import Path

from myocan.hub.models.cells import Loaded
from myocan.hub.models.errors import StateError
from myocan.hub.models.keeper import FileKeeper, Keeper, Nowhere
from myocan.hub.models.model import copied_from
from myocan.hub.models.plans import Commit, Name, Plan
from myocan.hub.models.subscriptions import Changed

__all__ = ["Line"]


class Line:
    """Commits on their way to become true.

    Arguments:
        path: the file that keeps them, made if it is not there; None: in memory only.
        producer: who commits, as the log has it.

    `lock` is held by who changes what is accepted or true. `ended` says why nothing is accepted any
    more; "": it is.

    Raises StoreError if the file cannot be used.
    """

    def __init__(self, path: str | Path | None, producer: str) -> None:
        self._producer = producer
        self.lock = threading.RLock()
        self.ended = ""
        self._keeper: Keeper = Nowhere(self._settle) if path is None else self._file(path)

    def _file(self, path: str | Path) -> Keeper:
        return FileKeeper(Path(path), self._producer, self.lock, self._settle)

    def open(self, path: str | Path) -> None:
        """Keep in a file what is committed from now on. Raises StoreError if it cannot be used."""
        keeper = self._file(path)
        self._keeper.close()
        self._keeper = keeper

    @property
    def recovered(self) -> Mapping[Name, str]:
        """The values that the file had, as JSON texts."""
        return self._keeper.recovered

    def put(self, plans: list[Plan], began: float) -> Commit:
        """Accept a commit whose models are held, with nothing that speaks against it.

        began: when it did, as `time.perf_counter` has it.

        Raises StateError if nothing is accepted any more.
        """
        commit = Commit(plans, began, time.perf_counter())
        with self.lock:
            if self.ended:
                raise StateError(self.ended)
            for plan in plans:
                cell = plan.cell
                if (cell.ahead or cell.now).version != plan.now.version - 1:
                    raise StateError("the disk did not take what this was decided by")
            self._keeper.put(commit)
            if not commit.settled:
                for plan in plans:
                    plan.cell.ahead = plan.now
                    plan.cell.loaded.ahead = commit
        return commit

    def wait(self, commit: Commit | None) -> bool:
        """Wait until a commit is true; return whether there was one. Raises why it is not."""
        if commit is None:
            return False
        if not commit.settled:
            self._keeper.wait(commit)
        if commit.error is not None:
            raise commit.error
        now = time.perf_counter()
        for plan in commit.plans:
            plan.cell.loaded.measures.note_commit(commit.began, commit.stored, now)
        return True

    def until_true(self, models: Iterable[Loaded]) -> None:
        """Wait until what was accepted of these is true, or refused."""
        for loaded in models:
            commit = loaded.ahead
            if commit is not None:
                self._keeper.wait(commit)

    def close(self) -> None:
        """Close the file; for when all is settled."""
        self._keeper.close()

    def _settle(self, commits: Iterable[Commit], error: Exception | None) -> None:
        """Let commits be true, in this order; or none of them, with what the keeper says."""
        with self.lock:  # else who subscribes now might be told of it twice, or not at all
            for commit in commits:
                if commit.settled:
                    continue
                for plan in commit.plans:
                    cell, loaded = plan.cell, plan.cell.loaded
                    if error is None:
                        _apply(plan)
                    if error is not None or cell.ahead is plan.now:
                        cell.ahead = None
                    if error is not None or loaded.ahead is commit:
                        loaded.ahead = None
                if error is not None:
                    commit.error = copied(error)
                commit.settled = True


def _apply(plan: Plan) -> None:
    """Let a plan be true, and tell who wants to know of it."""
    cell, now = plan.cell, plan.now
    old, cell.now = cell.now, now
    for name in plan.fields:
        cell.changed_at[name] = now.version
    copied_from(plan.copy, now)
    loaded = cell.loaded
    if loaded.subscriptions:
        fields = tuple(plan.fields)
        loaded.tell(Changed(loaded.model, cell.key, old.current, now.current, fields))
