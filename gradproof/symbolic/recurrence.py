"""Backpropagation proved for every size and every number of steps: the Lagrangian of a loss that equations compute.

Each array that a forward equation computes is given a multiplier, its *adjoint*. The Lagrangian is the loss plus, for
each forward equation, the sum of multiplier times (value - target). Where those equations hold it equals the loss,
whatever the multipliers are. Choose them so that its derivative by every computed array vanishes: then what is left of
the chain rule is its derivative by the parameters alone, and the multipliers are the adjoints.

    recurrence   h[t] = f(h[t-1], W),  t = 1..T          Lagrangian   loss + sum_t <nabla_h[t], f(h[t-1], W) - h[t]>
    adjoint      d Lagrangian / d h[s] = 0, solved for nabla_h[s]     gradient     nabla_W = d Lagrangian / d W

So a recurrence of T steps needs one plain derivative at a step s, for symbolic s and T, instead of T nested ones.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import sympy as sp

from gradproof.errors import InvalidProblem
from gradproof.symbolic.indices import Index, is_never_negative
from gradproof.symbolic.proof import Checked, Disproved
from gradproof.symbolic.prove import Names, gradient
from gradproof.symbolic.sums import Given, total
from gradproof.symbolic.system import Axis, Equation, System
from gradproof.symbolic.typeset import latex

#: What remains on paper, for any proof by ``Backpropagation.steps``.
ARGUED = (
    "Where the forward equations hold the Lagrangian equals the loss for every choice of the adjoints, so the total"
    " derivative of either by a parameter is the partial derivative of the Lagrangian by the parameter plus, by the"
    " chain rule, its partial derivatives by the computed arrays times theirs by the parameter. The adjoint equations"
    " make the latter vanish; by induction from the last step down they have exactly one solution."
)


@dataclass(frozen=True, kw_only=True)
class Backpropagation:
    """A loss, the equations that compute it, and the equations claimed to compute its derivatives.

    loss: in terms of inputs and computed arrays.
    forward: equations through which the loss depends on the parameters, in the order of evaluation.
    backward: label -> claimed equation, in the order of evaluation; its target is an element of one of the arrays of
        ``derivative_of``. Where that is the derivative by a computed array, this is an adjoint equation; each element a
        forward equation computes needs exactly one.
    derivative_of: {nabla_h: h, nabla_W: W}: by which array each array of derivatives is; ``h[0]`` for a part of one.
    constant: equations for values through which the loss is not differentiated: the initial state, what is frozen.
    names, given: as for ``gradient``.
    """

    loss: sp.Expr
    forward: tuple[Equation, ...]
    backward: Mapping[str, Equation]
    derivative_of: Mapping[sp.IndexedBase, sp.IndexedBase | sp.Indexed]
    constant: tuple[Equation, ...] = ()
    names: Names = field(default_factory=dict)
    given: Given = field(default_factory=dict)

    @property
    def lagrangian(self) -> sp.Expr:
        """The loss, plus multiplier times (value - target) summed over each forward equation."""
        return _lagrangian(self.loss, self.forward, tuple(self.derivative_of.items()))

    def steps(self) -> Iterator[Checked]:
        """Prove every backward equation. Raises as ``gradient``; Disproved where adjoint equations are missing."""
        self.check_complete()
        for label in self.backward:
            yield self.check(label)

    def check(self, label: str) -> Checked:
        """Prove one backward equation: an adjoint equation is d Lagrangian / d h = 0, solved for the adjoint."""
        equation = self.backward[label]
        by = self.derivative_of[equation.target.base]
        variable = getattr(by, "base", by)[*getattr(by, "indices", ()), *equation.target.indices]
        parts = [part for part in sp.Add.make_args(self.lagrangian) if part.has(variable.base)]
        return gradient(
            f"{label}: dL/d{variable}",
            sp.Add(*parts),  # the others do not change with the variable
            variable,
            equation.value - equation.target if by in self._computed else equation.value,
            names=self.names,
            given=self.given,
            where=(*self.constant, *self.forward, *self.backward.values()),
            statement=f"{latex(equation.target)} = {latex(sp.sympify(equation.value))}",
        )

    def check_complete(self) -> None:
        """Count, at small sizes, that each computed element has exactly one adjoint equation; else Disproved."""
        for at in self._small_sizes():
            computed = Counter(place for equation in self.forward for place in _places(equation.target, at))
            adjoint = Counter(
                (self.derivative_of[nabla], place)
                for equation in self.backward.values()
                for nabla, place in _places(equation.target, at)
                if self.derivative_of[nabla] in self._computed
            )
            if odd := {place for place in computed | adjoint if computed[place] != adjoint[place]}:
                array, place = min(odd, key=str)
                sizes = ", ".join(f"{size} = {value}" for size, value in at.items())
                raise Disproved(
                    f"the adjoint equations define the derivative by {array}{list(place)}"
                    f" {adjoint[array, place]} times, not {computed[array, place]}, at {sizes}"
                )

    def system(
        self,
        inputs: Mapping[str, tuple[sp.Expr, tuple[Axis, ...]]],
        outputs: Mapping[str, sp.Expr],
        shared: Mapping[sp.Expr, sp.Expr] | None = None,
    ) -> System:
        """The proved equations as a program. Equations of ``constant`` for what is an input are left to the caller."""
        given = {array for array, _ in inputs.values()}
        constant = [equation for equation in self.constant if equation.target.base not in given]
        equations = (*constant, *self.forward, *self.backward.values())
        return System(equations, dict(inputs), dict(outputs), _joined_axes(equations), dict(shared or {}))

    @property
    def _computed(self) -> set[sp.IndexedBase]:
        return {equation.target.base for equation in self.forward}

    def _small_sizes(self) -> Iterator[dict[sp.Symbol, int]]:
        """All sizes alike, and sizes as different as three values can make them."""
        targets = [equation.target for equation in (*self.forward, *self.backward.values())]
        ends = [sp.sympify(end) for target in targets for i in target.indices for end in _ends(i)]
        symbols = sorted(set().union(*[end.free_symbols for end in ends]), key=str)
        for sizes in itertools.product((1, 2, 3), repeat=len(symbols)):
            if len(set(sizes)) in (1, min(len(sizes), 3)):
                yield dict(zip(symbols, sizes, strict=True))


@lru_cache(maxsize=64)
def _lagrangian(
    loss: sp.Expr, forward: tuple[Equation, ...], derivative_of: tuple[tuple[sp.IndexedBase, sp.Expr], ...]
) -> sp.Expr:
    adjoint = {array: nabla for nabla, array in derivative_of}
    result = sp.sympify(loss)
    for equation in forward:
        target = equation.target
        if target.base not in adjoint:
            raise InvalidProblem(f"{target.base} is computed, but no array is named as its adjoint")
        residual = adjoint[target.base][target.indices] * (equation.value - target)
        result += total(residual, *[i for i in target.indices if isinstance(i, Index)])
    return result


def _ends(i: Any) -> Axis:
    """First and last place of an index, or of a fixed place."""
    return (i.lower, i.upper) if isinstance(i, Index) else (i, i)


def _places(target: sp.Indexed, at: Mapping[sp.Symbol, int]) -> Iterator[tuple[sp.IndexedBase, tuple[int, ...]]]:
    """Every element that an equation with this target defines, at given sizes."""

    def value(end: Any) -> int:
        return int(sp.sympify(end).xreplace({symbol: sp.Integer(v) for symbol, v in at.items()}))

    spans = [range(value(first), value(last) + 1) for first, last in map(_ends, target.indices)]
    return ((target.base, place) for place in itertools.product(*spans))


def _joined_axes(equations: tuple[Equation, ...]) -> dict[sp.Expr, tuple[Axis, ...]]:
    """The axes of every array that several equations fill: the first place of any to the last place of any."""
    targets: dict[sp.IndexedBase, list[sp.Indexed]] = {}
    for equation in equations:
        targets.setdefault(equation.target.base, []).append(equation.target)
    return {
        array: tuple(_hull(axis) for axis in zip(*[target.indices for target in filling], strict=True))
        for array, filling in targets.items()
        if len(filling) > 1
    }


def _hull(axis: tuple[Any, ...]) -> Axis:
    """The least first and the greatest last place among ranges and fixed places."""
    firsts, lasts = zip(*map(_ends, axis), strict=True)
    least = next(low for low in firsts if all(is_never_negative(sp.sympify(other - low)) for other in firsts))
    return least, next(high for high in lasts if all(is_never_negative(sp.sympify(high - other)) for other in lasts))
