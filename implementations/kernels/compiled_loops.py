"""The loops of ``compiled``, as plain functions: they run as they stand, slowly, and numba compiles the same text.

Sequences are packed, longest first: the rows of step t are offsets[t - 1] to offsets[t], one for each sequence that
still runs. A row of ``s`` is what one step sees, [h[t-1] x[t] 1]; with A = [W U b] the pre-activations are A s, and the
gradient of A is the sum of delta s^T. Rows and columns are filled up to whole tiles and vectors; a sum runs over the
filling only where both factors are zero there, so that an infinity beside it does no harm.
"""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np

from implementations.kernels.compiled_vectors import TILE, activate, add_products, dots, exp_of_negative, times_slopes

Array = Any


def loss_and_gradients(
    params: tuple[Array, ...], batch: tuple[Array, ...], plan: tuple[Array, ...], gradients: tuple[Array, ...]
) -> float:
    """Fill the gradients and return the loss; -1, which no cross-entropy is, where a label is no class.

    params, gradients: W, U, b, V, c. batch: x (T, B, d), and target (S, B, m) and labels (S, B), of which one is empty
    and S is T or 1. plan: order (B,), the sequences, longest first; offsets (T + 1,), see above; options, whether
    sigmoid, each, cross-entropy, half the squared error, and the window. Floats are all of one dtype, integers int64.
    """
    (W, U, b, V, c), (x, target, labels), (order, offsets, options) = params, batch, plan
    nabla_W, nabla_U, nabla_b, nabla_V, nabla_c = gradients
    sigmoid, each, entropy, half, window = options[0], options[1], options[2], options[3], options[4]
    T, n = x.shape[0], W.shape[0]

    A = augmented(W, U, x.shape[2], b)
    s, h = inputs(A, x, order, offsets, n)
    for t in range(1, T + 1):
        first, end = offsets[t - 1], offsets[t]
        dots(h, first, s, first, end - first, A)
        activate(h, first, end, sigmoid)
        if t < T:
            copy(s, end, h, first, offsets[t + 1] - end, n)

    row, step, sequence = counted(order, offsets, each)
    C = augmented(V, V, 0, c)
    hidden = np.zeros((whole(row.size, TILE), C.shape[1]), W.dtype)
    for q in range(row.size):
        copy(hidden, q, h, row[q], 1, n)
        hidden[q, n] = 1
    y = np.zeros((hidden.shape[0], C.shape[0]), W.dtype)
    dots(y, 0, hidden, 0, row.size, C)
    if not entropy:
        value = squared_error(y, target, step, sequence, half)
    elif labels.size:
        value = cross_entropy_of_labels(y, labels, step, sequence, V.shape[0])
    else:
        value = cross_entropy(y, target, step, sequence)
    if value == -1:
        return value

    delta = np.zeros((s.shape[0], h.shape[1]), W.dtype)
    nabla_h = np.zeros((row.size, h.shape[1]), W.dtype)
    add_products(nabla_h, 0, y, 0, row.size, C, 0, C.shape[0])
    for q in range(row.size):
        copy(delta, row[q], nabla_h, q, 1, n)
    reached = backward(delta, h, A, offsets, n, sigmoid, window)

    nabla_A, nabla_C = np.zeros_like(A), np.zeros_like(C)
    add_products(nabla_A, 0, delta.T, 0, A.shape[0], s, reached // TILE * TILE, s.shape[0])
    add_products(nabla_C, 0, y.T, 0, C.shape[0], hidden, 0, hidden.shape[0])
    split(nabla_A, nabla_W, nabla_U, x.shape[2], nabla_b)
    split(nabla_C, nabla_V, nabla_V, 0, nabla_c)
    return value


# The network ------------------------------------------------------------------------------------------------------


def whole(count: int, unit: int) -> int:
    return (count + unit - 1) // unit * unit


def vectors(count: int, like: Array) -> int:
    """The count, in whole vectors of 64 bytes."""
    return whole(count, 64 // like.itemsize)


def augmented(left: Array, right: Array, d: int, bias: Array) -> Array:
    """[left right bias], filled up with zeros; ``right`` counts for d columns."""
    n, k = left.shape
    A = np.empty((whole(n, TILE), vectors(k + d + 1, left)), left.dtype)
    for i in range(n):
        for j in range(k):
            A[i, j] = left[i, j]
        for j in range(d):
            A[i, k + j] = right[i, j]
        A[i, k + d] = bias[i]
        for j in range(k + d + 1, A.shape[1]):
            A[i, j] = 0
    for i in range(n, A.shape[0]):
        for j in range(A.shape[1]):
            A[i, j] = 0
    return A


def split(A: Array, left: Array, right: Array, d: int, bias: Array) -> None:
    """The inverse of ``augmented``."""
    n, k = left.shape
    for i in range(n):
        for j in range(k):
            left[i, j] = A[i, j]
        for j in range(d):
            right[i, j] = A[i, k + j]
        bias[i] = A[i, k + d]


def inputs(A: Array, x: Array, order: Array, offsets: Array, n: int) -> tuple[Array, Array]:
    """s with h[0] = 0 and without the states to come, and room for them."""
    T, d = x.shape[0], x.shape[2]
    s = np.zeros((whole(offsets[T], TILE), A.shape[1]), A.dtype)
    for t in range(T):
        for r in range(offsets[t + 1] - offsets[t]):
            for j in range(d):
                s[offsets[t] + r, n + j] = x[t, order[r], j]
            s[offsets[t] + r, n + d] = 1
    return s, np.zeros((offsets[T], vectors(n, A)), A.dtype)


def copy(to: Array, first: int, source: Array, begin: int, rows: int, columns: int) -> None:
    for r in range(rows):
        for j in range(columns):
            to[first + r, j] = source[begin + r, j]


def counted(order: Array, offsets: Array, each: int) -> tuple[Array, Array, Array]:
    """The outputs that the loss is of: the row of the state, and the step and the sequence of the target."""
    T = offsets.size - 1
    count = offsets[T] if each else order.size
    row, step, sequence = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.int64)
    for t in range(T):
        going_on = offsets[t + 2] - offsets[t + 1] if t + 1 < T else 0
        for r in range(0 if each else going_on, offsets[t + 1] - offsets[t]):
            q = offsets[t] + r if each else r
            row[q], step[q], sequence[q] = offsets[t] + r, t if each else 0, order[r]
    return row, step, sequence


def backward(delta: Array, h: Array, A: Array, offsets: Array, n: int, sigmoid: int, window: int) -> int:
    """From the derivatives by h that the outputs give to those by the pre-activations; the first row it reaches."""
    T, reached = offsets.size - 1, offsets[offsets.size - 1]
    for t in range(T, 0, -1):
        first, end = offsets[t - 1], offsets[t]
        going_on = offsets[t + 1] - end if t < T else 0
        beyond = offsets[t + window] - offsets[t + window - 1] if t + window <= T else 0
        if first + beyond == end:
            continue
        reached = first + beyond
        if beyond < going_on:
            add_products(delta, reached, delta, end + beyond, going_on - beyond, A, 0, A.shape[0])
        times_slopes(delta, h, reached, end, sigmoid)
        for r in range(reached, end):
            for j in range(n, A.shape[0]):
                delta[r, j] = 0
    return reached


# Losses: y becomes the derivative by y ----------------------------------------------------------------------------


def squared_error(y: Array, target: Array, step: Array, sequence: Array, half: int) -> float:
    value, factor = 0.0, y.dtype.type(1 if half else 2)
    for q in range(step.size):
        for j in range(target.shape[2]):
            error = y[q, j] - target[step[q], sequence[q], j]
            value += error * error
            y[q, j] = factor * error
    return value / 2 if half else value


def cross_entropy_of_labels(y: Array, labels: Array, step: Array, sequence: Array, m: int) -> float:
    value = 0.0
    for q in range(step.size):
        label = labels[step[q], sequence[q]]
        if label < 0 or label >= m:
            return -1.0
        logit = y[q, label]
        top, log_total = softmax(y, q, m)
        value += (top - logit) + log_total
        y[q, label] -= 1
    return value


def cross_entropy(y: Array, target: Array, step: Array, sequence: Array) -> float:
    value, m = 0.0, target.shape[2]
    logits = np.empty(m, y.dtype)
    for q in range(step.size):
        for j in range(m):
            logits[j] = y[q, j]
        top, log_total = softmax(y, q, m)
        for j in range(m):
            probability = target[step[q], sequence[q], j]
            value += probability * ((top - logits[j]) + log_total)
            y[q, j] -= probability
    return value


def softmax(y: Array, q: int, m: int) -> tuple[float, float]:
    """Softmax of row q in its place; the largest logit, and ln of the sum of what is left when it is divided out."""
    real = y.dtype.type
    top, total = y[q, 0], real(0)
    for j in range(1, m):
        if y[q, j] > top:
            top = y[q, j]
    for j in range(m):
        y[q, j] = exp_of_negative(top - y[q, j], real)
    for j in range(m):
        total += y[q, j]
    for j in range(m):
        y[q, j] /= total
    return top, log(total)
