"""``jax.test_util.check_grads`` with its defaults: step 1e-4, tolerance 1e-5 in float64 and 2e-3 in float32.

The NumPy code is what a ``jax.custom_vjp`` calls back. It is checked along one random direction, which is always the
same. Code that writes into its arguments cannot: JAX hands out arrays that are read-only.
"""

from __future__ import annotations

import functools
import logging
from typing import Any

import numpy as np

from tests.power.checkers.checker import Array, Case, Peer


class CheckGrads(Peer):
    """Reverse mode, first order, in 64 bits where the point has them."""

    name = "jax check_grads"
    distribution = "jax"

    def agrees(self, case: Case) -> bool:
        import jax
        from jax.test_util import check_grads

        logging.getLogger("jax").setLevel(logging.CRITICAL)  # that the code raises is an answer, and no news
        HOST.case = case
        with jax.enable_x64(True):
            check_grads(function(), case.arrays, order=1, modes=["rev"])
        return True


class Host:
    """The case that is called back. JAX compiles for each function anew, so these two serve all cases."""

    case: Case

    def forward(self, *arrays: Any) -> Array:
        return self.case.forward(*map(np.asarray, arrays))

    def backward(self, *arrays: Any) -> list[Array]:
        return self.case.backward(*map(np.asarray, arrays))


HOST = Host()


@functools.cache
def function() -> Any:
    """The host's case as a function of JAX's arrays."""
    import jax

    def like(array: Any) -> Any:
        return jax.ShapeDtypeStruct(array.shape, array.dtype)

    @jax.custom_vjp
    def function(*params: Any) -> Any:
        return jax.pure_callback(HOST.forward, like(HOST.case.forward(*HOST.case.arrays)), *params)

    def forward(*params: Any) -> Any:
        return function(*params), params

    def backward(params: Any, upstream: Any) -> Any:
        return tuple(jax.pure_callback(HOST.backward, list(map(like, params)), upstream, *params))

    function.defvjp(forward, backward)
    return function
