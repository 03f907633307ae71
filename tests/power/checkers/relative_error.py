"""The check that courses teach: central differences, step 1e-5, and the relative error |a - n| / max(|a| + |n|, 1e-8).

The notes of Stanford's CS231n are content below 1e-7, and at a kink below 1e-4. The second is taken: with the first
more of the right code is rejected, and hardly more of the wrong. Of a layer it checks <upstream, output>. It moves
parameters in place, in their own dtype.
"""

from __future__ import annotations

import numpy as np

from tests.power.checkers.checker import Array, Case, Peer

STEP = 1e-5
SMALL = 1e-8
ALLOWED = 1e-4


class RelativeError(Peer):
    """Every entry of every parameter; it needs NumPy, and no package of its own."""

    name = "relative error"
    distribution = "numpy"

    def agrees(self, case: Case) -> bool:
        claimed = case.gradients(*case.arrays)
        pairs = zip(claimed, (differences(case, array) for array in case.arrays), strict=True)
        return all(np.max(relative_error(gradient, numerical)) <= ALLOWED for gradient, numerical in pairs)


def relative_error(a: Array, n: Array) -> Array:
    return np.abs(a - n) / np.maximum(SMALL, np.abs(a) + np.abs(n))


def differences(case: Case, array: Array) -> Array:
    """The derivative of the scalar for every entry of one of the case's arrays, which is moved and put back."""
    derivative = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        value = array[index]
        array[index] = value + STEP
        above = case.scalar(*case.arrays)
        array[index] = value - STEP
        below = case.scalar(*case.arrays)
        array[index] = value
        derivative[index] = (above - below) / (2 * STEP)
    return derivative
