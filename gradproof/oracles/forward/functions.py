"""NumPy's functions on arrays with tangents: sums and products, which are linear in each operand, and rearrangements.

What moves entries about does it with their positions; anything else that is analytic takes a complex step a row.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from gradproof.duck import plain, refuse, spelled
from gradproof.oracles.analytic import EXTREMES, FUNCTIONS, STEP, Complex, Real
from gradproof.oracles.base import Array
from gradproof.oracles.forward.arrays import OPERATIONS, Forward, narrow, tangent_of
from gradproof.oracles.forward.tangents import (
    OneHot,
    Run,
    Tangent,
    aligned,
    dense,
    one_hot_product,
    product,
    stretched,
)
from gradproof.tape.linear import REARRANGEMENTS, SINGLE, explicit

# Sums and products ----------------------------------------------------------------------------------------------------

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def total(run: Run, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if kwargs.keys() - {"axis", "keepdims"} or len(args) > 2:
        return row_by_row(run, function, args, kwargs)
    return summed(run, *args, **kwargs)


def summed(run: Run, x: Any, axis: Any = None, keepdims: bool = False) -> Forward:
    value, tangent = np.sum(plain(x), axis=axis, keepdims=keepdims), tangent_of(x)
    if tangent is None:
        return Forward(run, value, None)
    run.count(np.size(value))
    axes = range(x.ndim) if axis is None or not x.ndim else axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(k % x.ndim for k in axes)
    if isinstance(tangent, OneHot):
        letters = LETTERS[: x.ndim]
        kept = "".join(letter for k, letter in enumerate(letters) if k not in axes)
        tangent = one_hot_product(tangent, letters, np.ones((), run.dtype), "", kept, run)
    else:
        tangent = tangent.sum(axis=tuple(k + 1 for k in axes))
    return Forward(run, value, tangent.reshape(run.rows, *np.shape(value)))


def matmul(run: Run, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Forward:
    a, b = args
    first, second = plain(a), plain(b)
    value = np.matmul(first, second)
    terms, out = letters_of_matmul(np.ndim(first), np.ndim(second))
    return contracted(run, value, terms, out, [a, b])


@cache
def letters_of_matmul(left: int, right: int) -> tuple[tuple[str, str], str]:
    """The subscripts of a product of arrays of so many axes."""
    batch = LETTERS[: max(left, right, 2) - 2]
    rows, columns = "N" if left > 1 else "", "M" if right > 1 else ""
    terms = batch[len(batch) - max(left - 2, 0) :] + rows + "K", batch[len(batch) - max(right - 2, 0) :] + "K" + columns
    return terms, batch + rows + columns


def einsum(run: Run, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Forward:
    terms, out, operands = explicit(args)
    return contracted(run, np.einsum(*(plain(x) for x in args)), tuple(terms), out, operands)


def contracted(run: Run, value: Any, terms: tuple[str, ...], out: str, operands: list[Any]) -> Forward:
    moving = [k for k, x in enumerate(operands) if tangent_of(x) is not None]
    if not moving:
        return Forward(run, value, None)
    run.count(np.size(value))
    arrays = [narrow(x, run) for x in operands]
    plainly = is_product(terms, tuple([array.shape for array in arrays]))
    tangent: Tangent | None = None
    for k in moving:
        mine = operands[k].tangent
        if not plainly:
            others = [dense(mine, run) if j == k else array for j, array in enumerate(arrays)]
            subscripts = ",".join("Z" + t if j == k else t for j, t in enumerate(terms))
            term = np.einsum(f"{subscripts}->Z{out}", *others)
        elif isinstance(mine, OneHot):
            term = one_hot_product(mine, terms[k], arrays[1 - k], terms[1 - k], out, run)
        else:
            term = product(mine, "Z" + terms[k], arrays[1 - k], terms[1 - k], "Z" + out)
        tangent = term if tangent is None else tangent + term
    return Forward(run, value, tangent)


@cache
def is_product(terms: tuple[str, ...], shapes: tuple[tuple[int, ...], ...]) -> bool:
    """Whether two operands have no letter twice, and one length for each: NumPy stretches axes of length 1, too."""
    lengths: dict[str, int] = {}
    for letter, length in (
        (x, n) for term, shape in zip(terms, shapes, strict=True) for x, n in zip(term, shape, strict=True)
    ):
        if lengths.setdefault(letter, length) != length:
            return False
    return len(terms) == 2 and all(len(set(term)) == len(term) for term in terms)


def where(run: Run, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if len(args) != 3:
        return row_by_row(run, function, args, kwargs)
    condition, a, b = args
    first = np.asarray(plain(condition) != 0)
    value = np.where(first, plain(a), plain(b))
    tangents = [tangent_of(x) for x in (a, b)]
    if all(tangent is None for tangent in tangents):
        return Forward(run, value, None)
    run.count(value.size)
    sides = [0 if t is None else aligned(dense(t, run), value.ndim) for t in tangents]
    return Forward(run, value, stretched(np.where(first, *sides), value.shape))


# Entries that change places -------------------------------------------------------------------------------------------


def rearranged(run: Run, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A function that only moves entries about: run on their positions, from 1 on; 0 is a zero that it filled in."""
    if function in SINGLE and len(args) > 1:
        refuse(f"{spelled(function)} of several arrays", "call it once for each")
    kwargs = {key: plain(value) for key, value in kwargs.items() if key not in ("dtype", "casting")}
    several = isinstance(args[0], list | tuple)
    operands = list(args[0]) if several else [args[0]]
    starts = np.cumsum([1, *(np.size(x) for x in operands)])
    places = [s + np.arange(np.size(x)).reshape(np.shape(x)) for s, x in zip(starts, operands, strict=False)]
    moved = function(places if several else places[0], *(plain(a) for a in args[1:]), **kwargs)
    values = np.concatenate([np.zeros(1, Real), *(np.ravel(plain(x)) for x in operands)])
    tangent = joined(run, operands)
    if isinstance(moved, list | tuple):  # np.split
        return [gathered(run, values, tangent, np.asarray(part)) for part in moved]
    return gathered(run, values, tangent, np.asarray(moved))


def joined(run: Run, operands: Sequence[Any]) -> Tangent | None:
    """The tangents of all operands after one zero, in a row."""
    tangents = [tangent_of(x) for x in operands]
    if all(t is None for t in tangents):
        return None
    sizes = [np.size(x) for x in operands]
    if not any(isinstance(t, np.ndarray) for t in tangents):
        still = [OneHot(np.full(n, -1), np.zeros(n, run.dtype)) for n in sizes]
        parts = [t if isinstance(t, OneHot) else part for t, part in zip(tangents, still, strict=True)]
        return OneHot(
            np.concatenate([np.full(1, -1), *(part.place.ravel() for part in parts)]),
            np.concatenate([np.zeros(1, run.dtype), *(part.slope.ravel() for part in parts)]),
        )
    run.count(sum(sizes))
    rows = [
        np.zeros((run.rows, n), run.dtype) if t is None else dense(t, run).reshape(run.rows, n)
        for t, n in zip(tangents, sizes, strict=True)
    ]
    return np.concatenate([np.zeros((run.rows, 1), run.dtype), *rows], axis=1)


def gathered(run: Run, values: Array, tangent: Tangent | None, place: Array) -> Forward:
    if isinstance(tangent, OneHot):
        return Forward(run, values[place], OneHot(tangent.place[place], tangent.slope[place]))
    if tangent is None:
        return Forward(run, values[place], None)
    run.count(place.size)
    return Forward(run, values[place], tangent[:, place])


def extreme(run: Run, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Forward:
    """np.max or np.min: the entry it picks, found by its position in the imaginary part."""
    x, *rest = args
    positions = np.arange(x.size).reshape(x.shape)
    picked = np.imag(EXTREMES[function](x.value + 1j * positions.astype(Real), *rest, **kwargs)).astype(int)
    return rearranged(run, lambda places: places.ravel()[picked], (x,), {})


def item(run: Run, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    x, key = args
    return rearranged(run, lambda places: places[key], (x,), {})


# Anything else that is analytic ---------------------------------------------------------------------------------------


def row_by_row(run: Run, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The complex step of the function itself, along one direction after the other."""

    def at(x: Any, row: int) -> Any:
        if isinstance(x, list | tuple):
            return [at(part, row) for part in x]
        if not isinstance(x, Forward) or x.tangent is None:
            return plain(x)
        return x.value + Complex(1j * STEP) * tangents[id(x)][row]

    parts = [part for x in args for part in (x if isinstance(x, list | tuple) else [x])]
    tangents = {id(x): dense(x.tangent, run) for x in parts if isinstance(x, Forward) and x.tangent is not None}
    if not tangents:
        return Forward(run, function(*(at(x, 0) for x in args), **kwargs), None)
    run.count(sum(x.size for x in parts if isinstance(x, Forward)))
    stepped = [function(*(at(x, row) for x in args), **kwargs) for row in range(run.rows)]
    slopes = np.stack([np.imag(result) / Real(STEP) for result in stepped])
    return Forward(run, np.real(stepped[0]), slopes.astype(run.dtype))


# The table ------------------------------------------------------------------------------------------------------------

OPERATIONS |= dict.fromkeys(FUNCTIONS, row_by_row)
OPERATIONS |= dict.fromkeys(REARRANGEMENTS, rearranged)
OPERATIONS |= dict.fromkeys(EXTREMES, extreme)
OPERATIONS |= {operator.getitem: item, np.matmul: matmul, np.sum: total, np.einsum: einsum, np.where: where}
