"""What the corpus consists of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class WrongGradient:
    """A gradient that is wrong on purpose.

    name: what is wrong; with the key, unique in the corpus. key: the formula it claims to implement. kind: what sort of
    mistake it is, as the rows of the table are called. make: returns the code fresh, without a memory of other runs,
    as ``gradproof.verify`` takes it.
    """

    name: str
    key: str
    kind: str
    make: Callable[[], Any]

    def __repr__(self) -> str:
        return f"WrongGradient({self.name!r}, {self.key!r})"
