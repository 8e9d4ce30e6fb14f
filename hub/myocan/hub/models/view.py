"""What a module of a hub holds, to look at.

The one idea: it is a picture, taken once. Nothing in it changes, and nothing can be changed in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from myocan.hub.models.errors import StateError

__all__ = ["ModuleView"]


class ModuleView:
    """The variables of a module, as of one moment.

    Arguments:
        module: its name.
        variables: JSON texts by lower-case name.
        instances: those of its instances, by key.

    A variable is an attribute, in any case: `state("lamp1").light`; of an instance
    `state("lamp")["kitchen"].light`. Numbers are exact: int, or Decimal with the digits that the
    variable has.
    """

    def __init__(
        self,
        module: str,
        variables: Mapping[str, str],
        instances: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    ) -> None:
        self._module = module
        self._values = {name: _value(text) for name, text in variables.items()}
        self._instances = instances

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self._values[name.lower()]
        except KeyError:
            known = ", ".join(self._values) or "none"
            raise AttributeError(
                f"module {self._module} has no variable {name} that has a value (it has: {known})"
            ) from None

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            raise StateError(
                f"{self._module}.{name} is what the module says; send it what it SUBSCRIBEs to"
            )
        super().__setattr__(name, value)

    def __getitem__(self, key: str) -> ModuleView:
        """Return one of its instances. Raises KeyError if there is none of this key."""
        return ModuleView(f"{self._module}[{key}]", self._instances[key])

    def instances(self) -> list[str]:
        """Return the keys of its instances, in order."""
        return sorted(self._instances)

    def as_dict(self) -> dict[str, Any]:
        """Return its variables by lower-case name."""
        return dict(self._values)

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self._values.items())
        return f"ModuleView({self._module}: {values})"


def _value(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)
