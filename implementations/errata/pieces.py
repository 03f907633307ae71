"""Backpropagation through time in pieces, so that a mistake is what replaces one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from implementations.recurrent import Network


@dataclass(frozen=True)
class Pieces(Network):
    """The backward pass in pieces that can be replaced one by one; t is a step, 1..T."""

    def backward(self, nabla_y: Any, cache: Any) -> Any:
        T, sums, nablas, carry = len(cache.x), {}, [], np.zeros_like(cache.h[0])
        for t in range(T, 0, -1):
            nabla_h = self.reached(nabla_y, t, cache) + carry
            delta = self.slope(t, cache) * nabla_h
            terms = {
                "W": np.outer(self.summed(delta, nabla_h), self.before(t, cache)),
                "U": np.outer(self.summed(delta, nabla_h), self.input(t, cache)),
                "b": self.summed(delta, nabla_h).copy(),
                "V": np.outer(nabla_y[t - 1], self.state(t, cache)),
                "c": np.array(nabla_y[t - 1]),
            }
            for name, term in terms.items():
                sums[name] = self.add(name, sums.get(name, np.zeros_like(term)), term, t, T)
            carry = self.carried(delta, nabla_h, t, cache, nabla_y)
            nablas.append(nabla_h)
        gradients = {**sums, "h0": carry, "eps": np.stack(nablas[::-1])}
        return self.finished({name: g for name, g in gradients.items() if name in cache.params}, nabla_y, cache)

    def reached(self, nabla_y: Any, t: int, cache: Any) -> Any:
        """What step t's own output sends to h[t]."""
        return cache.params["V"].T @ nabla_y[t - 1]

    def slope(self, t: int, cache: Any) -> Any:
        return cache.slope[t - 1]

    def summed(self, delta: Any, nabla_h: Any) -> Any:
        """What is multiplied into the terms of the sums for W, U, b."""
        return delta

    def before(self, t: int, cache: Any) -> Any:
        return cache.h[t - 1]

    def state(self, t: int, cache: Any) -> Any:
        return cache.h[t]

    def input(self, t: int, cache: Any) -> Any:
        return cache.x[t - 1]

    def add(self, name: str, total: Any, term: Any, t: int, T: int) -> Any:
        return total + term

    def carried(self, delta: Any, nabla_h: Any, t: int, cache: Any, nabla_y: Any) -> Any:
        """What h[t - 1] gets through h[t]."""
        return cache.params["W"].T @ delta

    def finished(self, gradients: Any, nabla_y: Any, cache: Any) -> Any:
        return gradients


def with_network(code: Any, change: Callable[[Network], Network]) -> Any:
    """The same gradients over another network: it lies at the bottom of whatever is around it."""
    if isinstance(code, Network):
        return change(code)
    inner = "network" if hasattr(code, "network") else "one"
    return replace(code, **{inner: with_network(getattr(code, inner), change)})
