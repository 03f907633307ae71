"""The contract of a problem, read off its draws. Runs beside the check, not beside somebody's code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gradproof.problem import Place, Point, Problem
from gradproof.sampling import draw_point
from gradproof.styles.contract import Contract
from gradproof.verdict import listed

SEEDS = 8
"""Draws tried for an example inside the problem's domain."""


def contract_of(problem: Problem) -> Contract:
    """The names, shapes and an example of a problem's parameters and data.

    An axis is of a size if it has that length in two draws of different sizes. Raises InvalidProblem on a bad draw.
    """
    points = [point for sizes in two_choices(problem) if (point := draw_at(problem, sizes)) is not None]
    if not points:
        return Contract((), (), problem.is_layer, also_called=problem.also_called)
    example = points[0]
    return Contract(
        params=tuple(example.params),
        data=tuple(example.data),
        is_layer=problem.is_layer,
        shapes=shapes_of(points),
        also_called=problem.also_called,
        example=as_lists(example),
    )


def two_choices(problem: Problem) -> list[dict[str, int]]:
    """Two choices of sizes, pairwise different in each as far as the ranges allow, each size as large as it can be."""
    largest_last = sorted(problem.sizes, key=lambda name: problem.sizes[name][1])
    choices = []
    for lower_by in (0, 1):
        chosen: dict[str, int] = {}
        for name in largest_last:
            low, high = problem.sizes[name]
            free = [n for n in range(max(low, high - lower_by), low - 1, -1) if n not in chosen.values()]
            chosen[name] = free[0] if free else high
        choices.append({name: chosen[name] for name in problem.sizes})
    return choices


def draw_at(problem: Problem, sizes: Mapping[str, int]) -> Point | None:
    draws = (draw_point(problem, Place.of(sizes, seed=seed)) for seed in range(SEEDS))
    return next((point for point in draws if point is not None), None)


def shapes_of(points: list[Point]) -> dict[str, tuple[str, ...]]:
    """Name -> the sizes its axes have, for arrays whose axes all have one; also of the upstream gradient."""
    arrays = [{"upstream": point.upstream, **point.data, **point.params} for point in points]
    shapes = {}
    for name, value in arrays[0].items():
        if not isinstance(value, np.ndarray):
            continue
        seen = [np.shape(at[name]) for at in arrays]
        axes = [size_of([shape[k] for shape in seen], points) for k in range(value.ndim)]
        if all(axes):
            shapes[name] = tuple(axes)
    return shapes


def size_of(lengths: list[int], points: list[Point]) -> str:
    """The only size that has these lengths at these points; "" where there is none or more than one."""
    sizes = [dict(point.place.sizes) for point in points]
    fitting = [name for name in sizes[0] if [at[name] for at in sizes] == lengths]
    return fitting[0] if len(fitting) == 1 else ""


def as_lists(point: Point) -> dict[str, Any]:
    """The values of a point in lists and numbers; nothing where they are something else."""
    try:
        return {part: listed(getattr(point, part)) for part in ("params", "data", "upstream")}
    except TypeError:
        return {}
