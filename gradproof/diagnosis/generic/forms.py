"""A shape that mistakes have: a factor times an array, or the exact gradient plus that; and whether a claim has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradproof.diagnosis.evidence import Array, Evidence
from gradproof.diagnosis.generic.factors import ONE, Factor, factors

CLEAR = 1000
"""How many times its allowance a mistaken gradient must be away from the exact one to say something about a mistake."""

TELLING = 2
"""Points at which a mistake must make a clear difference before it explains anything."""

Part = Callable[[Evidence, str], Array | None]
"""An array at a point, for the parameter of a name; None where there is none."""


@dataclass(frozen=True, eq=False)
class Form:
    """``factor * part``, or with ``added`` the exact gradient plus that.

    what: the part in words. weight: as for Explanation. alone: 1 is the only factor. phrase: the words for the whole,
    where they are not simply the factor times ``what``.
    """

    what: str
    part: Part
    weight: int = 1
    added: bool = False
    alone: bool = False
    phrase: Callable[[Factor], str] | None = None

    def words(self, factor: Factor) -> str:
        """What the gradient equals: the form with its factor."""
        if self.phrase is not None:
            return self.phrase(factor)
        if not self.added:
            return factor.times(self.what)
        sign, amount = ("less", replace(factor, number=-factor.number)) if factor.number < 0 else ("plus", factor)
        return f"the exact one {sign} {amount.times(self.what)}"


@dataclass(frozen=True)
class Fitted:
    """A form with the factor that makes it the claim at every point."""

    form: Form
    factor: Factor

    @property
    def words(self) -> str:
        return self.form.words(self.factor)

    @property
    def weight(self) -> int:
        """One name in the factor, a sign or a small fraction is nothing unusual."""
        return self.form.weight + max(self.factor.rank - 1, 0)


@dataclass(frozen=True, eq=False)
class Sample:
    """A form at one point, for one parameter: the claim there is ``start + value * part``."""

    evidence: Evidence
    name: str
    start: Array
    part: Array

    @property
    def value(self) -> Any:
        """The one factor the claim can have."""
        return np.sum((self.evidence.claimed[self.name] - self.start) * self.part) / np.sum(self.part * self.part)

    def reproduced_by(self, value: Any) -> bool:
        return self.evidence.reproduces(self.name, self.start + value * self.part)

    def is_told_by(self, value: Any) -> bool:
        return tells(self.evidence, self.name, self.start + value * self.part)


def norm(*arrays: Array) -> Any:
    """The Euclidean norm of all entries together."""
    return np.sqrt(sum(np.sum(g * g) for g in arrays))


def tells(evidence: Evidence, name: str, value: Array) -> bool:
    """Whether a mistaken gradient is far enough from the exact one to be recognised."""
    exact = evidence.known.gradients[name]
    if exact.shape != value.shape:
        return True
    return bool(np.any(np.abs(value - exact) > CLEAR * evidence.allowed(name, value)))


def explained(evidence: Sequence[Evidence], name: str, value: Callable[[Evidence], Array | None]) -> bool:
    """Whether a mistaken gradient is the claim at every point, and at enough of them clearly not the exact one."""
    values = [(e, mistaken) for e in evidence if (mistaken := value(e)) is not None]
    if not all(e.reproduces(name, mistaken) for e, mistaken in values):
        return False
    return sum(tells(e, name, mistaken) for e, mistaken in values) >= TELLING


def fitted(form: Form, evidence: Sequence[Evidence], name: str) -> Fitted | None:
    """The form with the likeliest factor that makes it the claim at every point; None where none does.

    A point at which the form has no part is passed over.
    """
    samples = []
    for sample in sampled(form, evidence, name):
        if sample is None or not sample.reproduced_by(1 if form.alone or not np.any(sample.part) else sample.value):
            return None
        samples.append(sample)
    scaled = [sample for sample in samples if np.any(sample.part)]
    if len(scaled) < TELLING:
        return None
    choices = [ONE] if form.alone else factors([s.evidence for s in scaled], [s.value for s in scaled])
    for factor in choices:
        values = [factor.at(sample.evidence) for sample in scaled]
        if not all(sample.reproduced_by(value) for sample, value in zip(scaled, values, strict=True)):
            continue
        if sum(sample.is_told_by(value) for sample, value in zip(scaled, values, strict=True)) >= TELLING:
            return Fitted(form, factor)
    return None


def sampled(form: Form, evidence: Sequence[Evidence], name: str) -> Iterator[Sample | None]:
    """The form at each point where it has a part; None where the claim has another shape than the form."""
    for e in evidence:
        part = form.part(e, name)
        if part is None:
            continue
        part = np.asarray(part, np.longdouble)
        start = e.known.gradients[name] if form.added else np.zeros_like(part)
        claimed = e.claimed.get(name)
        same = claimed is not None and claimed.shape == part.shape == start.shape
        yield Sample(e, name, start, part) if same else None
