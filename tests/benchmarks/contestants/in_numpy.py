"""NumPy: sample by sample as the documents write it, and the project's kernels for NumPy arrays."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from implementations.activations import log_softmax, sigmoid, softmax
from tests.benchmarks.shapes import Array, Point

PHI = {"tanh": np.tanh, "sigmoid": sigmoid}
SLOPE_AT = {"tanh": lambda h: 1 - h**2, "sigmoid": lambda h: h * (1 - h)}


def clear(point: Point) -> Any:
    from implementations.kernels.clear import rnn_gradients

    return partial(rnn_gradients, point.params, point.x, point.target, **point.options)


def fast(point: Point) -> Any:
    from implementations.kernels.fast import rnn_gradients

    return partial(rnn_gradients, point.params, point.x, point.target, **point.options)


def compiled(point: Point) -> Any:
    from implementations.kernels.compiled import rnn_gradients

    return partial(rnn_gradients, point.params, point.x, point.target, **point.options)


# As the documents write it -------------------------------------------------------------------------------------------


def naive(point: Point) -> Any:
    """One sequence after the other, one step after the other, gradients as sums of outer products."""
    return lambda: of_batch(point)


def of_batch(point: Point) -> tuple[Any, dict[str, Array]]:
    loss = point.x.dtype.type(0)
    gradients = {name: np.zeros_like(value) for name, value in point.params.items()}
    for k, end in enumerate(point.ends):
        loss += of_one(point, k, int(end), gradients)
    return loss, gradients


def of_one(point: Point, k: int, T: int, gradients: dict[str, Array]) -> Any:
    """The loss of sequence k, which has T steps; its gradients are added to ``gradients``."""
    W, U, V = point.params["W"], point.params["U"], point.params["V"]
    b, c = point.params.get("b", 0), point.params.get("c", 0)
    phi, slope_at = PHI[point.activation], SLOPE_AT[point.activation]
    x, loss = point.x[:, k], 0

    h = [np.zeros_like(W[0])]
    for t in range(1, T + 1):
        h.append(phi(np.dot(W, h[t - 1]) + np.dot(U, x[t - 1]) + b))

    carry = np.zeros_like(W[0])
    for t in range(T, 0, -1):
        nabla_h = carry
        if point.outputs == "each" or t == T:
            target = point.target[t - 1, k] if point.outputs == "each" else point.target[k]
            loss_t, nabla_y = loss_of(point, np.dot(V, h[t]) + c, target)
            loss = loss + loss_t
            nabla_h = nabla_h + np.dot(V.T, nabla_y)
            gradients["V"] += np.outer(nabla_y, h[t])
            if "c" in gradients:
                gradients["c"] += nabla_y
        delta = nabla_h * slope_at(h[t])
        gradients["W"] += np.outer(delta, h[t - 1])
        gradients["U"] += np.outer(delta, x[t - 1])
        if "b" in gradients:
            gradients["b"] += delta
        carry = np.dot(W.T, delta)
    return loss


def loss_of(point: Point, y: Array, target: Any) -> tuple[Any, Array]:
    """The loss of one output, and its derivative by it."""
    if point.loss == "cross-entropy":
        nabla_y = softmax(y)
        nabla_y[target] -= 1
        return -log_softmax(y)[target], nabla_y
    half = y.dtype.type(0.5 if point.loss == "half squared error" else 1)
    return half * np.sum((y - target) ** 2), 2 * half * (y - target)
