"""Mistakes about linear and logistic regression: labels, starts, data and names of other things than the text's."""

from __future__ import annotations

from math import isclose
from typing import Any

from sympy import Rational, exp, log

from derivations.sources import A, D
from gradproof.errata import FactErratum

CLASS = f"{D}, Linear regression, Exercise question 3"

# ---- one logistic neuron --------------------------------------------------------------------------------------------

Z = Rational(605, 1000)
"""w1 x1 + w2 x2 + b of the worked example: x = (1, 1), w = (0.1, 0.5), b = 0.005."""

bias_added_twice = FactErratum(
    key="bias-added-twice",
    title="the bias added to each product",
    rows=("A-E14",),
    source=f"{A}, 2. Regression, the forward pass in words",
    kind="text",
    printed="z = (d1 + b) + (d2 + b)",
    corrected="z = d1 + d2 + b",
    why="The bias belongs to the sum, once; the code and the printed activation have it so.",
    promise="the activation 0.6467993925579857 that is printed for the example",
    holds=lambda a: isclose(a, 1 / (1 + exp(-Z)), rel_tol=1e-12),
)

label_from_literals = FactErratum(
    key="label-from-literals",
    title="the label computed from two literals, not from the inputs",
    rows=("A-E15",),
    source=f"{A}, 2. Regression, Update Parameters w and b multiple times",
    kind="code",
    printed="y = xor(0, 1) beside x1, x2 = 1, 0",
    corrected="y = xor(x1, x2)",
    why="It is right by symmetry for the one row that is printed. Whoever tries another row keeps the label 1.",
    promise="the XOR of (0, 0), (0, 1), (1, 0) and (1, 1)",
    holds=lambda labels: labels == tuple((x1 + x2) % 2 for x1 in (0, 1) for x2 in (0, 1)),
)

label_from_outside = FactErratum(
    key="label-from-outside",
    title="the loss reads a label that it is not given",
    rows=("A-E15",),
    source=f"{A}, 2. Regression, Update Parameters w and b multiple times",
    kind="code",
    printed="get_activation_loss(x1, x2, w1, w2, b), which reads y from outside",
    corrected="y as an argument",
    why="The loss of a row is that of the label which the last cell left behind: after the second example, whose label"
    " is 1, the first example's loss is ln(1 + exp(-z)).",
    promise="the loss 1.0407190904293084 that is printed for the first example, whose label is 0",
    holds=lambda loss: isclose(loss, log(1 + exp(Z)), rel_tol=1e-12),
)

# ---- logistic regression --------------------------------------------------------------------------------------------


def _is_mean_cross_entropy(value: Any) -> bool:
    """Of the nine points at w = b = 1: the mean of ln(1 + exp(z)) - y z, in 30 digits."""
    points = ((1, 0), (5, 0), (10, 0), (10, 0), (25, 0), (50, 1), (70, 1), (75, 1), (100, 1))
    exact = sum(log(1 + exp(x + 1)) - y * (x + 1) for x, y in points) / Rational(len(points))
    return isclose(value, exact.evalf(30), rel_tol=1e-12)


cross_entropy_overflow = FactErratum(
    key="cross-entropy-overflow",
    title="the logarithms of an activation that has rounded to 0 or 1",
    rows=("A-E11", "D-E2"),
    source=f"{A}, 2. Regression, loss; on the points of {D}, Linear regression, Exercise question 7",
    kind="code",
    printed="-(y ln a + (1 - y) ln(1 - a)), with a = sigmoid(z)",
    corrected="ln(1 + exp(z)) - y z",
    why="From z = 37 on a is 1 in float64 (from 17 in float32), ln(1 - a) is -inf, and 0 times it is NaN. With x up to"
    " 100 and w = b = 1 that happens before the first step.",
    promise="the mean loss of the nine points at w = b = 1",
    holds=_is_mean_cross_entropy,
)

# ---- linear regression ----------------------------------------------------------------------------------------------

FIVE_POINTS = ((5, 40), (7, 120), (12, 180), (16, 210), (20, 240))
FIRST_LOSS = sum(Rational(x + 1 - y) ** 2 for x, y in FIVE_POINTS) / 5
"""Mean squared error of the five points at w = b = 1: 25359.8."""


def _is_first_loss(value: Any) -> bool:
    return isinstance(value, float) and isclose(value, FIRST_LOSS)


initial_parameters_random = FactErratum(
    key="initial-parameters-random",
    title="random first parameters where the text has 1",
    rows=("D-E1",),
    source=f"{D}, Linear regression, Problem 1; Exercise question 3",
    kind="code",
    printed="w, b = rand, rand",
    corrected="w, b = 1, 1",
    why="The text starts from w = b = 1; the code from numbers in [0, 1), others in every run.",
    promise="the loss of the first epoch, 25359.8 on the five points",
    holds=_is_first_loss,
)


def _is_least_squares_line(value: Any) -> bool:
    n = len(FIVE_POINTS)
    mean_x, mean_y = (Rational(sum(column), n) for column in zip(*FIVE_POINTS, strict=True))
    w = sum((x - mean_x) * (y - mean_y) for x, y in FIVE_POINTS) / sum((x - mean_x) ** 2 for x, _ in FIVE_POINTS)
    return all(isclose(*pair) for pair in zip(value, (w, mean_y - w * mean_x), strict=True))


points_of_another_problem = FactErratum(
    key="points-of-another-problem",
    title="a problem of five points solved for 23 others",
    rows=("D-E3",),
    source=f"{D}, Linear regression, Problem 1",
    kind="code",
    printed="the 23 points of Exercise question 1",
    corrected="the five points of the problem",
    why="The problem gives five points, its solution trains on those of the exercise after it.",
    promise="w and b of the line through the problem's points",
    holds=_is_least_squares_line,
)


def _are_after_two_epochs(value: Any) -> bool:
    """Of the points (2, 20) and (4, 40), from w = b = 1 with eta = 0.001."""
    w = b = Rational(1)
    for _ in range(2):
        errors = {x: w * x + b - y for x, y in ((2, 20), (4, 40))}
        w, b = w - sum(e * x for x, e in errors.items()) / 1000, b - sum(errors.values()) / 1000
    return all(isclose(*pair) for pair in zip(value, (w, b), strict=True))


reset_parameters = FactErratum(
    key="reset-parameters",
    title="the parameters reset to zero, not their gradients",
    rows=("D-E3",),
    source=CLASS,
    kind="text",
    printed="reset_grad() resets the parameters",
    corrected="reset_grad() resets the gradients",
    why="Taken at its word it undoes every step. What must go to zero is what backward() adds the next gradient to.",
    promise="w and b after two epochs on (2, 20) and (4, 40), from 1 with eta = 0.001: 1.344208 and 1.102852",
    holds=_are_after_two_epochs,
)

criterion_of_one_sample = FactErratum(
    key="criterion-of-one-sample",
    title="the squared error of each sample where the mean is promised",
    rows=("D-E4",),
    source=CLASS,
    kind="code",
    printed="criterion(y, yp) = (y - yp)^2",
    corrected="criterion(y, yp) = mean of (y - yp)^2",
    why="The text calls it the MSE loss. It is one sample's squared error; the mean is taken elsewhere, in the loop.",
    promise="the mean squared error of the five points at w = b = 1, 25359.8",
    holds=_is_first_loss,
)

criterion_no_member = FactErratum(
    key="criterion-no-member",
    title="a member function that stands outside the class",
    rows=("D-E4",),
    source=CLASS,
    kind="code",
    printed="def criterion beside the class",
    corrected="def criterion in the class",
    why="The text asks for four member functions and to call them all on the model; the class has three.",
    promise="model.criterion(y, yp) is the mean squared error, 25359.8",
    holds=_is_first_loss,
)

module_in_lower_case = FactErratum(
    key="module-in-lower-case",
    title="nn.module for nn.Module",
    rows=("D-E6",),
    source=f"{D}, Linear regression, Exercise question 4",
    kind="text",
    printed="extend nn.module",
    corrected="extend nn.Module",
    why="PyTorch has no such name; the class statement ends in an error.",
    promise="the name of the class to extend",
    holds=lambda name: name == "Module",
)
