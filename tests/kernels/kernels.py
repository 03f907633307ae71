"""Every kernel by name, and how one becomes code under test."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from implementations.kernels import clear, fast
from tests.kernels.catalogue import Call

PLANS = {f"fast, {name}": plan for name, plan in fast.FAST_PLANS.items()}
"""The plans of the fast kernel, which its sizes choose from: each is held against every point."""

KERNELS: dict[str, Any] = {
    "clear": clear.rnn_gradients,
    "fast": fast.rnn_gradients,
    **PLANS,
    "compiled": ("numba", "implementations.kernels.compiled"),
    "torch": ("torch", "tests.kernels.through_torch"),
}


def kernel_named(name: str) -> Callable[..., Any]:
    """The kernel; the test is skipped, with the reason, where the package it needs is missing."""
    kernel = KERNELS[name]
    if not isinstance(kernel, tuple):
        return kernel
    package, module = kernel
    pytest.importorskip(package, reason=f"the kernel needs {package}")
    return importlib.import_module(module).rnn_gradients


@dataclass(frozen=True)
class Candidate:
    """A kernel with the way from a point's data to its arguments: its loss and its gradients are both checked.

    A kernel computes both in one pass, so the forward pass here is the whole call.
    """

    kernel: Callable[..., Any]
    call: Callable[[Any], Call]

    def forward(self, params: Any, data: Any) -> tuple[Any, Any]:
        x, target, options = self.call(data)
        return self.kernel(params, x, target, **options)

    def backward(self, params: Any, data: Any, cache: Any) -> Any:
        return cache
