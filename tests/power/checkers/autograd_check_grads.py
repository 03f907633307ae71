"""``autograd.test_util.check_grads`` of HIPS autograd with its defaults: step 1e-6, absolute or relative error 1e-6.

The NumPy code is the backward pass of a ``primitive``. By default only the first argument would be checked; all are.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from tests.power.checkers.checker import Case, Peer


class CheckGrads(Peer):
    """Reverse mode, first order, along one random direction."""

    name = "autograd check_grads"
    distribution = "autograd"

    def agrees(self, case: Case) -> bool:
        from autograd.test_util import check_grads

        arrays = case.arrays
        numbers = tuple(range(1, len(arrays) + 1))
        state = np.random.get_state()  # noqa: NPY002  # its directions come from the global generator
        np.random.seed(0)  # noqa: NPY002
        try:
            check_grads(primitive(), argnum=numbers, modes=["rev"], order=1)(case, *arrays)
        finally:
            np.random.set_state(state)  # noqa: NPY002
        return True


@functools.cache
def primitive() -> Any:
    """A function of a case and its parameters. There is one for all cases, for autograd forgets none."""
    from autograd.extend import defvjp_argnums, primitive

    @primitive
    def forward(case: Case, *arrays: Any) -> Any:
        return case.forward(*arrays)

    def backward(numbers: Any, value: Any, args: Any, kwargs: Any) -> Any:
        case, *arrays = args
        return lambda upstream: [case.backward(upstream, *arrays)[number - 1] for number in numbers]

    defvjp_argnums(forward, backward)
    return forward
