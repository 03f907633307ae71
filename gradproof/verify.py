"""The check itself: at point after point, the code under test is observed and held against the reference."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gradproof import conduct
from gradproof.bound import Reference, own_error, reference
from gradproof.candidate import Candidate, as_loss
from gradproof.errors import CannotTrace, GradproofError, InvalidProblem, NoPrecision, NotRun
from gradproof.fallback import assumed_reference
from gradproof.objective import objective
from gradproof.oracles import Estimate, Oracle, all_oracles
from gradproof.oracles.central_difference import taylor_slope
from gradproof.problem import Place, Point, Problem
from gradproof.sampling import (
    BUDGETS,
    Budget,
    draw_point,
    edge_sizes,
    pinned_places,
    random_place,
    search,
    smaller_places,
)
from gradproof.verdict import Finding, Verdict, Witness

SHARP = 1e-2
"""A point says something about a parameter when its bound is below this share of the parameter's largest gradient."""

ONLY_RNG = "draw and domain may use nothing random but the rng they are given"

ROUNDS = 12
"""How often more random points are asked for, where many lie outside the domain or allow no statement."""


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
        self.oracles: dict[str, Oracle] = all_oracles()
        self.witnesses = {name: Witness() for name in self.oracles}
        self.agreement: dict[tuple[str, str], float] = {}
        self.disagreements: list[str] = []
        self.inconclusive: dict[str, int] = {}
        self.assumed = ""
        self.points = 0
        self.sharp: set[str] = set()
        self.names: tuple[set[str], set[str]] | None = None
        self.checked: dict[Place, list[Finding]] = {}
        self.shrinking = False
        self.slope: float | None = None

    # The run ------------------------------------------------------------------------------------------------------

    def run(self, seed: int) -> Verdict:
        started = time.perf_counter()
        self.probe()
        findings = self.pinned() or self.random(seed)
        status = "pass"
        if findings:
            status = "fail"
        elif self.disagreements:
            status = "inconclusive"
        elif not self.points or self.names is None or self.names[0] - self.sharp:
            status = "inconclusive"
            blunt = sorted(self.names[0] - self.sharp) if self.names else []
            reason = (
                f"no point is exact enough to judge {', '.join(blunt)}" if self.points else "no point could be judged"
            )
            self.inconclusive[reason] = max(1, self.points)
        return Verdict(
            problem=self.problem.name,
            status=status,
            findings=tuple(findings),
            points=self.points,
            inconclusive=self.inconclusive,
            oracles=self.witnesses,
            disagreements=tuple(self.disagreements),
            agreement=self.agreement,
            assumed=self.assumed,
            taylor_slope=self.slope,
            seconds=time.perf_counter() - started,
        )

    def probe(self) -> None:
        """Look at the problem alone, at the edges of its sizes: a mistake in it is the caller's to hear first."""
        unused: set[str] | None = None
        for sizes in edge_sizes(self.problem):
            for seed in range(3):
                point = self.draw(Place.of(sizes, seed=seed))
                if point is None:
                    continue
                if conduct.snapshot(point) != conduct.snapshot(self.fresh(point.place)):
                    raise InvalidProblem(f"{self.problem.name}: two draws at {point.place} differ; {ONLY_RNG}")
                self.sound_loss(point)
                try:
                    found = self.refer(point)
                except NoPrecision:
                    continue
                unused = set(found.unused) if unused is None else unused & found.unused
        if unused:
            raise InvalidProblem(f"{self.problem.name}: the loss ignores the parameter {', '.join(sorted(unused))}")

    def pinned(self) -> list[Finding]:
        for place in pinned_places(self.problem):
            findings = self.check(place)
            if findings:
                return self.smallest(place, findings)
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
                return self.smallest(place, self.check(place))
        return []

    def smallest(self, place: Place, findings: list[Finding]) -> list[Finding]:
        """The same kinds of finding at the smallest sizes that show one of them; others stay where they were seen."""
        kinds = {finding.kind for finding in findings}
        plain = replace(place, regime="ordinary", layout="C")
        self.shrinking = True
        for start in dict.fromkeys((plain, place)):
            found = search(
                smaller_places(self.problem, start), lambda p: bool(kinds & {f.kind for f in self.check(p)}), 40, seed=0
            )
            if found is not None:
                smaller = self.check(found)
                seen = {(finding.kind, finding.parameter) for finding in smaller}
                return smaller + [f for f in findings if (f.kind, f.parameter) not in seen]
        return findings

    # One point ----------------------------------------------------------------------------------------------------

    def check(self, place: Place) -> list[Finding]:
        """Everything that is wrong at one place. Asked once a place: code with a memory would answer differently."""
        if place not in self.checked:
            self.checked[place] = self.look(place)
        return self.checked[place]

    def is_wrong(self, place: Place) -> bool:
        return bool(self.check(place))

    def look(self, place: Place) -> list[Finding]:
        point = self.draw(place)
        if point is None:
            return []
        try:
            self.sound_loss(point)
            known = self.refer(point)
        except NoPrecision as reason:
            self.inconclusive[str(reason)] = self.inconclusive.get(str(reason), 0) + 1
            return []
        other = self.neighbour(place)
        claim, findings = conduct.observe(self.problem, self.candidate, self.fresh(place), self.fresh_copy(other))
        findings = findings + self.compare(point, known, claim)
        if other is not None and not findings:
            findings = self.forgotten(point, other, claim)
        if self.points < self.budget.witnessed and not self.shrinking and self.contradicted(point, known, claim):
            return []
        self.points += 1
        if self.slope is None and place.regime == "ordinary" and claim.gradients.keys() == point.params.keys():
            self.slope = self.taylor(point, claim)
        return findings

    def draw(self, place: Place) -> Point | None:
        point = draw_point(self.problem, place)
        if point is not None:
            names = (set(point.params), set(point.data))
            self.names = self.names or names
            for role, before, now in zip(("parameters", "data"), self.names, names, strict=True):
                if before != now:
                    raise InvalidProblem(
                        f"{self.problem.name}: draw returned the {role} {sorted(now)} at {place}, "
                        f"{sorted(before)} before"
                    )
        return point

    def fresh(self, place: Place) -> Point:
        """The same point in arrays of its own, for code that may write into them."""
        point = draw_point(self.problem, place)
        if point is None:
            raise InvalidProblem(f"{self.problem.name}: two draws at {place} differ; {ONLY_RNG}")
        return point

    def fresh_copy(self, point: Point | None) -> Point | None:
        return None if point is None else self.fresh(point.place)

    def neighbour(self, place: Place) -> Point | None:
        """Other values at the same sizes."""
        return draw_point(self.problem, replace(place, seed=place.seed + 1, regime="ordinary"))

    def sound_loss(self, point: Point) -> None:
        """The plain loss must run, leave its arguments alone and, at ordinary places, be finite."""
        before = conduct.snapshot(point)
        name = self.problem.name
        try:
            with np.errstate(all="ignore"):
                value = objective(self.problem, point)(point.params)
        except GradproofError:
            raise
        except Exception as error:
            raise InvalidProblem(f"{name}: the loss raised {type(error).__name__} at {point.place}: {error}") from error
        for array in conduct.changed(point, before):
            raise InvalidProblem(f"{name}: the loss changes {array}; it must leave its arguments alone")
        if np.iscomplexobj(value):
            raise InvalidProblem(f"{name}: the loss is complex at real parameters; it must be real")
        if not np.isfinite(np.asarray(value, np.longdouble)):
            if point.place.regime == "ordinary":
                raise InvalidProblem(
                    f"{name}: the loss is {value} at {point.place}; draw other values, or say with domain= where to"
                )
            raise NoPrecision(f"the loss is not finite in {point.dtype}")

    def refer(self, point: Point) -> Reference:
        if not self.assumed:
            try:
                return reference(self.problem, point)
            except CannotTrace as reason:
                self.assumed = str(reason)
            except (GradproofError, InvalidProblem):
                raise
            except Exception as error:  # the loss runs on plain arrays, so the tape's array is what it cannot use
                self.assumed = f"the loss failed on the tape's arrays: {type(error).__name__}: {error}"
        return assumed_reference(self.problem, point)

    # Comparing ----------------------------------------------------------------------------------------------------

    def compare(self, point: Point, known: Reference, claim: conduct.Claim) -> list[Finding]:
        findings = []
        if self.candidate.has_forward and claim.gradients:
            findings += self.compare_loss(point, known, claim.value)
        for name, claimed in claim.gradients.items():
            exact, bound = known.gradients[name], known.bounds[name]
            if np.max(bound) <= SHARP * np.max(np.abs(exact)) or not np.any(exact):
                self.sharp.add(name)
            finite = np.isfinite(claimed)
            if not np.all(finite):
                index = tuple(int(k) for k in np.argwhere(~finite)[0])
                detail = f"{np.sum(~finite)} of {claimed.size} entries of the gradient of {name} are not finite"
                findings.append(
                    Finding("non-finite", point.place, detail, name, index, float(claimed[index]), float(exact[index]))
                )
                continue
            error = np.abs(claimed - exact)
            wrong = error > bound
            if np.any(wrong):
                findings.append(self.wrong_value(point, known, name, claimed, error, wrong))
        return findings

    def forgotten(self, point: Point, other: Point, claim: conduct.Claim) -> list[Finding]:
        """Gradients that are right here and the same, bit for bit, on other values, where they should differ."""
        same = [
            n for n, g in claim.gradients.items() if n in claim.elsewhere and conduct.same_bits(g, claim.elsewhere[n])
        ]
        if not same:
            return []
        try:
            there = self.refer(other)
        except NoPrecision:
            return []
        return [
            Finding("stale", point.place, f"the gradient of {name} stays what it was when all values change", name)
            for name in same
            if np.any(np.abs(claim.elsewhere[name] - there.gradients[name]) > there.bounds[name])
        ]

    def wrong_value(self, point: Point, known: Reference, name: str, claimed: Any, error: Any, wrong: Any) -> Finding:
        exact, bound = known.gradients[name], known.bounds[name]
        ratio = np.where(wrong, error / np.maximum(bound, np.finfo(np.longdouble).tiny), 0)
        index = tuple(int(k) for k in np.unravel_index(np.argmax(ratio), ratio.shape))
        detail = f"the gradient of {name} is wrong in {np.sum(wrong)} of {claimed.size} entries"
        numbers = (float(claimed[index]), float(exact[index]), float(error[index]), float(bound[index]))
        return Finding("value", point.place, detail, name, index, *numbers)

    def compare_loss(self, point: Point, known: Reference, value: Any) -> list[Finding]:
        what = "output" if self.problem.is_layer else "loss"
        loss = as_loss(self.problem, point, value)
        if loss is None:
            return [Finding("loss", point.place, f"the forward pass does not return the {what}, but {value!r:.80}")]
        error = abs(loss - known.loss)
        if error <= known.loss_bound:
            return []
        numbers = (float(loss), float(known.loss), float(error), float(known.loss_bound))
        return [Finding("loss", point.place, f"the forward pass returns another {what}", None, None, *numbers)]

    def contradicted(self, point: Point, known: Reference, claim: conduct.Claim) -> bool:
        """Ask the other oracles; True when one contradicts the reference, so that nothing can be said here."""
        answers: dict[str, Estimate] = {}
        for name, oracle in self.oracles.items():
            witness = self.witnesses[name]
            reason = self.not_asked(oracle, point)
            try:
                if reason:
                    raise NotRun(reason)
                answers[name] = oracle.estimate(self.problem, point, known)
            except (NotRun, CannotTrace) as why:
                witness.skip(str(why))
                continue
            except Exception as error:
                witness.skip(f"{type(error).__name__}: {error}")
                continue
            witness.points += 1
            if claim.gradients:
                witness.worst = max(witness.worst, share(claim.gradients, answers[name], known.bounds))
        return self.compare_oracles(point, known, answers)

    def not_asked(self, oracle: Oracle, point: Point) -> str:
        if sum(value.size for value in point.params.values()) > oracle.entries:
            return f"more than {oracle.entries} parameter entries"
        if oracle.points is not None and self.witnesses[oracle.name].points >= oracle.points:
            return f"asked at {oracle.points} points only"
        return ""

    def compare_oracles(self, point: Point, known: Reference, answers: Mapping[str, Estimate]) -> bool:
        contradiction = False
        room = own_error(known, point.dtype)
        for name, answer in answers.items():
            ratio = share(known.gradients, answer, room)
            if ratio > 1 and name != known.source:
                contradiction = True
                self.disagreements.append(
                    f"{name} is {ratio:.3g} times its own error estimate away from the {known.source}, at {point.place}"
                )
        for first, second in itertools.combinations(answers, 2):
            if answers[first].gradients and answers[second].gradients:
                ratio = share(answers[first].gradients, answers[second], answers[first].errors)
                self.agreement[first, second] = max(self.agreement.get((first, second), 0.0), ratio)
        return contradiction

    def taylor(self, point: Point, claim: conduct.Claim) -> float | None:
        try:
            with np.errstate(all="ignore"):
                return taylor_slope(self.problem, point, claim.gradients)
        except Exception:  # a loss that does not run in long double has no slope; the oracle's own column says why
            return None


def share(gradients: Mapping[str, Any], answer: Estimate, bounds: Mapping[str, Any]) -> float:
    """Largest distance between ``gradients`` and an oracle's answer, as a share of their two errors together."""
    worst = 0.0
    for name in gradients.keys() & answer.gradients.keys():
        worst = max(worst, largest_ratio(gradients[name] - answer.gradients[name], answer.errors[name] + bounds[name]))
    for direction in answer.directions:
        if direction.vector.keys() <= gradients.keys():
            along = sum(np.sum(np.asarray(gradients[n], np.longdouble) * v) for n, v in direction.vector.items())
            room = sum(np.sum(bounds[n] * np.abs(v)) for n, v in direction.vector.items()) + direction.error
            rounding = sum(np.sum(np.abs(gradients[n] * v)) for n, v in direction.vector.items())
            room = room + np.finfo(np.longdouble).eps * 8 * rounding
            worst = max(worst, largest_ratio(along - direction.value, room))
    return worst


def largest_ratio(difference: Any, room: Any) -> float:
    difference, room = np.abs(np.asarray(difference)), np.asarray(room)
    if not np.all(np.isfinite(difference)):
        return float("inf")
    with np.errstate(all="ignore"):
        ratio = np.where(difference == 0, 0, difference / room)
    return float(np.max(ratio, initial=0))
