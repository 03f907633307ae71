"""A run over random programs: how many agree, how close, and of which operations they were made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from gradproof.sampling import search
from gradproof.verdict import plural
from tests.fuzz.comparison import TIE, Judge, Outcome, exactly
from tests.fuzz.programs import Program, programs
from tests.fuzz.rules import RULES

BATCH = 20
"""Programs in one search of Hypothesis's: it varies those it has drawn, so many searches see more than a long one."""

ROUNDS = 4
"""How many times as many programs as are wanted may be drawn until so many were compared."""


WRONG = ("differs", "fails")


@dataclass
class Run:
    """What was seen so far.

    judge: compares one program. wanted: how many are compared. agreed: distinct programs whose gradients were compared
    and agree. ties: how many of them agree to within the bound alone, at a tie. no_statement: programs by the reason
    why there was nothing to compare. operations: how often each was a line of a program that agrees. worst: the largest
    distance among these, as a share of what is allowed. wrong: the first program that does not agree, shrunk, and what
    is wrong with it; None where there is none.
    """

    judge: Judge
    wanted: int
    agreed: int = 0
    no_statement: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    ties: int = 0
    worst: float = 0.0
    wrong: tuple[Program, Outcome] | None = None
    seen: set[str] = field(default_factory=set, repr=False)

    def is_wrong(self, program: Program) -> bool:
        """Compare a program, unless there were enough; one that was seen before does not count again.

        After the first that is wrong nothing counts any more: Hypothesis then asks about smaller ones.
        """
        if self.agreed == self.wanted:
            return False
        found, text = self.judge(program), repr(program)
        if found.kind in WRONG:
            self.wrong = program, found
        elif self.wrong is None and text not in self.seen:
            self.count(program, found)
            self.seen.add(text)
        return found.kind in WRONG

    def count(self, program: Program, found: Outcome) -> None:
        if found.kind == "no statement":
            self.no_statement[found.detail] += 1
            return
        self.agreed += 1
        self.ties += found.detail == TIE
        self.worst = max(self.worst, found.share)
        self.operations.update(spelled(operation) for operation in program.operations)

    @property
    def lines(self) -> Iterator[str]:
        yield f"{plural(self.agreed, 'program')} agreed; worst: {self.worst:.2g} of what is allowed"
        yield f"{self.ties} of them met a tie, and agree to within the bound of the dtype under test"
        yield f"{plural(self.no_statement.total(), 'further program')} not compared, for there is no statement:"
        yield from (f"  {times:5d}  {reason}" for reason, times in sorted(self.no_statement.items()))
        yield f"lines of the programs that agreed, by operation ({len(RULES)}):"
        yield from (f"  {self.operations[name]:5d}  {name}" for name in sorted(map(spelled, RULES)))
        if self.wrong is not None:
            program, found = self.wrong
            yield f"\nThis program does not agree: {found.detail}\n\n{program!r}"


def fuzz(wanted: int, seed: int, judge: Judge = exactly) -> Run:
    """Random programs until ``wanted`` distinct ones agree, or one does not; the same ones for the same seed.

    Raises AssertionError where far more are drawn than can be compared.
    """
    run = Run(judge, wanted)
    for batch in range(2 + ROUNDS * wanted // BATCH):
        found = search(programs(), run.is_wrong, BATCH, seed + batch * 1_000_003)
        if found is not None:
            run.wrong = found, judge(found)
        if found is not None or run.agreed == wanted:
            return run
    raise AssertionError(f"only {run.agreed} of {len(run.seen)} programs could be compared")


def spelled(operation: object) -> str:
    """An operation as the table lists it: np.tanh, x[...], x.sum."""
    if isinstance(operation, str):
        return operation
    name = getattr(operation, "__name__", "")
    return {"getitem": "x[...]", "norm": "np.linalg.norm"}.get(name, f"np.{name}")
