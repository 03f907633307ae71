"""One random program: the tape held against the exact gradient, and PyTorch's gradient against the tape's bound."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradproof.bound import own_error, reference, run
from gradproof.errors import NoPrecision
from tests.engine.programs import Long
from tests.fuzz.programs import Program
from tests.fuzz.references import NOISE, exact

TIE = "at a tie, within the bound"


@dataclass(frozen=True)
class Outcome:
    """What came of one program.

    kind: "agrees", "differs", "no statement" where there is none to compare, or "fails" where something is raised that
    should not be. share: the largest distance of two gradients, as a share of what is allowed. detail: in words.

    Where two values tie, the tape takes one side, and speaks if the other is no further away than rounding in the dtype
    under test: the share is then that of the bound, and the detail is TIE.
    """

    kind: str
    share: float = 0.0
    detail: str = ""


Judge = Callable[[Program], Outcome]


def judge(compare: Judge) -> Judge:
    """The comparison, with an outcome for whatever it raises."""

    def judged(program: Program) -> Outcome:
        try:
            return compare(program)
        except NoPrecision as reason:
            return Outcome("no statement", detail=str(reason))
        except Exception:
            return Outcome("fails", detail=traceback.format_exc(limit=-4))

    return judged


@judge
def exactly(program: Program) -> Outcome:
    """The tape's gradient against the exact one, on either side: within the tape's own error."""
    known, slopes = reference(program.problem, program.point), exact(program)
    both = (slopes.right, slopes.left)
    share, detail = max(distance(known.gradients, side, own_error(known, program.dtype)) for side in both), ""
    if share > 1 and run(program.problem, program.point, side=1)[1]:
        share, detail = max(distance(known.gradients, side, known.bounds) for side in both), TIE
    return within(share, detail)


@judge
def in_pytorch(program: Program) -> Outcome:
    """PyTorch's gradient in the dtype under test against the tape's: within the bound, as correct code."""
    from tests.fuzz.in_torch import gradients  # PyTorch is optional

    known, claimed = reference(program.problem, program.point), gradients(program)
    if not all(np.all(np.isfinite(gradient)) for gradient in claimed.values()):
        return Outcome("no statement", detail="PyTorch's gradient is not finite here")
    return within(distance(claimed, known.gradients, known.bounds))


def within(share: float, detail: str = "") -> Outcome:
    if share <= 1:
        return Outcome("agrees", share, detail)
    return Outcome("differs", share, f"the gradients are {share:.3g} times what is allowed apart")


def distance(gradients: Mapping[str, Any], exact: Mapping[str, Any], room: Mapping[str, Any]) -> float:
    """The largest distance of two gradients, as a share of ``room`` by entry and of rounding to long double."""
    worst = 0.0
    for name, slope in exact.items():
        allowed = room[name] + np.finfo(Long).eps * np.abs(slope) + NOISE
        worst = max(worst, float(np.max(np.abs(gradients[name] - slope) / allowed)))
    return worst
