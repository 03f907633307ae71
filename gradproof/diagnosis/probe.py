"""The points of a diagnosis: ordinary, of float64, their sizes pairwise different, so that mistakes look different."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gradproof.bound import Reference
from gradproof.candidate import Candidate, Crashed
from gradproof.conduct import plain_arrays
from gradproof.diagnosis.evidence import Array, Evidence
from gradproof.errors import CannotTrace, InvalidProblem, NoPrecision
from gradproof.problem import Place, Point, Problem
from gradproof.sampling import draw_point
from gradproof.soundness import Ground

POINTS = 3
"""Points at which an explanation is looked for."""

FRESH = 2
"""Further points, which an explanation has to reproduce before it is shown."""

TRIES = 40
"""Seeds that are tried for a point within the domain."""


def probe_sizes(problem: Problem) -> list[dict[str, int]]:
    """Sizes for all points: none is 1 or equal to another of the point where the ranges leave a choice.

    From point to point each size changes, so that a factor 2 and a factor m are told apart.
    """
    chosen: list[dict[str, int]] = []
    for shift in range(POINTS + FRESH):
        sizes: dict[str, int] = {}
        narrow_first = sorted(problem.sizes.items(), key=lambda item: (item[1][1] - item[1][0], item[0]))
        for name, (low, high) in narrow_first:
            options = list(range(max(low, 2), min(high, 7) + 1)) or [high]
            options = options[-(shift % len(options)) :] + options[: -(shift % len(options))] if shift else options
            free = [n for n in options if n not in sizes.values()]
            sizes[name] = (free or options)[0]
        chosen.append({name: sizes[name] for name in problem.sizes})
    return chosen


def reference_points(problem: Problem) -> Iterator[tuple[Point, Reference]]:
    """The points, with what is exact there. Fewer where the domain or the loss leaves none."""
    ground = Ground(problem)
    for number, sizes in enumerate(probe_sizes(problem)):
        tried = candidates(ground, [Place.of(sizes, seed=1000 * number + seed) for seed in range(TRIES)])
        first = next(tried, None)
        if first is not None and number == 0 and not tells(first[1]):
            first = next((other for other in tried if tells(other[1])), first)
        if first is not None:
            yield first


def candidates(ground: Ground, places: Sequence[Place]) -> Iterator[tuple[Point, Reference]]:
    for place in places:
        try:
            point = draw_point(ground.problem, place)
            if point is not None:
                yield point, ground.refer(point)
        except (NoPrecision, CannotTrace, InvalidProblem):
            continue


def tells(known: Reference) -> bool:
    """Whether no gradient is zero throughout: a closed ReLU hides every mistake."""
    return all(np.any(gradient) for gradient in known.gradients.values())


@functools.lru_cache(64)  # for many gradients of one problem
def probes(problem: Problem) -> tuple[tuple[Point, Reference], ...]:
    return tuple(reference_points(problem))


def evidence(problem: Problem, candidate: Candidate) -> Sequence[Evidence]:
    """What the code claims at the points; none where it raises at one of them."""
    found = []
    for point, known in probes(problem):
        try:
            _, returned = candidate.gradients(own(problem, point))
            claimed = arrays(returned)
        except Crashed:
            return ()
        found.append(Evidence(problem, point, known, claimed))
    return found


def own(problem: Problem, point: Point) -> Point:
    """The point in arrays that the code may write into."""
    again = draw_point(problem, point.place)
    assert again is not None, "draw is a function of the place: it was within the domain before"
    return again


def arrays(returned: Any) -> dict[str, Array]:
    """What the code returned, as far as it is arrays of numbers. Raises Crashed where it raises when it is read."""
    claimed = plain_arrays(returned)
    return {name: np.asarray(value, float) for name, value in claimed.items() if value.dtype.kind in "fiu"}
