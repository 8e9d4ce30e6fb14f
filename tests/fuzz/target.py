"""What a target of the fuzzing is."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from pathlib import Path

from fuzz.mutation import mutated


class Target(ABC):
    """A reader. `name` is its corpus's, too. folder: where it may write."""

    name = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def worse(self, entries: list[bytes], chance: random.Random) -> bytes:
        """Return an input that follows from the corpus."""
        return mutated(entries, chance)

    @abstractmethod
    def take(self, data: bytes, chance: random.Random) -> str:
        """Read an input; return what became of it. What escapes is a fault."""


def told(refusal: Exception) -> None:
    """Hold a refusal to saying something."""
    assert str(refusal).strip(), "refused without a word"
