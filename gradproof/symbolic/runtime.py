"""What lowered code calls: NumPy in the arrays' own precision, mpmath number by number for object arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import arange, einsum, maximum, minimum, where

Array = np.ndarray


def elementwise(name: str, in_floats: Callable[[Any], Any], exact: Callable[[Any], Any] | None = None) -> Any:
    """A function of every number of an array; ``exact`` is the same for an mpmath number, mpmath's own by default."""
    in_digits = np.frompyfunc(exact or (lambda x: getattr(x.context, name)(x)), 1, 1)

    def function(x: Any) -> Any:
        return in_digits(x) if np.asarray(x).dtype == object else in_floats(x)

    return function


def _sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))  # never overflows; it may underflow to 0, which is then right
    return np.where(x >= 0, 1, e) / (1 + e)


ELEMENTWISE: dict[str, Any] = {
    "Abs": elementwise("fabs", np.abs),
    "cos": elementwise("cos", np.cos),
    "cosh": elementwise("cosh", np.cosh),
    "exp": elementwise("exp", np.exp),
    "log": elementwise("log", np.log),
    "log1p": elementwise("log1p", np.log1p),
    "relu": elementwise("relu", lambda x: np.maximum(x, 0), lambda x: max(x, 0 * x)),
    "sigmoid": elementwise("sigmoid", _sigmoid, lambda x: 1 / (1 + x.context.exp(-x))),
    "sign": elementwise("sign", np.sign),
    "sin": elementwise("sin", np.sin),
    "sinh": elementwise("sinh", np.sinh),
    "softplus": elementwise(
        "softplus", lambda x: np.logaddexp(0, x), lambda x: x.context.log1p(x.context.exp(-abs(x))) + max(x, 0)
    ),
    "sqrt": elementwise("sqrt", np.sqrt),
    "tanh": elementwise("tanh", np.tanh),
}
"""The functions of one number a formula may contain, by SymPy's names."""

exp, log = ELEMENTWISE["exp"], ELEMENTWISE["log"]


def delta(i: Any, j: Any) -> Any:
    """1 where i = j, else 0; as integers, for of booleans ``einsum`` would take the or."""
    return np.equal(i, j) * 1


def step(x: Any) -> Any:
    """1 where x > 0, else 0: the derivative of max(x, 0) away from 0."""
    return np.greater(x, 0) * 1


def softmax(z: Any) -> Any:
    """exp(z) over its sum along the last axis."""
    e = exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def logsumexp(z: Any) -> Any:
    """The logarithm of the sum of exp(z) along the last axis."""
    top = np.max(z, axis=-1)
    return log(np.sum(exp(z - top[..., None]), axis=-1)) + top


def precision(array: Array) -> tuple[Callable[[Any], Any], Callable[[tuple[int, ...]], Array]]:
    """How an integer becomes a number, and how an array of zeros is made, in the precision of ``array``."""
    if array.dtype.kind != "O":
        return array.dtype.type, lambda shape: np.zeros(shape, array.dtype)
    mpf = digits_of(array)
    return lambda integer: mpf(int(integer)), lambda shape: np.full(shape, mpf(0), object)


def as_precise(value: Any, like: Array) -> Array:
    """``value`` as an array in the precision of the array ``like``; exact where that is not narrower."""
    array = np.asarray(value)
    if like.dtype.kind != "O":
        return array.astype(like.dtype)
    to_mpf = np.frompyfunc(digits_of(like), 1, 1)
    if array.dtype.kind != "f":
        return np.asarray(to_mpf(array), object)
    high = array.astype(np.float64)  # mpmath reads no long double: in two parts, each a float64
    return np.asarray(to_mpf(high) + to_mpf((array - high).astype(np.float64)), object)


def digits_of(array: Array) -> Callable[[Any], Any]:
    """The mpmath number type of an object array, which knows how many digits are meant."""
    number: Callable[[Any], Any] = next(x.context.mpf for x in array.flat if hasattr(x, "context"))
    return number


NAMES: dict[str, Any] = {
    **ELEMENTWISE,
    **{f.__name__: f for f in (delta, step, softmax, logsumexp, precision, arange, einsum, maximum, minimum, where)},
}
"""Everything emitted code may name."""
