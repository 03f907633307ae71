"""``torch.autograd.gradcheck`` with its defaults: step 1e-6, atol 1e-5, rtol 1e-3; slow, and in its fast mode.

The NumPy code is what a ``torch.autograd.Function`` calls. Of a layer the whole Jacobian is checked. float32 points are
float32 tensors, of which it warns.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.power.checkers.checker import Case, Peer


class Gradcheck(Peer):
    """Every entry by central differences; in fast mode one random combination of them."""

    distribution = "torch"

    def __init__(self, *, fast: bool) -> None:
        self.fast, self.name = fast, "torch fast mode" if fast else "torch gradcheck"

    def agrees(self, case: Case) -> bool:
        import torch

        params = [torch.from_numpy(array).requires_grad_() for array in case.arrays]
        return torch.autograd.gradcheck(function_of(torch, case), params, fast_mode=self.fast)


def function_of(torch: Any, case: Case) -> Any:
    """The case as a function of tensors, which share their memory with the arrays that the code gets and returns."""

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *params: Any) -> Any:
            ctx.save_for_backward(*params)
            return torch.tensor(case.forward(*(param.numpy() for param in params)))

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> Any:
            gradients = case.backward(upstream.numpy(), *(param.numpy() for param in ctx.saved_tensors))
            return tuple(torch.from_numpy(np.asarray(gradient, order="C")) for gradient in gradients)

    return Function.apply
