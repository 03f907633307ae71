"""Each oracle is right within its own error estimate, and where they contradict each other nothing passes."""

from __future__ import annotations

import re
import sys
from dataclasses import replace

import mpmath
import numpy as np
import pytest

from gradproof import Problem, verify
from gradproof.bound import own_error, reference
from gradproof.errors import CannotTrace, NotRun
from gradproof.oracles import all_oracles
from gradproof.oracles.central_difference import Taylor, taylor
from gradproof.oracles.complex_step import ANALYTIC, NATIVE, ComplexStep
from gradproof.oracles.multiprecision import EXACT, Multiprecision, context, long_double
from tests.engine.programs import Long, point_of, problem_of

TINY = np.finfo(Long).tiny
EPS = np.finfo(Long).eps

# Losses of one 0-d parameter x, in mpmath as well: (NumPy, mpmath, the values of x) -----------------------------------
LOSSES = {
    "x**3": (lambda x: x**3, lambda x: x**3, [0.0, 1e-9, 0.7, -2.0, 1e5]),
    "tanh 300x": (lambda x: np.tanh(300 * x), lambda x: mpmath.tanh(300 * x), [0.0, 1e-4, -0.01, 0.03, 0.2, 3.0]),
    "exp 30x": (lambda x: np.exp(30 * x), lambda x: mpmath.exp(30 * x), [0.0, -1.0, 0.5, 2.0]),
    "sin 100x": (lambda x: np.sin(100 * x), lambda x: mpmath.sin(100 * x), [0.0, 0.3, -7.0]),
    "tiny x": (lambda x: np.sin(x) * np.exp(x), lambda x: mpmath.sin(x) * mpmath.exp(x), [1e-12, -1e-30, 1e-300]),
    "huge x": (lambda x: np.log(x) * np.sqrt(x), lambda x: mpmath.log(x) * mpmath.sqrt(x), [1e3, 1e8, 1e30]),
    "x**2.5": (lambda x: x**2.5, lambda x: x ** mpmath.mpf(2.5), [0.3, 1.0, 40.0]),
    "1/x": (lambda x: 1 / x, lambda x: 1 / x, [0.2, -3.0, 1e6]),
    "sqrt": (lambda x: np.sqrt(x), mpmath.sqrt, [0.2, 3.0, 1e6]),
    "log1p": (lambda x: np.log1p(x), mpmath.log1p, [1e-12, -0.5, 1e6]),
    "log1p cubed": (lambda x: np.log1p(x) ** 3, lambda x: mpmath.log1p(x) ** 3, [1e-8, 0.5]),
    "logaddexp": (
        lambda x: np.logaddexp(x, 2 * x - 1),
        lambda x: mpmath.log(mpmath.exp(x) + mpmath.exp(2 * x - 1)),
        [-90.0, 0.0, 1.0, 70.0],
    ),
    "where": (lambda x: np.where(x > 0.5, x**2, x - 0.25), lambda x: x**2 if x > 0.5 else x - 0.25, [0.1, 0.9, -3.0]),
    "abs": (lambda x: np.abs(x) ** 3 + np.abs(x), lambda x: abs(x) ** 3 + abs(x), [0.5, -0.5, -20.0]),
    "maximum": (lambda x: np.maximum(x, x**2), lambda x: max(x, x**2), [0.5, 1.5, -0.1]),
    "max": (lambda x: np.max(np.stack([x, 2 * x, 1 - x])), lambda x: max(x, 2 * x, 1 - x), [0.2, 0.6, -4.0]),
    "softmax, ties": (
        lambda x: (lambda z: np.log(np.sum(np.exp(z - np.max(z)))) + np.max(z))(np.stack([x, x, 2 * x])),
        lambda x: mpmath.log(2 * mpmath.exp(x) + mpmath.exp(2 * x)),
        [0.0, 0.5, -3.0],
    ),
    "saturated sigmoid plus a large term": (
        lambda x: 1e6 + 1 / (1 + np.exp(-x)),
        lambda x: 10**6 + 1 / (1 + mpmath.exp(-x)),
        [0.0, 40.0, 300.0],
    ),
}  # fmt: skip
PLACES = [(name, x) for name, (_, _, values) in LOSSES.items() for x in values]


def exactly(name, x):
    with mpmath.workdps(250):
        f, x, h = LOSSES[name][1], mpmath.mpf(x), mpmath.mpf(10) ** -20 * (abs(mpmath.mpf(x)) or 1)
        slope = (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h)
        return Long(mpmath.nstr(slope, 30))


def ask(name, problem, point):
    known = reference(problem, point)
    return all_oracles()[name].estimate(problem, point, known)


def claim(name, problem, point, param="x"):
    """(gradient, error) of an oracle; (0, infinity) where it does not run, which claims nothing."""
    try:
        answer = ask(name, problem, point)
    except NotRun:
        return Long(0), Long(np.inf)
    return answer.gradients[param], answer.errors[param]


def scalar_problem(name):
    return problem_of(lambda p, d: LOSSES[name][0](p["x"]))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("oracle", ["tape", "complex step", "central diff", "50 digits"])
@pytest.mark.parametrize(("name", "x"), PLACES)
def test_gradient_is_within_the_oracles_own_error(oracle, name, x, dtype):
    point = point_of({"x": x}, dtype=dtype)
    if not np.any(point.params["x"]) and x:
        point = point_of({"x": 1e-30}, dtype=dtype)
    x = float(point.params["x"])
    gradient, error = claim(oracle, scalar_problem(name), point)
    assert abs(gradient - exactly(name, x)) <= error + EPS * abs(exactly(name, x))
    assert np.isfinite(error)


FEWER_DIGITS = {"saturated sigmoid plus a large term", "exp 30x", "huge x", "x**3", "tanh 300x"}
"""A large loss is rounded by much, or a slope is near zero."""


@pytest.mark.parametrize(("name", "x"), [(n, x) for n, x in PLACES if n not in FEWER_DIGITS and abs(x) > 1e-3])
def test_differences_are_good_to_nine_digits_where_the_step_fits(name, x):
    """An error estimate that is always wide would be right and useless."""
    answer = ask("central diff", scalar_problem(name), point_of({"x": x}))
    assert answer.errors["x"] <= 1e-9 * abs(answer.gradients["x"])


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("distance", [10.0**-k for k in range(1, 13)])
@pytest.mark.parametrize("kink", ["relu", "leaky", "abs", "steep"])
def test_differences_beside_a_kink_know_how_wrong_they_are(kink, distance, side):
    f = {
        "relu": lambda x: np.maximum(x, 0) * 1.7 + np.sin(x),
        "leaky": lambda x: np.where(x > 0, x, 0.01 * x) + x**2,
        "abs": lambda x: np.abs(x) + np.exp(x),
        "steep": lambda x: 1e3 * np.maximum(x, 0) + np.cos(x),
    }[kink]
    slope = {
        "relu": lambda x: 1.7 * (x > 0) + np.cos(x),
        "leaky": lambda x: np.where(x > 0, 1, 0.01) + 2 * x,
        "abs": lambda x: np.sign(x) + np.exp(x),
        "steep": lambda x: 1e3 * (x > 0) - np.sin(x),
    }[kink]
    x = side * distance
    gradient, error = claim("central diff", problem_of(lambda p, d: f(p["x"])), point_of({"x": x}))
    exact = slope(Long(np.float64(x)))
    # the slope of the leaky one is a float64 0.01 in the loss as well
    assert abs(gradient - exact) <= error + 4 * EPS * abs(exact)
    assert np.isfinite(error) or distance < 1e-3


@pytest.mark.parametrize("width", [1e-2, 1e-4, 1e-6, 1e-9])
@pytest.mark.parametrize("x", [0.0, 0.5, 3.0, -20.0])
def test_differences_over_a_step_narrower_than_any_stencil_know_how_wrong_they_are(x, width):
    problem = problem_of(lambda p, d: np.tanh(p["x"] / d["width"]))
    point = point_of({"x": x * width}, {"width": width})
    known = reference(problem, point)
    gradient, error = claim("central diff", problem, point)
    assert abs(gradient - known.gradients["x"]) <= error + own_error(known, "float64")["x"]
    assert np.isfinite(error) or width < 1e-3


def test_many_entries_are_known_along_random_directions_too():
    problem = problem_of(lambda p, d: np.sum(np.sin(p["x"]) * np.arange(100)))
    point = point_of({"x": np.linspace(-3, 3, 100)})
    answer = ask("complex step", problem, point)
    assert len(answer.directions) == 4
    exact = np.cos(np.asarray(point.params["x"], Long)) * np.arange(100)
    for direction in answer.directions:
        assert abs(direction.value - np.sum(exact * direction.vector["x"])) <= direction.error
    assert np.all(np.abs(answer.gradients["x"] - exact) <= answer.errors["x"])


# Complex steps ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ufunc", sorted({*ANALYTIC, *NATIVE} - {np.matmul, np.sign}, key=lambda u: u.__name__))
@pytest.mark.parametrize("x", [1e-30, 1e-5, 0.3, 0.9, 1.5, 40.0])
def test_complex_ufunc_is_analytic(ufunc, x):
    """Value and slope along the real line, against NumPy's own real function and its differences."""
    for sign in (1, -1):
        others = [Long(0.7), Long(-0.4)][: ufunc.nin - 1]
        with np.errstate(all="ignore"):
            here = Long(sign) * Long(x)
            value, h = ufunc(here, *others), Long(2.0**-17) * Long(x)
            nearby = [ufunc(here + k * h, *others) for k in (1, -1, 2, -2)]
            result = ufunc(ComplexStep(here + 1j * Long(2.0**-332)), *others).value
        if not np.all(np.isfinite([value, *nearby])):
            continue
        slope = (8 * (nearby[0] - nearby[1]) - (nearby[2] - nearby[3])) / (12 * h)
        noise = EPS * 8 * np.max(np.abs(nearby)) / h
        assert abs(np.real(result) - value) <= 4 * EPS * abs(value)
        assert abs(np.imag(result) * Long(2.0**332) - slope) <= 1e-10 * abs(slope) + noise


NOT_ANALYTIC = {
    "np.cov": lambda x: np.cov(x, x[::-1])[0, 1],
    "np.correlate": lambda x: np.sum(np.correlate(x, x)),
    "np.nanvar": lambda x: np.nanvar(x),
    "np.linalg.det": lambda x: np.linalg.det(np.stack([x, x**2, x**3])),
    "np.rint": lambda x: np.sum(np.rint(x)),
    "np.real": lambda x: np.sum(np.real(x)),
    "np.sort": lambda x: np.sort(x)[0],
}


@pytest.mark.parametrize("name", NOT_ANALYTIC)
def test_function_that_is_not_analytic_is_refused_not_differentiated_wrongly(name):
    point = point_of({"x": np.array([0.3, 1.7, 2.9])})
    with pytest.raises(CannotTrace, match=name.replace(".", r"\.")):
        all_oracles()["complex step"].estimate(problem_of(lambda p, d: NOT_ANALYTIC[name](p["x"])), point, None)


MORE = {"cumsum": np.cumsum, "prod": np.prod, "kron": lambda x: np.kron(x, x), "cumprod": np.cumprod}


@pytest.mark.parametrize("function", MORE.values(), ids=MORE)
def test_complex_steps_follow_more_functions_than_the_tape(function):
    def loss(p, d):
        y = function(p["x"])
        return np.sum(y * np.cos(np.arange(y.size))) if y.ndim else y

    problem, point = problem_of(loss), point_of({"x": np.array([0.9, -0.3, 1.7])})
    with pytest.raises(CannotTrace):
        reference(problem, point)
    found = all_oracles()["complex step"].estimate(problem, point, None)
    witness = all_oracles()["central diff"].estimate(problem, point, None)
    assert np.all(np.abs(found.gradients["x"] - witness.gradients["x"]) <= witness.errors["x"])


# 50 digits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arranged",
    [
        lambda x: np.reshape(x, (3, 2)),
        lambda x: np.transpose(x, (1, 0)),
        lambda x: np.broadcast_to(x, (2, 2, 3)),
        lambda x: np.tensordot(x, x, axes=([0, 1], [0, 1])),
        lambda x: np.stack([x, 2 * x]),
    ],
)
def test_50_digits_take_shapes_and_axes_as_they_are(arranged):
    point = point_of({"x": [[0.5, -1.0, 2.0], [0.25, 1.5, -0.75]]})
    problem = problem_of(lambda p, d: np.sum(arranged(p["x"]) ** 2))
    known, answer = reference(problem, point), all_oracles()["50 digits"].estimate(problem, point, None)
    np.testing.assert_allclose(answer.gradients["x"], known.gradients["x"], rtol=1e-18)


IN_MPMATH = {
    np.arctan: mpmath.atan, np.arcsin: mpmath.asin, np.absolute: abs, np.fabs: abs, np.square: lambda x: x**2,
    np.reciprocal: lambda x: 1 / x, np.exp2: lambda x: mpmath.mpf(2) ** x, np.log2: lambda x: mpmath.log(x, 2),
    np.power: mpmath.power, np.float_power: mpmath.power, np.fmax: max, np.fmin: min, np.conjugate: lambda x: x,
    np.logaddexp: lambda x, y: mpmath.log(mpmath.exp(x) + mpmath.exp(y)),
}  # fmt: skip


@pytest.mark.parametrize(("number", "rounded"), [("1e5000", np.inf), ("-1e5000", -np.inf), ("1e-6000", 0)])
def test_a_number_beyond_long_double_is_infinite_or_zero_without_a_warning(number, rounded):
    assert long_double(context.mpf(number)) == rounded


@pytest.mark.parametrize("ufunc", EXACT, ids=lambda ufunc: ufunc.__name__)
@pytest.mark.parametrize("x", [1e-9, 0.1, 0.77])
def test_fifty_digit_function_has_forty_five_of_them(ufunc, x):
    operands = [x, 0.3][: ufunc.nin]
    result = ufunc(*(Multiprecision(value) for value in operands)).value.item()
    with mpmath.workdps(80):
        exact = IN_MPMATH.get(ufunc, getattr(mpmath, ufunc.__name__, None))(*(mpmath.mpf(v) for v in operands))
        assert abs(mpmath.mpf(result) - exact) <= mpmath.mpf(10) ** -45 * abs(exact)


@pytest.mark.parametrize("name", ["x**3", "tanh 300x", "exp 30x", "log1p cubed", "logaddexp", "sqrt"])
def test_fifty_digit_gradient_is_exact_to_long_double(name):
    for x in LOSSES[name][2]:
        answer = ask("50 digits", scalar_problem(name), point_of({"x": x}))
        assert answer.errors["x"] <= 1.01 * EPS * abs(answer.gradients["x"]) + 1e-20


def test_fifty_digits_stay_fifty_through_integers_and_selections():
    """Python's 1/3 in an object array is a float64."""

    def loss(p, d):
        picked = np.where(d["yes"], 1, p["x"]) / np.where(d["yes"], 3, p["x"])
        return np.sum(picked * p["x"]) + np.mean(p["x"]) / 3

    point = point_of({"x": np.array([0.3, 0.7])}, {"yes": np.array([True, False])})
    answer = all_oracles()["50 digits"].estimate(problem_of(loss), point, None)
    exact = np.array([Long(1) / 3, 1]) + Long(1) / 6
    assert np.all(np.abs(answer.gradients["x"] - exact) <= 2 * EPS)


# Autograd ---------------------------------------------------------------------------------------------------------


def squares(p, d):
    return (p["x"] ** 2).sum()


@pytest.mark.parametrize(
    ("autograd_loss", "message"),
    [
        (None, "has no autograd_loss"),
        (lambda p, d: 1.0, "returned float, not a 0-d tensor"),
        (lambda p, d: p["x"], "not a 0-d tensor"),
        (lambda p, d: p["x"].log().sum(), "not finite"),
        (lambda p, d: p["missing"], "raised KeyError"),
    ],
)
def test_autograd_that_did_not_run_says_why(autograd_loss, message):
    pytest.importorskip("torch")
    problem, point = problem_of(squares, autograd_loss=autograd_loss), point_of({"x": np.zeros(2)})
    with pytest.raises(NotRun, match=message):
        ask("autograd", problem, point)


def test_without_torch_autograd_is_not_run(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(NotRun, match="PyTorch is not installed"):
        ask("autograd", problem_of(squares, autograd_loss=squares), point_of({"x": np.ones(2)}))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_autograd_is_within_a_float64_programs_bound(dtype):
    torch = pytest.importorskip("torch")
    problem = problem_of(
        lambda p, d: np.mean(np.tanh(d["X"] @ p["x"]) * d["n"]),
        autograd_loss=lambda p, d: torch.mean(torch.tanh(d["X"] @ p["x"]) * d["n"]),
    )
    rng = np.random.default_rng(0)
    point = point_of({"x": rng.standard_normal(4)}, {"X": rng.standard_normal((9, 4)), "n": 3}, dtype=dtype)
    known = reference(problem, point)
    answer = all_oracles()["autograd"].estimate(problem, point, known)
    assert np.all(np.abs(answer.gradients["x"] - known.gradients["x"]) <= answer.errors["x"])
    assert np.all(answer.errors["x"] <= known.bounds_in("float64", dtype)["x"])


# The Taylor remainder ---------------------------------------------------------------------------------------------


def test_taylor_slope_is_two_for_the_gradient_and_one_for_another():
    problem = problem_of(lambda p, d: np.sum(np.exp(p["x"]) * np.arange(1, 5)))
    point = point_of({"x": np.array([0.3, -0.2, 0.9, 0.1])})
    right = np.exp(point.params["x"]) * np.arange(1, 5)
    assert taylor(problem, point, {"x": right}).slope == pytest.approx(2, abs=0.05)
    for wrong in (1.01 * right, right[::-1], right * [1, 1, 1, 0], -right):
        assert taylor(problem, point, {"x": wrong}).slope == pytest.approx(1, abs=0.2)


def test_taylor_slope_of_a_linear_loss_is_none():
    problem, point = problem_of(lambda p, d: np.sum(p["x"] * np.arange(4))), point_of({"x": np.ones(4)})
    assert taylor(problem, point, {"x": np.arange(4.0)}) == Taylor((), None)
    assert taylor(problem, point, {"x": np.arange(4.0) * 1.01}).slope == pytest.approx(1, abs=0.05)


# Where the tape cannot follow -------------------------------------------------------------------------------------


def with_draw(loss, **rest):
    return Problem(
        name="untraceable",
        sizes={"n": (3, 5)},
        draw=lambda sizes, rng: ({"x": rng.uniform(0.5, 2, sizes["n"])}, {"c": rng.standard_normal(sizes["n"])}),
        loss=loss,
        **rest,
    )


def through_buffer(p, d):
    buffer = np.zeros(p["x"].size)
    for k in range(p["x"].size):
        buffer[k] = p["x"][k] ** 2
    return np.sum(buffer)


def matrix(p):
    n, kind = p["x"].size, p["x"].dtype
    return np.diag(p["x"]) + np.eye(n, dtype=kind) + np.full((n, n), 0.25, kind)


def solve_gradient(p, d):
    A = matrix(p)
    y = np.linalg.solve(A, d["c"])
    left = np.linalg.solve(A.T, 2 * y)
    return {"x": -left * y}


UNTRACEABLE = {
    "np.linalg.solve": (
        lambda p, d: np.sum(np.linalg.solve(matrix(p), d["c"]) ** 2),
        solve_gradient,
        r"np\.linalg\.solve",
    ),
    "np.sort": (
        lambda p, d: np.sum(np.sort(p["x"]) * np.arange(p["x"].size)),
        lambda p, d: {"x": np.argsort(np.argsort(p["x"])).astype(p["x"].dtype)},
        r"np\.sort",
    ),
    "float()": (
        lambda p, d: float(np.sum(p["x"] ** 2)),
        lambda p, d: {"x": 2 * p["x"]},
        r"float\(\)",
    ),
    "buffer[k] =": (through_buffer, lambda p, d: {"x": 2 * p["x"]}, "float"),
}


@pytest.mark.parametrize("name", UNTRACEABLE)
def test_loss_that_cannot_be_traced_still_gets_a_verdict_and_it_says_so(name):
    loss, gradients, message = UNTRACEABLE[name]
    verdict = verify(with_draw(loss), gradients, budget="quick")
    assert verdict.passed, verdict
    if name != "buffer[k] =":  # NumPy's own ValueError covers the refusal
        assert re.search(message, verdict.assumed)
    assert "assumed, not computed" in str(verdict)
    wrong = verify(with_draw(loss), lambda p, d: {"x": gradients(p, d)["x"] * p["x"].dtype.type(1.001)}, budget="quick")
    assert wrong.status == "fail"
    assert "assumed, not computed" in str(wrong)


# Oracles that contradict each other -------------------------------------------------------------------------------


class Liar:
    """An oracle whose gradient is off by one part in ten thousand, and who says it is exact."""

    def __init__(self, oracle):
        self.oracle = oracle

    def __getattr__(self, name):
        return getattr(self.oracle, name)

    def estimate(self, problem, point, known):
        answer = self.oracle.estimate(problem, point, known)
        gradients = {name: g * (1 + Long(1e-4)) for name, g in answer.gradients.items()}
        return replace(answer, gradients=gradients, errors={name: 0 * g for name, g in gradients.items()})


def verdict_with_liars(monkeypatch, *names, oracles=None):
    truth = oracles or all_oracles()
    lying = {name: Liar(oracle) if name in names else oracle for name, oracle in truth.items()}
    monkeypatch.setattr("gradproof.witnesses.all_oracles", lambda: lying)
    problem = with_draw(lambda p, d: np.sum(np.tanh(p["x"]) * d["c"]))
    return verify(problem, lambda p, d: {"x": d["c"] * (1 - np.tanh(p["x"]) ** 2)}, budget="quick")


def test_oracle_that_the_referee_outvotes_is_named(monkeypatch):
    verdict = verdict_with_liars(monkeypatch, "complex step")
    assert verdict.outvoted
    assert all("complex step" in text and "50 digits sides with the tape" in text for text in verdict.outvoted)


def test_only_a_contradiction_that_nobody_settles_costs_a_point(monkeypatch):
    honest, outvoted, open_ = (
        verdict_with_liars(monkeypatch, *liars) for liars in ((), ("complex step",), ("complex step", "50 digits"))
    )
    assert (outvoted.points, outvoted.status) == (honest.points, "pass")
    assert open_.points < honest.points


@pytest.mark.parametrize("liars", [("50 digits",), ("complex step", "50 digits"), ("tape", "50 digits")])
def test_contradiction_that_nobody_settles_is_never_a_pass(monkeypatch, liars):
    verdict = verdict_with_liars(monkeypatch, *liars)
    assert verdict.status == "inconclusive"
    assert any(liars[-1] in text for text in verdict.disagreements)
    assert liars[-1] in str(verdict)


def test_contradiction_where_the_referee_cannot_run_is_never_a_pass(monkeypatch):
    class Absent(Liar):
        def estimate(self, problem, point, known):
            raise NotRun("no digits today")

    truth = all_oracles()
    verdict = verdict_with_liars(
        monkeypatch, "central diff", oracles={**truth, "50 digits": Absent(truth["50 digits"])}
    )
    assert verdict.status == "inconclusive"
    assert "no digits today" in verdict.disagreements[0]
