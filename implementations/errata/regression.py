"""Mistakes about linear and logistic regression, as code: what is printed, and what it should be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradproof.errata import Demonstration
from implementations.activations import binary_cross_entropy, sigmoid
from implementations.datasets import FIVE_POINTS, NINE_POINTS, TWENTY_THREE_POINTS
from implementations.errata.outcomes import outcome, pytorch
from implementations.regression import (
    gradient_descent_step,
    linear_regression_gradients,
    linear_regression_loss,
    one_feature_loss,
)

Array = np.ndarray

# One logistic neuron -------------------------------------------------------------------------------------------------

X1, X2, W1, W2, B = 1.0, 1.0, 0.1, 0.5, 0.005

BIAS_ADDED_TWICE = Demonstration(
    key="bias-added-twice",
    printed=lambda: float(sigmoid((W1 * X1 + B) + (W2 * X2 + B))),
    corrected=lambda: float(sigmoid(W1 * X1 + W2 * X2 + B)),
)


def labels(label: Callable[[int, int], Any]) -> tuple[int, ...]:
    return tuple(int(label(x1, x2)) for x1 in (0, 1) for x2 in (0, 1))


LABEL_FROM_LITERALS = Demonstration(
    key="label-from-literals",
    printed=lambda: labels(lambda x1, x2: np.logical_xor(0, 1)),
    corrected=lambda: labels(np.logical_xor),
)


def activation_loss(x1: float, x2: float, w1: float, w2: float, b: float, y: int) -> float:
    return float(binary_cross_entropy(w1 * x1 + w2 * x2 + b, y))


def loss_of_the_label_outside() -> float:
    """The first example's loss, when the second example's label is what y was last set to."""
    y = int(np.logical_xor(1, 0))

    def loss(x1: float, x2: float, w1: float, w2: float, b: float) -> float:
        return activation_loss(x1, x2, w1, w2, b, y)

    return loss(X1, X2, W1, W2, B)


LABEL_FROM_OUTSIDE = Demonstration(
    key="label-from-outside",
    printed=loss_of_the_label_outside,
    corrected=lambda: activation_loss(X1, X2, W1, W2, B, y=0),
)

# Logistic regression -------------------------------------------------------------------------------------------------

ONES = {"w": np.array(1.0), "b": np.array(1.0)}


def loss_by_logarithms() -> float:
    x, y = NINE_POINTS["x"], NINE_POINTS["y"]
    a = 1 / (1 + np.exp(-(x + 1)))
    with np.errstate(divide="ignore", invalid="ignore"):  # the mistake itself: ln 0, and 0 times infinity
        return float(np.mean(-(y * np.log(a) + (1 - y) * np.log(1 - a))))


CROSS_ENTROPY_OVERFLOW = Demonstration(
    key="cross-entropy-overflow",
    printed=loss_by_logarithms,
    corrected=lambda: float(one_feature_loss(ONES, NINE_POINTS)),
)

# Linear regression ---------------------------------------------------------------------------------------------------


def first_loss_from_random_parameters() -> float:
    w, b = np.random.default_rng(0).random(2)
    return float(linear_regression_loss({"w": w, "b": b}, FIVE_POINTS))


def first_loss() -> float:
    return float(linear_regression_loss(ONES, FIVE_POINTS))


INITIAL_PARAMETERS_RANDOM = Demonstration(
    key="initial-parameters-random", printed=first_loss_from_random_parameters, corrected=first_loss
)


def least_squares_line(points: dict[str, Array]) -> tuple[float, ...]:
    """w and b."""
    return tuple(map(float, np.polyfit(points["x"], points["y"], deg=1)))


POINTS_OF_ANOTHER_PROBLEM = Demonstration(
    key="points-of-another-problem",
    printed=lambda: least_squares_line(TWENTY_THREE_POINTS),
    corrected=lambda: least_squares_line(FIVE_POINTS),
)


def two_epochs(*, reset: str) -> tuple[float, float]:
    """w and b after two steps; a step's gradient is added to what is left of the one before, as backward() does."""
    data = {"x": np.array([2.0, 4.0]), "y": np.array([20.0, 40.0])}
    params, sums = dict(ONES), {"w": 0.0, "b": 0.0}
    for _ in range(2):
        for name, gradient in linear_regression_gradients(params, data).items():
            sums[name] += gradient
        params = gradient_descent_step(params, sums, eta=0.001)
        zeroed = params if reset == "parameters" else sums
        zeroed.update(dict.fromkeys(zeroed, 0.0))
    return float(params["w"]), float(params["b"])


RESET_PARAMETERS = Demonstration(
    key="reset-parameters",
    printed=lambda: two_epochs(reset="parameters"),
    corrected=lambda: two_epochs(reset="gradients"),
)


class RegressionModel:
    """A line with w = b = 1."""

    def forward(self, x: Array) -> Array:
        return ONES["w"] * x + ONES["b"]


class RegressionModelWithCriterion(RegressionModel):
    """The same with its loss, the mean squared error, as a member."""

    def criterion(self, y: Array, yp: Array) -> float:
        return float(np.mean((y - yp) ** 2))


def squared_errors() -> tuple[float, ...]:
    yp = RegressionModel().forward(FIVE_POINTS["x"])
    return tuple(map(float, (FIVE_POINTS["y"] - yp) ** 2))


def member_criterion(model: Any) -> Any:
    return outcome(lambda: model.criterion(FIVE_POINTS["y"], model.forward(FIVE_POINTS["x"])))


CRITERION_OF_ONE_SAMPLE = Demonstration(
    key="criterion-of-one-sample", printed=squared_errors, corrected=lambda: float(np.mean(squared_errors()))
)
CRITERION_NO_MEMBER = Demonstration(
    key="criterion-no-member",
    printed=lambda: member_criterion(RegressionModel()),
    corrected=lambda: member_criterion(RegressionModelWithCriterion()),
)
MODULE_IN_LOWER_CASE = Demonstration(
    key="module-in-lower-case",
    printed=lambda: outcome(lambda: pytorch().nn.module.__name__),
    corrected=lambda: outcome(lambda: pytorch().nn.Module.__name__),
)
