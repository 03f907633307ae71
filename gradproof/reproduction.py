"""What a source prints as the outcome of a run, and whether runs of the same settings give it: over seeds, by one rule.

A printed number *holds* when it lies in the range that the runs of all seeds span, or when their median rounds to its
digits. It is *plausible* when the numbers that round to it come within 15 % of that range, and else the answer is *no*:
it cannot come from these settings. A run that diverges, or never gets there, leaves infinity or NaN: it widens no
range, and where half of the runs or more do, the answer is *no*.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from gradproof.errors import InvalidProblem

#: What one run left: named numbers, series of numbers and strings, as JSON can hold them.
Run = Mapping[str, Any]

VERDICTS = ("holds", "plausible", "no")
PLAUSIBLE = 0.15
FEW_SEEDS = 2.0
"""With fewer seeds than the verdict was found with, the printed number must lie within this factor of their range."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PrintedNumber:
    """A number that a source prints, and what became of it.

    value: the name of the number in a run. printed: its digits. expected: the verdict that the full number of seeds
    gave; any other is a failure, so that a change is seen. because: why it does not hold; demanded unless it does.
    rows: its own catalogue numbers, where it has others than the reproduction.
    """

    value: str
    printed: str
    expected: str = "holds"
    because: str = ""
    rows: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.expected not in VERDICTS:
            raise InvalidProblem(f"{self.value}: verdict {self.expected!r} is none of {', '.join(VERDICTS)}")
        if self.expected != "holds" and not self.because:
            raise InvalidProblem(f"{self.value}: {self.expected}, and no reason is given")
        try:
            Decimal(self.printed)
        except InvalidOperation as error:
            raise InvalidProblem(f"{self.value}: {self.printed!r} is no number") from error

    @property
    def name(self) -> str:
        return self.value


@dataclass(frozen=True, kw_only=True, eq=False)
class Statement:
    """A sentence about the runs of all seeds: what a source says of its system, or what we demand of ours.

    name: a few words. says: the sentence. holds: ``holds(runs) -> bool``. shown: ``shown(runs)``, what was seen, in a
    few words with figures. expected: "holds", or "no" where the source says it and the runs refute it. because: why it
    does not hold. few: whether fewer seeds can judge it too.
    """

    name: str
    says: str
    holds: Callable[[Sequence[Run]], bool]
    shown: Callable[[Sequence[Run]], str]
    expected: str = "holds"
    because: str = ""
    rows: tuple[str, ...] = ()
    few: bool = True

    def __post_init__(self) -> None:
        if self.expected not in ("holds", "no"):
            raise InvalidProblem(f"{self.name}: a statement holds, or it does not; not {self.expected!r}")
        if self.expected == "no" and not self.because:
            raise InvalidProblem(f"{self.name}: it does not hold, and no reason is given")


@dataclass(frozen=True, kw_only=True, eq=False)
class Reproduction:
    """A system of a source, run again with its settings.

    key, title, rows, source: as for Formula. run: ``run(seed) -> Run``; all that is random in it comes from the seed.
    It raises NotRun with the reason where it cannot run (a package or a file is missing). seeds: how many; 1 where
    nothing is random. few: how many a quick run takes. claims: what is held against the runs. chosen: what the source
    leaves open, and what was taken.
    """

    key: str
    title: str
    rows: tuple[str, ...]
    source: str
    run: Callable[[int], Run]
    claims: tuple[PrintedNumber | Statement, ...]
    seeds: int = 1
    few: int = 1
    chosen: str = ""

    def __post_init__(self) -> None:
        names = [claim.name for claim in self.claims]
        if not names or len(set(names)) < len(names):
            raise InvalidProblem(f"{self.key}: claims must be there and have different names, not {names}")
        if not 1 <= self.few <= self.seeds:
            raise InvalidProblem(f"{self.key}: few={self.few} of seeds={self.seeds}")

    def __repr__(self) -> str:
        return f"Reproduction({self.key!r})"

    def seeds_of(self, quick: bool) -> range:
        return range(self.few if quick else self.seeds)


@dataclass(frozen=True)
class Judged:
    """What became of one claim: a line of the table, a record of results.jsonl.

    status: "pass" where the verdict is the expected one, "fail" where it is another, "inconclusive" where nothing ran.
    verdict: "holds", "plausible", "no", or None where nothing ran. printed: the digits, None for a statement. median,
    low, high: over the seeds; None for a statement. shown: what was seen, in words. because: why it does not hold, or
    why it was not run.
    """

    reproduction: Reproduction
    claim: PrintedNumber | Statement
    status: str
    verdict: str | None
    seeds: int
    shown: str
    because: str
    printed: str | None = None
    median: float | None = None
    low: float | None = None
    high: float | None = None
    seconds: float = 0.0

    @property
    def key(self) -> str:
        return f"{self.reproduction.key}: {self.claim.name}"

    @property
    def rows(self) -> tuple[str, ...]:
        return self.claim.rows or self.reproduction.rows

    @property
    def says(self) -> str:
        """The claim as a sentence."""
        return self.claim.says if isinstance(self.claim, Statement) else f"{self.claim.value} is {self.claim.printed}"

    @property
    def points(self) -> int:
        return self.seeds

    @property
    def problems(self) -> tuple[str, ...]:
        if self.status != "fail":
            return ()
        if self.verdict is None:
            return (self.because,)
        return (f"{self.verdict}, expected {self.claim.expected}: {self.shown}",)

    @property
    def not_run(self) -> tuple[str, ...]:
        return (self.because,) if self.status == "inconclusive" else ()

    def __str__(self) -> str:
        lines = [
            f"{', '.join(self.rows)} {self.key}: {self.status.upper()}",
            f"  {self.says}",
            f"  verdict {self.verdict}, expected {self.claim.expected}; seen over {self.seeds} seeds: {self.shown}",
        ]
        return "\n".join([*lines, *([f"  {self.because}"] if self.because else [])])


def judge(reproduction: Reproduction, runs: Sequence[Run], seconds: float = 0.0) -> list[Judged]:
    """Every claim of a reproduction held against runs of its first seeds; of none, all claims are inconclusive."""
    return [judge_claim(reproduction, claim, runs, seconds) for claim in reproduction.claims]


def not_run(reproduction: Reproduction, reason: str) -> list[Judged]:
    """Every claim of a reproduction that could not run: open, never passed."""
    return [Judged(reproduction, claim, "inconclusive", None, 0, "", reason) for claim in reproduction.claims]


def judge_claim(
    reproduction: Reproduction, claim: PrintedNumber | Statement, runs: Sequence[Run], seconds: float
) -> Judged:
    few = len(runs) < reproduction.seeds
    if not runs:
        return Judged(reproduction, claim, "inconclusive", None, 0, "", "no run")
    if isinstance(claim, Statement):
        if few and not claim.few:
            reason = f"{len(runs)} of {reproduction.seeds} seeds cannot judge it"
            return Judged(reproduction, claim, "inconclusive", None, len(runs), "", reason)
        verdict = "holds" if claim.holds(runs) else "no"
        status = "pass" if verdict == claim.expected else "fail"
        return Judged(
            reproduction, claim, status, verdict, len(runs), claim.shown(runs), claim.because, seconds=seconds
        )
    values = [math.inf if math.isnan(value) else value for value in (float(run[claim.value]) for run in runs)]
    verdict = verdict_on(claim.printed, values)
    status = "pass" if verdict == claim.expected or (few and supports(claim, values)) else "fail"
    low, median, high = min(values), statistics.median(values), max(values)
    digits = max(3, len(Decimal(claim.printed).as_tuple().digits))  # enough to be compared with what is printed
    at, least, most = (short(value, digits) for value in (median, low, high))
    shown = at if len(values) == 1 else f"{at} [{least}, {most}]"
    return Judged(
        reproduction,
        claim,
        status,
        verdict,
        len(values),
        shown,
        claim.because,
        printed=claim.printed,
        median=median,
        low=low,
        high=high,
        seconds=seconds,
    )


def short(value: float, digits: int = 3) -> str:
    """A count as it is; else so many digits, and no more of an exponent than it needs."""
    if value.is_integer() and abs(value) < 1e6:
        return f"{abs(value) if value == 0 else value:.0f}"  # of -0 too
    return re.sub(r"e([-+])0*", lambda match: "e-" if match[1] == "-" else "e", f"{value:.{digits}g}")


def verdict_on(printed: str, values: Sequence[float]) -> str:
    """The rule at the head of this module."""
    ended = [value for value in values if math.isfinite(value)]
    if len(ended) <= len(values) / 2:
        return "no"
    number, half = float(printed), half_a_digit(printed)
    if min(ended) <= number <= max(ended) or abs(statistics.median(ended) - number) <= half:
        return "holds"
    return "plausible" if near(number, half, ended, 1 + PLAUSIBLE) else "no"


def supports(claim: PrintedNumber, values: Sequence[float]) -> bool:
    """Whether runs of fewer seeds than the expected verdict took speak for it: "no" needs the whole rule."""
    number, half = float(claim.printed), half_a_digit(claim.printed)
    ended = [value for value in values if math.isfinite(value)]
    return claim.expected != "no" and bool(ended) and near(number, half, ended, FEW_SEEDS)


def near(number: float, half: float, values: Sequence[float], factor: float) -> bool:
    """Whether a number that rounds to the printed one lies in the range, its ends moved out by a factor."""
    low, high = min(values), max(values)
    outer_low = low / factor if low > 0 else low * factor
    outer_high = high * factor if high > 0 else high / factor
    return outer_low <= number + half and number - half <= outer_high


def half_a_digit(printed: str) -> float:
    """Half a unit of the last printed digit."""
    return float(Decimal((0, (5,), int(Decimal(printed).as_tuple().exponent) - 1)))
