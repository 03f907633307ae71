"""Formulas in index notation, evaluated on NumPy arrays: the many that are wrong by one mistake, at a few small points.

A proved formula is lowered to source, once, with every index proved inside its array. Wrong ones read outside as well,
there are hundreds of them, and each is needed at a few points only: they are evaluated here by broadcasting, each index
an axis, and a read outside an array gives what code might have found there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy as sp

from gradproof.symbolic import runtime
from gradproof.symbolic.indices import Index

Array = np.ndarray
Real = np.longdouble
At = Mapping[Index, int]
"""The values of indices that are integers: of the loop around, or given as input."""

OUTSIDE = ("zero", "wrap", "clamp")
"""What a read outside an array gives: zero, the place counted from the other end, or the nearest place."""


class CannotEvaluate(TypeError):
    """An expression of a kind that no formula so far has had."""


class without_first(sp.Function):  # type: ignore[misc]  # noqa: N801 (spelt as SymPy spells functions)
    """``without_first(h[t - 1], k)``: the element of an array that lacks its first place along axis k."""


@dataclass
class Context:
    """What an expression is evaluated in.

    arrays: value of each scalar and array, long double, with the first place along each axis. sizes: of each size.
    outside: one of OUTSIDE.
    """

    arrays: dict[Any, tuple[Array, tuple[int, ...]]]
    sizes: Mapping[sp.Symbol, int]
    integers: Mapping[Index, int] = field(default_factory=dict)
    outside: str = "zero"


Compiled = Callable[[Context, At], Any]
Axes = tuple[Index, ...]


@functools.lru_cache(200_000)
def compiled(e: sp.Expr, axes: Axes = ()) -> Compiled:
    """``e`` as a function of a context and of the running indices; its array has one axis for each of ``axes``, of
    length 1 where the value does not depend on it, or no axis at all."""
    for kind, rule in RULES.items():
        if isinstance(e, kind):
            return rule(e, axes)
    name = type(e).__name__
    if isinstance(e, sp.Function) and name in runtime.ELEMENTWISE and len(e.args) == 1:
        function, argument = runtime.ELEMENTWISE[name], compiled(e.args[0], axes)
        return lambda c, at: function(np.asarray(argument(c, at), Real))
    raise CannotEvaluate(f"{e}: {name}")


def integer(e: Any, context: Context, at: At) -> int:
    """The value of an integer made of sizes, running indices and numbers."""
    return int(compiled(sp.sympify(e))(context, at))


def span(i: Index, context: Context, at: At) -> tuple[int, int]:
    """First place of an index, and one more than its last."""
    return integer(i.lower, context, at), integer(i.upper, context, at) + 1


# ---- numbers, sizes and indices -----------------------------------------------------------------------------------


def number(e: sp.Number, axes: Axes) -> Compiled:
    value = int(e) if e.is_Integer else Real(int(e.p)) / Real(int(e.q)) if e.is_Rational else Real(str(e))
    return lambda c, at: value


def running(e: Index, axes: Axes) -> Compiled:
    if e not in axes:
        return lambda c, at: at[e] if e in at else c.integers[e]
    shape = [-1 if i == e else 1 for i in axes]
    return lambda c, at: np.arange(*span(e, c, at)).reshape(shape)


def symbol(e: sp.Symbol, axes: Axes) -> Compiled:
    return lambda c, at: c.sizes[e] if e in c.sizes else c.arrays[e][0]


# ---- elements of arrays -------------------------------------------------------------------------------------------


def element(e: sp.Indexed, axes: Axes, later: tuple[int, ...] = ()) -> Compiled:
    """later: the axes along which the array is read as if its first place were not there."""
    places = [compiled(sp.sympify(index), axes) for index in e.indices]
    dropped = [int(k in later) for k in range(len(places))]

    def read(c: Context, at: At) -> Any:
        array, first = c.arrays[e.base]
        if any(dropped):
            array = array[tuple(slice(k, None) for k in dropped)]
        ks = [place(c, at) - low - cut for place, low, cut in zip(places, first, dropped, strict=True)]
        outside = [np.any(k < 0) or np.any(k >= n) for k, n in zip(ks, array.shape, strict=True)]
        return array[tuple(ks)] if not any(outside) else beyond(array, ks, c.outside)

    return read


def beyond(array: Array, ks: list[Any], outside: str) -> Any:
    """Elements of an array at places some of which it does not have."""
    if not array.size:
        return np.zeros(np.broadcast_shapes(*map(np.shape, ks)), Real)
    if outside == "wrap":
        return array[tuple(k % n for k, n in zip(ks, array.shape, strict=True))]
    nearest = [np.clip(k, 0, n - 1) for k, n in zip(ks, array.shape, strict=True)]
    found = array[tuple(nearest)]
    if outside == "clamp":
        return found
    inside = functools.reduce(np.logical_and, [k == near for k, near in zip(ks, nearest, strict=True)])
    return np.where(inside, found, Real(0))


def shortened(e: without_first, axes: Axes) -> Compiled:
    return element(e.args[0], axes, (int(e.args[1]),))


# ---- arithmetic ---------------------------------------------------------------------------------------------------


def parts(e: sp.Expr, axes: Axes) -> list[Compiled]:
    return [compiled(part, axes) for part in e.args]


def addition(e: sp.Add, axes: Axes) -> Compiled:
    terms = parts(e, axes)
    return lambda c, at: functools.reduce(np.add, [term(c, at) for term in terms])


def product(e: sp.Mul, axes: Axes) -> Compiled:
    factors = parts(e, axes)
    return lambda c, at: functools.reduce(np.multiply, [factor(c, at) for factor in factors])


def power(e: sp.Pow, axes: Axes) -> Compiled:
    base, exponent = parts(e, axes)
    if e.exp == sp.Rational(1, 2):
        return lambda c, at: np.sqrt(np.asarray(base(c, at), Real))
    return lambda c, at: np.asarray(base(c, at), Real) ** exponent(c, at)


def summed(e: sp.Sum, axes: Axes) -> Compiled:
    bound = tuple(limit[0] for limit in e.limits)
    body, last = compiled(e.function, axes + bound), tuple(range(-len(bound), 0))

    def total(c: Context, at: At) -> Any:
        lengths = [high - low for low, high in (span(i, c, at) for i in bound)]
        value = np.asarray(body(c, at), Real)
        value = value.reshape((1,) * (len(axes) + len(bound) - value.ndim) + value.shape)
        idle = [n for n, k in zip(lengths, last, strict=True) if value.shape[k] == 1 and n != 1]
        return np.sum(value, axis=last) * Real(np.prod(idle, initial=1))

    return total


def kronecker(e: sp.KroneckerDelta, axes: Axes) -> Compiled:
    one, other = parts(e, axes)
    return lambda c, at: np.equal(one(c, at), other(c, at)) * Real(1)


def extreme(e: Any, axes: Axes) -> Compiled:
    values, choose = parts(e, axes), np.maximum if isinstance(e, sp.Max) else np.minimum
    return lambda c, at: functools.reduce(choose, [value(c, at) for value in values])


def remainder(e: sp.Mod, axes: Axes) -> Compiled:
    value, modulus = parts(e, axes)
    return lambda c, at: np.mod(value(c, at), modulus(c, at))


def heaviside(e: sp.Heaviside, axes: Axes) -> Compiled:
    argument = compiled(e.args[0], axes)
    return lambda c, at: runtime.step(argument(c, at))


def cases(e: sp.Piecewise, axes: Axes) -> Compiled:
    (value, condition), *others = e.args
    then = compiled(value, axes)
    if condition == sp.true:
        return then
    if type(condition) not in RELATIONS or not others:
        raise CannotEvaluate(f"the cases of {e}")
    compare, (left, right) = RELATIONS[type(condition)], parts(condition, axes)
    otherwise = compiled(sp.Piecewise(*others), axes)
    return lambda c, at: np.where(compare(left(c, at), right(c, at)), then(c, at), otherwise(c, at))


RELATIONS: Mapping[Any, Any] = {
    sp.StrictGreaterThan: np.greater,
    sp.StrictLessThan: np.less,
    sp.GreaterThan: np.greater_equal,
    sp.LessThan: np.less_equal,
}

RULES: Mapping[Any, Callable[[Any, Axes], Compiled]] = {
    Index: running,
    sp.Symbol: symbol,
    sp.Number: number,
    sp.Indexed: element,
    without_first: shortened,
    sp.Sum: summed,
    sp.Add: addition,
    sp.Mul: product,
    sp.Pow: power,
    sp.KroneckerDelta: kronecker,
    sp.Mod: remainder,
    sp.Max: extreme,
    sp.Min: extreme,
    sp.Heaviside: heaviside,
    sp.Piecewise: cases,
}
