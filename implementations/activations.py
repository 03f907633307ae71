"""Activations, their derivatives and the cross-entropies, in forms that neither overflow nor cancel at |z| = 1000.

z, o: arrays of logits of float32 or float64; every result has their dtype. Where an exponential is taken, it is of a
number that is not positive: it can underflow to 0, which is then right, but not overflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def sigmoid(z: Any) -> Any:
    """The logistic function 1 / (1 + exp(-z)), relatively accurate on both sides; of the shape of z."""
    b = np.exp(-np.abs(z))
    c = 1 + b
    return np.where(z >= 0, 1 / c, b / c)


def smooth_sigmoid(z: Any) -> Any:
    """The logistic function in one smooth expression, for losses: it can be run on complex and other numbers too."""
    return np.exp(-softplus(-z))


def sigmoid_derivative(z: Any) -> Any:
    """The derivative of the sigmoid at the pre-activation z: it is even, so it is taken at |z|."""
    b = np.exp(-np.abs(z))
    return b / (1 + b) ** 2


def tanh_derivative(z: Any) -> Any:
    """The derivative 1 - tanh(z)**2 at the pre-activation z, without the cancellation: tanh(z) = 2 sigmoid(2z) - 1."""
    return 4 * sigmoid_derivative(2 * z)


def softplus(z: Any) -> Any:
    """ln(1 + exp(z)), of the shape of z."""
    return np.logaddexp(0, z)


def softmax(o: Any) -> Any:
    """exp(o) normalised to sum 1 along the last axis, of the shape of o."""
    e = np.exp(o - np.max(o, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def log_softmax(o: Any) -> Any:
    """The logarithm of softmax(o), finite where softmax underflows; of the shape of o."""
    shifted = o - np.max(o, axis=-1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))


def targets(data: Mapping[str, Any], dtype: Any) -> Any:
    """data["y"] in the dtype of the predictions: labels may be integers, which would widen float32."""
    return np.asarray(data["y"]).astype(dtype)


def binary_cross_entropy(z: Any, y: Any) -> Any:
    """-(y ln a + (1 - y) ln(1 - a)) for a = sigmoid(z), entry by entry, without forming a: it may round to 0 or 1."""
    return softplus(z) - y * z


def cross_entropy(log_p: Any, y: Any) -> Any:
    """-sum of y ln p over all entries, a scalar; log_p and y have the same shape."""
    return -np.sum(y * log_p)
