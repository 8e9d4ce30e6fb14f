"""One of a kind: objects that all parts of an application share, found by their type."""

from __future__ import annotations

import threading
from typing import Any, TypeVar, cast

from myocan.hub.models.errors import StateError

__all__ = ["Services"]

_Service = TypeVar("_Service")


class Services:
    """Shared objects by type, each with a life: `start` and `stop`, if it has such methods."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._services: dict[type[Any], Any] = {}

    def add(self, service: object, kind: type[Any] | None = None) -> None:
        """Take an object in, and start it.

        Arguments:
            service: it. If it has a method `start`, that is called; what it raises is raised, and
                the object is not taken in.
            kind: the type it is fetched by, if that is not its own: a base class, a protocol.

        Raises StateError if there is one of this type.
        """
        kind = kind or type(service)
        with self._lock:
            if kind in self._services:
                raise StateError(f"there is a {kind.__qualname__} already; one is enough for all")
            start = getattr(service, "start", None)
            if callable(start):
                start()
            self._services[kind] = service

    def fetch(self, kind: type[_Service]) -> _Service:
        """Return the object of this type. Raises StateError if there is none."""
        with self._lock:
            if kind not in self._services:
                known = ", ".join(sorted(one.__qualname__ for one in self._services)) or "none"
                raise StateError(
                    f"there is no {kind.__qualname__}: add one first (there are: {known})"
                )
            return cast(_Service, self._services[kind])

    def __contains__(self, kind: object) -> bool:
        return kind in self._services

    def close(self) -> None:
        """Stop all, the last first; each is stopped, whatever others raise.

        Raises ExceptionGroup of what was raised.
        """
        failures = []
        with self._lock:
            while self._services:
                _kind, service = self._services.popitem()
                stop = getattr(service, "stop", None)
                if callable(stop):
                    try:
                        stop()
                    except Exception as failure:
                        failures.append(failure)
        if failures:
            raise ExceptionGroup("services that did not stop", failures)
