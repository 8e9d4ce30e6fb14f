"""What is to be put in force in a mode, and why.

The one idea: whoever prepares a deployment (a start, or `Deployer` while the house runs) does all
that takes long, and hands over an order; to carry it out is one step between two batches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from myocan.hub.agent.deployment import (
    Deployment,
    ModuleFiles,
    Reason,
    load_deployment,
    load_in_force,
    login_name,
)
from myocan.hub.agent.exchange import Exchange
from myocan.hub.agent.newcomers import Newcomer
from myocan.hub.agent.outlet import Name
from myocan.hub.agent.topics import AdapterTopics
from myocan.hub.core import Program
from myocan.hub.core.linker import fold
from myocan.hub.store import Store

__all__ = ["FilesAtStart", "Order", "misfit", "newcomers_of"]

PIECE = 4096
"""Messages that new modules are told at once."""

MAX_TOLD = 50
"""Values that were lost which an answer names; the log has all."""


@dataclass(frozen=True, slots=True)
class Order:
    """Programs that are to be put in force.

    Arguments:
        deployment: they.
        reason: what the log says of it.
        newcomers: the new modules that are told what came before them, told up to offset `told_to`.
    """

    deployment: Deployment
    reason: Reason
    newcomers: Mapping[str, Newcomer] = field(default_factory=dict)
    told_to: int = 0

    def tell_newcomers(self, store: Store, mode: str) -> dict[str, dict[Name, str]]:
        """Tell them the rest of the log; return what those know that know something, by module."""
        if not self.newcomers:
            return {}
        rows = store.rows(mode, self.told_to)
        while piece := list(islice(rows, PIECE)):
            for newcomer in self.newcomers.values():
                newcomer.take(piece, store.names().__getitem__, store.producer)
        known = {module: newcomer.known() for module, newcomer in self.newcomers.items()}
        return {module: texts for module, texts in known.items() if texts}

    def told(self, found: Exchange) -> dict[str, object]:
        """Return what the log says of it, as plain values."""
        told = {**self.reason.plain(), "modules": found.modules}
        if found.cleared:
            told["cleared"] = [list(topic) for topic in found.cleared]
        return told

    def answer(self, found: Exchange, offset: int, learnt: Mapping[str, object]) -> dict[str, Any]:
        """Return what came of it, for who asked.

        Arguments:
            found: what it changed.
            offset: where it stands in the log.
            learnt: the modules that were told what came before them.
        """
        return {
            "offset": offset,
            "modules": found.modules,
            "reset": [misfit(*one, self.deployment) for one in found.reset[:MAX_TOLD]],
            "learnt": sorted(learnt),
            "had_their_time": sorted(
                name for name, newcomer in self.newcomers.items() if newcomer.had_its_time
            ),
        }


def newcomers_of(
    programs: Mapping[str, Program],
    in_force: Mapping[str, str],
    every: bool = False,
    since_ms: int = 0,
) -> dict[str, Newcomer]:
    """Return the new modules that are to be told what came before them.

    Arguments:
        programs: all that are to be put in force.
        in_force: the modules that are there already.
        every: also those that do not say HISTORY.
        since_ms: what is older is not told, milliseconds since 1970 UTC.
    """
    return {
        module: Newcomer(program, since_ms)
        for module, program in programs.items()
        if module not in in_force and (every or program.history)
    }


class FilesAtStart:
    """What a start makes of the house's module files.

    They are put in force if they are others than at the last deployment. Else what the log says
    goes on, so that a rollback is not undone by a restart.

    Attributes:
        elsewhere: modules that are for another agent, module -> agent.
        apart: modules whose files say something else than what goes on.
    """

    def __init__(
        self, files: ModuleFiles, adapters: AdapterTopics, store: Store, agent: str
    ) -> None:
        self._files = files
        self._adapters = adapters
        self._store = store
        self._agent = agent
        self.elsewhere: dict[str, str] = {}
        self.apart: list[str] = []

    def choose(self, in_force: Mapping[str, str], known: str | None) -> Order | None:
        """Return what is to be put in force, None for what is in force.

        Arguments:
            in_force: the texts in force, by module.
            known: the hash of the files as of the last deployment.

        Raises:
            DeploymentRefused: the files have mistakes.
        """
        if self._files.hash != known:
            deployment = load_deployment(
                self._files.sources(), self._adapters, self._store, self._agent
            )
            self.elsewhere = deployment.elsewhere
            reason = Reason("start", login_name(), self._files.hash)
            return Order(deployment, reason, newcomers_of(deployment.programs, in_force))
        self._compare(in_force)
        return None

    def _compare(self, in_force: Mapping[str, str]) -> None:
        texts = self._files.texts()
        others = {name: text for name, text in texts.items() if name not in in_force}
        for name, program in load_in_force(others, self._store).items():
            if program.agent and fold(program.agent) != fold(self._agent):
                self.elsewhere[name] = program.agent
        self.apart = sorted(
            name
            for name in texts.keys() | in_force.keys()
            if texts.get(name) != in_force.get(name) and name not in self.elsewhere
        )


def misfit(name: Name, value: str, deployment: Deployment) -> str:
    """Return in words that a variable's new declaration does not take the value that it had."""
    module, variable, instance = name
    file = deployment.programs[module].file
    key = f"[{instance}]" if instance else ""
    return (
        f"{module}.{variable}{key} was {value}, which does not fit its new declaration in "
        f"{file}; it starts anew"
    )
