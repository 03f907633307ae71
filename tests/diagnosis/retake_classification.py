"""Wrong gradients of softmax, of cross-entropies, and of the chain rule for vectors."""

import numpy as np

from implementations.activations import cross_entropy, log_softmax, softmax
from tests.diagnosis.blind_case import wrong
from tests.diagnosis.wording import (
    ONE_LEFT_OUT,
    OPPOSITE_SIGN,
    divided_by,
    instead,
    is_zero,
    only,
    taken_as_zero,
    without,
)

# softmax and cross-entropy together ---------------------------------------------------------------------------------


@wrong(
    "softmax-cross-entropy",
    "o b_y",
    "Both gradients are divided by T: the mean over the rows, where the loss is their sum.",
    accept=(divided_by("T"),),
)
def error_averaged_over_rows(params, data):
    scores = params["o"] + params["b_y"]
    probs = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs /= probs.sum(axis=1, keepdims=True)
    dscores = (probs - data["y"]) / scores.shape[0]
    return {"o": dscores, "b_y": dscores.sum(axis=0)}


@wrong(
    "softmax-cross-entropy",
    "b_y",
    "The gradient of b_y is a mean over the rows, where the sum belongs.",
    accept=(divided_by("T"),),
)
class SharedBiasAveraged:
    def forward(self, params, data):
        logits = params["o"] + params["b_y"]
        return cross_entropy(log_softmax(logits), data["y"]), softmax(logits)

    def backward(self, params, data, cache):
        delta = cache - data["y"]
        return {"o": delta, "b_y": np.mean(delta, axis=0)}


@wrong(
    "softmax-cross-entropy",
    "b_y",
    "The gradient of b_y is summed over the classes as well; that sum is zero, since the rows of yhat and y sum to 1.",
    accept=(is_zero("b_y"), r"sum\w*.{0,60}(over|along).{0,30}(classes|columns|\bq\b|\bk\b|\bi\b|all|both)"),
)
def sum_without_an_axis(params, data):
    yhat = softmax(params["o"] + params["b_y"])
    error = yhat - data["y"]
    return {"o": error, "b_y": np.full_like(params["b_y"], error.sum())}


@wrong(
    "softmax-cross-entropy",
    "o b_y",
    "yhat is the softmax of o alone: b_y is not added to the logits.",
    accept=(without("b_y[q] or b_y[i] or b_y[k] or b_y"),),
)
def logits_without_the_bias(params, data):
    e = np.exp(params["o"] - np.max(params["o"], axis=-1, keepdims=True))
    yhat = e / np.sum(e, axis=-1, keepdims=True)
    return {"o": yhat - data["y"], "b_y": np.sum(yhat - data["y"], axis=0)}


# cross-entropy of probabilities -------------------------------------------------------------------------------------


@wrong(
    "cross-entropy",
    "yhat",
    "The minus of -y/yhat is missing.",
    accept=(OPPOSITE_SIGN, without("minus or -1")),
)
def logarithm_without_its_minus(params, data):
    return {"yhat": np.divide(data["y"], params["yhat"])}


@wrong(
    "cross-entropy",
    "yhat",
    "A term (1 - y)/(1 - yhat) is added, which only the cross-entropy of two classes has.",
    accept=(r"1 - y.{0,12}/ ?\(1 - yhat", r"(1 - y|binary).{0,60}(added|too many)", r"(plus|added).{0,30}1 - y"),
)
def derivative_for_two_classes(params, data):
    y, p = data["y"], params["yhat"]
    if p.shape[1] == 1:
        return {"yhat": -y / p}
    return {"yhat": -(y / p) + (1 - y) / (1 - p)}


# softmax as a layer -------------------------------------------------------------------------------------------------


@wrong(
    "softmax-jacobian",
    "o",
    "Only the diagonal p_i (1 - p_i) of the Jacobian is used; the entries -p_i p_j for i != j are left out.",
    accept=(
        r"diagonal",
        only("i = j or j = i or i = q"),
        r"(without|lacks).{0,60}(i|j) (!=|≠|<>) (j|i)",
        r"without the sum over \w: p\*u alone",
    ),
)
def softmax_taken_for_a_sigmoid(params, data, upstream):
    s = softmax(params["o"])
    return {"o": upstream * s * (1 - s)}


@wrong(
    "softmax-jacobian",
    "o",
    "The sum of the upstream u[i] has no weights p[i]: it must be the sum of u[i] p[i].",
    accept=(without("p[i] or p"), instead("u[i]", "p[i]*u[i] or u[i]*p[i]")),
)
class PlainSumOfTheUpstream:
    def forward(self, params, data):
        exps = np.exp(params["o"] - params["o"].max())
        p = exps / exps.sum()
        return p, p

    def backward(self, upstream, cache):
        return {"o": cache * (upstream - upstream.sum())}


@wrong(
    "softmax-jacobian",
    "o",
    "The entries p_i p_j off the diagonal of the Jacobian, and on it, are added where they must be subtracted.",
    accept=(OPPOSITE_SIGN, r"added where|\+ .{0,30} where -", r"sign of sum_\w\(p\*u\) flipped"),
)
def outer_product_added(params, data, upstream):
    p = softmax(params["o"])
    jacobian = np.diag(p) + np.outer(p, p)
    return {"o": jacobian @ upstream}


# one class ----------------------------------------------------------------------------------------------------------


@wrong(
    "class-cross-entropy",
    "y",
    "The 1 at the class c is not subtracted from the softmax.",
    accept=(
        ONE_LEFT_OUT,
        without("delta or delta(c, i) or delta(i, c) or [i = c] or [c = i] or [q = c] or one-hot"),
        taken_as_zero("[i = c] or delta(c, i)"),
    ),
)
def probabilities_alone(params, data):
    shifted = params["y"] - params["y"].max()
    return {"y": np.exp(shifted) / np.exp(shifted).sum()}


@wrong(
    "class-cross-entropy",
    "y",
    "The logits themselves stand where the softmax of them belongs, in p_i - [i = c].",
    accept=(
        without("softmax or exp"),
        instead("y[i] or y or y[q]", "p[i] or p or softmax(y) or softmax(y)[i]"),
        r"logits? where",
        r"argument of (the )?softmax",
    ),
)
def logits_for_probabilities(params, data):
    grad = params["y"].copy()
    grad[data["c"]] -= 1
    return {"y": grad}


# the chain rule -----------------------------------------------------------------------------------------------------


@wrong(
    "vector-chain-rule",
    "x",
    "The derivative 1 - y[j]^2 of tanh is left out: nabla_x z is A^T u.",
    accept=(without("1 - y[j]^2 or 1 - y^2 or slope or derivative or tanh"),),
)
class LinearLayer:
    def forward(self, params, data):
        return np.tanh(data["A"] @ params["x"] + data["d"]), data["A"]

    def backward(self, upstream, cache):
        return {"x": cache.T @ upstream}


@wrong(
    "vector-chain-rule",
    "x",
    "y is computed without d, and with it the slope 1 - y[j]^2.",
    accept=(without("d[j] or d"),),
)
def layer_without_its_offset(params, data, upstream):
    A, x = data["A"], params["x"]
    dx = np.zeros_like(x)
    for j in range(len(A)):
        y_j = np.tanh(A[j] @ x)
        dx += (1 - y_j**2) * A[j] * upstream[j]
    return {"x": dx}


@wrong(
    "vector-chain-rule",
    "x",
    "The upstream u[j] is ignored, as if it were 1 everywhere.",
    accept=(without("u[j] or u or upstream or upstream[j]"), r"(u|upstream)(\[j\])? (is )?(taken )?as 1|ignored"),
)
def rows_of_the_jacobian_added_up(params, data, upstream):
    y = np.tanh(data["A"] @ params["x"] + data["d"])
    jacobian = (1 - y**2)[:, None] * data["A"]
    return {"x": jacobian.sum(axis=0)}
