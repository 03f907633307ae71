"""The correct points: places at which right code is shown to every checker; what it rejects is a false alarm."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from itertools import cycle, islice, zip_longest
from typing import NamedTuple

import numpy as np

from gradproof.objective import objective
from gradproof.problem import Place, Point, Problem
from gradproof.sampling import DTYPES, draw_point
from tests.catalogue import FORMULAS, IMPLEMENTATIONS, both

STRETCHES = {
    "ordinary": ("ordinary",),
    "saturated": ("parameters x 30", "parameters x 300", "parameters x -300", "parameters x 1000", "data x 30"),
    "tiny": ("parameters x 1e-3", "zero parameters", "data x 1e-4", "data x 1e-12", "zero data"),
    "long": ("ordinary",),
}
"""Which of gradproof's regimes make up a stretch. What is long has the largest sizes."""

REGIMES = tuple(f"{dtype}, {stretch}" for dtype in DTYPES for stretch in STRETCHES)
EACH = 125
"""Points in each of the eight regimes, spread evenly over the formulas."""

DRAWS = 60
"""How many places of a formula are tried in a regime before the rest of its share falls to the others."""

LONGEST = 60
"""No dimension is larger: finite differences of longer sequences take a checker minutes."""


class Correct(NamedTuple):
    """A place at which the code of the formula ``key`` is right, in one of REGIMES."""

    regime: str
    key: str
    place: Place


@functools.cache
def points() -> tuple[Correct, ...]:
    """EACH points in every regime, 1,000 in all."""
    return tuple(point for regime in REGIMES for point in islice(spread(regime), EACH))


def tenth() -> tuple[Correct, ...]:
    """Every tenth of them: all regimes, nearly all formulas."""
    return points()[::10]


def spread(regime: str) -> Iterator[Correct]:
    """The points of a regime, one of each formula in turn."""
    turns = zip_longest(*(usable(key, regime) for key in sorted(formula.key for formula in both)))
    return (point for turn in turns for point in turn if point is not None)


@functools.cache
def problem_of(key: str) -> Problem:
    return FORMULAS[key].problem(IMPLEMENTATIONS[key])


def usable(key: str, regime: str) -> Iterator[Correct]:
    """Where there is something to be right about: inside the domain, and the loss does not overflow."""
    problem = problem_of(key)
    for place in drawn(problem, regime):
        point = draw_point(problem, place)
        if point is not None and is_finite(problem, point):
            yield Correct(regime, key, place)


def drawn(problem: Problem, regime: str) -> Iterator[Place]:
    """Any places in a regime; none where a formula has no sizes that could be large."""
    dtype, stretch = regime.split(", ")
    first = 1000 * (1 + REGIMES.index(regime))  # other values in each regime, and none of the pinned places'
    sizes = cycle(long_sizes(problem)) if stretch == "long" else any_sizes(problem, first)
    kinds = cycle(STRETCHES[stretch])
    for seed, size, kind in zip(range(first, first + DRAWS), sizes, kinds):  # noqa: B905  # two never end
        yield Place.of(size, seed=seed, regime=kind, dtype=dtype)


def any_sizes(problem: Problem, seed: int) -> Iterator[dict[str, int]]:
    rng = np.random.default_rng(seed)
    while True:
        yield {name: int(rng.integers(low, high, endpoint=True)) for name, (low, high) in problem.sizes.items()}


def long_sizes(problem: Problem) -> list[dict[str, int]]:
    """The problem's own large sizes, up to LONGEST, and the upper ends of its ranges."""
    if not problem.sizes:
        return []
    sizes = [{name: min(size, LONGEST) for name, size in extra.items()} for extra in problem.pinned]
    return [*sizes, {name: high for name, (_, high) in problem.sizes.items()}]


def is_finite(problem: Problem, point: Point) -> bool:
    with np.errstate(all="ignore"):
        return bool(np.isfinite(objective(problem, point)(point.params)))
