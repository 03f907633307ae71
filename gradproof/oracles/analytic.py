"""NumPy's functions in complex numbers, as analytic ones: the imaginary part is carried as a derivative is."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradproof.oracles.base import Array
from gradproof.tape.linear import REARRANGEMENTS

Real = np.longdouble
Complex = np.clongdouble

STEP = 2.0**-332
"""About 1e-100; a power of two, so that multiplying and dividing by it is exact."""


def absolute(x: Array) -> Array:
    return np.where(np.real(x) < 0, -x, x)


def maximum(x: Array, y: Array) -> Array:
    return np.where(np.real(x) > np.real(y), x, y)


def minimum(x: Array, y: Array) -> Array:
    return np.where(np.real(x) <= np.real(y), x, y)  # the one np.maximum leaves, also where they tie


def logaddexp(x: Array, y: Array) -> Array:
    larger = maximum(x, y)
    return larger + np.log1p(np.exp(minimum(x, y) - larger))


# To first order in the imaginary part, where NumPy's own complex function is less exact than its real one.


def tanh(x: Array) -> Array:
    real, result = np.real(x), np.empty(np.shape(x), Complex)
    result.real, result.imag = np.tanh(real), np.imag(x) / np.square(np.cosh(real))
    return result


def log1p(x: Array) -> Array:
    return np.log1p(np.real(x)) + 1j * np.imag(x) / (1 + np.real(x))


def exp2(x: Array) -> Array:
    value = np.exp2(np.real(x))
    return value + 1j * np.imag(x) * value * np.log(Real(2))


def power(x: Array, p: Array) -> Array:
    base, exponent = np.asarray(np.real(x), Real), np.asarray(np.real(p), Real)
    value, dx, dp = base**exponent, np.imag(x), np.imag(p)
    along_x = np.where(dx * exponent == 0, 0, dx * exponent * base ** (exponent - 1))
    return value + 1j * (along_x + np.where(dp * value == 0, 0, dp * value * np.log(base)))


ANALYTIC: dict[np.ufunc, Any] = {
    np.absolute: absolute,
    np.fabs: absolute,
    np.maximum: maximum,
    np.fmax: maximum,
    np.minimum: minimum,
    np.fmin: minimum,
    np.logaddexp: logaddexp,
    np.tanh: tanh,
    np.log1p: log1p,
    np.exp2: exp2,
    np.power: power,
    np.float_power: power,
    np.conjugate: np.positive,
    np.sign: lambda x: np.sign(np.real(x)) + 0j,
}


NATIVE = {
    np.add, np.subtract, np.multiply, np.divide, np.negative, np.positive, np.square, np.reciprocal, np.sqrt, np.matmul,
    np.exp, np.expm1, np.log, np.log2, np.log10, np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan,
    np.sinh, np.cosh, np.arcsinh, np.arccosh, np.arctanh,
}  # fmt: skip
"""Ufuncs that are analytic in NumPy itself."""

FUNCTIONS = REARRANGEMENTS | {
    np.sum, np.prod, np.cumsum, np.cumprod, np.where, np.einsum, np.pad, np.kron, np.cross, np.append,
    np.insert, np.delete, np.select,
}  # fmt: skip
"""Functions that are analytic in NumPy itself; others conjugate (np.cov), or drop the imaginary part."""


def extreme(choose: Any) -> Any:
    """np.max or np.min by the real part."""

    def along(a: Array, axis: Any = None, out: None = None, keepdims: bool = False) -> Array:
        if not a.ndim:  # NumPy lets axis=0 and axis=-1 pass here
            return a
        if axis is None or isinstance(axis, tuple):
            axes = tuple(range(a.ndim)) if axis is None else tuple(k % a.ndim for k in axis)
            rest = [k for k in range(a.ndim) if k not in axes]
            flat = np.transpose(a, [*rest, *axes]).reshape([a.shape[k] for k in rest] + [-1])
            best = along(flat, axis=-1)
            return np.expand_dims(best, axes) if keepdims else best
        place = np.expand_dims(choose(np.real(a), axis=axis), axis)
        best = np.take_along_axis(a, place, axis)
        return best if keepdims else np.squeeze(best, axis)

    return along


EXTREMES: dict[Any, Any] = {
    np.max: extreme(np.argmax),
    np.amax: extreme(np.argmax),
    np.min: extreme(np.argmin),
    np.amin: extreme(np.argmin),
}
