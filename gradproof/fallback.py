"""A reference for losses the tape cannot follow: another oracle's gradient, and a bound that is assumed."""

from __future__ import annotations

import numpy as np

from gradproof.bound import Reference, allowance
from gradproof.errors import CannotTrace, NoPrecision, NotRun
from gradproof.objective import objective
from gradproof.oracles import all_oracles
from gradproof.problem import Point, Problem

SLACK = 2.0**10
"""Units of u, of the largest gradient entry and of the loss, that a correct program may be off where nobody counted."""


def assumed_reference(problem: Problem, point: Point) -> Reference:
    """The gradient by the first oracle that can, most exact first. Raises NoPrecision when none can."""
    reasons = []
    with np.errstate(all="ignore"):
        loss = np.longdouble(objective(problem, point)(point.params))
    for name in ("complex step", "autograd", "central diff"):
        try:
            found = all_oracles()[name].estimate(problem, point, None)
        except (NotRun, CannotTrace) as reason:
            reasons.append(f"{name}: {reason}")
            continue
        if not found.gradients:
            reasons.append(f"{name}: too many parameters")
            continue
        largest = max(float(np.max(np.abs(g))) for g in found.gradients.values())
        room = SLACK * allowance(point.dtype) * (largest + abs(float(loss)) + float(np.finfo(point.dtype).tiny))
        bounds = {key: found.errors[key] + room for key in found.gradients}
        return Reference(loss, room, found.gradients, bounds, frozenset(), computed=False, source=name)
    raise NoPrecision("no oracle can run: " + "; ".join(reasons))
