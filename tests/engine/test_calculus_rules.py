"""The calculus of sums and deltas, rule by rule: a normal form keeps the value, samples are what they should be."""

from __future__ import annotations

import random

import mpmath
import pytest
import sympy as sp
from mpmath import mp
from sympy import exp, tanh

from gradproof.symbolic import (
    Disproved,
    Undecided,
    arrays,
    delta,
    equal,
    gradient,
    index,
    normal_form,
    scalars,
    sigmoid,
    sizes,
    total,
)
from gradproof.symbolic.samples import Unusable, samples
from gradproof.symbolic.sums import cancels

m, n, T = sizes("m n T")
i, j, q = index("i", m), index("j", m), index("q", m)
t, s = index("t", lower=1, upper=T), index("s", lower=1, upper=T)
W, u, x, h, y, g = arrays("W u x h y g")
v, z = scalars("v z")

# Equal formulas, written differently ----------------------------------------------------------------------------------


class Writer:
    """Writes one formula at random, and the same again in other words."""

    def __init__(self, seed):
        self.rng, self.fresh = random.Random(seed), 0

    def index(self, steps=False):
        self.fresh += 1
        return index(f"k{self.fresh}", lower=1, upper=T) if steps else index(f"k{self.fresh}", m)

    def written(self, parts):
        """A sum of products under sums; parts: for each product its factors as functions of two units and a step."""
        terms = []
        for number, factors in self.shuffled(parts):
            a, b, c = self.index(), self.index(), self.index(steps=True)
            product = [self.factor(factor(a, b, c), (a, b)) for factor in self.shuffled(factors)]
            over = [a, b, c]
            if self.rng.random() < 0.4:  # the last sum around one factor that has its index, and not around the others
                inside = sp.Mul(*[f for f in product if f.has(c)])
                outside = sp.Mul(*[f for f in product if not f.has(c)])
                terms.append(number * total(outside * total(inside, c), *self.shuffled([a, b])))
            else:
                terms.append(number * total(sp.Mul(*product), *self.shuffled(over)))
        return sp.Add(*terms)

    def factor(self, factor, units):
        """A factor as it is, or with a delta in place of one of its indices."""
        a = self.rng.choice(units)
        if not factor.has(a) or self.rng.random() < 0.5:
            return factor
        other = self.index()
        return total(delta(a, other) * factor.xreplace({a: other}), other)

    def shuffled(self, parts):
        return self.rng.sample(parts, len(parts))


FACTORS = [
    lambda a, b, c: W[a, b],
    lambda a, b, c: W[b, a],
    lambda a, b, c: u[a],
    lambda a, b, c: x[b],
    lambda a, b, c: h[c, a],
    lambda a, b, c: h[c - 1, b],
    lambda a, b, c: tanh(u[a] * x[q]),
    lambda a, b, c: delta(a, b),
    lambda a, b, c: delta(b, q),
    lambda a, b, c: x[q],
    lambda a, b, c: v,
]


def parts(seed):
    rng = random.Random(seed)
    return [(rng.choice((1, -2, m)), rng.sample(FACTORS, rng.randint(2, 4))) for _ in range(rng.randint(1, 2))]


def at_samples(expr, count=4):
    """The value of an expression at a few samples, each of which draws the same whatever the expression is."""
    everything = total(W[i, j] * u[i] * x[i], i, j) + total(h[t, i] + h[t - 1, i], t, i) + v + x[q]
    for _, sample in zip(range(count), samples(), strict=False):
        sample.value(everything)
        yield sample.value(expr)


@pytest.mark.parametrize("seed", range(40))
def test_formulas_that_differ_in_their_words_have_one_normal_form_and_one_value(seed):
    first, second = (Writer(k).written(parts(seed)) for k in (seed, seed + 1000))
    form = normal_form(first)
    assert form == normal_form(second)
    for before, after in zip(at_samples(first), at_samples(form), strict=True):
        assert abs(before - after) < mp.mpf(10) ** -40 * (1 + abs(before))


@pytest.mark.parametrize("seed", range(12))
def test_a_derivative_is_proved_and_refuted_when_a_term_is_added(seed):
    loss = Writer(seed).written(parts(seed)).xreplace({q: sp.S.Zero})
    derivative = sp.expand(loss.diff(x[q]))
    gradient("as SymPy has it", loss, x[q], derivative)
    with pytest.raises(Disproved, match="Counterexample"):
        gradient("and a little more", loss, x[q], derivative + total(u[i], i) / 7)


@pytest.mark.parametrize(
    ("remainder", "zero"),
    [
        (sp.S.Zero, True),
        (total(1 / u[i] - 1 / (u[i] + 1) - 1 / (u[i] * (u[i] + 1)), i), True),
        (total(u[i] / (u[i] + 1), i) - m + total(1 / (u[i] + 1), i), False),  # zero, but not sum by sum
        (v / (v + z) + z / (v + z) - 1, True),
        (v * total(u[i], i) - v * total(u[i], i) + z, False),
        (total(u[i], i) * total(x[i], i), False),
        (total(u[i], i) ** 2 - total(u[i], i), False),
        (v * total(u[i] ** 2 / u[i] - u[i], i), True),
    ],
    ids=str,
)
def test_what_cancels_by_rational_arithmetic_is_zero(remainder, zero):
    assert cancels(remainder) is zero


@pytest.mark.parametrize("ends", [{"lower": j, "upper": m}, {"lower": 0, "upper": j}])
def test_a_sum_between_ends_that_depend_on_an_index_is_undecided(ends):
    inner = index("inner", **ends)
    with pytest.raises(Undecided, match="depend on another index: not supported"):
        normal_form(total(u[inner], inner, j))


@pytest.mark.parametrize(
    ("over", "count"),
    [(i, m), (t, T), (index("r", lower=2, upper=m + 3), m + 2), (index("e", lower=1, upper=T - 1), T - 1)],
)
def test_a_sum_over_an_index_that_does_not_occur_counts_its_values(over, count):
    assert sp.expand(normal_form(total(v, over)) - count * v) == 0


def test_an_index_that_may_have_no_value_at_all_is_not_counted():
    with pytest.raises(Undecided, match="how many values are there"):
        normal_form(total(v, index("e", lower=m, upper=T)))


@pytest.mark.parametrize(
    ("formula", "form"),
    [
        (total(delta(t, s - 1) * h[t, 0], t, s), "undecided"),
        (total(delta(2 * i, q) * u[i], i), "does not fix i to one value"),
        (total(delta(i, j) * delta(j, q) * u[i], i, j), u[q]),
        (total(delta(i, q) * delta(i, q + m) * u[i], i), 0),
        (total(delta(m - 1 - i, q) * u[i], i), u[m - 1 - q]),
        (total(delta(i, -1) * u[i], i), 0),
        (total(delta(i, m - 1) * u[i], i), u[m - 1]),
        (total(delta(t, T) * h[t - 1, 0], t), h[T - 1, 0]),
        (delta(q, q + 1) * u[q], 0),
    ],
    ids=str,
)
def test_a_delta_picks_the_one_value_that_it_leaves(formula, form):
    if isinstance(form, str):
        with pytest.raises(Undecided):
            normal_form(formula)
    else:
        assert normal_form(formula) == form


# Side conditions ------------------------------------------------------------------------------------------------------

ROWS = {total(W[i, j], j): 1}


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (total(W[q, j], j), 1),
        (total(u[i] * W[i, j], i, j), total(u[i], i)),
        (total(W[0, j] * v, j), v),
    ],
    ids=str,
)
def test_a_side_condition_is_used_for_every_value_of_its_free_index(left, right):
    equal("by the condition", left, right, given=ROWS)
    with pytest.raises(Disproved):
        equal("without it", left, right)


@pytest.mark.parametrize(
    "left", [total(W[j, q], j), total(W[q, j] * u[j], j), total(W[j, j], j), total(W[q, j] ** 2, j)], ids=str
)
def test_a_side_condition_says_nothing_about_other_sums(left):
    with pytest.raises(Disproved):
        equal("not by the condition", left, 1, given=ROWS)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({total(W[i, j], i, j): 1}, "the sum of one array over one index"),
        ({total(u[j] * x[j], j): 1}, "the sum of one array over one index"),
        ({u[q]: 1}, "the sum of one array over one index"),
        ({total(W[i, j], j): i}, "may not depend on one"),
    ],
)
def test_a_side_condition_of_another_form_is_refused(given, message):
    with pytest.raises(TypeError, match=message):
        normal_form(v, given)


# Samples --------------------------------------------------------------------------------------------------------------


def test_samples_have_all_kinds_of_sizes_and_small_ones_first():
    drawn = [(int(sample.value(m)), int(sample.value(n))) for sample in samples()]
    assert drawn[:2] == [(1, 1), (2, 2)]
    assert any(a < b for a, b in drawn)
    assert any(a > b for a, b in drawn)


def test_a_sample_keeps_its_values_and_draws_each_kind_as_declared():
    positive = scalars("p", positive=True)[0]
    for sample in samples():
        sample.value(m)
        first = sample.value(u[0])
        assert sample.value(u[0]) == first != 0
        assert sample.value(u[0] + v) == first + sample.value(v)
        assert 0 < sample.value(positive) <= 2
        assert 0 <= sample.value(i) < sample.value(m)
        assert 1 <= sample.value(t) <= sample.value(T)
        assert abs(first) <= 2
    assert {sample.value(v) > 0 for sample in samples()} == {True, False}


@pytest.mark.parametrize(
    ("expr", "at"),
    [
        (sp.Rational(1, 3) * v, lambda v: v / 3),
        (v**2 - 3 * v, lambda v: v * v - 3 * v),
        (v**-2, lambda v: 1 / v**2),
        (sp.sqrt(v**2 + 1), lambda v: mpmath.sqrt(v * v + 1)),
        (tanh(v) + exp(-v), lambda v: mpmath.tanh(v) + mpmath.exp(-v)),
        (sigmoid(v), lambda v: 1 / (1 + mpmath.exp(-v))),
        (sp.pi * v, lambda v: mpmath.pi * v),
        (total(i * v, i) + 0 * m, None),
        (delta(1, 1) * v + delta(1, 2), lambda v: v),
    ],
    ids=lambda value: str(value) if isinstance(value, sp.Basic) else "as",
)
def test_a_value_is_that_of_the_formula(expr, at):
    for sample in samples():
        with mp.workdps(50):
            size = sample.value(m)
            expected = at(sample.value(v)) if at else sample.value(v) * size * (size - 1) / 2
            assert abs(sample.value(expr) - expected) <= mp.mpf(10) ** -45 * (1 + abs(expected))


@pytest.mark.parametrize(
    ("expr", "slope"), [(v**3, 3 * v**2), (tanh(v * z), z * (1 - tanh(v * z) ** 2)), (total(v ** (i + 1), i), None)]
)
def test_a_slope_is_the_derivative(expr, slope):
    for sample in samples():
        exactly = sample.value(slope if slope is not None else total((i + 1) * v**i, i))
        before = sample.value(v)
        assert abs(sample.slope(expr, v) - exactly) < mp.mpf(10) ** -25 * (1 + abs(exactly))
        assert sample.value(v) == before


@pytest.mark.parametrize("expr", [sp.Function("f")(v), total(1 / i, i), total(sp.log(i), i)], ids=str)
def test_what_has_no_value_is_unusable(expr):
    with pytest.raises(Unusable):
        next(iter(samples())).value(expr)


def test_a_claim_that_cancels_but_has_no_number_anywhere_is_undecided():
    f = sp.Function("f")(z)
    with pytest.raises(Undecided, match="could be evaluated at no sample"):
        equal("of an unknown function", 2 * f - f, f)


def test_a_sample_draws_sums_as_a_side_condition_demands():
    for sample in samples(given={total(W[i, j], j): 2}):
        size = sample.value(m)
        assert abs(sample.value(total(W[0, j], j)) - 2) < 1e-40
        assert all(sample.value(W[0, k]) > 0 for k in range(size))


def test_a_name_means_what_it_is_short_for_where_it_is_defined():
    names = {tanh(u[t]): h[t, 0]}
    for sample in samples(names=names):
        assert abs(sample.value(h[1, 0]) - sample.value(tanh(u[1]))) < 1e-40
        assert sample.value(h[0, 0]) != sample.value(tanh(u[0]))
    with pytest.raises(TypeError, match=r"h\[0, 0\] is short for .* which depends on"):
        next(iter(samples(names={tanh(u[t]): h[0, 0]})))
