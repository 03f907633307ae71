"""Where along the steps a wrong gradient goes wrong: steps missing or counted twice, and wrong error signals."""

import functools

import numpy as np
import pytest
import sympy as sp

from gradproof import Problem
from gradproof.candidate import Candidate
from gradproof.diagnosis.probe import evidence, probes
from gradproof.diagnosis.steps.attribution import step_evidence, steps
from gradproof.diagnosis.steps.step_sums import step_sums
from gradproof.problem import Place, Point
from gradproof.symbolic import Equation, System, arrays, index, sizes, total
from tests.catalogue import FORMULAS, IMPLEMENTATIONS

LAYER, EACH, LAST, BATCH = "rnn-tanh", "rnn-tanh-each-squared", "rnn-tanh-last-squared", "weather-rnn-minibatch"
NETWORKS = (LAYER, EACH, LAST, BATCH)
RECURRENT = [key for key, formula in FORMULAS.items() if formula.system and step_sums(formula.system)]


def problem_of(key):
    return FORMULAS[key].problem(IMPLEMENTATIONS[key])


def attributed(key, code):
    """What is said about each parameter."""
    problem = problem_of(key)
    return {a.parameter: a.words for a in steps(step_evidence(problem, Candidate(problem, code)))}


# ---- backpropagation through time with places to go wrong in -------------------------------------------------------


def once(t, last):
    return 1


def unchanged(e, t, last):
    return e


def passed_back(p, x, seen, weight=once, signal=unchanged, carried=unchanged):
    """The gradients of a tanh network by W, U, b and h0, and its states.

    seen: seen(h) (T, n) is what reaches each state from the outputs. weight: how often step t counts. signal: what
    takes the place of the error signal in the contributions of step t; carried: where it is passed on to step t - 1.
    """
    last, h = len(x), [p.get("h0", np.zeros(len(p["W"])))]
    for x_t in x:
        h.append(np.tanh(p["W"] @ h[-1] + p["U"] @ x_t + p["b"]))
    h, back = np.array(h), 0
    g = {name: np.zeros_like(p[name]) for name in ("W", "U", "b")}
    for t in range(last, 0, -1):
        right = (seen(h)[t - 1] + back) * (1 - h[t] ** 2)
        e, times = signal(right, t, last), weight(t, last)
        g["W"] += times * np.outer(e, h[t - 1])
        g["U"] += times * np.outer(e, x[t - 1])
        g["b"] += times * e
        back = p["W"].T @ carried(right, t, last)
    return {**g, "h0": back}, h


def layer(weight=once, **places):
    def gradients(p, d, upstream):
        g, h = passed_back(p, d["x"], lambda h: upstream @ p["V"], weight, **places)
        times = np.array([weight(t, len(upstream)) for t in range(1, len(upstream) + 1)])[:, None]
        return {**g, "V": (times * upstream).T @ h[1:], "c": np.sum(times * upstream, axis=0)}

    return gradients


def squared(errors, **places):
    """errors: errors(outputs (T, m), y) is half the derivative of the loss by each output."""

    def gradients(p, x, y):
        def e(h):
            return 2 * errors(h[1:] @ p["V"].T + p["c"], y)

        g, h = passed_back(p, x, lambda h: e(h) @ p["V"], **places)
        return {"W": g["W"], "U": g["U"], "b": g["b"], "V": e(h).T @ h[1:], "c": e(h).sum(axis=0)}

    return gradients


def of_last(outputs, y):
    return np.concatenate([np.zeros_like(outputs[:-1]), outputs[-1:] - y])


def code(key, **places):
    """The network of a formula, with what is wrong with it."""
    if key == LAYER:
        return layer(**places)
    if key == BATCH:
        one = squared(of_last, **places)

        def of_windows(p, d):
            windows = [one(p, x, y) for x, y in zip(d["x"], d["y"], strict=True)]
            return {name: sum(g[name] for g in windows) for name in p}

        return of_windows
    one = squared(of_last if key == LAST else np.subtract, **places)
    return lambda p, d: one(p, d["x"], d["y"])


# ---- the formulas taken apart --------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", RECURRENT)
def test_the_contributions_of_all_steps_add_up_to_the_gradient(key):
    sums = step_sums(FORMULAS[key].system)
    for point, known in probes(problem_of(key)):
        parts = sums.at(point)
        for name in sums.sums:
            summed = parts[f"contribution_{name}"].sum(axis=0)
            assert np.all(np.abs(summed - known.gradients[name]) <= known.bounds[name])


def test_of_a_batch_each_window_has_factors_of_its_own():
    sums = step_sums(FORMULAS[BATCH].system)
    point, _ = probes(problem_of(BATCH))[0]
    size = dict(point.place.sizes)
    assert sums.at(point)["contribution_W"].shape == (size["T"], size["n"], size["n"])
    assert sums.at(point)["factor_W"].shape == (size["T"], size["B"], size["n"])


def test_a_gradient_that_is_no_sum_over_steps_is_not_taken_apart():
    """h0 has one term, and V of a loss at the last step."""
    assert "h0" not in step_sums(FORMULAS[LAYER].system).sums
    assert "V" not in step_sums(FORMULAS[LAST].system).sums
    assert step_sums(FORMULAS["multiple-linear-regression"].system) is None


def test_what_is_known_of_a_product_is_what_the_forward_pass_computes():
    """V's gradient has two factors that could be one: the state, and the derivative by the output."""
    factors = {name: str(one.factor) for name, one in step_sums(FORMULAS[LAYER].system).sums.items()}
    assert factors == {"W": "h[t - 1, q]", "U": "x[t, u]", "V": "h[t, q]", "b": "None", "c": "None"}


def mean_over_steps(first):
    """A recursion h[t] = h[t-1] + x[t] from a first step on, and the mean of w h[t] over the steps by w."""
    (T,), (x, h) = sizes("T"), arrays("x h")
    t = index("t", lower=first, upper=T)
    start = Equation(h[first - 1], sp.S.Zero)
    recursion = Equation(h[t], h[t - 1] + x[t], along=t)
    gradient = Equation(sp.Symbol("dw", real=True), total(h[t], t) / T)
    inputs = {"x": (x, ((first, T),))}
    return System((start, recursion, gradient), inputs, {"w": gradient.target}, {h: ((first - 1, T),)})


def test_a_constant_before_the_sum_is_part_of_each_contribution():
    sums = step_sums(functools.partial(mean_over_steps, 1))
    point = Point(Place.of({"T": 4}), {}, {"x": np.array([3.0, 1.0, 4.0, 1.0])})
    assert sums.at(point)["contribution_w"].tolist() == [0.75, 1.0, 2.0, 2.25]


def test_steps_are_those_that_are_counted_from_1():
    assert step_sums(functools.partial(mean_over_steps, 2)) is None


# ---- steps that are missing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", NETWORKS)
def test_nothing_is_said_of_right_gradients(key):
    assert attributed(key, code(key)) == {}


@pytest.mark.parametrize("key", NETWORKS)
@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (lambda t, last: t != last, "the contribution of step T is missing"),
        (lambda t, last: t == last, "the contributions of all steps but T are missing"),
        (lambda t, last: t != last - 1, "the contribution of step T - 1 is missing"),
        (lambda t, last: t >= last - 1, "the contributions of all steps but the last two are missing"),
        (lambda t, last: 1 + (t == last), "the contribution of step T is counted twice"),
        (lambda t, last: 1 + (t < last), "the contributions of all steps but T are counted twice"),
    ],
)
def test_a_step_that_is_missing_or_counted_twice_is_named(key, weight, words):
    found = attributed(key, code(key, weight=weight))
    if key == LAYER:
        assert found == dict.fromkeys(("W", "U", "b", "V", "c"), words)
    else:
        assert {name: found.get(name) for name in "WUb"} == dict.fromkeys("WUb", words)


@pytest.mark.parametrize("key", NETWORKS)
def test_the_first_step_is_missing_where_it_contributes_something(key):
    """h[0] is zero unless it is a parameter: then the first step adds nothing to the gradient of W."""
    found = attributed(key, code(key, weight=lambda t, last: t != 1))
    assert found["U"] == found["b"] == "the contribution of step 1 is missing"
    assert ("W" in found) == (key == LAYER)


# ---- wrong error signals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", NETWORKS)
@pytest.mark.parametrize(
    ("signal", "words"),
    [
        (lambda e, t, last: np.sin(e) + 1 if t == last else e, "wrong at step T, right at all others"),
        (lambda e, t, last: -e if t < last else e, "wrong at all steps but T, right at step T"),
        (lambda e, t, last: e**2 + 1, "wrong at every step"),
    ],
)
def test_the_steps_of_a_wrong_error_signal_are_named(key, signal, words):
    found = attributed(key, code(key, signal=signal))
    assert found["W"] == f"the error signal, what h[t - 1] is multiplied with, is {words}"
    assert found["U"] == f"the error signal, what x[t] is multiplied with, is {words}"


def test_a_wrong_error_signal_of_the_first_steps_is_named():
    at_first = attributed(LAYER, code(LAYER, signal=lambda e, t, last: e + 1 if t == 1 else e))
    assert at_first["W"].endswith("is wrong at step 1, right at all others")
    but_first = attributed(LAYER, code(LAYER, signal=lambda e, t, last: e + 1 if t > 1 else e))
    assert but_first["W"].endswith("is wrong at all steps but 1, right at step 1")


@pytest.mark.parametrize("key", NETWORKS)
def test_what_is_not_passed_back_is_lacking_at_every_step_but_the_last(key):
    """Without a recursion each step has the error of its own output alone."""
    found = attributed(key, code(key, carried=lambda e, t, last: 0 * e))
    assert "V" not in found
    if key in (LAYER, EACH):
        assert found["W"].endswith("is wrong at all steps but T, right at step T")
    else:
        assert found["W"] == "the contributions of all steps but T are missing"


# ---- where nothing is to be said -----------------------------------------------------------------------------------


@pytest.mark.parametrize("key", NETWORKS)
@pytest.mark.parametrize("seed", range(3))
def test_an_error_of_another_form_is_not_attributed(key, seed):
    rng = np.random.default_rng(seed)

    def disturbed(*args):
        return {name: g + 0.01 * rng.normal(size=g.shape) for name, g in code(key)(*args).items()}

    assert "W" not in attributed(key, disturbed)
    assert "b" not in attributed(key, disturbed)


def test_a_multiple_of_the_gradient_is_not_the_matter_of_any_step():
    for factor in (2, 0, -0.5):
        assert attributed(EACH, lambda p, d, f=factor: {n: f * g for n, g in code(EACH)(p, d).items()}) == {}


def test_an_error_signal_is_not_solved_for_where_there_are_more_steps_than_units():
    """At the points of the general diagnosis: enough for what is missing, not for what is wrong with a signal."""
    problem = problem_of(LAYER)
    wrong = Candidate(problem, code(LAYER, signal=lambda e, t, last: e + 1 if t < last else e))
    found = [(e, dict(e.point.place.sizes)) for e in evidence(problem, wrong)]
    many_steps = [e for e, size in found if size["T"] > size["n"]]
    assert len(many_steps) > 1
    assert "W" not in {a.parameter for a in steps(many_steps)}


def test_misshapen_and_missing_gradients_are_left_out():
    def transposed(p, d):
        g = code(EACH, weight=lambda t, last: t != last)(p, d)
        return {"W": g["W"], "U": g["U"].T, "b": g["b"] * np.nan}

    assert set(attributed(EACH, transposed)) == {"W"}


def test_code_that_raises_is_not_asked_further():
    assert attributed(EACH, lambda p, d: p["no such parameter"]) == {}


def test_a_problem_without_a_derivation_has_no_steps():
    problem = Problem(
        name="no derivation",
        loss=lambda p, d: np.sum(p["w"] ** 2),
        sizes={"n": (1, 5)},
        draw=lambda s, rng: ({"w": rng.normal(size=s["n"])}, {}),
    )
    wrong = Candidate(problem, lambda p, d: {"w": p["w"]})
    assert steps(evidence(problem, wrong)) == step_evidence(problem, wrong) == []
