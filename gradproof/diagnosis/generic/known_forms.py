"""The forms that are tried on every wrong gradient: the exact one turned, cut or scaled, and arrays in its place."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from gradproof.bound import is_float
from gradproof.diagnosis.evidence import Array, Evidence
from gradproof.diagnosis.generic.factors import EXACT, Factor
from gradproof.diagnosis.generic.forms import Form, Part, norm
from gradproof.objective import leaves


def forms(evidence: Evidence, name: str) -> Iterator[Form]:
    """All forms a claim about the parameter may have, judged by the arrays that one point has."""
    yield Form(
        EXACT, lambda e, n: e.known.gradients[n], weight=0, phrase=partial(multiple, sizes=evidence.problem.sizes)
    )
    yield from turned(evidence.known.gradients[name])
    yield from cut(evidence.known.gradients[name])
    yield from added_up(evidence.known.gradients[name])
    yield from rescaled()
    yield from others(evidence, name)
    yield from added(evidence, name)


def of_exact(what: str, change: Callable[[Any], Any], weight: int = 1) -> Form:
    """A form whose part is made of the exact gradient alone."""
    return Form(what, lambda e, name: change(e.known.gradients[name]), weight)


def multiple(factor: Factor, sizes: Container[str]) -> str:
    """A multiple of the exact gradient in words, with what it looks like."""
    words = factor.times(EXACT)
    if factor.is_plain and factor.number == -1:
        return f"{words}: the sign is wrong"
    if factor.is_plain and -factor.number in LEARNING_RATES:
        return f"{words}: the step of gradient descent, not the gradient"
    names = [name.removesuffix(" - 1") for name in (*factor.above, *factor.below)]
    if factor.number == 1 and len(names) == 1 and names[0] in sizes:
        return f"{words}: {'a sum where the mean' if factor.above else 'a mean where the sum'} belongs"
    return words


LEARNING_RATES = [Fraction(1, 10**k) for k in range(1, 7)]


def along(axis: int, ndim: int) -> str:
    return f"along axis {axis}" if ndim > 1 else ""


def joined(*words: str) -> str:
    return " ".join(word for word in words if word)


# ---- the same entries elsewhere -----------------------------------------------------------------------------------


def turned(exact: Array) -> Iterator[Form]:
    yield Form("the exact one with an axis of length 1 too many", with_axes(1), 0)
    yield Form("the exact one with an axis of length 1 missing", with_axes(-1), 0)
    yield Form("the exact one in another shape, its entries in the same order", reshaped)
    if exact.ndim == 2:
        yield of_exact("the exact one transposed", np.transpose, 0)
    if exact.ndim > 1:
        reordered = "the exact one reshaped where it should be transposed"
        yield of_exact(reordered, lambda g: g.ravel("F").reshape(g.shape), 2)
    for axis in range(exact.ndim):
        where = along(axis, exact.ndim)
        yield of_exact(joined("the exact one in reverse order", where), partial(np.flip, axis=axis))
        for step, side in ((1, "later"), (-1, "earlier")):
            what = joined("the exact one shifted to one place", side, where)
            yield of_exact(f"{what}, around the end", partial(np.roll, shift=step, axis=axis), 2)
            yield of_exact(f"{what}, a zero moved in", partial(shifted, by=step, axis=axis), 2)


def with_axes(more: int) -> Part:
    """The exact gradient where the claim has so many axes of length 1 more than it should."""

    def part(evidence: Evidence, name: str) -> Array | None:
        claimed, exact = evidence.claimed.get(name), evidence.known.gradients[name]
        return exact.reshape(claimed.shape) if claimed is not None and axes_more(claimed, exact) == more else None

    return part


def axes_more(claimed: Array, exact: Array) -> int | None:
    """How many axes of length 1 a claim has too many; None where it has another shape for another reason."""
    long = [[n for n in array.shape if n != 1] for array in (claimed, exact)]
    return claimed.ndim - exact.ndim if long[0] == long[1] else None


def reshaped(evidence: Evidence, name: str) -> Array | None:
    """The exact gradient in the claim's shape, where more than axes of length 1 is wrong with that."""
    claimed, exact = evidence.claimed.get(name), evidence.known.gradients[name]
    if claimed is None or claimed.size != exact.size or axes_more(claimed, exact) in (-1, 0, 1):
        return None
    return exact.reshape(claimed.shape)


def shifted(g: Array, by: int, axis: int) -> Array:
    moved = np.roll(g, by, axis)
    moved[at(axis, 0 if by > 0 else -1)] = 0
    return moved


def at(axis: int, place: int) -> tuple[Any, ...]:
    """The index of one place along an axis."""
    return (*[slice(None)] * axis, place)


# ---- some of its entries ------------------------------------------------------------------------------------------


def cut(exact: Array) -> Iterator[Form]:
    if exact.ndim == 2:
        yield of_exact("the diagonal of the exact one, zero elsewhere", lambda g: g * np.eye(*g.shape))
        yield of_exact("the lower triangle of the exact one, zero elsewhere", np.tril)
        yield of_exact("the upper triangle of the exact one, zero elsewhere", np.triu)
    for axis in range(exact.ndim):
        where = along(axis, exact.ndim)
        for place, which in ((0, "first"), (-1, "last")):
            there = joined("the", which, "place", where)
            yield of_exact(f"the exact one with zero at {there}", zeroed(axis, place))
            yield of_exact(f"the exact one at {there}, zero elsewhere", kept(axis, place))
    yield of_exact("the absolute value of the exact one", np.abs)
    yield of_exact("the positive part of the exact one", lambda g: np.maximum(g, 0))
    yield of_exact("the sign of the exact one", np.sign)


def zeroed(axis: int, place: int) -> Callable[[Array], Array]:
    def change(g: Array) -> Array:
        result = g.copy()
        result[at(axis, place)] = 0
        return result

    return change


def kept(axis: int, place: int) -> Callable[[Array], Array]:
    rest = zeroed(axis, place)
    return lambda g: g - rest(g)


# ---- sums of its entries ------------------------------------------------------------------------------------------


def added_up(exact: Array) -> Iterator[Form]:
    """A factor makes means of the sums; one sum may stand for all entries that went into it."""
    if exact.ndim:
        yield Form("the sum of the exact one's entries", summed(tuple(range(exact.ndim))))
    if exact.ndim > 1:
        for axis in range(exact.ndim):
            yield Form(f"the exact one summed {along(axis, exact.ndim)}", summed((axis,)))


def summed(axes: tuple[int, ...]) -> Part:
    def part(evidence: Evidence, name: str) -> Array | None:
        claimed, exact = evidence.claimed.get(name), evidence.known.gradients[name]
        sums = np.sum(exact, axis=axes, keepdims=True)
        if claimed is not None and claimed.shape == exact.shape:
            return sums + np.zeros_like(exact)
        return sums if claimed is not None and claimed.shape == sums.shape else np.sum(exact, axis=axes)

    return part


# ---- scaled by its own entries ------------------------------------------------------------------------------------


def rescaled() -> Iterator[Form]:
    yield of_exact("the exact one divided by its norm", lambda g: g / norm(g))
    whole = "the exact one divided by the norm of all gradients together"
    yield Form(whole, lambda e, n: e.known.gradients[n] / norm(*e.known.gradients.values()))
    yield of_exact("the exact one divided by its largest entry", lambda g: g / np.max(np.abs(g)))
    yield of_exact("the exact one divided by its standard deviation", lambda g: g / np.std(g))
    yield of_exact("the exact one less its mean", lambda g: g - np.mean(g))


# ---- something else in its place ----------------------------------------------------------------------------------


def others(evidence: Evidence, name: str) -> Iterator[Form]:
    for other, gradient in evidence.known.gradients.items():
        if other != name:
            yield Form(f"the gradient of {other}", gradient_of(other), 2)
            if gradient.ndim == 2:
                yield Form(f"the gradient of {other} transposed", gradient_of(other, transposed=True), 2)
    yield Form("the parameter itself", lambda e, n: e.point.params[n], 3)
    for other in evidence.point.params:
        if other != name:
            yield Form(f"{other} itself", partial(parameter, other), 2)
    for given, value in evidence.point.data.items():
        if is_float(value):
            yield Form(f"{given} itself", partial(datum, given), 2)
    for k in range(len(leaves(evidence.point.upstream)) if evidence.problem.is_layer else 0):
        yield Form("the upstream gradient itself", partial(upstream, k), 2)
    yield Form("1", ones, phrase=lambda factor: f"{factor} in every entry")


def gradient_of(other: str, transposed: bool = False) -> Part:
    def part(evidence: Evidence, name: str) -> Array:
        gradient = evidence.known.gradients[other]
        return gradient.T if transposed else gradient

    return part


def parameter(other: str, evidence: Evidence, name: str) -> Array:
    return evidence.point.params[other]


def datum(given: str, evidence: Evidence, name: str) -> Array:
    return np.asarray(evidence.point.data[given])


def upstream(number: int, evidence: Evidence, name: str) -> Array:
    return np.asarray(leaves(evidence.point.upstream)[number])


def ones(evidence: Evidence, name: str) -> Array:
    return np.ones_like(evidence.known.gradients[name])


def added(evidence: Evidence, name: str) -> Iterator[Form]:
    yield Form("the parameter (the gradient of a penalty on its square)", lambda e, n: e.point.params[n], 3, added=True)
    absolute = "the sign of the parameter (the gradient of a penalty on its absolute value)"
    yield Form(absolute, lambda e, n: np.sign(e.point.params[n]), 3, added=True)
    yield Form("1", ones, 2, added=True, phrase=lambda factor: f"the exact one with {factor} added to every entry")
    if evidence.known.gradients[name].ndim == 2:
        yield Form("its transpose", lambda e, n: e.known.gradients[n].T, 2, added=True)
    for other in evidence.known.gradients:
        if other != name:
            yield Form(f"the gradient of {other}", gradient_of(other), added=True)
