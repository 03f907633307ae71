"""The loss of outputs, and its derivative by each: what a plan does between its forward and its backward pass.

Outputs and targets are (k, m), or (k, m, B) where a plan has the sequences side by side: axis 1 is that of classes or
components.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from implementations.kernels.task import Array


def squared_error(yhat: Array, y: Array) -> Any:
    yhat -= y
    value = np.vdot(yhat, yhat)
    yhat += yhat
    return value


def half_squared_error(yhat: Array, y: Array) -> Any:
    yhat -= y
    return np.vdot(yhat, yhat) / 2


def cross_entropy(yhat: Array, y: Array) -> Any:
    yhat -= np.maximum.reduce(yhat, 1, keepdims=True)
    exponentials = np.exp(yhat)
    total = np.add.reduce(exponentials, 1, keepdims=True)
    yhat -= np.log(total)
    value = -np.vdot(y, yhat)
    np.divide(exponentials, total, yhat)
    yhat -= y
    return value


HEADS: dict[str, Callable[[Array, Array], Any]] = {
    "squared error": squared_error,
    "half squared error": half_squared_error,
    "cross-entropy": cross_entropy,
}
"""By its name, what overwrites outputs, given the targets, by the derivative of the loss, and returns the loss."""
