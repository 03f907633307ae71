"""Functions that SymPy lacks, each with a definition, and a proof of the derivative it is given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy as sp

from gradproof.symbolic.proof import Checked
from gradproof.symbolic.prove import gradient


class sigmoid(sp.Function):  # type: ignore[misc]  # noqa: N801 (spelt as SymPy spells functions: tanh, log)
    """The logistic function 1 / (1 + exp(-z)), kept as one name so that its derivative stays s (1 - s)."""

    @staticmethod
    def definition(z: Any) -> Any:
        """What the name stands for; samples evaluate it."""
        return 1 / (1 + sp.exp(-z))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """The derivative SymPy is to use, proved by ``sigmoid_derivative``."""
        return self * (1 - self)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        power = f"^{{{exp}}}" if exp else ""
        return rf"\sigma{power}\left({printer._print(self.args[0])}\right)"


class relu(sp.Function):  # type: ignore[misc]  # noqa: N801
    """max(0, z). Its derivative, 1 where z > 0 and 0 where z < 0, is the sign of its value; at 0 there is none."""

    @staticmethod
    def definition(z: Any) -> Any:
        """What the name stands for; samples evaluate it."""
        return z * (1 + sp.sign(z)) / 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """The derivative SymPy is to use away from 0, proved by ``relu_derivative``."""
        return sp.sign(self)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        power = f"^{{{exp}}}" if exp else ""
        return rf"\mathrm{{ReLU}}{power}\left({printer._print(self.args[0])}\right)"


def sigmoid_derivative() -> Iterator[Checked]:
    """What entitles ``sigmoid.fdiff`` to its answer: the definition, differentiated."""
    z = sp.Symbol("z", real=True)
    s = sigmoid.definition(z)
    yield gradient("sigma' = sigma (1 - sigma)", s, z, s * (1 - s))


def relu_derivative() -> Iterator[Checked]:
    """What entitles ``relu.fdiff`` to its answer, on either side of 0."""
    r = sp.Symbol("r", positive=True)
    for z, side in ((r, "z > 0"), (-r, "z < 0")):
        value = relu.definition(z)
        yield gradient(f"ReLU' = sign(ReLU), {side}", value, r, sp.sign(value) * z.diff(r))
