"""What each oracle computes and admits beyond the gradient itself: its directions, its room, its digits, its limits."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest

from gradproof import Problem, verify
from gradproof.bound import own_error, reference
from gradproof.errors import CannotTrace, InvalidProblem, NoPrecision, NotRun
from gradproof.fallback import assumed_reference
from gradproof.oracles import Direction, Estimate, all_oracles
from gradproof.oracles.autograd import as_tensor
from gradproof.oracles.base import evaluate
from gradproof.oracles.central_difference import richardson, runnable
from gradproof.oracles.complex_step import DIRECTIONS, STEP, ComplexStep, random_directions, step, total, unit
from gradproof.oracles.multiprecision import Multiprecision, context
from gradproof.sampling import Budget
from gradproof.soundness import Ground
from gradproof.tape.elementwise import UNARY
from gradproof.witnesses import Witnesses, largest_ratio, share
from tests.engine.programs import Long, point_of, problem_of

FIT = problem_of(lambda p, d: np.sum((d["X"] @ p["w"] - d["y"]) ** 2) + np.sum(np.exp(p["b"])))
RNG = np.random.default_rng(0)
POINT = point_of(
    {"w": RNG.normal(size=3), "b": RNG.normal(size=2)}, {"X": RNG.normal(size=(4, 3)), "y": RNG.normal(size=4)}
)
KNOWN = reference(FIT, POINT)
CUBE = problem_of(lambda p, d: p["x"] ** 3)


def estimate(name, problem=FIT, point=POINT, known=KNOWN):
    return all_oracles()[name].estimate(problem, point, known)


# Which there are ------------------------------------------------------------------------------------------------------


def test_oracles_come_in_the_order_of_the_table():
    names = ["derivation", "tape", "complex step", "central diff", "autograd", "torch module", "50 digits"]
    assert list(all_oracles()) == names
    assert [oracle.short for oracle in all_oracles().values()] == ["form", "tape", "cplx", "diff", "auto", "nn", "mp50"]


@pytest.mark.parametrize(
    ("name", "entries", "points"),
    [("derivation", 10**6, None), ("tape", 10**6, None), ("complex step", 10**6, None), ("autograd", 10**6, None),
     ("torch module", 10**6, None), ("central diff", 64, None), ("50 digits", 24, 8)],
)  # fmt: skip
def test_only_slow_oracles_are_spared(name, entries, points):
    oracle = all_oracles()[name]
    assert oracle.entries >= entries
    assert oracle.points == points


# Directions -----------------------------------------------------------------------------------------------------------


def test_directional_derivatives_are_the_gradient_times_the_direction():
    directions = estimate("complex step").directions
    assert len(directions) == DIRECTIONS
    for direction in directions:
        along = sum(np.sum(KNOWN.gradients[name] * vector) for name, vector in direction.vector.items())
        assert abs(along - direction.value) <= direction.error
        assert 0 < direction.error <= 1e-15 * abs(along) + 1e-15
    assert len({float(direction.value) for direction in directions}) == DIRECTIONS


def test_directions_are_the_points_own_and_the_same_in_every_run():
    first, again, other = (random_directions(POINT.params, seed) for seed in (1, 1, 2))
    for name in POINT.params:
        np.testing.assert_array_equal(first[0][name], again[0][name])
        assert np.all(first[0][name] != other[0][name])
        assert np.all(first[0][name] != first[1][name])
        assert first[0][name].shape == POINT.params[name].shape


def test_error_of_a_direction_adds_up_what_its_entries_may_be_off():
    vector = {"a": np.array([1.0, -2.0]), "b": np.array(3.0)}
    assert total(vector, {"a": np.array([0.5, 0.25]), "b": np.array(2.0)}) == 0.5 + 0.5 + 6


def test_a_step_is_imaginary_and_along_the_vector_alone():
    values = {"a": np.array([1.0, 2.0], complex), "b": np.array(3.0, complex)}
    stepped = step(values, {"a": unit((2,), 1)})
    assert stepped["a"].tolist() == [1, 2 + 1j * STEP]
    assert stepped["b"] == 3
    assert 0 < STEP < 1e-90
    assert float(STEP).hex().startswith("0x1.0000000000000p-")


@pytest.mark.parametrize("ufunc", UNARY, ids=lambda ufunc: ufunc.__name__)
@pytest.mark.parametrize("name", ["complex step", "50 digits"])
def test_an_oracle_knows_every_function_that_the_tape_knows(name, ufunc):
    problem, point = problem_of(lambda p, d: ufunc(p["x"])), point_of({"x": 0.375})
    known = reference(problem, point)
    answer = estimate(name, problem, point, known)
    assert abs(answer.gradients["x"] - known.gradients["x"]) <= 1e-17 * max(1, abs(known.gradients["x"]))


# Room -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tape", "complex step", "50 digits"])
def test_an_exact_oracle_admits_little_more_than_the_references_own_error(name):
    own = own_error(KNOWN, POINT.dtype)
    errors = estimate(name).errors
    for parameter, room in errors.items():
        assert np.all(room <= 10 * own[parameter])
        assert np.all(room > 0)


def test_what_a_complex_step_leaves_out_is_admitted_where_the_slope_is_zero():
    cube, point = problem_of(lambda p, d: p["x"] * p["x"] * p["x"]), point_of({"x": 0.0})
    answer = estimate("complex step", cube, point, reference(cube, point))
    for direction in answer.directions:
        assert 0 < abs(direction.value) <= direction.error < 1e-100
    assert answer.gradients["x"] == 0 < answer.errors["x"] < 1e-100


def test_without_a_reference_an_oracle_that_counts_nothing_admits_nothing():
    for error in estimate("complex step", known=None).errors.values():
        assert not error.any()


def test_differences_admit_a_little_and_know_it():
    answer = estimate("central diff")
    for name, gradient in answer.gradients.items():
        gap = np.abs(gradient - KNOWN.gradients[name])
        assert np.all(gap <= answer.errors[name])
        assert np.all(answer.errors[name] <= 1e-10 * np.maximum(1, np.abs(gradient)))


def test_a_tableau_removes_the_even_powers_of_the_step():
    """x**7 at 1 has error terms in h**2, h**4 and h**6, and no others."""
    slope, error = richardson(lambda h: (1 + h) ** 7, Long(1), (Long(0), Long(0)), Long(2.0**-4))
    assert abs(slope - 7) < 1e-16
    assert abs(slope - 7) <= error < 1e-5
    with_noise = richardson(lambda h: (1 + h) ** 7, Long(1), (Long(1e-12), Long(0)), Long(2.0**-4))[1]
    assert with_noise > error + 1e-12 / 2.0**-7


@pytest.mark.parametrize("share_of_step", [0.6, 0.3, 1 / 6, 0.1, 0.01])
def test_a_kink_among_the_steps_is_in_the_error(share_of_step):
    """The slope is 0 up to the kink, and 1 beyond it."""
    h = Long(2.0**-5)
    slope, error = richardson(lambda t: max(t - share_of_step * h, Long(0)), Long(0), (Long(0), Long(0)), h)
    assert 0 < abs(slope) <= error


@pytest.mark.parametrize("x", [1e5, 300.0, 0.25])
def test_differences_are_as_good_at_negative_values(x):
    found = [estimate("central diff", CUBE, point_of({"x": value}), None) for value in (x, -x)]
    assert found[0].gradients["x"] == found[1].gradients["x"] == pytest.approx(3 * x**2, rel=1e-12)
    assert found[0].errors["x"] == found[1].errors["x"]


def test_a_jump_within_the_smallest_step_has_no_slope():
    assert richardson(lambda h: Long(h > 1e-9), Long(0), (Long(0), Long(0)), Long(2.0**-4))[1] == np.inf


def test_the_assumed_bound_is_wide_and_says_so():
    untraceable = problem_of(lambda p, d: np.sum(np.sort(p["x"]) ** 2))
    point = point_of({"x": np.array([0.5, -1.5])})
    known = assumed_reference(untraceable, point)
    assert not known.computed
    np.testing.assert_allclose(known.gradients["x"], [1, -3], rtol=1e-9)
    assert np.all(known.bounds["x"] > 2.0**10 * np.finfo(float).eps / 2 * 3)
    assert np.all(known.bounds["x"] < 1e-9)
    assert known.loss_bound >= 2.0**10 * np.finfo(float).eps / 2 * known.loss
    np.testing.assert_array_equal(own_error(known, "float64")["x"], known.bounds["x"])


def test_nothing_is_said_where_no_oracle_can_run():
    def only_float64(p, d):
        return np.sum(np.sort(p["x"])) * np.linalg.solve(np.eye(1), np.ones(1))[0] / np.float64(0)

    with pytest.raises(NoPrecision, match=r"no oracle can run: complex step: .*autograd: .*central diff: "):
        assumed_reference(problem_of(only_float64), point_of({"x": np.ones(2)}))


def test_a_loss_that_divides_by_zero_on_its_way_is_run_in_full_precision():
    loss = problem_of(lambda p, d: np.sum(np.sort(p["x"])) + np.sum(np.where(d["z"] > 0, 1 / d["z"], 0)))
    _, values, unit_roundoff = runnable(loss, point_of({"x": np.ones(2)}, {"z": np.array([0.0, 2.0])}), None)
    assert values["x"].dtype == Long
    assert unit_roundoff == np.finfo(float).eps / 2


# Fifty digits ---------------------------------------------------------------------------------------------------------


def test_data_have_fifty_digits_too():
    problem, point = problem_of(lambda p, d: p["x"] * np.exp(d["y"])), point_of({"x": 1.0}, {"y": np.array(0.3)})
    answer = estimate("50 digits", problem, point, reference(problem, point))
    with mpmath.workdps(40):
        exact = Long(mpmath.nstr(mpmath.exp(mpmath.mpf(0.3)), 30))
    assert abs(answer.gradients["x"] - exact) <= 2 * np.finfo(Long).eps


@pytest.mark.parametrize(("size", "runs"), [(120, True), (121, False)])
def test_fifty_digits_are_asked_with_little_data_only(size, runs):
    problem = problem_of(lambda p, d: np.sum(p["x"] * d["y"]))
    point = point_of({"x": 1.0}, {"y": np.ones(size), "labels": np.arange(500)})
    if runs:
        assert estimate("50 digits", problem, point, None).gradients["x"] == size
    else:
        with pytest.raises(NotRun, match="more than 120 data entries"):
            estimate("50 digits", problem, point, None)


@pytest.mark.parametrize("parts", [list, tuple])
def test_several_arrays_of_fifty_digits_may_be_put_together(parts):
    third = Multiprecision(np.array([1])) / 3
    joined = np.concatenate(parts([third, np.array([2.0])])) + np.stack(parts([third, third]))[:, 0]
    assert [abs(value - exact) < context.mpf(10) ** -49 for value, exact in zip(
        joined.value, (context.mpf(2) / 3, context.mpf(7) / 3), strict=True
    )] == [True, True]  # fmt: skip


@pytest.mark.parametrize(("function", "numpys"), [(np.max, np.max), (np.min, np.min)])
@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 1), (2, 0), (0, 1, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_complex_steps_take_the_largest_by_its_real_part(function, numpys, axis, keepdims):
    value = np.random.default_rng(2).permutation(12).reshape(2, 3, 2).astype(float)
    found = function(ComplexStep(value + 1j * STEP * value**2), axis=axis, keepdims=keepdims).value
    expected = numpys(value, axis=axis, keepdims=keepdims)
    np.testing.assert_array_equal(found.real, expected)
    np.testing.assert_allclose(found.imag / STEP, expected**2, rtol=1e-15)


def test_a_function_that_fifty_digits_lack_is_refused_by_name():
    with pytest.raises(CannotTrace, match=r"np\.floor in multiprecision"):
        np.floor(Multiprecision(np.ones(2)))


def test_integers_in_fifty_digits_divide_exactly():
    third = (Multiprecision(np.array(1)) / 3).value.item()
    assert abs(third * 3 - 1) < context.mpf(10) ** -49
    assert context.dps == 50


def test_whatever_a_loss_raises_on_an_oracles_arrays_is_said():
    def failing(params):
        raise KeyError("odd")

    with pytest.raises(CannotTrace, match="the loss failed on odd arrays: KeyError: 'odd'"):
        evaluate(failing, {}, "odd arrays")
    with pytest.raises(NotRun, match="not here"):
        evaluate(lambda params: (_ for _ in ()).throw(NotRun("not here")), {}, "odd arrays")


# Torch ----------------------------------------------------------------------------------------------------------------


def test_autograd_gets_float64_and_integers_as_integers():
    torch = pytest.importorskip("torch")
    seen = {}

    def loss(params, data):
        seen.update({name: getattr(value, "dtype", type(value)) for name, value in {**params, **data}.items()})
        return (params["w"] * data["x"]).sum() * data["scale"] * data["wide"]

    data = {
        "x": np.ones(2),
        "scale": 2.0,
        "wide": np.float32(3),
        "labels": np.array([1, 2], np.int8),
        "name": "n",
        "k": 3,
    }
    data["mask"] = np.array([True])
    problem = replace(problem_of(lambda p, d: 6 * np.sum(p["w"])), autograd_loss=loss)
    answer = estimate("autograd", problem, point_of({"w": np.ones(2)}, data, dtype="float32"), None)
    np.testing.assert_array_equal(answer.gradients["w"], [6, 6])
    assert {name: seen[name] for name in ("w", "x", "scale", "wide")} == dict.fromkeys(
        ("w", "x", "scale", "wide"), torch.float64
    )
    assert (seen["labels"], seen["mask"], seen["name"], seen["k"]) == (torch.int64, torch.int64, str, int)


@pytest.mark.parametrize("value", [0.1, np.float64(0.3), np.float32(0.5), np.array(0.7)])
def test_a_number_becomes_a_tensor_that_keeps_its_digits(value):
    torch = pytest.importorskip("torch")
    tensor = as_tensor(torch, value)
    assert tensor.dtype == torch.float64
    assert tensor.item() == value


# Held against each other ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("difference", "room", "ratio"),
    [
        ([1.0, -3.0], [2.0, 1.0], 3.0),
        ([0.0], [0.0], 0.0),
        ([1.0], [0.0], np.inf),
        ([np.nan], [1.0], np.inf),
        ([], [], 0),
    ],
)
def test_the_largest_share_counts(difference, room, ratio):
    assert largest_ratio(np.array(difference), np.array(room)) == ratio


def test_a_share_is_of_both_errors_together_and_of_every_direction():
    gradients = {"a": np.array([1.0, -2.0]), "b": np.array(3.0)}
    bounds = {"a": np.array([0.25, 0.25]), "b": np.array(0.25)}
    answer = Estimate({"a": np.array([1.5, -2.0])}, {"a": np.array([0.25, 0.75])})
    assert share(gradients, answer, bounds) == 1.0
    vector = {"a": np.array([-1.0, 1.0]), "b": np.array(2.0)}  # along it the gradient is 3
    exact = Direction(vector, Long(3), Long(0))
    assert share(gradients, Estimate(directions=(exact,)), bounds) == 0
    off = replace(exact, value=Long(5), error=Long(1))
    assert share(gradients, Estimate(directions=(exact, off)), bounds) == pytest.approx(2 / (0.25 + 0.25 + 0.5 + 1))
    rounded = Direction(vector, Long(3) + 30 * np.finfo(Long).eps, Long(0))
    assert 0 < share(gradients, Estimate(directions=(rounded,)), dict.fromkeys(bounds, 0.0)) < 1
    assert share({"b": gradients["b"]}, Estimate(directions=(off,)), bounds) == 0


def test_an_oracle_is_asked_no_more_often_than_it_may_be():
    cube = replace(CUBE, draw=lambda sizes, rng: ({"x": rng.normal()}, {}))
    verdict = verify(cube, lambda p, d: {"x": 3 * p["x"] ** 2}, budget=Budget("each", 10, 1))
    assert verdict.oracles["50 digits"].points == 8
    assert verdict.oracles["50 digits"].not_run == {"asked at 8 points only": verdict.oracles["tape"].points - 8}


def test_directions_alone_are_no_gradient_to_agree_with(monkeypatch):
    monkeypatch.setattr("gradproof.oracles.forward.gradient.MOST_CARRIED", 0)  # too much work, whatever it is
    many = Problem(
        name="many",
        sizes={"n": (65, 70)},
        draw=lambda sizes, rng: ({"x": rng.normal(size=sizes["n"])}, {}),
        loss=lambda p, d: np.sum(p["x"] ** 2),
    )
    verdict = verify(many, lambda p, d: {"x": 2 * p["x"]}, budget=Budget("few", 2, 1))
    assert verdict.passed
    assert verdict.oracles["complex step"].points
    assert not any("complex step" in pair for pair in verdict.agreement)
    assert set(verdict.oracles["central diff"].not_run) == {"more than 64 parameter entries"}


def test_a_witness_that_was_not_asked_says_why():
    witnesses = Witnesses(FIT)
    large = point_of({"w": np.ones(100)})
    assert witnesses.ask(witnesses.oracles["central diff"], large, KNOWN) is None
    assert witnesses.seen["central diff"].not_run == {"more than 64 parameter entries": 1}
    assert witnesses.ask(witnesses.oracles["central diff"], POINT, KNOWN).gradients


# The ground -----------------------------------------------------------------------------------------------------------


def ground(loss, **fields):
    problem = Problem(
        **{
            "name": "ground",
            "sizes": {"n": (1, 3)},
            "draw": lambda s, rng: ({"a": rng.normal(size=s["n"]), "b": rng.normal(size=2)}, {}),
            "loss": loss,
            **fields,
        }
    )
    return Ground(problem)


def test_a_parameter_is_ignored_only_where_it_is_so_at_every_edge():
    ground(lambda p, d: np.sum(p["a"]) + (np.sum(p["b"]) if p["a"].size > 1 else 0)).probe()
    with pytest.raises(InvalidProblem, match="the loss ignores the parameter b"):
        ground(lambda p, d: np.sum(p["a"] ** 2)).probe()


def test_edges_outside_the_domain_or_without_a_statement_are_passed_over():
    ground(lambda p, d: np.sum(p["a"]) + np.sum(p["b"]), domain=lambda p, d: p["a"].size == 2).probe()
    with pytest.raises(InvalidProblem, match="the loss ignores the parameter b"):
        ground(lambda p, d: np.sum(p["a"]) if p["a"].size == 1 else np.abs(np.sum(0 * p["a"]))).probe()


@pytest.mark.parametrize("regime", ["ordinary", "parameters x 30"])
def test_a_loss_that_is_not_finite_is_the_problems_mistake_at_ordinary_values_only(regime):
    made = ground(lambda p, d: np.sum(p["a"]) / 0 + np.sum(p["b"]))
    point = replace(
        POINT, place=replace(POINT.place, regime=regime), params={"a": np.ones(1), "b": np.ones(2)}, data={}
    )
    with pytest.raises(InvalidProblem if regime == "ordinary" else NoPrecision, match="the loss is "):
        made.refer(point)


def test_no_statement_is_made_where_it_is_not_known_how_exact_a_slope_can_be():
    """z**1.5 is flat at 0, but where z = x + y is off by an underflow its slope is off by more than any number."""
    with pytest.raises(NoPrecision, match="the gradient, or how exact it can be, is not finite here"):
        reference(problem_of(lambda p, d: (p["x"] + p["y"]) ** 1.5), point_of({"x": 1.0, "y": -1.0}))
