"""Wrong gradients of linear and logistic regression, and of the step of gradient descent."""

import numpy as np

from tests.diagnosis.blind_case import wrong
from tests.diagnosis.wording import DOUBLED, HALVED, OPPOSITE_SIGN, divided_by, instead, only, times, without


def logistic(z):
    return 1 / (1 + np.exp(-z))


# Linear -----------------------------------------------------------------------------------------------------------


@wrong(
    "linear-regression",
    "w b",
    "Both gradients lack the factor 2 of the square's derivative.",
    accept=(without("2"), divided_by("2"), HALVED),
)
def line_without_the_two(params, data):
    n = len(data["x"])
    error = params["w"] * data["x"] + params["b"] - data["y"]
    return {"w": np.sum(error * data["x"]) / n, "b": np.sum(error) / n}


@wrong(
    "linear-regression",
    "b",
    "db is the sum over the points: the division by n is missing.",
    accept=(times("n"),),
)
def intercept_is_summed(params, data):
    x, y = data["x"], data["y"]
    dyhat = 2 * (params["w"] * x + params["b"] - y)
    return {"w": np.mean(dyhat * x), "b": np.sum(dyhat)}


@wrong(
    "linear-regression",
    "w",
    "dw lacks the factor x[i]: it is computed like db.",
    accept=(without("x[i] or x"),),
)
def slope_like_the_intercept(params, data):
    dw = db = np.zeros_like(params["w"])
    for xi, yi in zip(data["x"], data["y"], strict=True):
        residual = params["w"] * xi + params["b"] - yi
        dw = dw + 2 * residual
        db = db + 2 * residual
    return {"w": dw / len(data["x"]), "b": db / len(data["x"])}


@wrong(
    "linear-regression",
    "w",
    "dw multiplies the errors by the targets y[i], where the inputs x[i] belong.",
    accept=(instead("y[i] or y", "x[i] or x"),),
)
def errors_times_targets(params, data):
    x, y = data["x"], data["y"]
    e = params["w"] * x + params["b"] - y
    return {"w": 2 / len(x) * e.dot(y), "b": 2 / len(x) * e.sum()}


@wrong(
    "linear-regression-reversed",
    "w b",
    "The minus of -2 sum (y - yp) x / n is missing: both gradients have the opposite sign.",
    accept=(OPPOSITE_SIGN,),
)
def minus_is_forgotten_with_y_minus_yp(params, data):
    x, y = data["x"], data["y"]
    yp = params["w"] * x + params["b"]
    return {"w": 2 * np.mean((y - yp) * x), "b": 2 * np.mean(y - yp)}


@wrong(
    "linear-regression-reversed",
    "w b",
    "Both gradients are sums over the points: the division by n is missing.",
    accept=(times("n"),),
)
def line_is_summed(params, data):
    gw, gb = np.zeros_like(params["w"]), np.zeros_like(params["b"])
    for i in range(len(data["y"])):
        e = data["y"][i] - (params["w"] * data["x"][i] + params["b"])
        gw, gb = gw - 2 * e * data["x"][i], gb - 2 * e
    return {"w": gw, "b": gb}


@wrong(
    "multiple-linear-regression",
    "w b",
    "The prediction is X w without the term b.",
    accept=(without("b"),),
)
def prediction_without_intercept(params, data):
    X, y = data["X"], data["y"]
    error = X @ params["w"] - y
    return {"w": 2 * X.T @ error / len(y), "b": 2 * error.mean()}


@wrong(
    "multiple-linear-regression",
    "w",
    "dw has the opposite sign.",
    accept=(OPPOSITE_SIGN,),
)
class WeightsGoUphill:
    def forward(self, params, data):
        error = data["y"] - data["X"] @ params["w"] - params["b"]
        return np.mean(error**2), error

    def backward(self, params, data, cache):
        m = len(cache)
        return {"w": 2 / m * data["X"].T @ cache, "b": -2 / m * cache.sum()}


@wrong(
    "multiple-linear-regression",
    "w",
    "dw is divided by the number n of features, where the number m of rows belongs.",
    accept=(instead("n", "m"), instead("1/n", "1/m"), instead("2/n", "2/m"), r"times \(?m ?/ ?n", r"m/n times"),
)
def mean_over_the_features(params, data):
    X = data["X"]
    rows, columns = X.shape
    e = X @ params["w"] + params["b"] - data["y"]
    return {"w": 2 * (e @ X) / columns, "b": 2 * e.sum() / rows}


@wrong(
    "multiple-linear-regression",
    "w",
    "dw is overwritten for each row: only the last row of the sum over i is left.",
    accept=(only("i = m or i = m - 1 or the last or one row"), r"last row"),
)
def weights_are_overwritten_row_by_row(params, data):
    X, y = data["X"], data["y"]
    dw, db = np.zeros_like(params["w"]), np.zeros_like(params["b"])
    for row, target in zip(X, y, strict=True):
        slope = 2 * (row @ params["w"] + params["b"] - target) / len(y)
        dw = slope * row
        db = db + slope
    return {"w": dw, "b": db}


# Logistic ---------------------------------------------------------------------------------------------------------


@wrong(
    "logistic-regression",
    "w b",
    "The error a[i] - y[i] is multiplied by a[i] (1 - a[i]), as for a squared error; with cross-entropy it cancels.",
    accept=(times("a[i] * (1 - a[i]) or (1 - a[i]) * a[i] or a * (1 - a)"), r"(times|factor) .*1 - a"),
)
def slope_that_cancels_is_kept(params, data):
    X, y = data["X"], data["y"]
    a = logistic(X @ params["w"] + params["b"])
    dz = (a - y) * a * (1 - a) / len(y)
    return {"w": X.T @ dz, "b": dz.sum()}


@wrong(
    "logistic-regression",
    "w b",
    "Both gradients have y[i] - a[i], the direction uphill: the opposite sign.",
    accept=(OPPOSITE_SIGN, instead("y[i] - a[i]", "a[i] - y[i]")),
)
class GradientAscent:
    def forward(self, params, data):
        a = logistic(data["X"] @ params["w"] + params["b"])
        loss = -np.mean(data["y"] * np.log(a) + (1 - data["y"]) * np.log(1 - a))
        return loss, a

    def backward(self, params, data, cache):
        error = (data["y"] - cache) / len(cache)
        return {"w": error @ data["X"], "b": error.sum()}


@wrong(
    "logistic-regression",
    "w",
    "dw is the sum over the rows: the division by m is missing.",
    accept=(times("m"),),
)
def logistic_weights_are_summed(params, data):
    X, y = data["X"], data["y"]
    m, n = X.shape
    dw, db = np.zeros_like(params["w"]), 0
    for i in range(m):
        dz = logistic(X[i] @ params["w"] + params["b"]) - y[i]
        for j in range(n):
            dw[j] += X[i, j] * dz
        db += dz
    return {"w": dw, "b": db / m}


@wrong(
    "logistic-regression",
    "w b",
    "The error has the logit z[i] = X w + b, where the activation a[i] = sigmoid(z[i]) belongs.",
    accept=(without("sigmoid"), r"where \(?(a\b|sigmoid)"),
)
def sigmoid_is_forgotten(params, data):
    X, y = data["X"], data["y"]
    error = X @ params["w"] + params["b"] - y
    return {"w": X.T @ error / len(y), "b": np.mean(error)}


@wrong(
    "logistic-regression",
    "w b",
    "The logit lacks the term b.",
    accept=(without("b"),),
)
def logit_without_intercept(params, data):
    a = logistic(data["X"].dot(params["w"]))
    return {"w": data["X"].T.dot(a - data["y"]) / len(a), "b": np.average(a - data["y"])}


@wrong(
    "logistic-neuron",
    "w2",
    "dw2 has x1, where x2 belongs.",
    accept=(instead("x1", "x2"),),
)
def second_weight_is_copied_from_the_first(params, data):
    a = logistic(params["w1"] * data["x1"] + params["w2"] * data["x2"] + params["b"])
    dz = a - data["y"]
    return {"w1": data["x1"] * dz, "w2": data["x1"] * dz, "b": dz}


@wrong(
    "logistic-neuron",
    "b",
    "db is y - a, which has the opposite sign.",
    accept=(OPPOSITE_SIGN, instead("y - a", "a - y")),
)
def bias_goes_the_other_way(params, data):
    a = logistic(params["w1"] * data["x1"] + params["w2"] * data["x2"] + params["b"])
    error = data["y"] - a
    return {"w1": -data["x1"] * error, "w2": -data["x2"] * error, "b": error}


@wrong(
    "logistic-neuron",
    "w1 w2 b",
    "dL/dz is a (1 - a) alone: the derivative dL/da of the loss is left out, a - y belongs there.",
    accept=(instead("a * (1 - a) or (1 - a) * a", "a - y"), without("dL/da or a - y or dL")),
)
def loss_is_not_differentiated(params, data):
    a = logistic(params["w1"] * data["x1"] + params["w2"] * data["x2"] + params["b"])
    da_dz = a * (1 - a)
    return {"w1": da_dz * data["x1"], "w2": da_dz * data["x2"], "b": da_dz}


@wrong(
    "one-feature-logistic",
    "w",
    "dw is (1/n) sum (a[i] - y[i]): the factor x[i] is missing.",
    accept=(without("x[i] or x"),),
)
def feature_is_forgotten(params, data):
    a = logistic(params["w"] * data["x"] + params["b"])
    grad = np.mean(a - data["y"])
    return {"w": grad, "b": grad.copy()}


@wrong(
    "one-feature-logistic",
    "w b",
    "Both gradients have a factor 2, as for a squared error, which does not belong there.",
    accept=(times("2"), DOUBLED),
)
def two_of_the_squared_error(params, data):
    x, y = data["x"], data["y"]
    error = logistic(params["w"] * x + params["b"]) - y
    return {"w": 2 * (error * x).mean(), "b": 2 * error.mean()}


# Gradient descent -------------------------------------------------------------------------------------------------


@wrong(
    "gradient-descent-step",
    "eta",
    "deta is +<grad after, grad before>: the minus of the step w - eta grad is missing, the sign is the opposite.",
    accept=(OPPOSITE_SIGN,),
)
def minus_of_the_step_is_forgotten(params, data):
    X, y, w = data["X"], data["y"], data["w"]

    def grad(weights):
        return 2 * X.T @ (X @ weights - y) / len(y)

    return {"eta": grad(w - params["eta"] * grad(w)) @ grad(w)}


@wrong(
    "gradient-descent-step",
    "eta",
    "deta is -|grad before|^2: both gradients are taken at w, where one belongs at w after the step.",
    accept=(
        instead("e or e[i] or e[r]", "e_after or e_after[i]"),
        instead("w or w[j]", "w_after or w_after[j]"),
        r"where \S*after",
        without("eta"),
    ),
)
def both_gradients_before_the_step(params, data):
    X, y, w = data["X"], data["y"], data["w"]
    g = 2 * X.T @ (X @ w - y) / len(y)
    return {"eta": np.asarray(-(g @ g), dtype=params["eta"].dtype)}
