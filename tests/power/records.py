"""The outcome of the comparison as records for the report, one for each checker."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from gradproof.provenance import environment
from tests.power.checkers.checker import Checker, Peer
from tests.power.comparison import Fate, Name, Outcome
from tests.power.points import REGIMES

LEAST = 0.995
"""The share of the wrong gradients that gradproof must kill to pass."""


def record(
    checker: Checker, outcome: Outcome, milliseconds: Sequence[float], reasons: Mapping[Name, str]
) -> dict[str, Any]:
    """What a checker did. reasons: why gradproof does not kill what survives it."""
    findings = [] if isinstance(checker, Peer) else list(amiss(outcome, reasons))
    return {
        **head(checker),
        "status": "fail" if findings else "pass",
        "kills": kills(outcome.fates, lambda fate: fate.killed),
        "kills_at_one_point": kills(outcome.fates, lambda fate: fate.at_one_point),
        "alarms": alarms(outcome),
        "milliseconds": quartiles(milliseconds),
        "survivors": [] if isinstance(checker, Peer) else [survivor(fate, reasons) for fate in survivors(outcome)],
        "findings": [{"kind": "power", "detail": detail} for detail in findings],
    }


def not_run(checker: Checker) -> dict[str, Any]:
    """The record of a checker that is not there: nothing is known of it."""
    nothing: dict[str, Any] = {"kills": {}, "kills_at_one_point": {}, "alarms": {}, "milliseconds": {}}
    return {**head(checker), "status": "inconclusive", **nothing, "survivors": [], "findings": []}


def head(checker: Checker) -> dict[str, Any]:
    return {
        "kind": "power",
        "key": f"power: {checker.name}",
        "source": None,
        "checker": checker.name,
        "version": checker.version,
        "not_run": checker.not_run,
        "environment": environment(),
    }


def kills(fates: Iterable[Fate], is_killed: Callable[[Fate], bool]) -> dict[str, list[int]]:
    """[killed, of] by kind of mistake."""
    counts: dict[str, list[int]] = {}
    for fate in sorted(fates, key=lambda fate: fate.kind):
        count = counts.setdefault(fate.kind, [0, 0])
        count[0] += is_killed(fate)
        count[1] += 1
    return counts


def alarms(outcome: Outcome) -> dict[str, list[int]]:
    """[false alarms, points, of these without a verdict] by regime."""
    asked = {answer.point.regime for answer in outcome.answers}
    counts = {regime: [0, 0, 0] for regime in REGIMES if regime in asked}
    for answer in outcome.answers:
        count = counts[answer.point.regime]
        count[0] += answer.accepts is False
        count[1] += 1
        count[2] += answer.accepts is None
    return counts


def quartiles(values: Sequence[float]) -> dict[str, float]:
    low, median, high = statistics.quantiles(values, n=4)
    return {"median": median, "low": low, "high": high}


def survivors(outcome: Outcome) -> list[Fate]:
    return [fate for fate in outcome.fates if not fate.killed]


def survivor(fate: Fate, reasons: Mapping[Name, str]) -> dict[str, str]:
    key, name = fate.wrong
    return {"name": name, "formula": key, "kind": fate.kind, "reason": reasons.get(fate.wrong, "")}


def amiss(outcome: Outcome, reasons: Mapping[Name, str]) -> Iterator[str]:
    """What must not be, of gradproof: too few kills, a survivor without a reason or one with, killed; a false alarm."""
    killed = [fate.killed for fate in outcome.fates]
    if sum(killed) < LEAST * len(killed):
        yield f"kills {sum(killed)} of {len(killed)} wrong gradients, fewer than {LEAST:.1%}"
    for fate in outcome.fates:
        if fate.killed and fate.wrong in reasons:
            yield f"{': '.join(fate.wrong)}: has a reason in tests/power/survivors.py, and is killed"
        if not fate.killed and fate.wrong not in reasons:
            yield f"{': '.join(fate.wrong)}: survives, and tests/power/survivors.py has no reason"
    for answer in outcome.answers:
        if answer.accepts is False:
            yield f"{answer.point.key}: a false alarm at {answer.point.place}"
