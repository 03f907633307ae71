"""A system of equations run step by step, so that one that is mistaken costs only what depends on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from gradproof.diagnosis.derived.evaluate import Array, At, Context, Real, compiled, integer, span
from gradproof.problem import Point
from gradproof.symbolic.indices import Index
from gradproof.symbolic.lowering.lowered import UPSTREAM
from gradproof.symbolic.lowering.program import array_of, axes_of_targets, indices_of, loops, needed
from gradproof.symbolic.lowering.shapes import is_whole, sizes_of, whole
from gradproof.symbolic.system import Equation, System

Values = dict[Any, tuple[Array, tuple[int, ...]]]


@dataclass(frozen=True, eq=False)
class Stage:
    """Equations that run together: one alone, or those of one loop. numbers: their places in the program."""

    numbers: tuple[int, ...]
    equations: tuple[Equation, ...]

    @cached_property
    def made(self) -> frozenset[Any]:
        return frozenset(array_of(equation.target) for equation in self.equations)

    @cached_property
    def read(self) -> frozenset[Any]:
        return frozenset(
            array_of(e) for equation in self.equations for e in equation.value.atoms(sp.Indexed, sp.Symbol)
        )


class Program:
    """The equations of a system that its outputs need, in stages."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.equations = needed(system)
        self.axes = axes_of_targets(system, self.equations)
        self._reached: dict[frozenset[Any], frozenset[Any]] = {}
        self.stages: list[Stage] = []
        for group in loops(self.equations):
            start = sum(len(stage.numbers) for stage in self.stages)
            self.stages.append(Stage(tuple(range(start, start + len(group))), tuple(group)))

    def inputs(self, point: Point) -> Context:
        """The context of a point, before anything is computed. Raises WrongInputs."""
        given = {**point.data, **point.params, UPSTREAM: point.upstream}
        arrays = {name: np.asarray(given[name]) for name in self.system.inputs}
        context = Context({}, sizes_of(self.system, arrays))
        integers: dict[Index, int] = {}
        for name, (symbol, axes) in self.system.inputs.items():
            first = tuple(integer(low, context, {}) for low, _ in axes)
            if isinstance(symbol, Index):
                integers[symbol] = whole(name, symbol, arrays[name], context.sizes)
            elif symbol not in context.sizes:
                value = whole(name, symbol, arrays[name], context.sizes) if is_whole(symbol) else arrays[name]
                context.arrays[symbol] = np.asarray(value, Real), first
        return replace(context, integers=integers)

    def run(self, context: Context) -> None:
        """Compute everything, in place."""
        for stage in self.stages:
            self.run_stage(stage.equations, context)

    def run_stage(self, equations: Sequence[Equation], context: Context) -> None:
        for equation in equations:
            self._allocate(equation.target, context)
        along = equations[0].along
        if along is None:
            self._assign(equations[0], context, {})
            return
        low, high = span(along, context, {})
        for step in range(high - 1, low - 1, -1) if equations[0].down else range(low, high):
            for equation in equations:
                self._assign(equation, context, {along: step})

    def _allocate(self, target: sp.Expr, context: Context) -> None:
        array = array_of(target)
        if array not in context.arrays:
            ends = [(integer(low, context, {}), integer(high, context, {})) for low, high in self.axes[array]]
            zeros = np.zeros([max(high - low + 1, 0) for low, high in ends], Real)
            context.arrays[array] = zeros, tuple(low for low, _ in ends)

    def _assign(self, equation: Equation, context: Context, at: At) -> None:
        indices = indices_of(equation.target)
        array, first = context.arrays[array_of(equation.target)]
        free = tuple(i for i in indices if isinstance(i, Index) and i not in at)
        places: list[slice | int] = []
        for i, low in zip(indices, first, strict=True):
            if i in free:
                start, stop = span(i, context, at)
                places.append(slice(start - low, stop - low))
            else:
                places.append(integer(i, context, at) - low)
        array[tuple(places)] = compiled(equation.value, free)(context, at)

    def outputs(self, context: Context) -> dict[str, Array]:
        return {name: context.arrays[symbol][0] for name, symbol in self.system.outputs.items()}

    def depending(self, numbers: Iterable[int]) -> frozenset[str]:
        """The outputs that depend on the equations of these numbers."""
        reached = self.reached(frozenset(array_of(self.equations[number].target) for number in numbers))
        return frozenset(name for name, symbol in self.system.outputs.items() if symbol in reached)

    # ---- with a mistake --------------------------------------------------------------------------------------------

    def rerun(self, before: Context, changed: Mapping[int, Equation | None], outside: str = "zero") -> Context:
        """What the program computes with other equations at some places (None: with none), in a new context.

        before: the context after a run, without a mistake or with another one.
        """
        reached = self.reached(frozenset(array_of(self.equations[number].target) for number in changed))
        kept = {array: value for array, value in before.arrays.items() if array not in reached}
        context = replace(before, arrays=kept, outside=outside)
        for stage in self.stages:
            if stage.made & reached:
                pairs = zip(stage.numbers, stage.equations, strict=True)
                for equation in stage.equations:
                    self._allocate(equation.target, context)
                if equations := [e for number, old in pairs if (e := changed.get(number, old)) is not None]:
                    self.run_stage(equations, context)
        return context

    def reached(self, arrays: frozenset[Any]) -> frozenset[Any]:
        """The arrays themselves and all that is computed from them."""
        if arrays not in self._reached:
            found = set(arrays)
            for stage in self.stages * 2:  # an array that several stages fill is read by stages before the last of them
                if stage.made & found or stage.read & found:
                    found |= stage.made
            self._reached[arrays] = frozenset(found)
        return self._reached[arrays]
