"""The points that are tried: what each place says of its values is true of them, and nothing that tells is left out."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import strategies as st

from gradproof import InvalidProblem, Place, Problem
from gradproof.bound import is_float
from gradproof.sampling import (
    BUDGETS,
    DTYPES,
    LAYOUTS,
    REGIMES,
    draw_point,
    edge_sizes,
    middle_sizes,
    pinned_places,
    random_place,
    regimes_of,
    search,
    smaller_places,
)

SIZES = {"m": (1, 5), "n": (2, 4)}


def draw(sizes, rng):
    m, n = sizes["m"], sizes["n"]
    return {"W": rng.normal(size=(m, n))}, {"x": rng.normal(size=n), "y": rng.normal(size=m), "k": 7}


LOSS = Problem(name="loss", sizes=SIZES, draw=draw, loss=lambda p, d: np.sum(p["W"] @ d["x"]), fixed=("y",))
LAYER = Problem(
    name="layer", sizes=SIZES, draw=draw, output=lambda p, d: {"z": p["W"] @ d["x"], "s": np.sum(p["W"], axis=0)}
)
MIDDLE = Place.of({"m": 3, "n": 4}, seed=1)

# Regimes --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REGIMES)
def test_a_regime_multiplies_what_its_name_says_and_nothing_else(name):
    what, _, factor = name.partition(" x ")
    scaled = {"params": 1.0, "data": 1.0}
    if factor:
        scaled["params" if what == "parameters" else what] = float(factor)
    elif name.startswith("zero "):
        scaled["params" if name.endswith("parameters") else "data"] = 0.0
    plain, point = draw_point(LOSS, MIDDLE), draw_point(LOSS, replace(MIDDLE, regime=name))
    np.testing.assert_allclose(point.params["W"], plain.params["W"] * scaled["params"], rtol=1e-15)
    np.testing.assert_allclose(point.data["x"], plain.data["x"] * scaled["data"], rtol=1e-15)
    np.testing.assert_array_equal(point.data["y"], plain.data["y"])
    assert point.data["k"] == 7


def test_upstream_is_one_entry_of_one_part_in_one_regime_and_uniform_in_none():
    chosen = set()
    for seed in range(40):
        parts = list(draw_point(LAYER, replace(MIDDLE, seed=seed, regime="one-hot upstream")).upstream.values())
        entries = np.concatenate(parts)
        assert sorted(entries)[-2:] == [0, 1]
        chosen.add(int(np.argmax(entries)))
        dense = np.concatenate(list(draw_point(LAYER, replace(MIDDLE, seed=seed)).upstream.values()))
        assert len(set(dense)) == dense.size
    assert len(chosen) > 5


def test_only_a_layer_has_a_one_hot_upstream():
    assert set(regimes_of(LAYER)) - set(regimes_of(LOSS)) == {"one-hot upstream"}
    assert regimes_of(LAYER) == list(REGIMES)


def test_budgets_are_those_that_verify_promises():
    assert {name: budget.random for name, budget in BUDGETS.items()} == {"quick": 20, "standard": 100, "thorough": 500}
    assert [budget.witness_every for budget in BUDGETS.values()] == [3, 2, 1]
    assert all(budget.name == name for name, budget in BUDGETS.items())


# Pinned places --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("problem", [LOSS, LAYER], ids=repr)
def test_every_regime_layout_and_edge_is_pinned_in_both_dtypes(problem):
    places = list(pinned_places(problem))
    assert [place.seed for place in places] == list(range(len(places)))
    middle = {(p.regime, p.layout, p.dtype) for p in places if dict(p.sizes) == middle_sizes(problem)}
    assert middle >= {(regime, "C", dtype) for regime in regimes_of(problem) for dtype in DTYPES}
    assert middle >= {("ordinary", layout, dtype) for layout in LAYOUTS for dtype in DTYPES}
    plain = [p for p in places if (p.regime, p.layout) == ("ordinary", "C")]
    edges = {(tuple(sizes.items()), dtype) for sizes in edge_sizes(problem) for dtype in DTYPES}
    assert {(p.sizes, p.dtype) for p in plain} >= edges
    assert dict(places[0].sizes) == middle_sizes(problem)


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ({"m": (1, 9), "n": (1, 8)}, {"m": 3, "n": 4}),
        ({"m": (1, 9), "n": (1, 8), "k": (1, 8)}, {"m": 3, "n": 4, "k": 5}),
        ({"m": (5, 9), "n": (1, 8)}, {"m": 5, "n": 3}),
        ({"m": (1, 2), "n": (1, 2)}, {"m": 2, "n": 2}),
        ({"m": (1, 3), "n": (1, 3)}, {"m": 3, "n": 3}),
        ({"m": (1, 1), "n": (1, 4)}, {"m": 1, "n": 3}),
        ({"m": (1, 3), "n": (1, 4)}, {"m": 3, "n": 4}),
        ({}, {}),
    ],
)
def test_middle_sizes_are_small_and_different_where_the_ranges_allow(ranges, expected):
    assert middle_sizes(replace(LOSS, sizes=ranges)) == expected


def test_edges_are_each_size_least_and_most_alone_and_together_square_and_the_problems_own():
    problem = replace(LOSS, pinned=({"m": 48, "n": 3},))
    assert edge_sizes(problem) == [
        {"m": 1, "n": 2},  # least
        {"m": 5, "n": 4},  # most
        {"m": 3, "n": 3},  # square
        {"m": 1, "n": 4},  # one least
        {"m": 3, "n": 2},
        {"m": 5, "n": 2},  # one most
        {"m": 48, "n": 3},  # its own; m = 1, n = 4 is there already
    ]
    assert edge_sizes(replace(LOSS, sizes={})) == [{}]


def test_a_square_keeps_to_the_ranges():
    assert {"m": 2, "n": 4} in edge_sizes(replace(LOSS, sizes={"m": (1, 2), "n": (4, 6)}))


# Random places --------------------------------------------------------------------------------------------------------


def drawn_places(strategy, count):
    """So many places as the search draws them."""
    seen = []

    def look(place):
        seen.append(place)
        return False

    assert search(strategy, look, count, seed=1) is None
    return seen


def test_random_places_are_half_ordinary_and_leave_nothing_out():
    places = drawn_places(random_place(LAYER), 600)
    regimes = Counter(place.regime for place in places)
    assert regimes.keys() == set(REGIMES)
    assert 0.4 < regimes["ordinary"] / len(places) < 0.7
    assert Counter(place.dtype for place in places).keys() == set(DTYPES)
    layouts = Counter(place.layout for place in places)
    assert layouts.keys() == set(LAYOUTS)
    assert layouts["C"] > 2 * layouts["F"]
    for name, (low, high) in SIZES.items():
        assert {dict(place.sizes)[name] for place in places} == set(range(low, high + 1))


def test_the_same_seed_searches_the_same_places_and_another_one_others():
    def first(seed):
        seen = []
        search(random_place(LOSS), lambda place: seen.append(place) or False, 20, seed)
        return seen

    assert first(3) == first(3) != first(4)


def test_what_is_found_is_shrunk_and_fails():
    found = search(st.integers(0, 1000), lambda n: n >= 17, 200, seed=0)
    assert found == 17


def test_smaller_places_are_no_larger_in_any_size_and_alike_otherwise():
    large = Place.of({"m": 4, "n": 3}, seed=99, regime="data x 30", dtype="float32", layout="F")
    places = drawn_places(smaller_places(LOSS, large), 200)
    assert {dict(p.sizes)["m"] for p in places} == {1, 2, 3, 4}
    assert {dict(p.sizes)["n"] for p in places} == {2, 3}
    assert all(replace(p, sizes=large.sizes, seed=99) == large for p in places)


def test_sizes_pinned_below_their_range_get_no_larger():
    places = drawn_places(smaller_places(LOSS, Place.of({"m": 1, "n": 1})), 5)
    assert {place.sizes for place in places} == {(("m", 1), ("n", 1))}


# Draws ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrays_lie_in_memory_as_the_place_says(layout):
    point = draw_point(LOSS, replace(MIDDLE, layout=layout))
    W, x = point.params["W"], point.data["x"]
    assert W.flags["C_CONTIGUOUS"] is (layout == "C")
    assert W.flags["F_CONTIGUOUS"] is (layout == "F")
    assert x.flags["C_CONTIGUOUS"] is (layout != "strided")
    np.testing.assert_array_equal(W, draw_point(LOSS, MIDDLE).params["W"])


def test_a_number_too_large_for_float32_is_infinite_there():
    made = replace(LOSS, draw=lambda sizes, rng: ({"w": np.array([1e300, 1.0])}, {}))
    assert draw_point(made, replace(MIDDLE, dtype="float32")).params["w"].tolist() == [np.inf, 1]


def test_integers_are_handed_over_in_arrays_of_their_own_and_floats_are_scaled_in_float64():
    labels, wide = np.array([1, 2]), np.array([0.1, 0.7], np.float32)
    made = replace(LOSS, draw=lambda sizes, rng: ({"w": wide}, {"labels": labels}))
    point = draw_point(made, replace(MIDDLE, regime="parameters x 1e-3"))
    np.testing.assert_array_equal(point.params["w"], wide.astype(np.float64) * 1e-3)
    assert point.data["labels"].tolist() == [1, 2]
    assert not np.shares_memory(point.data["labels"], labels)


@pytest.mark.parametrize(
    "drawn",
    [
        lambda params, data: (params, data, {}),
        lambda params, data: (params,),
        lambda params, data: [params, data],
        lambda params, data: (params, list(data)),
        lambda params, data: (list(params), data),
        lambda params, data: params,
    ],
)
def test_a_draw_that_is_not_two_mappings_is_named(drawn):
    bad = replace(LOSS, draw=lambda sizes, rng: drawn(*draw(sizes, rng)))
    with pytest.raises(InvalidProblem, match=r"loss: draw must return \(params, data\), two mappings"):
        draw_point(bad, MIDDLE)


def test_any_two_parameters_that_share_memory_are_named():
    def sharing(sizes, rng):
        both = rng.normal(size=4)
        return {"a": rng.normal(size=2), "b": both[:2], "c": rng.normal(size=2), "d": both[1:3]}, {}

    with pytest.raises(InvalidProblem, match="parameters 'b' and 'd' share memory"):
        draw_point(replace(LOSS, draw=sharing), MIDDLE)


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        (0.5, True),
        (np.float64(0.5), True),
        (np.float32(0.5), True),
        (np.longdouble(0.5), True),
        (np.ones(2, np.float32), True),
        (1, False),
        (True, False),
        (np.int64(1), False),
        (np.ones(2, int), False),
        (np.ones(2, bool), False),
        (np.ones(2, complex), False),
        ("0.5", False),
        ([0.5], False),
        (None, False),
    ],
)
def test_what_takes_part_in_the_arithmetic_is_a_float(value, answer):
    assert is_float(value) is answer
