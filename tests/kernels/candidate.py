"""A kernel as code under test: its loss and its gradients are both checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Call = Callable[[Any], tuple[Any, Any, dict[str, Any]]]


@dataclass(frozen=True)
class Candidate:
    """A kernel's ``rnn_gradients`` with the way from a point's data to its arguments.

    A kernel computes both in one pass, so the forward pass here is the whole call.
    """

    kernel: Callable[..., Any]
    call: Call

    def forward(self, params: Any, data: Any) -> tuple[Any, Any]:
        x, target, options = self.call(data)
        return self.kernel(params, x, target, **options)

    def backward(self, params: Any, data: Any, cache: Any) -> Any:
        return cache
