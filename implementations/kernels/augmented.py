"""The plan for small batches of one length, where a NumPy call costs more than its arithmetic: few calls.

One matrix [W U b] and one block [h x 1] a step make a step forward one product and one activation. Backward it is one
product of [W; V]^T with a block [delta; dL/dy] and one multiplication by the slope, which has been computed for all
steps at once. The gradients of all parameters are the parts of one matrix, the sum of the blocks' products.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from implementations.kernels.outputs import HEADS
from implementations.kernels.pointwise import WATCHED, Vanishing, activation_of
from implementations.kernels.task import Array, Task, checked_labels


class Augmented:
    """The buffers of a task, and every view of them, made once: a call copies values in, and results out.

    Block t of ``states`` is [h[t]; x[t + 1]; 1], with a column for each sequence, so that the states of a step are in
    one piece. Block t of ``deltas`` is [dL/dz[t + 1]; dL/dy[t]]: the gradients by what h and x go into, and by the
    output of h. What no call writes stays 0: the states at the start, and the deltas of steps that are not gone back.
    watched: after how many steps it looks for deltas that vanish.
    """

    def __init__(self, task: Task, watched: int = WATCHED) -> None:
        self.task = task
        n, d, m, T, B, dtype = task.n, task.d, task.m, task.T, task.B, task.dtype
        self.activation = activation_of(task.activation, dtype)
        self.head = HEADS[task.loss]
        self.vanishing = Vanishing(dtype)
        K = n + d + bool(task.biases)
        states, deltas = np.zeros((T + 1, K, B), dtype), np.zeros((T + 1, n + m, B), dtype)
        slopes, nabla = np.empty((T + 1, n, B), dtype), np.empty((n, B), dtype)
        states[:, n + d :] = 1
        self.nbytes = states.nbytes + deltas.nbytes + slopes.nbytes
        self.x, self.h, self.slopes = states[:-1, n : n + d], states[1:, :n], slopes[1:]

        self.into_states, self.into_outputs = np.zeros((n, K), dtype), np.zeros((n + m, n), dtype)
        self.W, self.U, self.b = self.into_states[:, :n], self.into_states[:, n : n + d], self.into_states[:, -1]
        self.W_back, self.V_back = self.into_outputs[:n], self.into_outputs[n:]

        # One sequence is a vector: the same operations on a matrix of one column would take longer.
        column = 0 if B == 1 else slice(None)

        # The outputs that count, one a row or a block, their states, and where the derivatives by them belong.
        counted = slice(1 if task.outputs == "each" else T, None)
        self.yhat = np.empty((T if task.outputs == "each" else 1, m, B), dtype)[..., column]
        self.by_outputs = deltas[counted, n:, column]
        self.into_yhat = self.V_back, states[counted, :n], self.yhat
        self.classes = np.eye(m, dtype=dtype)

        self.forward_steps = [(states[t, :, column], states[t + 1, :n, column]) for t in range(T)]
        first = 0 if task.window is None else max(T - task.window, 0)
        steps = [(deltas[t, :, column], slopes[t, :, column], deltas[t - 1, :n, column]) for t in range(T, first, -1)]
        self.backward_steps = [steps[k : k + watched] for k in range(0, len(steps), watched)]
        self.nabla = nabla[:, column]
        if B == 1:
            self.into_yhat = states[counted, :n, 0], self.V_back.T, self.yhat
        self.factors = deltas[first:], states[first:].transpose(0, 2, 1)
        if B == 1:
            self.factors = deltas[first:, :, 0].T, states[first:, :, 0]

    def __call__(self, params: Mapping[str, Array], x: Array, target: Array) -> tuple[Any, dict[str, Array]]:
        y = self.targets(target)
        self.read(params, x)
        self.run_forward()
        value = self.compare(params, y)
        self.run_backward()
        return self.task.dtype.type(value), self.gradients()

    def targets(self, target: Array) -> Array:
        if self.task.labels:
            rows = self.classes.take(checked_labels(target, self.task), 0)
        else:
            rows = target.astype(self.task.dtype, copy=False)
        if self.task.B == 1:
            return rows.reshape(self.yhat.shape)
        return rows.reshape(-1, self.task.B, self.task.m).transpose(0, 2, 1)

    def read(self, params: Mapping[str, Array], x: Array) -> None:
        folded = self.activation.folded
        folded(params["W"], self.W)
        folded(params["U"], self.U)
        if "b" in params:
            folded(params["b"], self.b)
        self.W_back[...] = params["W"]
        self.V_back[...] = params["V"]
        self.x[...] = x.transpose(0, 2, 1) if self.task.batched else x[..., None]

    def run_forward(self) -> None:
        product, apply = self.into_states.dot, self.activation.apply
        with self.activation.quiet():
            for before, h in self.forward_steps:
                product(before, h)
                apply(h, h)

    def compare(self, params: Mapping[str, Array], y: Array) -> Any:
        """The loss; leaves its derivative by every output among the deltas."""
        yhat, one = self.yhat, self.task.B == 1
        (np.dot if one else np.matmul)(*self.into_yhat)
        if "c" in params:
            yhat += params["c"] if one else params["c"][:, None]
        value = self.head(yhat, y)
        self.by_outputs[...] = yhat
        return value

    def run_backward(self) -> None:
        self.activation.slope(self.h, self.slopes)
        product, multiply, nabla, vanishing = self.into_outputs.T.dot, np.multiply, self.nabla, False
        for steps in self.backward_steps:
            if vanishing:
                self.run_vanishing(steps)
            else:
                for outputs, slope, delta in steps:
                    product(outputs, nabla)
                    multiply(nabla, slope, delta)
            vanishing = vanishing or (steps is not self.backward_steps[-1] and self.vanishing.near(nabla))

    def run_vanishing(self, steps: list[tuple[Array, Array, Array]]) -> None:
        product = self.into_outputs.T.dot
        for outputs, slope, delta in steps:
            product(outputs, self.nabla)
            np.multiply(self.nabla, slope, delta)
            self.vanishing.rounded(delta)

    def gradients(self) -> dict[str, Array]:
        """Parts of one matrix, which is made anew at every call."""
        n, d = self.task.n, self.task.d
        deltas, states = self.factors
        matrix = deltas.dot(states) if self.task.B == 1 else np.add.reduce(np.matmul(deltas, states), 0)
        gradients = {"W": matrix[:n, :n], "U": matrix[:n, n : n + d]}
        if "b" in self.task.biases:
            gradients["b"] = matrix[:n, -1]
        gradients["V"] = matrix[n:, :n]
        if "c" in self.task.biases:
            gradients["c"] = matrix[n:, -1]
        return gradients
