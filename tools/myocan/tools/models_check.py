"""Is a house's `models.py` right, and do its fields fit the ports that they are bound to?

The one idea to know: unlike `externals.py` it is run, for what a model is nobody knows but Python.
What it should not do at each check belongs into its `setup`, which only the hub calls.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from myocan.tools.house_check import Finding, read_source, shown_name
from myocan.tools.nearest import nearest

if TYPE_CHECKING:
    from pathlib import Path

    from myocan.hub.declared import HouseModels
    from myocan.hub.house import House
    from myocan.hub.lang import Diagnostic
    from myocan.hub.models import StateModel
    from myocan.tools.adapters import AdapterFile


def models_in(house: House) -> tuple[HouseModels, dict[str, str], list[Finding]]:
    """Return the models of a house, their texts by module, and what is wrong with them."""
    from myocan.hub.declared import HouseModels, ModelsError, load_models

    path = house.models_path
    if path is None:
        return HouseModels(), {}, []
    try:
        models = load_models(path)
        texts = models.texts()
    except ModelsError as error:
        return HouseModels(), {}, [_unusable(path, str(error))]
    names = {file.stem: file for file in house.modules()}
    twice = [
        _finding(
            path, _line_of(path, model), f"{shown_name(names[topic])} is a module of this name"
        )
        for topic, model in models.models.items()
        if topic in names
    ]
    return models, texts, twice


def from_declared(diagnostic: Diagnostic, path: Path, model: type[StateModel]) -> Finding:
    """Return what the compiler found in a model as a finding in `models.py`."""
    place = diagnostic.line - 3  # the first line says where it is from, the second is MODULE
    fields = list(model.model_fields)
    name = fields[place] if 0 <= place < len(fields) else ""
    shown = f"{model.__name__}.{name}" if name else model.__name__
    return _finding(path, _line_of(path, model, name), f"{shown}: {diagnostic.message}")


def check_ports(
    path: Path, models: Mapping[str, type[StateModel]], adapters: Iterable[AdapterFile]
) -> list[Finding]:
    """Tell which fields are bound to a port that there is not, or that has another topic."""
    wired: dict[str, set[str]] = {}
    for adapter in adapters:
        wired |= {f"{adapter.name}.{port.name}": set() for port in adapter.ports}
        for sent in adapter.publishes:
            wired[f"{adapter.name}.{sent.port}"].add(sent.topic)
        for taken in adapter.subscribes:
            wired[f"{adapter.name}.{taken.port}"].add(taken.topic)
    findings = []
    for topic, model in models.items():
        for name in model.model_fields:
            port = model.port(name)
            if not port or f"{topic}.{name}" in wired.get(port, ()):
                continue
            near = nearest(port, list(wired)) if port not in wired else None
            why = (
                f"is bound to port {port}, which there is not"
                if port not in wired
                else f'is bound to port {port}, which has another topic; write "{topic}.{name}" '
                "behind its publish or subscribe"
            )
            line = _line_of(path, model, name)
            findings.append(_finding(path, line, f"{model.__name__}.{name} {why}", near))
    return findings


def _unusable(path: Path, message: str) -> Finding:
    """Return why the file cannot be used; the message names it, with a line if there is one."""
    found = re.match(re.escape(str(path)) + r"(?::(\d+))?: ", message)
    line = int(found[1]) if found and found[1] else None
    return _finding(path, line, message[found.end() :] if found else message)


def _finding(path: Path, line: int | None, message: str, suggestion: str | None = None) -> Finding:
    file = shown_name(path)
    where = file if line is None else f"{file}:{line}"
    meant = f"; did you mean {suggestion}?" if suggestion else ""
    return Finding("error", file, line, None, message, suggestion, f"{where}: {message}{meant}")


def _line_of(path: Path, model: type[StateModel], field: str = "") -> int | None:
    """Return where a model, or a field of it, stands in the file; None if it is from elsewhere."""
    for node in ast.walk(ast.parse(read_source(path))):
        if not isinstance(node, ast.ClassDef) or node.name != model.__name__:
            continue
        for part in node.body:
            target = part.target if isinstance(part, ast.AnnAssign) else None
            if field and isinstance(target, ast.Name) and target.id == field:
                return part.lineno
        return node.lineno
    return None
