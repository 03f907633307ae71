"""The oracles asked beside the reference: how each sees the code, and whether one contradicts the reference."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from gradproof.bound import Reference, own_error
from gradproof.conduct import Claim
from gradproof.errors import CannotTrace, NotRun
from gradproof.oracles import Estimate, Oracle, all_oracles
from gradproof.problem import Point, Problem
from gradproof.verdict import Witness

REFEREE = "50 digits"
DERIVATION = "derivation"
"""The oracle that decides when another one contradicts the reference, at whatever number of points."""


class Witnesses:
    """What the oracles said so far.

    seen: a Witness by oracle. agreement: largest distance of two oracles as a share of their errors. outvoted: where
    an oracle contradicted the reference and the referee sided with the reference. disagreements: where nobody could
    settle it, or the referee sided with the oracle.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.oracles: dict[str, Oracle] = all_oracles()
        self.seen = {name: Witness() for name in self.oracles}
        self.agreement: dict[tuple[str, str], float] = {}
        self.outvoted: list[str] = []
        self.disagreements: list[str] = []

    def contradict(self, point: Point, known: Reference, claim: Claim) -> bool:
        """Ask every oracle that applies; True when one contradicts the reference and nothing can be said here."""
        answers = {}
        for name, oracle in self.oracles.items():
            answer = self.ask(oracle, point, known)
            if answer is not None:
                answers[name] = answer
        odd = self.odd_ones(point, known, answers)
        for name in answers.keys() - odd:
            self.seen[name].points += 1
            if claim.gradients:
                ratio = share(claim.gradients, answers[name], known.bounds)
                self.seen[name].worst = max(self.seen[name].worst, ratio)
        for first, second in itertools.combinations(answers, 2):
            if answers[first].gradients and answers[second].gradients:
                ratio = share(answers[first].gradients, answers[second], answers[first].errors)
                self.agreement[first, second] = max(self.agreement.get((first, second), 0.0), ratio)
        return bool(odd) and not self.settled(point, known, odd)

    def ask(self, oracle: Oracle, point: Point, known: Reference) -> Estimate | None:
        """An oracle's answer, or None with the reason noted."""
        witness = self.seen[oracle.name]
        if sum(value.size for value in point.params.values()) > oracle.entries:
            witness.skip(f"more than {oracle.entries} parameter entries")
        elif oracle.points is not None and witness.points >= oracle.points:
            witness.skip(f"asked at {oracle.points} points only")
        else:
            try:
                return oracle.estimate(self.problem, point, known)
            except (NotRun, CannotTrace) as reason:
                witness.skip(str(reason))
            except Exception as error:  # the user's loss in an arithmetic it was not written for
                witness.skip(f"{type(error).__name__}: {error}")
        return None

    def odd_ones(self, point: Point, known: Reference, answers: Mapping[str, Estimate]) -> dict[str, str]:
        """The oracles that are further from the reference than the two errors allow, each with a sentence."""
        room, odd = own_error(known, point.dtype), {}
        for name, answer in answers.items():
            ratio = share(known.gradients, answer, room)
            if ratio > 1 and name != known.source:
                times = f"{ratio:.3g} times what their errors allow"
                odd[name] = f"{name} and {known.source} are {times} apart at {point.place}"
        return odd

    def settled(self, point: Point, known: Reference, odd: Mapping[str, str]) -> bool:
        """Let the referee decide; True when it sides with the reference.

        Not about the derivation: the referee, as every other oracle, has the gradient of the loss it is given, and
        where the proved formula is not that one, it may be the loss that is wrong.
        """
        verdict = "nobody could settle it"
        if DERIVATION in odd:
            verdict = "the loss is not the one that the formula is proved for"
        elif REFEREE not in odd:
            try:
                answer = self.oracles[REFEREE].estimate(self.problem, point, known)
                if share(known.gradients, answer, own_error(known, point.dtype)) <= 1:
                    self.outvoted += [f"{text}; {REFEREE} sides with the {known.source}" for text in odd.values()]
                    return True
                verdict = f"{REFEREE} sides with neither"
            except (NotRun, CannotTrace) as reason:
                verdict = f"{REFEREE} could not settle it: {reason}"
        self.disagreements += [f"{text}; {verdict}" for text in odd.values()]
        return False


@np.errstate(all="ignore")
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
