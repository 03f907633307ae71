"""Proved gradients that are sums over the steps of a recursion, taken apart into what each step contributes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp

from gradproof.bound import is_float
from gradproof.diagnosis.evidence import Array
from gradproof.problem import Point
from gradproof.symbolic.indices import Index
from gradproof.symbolic.lowering import Lowered, lower
from gradproof.symbolic.lowering.lowered import UPSTREAM
from gradproof.symbolic.lowering.program import array_of, indices_of
from gradproof.symbolic.sums import total
from gradproof.symbolic.system import Equation, System


@dataclass(frozen=True)
class StepSum:
    """``target = sum over step of summand``.

    The summand may be a sum over further indices, ``over``, say the windows of a batch. factor: of a summand
    e[t, p] h[t-1, q] the part h[t-1, q] that the error signal e is multiplied with, and which axis of the gradient it
    brings, ``axis``; None where the summand is no such product.
    """

    target: sp.Expr
    step: Index
    over: tuple[Index, ...]
    summand: sp.Expr
    factor: sp.Expr | None = None
    axis: int = 0

    def equations(self, name: str) -> tuple[Equation, ...]:
        """What a step contributes, and the factor, as arrays whose first axis is the step."""
        contribution = sp.IndexedBase(f"contribution_{name}", real=True)[self.step, *indices_of(self.target)]
        found = [Equation(contribution, self.summand)]
        if self.factor is not None:
            places = (self.step, *self.over, indices_of(self.target)[self.axis])
            found.append(Equation(sp.IndexedBase(f"factor_{name}", real=True)[places], self.factor))
        return tuple(found)


@dataclass(frozen=True)
class StepSums:
    """The step sums among the gradients of a system, and the program that takes them apart.

    sums: by parameter; of one system all run over the same steps.
    """

    sums: Mapping[str, StepSum]
    program: Lowered

    @property
    def last(self) -> str:
        """How the last step is called."""
        return str(next(iter(self.sums.values())).step.upper)

    @property
    def sizes(self) -> set[str]:
        """The sizes that parameters have."""
        inputs = self.program.system.inputs
        ends = {sp.sympify(end) for name in self.sums for axis in inputs[name][1] for end in axis}
        return {str(symbol) for end in ends for symbol in end.free_symbols}

    def at(self, point: Point) -> Mapping[str, Array]:
        """``contribution_W``, (steps, *shape of W), and ``factor_W``, (steps, ..., length of an axis of W)."""
        given = {**point.data, **point.params, UPSTREAM: point.upstream}
        return self.program({name: np.asarray(v, np.longdouble) if is_float(v) else v for name, v in given.items()})


@functools.lru_cache(64)
def step_sums(system: Callable[[], System]) -> StepSums | None:
    """The sums over steps among the gradients of a system; None where there are none."""
    proved = system()
    sums = {name: found for name in proved.outputs if (found := step_sum(proved, name)) is not None}
    if not sums:
        return None
    added = tuple(equation for name, found in sums.items() for equation in found.equations(name))
    outputs = {str(array_of(equation.target)): array_of(equation.target) for equation in added}
    return StepSums(sums, lower(replace(proved, equations=(*proved.equations, *added), outputs=outputs)))


def step_sum(system: System, name: str) -> StepSum | None:
    """The gradient of a parameter as one sum over steps, times a constant; None where its formula is another."""
    equation, *others = [e for e in system.equations if array_of(e.target) == system.outputs[name]]
    constants, sums = partition(equation.value)
    if others or equation.along is not None or len(sums) != 1:
        return None
    limits = [limit[0] for limit in sums[0].limits]
    steps = [i for i in limits if (i.lower, i.upper) in recursions(system)]
    if len(steps) != 1:
        return None
    over = tuple(i for i in limits if i not in steps)
    product = sums[0].function
    summand = sp.Mul(*constants, total(product, *over))
    factor, axis = known_factor(system, equation.target, product)
    return StepSum(equation.target, steps[0], over, summand, factor, axis)


def partition(value: sp.Expr) -> tuple[list[sp.Expr], list[sp.Sum]]:
    """The factors of a product: those that are no sums, and those that are."""
    factors = sp.Mul.make_args(value)
    return [f for f in factors if not isinstance(f, sp.Sum)], [f for f in factors if isinstance(f, sp.Sum)]


def recursions(system: System) -> set[tuple[Any, Any]]:
    """First and last step of the recursions that run forward from step 1."""
    forward = [e.along for e in system.equations if e.along is not None and not e.down]
    return {(along.lower, along.upper) for along in forward if along.lower == 1}


def known_factor(system: System, target: sp.Expr, product: sp.Expr) -> tuple[sp.Expr | None, int]:
    """The part of a product that alone has one index of the target, and which: an input, or what a recursion computes
    on the way forward, as code has it right whose mistake is on the way back."""
    forward = {array_of(e.target) for e in system.equations if e.along is not None and not e.down}
    given = forward | {array for array, _ in system.inputs.values()}
    own = indices_of(target)
    for axis, i in enumerate(own):
        having = [factor for factor in sp.Mul.make_args(product) if factor.has(i)]
        apart = len(having) == 1 and not any(having[0].has(other) for other in own if other != i)
        if apart and isinstance(having[0], sp.Indexed) and having[0].base in given:
            return having[0], axis
    return None, 0
