"""All entries of a gradient, as many directions a run as fit: each entry of each parameter is a direction."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from gradproof.bound import is_float
from gradproof.errors import NotRun
from gradproof.objective import objective
from gradproof.oracles.analytic import Real
from gradproof.oracles.base import Array, evaluate
from gradproof.oracles.forward.arrays import Forward
from gradproof.oracles.forward.tangents import FEWEST_ROWS, MOST, OneHot, Run, TooWide
from gradproof.problem import Point, Problem

IN_LONG_DOUBLE = 512
"""Up to this many entries the tangents are long double; above, float64, which BLAS multiplies."""

MOST_CARRIED = 2**30
"""Entries of tangents in all runs together: about a second of work. More is not begun."""


@dataclass(frozen=True)
class Carried:
    """gradients: long double, by parameter. dtype: of the tangents. operations: how many worked tangents out."""

    gradients: dict[str, Array]
    dtype: np.dtype[Any]
    operations: int


def carried_forwards(problem: Problem, point: Point) -> Carried | None:
    """The derivative of the loss by each entry; None where that is too much work.

    Raises CannotTrace where the loss uses what cannot be carried, NotRun where the result is not finite.
    """
    values = {name: np.asarray(value, Real) for name, value in point.params.items()}
    data = {name: np.asarray(value, Real) if is_float(value) else value for name, value in point.data.items()}
    entries = sum(value.size for value in values.values())
    dtype = np.dtype(Real if entries <= IN_LONG_DOUBLE else np.float64)
    slopes = np.zeros(entries, Real)
    first, rows, operations, carried = 0, entries, 0, 0
    while first < entries:
        run = Run(min(rows, entries - first), dtype)
        found = one_run(problem, point, (values, data), run, first)
        if found is None:
            rows = max(FEWEST_ROWS, MOST // run.largest)
            continue
        slopes[first : first + run.rows] = found
        first, operations, carried = first + run.rows, max(operations, run.operations), carried + run.carried
        if carried / first * entries > MOST_CARRIED:
            return None
    if not np.all(np.isfinite(slopes)):
        raise NotRun("the loss's derivative is not finite here")
    ends = np.cumsum([value.size for value in values.values()])
    parts = np.split(slopes, ends[:-1])
    return Carried(
        {name: part.reshape(value.shape) for (name, value), part in zip(values.items(), parts, strict=True)},
        dtype,
        operations,
    )


def one_run(
    problem: Problem, point: Point, constants: tuple[dict[str, Array], dict[str, Any]], run: Run, first: int
) -> Array | None:
    """The derivatives by the entries from ``first`` on, one a row of the run; None where they are too many at once."""
    values, data = constants
    params, before = {}, 0
    for name, value in values.items():
        params[name] = Forward(run, value, seed(value.shape, before - first, run))
        before += value.size
    with np.errstate(all="ignore"):
        try:
            result = evaluate(objective(problem, point, data, params), params, "arrays with tangents")
        except TooWide:
            return None
    if run.too_wide:  # and the loss caught what says so
        return None
    if not isinstance(result, Forward) or result.tangent is None:
        return np.zeros(run.rows)
    tangent = result.tangent
    return tangent.dense(run) if isinstance(tangent, OneHot) else tangent


def seed(shape: tuple[int, ...], first: int, run: Run) -> OneHot | None:
    """The tangent of a parameter whose entries are the rows from ``first`` on, as far as the run has them."""
    place = first + np.arange(prod(shape))
    if first < 0 or first + place.size > run.rows:
        place[(place < 0) | (place >= run.rows)] = -1
        if place.max(initial=-1) < 0:
            return None
    return OneHot(place.reshape(shape), np.ones(shape, run.dtype))
