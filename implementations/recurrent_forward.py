"""The forward passes of recurrent networks as plain expressions, which any kind of number can run through.

They are the losses and outputs of the records in ``recurrent``, with its letters and shapes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from implementations.activations import cross_entropy, log_softmax, smooth_sigmoid


def relu(z: Any) -> Any:
    return np.maximum(z, 0)


def states(params: Any, x: Any, phi: Any) -> Iterator[Any]:
    """h[1], ..., h[T] for the inputs x (T, d)."""
    W, U = params["W"], params["U"]
    h, b = params.get("h0", np.zeros_like(W[0])), params.get("b", 0)
    for x_t in x:
        h = phi(W @ h + U @ x_t + b)
        yield h


def output(params: Any, h: Any) -> Any:
    return params["V"] @ h + params.get("c", 0)


def outputs(params: Any, x: Any, phi: Any) -> Any:
    """y (T, m)."""
    return np.stack([output(params, h) for h in states(params, x, phi)])


def last_output(params: Any, x: Any, phi: Any) -> Any:
    *_, h = states(params, x, phi)
    return output(params, h)


def tanh_outputs(params: Any, data: Any) -> Any:
    return outputs(params, data["x"], np.tanh)


def sigmoid_outputs(params: Any, data: Any) -> Any:
    return outputs(params, data["x"], smooth_sigmoid)


def relu_outputs(params: Any, data: Any) -> Any:
    return outputs(params, data["x"], relu)


def outputs_of_moved_states(params: Any, data: Any) -> Any:
    h, rows = data["h0"], []
    for x_t, eps_t in zip(data["x"], params["eps"], strict=True):
        h = np.tanh(data["W"] @ h + data["U"] @ x_t + data["b"]) + eps_t
        rows.append(output(data, h))
    return np.stack(rows)


def each_squared_loss(params: Any, data: Any) -> Any:
    return np.sum((tanh_outputs(params, data) - data["y"]) ** 2)


def each_half_squared_loss(params: Any, data: Any) -> Any:
    return each_squared_loss(params, data) / 2


def last_squared_loss(params: Any, data: Any) -> Any:
    return np.sum((last_output(params, data["x"], np.tanh) - data["y"]) ** 2)


def minibatch_loss(params: Any, data: Any) -> Any:
    return sum(last_squared_loss(params, {"x": x, "y": y}) for x, y in zip(data["x"], data["y"], strict=True))


def character_loss(params: Any, data: Any) -> Any:
    return cross_entropy(log_softmax(tanh_outputs(params, data)), data["y"])


def sentiment_loss(params: Any, data: Any) -> Any:
    return -log_softmax(last_output(params, data["x"], np.tanh))[data["label"]]


def sine_loss(params: Any, data: Any) -> Any:
    return np.sum((last_output(params, np.diag(data["x"]), smooth_sigmoid) - data["y"]) ** 2) / 2


def truncated_sine_loss(params: Any, data: Any) -> Any:
    """The loss as the last tau steps see it: h_frozen, the state before them, is given."""
    last_steps = np.diag(data["x"])[-data["tau"] :]
    yhat = last_output({**params, "h0": data["h_frozen"]}, last_steps, smooth_sigmoid)
    return np.sum((yhat - data["y"]) ** 2) / 2
