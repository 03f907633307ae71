"""Formulas made at random, and the places and functions they are made of, are lowered to what they say."""

import random

import mpmath
import numpy as np
import pytest
import sympy as sp
from mpmath import mp
from sympy import Max, Min, Rational, exp, log, sqrt, tanh

from gradproof.symbolic import arrays, delta, index, relu, runtime, scalars, sigmoid, sizes, total
from gradproof.symbolic.lowering import CannotLower, WrongInputs, lower
from gradproof.symbolic.lowering.code import Code, added, common_axes, contraction, quotient
from gradproof.symbolic.system import Equation, System, axes
from tests.engine.test_lowering import Interpreter, exact, far, one

n, m = sizes("n m")
i, j = index("i", n), index("j", m)
A, B, x, y = arrays("A B x y")
(w,) = scalars("w")
INPUTS = {"A": (A, axes(n, m)), "B": (B, axes(m, m)), "x": (x, axes(n)), "y": (y, axes(m)), "w": (w, ())}


@pytest.fixture(autouse=True)
def _fifty_digits():
    with mp.workdps(50):
        yield


# Formulas at random ---------------------------------------------------------------------------------------------------


class Random:
    """Makes formulas in the free indices i and j, or in fewer."""

    def __init__(self, seed):
        self.rng, self.bound = random.Random(seed), 0

    def formula(self, depth, free):
        kinds = ["leaf"] if depth == 0 else ["sum", "product", "quotient", "total", "function", "power", "extreme"]
        return getattr(self, self.rng.choice(kinds))(depth - 1, free)

    def index(self, free, span):
        """An index of this range: a free one where there is one."""
        same = [k for k in free if (k.lower, k.upper) == (span.lower, span.upper)]
        return self.rng.choice(same) if same else sp.S.Zero

    def leaf(self, _, free):
        rows, columns = self.index(free, i), self.index(free, j)
        return self.rng.choice(
            [A[rows, columns], B[columns, self.index(free, j)], x[rows], y[columns], w, delta(rows, columns), sp.S.One,
             Rational(2, 3), n, m - 1, sp.sympify(rows) + 1]
        )  # fmt: skip

    def sum(self, depth, free):
        return self.formula(depth, free) + self.rng.choice((1, -1, 2)) * self.formula(depth, free)

    def product(self, depth, free):
        return self.rng.choice((1, -1)) * self.formula(depth, free) * self.formula(depth, free)

    def quotient(self, depth, free):
        return self.formula(depth, free) / self.rng.choice((n, m + n, 1 + x[self.index(free, i)] ** 2, sp.Integer(3)))

    def total(self, depth, free):
        self.bound += 1
        over = index(f"k{self.bound}", self.rng.choice((n, m)))
        return total(self.formula(depth, (*free, over)), over)

    def function(self, depth, free):
        return self.rng.choice((tanh, sigmoid, relu, sp.sin, exp))(tanh(self.formula(depth, free)))

    def power(self, depth, free):
        return self.rng.choice((lambda e: e**2, lambda e: e**3, lambda e: sqrt(1 + e**2), lambda e: 1 / (2 + e**2)))(
            self.formula(depth, free)
        )

    def extreme(self, depth, free):
        return self.rng.choice((Max, Min))(self.formula(depth, free), self.rng.choice((sp.S.Zero, w, sp.S.One)))


DATA = np.random.default_rng(0)
VALUES = {
    "A": DATA.normal(size=(3, 4)),
    "B": DATA.normal(size=(4, 4)),
    "x": DATA.normal(size=3),
    "y": DATA.normal(size=4),
    "w": np.array(0.625),
}


@pytest.mark.parametrize("seed", range(80))
def test_a_formula_at_random_is_computed_element_by_element(seed):
    free = ((), (i,), (i, j), (j, i))[seed % 4]
    system = one(Random(seed).formula(3, free), INPUTS, *free)
    assert far(lower(system)(VALUES), Interpreter(system, VALUES).run()) < 1e-12
    assert far(lower(system)(exact(VALUES)), Interpreter(system, VALUES).run()) < 1e-40


def test_a_product_of_exponentials_over_their_sums_stays_finite_where_each_is_saturated():
    p, q = index("p", n), index("q", m)
    both = exp(1000 * x[i]) / total(exp(1000 * x[p]), p) * exp(1000 * y[j]) / total(exp(1000 * y[q]), q)
    found = lower(one(both, INPUTS, i, j))(VALUES)["g"]
    expected = np.zeros((3, 4))
    expected[np.argmax(VALUES["x"]), np.argmax(VALUES["y"])] = 1
    np.testing.assert_allclose(found, expected, atol=1e-30)
    square = (exp(1000 * x[i]) / total(exp(1000 * x[p]), p)) ** 2
    np.testing.assert_allclose(lower(one(square, INPUTS, i))(VALUES)["g"], expected.max(axis=1), atol=1e-30)


@pytest.mark.parametrize("value", [1 - sigmoid(w), sigmoid(w) - 1, log(sigmoid(w)), log(1 + exp(w)), 1 / (1 + exp(w))])
@pytest.mark.parametrize("at", [-800.0, -30.0, 0.5, 30.0, 800.0])
def test_a_sigmoid_keeps_its_digits_where_it_is_saturated(value, at):
    found = lower(one(value, {"w": (w, ())}))({"w": np.array(at)})["g"].item()
    with mp.workdps(800):
        right = Interpreter(one(value, {"w": (w, ())}), {"w": np.array(at)}).run()["g"].item()
        assert abs(mp.mpf(found) - right) <= 1e-12 * abs(right) + mp.mpf(10) ** -320


@pytest.mark.parametrize(
    "value",
    [
        3 - sigmoid(w),
        5 + sigmoid(w),
        exp(w) / total(tanh(1 + x[index("p", n)]), index("p", n)),
        exp(w) / total(exp(w), index("p", n)),
        exp(x[i]) / total(exp(x[index("p", n)]) + 1, index("p", n)),
        log(2 + exp(w)),
        log(1 + w**2) * exp(w),
        1 / (2 + exp(w)),
        total(w, index("e", lower=m, upper=n)),
        total(w, index("e", lower=n, upper=m)),
        total(w, index("e", lower=m + 1, upper=n)),
        sp.Piecewise((1, w > 0), (0, True)) / n,
        sp.Piecewise((w, w < 0), (x[i], w >= 1), (2, True)),
    ],
    ids=str,
)
def test_what_looks_like_a_stable_form_or_a_count_and_is_none_keeps_its_value(value):
    free = (i,) if value.has(x[i]) else ()
    system = one(value, INPUTS, *free)
    assert far(lower(system)(exact(VALUES)), Interpreter(system, VALUES).run()) < 1e-40


def test_a_case_that_is_no_inequality_is_refused():
    for condition in (sp.Ne(w, 0), sp.And(w > 0, w < 1)):
        with pytest.raises(CannotLower, match="the cases of"):
            lower(one(sp.Piecewise((w, condition), (1, True)), INPUTS))


# Places ---------------------------------------------------------------------------------------------------------------


def test_an_array_may_be_as_long_as_a_multiple_of_a_size():
    s, later = index("s", 2 * n), index("r", lower=n, upper=2 * n - 1)
    system = System(
        (Equation(y[i], x[i]), Equation(y[later], x[later - n] ** 2), Equation(A[s], y[s] + s)),
        {"x": (x, axes(n))},
        {"y": y, "A": A},
        computed={y: axes(2 * n)},
    )
    found = lower(system)({"x": np.array([3.0, 5.0])})
    assert found["y"].tolist() == [3, 5, 9, 25]
    assert found["A"].tolist() == [3, 6, 11, 28]


def test_a_loop_may_read_every_second_place():
    t = index("t", lower=1, upper=n)
    steps = (Equation(y[0], 0), Equation(y[t], y[t - 1] + x[2 * t], along=t))
    system = System(steps, {"x": (x, axes((1, 2 * n))), "n": (n, ())}, {"y": y}, computed={y: axes((0, n))})
    assert lower(system)({"x": np.arange(1.0, 7.0), "n": 3})["y"].tolist() == [0, 2, 6, 12]


def test_an_array_is_filled_part_by_part_along_one_axis():
    inputs = {"x": (x, axes(n))}
    fixed = (Equation(A[0, i], x[i]), Equation(A[1, i], 2 * x[i]))
    system = System(fixed, inputs, {"A": A}, computed={A: axes(2, n)})
    assert lower(system)({"x": np.array([3.0, 5.0])})["A"].tolist() == [[3, 5], [6, 10]]
    p = index("p", 2)
    crossed = System((fixed[0], Equation(A[p, 0], w)), {**inputs, "w": (w, ())}, {"A": A}, computed={A: axes(2, n)})
    with pytest.raises(CannotLower, match="along two axes"):
        lower(crossed)


@pytest.mark.parametrize(
    ("length", "found", "size"), [(n + 1, 4, 3), (n - 1, 4, 5), (n, 4, 4), (2, 2, None), (n + 2, 4, 2)]
)
def test_a_size_is_read_off_a_length_that_is_more_or_less(length, found, size):
    if size is None:
        system = one(x[0], {"x": (x, axes(length))})
        assert lower(system)({"x": np.arange(found)})["g"] == 0
    else:
        system = one(n * w, {"x": (x, axes(length)), "w": (w, ())})
        assert lower(system)({"x": np.zeros(found), "w": np.array(10.0)})["g"] == 10 * size


def test_a_size_is_read_off_whichever_axis_tells_it():
    system = one(n * w, {"A": (A, axes(3, n)), "w": (w, ())})
    assert lower(system)({"A": np.zeros((3, 5)), "w": np.array(10.0)})["g"] == 50


def test_a_positive_number_need_be_no_size():
    (rate,) = scalars("rate", positive=True)
    assert lower(one(rate * w, {"rate": (rate, ()), "w": (w, ())}))({"rate": 0.5, "w": np.array(3.0)})["g"] == 1.5


def test_sizes_of_which_the_inputs_tell_different_values_are_named():
    system = one(total(x[i] * A[i, 0], i), {"x": (x, axes(n)), "A": (A, axes(n, m))})
    with pytest.raises(WrongInputs, match=r"axis 0 of A has length 3, not n \(n = 2 by axis 0 of x\)"):
        lower(system)({"x": np.zeros(2), "A": np.zeros((3, 1))})
    with pytest.raises(WrongInputs, match=r"n is 0 by axis 0 of x; it must be at least 1"):
        lower(system)({"x": np.zeros(0), "A": np.zeros((0, 1))})
    with pytest.raises(WrongInputs, match=r"x has shape \(2, 1\), but x has 1 axes"):
        lower(system)({"x": np.zeros((2, 1)), "A": np.zeros((2, 1))})


@pytest.mark.parametrize(("label", "right"), [(1, True), (3, True), (0, False), (4, False)])
def test_a_label_must_lie_in_its_range_ends_included(label, right):
    c = index("c", lower=1, upper=n)
    system = one(x[c], {"x": (x, axes((1, n))), "c": (c, ())})
    values = {"x": np.array([5.0, 7.0, 9.0]), "c": label}
    if right:
        assert lower(system)(values)["g"] == values["x"][label - 1]
    else:
        with pytest.raises(WrongInputs, match=rf"c is {label}, not in 1\.\.3"):
            lower(system)(values)


# Pieces of source -----------------------------------------------------------------------------------------------------

k = index("k", n)
ROW, COLUMN, TABLE = Code("x", (i,)), Code("y", (j,)), Code("A", (i, j))


@pytest.mark.parametrize(
    ("code", "wanted", "text"),
    [
        (TABLE, (i, j), "A"),
        (TABLE, (j, i), "A.T"),
        (ROW, (i, j), "x[:, None]"),
        (ROW, (j, i), "x"),
        (TABLE, (j, k, i), "A.T[:, None, :]"),
        (Code("C", (i, j, k)), (k, i, j), "einsum('ijk->kij', C)"),
        (Code("a + b", (i,), 0), (i, j), "(a + b)[:, None]"),
        (Code("2"), (i, j), "2"),
    ],
)
def test_an_operand_is_turned_and_stretched_to_the_axes_around_it(code, wanted, text):
    assert code.along(wanted).text == text


def test_axes_come_in_the_order_of_the_widest_part_or_of_the_scope():
    turned = Code("B", (j, i))
    assert common_axes([ROW, turned], (i, j)) == (j, i)
    assert common_axes([ROW, COLUMN], (j, i)) == (j, i)
    assert common_axes([Code("2")], (i, j)) == ()


def test_whole_numbers_stay_whole_but_in_a_quotient():
    two, size = Code("2", whole=True), Code("n", whole=True)
    assert (quotient([two, size], [], ()).text, quotient([two, size], [], ()).whole) == ("2*n", True)
    assert (quotient([two], [size], ()).text, quotient([two], [size], ()).whole) == ("real(2)/n", False)
    assert quotient([ROW], [size], (i,)).text == "x/n"
    assert quotient([], [size, size], ()).text == "real(1)/(n*n)"
    assert added([(False, two), (True, size)], ()).whole
    assert not added([(False, two), (True, ROW)], (i,)).whole
    assert not contraction([ROW, Code("e", (i,), whole=True)], ()).whole
    assert Code("arange(n)", (i,), whole=True).real().text == "arange(n)*real(1)"
    assert Code("n", whole=True).real().text == "real(n)"
    assert ROW.real() is ROW


def test_what_is_subtracted_comes_last_and_is_bracketed():
    terms = [(True, Code("a + b", level=0)), (False, Code("c"))]
    assert added(terms, ()).text == "c - (a + b)"
    assert added(terms[:1], ()).text == "-(a + b)"
    assert added([(False, Code("c")), (False, Code("a + b", level=0))], ()).text == "c + a + b"


# What is called -------------------------------------------------------------------------------------------------------

EXACT = {
    "Abs": abs,
    "cos": mpmath.cos,
    "cosh": mpmath.cosh,
    "exp": mpmath.exp,
    "log": mpmath.log,
    "log1p": lambda z: mpmath.log(1 + z),
    "relu": lambda z: max(z, 0),
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "sign": mpmath.sign,
    "sin": mpmath.sin,
    "sinh": mpmath.sinh,
    "softplus": lambda z: mpmath.log(1 + mpmath.exp(z)),
    "sqrt": mpmath.sqrt,
    "tanh": mpmath.tanh,
}
PLACES = np.array([-300.0, -40.0, -2.0, -0.625, 0.0, 0.625, 2.0, 40.0, 300.0])


def test_every_function_of_one_number_is_held_against_mpmaths():
    assert EXACT.keys() == runtime.ELEMENTWISE.keys()


@pytest.mark.parametrize("name", runtime.ELEMENTWISE)
def test_a_function_of_one_number_is_the_same_in_floats_and_in_digits(name):
    places = PLACES[(0 if name in ("log", "log1p", "sqrt") else -np.inf) < PLACES]
    with mp.workdps(200):
        exactly = [EXACT[name](mp.mpf(z)) for z in places]
    floats = runtime.ELEMENTWISE[name](places)
    digits = runtime.ELEMENTWISE[name](np.array([mp.mpf(z) for z in places], object))
    for found, many, right in zip(floats, digits, exactly, strict=True):
        assert abs(mp.mpf(found) - right) <= 1e-14 * abs(right)
        assert abs(many - right) <= mp.mpf(10) ** -45 * abs(right)


@pytest.mark.parametrize("convert", [np.asarray, lambda a: exact({"a": a})["a"]], ids=["floats", "digits"])
def test_functions_of_a_last_axis_are_those_of_each_row(convert):
    z = convert(np.array([[0.5, -1.0, 2.0], [1000.0, 0.0, 999.0]]))
    for row in (0, 1):
        terms = [mp.exp(mp.mpf(value)) for value in z[row]]
        softmax = [mp.mpf(value) for value in runtime.softmax(z)[row]]
        assert max(abs(a - b / sum(terms)) for a, b in zip(softmax, terms, strict=True)) < 1e-15
        assert abs(mp.mpf(runtime.logsumexp(z)[row]) - mp.log(sum(terms))) < 1e-12


def test_delta_and_step_are_whole_numbers():
    places = np.arange(3)
    assert runtime.delta(places, 1).tolist() == [0, 1, 0]
    assert runtime.delta(places[:, None], places).sum() == 3
    assert runtime.delta(places, 1).dtype.kind == "i"
    assert runtime.step(np.array([-1.0, 0.0, 2.0])).tolist() == [0, 0, 1]
    assert runtime.step(np.ones(1)).dtype.kind == "i"


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_numbers_and_zeros_are_made_in_the_precision_of_an_array(dtype):
    real, zeros = runtime.precision(np.ones(2, dtype))
    assert real(3).dtype == dtype
    assert zeros((2, 3)).dtype == dtype
    assert not zeros((2, 3)).any()
    third = np.longdouble(1) / 3
    assert runtime.as_precise(third, np.ones(1, dtype)).dtype == dtype


def test_numbers_and_zeros_of_many_digits_keep_them():
    own = mpmath.mp.clone()
    own.dps = 70
    like = np.array([own.mpf(1)], object)
    real, zeros = runtime.precision(like)
    assert abs(real(1) / 3 * 3 - 1) < own.mpf(10) ** -69
    assert zeros((2,)).tolist() == [0, 0]
    long = np.longdouble(1) / 3
    high, low = float(long), float(long - np.longdouble(float(long)))
    assert runtime.as_precise(long, like).item() == own.mpf(high) + own.mpf(low)
    assert runtime.as_precise(np.arange(2), like).tolist() == [0, 1]
