"""The comparison: which wrong gradients each checker rejects, which right ones, and how long it takes."""

from __future__ import annotations

import functools
import multiprocessing
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from gradproof.problem import Place
from gradproof.sampling import pinned_places
from tests.catalogue import IMPLEMENTATIONS
from tests.power.checkers.checker import Checker
from tests.power.points import Correct, problem_of
from tests.power.wrong_gradient import WrongGradient

TIMED = 60
"""The points at which a check is timed."""

Name = tuple[str, str]
"""A wrong gradient: its key and name."""


@dataclass(frozen=True)
class Fate:
    """What became of a wrong gradient: whether it was killed at any place, and whether at the one middle point."""

    wrong: Name
    kind: str
    killed: bool
    at_one_point: bool


@dataclass(frozen=True)
class Answer:
    """What a checker said of right code at a point: True, False (a false alarm) or None (nothing)."""

    point: Correct
    accepts: bool | None


@dataclass(frozen=True)
class Outcome:
    """What one checker did with the wrong and the right code."""

    fates: tuple[Fate, ...]
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Task:
    """A share of the comparison: one checker, the wrong gradients of one formula, and its points."""

    checker: Checker
    corpus: tuple[WrongGradient, ...]
    points: tuple[Correct, ...]

    def outcome(self) -> Outcome:
        fates = tuple(fate(self.checker, wrong) for wrong in self.corpus)
        return Outcome(fates, tuple(Answer(p, accepts_right(self.checker, p.key, p.place)) for p in self.points))


def outcomes(
    checkers: Iterable[Checker], corpus: Sequence[WrongGradient], points: Sequence[Correct], jobs: int = 1
) -> Iterator[Outcome]:
    """What each checker did, in order. jobs: how many processes work on it; with more than one all is in CORPUS."""
    shares = [tasks(checker, corpus, points) for checker in checkers]
    parts = run([task for share in shares for task in share], jobs)
    for share in shares:
        yield joined([next(parts) for _ in share])


def tasks(checker: Checker, corpus: Iterable[WrongGradient], points: Iterable[Correct]) -> list[Task]:
    """The work of a checker, by formula: what it says of the right code is then asked in one process."""
    wrongs, rights = by_key(corpus), by_key(points)
    return [Task(checker, wrongs.get(key, ()), rights.get(key, ())) for key in sorted(wrongs.keys() | rights.keys())]


def by_key(records: Iterable[Any]) -> dict[str, tuple[Any, ...]]:
    ordered = sorted(records, key=lambda record: record.key)
    return {key: tuple(group) for key, group in groupby(ordered, key=lambda record: record.key)}


def joined(parts: Sequence[Outcome]) -> Outcome:
    return Outcome(
        tuple(fate for part in parts for fate in part.fates), tuple(answer for part in parts for answer in part.answers)
    )


# In one process or several -------------------------------------------------------------------------------------------


def run(work: Sequence[Task], jobs: int) -> Iterator[Outcome]:
    """The outcome of each task, in order."""
    if jobs == 1:
        yield from (task.outcome() for task in work)
        return
    # Started anew: JAX and PyTorch have threads, which do not survive a fork.
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        names = [[(wrong.key, wrong.name) for wrong in task.corpus] for task in work]
        yield from pool.map(outcome_of, [task.checker for task in work], names, [task.points for task in work])


def outcome_of(checker: Checker, names: Sequence[Name], points: tuple[Correct, ...]) -> Outcome:
    """A task by the names of its wrong gradients: what makes them stays in its process."""
    known = known_by_name()
    return Task(checker, tuple(known[name] for name in names), points).outcome()


@functools.cache
def known_by_name() -> dict[Name, WrongGradient]:
    from tests.power.corpus import CORPUS

    return {(wrong.key, wrong.name): wrong for wrong in CORPUS}


# One wrong gradient -------------------------------------------------------------------------------------------------


def fate(checker: Checker, wrong: WrongGradient) -> Fate:
    """A kill counts only at a place where the checker does not reject the right code: to reject all is no merit."""

    def fair(place: Place) -> bool:
        return accepts_right(checker, wrong.key, place) is not False

    place = checker.rejected_at(problem_of(wrong.key), wrong.make, fair)
    at_one_point = place == middle(wrong.key)
    return Fate((wrong.key, wrong.name), wrong.kind, killed=place is not None, at_one_point=at_one_point)


@functools.cache
def accepts_right(checker: Checker, key: str, at: Place) -> bool | None:
    return checker.accepts(problem_of(key), IMPLEMENTATIONS[key].gradients, at)


def middle(key: str) -> Place:
    """The one point a test would have, and the first of the pinned ones: small sizes, ordinary values in float64."""
    return next(pinned_places(problem_of(key)))


# Time ---------------------------------------------------------------------------------------------------------------


def timed(points: Iterable[Correct]) -> list[Correct]:
    """TIMED points of the most ordinary kind."""
    return [point for point in points if point.regime == "float64, ordinary"][:TIMED]


def milliseconds(checkers: Iterable[Checker], points: Iterable[Correct]) -> dict[str, list[float]]:
    """How long each checker takes for the right code at each point, after one call that is not timed.

    The checkers take turns, and each turn begins with another: what else the machine does meets all alike.
    """
    turns = deque(checkers)
    taken: dict[str, list[float]] = {checker.name: [] for checker in turns}
    for point in points:
        problem, code = problem_of(point.key), IMPLEMENTATIONS[point.key].gradients
        for checker in turns:
            checker.accepts(problem, code, point.place)
            started = time.perf_counter()
            checker.accepts(problem, code, point.place)
            taken[checker.name].append(1e3 * (time.perf_counter() - started))
        turns.rotate(-1)
    return taken
