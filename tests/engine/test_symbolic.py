"""The calculus proves what is true, refutes by a counterexample what is false, and else says that it does not know."""

import numpy as np
import pytest
import sympy as sp
from sympy import exp, log, tanh

import derivations
from gradproof.catalogue import Formula, WorkedExample, collect
from gradproof.errors import InvalidProblem
from gradproof.symbolic import (
    Disproved,
    Graph,
    IndexClash,
    Undecided,
    arrays,
    delta,
    derivation,
    equal,
    gradient,
    index,
    normal_form,
    scalars,
    sigmoid,
    sizes,
    total,
)
from gradproof.symbolic.indices import inside

FORMULAS = collect(derivations, Formula)
EXAMPLES = collect(derivations, WorkedExample)

m, n, K, T = sizes("m n K T")
i, j, k = index("i", m), index("j", n), index("k", K)
p, q = index("p", m), index("q", n)  # a row and a column, free
c, e = index("c", K), index("e", K)  # two classes, free
t, t2, late = (index(name, lower=first, upper=T) for name, first in (("t", 1), ("t2", 1), ("late", 2)))
X, W, w, x, y, u, o, h, g = arrays("X W w x y u o h g")
b, v, z, eta = scalars("b v z eta")


# ---- the documents' formulas --------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", FORMULAS)
def test_printed_formula_is_proved_for_every_size(key):
    proof = FORMULAS[key].derive()
    assert proof.scope == "every size"
    assert all(step.claim and step.latex for step in proof.checked)


@pytest.mark.parametrize("key", FORMULAS)
def test_draw_gives_float64_parameters_inside_the_domain(key):
    formula = FORMULAS[key]
    ends = [{name: ends[which] for name, ends in formula.sizes.items()} for which in (0, 1)]
    for seed, place in enumerate([*ends, *formula.pinned] * 5):
        params, data = formula.draw(place, np.random.default_rng(seed))
        assert {value.dtype for value in params.values()} == {np.dtype(np.float64)}
        assert set(formula.fixed) <= set(data)
        assert formula.domain is None or formula.domain(params, data)


def test_examples_without_printed_numbers_have_exact_ones():
    epochs = EXAMPLES["two-epochs-linear-regression"].exact()
    assert [epochs[f"epoch 1 {name}"] for name in ("dw", "db")] == [-174, -52]
    assert [epochs[f"epoch 2 {name}, y-yp"] for name in ("w", "b")] == [
        sp.Rational("1.344208"),
        sp.Rational("1.102852"),
    ]
    plane = EXAMPLES["multiple-regression-prediction"].exact()
    assert plane["prediction"] == sp.Rational(100489, 15950) == 3 * plane["w1"] + 2 * plane["w2"] + plane["b"]


# ---- wrong formulas -----------------------------------------------------------------------------------------------


def error(row):
    return total(X[row, j] * w[j], j) + b - y[row]


def activation(row):
    return sigmoid(total(X[row, j] * w[j], j) + b)


def softmax(at):
    return exp(o[at]) / total(exp(o[k]), k)


def hidden(row):
    return tanh(total(W[row, j] * x[j], j))


def stepped(column):
    return w[column] - eta * g[column]


SQUARED = total(error(i) ** 2, i) / m
LOGISTIC = -total(y[i] * log(activation(i)) + (1 - y[i]) * log(1 - activation(i)), i) / m
LAYER = total(u[i] * hidden(i), i)
TARGETS = {total(y[k], k): 1}
ENTROPY = -total(y[e] * log(softmax(e)), e)
AFTER_STEP = total(total(X[i, j] * stepped(j), j) ** 2, i)
SERIES = total(h[t] * v**2, t)
BACK = 1 - hidden(i) ** 2

WRONG_GRADIENTS = {
    "squared error: sign": (SQUARED, w[q], -2 / m * total(X[i, q] * error(i), i)),
    "squared error: factor 2 dropped": (SQUARED, w[q], total(X[i, q] * error(i), i) / m),
    "squared error: 1/m dropped": (SQUARED, w[q], 2 * total(X[i, q] * error(i), i)),
    "squared error: 1/n for 1/m": (SQUARED, w[q], 2 / n * total(X[i, q] * error(i), i)),
    "squared error: X transposed": (SQUARED, w[q], 2 / m * total(X[q, i] * error(i), i)),
    "squared error: one row for the sum": (SQUARED, w[q], 2 / m * X[p, q] * error(p)),
    "squared error: y - yhat": (SQUARED, b, 2 / m * total(-error(i), i)),
    "squared error: bias left out of the prediction": (SQUARED, b, 2 / m * total(error(i) - b, i)),
    "squared error: m b for b": (SQUARED, b, 2 * total(error(i), i)),
    "logistic: sign": (LOGISTIC, w[q], total(X[i, q] * (y[i] - activation(i)), i) / m),
    "logistic: 1/m dropped": (LOGISTIC, b, total(activation(i) - y[i], i)),
    "logistic: sigmoid' counted twice": (
        LOGISTIC,
        b,
        total((activation(i) - y[i]) * activation(i) * (1 - activation(i)), i) / m,
    ),
    "logistic: first column for all": (LOGISTIC, w[q], total(X[i, 0] * (activation(i) - y[i]), i) / m),
    "sigmoid: without its derivative": (total(u[i] * activation(i), i), w[q], total(u[i] * X[i, q], i)),
    "sigmoid: derivative z (1 - z)": (sigmoid(z), z, z * (1 - z)),
    "sigmoid: derivative s^2": (sigmoid(z), z, sigmoid(z) ** 2),
    "layer: no activation derivative": (LAYER, W[p, q], u[p] * x[q]),
    "layer: 1 - h for 1 - h^2": (LAYER, W[p, q], u[p] * (1 - hidden(p)) * x[q]),
    "layer: outer product transposed": (LAYER, W[p, q], u[q] * (1 - hidden(q) ** 2) * x[p]),
    "layer: W for its transpose": (LAYER, x[q], total(W[q, i] * u[i] * BACK, i)),
    "layer: derivative at the wrong unit": (LAYER, x[q], total(W[i, q] * u[i], i) * (1 - hidden(q) ** 2)),
    "softmax: only the diagonal": (softmax(c), o[e], delta(c, e) * softmax(c)),
    "softmax: delta dropped": (softmax(c), o[e], -softmax(c) * softmax(e)),
    "softmax: diagonal for all": (softmax(c), o[e], softmax(c) * (1 - softmax(c))),
    "class entropy: y - p": (-log(softmax(c)), o[e], delta(c, e) - softmax(e)),
    "class entropy: -1 at every class": (-log(softmax(c)), o[e], softmax(e) - 1),
    "entropy: targets need not sum to 1": (ENTROPY, o[c], softmax(c) - y[c]),
    "step: sign": (AFTER_STEP, eta, 2 * total(total(X[i, j] * stepped(j), j) * total(X[i, q] * g[q], q), i)),
    "step: old weights": (AFTER_STEP, eta, -2 * total(total(X[i, j] * w[j], j) * total(X[i, q] * g[q], q), i)),
    "series: first term left out": (SERIES, v, 2 * v * total(h[late], late)),
    "series: shifted": (SERIES, v, 2 * v * total(h[t - 1], t)),
    "series: first term for all": (SERIES, v, 2 * v * T * h[1]),
}


@pytest.mark.parametrize("mistake", WRONG_GRADIENTS)
def test_wrong_gradient_is_refuted_by_a_counterexample(mistake):
    with pytest.raises(Disproved, match=r"is false\. Remainder: .+\. Counterexample at .+ = .+: it is .+, not .+"):
        gradient(mistake, *WRONG_GRADIENTS[mistake])


r = index("r", m)
part = index("part", lower=1, upper=K - 1)
UNEQUAL = {
    "row sums for column sums": (total(tanh(total(W[i, r], r)), i), total(tanh(total(W[r, i], r)), i)),
    "a row sum for the trace": (total(W[i, r] * x[r], i, r), total(W[i, i] * x[i], i)),
    "a sum that starts late": (total(h[t], t), total(h[late], late)),
    "part of the targets": (total(y[part], part), 1),
}


@pytest.mark.parametrize("mistake", UNEQUAL)
def test_unequal_formulas_are_refuted(mistake):
    with pytest.raises(Disproved, match="Counterexample"):
        equal(mistake, *UNEQUAL[mistake], given=TARGETS)


def test_side_condition_makes_the_difference():
    gradient("p - y", ENTROPY, o[c], softmax(c) - y[c], given=TARGETS)
    with pytest.raises(Disproved):
        gradient("y - p", ENTROPY, o[c], y[c] - softmax(c), given=TARGETS)


def test_counterexample_is_as_small_as_can_be():
    with pytest.raises(Disproved, match="m = 1"):
        gradient("sign", SQUARED, b, -2 / m * total(error(i), i))
    with pytest.raises(Disproved, match="m = 2"):  # with one row the mistake does not show
        gradient("1/m dropped", SQUARED, b, 2 * total(error(i), i))


# ---- formulas that are equal, written differently -----------------------------------------------------------------

EQUAL = {
    "sums exchanged": (total(u[i] * X[i, j] * w[j], i, j), total(u[i] * X[i, j] * w[j], j, i)),
    "index renamed": (total(u[i], i), total(u[r], r)),
    "two sums of one range exchanged": (total(u[i] * W[i, r] * x[r], i, r), total(u[r] * W[r, i] * x[i], i, r)),
    "renamed inside a function": (total(tanh(total(W[i, r] * x[r], r)), i), total(tanh(total(W[r, i] * x[i], i)), r)),
    "product of sums": (total(u[i], i) * total(x[i], i), total(u[i] * x[r], i, r)),
    "square of a sum": (total(u[i], i) ** 2, total(u[i] * u[r], i, r)),
    "delta used up": (total(delta(i, p) * u[i], i), u[p]),
    "delta of two sums": (total(delta(i, r) * u[i] * x[r], i, r), total(u[i] * x[i], i)),
    "delta outside its range": (total(delta(t, 0) * h[t], t), sp.S.Zero),
    "an index that does not occur": (total(b, i) / m, b),
    "rational arithmetic under a sum": (total(1 / x[i] - 1 / (x[i] + 1), i), total(1 / (x[i] * (x[i] + 1)), i)),
}


@pytest.mark.parametrize("how", EQUAL)
def test_equal_formulas_cancel(how):
    equal(how, *EQUAL[how])


def test_backpropagation_through_any_number_of_steps():
    """Not used by a formula yet: a recursion over a symbolic T needs nothing but ranges and names."""
    step, unit, other = index("step", lower=1, upper=T - 1), index("unit", n), index("other", n)
    (lam,) = arrays("lambda")

    def state(t, i):
        return tanh(total(W[i, j] * h[t - 1, j], j))

    def signal(t, i):
        return (1 - h[t, i] ** 2) * lam[t, i]

    def backward(t):
        return total(W[i, q] * signal(t + 1, i), i) - lam[t, q]

    i = index("i", n)
    names = {state(t, i): h[t, i]}
    lagrangian = total(lam[t, i] * (state(t, i) - h[t, i]), i, t) + total(h[T, i] ** 2, i)
    gradient("last step", lagrangian, h[T, q], 2 * h[T, q] - lam[T, q], names=names)
    gradient("any step before", lagrangian, h[step, q], backward(step), names=names)
    gradient("weights", lagrangian, W[unit, other], total(signal(t, unit) * h[t - 1, other], t), names=names)
    with pytest.raises(Disproved):
        gradient("h[t] for h[t-1]", lagrangian, W[unit, other], total(signal(t, unit) * h[t, other], t), names=names)
    with pytest.raises(Disproved):  # at the last step there is no next one
        gradient("every step", lagrangian, h[t2, q], backward(t2), names=names)


# ---- what is not known is said ------------------------------------------------------------------------------------


def test_undecided_range_is_not_guessed():
    with pytest.raises(Undecided, match=r"is t \+ 1 in the range 1\.\.T"):
        inside(t + 1, t)
    with pytest.raises(Undecided, match="do not settle it"):
        normal_form(total(delta(t + 1, p) * h[t], t))


def test_true_but_undecidable_is_undecided():
    with pytest.raises(Undecided, match="do not settle it"):
        equal("shifted delta", total(delta(t + 1, p) * h[t], t), total(delta(t, p - 1) * h[t], t))


def test_identity_beyond_rational_arithmetic_is_undecided():
    with pytest.raises(Undecided, match="no sample refutes it"):
        equal("Pythagoras", sp.sin(z) ** 2 + sp.cos(z) ** 2, 1)


def test_sizes_are_at_least_one_and_no_more_is_assumed():
    assert inside(sp.S.Zero, i)
    assert inside(m - 1, i)
    assert not inside(sp.Integer(-1), i)
    assert not inside(m, i)
    with pytest.raises(Undecided):
        inside(sp.S.One, i)


def test_range_may_depend_on_another_index():
    above = index("above", lower=p + 1, upper=m - 1)
    assert inside(above, i)
    assert normal_form(delta(above, p) * u[p]) == 0


def test_derivative_that_sympy_leaves_standing_is_undecided():
    with pytest.raises(Undecided, match="does not evaluate"):
        gradient("unknown function", sp.Function("f")(z), z, 1)


def test_numbers_guard_against_a_function_that_lies_about_its_derivative():
    class lying(sp.Function):  # noqa: N801
        def fdiff(self, argindex=1):
            return self

        @staticmethod
        def definition(z):
            return z**2

    with pytest.raises(Undecided, match="cancels, and yet"):
        gradient("lie", lying(z), z, lying(z))


def test_proof_of_nothing_is_refused():
    with pytest.raises(Undecided, match="proves nothing"):
        derivation()(lambda: iter(()))()


# ---- SymPy's traps ------------------------------------------------------------------------------------------------


def test_derivative_by_a_summed_index_raises():
    """SymPy alone would answer sum_i 2 x_i, silently."""
    with pytest.raises(IndexClash, match="is summed in the loss"):
        gradient("dx", total(x[i] ** 2, i), x[i], 2 * x[i])


def test_index_both_free_and_summed_raises():
    with pytest.raises(IndexClash, match="both free and summed"):
        gradient("dx", total(u[i] * x[i], i), x[p], total(u[p], p))
    with pytest.raises(IndexClash, match="both free and summed"):
        normal_form(u[i] * total(x[i], i))


def test_index_summed_again_within_its_own_sum_raises():
    with pytest.raises(IndexClash, match="summed again"):
        total(u[i] * total(x[i], i), i)


def test_substitution_does_not_capture():
    """Sum over i of delta(i, r) f(i), within a sum over r: f(r) keeps its own inner index."""
    inner = total(W[i, r] * x[r], r)
    assert normal_form(total(delta(i, p) * inner, i) - total(W[p, r] * x[r], r)) == 0


def test_sum_without_a_known_range_raises():
    bare = sp.Symbol("bare", integer=True)
    with pytest.raises(TypeError, match="with total"):
        normal_form(sp.Sum(x[bare], (bare, 0, m - 1)))
    with pytest.raises(TypeError, match="index"):
        total(x[bare], bare)


def test_delta_inside_a_function_is_undecided():
    with pytest.raises(Undecided, match="hidden"):
        normal_form(total(exp(delta(i, p)), i))


# ---- computation graphs -------------------------------------------------------------------------------------------

f, tmp = scalars("f tmp")
CHAIN = Graph((tmp, v * z), (f, tmp**2 + v))
LOCAL = {(tmp, v): z, (tmp, z): v, (f, tmp): 2 * tmp, (f, v): 1}
TOTAL = {v: 2 * tmp * z + 1, z: 2 * tmp * v}


def test_graph_proves_each_local_derivative_and_the_whole_twice():
    claims = [step.claim for step in CHAIN.check(LOCAL, TOTAL)]
    assert len(claims) == len(LOCAL) + 2 * len(TOTAL)


@pytest.mark.parametrize("total_", [{v: 2 * tmp * z}, {v: 2 * z * tmp + 2}, {z: 2 * v}])
def test_graph_refutes_a_wrong_total(total_):
    with pytest.raises(Disproved, match="along its paths"):
        list(CHAIN.check(LOCAL, total_))


def test_graph_refutes_a_wrong_local_derivative_though_the_total_is_right():
    with pytest.raises(Disproved, match="df/dtmp"):
        list(CHAIN.check({**LOCAL, (f, tmp): 2 * v * z + 1}, TOTAL))
    graph = Graph((tmp, 2 * v), (f, 3 * tmp))
    with pytest.raises(Disproved, match="dtmp/dv"):  # 3 * 2 = 2 * 3: two mistakes that cancel along the path
        list(graph.check({(tmp, v): 3, (f, tmp): 2}, {v: 6}))


def test_graph_demands_every_local_derivative_on_the_way():
    with pytest.raises(InvalidProblem, match="df/dv"):
        list(CHAIN.check({pair: LOCAL[pair] for pair in LOCAL if pair != (f, v)}, TOTAL))


def test_graph_refuses_a_step_before_its_arguments():
    with pytest.raises(InvalidProblem, match="tmp"):
        Graph((f, tmp**2), (tmp, v * z))
