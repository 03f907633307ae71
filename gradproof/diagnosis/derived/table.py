"""The mistakes of one proved system with the gradients each leads to: made once, looked up for every wrong gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradproof.diagnosis.derived.evaluate import Array, Context
from gradproof.diagnosis.derived.mistakes import Source, sources
from gradproof.diagnosis.derived.program import Program
from gradproof.diagnosis.derived.setting import Mistake
from gradproof.problem import Point, Problem
from gradproof.symbolic.system import System

EQUAL = 1e-13
"""Relative difference below which two gradients in long double are one."""


@dataclass(eq=False)
class Row:
    """Mistakes that change the same gradients to the same values at one point, though perhaps not at another.

    mistakes: lightest first. point: the number of the first point at which they change any. gradients: those they
    change, there.
    """

    mistakes: list[Mistake]
    point: int
    gradients: Mapping[str, Array]
    reach: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.reach = frozenset(self.gradients)


class Table:
    """Every mistake that changes a gradient at one of a few points; evaluated when its origin is asked for."""

    def __init__(self, system: System, points: Sequence[Point]) -> None:
        self.program = Program(system)
        self.right = [self.computed(point) for point in points]
        self.sources = list(sources(self.program))
        self._rows: dict[int, list[Row]] = {}

    def likely(self, wrong: frozenset[str]) -> Iterator[Row]:
        """The mistakes of whatever reaches just these gradients."""
        return self.rows(lambda reach: reach == wrong)

    def others(self, wrong: frozenset[str]) -> Iterator[Row]:
        """The mistakes of whatever else reaches some of them."""
        return self.rows(lambda reach: reach != wrong and bool(reach & wrong))

    def rows(self, wanted: Callable[[frozenset[str]], bool]) -> Iterator[Row]:
        for number, source in enumerate(self.sources):
            if wanted(source.reach):
                if number not in self._rows:
                    self._rows[number] = self.evaluated(source)
                yield from self._rows[number]

    def evaluated(self, source: Source) -> list[Row]:
        rows: dict[Any, Row] = {}
        for mistake in sorted(source.mistakes(), key=lambda m: (m.weight, len(m.words) + len(m.place))):
            for number, right in enumerate(self.right):
                gradients = self.changed(right, mistake)
                if gradients is None:
                    break
                if gradients:
                    key = number, fingerprint(gradients)
                    rows.setdefault(key, Row([], number, gradients)).mistakes.append(mistake)
                    break
        return list(rows.values())

    def computed(self, point: Point) -> Context:
        """The right program's values at a point."""
        context = self.program.inputs(point)
        with np.errstate(all="ignore"):
            self.program.run(context)
        return context

    def changed(self, before: Context, mistake: Mistake) -> Mapping[str, Array] | None:
        """The gradients that a mistake makes others than they were; None where it makes one infinite or misshapen."""
        after = self.after(before, mistake)
        if after is None:
            return None
        old, new = self.program.outputs(before), self.program.outputs(after)
        if not all(np.all(np.isfinite(value)) for value in new.values()):
            return None
        return {name: value for name, value in new.items() if not alike(value, old[name])}

    def after(self, before: Context, mistake: Mistake) -> Context | None:
        """The program's values with a mistake; None where it cannot be evaluated."""
        try:
            with np.errstate(all="ignore"):
                return self.program.rerun(before, mistake.changed, mistake.outside)
        except (ValueError, IndexError, TypeError, KeyError, ZeroDivisionError, OverflowError):
            return None  # a formula of other sizes, or one that makes no sense at all


def alike(one: Array, other: Array) -> bool:
    return bool(np.max(np.abs(one - other), initial=0) <= EQUAL * np.max(np.abs(other), initial=1e-300))


def fingerprint(gradients: Mapping[str, Array]) -> str:
    """The same for gradients that differ by rounding only (almost always: two that straddle a digit are both kept)."""
    with np.errstate(over="ignore"):
        floats = {name: value.astype(float).ravel() for name, value in gradients.items()}
    return "; ".join(f"{name} {' '.join(f'{x:.9e}' for x in floats[name])}" for name in sorted(floats))


MADE: dict[Any, Table] = {}
LARGEST = 64
"""Tables that are kept."""


def table_for(problem: Problem, points: Sequence[Point]) -> Table | None:
    """The table of a problem's system at a few points, made when it is first asked for; None without a system."""
    if problem.system is None:
        return None
    key = problem.system, problem.draw, tuple(point.place for point in points)
    if key not in MADE:
        if len(MADE) >= LARGEST:
            del MADE[next(iter(MADE))]
        MADE[key] = Table(problem.system(), points)
    return MADE[key]
