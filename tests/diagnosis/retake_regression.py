"""Wrong gradients of linear and logistic regression, and of the step of gradient descent."""

import numpy as np

from implementations.activations import sigmoid
from tests.diagnosis.blind_case import wrong
from tests.diagnosis.wording import HALVED, NOT_ADDED_UP, OPPOSITE_SIGN, instead, multiple, only, times, without

# a line -------------------------------------------------------------------------------------------------------------


@wrong(
    "linear-regression",
    "w b",
    "The factor 2 of the square is missing in both gradients.",
    accept=(HALVED,),
)
def line_lacking_a_two(params, data):
    yhat = params["w"] * data["x"] + params["b"]
    return {"w": np.mean((yhat - data["y"]) * data["x"]), "b": np.mean(yhat - data["y"])}


@wrong(
    "linear-regression",
    "w b",
    "Both gradients are summed over the points, without the division by n.",
    accept=(multiple("n"), without("1/n")),
)
def line_summed_in_a_loop(params, data):
    dw = db = np.zeros_like(params["w"])
    for x_i, y_i in zip(data["x"], data["y"], strict=True):
        error = params["w"] * x_i + params["b"] - y_i
        dw = dw + 2 * error * x_i
        db = db + 2 * error
    return {"w": dw, "b": db}


@wrong(
    "linear-regression",
    "w",
    "The gradient of w has no factor x[i]: it is that of b.",
    accept=(without("x[i] or x"),),
)
class SlopeLikeIntercept:
    def forward(self, params, data):
        diff = params["w"] * data["x"] + params["b"] - data["y"]
        return np.mean(diff**2), diff

    def backward(self, params, data, cache):
        grad = 2 * np.mean(cache)
        return {"w": grad, "b": grad}


@wrong(
    "linear-regression",
    "b",
    "The gradient of b is a sum over the points, not divided by n as that of w is.",
    accept=(multiple("n"), without("1/n")),
)
def intercept_not_averaged(params, data):
    x, y = data["x"], data["y"]
    n = len(x)
    residual = params["w"] * x + params["b"] - y
    dw = 2 / n * x @ residual
    db = 2 * residual.sum()
    return {"w": dw, "b": db}


@wrong(
    "linear-regression-reversed",
    "b",
    "The gradient of b lacks the minus of the inner derivative of y - yhat.",
    accept=(OPPOSITE_SIGN, without("minus or -1")),
)
def minus_lost_on_the_intercept(params, data):
    e = data["y"] - (params["b"] + params["w"] * data["x"])
    return {"w": (-2 * e * data["x"]).mean(), "b": (2 * e).mean()}


# several features ---------------------------------------------------------------------------------------------------


@wrong(
    "multiple-linear-regression",
    "w b",
    "The gradients are divided by n, the number of features, where m, the number of rows, belongs.",
    accept=(instead("n", "m"), instead("1/n", "1/m"), instead("2/n", "2/m"), multiple("m/n")),
)
def divided_by_the_features(params, data):
    X, y, w, b = data["X"], data["y"], params["w"], params["b"]
    diff = X @ w + b - y
    n = X.shape[1]
    return {"w": (2 / n) * X.T @ diff, "b": (2 / n) * np.sum(diff)}


@wrong(
    "multiple-linear-regression",
    "w b",
    "The prediction is X w, without b.",
    accept=(without("b"),),
)
class InterceptNotInThePrediction:
    def forward(self, params, data):
        X = data["X"]
        prediction = X.dot(params["w"])
        return np.mean((prediction + params["b"] - data["y"]) ** 2), prediction

    def backward(self, params, data, cache):
        error = cache - data["y"]
        m = error.size
        return {"w": 2.0 * data["X"].T.dot(error) / m, "b": 2.0 * error.sum() / m}


@wrong(
    "multiple-linear-regression",
    "w",
    "The gradient of w has the last row only: each row's part is assigned, not added.",
    accept=(only("i = m - 1 or i = m or last row or last"), NOT_ADDED_UP),
)
def row_by_row_but_assigned(params, data):
    m = len(data["X"])
    gw, gb = np.zeros_like(params["w"]), np.zeros_like(params["b"])
    for i in range(m):
        r = np.dot(data["X"][i], params["w"]) + params["b"] - data["y"][i]
        gw = 2 * r * data["X"][i] / m
        gb = gb + 2 * r / m
    return {"w": gw, "b": gb}


# logistic regression ------------------------------------------------------------------------------------------------


A_SLOPE = "a[i]*(1 - a[i]) or (1 - a[i])*a[i] or a*(1 - a) or (1 - a)*a"


@wrong(
    "logistic-regression",
    "w b",
    "The error a - y has a factor a (1 - a) too many, as under a squared error.",
    accept=(times(A_SLOPE), r"(derivative|slope) of (the )?sigmoid.{0,40}(again|twice|too many|once more)"),
)
def slope_kept_from_the_squared_error(params, data):
    X, y = data["X"], data["y"]
    a = sigmoid(X @ params["w"] + params["b"])
    delta = (a - y) * (a * (1 - a))
    return {"w": X.T @ delta / len(y), "b": delta.sum() / len(y)}


@wrong(
    "logistic-regression",
    "w b",
    "The error is z - y with the argument z = X w + b of the sigmoid, where its value a belongs.",
    accept=(
        r"argument of (the )?sigmoid",
        without("sigmoid"),
        r"before the sigmoid",
        instead("z or z[i]", "a[i] or a"),
        r"argument .{0,60}where its value a",
    ),
)
def forgot_to_squash(params, data):
    logits = data["X"] @ params["w"]
    logits = logits + params["b"]
    err = (logits - data["y"]) / len(logits)
    return {"w": data["X"].T @ err, "b": err.sum()}


@wrong(
    "logistic-neuron",
    "w1 w2 b",
    "da/dz = a (1 - a) is missing: dL/da = (a - y) / (a (1 - a)) goes straight to the weights.",
    accept=(without(A_SLOPE + " or da/dz or slope or derivative"), r"divided by \(?a ?\*? ?\(1 - a\)"),
)
def chain_ends_at_the_activation(params, data):
    x1, x2, y = data["x1"], data["x2"], data["y"]
    z = params["w1"] * x1 + params["w2"] * x2 + params["b"]
    a = sigmoid(z)
    da = -(y / a) + (1 - y) / (1 - a)
    return {"w1": da * x1, "w2": da * x2, "b": da}


@wrong(
    "logistic-neuron",
    "w2",
    "The gradient of w2 multiplies by x1, where x2 belongs.",
    accept=(instead("x1", "x2"),),
)
def line_copied_for_the_second_weight(params, data):
    z = params["b"] + params["w1"] * data["x1"] + params["w2"] * data["x2"]
    dz = sigmoid(z) - data["y"]
    dw1 = data["x1"] * dz
    dw2 = data["x1"] * dz
    return {"w1": dw1, "w2": dw2, "b": dz}


@wrong(
    "one-feature-logistic",
    "w b",
    "Both gradients are divided by 2 n, where n belongs.",
    accept=(HALVED, instead("2*n", "n")),
)
def mean_with_a_half(params, data):
    a = sigmoid(params["w"] * data["x"] + params["b"])
    error = a - data["y"]
    n = len(error)
    return {"w": 1 / (2 * n) * np.sum(error * data["x"]), "b": 1 / (2 * n) * np.sum(error)}


# a step of gradient descent -----------------------------------------------------------------------------------------


def mean_squared_slope(X, y, w):
    return 2 * X.T @ (X @ w - y) / len(y)


@wrong(
    "gradient-descent-step",
    "eta",
    "The gradient after the step is taken at w, where w_after belongs: the result is -|grad|^2.",
    accept=(
        instead("w or w[j]", "w_after or w_after[j]"),
        instead("e or e[i]", "e_after or e_after[i]"),
        r"without the term 2\*eta\*sum_\w\([^,]*, in w_after = w - ",
    ),
)
def gradient_before_twice_over(params, data):
    g = mean_squared_slope(data["X"], data["y"], data["w"])
    return {"eta": -(g @ g)}


@wrong(
    "gradient-descent-step",
    "eta",
    "The minus of w - eta grad is lost: the sign is reversed.",
    accept=(OPPOSITE_SIGN,),
)
def descent_without_its_minus(params, data):
    X, y, w, eta = data["X"], data["y"], data["w"], params["eta"]
    before = mean_squared_slope(X, y, w)
    after = mean_squared_slope(X, y, w - eta * before)
    return {"eta": np.sum(after * before)}
