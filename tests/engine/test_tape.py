"""The tape computes what NumPy computes, differentiates it right, and refuses by name what it cannot follow."""

from __future__ import annotations

import math
import os
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradproof.bound import own_error, reference
from gradproof.duck import COMPARISONS
from gradproof.errors import CannotTrace, NoPrecision
from gradproof.oracles import all_oracles
from gradproof.oracles.central_difference import real_loss
from gradproof.tape import Tape
from gradproof.tape.elementwise import RULES, UNARY
from tests.engine.programs import Long, Program, differences, gradients_in_torch, point_of, problem_of, weighted

PROGRAMS = int(os.environ.get("GRADPROOF_FUZZ", "300"))
"""Random programs a run; more by environment variable."""

TINY = np.finfo(Long).tiny
MASK = np.array([[True, False, True], [False, True, True]])
PLAIN = np.array([[0.3, -0.7, 1.1], [2.0, -0.4, 0.9]])


def rnn(W, h, x):
    for t in range(3):
        h = np.tanh(W @ h + x[t])
    return h


def accumulated(x):
    total = x[0] * 1.0
    for k in range(1, 3):
        total += np.sin(x[k]) * total
        total *= 0.5 + x[k]
        total -= x[0]
        total /= 2.0
    return total


def branched(x):
    """A loss may branch: a comparison is a plain bool."""
    return np.sum(x**3) if np.sum(x) > 0 and x[0] < 10 and not np.any(np.isnan(x)) else np.sum(x)


# name: (operation on arrays, their shapes). Each is tried with entries of both signs.
ANYWHERE = {
    # contractions
    "v @ v": (lambda x, y: x @ y, (4,), (4,)),
    "A @ v": (lambda x, y: x @ y, (2, 3), (3,)),
    "v @ A": (lambda x, y: x @ y, (2,), (2, 3)),
    "A @ A": (lambda x, y: x @ y, (2, 3), (3, 4)),
    "A @ A, sizes 1": (lambda x, y: x @ y, (1, 1), (1, 3)),
    "batch @ A": (lambda x, y: x @ y, (2, 3, 4), (4, 2)),
    "A @ batch": (lambda x, y: x @ y, (3, 4), (2, 4, 2)),
    "batch @ v": (lambda x, y: x @ y, (2, 3, 4), (4,)),
    "v @ batch": (lambda x, y: x @ y, (3,), (2, 3, 4)),
    "batch @ batch": (lambda x, y: x @ y, (2, 3, 4), (2, 4, 2)),
    "batch @ stretched batch": (lambda x, y: x @ y, (3, 2, 3), (1, 3, 2)),
    "two batch axes": (lambda x, y: x @ y, (2, 1, 2, 3), (3, 3, 2)),
    "plain @ A": (lambda x: PLAIN @ x, (3, 2)),
    "A @ plain": (lambda x: x @ PLAIN, (2, 2)),
    "x.T @ x": (lambda x: x.T @ x, (3, 2)),
    "dot 1d 1d": (np.dot, (3,), (3,)),
    "dot 2d 1d": (np.dot, (2, 3), (3,)),
    "dot method": (lambda x, y: x.dot(y), (2, 3), (3, 2)),
    "dot 0d": (np.dot, (), (3,)),
    "dot 3d 3d": (np.dot, (2, 2, 3), (2, 3, 2)),
    "inner": (np.inner, (2, 3), (4, 3)),
    "vdot": (np.vdot, (2, 3), (2, 3)),
    "outer": (np.outer, (2,), (3,)),
    "tensordot": (lambda x, y: np.tensordot(x, y, axes=([0, 2], [1, 0])), (2, 3, 4), (4, 2)),
    "tensordot 1": (lambda x, y: np.tensordot(x, y, axes=1), (2, 3), (3, 2)),
    "tensordot 0": (lambda x, y: np.tensordot(x, y, axes=0), (2,), (2,)),
    "einsum": (lambda x, y: np.einsum("ij,jk->ki", x, y), (2, 3), (3, 4)),
    "einsum implicit output": (lambda x, y: np.einsum("cb, ba", x, y), (2, 3), (3, 4)),
    "einsum to a scalar": (lambda x: np.einsum("ij->", x), (2, 3)),
    "einsum lone letter": (lambda x, y: np.einsum("ij,k->i", x, y), (2, 3), (4,)),
    "einsum ellipsis": (lambda x, y: np.einsum("...ij,...j->...i", x, y), (2, 3, 4), (2, 4)),
    "einsum ellipsis, implicit": (lambda x, y: np.einsum("...j,j", x, y), (2, 3, 4), (4,)),
    "einsum ellipsis of two ranks": (lambda x, y: np.einsum("...,a...->a...", x, y), (3,), (2, 4, 3)),
    "einsum diagonal": (lambda x: np.einsum("ii->i", x), (3, 3)),
    "einsum trace": (lambda x: np.einsum("ii", x), (3, 3)),
    "einsum diagonal times": (lambda x, y: np.einsum("iji,ij->j", x, y), (2, 3, 2), (2, 3)),
    "einsum three operands": (lambda x, y, z: np.einsum("i,ij,j", x, y, z), (2,), (2, 3), (3,)),
    "einsum three operands, one plain": (lambda x, z: np.einsum("i,ij,j->j", x, PLAIN, z), (2,), (3,)),
    "einsum same operand twice": (lambda x: np.einsum("ij,kj->ik", x, x), (2, 3)),
    "einsum size 1 stretched": (lambda x, y: np.einsum("ij,ij->i", x, y), (2, 3), (2, 1)),
    "einsum interleaved": (lambda x, y: np.einsum(x, [0, 1], y, [1, 2], [2, 0]), (2, 3), (3, 2)),
    "einsum interleaved, implicit": (lambda x, y: np.einsum(x, [30, 1], y, [1, 2]), (2, 3), (3, 2)),
    "einsum interleaved, ellipsis": (lambda x: np.einsum(x, [..., 0], [...]), (2, 3)),
    # reductions
    "sum": (np.sum, (2, 3)),
    "sum 0d": (np.sum, ()),
    "sum axis": (lambda x: np.sum(x, axis=1), (2, 3)),
    "reductions of 0d over axis 0": (lambda x: [np.sum(x, 0), np.sum(x, -1), np.max(x, 0), np.min(x, -1)], ()),
    "sum method": (lambda x: x.sum(0, keepdims=True), (2, 3)),
    "sum positional": (lambda x: np.sum(x, 0, None, None, True), (2, 3)),
    "sum axes": (lambda x: np.sum(x, axis=(-1, 0)), (2, 3, 4)),
    "sum initial": (lambda x: np.sum(x, axis=0, initial=2.0), (2, 3)),
    "add.reduce": (np.add.reduce, (2, 3)),
    "mean": (np.mean, (2, 3)),
    "mean axis": (lambda x: x.mean(axis=np.int64(-2)), (2, 3)),
    "mean axes": (lambda x: np.mean(x, axis=(0, -1), keepdims=True), (2, 3, 4)),
    "average": (np.average, (2, 3)),
    "average weighted": (lambda x: np.average(x, weights=[1.0, 2.0, 4.0]), (3,)),
    "average of rows": (lambda x: np.average(x, axis=0, weights=[1.0, 2.0, 4.0]), (3, 3)),
    "average, traced weights": (lambda x, w: np.average(x, axis=1, weights=2 + w), (3, 3), (3,)),
    "max": (np.max, (2, 3)),
    "max axis": (lambda x: x.max(axis=-1), (2, 3)),
    "max axes": (lambda x: np.max(x, axis=(0, -1), keepdims=True), (2, 3, 4)),
    "maximum.reduce": (np.maximum.reduce, (3, 2)),
    "min axis": (lambda x: np.min(x, 0), (2, 3)),
    "min": (lambda x: x.min(), (2, 3)),
    "ptp": (lambda x: np.ptp(x, axis=1), (2, 3)),
    "var": (np.var, (2, 3)),
    "var ddof": (lambda x: x.var(axis=0, ddof=1, keepdims=True), (3, 2)),
    "var axes": (lambda x: np.var(x, axis=(0, 2)), (2, 2, 3)),
    "std": (lambda x: np.std(x, axis=-1), (2, 3)),
    "std method": (lambda x: x.std(ddof=1), (4,)),
    "norm": (np.linalg.norm, (2, 3)),
    "norm axis": (lambda x: np.linalg.norm(x, axis=1, keepdims=True), (2, 3)),
    "norm 2 of rows": (lambda x: np.linalg.norm(x, 2, axis=-1), (2, 3)),
    "norm fro": (lambda x: np.linalg.norm(x, "fro"), (2, 3)),
    "trace": (lambda x: x.trace(), (3, 3)),
    "diff": (np.diff, (2, 4)),
    "diff twice": (lambda x: np.diff(x, 2, axis=0), (4, 2)),
    # indexing
    "x[i]": (lambda x: x[1], (3, 2)),
    "x[-1, 0]": (lambda x: x[-1, 0], (3, 2)),
    "x[a:b]": (lambda x: x[1:3], (4,)),
    "x[::-2]": (lambda x: x[::-2], (5, 2)),
    "x[:, None]": (lambda x: x[:, None] * x[None, :], (3,)),
    "x[..., 0]": (lambda x: x[..., 0], (2, 3, 2)),
    "x[()]": (lambda x: x[()], ()),
    "x[mask]": (lambda x: x[MASK], (2, 3)),
    "x[x > 0]": (lambda x: x[x > 0], (6,)),
    "x[rows]": (lambda x: x[[0, 2, 0, 0]], (3, 2)),
    "x[rows, columns]": (lambda x: x[np.arange(2), [2, 0]], (2, 3)),
    "x[ix_]": (lambda x: x[np.ix_([0, 2], [1, 1])], (3, 2)),
    "x[2d positions]": (lambda x: x[np.array([[0, 1], [1, 1]])], (3, 2)),
    "x[:, rows, None]": (lambda x: x[:, [1, 1], None], (2, 3)),
    "iteration": (lambda x: [row * k for k, row in enumerate(x)], (3, 2)),
    "unpacking": (lambda x: (lambda a, b: a * b)(*x), (2, 3)),
    "take": (lambda x: np.take(x, [0, 0, 1], axis=1), (2, 3)),
    "take_along_axis": (lambda x: np.take_along_axis(x, np.array([[2], [0]]), 1), (2, 3)),
    "take_along_axis argmax": (lambda x: np.take_along_axis(x, np.expand_dims(np.argmax(x, 1), 1), 1), (2, 3)),
    "compress": (lambda x: np.compress([True, False, True], x, axis=1), (2, 3)),
    # rearrangements
    "reshape": (lambda x: x.reshape(3, -1), (2, 3)),
    "reshape tuple": (lambda x: np.reshape(x, (6,)), (2, 3)),
    "reshape F": (lambda x: x.reshape((3, 2), order="F"), (2, 3)),
    "ravel": (lambda x: x.ravel(), (2, 3)),
    "flatten": (lambda x: x.flatten(), (2, 3)),
    "transpose": (np.transpose, (2, 3)),
    "transpose axes": (lambda x: x.transpose(2, 0, 1), (2, 3, 4)),
    ".T": (lambda x: x.T, (2, 3, 4)),
    "swapaxes": (lambda x: x.swapaxes(0, -1), (2, 3, 4)),
    "moveaxis": (lambda x: np.moveaxis(x, 0, -1), (2, 3, 4)),
    "squeeze": (lambda x: x.squeeze(1), (2, 1, 3)),
    "expand_dims": (lambda x: np.expand_dims(x, (0, -1)), (2, 3)),
    "broadcast_to": (lambda x: np.broadcast_to(x, (4, 2, 3)), (2, 1)),
    "stack": (lambda x, y: np.stack([x, y, np.ones(3)], axis=1), (3,), (3,)),
    "stack of scalars": (lambda x: np.stack([x[0], x[1] * 2, 3.0]), (2,)),
    "concatenate": (lambda x, y: np.concatenate([x, PLAIN, y], axis=0), (1, 3), (2, 3)),
    "concatenate flat": (lambda x, y: np.concatenate((x, y), axis=None), (2, 2), (3,)),
    "concatenate dtype": (lambda x: np.concatenate([x, x], dtype=np.float64), (3,)),
    "vstack": (lambda x, y: np.vstack([x, y]), (3,), (2, 3)),
    "hstack": (lambda x, y: np.hstack([x, y, 1.0]), (3,), (2,)),
    "column_stack": (lambda x, y: np.column_stack([x, y]), (3,), (3, 2)),
    "dstack": (lambda x, y: np.dstack([x, y]), (2, 3), (2, 3)),
    "split": (lambda x: np.split(x, 3), (6,)),
    "split at": (lambda x: np.split(x, [1, 1, 4], axis=1), (2, 5)),
    "array_split": (lambda x: np.array_split(x, 2), (5,)),
    "repeat": (lambda x: np.repeat(x, 3), (2, 2)),
    "repeat counts": (lambda x: np.repeat(x, [0, 2, 1], axis=1), (2, 3)),
    "tile": (lambda x: np.tile(x, (2, 3)), (2,)),
    "roll": (lambda x: np.roll(x, 1, axis=1), (2, 3)),
    "flip": (lambda x: np.flip(x, 0), (2, 3)),
    "rot90": (np.rot90, (2, 3)),
    "pad": (lambda x: np.pad(x, 1), (2, 3)),
    "pad widths": (lambda x: np.pad(x, ((1, 0), (0, 2)), constant_values=5.0), (2, 3)),
    "pad edge": (lambda x: np.pad(x, 2, mode="edge"), (3,)),
    "pad reflect": (lambda x: np.pad(x, ((0, 0), (2, 1)), mode="reflect"), (2, 3)),
    "diag of v": (np.diag, (3,)),
    "diag of A": (lambda x: np.diag(x, 1), (3, 3)),
    "diagonal": (lambda x: np.diagonal(x, axis1=0, axis2=2), (2, 3, 2)),
    "tril": (np.tril, (3, 3)),
    "triu": (lambda x: np.triu(x, 1), (2, 3)),
    "atleast_2d": (np.atleast_2d, (3,)),
    "copy": (lambda x: x.copy() + np.copy(x), (3,)),
    "astype": (lambda x: x.astype(np.longdouble) * x, (3,)),
    # selections
    "where": (lambda x, y: np.where(MASK, x, y), (2, 3), (2, 3)),
    "where traced condition": (lambda x: np.where(x > 0, np.sin(x), 2 * x), (2, 3)),
    "where stretched": (lambda x, y: np.where(MASK, x, y), (3,), (2, 1)),
    "where constant": (lambda x: np.where(MASK, x, -1.0), (2, 3)),
    "clip": (lambda x: np.clip(x, -0.4, 0.5), (6,)),
    "clip one side": (lambda x: x.clip(min=0.1), (6,)),
    "clip keywords": (lambda x: np.clip(x, a_min=None, a_max=0.3), (6,)),
    "maximum": (np.maximum, (2, 3), (3,)),
    "minimum of itself": (lambda x: np.minimum(x, x), (3,)),
    "fmax constant": (lambda x: np.fmax(0.1, x), (6,)),
    "abs": (abs, (5,)),
    "relu": (lambda x: np.maximum(x, 0), (6,)),
    # arithmetic
    "+x -x": (lambda x: +x - (-x), (3,)),
    "1 - x": (lambda x: 1 - x, (2, 3)),
    "2 / x": (lambda x: 2 / x, (3,)),
    "x / y": (lambda x, y: x / y, (2, 3), (3,)),
    "x * x": (lambda x: x * x, (3,)),
    "0d + 2d": (lambda x, y: x + y, (), (2, 3)),
    "0d * 0d": (lambda x, y: x * y, (), ()),
    "size 1 axes": (lambda x, y: x * y - y, (2, 1, 3), (4, 1)),
    "plain - x": (lambda x: PLAIN - x, (3,)),
    "x**2": (lambda x: x**2, (3,)),
    "x**3": (lambda x: x**3, (3,)),
    "x**0": (lambda x: x**0 + x, (3,)),
    "x**1": (lambda x: x**1, (3,)),
    "x**-2": (lambda x: x**-2, (3,)),
    "x**integers": (lambda x: x ** np.array([0, 1, 2, 3]), (4,)),
    "integers**x": (lambda x: np.array([1, 2, 3]) ** x, (3,)),
    "2**x": (lambda x: 2**x, (3,)),
    "square": (lambda x: np.square(x) + np.power(x, 2), (3,)),
    "logaddexp": (np.logaddexp, (2, 3), (3,)),
    "logaddexp 0": (lambda x: np.logaddexp(0, -x), (3,)),
    "logaddexp far apart": (lambda x: np.logaddexp(40 * x, -30 * x), (3,)),
    # shapes of programs
    "x += y": (accumulated, (3, 2)),
    "recurrence": (rnn, (2, 2), (2,), (3, 2)),
    "if": (branched, (3,)),
    "zeros_like": (lambda x: (np.zeros_like(x) + np.ones_like(x)) * x, (2, 3)),
    "used many times": (lambda x: sum(np.tanh(x * k) * x for k in range(1, 5)), (3,)),
}  # fmt: skip
POSITIVE = {
    "x**0.5": (lambda x: x**0.5, (3,)),
    "x**2.3": (lambda x: x**2.3, (3,)),
    "x**-1.5": (lambda x: x**-1.5, (3,)),
    "x**y": (lambda x, y: x**y, (2, 3), (3,)),
    "x**(0d parameter)": (lambda x, p: x**p, (3,), ()),
    "0.3**x": (lambda x: 0.3**x, (3,)),
    "x**array": (lambda x: x ** np.array([0.5, 2.5, -1]), (3,)),
    "float_power": (np.float_power, (3,), (3,)),
    "log x / sqrt x": (lambda x: np.log(x) / np.sqrt(x), (2, 3)),
}
EVERYWHERE_DEFINED = {
    np.exp, np.exp2, np.expm1, np.tanh, np.sinh, np.cosh, np.sin, np.cos, np.tan, np.arctan, np.arcsin, np.log1p,
    np.reciprocal, np.square, np.negative, np.positive,
}  # fmt: skip
for ufunc in UNARY:
    (ANYWHERE if ufunc in EVERYWHERE_DEFINED else POSITIVE)[ufunc.__name__] = (ufunc, (2, 3))
for ufunc in RULES:
    if ufunc not in (np.sign, np.power, np.float_power):
        ANYWHERE.setdefault(ufunc.__name__, (ufunc, *([(2, 3)] * ufunc.nin)))


def case(table, name):
    """(operation, parameters) of a row, entries between 0.1 and 0.9, apart from each other."""
    operation, *shapes = table[name]
    rng = np.random.default_rng(len(name))
    size = sum(math.prod(shape) for shape in shapes)
    entries = (rng.permutation(size) + rng.uniform(0.2, 0.8, size)) / size * 0.8 + 0.1
    if table is ANYWHERE:
        entries *= rng.choice([-1, 1], size)
    parts = np.split(entries, np.cumsum([math.prod(shape) for shape in shapes])[:-1])
    return operation, {f"x{k}": part.reshape(shape) for k, (part, shape) in enumerate(zip(parts, shapes, strict=True))}


every_operation = pytest.mark.parametrize(
    ("table", "name"),
    [*((ANYWHERE, name) for name in ANYWHERE), *((POSITIVE, name) for name in POSITIVE)],
    ids=lambda x: x if isinstance(x, str) else "",
)


@every_operation
def test_value_is_numpys_own(table, name):
    operation, params = case(table, name)
    tape = Tape()
    traced = operation(*(tape.parameter(value) for value in params.values()))
    plain = operation(*(np.asarray(value, Long) for value in params.values()))
    pairs = list(zip(traced, plain, strict=True)) if isinstance(plain, list) else [(traced, plain)]
    for mine, numpys in pairs:
        assert mine.shape == np.shape(numpys)
        assert mine.value.dtype == Long
        np.testing.assert_allclose(mine.value, numpys, rtol=1e-17, atol=1e-18)


@every_operation
def test_gradient_is_that_of_differences(table, name):
    operation, params = case(table, name)
    found = reference(problem_of(lambda p, d: weighted(operation(*p.values()))), point_of(params))
    exact = differences(lambda p: weighted(operation(*p.values())), params)
    for key in params:
        assert found.gradients[key].shape == params[key].shape
        np.testing.assert_allclose(found.gradients[key], exact[key], rtol=1e-11, atol=1e-11)


def test_parameter_that_happens_to_be_two_is_still_differentiated_as_an_exponent():
    found = reference(problem_of(lambda p, d: p["x"] ** p["p"]), point_of({"x": 3.0, "p": 2.0}))
    assert found.gradients["p"] == pytest.approx(9 * math.log(3), rel=1e-15)
    found = reference(problem_of(lambda p, d: 3.0 ** p["p"]), point_of({"p": 2.0}))
    assert found.gradients["p"] == pytest.approx(9 * math.log(3), rel=1e-15)


@pytest.mark.parametrize(
    ("loss", "slope"),
    [
        (lambda p, d: p["x"] ** 0, 0),
        (lambda p, d: p["x"] ** 1, 1),
        (lambda p, d: p["x"] ** 2, 0),
        (lambda p, d: p["x"] ** 3, 0),
        (lambda p, d: p["x"] ** 2.5, 0),
        (lambda p, d: (p["x"] + 1) ** d["n"], 5),
        (lambda p, d: np.tanh(p["x"]) * d["c"], 0.25),
    ],
)
def test_gradient_at_zero(loss, slope):
    found = reference(problem_of(loss), point_of({"x": 0.0}, {"n": 5, "c": 0.25}))
    assert found.gradients["x"] == slope


@pytest.mark.parametrize(("base", "x"), [(-1.0, 0.0), (-1e30, -1e30)])
def test_no_statement_about_the_exponent_of_a_negative_number(base, x):
    """(-1)**x is real at 0, and nowhere beside it."""
    with pytest.raises(NoPrecision):
        reference(problem_of(lambda p, d: d["k"] ** p["x"]), point_of({"x": x}, {"k": base}))


def test_positions_are_those_of_numpy():
    tape, x = Tape(), np.array([[0.3, -0.7, 2.0], [1.5, 0.1, -0.4]])
    for function in (np.argmax, np.argmin, np.argsort):
        for axis in (None, 0, -1):
            np.testing.assert_array_equal(function(tape.parameter(x), axis=axis), function(x, axis=axis))
    for function in (np.argmax, np.argmin):
        for axis in (None, 1):
            mine = function(tape.parameter(x), axis=axis, keepdims=True)
            np.testing.assert_array_equal(mine, function(x, axis=axis, keepdims=True))
        assert function(tape.parameter(0.5)) == 0


def test_data_takes_part_but_has_no_gradient():
    data = {"X": PLAIN, "labels": np.array([2, 0]), "name": "iris", "rate": 0.5}

    def loss(p, d):
        scores = d["X"] * p["w"] * d["rate"]
        assert d["name"] == "iris"
        return np.sum(scores[np.arange(2), d["labels"]])

    found = reference(problem_of(loss), point_of({"w": np.ones(3)}, data))
    np.testing.assert_allclose(found.gradients["w"], [1.0, 0, 0.55], rtol=1e-15)


def test_parameter_that_is_not_used_is_named():
    found = reference(problem_of(lambda p, d: np.sum(p["a"])), point_of({"a": np.ones(2), "b": np.ones(3)}))
    assert found.unused == {"b"}
    assert not found.gradients["b"].any()


# Comparisons ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ufunc", sorted(COMPARISONS, key=lambda ufunc: ufunc.__name__), ids=lambda u: u.__name__)
def test_comparison_gives_plain_bools(ufunc):
    tape = Tape()
    values = [np.array([0.3, -0.7, np.inf, 2.0]), np.array([0.4, -0.7, 1.0, 1.0])][: ufunc.nin]
    result = ufunc(*(tape.constant(value) for value in values))
    assert type(result) is np.ndarray
    assert result.dtype == bool
    assert result.tolist() == ufunc(*values).tolist()


def test_truth_of_a_traced_scalar():
    tape = Tape()
    assert tape.parameter(0.5)
    assert not tape.parameter(0.0)
    assert tape.parameter(0.5) > 0.25
    with pytest.raises(ValueError, match="ambiguous"):
        bool(tape.parameter(np.ones(2)))


# What cannot be traced --------------------------------------------------------------------------------------------


def into_buffer(x):
    buffer = np.zeros(3)
    buffer[0] = x[0]
    return buffer.sum()


def row_into_buffer(x):
    buffer = np.zeros((2, 3))
    buffer[0] = x
    return buffer.sum()


def in_place_into_plain(x):
    buffer = np.zeros(3)
    buffer += x
    return buffer.sum()


def assigned(x):
    x[0] = 1
    return x.sum()


REFUSED = {
    "float(x)": (lambda x: float(x[0]), r"float\(\).*return the NumPy value itself"),
    "int(x)": (lambda x: int(x[0]), r"float\(\)"),
    "math.exp": (lambda x: math.exp(x[0]), r"float\(\).*use np functions, not math's"),
    "x.item()": (lambda x: x[0].item(), r"\.item\(\).*np functions"),
    "x.item(0)": (lambda x: x.item(0), r"\.item\(\)"),
    "x.tolist()": (lambda x: sum(x.tolist()), r"\.tolist\(\)"),
    "np.array([x, y])": (lambda x: np.sum(np.array([x[0], x[1]])), r"np\.array.*np\.stack"),
    "np.array(x)": (lambda x: np.sum(np.array(x)), r"np\.array.*np\.stack"),
    "np.sum([x, y])": (lambda x: np.sum([x[0], x[1]]), r"np\.array.*np\.stack"),
    "np.asarray": (lambda x: np.asarray(x).sum(), r"np\.asarray.*np\.stack"),
    "buffer[i] = x": (into_buffer, r"float\(\)|writing into an array"),
    "buffer[0] = row": (row_into_buffer, r"writing into an array.*np\.stack"),
    "buffer += x": (in_place_into_plain, r"np\.add\(out=\) into a plain array.*np\.stack"),
    "x[0] = 1": (assigned, r"x\[i\] = .*np\.where"),
    "out=": (lambda x: np.exp(x, out=np.zeros(3)).sum(), r"np\.exp\(out=\).*np\.stack"),
    "np.sum(out=)": (lambda x: np.sum(x, out=np.zeros(())), r"np\.sum\(out=\).*returned array"),
    "where=": (lambda x: np.exp(x, where=MASK[0]).sum(), r"np\.exp\(where=\).*np\.where"),
    "np.sum(where=)": (lambda x: np.sum(x, where=MASK[0]), r"np\.sum in this form.*where.*write it out"),
    "np.max(initial=)": (lambda x: np.max(x, initial=0), r"np\.max in this form.*initial"),
    "np.mean(where=)": (lambda x: np.mean(x, where=MASK[0]), r"np\.mean in this form.*where"),
    "np.pad(mode=mean)": (lambda x: np.pad(x, 1, mode="mean").sum(), r"np\.pad.*'mean'.*np\.concatenate"),
    "np.atleast_1d of two": (lambda x: np.atleast_1d(x, x)[0].sum(), r"np\.atleast_1d of several"),
    "np.linalg.inv": (lambda x: np.linalg.inv(x * np.eye(3)).sum(), r"np\.linalg\.inv .*write it out"),
    "np.linalg.norm(ord=1)": (lambda x: np.linalg.norm(x, 1), r"np\.linalg\.norm\(ord=1\).*np\.abs"),
    "np.sort": (lambda x: np.sort(x)[0], r"np\.sort .*write it out"),
    "x.sort()": (lambda x: x.sort(), r"\.sort "),
    "np.cumsum": (lambda x: np.cumsum(x).sum(), r"np\.cumsum .*write it out"),
    "np.prod": (lambda x: np.prod(x), r"np\.prod .*write it out"),
    "np.add.accumulate": (lambda x: np.add.accumulate(x).sum(), r"np\.add\.accumulate.*np\.sum"),
    "np.floor": (lambda x: np.floor(x).sum(), r"np\.floor .*use arithmetic"),
    "x % 1": (lambda x: (x % 1).sum(), r"np\.remainder .*use arithmetic"),
    "complex": (lambda x: np.sum(x * 1j), r"type complex.*real numbers"),
    "None": (lambda x: np.sum(x * None), r"type NoneType"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refusal_names_the_operation_and_the_way_round(name):
    loss, message = REFUSED[name]
    with pytest.raises((CannotTrace, ValueError)) as caught:
        reference(problem_of(lambda p, d: loss(p["x"])), point_of({"x": np.array([0.5, 1.5, 2.5])}))
    # NumPy covers what a scalar raises on its way into an array with a ValueError of its own.
    refusal = caught.value if isinstance(caught.value, CannotTrace) else caught.value.__cause__
    assert isinstance(refusal, CannotTrace)
    assert re.search(message, str(refusal))


def test_in_place_operation_may_not_change_the_shape():
    def loss(p, d):
        x = p["x"] * 1.0
        x += np.ones((2, 3))
        return np.sum(x)

    with pytest.raises(ValueError, match="shape"):
        reference(problem_of(loss), point_of({"x": np.ones(3)}))


def test_shapes_that_do_not_fit_raise_numpys_own_error():
    tape = Tape()
    x = tape.parameter(np.ones((2, 3)))
    with pytest.raises(ValueError, match="matmul"):
        x @ np.ones((2, 2))
    with pytest.raises(ValueError, match="broadcast"):
        x + np.ones(4)


# Kinks ------------------------------------------------------------------------------------------------------------


def shifted_softmax(p, d):
    z = p["x"] - np.max(p["x"])
    return np.log(np.sum(np.exp(z))) - z[0]


def stable_sigmoid(p, d):
    z = p["x"]
    small = np.exp(-np.abs(z))
    return np.sum(np.where(z >= 0, 1 / (1 + small), small / (1 + small)) * np.arange(1.0, 4.0))


KINKS = {
    "np.maximum": lambda x: np.sum(np.maximum(x, 0)),
    "np.maximum, constant first": lambda x: np.sum(np.maximum(0, x)),
    "np.minimum": lambda x: np.sum(np.minimum(x, 0)),
    "np.abs": lambda x: np.sum(np.abs(x)),
    "np.max": lambda x: np.max(x),
    "np.min": lambda x: np.min(x * np.array([1.0, 2.0, 3.0])),
    "np.m, ptp": lambda x: np.ptp(x),
    "np.greater": lambda x: np.sum(np.where(x > 0, x, 0.1 * x)),
    "np.less": lambda x: np.sum(np.where(x < 0, 0.1 * x, x)),
    "np.greater_equal": lambda x: np.sum(x) if x[0] >= 0 else 2 * np.sum(x),
    "np.minimum, clip": lambda x: np.sum(np.clip(x, -1, 0)),
    "np.greater, another length on either side": lambda x: np.sum(x[x > 0] * np.arange(1.0, 4.0)),
    "np.argmax": lambda x: x[np.argmax(x)],
    "np.argmax, method": lambda x: x[x.argmax(axis=0)],
    "np.argmin": lambda x: np.sum(np.take_along_axis(x[None], np.argmin(x[None], axis=1, keepdims=True), 1)),
    "np.argsort": lambda x: np.sum(x[np.argsort(x)] * np.arange(1.0, 4.0)),
    "np.equal": lambda x: np.sum(np.where(x == 0, 0, x)),
    "np.not_equal": lambda x: np.sum(np.where(x != 0, 1 + x, 0)),
    "np.sign": lambda x: np.sum(np.sign(x) ** 2 * x + np.sign(x) ** 2),
    "np.sign, smooth but for its own zero": lambda x: np.sum(np.sign(x) * np.tanh(np.abs(x))),
}
NO_KINKS = {
    "shifted softmax": (shifted_softmax, [-2 / 3, 1 / 3, 1 / 3]),
    "stable sigmoid": (stable_sigmoid, [0.25, 0.5, 0.75]),
    "abs squared": (lambda p, d: np.sum(np.abs(p["x"]) ** 2), [0, 0, 0]),
    "relu squared": (lambda p, d: np.sum(np.maximum(p["x"], 0) ** 2), [0, 0, 0]),
    "relu of data": (lambda p, d: np.sum(p["x"] * np.maximum(d["zero"], 0)), [0, 0, 0]),
    "log cosh by abs": (
        lambda p, d: np.sum(np.abs(p["x"]) + np.log1p(np.exp(-2 * np.abs(p["x"])))),
        [0, 0, 0],
    ),
    "maximum of itself": (lambda p, d: np.sum(np.maximum(p["x"], p["x"])), [1, 1, 1]),
    "sum in another order": (lambda p, d: np.sum(p["x"][np.argsort(p["x"])] ** 3), [0, 0, 0]),
    "all that is not NaN": (lambda p, d: np.sum(np.where(p["x"] == p["x"], p["x"], 0)), [1, 1, 1]),
    "mean by max and min": (lambda p, d: np.max(p["x"][:2]) + np.min(p["x"][:2]), [1, 1, 0]),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", KINKS)
def test_no_statement_at_a_kink_and_its_operation_is_named(name, dtype):
    with pytest.raises(NoPrecision, match=f"kink.*{name.split(',')[0]}"):
        reference(problem_of(lambda p, d: KINKS[name](p["x"])), point_of({"x": np.zeros(3)}, dtype=dtype))


@pytest.mark.parametrize("name", KINKS)
def test_statement_beside_a_kink(name):
    x = np.array([1e-3, 2e-3, 3e-3])
    found = reference(problem_of(lambda p, d: KINKS[name](p["x"])), point_of({"x": x}))
    exact = differences(lambda p: KINKS[name](p["x"]), {"x": x}, step=1e-4)
    np.testing.assert_allclose(found.gradients["x"], exact["x"], rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", NO_KINKS)
def test_branches_that_join_smoothly_are_no_kink(name, dtype):
    loss, exact = NO_KINKS[name]
    found = reference(problem_of(loss), point_of({"x": np.zeros(3)}, {"zero": np.zeros(3)}, dtype=dtype))
    np.testing.assert_allclose(found.gradients["x"], exact, rtol=1e-15, atol=1e-15)


def test_tie_within_rounding_counts_as_a_kink():
    """0.1 + 0.2 and 0.3 are apart by one rounding: a correct program may take either branch."""
    loss = problem_of(lambda p, d: np.maximum(p["a"] + p["b"], 0.3))
    with pytest.raises(NoPrecision, match=r"np\.maximum"):
        reference(loss, point_of({"a": 0.1, "b": 0.2}))


# Random programs --------------------------------------------------------------------------------------------------


def shares(seed, dtype):
    """Largest distance of the tape from other oracles, as a share of their own errors; None where it has a kink."""
    program = Program.random(seed)
    problem, point = problem_of(program.loss), point_of(program.draw(seed), dtype=dtype)
    try:
        known = reference(problem, point)
    except NoPrecision:
        return None
    own, worst = own_error(known, dtype), {}
    for name in ("complex step", "central diff"):
        answer = all_oracles()[name].estimate(problem, point, known)
        for key, gradient in answer.gradients.items():
            gap, room = np.abs(gradient - known.gradients[key]), answer.errors[key] + own[key]
            worst[name] = max(worst.get(name, 0), float(np.max(gap / np.maximum(room, TINY))))
    f, values = real_loss(problem, point, Long)
    worst["loss"] = float(abs(f(values) - known.loss) / (1e-15 * (1 + abs(known.loss))))
    return worst


def test_random_programs_agree_with_complex_steps_and_differences():
    judged = 0

    @settings(max_examples=PROGRAMS, derandomize=True, deadline=None, database=None)
    @given(seed=st.integers(0, 2**32 - 1), dtype=st.sampled_from(["float64", "float32"]))
    def agree(seed, dtype):
        nonlocal judged
        worst = shares(seed, dtype)
        judged += worst is not None
        assert worst is None or max(worst.values()) <= 1, (worst, Program.random(seed))

    agree()
    assert judged >= 0.8 * PROGRAMS


def test_random_programs_in_torch_stay_within_the_bound():
    """PyTorch's backward pass of the same program, in the point's dtype, is correct code in another formulation."""
    torch = pytest.importorskip("torch")
    worst, judged = 0.0, 0
    for seed in range(PROGRAMS // 2):
        program, dtype = Program.random(seed), ("float64", "float32")[seed % 2]
        point = point_of(program.draw(seed), dtype=dtype)
        try:
            known = reference(problem_of(program.loss), point)
        except NoPrecision:
            continue
        judged += 1
        for key, gradient in gradients_in_torch(torch, program, point.params).items():
            gap = np.abs(np.asarray(gradient, Long) - known.gradients[key])
            assert np.all(gap <= known.bounds[key]), (seed, key, program)
            worst = max(worst, float(np.max(gap / np.maximum(known.bounds[key], TINY))))
    assert judged >= 0.8 * (PROGRAMS // 2)
    assert worst > 1e-3
