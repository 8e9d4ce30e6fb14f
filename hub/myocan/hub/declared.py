"""State models of a house as modules: what `models.py` declares, in the rule language.

The one idea: a model is a module that hears its own fields and has no rules. So it is written down
as the text of one, and everything that holds of modules holds of it: the compiler checks it
against who publishes to it and who hears it, the log keeps the text as `%%code%%`, a replay needs
no Python.

    class Heater(StateModel):
        setpoint: Decimal = field(default="20.0", ge=5, le=95, unit="°C")
        enabled: bool = False

is

    // declared in models.py
    MODULE heater
        SUBSCRIBE setpoint {5.0-95.0} = 20.0  // °C
        SUBSCRIBE enabled {false, true} = false
"""

from __future__ import annotations

import hashlib
import re
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import ModuleType, NoneType
from typing import TYPE_CHECKING, Any, get_args

from myocan.hub.core.linker import fold
from myocan.hub.errors import HubError
from myocan.hub.house_code import run_file

if TYPE_CHECKING:
    from myocan.hub.core import Program
    from myocan.hub.models import StateModel

__all__ = [
    "FILE_NAME",
    "HouseModels",
    "ModelsError",
    "declaration",
    "declared_in",
    "digest_of",
    "is_declared",
    "load_models",
    "program_of",
    "with_models",
]

FILE_NAME = "models.py"

_FIRST_LINE = "// declared in models.py"

_WIDEST = 18
"""Digits that a number of the rule language can have."""

_IS_WORD = re.compile(r"\w*")

_loading = threading.Lock()


class ModelsError(HubError):
    """A `models.py` that cannot be used; the message names the line and the mistake."""


@dataclass(frozen=True)
class HouseModels:
    """What a house's `models.py` declares.

    models: by topic. setup: called with the hub when it runs; None if there is no such function.
    digest: of the file, "" for none.
    """

    models: Mapping[str, type[StateModel]] = field(default_factory=dict)
    setup: Callable[[Any], None] | None = None
    digest: str = ""

    def defaults(self, topic: str) -> dict[str, str]:
        """Return what the fields of a model begin with, as JSON texts; none for one of many."""
        from myocan.hub.models.model import said

        model = self.models.get(topic)
        if model is None or model.key:
            return {}
        values = model().__dict__
        return {of: said(model, of, value) for of, value in values.items() if value is not None}

    def fault(self, topic: str, name: str, text: str) -> str:
        """Return why a field cannot be what a message says, "" if it can, or there is no such.

        Arguments:
            topic, name: the model's and the field's.
            text: the JSON of the value; a number is rounded to the digits that the field has.
        """
        model = self.models.get(topic)
        if model is None or name not in model.model_fields:
            return ""
        from myocan.hub.models.model import from_json, heard, rounded

        said = heard(model, name, rounded(model, name, text))
        _made, misfits = from_json(model, {name: said})
        return misfits.get(name, "")

    def texts(self) -> dict[str, str]:
        """Return module -> text, of each model.

        Raises ModelsError for one that cannot be a module of a house.
        """
        texts = {}
        for topic, model in sorted(self.models.items()):
            texts[topic] = declaration(model)
            program_of(model)
        return texts


def digest_of(path: Path | None) -> str:
    """Return by what one knows whether the file has changed; "" for none that can be read."""
    try:
        return "" if path is None else hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def load_models(path: Path | None) -> HouseModels:
    """Run a house's `models.py` and return what it declares; None: it has none.

    The file is the module `models` from then on, for what else of the house imports it.

    Raises:
        ModelsError: the file cannot be read or run, or two models have one topic.
    """
    if path is None:
        return HouseModels()
    from myocan.hub.models import StateModel

    with _loading:
        module = ModuleType("models")
        module.__file__ = str(path)
        sys.modules["models"] = module  # pydantic looks up there what annotations mean
        source = run_file(path, module, ModelsError)
    models: dict[str, type[StateModel]] = {}
    for found in vars(module).values():
        if not (isinstance(found, type) and issubclass(found, StateModel) and found.model_fields):
            continue
        other = models.setdefault(found.topic, found)
        if other is not found:
            raise ModelsError(
                f"{path}: {other.__name__} and {found.__name__} have one topic, {found.topic!r}; "
                "give one of them another: topic = ..."
            )
    setup = vars(module).get("setup")
    if setup is not None and not callable(setup):
        raise ModelsError(f"{path}: setup is no function; write: def setup(hub): ...")
    return HouseModels(models, setup, hashlib.sha256(source).hexdigest())


def declared_in(sources: Mapping[str, str]) -> frozenset[str]:
    """Return which of these modules are models."""
    return frozenset(name for name, text in sources.items() if is_declared(text))


def with_models(sources: Mapping[str, str], in_force: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of earlier modules with the models of today, since only rules go back."""
    rules = {name: text for name, text in sources.items() if not is_declared(text)}
    return rules | {name: text for name, text in in_force.items() if is_declared(text)}


def is_declared(text: str) -> bool:
    """Tell whether the text of a module was made of a model."""
    return text.startswith(_FIRST_LINE)


def program_of(model: type[StateModel], name: str = "", word: str = "SUBSCRIBE") -> Program:
    """Return a model as a program: its fields as variables, and no rules.

    Arguments: see `declaration`.

    Raises:
        ModelsError: a field or the topic is no name for a rule, or the like.
    """
    from myocan.hub.lang import compile_module

    text = declaration(model, name, word)
    compiled = compile_module(text, name or model.topic)
    if compiled.program is None:
        first = next(one for one in compiled.diagnostics if one.severity == "error")
        line = text.split("\n")[first.line - 1].strip()
        raise ModelsError(
            f"{model.__name__} in {FILE_NAME} cannot be a module of a house: {first.message} "
            f"(it would be: {line})"
        )
    return compiled.program


def declaration(model: type[StateModel], name: str = "", word: str = "SUBSCRIBE") -> str:
    """Return a model as the text of a module.

    Arguments:
        model: it.
        name: the module's; "" for the model's topic.
        word: how its fields are declared: SUBSCRIBE, PUBLIC or PRIVATE.

    Raises:
        ModelsError: a field has words that the rule language cannot tell apart.
    """
    key = f"[{model.key}]" if model.key else ""
    lines = [_FIRST_LINE, f"MODULE {name or model.topic}{key}{' AUTO' if key else ''}"]
    for of in model.model_fields:
        unit = model.unit(of)
        remark = f"  // {unit}" if unit else ""
        lines.append(f"    {word} {of}{key}{_kind(model, of)}{remark}")
    return "\n".join([*lines, ""])


def _kind(model: type[StateModel], name: str) -> str:
    """Return what stands behind the name of a field, with a blank before it."""
    from myocan.hub.models.model import pattern_of

    annotation = model.model_fields[name].annotation
    default = model().__dict__[name]
    if NoneType in get_args(annotation):
        return ""  # whatever comes: a type of the rule language has no place for nothing
    if annotation is bool:
        return f" {{false, true}} = {str(default).lower()}"
    if annotation in (int, Decimal):
        return _number(model, name, Decimal(default))
    words = model.words(name)
    if words is None:
        plain = default.isprintable() and '"' not in default
        pattern = pattern_of(model.model_fields[name])
        if pattern is None:
            return f' "{default}"' if plain else ' ""'
        first = f' = "{default}"' if plain else ""
        return f' {{"{_written(pattern)}"}}{first}'
    folded = {fold(word) for word in words}
    if len(folded) < len(words) or folded & {"true", "false"}:
        raise ModelsError(
            f"{model.__name__}.{name} in {FILE_NAME}: {', '.join(words)} cannot be told apart by "
            "rules, in which upper and lower case mean the same, and true and false are no words "
            "(a bool is)"
        )
    first = default.value if isinstance(default, Enum) else default
    return f" {{{', '.join(words)}}} = {first}"


def _written(pattern: str) -> str:
    """Return a pattern that means the same and can stand in the text of a module."""
    shown = "".join(
        f"\\x{{{ord(one):x}}}" if one == '"' or not one.isprintable() else one for one in pattern
    )
    return shown if not _IS_WORD.fullmatch(shown) else f"(?:{shown})"


def _number(model: type[StateModel], name: str, default: Decimal) -> str:
    digits = model.digits(name)
    lower, upper = _bounds(model.model_fields[name].metadata, digits)
    if lower is None and upper is None:
        zero = f"{Decimal(0):.{digits}f}"
        return f" {default:.{digits}f}" if default >= 0 else f" {zero} = {default:.{digits}f}"
    if lower is None:
        lower = -(10**_WIDEST) + 1
    shown = [
        f"{Decimal(one).scaleb(-digits):.{digits}f}" for one in (lower, upper) if one is not None
    ]
    return f" {{{shown[0]}-{shown[1] if len(shown) > 1 else ''}}} = {default:.{digits}f}"


def _bounds(metadata: Iterable[Any], digits: int) -> tuple[int | None, int | None]:
    """Return the least and the greatest value in units of the last digit, None for no bound."""
    lower: int | None = None
    upper: int | None = None
    for one in metadata:
        for kind in ("ge", "gt", "le", "lt"):
            bound = getattr(one, kind, None)
            if bound is None:
                continue
            units = Decimal(str(bound)).scaleb(digits)
            whole = int(units.to_integral_value(rounding="ROUND_FLOOR"))
            exact = whole == units
            if kind in ("ge", "gt"):
                least = whole if exact and kind == "ge" else whole + 1
                lower = least if lower is None else max(lower, least)
            else:
                most = whole - 1 if exact and kind == "lt" else whole
                upper = most if upper is None else min(upper, most)
    return lower, upper
