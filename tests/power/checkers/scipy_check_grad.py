"""``scipy.optimize.check_grad`` with its defaults: the norm of the difference to one-sided differences, step 1.5e-8.

Which norm is small enough its documentation does not say; test suites that use it ask for 1e-7 to 1e-5. The largest is
taken, of the gradient's own norm where that is above 1, for which it rejects least of the right code. The parameters
are one vector, and of a layer it checks <upstream, output>. It differences in float64, also float32 points.
"""

from __future__ import annotations

import numpy as np

from tests.power.checkers.checker import Array, Case, Peer

ALLOWED = 1e-5


class CheckGrad(Peer):
    """Every entry of the vector."""

    name = "scipy check_grad"
    distribution = "scipy"

    def agrees(self, case: Case) -> bool:
        from scipy.optimize import check_grad

        arrays = case.arrays
        ends = np.cumsum([array.size for array in arrays])[:-1]

        def parts(vector: Array) -> list[Array]:
            return [part.reshape(a.shape) for part, a in zip(np.split(vector, ends), arrays, strict=True)]

        def gradient(vector: Array) -> Array:
            return flat(case.gradients(*parts(vector)))

        point = flat(arrays)
        error = check_grad(lambda vector: case.scalar(*parts(vector)), gradient, point)
        return bool(error <= ALLOWED * max(1.0, np.linalg.norm(gradient(point))))


def flat(arrays: list[Array]) -> Array:
    return np.concatenate([array.ravel() for array in arrays])
