"""Recurrent networks: forward pass, backpropagation through time, and real-time recurrent learning.

The letters are the documents': h[t] = phi(W h[t-1] + U x[t] + b) is the state at step t = 1..T, y[t] = V h[t] + c the
output (yhat where a target is called y), with n states, d inputs and m outputs. Arrays hold step t at row t - 1; h,
which starts with h[0], at row t. ``nabla_h`` is the derivative of the loss by h. A network without biases is
one whose parameters lack b and c; without h0 it starts at zero. Everything has the dtype of the parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradproof.problem import Data, Implementation, Params
from implementations import recurrent_forward as forward
from implementations import recurrent_torch as in_torch
from implementations.activations import cross_entropy, log_softmax, sigmoid, softmax, targets
from implementations.recurrent_forward import relu

Array = np.ndarray


# The networks --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Cache:
    """What the backward pass needs of the forward pass, for the T steps it goes back.

    x: (T, d), the inputs. h: (T + 1, n), the states from h[0] on. slope: (T, n), phi' at each step's pre-activation.
    """

    params: Params
    x: Array
    h: Array
    slope: Array

    def last(self, tau: int) -> Cache:
        """The same for the last tau steps only: h[T - tau] takes the place of h[0]. All steps if there are fewer."""
        first = max(len(self.x) - tau, 0)
        return replace(self, x=self.x[first:], h=self.h[first:], slope=self.slope[first:])


@dataclass(frozen=True)
class Network:
    """The layer that takes x (T, d) to the outputs y (T, m), by forward pass and backpropagation through time.

    phi: the activation. slope_at: its derivative as a function of its value, 1 - h^2 for tanh.
    params: W (n, n), U (n, d), V (m, n), and, where the network has them, b (n,), c (m,), h0 (n,), and eps (T, n),
    which is added to the states. data: x. The gradients are those of the parameters that were given.
    """

    phi: Callable[[Array], Array]
    slope_at: Callable[[Array], Array]

    def forward(self, params: Params, data: Data) -> tuple[Array, Cache]:
        W, U, V = params["W"], params["U"], params["V"]
        x = np.asarray(data["x"]).astype(W.dtype)
        T, n = len(x), len(W)
        b, c, eps = params.get("b", 0), params.get("c", 0), params.get("eps", np.zeros((T, n), W.dtype))
        h, slope = np.empty((T + 1, n), W.dtype), np.empty((T, n), W.dtype)
        h[0] = params.get("h0", 0)
        for t in range(1, T + 1):
            value = self.phi(W @ h[t - 1] + U @ x[t - 1] + b)
            slope[t - 1] = self.slope_at(value)
            h[t] = value + eps[t - 1]
        return h[1:] @ V.T + c, Cache(params, x, h, slope)

    def backward(self, nabla_y: Array, cache: Cache) -> Params:
        """nabla_y (T, m): the derivative of the loss by each step's output."""
        W, V = cache.params["W"], cache.params["V"]
        x, h, slope = cache.x, cache.h, cache.slope
        nabla_h, delta = np.empty_like(slope), np.empty_like(slope)
        carry = np.zeros_like(h[0])  # what h[t] owes to the later steps
        for t in range(len(x), 0, -1):
            nabla_h[t - 1] = V.T @ nabla_y[t - 1] + carry
            delta[t - 1] = slope[t - 1] * nabla_h[t - 1]
            carry = W.T @ delta[t - 1]
        gradients = {
            "W": delta.T @ h[:-1],
            "U": delta.T @ x,
            "b": np.sum(delta, axis=0),
            "V": nabla_y.T @ h[1:],
            "c": np.sum(nabla_y, axis=0),
            "h0": carry,
            "eps": nabla_h,
        }
        return {name: gradient for name, gradient in gradients.items() if name in cache.params}


TANH = Network(np.tanh, lambda h: 1 - h**2)
SIGMOID = Network(sigmoid, lambda h: h * (1 - h))
RELU = Network(relu, lambda h: (h > 0).astype(h.dtype))


# The losses: of the outputs yhat (T, m) and the data, each with its derivative by every output, nabla_y (T, m) --------


def squared_error(yhat: Array, data: Data) -> tuple[Any, Array]:
    difference = yhat - targets(data, yhat.dtype)
    return np.sum(difference**2), 2 * difference


def half_squared_error(yhat: Array, data: Data) -> tuple[Any, Array]:
    difference = yhat - targets(data, yhat.dtype)
    return np.sum(difference**2) / 2, difference


def softmax_cross_entropy(yhat: Array, data: Data) -> tuple[Any, Array]:
    y = targets(data, yhat.dtype)
    return cross_entropy(log_softmax(yhat), y), softmax(yhat) - y


def class_cross_entropy(yhat: Array, data: Data) -> tuple[Any, Array]:
    is_label = (np.arange(len(yhat)) == data["label"]).astype(yhat.dtype)
    return -log_softmax(yhat)[data["label"]], softmax(yhat) - is_label


def at_last_step(loss: Callable[[Array, Data], tuple[Any, Array]]) -> Callable[[Array, Data], tuple[Any, Array]]:
    """The loss of the last output alone: the others' derivatives are zero."""

    def of_all(yhat: Array, data: Data) -> tuple[Any, Array]:
        value, nabla_last = loss(yhat[-1], data)
        nabla_y = np.zeros_like(yhat)
        nabla_y[-1] = nabla_last
        return value, nabla_y

    return of_all


# A network and a loss of its outputs ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class WithLoss:
    """A network under a loss; params and data are the network's, and what the loss compares the outputs with."""

    network: Network
    loss: Callable[[Array, Data], tuple[Any, Array]]

    def forward(self, params: Params, data: Data) -> tuple[Any, tuple[Array, Cache]]:
        yhat, cache = self.network.forward(params, data)
        value, nabla_y = self.loss(yhat, data)
        return value, (nabla_y, cache)

    def backward(self, params: Params, data: Data, cache: tuple[Array, Cache]) -> Params:
        return self.network.backward(*cache)


@dataclass(frozen=True)
class Minibatch:
    """The sum of a network's losses over a batch: data x (B, T, d) and y (B, m)."""

    one: WithLoss

    def forward(self, params: Params, data: Data) -> tuple[Any, list[Any]]:
        passes = [self.one.forward(params, {"x": x, "y": y}) for x, y in zip(data["x"], data["y"], strict=True)]
        return sum(loss for loss, _ in passes), [cache for _, cache in passes]

    def backward(self, params: Params, data: Data, cache: list[Any]) -> Params:
        each = [self.one.backward(params, data, of_one) for of_one in cache]
        return {name: sum(gradients[name] for gradients in each) for name in params}


@dataclass(frozen=True)
class SineRNN:
    """Numbers x (T,), one a step: the input of step t is the T-vector that is zero but for x[t] at place t.

    params: U (n, T), W (n, n), V (m, n). data: y (m,), the target of the last output, and for truncated backpropagation
    tau: the backward pass then goes back tau steps, and h[T - tau] counts as a constant.
    """

    one: WithLoss = WithLoss(SIGMOID, at_last_step(half_squared_error))

    def forward(self, params: Params, data: Data) -> tuple[Any, tuple[Array, Cache]]:
        loss, (nabla_y, cache) = self.one.forward(params, {**data, "x": np.diag(data["x"])})
        tau = data.get("tau", len(nabla_y))
        return loss, (nabla_y[-tau:], cache.last(tau))

    def backward(self, params: Params, data: Data, cache: tuple[Array, Cache]) -> Params:
        return self.one.backward(params, data, cache)


@dataclass(frozen=True)
class MovedStates:
    """A network as a layer of eps (T, n) alone, which is added to its states: the gradient is every nabla_h.

    params: eps. data: x and the network's own parameters.
    """

    network: Network

    def forward(self, params: Params, data: Data) -> tuple[Array, Cache]:
        return self.network.forward({**data, **params}, data)

    def backward(self, nabla_y: Array, cache: Cache) -> Params:
        return {"eps": self.network.backward(nabla_y, cache)["eps"]}


# Real-time recurrent learning ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RealTimeRecurrentLearning:
    """The gradient of a tanh network with a softmax at each step, carried forwards beside the states: no backward pass.

    dh["W"] (n, n, n) is the derivative of the current state by W, the state's axis first; dh["U"] (n, n, d) and dh["b"]
    (n, n) likewise. params: W, U, b, V, c. data: x (T, d), y (T, m).
    """

    def __call__(self, params: Params, data: Data) -> Params:
        W, V = params["W"], params["V"]
        x, y = np.asarray(data["x"]).astype(W.dtype), targets(data, W.dtype)
        h = np.zeros_like(params["b"])
        dh = {name: np.zeros((*h.shape, *params[name].shape), W.dtype) for name in ("W", "U", "b")}
        gradients = {name: np.zeros_like(theta) for name, theta in params.items()}
        for x_t, y_t in zip(x, y, strict=True):
            h, dh = self.step(params, x_t, h, dh)
            nabla_o = softmax(V @ h + params["c"]) - y_t
            nabla_h = V.T @ nabla_o
            gradients["V"] += np.outer(nabla_o, h)
            gradients["c"] += nabla_o
            for name in dh:
                gradients[name] += np.tensordot(nabla_h, dh[name], axes=1)
        return gradients

    def step(self, params: Params, x: Array, h: Array, dh: Params) -> tuple[Array, Params]:
        """The next state and its derivatives: phi' (direct + W dh), where ``direct`` takes the last state as given."""
        W, U, b = params["W"], params["U"], params["b"]
        after = np.tanh(W @ h + U @ x + b)
        slope, one = 1 - after**2, np.eye(len(h), dtype=W.dtype)
        direct = {"W": np.multiply.outer(one, h), "U": np.multiply.outer(one, x), "b": one}
        return after, {
            name: np.einsum("i,i...->i...", slope, direct[name] + np.tensordot(W, dh[name], axes=1)) for name in dh
        }


# The records ---------------------------------------------------------------------------------------------------------

RNN_TANH = Implementation(
    key="rnn-tanh",
    output=forward.tanh_outputs,
    gradients=TANH,
    autograd_loss=in_torch.tanh_outputs,
    autograd_kernel=in_torch.tanh_module,
)
RNN_SIGMOID = Implementation(
    key="rnn-sigmoid",
    output=forward.sigmoid_outputs,
    gradients=SIGMOID,
    autograd_loss=in_torch.sigmoid_outputs,
    autograd_kernel=in_torch.sigmoid_module,
)
RNN_RELU = Implementation(
    key="rnn-relu",
    output=forward.relu_outputs,
    gradients=RELU,
    autograd_loss=in_torch.relu_outputs,
    autograd_kernel=in_torch.relu_module,
)
RNN_TANH_STATES = Implementation(
    key="rnn-tanh-states",
    output=forward.outputs_of_moved_states,
    gradients=MovedStates(TANH),
    autograd_loss=in_torch.outputs_of_moved_states,
    autograd_kernel=in_torch.moved_states_cell,
)
RNN_TANH_EACH_SQUARED = Implementation(
    key="rnn-tanh-each-squared",
    loss=forward.each_squared_loss,
    gradients=WithLoss(TANH, squared_error),
    autograd_loss=in_torch.each_squared(in_torch.tanh_outputs),
    autograd_kernel=in_torch.each_squared(in_torch.tanh_module),
)
RNN_TANH_EACH_HALF_SQUARED = Implementation(
    key="rnn-tanh-each-half-squared",
    loss=forward.each_half_squared_loss,
    gradients=WithLoss(TANH, half_squared_error),
    autograd_loss=in_torch.half(in_torch.each_squared(in_torch.tanh_outputs)),
    autograd_kernel=in_torch.half(in_torch.each_squared(in_torch.tanh_module)),
)
RNN_TANH_LAST_SQUARED = Implementation(
    key="rnn-tanh-last-squared",
    loss=forward.last_squared_loss,
    gradients=WithLoss(TANH, at_last_step(squared_error)),
    autograd_loss=in_torch.last_squared(in_torch.tanh_outputs),
    autograd_kernel=in_torch.last_squared(in_torch.tanh_module),
)
WEATHER_RNN_MINIBATCH = Implementation(
    key="weather-rnn-minibatch",
    loss=forward.minibatch_loss,
    gradients=Minibatch(WithLoss(TANH, at_last_step(squared_error))),
    autograd_loss=in_torch.batch_squared,
    autograd_kernel=in_torch.batch_squared_module,
)
SINE_RNN = Implementation(
    key="sine-rnn",
    loss=forward.sine_loss,
    gradients=SineRNN(),
    autograd_loss=in_torch.sine(in_torch.sigmoid_outputs),
    autograd_kernel=in_torch.sine(in_torch.sigmoid_module),
)
SINE_RNN_TRUNCATED = Implementation(
    key="sine-rnn-truncated",
    loss=forward.truncated_sine_loss,
    gradients=SineRNN(),
    autograd_loss=in_torch.truncated_sine,
    autograd_kernel=in_torch.truncated_sine_module,
)
CHARACTER_RNN = Implementation(
    key="character-rnn",
    loss=forward.character_loss,
    gradients=WithLoss(TANH, softmax_cross_entropy),
    autograd_loss=in_torch.character(in_torch.tanh_outputs),
    autograd_kernel=in_torch.character(in_torch.tanh_module),
)
CHARACTER_RNN_WITHOUT_BIAS = replace(CHARACTER_RNN, key="character-rnn-without-bias")
CHARACTER_RNN_RTRL = replace(CHARACTER_RNN, key="character-rnn-rtrl", gradients=RealTimeRecurrentLearning())
SENTIMENT_RNN = Implementation(
    key="sentiment-rnn",
    loss=forward.sentiment_loss,
    gradients=WithLoss(TANH, at_last_step(class_cross_entropy)),
    autograd_loss=in_torch.sentiment(in_torch.tanh_outputs),
    autograd_kernel=in_torch.sentiment(in_torch.tanh_module),
)
