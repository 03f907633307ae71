"""Softmax and cross-entropy, and the chain rule for vectors that such layers are put together with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sympy import Rational, exp, log, tanh

from derivations import draws
from derivations.sources import B, C, E
from gradproof.catalogue import Formula, Printed, WorkedExample
from gradproof.symbolic import System, arrays, delta, derivation, equal, gradient, index, size, sizes, total
from gradproof.symbolic.prove import Steps
from gradproof.symbolic.system import axes

Drawn = tuple[dict[str, Any], dict[str, Any]]
Sizes = Mapping[str, int]

TARGETS = ("targets", "target", "y_true", "labels")
LOGITS = ("logits", "scores", "z", "o", "x")
"""What targets and logits are called in other people's code."""


# ---- cross-entropy ------------------------------------------------------------------------------------------------


@derivation()
def _cross_entropy() -> Steps:
    T, K = sizes("T K")
    t, i = index("t", T), index("i", K)
    s, q = index("s", T), index("q", K)
    (y,) = arrays("y")
    (yhat,) = arrays("yhat", positive=True)
    L = -total(y[t, i] * log(yhat[t, i]), i, t)
    yield (dyhat := gradient("dL/dyhat_sq", L, yhat[s, q], -y[s, q] / yhat[s, q]))
    return System.of_claims({"yhat": dyhat}, {"yhat": (yhat, axes(T, K)), "y": (y, axes(T, K))})


def _draw_probabilities(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    T, K = sizes["T"], sizes["K"]
    return {"yhat": draws.distributions(rng, T, K)}, {"y": draws.targets(rng, T, K)}


def _all_positive(params: Any, data: Any) -> bool:
    return bool(np.all(params["yhat"] > 0))


cross_entropy = Formula(
    key="cross-entropy",
    title="cross-entropy of T rows of K probabilities",
    rows=("B2",),
    source=f"{B}, Question 1, Derivation, equation 1",
    printed=r"L = -\sum_t y_t \log(\hat{y}_t)",
    domain_text="yhat > 0; y any rows; T, K >= 1",
    derive=_cross_entropy,
    system=_cross_entropy.system,
    sizes={"T": (1, 6), "K": (1, 8)},
    draw=_draw_probabilities,
    domain=_all_positive,
    fixed=("y",),
    pinned=({"T": 48, "K": 3},),
    also_called={"yhat": ("y_hat", "y_pred", "probs", "p", "predictions"), "y": TARGETS},
    note="A handwritten page, badly scanned: the reading is ours. The gradient -y/yhat is a step on its way to dL/do.",
)


# ---- softmax ------------------------------------------------------------------------------------------------------


@derivation()
def _softmax_jacobian() -> Steps:
    K = size("K")
    k, i, j = index("k", K), index("i", K), index("j", K)
    below, above = index("j", upper=i - 1), index("j", lower=i + 1, upper=K - 1)
    o, u = arrays("o u")
    partition = total(exp(o[k]), k)

    def p(i: Any) -> Any:
        return exp(o[i]) / partition

    yield gradient("dp_i/do_j = p_i (1 - p_i), i = j", p(i), o[i], p(i) * (1 - p(i)))
    yield gradient("dp_i/do_j = -p_i p_j, j < i", p(i), o[below], -p(i) * p(below))
    yield gradient("dp_i/do_j = -p_i p_j, j > i", p(i), o[above], -p(i) * p(above))
    yield gradient("dp_i/do_j = p_i (delta_ij - p_j)", p(i), o[j], p(i) * (delta(i, j) - p(j)))
    yield equal("the rows of the Jacobian sum to 0", total(p(i) * (delta(i, j) - p(j)), i), p(j) * (1 - total(p(i), i)))
    yield (do := gradient("d<u, p>/do_j", total(u[i] * p(i), i), o[j], p(j) * (u[j] - total(u[i] * p(i), i))))
    (named,) = arrays("p")
    return System.of_claims({"o": do}, {"o": (o, axes(K)), "upstream": (u, axes(K))}, named={named[i]: p(i)})


def _draw_logits(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    return {"o": draws.normal(rng, sizes["K"])}, {}


softmax_jacobian = Formula(
    key="softmax-jacobian",
    title="the Jacobian of softmax, contracted with an upstream gradient",
    rows=("B3",),
    source=f"{B}, Question 1, Derivation (a)",
    printed=r"\frac{\partial \hat{y}_i}{\partial o_j} = \hat{y}_i (1 - \hat{y}_i) \text{ when } i = j, \quad"
    r" -\hat{y}_i \hat{y}_j \text{ when } i \neq j",
    domain_text="all real o; K >= 1",
    derive=_softmax_jacobian,
    system=_softmax_jacobian.system,
    sizes={"K": (1, 9)},
    draw=_draw_logits,
    pinned=({"K": 48},),
    also_called={"o": LOGITS},
    note="A handwritten page, badly scanned: the reading is ours.",
)


@derivation()
def _softmax_cross_entropy() -> Steps:
    T, K = sizes("T K")
    t, i, k = index("t", T), index("i", K), index("k", K)
    s, q = index("s", T), index("q", K)
    o, b_y, y, z = arrays("o b_y y z")
    (yhat,) = arrays("yhat", positive=True)
    targets_sum_to_one = {total(y[t, i], i): 1}

    def softmax(logit: Any, i: Any) -> Any:
        return exp(logit(i)) / total(exp(logit(k)), k)

    def logits(t: Any) -> Any:
        return lambda i: o[t, i] + b_y[i]

    yield gradient("dL_s/dyhat_sq", -total(y[s, i] * log(yhat[s, i]), i), yhat[s, q], -y[s, q] / yhat[s, q])

    def p(i: Any) -> Any:
        return softmax(lambda i: z[i], i)

    yield gradient("dyhat_i/dz_q", p(i), z[q], p(i) * (delta(i, q) - p(q)))
    along_paths = total(-y[s, i] / p(i) * p(i) * (delta(i, q) - p(q)), i)
    yield equal(
        "sum_i (dL/dyhat_i) (dyhat_i/dz_q) = yhat_q - y_q", along_paths, p(q) - y[s, q], given=targets_sum_to_one
    )
    yield gradient("dz_q/do_sq", logits(s)(q), o[s, q], 1)
    yield gradient("dz_q/db_q", logits(s)(q), b_y[q], 1)

    L = -total(y[t, i] * log(softmax(logits(t), i)), i, t)
    errors = softmax(logits(s), q) - y[s, q]
    yield (do := gradient("dL/do_sq = yhat_sq - y_sq", L, o[s, q], errors, given=targets_sum_to_one))
    yield (db := gradient("dL/db_q = sum_s (yhat_sq - y_sq)", L, b_y[q], total(errors, s), given=targets_sum_to_one))
    inputs = {"o": (o, axes(T, K)), "b_y": (b_y, axes(K)), "y": (y, axes(T, K))}
    return System.of_claims({"o": do, "b_y": db}, inputs, named={yhat[s, q]: softmax(logits(s), q)})


def _draw_rows_of_logits(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    T, K = sizes["T"], sizes["K"]
    return {"o": draws.normal(rng, T, K), "b_y": draws.normal(rng, K)}, {"y": draws.targets(rng, T, K)}


softmax_cross_entropy = Formula(
    key="softmax-cross-entropy",
    title="cross-entropy of softmax, T rows of K classes with a shared bias",
    rows=("B3",),
    source=f"{B}, Question 1, Derivation (a)",
    printed=r"\frac{\partial L}{\partial o_t} = \hat{y}_t - y_t, \quad"
    r" \frac{\partial L}{\partial b_y} = \sum_t (\hat{y}_t - y_t)",
    domain_text="the rows of y sum to 1; all real o, b_y; T, K >= 1",
    derive=_softmax_cross_entropy,
    system=_softmax_cross_entropy.system,
    sizes={"T": (1, 6), "K": (1, 8)},
    draw=_draw_rows_of_logits,
    fixed=("y",),
    pinned=({"T": 48, "K": 3},),
    also_called={"o": LOGITS, "b_y": ("by", "b", "bias"), "y": TARGETS},
    note="A handwritten page, badly scanned: the reading is ours.",
)


@derivation()
def _class_cross_entropy() -> Steps:
    K = size("K")
    k, i, c = index("k", K), index("i", K), index("c", K)
    (y,) = arrays("y")
    (p,) = arrays("p", positive=True)

    def softmax(i: Any) -> Any:
        return exp(y[i]) / total(exp(y[k]), k)

    yield gradient("dL/dp_c", -log(p[c]), p[c], -1 / p[c])
    yield gradient("dp_c/dy_i", softmax(c), y[i], softmax(c) * (delta(c, i) - softmax(i)))
    yield equal(
        "(dL/dp_c) (dp_c/dy_i) = p_i - [i = c]",
        -1 / softmax(c) * (softmax(c) * (delta(c, i) - softmax(i))),
        softmax(i) - delta(c, i),
    )
    yield (dy := gradient("dL/dy_i = p_i - [i = c]", -log(softmax(c)), y[i], softmax(i) - delta(c, i)))
    yield gradient("dL/dy_c = p_c - 1", -log(softmax(c)), y[c], softmax(c) - 1)
    return System.of_claims({"y": dy}, {"y": (y, axes(K)), "c": (c, ())})


def _draw_class(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    K = sizes["K"]
    return {"y": draws.normal(rng, K)}, {"c": int(rng.integers(K))}


class_cross_entropy = Formula(
    key="class-cross-entropy",
    title="cross-entropy of softmax for one class",
    rows=("E2",),
    source=f"{E}, Back propagation, Gradients",
    printed=r"\frac{\partial L}{\partial y} = \{ p_i \text{ if } i \neq c, \; p_i - 1 \text{ if } i = c \}",
    domain_text="c one of the K classes; all real y; K >= 1",
    derive=_class_cross_entropy,
    system=_class_cross_entropy.system,
    sizes={"K": (1, 9)},
    draw=_draw_class,
    fixed=("c",),
    pinned=({"K": 48},),
    also_called={"y": LOGITS, "c": ("label", "target", "class_index", "correct_class")},
    note="The source writes L = -ln(softmax(y_c)); read softmax(y)_c.",
)


def _cross_entropy_gradient_exact() -> Mapping[str, Any]:
    """From logits whose softmax is p, so that the formula is differentiated and not assumed."""
    p, c = (Rational(1, 5), Rational(1, 5), Rational(3, 5)), 0
    (y,) = arrays("y")
    loss = -log(exp(y[c]) / sum(exp(y[i]) for i in range(3)))
    at = {y[i]: log(p[i]) for i in range(3)}
    return {f"dL/dy_{i}": loss.diff(y[i]).xreplace(at).doit() for i in range(3)}


cross_entropy_gradient_example = WorkedExample(
    key="cross-entropy-gradient-example",
    title="the gradient for p = (0.2, 0.2, 0.6) and class 0",
    rows=("E2",),
    source=f"{E}, Back propagation, Gradients",
    exact=_cross_entropy_gradient_exact,
    printed={"dL/dy_0": Printed("-0.8"), "dL/dy_1": Printed("0.2"), "dL/dy_2": Printed("0.6")},
)


# ---- the chain rule -----------------------------------------------------------------------------------------------


@derivation(
    argued="For any differentiable g, u is its gradient at y = f(x); f = tanh(A x + d) stands for any f, whose Jacobian"
    " enters the second equality only through the first."
)
def _vector_chain_rule() -> Steps:
    n, m = sizes("n m")
    i, j, q = index("i", n), index("j", m), index("q", m)
    k = index("k", n)
    x, u, A, d = arrays("x u A d")

    def y(j: Any) -> Any:
        return tanh(total(A[j, k] * x[k], k) + d[j])

    def jacobian(i: Any, j: Any) -> Any:
        return (1 - y(j) ** 2) * A[j, i]

    yield gradient("(nabla_x y)_iq = dy_q/dx_i", y(q), x[i], jacobian(i, q))
    product = total(jacobian(i, j) * u[j], j)
    yield (dx := gradient("nabla_x z = (nabla_x y) (nabla_y z)", total(u[j] * y(j), j), x[i], product))
    inputs = {"x": (x, axes(n)), "A": (A, axes(m, n)), "d": (d, axes(m)), "upstream": (u, axes(m))}
    (named,) = arrays("y")
    return System.of_claims({"x": dx}, inputs, named={named[j]: y(j)})


def _draw_layer(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    n, m = sizes["n"], sizes["m"]
    return {"x": draws.normal(rng, n)}, {"A": draws.normal(rng, m, n), "d": draws.normal(rng, m)}


vector_chain_rule = Formula(
    key="vector-chain-rule",
    title="the chain rule for a layer from R^n to R^m",
    rows=("C4",),
    source=f"{C}, Exercise 1, Hint 1",
    printed=r"\nabla_{\mathbf{x}} z = \nabla_{\mathbf{x}} \mathbf{y} \cdot \nabla_{\mathbf{y}} z",
    domain_text="all real x, A, d; n, m >= 1",
    derive=_vector_chain_rule,
    system=_vector_chain_rule.system,
    sizes={"n": (1, 8), "m": (1, 8)},
    draw=_draw_layer,
    pinned=({"n": 48, "m": 3}, {"n": 3, "m": 48}),
    also_called={"x": ("inputs", "input"), "A": ("W", "weights", "weight"), "d": ("b", "bias")},
    note="The source states it for any f; checked here for y = tanh(A x + d).",
)
