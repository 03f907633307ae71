"""What is wrong with a gradient, in a sentence for each mistake that reproduces it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradproof.candidate import Candidate
from gradproof.diagnosis.derived.phrases import gradients
from gradproof.diagnosis.evidence import Explanation
from gradproof.diagnosis.probe import FRESH, evidence
from gradproof.diagnosis.search import covered, explanations
from gradproof.diagnosis.steps import attribution
from gradproof.diagnosis.steps.attribution import Attribution
from gradproof.problem import Problem

NONE = "no known mistake reproduces it"


@dataclass(frozen=True)
class Diagnosis:
    """What reproduces the wrong gradients of a problem at every point that was looked at.

    explanations: each for some of the wrong gradients, together for as many as can be explained. unexplained: the
    parameters whose gradients nothing known reproduces. steps: which steps of a recurrence these go wrong at.
    """

    explanations: tuple[Explanation, ...]
    unexplained: tuple[str, ...]
    steps: tuple[Attribution, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        told = [sentence(explanation) for explanation in self.explanations]
        if self.unexplained:
            told.append(f"{gradients(self.unexplained)}: {NONE}")
        return (*told, *(f"d{step.parameter}: {step.words}" for step in self.steps))

    def about(self, parameter: str | None) -> str | None:
        """The sentence about one gradient; None where there is none."""
        for explanation in self.explanations:
            if parameter in explanation.parameters:
                return sentence(explanation)
        if parameter not in self.unexplained:
            return None
        at_steps = [step.words for step in self.steps if step.parameter == parameter]
        return "; ".join([f"d{parameter}: {NONE}", *at_steps])


def sentence(explanation: Explanation) -> str:
    names: Sequence[str] = sorted(explanation.parameters)
    return f"{gradients(names)} {'equals' if len(names) == 1 else 'equal'} {explanation.words}"


def diagnose(problem: Problem, candidate: Candidate) -> Diagnosis | None:
    """Look for the mistake in wrong gradients; None where they are right at all ordinary points, or there are none."""
    found = evidence(problem, candidate)
    wrong = frozenset().union(*[point.wrong for point in found])
    if len(found) <= FRESH or not wrong:
        return None
    known = explanations(found, wrong)
    unexplained = wrong - covered(known)
    names = tuple(name for name in found[0].known.gradients if name in unexplained)
    at_steps = attribution.steps(attribution.step_evidence(problem, candidate)) if names else []
    return Diagnosis(tuple(known), names, tuple(about for about in at_steps if about.parameter in unexplained))
