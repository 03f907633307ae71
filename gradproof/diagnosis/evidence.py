"""What a diagnosis is made from: the code's own answers at a few ordinary points, beside what is exact there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gradproof.bound import Reference
from gradproof.problem import Point, Problem

Array = np.ndarray

SLACK = 8
"""How many times the bound a reproduction of a wrong gradient may be off: the bound is that of the right one."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """One point, float64 and ordinary.

    known: the reference there (exact gradients and bounds, long double). claimed: what the code returned as gradients,
    by parameter, as float arrays of whatever shape; names it did not return, or returned no array for, are left out.
    """

    problem: Problem
    point: Point
    known: Reference
    claimed: Mapping[str, Array]

    def allowed(self, name: str, value: Array) -> Array:
        """How far a claim may be from ``value`` to count as a reproduction of it by other operations."""
        exact, bound = self.known.gradients[name], self.known.bounds[name]
        scale = max(np.max(np.abs(exact)), np.max(np.abs(value), initial=0))
        return SLACK * (np.max(bound) + 64 * np.finfo(np.float64).eps * scale)

    def reproduces(self, name: str, value: Array) -> bool:
        """Whether ``value`` is what the code claimed as the gradient of ``name``, shape included."""
        claimed = self.claimed.get(name)
        if claimed is None or claimed.shape != np.shape(value) or not np.all(np.isfinite(value)):
            return False
        return bool(np.all(np.abs(claimed - value) <= self.allowed(name, value)))

    @property
    def wrong(self) -> frozenset[str]:
        """The parameters whose gradient is not the exact one here."""
        return frozenset(
            name
            for name, exact in self.known.gradients.items()
            if name not in self.claimed
            or self.claimed[name].shape != exact.shape
            or not np.all(np.abs(self.claimed[name] - exact) <= self.known.bounds[name])
        )


@dataclass(frozen=True)
class Explanation:
    """A known mistake that reproduces wrong gradients.

    words: what follows "dW equals": "the formula with h[t] where h[t - 1] belongs". parameters: whose gradients it
    reproduces. weight: how far-fetched it is; of two explanations the one of less weight is shown first.
    """

    words: str
    parameters: frozenset[str]
    weight: int = 0
