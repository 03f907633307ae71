"""Prove the gradient once, check it everywhere: hand-written gradients held against independent oracles."""

from gradproof.errors import CannotTrace, GradproofError, InvalidProblem, NotRun
from gradproof.problem import Implementation, Place, Point, Problem
from gradproof.sampling import Budget
from gradproof.verdict import Finding, Verdict
from gradproof.verify import verify

__version__ = "0.1.0"

__all__ = [
    "Budget",
    "CannotTrace",
    "Finding",
    "GradproofError",
    "Implementation",
    "InvalidProblem",
    "NotRun",
    "Place",
    "Point",
    "Problem",
    "Verdict",
    "verify",
]
