"""The factor between two gradients, as a number times sizes: what it is at every point, or nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from gradproof.diagnosis.evidence import Evidence

ALIKE = 1e-6
"""Relative difference up to which numbers from two points may be one: only a first look, reproduction decides."""

APPROXIMATE = 1e-4
"""A number that is as near as that to 1 is no factor: what it multiplies is an approximation."""

DENOMINATORS = 12
"""The largest denominator of a fraction that is read as one; beyond it a number is a decimal."""

LARGE = 100
"""The largest number that is not far-fetched as a factor."""

Number = Fraction | float


@dataclass(frozen=True)
class Factor:
    """``number * above / below``: the same for all points in terms of names of sizes and of scalars among the data.

    above, below: names, also ``m - 1``. rank: how far-fetched it is; 0 is no factor at all.
    """

    number: Number
    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()

    @property
    def rank(self) -> int:
        names = (*self.above, *self.below)
        return rank_of(self.number) + len(names) + sum(" " in name for name in names)

    @property
    def is_plain(self) -> bool:
        return not self.above and not self.below

    def at(self, evidence: Evidence) -> Any:
        known = quantities(evidence)
        above, below = self.number.as_integer_ratio()
        return np.longdouble(above) / np.longdouble(below) * product(known, self.above) / product(known, self.below)

    def times(self, what: str) -> str:
        """The factor times something, in words: ``twice dW``, ``dW divided by m``, ``2 m times dW``."""
        if self == ONE:
            return what
        if self.is_plain and self.number in PLAIN:
            return f"{PLAIN[self.number]} {what}"
        if self.number in (1, -1) and not (self.above and self.below):
            sign, comma = "minus " if self.number == -1 else "", "" if what == EXACT else ","
            how = "multiplied" if self.above else "divided"
            return f"{sign}{what}{comma} {how} by {' '.join(map(bracketed, self.above or self.below))}"
        return f"{self} times {what}"

    @property
    def written(self) -> tuple[float, int]:
        """The number without its sign as it is written above and below the line: 0.01, but 1/3, and m/2."""
        if not isinstance(self.number, Fraction) or self.number.denominator > DENOMINATORS:
            return abs(float(self.number)), 1
        number = abs(self.number)
        return (number.numerator, number.denominator) if self.above or 1000 % number.denominator else (float(number), 1)

    def __str__(self) -> str:
        """``2 m/n``, ``-(m - 1)/m``, ``0.01``, ``1/(2 m n)``."""
        up, down = self.written
        above = [*([f"{up:.9g}"] if up != 1 or not self.above else []), *map(bracketed, self.above)]
        below = [*([f"{down}"] if down != 1 else []), *map(bracketed, self.below)]
        divisor = below[0] if len(below) == 1 else f"({' '.join(below)})"
        return f"{'-' if self.number < 0 else ''}{' '.join(above)}{f'/{divisor}' if below else ''}"


EXACT = "the exact one"
ONE = Factor(Fraction(1))
PLAIN = {-1: "minus", 2: "twice", -2: "minus twice", Fraction(1, 2): "half of", Fraction(-1, 2): "minus half of"}


def bracketed(name: str) -> str:
    return f"({name})" if " " in name else name


def rank_of(number: Number) -> int:
    """How far-fetched a number is as a factor: 1, a small fraction, a decimal of few digits, any other."""
    if not isinstance(number, Fraction):
        return 4
    return int(number != 1) if number.denominator <= DENOMINATORS and abs(number) <= LARGE else 2


def product(known: Mapping[str, Any], names: Sequence[str]) -> Any:
    return np.prod([np.longdouble(known[name]) for name in names])


def quantities(evidence: Evidence) -> dict[str, Any]:
    """What a factor may be made of at a point: sizes, sizes less one, and single numbers among the data."""
    sizes = dict(evidence.point.place.sizes)
    less = {f"{name} - 1": value - 1 for name, value in sizes.items()}
    return {name: value for name, value in {**scalars(evidence), **less, **sizes}.items() if value}


def scalars(evidence: Evidence) -> dict[str, Any]:
    """Single numbers among the data, but labels and probabilities."""
    fixed = evidence.problem.fixed
    data = {name: np.asarray(value) for name, value in evidence.point.data.items() if name not in fixed}
    return {name: value[()] for name, value in data.items() if value.shape == () and value.dtype.kind in "fiu"}


def factors(evidence: Sequence[Evidence], values: Sequence[Any]) -> list[Factor]:
    """Every factor that is ``values`` at the points of ``evidence``, likely ones first."""
    known = [quantities(e) for e in evidence]
    names = [name for name in known[0] if all(name in k for k in known) and len({float(k[name]) for k in known}) > 1]
    found: list[Factor] = []
    for above, below in monomials(names):
        numbers = [float(value * product(k, below) / product(k, above)) for value, k in zip(values, known, strict=True)]
        first = numbers[0]
        if first and all(abs(number - first) <= ALIKE * abs(first) for number in numbers):
            found += [Factor(number, above, below) for number in readings(first)]
    return sorted(found, key=lambda factor: factor.rank)


def monomials(names: Sequence[str]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Products and quotients of up to two names."""
    yield (), ()
    for name in names:
        yield (name,), ()
        yield (), (name,)
    for pair in itertools.combinations_with_replacement(names, 2):
        yield pair, ()
        yield (), pair
    for one, other in itertools.permutations(names, 2):
        yield (one,), (other,)


def readings(number: float) -> list[Number]:
    """What a number computed in floating point may be: a small fraction, a decimal of few digits, or itself."""
    small = Fraction(number).limit_denominator(DENOMINATORS)
    decimals = [Fraction(f"{number:.{digits}e}") for digits in range(3)]
    near = [guess for guess in (small, *decimals) if abs(float(guess) - number) <= ALIKE * abs(number)]
    return [*dict.fromkeys(near), *([number] if abs(number - 1) > APPROXIMATE else [])]
