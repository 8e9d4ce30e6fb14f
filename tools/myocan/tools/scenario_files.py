"""Which scenarios are meant, and which modules they are about.

The one idea to know: scenarios lie beside the modules. So a scenario in a house is about that
house, and one elsewhere is about the house that was named, or else about the modules beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from myocan.tools.errors import ToolsError
from myocan.tools.house_check import (
    Finding,
    check_adapter_file,
    from_diagnostic,
    read_source,
    shown_name,
    topics_of_boards,
)

if TYPE_CHECKING:
    from myocan.hub.core import Program
    from myocan.hub.house import House
    from myocan.hub.lang import Topic
    from myocan.hub.scenario import Cast, Job, Scenarios


@dataclass(slots=True)
class Found:
    """What there is to run, and what is wrong with the rest.

    jobs: the scenarios, each with its house, by file and line. findings: mistakes in scenarios, and
    in modules that they need. left_out: how many cannot be run for the sake of such a module.
    """

    jobs: list[Job] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    left_out: int = 0


def find_scenarios(paths: Iterable[Path], given: Path | None) -> Found:
    """Read the scenarios in these files and folders.

    paths: files (.scenario), houses, or folders with modules. given: the house that scenarios
    outside of a house are about, None for the modules beside them.

    Raises ToolsError for a file that cannot be read, HouseError for a house with mistakes in its
    settings.
    """
    found = Found()
    casts: dict[Path, Cast] = {}
    for path in paths:
        for file in files_of(path):
            root = _about(file, given)
            if root not in casts:
                casts[root], findings = cast_of(root)
                found.findings += findings
            read, findings = read_file(file, casts[root])
            found.jobs += [(scenario, casts[root]) for scenario in read.scenarios]
            found.left_out += read.left_out
            found.findings += findings
    return found


def files_of(path: Path) -> list[Path]:
    """Return the files of scenarios that a path means. Raises ToolsError if it is neither."""
    from myocan.hub.house import FILE_NAME, House

    if path.is_dir():
        if (path / FILE_NAME).is_file():
            return House.load(path).scenarios()
        return sorted(path.glob("*.scenario"))
    if path.suffix != ".scenario":
        raise ToolsError(f"{path} is neither a file of scenarios (.scenario) nor a folder")
    return [path]


def _about(file: Path, given: Path | None) -> Path:
    """Return the folder that scenarios of a file are about: of a house, or of modules."""
    from myocan.hub.house import FILE_NAME

    folder = file.absolute().parent
    if folder.name == "modules" and (folder.parent / FILE_NAME).is_file():
        return folder.parent
    return folder if given is None else given.absolute()


def cast_of(root: Path) -> tuple[Cast, list[Finding]]:
    """Return the house in a folder, or the modules in it, and what is wrong with these."""
    from myocan.hub.declared import load_models
    from myocan.hub.house import FILE_NAME, House, module_files

    if not (root / FILE_NAME).is_file():
        return _compiled(House(), module_files(root), [], {})
    house = House.load(root)
    adapters = [check_adapter_file(file, house.domain)[0] for file in house.adapters()]
    topics = topics_of_boards(adapter for adapter in adapters if adapter is not None)
    return _compiled(house, house.modules(), topics, load_models(house.models_path).texts())


def _compiled(
    house: House, files: Iterable[Path], topics: list[Topic], declared: Mapping[str, str]
) -> tuple[Cast, list[Finding]]:
    from myocan.hub.lang import compile_module

    programs: dict[str, Program | None] = {
        name: compile_module(text, name).program for name, text in declared.items()
    }
    sources, findings = dict(declared), []
    for file in files:
        source = read_source(file)
        text = sources[file.stem] = source.decode(errors="replace")
        compiled = compile_module(source, file.stem, shown_name(file))
        programs[file.stem] = compiled.program
        findings += [
            from_diagnostic(diagnostic, text)
            for diagnostic in compiled.diagnostics
            if diagnostic.severity == "error"
        ]
    return make_cast(house, programs, sources, topics), findings


def make_cast(
    house: House,
    programs: Mapping[str, Program | None],
    sources: Mapping[str, str],
    topics: Iterable[Topic],
) -> Cast:
    """Return a house as its scenarios see it.

    programs: of all its modules, None for those with errors. sources: the texts of the modules.
    topics: what its boards send.
    """
    from myocan.hub.calendar import Calendar, place_of
    from myocan.hub.scenario import Cast

    place = place_of(house)
    return Cast(
        {name: program for name, program in programs.items() if program is not None},
        place,
        dict(sources),
        tuple(topics),
        frozenset(name for name, program in programs.items() if program is None),
        Calendar(house, place),
    )


def read_file(file: Path, cast: Cast) -> tuple[Scenarios, list[Finding]]:
    """Return the scenarios of a file, and what is wrong with them."""
    from myocan.hub.scenario import read_scenarios

    source = read_source(file)
    text = source.decode(errors="replace")
    read = read_scenarios(source, shown_name(file), cast)
    return read, [from_diagnostic(diagnostic, text) for diagnostic in read.diagnostics]
