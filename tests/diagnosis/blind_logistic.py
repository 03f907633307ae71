"""Wrong gradients of a logistic neuron, and of logistic regression."""

import numpy as np

from implementations.activations import sigmoid
from tests.diagnosis.blind_case import wrong
from tests.diagnosis.wording import divided_by, instead, said, without

# a logistic neuron ------------------------------------------------------------------------------------------------


def activation(params, data):
    return sigmoid(params["w1"] * data["x1"] + params["w2"] * data["x2"] + params["b"])


@wrong(
    "logistic-neuron",
    "w1 w2 b",
    "A factor a (1 - a) too many: with the cross-entropy it cancels, dL/dz = a - y.",
    accept=(r"factor (a\*\(1 - a\)|\(1 - a\)\*a) too many",),
)
def slope_of_the_sigmoid_does_not_cancel(params, data):
    a = activation(params, data)
    dz = (a - data["y"]) * a * (1 - a)
    return {"w1": data["x1"] * dz, "w2": data["x2"] * dz, "b": dz}


@wrong(
    "logistic-neuron",
    "w1 w2 b",
    "The factor da/dz = a (1 - a) is forgotten between dL/da and dz/dw.",
    accept=(r"divided by \(?(a\*\(1 - a\)|\(1 - a\)\*a)",),
)
def slope_of_the_sigmoid_forgotten(params, data):
    a, y = activation(params, data), data["y"]
    dL_da = (a - y) / (a * (1 - a))
    return {"w1": dL_da * data["x1"], "w2": dL_da * data["x2"], "b": dL_da * 1}


@wrong(
    "logistic-neuron",
    "w2",
    "The gradient of w2 multiplies a - y by x1; it must be x2.",
    accept=(instead("x1", "x2"), r"equals the gradient of w1$"),
)
def second_weight_meets_the_first_input(params, data):
    a = activation(params, data)
    dw1 = data["x1"] * (a - data["y"])
    dw2 = data["x1"] * (a - data["y"])
    return {"w1": dw1, "w2": dw2, "b": a - data["y"]}


@wrong(
    "logistic-neuron",
    "b",
    "The gradient of b is b (a - y); dz/db is 1.",
    accept=(r"factor b too many", r"multiplied by b\b(?!.*mean)"),
)
def bias_multiplied_by_itself(params, data):
    error = activation(params, data) - data["y"]
    return {"w1": data["x1"] * error, "w2": data["x2"] * error, "b": params["b"] * error}


@wrong(
    "logistic-neuron",
    "w1 w2 b",
    "The exponent has the wrong sign: a is 1 / (1 + e^z) for 1 / (1 + e^-z).",
    accept=(r"opposite sign.* in z =", said("sigmoid(-z)"), r"exp\(z\)", instead("1 - a", "a")),
)
def sigmoid_mirrored(params, data):
    z = params["w1"] * data["x1"] + params["w2"] * data["x2"] + params["b"]
    a = 1 / (1 + np.exp(z))
    return {"w1": data["x1"] * (a - data["y"]), "w2": data["x2"] * (a - data["y"]), "b": a - data["y"]}


@wrong(
    "logistic-neuron",
    "w1 w2 b",
    "Of the cross-entropy only y ln a is derived; (1 - y) ln(1 - a) is forgotten.",
    accept=(said("1 - y"), said("y*(1 - a) or (1 - a)*y"), r"second (half|term) of the cross-entropy"),
)
def second_half_of_the_cross_entropy_forgotten(params, data):
    a, y = activation(params, data), data["y"]
    dL_dz = -y / a * a * (1 - a)
    return {"w1": dL_dz * data["x1"], "w2": dL_dz * data["x2"], "b": dL_dz}


# logistic regression ----------------------------------------------------------------------------------------------


@wrong(
    "logistic-regression",
    "w b",
    "The mean over the m rows is forgotten: both gradients are sums.",
    accept=(r"without the division by m\b", r"multiplied by m\b"),
)
def rows_summed(params, data):
    X = data["X"]
    error = sigmoid(X @ params["w"] + params["b"]) - data["y"]
    return {"w": X.T @ error, "b": error.sum()}


@wrong(
    "logistic-regression",
    "w",
    "w's gradient is divided by m twice, in dz and once more.",
    accept=(divided_by("m"), r"division by m twice"),
)
def divided_twice(params, data):
    X, m = data["X"], len(data["X"])
    dz = (sigmoid(X @ params["w"] + params["b"]) - data["y"]) / m
    return {"w": 1 / m * np.dot(X.T, dz), "b": np.sum(dz)}


@wrong(
    "logistic-regression",
    "w b",
    "The activation is rounded to 0 or 1 before y is subtracted, as in a perceptron.",
    accept=(r"threshold|rounded|step function", r"\[.*(a|z) > (1/2|0\.5|0)\]", r"(Heaviside|sign)\(z\)"),
)
def activation_thresholded(params, data):
    X = data["X"]
    guess = np.where(sigmoid(X @ params["w"] + params["b"]) > 0.5, 1, 0).astype(X.dtype)
    error = (guess - data["y"]) / len(X)
    return {"w": error @ X, "b": error.sum()}


@wrong(
    "logistic-regression",
    "w",
    "y is not subtracted in w's gradient, which is X^T a / m.",
    accept=(without("y"), instead("a", "a - y")),
)
def targets_not_subtracted_for_the_weights(params, data):
    X = data["X"]
    a = sigmoid(X @ params["w"] + params["b"])
    return {"w": X.T @ a / len(X), "b": np.mean(a - data["y"])}


@wrong(
    "logistic-regression",
    "w b",
    "y is read as labels -1 and 1, where it is 0 and 1: the error is a - (2y - 1).",
    accept=(said("2*y - 1"), instead("2*y", "y"), r"-1 and 1"),
)
def labels_of_the_other_convention(params, data):
    X, labels = data["X"], 2 * data["y"] - 1
    dz = (sigmoid(X @ params["w"] + params["b"]) - labels) / len(X)
    return {"w": X.T @ dz, "b": np.sum(dz)}


@wrong(
    "logistic-regression",
    "w",
    "All weights get the mean of X^T (a - y) over the features.",
    accept=(r"sum of the exact one's entries, divided by n", r"mean .*over (j|n|the features)"),
)
def averaged_over_the_features(params, data):
    X = data["X"]
    a = sigmoid(X @ params["w"] + params["b"])
    dw = np.full_like(params["w"], np.mean(X.T @ (a - data["y"])) / len(X))
    return {"w": dw, "b": np.mean(a - data["y"])}


@wrong(
    "logistic-regression",
    "w b",
    "sigmoid is called on the activation again: a is sigma(sigma(z)).",
    accept=(r"sigmoid applied again to a\b", said("sigmoid(a)")),
)
def sigmoid_applied_twice(params, data):
    X = data["X"]
    a = sigmoid(sigmoid(X @ params["w"] + params["b"]))
    dz = (a - data["y"]) / len(X)
    return {"w": X.T @ dz, "b": dz.sum()}


@wrong(
    "one-feature-logistic",
    "w",
    "The inner derivative x is forgotten in the gradient of w.",
    accept=(without("x"), r"equals the gradient of b$"),
)
def feature_forgotten(params, data):
    a = sigmoid(params["w"] * data["x"] + params["b"])
    return {"w": np.mean(a - data["y"]), "b": np.mean(a - data["y"])}


@wrong(
    "one-feature-logistic",
    "w b",
    "The feature is centred in the forward pass, which the loss does not do.",
    accept=(r"centred", r"x - (the )?mean", without("mean")),
)
def feature_centred_on_the_way(params, data):
    x = data["x"]
    a = sigmoid(params["w"] * (x - x.mean()) + params["b"])
    return {"w": np.mean((a - data["y"]) * x), "b": np.mean(a - data["y"])}
