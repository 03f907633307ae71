"""The one criterion: every entry of a claim within the bound of the reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gradproof.bound import Reference
from gradproof.candidate import as_loss, shown
from gradproof.conduct import Claim, same_bits
from gradproof.problem import Point, Problem
from gradproof.verdict import ErrorMap, Finding

SHARP = 1e-2
"""A point can judge a parameter when its bound is below this share of the parameter's largest gradient entry."""

MAPPED = 400
"""The largest number of entries whose errors a finding keeps one by one."""


def compare(problem: Problem, point: Point, known: Reference, claim: Claim) -> Iterator[Finding]:
    """What is wrong with the values a claim holds."""
    if claim.has_forward and claim.gradients:
        yield from compare_loss(problem, point, known, claim.value)
    for name, claimed in claim.gradients.items():
        exact, bound = known.gradients[name], known.bounds[name]
        finite = np.isfinite(claimed)
        if not np.all(finite):
            index = first(~finite)
            detail = f"{np.sum(~finite)} of {claimed.size} entries of the gradient of {name} are not finite"
            numbers = (float(claimed[index]), float(exact[index]))
            errors = error_map(shares(claimed, exact, bound))
            yield Finding("non-finite", point.place, detail, name, index, *numbers, errors=errors)
        elif np.any(np.abs(claimed - exact) > bound):
            yield wrong_value(point, name, claimed, exact, bound)


def wrong_value(point: Point, name: str, claimed: Any, exact: Any, bound: Any) -> Finding:
    """The entry that is furthest off, in units of its bound."""
    error, ratio = np.abs(claimed - exact), shares(claimed, exact, bound)
    index = first(ratio == np.max(ratio))
    detail = f"the gradient of {name} is wrong in {np.sum(error > bound)} of {claimed.size} entries"
    numbers = (float(claimed[index]), float(exact[index]), float(error[index]), float(bound[index]))
    return Finding("value", point.place, detail, name, index, *numbers, errors=error_map(ratio))


def shares(claimed: Any, exact: Any, bound: Any) -> Any:
    """The error of each entry in units of its bound: infinite where the quotient overflows."""
    with np.errstate(all="ignore"):
        return np.abs(claimed - exact) / np.maximum(bound, np.finfo(np.longdouble).tiny)


def error_map(ratio: Any) -> ErrorMap:
    with np.errstate(over="ignore"):  # what is too large for a float becomes infinite
        return ErrorMap(ratio.shape, ratio.astype(float).tolist() if ratio.size <= MAPPED else None)


def compare_loss(problem: Problem, point: Point, known: Reference, value: Any) -> Iterator[Finding]:
    what = "output" if problem.is_layer else "loss"
    loss = as_loss(problem, point, value)
    if loss is None:
        yield Finding("loss", point.place, f"the forward pass does not return the {what}, but {shown(value)}")
    elif not abs(loss - known.loss) <= known.loss_bound:
        numbers = (float(loss), float(known.loss), float(abs(loss - known.loss)), float(known.loss_bound))
        yield Finding("loss", point.place, f"the forward pass returns another {what}", None, None, *numbers)


def unmoved(claim: Claim) -> list[str]:
    """Parameters whose gradient is the same, bit for bit, on other values."""
    return [name for name, g in claim.gradients.items() if same_bits(g, claim.elsewhere.get(name, np.empty(0)))]


def forgotten(point: Point, there: Reference, claim: Claim) -> Iterator[Finding]:
    """Gradients that stayed the same on other values and are wrong there; ``there`` is the reference for those."""
    for name in unmoved(claim):
        if np.any(np.abs(claim.elsewhere[name] - there.gradients[name]) > there.bounds[name]):
            detail = f"the gradient of {name} stays what it was when all values change"
            yield Finding("stale", point.place, detail, name)


def sharp(known: Reference) -> set[str]:
    """Parameters a point can judge: its gradient is not zero, and the arithmetic leaves less room than SHARP of it."""
    return {
        name for name, exact in known.gradients.items() if np.max(known.bounds[name]) < SHARP * np.max(np.abs(exact))
    }


def first(mask: Any) -> tuple[int, ...]:
    return tuple(int(k) for k in np.argwhere(mask)[0])
