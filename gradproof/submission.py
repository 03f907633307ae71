"""Somebody's file against one formula: run in a process of its own, checked in this one, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gradproof import documents
from gradproof.candidate import Candidate
from gradproof.catalogue import Formula
from gradproof.errors import InvalidProblem
from gradproof.isolation import Isolated, Limits
from gradproof.loading import CannotLoad, subject
from gradproof.problem import Data, Implementation, Params, Place, Point, Problem
from gradproof.styles import adapt
from gradproof.styles.from_problem import contract_of
from gradproof.verdict import Finding, Verdict
from gradproof.verify import verify


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How files are checked.

    budget, seed, exhaustive: as for ``verify``. at: only at this place. sizes: the only values of some of the sizes.
    limits: of the process that runs the code.
    """

    budget: str = "standard"
    seed: int = 0
    exhaustive: bool = False
    at: Place | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What became of a file.

    verdict: None where the code could not be started; refused then says why. style: what the code was taken for.
    sizes: the only values that were tried of some sizes, asked for or all that the style can do; problem: what was
    checked at these. notes: sentences.
    """

    formula: Formula
    problem: Problem
    path: Path
    name: str | None
    verdict: Verdict | None = None
    refused: str = ""
    style: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        return "fail" if self.verdict is None else self.verdict.status

    @property
    def findings(self) -> tuple[Finding, ...]:
        return () if self.verdict is None else self.verdict.findings


def check_file(
    formula: Formula, implementation: Implementation, path: Path, name: str | None, terms: Terms | None = None
) -> Answer:
    """Check the code that ``name`` is in a file, or the only code in it, against a formula.

    Raises InvalidProblem where the terms ask for a size that the formula does not have. Whatever the file does is in
    the answer.
    """
    terms = terms or Terms()
    problem = at_sizes(formula.problem(implementation), terms.sizes)
    answer = Answer(formula=formula, problem=problem, path=path, name=name, sizes=terms.sizes)
    try:
        with Isolated(path, name, terms.limits).started(problem, contract_of(problem)) as candidate:
            if any(terms.sizes.get(size, value) != value for size, value in candidate.sizes.items()):
                return replace(answer, refused=f"as {candidate.style} it can only do {assigned(candidate.sizes)}")
            sizes = {**terms.sizes, **candidate.sizes}
            answer = replace(answer, problem=at_sizes(problem, sizes), sizes=sizes)
            verdict = verify(
                answer.problem,
                candidate,
                budget=terms.budget,
                seed=terms.seed,
                at=terms.at,
                exhaustive=terms.exhaustive,
            )
            return replace(answer, verdict=verdict, style=candidate.style, notes=candidate.notes)
    except CannotLoad as reason:
        return replace(answer, refused=str(reason))


def assigned(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in sizes.items())


def at_sizes(problem: Problem, sizes: Mapping[str, int]) -> Problem:
    """The same problem with these values of some sizes and no others. Raises InvalidProblem on a size it has not."""
    for name, value in sizes.items():
        if name not in problem.sizes:
            known = ", ".join(problem.sizes) or "none"
            raise InvalidProblem(f"{problem.name} has no size {name!r}; its sizes are: {known}")
        if value < problem.sizes[name][0]:
            raise InvalidProblem(f"{problem.name}: size {name} must be at least {problem.sizes[name][0]}, not {value}")
    kept = tuple(pinned for pinned in problem.pinned if all(pinned[name] == value for name, value in sizes.items()))
    only = {name: (value, value) for name, value in sizes.items()}
    return replace(problem, sizes={**problem.sizes, **only}, pinned=kept)


def gradients_of(
    path: str, key: str, name: str | None = None, *, beside: str = "", catalogue: str = documents.DOCUMENTS
) -> Callable[..., Any]:
    """The code of one's own file, of any accepted style, as a function from params, data and upstream to gradients.

    For a test that holds it against numbers. It runs in this process. path: from the folder of the file ``beside``.
    Raises CannotLoad, Unrecognised, NoFormula.
    """
    problem = documents.catalogue(catalogue).problem(key)
    found, _ = subject(Path(beside).parent / path, name)
    candidate = Candidate(problem, adapt(found, contract_of(problem)).code)

    def gradients(params: Params, data: Data, upstream: Any = None) -> Any:
        return candidate.gradients(Point(Place(()), params, data, upstream))[1]

    return gradients
