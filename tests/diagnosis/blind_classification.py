"""Wrong gradients of cross-entropies, of given probabilities and with the softmax before them."""

import numpy as np

from implementations.activations import softmax
from tests.diagnosis.blind_case import wrong
from tests.diagnosis.wording import OPPOSITE_SIGN, divided_by, instead, only, said, without

# cross-entropy of given probabilities -----------------------------------------------------------------------------


@wrong(
    "cross-entropy",
    "yhat",
    "The minus in front of the sum is lost: y / yhat for -y / yhat.",
    accept=(OPPOSITE_SIGN,),
)
def minus_of_the_loss_lost(params, data):
    return {"yhat": data["y"] / params["yhat"]}


@wrong(
    "cross-entropy",
    "yhat",
    "The logarithm is not differentiated: -y ln yhat for -y / yhat.",
    accept=(instead("log(yhat)", "1/yhat"),),
)
def logarithm_not_differentiated(params, data):
    return {"yhat": -data["y"] * np.log(params["yhat"])}


@wrong(
    "cross-entropy",
    "yhat",
    "The derivative of ln yhat is written 1 / yhat^2; it is 1 / yhat.",
    accept=(
        r"factor 1/yhat twice",
        instead("1/yhat^2 or yhat^(-2)", "1/yhat"),
        r"divided by yhat",
        instead("yhat^2", "yhat"),
    ),
)
def reciprocal_squared(params, data):
    return {"yhat": -data["y"] / params["yhat"] ** 2}


@wrong(
    "cross-entropy",
    "yhat",
    "The gradient is divided by the number of rows T; the loss is a sum over t.",
    accept=(divided_by("T"),),
)
def averaged_over_the_rows(params, data):
    y = data["y"]
    grad = np.zeros_like(params["yhat"])
    for t in range(len(y)):
        grad[t] = -y[t] / params["yhat"][t] / len(y)
    return {"yhat": grad}


@wrong(
    "cross-entropy",
    "yhat",
    "yhat - y is the gradient by the logits; by the probabilities it is -y / yhat.",
    accept=(said("yhat - y or -y + yhat"), r"by the logits"),
)
def gradient_by_the_logits(params, data):
    return {"yhat": params["yhat"] - data["y"]}


@wrong(
    "cross-entropy",
    "yhat",
    "The term (1 - y) / (1 - yhat) of the binary cross-entropy is added.",
    accept=(r"\(1 - y\)", r"binary"),
)
def binary_cross_entropy_for_many_classes(params, data):
    y, yhat = data["y"], params["yhat"]
    return {"yhat": -(y / yhat) + (1 - y) / (1 - yhat)}


@wrong(
    "cross-entropy",
    "yhat",
    "The factor y is left out: every class gets -1 / yhat.",
    accept=(without("y"), r"\b1 where y\b"),
)
def every_class_as_if_it_were_the_target(params, data):
    return {"yhat": -1 / params["yhat"]}


# softmax and cross-entropy together -------------------------------------------------------------------------------


@wrong(
    "softmax-cross-entropy",
    "o b_y",
    "The bias b_y is left out of the logits that the softmax is taken of.",
    accept=(without("b_y"),),
)
def softmax_without_the_bias(params, data):
    do = softmax(params["o"]) - data["y"]
    return {"o": do, "b_y": do.sum(axis=0)}


@wrong(
    "softmax-cross-entropy",
    "b_y",
    "The gradient of b_y is the mean of yhat - y over the rows; it must be the sum.",
    accept=(divided_by("T"), r"mean where the sum over"),
)
def bias_averaged_over_the_rows(params, data):
    do = softmax(params["o"] + params["b_y"]) - data["y"]
    return {"o": do, "b_y": np.mean(do, axis=0)}


@wrong(
    "softmax-cross-entropy",
    "o b_y",
    "The softmax is normalised down the rows (axis 0) and not across the classes.",
    accept=(r"sum over [st] where one over k belongs", r"over (the )?rows where"),
)
def softmax_down_the_rows(params, data):
    e = np.exp(params["o"] + params["b_y"])
    yhat = e / np.sum(e, axis=0)
    return {"o": yhat - data["y"], "b_y": np.sum(yhat - data["y"], axis=0)}


@wrong(
    "softmax-cross-entropy",
    "o b_y",
    "The softmax is normalised over the whole array, all rows together.",
    accept=(r"sum over (k and [st]|[st] and k) where one over k belongs",),
)
def softmax_over_everything(params, data):
    z = params["o"] + params["b_y"]
    e = np.exp(z - z.max())
    do = e / e.sum() - data["y"]
    return {"o": do, "b_y": do.sum(axis=0)}


@wrong(
    "softmax-cross-entropy",
    "o b_y",
    "Both gradients are divided by the number of rows T; the loss is a sum.",
    accept=(divided_by("T"),),
)
def batch_mean(params, data):
    do = (softmax(params["o"] + params["b_y"]) - data["y"]) / len(data["y"])
    return {"o": do, "b_y": do.sum(axis=0)}


@wrong(
    "softmax-cross-entropy",
    "b_y",
    "b_y gets yhat - y of the last row only; the rows before it are overwritten.",
    accept=(only("s = T - 1 or t = T or s = T"), r"\bthe last along T alone"),
)
def bias_of_the_last_row(params, data):
    T = len(data["y"])
    do, db = np.zeros_like(params["o"]), np.zeros_like(params["b_y"])
    for t in range(T):
        do[t] = softmax(params["o"][t] + params["b_y"]) - data["y"][t]
        db = do[t].copy()
    return {"o": do, "b_y": db}


@wrong(
    "softmax-cross-entropy",
    "o b_y",
    "The sign is wrong: y - yhat for yhat - y.",
    accept=(OPPOSITE_SIGN,),
)
def target_minus_softmax(params, data):
    do = data["y"] - softmax(params["o"] + params["b_y"])
    return {"o": do, "b_y": do.sum(axis=0)}


@wrong(
    "softmax-cross-entropy",
    "o b_y",
    "Only the diagonal of the softmax's Jacobian is used: -y/yhat * yhat (1 - yhat).",
    accept=(r"diagonal", said("y*(1 - yhat) or (1 - yhat)*y")),
)
def diagonal_of_the_jacobian_alone(params, data):
    yhat = softmax(params["o"] + params["b_y"])
    dL_dyhat = -data["y"] / yhat
    dyhat_do = yhat * (1 - yhat)
    do = dL_dyhat * dyhat_do
    return {"o": do, "b_y": np.sum(do, axis=0)}


# cross-entropy of one class ---------------------------------------------------------------------------------------


@wrong(
    "class-cross-entropy",
    "y",
    "1 is subtracted at the class after c: the index is one off.",
    accept=(r"entry after the one of \[c = i\]", said("[c + 1 = i] or [i = c + 1]"), instead("c + 1", "c")),
)
def class_after_the_label(params, data):
    p = softmax(params["y"])
    p[(data["c"] + 1) % len(p)] -= 1
    return {"y": p}


@wrong(
    "class-cross-entropy",
    "y",
    "The sign is wrong: [i = c] - p_i for p_i - [i = c].",
    accept=(OPPOSITE_SIGN,),
)
def negated(params, data):
    grad = -softmax(params["y"])
    grad[data["c"]] += 1
    return {"y": grad}


@wrong(
    "class-cross-entropy",
    "y",
    "Only the entry of class c is filled in; the others stay 0 and must be p_i.",
    accept=(r"entr\w+ at \[c = i\] only",),
)
def other_classes_left_at_zero(params, data):
    grad = np.zeros_like(params["y"])
    grad[data["c"]] = softmax(params["y"])[data["c"]] - 1
    return {"y": grad}


@wrong(
    "class-cross-entropy",
    "y",
    "The exponentials are not divided by their sum before 1 is subtracted.",
    accept=(without("1/sum_k(exp(y))"), r"not (normalised|divided)", r"division by sum_k\(exp\(y\)\)"),
)
def not_normalised(params, data):
    grad = np.exp(params["y"])
    grad[data["c"]] -= 1
    return {"y": grad}


@wrong(
    "class-cross-entropy",
    "y",
    "dL/dp_c = -1/p_c is returned at c; the softmax's derivative is never applied.",
    accept=(r"-1/p", r"-exp\(-y\)\*\[c = i\]\*sum_k\(exp\(y\)\) where", r"derivative of the softmax"),
)
def stops_at_the_probabilities(params, data):
    p, c = softmax(params["y"]), data["c"]
    dL_dp = np.zeros_like(p)
    dL_dp[c] = -1 / p[c]
    return {"y": dL_dp}


@wrong(
    "class-cross-entropy",
    "y",
    "The 1 at class c is not subtracted: the gradient is p itself.",
    accept=(without("[c = i]"),),
)
def one_forgotten(params, data):
    e = np.exp(params["y"] - np.max(params["y"]))
    return {"y": e / np.sum(e)}
