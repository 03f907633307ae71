"""Update rules in the conventions of ``torch.optim``, with the state in the open: nothing is changed in place.

``start(theta)`` is the state before the first step, ``step(theta, gradient, state) -> (theta, state)`` one step; theta,
gradient and every array of a state have the same shape and dtype. Hyperparameters are called what PyTorch calls them;
weight_decay is an L2 penalty: it adds weight_decay * theta to the gradient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray
State = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class SGD:
    """Gradient descent with a velocity that keeps ``momentum`` of itself from step to step."""

    lr: float
    momentum: float = 0.0
    weight_decay: float = 0.0

    def start(self, theta: Array) -> State:
        return {"velocity": np.zeros_like(theta)}

    def step(self, theta: Array, gradient: Array, state: State) -> tuple[Array, State]:
        g = gradient + self.weight_decay * theta
        velocity = self.momentum * state["velocity"] + g
        return theta - self.lr * velocity, {"velocity": velocity}


@dataclass(frozen=True, kw_only=True)
class ClippedSGD:
    """Gradient descent along the gradient cut to [-1, 1] entry by entry."""

    lr: float

    def start(self, theta: Array) -> State:
        return {}

    def step(self, theta: Array, gradient: Array, state: State) -> tuple[Array, State]:
        return theta - self.lr * np.clip(gradient, -1, 1), {}


@dataclass(frozen=True, kw_only=True)
class AdaGrad:
    """Each entry has its own rate, by the squares of all its gradients so far."""

    lr: float
    lr_decay: float = 0.0
    eps: float = 1e-10
    weight_decay: float = 0.0

    def start(self, theta: Array) -> State:
        return {"t": 0, "squares": np.zeros_like(theta)}

    def step(self, theta: Array, gradient: Array, state: State) -> tuple[Array, State]:
        t = state["t"] + 1
        g = gradient + self.weight_decay * theta
        squares = state["squares"] + g**2
        lr = self.lr / (1 + (t - 1) * self.lr_decay)
        return theta - lr * g / (np.sqrt(squares) + self.eps), {"t": t, "squares": squares}


@dataclass(frozen=True, kw_only=True)
class RMSprop:
    """The gradient by the root of its running mean square, or of its running variance where ``centered``."""

    lr: float
    alpha: float = 0.99
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum: float = 0.0
    centered: bool = False

    def start(self, theta: Array) -> State:
        return {"square": np.zeros_like(theta), "mean": np.zeros_like(theta), "velocity": np.zeros_like(theta)}

    def step(self, theta: Array, gradient: Array, state: State) -> tuple[Array, State]:
        g = gradient + self.weight_decay * theta
        square = self.alpha * state["square"] + (1 - self.alpha) * g**2
        mean = self.alpha * state["mean"] + (1 - self.alpha) * g
        spread = square - mean**2 if self.centered else square
        velocity = self.momentum * state["velocity"] + g / (np.sqrt(spread) + self.eps)
        return theta - self.lr * velocity, {"square": square, "mean": mean, "velocity": velocity}


@dataclass(frozen=True, kw_only=True)
class Adam:
    """Running means of the gradient and its square, each freed of the zeros that it started from."""

    lr: float
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0

    def start(self, theta: Array) -> State:
        return {"t": 0, "m": np.zeros_like(theta), "v": np.zeros_like(theta)}

    def step(self, theta: Array, gradient: Array, state: State) -> tuple[Array, State]:
        t = state["t"] + 1
        g = gradient + self.weight_decay * theta
        m = self.beta1 * state["m"] + (1 - self.beta1) * g
        v = self.beta2 * state["v"] + (1 - self.beta2) * g**2
        m_hat, v_hat = m / (1 - self.beta1**t), v / (1 - self.beta2**t)
        return theta - self.lr * m_hat / (np.sqrt(v_hat) + self.eps), {"t": t, "m": m, "v": v}


@dataclass(frozen=True, kw_only=True, eq=False)
class Optimizer:
    """A class of update rules, filed under the key of the rule it implements."""

    key: str
    rule: type


SGD_RECORD = Optimizer(key="sgd", rule=SGD)
CLIPPED_SGD_RECORD = Optimizer(key="clipped-sgd", rule=ClippedSGD)
ADAGRAD_RECORD = Optimizer(key="adagrad", rule=AdaGrad)
RMSPROP_RECORD = Optimizer(key="rmsprop", rule=RMSprop)
ADAM_RECORD = Optimizer(key="adam", rule=Adam)
