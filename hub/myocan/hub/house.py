"""What a house is on disk: `myocan.toml` and the folders beside it.

The one idea to know: a mistake in the file is told to the person who made it. Every error names the
file, the key, and where it can, the key that was probably meant.

    myocan.toml     its settings (see `myocan.hub.settings`); an empty file: the defaults
    modules/        NAME.scc (or NAME.py, in Python), one module each; NAME.scenario, tests of them
    adapters/       NAME.toml, one board each; NAME is the board's name
    externals.py    functions in Python that rules may call, if there are any
    models.py       state models in Python, if there are any
    .myocan/        what the hub keeps: the store, its own broker's files, hub.json while it runs
"""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, PrivateAttr, ValidationError

from myocan.hub.errors import HubError
from myocan.hub.needs import text_of
from myocan.hub.settings import Settings

__all__ = ["FILE_NAME", "House", "HouseError", "module_files"]

FILE_NAME = "myocan.toml"

MODULE_SUFFIXES = (".scc", ".py")
"""What the names of module files end with."""


class HouseError(HubError):
    """A house that cannot be used as it stands; the message names the file, the key, the remedy."""


class House(Settings):
    """A house: its settings and its files. Made by `load`."""

    _root: Path = PrivateAttr()

    @classmethod
    def load(cls, path: Path | str) -> House:
        """Read the house in folder `path` (or its `myocan.toml`).

        Raises HouseError: no such house, no TOML, an unknown key, a value that does not fit.
        """
        path = Path(path)
        file = path if path.name == FILE_NAME else path / FILE_NAME
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            raise HouseError(
                f"{file.parent} is no house: it holds no {FILE_NAME}. "
                "Make one with `myocan init`, or name another folder."
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise HouseError(f"{file} cannot be read: {error}") from error
        except tomllib.TOMLDecodeError as error:
            raise HouseError(
                f"{file}: this is not valid TOML: {error}; a value is written like"
                ' domain = "home", with both brackets and both quotes'
            ) from error
        except RecursionError:
            raise HouseError(f"{file}: brackets within brackets, far too many; mend it") from None
        except ValueError:  # of a number; Python reads none of more than 4,300 digits
            raise HouseError(f"{file}: a number in it has far too many digits; mend it") from None
        try:
            house = cls.model_validate(content)
        except ValidationError as error:
            raise HouseError("\n".join(_explain(file, cls, error))) from None
        house._root = file.parent.resolve()
        return house

    @classmethod
    def find(cls, start: Path | str) -> Path:
        """Return the nearest folder that holds a house: `start` or one above it.

        Raises HouseError if there is none.
        """
        start = Path(start).resolve()
        for folder in (start, *start.parents):
            if (folder / FILE_NAME).is_file():
                return folder
        raise HouseError(
            f"no {FILE_NAME} in {start} or above it. Go to a house, name one with --house, "
            "or make one with `myocan init`."
        )

    @property
    def root(self) -> Path:
        """The house's folder, absolute."""
        return self._root

    def modules(self) -> list[Path]:
        """The modules, by name: of rules (.scc), and in Python (.py)."""
        return module_files(self.root / "modules")

    def adapters(self) -> list[Path]:
        """The adapter files, by name."""
        return sorted((self.root / "adapters").glob("*.toml"))

    def scenarios(self) -> list[Path]:
        """The scenario files, by name."""
        return sorted((self.root / "modules").glob("*.scenario"))

    @property
    def models_path(self) -> Path | None:
        """The file with state models, if the house has one."""
        path = self.root / "models.py"
        return path if path.is_file() else None

    @property
    def externals_path(self) -> Path | None:
        """The file with functions that rules may call, if the house has one."""
        path = self.root / "externals.py"
        return path if path.is_file() else None

    @property
    def store_path(self) -> Path:
        """Where the log is kept, absolute."""
        return self.root / self.store.path

    @property
    def private_path(self) -> Path:
        """The folder for what the hub keeps for itself; it may not exist yet."""
        return self.root / ".myocan"


def module_files(folder: Path) -> list[Path]:
    """Return the modules in a folder, by name."""
    return sorted(file for file in folder.glob("*") if file.suffix in MODULE_SUFFIXES)


def _explain(file: Path, model: type[BaseModel], error: ValidationError) -> list[str]:
    """Return one line for each mistake: file, key, what is wrong, what to write instead."""
    lines = []
    for mistake in error.errors(include_url=False):
        location = [str(part) for part in mistake["loc"]]
        if mistake["type"] == "extra_forbidden":
            what = _unknown_key(model, location)
        elif mistake["type"] == "value_error":
            what = str(mistake["ctx"]["error"])
        else:
            given = mistake["input"]
            shown = f", not {text_of(given)}" if isinstance(given, str | int | float | bool) else ""
            what = mistake["msg"].replace("Input should be", "has to be") + shown
        lines.append(f"{file}: {_key(location)}: {what}")
    return lines


def _key(location: list[str]) -> str:
    """Return a key as it stands in the file: `[broker] url`, or `domain`."""
    if location[-1] == "[key]":  # a wrong key of a table with keys of any name
        location = location[:-1]
    if len(location) == 1:
        return location[0]
    return f"[{'.'.join(location[:-1])}] {location[-1]}"


def _unknown_key(model: type[BaseModel], location: list[str]) -> str:
    for name in location[:-1]:
        if name.isdigit():  # one of a list of tables
            continue
        inner: Any = model.model_fields[name].annotation
        model = next(iter(get_args(inner)), inner)
    known = sorted(model.model_fields)
    near = difflib.get_close_matches(location[-1].lower(), known, n=1)
    if near:
        return f"unknown key; did you mean {near[0]!r}?"
    if len(location) == 1:  # perhaps right, but in the wrong place
        for name, field in model.model_fields.items():
            table: Any = field.annotation
            if isinstance(table, type) and location[0] in getattr(table, "model_fields", {}):
                return f"unknown key; it belongs under [{name}]"
    return f"unknown key; known here: {', '.join(known)}"
