"""Printed gradients of recurrent networks that are none, as code: right but for the piece that is printed wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradproof.errata import Misprint
from gradproof.problem import Data, Params
from implementations.errata.pieces import Pieces, with_network
from implementations.recurrent import (
    CHARACTER_RNN,
    CHARACTER_RNN_RTRL,
    RNN_TANH_LAST_SQUARED,
    SENTIMENT_RNN,
    TANH,
    Array,
    Cache,
    Network,
    RealTimeRecurrentLearning,
    WithLoss,
    at_last_step,
    squared_error,
)


@dataclass(frozen=True)
class Transposed(Network):
    """The backward pass with the transpose of one weight matrix: W carries to the step before, V sends the error in.

    Each of them occurs just once in ``Network.backward``, transposed, so that to give it its transpose is to forget it.
    """

    name: str

    def backward(self, nabla_y: Array, cache: Cache) -> Params:
        params = {**cache.params, self.name: cache.params[self.name].T}
        return super().backward(nabla_y, replace(cache, params=params))


def not_transposed(gradients: Any, name: str) -> Any:
    return with_network(gradients, lambda network: Transposed(network.phi, network.slope_at, name))


# The character network -----------------------------------------------------------------------------------------------

CHARACTER_OUTPUT_NOT_TRANSPOSED = Misprint(
    key="character-output-not-transposed",
    printed=not_transposed(CHARACTER_RNN.gradients, "V"),
    corrected=CHARACTER_RNN.gradients,
)


@dataclass(frozen=True)
class OnesInTheRecursion(RealTimeRecurrentLearning):
    """The recursion for b with ones in place of the identity: dh/db = phi' (1 + W dh/db), 1 in every entry."""

    def step(self, params: Params, x: Array, h: Array, dh: Params) -> tuple[Array, Params]:
        after, moved = super().step(params, x, h, dh)
        by_b = (1 - after**2)[:, None] * (np.ones_like(dh["b"]) + params["W"] @ dh["b"])
        return after, {**moved, "b": by_b}


@dataclass(frozen=True)
class VectorInTheRecursion(RealTimeRecurrentLearning):
    """The recursion for b read entry by entry: dh/db is a vector, each unit's derivative by its own bias alone."""

    def step(self, params: Params, x: Array, h: Array, dh: Params) -> tuple[Array, Params]:
        after, moved = super().step(params, x, h, dh)
        by_own = (1 - after**2) * (1 + params["W"] @ np.diagonal(dh["b"]))
        return after, {**moved, "b": np.diag(by_own)}


CHARACTER_RTRL_ONE = Misprint(
    key="character-rtrl-one",
    printed=OnesInTheRecursion(),
    corrected=CHARACTER_RNN_RTRL.gradients,
    readings={
        "the identity matrix": CHARACTER_RNN_RTRL.gradients,
        "a matrix of ones": OnesInTheRecursion(),
        "a vector of ones, and dh/db a vector": VectorInTheRecursion(),
    },
)


# The weather network -------------------------------------------------------------------------------------------------


def roles_exchanged(outputs: Array, data: Data) -> tuple[Any, Array]:
    """The squared error with the derivative 2 (yhat - y), where y is the output and yhat the target."""
    loss, nabla_y = squared_error(outputs, data)
    return loss, -nabla_y


OUTPUT_CALLED_Y = WithLoss(TANH, at_last_step(roles_exchanged))

WEATHER_ROLES_EXCHANGED = Misprint(
    key="weather-roles-exchanged",
    printed=OUTPUT_CALLED_Y,
    corrected=RNN_TANH_LAST_SQUARED.gradients,
    readings={
        "yhat the output, y the target": RNN_TANH_LAST_SQUARED.gradients,
        "y the output, yhat the target, as in Exercise 1": OUTPUT_CALLED_Y,
    },
)


# The sentiment network -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SlopeOneStepEarly(Pieces):
    """The recursion with phi' at the step arrived at: W^T diag(1 - h[t]^2) nabla_h[t+1]."""

    def carried(self, delta: Any, nabla_h: Any, t: int, cache: Any, nabla_y: Any) -> Any:
        return cache.params["W"].T @ (self.slope_at(cache.h[t - 1]) * nabla_h)


SENTIMENT_SLOPE_ONE_STEP_EARLY = Misprint(
    key="sentiment-slope-one-step-early",
    printed=with_network(SENTIMENT_RNN.gradients, lambda network: SlopeOneStepEarly(network.phi, network.slope_at)),
    corrected=SENTIMENT_RNN.gradients,
)
SENTIMENT_CARRY_NOT_TRANSPOSED = Misprint(
    key="sentiment-carry-not-transposed",
    printed=not_transposed(SENTIMENT_RNN.gradients, "W"),
    corrected=SENTIMENT_RNN.gradients,
)
