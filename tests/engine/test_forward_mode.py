"""The gradient carried forwards is that of the complex step of each entry: whatever the loss, dtype and rows."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from gradproof.bound import reference
from gradproof.errors import CannotTrace, NotRun
from gradproof.oracles import all_oracles
from gradproof.oracles.complex_step import STEP, ComplexStep, step, unit
from gradproof.oracles.forward import gradient as forward
from gradproof.oracles.forward import tangents
from gradproof.oracles.forward.arrays import Forward
from gradproof.oracles.forward.gradient import carried_forwards, seed
from gradproof.oracles.forward.tangents import OneHot, Run, added, scaled
from tests.engine.programs import OPERANDS, OPERATIONS, SHAPES, Long, point_of, problem_of, weighted

EPS = np.finfo(Long).eps
RNG = np.random.default_rng(3)
A, B, C = (RNG.normal(size=shape) for shape in ((3, 3), (3,), (2, 3, 4)))
DATA = RNG.normal(size=(3, 4))

LOSSES = {
    "matrix, vector": lambda a, b, c: a @ b,
    "vector, matrix": lambda a, b, c: b @ a,
    "vector, vector": lambda a, b, c: b @ b,
    "matrices": lambda a, b, c: a @ a.T,
    "stacked matrices": lambda a, b, c: a @ c,
    "matrices, stacked": lambda a, b, c: np.matmul(c, np.transpose(c, (0, 2, 1))),
    "matrix and data": lambda a, b, c: a @ DATA,
    "data and vector": lambda a, b, c: DATA.T @ b,
    "the same twice": lambda a, b, c: a * a + a,
    "einsum of one": lambda a, b, c: np.einsum("ij->j", a),
    "einsum to a scalar": lambda a, b, c: np.einsum("ij,ij->", a, a),
    "einsum, letter of one only": lambda a, b, c: np.einsum("ij,k->k", a, b),
    "einsum, data's letter only": lambda a, b, c: np.einsum("ij,jk->i", a, DATA),
    "einsum, batch": lambda a, b, c: np.einsum("ijk,jk->kj", c, DATA),
    "einsum, batch of two": lambda a, b, c: np.einsum("ij,ik->ijk", a, a),
    "einsum of computed ones": lambda a, b, c: np.einsum("ij,kjl->lik", np.tanh(a @ a), np.sin(c)),
    "einsum, length 1": lambda a, b, c: np.einsum("ij,jk->ik", b[:, None], DATA),
    "einsum, stretched": lambda a, b, c: np.einsum("ij,ij->ij", (a @ b)[None], a),
    "einsum of lists": lambda a, b, c: np.einsum(a, [0, 1], b, [1], [0]),
    "tensordot": lambda a, b, c: np.tensordot(a, c, ([1], [1])),
    "inner": lambda a, b, c: np.inner(a, b),
    "outer": lambda a, b, c: np.outer(b, a),
    "sum of products": lambda a, b, c: np.sum(a * b, axis=1, keepdims=True),
    "sum over axes": lambda a, b, c: np.sum(np.exp(c), axis=(0, -1)),
    "sum of one hot": lambda a, b, c: np.sum(c, axis=(0, 2)),
    "sum of all": lambda a, b, c: np.sum(a) * np.sum(np.sin(a @ b)),
    "broadcast sum": lambda a, b, c: a + b + (a @ b)[:, None],
    "broadcast sum of one hot": lambda a, b, c: b + np.zeros((2, 3)),
    "difference": lambda a, b, c: 1 - a - np.tanh(a @ a) - b,
    "quotient": lambda a, b, c: a / (2 + np.square(b)) + 1 / (3 + b),
    "power of a parameter": lambda a, b, c: (1 + b * b) ** a,
    "0.1th power": lambda a, b, c: np.float_power(0.3 + a * a, 0.1),
    "in place": lambda a, b, c: in_place(a, b),
    "where": lambda a, b, c: np.where(a > 0, a @ a, np.exp(b)),
    "where, constants": lambda a, b, c: np.where(a > 0, a, 0) + np.where(b > 0, 1.0, 2.0),
    "where, one hot": lambda a, b, c: np.where(a @ a > 0, a, b),
    "largest": lambda a, b, c: np.max(a, axis=0) + np.max(a @ a, axis=1),
    "smallest of all": lambda a, b, c: np.min(c) * b,
    "maximum": lambda a, b, c: np.maximum(a, b) + np.minimum(a @ a, 0.1),
    "logaddexp": lambda a, b, c: np.logaddexp(a, a @ b),
    "relu": lambda a, b, c: np.maximum(a @ b, 0),
    "abs, sign": lambda a, b, c: np.abs(a) * np.sign(b),
    "row": lambda a, b, c: a[1] + a[-1, ::2].sum() + (a @ a)[0],
    "Ellipsis, newaxis": lambda a, b, c: c[..., 1][None] + np.exp(c)[:, None, ..., -1],
    "by positions": lambda a, b, c: a[[0, 0, 2]] + np.exp(a)[[1, 1, 0], [0, 1, 2]],
    "by a mask": lambda a, b, c: a[np.eye(3, dtype=bool)] * b,
    "rows in a loop": lambda a, b, c: sum(np.tanh(row) @ b for row in a),
    "transposed": lambda a, b, c: a.T + np.exp(a).T,
    "reshaped": lambda a, b, c: c.reshape(4, -1) + np.exp(c).reshape((4, 6), order="F"),
    "stacked": lambda a, b, c: np.stack([b, a @ b, np.ones(3)]),
    "concatenated one hot": lambda a, b, c: np.concatenate([b, np.ones(2), a[0]]),
    "split": lambda a, b, c: np.split(np.exp(a), 3),
    "lower triangle": lambda a, b, c: np.tril(a) + np.tril(np.exp(a)) + np.diag(b),
    "repeated": lambda a, b, c: np.repeat(b, 2) + np.tile(np.exp(b), 2),
    "broadcast_to": lambda a, b, c: np.broadcast_to(b, (2, 3)) + np.broadcast_to(np.exp(b), (2, 3)),
    "mean, std": lambda a, b, c: np.mean(a, axis=0) + np.std(np.exp(a), axis=1),
    "cumsum": lambda a, b, c: np.cumsum(a @ b),
    "prod": lambda a, b, c: np.prod(a, axis=1),
    "kron": lambda a, b, c: np.kron(a, b),
    "padded": lambda a, b, c: np.pad(np.exp(b), 1),
    "inserted": lambda a, b, c: np.insert(b, 1, 5.0),
    "filled zeros": lambda a, b, c: np.tril(a) * b + np.tril(a @ a) * b,
    "batched": lambda a, b, c: np.matmul(c * np.sum(c), np.swapaxes(c * np.sum(b), 1, 2)),
    "second of two": lambda a, b, c: np.einsum("ij,jk->ik", a, a * np.sum(b)),
    "several arrays": lambda a, b, c: np.select([b > 0, b < 0], [b * b, a @ b]),
    "a pair of arrays": lambda a, b, c: np.select((b > 0, b < 0), (b * b, a @ b)),
    "of data alone": lambda a, b, c: np.cumsum(np.zeros_like(b) + DATA[:, 0]) * b,
}  # fmt: skip
"""Of a (3, 3), b (3,) and c (2, 3, 4)."""


def in_place(a, b):
    x = np.exp(a)
    x += b
    x *= 2
    return x


def problem_and_point(f):
    problem = problem_of(lambda p, d: weighted(f(p["a"], p["b"], p["c"])))
    return problem, point_of({"a": A, "b": B, "c": C})


def entry_by_entry(problem, point):
    """The complex step of each entry alone."""
    values = {name: np.asarray(value, np.clongdouble) for name, value in point.params.items()}

    def slope(name, k):
        stepped = step(values, {name: unit(values[name].shape, k)})
        with np.errstate(all="ignore"):
            result = problem.loss({n: ComplexStep(v) for n, v in stepped.items()}, dict(point.data))
        return np.imag(result.value) / Long(STEP)

    return {
        name: np.array([slope(name, k) for k in range(value.size)]).reshape(value.shape)
        for name, value in values.items()
    }


def assert_the_same(found, expected, eps):
    largest = max(np.max(np.abs(g), initial=1) for g in expected.values())
    for name, gradient in expected.items():
        assert found[name].shape == gradient.shape
        assert np.all(np.abs(found[name] - gradient) <= 64 * eps * (np.abs(gradient) + largest))


@pytest.fixture(params=["long double", "float64", "seven rows", "one row"])
def arithmetic(request, monkeypatch):
    """The unit roundoff of a run, in each way to make one."""
    if request.param == "float64":
        monkeypatch.setattr(forward, "IN_LONG_DOUBLE", 0)
        return np.finfo(np.float64).eps
    rows = {"seven rows": 7, "one row": 1}.get(request.param)
    if rows:
        for module in (forward, tangents):
            monkeypatch.setattr(module, "MOST", 0)
            monkeypatch.setattr(module, "FEWEST_ROWS", rows)
    return EPS


@pytest.mark.parametrize("name", LOSSES)
def test_all_entries_at_once_are_the_complex_steps_of_each(name, arithmetic):
    problem, point = problem_and_point(LOSSES[name])
    assert_the_same(carried_forwards(problem, point).gradients, entry_by_entry(problem, point), arithmetic)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_of_the_random_programs_is_carried(name, arithmetic):
    rule, tried = OPERATIONS[name], 0
    for shapes in product(SHAPES, repeat=OPERANDS[name]):
        operands = [RNG.normal(size=shape) for shape in shapes]
        try:
            rule(np, *operands)
        except Exception:  # these shapes are not for it
            continue
        for moving in (lambda x: x, np.tanh):  # parameters, and what is computed from them
            problem = problem_of(lambda p, d, moving=moving: weighted(rule(np, *(moving(x) for x in p.values()))))
            point = point_of({f"x{k}": value for k, value in enumerate(operands)})
            assert_the_same(carried_forwards(problem, point).gradients, entry_by_entry(problem, point), arithmetic)
        tried += 1
        if tried == 5:
            return
    assert tried


def test_what_is_held_constant_does_not_move():
    problem = problem_of(
        lambda p, d: np.sum(p["a"] * d["held"]), frozen=lambda p, d: {"held": np.exp(p["a"]) * np.ones(3)}
    )
    point = point_of({"a": B})
    np.testing.assert_allclose(carried_forwards(problem, point).gradients["a"], np.exp(Long(B)), rtol=1e-18)


def test_a_parameter_that_the_loss_does_not_touch_has_no_slope():
    found = carried_forwards(problem_of(lambda p, d: 2.0), point_of({"a": A})).gradients
    np.testing.assert_array_equal(found["a"], np.zeros((3, 3)))
    found = carried_forwards(problem_of(lambda p, d: np.sum(p["b"])), point_of({"a": A, "b": B})).gradients
    np.testing.assert_array_equal(found["a"], np.zeros((3, 3)))
    np.testing.assert_array_equal(found["b"], np.ones(3))


def test_one_parameter_of_no_axes_is_its_own_slope():
    found = carried_forwards(problem_of(lambda p, d: p["x"]), point_of({"x": 0.3}))
    assert found.gradients["x"].shape == ()
    assert found.gradients["x"] == 1
    assert found.operations == 0


# Small and large numbers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [1e-100, 1e-300, 0.5, 1e100, 1e300])
@pytest.mark.parametrize(
    ("f", "slope"),
    [(np.sqrt, lambda x: 0.5 / np.sqrt(x)), (np.log, lambda x: 1 / x), (np.reciprocal, lambda x: -1 / x**2)],
)
def test_a_step_is_small_beside_a_small_number(f, slope, x):
    """At 1e-100 a step of 1e-100 would leave the circle in which the function is analytic."""
    found = carried_forwards(problem_of(lambda p, d: f(p["x"])), point_of({"x": x}))
    assert abs(found.gradients["x"] - slope(Long(x))) <= 8 * EPS * abs(slope(Long(x)))


def test_values_on_the_way_may_be_smaller_than_a_step():
    problem = problem_of(lambda p, d: np.sum(np.log(np.exp(-230 * p["x"]))))
    found = carried_forwards(problem, point_of({"x": [1.0, 2.0]})).gradients["x"]
    np.testing.assert_allclose(found, [-230, -230], rtol=1e-16)


@pytest.mark.parametrize("root", [np.sqrt, lambda x: x**0.5])
def test_an_infinite_slope_does_not_touch_what_stands_still(root):
    problem = problem_of(lambda p, d: np.sum(root(p["x"] * d["y"])))
    found = carried_forwards(problem, point_of({"x": [2.0, 3.0]}, {"y": np.array([[1.0, 0.0], [0.0, 1.0]])}))
    exact = [1 / (2 * np.sqrt(Long(2))), 1 / (2 * np.sqrt(Long(3)))]
    np.testing.assert_allclose(found.gradients["x"], exact, rtol=1e-18)


def test_a_slope_that_is_not_finite_is_no_answer():
    with pytest.raises(NotRun, match="not finite"):
        carried_forwards(problem_of(lambda p, d: np.sum(np.exp(p["x"]))), point_of({"x": [0.0, 1e5]}))


# Rows -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", range(1, 26))
def test_each_entry_is_carried_once_whatever_the_rows(rows, monkeypatch):
    for module in (forward, tangents):
        monkeypatch.setattr(module, "MOST", 0)
        monkeypatch.setattr(module, "FEWEST_ROWS", rows)
    runs = []
    monkeypatch.setattr(forward, "Run", lambda *args: runs.append(Run(*args)) or runs[-1])
    problem = problem_of(lambda p, d: np.sum(np.sin(p["a"])) + np.exp(p["b"]) + np.sum(p["c"] * p["c"]))
    point = point_of({"a": A, "b": 0.5, "c": C[0]})
    assert_the_same(carried_forwards(problem, point).gradients, entry_by_entry(problem, point), EPS)
    given_up = [run for run in runs if run.too_wide]
    assert len(given_up) == (rows < 22)
    assert sum(run.rows for run in runs) - sum(run.rows for run in given_up) == 22
    assert all(run.rows <= rows for run in runs if run not in given_up)


def test_a_seed_has_the_entries_of_the_run_only():
    run = Run(4, np.float64)
    assert seed((2, 3), 4, run) is None
    assert seed((2, 3), -6, run) is None
    np.testing.assert_array_equal(seed((2, 3), 2, run).place, [[2, 3, -1], [-1, -1, -1]])
    np.testing.assert_array_equal(seed((2, 3), -3, run).place, [[-1, -1, -1], [0, 1, 2]])
    np.testing.assert_array_equal(seed((2, 2), 0, run).place, [[0, 1], [2, 3]])


def test_rows_are_as_many_as_fit_the_largest_array(monkeypatch):
    runs = []
    monkeypatch.setattr(forward, "Run", lambda *args: runs.append(Run(*args)) or runs[-1])
    problem = problem_of(lambda p, d: np.sum(np.tanh(p["x"] * d["y"] + np.sum(p["x"]))))
    point = point_of({"x": np.ones(300)}, {"y": np.ones((10, 300))})
    carried_forwards(problem, point)
    assert runs[0].rows == 300
    assert all(run.rows * 3000 <= tangents.MOST for run in runs[2:])
    assert runs[2].rows == tangents.MOST // 3000
    assert sum(run.rows for run in runs if not run.too_wide) == 300


def test_a_loss_that_catches_everything_gets_no_fewer_rows_than_it_needs(monkeypatch):
    monkeypatch.setattr(tangents, "MOST", 30)
    monkeypatch.setattr(forward, "MOST", 30)

    def loss(p, d):
        try:
            return np.sum(np.tanh(p["x"] + np.sum(p["x"])))
        except Exception:
            return np.sum(0 * p["x"][:1])

    problem, point = problem_of(loss), point_of({"x": np.linspace(-1, 1, 20)})
    known = reference(problem_of(lambda p, d: np.sum(np.tanh(p["x"] + np.sum(p["x"])))), point)
    np.testing.assert_allclose(carried_forwards(problem, point).gradients["x"], known.gradients["x"], rtol=1e-17)


def test_the_seeds_of_a_matrix_are_never_dense():
    run = Run(900, np.float64)
    W = Forward(run, np.ones((30, 30)), seed((30, 30), 0, run))
    y = (2 * W.T) @ np.arange(30.0) + np.sum(-W, axis=0)
    assert run.largest == 30
    expected = np.broadcast_to((2 * np.arange(30.0) - 1)[:, None, None] * np.eye(30), (30, 30, 30))
    np.testing.assert_array_equal(y.tangent.reshape(30, 30, 30), expected)


def test_a_run_counts_the_entries_of_dense_tangents():
    run = Run(3, np.float64)
    x = np.exp(Forward(run, np.ones(3), seed((3,), 0, run)))
    assert (run.carried, run.operations) == (0, 0)
    y = np.ones((4, 3)) @ x
    assert (run.carried, run.operations) == (12, 1)
    np.exp(y)
    assert (run.carried, run.operations) == (24, 2)


def test_tangents_of_one_hot_entries_are_scaled_and_added_where_they_are():
    run = Run(3, np.float64)
    moving = OneHot(np.array([0, -1, 2]), np.array([1.0, 5.0, 2.0]))
    np.testing.assert_array_equal(moving.dense(run), [[1, 0, 0], [0, 0, 0], [0, 0, 2]])
    np.testing.assert_array_equal(scaled(moving, np.array([3.0, 3.0, 0.5]), run).slope, [3, 15, 1])
    twice = added(moving, moving, (2, 3), run)
    np.testing.assert_array_equal(twice, 2 * np.broadcast_to(moving.dense(run)[:, None], (3, 2, 3)))
    assert added(None, moving, (3,), run) is moving
    assert added(None, None, (3,), run) is None


# What the oracle makes of it ------------------------------------------------------------------------------------------


def regression(entries):
    """A loss of so many parameters that mixes them all."""
    rng = np.random.default_rng(1)
    problem = problem_of(lambda p, d: np.mean((np.tanh(d["X"] @ p["w"]) @ p["v"] - d["y"]) ** 2))
    params = {"w": rng.normal(size=(entries // 2, 2)) / 10, "v": rng.normal(size=2)}
    return problem, point_of(params, {"X": rng.normal(size=(9, entries // 2)), "y": rng.normal(size=9)})


def answer(problem, point, known=None):
    return all_oracles()["complex step"].estimate(problem, point, known)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("entries", "exact"), [(510, True), (512, False), (3000, False)])
def test_many_entries_are_carried_in_float64_and_know_it(entries, exact, dtype):
    problem, point = regression(entries)
    point = point_of(point.params, point.data, dtype=np.dtype(dtype).name)
    known = reference(problem, point)
    found = answer(problem, point, known)
    assert carried_forwards(problem, point).dtype == (Long if exact else np.float64)
    difference = max(np.max(np.abs(found.gradients[n] - g)) for n, g in known.gradients.items())
    assert (difference < 1e-18) == exact
    for name, gradient in known.gradients.items():
        assert np.all(np.abs(found.gradients[name] - gradient) <= found.errors[name])
        assert np.max(found.errors[name]) <= (1e-14 if exact else 1e-11)
        eps = EPS if exact else np.finfo(np.float64).eps
        assert np.all(found.errors[name] >= known.operations * eps * np.abs(gradient))


@pytest.mark.parametrize(("entries", "dtype"), [(512, Long), (513, np.float64)])
def test_long_double_is_for_512_entries(entries, dtype):
    found = carried_forwards(problem_of(lambda p, d: np.sum(np.sin(p["x"]))), point_of({"x": np.ones(entries)}))
    assert found.dtype == dtype


def test_what_is_held_constant_may_overflow_on_the_way():
    problem = problem_of(
        lambda p, d: np.sum(p["a"] * d["held"]),
        frozen=lambda p, d: {"held": 1 + 1 / (1 + np.square(np.exp(p["a"])))},
    )
    found = answer(problem, point_of({"a": [1e4, 8e3]}))
    np.testing.assert_array_equal(found.gradients["a"], np.ones(2))
    for direction in found.directions:
        vector = Long(direction.vector["a"])
        assert abs(direction.value - np.sum(vector)) <= 8 * EPS * np.sum(np.abs(vector))


@pytest.mark.parametrize("scale", [2.0**-30, 1.0, 2.0**30])
def test_without_a_reference_float64_admits_its_roundings(scale):
    regressed, point = regression(600)
    problem = problem_of(lambda p, d: scale * regressed.loss(p, d))
    found, known = answer(problem, point), reference(problem, point)
    for name, gradient in known.gradients.items():
        assert np.all(np.abs(found.gradients[name] - gradient) <= found.errors[name])
        assert np.all(found.errors[name] <= 1e-13 * scale)
        assert np.all(found.errors[name] > 0)


@pytest.mark.parametrize(("entries", "stepped"), [(64, True), (66, False)])
def test_what_cannot_be_carried_is_stepped_entry_by_entry_if_that_is_little(entries, stepped, monkeypatch):
    problem, point = regression(entries - 2)
    expected = answer(problem, point)

    def refused(*_):
        raise CannotTrace("not these arrays")

    monkeypatch.setattr("gradproof.oracles.complex_step.carried_forwards", refused)
    found = answer(problem, point)
    assert bool(found.gradients) == stepped
    assert [d.value for d in found.directions] == [d.value for d in expected.directions]
    if stepped:
        assert_the_same(found.gradients, expected.gradients, EPS)
        assert found.errors.keys() == found.gradients.keys()


@pytest.mark.parametrize(("room", "carried"), [(0.9, False), (1.1, True)])
def test_too_much_work_is_not_done(room, carried, monkeypatch):
    problem, point = regression(40)
    runs = []
    monkeypatch.setattr(forward, "Run", lambda *args: runs.append(Run(*args)) or runs[-1])
    carried_forwards(problem, point)
    monkeypatch.setattr(forward, "MOST_CARRIED", room * runs[0].carried)
    assert (carried_forwards(problem, point) is not None) == carried
    found = answer(problem, point)
    assert bool(found.gradients) == carried
    assert found.directions


def test_what_is_not_analytic_is_refused():
    for function in (np.sort, np.rint):
        with pytest.raises(CannotTrace, match=f"{function.__name__} in forward mode"):
            carried_forwards(problem_of(lambda p, d, f=function: np.sum(f(p["b"]))), point_of({"b": B}))
    with pytest.raises(CannotTrace, match="atleast_1d of several arrays"):
        carried_forwards(problem_of(lambda p, d: np.atleast_1d(p["b"], p["b"])[0].sum()), point_of({"b": B}))
