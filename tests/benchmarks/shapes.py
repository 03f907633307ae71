"""The documents' recurrent networks, and two larger ones, as batches to be timed: sizes, options and values.

The letters are those of ``implementations.kernels.task``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tests.kernels.family import Member

Array = np.ndarray

DTYPES = ("float64", "float32")


@dataclass(frozen=True)
class Point:
    """A batch as every contestant gets it: time-major, params, x and float targets of one dtype."""

    params: Mapping[str, Array]
    x: Array
    target: Array
    activation: str
    outputs: str
    loss: str
    lengths: Array | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments of ``rnn_gradients``."""
        options = {"activation": self.activation, "outputs": self.outputs, "loss": self.loss}
        return options | ({} if self.lengths is None else {"lengths": self.lengths})

    @property
    def ends(self) -> Array:
        """(B,), after how many steps each sequence ends."""
        T, B, _ = self.x.shape
        return np.full(B, T) if self.lengths is None else self.lengths


@dataclass(frozen=True)
class Shape:
    """A network and a batch by their sizes; a cross-entropy's targets are class numbers.

    ragged: the sequences have 1 to T steps, each length about equally often. formulas: those of the catalogue that this
    shape computes.
    """

    name: str
    B: int
    T: int
    d: int
    n: int
    m: int
    activation: str = "tanh"
    outputs: str = "each"
    loss: str = "cross-entropy"
    biases: bool = True
    ragged: bool = False
    formulas: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name

    @property
    def sizes(self) -> str:
        return f"{self.B}, {self.T}, {self.d}, {self.n}, {self.m}"

    @property
    def member(self) -> Member:
        """The member of the kernels' family that has these options."""
        targets = "labels" if self.loss == "cross-entropy" else "numbers"
        return Member(self.activation, self.outputs, self.loss, targets, self.biases, self.ragged, windowed=False)

    @property
    def lengths(self) -> Array | None:
        return np.random.default_rng(0).permutation(1 + np.arange(self.B) % self.T) if self.ragged else None

    def draw(self, dtype: str, seed: int = 0) -> Point:
        """Weights as large as those of a network whose training starts; the same each time."""
        rng = np.random.default_rng(seed)
        T, B, d, n, m = self.T, self.B, self.d, self.n, self.m
        params = {
            "W": 0.9 * rng.normal(size=(n, n)) / np.sqrt(n),
            "U": 0.7 * rng.normal(size=(n, d)) / np.sqrt(d),
            "b": 0.1 * rng.normal(size=n),
            "V": rng.normal(size=(m, n)) / np.sqrt(n),
            "c": 0.1 * rng.normal(size=m),
        }
        places = (T, B) if self.outputs == "each" else (B,)
        x = rng.normal(size=(T, B, d))
        target = rng.integers(0, m, size=places) if self.loss == "cross-entropy" else rng.normal(size=(*places, m))
        return Point(
            params={name: value.astype(dtype) for name, value in params.items() if self.biases or name in "WUV"},
            x=x.astype(dtype),
            target=target if target.dtype.kind == "i" else target.astype(dtype),
            activation=self.activation,
            outputs=self.outputs,
            loss=self.loss,
            lengths=self.lengths,
        )

    @property
    def required_flops(self) -> int:
        """Floating-point operations of the matrix products that no program gets around, for loss and gradients.

        A step of a sequence takes 2 n (n + d) for its state, 2 n n for the derivative that it hands back, and
        2 n (n + d) for the gradients of W and U; an output 2 n m for itself, for its state's derivative and for the
        gradient of V.
        """
        rows = self.B * self.T if self.lengths is None else int(self.lengths.sum())
        outputs = rows if self.outputs == "each" else self.B
        states = rows * 2 * self.n * (3 * self.n + 2 * self.d)
        return states + outputs * 3 * 2 * self.n * self.m

    def but(self, **changed: Any) -> Shape:
        """The same with other sizes, or options."""
        return replace(self, **changed)


LAST_SQUARED: dict[str, Any] = {"outputs": "last", "loss": "squared error"}
SINE: dict[str, Any] = {"activation": "sigmoid", "outputs": "last", "loss": "half squared error", "biases": False}

SHAPES = {
    shape.name: shape
    for shape in (
        Shape("weather-1", 1, 24, 6, 10, 1, **LAST_SQUARED, formulas=("rnn-tanh-last-squared",)),
        Shape("weather-32", 32, 24, 6, 10, 1, **LAST_SQUARED, formulas=("weather-rnn-minibatch",)),
        Shape("sine-1", 1, 50, 1, 100, 1, **SINE, formulas=("sine-rnn",)),
        Shape("sine-100", 100, 50, 1, 100, 1, **SINE, formulas=("sine-rnn",)),
        Shape("sentiment-1", 1, 4, 18, 64, 2, outputs="last", formulas=("sentiment-rnn",)),
        Shape("sentiment-58", 58, 13, 18, 64, 2, outputs="last", ragged=True, formulas=("sentiment-rnn",)),
        Shape("character-1", 1, 15, 12, 50, 12, formulas=("character-rnn",)),
        Shape("middle", 64, 128, 64, 256, 64, formulas=("character-rnn",)),
        Shape("big", 32, 512, 128, 512, 128, formulas=("character-rnn",)),
    )
}
