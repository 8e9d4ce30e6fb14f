"""The modules of a house as programs, and what their replacement means for the log.

The one idea: code is a message. The text of a module is the value of its variable `%%code%%`; when
it is another than the log knows, the new text is appended, and from that offset on the new program
runs. A text that was accepted once is not checked again: its compiled form is in the store.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from myocan.hub.agent.topics import AdapterTopics
from myocan.hub.core import Program, Role
from myocan.hub.core.linker import fold
from myocan.hub.core.program import FORMAT
from myocan.hub.errors import HubError
from myocan.hub.store import Store

__all__ = [
    "CODE",
    "Deployment",
    "DeploymentRefused",
    "load_deployment",
    "misfit",
    "read_sources",
    "said_topics",
]

CODE = "%%code%%"
"""The variable that holds a module's text, as the seed names it."""

_log = logging.getLogger(__name__)


class DeploymentRefused(HubError):
    """Modules that do not compile; the message shows file, line, column and the likely fix."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """Modules that were accepted together: module -> text, and module -> program.

    elsewhere: modules that are for another agent, module -> agent; they are not among the others.
    """

    sources: dict[str, str] = field(default_factory=dict)
    programs: dict[str, Program] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)

    def stale(self, stored: Mapping[str, str]) -> tuple[list[str], list[str]]:
        """Return the modules (changed or new, gone) against the texts that the log knows."""
        changed = [name for name, text in self.sources.items() if stored.get(name) != text]
        return sorted(changed), sorted(name for name in stored if name not in self.sources)


def misfit(name: tuple[str, str, str], value: str) -> str:
    """Return in words that a variable's new declaration does not take the value that it had."""
    module, variable, instance = name
    key = f"[{instance}]" if instance else ""
    return (
        f"{module}.{variable}{key} was {value}, which does not fit its new declaration in "
        f"{module}.scc; it starts anew"
    )


def read_sources(files: Iterable[Path]) -> dict[str, str]:
    """Return the texts of these files by the names of their modules.

    Raises:
        DeploymentRefused: a file cannot be read.
    """
    sources = {}
    for file in files:
        try:
            sources[file.stem] = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise DeploymentRefused(f"{file} cannot be read: {error}") from error
    return sources


def load_deployment(
    sources: Mapping[str, str], adapters: AdapterTopics, store: Store, agent: str
) -> Deployment:
    """Compile these texts; their compiled forms are kept in the store.

    All are checked, those too that are for another agent than `agent`.

    Arguments:
        sources: by the names of their modules.
        adapters: what boards publish.
        store: keeps compiled forms, and knows earlier ones.
        agent: the name of this one.

    Raises:
        DeploymentRefused: modules have errors.
    """
    deployment = Deployment(dict(sources))
    unknown = False
    for name, source in sources.items():
        program = _stored_program(store, name, source)
        if program is None:
            unknown = True
        else:
            deployment.programs[name] = program
    if unknown:
        _compile(deployment, adapters, store)
    for name, program in list(deployment.programs.items()):
        if program.agent and fold(program.agent) != fold(agent):
            deployment.elsewhere[name] = program.agent
            del deployment.programs[name], deployment.sources[name]
    return deployment


def said_topics(store: Store, module: str, source: str) -> dict[str, tuple[str, str, str]]:
    """Return the topics that an earlier text of a module publishes to.

    By the lower-case names of its variables: module, variable, and the instance if it is always the
    same. Empty if its compiled form is not there any more.
    """
    program = _stored_program(store, module, source)
    return {
        fold(variable.name): (*variable.topic[1:], variable.instance)
        for variable in (program.variables if program else ())
        if variable.role == Role.PUBLIC and variable.topic is not None and not variable.topic[0]
    }


def _compile(deployment: Deployment, adapters: AdapterTopics, store: Store) -> None:
    """Compile all modules, since they are checked against each other."""
    from myocan.hub.lang import Topic, check_house, compile_module

    published = [
        Topic(module, variable, domain=domain)
        for domain, module, variable in sorted(adapters.published)
    ]
    errors = []
    for diagnostic in check_house(deployment.sources, published):
        text = diagnostic.render(deployment.sources.get(Path(diagnostic.file).stem, ""))
        if diagnostic.severity == "error":
            errors.append(text)
        else:
            _log.warning("%s", text)
    if errors:
        raise DeploymentRefused("\n".join(errors))
    for name, source in deployment.sources.items():
        program = compile_module(source, name).program
        assert program is not None, "check_house found no error in it"
        deployment.programs[name] = program
        store.keep_program(_key(name, source), program.to_json())


def _stored_program(store: Store, name: str, source: str) -> Program | None:
    text = store.program(_key(name, source))
    if text is None:
        return None
    try:
        return Program.from_json(text)
    except ValueError:
        return None  # of another version: compiled again


def _key(name: str, source: str) -> str:
    from myocan.hub.lang import COMPILER_VERSION

    return hashlib.sha256(json.dumps([FORMAT, COMPILER_VERSION, name, source]).encode()).hexdigest()
