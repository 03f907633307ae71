"""Mistakes that need no derivation: each is named from its gradients alone, and a gradient that is none is not."""

from dataclasses import replace

import numpy as np
import pytest

from gradproof import Problem
from gradproof.bound import reference
from gradproof.candidate import Candidate
from gradproof.diagnosis.evidence import Evidence
from gradproof.diagnosis.generic.explanations import explanations
from gradproof.diagnosis.generic.forms import tells
from gradproof.diagnosis.generic.left_out import axes_by_size
from gradproof.diagnosis.probe import probes
from gradproof.problem import Place
from gradproof.sampling import draw_point
from tests.catalogue import FORMULAS, IMPLEMENTATIONS

LINEAR, LOGISTIC, SOFTMAX = "multiple-linear-regression", "logistic-regression", "softmax-cross-entropy"
RNN, SQUARED, SCALARS = "rnn-tanh", "rnn-tanh-each-squared", "tanh-log-ratio"


def claims(key, change):
    """The implementation's gradients at three points, after ``change(gradients, sizes, point)``."""
    problem = FORMULAS[key].problem(IMPLEMENTATIONS[key])
    right = Candidate(problem, IMPLEMENTATIONS[key].gradients)
    for point, known in probes(problem)[:3]:
        gradients = {name: np.array(g) for name, g in right.gradients(point)[1].items()}
        yield Evidence(problem, point, known, change(gradients, dict(point.place.sizes), point))


def diagnosed(key, change):
    """The first explanation as text, ``W, b: twice the exact one``; "" where there is none."""
    found = explanations(list(claims(key, change)))
    return f"{', '.join(sorted(found[0].parameters))}: {found[0].words}" if found else ""


def every(change):
    """A change of each gradient alike."""
    return lambda gradients, sizes, point: {name: change(g) for name, g in gradients.items()}


def only(name, change):
    """A change of one gradient."""
    return lambda gradients, sizes, point: {**gradients, name: change(gradients[name])}


# ---- factors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "names"), [(LINEAR, "b, w"), (RNN, "U, V, W, b, c, h0"), (SCALARS, "x, y, z")])
@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (-1, "minus the exact one: the sign is wrong"),
        (2, "twice the exact one"),
        (0.5, "half of the exact one"),
        (-0.01, "-0.01 times the exact one: the step of gradient descent, not the gradient"),
        (1.5, "1.5 times the exact one"),
        (-2 / 3, "-2/3 times the exact one"),
        (np.pi, "3.14159265 times the exact one"),
    ],
)
def test_a_constant_factor_is_named(key, names, factor, words):
    assert diagnosed(key, every(lambda g: factor * g)) == f"{names}: {words}"


@pytest.mark.parametrize(
    ("key", "names", "factor", "words"),
    [
        (LINEAR, "b, w", lambda s: s["m"], "the exact one multiplied by m: a sum where the mean belongs"),
        (LINEAR, "b, w", lambda s: s["m"] / 2, "m/2 times the exact one"),
        (LOGISTIC, "b, w", lambda s: 1 / s["m"], "the exact one divided by m: a mean where the sum belongs"),
        (LOGISTIC, "b, w", lambda s: s["m"] / (s["m"] - 1), "m/(m - 1) times the exact one"),
        (SOFTMAX, "b_y, o", lambda s: 1 / (s["T"] * s["K"]), "the exact one divided by T K"),
        (SOFTMAX, "b_y, o", lambda s: s["T"], "the exact one multiplied by T: a sum where the mean belongs"),
        (RNN, "U, V, W, b, c, h0", lambda s: -1 / s["T"], "minus the exact one divided by T"),
        (RNN, "U, V, W, b, c, h0", lambda s: 2 * s["n"] / s["d"], "2 n/d times the exact one"),
    ],
)
def test_a_factor_made_of_sizes_is_told_from_all_others(key, names, factor, words):
    found = diagnosed(key, lambda gradients, sizes, point: {k: g * factor(sizes) for k, g in gradients.items()})
    assert found == f"{names}: {words}"


def test_a_factor_among_the_data_is_named():
    """A penalty whose weight is data."""
    problem = Problem(
        name="ridge",
        loss=lambda p, d: np.sum((d["X"] @ p["w"]) ** 2) + d["penalty"] * np.sum(p["w"] ** 2),
        sizes={"m": (1, 9), "n": (1, 8)},
        draw=lambda s, rng: (
            {"w": rng.normal(size=s["n"])},
            {"X": rng.normal(size=(s["m"], s["n"])), "penalty": rng.uniform()},
        ),
    )
    points = probes(problem)[:3]
    forgotten = [Evidence(problem, p, k, {"w": 2 * p.data["X"].T @ (p.data["X"] @ p.params["w"])}) for p, k in points]
    assert [e.words for e in explanations(forgotten)] == [
        "the exact one less 2 penalty times the parameter (the gradient of a penalty on its square)"
    ]


# ---- other arrays in its place ------------------------------------------------------------------------------------

TAKEN = [
    (LINEAR, only("w", lambda g: g[:, None]), "w: the exact one with an axis of length 1 too many"),
    (LINEAR, only("b", lambda g: g.reshape(1)), "b: the exact one with an axis of length 1 too many"),
    (RNN, only("W", np.transpose), "W: the exact one transposed"),
    (RNN, every(np.transpose), "U, V, W: the exact one transposed"),
    (SOFTMAX, only("o", np.transpose), "o: the exact one transposed"),
    (RNN, only("U", np.ravel), "U: the exact one in another shape, its entries in the same order"),
    (RNN, only("U", lambda g: g.T.reshape(g.shape)), "U: the exact one reshaped where it should be transposed"),
    (RNN, every(np.zeros_like), "U, V, W, b, c, h0: zero"),
    (LINEAR, only("b", np.zeros_like), "b: zero"),
    (LINEAR, only("w", np.ones_like), "w: 1 in every entry"),
    (RNN, only("b", lambda g: np.full_like(g, 0.25)), "b: 0.25 in every entry"),
    (RNN, only("W", lambda g: np.diag(np.diag(g))), "W: the diagonal of the exact one, zero elsewhere"),
    (RNN, only("W", np.tril), "W: the lower triangle of the exact one, zero elsewhere"),
    (RNN, only("b", np.abs), "b: the absolute value of the exact one"),
    (SOFTMAX, only("o", np.abs), "o: the absolute value of the exact one"),
    (SOFTMAX, only("o", np.sign), "o: the sign of the exact one"),
    (LINEAR, only("w", lambda g: np.roll(g, 1)), "w: the exact one shifted to one place later, around the end"),
    (SOFTMAX, only("o", np.flipud), "o: the exact one in reverse order along axis 0"),
    (RNN, only("b", lambda g: g.sum()), "b: the sum of the exact one's entries"),
    (RNN, only("U", lambda g: g.mean(0)), "U: the exact one summed along axis 0, divided by n"),
    (LINEAR, only("w", lambda g: np.append(g[:-1], 0)), "w: the exact one with zero at the last place"),
    (RNN, only("b", lambda g: g * np.eye(len(g))[0]), "b: the exact one at the first place, zero elsewhere"),
    (RNN, every(lambda g: g / np.linalg.norm(g)), "U, V, W, b, c, h0: the exact one divided by its norm"),
    (LINEAR, only("w", lambda g: g / g.std()), "w: the exact one divided by its standard deviation"),
    (LOGISTIC, only("w", lambda g: g - g.mean()), "w: the exact one less its mean"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "change", "words"), TAKEN, ids=[f"{key}: {words}" for key, _, words in TAKEN])
def test_what_stands_in_place_of_the_exact_gradient_is_named(key, change, words):
    assert diagnosed(key, change) == words


def test_gradients_that_stand_in_each_others_place_are_exchanged():
    swapped = diagnosed(RNN, lambda g, sizes, point: {**g, "b": g["h0"], "h0": g["b"]})
    assert swapped == "b, h0: each other's: the two are exchanged"


def test_the_gradient_of_another_parameter_is_named():
    assert diagnosed(RNN, lambda g, sizes, point: {**g, "b": g["h0"]}) == "b: the gradient of h0"
    assert diagnosed(SCALARS, lambda g, sizes, point: {**g, "x": 2 * g["y"]}) == "x: twice the gradient of y"


def test_what_was_added_is_named():
    decay = diagnosed(RNN, lambda g, sizes, p: {k: v + 0.01 * p.params[k] for k, v in g.items()})
    assert decay == (
        "U, V, W, b, c, h0: the exact one plus 0.01 times the parameter (the gradient of a penalty on its square)"
    )
    lasso = diagnosed(LINEAR, lambda g, sizes, p: {**g, "w": g["w"] - 0.1 / sizes["m"] * np.sign(p.params["w"])})
    assert lasso.startswith("w: the exact one less 0.1/m times the sign of the parameter")
    assert (
        diagnosed(RNN, lambda g, sizes, p: {**g, "b": g["b"] + g["h0"]}) == "b: the exact one plus the gradient of h0"
    )


def test_a_sum_that_was_left_out_is_named_with_its_size():
    """A bias whose gradient is still that of each row."""

    def of_rows(g, sizes, point):
        residual = point.data["X"] @ point.params["w"] + point.params["b"] - point.data["y"]
        return {**g, "b": 2 * residual / sizes["m"]}

    assert diagnosed(LINEAR, of_rows) == "b: the exact one before it is summed over m"
    per_row = diagnosed(LINEAR, lambda g, sizes, point: {**g, "b": of_rows(g, sizes, point)["b"] * sizes["m"]})
    assert per_row == "b: the exact one before it is averaged over m"


# ---- limits -------------------------------------------------------------------------------------------------------


def scaled_down(*gradients, to):
    return min(1.0, to / np.sqrt(sum(np.sum(g**2) for g in gradients)))


@pytest.mark.parametrize("limit", [0.125, 0.3])
def test_clipping_is_named_with_its_limit(limit):
    names = "U, V, W, b, c"
    assert diagnosed(SQUARED, every(lambda g: np.clip(g, -limit, limit))) == (
        f"{names}: the exact one clipped to [-{limit:g}, {limit:g}]"
    )
    own = explanations(list(claims(SQUARED, every(lambda g: g * scaled_down(g, to=limit)))))
    assert f"the exact one, scaled down where its norm exceeds {limit:g}" in {e.words for e in own}


def test_clipping_that_changes_some_points_only_is_told_from_a_norm():
    def clipped(g, sizes, point):
        share = scaled_down(*g.values(), to=limit)
        return {name: value * share for name, value in g.items()}

    norms = [np.sqrt(sum(np.sum(g**2) for g in e.claimed.values())) for e in claims(SQUARED, every(np.asarray))]
    limit = min(norms) * 1.0009765625
    found = explanations(list(claims(SQUARED, clipped)))
    assert [e.words for e in found] == [f"the exact one, scaled down where the norm of all exceeds {limit:.6g}"]
    assert len(found[0].parameters) == 5


@pytest.mark.parametrize("key", [LINEAR, RNN])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_narrower_format_is_named(key, dtype):
    assert diagnosed(key, every(lambda g: g.astype(dtype).astype(float))).endswith(f"the exact one in {dtype}")


def test_an_approximation_is_called_one():
    noise = np.random.default_rng(0)
    near = diagnosed(RNN, every(lambda g: g + 1e-7 * np.abs(g).max() * noise.uniform(1, 2, g.shape)))
    assert near.startswith("U, V, W, b, c, h0: the exact one only approximately")


# ---- places left out ----------------------------------------------------------------------------------------------


def smaller(key, arrays, kept):
    """The gradients of the implementation on data without some places along their first axis."""
    right = Candidate(FORMULAS[key].problem(IMPLEMENTATIONS[key]), IMPLEMENTATIONS[key].gradients)

    def gradients(point):
        data = {name: value[kept] if name in arrays else value for name, value in point.data.items()}
        return right.gradients(type(point)(point.place, point.params, data))[1]

    return gradients


ROWS = {"X", "y"}
BUT_FIRST, BUT_LAST, FIRST = slice(1, None), slice(None, -1), slice(None, 1)


@pytest.mark.parametrize(
    ("key", "arrays", "kept", "change", "words"),
    [
        (LINEAR, ROWS, BUT_LAST, lambda g, left, m: left, "the gradient without the last along m"),
        (LOGISTIC, ROWS, BUT_FIRST, lambda g, left, m: left, "the gradient without the first along m"),
        (LINEAR, ROWS, BUT_LAST, lambda g, left, m: left * (m - 1) / m,
         "the exact one without the share of the last along m in the mean"),
        (LINEAR, ROWS, FIRST, lambda g, left, m: left, "the gradient of the first along m alone"),
        (LINEAR, ROWS, FIRST, lambda g, left, m: left / m, "the gradient of the first along m alone, divided by m"),
        (LINEAR, ROWS, BUT_FIRST, lambda g, left, m: 2 * g - left * (m - 1) / m,
         "the exact one with the first along m counted twice"),
        (SQUARED, {"x", "y"}, BUT_LAST, lambda g, left, m: left, "the gradient without the last along T"),
        (SQUARED, {"x", "y"}, BUT_FIRST, lambda g, left, m: 2 * g - left,
         "the exact one with the first along T counted twice"),
    ],
)  # fmt: skip
def test_a_place_that_a_loop_misses_or_takes_twice_is_named(key, arrays, kept, change, words):
    gradients = smaller(key, arrays, kept)

    def looped(g, sizes, point):
        left = gradients(point)
        return {name: change(g[name], left[name], sizes.get("m")) for name in g}

    assert diagnosed(key, looped).endswith(f": {words}")


def test_the_last_step_of_a_layer_is_left_out_of_its_upstream_gradient_too():
    right = Candidate(FORMULAS[RNN].problem(IMPLEMENTATIONS[RNN]), IMPLEMENTATIONS[RNN].gradients)

    def without_last(g, sizes, point):
        data = {**point.data, "x": point.data["x"][:-1]}
        return right.gradients(type(point)(point.place, point.params, data, point.upstream[:-1]))[1]

    assert diagnosed(RNN, without_last) == "U, V, W, b, c, h0: the gradient without the last along T"


# ---- where nothing is to be said ----------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [LINEAR, LOGISTIC, SOFTMAX, RNN, SQUARED, SCALARS, "square", "linear-regression"])
@pytest.mark.parametrize("seed", range(6))
def test_a_gradient_that_is_wrong_in_no_known_way_is_not_explained(key, seed):
    rng = np.random.default_rng(seed)
    noises = [
        lambda g: rng.normal(size=g.shape),
        lambda g: g * rng.uniform(0.5, 2, size=g.shape),
        lambda g: g + 0.01 * rng.normal(size=g.shape),
    ]
    found = explanations(list(claims(key, every(lambda g: np.asarray(noises[seed % 3](g))))))
    assert found == []


def test_an_explanation_is_not_said_twice_in_other_words():
    too_many = explanations(list(claims(LINEAR, only("w", lambda g: g[:, None]))))
    assert [e.words for e in too_many] == ["the exact one with an axis of length 1 too many"]
    near = explanations(list(claims(LINEAR, every(lambda g: g * (1 + 1e-7)))))
    assert len(near) == 1
    assert near[0].words.startswith("the exact one only approximately")


def test_a_factor_that_is_nearly_round_is_not_rounded():
    assert diagnosed(LINEAR, every(lambda g: 2.0000001 * g)) == "b, w: 2.0000001 times the exact one"


def test_parameters_are_exchanged_only_if_both_are():
    one_way = diagnosed(RNN, lambda g, sizes, point: {**g, "b": np.sin(g["b"]), "h0": g["b"]})
    assert one_way == "h0: the gradient of b"


def test_a_gradient_that_is_a_little_inexact_is_not_explained():
    """Within a few times what arithmetic allows there is nothing to recognise."""
    points = list(claims(RNN, every(np.asarray)))

    def moved(known):
        return {name: (g + 4 * known.bounds[name]).astype(float) for name, g in known.gradients.items()}

    near = [replace(e, claimed=moved(e.known)) for e in points]
    assert all("W" in e.wrong for e in near)
    assert explanations(near) == []
    exact, slack = near[0].known.gradients["W"], near[0].allowed("W", near[0].known.gradients["W"])
    assert not tells(near[0], "W", exact + 100 * slack)
    assert tells(near[0], "W", exact + 10_000 * slack)


def test_one_point_that_tells_is_not_enough():
    """The absolute value is the gradient where that is positive: of three points two must be negative."""
    problem = FORMULAS["square"].problem(IMPLEMENTATIONS["square"])
    points = [draw_point(problem, Place.of({}, seed=seed)) for seed in range(40)]
    exact = [(point, reference(problem, point)) for point in points]
    known = [Evidence(problem, p, k, {"x": np.abs(k.gradients["x"]).astype(float)}) for p, k in exact]
    positive = [e for e in known if e.known.gradients["x"] > 0]
    negative = [e for e in known if e.known.gradients["x"] < 0]
    assert explanations([*positive[:2], negative[0]]) == []
    assert explanations([positive[0], *negative[:2]])[0].words == "the absolute value of the exact one"


def test_a_limit_that_one_point_exceeds_is_not_named():
    points = list(claims("square", every(np.asarray)))
    least, middle, largest = sorted(abs(float(e.known.gradients["x"])) for e in points)
    for limit, named in (((middle + largest) / 2, False), ((least + middle) / 2, True)):
        clipped = [replace(e, claimed={"x": np.clip(e.claimed["x"], -limit, limit)}) for e in points]
        assert any("clipped" in e.words for e in explanations(clipped)) == named


def test_numbers_of_few_digits_are_no_narrow_format():
    """Quarters have few digits too; they are off by more than any arithmetic."""
    assert diagnosed(SQUARED, every(lambda g: np.round(4 * g) / 4)) == ""


def test_places_are_left_out_along_sizes_that_only_data_have():
    assert axes_by_size(list(claims(LINEAR, every(np.asarray)))) == {"m": {("X", 0), ("y", 0)}}
    assert axes_by_size(list(claims(RNN, every(np.asarray)))) == {"T": {("x", 0), (0, 0)}}


def test_sizes_that_are_always_equal_are_not_told_apart():
    problem = Problem(
        name="two sizes",
        loss=lambda p, d: p["w"] * np.sum(d["x"]),
        sizes={"m": (2, 9), "k": (2, 9)},
        draw=lambda s, rng: ({"w": rng.normal()}, {"x": rng.normal(size=(s["m"], s["k"]))}),
    )
    points = [draw_point(problem, Place.of({"m": n, "k": n})) for n in (2, 3, 4)]
    assert axes_by_size([Evidence(problem, p, reference(problem, p), {}) for p in points]) == {}


def test_right_gradients_are_not_explained():
    for key in (LINEAR, RNN, SCALARS):
        assert explanations(list(claims(key, every(np.asarray)))) == []


def test_what_holds_at_one_point_only_explains_nothing():
    """Twice the exact gradient at the first point, the exact one at the others."""
    points = list(claims(LINEAR, every(lambda g: 2 * g)))[:1] + list(claims(LINEAR, every(np.asarray)))[1:]
    assert explanations(points) == []


def test_a_missing_or_infinite_claim_explains_nothing():
    assert diagnosed(LINEAR, lambda g, sizes, point: {"w": g["w"]}) == ""
    assert diagnosed(LINEAR, every(lambda g: g * np.inf)) == ""
    assert diagnosed(LINEAR, every(lambda g: g * np.nan)) == ""


def test_of_two_points_nothing_is_said():
    assert explanations(list(claims(LINEAR, every(lambda g: 2 * g)))[:2]) == []


def test_a_transpose_of_one_entry_is_no_explanation():
    """W is 1 x 1 at every point: nothing tells it from its transpose, and the factor is all there is to see."""
    problem = Problem(
        name="one by one",
        loss=lambda p, d: np.sum((p["W"] * d["x"]) ** 2),
        sizes={"m": (1, 9)},
        draw=lambda s, rng: ({"W": rng.normal(size=(1, 1))}, {"x": rng.normal(size=s["m"])}),
    )
    twice = [Evidence(problem, p, k, {"W": 2 * k.gradients["W"].astype(float)}) for p, k in probes(problem)[:3]]
    assert explanations(twice)[0].words == "twice the exact one"
    right = [Evidence(problem, p, k, {"W": k.gradients["W"].astype(float).T}) for p, k in probes(problem)[:3]]
    assert explanations(right) == []
