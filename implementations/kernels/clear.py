"""The clear way to write it in NumPy: the whole batch a step, one line for each equation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from implementations.activations import log_softmax, sigmoid, softmax
from implementations.kernels.task import Array, Task, checked_labels, task_of

PHI = {"tanh": np.tanh, "sigmoid": sigmoid}
SLOPE_AT = {"tanh": lambda h: 1 - h**2, "sigmoid": lambda h: h * (1 - h)}
"""phi' as a function of the value of phi."""


def rnn_gradients(
    params: Mapping[str, Array],
    x: Array,
    target: Array,
    *,
    activation: str = "tanh",
    outputs: str = "last",
    loss: str = "squared error",
    lengths: Array | None = None,
    window: int | None = None,
) -> tuple[Any, dict[str, Array]]:
    """The loss of a batch, and its gradient by every parameter.

    params: W (n, n), U (n, d), V (m, n), and where the network has them b (n,) and c (m,), all float32 or all float64.
    x: (T, B, d), or (T, d) for one sequence. target: (B, m) for the last output, (T, B, m) for each, without B for one
    sequence; for the cross-entropy rows of probabilities that sum to 1, or integers, the numbers of the classes, which
    have no axis m. lengths: (B,) integers; sequence k ends after lengths[k] steps, and what x and target hold beyond is
    not looked at. The other options are described at ``task.Task``. Returns the loss, a number of the parameters'
    dtype, and the gradients by name; the arrays belong to the caller. Raises ValueError or TypeError where something
    does not fit.
    """
    x, target = np.asarray(x), np.asarray(target)
    lengths = None if lengths is None else np.asarray(lengths)
    task = task_of(params, x, target, activation, outputs, loss, lengths, window)
    T, B, n = task.T, task.B, task.n
    W, U, V = params["W"], params["U"], params["V"]
    checked_labels(target, task)
    ends = np.full(B, T) if task.lengths is None else np.array(task.lengths)
    within = np.arange(T)[:, None] < ends
    x = np.where(within[..., None], x.reshape(T, B, task.d), 0).astype(task.dtype)
    phi, slope_at = PHI[activation], SLOPE_AT[activation]

    h = np.zeros((T + 1, B, n), task.dtype)
    for t in range(1, T + 1):
        h[t] = phi(h[t - 1] @ W.T + x[t - 1] @ U.T + params.get("b", 0))

    counted = counted_outputs(task, ends)
    yhat = h[1:][counted] @ V.T + params.get("c", 0)
    value, nabla_yhat = loss_of(task, yhat, counted_targets(task, target, counted))

    nabla_h = np.zeros((T, B, n), task.dtype)
    nabla_h[counted] = nabla_yhat @ V
    delta, carry = np.zeros_like(nabla_h), np.zeros((B, n), task.dtype)
    for t in range(T, 0, -1):
        inside = ends - t < (T if window is None else window)  # only here does the backward pass reach this step
        delta[t - 1] = inside[:, None] * slope_at(h[t]) * (nabla_h[t - 1] + carry)
        carry = delta[t - 1] @ W

    gradients = {
        "W": np.einsum("tbi,tbj->ij", delta, h[:-1]),
        "U": np.einsum("tbi,tbj->ij", delta, x),
        "b": delta.sum(axis=(0, 1)),
        "V": nabla_yhat.T @ h[1:][counted],
        "c": nabla_yhat.sum(axis=0),
    }
    return value, {name: gradients[name] for name in task.names}


def counted_outputs(task: Task, ends: Array) -> Array:
    """(T, B), whether the loss is of this output."""
    step = np.arange(1, task.T + 1)[:, None]
    return step <= ends if task.outputs == "each" else step == ends


def counted_targets(task: Task, target: Array, counted: Array) -> Array:
    """The targets of the outputs that count, (k, m), in their order; class numbers as rows of 0 and 1."""
    steps, sequences = np.nonzero(counted)
    each = target.reshape(-1, task.B, *(() if task.labels else (task.m,)))
    rows = each[steps if task.outputs == "each" else 0, sequences]
    return np.eye(task.m, dtype=task.dtype)[rows] if task.labels else rows.astype(task.dtype)


def loss_of(task: Task, yhat: Array, y: Array) -> tuple[Any, Array]:
    """The loss of outputs yhat and targets y (k, m), and its derivative by every output."""
    if task.loss == "cross-entropy":
        return -np.sum(y * log_softmax(yhat)), softmax(yhat) - y
    half = yhat.dtype.type(0.5 if task.loss == "half squared error" else 1)
    return half * np.sum((yhat - y) ** 2), 2 * half * (yhat - y)
