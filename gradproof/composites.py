"""NumPy functions that are written in terms of others: one definition serves every duck array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradproof.duck import check_arguments, refuse

COMPOSITES: dict[Any, Callable[..., Any]] = {}


def composite(function: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(rule: Callable[..., Any]) -> Callable[..., Any]:
        COMPOSITES[function] = rule
        return rule

    return register


def count(a: Any, axis: Any) -> int:
    """How many entries a reduction over ``axis`` takes together."""
    if axis is None or not np.ndim(a):  # NumPy lets axis=0 and axis=-1 pass on a 0-d array
        return np.size(a)
    axes = axis if isinstance(axis, tuple) else (axis,)
    return int(np.prod([np.shape(a)[k] for k in axes], dtype=int))


@composite(np.mean)
def mean(a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False) -> Any:
    return np.sum(a, axis=axis, keepdims=keepdims) / count(a, axis)


@composite(np.average)
def average(a: Any, axis: Any = None, weights: Any = None) -> Any:
    if weights is None:
        return np.mean(a, axis=axis)
    if np.ndim(weights) == 1 and np.ndim(a) > 1:  # they belong to ``axis``, not to the last one as in broadcasting
        weights = np.reshape(weights, [-1 if k == axis % np.ndim(a) else 1 for k in range(np.ndim(a))])
    return np.sum(a * weights, axis=axis) / np.sum(weights, axis=axis)


@composite(np.var)
def var(a: Any, axis: Any = None, dtype: Any = None, out: None = None, ddof: int = 0, keepdims: bool = False) -> Any:
    squares = np.square(a - np.mean(a, axis=axis, keepdims=True))
    return np.sum(squares, axis=axis, keepdims=keepdims) / (count(a, axis) - ddof)


@composite(np.std)
def std(a: Any, axis: Any = None, dtype: Any = None, out: None = None, ddof: int = 0, keepdims: bool = False) -> Any:
    return np.sqrt(np.var(a, axis=axis, ddof=ddof, keepdims=keepdims))


@composite(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    a = a if low is None else np.maximum(a, low)
    return a if high is None else np.minimum(a, high)


@composite(np.dot)
def dot(a: Any, b: Any) -> Any:
    if not np.ndim(a) or not np.ndim(b):
        return np.multiply(a, b)
    if np.ndim(b) <= 2:
        return np.matmul(a, b)
    return np.tensordot(a, b, axes=([-1], [-2]))


@composite(np.inner)
def inner(a: Any, b: Any) -> Any:
    return np.multiply(a, b) if not np.ndim(a) or not np.ndim(b) else np.tensordot(a, b, axes=([-1], [-1]))


@composite(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    return np.sum(np.ravel(a) * np.ravel(b))


@composite(np.outer)
def outer(a: Any, b: Any) -> Any:
    return np.expand_dims(np.ravel(a), 1) * np.expand_dims(np.ravel(b), 0)


@composite(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    if isinstance(axes, int):
        axes = (range(np.ndim(a) - axes, np.ndim(a)), range(axes))
    first, second = ([ax] if isinstance(ax, int) else list(ax) for ax in axes)
    letters_a, letters_b = list(range(np.ndim(a))), list(range(np.ndim(a), np.ndim(a) + np.ndim(b)))
    for k, m in zip(first, second, strict=True):
        letters_b[m] = letters_a[k]
    shared = {letters_a[k] for k in first}
    return np.einsum(a, letters_a, b, letters_b, [x for x in letters_a + letters_b if x not in shared])


@composite(np.trace)
def trace(a: Any) -> Any:
    return np.sum(np.diagonal(a))


@composite(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    of_vectors = isinstance(axis, int) or np.ndim(x) == 1
    if ord not in (None, 2, "fro") or (ord == 2 and not of_vectors):
        refuse(f"np.linalg.norm(ord={ord})", "write the norm out with np.abs, np.sum and np.sqrt")
    return np.sqrt(np.sum(np.square(x), axis=axis, keepdims=keepdims))


@composite(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    a = np.moveaxis(a, axis, 0)
    for _ in range(n):
        a = a[1:] - a[:-1]
    return np.moveaxis(a, 0, axis)


@composite(np.ptp)
def ptp(a: Any, axis: Any = None) -> Any:
    return np.max(a, axis=axis) - np.min(a, axis=axis)


@composite(np.compress)
def compress(condition: Any, a: Any, axis: Any = None) -> Any:
    return np.take(a, np.flatnonzero(condition), axis=axis)


def apply(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run the composite definition of ``function``; NotImplemented when there is none or it lacks an argument used."""
    rule = COMPOSITES.get(function)
    if rule is None:
        return NotImplemented
    check_arguments(function, rule, args, kwargs)
    return rule(*args, **kwargs)
