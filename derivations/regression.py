"""Linear and logistic regression: one neuron, one feature, many features, and the step of gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from sympy import Rational, exp, log

from derivations import draws
from derivations.sources import A, D
from gradproof.catalogue import Formula, Printed, WorkedExample
from gradproof.symbolic import (
    Graph,
    System,
    arrays,
    derivation,
    equal,
    gradient,
    index,
    scalars,
    sigmoid,
    sigmoid_derivative,
    sizes,
    total,
)
from gradproof.symbolic.prove import Steps
from gradproof.symbolic.system import axes

Drawn = tuple[dict[str, Any], dict[str, Any]]

ALSO_CALLED = {
    "w": ("W", "weights", "weight", "beta", "coef", "slope"),
    "b": ("bias", "intercept", "w0"),
    "X": ("x", "inputs", "features", "xs"),
    "x": ("X", "inputs", "xs"),
    "y": ("Y", "targets", "target", "y_true", "labels", "ys"),
    "eta": ("learning_rate", "lr", "alpha"),
    "n": ("n_features", "num_features", "input_size", "input_dim"),
}
"""What parameters, data and sizes are called in other people's code."""


# ---- linear regression --------------------------------------------------------------------------------------------


def _linear_regression(sign: int) -> Steps:
    """sign: +1 where the difference is written prediction - target, -1 where it is target - prediction."""
    (n,) = sizes("n")
    i, q = index("i", n), index("q", n)
    x, y, yhat, e = arrays("x y yhat e")
    w, b = scalars("w b")
    error = w * x[i] + b - y[i]
    yield gradient("dMSE/dyhat_q", total((sign * (yhat[i] - y[i])) ** 2, i) / n, yhat[q], 2 / n * (yhat[q] - y[q]))
    yield gradient("dyhat_q/dw", w * x[q] + b, w, x[q])
    yield gradient("dyhat_q/db", w * x[q] + b, b, 1)
    mse = total((sign * error) ** 2, i) / n
    yield (dw := gradient("dMSE/dw", mse, w, 2 / n * total(error * x[i], i)))
    yield (db := gradient("dMSE/db", mse, b, 2 / n * total(error, i)))
    inputs = {"w": (w, ()), "b": (b, ()), "x": (x, axes(n)), "y": (y, axes(n))}
    return System.of_claims({"w": dw, "b": db}, inputs, named={e[i]: error})


_prediction_first = derivation()(lambda: _linear_regression(+1))
_target_first = derivation()(lambda: _linear_regression(-1))


def _draw_line(sizes: Mapping[str, int], rng: np.random.Generator) -> Drawn:
    n = sizes["n"]
    return draws.scalars(rng, "w b"), {"x": draws.normal(rng, n), "y": draws.normal(rng, n)}


linear_regression = Formula(
    key="linear-regression",
    title="mean squared error of a line, with yhat - y",
    rows=("D8",),
    source=f"{D}, Aim of linear regression; Exercise question 2",
    printed=r"MSE = \frac{1}{n} \sum_{i=1}^n (\hat{y}_i - y_i)^2",
    domain_text="all real w, b, x, y; n >= 1",
    derive=_prediction_first,
    system=_prediction_first.system,
    sizes={"n": (1, 12)},
    draw=_draw_line,
    pinned=({"n": 48},),
    also_called=ALSO_CALLED,
    note="The source asks for the gradient and prints the loss; (2/n) sum (yhat - y) x, (2/n) sum (yhat - y) are ours.",
)

linear_regression_reversed = Formula(
    key="linear-regression-reversed",
    title="mean squared error of a line, with y - yhat",
    rows=("D8",),
    source=f"{D}, Additional question 1",
    printed=r"(y - y_p)",
    domain_text="all real w, b, x, y; n >= 1",
    derive=_target_first,
    system=_target_first.system,
    sizes={"n": (1, 12)},
    draw=_draw_line,
    pinned=({"n": 48},),
    also_called=ALSO_CALLED,
    note="The square hides the sign: the gradient is that of linear-regression.",
)


def _two_epochs_exact() -> Mapping[str, Any]:
    """Each convention differentiated for itself; that they agree is a result, not an assumption."""
    w, b = scalars("w b")
    points = ((2, 20), (4, 40))
    numbers: dict[str, Any] = {}
    for suffix, sign in (("", 1), (", y-yp", -1)):
        mse = sum((sign * (w * x + b - y)) ** 2 for x, y in points) / Rational(len(points))
        at = {w: Rational(1), b: Rational(1)}
        for epoch in (1, 2):
            dw, db = (mse.diff(parameter).subs(at) for parameter in (w, b))
            at = {w: at[w] - Rational(1, 1000) * dw, b: at[b] - Rational(1, 1000) * db}
            for name, value in (("dw", dw), ("db", db), ("w", at[w]), ("b", at[b])):
                numbers[f"epoch {epoch} {name}{suffix}"] = value
    return numbers


two_epochs_linear_regression = WorkedExample(
    key="two-epochs-linear-regression",
    title="two epochs of linear regression on two points",
    rows=("D-iii",),
    source=f"{D}, Exercise question 2 and Additional question 1",
    exact=_two_epochs_exact,
    note="The source asks for these numbers and prints none.",
)


@derivation()
def _multiple_linear_regression() -> Steps:
    m, n = sizes("m n")
    i, j = index("i", m), index("j", n)
    r, q = index("r", m), index("q", n)
    X, w, y, yhat, e = arrays("X w y yhat e")
    (b,) = scalars("b")

    def prediction(i: Any) -> Any:
        return total(X[i, j] * w[j], j) + b

    yield gradient("dMSE/dyhat_r", total((yhat[i] - y[i]) ** 2, i) / m, yhat[r], 2 / m * (yhat[r] - y[r]))
    yield gradient("dyhat_r/dw_q", prediction(r), w[q], X[r, q])
    yield gradient("dyhat_r/db", prediction(r), b, 1)
    mse = total((prediction(i) - y[i]) ** 2, i) / m
    error = prediction(i) - y[i]
    yield (dw := gradient("dMSE/dw_q", mse, w[q], 2 / m * total(X[i, q] * error, i)))
    yield (db := gradient("dMSE/db", mse, b, 2 / m * total(error, i)))
    inputs = {"w": (w, axes(n)), "b": (b, ()), "X": (X, axes(m, n)), "y": (y, axes(m))}
    return System.of_claims({"w": dw, "b": db}, inputs, named={e[i]: error})


def _draw_table(sizes: Mapping[str, int], rng: np.random.Generator) -> Drawn:
    m, n = sizes["m"], sizes["n"]
    params = {"w": draws.normal(rng, n), **draws.scalars(rng, "b")}
    return params, {"X": draws.normal(rng, m, n), "y": draws.normal(rng, m)}


multiple_linear_regression = Formula(
    key="multiple-linear-regression",
    title="mean squared error of a linear model of several features",
    rows=("D9",),
    source=f"{D}, Exercise question 6",
    printed=r"MSE = \frac{1}{n} \sum_{i=1}^n (\hat{y}_i - y_i)^2",
    domain_text="all real w, b, X, y; m, n >= 1",
    derive=_multiple_linear_regression,
    system=_multiple_linear_regression.system,
    sizes={"m": (1, 9), "n": (1, 8)},
    draw=_draw_table,
    pinned=({"m": 48, "n": 3},),
    also_called=ALSO_CALLED,
    note="The source prints the loss only; the gradient (2/m) X^T (X w + b - y) is ours. Its n counts rows, as our m.",
)


def _least_squares_exact() -> Mapping[str, Any]:
    rows = sp.Matrix([[3, 8, 1], [4, 5, 1], [5, 7, 1], [6, 3, 1], [2, 1, 1]])
    y = sp.Matrix([Rational(-37, 10), Rational(7, 2), Rational(5, 2), Rational(23, 2), Rational(57, 10)])
    w1, w2, b = (rows.T * rows).LUsolve(rows.T * y)
    return {"w1": w1, "w2": w2, "b": b, "prediction": 3 * w1 + 2 * w2 + b}


multiple_regression_prediction = WorkedExample(
    key="multiple-regression-prediction",
    title="the least-squares plane of five rows, and its value at (3, 2)",
    rows=("D-iv",),
    source=f"{D}, Exercise question 6",
    exact=_least_squares_exact,
    note="The source asks for the prediction and prints none.",
)


# ---- logistic regression ------------------------------------------------------------------------------------------


@derivation()
def _logistic_neuron() -> Steps:
    w1, w2, b, x1, x2, y, d1, d2, z, a, L = scalars("w1 w2 b x1 x2 y d1 d2 z a L")
    yield from sigmoid_derivative()
    cross_entropy = -(y * log(a) + (1 - y) * log(1 - a))
    graph = Graph((d1, w1 * x1), (d2, w2 * x2), (z, d1 + d2 + b), (a, sigmoid(z)), (L, cross_entropy))
    local = {
        (L, a): (a - y) / (a * (1 - a)),
        (a, z): a * (1 - a),
        (z, d1): 1,
        (z, d2): 1,
        (z, b): 1,
        (d1, w1): x1,
        (d2, w2): x2,
    }
    gradients = {w1: x1 * (a - y), w2: x2 * (a - y), b: a - y}
    yield from graph.check(local, gradients)
    return System.of_graph(graph, gradients)  # not by way of dL/da, which is infinite where a rounds to 1


def _draw_neuron(sizes: Mapping[str, int], rng: np.random.Generator) -> Drawn:
    params = draws.scalars(rng, "w1 w2 b")
    if rng.random() < 0.5:  # the source's own data: two bits and their XOR
        x1, x2 = draws.bits(rng, 2)
        return params, {"x1": np.asarray(x1), "x2": np.asarray(x2), "y": int(x1 != x2)}
    return params, {**draws.scalars(rng, "x1 x2"), "y": draws.bits(rng)}


logistic_neuron = Formula(
    key="logistic-neuron",
    title="one logistic neuron with two inputs",
    rows=("A3",),
    source=f"{A}, 2. Regression, backward pass",
    printed=r"dw1 = x1*(a-y), \quad dw2 = x2*(a-y), \quad db = a - y",
    domain_text="y in {0, 1}; all real w1, w2, b, x1, x2",
    derive=_logistic_neuron,
    system=_logistic_neuron.system,
    sizes={},
    draw=_draw_neuron,
    fixed=("y",),
    also_called=ALSO_CALLED,
    note="Printed as code; the figure with the chain L, a, z, d1, d2 is missing, its local derivatives are ours.",
)


def _one_step_exact() -> Mapping[str, Any]:
    y, eta = 0, Rational(7, 100)
    weights = [Rational(1, 10), Rational(1, 2), Rational(1, 200)]  # w1, w2, b
    inputs = [1, 1, 1]

    def activation_and_loss(weights: list[Any]) -> tuple[Any, Any]:
        a = 1 / (1 + exp(-sum(w * x for w, x in zip(weights, inputs, strict=True))))
        return a, -(y * log(a) + (1 - y) * log(1 - a))

    a, loss = activation_and_loss(weights)
    a_after, loss_after = activation_and_loss([w - eta * x * (a - y) for w, x in zip(weights, inputs, strict=True)])
    exact = {"a before": a, "L before": loss, "a after": a_after, "L after": loss_after}
    return {name: value.evalf(40) for name, value in exact.items()}


one_step_logistic_neuron = WorkedExample(
    key="one-step-logistic-neuron",
    title="activation and loss of the neuron, before and after one step",
    rows=("A-i",),
    source=f"{A}, 2. Regression, forward and backward pass",
    exact=_one_step_exact,
    printed={
        "a before": Printed("0.6467993925579857"),
        "L before": Printed("1.0407190904293084"),
        "a after": Printed("0.6151877913801179"),
        "L after": Printed("0.95499983"),
    },
)


@derivation()
def _logistic_regression() -> Steps:
    m, n = sizes("m n")
    i, j = index("i", m), index("j", n)
    r, q = index("r", m), index("q", n)
    X, w, y, a, z = arrays("X w y a z")
    (b,) = scalars("b")

    def logit(i: Any) -> Any:
        return total(X[i, j] * w[j], j) + b

    def loss(activation: Any) -> Any:
        cross_entropy = y[i] * log(activation(i)) + (1 - y[i]) * log(1 - activation(i))
        return -total(cross_entropy, i) / m

    yield from sigmoid_derivative()
    yield gradient("dJ/da_r", loss(lambda i: a[i]), a[r], (a[r] - y[r]) / (m * a[r] * (1 - a[r])))
    yield gradient("da_r/dz_r", sigmoid(z[r]), z[r], sigmoid(z[r]) * (1 - sigmoid(z[r])))
    yield gradient("dz_r/dw_q", logit(r), w[q], X[r, q])
    yield gradient("dz_r/db", logit(r), b, 1)

    J = loss(lambda i: sigmoid(logit(i)))
    error = sigmoid(logit(i)) - y[i]
    yield (dw := gradient("dJ/dw_q", J, w[q], total(X[i, q] * error, i) / m))
    yield (db := gradient("dJ/db", J, b, total(error, i) / m))
    inputs = {"w": (w, axes(n)), "b": (b, ()), "X": (X, axes(m, n)), "y": (y, axes(m))}
    return System.of_claims({"w": dw, "b": db}, inputs, named={a[i]: sigmoid(logit(i))})


def _draw_classification(sizes: Mapping[str, int], rng: np.random.Generator) -> Drawn:
    m, n = sizes["m"], sizes["n"]
    params = {"w": draws.normal(rng, n), **draws.scalars(rng, "b")}
    if rng.random() < 0.5:  # the exercise's own data: rows of bits and their XOR
        table = draws.bits(rng, m, n)
        return params, {"X": table, "y": draws.parity(table)}
    return params, {"X": draws.normal(rng, m, n), "y": draws.bits(rng, m)}


logistic_regression = Formula(
    key="logistic-regression",
    title="logistic regression with m rows and n features",
    rows=("A4",),
    source=f"{A}, 2. Regression, the exercise with m rows and n features",
    printed=r"dw1 = x1*(a-y), \quad dw2 = x2*(a-y), \quad db = a - y",
    domain_text="y in {0, 1}; all real w, b, X; m, n >= 1",
    derive=_logistic_regression,
    system=_logistic_regression.system,
    sizes={"m": (1, 9), "n": (1, 8)},
    draw=_draw_classification,
    fixed=("y",),
    pinned=({"m": 48, "n": 3},),
    also_called=ALSO_CALLED,
    note="The source prints one row and two features; the mean over rows, X^T (a - y) / m and mean(a - y), is ours.",
)


@derivation()
def _one_feature_logistic() -> Steps:
    (n,) = sizes("n")
    i, r = index("i", n), index("r", n)
    x, y, a, z = arrays("x y a z")
    w, b = scalars("w b")

    def loss(activation: Any) -> Any:
        return -total(y[i] * log(activation(i)) + (1 - y[i]) * log(1 - activation(i)), i) / n

    yield from sigmoid_derivative()
    yield gradient("dJ/da_r", loss(lambda i: a[i]), a[r], (a[r] - y[r]) / (n * a[r] * (1 - a[r])))
    yield gradient("da_r/dz_r", sigmoid(z[r]), z[r], sigmoid(z[r]) * (1 - sigmoid(z[r])))
    yield gradient("dz_r/dw", w * x[r] + b, w, x[r])
    yield gradient("dz_r/db", w * x[r] + b, b, 1)

    J = loss(lambda i: sigmoid(w * x[i] + b))
    error = sigmoid(w * x[i] + b) - y[i]
    yield (dw := gradient("dJ/dw", J, w, total(error * x[i], i) / n))
    yield (db := gradient("dJ/db", J, b, total(error, i) / n))
    inputs = {"w": (w, ()), "b": (b, ()), "x": (x, axes(n)), "y": (y, axes(n))}
    return System.of_claims({"w": dw, "b": db}, inputs, named={a[i]: sigmoid(w * x[i] + b)})


def _draw_one_feature(sizes: Mapping[str, int], rng: np.random.Generator) -> Drawn:
    n = sizes["n"]
    return draws.scalars(rng, "w b"), {"x": rng.uniform(0, 100, size=n), "y": draws.bits(rng, n)}


one_feature_logistic = Formula(
    key="one-feature-logistic",
    title="logistic regression on one feature up to 100",
    rows=("D10",),
    source=f"{D}, Exercise question 7",
    printed=r"x = [1, 5, 10, 10, 25, 50, 70, 75, 100], \quad y = [0, 0, 0, 0, 0, 1, 1, 1, 1]",
    domain_text="y in {0, 1}; all real w, b, x; n >= 1",
    derive=_one_feature_logistic,
    system=_one_feature_logistic.system,
    sizes={"n": (1, 12)},
    draw=_draw_one_feature,
    fixed=("y",),
    pinned=({"n": 48},),
    also_called=ALSO_CALLED,
    note="The source prints the data only; loss and gradient are ours. With x up to 100 most activations saturate.",
)


# ---- one step of gradient descent ---------------------------------------------------------------------------------


@derivation(
    argued="At eta = 0 the slope is minus a square, so a small enough step goes downhill unless it stands still."
)
def _gradient_descent_step() -> Steps:
    m, n = sizes("m n")
    i, r = index("i", m), index("r", m)
    j, c, p = index("j", n), index("c", n), index("p", n)
    X, w, y, e, w_after, e_after = arrays("X w y e w_after e_after")
    (eta,) = scalars("eta")

    def J(weights: Any) -> Any:
        return total((total(X[i, j] * weights(j), j) - y[i]) ** 2, i) / m

    def slope(weights: Any, q: Any, row: Any, column: Any) -> Any:
        """Element q of the gradient of J at ``weights``; its sums run over ``row`` and ``column``."""
        return 2 / m * total(X[row, q] * (total(X[row, column] * weights(column), column) - y[row]), row)

    def before(q: Any) -> Any:
        return w[q]

    def after(q: Any) -> Any:
        return w[q] - eta * slope(before, q, r, c)

    yield gradient("dJ/dw_p", J(before), w[p], slope(before, p, r, c))
    product = -total(slope(after, p, i, j) * slope(before, p, r, c), p)
    yield (deta := gradient("dJ(w - eta grad)/deta = -<grad after, grad before>", J(after), eta, product))
    yield equal(
        "at eta = 0 it is -|grad|^2", product.xreplace({eta: sp.S.Zero}), -total(slope(before, p, r, c) ** 2, p)
    )
    inputs = {"eta": (eta, ()), "w": (w, axes(n)), "X": (X, axes(m, n)), "y": (y, axes(m))}
    named = {
        e[r]: total(X[r, c] * w[c], c) - y[r],
        w_after[j]: w[j] - eta * 2 / m * total(X[r, j] * e[r], r),
        e_after[i]: total(X[i, j] * w_after[j], j) - y[i],
    }
    return System.of_claims({"eta": deta}, inputs, named)


def _draw_step(sizes: Mapping[str, int], rng: np.random.Generator) -> Drawn:
    m, n = sizes["m"], sizes["n"]
    data = {"X": draws.normal(rng, m, n), "y": draws.normal(rng, m), "w": draws.normal(rng, n)}
    return {"eta": np.asarray(rng.uniform(0.0, 0.2))}, data


gradient_descent_step = Formula(
    key="gradient-descent-step",
    title="the loss after one step of gradient descent, as a function of the learning rate",
    rows=("A5",),
    source=f"{A}, 2. Regression, update of the parameters; {D}, Optimizer: Gradient Descent",
    printed=r"\theta = \theta - \eta \cdot \nabla_{\theta}",
    domain_text="all real eta, w, X, y; m, n >= 1; the loss is the mean squared error of X w",
    derive=_gradient_descent_step,
    system=_gradient_descent_step.system,
    sizes={"m": (1, 9), "n": (1, 8)},
    draw=_draw_step,
    pinned=({"m": 48, "n": 3},),
    also_called=ALSO_CALLED,
    note="The sources print the update only; what is checked is its effect on the loss, dJ/deta, which is ours.",
)
