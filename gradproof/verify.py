"""The check itself: at point after point, the code under test is observed and held against the reference."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from gradproof import conduct
from gradproof.candidate import Candidate
from gradproof.compare import compare, forgotten, sharp, unmoved
from gradproof.diagnosis import Diagnosis, diagnose
from gradproof.errors import InvalidProblem, NoPrecision
from gradproof.oracles.central_difference import Taylor, taylor
from gradproof.problem import Place, Point, Problem
from gradproof.sampling import (
    BUDGETS,
    Budget,
    draw_point,
    pinned_places,
    random_place,
    require_known,
    rounder_places,
    search,
    smaller_places,
)
from gradproof.soundness import Ground
from gradproof.verdict import Finding, Values, Verdict
from gradproof.witnesses import Witnesses

ROUNDS = 12
"""How often more random points are asked for, where many lie outside the domain or allow no statement."""

SHRINKING = 40
"""Smaller points that are looked at to show a finding on the smallest."""

EXPLAINED = ("value", "shape", "non-finite", "loss", "stale")
"""Kinds of finding behind which there may be a wrong formula."""

Complaint = tuple[str, str | None]
"""What a finding is about: kind and parameter."""


def verify(
    problem: Problem,
    gradients: Any,
    *,
    budget: str | Budget = "standard",
    seed: int = 0,
    at: Place | str | None = None,
    exhaustive: bool = False,
    diagnose: bool = True,
) -> Verdict:
    """Check hand-written gradients against every oracle at pinned and random points.

    gradients: see Candidate. budget: "quick", "standard" or "thorough" (20, 100, 500 random points beside the pinned
    ones), or a Budget. seed: of the random points. at: the one place to look at instead, as a finding names it.
    exhaustive: go on after what is wrong, over all the points a right gradient is tried at; the verdict then says which
    parameters are right at every one of them. diagnose: look for the known mistake that reproduces a wrong gradient;
    the first one of a formula takes a few seconds.

    Raises InvalidProblem when the problem itself is not one that can be checked. Whatever the code under test does is
    in the verdict.
    """
    if isinstance(budget, str) and budget not in BUDGETS:
        raise InvalidProblem(f"budget {budget!r} is none of {', '.join(BUDGETS)}")
    budget = BUDGETS[budget] if isinstance(budget, str) else budget
    return Check(problem, gradients, budget, exhaustive=exhaustive, diagnose=diagnose).run(seed, at)


class Check:
    """One run of ``verify``: what was seen so far."""

    def __init__(
        self, problem: Problem, gradients: Any, budget: Budget, *, exhaustive: bool = False, diagnose: bool = True
    ) -> None:
        self.problem, self.budget, self.exhaustive, self.diagnose = problem, budget, exhaustive, diagnose
        self.candidate = gradients if isinstance(gradients, Candidate) else Candidate(problem, gradients)
        self.ground = Ground(problem)
        self.witnesses = Witnesses(problem)
        self.checked: dict[Place, list[Finding]] = {}
        self.points = 0
        self.sizes: set[tuple[tuple[str, int], ...]] = set()
        self.judged: set[str] = set()
        self.withheld: set[str] = set()
        self.inconclusive: dict[str, int] = {}
        self.remainders = Taylor()
        self.shrinking = False

    def run(self, seed: int, at: Place | str | None = None) -> Verdict:
        started = time.perf_counter()
        self.ground.probe()
        findings = self.pinned() or self.random(seed) or self.put_off() if at is None else self.replay(at)
        unjudged = self.ground.names.get("parameters", set()) - self.judged
        if not self.points:
            self.pass_over("no point could be judged")
        elif unjudged:
            self.pass_over(f"no point is exact enough to judge {', '.join(sorted(unjudged))}")
        diagnosis = self.diagnosis(findings)
        nothing_said = self.witnesses.disagreements or unjudged or not self.points
        sizes = sorted(self.sizes, key=extent) or [()]
        return Verdict(
            problem=self.problem.name,
            status="fail" if findings else "inconclusive" if nothing_said else "pass",
            findings=tuple(self.with_values(told(finding, diagnosis)) for finding in findings),
            diagnosis=() if diagnosis is None else diagnosis.sentences,
            points=self.points,
            inconclusive=self.inconclusive,
            oracles=self.witnesses.seen,
            disagreements=tuple(self.witnesses.disagreements),
            outvoted=tuple(self.witnesses.outvoted),
            agreement=self.witnesses.agreement,
            assumed=self.ground.assumed,
            taylor_slope=self.remainders.slope,
            seconds=time.perf_counter() - started,
            taylor=self.remainders.points,
            smallest=dict(sizes[0]),
            largest=dict(sizes[-1]),
            code=self.candidate.source,
            budget=self.budget.name if BUDGETS.get(self.budget.name) == self.budget else "",
            seed=seed,
            correct=self.correct() if self.exhaustive else None,
        )

    # Which points -------------------------------------------------------------------------------------------------

    def pinned(self) -> list[Finding]:
        for place in pinned_places(self.problem):
            if self.is_wrong(place):
                return self.smallest(place)
        return []

    def random(self, seed: int) -> list[Finding]:
        """Random places until the budget's number of them was judged; a domain may refuse most, so not for ever."""
        wanted = self.points + self.budget.random
        for attempt in range(ROUNDS):
            if self.points >= wanted:
                break
            examples = max(8, wanted - self.points)
            place = search(random_place(self.problem), self.is_wrong, examples, seed + attempt * 1_000_003)
            if place is not None:
                return self.smallest(place)
        return []

    def put_off(self) -> list[Finding]:
        """What an exhaustive check went past: each kind of finding of each parameter once."""
        shown: list[Finding] = []
        while new := [place for place, found in self.checked.items() if complaints(found) - complaints(shown)]:
            shown += [finding for finding in self.smallest(new[0]) if complaint(finding) not in complaints(shown)]
        return shown

    def replay(self, at: Place | str) -> list[Finding]:
        """The findings at one place."""
        place = Place.parse(at) if isinstance(at, str) else at
        require_known(self.problem, place)
        if self.ground.draw(place) is None:
            self.pass_over(f"{place} lies outside the problem's domain")
        return self.check(place)

    # How a finding is shown ---------------------------------------------------------------------------------------

    def smallest(self, place: Place) -> list[Finding]:
        """The findings at a place, each at the smallest sizes, and there on the roundest numbers, that show it."""
        self.shrinking = True
        shown: list[Finding] = []
        wanted = complaints(self.check(place))
        while wanted:
            example = self.rounder(self.smaller(place, wanted), wanted)
            shown += [finding for finding in self.check(example) if complaint(finding) not in complaints(shown)]
            wanted -= complaints(shown)
        return shown

    def smaller(self, place: Place, wanted: set[Complaint]) -> Place:
        """A place as small and as plain as can be at which something that is wanted is wrong; else the place itself."""
        plain = replace(place, regime="ordinary", layout="C")
        for start in dict.fromkeys((replace(plain, dtype="float64"), plain, place)):
            similar = smaller_places(self.problem, start)
            found = search(similar, lambda p: bool(wanted & complaints(self.check(p))), SHRINKING, seed=0)
            if found is not None:
                return found
        return place

    def rounder(self, place: Place, wanted: set[Complaint]) -> Place:
        """The same sizes with round numbers that show all that the place shows; else the place itself."""
        needed = wanted & complaints(self.check(place))
        return next((rounder for rounder in rounder_places(self.problem, place) if self.shows(rounder, needed)), place)

    def shows(self, rounded: Place, needed: set[Complaint]) -> bool:
        """Whether all that is needed is wrong at a rounded place.

        A problem has only promised that it can bear the values it draws: a scale rounded to zero may be too much.
        """
        try:
            return needed <= complaints(self.check(rounded))
        except InvalidProblem:
            return False

    # One point ----------------------------------------------------------------------------------------------------

    def is_wrong(self, place: Place) -> bool:
        """Whether to stop here: an exhaustive check goes on."""
        return bool(self.check(place)) and not self.exhaustive

    def check(self, place: Place) -> list[Finding]:
        """Everything that is wrong at one place. Looked at once: code with a memory would answer differently."""
        if place not in self.checked:
            if self.shrinking and self.candidate.dead:  # every place would now show the same
                return []
            self.checked[place] = self.look(place)
        return self.checked[place]

    def look(self, place: Place) -> list[Finding]:
        point = self.ground.draw(place)
        if point is None:
            return []
        try:
            known = self.ground.refer(point)
        except NoPrecision as reason:
            if not self.shrinking:
                self.pass_over(str(reason))
            return []
        other = self.ground.neighbour(point)
        again = None if other is None else self.ground.draw_again(other)
        claim, findings = conduct.observe(self.problem, self.candidate, self.ground.draw_again(point), again)
        findings += compare(self.problem, point, known, claim)
        if other is not None and (self.exhaustive or not findings):
            found = {finding.parameter for finding in findings}
            findings += [finding for finding in self.forgotten(point, other, claim) if finding.parameter not in found]
        asked = self.points % self.budget.witness_every == 0 and not self.shrinking
        if asked and self.witnesses.contradict(point, known, claim):
            return []
        self.points += 1
        self.sizes.add(place.sizes)
        self.judged |= sharp(known)
        self.withheld |= known.gradients.keys() - claim.gradients.keys()
        untested = self.remainders.slope is None and place.regime == "ordinary"
        if untested and claim.gradients.keys() == point.params.keys():
            self.remainders = self.taylor(point, claim)
        return findings

    def forgotten(self, point: Point, other: Point, claim: conduct.Claim) -> list[Finding]:
        if not unmoved(claim):
            return []
        try:
            return list(forgotten(point, self.ground.refer(other), claim))
        except NoPrecision:
            return []

    def correct(self) -> tuple[str, ...]:
        """The parameters whose gradient was there at each point, is right at each, and was judged at one at least."""
        wrong = {finding.parameter for findings in self.checked.values() for finding in findings}
        return () if self.witnesses.disagreements else tuple(sorted(self.judged - self.withheld - wrong))

    def pass_over(self, reason: str) -> None:
        self.inconclusive[reason] = self.inconclusive.get(reason, 0) + 1

    def taylor(self, point: Point, claim: conduct.Claim) -> Taylor:
        try:
            with np.errstate(all="ignore"):
                return taylor(self.problem, point, claim.gradients)
        except Exception:  # a loss that does not run in long double has no slope; the oracle's own column says why
            return Taylor()

    def diagnosis(self, findings: list[Finding]) -> Diagnosis | None:
        """What is wrong with the values, where any are and the code can still be asked."""
        if self.candidate.dead or not self.diagnose or not any(finding.kind in EXPLAINED for finding in findings):
            return None
        return diagnose(self.problem, self.candidate)

    def with_values(self, finding: Finding) -> Finding:
        """A finding with the values of its point, where they are few."""
        point = draw_point(self.problem, finding.place)
        return finding if point is None else replace(finding, values=Values.few(point))


def told(finding: Finding, diagnosis: Diagnosis | None) -> Finding:
    """A finding with what the diagnosis says of its parameter."""
    about = None if diagnosis is None or finding.kind not in EXPLAINED else diagnosis.about(finding.parameter)
    return replace(finding, diagnosis=about)


def complaint(finding: Finding) -> Complaint:
    return finding.kind, finding.parameter


def complaints(findings: Iterable[Finding]) -> set[Complaint]:
    return set(map(complaint, findings))


def extent(sizes: tuple[tuple[str, int], ...]) -> tuple[int, tuple[tuple[str, int], ...]]:
    """What makes sizes small or large: their product; of equal ones it is the order that is always the same."""
    return math.prod(size for _, size in sizes), sizes
