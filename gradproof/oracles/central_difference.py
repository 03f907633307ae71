"""Central differences of order 2 to 8 by Richardson extrapolation, each with an error estimate of its own.

Steps h, h/2, h/4, h/8 give one tableau an entry; the answer is its last. The estimate adds what rounding costs,
and what a kink inside the stencil would: there the one-sided slopes keep apart as the step shrinks, while for a smooth
loss they close up in proportion to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradproof.bound import Reference, is_float
from gradproof.errors import NotRun
from gradproof.objective import objective
from gradproof.oracles.base import Array, Estimate, evaluate
from gradproof.problem import Point, Problem
from gradproof.tape import Working

LEVELS = 4
FIRST_STEPS = (2.0**-5, 2.0**-9, 2.0**-13)
"""Tried in turn, relative to max(1, |x|), until the estimate is as good as rounding lets it be."""

GOOD = 1e-11


class CentralDifferenceOracle:
    name = "central diff"
    short = "diff"
    order = 3
    entries = 64
    points = None

    def estimate(self, problem: Problem, point: Point, known: Reference | None) -> Estimate:
        f, values, relative = runnable(problem, point, known)
        gradients = {name: np.zeros(value.shape, Working) for name, value in values.items()}
        errors = {name: np.zeros(value.shape, Working) for name, value in values.items()}
        with np.errstate(all="ignore"):
            middle = f(values)
            noise = loss_noise(known, point, middle, relative)
            for name, value in values.items():
                for k in range(value.size):
                    along = entry_line(f, values, name, k)
                    slope, error = best_slope(along, middle, (noise, relative), max(1.0, abs(float(value.flat[k]))))
                    gradients[name].flat[k], errors[name].flat[k] = slope, error
        if not any(np.any(np.isfinite(e)) for e in errors.values()):
            raise NotRun("the loss is not finite, or not smooth, on the scale of the steps")
        return Estimate(gradients, errors)


def real_loss(
    problem: Problem, point: Point, dtype: Any
) -> tuple[Callable[[Mapping[str, Array]], Any], dict[str, Array]]:
    """The loss as a function of plain arrays in ``dtype``, and the point's parameters in it."""
    data = {name: np.asarray(value, dtype) if is_float(value) else value for name, value in point.data.items()}
    values = {name: np.asarray(value, dtype) for name, value in point.params.items()}
    return objective(problem, point, data, values), values


def runnable(
    problem: Problem, point: Point, known: Reference | None
) -> tuple[Callable[[Any], Any], dict[str, Array], Any]:
    """The loss, the parameters, and the unit roundoff the loss is computed with.

    A loss that the tape cannot follow may fall back to float64 on its way (float(x), math.exp) or know nothing else
    (np.linalg.solve): its rounding is that of float64, whatever the arrays are.
    """
    f, values = real_loss(problem, point, Working)
    if known is not None and known.computed:
        return f, values, np.finfo(Working).eps / 2
    try:
        with np.errstate(all="ignore"):
            f(values)
    except Exception:  # said below, if it fails in float64 as well
        f, values = real_loss(problem, point, np.float64)
        with np.errstate(all="ignore"):
            evaluate(f, values, "float64 arrays")
    return f, values, Working(np.finfo(np.float64).eps) / 2


def loss_noise(known: Reference | None, point: Point, loss: Any, u: Any) -> Any:
    """Rounding error of the loss computed with unit roundoff u."""
    if known is None or not known.computed:
        return 64 * u * max(1, abs(loss))
    return u / (np.finfo(point.dtype).eps / 2) * known.loss_bound + 4 * u * abs(loss) + np.finfo(Working).tiny


def entry_line(f: Callable[[Any], Any], values: Mapping[str, Array], name: str, k: int) -> Callable[[Any], Any]:
    """The loss along one entry of one parameter."""

    def along(t: Any) -> Any:
        moved = values[name].copy()
        moved.flat[k] += t
        return f({**values, name: moved})

    return along


def best_slope(along: Callable[[Any], Any], middle: Any, noise: tuple[Any, Any], scale: float) -> tuple[Any, Any]:
    """Derivative at 0 and its error estimate, from the first step of ``FIRST_STEPS`` that does well, else the best.

    (0, infinity) where none says anything: the loss is not finite in reach, or varies faster than the steps are small.
    noise: rounding error of the loss in the middle, and the unit roundoff.
    """
    best = (Working(0), Working(np.inf))
    for first in FIRST_STEPS:
        slope, error = richardson(along, middle, noise, Working(first * scale))
        if error < best[1]:
            best = slope, error
        if error <= GOOD * abs(slope) or error <= 64 * noise[0] / (first * scale):
            break
    return best


def richardson(along: Callable[[Any], Any], middle: Any, noise: tuple[Any, Any], h: Any) -> tuple[Any, Any]:
    steps = [h / 2**k for k in range(LEVELS)]
    right, left = [along(s) for s in steps], [along(-s) for s in steps]
    rows = [[(r - m) / (2 * s) for r, m, s in zip(right, left, steps, strict=True)]]
    for order in range(1, LEVELS):
        last = rows[-1]
        rows.append([(4**order * last[k + 1] - last[k]) / (4**order - 1) for k in range(len(last) - 1)])
    answer = rows[-1][0]
    truncation = max(abs(answer - rows[-2][0]), abs(answer - rows[-2][1]))
    largest = max(abs(value) for value in (*right, *left))
    rounding = 4 * (noise[0] + 16 * noise[1] * largest) / steps[-1]
    gaps = [abs(fine - coarse) for coarse, fine in zip(rows[0], rows[0][1:], strict=False)]
    if gaps[-1] > max(0.75 * gaps[-2], rounding):
        # Halving the step quarters the gap between quotients, unless the loss jumps within the smallest step.
        return answer, Working(np.inf)
    apart = [(r - 2 * middle + m) / s for r, m, s in zip(right, left, steps, strict=True)]
    # Halving the step halves the gap between the one-sided slopes of a smooth loss; a kink keeps it open.
    kink = max(0, max(abs(apart[k + 1]) - 0.75 * abs(apart[k]) for k in range(LEVELS - 1)) - rounding)
    return answer, truncation + rounding + 4 * kink


@dataclass(frozen=True)
class Taylor:
    """Remainders r = |f(x + tv) - f(x) - t<g, v>| for ever smaller t, v random, and what they say about g.

    points: each (t, r) that is above what rounding costs. slope: of log r against log t, 2 for the gradient g, 1 for a
    wrong one. No points, and None, when the remainder vanishes: the loss is linear along v and g is right.
    """

    points: tuple[tuple[float, float], ...] = ()
    slope: float | None = None


def taylor(problem: Problem, point: Point, gradients: Mapping[str, Array]) -> Taylor:
    """The Taylor-remainder test of ``gradients`` at a point."""
    f, values = real_loss(problem, point, Working)
    rng = np.random.default_rng([point.place.seed, 0x7A])
    v = {name: rng.standard_normal(value.shape) for name, value in values.items()}
    slope = sum(np.sum(np.asarray(gradients[name], Working) * v[name]) for name in v)
    middle, steps = f(values), [2.0**-k for k in range(6, 14)]
    rest = [float(abs(f({name: values[name] + t * v[name] for name in v}) - middle - t * slope)) for t in steps]
    floor = 1e3 * np.finfo(Working).eps * max(1e-300, abs(middle), abs(slope))
    points = tuple((t, r) for t, r in zip(steps, rest, strict=True) if floor < r < np.inf)
    if len(points) < 3:
        return Taylor()
    log_steps, log_rests = np.log(np.array(points)).T
    return Taylor(points, float(np.polyfit(log_steps, log_rests, 1)[0]))


ORACLE = CentralDifferenceOracle()
