"""What a proof is: a list of equalities that SymPy has checked, beside what is argued on paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gradproof.errors import GradproofError


class Disproved(GradproofError, AssertionError):
    """Two expressions a claim calls equal are not; the message holds claim, remainder and counterexample."""


class Undecided(GradproofError):
    """SymPy could neither cancel a difference nor find a counterexample. Never a pass."""


@dataclass(frozen=True)
class Checked:
    """One equality that SymPy verified: what it says, and its statement in LaTeX.

    variable, printed: of a gradient, what was differentiated by and the formula proved; None of other equalities.
    """

    claim: str
    latex: str
    variable: Any = None
    printed: Any = None


@dataclass(frozen=True)
class Proof:
    """The verified equalities behind one formula.

    scope: "every size": symbolic sizes, or a graph of scalars, where there is no size to fix. "fixed sizes": explicit
        shapes only.
    checked: what SymPy checked. argued: what is argued on paper, in one or two sentences; may be empty.
    seconds: wall time of the derivation.
    """

    scope: str
    checked: tuple[Checked, ...]
    argued: str
    seconds: float

    def __post_init__(self) -> None:
        if not self.checked:
            raise Undecided("a proof that checked nothing proves nothing")
