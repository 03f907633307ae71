"""What is observed of code at one point, and held against the reference: each rule where it holds, and where not."""

from dataclasses import replace

import numpy as np
import pytest

from gradproof import Problem, verify
from gradproof.bound import Reference, reference
from gradproof.candidate import Candidate, Crashed, as_loss
from gradproof.compare import MAPPED, SHARP, compare, sharp, unmoved
from gradproof.conduct import (
    Claim,
    aliases,
    arrays_of,
    changed,
    differing,
    is_multiple,
    observe,
    overwrite,
    plain_arrays,
    same_bits,
    snapshot,
    well_formed,
)
from gradproof.problem import Place, Point
from tests.engine.programs import point_of, problem_of

PLACE = Place(())


def point(params, data=None, upstream=None):
    return Point(PLACE, params, data or {}, upstream)


class Passes:
    """An object with forward and backward, from two functions."""

    def __init__(self, forward, backward):
        self.forward, self.backward = forward, backward


# Calls ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("returned", [[1.0, 2.0], (1.0,), (1.0, 2.0, 3.0), "ab", None, np.ones(2)])
def test_a_forward_pass_returns_a_pair(returned):
    problem = problem_of(lambda p, d: np.sum(p["x"]))
    code = Passes(lambda params, data: returned, lambda params, data, cache: {})
    with pytest.raises(Crashed, match=r"TypeError: forward must return \(value, cache\), not "):
        Candidate(problem, code).forward(point_of({"x": np.ones(2)}))


@pytest.mark.parametrize("missing", ["forward", "backward"])
def test_two_passes_are_two(missing):
    code = Passes(lambda: None, lambda: None)
    setattr(code, missing, None)
    with pytest.raises(Exception, match=r"must be a function .* or an object with forward and backward, not Passes"):
        Candidate(problem_of(lambda p, d: np.sum(p["x"])), code)


def test_code_gets_dicts_of_its_own():
    def emptied(params, data):
        gradients = {"x": 2 * params["x"]}
        params.clear()
        data.clear()
        return gradients

    problem = problem_of(lambda p, d: np.sum(p["x"] ** 2))
    here = point_of({"x": np.ones(2)}, {"y": np.ones(1)})
    assert Candidate(problem, emptied).gradients(here)[0] is None
    assert (here.params.keys(), here.data.keys()) == ({"x"}, {"y"})


@pytest.mark.parametrize(
    ("value", "loss"),
    [
        (2.5, 2.5),
        (np.float32(2.5), 2.5),
        (np.array(2.5), 2.5),
        (np.ones(1), None),
        ("a", None),
        (None, None),
        ([], None),
    ],
)
def test_the_loss_of_a_forward_pass_is_one_number(value, loss):
    assert as_loss(problem_of(lambda p, d: 0.0), point({}), value) == loss


def test_the_loss_of_a_layer_is_its_output_times_the_upstream_gradient():
    layer = Problem(name="layer", output=lambda p, d: p["x"], sizes={}, draw=lambda s, rng: ({"x": 1.0}, {}))
    here = point({}, upstream={"a": np.array([1.0, 2.0]), "b": np.array(3.0)})
    assert as_loss(layer, here, {"a": np.array([4.0, 5.0]), "b": np.array(6.0)}) == 4 + 10 + 18
    assert as_loss(layer, here, (np.array([4.0, 5.0]), np.array(6.0))) == 32
    assert as_loss(layer, here, {"a": np.array([4.0, 5.0])}) is None
    assert as_loss(layer, here, {"a": np.array([4.0, 5.0]), "b": np.ones(1)}) is None
    assert as_loss(layer, here, None) is None
    third = np.float32(1) / np.float32(3)
    narrow = point({}, upstream=np.array([third, third]))
    assert as_loss(layer, narrow, np.array([third, third])) == 2 * np.longdouble(third) ** 2


# Memory -----------------------------------------------------------------------------------------------------------


def test_every_array_that_is_handed_over_is_watched():
    arrays = {"w": np.ones(2)}, {"x": np.ones(3), "k": 7}, (np.ones(1), np.ones(4))
    here = point(*arrays)
    assert list(arrays_of(here)) == [
        "the parameter w",
        "the data x",
        "the upstream gradient 0",
        "the upstream gradient 1",
    ]
    assert list(arrays_of(point({}, {}, np.ones(2)))) == ["the upstream gradient"]
    for name, array in arrays_of(here).items():
        before = snapshot(here)
        assert changed(here, before) == []
        array.flat[0] += 1
        assert changed(here, before) == [name]


def test_memory_that_is_shared_is_named_once_with_whom():
    w, x = np.zeros(4), np.zeros(4)
    here = point({"a": w, "b": np.zeros(2), "c": np.zeros(2)}, {"x": x})
    own, both = np.ones(4), np.ones(3)
    candidate = Candidate(problem_of(lambda p, d: 0.0), lambda params, data: {})
    gradients = {"a": x[::-1], "b": both[:2], "c": both[1:]}
    assert list(aliases(candidate, here, gradients)) == [
        ("aliases", "the gradient of a shares memory with the data x", "a"),
        ("aliases", "the gradients of b and c share memory", "b"),
    ]
    assert not list(aliases(candidate, here, {"a": own, "b": both[:2], "c": both[2:]}))


def test_new_values_are_put_into_the_same_arrays():
    here, there = (point({"w": np.full(2, v)}, {"x": np.full(3, v), "k": int(v)}) for v in (1.0, 2.0))
    reused = overwrite(here, there)
    assert reused.params["w"] is here.params["w"]
    assert (reused.params["w"].tolist(), reused.data["x"].tolist(), reused.data["k"]) == ([2, 2], [2, 2, 2], 2)


@pytest.mark.parametrize("other", [point({"w": np.ones(3)}), point({"w": np.ones(2)}, {"x": np.ones(1)})])
def test_values_of_other_shapes_or_names_are_not_put_anywhere(other):
    here = point({"w": np.zeros(2)})
    assert overwrite(here, other) is None
    assert not here.params["w"].any()


# Form -------------------------------------------------------------------------------------------------------------


def formed(returned, **params):
    notes = []
    gradients = well_formed(
        point(params), returned, lambda kind, detail, parameter=None: notes.append((kind, parameter))
    )
    return gradients, notes


def test_well_formed_gradients_are_kept_and_the_others_noted():
    params = {"a": np.ones(2), "b": np.ones((2, 1)), "c": np.ones(1, np.float32), "d": np.ones(1), "e": np.ones(1)}
    returned = {"a": np.zeros(2), "b": np.zeros(2), "c": np.zeros(1), "d": None, "f": np.zeros(1)}
    gradients, notes = formed(returned, **params)
    assert gradients.keys() == {"a"}
    assert notes == [("unexpected", "f"), ("shape", "b"), ("dtype", "c"), ("missing", "d"), ("missing", "e")]


def test_a_python_float_is_a_gradient_of_a_scalar_only():
    gradients, notes = formed({"s": 0.5, "v": 0.5}, s=np.array(1.0, np.float32), v=np.ones(1))
    assert gradients["s"].dtype == np.float32
    assert notes == [("dtype", "v")]


def test_of_a_later_call_only_arrays_are_looked_at():
    arrays = plain_arrays({"a": np.ones(2), "b": np.float32(1), "c": 0.5, "d": "text", "e": None})
    assert list(arrays) == ["a", "b", "c"]
    assert plain_arrays(None) == plain_arrays([np.ones(1)]) == {}


def test_the_same_bits_are_the_same_shape_dtype_and_bytes():
    a = np.array([1.0, np.nan, -0.0])
    assert same_bits(a, a.copy())
    assert not same_bits(a, np.array([1.0, np.nan, 0.0]))
    assert not same_bits(np.zeros(2), np.zeros((2, 1)))
    assert not same_bits(np.zeros(1), np.zeros(1, int))
    assert differing({"a": a, "b": a, "c": a}, {"a": a.copy(), "b": a + 1}) == ["b"]


# Linearity --------------------------------------------------------------------------------------------------------

F64 = np.finfo(np.float64)


@pytest.mark.parametrize(
    ("first", "stretched", "factor", "answer"),
    [
        ([1.0, -3.0], [2.0, -6.0], 2.0, True),
        ([1.0, -3.0], [2.0, -6.0000001], 2.0, False),
        ([1.0, -3.0], [-1.0, 3.0], -1.0, True),
        ([1.0, -3.0], [0.0, 0.0], 0.0, True),
        ([1.0, -3.0], [0.0, 1e-300], 0.0, False),
        ([1.0, 0.0], [2.0], 2.0, False),
        # where an intermediate result may have left the range of numbers, nothing is demanded
        ([1.0, F64.tiny], [2.0, 0.0], 2.0, True),
        ([1.0, F64.tiny * 2.0**39], [2.0, 0.0], 2.0, True),
        ([1.0, F64.tiny * 2.0**41], [2.0, 0.0], 2.0, False),
        ([1.0, F64.max / 2.0**39], [2.0, np.inf], 2.0, True),
        ([1.0, F64.max / 2.0**41], [2.0, np.inf], 2.0, False),
        ([1.0, np.nan], [2.0, np.nan], 2.0, True),
    ],
)
def test_a_multiple_is_exact_where_no_number_leaves_the_range(first, stretched, factor, answer):
    assert is_multiple(np.array(stretched), np.array(first), factor) is answer


# Calls one after another ------------------------------------------------------------------------------------------

LINE = Problem(
    name="line",
    sizes={"n": (1, 4)},
    draw=lambda s, rng: ({"w": rng.normal(size=s["n"])}, {"x": rng.normal(size=s["n"])}),
    loss=lambda p, d: np.sum((p["w"] * d["x"]) ** 2),
)


def slope(params, data):
    return {"w": 2 * params["w"] * data["x"] ** 2}


def kinds(code, problem=LINE):
    return {finding.kind for finding in verify(problem, code, budget="quick", diagnose=False).findings}


def test_other_bits_at_the_second_call_are_a_finding():
    calls = iter(range(10**6))

    def noisy(params, data):
        return {"w": slope(params, data)["w"] * (1 + 2e-16 * (next(calls) % 2))}

    assert "nondeterministic" in kinds(noisy)


def test_what_is_remembered_by_the_identity_of_an_array_is_a_finding():
    seen = {}

    def remembering(params, data):
        key = id(params["w"]), id(data["x"])
        if key not in seen:
            seen[key] = params["w"], data["x"], slope(params, data)["w"]  # they live on, so that no id comes again
        return {"w": seen[key][2].copy()}

    assert kinds(remembering) == {"stale"}
    assert not kinds(slope)


@pytest.mark.parametrize("change", [np.abs, np.square, lambda u: u + 1])
def test_a_backward_pass_that_is_not_linear_is_a_finding(change):
    layer = replace(LINE, loss=None, output=lambda p, d: p["w"] * d["x"])
    values = np.array([1.0, -2.0])
    here = Point(PLACE, {"w": values}, {"x": values.copy()}, values.copy())

    def found(seen):
        code = Candidate(layer, lambda params, data, upstream: {"w": seen(upstream) * data["x"]})
        return {finding.kind for finding in observe(layer, code, here, None)[1]}

    assert found(change) == {"nonlinear"}
    assert found(np.array) == set()


# The criterion ----------------------------------------------------------------------------------------------------


def known(bound=0.25, exact=(1.0, -2.0), loss=3.0, loss_bound=0.5):
    return Reference(loss, loss_bound, {"x": np.array(exact)}, {"x": np.full(len(exact), bound)}, frozenset())


def found(claimed, reference=None, value=None):
    problem = problem_of(lambda p, d: 0.0)
    claim = Claim(value, {"x": np.array(claimed)}, has_forward=value is not None)
    return list(compare(problem, point({"x": np.ones(2)}), reference or known(), claim))


@pytest.mark.parametrize(("claimed", "wrong"), [([1.25, -2.25], 0), ([1.26, -2.0], 1), ([0.7, -1.0], 2)])
def test_an_entry_is_right_up_to_its_bound_and_wrong_beyond(claimed, wrong):
    findings = found(claimed)
    assert len(findings) == bool(wrong)
    assert not wrong or f"wrong in {wrong} of 2 entries" in findings[0].detail


def test_the_entry_that_is_furthest_off_in_units_of_its_bound_is_shown():
    narrow = replace(known(), bounds={"x": np.array([1.0, 0.01])})
    (finding,) = found([4.0, -2.5], narrow)
    assert (finding.index, finding.claimed, finding.reference) == ((1,), -2.5, -2.0)
    assert (finding.error, finding.bound) == (0.5, 0.01)
    assert all(type(number) is float for number in (finding.claimed, finding.reference, finding.error, finding.bound))
    assert finding.errors.ratio == pytest.approx([3.0, 50.0])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_an_entry_that_is_not_finite_is_a_finding_of_its_own(bad):
    (finding,) = found([1.0, bad])
    assert (finding.kind, finding.index, finding.reference) == ("non-finite", (1,), -2.0)
    assert "1 of 2 entries" in finding.detail


def test_no_error_at_all_is_right_where_none_is_allowed():
    assert not found([1.0, -2.0], known(bound=0.0))
    assert len(found([1.0, np.nextafter(-2.0, 0)], known(bound=0.0))) == 1


@pytest.mark.parametrize("size", [MAPPED, MAPPED + 1])
def test_errors_of_large_arrays_are_not_kept_one_by_one(size):
    (finding,) = found(np.ones(size), known(exact=(0.0,) * size))
    assert finding.errors.shape == (size,)
    assert (finding.errors.ratio is None) is (size > MAPPED)


@pytest.mark.parametrize(
    ("value", "kinds"), [(3.0, []), (3.5, []), (2.5, []), (3.51, ["loss"]), (np.nan, ["loss"]), ("x", ["loss"])]
)
def test_the_loss_of_a_forward_pass_is_held_against_its_bound(value, kinds):
    assert [finding.kind for finding in found([1.0, -2.0], value=value)] == kinds


def test_a_loss_without_any_rounding_is_right_where_no_error_is_allowed():
    problem = Problem(
        name="minus", loss=lambda p, d: -p["x"], sizes={}, draw=lambda sizes, rng: ({"x": rng.normal()}, {})
    )
    code = Passes(
        lambda params, data: (-params["x"], None), lambda params, data, cache: {"x": -np.ones_like(params["x"])}
    )
    assert reference(problem, point_of({"x": 0.5})).loss_bound == 0
    verify(problem, code, budget="quick").require()


def test_a_parameter_is_judged_where_the_arithmetic_leaves_little_room():
    names = {"zero": (0.0, 0.0), "wide": (1.0, 2 * SHARP), "sharp": (1.0, SHARP / 2), "exact": (1.0, 0.0)}
    values = {name: np.array([exact, exact / 2]) for name, (exact, _) in names.items()}
    bounds = {name: np.array([bound, bound / 2]) for name, (_, bound) in names.items()}
    assert sharp(Reference(0.0, 0.0, values, bounds, frozenset())) == {"sharp", "exact"}


def test_what_does_not_move_when_all_values_change_is_named():
    claim = Claim(None, {"a": np.ones(2), "b": np.ones(2)}, elsewhere={"a": np.ones(2), "b": np.zeros(2)})
    assert unmoved(claim) == ["a"]
    assert unmoved(replace(claim, elsewhere={})) == []


def test_a_gradient_is_judged_by_its_widest_entry():
    values, bounds = {"x": np.array([1.0, 0.5])}, {"x": np.array([0.0, 2 * SHARP])}
    assert sharp(Reference(0.0, 0.0, values, bounds, frozenset())) == set()
