"""Linear and logistic regression, from one neuron to m rows of n features, and the step of gradient descent.

X (m, n) or x (n,) are the rows, y the targets, w and b the parameters; a = sigmoid(z) is an activation and yp a
prediction. Targets may be integers: they take the dtype of the parameters, so that float32 in gives float32 out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gradproof.catalogue import Computation
from gradproof.problem import Data, Implementation, Params
from implementations.activations import binary_cross_entropy, sigmoid, targets
from implementations.datasets import FIVE_SUBJECTS


def mean_binary_cross_entropy_in_torch(z: Any, y: Any) -> Any:
    import torch

    return torch.nn.functional.binary_cross_entropy_with_logits(z, torch.as_tensor(y, dtype=z.dtype))


# One logistic neuron: z = w1 x1 + w2 x2 + b, a = sigmoid(z), L = cross-entropy of a and y ----------------------------


def neuron(params: Any, data: Any) -> Any:
    return params["w1"] * data["x1"] + params["w2"] * data["x2"] + params["b"]


def logistic_neuron_loss(params: Any, data: Any) -> Any:
    return binary_cross_entropy(neuron(params, data), data["y"])


def logistic_neuron_gradients(params: Params, data: Data) -> Params:
    z = neuron(params, data)
    a = sigmoid(z)
    # dL_da = (a - y) / (a (1 - a)) and da_dz = a (1 - a): their product is taken before a can round to 0 or 1.
    dL_dz = a - targets(data, z.dtype)
    dz_dw1, dz_dw2, dz_db = data["x1"], data["x2"], 1
    return {"w1": dL_dz * dz_dw1, "w2": dL_dz * dz_dw2, "b": dL_dz * dz_db}


LOGISTIC_NEURON = Implementation(
    key="logistic-neuron",
    loss=logistic_neuron_loss,
    gradients=logistic_neuron_gradients,
    autograd_loss=lambda params, data: mean_binary_cross_entropy_in_torch(neuron(params, data), data["y"]),
)


# Logistic regression on m rows ---------------------------------------------------------------------------------------


class LogisticRegression:
    """Mean cross-entropy of sigmoid(X w + b) against y, by forward and backward pass.

    params: w (n,), b (). data: X (m, n), y (m,) of 0 and 1.
    """

    def forward(self, params: Params, data: Data) -> tuple[Any, Any]:
        z = data["X"] @ params["w"] + params["b"]
        y = targets(data, z.dtype)
        return np.mean(binary_cross_entropy(z, y)), (sigmoid(z), y)

    def backward(self, params: Params, data: Data, cache: Any) -> Params:
        a, y = cache
        dz = (a - y) / len(y)
        return {"w": data["X"].T @ dz, "b": np.sum(dz)}


def logistic_regression_loss(params: Any, data: Any) -> Any:
    return np.mean(binary_cross_entropy(data["X"] @ params["w"] + params["b"], data["y"]))


def logistic_regression_autograd(params: Any, data: Any) -> Any:
    return mean_binary_cross_entropy_in_torch(data["X"] @ params["w"] + params["b"], data["y"])


LOGISTIC_REGRESSION = Implementation(
    key="logistic-regression",
    loss=logistic_regression_loss,
    gradients=LogisticRegression(),
    autograd_loss=logistic_regression_autograd,
)


def one_feature_loss(params: Any, data: Any) -> Any:
    return np.mean(binary_cross_entropy(params["w"] * data["x"] + params["b"], data["y"]))


def one_feature_gradients(params: Params, data: Data) -> Params:
    x = data["x"]
    a = sigmoid(params["w"] * x + params["b"])
    y = targets(data, a.dtype)
    return {"w": np.mean((a - y) * x), "b": np.mean(a - y)}


ONE_FEATURE_LOGISTIC = Implementation(
    key="one-feature-logistic",
    loss=one_feature_loss,
    gradients=one_feature_gradients,
    autograd_loss=lambda params, data: mean_binary_cross_entropy_in_torch(
        params["w"] * data["x"] + params["b"], data["y"]
    ),
)


# Gradient descent ----------------------------------------------------------------------------------------------------


def gradient_descent_step(params: Mapping[str, Any], gradients: Mapping[str, Any], eta: Any) -> dict[str, Any]:
    """theta - eta * gradient for every parameter theta, in new arrays of the parameters' shapes."""
    return {name: theta - eta * gradients[name] for name, theta in params.items()}


def squared_error(X: Any, y: Any, w: Any) -> Any:
    """J(w), the mean of (X w - y)^2; runs on NumPy arrays and torch tensors alike."""
    return ((X @ w - y) ** 2).mean()


def squared_error_gradient(X: Any, y: Any, w: Any) -> Any:
    return 2 * (X.T @ (X @ w - y)) / len(X)


def loss_after_step(params: Any, data: Any) -> Any:
    X, y, w = data["X"], data["y"], data["w"]
    after = gradient_descent_step({"w": w}, {"w": squared_error_gradient(X, y, w)}, params["eta"])
    return squared_error(X, y, after["w"])


def loss_after_step_gradients(params: Params, data: Data) -> Params:
    X, w, eta = data["X"], data["w"], params["eta"]
    y = targets(data, eta.dtype)
    before = squared_error_gradient(X, y, w)
    w_after = gradient_descent_step({"w": w}, {"w": before}, eta)["w"]
    return {"eta": -(squared_error_gradient(X, y, w_after) @ before)}


GRADIENT_DESCENT_STEP = Implementation(
    key="gradient-descent-step",
    loss=loss_after_step,
    gradients=loss_after_step_gradients,
    autograd_loss=loss_after_step,
)


# A line through n points: yp = w x + b -------------------------------------------------------------------------------


def linear_regression_loss(params: Any, data: Any) -> Any:
    yp = params["w"] * data["x"] + params["b"]
    return ((yp - data["y"]) ** 2).mean()


def linear_regression_gradients(params: Params, data: Data) -> Params:
    x = data["x"]
    yp = params["w"] * x + params["b"]
    difference = yp - targets(data, yp.dtype)
    return {"w": 2 * np.mean(difference * x), "b": 2 * np.mean(difference)}


LINEAR_REGRESSION = Implementation(
    key="linear-regression",
    loss=linear_regression_loss,
    gradients=linear_regression_gradients,
    autograd_loss=linear_regression_loss,
)


def reversed_loss(params: Any, data: Any) -> Any:
    yp = params["w"] * data["x"] + params["b"]
    return ((data["y"] - yp) ** 2).mean()


def reversed_gradients(params: Params, data: Data) -> Params:
    x = data["x"]
    yp = params["w"] * x + params["b"]
    difference = targets(data, yp.dtype) - yp
    return {"w": -2 * np.mean(difference * x), "b": -2 * np.mean(difference)}


LINEAR_REGRESSION_REVERSED = Implementation(
    key="linear-regression-reversed",
    loss=reversed_loss,
    gradients=reversed_gradients,
    autograd_loss=reversed_loss,
)


# Multiple linear regression: yp = X w + b ----------------------------------------------------------------------------


class MultipleLinearRegression:
    """Mean squared error of X w + b against y, by forward and backward pass.

    params: w (n,), b (). data: X (m, n), y (m,).
    """

    def forward(self, params: Params, data: Data) -> tuple[Any, Any]:
        yp = data["X"] @ params["w"] + params["b"]
        difference = yp - targets(data, yp.dtype)
        return np.mean(difference**2), difference

    def backward(self, params: Params, data: Data, cache: Any) -> Params:
        difference = cache
        return {"w": 2 * (data["X"].T @ difference) / len(difference), "b": 2 * np.mean(difference)}


def multiple_linear_regression_loss(params: Any, data: Any) -> Any:
    return ((data["X"] @ params["w"] + params["b"] - data["y"]) ** 2).mean()


MULTIPLE_LINEAR_REGRESSION = Implementation(
    key="multiple-linear-regression",
    loss=multiple_linear_regression_loss,
    gradients=MultipleLinearRegression(),
    autograd_loss=multiple_linear_regression_loss,
)


# Worked examples -----------------------------------------------------------------------------------------------------


def one_step_logistic_neuron() -> dict[str, Any]:
    params = {"w1": np.array(0.1), "w2": np.array(0.5), "b": np.array(0.005)}
    data = {"x1": np.array(1.0), "x2": np.array(1.0), "y": np.array(0.0)}
    after = gradient_descent_step(params, logistic_neuron_gradients(params, data), eta=0.07)
    return {
        "a before": sigmoid(neuron(params, data)),
        "L before": logistic_neuron_loss(params, data),
        "a after": sigmoid(neuron(after, data)),
        "L after": logistic_neuron_loss(after, data),
    }


ONE_STEP_LOGISTIC_NEURON = Computation(key="one-step-logistic-neuron", run=one_step_logistic_neuron)


def two_epochs_linear_regression() -> dict[str, Any]:
    data = {"x": np.array([2.0, 4.0]), "y": np.array([20.0, 40.0])}
    numbers = {}
    for suffix, gradients_of in ("", linear_regression_gradients), (", y-yp", reversed_gradients):
        params = {"w": np.array(1.0), "b": np.array(1.0)}
        for epoch in 1, 2:
            gradients = gradients_of(params, data)
            params = gradient_descent_step(params, gradients, eta=0.001)
            for name in "w", "b":
                numbers[f"epoch {epoch} d{name}{suffix}"] = gradients[name]
                numbers[f"epoch {epoch} {name}{suffix}"] = params[name]
    return numbers


TWO_EPOCHS_LINEAR_REGRESSION = Computation(key="two-epochs-linear-regression", run=two_epochs_linear_regression)


def multiple_regression_prediction() -> dict[str, Any]:
    """Least squares on the five subjects, and its prediction at (3, 2).

    Raises ArithmeticError if the solution is not a zero of the hand-written gradient.
    """
    X, y = FIVE_SUBJECTS["X"], FIVE_SUBJECTS["y"]
    (w1, w2, b), *_ = np.linalg.lstsq(np.column_stack([X, np.ones(len(y))]), y)
    params = {"w": np.array([w1, w2]), "b": np.array(b)}
    model = MultipleLinearRegression()
    _, cache = model.forward(params, FIVE_SUBJECTS)
    gradients = model.backward(params, FIVE_SUBJECTS, cache)
    # What rounding can leave: the terms that cancel are at most about 2 * 8 * 25.
    if max(np.max(np.abs(gradient)) for gradient in gradients.values()) > 400 * 64 * np.finfo(float).eps:
        raise ArithmeticError(f"least squares is not a zero of the gradient: {gradients}")
    return {"w1": w1, "w2": w2, "b": b, "prediction": np.array([3.0, 2.0]) @ params["w"] + b}


MULTIPLE_REGRESSION_PREDICTION = Computation(key="multiple-regression-prediction", run=multiple_regression_prediction)
