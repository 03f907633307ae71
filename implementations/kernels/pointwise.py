"""What the plans do entry by entry: the activation and its slope, in place, and the rounding of deltas that vanish."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from implementations.kernels.task import Array


@dataclass(frozen=True)
class Activation:
    """phi, ready for a loop over steps.

    folded: what becomes of the weights before the loop, with an ``out``. apply: overwrites h by phi, from what the
    folded weights gave, and that too. slope: overwrites its second argument by phi', from h. quiet: the context of the
    loop, where apply's overflow is right.
    """

    folded: Callable[..., Array]
    apply: Callable[[Array, Array], Any]
    slope: Callable[[Array, Array], Any]
    quiet: Callable[[], AbstractContextManager[Any]]


def activation_of(name: str, dtype: np.dtype[Any]) -> Activation:
    one = np.ones((), dtype)  # an array: a ufunc takes twice as long on a Python number

    def sigmoid(minus_z: Array, h: Array) -> None:
        """1 / (1 + exp(-z)), with the sign folded into the weights. exp may overflow: 1 / inf is then right."""
        np.exp(minus_z, minus_z)
        np.add(minus_z, one, minus_z)
        np.reciprocal(minus_z, h)

    def slope_of_sigmoid(h: Array, slope: Array) -> None:
        np.subtract(one, h, slope)
        np.multiply(slope, h, slope)

    def slope_of_tanh(h: Array, slope: Array) -> None:
        np.multiply(h, h, slope)
        np.subtract(one, slope, slope)

    if name == "sigmoid":
        return Activation(np.negative, sigmoid, slope_of_sigmoid, partial(np.errstate, over="ignore"))
    return Activation(as_they_are, np.tanh, slope_of_tanh, nullcontext)


def as_they_are(weights: Array, out: Array | None = None) -> Array:
    """A copy into ``out`` where there is one: an assignment takes a third of the time of a ufunc, np.positive."""
    if out is None:
        return weights
    out[...] = weights
    return out


WATCHED = 32
"""Steps from one look for deltas that vanish to the next."""


class Vanishing:
    """Rounds deltas to multiples of the smallest normal number, where they have become so small that it matters.

    On some processors a GEMM on subnormal numbers takes a hundred times as long. To look for them at every step would
    cost more than it saves, so a plan asks ``near`` every few steps, well before, and calls ``rounded`` from then on.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        limits = np.finfo(dtype)
        # The distance of the numbers around it is the smallest normal number: adding it and taking it away rounds.
        self.shift = np.array(1.5 * float(limits.tiny) / float(limits.eps), dtype)
        self.small = float(limits.tiny) ** 0.75

    def near(self, nabla: Array) -> bool:
        """Whether the gradient by a step's states is small; the array is contiguous."""
        return bool(np.vdot(nabla, nabla) < self.small)

    def rounded(self, delta: Array) -> None:
        np.add(delta, self.shift, delta)
        np.subtract(delta, self.shift, delta)
