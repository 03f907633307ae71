"""Spellings and shapes that the tape must tell apart, and ties beside entries that are none."""

import numpy as np
import pytest

from gradproof.bound import reference
from gradproof.errors import CannotTrace
from gradproof.tape import Tape
from gradproof.tape.arrays import Node
from tests.engine.programs import differences, point_of, problem_of, weighted

X = np.array([[[0.5, -1.5, 2.0]], [[1.25, 0.75, -0.25]]])
"""Of shape (2, 1, 3)."""

SAME = {
    "transpose of positions": lambda x: x[:, 0].transpose(1, 0),
    "transpose of a tuple": lambda x: x.transpose((2, 0, 1)),
    "transpose of three": lambda x: x.transpose(2, 0, 1),
    "transpose of none": lambda x: x.transpose(),
    "T": lambda x: x.T,
    "max over an axis beside one of length 1": lambda x: np.max(x, axis=0),
    "min over an axis beside one of length 1": lambda x: np.min(x, axis=-1),
    "amax": lambda x: np.amax(x, axis=0),
    "amin": lambda x: np.amin(x, axis=2),
    "max over two": lambda x: np.max(x, axis=(0, 2)),
    "average over an axis": lambda x: np.average(x, axis=0),
    "average over another": lambda x: np.average(x, axis=-1),
    "inner of a number": lambda x: np.inner(x[0, 0, 0], x[0, 0]),
    "inner with a number": lambda x: np.inner(x[0, 0], x[0, 0, 0]),
    "var with ddof": lambda x: x.var(axis=2, ddof=1),
    "std kept": lambda x: x.std(axis=0, keepdims=True),
    "std": lambda x: x.std(axis=2),
    "sum of axes by name": lambda x: x.sum(axis=(0, 2), keepdims=True),
    "reshape of two": lambda x: x.reshape(3, 2),
    "reshape of a tuple": lambda x: x.reshape((2, 3)),
    "reshape in Fortran's order": lambda x: x.reshape(3, 2, order="F"),
    "column_stack": lambda x: np.column_stack([x[0, 0], x[1, 0]]),
    "vstack": lambda x: np.vstack([x[0], x[1]]),
    "broadcast_to": lambda x: np.broadcast_to(x[0], (4, 3)),
    "moveaxis": lambda x: np.moveaxis(x, 0, -1),
    "clip below": lambda x: x.clip(0.4),
    "clip above": lambda x: np.clip(x, None, 0.4),
    "norm of rows": lambda x: np.linalg.norm(x, axis=2),
    "norm 2 of a vector": lambda x: np.linalg.norm(x[0, 0], 2),
    "len": lambda x: x * len(x),
    "einsum of two vectors": lambda x: np.einsum("i,j->", x[0, 0], x[1, 0]),
    "einsum of two vectors, one summed": lambda x: np.einsum("i,j->i", x[0, 0], x[1, 0]),
    "einsum of two vectors, the other one": lambda x: np.einsum("i,j->j", x[0, 0], x[1, 0]),
    "einsum of two vectors, as a matrix": lambda x: np.einsum("i,j->ij", x[0, 0], x[1, 0, :2]),
    "einsum of two vectors, transposed": lambda x: np.einsum("i,j->ji", x[0, 0], x[1, 0, :2]),
    "einsum of a matrix and a vector, one summed": lambda x: np.einsum("ij,k->ik", x[:, 0], x[1, 0]),
    "argmax as a place": lambda x: x[0, 0, np.argmax(x[0, 0])],
    "argmin as a place": lambda x: x[0, 0, np.argmin(x[0, 0])],
    "argsort along an axis": lambda x: np.take_along_axis(x, np.argsort(x, axis=0), axis=0),
    "argsort along the last axis": lambda x: np.take_along_axis(x, np.argsort(x, axis=-1), axis=-1),
}


@pytest.mark.parametrize("name", SAME)
def test_value_and_gradient_are_numpys(name):
    def loss(params, data):
        return weighted(SAME[name](params["x"]))

    tape = Tape()
    traced = SAME[name](tape.parameter(X))
    np.testing.assert_allclose(traced.value.astype(float), SAME[name](X), rtol=1e-14)
    assert traced.shape == np.shape(SAME[name](X))
    found = reference(problem_of(loss), point_of({"x": X}))
    exact = differences(lambda p: loss(p, {}), {"x": X}, step=1e-4)
    np.testing.assert_allclose(found.gradients["x"], exact["x"], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "call", [lambda x: np.linalg.norm(x[:, 0], 2), lambda x: np.atleast_1d(x, x), lambda x: np.atleast_2d(x, x)]
)
def test_a_form_that_means_something_else_is_refused(call):
    with pytest.raises(CannotTrace):
        call(Tape().parameter(X))


def test_a_traced_condition_is_true_where_it_is_not_zero():
    tape = Tape()
    condition, x = tape.constant(np.array([0.0, 2.0, -1.0])), tape.parameter(np.array([1.0, 2.0, 3.0]))
    assert np.where(condition, x, -x).value.tolist() == [-1, 2, 3]


@pytest.mark.parametrize(
    ("loss", "slopes"),
    [
        (lambda x: np.sum(np.abs(x) ** 2), [0, 1, -1, 4]),
        (lambda x: np.sum(np.maximum(x, 0) ** 2), [0, 1, 0, 4]),
        (lambda x: np.sum(np.minimum(x, 0) ** 2), [0, 0, -1, 0]),
    ],
    ids=["abs", "maximum", "minimum"],
)
def test_entries_beside_a_tie_take_their_own_side(loss, slopes):
    x = np.array([0.0, 0.5, -0.5, 2.0])
    found = reference(problem_of(lambda p, d: loss(p["x"])), point_of({"x": x}))
    np.testing.assert_allclose(found.gradients["x"], slopes, atol=1e-15)


def test_what_comes_back_from_several_results_adds_up():
    """Adjoints, their bounds, and a rounding of the size of the sum for each addition."""
    node = Node(np.zeros(2), None, [])
    received = [(np.array([1.0, -2.0]), np.array([0.25, 0.5])) for _ in range(4)]
    for adjoint, bound in received:
        node.receive(adjoint, bound)
    np.testing.assert_array_equal(node.adjoint, [4, -8])
    np.testing.assert_array_equal(node.bound, [1 + 2 + 3 + 4, 2 + 4 + 6 + 8])
    assert all(np.array_equal(a, [1, -2]) and np.array_equal(b, [0.25, 0.5]) for a, b in received)


@pytest.mark.parametrize("changed", [lambda y: y, np.exp], ids=["exact", "rounded"])
@pytest.mark.parametrize(
    "moved",
    [lambda y: np.reshape(y, (3, 2)), lambda y: np.transpose(y, (1, 0)), lambda y: np.stack(np.split(y.T, 3))[:, 0]],
    ids=["reshape", "transpose", "split"],
)
def test_constants_are_moved_with_their_errors(moved, changed):
    """The gradient is the constant itself, and the bound has the error with which a program computes it."""
    y = np.array([[0.5, -1.5, 2.0], [1.25, 0.75, -0.25]])
    problem = problem_of(lambda p, d: np.sum(p["x"] * moved(changed(d["y"]))))
    found = reference(problem, point_of({"x": np.ones((3, 2))}, {"y": y}))
    np.testing.assert_array_equal(found.gradients["x"], moved(changed(y.astype(np.longdouble))))
    rounding = np.finfo(float).eps / 2 * np.abs(found.gradients["x"])
    assert np.all((found.bounds["x"] > 4 * rounding) == (changed is np.exp))
