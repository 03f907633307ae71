"""What an oracle is asked and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from gradproof.problem import Point, Problem

if TYPE_CHECKING:
    from gradproof.bound import Reference

Array = np.ndarray


@dataclass(frozen=True)
class Direction:
    """A directional derivative: along ``vector`` (one array a parameter) it is ``value``, give or take ``error``."""

    vector: Mapping[str, Array]
    value: np.floating
    error: np.floating


@dataclass(frozen=True)
class Estimate:
    """An oracle's answer at one point.

    gradients: array a parameter, in the parameter's shape; empty when only directions were tried. errors: how far
    each entry may be from the exact gradient, by the oracle's own estimate. directions: directional derivatives.
    """

    gradients: Mapping[str, Array] = field(default_factory=dict)
    errors: Mapping[str, Array] = field(default_factory=dict)
    directions: tuple[Direction, ...] = ()


class Oracle(Protocol):
    """An independent source of the gradient.

    name: in results and messages; short: the head of its column, at most five letters; order: its place in tables.
    entries: the largest number of parameter entries it is asked for; points: how many points of a run it is asked at,
    None for all.
    """

    name: str
    short: str
    order: int
    entries: int
    points: int | None

    def estimate(self, problem: Problem, point: Point, reference: Reference | None) -> Estimate:
        """The gradient at a point; raises NotRun with a reason, or CannotTrace. ``reference`` is the tape's answer
        where there is one: its bound says how much a float64 program may be off."""
        ...
