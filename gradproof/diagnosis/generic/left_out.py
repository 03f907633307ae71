"""Forms with one place less along a size: a loop that misses the first or the last sample, or takes it twice."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradproof.bound import reference
from gradproof.diagnosis.evidence import Array, Evidence
from gradproof.diagnosis.generic.forms import Form
from gradproof.objective import leaves, like
from gradproof.problem import Point

Places = frozenset[tuple[Any, int]]
"""Axes of data: name of the array, or number of the part of an upstream gradient, and axis."""


@dataclass(frozen=True)
class Side:
    """One end of an axis: ``own`` is its place there, ``rest`` are all others."""

    name: str
    own: tuple[int | None, int | None]
    rest: tuple[int | None, int | None]


SIDES = (Side("first", (None, 1), (1, None)), Side("last", (-1, None), (None, -1)))


def forms(evidence: Sequence[Evidence]) -> Iterator[Form]:
    """What a loss added up along a size becomes if a place is left out, counted twice or left alone.

    Sizes are those that data have and no parameter has, where the points tell them from each other. Of a sum and of a
    mean the same mistakes look different.
    """
    for size, places in axes_by_size(evidence).items():
        for side in SIDES:
            one, rest = f"the {side.name} along {size}", Smaller(size, places, side.rest)
            yield Form(f"the gradient without {one}", rest, 2)
            yield Form(f"the gradient of {one} alone", Smaller(size, places, side.own), 2)
            yield Form(f"the exact one without the share of {one} in the mean", rest.in_mean, 2, alone=True)
            yield Form(f"the exact one with {one} counted twice", rest.twice_in_sum, 2, alone=True)
            yield Form(f"the exact one with {one} counted twice", rest.twice_in_mean, 2, alone=True)


# ---- which data have a size ---------------------------------------------------------------------------------------


def axes_by_size(evidence: Sequence[Evidence]) -> dict[str, Places]:
    """The axes of data that are as long as a size at every point, for each size that is told from all other axes."""
    found = {}
    for size in evidence[0].problem.sizes:
        lengths = [dict(e.point.place.sizes)[size] for e in evidence]
        own = [axes_of(e.point.params, n) for e, n in zip(evidence, lengths, strict=True)]
        if len(set(lengths)) > 1 and not frozenset.intersection(*own):
            given = [axes_of(data_of(e.point), n) for e, n in zip(evidence, lengths, strict=True)]
            found[size] = frozenset.intersection(*given)
    alone = {s: axes for s, axes in found.items() if not any(axes & found[other] for other in found if other != s)}
    return {size: axes for size, axes in alone.items() if axes}


def axes_of(arrays: Mapping[Any, Any], length: int) -> Places:
    return frozenset((name, axis) for name, a in arrays.items() for axis, n in enumerate(np.shape(a)) if n == length)


def data_of(point: Point) -> dict[Any, Array]:
    """The arrays of a point that are no parameters: its data by name, the parts of its upstream gradient by number."""
    data = {name: value for name, value in point.data.items() if isinstance(value, np.ndarray)}
    return data if point.upstream is None else {**data, **dict(enumerate(leaves(point.upstream)))}


# ---- the smaller problem ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Smaller:
    """The exact gradient with only the places ``kept`` along one size; a part of a form.

    kept: start and stop, as of a slice.
    """

    size: str
    places: Places
    kept: tuple[int | None, int | None]

    def __call__(self, evidence: Evidence, name: str) -> Array | None:
        gradients = gradients_of(self, evidence)
        return None if gradients is None else gradients[name]

    def in_mean(self, evidence: Evidence, name: str) -> Array | None:
        """The same divided by the number of all places: what is left of a mean."""
        gradient, count = self(evidence, name), dict(evidence.point.place.sizes)[self.size]
        return None if gradient is None else gradient * np.longdouble(count - 1) / count

    def twice_in_sum(self, evidence: Evidence, name: str) -> Array | None:
        return mirrored(evidence, name, self(evidence, name))

    def twice_in_mean(self, evidence: Evidence, name: str) -> Array | None:
        return mirrored(evidence, name, self.in_mean(evidence, name))

    def point(self, point: Point) -> Point:
        data, parts = dict(point.data), list(leaves(point.upstream))
        for key, axis in self.places:
            owner: Any = parts if isinstance(key, int) else data
            owner[key] = owner[key][(*[slice(None)] * axis, slice(*self.kept))]
        upstream = None if point.upstream is None else like(point.upstream, parts)
        sizes = dict(point.place.sizes)
        sizes[self.size] = len(range(sizes[self.size])[slice(*self.kept)])
        return replace(point, place=replace(point.place, sizes=tuple(sizes.items())), data=data, upstream=upstream)

    def has_output(self, evidence: Evidence, point: Point) -> bool:
        """Whether the output has become smaller as the upstream gradient has: NumPy would broadcast them."""
        if evidence.problem.output is None:
            return True
        output = evidence.problem.output(dict(point.params), dict(point.data))
        return [np.shape(part) for part in leaves(output)] == [np.shape(part) for part in leaves(point.upstream)]


@functools.lru_cache(256)  # one for all parameters
def gradients_of(smaller: Smaller, evidence: Evidence) -> Mapping[str, Array] | None:
    """None where the smaller problem is none: nothing is left, or its loss does not run, or not exactly."""
    problem, point = evidence.problem, smaller.point(evidence.point)
    try:
        if problem.domain is not None and not problem.domain(dict(point.params), dict(point.data)):
            return None
        return reference(problem, point).gradients if smaller.has_output(evidence, point) else None
    except Exception:  # a loss may ask anything of its data, and these are not those it was promised
        return None


def mirrored(evidence: Evidence, name: str, without: Array | None) -> Array | None:
    """The exact gradient with what ``without`` lacks counted twice."""
    return None if without is None else 2 * evidence.known.gradients[name] - without
