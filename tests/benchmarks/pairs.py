"""Timing two things against each other on a noisy machine: alternating blocks, the median of the pairwise ratios."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

BLOCK = 0.01
"""Seconds a side of a pair takes: single calls in turn would find each other's data in the cache."""

PAIRS, FEW = 30, 7
"""How many pairs there are, and of calls so slow that these would take longer than PATIENCE, at least."""

PATIENCE = 6.0
"""Seconds."""


@dataclass(frozen=True)
class Paired:
    """Seconds a call of each side (medians), and their ratio second / first with its interquartile range."""

    first: float
    second: float
    ratio: float
    iqr: tuple[float, float]


def paired(first: Callable[[], object], second: Callable[[], object], pairs: int | None = None) -> Paired:
    """Time two functions in alternating blocks, a b then b a. pairs: how many, else as PATIENCE allows."""
    calls = [calls_a_block(f) for f in (first, second)]
    if pairs is None:
        seconds = sum(count * block(f, count) for f, count in zip((first, second), calls, strict=True))
        pairs = min(PAIRS, max(FEW, round(PATIENCE / seconds)))
    times: tuple[list[float], list[float]] = ([], [])
    for k in range(pairs):
        for side in (0, 1) if k % 2 == 0 else (1, 0):
            times[side].append(block((first, second)[side], calls[side]))
    ratios = [b / a for a, b in zip(*times, strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4)
    return Paired(statistics.median(times[0]), statistics.median(times[1]), statistics.median(ratios), (low, high))


def calls_a_block(f: Callable[[], object]) -> int:
    f()  # imports, caches, allocations
    once = block(f, 1)
    return 1 if once > BLOCK else max(1, round(BLOCK / min(block(f, 1) for _ in range(3))))


def block(f: Callable[[], object], calls: int) -> float:
    started = time.perf_counter()
    for _ in range(calls):
        f()
    return (time.perf_counter() - started) / calls
