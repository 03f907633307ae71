"""Outer products that come back to a parameter, one from each step of a loop: added up together, as matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from gradproof.tape.arrays import Node, Tape

Array = np.ndarray

AT_ONCE = 2**16
"""Entries of outer products that are held at once."""


@dataclass(frozen=True)
class Outer:
    """The outer product of a result's adjoint (n,), with its bound, and another operand's value (m,).

    turned: whether it is the one of the value and the adjoint, (m, n).
    """

    adjoint: Array
    bound: Array
    other: Node
    turned: bool


def added_up(tape: Tape, outers: Sequence[Outer]) -> tuple[Array, Array]:
    """The sum of outer products that are all turned or all not, and its bound: as if they came one after the other."""
    adjoints, bounds = np.array([o.adjoint for o in outers]), np.array([o.bound for o in outers])
    values = np.array([o.other.value for o in outers])
    sizes = np.abs(values)
    if all(o.other.exact for o in outers):
        bound = np.dot((bounds + np.abs(adjoints)).T, sizes)
    else:
        errors = np.array([o.other.error for o in outers])
        bound = np.dot(bounds.T, sizes + tape.u * errors) + np.dot(np.abs(adjoints).T, errors + sizes)
    adjoint = np.dot(adjoints.T, values)
    bound = bound + partial_sums(adjoints, values) + len(outers) * tape.underflow
    return (adjoint.T, bound.T) if outers[0].turned else (adjoint, bound)


def partial_sums(first: Array, second: Array) -> Any:
    """What adding the outer products of the rows up in turn may cost: the sizes of all sums on the way."""
    running, total = first[0, :, None] * second[0], np.zeros((first.shape[1], second.shape[1]), first.dtype)
    steps = max(1, AT_ONCE // max(1, total.size))
    for start in range(1, len(first), steps):
        sums = first[start : start + steps, :, None] * second[start : start + steps, None, :]
        sums[0] += running
        np.add.accumulate(sums, axis=0, out=sums)
        running = sums[-1].copy()
        total += np.abs(sums, out=sums).sum(axis=0)
    return total
