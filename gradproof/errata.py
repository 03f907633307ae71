"""Mistakes in sources, as data that is tested from both sides: the printed form is refuted, the correction passes.

An Erratum says what is printed, what it should be and why, and is found beside the derivations; a Misprint or a
Demonstration of the same key is the printed form and its correction as code, and is found beside the implementations.
``trial`` holds them against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gradproof.errors import InvalidProblem

KINDS = {
    "wrong": "not the gradient of the stated loss",
    "conditional": "the gradient on a narrower domain only, or in another notation than the source's own",
    "ambiguous": "the gradient in one of the ways to read it, and in no other",
    "code": "a program that does not do what it is for",
    "text": "a sentence or a number that is not so",
}
"""Every kind of erratum: the first three are about gradients."""

GRADIENT_KINDS = ("wrong", "conditional", "ambiguous")


@dataclass(frozen=True, kw_only=True, eq=False)
class Erratum:
    """What a source prints and what it should print.

    key, title, rows, source, note: as for Formula. kind: a key of KINDS. printed, corrected: the mistake and its
    correction, as short as can be, re-expressed; for gradients in LaTeX. why: what is wrong, in one or two sentences.
    """

    key: str
    title: str
    rows: tuple[str, ...]
    source: str
    kind: str
    printed: str
    corrected: str
    why: str
    note: str = ""

    def __post_init__(self) -> None:
        allowed = GRADIENT_KINDS if isinstance(self, GradientErratum) else ("code", "text")
        if self.kind not in allowed:
            raise InvalidProblem(f"{self.key}: kind {self.kind!r} is none of {', '.join(allowed)}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.key!r})"


@dataclass(frozen=True, kw_only=True, eq=False)
class Counterexample:
    """A point small enough to check by hand, one entry of the gradient there, and its two values.

    params, data, upstream: as the code under test gets them, as nested lists of exact SymPy numbers; what is no float
    (a label, a number of steps) is an int. entry: (parameter, *index). printed, exact: the entry by the printed form
    and in truth, as SymPy numbers. working: how one gets there by hand, a line a step.
    """

    params: Mapping[str, Any]
    data: Mapping[str, Any]
    entry: tuple[Any, ...]
    printed: Any
    exact: Any
    working: tuple[str, ...]
    upstream: Any = None

    @property
    def where(self) -> str:
        """The entry as one would write it: ``dW[0, 1]``."""
        name, *index = self.entry
        return f"d{name}" + (f"[{', '.join(map(str, index))}]" if index else "")


@dataclass(frozen=True, kw_only=True, eq=False)
class GradientErratum(Erratum):
    """A printed gradient, or code for one, that is not the gradient.

    formula: key of the Formula whose gradient it should be. counterexample: where the printed form is wrong.
    refuted: the printed form as a claim in index notation; to call it must raise Disproved. None where the mistake is
    one of bookkeeping, which index notation cannot make. condition: for a conditional one, where it holds, in words.
    """

    formula: str
    counterexample: Counterexample
    refuted: Callable[[], Any] | None = None
    condition: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class FactErratum(Erratum):
    """A program that does not do what it is for, or a sentence that is not so.

    promise: what a reader is led to expect, in words. holds: ``holds(value) -> bool``, the same as a predicate on what
    the Demonstration returns: false for the printed form, true for the correction.
    """

    promise: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True, kw_only=True, eq=False)
class Misprint:
    """A printed gradient as code under test, and the same code without the mistake.

    key: the erratum's. printed, corrected: as ``Implementation.gradients``. readings: for a conditional or an ambiguous
    erratum that turns on how it is read, name of a reading -> code; exactly one passes. holds_where: for one that turns
    on the domain, ``holds_where(params, data) -> bool``: there the printed form passes.
    """

    key: str
    printed: Any
    corrected: Any
    readings: Mapping[str, Any] = field(default_factory=dict)
    holds_where: Callable[[Any, Any], bool] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Demonstration:
    """What the printed form does, and what the correction does: ``printed() -> value``, ``corrected() -> value``.

    The values are what ``FactErratum.holds`` judges: numbers, strings or tuples of them, short enough to be shown.
    Where something is missing (PyTorch, a file) they raise NotRun with the reason.
    """

    key: str
    printed: Callable[[], Any]
    corrected: Callable[[], Any]
