"""The programs that are timed: each computes the loss of a batch and the gradient by every parameter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from tests.benchmarks.contestants import in_jax, in_numpy, in_torch
from tests.benchmarks.shapes import Point, Shape

Call = Callable[[], tuple[Any, dict[str, Any]]]
"""Computes the loss and the gradients, in arrays of the contestant's own library."""


@dataclass(frozen=True)
class Contestant:
    """A way to compute loss and gradients.

    prepare: from a batch to the call that is timed; what is done there (copies into the library's own arrays,
    compiling) is not. needs: the package that must be installed. phis: the activations it has. largest: beyond so many
    floating-point operations it is not timed, for a run would take minutes.
    """

    name: str
    title: str
    prepare: Callable[[Point], Call]
    needs: str = "numpy"
    phis: tuple[str, ...] = ("tanh", "sigmoid")
    largest: float = float("inf")

    def __str__(self) -> str:
        return self.name

    def lacks(self, shape: Shape) -> str:
        """Why it is not timed at a shape; "" where it is."""
        if shape.activation not in self.phis:
            return f"{self.title} has no {shape.activation}"
        return f"{self.title} takes too long at {shape}" if shape.required_flops > self.largest else ""

    @property
    def absent(self) -> str:
        """Why it cannot be run; "" where it can."""
        return "" if find_spec(self.needs) else f"{self.needs} is not installed"


MINUTES = 1e10
"""Operations beyond which a program that is not made for speed is not timed."""

KERNELS = {
    contestant.name: contestant
    for contestant in (
        Contestant("fast", "fast NumPy", in_numpy.fast),
        Contestant("compiled", "compiled", in_numpy.compiled, "numba"),
        Contestant("in-torch", "in_torch.RNN", in_torch.own_module, "torch"),
    )
}
"""The project's own."""

PEERS = {
    contestant.name: contestant
    for contestant in (
        Contestant("naive", "naive NumPy", in_numpy.naive, largest=MINUTES),
        Contestant("clear", "clear NumPy", in_numpy.clear, largest=MINUTES),
        Contestant("nn-rnn", "torch nn.RNN", in_torch.torch_module, "torch", phis=("tanh",)),
        Contestant("torch-loop", "torch loop", in_torch.loop, "torch", largest=MINUTES),
        Contestant("jax", "JAX scan", in_jax.scan, "jax"),
    )
}
"""What they are timed against. The sigmoid is no nonlinearity of nn.RNN."""

CONTESTANTS = KERNELS | PEERS
