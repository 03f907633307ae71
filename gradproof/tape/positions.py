"""Where the largest and the smallest entries are: plain positions, with their ties decided like a kink's.

A loss may pick entries by position (max pooling, a median by np.argsort). Of two entries that are equal, or too close
to tell, either may come first: which one is ``tape.side``'s, and the tie is noted, as np.max notes its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradproof.tape.arrays import OPERATIONS, Array, Node, Tape


def ranked(tape: Tape, x: Node, axis: int, sign: int, operation: str) -> Array:
    """The positions along an axis by ``sign`` times their value, smallest first; equal ones in NumPy's order or not."""
    order = np.argsort(sign * x.value, axis=axis, kind="stable")
    value, error = (np.take_along_axis(array, order, axis) for array in (sign * x.value, x.error))
    near = np.diff(value, axis=axis) <= tape.u * (np.delete(error, 0, axis) + np.delete(error, -1, axis))
    if not np.any(near):
        return order
    tape.kinks.append(operation)
    tied = np.insert(np.cumsum(~near, axis=axis), 0, 0, axis=axis)  # the same number for all that are too close to tell
    return np.take_along_axis(order, np.lexsort((tape.side * order, tied), axis=axis), axis)


def first(tape: Tape, a: Any, axis: int | None, keepdims: bool, sign: int, operation: str) -> Any:
    """The position of the first of the best entries, in the whole array where ``axis`` is None."""
    x = tape.lift(a)
    if axis is None or not x.value.ndim:
        flat = Node(np.ravel(x.value), np.ravel(x.error), [])
        place = ranked(tape, flat, 0, sign, operation)[0]
        return place.reshape((1,) * x.value.ndim) if keepdims else place
    best = np.take(ranked(tape, x, axis, sign, operation), [0], axis=axis)
    return best if keepdims else np.squeeze(best, axis)[()]


def argmax(tape: Tape, a: Any, axis: int | None = None, out: None = None, *, keepdims: bool = False) -> Any:
    return first(tape, a, axis, keepdims, -1, "np.argmax")


def argmin(tape: Tape, a: Any, axis: int | None = None, out: None = None, *, keepdims: bool = False) -> Any:
    return first(tape, a, axis, keepdims, 1, "np.argmin")


def argsort(
    tape: Tape, a: Any, axis: int | None = -1, kind: Any = None, order: None = None, *, stable: Any = None
) -> Array:
    x = tape.lift(a)
    if axis is None or not x.value.ndim:
        x, axis = Node(np.ravel(x.value), np.ravel(x.error), []), 0
    return ranked(tape, x, axis, 1, "np.argsort")


OPERATIONS |= {np.argmax: argmax, np.argmin: argmin, np.argsort: argsort}
