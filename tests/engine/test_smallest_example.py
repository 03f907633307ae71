"""How a finding is shown: at the smallest sizes, on round numbers, so that it can be drawn and calculated again."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradproof import InvalidProblem, Place, Problem, verify
from gradproof.sampling import DECIMALS, DTYPES, LAYOUTS, REGIMES, SEEDS, draw_point, rounder_places
from gradproof.verdict import Finding
from tests.catalogue import FORMULAS, IMPLEMENTATIONS
from tests.engine import wrong_gradients, wrong_recurrent


def problem_of(key):
    return FORMULAS[key].problem(IMPLEMENTATIONS[key])


def fit(params, data):
    return np.sum((data["X"] @ params["w"] + params["b"] - data["y"]) ** 2)


def draw_fit(sizes, rng):
    X, y = rng.normal(size=(sizes["m"], sizes["n"])), rng.normal(size=sizes["m"])
    return {"w": rng.normal(size=sizes["n"]), "b": rng.normal()}, {"X": X, "y": y}


def fit_gradients(params, data):
    residual = data["X"] @ params["w"] + params["b"] - data["y"]
    return {"w": 2 * data["X"].T @ residual, "b": 2 * np.sum(residual)}


def spoiled(change):
    """Gradients of the fit that pass through ``change(g, params, data)``."""
    return lambda params, data: change(fit_gradients(params, data), params, data)


halved = spoiled(lambda g, p, d: {"w": g["w"] / 2, "b": g["b"]})
FIT = Problem(name="fit", loss=fit, sizes={"m": (1, 5), "n": (1, 4)}, draw=draw_fit)
LAYER = Problem(
    name="layer",
    output=lambda p, d: {"shifted": d["x"] @ p["W"] + p["b"], "sum": np.sum(p["W"])},
    sizes={"n": (1, 3)},
    draw=lambda sizes, rng: (
        {"W": rng.normal(size=(sizes["n"], 2)), "b": rng.normal()},
        {"x": rng.normal(size=sizes["n"])},
    ),
)


def layer_gradients(params, data, upstream):
    dW = np.outer(data["x"], upstream["shifted"]) + upstream["sum"]
    return {"W": dW, "b": np.sum(upstream["shifted"])}


# Places as text ----------------------------------------------------------------------------------------------------

names = st.text(min_size=1).filter(lambda name: not set(name) & set(",=\n") and name == name.strip())
PLACES = st.builds(
    Place,
    sizes=st.lists(st.tuples(names, st.integers(1, 999)), unique_by=lambda size: size[0]).map(tuple),
    seed=st.integers(0, 2**32 - 1),
    regime=st.sampled_from(list(REGIMES)),
    dtype=st.sampled_from(DTYPES),
    layout=st.sampled_from(LAYOUTS),
    decimals=st.none() | st.integers(0, 12),
)


@given(PLACES)
def test_a_place_is_read_back_as_it_was_written(place):
    assert Place.parse(str(place)) == place
    assert eval(repr(place)) == place


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Place.of({"T": 2, "n": 1}, seed=7), "T=2, n=1, seed 7"),
        (Place.of({}, decimals=0), "no sizes, rounded to 0 decimals, seed 0"),
        (
            Place.of({"n": 3}, seed=1, regime="parameters x 1e-3", dtype="float32", layout="F", decimals=1),
            "n=3, parameters x 1e-3, float32, layout F, rounded to 1 decimal, seed 1",
        ),
    ],
)
def test_a_place_is_written_so_that_it_can_be_pasted(place, text):
    assert str(place) == text


@pytest.mark.parametrize(
    "text", ["", "n=2", "seed 3", "n=2, seed", "n=2, seed 3, layout F", "n=x, seed 1", "n=1 seed 1"]
)
def test_text_that_is_no_place_is_refused_and_one_is_shown(text):
    with pytest.raises(
        InvalidProblem, match="is no place; one is written like 'n=2, T=3, rounded to 1 decimal, seed 5'"
    ):
        Place.parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("m=1, seed 0", r"fit: a place must give the sizes of the problem \(m, n\), not m=1, seed 0"),
        ("m=1, n=1, parameters x 7, seed 0", "fit: regime 'parameters x 7' is none of ordinary, parameters x 30"),
        ("m=1, n=1, one-hot upstream, seed 0", "fit: regime 'one-hot upstream' is none of"),
        ("m=1, n=1, float16, seed 0", "fit: dtype 'float16' is none of float64, float32"),
        ("m=1, n=1, layout K, seed 0", "fit: layout 'K' is none of C, F, strided"),
    ],
)
def test_a_place_that_the_problem_does_not_have_is_refused(text, message):
    with pytest.raises(InvalidProblem, match=message):
        verify(FIT, fit_gradients, at=text)


# Rounded values ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decimals", DECIMALS)
@pytest.mark.parametrize("regime", ["ordinary", "parameters x 30", "data x 30"])
def test_all_floats_of_a_rounded_point_are_round(decimals, regime):
    place = Place.of({"n": 3}, seed=5, regime=regime, decimals=decimals)
    point, exact = draw_point(LAYER, place), draw_point(LAYER, replace(place, decimals=None))
    pairs = [(point.params[n], exact.params[n]) for n in ("W", "b")] + [(point.data["x"], exact.data["x"])]
    for rounded, drawn in [*pairs, *((point.upstream[n], exact.upstream[n]) for n in ("shifted", "sum"))]:
        np.testing.assert_array_equal(rounded, np.round(drawn, decimals))
        assert not np.any(np.signbit(rounded) & (rounded == 0))
        assert np.any(rounded != drawn)


def test_data_that_must_not_be_scaled_are_not_rounded_either():
    fixed = replace(FIT, fixed=("y",))
    drawn, rounded = (draw_point(fixed, Place.of({"m": 2, "n": 2}, decimals=d)).data for d in (None, 0))
    np.testing.assert_array_equal(rounded["y"], drawn["y"])
    assert np.any(rounded["X"] != drawn["X"])


def test_a_rounded_point_keeps_its_dtype_and_layout():
    point = draw_point(FIT, Place.of({"m": 3, "n": 2}, dtype="float32", layout="F", decimals=1))
    assert point.data["X"].dtype == np.float32
    assert point.data["X"].flags["F_CONTIGUOUS"]


def test_integers_and_text_are_left_alone():
    labelled = replace(FIT, draw=lambda s, rng: (draw_fit(s, rng)[0], {**draw_fit(s, rng)[1], "k": 1234, "as": "is"}))
    data = draw_point(labelled, Place.of({"m": 2, "n": 2}, decimals=0)).data
    assert (data["k"], data["as"]) == (1234, "is")


def test_fewest_decimals_are_tried_first_and_of_these_the_values_without_zeros():
    places = list(rounder_places(FIT, Place.of({"m": 1, "n": 1})))
    assert [place.decimals for place in places] == sorted(DECIMALS * SEEDS)
    points = [draw_point(FIT, place) for place in places[:SEEDS]]
    zeros = [sum(np.sum(a == 0) for a in (*point.params.values(), *point.data.values())) for point in points]
    assert zeros == sorted(zeros)
    assert zeros[0] == 0


# The example -------------------------------------------------------------------------------------------------------


def test_a_wrong_value_is_shown_on_whole_numbers_that_can_be_calculated_with():
    (finding,) = verify(FIT, halved, budget="quick").findings
    assert finding.place == replace(Place.of({"m": 1, "n": 1}), decimals=0, seed=finding.place.seed)
    (w,), b = finding.values.params["w"], finding.values.params["b"]
    ((x,),), (y,) = finding.values.data["X"], finding.values.data["y"]
    assert all(float(value).is_integer() and value for value in (w, b, x, y))
    assert finding.reference == 2 * (x * w + b - y) * x
    assert finding.claimed == finding.reference / 2


@pytest.mark.parametrize(
    ("needed", "decimals"), [(lambda p: True, 0), (lambda p: p["b"] % 1, 1), (lambda p: p["b"] * 10 % 1 > 0.2, 2)]
)
def test_no_more_decimals_are_shown_than_the_mistake_needs(needed, decimals):
    sometimes = spoiled(lambda g, p, d: {"w": g["w"] * (2 if needed(p) else 1), "b": g["b"]})
    (finding,) = verify(FIT, sometimes, budget="quick").findings
    assert finding.place.decimals == decimals


def test_a_mistake_that_round_numbers_hide_is_shown_on_those_that_were_drawn():
    small = spoiled(lambda g, p, d: {"w": g["w"], "b": g["b"] * (1 + (p["b"] != np.round(p["b"], 2)))})
    (finding,) = verify(FIT, small, budget="quick").findings
    assert finding.place.decimals is None
    assert finding.place.sizes == (("m", 1), ("n", 1))


def test_each_parameter_has_the_smallest_sizes_at_which_it_is_wrong():
    def change(g, params, data):
        m, n = data["X"].shape
        return {"w": g["w"] * (2 if n > 1 else 1), "b": g["b"] * (2 if m > 1 else 1)}

    findings = verify(FIT, spoiled(change), budget="quick").findings
    sizes = {finding.parameter: dict(finding.place.sizes) for finding in findings}
    assert sizes == {"w": {"m": 1, "n": 2}, "b": {"m": 2, "n": 1}}


def test_parameters_that_are_wrong_together_are_shown_at_one_place():
    findings = verify(FIT, spoiled(lambda g, p, d: {n: -a for n, a in g.items()}), budget="quick").findings
    assert {finding.parameter for finding in findings} == {"w", "b"}
    assert len({finding.place for finding in findings}) == 1


def test_round_numbers_show_all_that_is_wrong_together():
    fractional = spoiled(lambda g, p, d: {"w": -g["w"], "b": g["b"] * (2 if p["b"] % 1 else 1)})
    findings = verify(FIT, fractional, budget="quick").findings
    assert {finding.parameter for finding in findings} == {"w", "b"}
    assert {finding.place.decimals for finding in findings} == {1}


def test_float64_and_ordinary_values_are_preferred_where_they_show_it():
    saturated = spoiled(lambda g, p, d: {n: g[n] * (2 if abs(p["b"]) > 1.6 else 1) for n in g})
    assert verify(FIT, saturated, at="m=3, n=4, seed 0").passed
    finding = verify(FIT, saturated, budget="quick").findings[0]
    assert (finding.place.regime, finding.place.dtype, finding.place.layout) == ("ordinary", "float64", "C")


def test_what_only_one_dtype_shows_is_shown_in_it():
    narrow = spoiled(lambda g, p, d: {n: g[n] * (2 if p["w"].dtype == "float32" else 1) for n in g})
    finding = verify(FIT, narrow, budget="quick").findings[0]
    assert finding.place.dtype == "float32"
    assert finding.place.decimals == 0


def test_an_example_stays_in_the_domain():
    outside = []

    def domain(params, data):
        inside = bool(np.all(np.abs(data["X"]) > 1.5))
        outside.append(not inside)
        return inside

    loud = replace(FIT, domain=domain, draw=lambda s, rng: scaled(draw_fit(s, rng)))
    (finding,) = verify(loud, halved, budget="quick").findings
    assert np.all(np.abs(finding.values.data["X"]) > 1.5)
    assert finding.place.decimals == 0
    assert any(outside)


def scaled(drawn):
    params, data = drawn
    return params, {**data, "X": 2 * data["X"]}


def test_rounding_to_what_the_problem_cannot_bear_costs_no_verdict():
    """A scale between 0.01 and 0.3 is zero or one tenth when it is rounded; the loss divides by it."""

    def draw(sizes, rng):
        params, data = draw_fit(sizes, rng)
        return params, {**data, "scale": rng.uniform(0.01, 0.3)}

    def loss(params, data):
        return fit(params, data) / data["scale"]

    divided = Problem(name="divided", loss=loss, sizes=FIT.sizes, draw=draw)
    (finding,) = verify(
        divided, lambda p, d: {n: g / d["scale"] for n, g in halved(p, d).items()}, budget="quick"
    ).findings
    assert finding.place.decimals == 1
    assert finding.values.data["scale"] in (0.1, 0.2, 0.3)


def test_points_that_allow_no_statement_on_the_way_to_an_example_are_not_counted():
    """Whole numbers put the absolute value on its kink; the points that were asked for do not."""
    kinked = Problem(
        name="absolute",
        loss=lambda p, d: np.sum(np.abs(p["w"]) * d["x"]),
        sizes={"n": (1, 3)},
        draw=lambda s, rng: ({"w": rng.uniform(0.1, 0.4, s["n"])}, {"x": rng.normal(size=s["n"])}),
    )
    verdict = verify(kinked, lambda p, d: {"w": 2 * d["x"] * np.sign(p["w"])}, budget="quick")
    assert verdict.findings[0].place.decimals == 1
    assert verdict.inconclusive == {}


def test_a_memory_shows_on_round_numbers_though_all_of_them_are_the_same():
    class Forgetful:
        def forward(self, params, data):
            self.kept = data
            return fit(params, data), None

        def backward(self, params, data, cache):
            return fit_gradients(params, self.kept)

    def draw_ones(sizes, rng):
        drawn = draw_fit(sizes, rng)
        return tuple({name: rng.uniform(0.6, 1.4, np.shape(value)) for name, value in part.items()} for part in drawn)

    (*_, finding) = verify(replace(FIT, draw=draw_ones), Forgetful(), budget="quick").findings
    assert finding.kind == "stale"
    assert finding.place.decimals == 0


def test_the_same_seed_gives_the_same_examples():
    first, second = (verify(FIT, halved, budget="quick", seed=3) for _ in range(2))
    assert first.findings == second.findings
    assert [finding.values for finding in first.findings] == [finding.values for finding in second.findings]


# Seen again --------------------------------------------------------------------------------------------------------

WRONG = [*wrong_gradients.WRONG[::7], *wrong_recurrent.WRONG[::9]]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{wrong.key}: {wrong.name}")
def test_the_place_alone_shows_a_finding_again(wrong):
    problem = problem_of(wrong.key)
    for finding in verify(problem, wrong.make(), budget="quick", diagnose=False).findings:
        again = verify(problem, wrong.make(), at=str(finding.place), diagnose=False)
        assert again.status == "fail"
        assert again.points <= 1
        assert str(finding) in map(str, again.findings)


def test_right_code_passes_at_the_place_that_showed_the_mistake():
    (finding,) = verify(FIT, halved, budget="quick").findings
    verdict = verify(FIT, fit_gradients, at=finding.place)
    assert verdict.passed
    assert (verdict.points, verdict.smallest, verdict.largest) == (1, {"m": 1, "n": 1}, {"m": 1, "n": 1})


def test_nothing_but_the_place_is_looked_at():
    shapes = set()

    def watched(params, data):
        shapes.add(data["X"].shape)
        return fit_gradients(params, data)

    assert verify(FIT, watched, at=Place.of({"m": 4, "n": 3})).passed
    assert shapes == {(4, 3)}


def at_a_kink(sizes, rng):
    params, data = draw_fit(sizes, rng)
    return params, {**data, "kink": params["w"].copy()}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"domain": lambda p, d: False}, "m=1, n=1, seed 0 lies outside the problem's domain"),
        ({"loss": lambda p, d: fit(p, d) + np.sum(np.abs(p["w"] - d["kink"])), "draw": at_a_kink}, "kink exactly here"),
    ],
)
def test_a_place_that_cannot_be_judged_is_no_pass_and_says_why(changes, reason):
    verdict = verify(replace(FIT, **changes), fit_gradients, at="m=1, n=1, seed 0")
    assert verdict.status == "inconclusive"
    assert reason in str(verdict)


# The story ---------------------------------------------------------------------------------------------------------


def test_the_story_has_the_place_to_paste_and_the_values_to_calculate_with():
    verdict = verify(FIT, halved, budget="quick")
    (finding,) = verdict.findings
    story = str(verdict)
    w, b = finding.values.params["w"], finding.values.params["b"]
    assert f"at {finding.place}\n" in story
    assert f"w = {w}, b = {b}\n" in story
    assert f"X = {finding.values.data['X']}, y = {finding.values.data['y']}\n" in story
    assert f"the gradient of w[0]: claimed {finding.claimed!r}, exact {finding.reference!r}\n" in story


def test_values_of_one_place_are_told_once():
    verdict = verify(FIT, spoiled(lambda g, p, d: {n: -a for n, a in g.items()}), budget="quick")
    assert len(verdict.findings) == 2
    assert str(verdict).count("X = [[") == 1
    assert all("X = [[" in str(finding) for finding in verdict.findings)


def test_a_large_point_is_not_told():
    large = replace(FIT, sizes={"m": (6, 6), "n": (4, 4)})
    assert "X = " not in str(verify(large, halved, budget="quick"))


def test_a_float32_is_told_in_the_digits_it_has():
    tenth = float(np.float32(0.1))
    finding = Finding("value", Place.of({}, dtype="float32"), "wrong", "w", (), tenth, 0.1)
    assert "claimed 0.1, exact 0.1" in str(finding)
    assert "claimed 0.10000000149011612" in str(replace(finding, place=Place.of({})))
