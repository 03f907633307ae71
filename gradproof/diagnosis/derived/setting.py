"""One program as the rules see it: its equations with what each can read, how they are written, what they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp

from gradproof.diagnosis.derived.phrases import Phrases
from gradproof.diagnosis.derived.program import Program
from gradproof.diagnosis.derived.shared import Shared, shared_parts
from gradproof.diagnosis.derived.sites import Scope, activation_of
from gradproof.symbolic.indices import Index
from gradproof.symbolic.lowering.program import array_of, indices_of
from gradproof.symbolic.lowering.shapes import is_whole
from gradproof.symbolic.system import Equation


@dataclass(frozen=True, eq=False)
class Mistake:
    """Equations that take the place of others.

    words: what follows "equals the formula". place: the equation or shared part that is mistaken, "" where it is the
    formula of a gradient itself. changed: by number, None for an equation that is not there at all. weight, outside,
    term: as for Slip.
    """

    words: str
    place: str
    changed: Mapping[int, Equation | None]
    weight: int = 0
    outside: str = "zero"
    term: sp.Expr | None = None


class Setting:
    """The program in which mistakes are made."""

    def __init__(self, program: Program) -> None:
        self.program, self.equations = program, program.equations
        self.phrases = Phrases(program.system)
        self.results = set(program.system.outputs.values())
        self.inputs = [symbol for symbol, _ in program.system.inputs.values()]
        self.shared = list(shared_parts(program.system, self.equations))

    def place(self, equation: Equation) -> str:
        return "" if array_of(equation.target) in self.results else self.stated(equation.target, equation.value)

    def place_of(self, part: Shared) -> str:
        return self.stated(part.name, part.value) if part.given else self.phrases(part.value)

    def stated(self, name: sp.Expr, value: sp.Expr) -> str:
        """``delta[t] = (1 - h[t]^2)*nabla_h[t]``."""
        return f"{self.phrases(name)} = {self.phrases(value)}"

    def scope(self, number: int) -> Scope:
        """What is there when the equation of this number is evaluated."""
        earlier = self.equations[:number]
        known = [*self.inputs, *(array_of(e.target) for e in earlier), array_of(self.equations[number].target)]
        axes = {symbol: tuple(self.phrases.axes[symbol]) for symbol in known if not isinstance(symbol, Index)}
        activations = {array_of(e.target): e for e in earlier if activation_of(e)}
        return Scope(self.phrases, axes, frozenset(self.inputs), activations, self.sizes)

    @cached_property
    def sizes(self) -> Sequence[sp.Symbol]:
        """The lengths of the inputs."""
        ends = {sp.sympify(end) for _, axes in self.program.system.inputs.values() for axis in axes for end in axis}
        return sorted({size for end in ends for size in end.free_symbols}, key=str)

    @cached_property
    def integers(self) -> Sequence[sp.Symbol]:
        """Whole numbers among the inputs: a window, say."""
        scalars = [symbol for symbol, axes in self.program.system.inputs.values() if axes == ()]
        return [symbol for symbol in scalars if is_whole(symbol) and not isinstance(symbol, Index)]

    def steps(self, part: Shared) -> list[Index]:
        """The indices of a shared part that are steps in time."""
        return [i for i in free(part.name) if self.phrases.is_step((i.lower, i.upper))]

    def reading(self, symbol: Any) -> dict[int, Equation]:
        """The equations that read a symbol, by number."""
        return {number: equation for number, equation in enumerate(self.equations) if equation.value.has(symbol)}


def free(name: sp.Expr) -> list[Index]:
    """The indices of a name that stand for every place."""
    return [i for i in indices_of(name) if isinstance(i, Index)]


def fresh(value: sp.Expr) -> sp.Expr:
    """A formula with other names for the indices it sums over, so that it can stand inside another."""
    bound = {limit[0] for e in value.atoms(sp.Sum) for limit in e.limits}
    return value.xreplace({i: Index(sp.Dummy(str(i), integer=True), (i.lower, i.upper)) for i in bound})
