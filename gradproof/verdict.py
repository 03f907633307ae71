"""What a check answers: pass, fail or inconclusive, with findings that name the place, the entry and the numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gradproof.problem import Place, Point, Sizes
from gradproof.provenance import Code

KINDS = {
    "value": "the gradient is wrong",
    "loss": "the forward pass returns another loss",
    "shape": "a gradient has the wrong shape",
    "dtype": "a gradient has the wrong dtype",
    "non-finite": "a gradient is not finite where the exact one is",
    "missing": "a parameter has no gradient",
    "unexpected": "a gradient of something that is no parameter",
    "mutates-input": "the code changes its inputs",
    "aliases": "a result shares memory with an input or with another result",
    "stale": "the result depends on an earlier call, not on the values passed",
    "nondeterministic": "the same call gives other bits",
    "nonlinear": "the backward pass is not linear in the upstream gradient",
    "exception": "the code raised an exception",
}
"""Every kind of finding, with what it means."""

FEW = 24
"""The largest number of values that a finding shows one by one."""

WIDTH = 100
"""Characters in a line of values."""


@dataclass(frozen=True)
class ErrorMap:
    """The error of a whole gradient: shape, and ratio, |claimed - exact| as a share of the bound for each entry.

    ratio: floats in nested lists of that shape, NaN and infinity where the claim is; None for an array too large to be
    looked at.
    """

    shape: tuple[int, ...]
    ratio: Any


@dataclass(frozen=True)
class Values:
    """What the code is called with at a place: params, data and, for a layer, upstream, as lists, numbers and text."""

    params: Mapping[str, Any]
    data: Mapping[str, Any]
    upstream: Any = None

    @classmethod
    def few(cls, point: Point) -> Values | None:
        """The values of a point; None where they are more than FEW, or nothing that can be written down as such."""
        try:
            values = cls(listed(point.params), listed(point.data), listed(point.upstream))
        except TypeError:
            return None
        return values if count(values.params) + count(values.data) + count(values.upstream) <= FEW else None

    def lines(self, dtype: str) -> list[str]:
        """Parameters, data and upstream as one would write them down, ``W = [[1.0, 2.0]], b = [0.5]``."""
        roles = (self.params, self.data, {} if self.upstream is None else {"upstream": self.upstream})
        written = ([f"{name} = {in_text(part, dtype)}" for name, part in role.items()] for role in roles)
        return [line for parts in written for line in in_lines(parts)]


def listed(value: Any) -> Any:
    """A value in dicts, lists, numbers and text. Raises TypeError where it is something else."""
    if isinstance(value, Mapping):
        return {name: listed(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [listed(part) for part in value]
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "fiubU":
        return value.tolist()
    if value is None or isinstance(value, float | int | str):
        return value
    raise TypeError(f"a {type(value).__name__} is neither number nor text")


def count(value: Any) -> int:
    """How many numbers and texts a value in dicts and lists holds."""
    if isinstance(value, dict):
        value = list(value.values())
    return sum(map(count, value)) if isinstance(value, list) else int(value is not None)


def in_text(value: Any, dtype: str) -> str:
    """What ``listed`` returned, as Python writes it but with the digits that a float of the dtype needs."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {in_text(part, dtype)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(in_text(part, dtype) for part in value) + "]"
    return shortest(value, dtype) if isinstance(value, float) else repr(value)


def in_lines(parts: Iterable[str]) -> list[str]:
    """Parts side by side, as many as a line holds; a longer one has a line to itself."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + len(part) + 2 <= WIDTH:
            lines[-1] += f", {part}"
        else:
            lines.append(part)
    return lines


def shortest(number: float, dtype: str) -> str:
    """The fewest digits that tell a number from its neighbours: 0.1 for the float32 that is 0.10000000149011612."""
    with np.errstate(over="ignore"):
        narrow = np.dtype(dtype).type(number)
    return str(narrow) if float(narrow) == number else repr(number)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, at one place.

    kind: a key of KINDS. parameter, index: which entry; None where it concerns the whole. place: replays it (see
    Place). claimed, reference, error, bound: the numbers, as floats, where there are any. detail: one sentence.
    diagnosis: the known mistake that reproduces the gradient, if one does. errors: of the parameter's whole gradient,
    for the kinds "value" and "non-finite". values: those of the place, where they are few enough to be read.
    """

    kind: str
    place: Place
    detail: str
    parameter: str | None = None
    index: tuple[int, ...] | None = None
    claimed: float | None = None
    reference: float | None = None
    error: float | None = None
    bound: float | None = None
    diagnosis: str | None = None
    errors: ErrorMap | None = field(default=None, repr=False, compare=False)
    values: Values | None = field(default=None, repr=False, compare=False)

    @property
    def entry(self) -> str:
        """The entry as one would write it: ``w[0, 2]``, ``b`` for a 0-d parameter."""
        if self.parameter is None:
            return ""
        return self.parameter + (f"[{', '.join(map(str, self.index))}]" if self.index else "")

    def __str__(self) -> str:
        lines = [f"{self.kind}: {self.detail}", f"    at {self.place}"]
        if self.values:
            lines += [f"    {line}" for line in self.values.lines(self.place.dtype)]
        if self.claimed is not None and self.reference is not None:
            what = f"the gradient of {self.entry}" if self.kind == "value" else self.entry or "loss"
            claimed, exact = (shortest(number, self.place.dtype) for number in (self.claimed, self.reference))
            lines += [f"    {what}: claimed {claimed}, exact {exact}"]
        if self.error is not None and self.bound is not None:
            times = (
                f"{self.error / self.bound:.3g} times what arithmetic allows" if self.bound else "no error is allowed"
            )
            lines += [f"    off by {self.error:.3g}; allowed {self.bound:.3g} ({times})"]
        if self.diagnosis:
            lines += [f"    {self.diagnosis}"]
        return "\n".join(lines)


@dataclass
class Witness:
    """How one oracle saw the code: ``worst`` error as a share of what that oracle allows, over ``points`` points.

    not_run: reasons why it was not asked or could not answer, with how often.
    """

    worst: float = 0.0
    points: int = 0
    not_run: dict[str, int] = field(default_factory=dict)

    def skip(self, reason: str) -> None:
        self.not_run[reason] = self.not_run.get(reason, 0) + 1

    def __str__(self) -> str:
        missing = "; ".join(f"{reason} ({times}x)" for reason, times in self.not_run.items())
        if not self.points:
            return f"not run: {missing or 'no point'}"
        seen = f"worst error {self.worst:.2g} of what is allowed, {plural(self.points, 'point')}"
        return f"{seen}; not run: {missing}" if missing else seen


@dataclass(frozen=True)
class Verdict:
    """The outcome of ``verify``.

    status: "pass", "fail" or "inconclusive"; findings: what is wrong, worst first (only of a failure). points: points
    at which the code was held against the reference. inconclusive: reasons why other points allow no statement, with
    how many. oracles: a Witness by oracle name. disagreements: places at which an oracle contradicts the reference and
    nobody could settle it; outvoted: where the referee sided with the reference.
    agreement: for each pair of oracles the largest difference as a share of what the two allow each other. assumed:
    why the bound is not the computed one, or "". taylor_slope: of the code's own gradient (2 is right), None where the
    loss is linear. seconds: wall time. taylor: the (step, remainder) through which that slope goes. smallest, largest:
    the sizes of the points, fewest and most by their product. code: the source under test, None where there is none.
    budget, seed: what ``verify`` was called with; "" for a budget of one's own. correct: of an exhaustive check, the
    parameters whose gradient is right at every point; None of any other, which stops at what is wrong. diagnosis: a
    sentence for each known mistake that reproduces a wrong gradient, and one about those that none reproduces.
    """

    problem: str
    status: str
    findings: tuple[Finding, ...]
    points: int
    inconclusive: Mapping[str, int]
    oracles: Mapping[str, Witness]
    disagreements: tuple[str, ...]
    outvoted: tuple[str, ...]
    agreement: Mapping[tuple[str, str], float]
    assumed: str
    taylor_slope: float | None
    seconds: float
    taylor: tuple[tuple[float, float], ...] = ()
    smallest: Sizes = field(default_factory=dict)
    largest: Sizes = field(default_factory=dict)
    code: Code | None = None
    budget: str = ""
    seed: int = 0
    correct: tuple[str, ...] | None = None
    diagnosis: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return self.status == "pass"

    def require(self) -> Verdict:
        """Raise AssertionError with the whole story unless the code passed; returns the verdict."""
        if not self.passed:
            raise AssertionError(str(self))
        return self

    def __bool__(self) -> bool:
        """``assert verify(...)`` means what it says."""
        return self.passed

    @property
    def example(self) -> str:
        """At which sizes the first finding is seen."""
        sizes = ", ".join(f"{name}={value}" for name, value in self.findings[0].place.sizes)
        return f"smallest example: {sizes or 'scalars'}"

    def __str__(self) -> str:
        lines = [f"{self.problem}: {self.status.upper()}  ({plural(self.points, 'point')}, {self.seconds:.1f} s)"]
        if self.diagnosis:
            lines += ["", *(f"  {sentence}" for sentence in self.diagnosis), f"  {self.example}"]
        told: set[Place] = set()
        for finding in self.findings:
            brief = replace(finding, diagnosis=None, values=None if finding.place in told else finding.values)
            lines += ["", *("  " + line for line in str(brief).splitlines())]
            told.add(finding.place)
        if self.disagreements:
            lines += ["", "  The oracles contradict each other, so nothing is said about the code:"]
            lines += [f"    {text}" for text in self.disagreements[:5]]
        lines += [f"  Outvoted: {text}" for text in self.outvoted[:3]]
        if self.assumed:
            lines += ["", f"  The bound is assumed, not computed: {self.assumed}"]
        for reason, times in self.inconclusive.items():
            lines += [f"  No statement at {plural(times, 'point')}: {reason}"]
        for name, witness in self.oracles.items():
            lines += [f"  {name:13s} {witness}"]
        return "\n".join(lines)


PLURALS = {"entry": "entries", "equality": "equalities", "pass": "passes"}


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {PLURALS.get(noun, noun + 's')}"
