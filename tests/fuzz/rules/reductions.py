"""Sums, means and extremes, over any axes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.fuzz.scope import Scope


def over_axes(name: str) -> Callable[[Scope], str]:
    """A reduction over none, one or several axes, which may stay behind with length 1."""

    def rule(s: Scope) -> str:
        x = s.array()
        keepdims = ", keepdims=True" if s.flag() else ""
        return f"np.{name}({x}, axis={s.axes(x)}{keepdims})"

    return rule


def total(s: Scope) -> str:
    x = s.array()
    if len(s.shape(x)) and s.flag():
        return f"np.add.reduce({x})"
    return f"np.sum({x}, axis={s.axes(x)}, keepdims={s.flag()}, initial={s.pick(['0', '2.5', '-1'])})"


def extreme(name: str, ufunc: str) -> Callable[[Scope], str]:
    def rule(s: Scope) -> str:
        if s.flag():
            return over_axes(name)(s)
        return f"np.{ufunc}.reduce({s.array(1)})"

    return rule


def spread(name: str) -> Callable[[Scope], str]:
    """Variance or standard deviation, of the sample or of the population."""

    def rule(s: Scope) -> str:
        x = s.array()
        keepdims = ", keepdims=True" if s.flag() else ""
        return f"np.{name}({x}, axis={s.axes(x)}, ddof={s.pick([0, 1])}{keepdims})"

    return rule


def average(s: Scope) -> str:
    """Plain, with weights for one axis, or with a weight for each entry that depends on the parameters."""
    x = s.array(1)
    axis = s.axis(x)
    if s.flag():
        return f"np.average({x}, axis={axis})"
    if s.flag():
        return f"np.average({x}, axis={axis}, weights={list(range(1, s.shape(x)[axis] + 1))})"
    return f"np.average({x}, axis={axis}, weights=1 + np.square({x}))"


def ptp(s: Scope) -> str:
    x = s.array(1)
    return f"np.ptp({x}, axis={s.pick([None, s.axis(x)])})"


def norm(s: Scope) -> str:
    x = s.array(1, 2)
    if s.flag():
        return f"np.linalg.norm({x})"
    return f"np.linalg.norm({x}, {s.pick(['None', '2'])}, axis={s.axis(x)}, keepdims={s.flag()})"


def trace(s: Scope) -> str:
    return f"np.trace({s.array(2, 2)})"


RULES = {
    np.sum: total,
    np.max: extreme("max", "maximum"),
    np.min: extreme("min", "minimum"),
    np.amax: over_axes("amax"),
    np.amin: over_axes("amin"),
    np.mean: over_axes("mean"),
    np.var: spread("var"),
    np.std: spread("std"),
    np.average: average,
    np.ptp: ptp,
    np.linalg.norm: norm,
    np.trace: trace,
}
