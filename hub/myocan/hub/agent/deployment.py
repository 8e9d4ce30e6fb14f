"""The modules of a house as programs, and what is put in force together.

The one idea: code is a message. The text of a module is the value of its variable `%%code%%`; from
the offset of the message that brings another text on, the new program runs. A text that was
accepted once is not checked again: its compiled form is in the store.

A deployment is one transaction: a message on `$admin.deploy` that says who did it and how, the
texts of all modules that it changes, and what else follows at once (see `exchange`).
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path

from myocan.hub.agent.topics import AdapterTopics
from myocan.hub.core import Program
from myocan.hub.core.linker import fold
from myocan.hub.core.program import ADMIN_MODULE, CODE_VARIABLE
from myocan.hub.core.stored import FORMAT, read_program, write_program
from myocan.hub.declared import declared_in, is_declared
from myocan.hub.errors import HubError
from myocan.hub.store import Store

__all__ = [
    "CODE",
    "DEPLOY",
    "FILES",
    "Deployment",
    "DeploymentRefused",
    "ModuleFiles",
    "Reason",
    "chosen",
    "compiled",
    "fingerprint",
    "load_deployment",
    "load_in_force",
    "login_name",
]

CODE = CODE_VARIABLE

DEPLOY = (ADMIN_MODULE, "deploy", "")
"""The name of what says of a deployment who did it, and how."""

FILES = (ADMIN_MODULE, "files", "")
"""The name of the hash of the module files as of the last deployment."""

_log = logging.getLogger(__name__)


class DeploymentRefused(HubError):
    """Modules that do not compile; the message shows file, line, column and the likely fix."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """Modules that were accepted together: module -> text, and module -> program.

    elsewhere: modules that are for another agent, module -> agent; they are not among the others.
    forms: the compiled forms that the store may not have, as it has them.
    """

    sources: dict[str, str] = field(default_factory=dict)
    programs: dict[str, Program] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)
    forms: dict[str, str] = field(default_factory=dict)

    def stale(self, in_force: Mapping[str, str]) -> tuple[list[str], list[str]]:
        """Return the modules (changed or new, gone) against the texts that are in force."""
        changed = [name for name, text in self.sources.items() if in_force.get(name) != text]
        return sorted(changed), sorted(name for name in in_force if name not in self.sources)

    def keep(self, store: Store) -> None:
        """Keep the compiled forms in the store; written with the next append."""
        for key, form in self.forms.items():
            store.keep_program(key, form)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is put in force, as the log says it.

    Arguments:
        by: `start`, `deploy` or `rollback`.
        who: the login name of who asked for it.
        files: the hash of the house's module files at that time, see `ModuleFiles`.
        forced: whether scenarios that failed were overruled. failed: their names.
        back_to: the offset of the deployment whose code is put back, None for no such thing.
    """

    by: str
    who: str
    files: str
    forced: bool = False
    failed: tuple[str, ...] = ()
    back_to: int | None = None

    def plain(self) -> dict[str, object]:
        """Return it as plain values for the log; what does not apply is left out."""
        told: dict[str, object] = {"by": self.by, "who": self.who}
        if self.forced:
            told["forced"] = True
        if self.failed:
            told["failed"] = list(self.failed)
        if self.back_to is not None:
            told["back_to"] = self.back_to
        return told


class ModuleFiles:
    """The module files of a house, as they are now.

    Arguments:
        files: which.
        agent: the name of the hub that they are for, on which it depends which of them run.
        declared: the texts of what is a module and has no file of its own, by module: state models.

    `hash` is another for every other content; the log keeps it, so that a start knows whether
    somebody has changed the files since the last deployment.

    Raises:
        DeploymentRefused: one cannot be read, or a model has the name of one.
    """

    def __init__(
        self, files: Iterable[Path], agent: str, declared: Mapping[str, str] | None = None
    ) -> None:
        self._contents: dict[Path, bytes] = {}
        self._declared = dict(declared or {})
        for file in files:
            try:
                self._contents[file] = file.read_bytes()
            except OSError as error:
                raise DeploymentRefused(f"{file} cannot be read: {error.strerror}") from error
            if file.stem in self._declared:
                raise DeploymentRefused(
                    f"{file}: models.py has a model of this name; give one of them another"
                )
        digest = hashlib.sha256(agent.encode())
        for file, content in sorted(self._contents.items()):
            digest.update(json.dumps([file.stem, hashlib.sha256(content).hexdigest()]).encode())
        if self._declared:
            digest.update(json.dumps(sorted(self._declared.items())).encode())
        self.hash = digest.hexdigest()

    def sources(self) -> dict[str, str]:
        """Return module -> text.

        Raises:
            DeploymentRefused: a file is no text, or a module has two files.
        """
        for one, other in pairwise(sorted(self._contents)):
            if one.stem == other.stem:
                raise DeploymentRefused(
                    f"{one} and {other.name} are the same module; keep one, or rename the other"
                )
        for file, content in self._contents.items():
            try:
                content.decode("utf-8")
            except UnicodeDecodeError as error:
                raise DeploymentRefused(
                    f"{file} cannot be read: {error}; save it as UTF-8"
                ) from error
        return self.texts()

    def texts(self) -> dict[str, str]:
        """Return module -> text, of what is no text as much as can be read."""
        texts = {file.stem: one.decode(errors="replace") for file, one in self._contents.items()}
        return self._declared | {
            name: text.replace("\r\n", "\n").replace("\r", "\n") for name, text in texts.items()
        }


def fingerprint(sources: Mapping[str, str]) -> str:
    """Return a hash of modules, by which two processes know that they mean the same texts."""
    return hashlib.sha256(json.dumps(sorted(sources.items())).encode()).hexdigest()


def chosen(
    sources: Mapping[str, str], in_force: Mapping[str, str], modules: Collection[str]
) -> dict[str, str]:
    """Return the texts that run when only some modules are taken from their files.

    Arguments:
        sources: the texts of all files, by module.
        in_force: the texts that run now.
        modules: those that are taken; none for all.

    Raises:
        DeploymentRefused: there is no such module.
    """
    if not modules:
        return dict(sources)
    unknown = [name for name in modules if name not in sources and name not in in_force]
    if unknown:
        near = get_close_matches(unknown[0], [*sources, *in_force], n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise DeploymentRefused(f"there is no module {unknown[0]}{meant}")
    kept = {name: text for name, text in in_force.items() if name not in modules}
    return kept | {name: text for name, text in sources.items() if name in modules}


def login_name() -> str:
    """Return the login name of the user of this process."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"


def load_deployment(
    sources: Mapping[str, str], adapters: AdapterTopics, store: Store, agent: str
) -> Deployment:
    """Return these modules as programs, from the store's compiled forms where it has all of them.

    All are checked, those too that are for another agent than `agent`.

    Raises:
        DeploymentRefused: modules have errors.
    """
    programs = {name: _stored_program(store, name, text) for name, text in sources.items()}
    if None in programs.values():
        deployment = compiled(sources, adapters, agent)
        deployment.keep(store)
        return deployment
    known = {name: program for name, program in programs.items() if program is not None}
    return _without_others(dict(sources), known, agent)


def compiled(
    sources: Mapping[str, str],
    adapters: AdapterTopics,
    agent: str,
    known: Mapping[str, Program] | None = None,
) -> Deployment:
    """Check these modules by themselves and against each other; return them as programs.

    Arguments:
        sources: the texts, by module.
        adapters: what boards publish.
        agent: the name of this one.
        known: the programs of those texts that are in force already.

    Raises:
        DeploymentRefused: they have errors.
    """
    from myocan.hub.lang import Topic, check_house, compile_module

    published = [
        Topic(module, variable, domain=domain)
        for domain, module, variable in sorted(adapters.published)
    ]
    errors = []
    for diagnostic in check_house(sources, published, models=declared_in(sources)):
        source = sources.get(Path(diagnostic.file).stem, "")
        if is_declared(source) and diagnostic.severity != "error":
            continue  # nobody has to use all that a model has
        text = diagnostic.render(source)
        if diagnostic.severity == "error":
            errors.append(text)
        else:
            _log.warning("%s", text)
    if errors:
        raise DeploymentRefused("\n".join(errors))
    programs = dict(known or {})
    forms = {}
    for name, source in sources.items():
        if name not in programs:
            program = compile_module(source, name).program
            assert program is not None, "check_house found no error in it"
            programs[name] = program
            forms[_key(name, source)] = write_program(program)
    return _without_others(dict(sources), programs, agent, forms)


def load_in_force(sources: Mapping[str, str], store: Store) -> dict[str, Program]:
    """Return the programs of texts that were accepted once.

    One whose compiled form is of an earlier version, and that today's compiler does not take, is
    left out: the others run without it.
    """
    from myocan.hub.lang import compile_module

    programs = {}
    for name, source in sources.items():
        program = _stored_program(store, name, source)
        if program is None:
            program = compile_module(source, name).program
            if program is not None:
                store.keep_program(_key(name, source), write_program(program))
        if program is not None:
            programs[name] = program
    return programs


def _without_others(
    sources: dict[str, str],
    programs: dict[str, Program],
    agent: str,
    forms: dict[str, str] | None = None,
) -> Deployment:
    """Return what of these modules is for this agent."""
    elsewhere = {
        name: program.agent
        for name, program in programs.items()
        if program.agent and fold(program.agent) != fold(agent)
    }
    for name in elsewhere:
        del sources[name], programs[name]
    return Deployment(sources, programs, elsewhere, forms or {})


def _stored_program(store: Store, name: str, source: str) -> Program | None:
    text = store.program(_key(name, source))
    if text is None:
        return None
    from myocan.hub.lang.languages import is_python
    from myocan.hub.lang.schedules import Schedule

    try:
        program = read_program(text)
        for at in program.ats:
            Schedule.from_json(at.schedule)
    except ValueError:
        return None  # of another version, or damaged: compiled again
    is_it = program.module == name and program.python == (source if is_python(source) else "")
    return program if is_it else None


def _key(name: str, source: str) -> str:
    from myocan.hub.lang import COMPILER_VERSION

    return hashlib.sha256(json.dumps([FORMAT, COMPILER_VERSION, name, source]).encode()).hexdigest()
