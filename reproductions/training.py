"""What the systems share: how weights start, and the loop that moves them along verified gradients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gradproof.problem import Data, Implementation, Params
from implementations.regression import gradient_descent_step

Array = np.ndarray


def uniform_by_fan_in(rng: np.random.Generator, *shape: int) -> Array:
    """Weights uniform in ±1/sqrt(fan-in), the fan-in being the last axis."""
    bound = 1 / np.sqrt(shape[-1])
    return rng.uniform(-bound, bound, size=shape)


def one_hot(tokens: Sequence[str]) -> tuple[Array, list[str]]:
    """Each token as a row of zeros and a one, and the different tokens in alphabetical order."""
    known = sorted(set(tokens))
    return np.eye(len(known))[[known.index(token) for token in tokens]], known


class Training:
    """Parameters on their way, with the optimizer's state for each of them.

    code: forward and backward pass, as ``Implementation.gradients``. optimizer: of ``implementations.optimizers``.
    params: where it starts; the arrays are not written to.
    """

    def __init__(self, code: Any, optimizer: Any, params: Params) -> None:
        self.code, self.optimizer, self.params = code, optimizer, dict(params)
        self.states = {name: optimizer.start(theta) for name, theta in params.items()}

    def step(self, data: Data) -> tuple[float, Any]:
        """One step on this data: the loss before it, and the forward pass's cache."""
        loss, cache = self.code.forward(self.params, data)
        gradients = self.code.backward(self.params, data, cache)
        for name, theta in self.params.items():
            self.params[name], self.states[name] = self.optimizer.step(theta, gradients[name], self.states[name])
        return float(loss), cache


def descent(code: Implementation, params: Params, data: Data, eta: float) -> Iterator[tuple[float, Params]]:
    """Gradient descent without end: the loss before each step, and the parameters it is the loss of."""
    while True:
        loss, gradients = loss_and_gradients(code, params, data)
        yield float(loss), params
        params = gradient_descent_step(params, gradients, eta)


def loss_and_gradients(code: Implementation, params: Params, data: Data) -> tuple[Any, Params]:
    if callable(code.gradients):
        return code.loss(params, data), code.gradients(params, data)
    loss, cache = code.gradients.forward(params, data)
    return loss, code.gradients.backward(params, data, cache)


def thinned(series: Sequence[float], every: int) -> list[float]:
    """Each ``every``-th number, counted from 1: epochs every, 2 every, ..."""
    return [float(value) for value in series[every - 1 :: every]]
