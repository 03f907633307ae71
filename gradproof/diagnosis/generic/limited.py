"""Gradients that are right up to a limit: of the size of their entries, of their norm, or of their digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from gradproof.bound import allowance
from gradproof.diagnosis.evidence import Array, Evidence
from gradproof.diagnosis.generic.factors import ALIKE, readings
from gradproof.diagnosis.generic.forms import TELLING, explained, norm

Words = tuple[str, int]
"""What a gradient equals, and how far-fetched that is: words and weight of an Explanation."""


def limited(evidence: Sequence[Evidence], name: str) -> Iterator[Words]:
    """What reproduces the claimed gradient of a parameter, where every point has a claim of the right shape."""
    if all(name in e.claimed and e.claimed[name].shape == e.known.gradients[name].shape for e in evidence):
        yield from zero(evidence, name)
        yield from clipped(evidence, name)
        yield from rounded(evidence, name)


def zero(evidence: Sequence[Evidence], name: str) -> Iterator[Words]:
    if explained(evidence, name, lambda e: np.zeros_like(e.known.gradients[name])):
        yield "zero", 0


# ---- clipped ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Limit:
    """A way to clip gradients.

    measure: of the gradients at a point and the name of one, what does not exceed the limit. scaled: whether larger
    gradients are scaled down, or cut off entry by entry.
    """

    words: str
    weight: int
    measure: Callable[[Any, str], Any]
    scaled: bool = True

    def applied(self, limit: float, evidence: Evidence, name: str) -> Array:
        exact = evidence.known.gradients
        if not self.scaled:
            return np.clip(exact[name], -limit, limit)
        size = self.measure(exact, name)
        return exact[name] if size <= limit else exact[name] * (limit / size)


LIMITS = (
    Limit("the exact one clipped to [-{0:.6g}, {0:.6g}]", 0, lambda g, name: np.max(np.abs(g[name])), scaled=False),
    Limit("the exact one, scaled down where its norm exceeds {0:.6g}", 1, lambda g, name: norm(g[name])),
    Limit("the exact one, scaled down where the norm of all exceeds {0:.6g}", 1, lambda g, name: norm(*g.values())),
)


def clipped(evidence: Sequence[Evidence], name: str) -> Iterator[Words]:
    """The limit is what claims reach where they are wrong; where they are right it must change nothing."""
    reached = [e for e in evidence if name in e.wrong]
    for way in LIMITS:
        for limit in common([float(way.measure(e.claimed, name)) for e in reached]):
            if explained(evidence, name, partial(way.applied, limit, name=name)):
                yield way.words.format(limit), way.weight
                break


def common(values: Sequence[float]) -> list[float]:
    """What the one number is that all values are, round readings first; nothing where they differ or are zero."""
    alike = all(abs(value - values[0]) <= ALIKE * abs(values[0]) for value in values)
    return [float(reading) for reading in readings(values[0])] if values and values[0] and alike else []


# ---- rounded ------------------------------------------------------------------------------------------------------

DIGITS = {"bfloat16": 8, "float16": 11, "float32": 24}
"""Binary digits that formats narrower than float64 keep of a number, the narrowest first."""

SHARP = 0.1
"""The largest share of a gradient that rounding may be allowed, for a claim within it to say something."""

FINE, ROUGH = 1e-12, 1e-4
"""Relative errors between which a gradient is an approximation: neither wrong, nor as exact as float64 makes it."""


def rounded(evidence: Sequence[Evidence], name: str) -> Iterator[Words]:
    """Claims off by no more than the arithmetic of the narrowest format that can hold them; else approximate ones."""
    if sum(name in e.wrong for e in evidence) < TELLING:
        return
    holding = [kind for kind, digits in DIGITS.items() if all(is_of(digits, e.claimed[name]) for e in evidence)]
    if holding and all(within_arithmetic(DIGITS[holding[0]], e, name) for e in evidence):
        yield f"the exact one in {holding[0]}", 0
        return
    errors = [relative_error(e, name) for e in evidence if np.any(e.known.gradients[name])]
    if len(errors) >= TELLING and all(FINE < error < ROUGH for error in errors):
        yield "the exact one only approximately (a narrower format, finite differences, or a small number added)", 2


def is_of(digits: int, claimed: Array) -> bool:
    """Whether all entries have no more binary digits than that."""
    mantissa = np.frexp(claimed)[0] * 2.0**digits
    return bool(np.all(mantissa == np.round(mantissa)))


def within_arithmetic(digits: int, evidence: Evidence, name: str) -> bool:
    exact, bound = evidence.known.gradients[name], evidence.known.bounds[name]
    wider = bound * (np.ldexp(np.longdouble(1), -digits) / allowance(np.float64))
    within = np.all(np.abs(evidence.claimed[name] - exact) <= wider)
    return bool(within and np.max(wider) <= SHARP * np.max(np.abs(exact)))


def relative_error(evidence: Evidence, name: str) -> float:
    exact = evidence.known.gradients[name]
    return float(np.max(np.abs(evidence.claimed[name] - exact)) / np.max(np.abs(exact)))
