"""Elementwise functions on the tape: one row a ufunc, with its local derivative and how wrong a program may have it.

A program that is right may evaluate a local derivative from the argument or from the result: 1 - h**2 for tanh,
s(1 - s) for the sigmoid 1/(1 + exp(-x)). The second is the less exact one where the function saturates, so the bound
has room for it: ``recovered`` is the error of an intermediate value worked out again from the only later result that
uses it, and it travels back through functions that are commonly inverted like that (exp, tanh, adding a constant, ...).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from gradproof.duck import plain
from gradproof.tape.arrays import ELEMENTARY, OPERATIONS, Array, Edge, Node, Pull, Tape, Traced, Working, number


@dataclass(frozen=True)
class Unary:
    """y = f(x). derivative(x, y) and curvature(x, y) are f' and |f''|; units: rounding of f and of a computed f', in u.

    from_result(x, y): |df'/dy|, when programs commonly write f' in terms of y; None otherwise.
    """

    derivative: Callable[[Array, Array], Any]
    curvature: Callable[[Array, Array], Any]
    units: float = ELEMENTARY
    from_result: Callable[[Array, Array], Any] | None = None


def sech2(x: Array) -> Array:
    return number(1) / np.square(np.cosh(x))


LN2, LN10 = np.log(Working(2)), np.log(Working(10))

UNARY: dict[np.ufunc, Unary] = {
    np.exp: Unary(lambda x, y: y, lambda x, y: y, from_result=lambda x, y: 1),
    np.exp2: Unary(lambda x, y: y * LN2, lambda x, y: y * LN2**2, from_result=lambda x, y: LN2),
    np.expm1: Unary(lambda x, y: np.exp(x), lambda x, y: np.exp(x), from_result=lambda x, y: 1),
    np.log: Unary(lambda x, y: 1 / x, lambda x, y: 1 / x**2),
    np.log2: Unary(lambda x, y: 1 / (x * LN2), lambda x, y: 1 / (x**2 * LN2)),
    np.log10: Unary(lambda x, y: 1 / (x * LN10), lambda x, y: 1 / (x**2 * LN10)),
    np.log1p: Unary(lambda x, y: 1 / (1 + x), lambda x, y: 1 / (1 + x) ** 2),
    np.tanh: Unary(
        lambda x, y: sech2(x),
        lambda x, y: number(2) * np.abs(y) * sech2(x),
        from_result=lambda x, y: number(2) * np.abs(y),
    ),
    np.sinh: Unary(lambda x, y: np.cosh(x), lambda x, y: np.abs(y)),
    np.cosh: Unary(lambda x, y: np.sinh(x), lambda x, y: y),
    np.sin: Unary(lambda x, y: np.cos(x), lambda x, y: np.abs(y)),
    np.cos: Unary(lambda x, y: -np.sin(x), lambda x, y: np.abs(y)),
    np.tan: Unary(lambda x, y: 1 + y**2, lambda x, y: 2 * np.abs(y) * (1 + y**2)),
    np.arctan: Unary(lambda x, y: 1 / (1 + x**2), lambda x, y: 2 * np.abs(x) / (1 + x**2) ** 2),
    np.arcsin: Unary(lambda x, y: 1 / np.sqrt(1 - x**2), lambda x, y: np.abs(x) / np.sqrt(1 - x**2) ** 3),
    np.sqrt: Unary(lambda x, y: 1 / (2 * y), lambda x, y: 1 / (4 * x * y), from_result=lambda x, y: 1 / (2 * x)),
    np.reciprocal: Unary(lambda x, y: -(y**2), lambda x, y: 2 * np.abs(y**3), 2, lambda x, y: 2 * np.abs(y)),
    np.square: Unary(lambda x, y: number(2) * x, lambda x, y: number(2), 1),
    np.negative: Unary(lambda x, y: -1, lambda x, y: 0, 0),
    np.positive: Unary(lambda x, y: 1, lambda x, y: 0, 0),
    np.conjugate: Unary(lambda x, y: 1, lambda x, y: 0, 0),
}

INVERTIBLE = {
    np.exp,
    np.expm1,
    np.log,
    np.log1p,
    np.tanh,
    np.sqrt,
    np.reciprocal,
    np.negative,
    np.positive,
    np.conjugate,
}
"""Functions a program may undo to get an argument back: errors recovered from the result travel through them."""


def is_two(exponent: Any) -> bool:
    """The constant 2; a parameter that happens to be 2 has a derivative of its own."""
    varies = isinstance(exponent, Traced) and exponent.node.differentiable
    return not varies and np.ndim(exponent) == 0 and bool(plain(exponent) == 2)


# Pulling an adjoint back through one local derivative -------------------------------------------------------------


def fit(array: Array, shape: tuple[int, ...]) -> Array:
    """Sum away the axes that broadcasting added or stretched."""
    array = array.sum(axis=tuple(range(array.ndim - len(shape))))
    stretched = tuple(k for k, n in enumerate(shape) if n == 1 and array.shape[k] != 1)
    return array.sum(axis=stretched, keepdims=True) if stretched else array


def summed(adjoint: Array, bound: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Adjoint and bound of a broadcast operand; adding k terms in any order costs k - 1 roundings of their sizes."""
    if adjoint.shape == shape:
        return adjoint, bound
    terms = adjoint.size // max(1, int(np.prod(shape, dtype=int)))
    return fit(adjoint, shape), fit(bound + (terms - 1) * np.abs(adjoint), shape)


def chain(tape: Tape, node: Node, parent: Node, local: Any, wrong: Any) -> tuple[Array, Array]:
    """adjoint * local, where a program may have ``local`` wrong by ``wrong`` (in u) and rounds the product."""
    adjoint = node.adjoint * local
    bound = node.bound * (np.abs(local) + tape.u * wrong) + np.abs(node.adjoint) * wrong + tape.rounding(adjoint)
    return summed(adjoint, bound, parent.value.shape)


def recover(node: Node, parent: Node, local: Any) -> None:
    """A program may work ``parent`` out from ``node``, with the error error(node) / |local|."""
    if parent.edges and parent.value.shape == node.value.shape:
        parent.inverted.append((node, local))


# One operand ------------------------------------------------------------------------------------------------------


def unary(ufunc: np.ufunc, tape: Tape, x: Node) -> Node:
    rule, value = UNARY[ufunc], ufunc(x.value)
    local = rule.derivative(x.value, value)
    size = np.abs(local)
    error = x.error * size
    if rule.units:
        error = error + tape.rounding(value, rule.units)

    def pull(node: Node) -> tuple[Array, Array]:
        if ufunc in INVERTIBLE:
            recover(node, x, local)
        if not rule.units:  # a sign: exact
            return local * node.adjoint, node.bound
        wrong = rule.curvature(x.value, value) * x.error
        if rule.from_result is not None:
            wrong = np.maximum(wrong, rule.from_result(x.value, value) * node.recovered)
        return chain(tape, node, x, local, wrong + number(rule.units) * size)

    return tape.node(value, error, [(x, pull)])


# Two operands: each rule gives the value, its error, and per operand the local derivative with its own error --------


def add(tape: Tape, x: Node, y: Node, sign: int = 1) -> Node:
    value = x.value + y.value if sign == 1 else x.value - y.value
    error = tape.rounding(value)
    edges = []
    for parent, other, parent_sign in ((x, y, 1), (y, x, sign)):
        if not parent.exact:
            error = error + parent.error
        if parent.differentiable:
            edges.append((parent, passed_on(parent, other, parent_sign)))
    return tape.node(value, error, edges)


def passed_on(parent: Node, other: Node, sign: int) -> Pull:
    def pull(node: Node) -> tuple[Array, Array]:
        if not other.differentiable:
            recover(node, parent, 1)
        return summed(node.adjoint if sign == 1 else -node.adjoint, node.bound, parent.value.shape)

    return pull


def subtract(tape: Tape, x: Node, y: Node) -> Node:
    return add(tape, x, y, -1)


def multiply(tape: Tape, x: Node, y: Node) -> Node:
    value = x.value * y.value
    error = x.error * np.abs(y.value) + np.abs(x.value) * y.error + tape.rounding(value)

    def edge(parent: Node, other: Node) -> Edge:
        def pull(node: Node) -> tuple[Array, Array]:
            if not other.differentiable:
                recover(node, parent, other.value)
            return chain(tape, node, parent, other.value, other.error)

        return parent, pull

    return tape.node(value, error, [edge(x, y), edge(y, x)])


def divide(tape: Tape, x: Node, y: Node) -> Node:
    value, size = x.value / y.value, np.abs(y.value)
    error = x.error / size + np.abs(value) * y.error / size + tape.rounding(value)

    def pull_x(node: Node) -> tuple[Array, Array]:
        if not y.differentiable:
            recover(node, x, 1 / y.value)
        return chain(tape, node, x, 1 / y.value, y.error / size**2 + 1 / size)

    def pull_y(node: Node) -> tuple[Array, Array]:
        local = -value / y.value
        if not x.differentiable:
            recover(node, y, local)
        by_argument = x.error / size**2 + 2 * np.abs(local) * y.error / size
        by_result = 2 * node.recovered / size
        return chain(tape, node, y, local, np.maximum(by_argument, by_result) + 2 * np.abs(local))

    return tape.node(value, error, [(x, pull_x), (y, pull_y)])


def power(tape: Tape, x: Node, p: Node) -> Node:
    value, log = x.value**p.value, np.log(np.abs(x.value))
    local = times(p.value, x.value ** (p.value - 1))
    curvature = times(p.value * (p.value - 1) * x.error, x.value ** (p.value - 2))
    # An exponent such as 2.3, rounded, moves the result by its logarithm: not little for large or small x.
    skew = times(p.error, np.abs(local * log) + np.abs(x.value ** (p.value - 1)))
    # Beside an integer, the power of a negative number is not real.
    by_p = np.where(x.value < 0, np.nan, times(value, log))
    error = x.error * np.abs(local) + times(p.error, np.abs(by_p)) + tape.rounding(value, ELEMENTARY)

    def pull_x(node: Node) -> tuple[Array, Array]:
        return chain(tape, node, x, local, np.abs(curvature) + skew + ELEMENTARY * np.abs(local))

    def pull_p(node: Node) -> tuple[Array, Array]:
        wrong = times(x.error, np.abs(local * log) + np.abs(value / x.value)) + times(p.error, np.abs(by_p * log))
        return chain(tape, node, p, by_p, wrong + 2 * ELEMENTARY * np.abs(by_p))

    return tape.node(value, error, [(x, pull_x), (p, pull_p)])


def times(a: Any, b: Any) -> Array:
    """a * b, where 0 times infinity is 0: a term with the factor 0 is not there at all."""
    return np.where(np.equal(a, 0), 0, a * b)


def logaddexp(tape: Tape, x: Node, y: Node) -> Node:
    value = np.logaddexp(x.value, y.value)
    # Not exp(x - value): where one is much larger, what the other adds to it is lost in the rounding of the value.
    share_x, share_y = 1 / (1 + np.exp(y.value - x.value)), 1 / (1 + np.exp(x.value - y.value))
    larger = np.maximum(np.abs(x.value) * (x.value >= y.value), np.abs(y.value) * (y.value >= x.value))
    error = share_x * x.error + share_y * y.error + ELEMENTARY * (larger + np.abs(value)) + tape.underflow

    def edge(parent: Node, share: Array) -> Edge:
        def pull(node: Node) -> tuple[Array, Array]:
            # Either share may be computed as one minus the other, so an absolute error of a few u is in order.
            wrong = share_x * share_y * (x.error + y.error) + ELEMENTARY
            return chain(tape, node, parent, share, wrong)

        return parent, pull

    return tape.node(value, error, [edge(x, share_x), edge(y, share_y)])


# Where the loss may have a kink -----------------------------------------------------------------------------------


def above(tape: Tape, x: Node, y: Node, operation: str) -> Array:
    """x > y, decided by ``tape.side`` where the two are too close to tell: the side the traced operand is moved to."""
    difference = x.value - y.value
    tie = np.abs(difference) <= tape.u * (x.error + y.error)
    if not np.any(tie):
        return difference > 0
    if x.differentiable or y.differentiable:
        tape.kinks.append(operation)
    traced_is_x = x.differentiable or not y.differentiable
    return np.where(tie, (tape.side > 0) == traced_is_x, difference > 0)


def select(tape: Tape, first: Array, x: Node, y: Node, value: Array) -> Node:
    """x where ``first``, else y; exact."""

    def edge(parent: Node, mask: Array) -> Edge:
        return parent, lambda node: summed(node.adjoint * mask, node.bound * mask, parent.value.shape)

    error = np.where(first, x.error, y.error)
    return tape.node(value, error, [edge(x, first), edge(y, ~first)])


def maximum(tape: Tape, x: Node, y: Node) -> Node:
    return select(tape, above(tape, x, y, "np.maximum"), x, y, np.maximum(x.value, y.value))


def minimum(tape: Tape, x: Node, y: Node) -> Node:
    return select(tape, ~above(tape, x, y, "np.minimum"), x, y, np.minimum(x.value, y.value))


def absolute(tape: Tape, x: Node) -> Node:
    zero = tape.lift(0)
    positive = above(tape, x, zero, "np.abs")
    sign = np.where(positive, 1, -1)
    return tape.node(
        np.abs(x.value),
        x.error,
        [(x, lambda node: (sign * node.adjoint, node.bound))],
    )


def sign(tape: Tape, x: Node) -> Node:
    """0 at zero, as NumPy has it, on one side of ``tape.side``; what it is beside zero on the other."""
    beside = np.where(above(tape, x, tape.lift(0), "np.sign"), Working(1), Working(-1))
    return tape.node(np.where((x.value == 0) & (tape.side > 0), 0, beside), None)


def compare(ufunc: np.ufunc, tape: Tape, a: Any, b: Any) -> Any:
    """A comparison inside a loss: a plain bool array, its ties decided like the kinks'."""
    greater = above(tape, tape.lift(a), tape.lift(b), f"np.{ufunc.__name__}")
    result = greater if ufunc in (np.greater, np.greater_equal) else ~greater
    return result if result.ndim else bool(result)


def equal(ufunc: np.ufunc, tape: Tape, a: Any, b: Any) -> Any:
    """np.equal or np.not_equal inside a loss: two that are too close to tell are equal on one of ``tape.side``'s sides.

    A value is always equal to itself, NaN aside: that is how a loss may look for one.
    """
    x, y = tape.lift(a), tape.lift(b)
    same = x.value == y.value
    if x is not y:
        tie = same | (np.abs(x.value - y.value) <= tape.u * (x.error + y.error))
        if np.any(tie):
            tape.kinks.append(f"np.{ufunc.__name__}")
        same = tie & (tape.side > 0)
    result = same if ufunc is np.equal else ~same
    return result if result.ndim else bool(result)


# The table --------------------------------------------------------------------------------------------------------


def operation(rule: Callable[..., Node]) -> Callable[..., Traced]:
    """A rule about nodes as an operation on whatever a loss passes."""

    def run(tape: Tape, *inputs: Any) -> Traced:
        return Traced(tape, rule(tape, *[tape.lift(x) for x in inputs]))

    return run


def raised(tape: Tape, x: Any, p: Any) -> Any:
    return OPERATIONS[np.square](tape, x) if is_two(p) else operation(power)(tape, x, p)


RULES: dict[np.ufunc, Callable[..., Node]] = {
    np.add: add,
    np.subtract: subtract,
    np.multiply: multiply,
    np.divide: divide,
    np.logaddexp: logaddexp,
    np.maximum: maximum,
    np.minimum: minimum,
    np.fmax: maximum,
    np.fmin: minimum,
    np.absolute: absolute,
    np.fabs: absolute,
    np.sign: sign,
}

OPERATIONS |= {ufunc: operation(partial(unary, ufunc)) for ufunc in UNARY}
OPERATIONS |= {ufunc: operation(rule) for ufunc, rule in RULES.items()}
OPERATIONS |= {np.power: raised, np.float_power: raised}
OPERATIONS |= {ufunc: partial(compare, ufunc) for ufunc in (np.greater, np.greater_equal, np.less, np.less_equal)}
OPERATIONS |= {ufunc: partial(equal, ufunc) for ufunc in (np.equal, np.not_equal)}
