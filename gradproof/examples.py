"""A source's worked examples: what is printed, what is exact and what a program computes, held against each other."""

from __future__ import annotations

import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import sympy as sp

from gradproof.bound import unit
from gradproof.catalogue import Computation, Printed, WorkedExample
from gradproof.errors import InvalidProblem, NotRun

ROUNDINGS = 16
"""Units of u that a short computation may lose; the examples take about ten operations a number."""


@dataclass(frozen=True)
class Number:
    """One number of an example. printed and computed are None where there is none; problem is "" where all agree."""

    name: str
    exact: str
    printed: str | None
    computed: str | None
    problem: str


@dataclass(frozen=True)
class ExampleOutcome:
    """What became of a worked example: "pass", "fail", or "inconclusive" when a number could not be computed here."""

    status: str
    numbers: tuple[Number, ...]
    not_run: tuple[str, ...]
    seconds: float

    @property
    def points(self) -> int:
        return len(self.numbers)

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(f"{number.name}: {number.problem}" for number in self.numbers if number.problem)

    def __str__(self) -> str:
        lines = [
            f"{n.name}: exact {n.exact}, printed {n.printed}, computed {n.computed}  {n.problem}" for n in self.numbers
        ]
        return "\n".join([*lines, *(f"not run: {reason}" for reason in self.not_run)])


def check_example(example: WorkedExample, computation: Computation) -> ExampleOutcome:
    """Every number of the example: the printed one against the exact one, and the computed one against it."""
    started = time.perf_counter()
    exact, computed = example.exact(), computation.run()
    if exact.keys() != computed.keys() or not example.printed.keys() <= exact.keys():
        raise InvalidProblem(
            f"{example.key}: the numbers do not match: exact {sorted(exact)}, computed {sorted(computed)}, "
            f"printed {sorted(example.printed)}"
        )
    numbers, not_run = [], []
    for name, value in exact.items():
        if isinstance(computed[name], NotRun):
            not_run.append(f"{name}: {computed[name]}")
        numbers.append(compare(name, value, example.printed.get(name), computed[name]))
    wrong = any(number.problem for number in numbers)
    status = "fail" if wrong else "inconclusive" if not_run else "pass"
    return ExampleOutcome(status, tuple(numbers), tuple(not_run), time.perf_counter() - started)


def compare(name: str, exact: Any, printed: Printed | None, computed: Any) -> Number:
    value = np.longdouble(str(sp.N(exact, 30)))
    problems = []
    if printed is not None:
        half_digit = Decimal((0, (5,), int(Decimal(printed.text).as_tuple().exponent) - 1))
        if abs(np.longdouble(printed.text) - value) > np.longdouble(str(half_digit)) + room(value, printed.dtype):
            problems.append("the printed number is not the exact one")
    ran = not isinstance(computed, NotRun)
    if ran:
        dtype = printed.dtype if printed is not None else "float64"
        if not abs(np.longdouble(computed) - value) <= room(value, dtype):
            problems.append("the computed number is not the exact one")
    text = repr(float(computed)) if ran else None
    return Number(name, str(sp.N(exact, 17)), printed.text if printed else None, text, "; ".join(problems))


def room(value: Any, dtype: str) -> Any:
    return ROUNDINGS * unit(dtype) * max(1, abs(value))
