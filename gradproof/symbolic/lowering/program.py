"""Equations in order to statements: what is computed where, one loop a recursion, and a function around it all."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import sympy as sp

from gradproof.symbolic.indices import Index, free_indices
from gradproof.symbolic.lowering.code import Axes, CannotLower
from gradproof.symbolic.lowering.expressions import Expressions
from gradproof.symbolic.lowering.names import Names
from gradproof.symbolic.lowering.ranges import Parts, count, covered, never_negative, same, span
from gradproof.symbolic.lowering.shapes import is_whole, reading
from gradproof.symbolic.lowering.stable import stable
from gradproof.symbolic.system import Axis, Equation, System


def array_of(e: sp.Expr) -> Any:
    """The array of an element; a scalar stands for itself."""
    return e.base if isinstance(e, sp.Indexed) else e


def indices_of(e: sp.Expr) -> tuple[Any, ...]:
    return tuple(e.indices) if isinstance(e, sp.Indexed) else ()


def emit(system: System) -> str:
    """The source of a function ``gradients`` of the system's inputs. Raises CannotLower."""
    return Program(system).source()


class Program:
    """One system on its way to source."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.equations = needed(system)
        self.names = Names()
        self.expressions = Expressions(self.names)
        self.axes = axes_of_targets(system, self.equations)
        self.finished: set[Any] = set()

    def source(self) -> str:
        parameters = [self.names.of(symbol) for symbol, _ in self.system.inputs.values()]
        for symbol, axes in self.system.inputs.values():
            if isinstance(symbol, Index):
                self.expressions.running.add(symbol)
            self.expressions.arrays[symbol] = axes
            self.expressions.sizes |= {s for end in itertools.chain(*axes) for s in sp.sympify(end).free_symbols}
        statements = [line for group in loops(self.equations) for line in self._group(group)]
        if self.expressions.parts:
            raise CannotLower(f"no equation computes all of {', '.join(map(str, self.expressions.parts))}")
        results = [f"{name!r}: {self._result(symbol)}" for name, symbol in self.system.outputs.items()]
        wanted = {size for size in self.expressions.sizes if size in self.names.used}
        body = [*reading(wanted, self.system, self.names), *self._precision(statements), *statements]
        lines = [*body, f"return {{{', '.join(results)}}}"]
        return "\n    ".join([f"def gradients({', '.join(parameters)}):", *lines]) + "\n"

    def _result(self, symbol: Any) -> str:
        if symbol not in self.expressions.arrays:
            raise CannotLower(f"no equation computes the output {symbol}")
        return self.names.of(symbol)

    def _precision(self, statements: Sequence[str]) -> Iterator[str]:
        """What makes numbers and arrays like the inputs, which are all of one precision when the function is called."""
        text = "\n".join(statements)
        if "real(" in text or "zeros(" in text:
            arrays = [symbol for symbol, _ in self.system.inputs.values() if not is_whole(symbol)]
            if not arrays:
                raise CannotLower("no input is real, so no precision is given")
            made = f"{'real' if 'real(' in text else '_'}, {'zeros' if 'zeros(' in text else '_'}"
            yield f"{made} = precision({self.names.of(arrays[0])})"

    # ---- statements -----------------------------------------------------------------------------------------------

    def _group(self, group: Sequence[Equation]) -> Iterator[str]:
        """The statements of one equation, or of the equations that share a loop."""
        along, arrays = group[0].along, [array_of(equation.target) for equation in group]
        for equation in group:
            yield from self._allocation(equation)
        if along is None:
            yield self._assignment(group[0])
        else:
            for position in range(len(group)):
                self._check_recursion(group, position)
            yield self._loop(along, group[0].down)
            self._in_loop(arrays, True)
            self.expressions.running.add(along)
            yield from [f"    {self._assignment(equation)}" for equation in group]
            self.expressions.running.discard(along)
            self._in_loop(arrays, False)
        for equation in group:
            self._fill(equation)

    def _in_loop(self, arrays: Sequence[Any], value: bool) -> None:
        for array in arrays:
            self.expressions.parts[array].in_loop = value

    def _loop(self, along: Index, down: bool) -> str:
        text = self.expressions.text
        if down:
            ends = f"{text(along.upper)}, {text(along.lower - 1)}, -1"
        else:
            ends = ("" if along.lower == 0 else f"{text(along.lower)}, ") + text(along.upper + 1)
        return f"for {self.names.of(along)} in range({ends}):"

    def _allocation(self, equation: Equation) -> Iterator[str]:
        """An array that equations fill part by part is made before the first of them."""
        array = array_of(equation.target)
        if array in self.finished:
            raise CannotLower(f"{array} is computed twice")
        if array in self.expressions.parts or self._is_whole(equation):
            return
        self.expressions.arrays[array] = self.axes[array]
        self.expressions.parts[array] = Parts()
        yield f"{self.names.of(array)} = {self._zeros(self.axes[array])}"

    def _zeros(self, axes: Sequence[Axis]) -> str:
        lengths = [count(*axis) for axis in axes]
        if not all(map(never_negative, lengths)):
            raise CannotLower(f"is each of the lengths {', '.join(map(str, lengths))} at least 0?")
        return f"zeros(({', '.join(map(self.expressions.text, lengths))}{',' * (len(lengths) == 1)}))"

    def _assignment(self, equation: Equation) -> str:
        free: Axes = tuple(i for i in indices_of(equation.target) if isinstance(i, Index) and i != equation.along)
        code = self.expressions.code(stable(equation.value), free)
        value = code.along(free).text
        if not self._is_whole(equation):
            return f"{self._part_of_array(equation, free)} = {value}"
        if set(code.axes) != set(free):  # the same at every value of an index that it does not name
            value = f"{self._zeros([(i.lower, i.upper) for i in free])} + {value}"
        return f"{self.names.of(array_of(equation.target))} = {value}"

    def _part_of_array(self, equation: Equation, free: Axes) -> str:
        """The part of an array that one equation fills: as it would be read."""
        array, parts = equation.target.base, self.expressions.parts[equation.target.base]
        parts.in_loop, before = True, parts.in_loop
        text = self.expressions.code(equation.target, free).text
        parts.in_loop = before
        return text if text != self.names.of(array) else f"{text}[:]"

    # ---- which places are computed when ---------------------------------------------------------------------------

    def _is_whole(self, equation: Equation) -> bool:
        """Whether one equation computes its array at once."""
        axes = self.axes[array_of(equation.target)]
        return equation.along is None and all(
            isinstance(i, Index) and same(i.lower, low) and same(i.upper, high)
            for i, (low, high) in zip(indices_of(equation.target), axes, strict=True)
        )

    def _fill(self, equation: Equation) -> None:
        """Note what an equation computed."""
        array = array_of(equation.target)
        axes = self.axes[array]
        if array in self.expressions.parts:
            parts, (axis, filled) = self.expressions.parts[array], self._stretch(equation)
            if parts.axis not in (None, axis):
                raise CannotLower(f"{array} is filled part by part along two axes")
            if not all(never_negative(filled[0] - b - 1) or never_negative(a - filled[1] - 1) for a, b in parts.filled):
                raise CannotLower(f"{equation.target}: some places of {array} may be computed twice")
            parts.axis = axis
            parts.filled.append(filled)
            if not covered(axes[axis], parts.filled):
                return
            del self.expressions.parts[array]
        self.expressions.arrays[array] = axes
        self.finished.add(array)

    def _stretch(self, equation: Equation) -> tuple[int, Axis]:
        """The one axis along which an equation fills only part of its array, and the places there."""
        axes, indices = self.axes[equation.target.base], indices_of(equation.target)
        ends = [span(index) for index in indices]
        part = [k for k, (own, axis) in enumerate(zip(ends, axes, strict=True)) if not all(map(same, own, axis))]
        if len(part) > 1:
            raise CannotLower(f"{equation.target} is a part of its array along more than one axis")
        axis = part[0] if part else indices.index(equation.along)
        return axis, ends[axis]

    def _check_recursion(self, group: Sequence[Equation], position: int) -> None:
        """What a step reads of the arrays of its own loop must be computed: at earlier steps, or before the loop."""
        equation = group[position]
        along = equation.along
        assert along is not None
        if along not in indices_of(equation.target):
            raise CannotLower(f"{equation.target} does not have the index {along} of its recursion")
        targets = {array_of(e.target): e.target for e in group}
        ready = {array_of(e.target) for e in group[:position]}
        for read in equation.value.atoms(sp.Indexed):
            if read.base not in targets:
                continue
            shift = sp.expand(read.indices[indices_of(targets[read.base]).index(along)] - along)
            back = shift if equation.down else -shift
            if not shift.is_Integer or back < (0 if read.base in ready else 1):
                raise CannotLower(f"{read} is not computed yet when {equation.target} needs it")
            before = (along.upper + 1, along.upper + back) if equation.down else (along.lower - back, along.lower - 1)
            if back > 0 and not covered(before, self.expressions.parts[read.base].filled):
                where = f"{before[0]}..{before[1]}"
                raise CannotLower(f"{read} is read at {where}, which no equation before the loop computes")


def needed(system: System) -> tuple[Equation, ...]:
    """The equations some output depends on: a loss's own value is often not."""
    wanted, before = set(system.outputs.values()), -1
    while before != len(wanted):
        before = len(wanted)
        for equation in system.equations:
            if array_of(equation.target) in wanted:
                wanted |= {array_of(e) for e in equation.value.atoms(sp.Indexed, sp.Symbol)}
    return tuple(e for e in system.equations if array_of(e.target) in wanted)


def loops(equations: Sequence[Equation]) -> Iterator[list[Equation]]:
    """Equations that share a loop, together; the others one by one."""
    for key, group in itertools.groupby(equations, key=lambda e: (e.along, e.down)):
        if key[0] is None:
            yield from ([equation] for equation in group)
        else:
            yield list(group)


def axes_of_targets(system: System, equations: Sequence[Equation]) -> dict[Any, tuple[Axis, ...]]:
    """The axes of every computed array: as declared, else the ranges of its one target's indices."""
    axes: dict[Any, tuple[Axis, ...]] = dict(system.computed)
    inputs = {symbol for symbol, _ in system.inputs.values()}
    for equation in equations:
        array, indices = array_of(equation.target), indices_of(equation.target)
        if array in inputs:
            raise CannotLower(f"{array} is an input and computed as well")
        if len(set(indices)) != len(indices) or any(not isinstance(i, Index) and free_indices(i) for i in indices):
            raise CannotLower(f"{equation.target}: each index of a target is an index of its own, or a fixed place")
        if array not in system.computed:
            if array in axes or not all(isinstance(i, Index) for i in indices):
                raise CannotLower(f"{array} is computed in parts: declare its axes in computed=")
            axes[array] = tuple((i.lower, i.upper) for i in indices)
        elif len(axes[array]) != len(indices):
            raise CannotLower(f"{equation.target} has {len(indices)} indices, but {array} has {len(axes[array])} axes")
    return axes
