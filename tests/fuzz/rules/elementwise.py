"""Ufuncs of one and of two operands."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.fuzz.scope import Scope, broadcast

SAFE = {
    np.exp: "-np.abs({x})",
    np.exp2: "-np.square({x})",
    np.expm1: "np.tanh({x})",
    np.sinh: "np.sin({x})",
    np.cosh: "np.sin({x})",
    np.log: "0.1 + np.square({x})",
    np.log2: "0.1 + np.square({x})",
    np.log10: "0.1 + np.square({x})",
    np.log1p: "np.square({x})",
    np.sqrt: "0.1 + np.square({x})",
    np.reciprocal: "1 + np.square({x})",
    np.arcsin: "np.sin({x})",
}
"""Arguments at which the result exists and is not huge; half of the time a value goes in as it is."""

UNARY = (
    np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.tanh, np.sinh, np.cosh, np.sin, np.cos, np.tan,
    np.arctan, np.arcsin, np.sqrt, np.reciprocal, np.square, np.negative, np.positive, np.conjugate, np.absolute,
    np.fabs, np.sign,
)  # fmt: skip

SPELLINGS = {
    np.negative: "-{x}",
    np.positive: "+{x}",
    np.absolute: "abs({x})",
    np.add: "{x} + {y}",
    np.subtract: "{x} - {y}",
    np.multiply: "{x} * {y}",
    np.divide: "{x} / {y}",
    np.power: "{x} ** {y}",
    np.greater: "{x} > {y}",
    np.greater_equal: "{x} >= {y}",
    np.less: "{x} < {y}",
    np.less_equal: "{x} <= {y}",
    np.equal: "{x} == {y}",
    np.not_equal: "{x} != {y}",
}
"""Operators that mean the same as a ufunc."""


def call(s: Scope, ufunc: np.ufunc, **operands: str) -> str:
    """A call of the ufunc by its name or by its operator."""
    named = f"np.{ufunc.__name__}({', '.join(operands.values())})"
    bracketed = {letter: f"({text})" for letter, text in operands.items()}
    return SPELLINGS[ufunc].format(**bracketed) if ufunc in SPELLINGS and s.flag() else named


def unary(ufunc: np.ufunc) -> Callable[[Scope], str]:
    def rule(s: Scope) -> str:
        x = s.array()
        return call(s, ufunc, x=SAFE[ufunc].format(x=x) if ufunc in SAFE and s.flag() else x)

    return rule


def operands(s: Scope) -> tuple[str, str]:
    """A value and something that broadcasts with it, either first; now and then the same value twice."""
    x = s.array()
    pair = [x, s.other(x)]
    return tuple(reversed(pair)) if s.flag() else tuple(pair)


def binary(ufunc: np.ufunc) -> Callable[[Scope], str]:
    def rule(s: Scope) -> str:
        x, y = operands(s)
        return call(s, ufunc, x=x, y=y)

    return rule


def divide(s: Scope) -> str:
    x, y = operands(s)
    return call(s, np.divide, x=x, y=f"1 + np.square({y})" if s.flag() else y)


def power(ufunc: np.ufunc) -> Callable[[Scope], str]:
    def rule(s: Scope) -> str:
        if s.flag():
            return call(s, ufunc, x=s.array(), y=s.pick(["2", "3", "-1", "0", "1", "0.5", "-2", "2.3"]))
        x, y = operands(s)
        return call(s, ufunc, x=f"0.3 + np.square({x})" if s.flag() else x, y=y)

    return rule


def augmented(ufunc: np.ufunc, sign: str) -> Callable[[Scope], str]:
    """A ufunc in place, or not."""
    plainly = divide if ufunc is np.divide else binary(ufunc)

    def rule(s: Scope) -> str:
        if s.flag():
            return plainly(s)
        x = s.array()
        y = s.where(lambda shape: broadcast(shape, s.shape(x)) == s.shape(x))
        return f"np.copy({x})\n{{result}} {sign}= {y}"

    return rule


# Comparisons choose between two values ------------------------------------------------------------------------------


def chosen(s: Scope, condition: str, x: str) -> str:
    """np.where with a condition of the shape of x."""
    return f"np.where({condition}, {s.other(x)}, {x})" if s.flag() else f"np.where({condition}, {x}, {s.other(x)})"


def comparison(ufunc: np.ufunc) -> Callable[[Scope], str]:
    def rule(s: Scope) -> str:
        x, y = operands(s)
        condition = call(s, ufunc, x=x, y=y)
        return chosen(s, condition, x if x in s.values and s.values[x].dtype.kind == "f" else y)

    return rule


def test(ufunc: np.ufunc) -> Callable[[Scope], str]:
    def rule(s: Scope) -> str:
        x = s.array()
        return chosen(s, call(s, ufunc, x=x), x)

    return rule


RULES = {ufunc: unary(ufunc) for ufunc in UNARY}
RULES |= {ufunc: binary(ufunc) for ufunc in (np.logaddexp, np.maximum, np.minimum, np.fmax, np.fmin)}
RULES |= {ufunc: augmented(ufunc, sign) for ufunc, sign in ((np.add, "+"), (np.subtract, "-"), (np.multiply, "*"))}
RULES |= {np.divide: augmented(np.divide, "/"), np.power: power(np.power), np.float_power: power(np.float_power)}
RULES |= {
    ufunc: comparison(ufunc) for ufunc in (np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal)
}
RULES |= {ufunc: test(ufunc) for ufunc in (np.isfinite, np.isnan, np.isinf)}
