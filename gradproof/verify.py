"""The check itself: at point after point, the code under test is observed and held against the reference."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

import numpy as np

from gradproof import conduct
from gradproof.candidate import Candidate
from gradproof.compare import compare, forgotten, sharp, unmoved
from gradproof.errors import InvalidProblem, NoPrecision
from gradproof.oracles.central_difference import Taylor, taylor
from gradproof.problem import Place, Point, Problem
from gradproof.provenance import code_of
from gradproof.sampling import BUDGETS, Budget, draw_point, pinned_places, random_place, search, smaller_places
from gradproof.soundness import Ground
from gradproof.verdict import Finding, Values, Verdict
from gradproof.witnesses import Witnesses

ROUNDS = 12
"""How often more random points are asked for, where many lie outside the domain or allow no statement."""

SHRINKING = 40
"""Smaller points that are looked at to show a finding on the smallest."""


def verify(problem: Problem, gradients: Any, *, budget: str | Budget = "standard", seed: int = 0) -> Verdict:
    """Check hand-written gradients against every oracle at pinned and random points.

    gradients: see Candidate. budget: "quick", "standard" or "thorough" (20, 100, 500 random points beside the pinned
    ones), or a Budget. seed: of the random points.

    Raises InvalidProblem when the problem itself is not one that can be checked. Whatever the code under test does is
    in the verdict.
    """
    if isinstance(budget, str) and budget not in BUDGETS:
        raise InvalidProblem(f"budget {budget!r} is none of {', '.join(BUDGETS)}")
    return Check(problem, gradients, BUDGETS[budget] if isinstance(budget, str) else budget).run(seed)


class Check:
    """One run of ``verify``: what was seen so far."""

    def __init__(self, problem: Problem, gradients: Any, budget: Budget) -> None:
        self.problem, self.budget = problem, budget
        self.candidate = Candidate(problem, gradients)
        self.ground = Ground(problem)
        self.witnesses = Witnesses(problem)
        self.checked: dict[Place, list[Finding]] = {}
        self.points = 0
        self.sizes: set[tuple[tuple[str, int], ...]] = set()
        self.judged: set[str] = set()
        self.inconclusive: dict[str, int] = {}
        self.remainders = Taylor()
        self.shrinking = False

    def run(self, seed: int) -> Verdict:
        started = time.perf_counter()
        self.ground.probe()
        findings = self.pinned() or self.random(seed)
        unjudged = self.ground.names.get("parameters", set()) - self.judged
        if not self.points:
            self.pass_over("no point could be judged")
        elif unjudged:
            self.pass_over(f"no point is exact enough to judge {', '.join(sorted(unjudged))}")
        nothing_said = self.witnesses.disagreements or unjudged or not self.points
        sizes = sorted(self.sizes, key=extent) or [()]
        return Verdict(
            problem=self.problem.name,
            status="fail" if findings else "inconclusive" if nothing_said else "pass",
            findings=tuple(self.with_values(finding) for finding in findings),
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
            code=code_of(self.candidate.code),
            budget=self.budget.name if BUDGETS.get(self.budget.name) == self.budget else "",
            seed=seed,
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

    def smallest(self, place: Place) -> list[Finding]:
        """The findings at a place, each kind at the smallest sizes that show one of them."""
        findings = self.check(place)
        kinds = {finding.kind for finding in findings}
        self.shrinking = True
        for start in dict.fromkeys((replace(place, regime="ordinary", layout="C"), place)):
            similar = smaller_places(self.problem, start)
            found = search(similar, lambda p: bool(kinds & {f.kind for f in self.check(p)}), SHRINKING, seed=0)
            if found is not None:
                smaller = self.check(found)
                seen = {(finding.kind, finding.parameter) for finding in smaller}
                return smaller + [f for f in findings if (f.kind, f.parameter) not in seen]
        return findings

    # One point ----------------------------------------------------------------------------------------------------

    def is_wrong(self, place: Place) -> bool:
        return bool(self.check(place))

    def check(self, place: Place) -> list[Finding]:
        """Everything that is wrong at one place. Looked at once: code with a memory would answer differently."""
        if place not in self.checked:
            self.checked[place] = self.look(place)
        return self.checked[place]

    def look(self, place: Place) -> list[Finding]:
        point = self.ground.draw(place)
        if point is None:
            return []
        try:
            known = self.ground.refer(point)
        except NoPrecision as reason:
            self.pass_over(str(reason))
            return []
        other = self.ground.neighbour(point)
        again = None if other is None else self.ground.draw_again(other)
        claim, findings = conduct.observe(self.problem, self.candidate, self.ground.draw_again(point), again)
        findings += compare(self.problem, point, known, claim)
        if other is not None and not findings:
            findings += self.forgotten(point, other, claim)
        asked = self.points % self.budget.witness_every == 0 and not self.shrinking
        if asked and self.witnesses.contradict(point, known, claim):
            return []
        self.points += 1
        self.sizes.add(place.sizes)
        self.judged |= sharp(known)
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

    def pass_over(self, reason: str) -> None:
        self.inconclusive[reason] = self.inconclusive.get(reason, 0) + 1

    def taylor(self, point: Point, claim: conduct.Claim) -> Taylor:
        try:
            with np.errstate(all="ignore"):
                return taylor(self.problem, point, claim.gradients)
        except Exception:  # a loss that does not run in long double has no slope; the oracle's own column says why
            return Taylor()

    def with_values(self, finding: Finding) -> Finding:
        """A finding with the values of its point, where they are few."""
        point = draw_point(self.problem, finding.place)
        return finding if point is None else replace(finding, values=Values.few(point))


def extent(sizes: tuple[tuple[str, int], ...]) -> tuple[int, tuple[tuple[str, int], ...]]:
    """What makes sizes small or large: their product; of equal ones it is the order that is always the same."""
    return math.prod(size for _, size in sizes), sizes
