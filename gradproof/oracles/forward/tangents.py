"""Tangents: the derivatives of an array along many directions at once, one row a direction.

A dense one has the shape (rows, *shape). A parameter's is ``OneHot``: every entry moves along a direction of its own,
so that all are known from one number an entry. It stays that until a product mixes directions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

import numpy as np

from gradproof.errors import GradproofError
from gradproof.oracles.base import Array

MOST = 2**17
"""Entries of a tangent that are carried at once: 1 to 2 MB, what a core's cache holds."""

FEWEST_ROWS = 8
"""However large the arrays of a loss are, so many directions are carried at once."""


class TooWide(GradproofError):
    """The rows of this run are too many for the size of an array in it."""


class Run:
    """One pass through the loss. rows: how many directions; dtype: of the tangents.

    largest: entries of the largest array that moves; carried: entries of all tangents made so far.
    """

    def __init__(self, rows: int, dtype: Any) -> None:
        self.rows, self.dtype = rows, np.dtype(dtype)
        self.largest = self.carried = self.operations = 0

    @property
    def too_wide(self) -> bool:
        return self.rows > FEWEST_ROWS and self.rows * self.largest > MOST

    def count(self, size: int) -> None:
        """Before the tangent of an array with so many entries is worked out. Raises TooWide."""
        self.operations += 1
        self.carried += self.rows * size
        if size > self.largest:
            self.largest = size
            if self.too_wide:
                raise TooWide


class OneHot:
    """A tangent that is zero but for one row an entry.

    place: the row, -1 for none. slope: the derivative along it. Both have the array's shape.
    """

    def __init__(self, place: Array, slope: Array) -> None:
        self.place, self.slope = place, slope
        self.scatters: dict[tuple[str, str, str], Scatter] = {}
        self._flat: tuple[Array, Array] | None = None

    def times(self, factor: Any) -> OneHot:
        slope = self.slope * factor
        return OneHot(np.broadcast_to(self.place, slope.shape), slope)

    def stretched(self, shape: tuple[int, ...]) -> OneHot:
        if self.place.shape == shape:
            return self
        return OneHot(np.broadcast_to(self.place, shape), np.broadcast_to(self.slope, shape))

    @property
    def flat(self) -> tuple[Array, Array]:
        """Where the numbers belong in the flattened dense tangent, and the numbers."""
        if self._flat is None:
            moving = np.flatnonzero(self.place >= 0)
            index = self.place.ravel()[moving] * self.place.size + moving
            self._flat = index, self.slope.ravel()[moving]
        return self._flat

    def dense(self, run: Run) -> Array:
        result = np.zeros(run.rows * self.place.size, run.dtype)
        index, slope = self.flat
        result[index] = slope
        return result.reshape(run.rows, *self.place.shape)


Tangent = Array | OneHot
"""None, where there might be one, says that the array does not move."""


def dense(tangent: Tangent, run: Run) -> Array:
    return tangent.dense(run) if isinstance(tangent, OneHot) else tangent


def aligned(tangent: Array, axes: int) -> Array:
    """With axes of length 1 put in, so that the rows stay in front when the array is broadcast to so many axes."""
    missing = axes + 1 - tangent.ndim
    return tangent.reshape(len(tangent), *(1,) * missing, *tangent.shape[1:]) if missing else tangent


def scaled(tangent: Tangent, factor: Array, run: Run) -> Tangent:
    """``factor`` times it; ``factor`` has the shape of the result, or broadcasts to it with the tangent's array."""
    factor = np.asarray(factor, run.dtype)
    if isinstance(tangent, OneHot):
        return tangent.times(factor)
    return aligned(tangent, factor.ndim) * factor


def chained(tangent: Tangent, slope: Array, run: Run) -> Tangent:
    """The same with a function's slope: where it is infinite, what does not move does not move."""
    if np.isfinite(slope).all():
        return scaled(tangent, slope, run)
    moving = aligned(dense(tangent, run), slope.ndim)
    return np.where(moving == 0, 0, moving * slope.astype(run.dtype))


def stretched(tangent: Tangent, shape: tuple[int, ...]) -> Tangent:
    """That of the array broadcast to ``shape``."""
    if isinstance(tangent, OneHot):
        return tangent.stretched(shape)
    if tangent.shape[1:] == shape:
        return tangent
    return np.broadcast_to(aligned(tangent, len(shape)), (len(tangent), *shape))


def added(first: Tangent | None, second: Tangent | None, shape: tuple[int, ...], run: Run) -> Tangent | None:
    """That of a sum of this shape, whose operands may be broadcast."""
    if first is None or second is None:
        alone = second if first is None else first
        return None if alone is None else stretched(alone, shape)
    if isinstance(first, OneHot):
        first, second = second, first
    if not isinstance(second, OneHot):
        return aligned(dense(first, run), len(shape)) + aligned(second, len(shape))
    total = np.array(stretched(dense(first, run), shape), order="C")
    index, slope = second.stretched(shape).flat
    total.reshape(-1)[index] += slope  # no place twice: each entry has one row
    return total


# Products: einsum with explicit letters, "Z" being the rows ----------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """How a product of a tangent and an array is one of matrices: axes to add up first, orders, and the way back.

    An order that changes nothing is None.
    """

    summed_left: tuple[int, ...]
    left: tuple[int, ...] | None
    summed_right: tuple[int, ...]
    right: tuple[int, ...] | None
    back: tuple[int, ...] | None
    batch: int
    contracted: int


@cache
def plan(left: str, right: str, out: str) -> Plan:
    both = [letter for letter in left if letter in right]
    batch, contracted = [x for x in both if x in out], [x for x in both if x not in out]
    rows, columns = ([x for x in mine if x in out and x not in both] for mine in (left, right))
    kept_left, kept_right = ([x for x in mine if x in both or x in out] for mine in (left, right))
    result = batch + rows + columns
    return Plan(
        tuple(k for k, x in enumerate(left) if x not in kept_left),
        order(kept_left, batch + rows + contracted),
        tuple(k for k, x in enumerate(right) if x not in kept_right),
        order(kept_right, batch + contracted + columns),
        order(result, list(out)),
        len(batch),
        len(contracted),
    )


def order(letters: list[str], wanted: list[str]) -> tuple[int, ...] | None:
    return None if letters == wanted else tuple(letters.index(x) for x in wanted)


def ordered(array: Array, axes: tuple[int, ...] | None) -> Array:
    return array if axes is None else array.transpose(axes)


def product(tangent: Array, left: str, array: Array, right: str, out: str) -> Array:
    """einsum(left, right -> out) as a product of matrices, which BLAS does in float64. No letter twice in a term."""
    how = plan(left, right, out)
    if how.summed_left:
        tangent = tangent.sum(axis=how.summed_left)
    if how.summed_right:
        array = array.sum(axis=how.summed_right)
    tangent, array = ordered(tangent, how.left), ordered(array, how.right)
    # In long double, dot is faster than matmul.
    if tangent.ndim == 2 and array.ndim <= 2 and how.contracted == 1:
        return ordered(np.asarray(tangent.dot(array)), how.back)
    end = tangent.ndim - how.contracted
    batch, rows, inner = tangent.shape[: how.batch], tangent.shape[how.batch : end], prod(tangent.shape[end:])
    columns = array.shape[how.batch + how.contracted :]
    tangent, array = tangent.reshape(*batch, prod(rows), inner), array.reshape(*batch, inner, prod(columns))
    result = np.matmul(tangent, array) if batch else np.dot(tangent, array)
    return ordered(result.reshape(*batch, *rows, *columns), how.back)


class Scatter:
    """Where the numbers of a ``OneHot`` go in a product with an array: no larger than what moves."""

    def __init__(self, moving: OneHot, left: str, right: str, out: str) -> None:
        entries = np.flatnonzero(moving.place >= 0)
        lengths = dict(zip(left, moving.place.shape, strict=True))
        coordinate = dict(zip(left, np.unravel_index(entries, moving.place.shape) if left else (), strict=True))
        kept = [x for x in left if x in out]
        self.slope, rows = moving.slope.ravel()[entries], moving.place.ravel()[entries]
        self.shape = tuple(lengths[x] for x in kept)
        self.index = rows
        for letter in kept:
            self.index = self.index * lengths[letter] + coordinate[letter]
        self.once = len(np.unique(self.index)) == len(self.index)
        shared, rest = [x for x in right if x in left], [x for x in right if x in out and x not in left]
        remaining = [x for x in right if x in shared or x in rest]
        self.summed = tuple(k for k, x in enumerate(right) if x not in remaining)
        self.order = order(remaining, shared + rest)
        self.picked = tuple(coordinate[x] for x in shared)
        self.back = order(["Z", *kept, *rest], ["Z", *out])

    def product(self, array: Array, run: Run) -> Array:
        if self.summed:
            array = array.sum(axis=self.summed)
        picked = ordered(array, self.order)[self.picked or None]
        rest = picked.shape[1:]
        terms = picked * (self.slope.reshape(-1, *(1,) * len(rest)) if rest else self.slope)
        result = np.zeros((run.rows * prod(self.shape), *rest), run.dtype)
        if self.once:
            result[self.index] = terms
        else:
            np.add.at(result, self.index, terms)
        return ordered(result.reshape(run.rows, *self.shape, *rest), self.back)


def one_hot_product(moving: OneHot, left: str, array: Array, right: str, out: str, run: Run) -> Array:
    """einsum(left, right -> out), rows in front, without the dense tangent."""
    key = left, right, out
    if key not in moving.scatters:
        moving.scatters[key] = Scatter(moving, left, right, out)
    return moving.scatters[key].product(array, run)
