"""gradproof itself: ``verify`` with its standard budget. What it finds is not made small nor explained here."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from gradproof import __version__
from gradproof.problem import Place, Problem
from gradproof.sampling import BUDGETS
from gradproof.soundness import Ground
from tests.engine.unshrunk import Unshrunk
from tests.power.checkers.checker import Checker

ANSWERS = {"pass": True, "fail": False, "inconclusive": None}


class Gradproof(Checker):
    """Of a place ``verify(..., at=place)``, else ``verify``, which chooses its places itself."""

    name = "gradproof"
    distribution = "gradproof"
    version = __version__

    def accepts(self, problem: Problem, code: Any, at: Place) -> bool | None:
        return ANSWERS[check(problem, code).run(seed=0, at=at).status]

    def rejected_at(self, problem: Problem, make: Callable[[], Any], fair: Callable[[Place], bool]) -> Place | None:
        places = [finding.place for finding in check(problem, make()).run(seed=0).findings]
        return next(filter(fair, places), None)


def check(problem: Problem, code: Any) -> Unshrunk:
    new = Unshrunk(problem, code, BUDGETS["standard"], diagnose=False)
    new.ground = probed(problem)
    return new


class Probed(Ground):
    """A problem that was looked at once, as in a run over many points; it is the code that is looked at each time."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        super().probe()

    def probe(self) -> None:
        """Nothing more to look at."""


probed = functools.cache(Probed)
