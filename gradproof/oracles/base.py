"""What an oracle is asked and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gradproof.errors import CannotTrace, GradproofError
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


def evaluate(f: Callable[[Any], Any], params: Any, arrays: str) -> Any:
    """f(params), where whatever a loss raises because ``params`` hold ``arrays`` and not floats is CannotTrace."""
    try:
        return f(params)
    except GradproofError:
        raise
    except Exception as error:  # a loss may raise anything; it did not on plain arrays
        if isinstance(error.__cause__, CannotTrace):  # NumPy's own ValueError around a refused float(x)
            raise error.__cause__ from error
        raise CannotTrace(f"the loss failed on {arrays}: {type(error).__name__}: {error}") from error


class Oracle(Protocol):
    """An independent source of the gradient.

    name: in results and messages; short: the head of its column, at most four letters; order: its place in tables.
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
