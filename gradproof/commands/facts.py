"""What ``list`` and ``template`` say of a formula: its parameters, data and sizes, with their shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gradproof.catalogue import Formula
from gradproof.commands.console import CannotAnswer
from gradproof.problem import Implementation
from gradproof.styles.contract import Contract
from gradproof.styles.from_problem import contract_of
from gradproof.symbolic import plain

INTEGER = "(an integer)"
NUMBER = "(a number)"
SEVERAL = "(a dict like the output)"


@dataclass(frozen=True)
class Facts:
    """A formula and its implementation, as somebody who writes another one needs to know them."""

    formula: Formula
    implementation: Implementation

    @cached_property
    def contract(self) -> Contract:
        """Raises CannotAnswer where no file can be checked: its process can be given arrays, numbers and text only."""
        contract = contract_of(self.formula.problem(self.implementation))
        if not contract.example:
            raise CannotAnswer(f"{self.formula.key} draws data that are no arrays, numbers or text, or none at all")
        return contract

    @property
    def parameters(self) -> dict[str, str]:
        """Name -> shape: ``(n, d)``, or ``(a number)``."""
        return {name: self.shape(name, self.contract.example["params"][name]) for name in self.contract.params}

    @property
    def data(self) -> dict[str, str]:
        """Name -> shape, ``(a number)`` or ``(an integer)``; a layer's upstream gradient is listed as ``upstream``."""
        shapes = {name: self.shape(name, self.contract.example["data"][name]) for name in self.contract.data}
        if self.contract.is_layer:
            upstream = self.contract.example["upstream"]
            shapes["upstream"] = SEVERAL if isinstance(upstream, dict) else self.shape("upstream", upstream)
        return shapes

    def shape(self, name: str, value: Any) -> str:
        """The shape of a value of the example, in the names of the sizes; in numbers where an axis has no one size."""
        array = np.asarray(value)
        if array.ndim == 0:
            return INTEGER if array.dtype.kind in "iu" else NUMBER
        named = self.contract.shapes.get(name) or [self.size(length) for length in array.shape]
        return f"({', '.join(named)}{',' * (len(named) == 1)})"

    def size(self, length: int) -> str:
        params, data, _ = self.contract.values()
        fitting = [name for name, value in self.contract.sizes(params, data).items() if value == length]
        return fitting[0] if len(fitting) == 1 else str(length)

    @property
    def sizes(self) -> str:
        """``n = 1..5, T = 1..8``, or ``none``."""
        return ", ".join(f"{name} = {low}..{high}" for name, (low, high) in self.formula.sizes.items()) or "none"

    @property
    def gradients(self) -> list[str]:
        """The equations of the gradient alone, a line each. The formula is proved first, which takes up to seconds."""
        return [] if self.formula.system is None else plain.gradients(self.formula.system())

    @property
    def equations(self) -> list[str]:
        """All equations of the gradient, in the order of evaluation; as for ``gradients``."""
        return [] if self.formula.system is None else plain.equations(self.formula.system())


def listed(shapes: Mapping[str, str]) -> str:
    """``W (n, n), b (n,), label (an integer)``, or ``none``."""
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "none"
