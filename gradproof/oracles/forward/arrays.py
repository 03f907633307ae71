"""The arrays a loss computes with: the real value, and beside it the tangent.

A ufunc's slope is the complex step of that very ufunc, so that no rule of the tape is repeated here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradproof import composites
from gradproof.duck import DuckArray, plain, refuse, spelled
from gradproof.oracles.analytic import ANALYTIC, NATIVE, STEP, Real
from gradproof.oracles.base import Array
from gradproof.oracles.forward.tangents import OneHot, Run, Tangent, added, chained, scaled

BASIC = (int, np.integer, slice, type(None), type(Ellipsis))
"""What an index is made of that leaves the order of the entries alone."""


class Forward(DuckArray):
    """A long double array with its tangent, None where it does not move."""

    def __init__(self, run: Run, value: Any, tangent: Tangent | None) -> None:
        self.run, self.value, self.tangent = run, np.asarray(value, Real), tangent
        self._narrow: Array | None = None

    @property
    def narrow(self) -> Array:
        """The value in the tangents' dtype."""
        if self._narrow is None:
            self._narrow = self.value.astype(self.run.dtype, copy=False)
        return self._narrow

    def assign(self, other: Forward) -> None:
        self.value, self.tangent, self._narrow = other.value, other.tangent, None

    def detached(self) -> Forward:
        return Forward(self.run, self.value, None)

    def index(self, key: Any) -> Forward:
        key = plain(key)
        parts = key if isinstance(key, tuple) else (key,)
        if not all(isinstance(part, BASIC) and not isinstance(part, bool) for part in parts):
            return OPERATIONS[operator.getitem](self.run, operator.getitem, (self, key), {})
        tangent = self.tangent
        if isinstance(tangent, OneHot):
            tangent = OneHot(np.asarray(tangent.place[key]), np.asarray(tangent.slope[key]))
        elif tangent is not None:
            tangent = tangent[(slice(None), *parts)]
        return Forward(self.run, self.value[key], tangent)

    def apply_ufunc(self, ufunc: np.ufunc, inputs: tuple[Any, ...]) -> Forward:
        if ufunc not in ANALYTIC and ufunc not in NATIVE:
            refuse(
                f"np.{ufunc.__name__} in forward mode", "leave this oracle out, or use exp, log, tanh, sin, cos, sqrt"
            )
        if ufunc is np.matmul:
            return OPERATIONS[np.matmul](self.run, ufunc, inputs, {})
        moving = [k for k, x in enumerate(inputs) if isinstance(x, Forward) and x.tangent is not None]
        if not moving:
            return Forward(self.run, ufunc(*(plain(x) for x in inputs)), None)
        if ufunc in LINEAR:
            return combined(self.run, ufunc, inputs)
        return elementwise(self.run, ufunc, inputs, moving)

    def apply_function(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = composites.apply(function, args, kwargs)
        if result is not NotImplemented:
            return result
        if function not in OPERATIONS:
            refuse(f"{spelled(function)} in forward mode", "write it out with arithmetic, np.sum, np.einsum, np.where")
        return OPERATIONS[function](self.run, function, args, kwargs)


OPERATIONS: dict[Any, Callable[..., Any]] = {}
"""What NumPy's functions do: ``operation(run, function, args, kwargs)``. ``functions`` fills it."""


def tangent_of(x: Any) -> Tangent | None:
    return x.tangent if isinstance(x, Forward) else None


def narrow(x: Any, run: Run) -> Array:
    return x.narrow if isinstance(x, Forward) else np.asarray(x, run.dtype)


# Entry by entry -------------------------------------------------------------------------------------------------------

LINEAR = {np.add, np.subtract, np.multiply, np.negative, np.positive, np.conjugate}
"""Ufuncs that are linear in each operand: their slopes need no step."""


def combined(run: Run, ufunc: np.ufunc, inputs: tuple[Any, ...]) -> Forward:
    value = np.asarray(ufunc(*[plain(x) for x in inputs]))
    first, second = tangent_of(inputs[0]), tangent_of(inputs[1]) if len(inputs) > 1 else None
    if not (first is None or second is None) or isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        run.count(value.size)
    if ufunc is np.multiply:
        first = None if first is None else scaled(first, narrow(inputs[1], run), run)
        second = None if second is None else scaled(second, narrow(inputs[0], run), run)
    elif ufunc is np.subtract:
        second = None if second is None else negated(second)
    elif ufunc is not np.add:
        assert first is not None
        return Forward(run, value, negated(first) if ufunc is np.negative else first)
    return Forward(run, value, added(first, second, value.shape, run))


def negated(tangent: Tangent) -> Tangent:
    return OneHot(tangent.place, -tangent.slope) if isinstance(tangent, OneHot) else -tangent


FIXED = np.asarray(Real(STEP))
"""An array without axes: of a number NumPy makes one at each use, in half a microsecond."""

UPWARDS = np.asarray(1j * FIXED)


def elementwise(run: Run, ufunc: np.ufunc, inputs: tuple[Any, ...], moving: Sequence[int]) -> Forward:
    value: Any = None
    total: Tangent | None = None
    for k in moving:
        values = [plain(x) for x in inputs]
        # What ANALYTIC has is linear in the step, however large it is.
        step = FIXED if ufunc in ANALYTIC else small_beside(values[k])
        values[k] = values[k] + (UPWARDS if step is FIXED else 1j * step)
        stepped = np.asarray(ANALYTIC.get(ufunc, ufunc)(*values))
        if value is None:
            value = stepped.real
            if len(moving) > 1 or not isinstance(inputs[k].tangent, OneHot):
                run.count(value.size)
        term = chained(inputs[k].tangent, stepped.imag / step, run)
        total = added(total, term, value.shape, run)
    return Forward(run, value, total)


def small_beside(value: Array) -> Array:
    """A step for each entry: a power of two, and small beside an entry that is itself as small as a step."""
    _, exponent = np.frexp(value)
    return np.ldexp(Real(STEP), np.minimum(exponent, 0))
