"""No correct program is beyond the bound, in whatever formulation; a small relative error in one entry is."""

from __future__ import annotations

import sys

import mpmath
import numpy as np
import pytest

from gradproof.bound import own_error, reference, unit
from gradproof.errors import NoPrecision
from gradproof.problem import Place, Problem
from gradproof.sampling import draw_point
from tests.engine.programs import Long, Program, point_of, problem_of

DTYPES = ("float64", "float32")
SCALES = {"ordinary": 1, "saturated x 30": 30, "saturated x 300": 300, "tiny": 1e-6}
POINTS = 40
"""Random points a program, dtype and regime."""

TINY = np.finfo(Long).tiny

# Losses, each with gradients in several correct formulations. Programs compute in the dtype of the point. -------------


def sigmoid_steps(z):
    a = -z
    b = np.exp(a)
    c = 1 + b
    return 1 / c


def by_steps(z):
    """Derivative of the sigmoid through the steps a = -z, b = exp(a), c = 1 + b, s = 1/c."""
    b = np.exp(-z)
    c = 1 + b
    ds_dc = -1 / c**2
    return ds_dc * b * -1


def logistic_loss(p, d):
    return np.sum(1 / (1 + np.exp(-(d["X"] @ p["w"] + p["b"]))) * d["y"])


def logistic(derivative):
    def gradients(p, d):
        delta = d["y"] * derivative(d["X"] @ p["w"] + p["b"])
        return {"w": d["X"].T @ delta, "b": np.sum(delta)}

    return gradients


def logistic_loop(p, d):
    w, b = np.zeros_like(p["w"]), p["b"] * 0
    for x, y in zip(d["X"][::-1], d["y"][::-1], strict=True):
        s = sigmoid_steps(sum(x[k] * p["w"][k] for k in reversed(range(x.size))) + p["b"])
        delta = y * (s * (1 - s))
        w = w + delta * x
        b = b + delta
    return {"w": w, "b": b}


def stable_sigmoid(z):
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + small), small / (1 + small))


def stable_logistic_loss(p, d):
    return np.sum(stable_sigmoid(d["X"] @ p["w"] + p["b"]) * d["y"])


def tanh_form_loss(p, d):
    return np.sum((1 + np.tanh((d["X"] @ p["w"] + p["b"]) / 2)) / 2 * d["y"])


def half_sech2(z):
    return (1 - np.tanh(z / 2) ** 2) / 4


def s_from_tanh(z):
    s = (1 + np.tanh(z / 2)) / 2
    return s * (1 - s)


def cross_entropy_loss(p, d):
    """Binary, on logits, stable."""
    z = d["X"] @ p["w"] + p["b"]
    return np.mean(np.logaddexp(0, z) - d["t"] * z)


def cross_entropy(sigmoid):
    def gradients(p, d):
        delta = (sigmoid(d["X"] @ p["w"] + p["b"]) - d["t"]) / d["t"].size
        return {"w": delta @ d["X"], "b": delta.sum()}

    return gradients


def softmax_loss(p, d):
    z = d["X"] @ p["W"] + p["c"]
    z = z - np.max(z, axis=1, keepdims=True)
    return -np.mean(np.sum(d["Y"] * (z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))), axis=1))


def softmax(probabilities):
    def gradients(p, d):
        delta = (probabilities(d["X"] @ p["W"] + p["c"]) - d["Y"]) / d["Y"].shape[0]
        return {"W": d["X"].T @ delta, "c": delta.sum(0)}

    return gradients


def shifted(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def through_log(z):
    z = z - z.max(1, keepdims=True)
    return np.exp(z - np.log(np.sum(np.exp(z), axis=1, keepdims=True)))


def mse_loss(p, d):
    return np.mean((d["X"] @ p["w"] + p["b"] - d["y"]) ** 2)


def mse_matmul(p, d):
    r = d["X"] @ p["w"] + p["b"] - d["y"]
    return {"w": d["X"].T @ r * 2 / r.size, "b": r.mean() * 2}


def mse_loops(p, d):
    w, b = np.zeros_like(p["w"]), p["b"] * 0
    for x, y in zip(d["X"], d["y"], strict=True):
        r = p["b"] - y
        for k in range(x.size):
            r = r + x[k] * p["w"][k]
        w = w + 2 * r * x / d["y"].size
        b = b + 2 * r / d["y"].size
    return {"w": w, "b": b}


def mse_expanded(p, d):
    """From the normal equations, sums from the back: X'X w + X'1 b - X'y."""
    X, y = d["X"][::-1], d["y"][::-1]
    n = y.dtype.type(y.size)
    return {"w": 2 / n * (X.T @ X @ p["w"] + X.sum(0) * p["b"] - X.T @ y), "b": 2 * (X @ p["w"] - y + p["b"]).sum() / n}


def rnn_loss(p, d):
    h = np.zeros(p["W"].shape[0])
    for x in d["X"]:
        h = np.tanh(p["W"] @ h + p["U"] @ x)
    return np.sum(h * d["v"])


def rnn(total):
    def gradients(p, d):
        states = [np.zeros(p["W"].shape[0], p["W"].dtype)]
        for x in d["X"]:
            states.append(np.tanh(p["W"] @ states[-1] + p["U"] @ x))
        delta, dW, dU = d["v"], [], []
        for t in reversed(range(len(d["X"]))):
            a = delta * (1 - states[t + 1] ** 2)
            dW.append(np.outer(a, states[t]))
            dU.append(np.outer(a, d["X"][t]))
            delta = p["W"].T @ a
        return {"W": total(dW), "U": total(dU)}

    return gradients


def draw(rng, loss):
    m, n, k = 7, 3, 4
    X = rng.standard_normal((m, n))
    if loss is rnn_loss:
        return {"W": rng.standard_normal((k, k)) / 2, "U": rng.standard_normal((k, n)) / 2}, {
            "X": X,
            "v": rng.standard_normal(k),
        }
    if loss is softmax_loss:
        Y = np.eye(k)[rng.integers(k, size=m)]
        return {"W": rng.standard_normal((n, k)), "c": rng.standard_normal(k)}, {"X": X, "Y": Y}
    data = {"X": X, "y": rng.standard_normal(m), "t": rng.integers(2, size=m).astype(float)}
    return {"w": rng.standard_normal(n), "b": rng.standard_normal()}, data


PROGRAMS = {
    "sigmoid: s (1 - s)": (logistic_loss, logistic(lambda z: sigmoid_steps(z) * (1 - sigmoid_steps(z)))),
    "sigmoid: s - s**2": (logistic_loss, logistic(lambda z: sigmoid_steps(z) - sigmoid_steps(z) ** 2)),
    "sigmoid: steps a, b, c, s": (logistic_loss, logistic(by_steps)),
    "sigmoid: exp(-z) s**2": (logistic_loss, logistic(lambda z: np.exp(-z) * sigmoid_steps(z) ** 2)),
    "sigmoid: s(z) s(-z)": (logistic_loss, logistic(lambda z: sigmoid_steps(z) * sigmoid_steps(-z))),
    "sigmoid: loop over examples from the back": (logistic_loss, logistic_loop),
    "stable sigmoid: s (1 - s)": (
        stable_logistic_loss,
        logistic(lambda z: stable_sigmoid(z) * (1 - stable_sigmoid(z))),
    ),
    "stable sigmoid: 1/(1 + exp(-z))": (
        stable_logistic_loss,
        logistic(lambda z: sigmoid_steps(z) * (1 - sigmoid_steps(z))),
    ),
    "tanh form: its square": (tanh_form_loss, logistic(half_sech2)),
    "tanh form: s (1 - s)": (tanh_form_loss, logistic(s_from_tanh)),
    "cross-entropy: 1/(1 + exp(-z))": (cross_entropy_loss, cross_entropy(sigmoid_steps)),
    "cross-entropy: stable sigmoid": (cross_entropy_loss, cross_entropy(stable_sigmoid)),
    "cross-entropy: tanh": (cross_entropy_loss, cross_entropy(lambda z: (1 + np.tanh(z / 2)) / 2)),
    "softmax: shifted": (softmax_loss, softmax(shifted)),
    "softmax: through the log": (softmax_loss, softmax(through_log)),
    "mse: matmul": (mse_loss, mse_matmul),
    "mse: loops": (mse_loss, mse_loops),
    "mse: normal equations": (mse_loss, mse_expanded),
    "rnn: sum from the last step": (rnn_loss, rnn(sum)),
    "rnn: sum from the first step": (rnn_loss, rnn(lambda parts: sum(parts[::-1]))),
    "rnn: sum of a stack": (rnn_loss, rnn(lambda parts: np.stack(parts).sum(0))),
}
WELL_CONDITIONED = ["sigmoid: s (1 - s)", "cross-entropy: stable sigmoid", "softmax: shifted", "mse: matmul"]

every_program = pytest.mark.parametrize("name", PROGRAMS)
in_both_dtypes = pytest.mark.parametrize("dtype", DTYPES)


def points(name, dtype, scale, count=POINTS):
    """(reference, point, the program's gradients) at random points; where the loss overflows, none."""
    loss, gradients = PROGRAMS[name]
    for seed in range(count):
        params, data = draw(np.random.default_rng(seed), loss)
        point = point_of({key: value * scale for key, value in params.items()}, data, dtype)
        with np.errstate(all="ignore"):
            try:
                known = reference(problem_of(loss), point)
            except NoPrecision:
                continue
            claims = gradients(point.params, point.data)
        assert all(np.asarray(claim).dtype == dtype for claim in claims.values())
        yield known, point, claims


def share(known, claims):
    """Largest error of a program as a share of the bound."""
    worst = 0.0
    for key, claim in claims.items():
        error = np.abs(np.asarray(claim, Long) - known.gradients[key])
        worst = max(worst, float(np.max(error / np.maximum(known.bounds[key], TINY))))
    return worst


@pytest.mark.parametrize("scale", SCALES)
@in_both_dtypes
@every_program
def test_correct_program_is_never_beyond_the_bound(name, dtype, scale):
    shares = [share(known, claims) for known, _, claims in points(name, dtype, SCALES[scale])]
    # exp(-z) overflows at x 300 in many points, more of them in float32; elsewhere every point must be judged
    assert len(shares) >= (0 if SCALES[scale] == 300 else 0.9 * POINTS if scale != "saturated x 30" else 0.2 * POINTS)
    assert max(shares, default=0) <= 1


@in_both_dtypes
@every_program
def test_bound_is_reached_to_a_thousandth(name, dtype):
    """The bound is not so wide that it says nothing: some correct program's own rounding is a good part of it."""
    assert max(share(known, claims) for known, _, claims in points(name, dtype, 1)) > 1e-3


@in_both_dtypes
@pytest.mark.parametrize("name", WELL_CONDITIONED)
def test_bound_is_narrow_where_the_problem_is_well_conditioned(name, dtype):
    for known, _, _ in points(name, dtype, 1):
        largest = max(np.max(np.abs(gradient)) for gradient in known.gradients.values())
        assert max(np.max(bound) for bound in known.bounds.values()) <= 1e3 * unit(dtype) * largest


@pytest.mark.parametrize(("dtype", "relative"), [("float64", 1e-7), ("float32", 1e-3)])
@every_program
def test_small_relative_error_in_the_largest_entry_is_beyond_the_bound(name, dtype, relative):
    for known, _, claims in points(name, dtype, 1, count=20):
        for key, claim in claims.items():
            wrong = np.array(claim)
            largest = np.argmax(np.abs(wrong))
            wrong.flat[largest] *= 1 + relative
            assert share(known, {key: wrong}) > 1


@in_both_dtypes
@pytest.mark.parametrize("x", [1e-6, 0.5, 1.0, 1e3, 1e6])
def test_rounding_a_constant_exponent_is_within_the_bound(x, dtype):
    """x**2.3 in float32 is x**2.2999999523, which matters where x is far from 1."""
    p = point_of({"x": x}, dtype=dtype)
    known = reference(problem_of(lambda p, d: p["x"] ** 2.3 + p["x"] ** 0.7), p)
    x = p.params["x"]
    assert share(known, {"x": 2.3 * x**1.3 + 0.7 * x**-0.3}) <= 1


@in_both_dtypes
def test_order_of_adding_up_terms_that_cancel_is_within_the_bound(dtype):
    c = np.array([1e4, -3e4, 1.0, 7e4, -5e4, 0.3, 1e-3])

    def loss(p, d):
        return sum(np.sin(c[k] * p["x"]) for k in range(c.size))

    for seed in range(POINTS):
        p = point_of({"x": np.random.default_rng(seed).uniform(0.1, 2) * 1e-4}, dtype=dtype)
        known, x, kind = reference(problem_of(loss), p), p.params["x"], np.dtype(dtype).type
        for order in (range(c.size), range(c.size)[::-1], np.argsort(c), np.argsort(np.abs(c))):
            total = kind(0)
            for k in order:
                total = total + np.cos(kind(c[k]) * x) * kind(c[k])
            assert share(known, {"x": total}) <= 1


SIGMOIDS = {
    "1/(1 + exp(-z))": sigmoid_steps,
    "two branches": stable_sigmoid,
    "exp(-log(1 + exp(-z)))": lambda z: np.exp(-np.log1p(np.exp(-z))),
    "tanh": lambda z: (1 + np.tanh(z / 2)) / 2,
}


@in_both_dtypes
@pytest.mark.parametrize("derivative", [lambda s: s * (1 - s), lambda s: s - s**2], ids=["s (1 - s)", "s - s**2"])
@pytest.mark.parametrize("program", SIGMOIDS)
@pytest.mark.parametrize("loss", SIGMOIDS)
def test_sigmoids_derivative_from_its_value_is_within_the_bound_where_it_saturates(loss, program, derivative, dtype):
    """1 - s keeps no digit there, and every course teaches s (1 - s)."""
    p = point_of({"w": np.linspace(0, 60, 4001)}, dtype=dtype)
    known = reference(problem_of(lambda p, d: np.sum(SIGMOIDS[loss](p["w"]))), p)
    assert share(known, {"w": derivative(SIGMOIDS[program](p.params["w"]))}) <= 1


def test_bound_of_the_loss_holds():
    for name in PROGRAMS:
        for known, point, _ in points(name, "float32", 1, count=20):
            loss = PROGRAMS[name][0](point.params, point.data)
            assert abs(Long(loss) - known.loss) <= known.loss_bound


@in_both_dtypes
def test_bound_of_another_dtype_is_in_proportion(dtype):
    known, point, _ = next(points("mse: matmul", dtype, 1))
    wide = known.bounds_in("float32", point.dtype)
    narrow = known.bounds_in("float64", point.dtype)
    np.testing.assert_allclose(wide["w"] / narrow["w"], 2.0**29, rtol=1e-3)


# The tape's own precision -----------------------------------------------------------------------------------------


@pytest.fixture
def no_wider_than_float64(monkeypatch):
    """As on platforms whose long double is float64: every module's working precision, and its constants."""
    for name, module in list(sys.modules.items()):
        if name.startswith("gradproof."):
            for key, value in vars(module).items():
                if key == "Working":
                    monkeypatch.setattr(module, key, np.float64)
                elif isinstance(value, np.longdouble):
                    monkeypatch.setattr(module, key, np.float64(value))


def test_allowance_is_the_programs_roundings_and_little_more():
    known, point, _ = next(points("mse: matmul", "float64", 1))
    ratio = np.max(own_error(known, point.dtype)["w"] / known.bounds["w"])
    assert ratio == pytest.approx(2.0**-11 / (1 + 2.0**-11), rel=1e-6)


@pytest.mark.usefixtures("no_wider_than_float64")
def test_allowance_doubles_where_the_working_precision_is_float64(monkeypatch):
    params, data = draw(np.random.default_rng(0), mse_loss)
    point = point_of(params, data)
    narrow = reference(problem_of(mse_loss), point)
    assert {value.dtype for value in narrow.gradients.values()} == {np.dtype(np.float64)}
    np.testing.assert_allclose(own_error(narrow, point.dtype)["w"], narrow.bounds["w"] / 2, rtol=1e-12)
    monkeypatch.undo()
    wide = reference(problem_of(mse_loss), point)
    np.testing.assert_allclose(narrow.bounds["w"], 2 * wide.bounds["w"], rtol=1e-3)


@pytest.mark.usefixtures("no_wider_than_float64")
@pytest.mark.parametrize("scale", SCALES)
@every_program
def test_correct_float64_program_passes_where_the_tape_has_float64_only(name, scale):
    assert (
        max((share(known, claims) for known, _, claims in points(name, "float64", SCALES[scale], 20)), default=0) <= 1
    )


@pytest.mark.usefixtures("no_wider_than_float64")
def test_random_programs_on_a_float64_tape_stay_within_their_own_error(monkeypatch):
    narrow = {}
    for seed in range(60):
        program = Program.random(seed)
        point = point_of(program.draw(seed))
        try:
            narrow[seed] = program, point, reference(problem_of(program.loss), point)
        except NoPrecision:
            continue
    monkeypatch.undo()
    assert len(narrow) > 40
    for program, point, known in narrow.values():
        wide = reference(problem_of(program.loss), point)
        for key, own in known.bounds.items():
            assert np.all(np.abs(known.gradients[key] - wide.gradients[key]) <= own / 2 + wide.bounds[key])


# Kinks that hide each other -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "loss",
    [
        lambda p, d: np.maximum(p["x"], 0) + np.maximum(-p["x"], 0),
        lambda p, d: np.where(p["x"] > 0, 1 + p["x"], p["x"]),
    ],
    ids=["|x| in two halves", "a step"],
)
def test_a_kink_is_found_though_its_sides_look_alike(loss):
    problem = Problem(name="kink", loss=loss, sizes={}, draw=lambda sizes, rng: ({"x": 0.0}, {}))
    with pytest.raises(NoPrecision, match="kink"):
        reference(problem, draw_point(problem, Place(())))


@pytest.mark.parametrize("z", [0.5, 5.0, 20.0, 37.4, 44.0, 80.0, -37.4])
def test_what_a_larger_operand_hides_is_not_lost_from_the_reference(z):
    """d/dz (ln(1 + e^z) - z) = -1/(1 + e^z): the share of the smaller operand, below the rounding of the value."""
    problem = Problem(
        name="softplus",
        loss=lambda p, d: np.logaddexp(0, p["z"]) - p["z"],
        sizes={},
        draw=lambda s, rng: ({"z": z}, {}),
    )
    point = draw_point(problem, Place.of({}))
    known = reference(problem, point)
    with mpmath.workdps(50):
        exact = -1 / (1 + mpmath.exp(mpmath.mpf(z)))
        off = abs(mpmath.mpf(str(np.format_float_scientific(known.gradients["z"], unique=True))) - exact)
        assert off <= mpmath.mpf(float(own_error(known, point.dtype)["z"]))
