"""The rules behind the bound, one operation at a time: how errors of operands travel, and what rounding adds."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from gradproof.bound import allowance, unit
from gradproof.tape import Tape, Traced, Working
from gradproof.tape.elementwise import UNARY

# The table of functions -----------------------------------------------------------------------------------------------

EXACT = {
    np.exp: mpmath.exp,
    np.exp2: lambda x: mpmath.power(2, x),
    np.expm1: lambda x: mpmath.exp(x) - 1,
    np.log: mpmath.log,
    np.log2: lambda x: mpmath.log(x, 2),
    np.log10: lambda x: mpmath.log(x, 10),
    np.log1p: lambda x: mpmath.log(1 + x),
    np.tanh: mpmath.tanh,
    np.sinh: mpmath.sinh,
    np.cosh: mpmath.cosh,
    np.sin: mpmath.sin,
    np.cos: mpmath.cos,
    np.tan: mpmath.tan,
    np.arctan: mpmath.atan,
    np.arcsin: mpmath.asin,
    np.sqrt: mpmath.sqrt,
    np.reciprocal: lambda x: 1 / x,
    np.square: lambda x: x**2,
    np.negative: lambda x: -x,
    np.positive: lambda x: x,
    np.conjugate: lambda x: x,
}
POSITIVE = {np.log, np.log2, np.log10, np.sqrt}

by_name = pytest.mark.parametrize("ufunc", UNARY, ids=lambda ufunc: ufunc.__name__)


def places(ufunc):
    return (0.3, 0.75) if ufunc in POSITIVE else (0.3, 0.75, -0.45)


def test_every_function_of_the_table_is_held_against_mpmaths():
    assert EXACT.keys() == UNARY.keys()


@by_name
def test_derivative_is_the_first(ufunc):
    for x in places(ufunc):
        exact = mpmath.diff(EXACT[ufunc], x)
        assert float(UNARY[ufunc].derivative(Working(x), ufunc(Working(x)))) == pytest.approx(float(exact), rel=1e-12)


@by_name
def test_curvature_is_the_size_of_the_second(ufunc):
    for x in places(ufunc):
        exact = abs(mpmath.diff(EXACT[ufunc], x, 2))
        found = UNARY[ufunc].curvature(Working(x), ufunc(Working(x)))
        assert float(found) == pytest.approx(float(exact), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("ufunc", [u for u, rule in UNARY.items() if rule.from_result], ids=lambda u: u.__name__)
def test_derivative_in_terms_of_the_result_changes_with_it_as_stated(ufunc):
    """df'/dy = f''/f', whatever f' looks like when it is written in y."""
    for x in places(ufunc):
        exact = abs(mpmath.diff(EXACT[ufunc], x, 2) / mpmath.diff(EXACT[ufunc], x))
        stated = UNARY[ufunc].from_result
        assert float(stated(Working(x), ufunc(Working(x)))) == pytest.approx(float(exact), rel=1e-9)


# Errors of operands ---------------------------------------------------------------------------------------------------

A, B = np.array([[0.5, -1.25, 2.0], [-0.75, 1.5, -3.0]]), np.array([[-2.0, 0.5, 1.25], [4.0, -0.25, 0.75]])

OPERATIONS = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "**": lambda x, y: np.power(np.abs(x), y),
    "** 0.5": lambda x, y: np.abs(x) ** 0.5,
    "logaddexp": np.logaddexp,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "where": lambda x, y: np.where(A > 0, x, y),
    "abs": lambda x, y: np.abs(x),
    "+ stretched": lambda x, y: x[:1] + y,
    "* stretched": lambda x, y: x[:, :1] * y,
    "sum": lambda x, y: np.sum(x),
    "sum over an axis": lambda x, y: np.sum(x, axis=0),
    "mean": lambda x, y: np.mean(y, axis=1, keepdims=True),
    "max": lambda x, y: np.max(x, axis=1),
    "min": lambda x, y: np.min(y),
    "matmul": lambda x, y: x @ y.T,
    "einsum of three": lambda x, y: np.einsum("ij,kj,ik->i", np.abs(x), np.abs(y), np.ones((2, 2))),
    "einsum, a lone letter": lambda x, y: np.einsum("ij,kj->k", np.abs(x), np.abs(y)),
    "a square": lambda x, y: x**2,
    "transpose": lambda x, y: x.T,
    "stack": lambda x, y: np.stack([x, y]),
    "taken twice": lambda x, y: x[[0, 1, 0]],
    "pad": lambda x, y: np.pad(x, 1, constant_values=2.0),
    **{ufunc.__name__: (lambda x, y, ufunc=ufunc: ufunc(np.abs(x) / 8)) for ufunc in UNARY},
}

by_operation = pytest.mark.parametrize("name", OPERATIONS)


def run(name, x_error=0.0, y_error=0.0):
    """The operation's result on operands known to these errors, in units of u, with the operands and their tape."""
    tape = Tape()
    operands = []
    for value, error in ((A, x_error), (B, y_error)):
        error = error * np.arange(1.0, 7.0).reshape(A.shape)
        operands.append(Traced(tape, tape.node(value.astype(Working), error.astype(Working), differentiable=True)))
    with np.errstate(all="ignore"):
        return OPERATIONS[name](*operands), operands, tape


def swept(result, operands, tape, seed):
    """Adjoint and bound of both operands for an adjoint of the result; zero where it does not depend on one."""
    for node in tape.nodes:
        node.adjoint, node.bound, node.received, node.inverted = None, None, [], []
    tape.backward(result.node, seed)
    zero = np.zeros(A.shape, Working)
    return [(zero, zero) if x.node.adjoint is None else (x.node.adjoint, x.node.bound) for x in operands]


def one_hot(shape):
    for k in range(int(np.prod(shape, dtype=int))):
        seed = np.zeros(shape, Working)
        seed.flat[k] = 1
        yield k, seed


@by_operation
@pytest.mark.parametrize("errors", [(1.0, 0.0), (0.0, 1.0), (2.0, 3.0)], ids=["of one", "of the other", "of both"])
def test_error_of_the_result_grows_by_slope_times_error(name, errors):
    (exact, operands, tape), (result, moved, _) = run(name), run(name, *errors)
    grown = result.node.error - exact.node.error
    sizes = [np.broadcast_to(x.node.error, A.shape) for x in moved]
    for k, seed in one_hot(exact.shape):
        slopes = [adjoint for adjoint, _ in swept(exact, operands, tape, seed)]
        expected = sum(np.sum(np.abs(slope) * size) for slope, size in zip(slopes, sizes, strict=True))
        assert float(np.ravel(grown)[k]) == pytest.approx(float(expected), rel=1e-9, abs=1e-12)


@by_operation
def test_bound_of_a_slope_allows_for_errors_of_the_operands(name):
    """To first order a slope is off by the second derivatives times the operands' errors. The bound has room for that,
    and, where programs work a slope out from the result, for the result's error: together a few times as much."""
    slack = 12 if name == "**" else 4.1  # of a power, two parts of the mixed derivative may cancel: 1 + y log x
    result, operands, tape = run(name)
    moved = run(name, 1e3, 1e3)
    seed = np.ones(result.shape, Working)
    rounding = [bound for _, bound in swept(result, operands, tape, seed)]
    slopes = [adjoint for adjoint, _ in swept(result, operands, tape, seed)]
    allowed = [bound for _, bound in swept(*moved, seed)]
    off = [np.zeros(A.shape), np.zeros(A.shape)]
    for j, operand in enumerate(moved[1]):
        for k in range(A.size):
            shifted = shifted_slopes(name, j, k, seed)
            for i in range(2):
                off[i] += np.abs(shifted[i] - slopes[i]) / STEP * operand.node.error.flat[k]
    for room, needed, spent in zip(allowed, off, rounding, strict=True):
        assert np.all(room - spent >= needed * (1 - 1e-4) - 1e-6)
        assert np.all(room - spent <= slack * needed + 40 * spent + 1e-6)


STEP = 1e-6


def shifted_slopes(name, j, k, seed):
    tape = Tape()
    values = [A.astype(Working), B.astype(Working)]
    values[j].flat[k] += STEP
    operands = [tape.parameter(value) for value in values]
    with np.errstate(all="ignore"):
        result = OPERATIONS[name](*operands)
    return [adjoint for adjoint, _ in swept(result, operands, tape, seed)]


# Rounding -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "units"),
    [
        (lambda x, y: x + y, 1),
        (lambda x, y: x - y, 1),
        (lambda x, y: x * y, 1),
        (lambda x, y: x / y, 1),
        (lambda x, y: np.square(x), 1),
        (lambda x, y: np.reciprocal(x), 2),
        (lambda x, y: -x, 0),
        (lambda x, y: np.abs(x), 0),
        (lambda x, y: np.maximum(x, y), 0),
        (lambda x, y: np.where(A > 0, x, y), 0),
        (lambda x, y: x.T, 0),
        (lambda x, y: np.tanh(x), 8),
        (lambda x, y: np.exp(x), 8),
        (lambda x, y: np.power(np.abs(x), 1.5), 8),
    ],
    ids=[
        "+",
        "-",
        "*",
        "/",
        "square",
        "reciprocal",
        "minus",
        "abs",
        "maximum",
        "where",
        "transpose",
        "tanh",
        "exp",
        "**",
    ],
)
def test_exact_operands_leave_the_rounding_of_the_result(operation, units):
    tape = Tape()
    result = operation(tape.parameter(A), tape.parameter(B))
    expected = units * np.abs(result.value) + (tape.underflow if units else 0)
    np.testing.assert_allclose(result.node.error, expected, rtol=1e-15)


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_sum_of_n_terms_costs_n_less_one_roundings_of_their_sizes(axis):
    result = np.sum(Tape().parameter(A), axis=axis)
    n = A.size // result.size
    np.testing.assert_allclose(result.node.error, (n - 1) * np.abs(A).sum(axis=axis), rtol=1e-15)


def test_product_of_matrices_costs_a_rounding_for_each_product_and_each_addition_but_one():
    tape = Tape()
    result = tape.parameter(A) @ tape.parameter(B.T)
    np.testing.assert_allclose(result.node.error, 3 * np.abs(A) @ np.abs(B.T) + 3 * tape.underflow, rtol=1e-15)


def test_sum_that_broadcasting_makes_costs_its_roundings():
    """The adjoint of a row that six rows were added to is the sum of their six."""
    tape = Tape()
    row, upstream = tape.parameter(np.ones(3)), np.arange(-6.0, 12.0).reshape(6, 3).astype(Working)
    tape.backward((row + np.zeros((6, 3))).node, upstream)
    np.testing.assert_allclose(row.node.adjoint, upstream.sum(0))
    np.testing.assert_allclose(row.node.bound, 5 * np.abs(upstream).sum(0))


def test_an_entry_taken_k_times_costs_k_less_one_roundings():
    tape = Tape()
    x, upstream = tape.parameter(np.array([1.0, 2.0])), np.array([3.0, -5.0, 7.0, 11.0], Working)
    tape.backward(x[[0, 0, 0, 1]].node, upstream)
    np.testing.assert_allclose(x.node.adjoint, [5, 11])
    np.testing.assert_allclose(x.node.bound, [2 * (3 + 5 + 7), 0])


@pytest.mark.parametrize(
    ("operation", "of_x", "of_y"),
    [
        (lambda x, y: x + y, 0, 0),
        (lambda x, y: x - y, 0, 0),
        (lambda x, y: x * y, 1, 1),
        (lambda x, y: x / y, 2, 5),  # 1/y is rounded; -x/y**2 may be worked out from the rounded quotient
        (lambda x, y: np.square(x) + y, 2, 0),
        (lambda x, y: np.sin(x) * 1 + y, 10, 0),
        (lambda x, y: np.power(x, 3.0) + y, 9, 0),
        (lambda x, y: np.power(2.0, y) + x, 0, 17),
        (lambda x, y: np.maximum(x, -1) + y, 0, 0),
    ],
    ids=["+", "-", "*", "/", "square", "sin", "x**3", "2**y", "maximum"],
)
def test_slopes_of_exact_operands_are_off_by_their_roundings(operation, of_x, of_y):
    tape = Tape()
    x, y = tape.parameter(np.array([0.5, 1.25])), tape.parameter(np.array([2.0, 0.75]))
    tape.backward(operation(x, y).node, np.array([3.0, -1.5], Working))
    for operand, units in ((x, of_x), (y, of_y)):
        np.testing.assert_allclose(operand.node.bound, units * np.abs(operand.node.adjoint), rtol=1e-9)


def test_units_are_those_of_the_dtype():
    assert unit("float64") == 2.0**-53
    assert unit("float32") == 2.0**-24
    assert unit(np.longdouble) == np.finfo(np.longdouble).eps / 2
    assert allowance("float64") == unit("float64") + unit(Working)


INVERSES = {
    np.exp: np.log,
    np.expm1: np.log1p,
    np.log: np.exp,
    np.log1p: np.expm1,
    np.tanh: np.arctanh,
    np.sqrt: np.square,
    np.reciprocal: np.reciprocal,
    np.negative: np.negative,
    np.positive: np.positive,
    np.conjugate: np.conjugate,
}


@by_name
def test_an_argument_that_one_function_gives_back_may_be_worked_out_from_the_result(ufunc):
    """The error it then has is that of the result over the slope, to first order."""
    tape = Tape()
    x = tape.parameter(np.array([0.3, 0.75])) * np.array([1.0, 1.0])
    y = ufunc(x)
    tape.backward(y.node, np.ones(2, Working))
    if ufunc not in INVERSES:
        assert not np.any(x.node.back)
        return
    np.testing.assert_allclose(INVERSES[ufunc](y.value), x.value, rtol=1e-15)
    slope = np.abs(UNARY[ufunc].derivative(x.value, y.value))
    np.testing.assert_allclose(x.node.back, y.node.error / slope, rtol=1e-15)


def test_every_result_may_underflow_once():
    """Below the smallest normal number a rounding is not small against the result: so much for each operation."""
    tape = Tape()
    zero = tape.parameter(np.zeros((2, 3)))
    for result, times in (
        (zero + zero, 1),
        (zero * zero, 1),
        (zero / np.ones(3), 1),
        (np.tanh(zero), 1),
        (zero @ np.zeros((3, 2)), 3),
        (np.einsum("ij,ij->", zero, zero), 6),
        (-zero, 0),
        (np.sum(zero), 0),
    ):
        np.testing.assert_array_equal(result.node.error, np.full(result.shape, times * tape.underflow))
    assert tape.underflow * tape.u == np.finfo(np.float64).tiny
    assert Tape(np.float32).u == 2.0**-24
