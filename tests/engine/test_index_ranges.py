"""What the declared ranges settle about an index is true at every size, and what they do settle is found."""

from __future__ import annotations

import itertools
import random

import pytest
import sympy as sp

from gradproof.symbolic import Undecided, index, sizes
from gradproof.symbolic.indices import differ, inside, is_never_negative
from gradproof.symbolic.lowering.ranges import covered, never_negative, span, within

n, m = sizes("n m")
i, j = index("i", n), index("j", lower=1, upper=m)
k = index("k", lower=i, upper=n)
SYMBOLS = (n, m, i, j, k)

PLACES = [
    (n_, m_, i_, j_, k_)
    for n_, m_ in itertools.product((1, 2, 3, 4, 30), repeat=2)
    for i_ in {0, n_ // 2, n_ - 1}
    for j_ in {1, m_ // 2 + 1, m_}
    for k_ in {i_, n_}
]
"""Values of all the symbols: the ends of their ranges, of which none is empty, at sizes from 1 to 30."""


def least(expr):
    """The least value of an expression at these places."""
    value = sp.lambdify(SYMBOLS, expr, "math")
    return min(value(*place) for place in PLACES)


def affine(rng):
    coefficients = [rng.choice((-1, 0, 0, 0, 1, 2)) for _ in SYMBOLS]
    return sp.Add(*[c * symbol for c, symbol in zip(coefficients, SYMBOLS, strict=True)]) + rng.randint(-2, 2)


@pytest.mark.parametrize("decide", [is_never_negative, never_negative])
def test_what_is_never_negative_is_told_exactly_where_ends_depend_on_sizes_alone(decide):
    rng = random.Random(0)
    answers = []
    for expr in (affine(rng) for _ in range(400)):
        answers.append(decide(expr))
        assert answers[-1] is bool(least(expr) >= 0), expr
    assert 20 < sum(answers) < 380


def test_of_maxima_and_minima_only_what_is_true_is_said():
    rng = random.Random(1)
    answers = []
    for _ in range(50):
        extremes = [kind(affine(rng), affine(rng)) * rng.choice((-1, 1, 2)) for kind in (sp.Max, sp.Min)]
        expr = sp.Add(*extremes[: rng.choice((1, 1, 2))]) + affine(rng)
        answers.append(never_negative(expr))
        assert not answers[-1] or least(expr) >= 0, expr
    assert sum(answers) > 5


@pytest.mark.parametrize(
    "expr",
    [
        sp.Max(n, 3) - 3,
        sp.Max(n - 4, 0),
        n - sp.Min(n, 3),
        sp.Max(n, m) - sp.Min(n, m),
        sp.Min(n, m) - 1,
        sp.Max(sp.Min(n, 3), m) - 1,
        sp.Max(i, 3) - i,
        2 * sp.Max(n, 2) - 4,
        sp.Max(n, m) - m,
        m - index("t", lower=sp.Min(1, m), upper=sp.Min(n, m)),
        index("t", lower=sp.Max(n, 2), upper=n + m + 1) - 2,
    ],
    ids=str,
)
def test_a_maximum_is_no_less_than_its_parts_and_a_minimum_no_more(expr):
    assert never_negative(expr)
    assert not never_negative(expr - 1)


@pytest.mark.parametrize(
    "expr",
    [
        sp.Symbol("z", integer=True),
        sp.Symbol("r", positive=True) - 1,
        n * i - i,
        sp.Rational(1, 2) * i,
        n - sp.sqrt(2) * i,
    ],
    ids=str,
)
def test_nothing_is_said_of_what_is_no_integer_combination_of_indices_and_sizes(expr):
    assert not is_never_negative(expr)


def test_nothing_is_said_of_an_index_inside_of_a_maximum_whose_own_ends_are_maxima():
    late = index("late", lower=sp.Max(1, n - m), upper=n)
    assert not never_negative(sp.Max(late, m))
    assert never_negative(late - 1)
    assert not never_negative(sp.Max(n, 2) ** 2)


# Two places ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "answer"),
    [(n - 1, True), (sp.S.Zero, True), (i, True), (n, False), (-sp.S.One, False), (i + n, False), (i - n, False)],
    ids=str,
)
def test_a_place_is_inside_a_range_or_not(place, answer):
    assert inside(place, index("s", n)) is answer


@pytest.mark.parametrize("place", [i + 1, i - 1, n - 2, m, sp.S.One], ids=str)
def test_a_place_that_is_inside_at_some_sizes_only_is_undecided(place):
    with pytest.raises(Undecided, match=r"in the range 0\.\.n - 1"):
        inside(place, index("s", n))


@pytest.mark.parametrize(
    ("first", "second", "answer"),
    [(i, i + 1, True), (i, i - 2, True), (i, n, True), (n, i, True), (i, i, False), (i, n - 1, False), (i, j, False)],
)
def test_places_that_always_differ_are_told(first, second, answer):
    assert differ(first, second) is answer


@pytest.mark.parametrize(
    ("place", "first", "last", "answer"),
    [(i, 0, n - 1, True), (i + 1, 1, n, True), (i, 1, n - 1, False), (i + 1, 0, n - 1, False), (j, 0, m, True)],
)
def test_a_read_is_within_its_array(place, first, last, answer):
    assert within(place, first, last) is answer


def test_an_index_spans_its_range_also_when_it_is_shifted():
    assert span(j) == (1, m)
    assert span(j + 2) == (3, m + 2)
    assert span(n) == (n, n)


@pytest.mark.parametrize(
    ("axis", "parts", "answer"),
    [
        ((0, n), [(0, n)], True),
        ((0, n), [(0, 0), (1, n)], True),
        ((0, n), [(1, n), (0, 0)], True),
        ((0, n), [(0, n - 1), (n, n)], True),
        ((0, n), [(0, n - 1)], False),
        ((0, n), [(1, n)], False),
        ((0, n), [(0, 0), (2, n)], False),
        ((1, n), [(0, n + 1)], True),
        ((0, n), [], False),
        ((1, 0), [], True),
    ],
    ids=str,
)
def test_an_axis_is_covered_by_parts_that_follow_each_other(axis, parts, answer):
    axis = tuple(map(sp.sympify, axis))
    assert covered(axis, [tuple(map(sp.sympify, part)) for part in parts]) is answer
