"""Wrong gradients of linear regression, and of the step of gradient descent."""

import numpy as np

from tests.diagnosis.blind_case import wrong
from tests.diagnosis.wording import HALVED, OPPOSITE_SIGN, instead, only, said, without

# a line -----------------------------------------------------------------------------------------------------------


@wrong(
    "linear-regression",
    "w b",
    "The derivative of the square lacks its factor 2.",
    accept=(HALVED,),
)
def derivative_of_the_square_without_two(params, data):
    x, e = data["x"], params["w"] * data["x"] + params["b"] - data["y"]
    return {"w": np.mean(e * x), "b": np.mean(e)}


@wrong(
    "linear-regression",
    "b",
    "The gradient of b lacks the factor 2 that w's has.",
    accept=(HALVED,),
)
def intercept_without_two(params, data):
    x, y = data["x"], data["y"]
    n = len(x)
    error = params["w"] * x + params["b"] - y
    return {"w": 2 / n * np.dot(error, x), "b": 1 / n * np.sum(error)}


@wrong(
    "linear-regression",
    "w b",
    "The gradients are sums over the points and not means: 1/n is missing.",
    accept=(r"without the division by n\b", r"multiplied by n\b"),
)
def sum_for_mean(params, data):
    dw = db = 0.0
    for x, y in zip(data["x"], data["y"], strict=True):
        error = params["w"] * x + params["b"] - y
        dw += 2 * error * x
        db += 2 * error
    return {"w": dw, "b": db}


@wrong(
    "linear-regression",
    "w b",
    "The sign is wrong: 2 mean((y - yhat) x) for 2 mean((yhat - y) x), and b likewise.",
    accept=(OPPOSITE_SIGN,),
)
def uphill(params, data):
    residual = data["y"] - (params["w"] * data["x"] + params["b"])
    return {"w": 2 * np.mean(residual * data["x"]), "b": 2 * np.mean(residual)}


@wrong(
    "linear-regression",
    "w",
    "w gets the mean of the errors times the mean of x; it must be the mean of the products.",
    accept=(r"product of the means",),
)
def product_of_means(params, data):
    x = data["x"]
    error = np.mean(params["w"] * x + params["b"] - data["y"])
    return {"w": 2 * error * np.mean(x), "b": 2 * error}


@wrong(
    "linear-regression",
    "w",
    "The inner derivative x is forgotten in the gradient of w.",
    accept=(without("x"), r"equals the gradient of b$"),
)
def slope_without_x(params, data):
    error = params["w"] * data["x"] + params["b"] - data["y"]
    gradient = 2 * error.mean()
    return {"w": gradient, "b": gradient}


@wrong(
    "linear-regression",
    "w b",
    "The prediction is w x; its intercept b is left out.",
    accept=(instead("w*x - y", "e"), without("b")),
)
def line_through_the_origin(params, data):
    x, y = data["x"], data["y"]
    yhat = params["w"] * x
    return {"w": 2 * np.mean((yhat - y) * x), "b": 2 * np.mean(yhat - y)}


@wrong(
    "linear-regression",
    "w b",
    "The sign of the error stands for 2 (yhat - y): this is the mean absolute error.",
    accept=(r"sign\(", r"absolute"),
)
def gradient_of_the_absolute_error(params, data):
    x, n = data["x"], len(data["x"])
    direction = np.sign(params["w"] * x + params["b"] - data["y"])
    return {"w": direction @ x / n, "b": direction.sum() / n}


@wrong(
    "linear-regression-reversed",
    "w",
    "The inner derivative -x of y - yhat lost its minus in w's gradient.",
    accept=(OPPOSITE_SIGN,),
)
def inner_minus_lost_for_the_slope(params, data):
    x, n = data["x"], len(data["x"])
    diff = data["y"] - (params["w"] * x + params["b"])
    dw = (2 / n) * sum(diff * x)
    db = (-2 / n) * sum(diff)
    return {"w": dw, "b": db}


@wrong(
    "linear-regression-reversed",
    "w",
    "In w's gradient y stands for the whole difference y - yhat.",
    accept=(instead("-y", "e"), instead("y", "y - yhat or e"), without("yhat or w*x + b or b + w*x")),
)
def prediction_forgotten_for_the_slope(params, data):
    x, y = data["x"], data["y"]
    yp = params["w"] * x + params["b"]
    return {"w": -2 * np.mean(y * x), "b": -2 * np.mean(y - yp)}


# a plane ----------------------------------------------------------------------------------------------------------


@wrong(
    "multiple-linear-regression",
    "w",
    "w's gradient is divided by the number of features n; it must be rows, m.",
    accept=(r"m/n times", r"multiplied by m.* divided by n", r"division by n where .*m\b"),
)
def divided_by_the_number_of_features(params, data):
    X, y = data["X"], data["y"]
    error = X @ params["w"] + params["b"] - y
    return {"w": 2 / X.shape[1] * X.T @ error, "b": 2 * error.mean()}


@wrong(
    "multiple-linear-regression",
    "b",
    "The gradient of b is the sum of the errors and not their mean.",
    accept=(r"without the division by m\b", r"multiplied by m\b"),
)
def intercept_summed(params, data):
    X, m = data["X"], len(data["X"])
    residual = X.dot(params["w"]) + params["b"] - data["y"]
    return {"w": (2 / m) * X.T.dot(residual), "b": 2 * np.sum(residual)}


@wrong(
    "multiple-linear-regression",
    "w b",
    "The loop over the rows ends one early; the last row is left out.",
    accept=(r"without i = m - 1 in the sum", r"without the (share of the )?last along m"),
)
def last_row_left_out(params, data):
    X, y = data["X"], data["y"]
    m, n = X.shape
    dw, db = np.zeros_like(params["w"]), np.zeros_like(params["b"])
    for i in range(m - 1):
        error = X[i] @ params["w"] + params["b"] - y[i]
        for j in range(n):
            dw[j] += 2 / m * error * X[i, j]
        db += 2 / m * error
    return {"w": dw, "b": db}


@wrong(
    "multiple-linear-regression",
    "w",
    "w's gradient is assigned row by row (= for +=): only the last row is left.",
    accept=(r"the last along m alone", only("i = m - 1")),
)
def rows_overwrite_each_other(params, data):
    X, y = data["X"], data["y"]
    m = len(X)
    db = 0.0
    for row, target in zip(X, y, strict=True):
        error = row @ params["w"] + params["b"] - target
        dw = 2 / m * error * row
        db += 2 / m * error
    return {"w": dw, "b": db}


@wrong(
    "multiple-linear-regression",
    "w",
    "w's gradient has a term 0.1 w of weight decay, which is not in the loss.",
    accept=(r"plus 0\.1 times the parameter", said("0.1*w")),
)
def weight_decay_left_in(params, data):
    X, w = data["X"], params["w"]
    error = X @ w + params["b"] - data["y"]
    return {"w": 2 * X.T @ error / len(X) + 0.1 * w, "b": 2 * np.mean(error)}


@wrong(
    "multiple-linear-regression",
    "w",
    "Entry j of w's gradient has the column X[:, j-1] of the feature before.",
    accept=(r"shifted .*one place later",),
)
def column_of_the_feature_before(params, data):
    X, w = data["X"], params["w"]
    m, n = X.shape
    error = X @ w + params["b"] - data["y"]
    dw = np.zeros_like(w)
    for j in range(1, n + 1):
        dw[j % n] = 2 / m * np.sum(error * X[:, j - 1])
    return {"w": dw, "b": 2 / m * np.sum(error)}


@wrong(
    "multiple-linear-regression",
    "w b",
    "The error is squared once more: the derivative has (yhat - y)^2.",
    accept=(instead("e^2", "e"), r"\(b \+ sum_j\(X\*w\) - y\)\^2 where"),
)
def squared_error_in_the_gradient(params, data):
    X = data["X"]
    square = (X @ params["w"] + params["b"] - data["y"]) ** 2
    return {"w": 2 * X.T @ square / len(X), "b": 2 * square.mean()}


# the step of gradient descent -------------------------------------------------------------------------------------


def slope(X, y, w):
    return 2 / len(y) * X.T @ (X @ w - y)


@wrong(
    "gradient-descent-step",
    "eta",
    "The minus of w - eta grad is lost: dJ/deta is <grad after, grad before>.",
    accept=(OPPOSITE_SIGN,),
)
def minus_of_the_step_lost(params, data):
    X, y, w = data["X"], data["y"], data["w"]
    before = slope(X, y, w)
    return {"eta": slope(X, y, w - params["eta"] * before) @ before}


@wrong(
    "gradient-descent-step",
    "eta",
    "The slope after the step is taken at w as it was before: -|grad|^2.",
    accept=(instead("w", "w_after"), instead("e", "e_after"), r"without the term 2\*eta\S+, in w_after"),
)
def slope_at_the_old_weights(params, data):
    before = slope(data["X"], data["y"], data["w"])
    return {"eta": -np.sum(before**2)}


@wrong(
    "gradient-descent-step",
    "eta",
    "The step is taken uphill: the weights after it are w + eta grad.",
    accept=(r"sign of 2\*eta\*\S+ flipped, in w_after", said("w + 2*eta*sum_r(X*e)/m")),
)
def step_uphill(params, data):
    X, y, w = data["X"], data["y"], data["w"]
    before = slope(X, y, w)
    return {"eta": -np.dot(slope(X, y, w + params["eta"] * before), before)}
