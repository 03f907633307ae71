"""Numbers at which a claim is tried: small sizes and random fractions, evaluated to 50 digits without SymPy's calculus.

A claim that does not cancel is refuted by such a sample; one that does cancel must also hold at a few of them.
"""

from __future__ import annotations

import itertools
import math
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import mpmath
import sympy as sp

from gradproof.symbolic.indices import Index, free_indices
from gradproof.symbolic.sums import Given
from gradproof.symbolic.system import Equation

DIGITS = 50
_STEP = mpmath.mpf("1e-15")  # the error of a central difference is then about 1e-30, of rounding 1e-35
# Handed out in turn to the sizes met; at random in the end, so that no two sizes are alike or ordered in all samples.
_SIZES = [(1,), (2,), (2, 3), (3, 2), (1, 3), (3, 1), (2, 3, 4), (4, 2, 3)]
_SIZES += [tuple(random.Random(seed).choices((1, 2, 3, 4), k=9)) for seed in range(6)]


class Unusable(Exception):
    """This sample cannot be used: an index range is empty, or a value is not finite."""


def samples(
    given: Given | None = None, names: Mapping[sp.Expr, sp.Expr] | None = None, where: Sequence[Equation] = ()
) -> Iterator[Sample]:
    """Samples that satisfy side conditions and equations, and in which every name has its meaning; smallest first."""
    return (Sample(seed, sizes, given or {}, names or {}, where) for seed, sizes in enumerate(_SIZES))


class Sample:
    """A value for every size, index, scalar and array element, drawn when first asked for.

    An element that an equation of ``where`` defines is computed from it instead.
    """

    def __init__(
        self,
        seed: int,
        sizes: tuple[int, ...],
        given: Given,
        names: Mapping[sp.Expr, sp.Expr],
        where: Sequence[Equation] = (),
    ) -> None:
        self._random = random.Random(seed)
        self._sizes = itertools.cycle(sizes)
        for meaning, name in names.items():
            if unnamed := free_indices(meaning) - free_indices(name):
                raise TypeError(f"{name} is short for {meaning}, which depends on {unnamed} too")
        self._given = {sums.function.base: (sums, value) for sums, value in given.items()}
        self._meaning = {getattr(name, "base", name): (name, meaning) for meaning, name in names.items()}
        self._equations: defaultdict[Any, list[Equation]] = defaultdict(list)
        for equation in where:
            self._equations[getattr(equation.target, "base", equation.target)].append(equation)
        self._pending: set[Any] = set()  # places whose equations are being evaluated
        self._values: dict[Any, Any] = {}
        self._bound: dict[Index, int] = {}

    def value(self, expr: sp.Expr) -> Any:
        """The value of ``expr`` here, an int or an mpmath number; Unusable where it has none."""
        try:
            with mpmath.workdps(DIGITS):
                result = self._value(sp.sympify(expr))
        except (ZeroDivisionError, OverflowError, ValueError) as why:
            raise Unusable(str(why)) from why
        if not mpmath.isfinite(result):
            raise Unusable(f"{expr} is {result}")
        return result

    def slope(self, expr: sp.Expr, variable: sp.Expr) -> Any:
        """The derivative of ``expr`` with respect to ``variable`` here, by a central difference."""
        self.value(expr)  # draws all that expr needs, so that the two moved samples share it
        place, at = self._place(variable), self.value(variable)
        with mpmath.workdps(DIGITS):
            step = _STEP * (1 + abs(at))
            values = []
            for moved in (at + step, at - step):
                self._values[place] = moved
                values.append(self.value(expr))
            self._values[place] = at
            return (values[0] - values[1]) / (2 * step)

    def __str__(self) -> str:
        drawn = sorted(self._values.items(), key=lambda item: (isinstance(item[0], tuple), str(item[0])))
        return ", ".join(f"{_written(place)} = {shown(value)}" for place, value in drawn)

    def _value(self, expr: sp.Expr) -> Any:
        if expr.is_Integer:
            return int(expr)
        if expr.is_Rational:
            return mpmath.mpf(int(expr.p)) / int(expr.q)
        if expr in self._bound:
            return self._bound[expr]
        if isinstance(expr, Index | sp.Symbol | sp.Indexed):
            return self._known(expr)
        if isinstance(expr, sp.Add):
            return sum(self._value(part) for part in expr.args)
        if isinstance(expr, sp.Mul):
            return math.prod(self._value(part) for part in expr.args)
        if isinstance(expr, sp.Pow):
            return mpmath.mpmathify(self._value(expr.base)) ** self._value(expr.exp)
        if isinstance(expr, sp.KroneckerDelta):
            return int(self._value(expr.args[0]) == self._value(expr.args[1]))
        if isinstance(expr, sp.Sum):
            return self._summed(expr.function, list(expr.limits))
        if definition := getattr(expr, "definition", None):
            return self._value(definition(*expr.args))
        if isinstance(expr, sp.Function):
            if (evaluate := getattr(mpmath, expr.func.__name__, None)) is None:
                raise Unusable(f"{expr.func} has no numeric value here")
            return evaluate(*[self._value(argument) for argument in expr.args])
        return mpmath.mpmathify(expr.evalf(DIGITS))

    def _summed(self, summand: sp.Expr, limits: list[sp.Tuple]) -> Any:
        if not limits:
            return self._value(summand)
        i, lower, upper = limits[-1]  # SymPy lists the innermost sum first
        values = range(self._value(lower), self._value(upper) + 1)
        return sum(self._with(i, value, lambda: self._summed(summand, limits[:-1])) for value in values)

    def _with(self, i: Index, value: int, evaluate: Any) -> Any:
        outer = self._bound.get(i)
        self._bound[i] = value
        try:
            return evaluate()
        finally:
            if outer is None:
                del self._bound[i]
            else:
                self._bound[i] = outer

    def _place(self, variable: sp.Expr) -> Any:
        """The key of a variable among the values: a symbol, or an array with the integers that index it."""
        if isinstance(variable, sp.Indexed):
            return variable.base, tuple(self._value(i) for i in variable.indices)
        return variable

    def _known(self, variable: sp.Expr) -> Any:
        place = self._place(variable)
        if place not in self._values:
            self._draw(place)
        return self._values[place]

    def _draw(self, place: Any) -> None:
        base = place[0] if isinstance(place, tuple) else place
        if isinstance(place, Index):
            values = range(self._value(place.lower), self._value(place.upper) + 1)
            if not values:
                raise Unusable(f"no value for {place}")
            self._values[place] = self._random.choice(values)
        elif defined := self._defined(place):
            self._values[place] = defined[0]
        elif base in self._meaning and self._has_meaning(place):
            name, meaning = self._meaning[base]
            for i, at in zip(getattr(name, "indices", ()), place[1] if isinstance(place, tuple) else (), strict=True):
                meaning = meaning.xreplace({i: sp.Integer(at)})
            self._values[place] = self._value(meaning)
        elif base in self._given:
            self._draw_whole_sum(place)
        elif getattr(place, "is_integer", False):
            self._values[place] = next(self._sizes)
        else:
            self._values[place] = self._fraction(positive=bool(base.is_positive))

    def _defined(self, place: Any) -> list[Any]:
        """The value of an element by the equation that defines it; nothing where none does."""
        base, at = place if isinstance(place, tuple) else (place, ())
        for equation in self._equations.get(base, ()):
            pattern = getattr(equation.target, "indices", ())
            if all(self._matches(i, k) for i, k in zip(pattern, at, strict=True)):
                if place in self._pending:
                    raise Unusable(f"{_written(place)} is defined in terms of itself")
                outside = self._bound
                self._pending.add(place)
                self._bound = {i: k for i, k in zip(pattern, at, strict=True) if isinstance(i, Index)}
                try:
                    return [self._value(equation.value)]
                finally:
                    self._bound = outside
                    self._pending.remove(place)
        return []

    def _matches(self, pattern: sp.Expr, at: int) -> bool:
        """Whether an index runs through a place, or a fixed place is this one."""
        if isinstance(pattern, Index):
            return bool(self._value(pattern.lower) <= at <= self._value(pattern.upper))
        return bool(self._value(pattern) == at)

    def _has_meaning(self, place: Any) -> bool:
        """Whether a name's definition covers this element: h[t] = tanh(...) for t = 1..T says nothing about h[0]."""
        if not isinstance(place, tuple):
            return True
        pattern = self._meaning[place[0]][0].indices
        return all(self._matches(i, at) for i, at in zip(pattern, place[1], strict=True))

    def _draw_whole_sum(self, place: tuple[Any, tuple[int, ...]]) -> None:
        """Draw all elements that a side condition ties together, scaled to the sum it demands."""
        array, at = place
        sums, demanded = self._given[array]
        i, lower, upper = sums.limits[0]
        position = sums.function.indices.index(i)
        tied = [(*at[:position], k, *at[position + 1 :]) for k in range(self._value(lower), self._value(upper) + 1)]
        parts = [self._fraction(positive=True) for _ in tied]
        for element, part in zip(tied, parts, strict=True):
            self._values[array, element] = self._value(sp.sympify(demanded)) * part / mpmath.fsum(parts)
        if at not in tied:
            self._values[place] = self._fraction(positive=True)

    def _fraction(self, positive: bool) -> Any:
        """Between 1/8 and 9/8 in absolute value: short in a message, and nothing saturates."""
        sign = 1 if positive else self._random.choice((-1, 1))
        return mpmath.mpf(sign * self._random.randint(1, 9)) / 8


def shown(value: Any) -> str:
    """A value as a message shows it."""
    return str(value) if isinstance(value, int) else str(mpmath.nstr(value, 8))


def _written(place: Any) -> str:
    return f"{place[0]}[{', '.join(map(str, place[1]))}]" if isinstance(place, tuple) else str(place)
