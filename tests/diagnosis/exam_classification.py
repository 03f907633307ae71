"""Wrong gradients of softmax and cross-entropy, and of the chain rule for a layer."""

import numpy as np

from tests.diagnosis.blind_case import wrong
from tests.diagnosis.wording import OPPOSITE_SIGN, divided_by, instead, only, said, without


def softmax(o):
    e = np.exp(o - np.max(o, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


# softmax-cross-entropy --------------------------------------------------------------------------------------------


@wrong(
    "softmax-cross-entropy",
    "o b_y",
    "Both gradients have y - yhat, which has the opposite sign.",
    accept=(OPPOSITE_SIGN,),
)
def targets_less_probabilities(params, data):
    d = data["y"] - softmax(params["o"] + params["b_y"])
    return {"o": d, "b_y": d.sum(axis=0)}


@wrong(
    "softmax-cross-entropy",
    "o b_y",
    "Both gradients are divided by the number T of rows; the loss is the sum over the rows and not their mean.",
    accept=(divided_by("T"),),
)
class SoftmaxWithMeanLoss:
    def forward(self, params, data):
        probabilities = softmax(params["o"] + params["b_y"])
        return -np.sum(data["y"] * np.log(probabilities)), probabilities

    def backward(self, params, data, cache):
        rows = cache.shape[0]
        dx = (cache - data["y"]) / rows
        return {"o": dx, "b_y": np.sum(dx, axis=0)}


@wrong(
    "softmax-cross-entropy",
    "b_y",
    "db_y is the mean of yhat - y over the rows, where their sum belongs.",
    accept=(divided_by("T"),),
)
def shared_bias_is_averaged(params, data):
    do = softmax(params["o"] + params["b_y"]) - data["y"]
    return {"o": do, "b_y": do.mean(axis=0)}


@wrong(
    "softmax-cross-entropy",
    "o b_y",
    "The logits are o without the term b_y.",
    accept=(without("b_y or b_y[q] or b_y[i]"),),
)
def shared_bias_is_not_added(params, data):
    do = np.empty_like(params["o"])
    for t, logits in enumerate(params["o"]):
        e = np.exp(logits - logits.max())
        do[t] = e / e.sum() - data["y"][t]
    return {"o": do, "b_y": do.sum(0)}


@wrong(
    "softmax-cross-entropy",
    "b_y",
    "db_y is overwritten for each row: only the last of its sum is left.",
    accept=(only("t = T or t = T - 1 or s = T - 1 or the last or one row"), r"last row"),
)
def shared_bias_is_overwritten(params, data):
    do, db = [], None
    for o_t, y_t in zip(params["o"], data["y"], strict=True):
        do.append(softmax(o_t + params["b_y"]) - y_t)
        db = do[-1].copy()
    return {"o": np.array(do), "b_y": db}


@wrong(
    "softmax-cross-entropy",
    "o b_y",
    "The probabilities are normalised by the sum over the rows, where that over the classes belongs.",
    accept=(r"sum over (t|s|the rows)\b.* where|normali[sz]\w* (over|along) (t|s|the rows)\b", instead("t", "k or i")),
)
def softmax_along_the_wrong_axis(params, data):
    z = params["o"] + params["b_y"]
    e = np.exp(z - z.max())
    do = e / e.sum(axis=0) - data["y"]
    return {"o": do, "b_y": do.sum(axis=0)}


@wrong(
    "softmax-cross-entropy",
    "o b_y",
    "Both gradients have yhat without the term y.",
    accept=(without("y or y[s, q] or y[t, i] or -y"),),
)
def probabilities_as_the_error(params, data):
    e = np.exp(params["o"] + params["b_y"])
    yhat = e / e.sum(axis=1, keepdims=True)
    return {"o": yhat, "b_y": yhat.sum(axis=0)}


# softmax-jacobian -------------------------------------------------------------------------------------------------


@wrong(
    "softmax-jacobian",
    "o",
    "Only the diagonal p (1 - p) of the Jacobian is used; its other entries -p_i p_j are missing.",
    accept=(
        r"diagonal",
        only("i = j or k = j"),
        r"p(\[\w\])? where .*(total|sum)",
        r"u\S* ?\*? ?p\S* where",
        said("p*u alone"),
    ),
)
def softmax_treated_elementwise(params, data, upstream):
    p = softmax(params["o"])
    return {"o": upstream * p * (1 - p)}


@wrong(
    "softmax-jacobian",
    "o",
    "The sum of u[i] p[i] over the i other than j is added, where it must be subtracted.",
    accept=(rf"({OPPOSITE_SIGN})", r"\+ .* where .*-", r"sign of the terms .*other than i = j flipped"),
)
def entries_beside_the_diagonal_are_added(params, data, upstream):
    p = softmax(params["o"])
    do = np.zeros_like(p)
    for j in range(len(p)):
        for i in range(len(p)):
            do[j] += upstream[i] * (p[i] * (1 - p[i]) if i == j else p[i] * p[j])
    return {"o": do}


@wrong(
    "softmax-jacobian",
    "o",
    "The term -sum of u[i] p[i] is missing: the gradient is p[j] u[j].",
    accept=(without("u[i] or p[i] or u or total or sum"), r"without the (sum|term)"),
)
def exponential_without_its_normalisation(params, data, upstream):
    e = np.exp(params["o"])
    return {"o": upstream * e / e.sum()}


@wrong(
    "softmax-jacobian",
    "o",
    "The factor p[j] before the bracket is missing: the gradient is u[j] - sum of u[i] p[i].",
    accept=(without("p[j] or p or p[q]"),),
)
def probability_before_the_bracket_is_missing(params, data, upstream):
    p = softmax(params["o"])
    return {"o": upstream - upstream @ p}


# Cross-entropy ----------------------------------------------------------------------------------------------------


@wrong("cross-entropy", "yhat", "The gradient is y/yhat, which has the opposite sign.", accept=(OPPOSITE_SIGN,))
def minus_of_the_logarithm_is_lost(params, data):
    return {"yhat": np.divide(data["y"], params["yhat"])}


@wrong(
    "cross-entropy",
    "yhat",
    "The gradient is divided by the number T of rows; the loss is their sum.",
    accept=(divided_by("T"),),
)
def cross_entropy_per_row(params, data):
    grad = np.zeros_like(params["yhat"])
    for t in range(len(grad)):
        grad[t] = -data["y"][t] / (params["yhat"][t] * len(grad))
    return {"yhat": grad}


@wrong(
    "cross-entropy",
    "yhat",
    "The gradient is yhat - y, that by the logits of a softmax; -y/yhat belongs there.",
    accept=(r"yhat(\[[^]]*\])? ?- ?y\b.* where", r"by (its|the) logits", r"softmax"),
)
def shortcut_of_the_logits(params, data):
    return {"yhat": params["yhat"] - data["y"]}


@wrong(
    "class-cross-entropy",
    "y",
    "The 1 is not subtracted at class c: the gradient is p.",
    accept=(without("delta or 1 or c or [i = c]"), r"without\b.*delta"),
)
def class_is_ignored(params, data):
    e = np.exp(params["y"])
    return {"y": e / np.sum(e)}


@wrong("class-cross-entropy", "y", "The gradient is [i = c] - p, which has the opposite sign.", accept=(OPPOSITE_SIGN,))
def one_hot_less_probabilities(params, data):
    grad = -softmax(params["y"])
    grad[data["c"]] += 1
    return {"y": grad}


# vector-chain-rule ------------------------------------------------------------------------------------------------


@wrong(
    "vector-chain-rule",
    "x",
    "The factor 1 - y[j]^2, tanh's derivative, is missing: the gradient is A^T u.",
    accept=(without("1 - y[j]^2 or 1 - y^2 or 1 - tanh"),),
)
def layer_without_its_slope(params, data, upstream):
    return {"x": data["A"].T @ upstream}


@wrong(
    "vector-chain-rule",
    "x",
    "1 - tanh(y[j])^2 stands where 1 - y[j]^2 belongs: the derivative is taken of the value.",
    accept=(said("tanh(y[j])"), said("tanh(y)"), r"twice", r"already (been )?activated", r"tanh applied again to y"),
)
class SlopeOfTheLayerOutput:
    def forward(self, params, data):
        y = np.tanh(data["A"] @ params["x"] + data["d"])
        return y, (data["A"], y)

    def backward(self, upstream, cache):
        A, y = cache
        dz = upstream * (1 - np.tanh(y) ** 2)
        return {"x": dz @ A}


@wrong(
    "vector-chain-rule",
    "x",
    "1 - z[j]^2 of the pre-activation z = A x + d stands where 1 - y[j]^2 belongs.",
    accept=(
        without("tanh"),
        r"where \(?y(\[j\])?( ?(\^|\*\*) ?2)? belongs",
        r"pre-?activation",
        r"argument of tanh where its value y belongs",
    ),
)
def slope_from_the_pre_activation(params, data, upstream):
    z = data["A"].dot(params["x"]) + data["d"]
    return {"x": data["A"].T.dot((1 - z**2) * upstream)}


@wrong("vector-chain-rule", "x", "The pre-activation is A x without the term d.", accept=(without("d or d[j]"),))
def layer_without_its_bias(params, data, upstream):
    y = np.tanh(data["A"] @ params["x"])
    return {"x": ((1 - y**2) * upstream) @ data["A"]}


@wrong(
    "vector-chain-rule",
    "x",
    "The upstream gradient is ignored: the rows of the Jacobian are added up as if it were 1.",
    accept=(
        without("u or u[j] or upstream or upstream[j]"),
        instead("1", "u[j] or u or upstream or upstream[j]"),
        r"ignor\w+ (the )?upstream|upstream\S* (is )?(ignored|not used)",
    ),
)
def layer_ignores_what_comes_in(params, data, upstream):
    y = np.tanh(data["A"] @ params["x"] + data["d"])
    jacobian = (1 - y**2)[:, None] * data["A"]
    return {"x": jacobian.sum(axis=0)}
