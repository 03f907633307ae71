"""The layer's passes over the steps, in PyTorch operations and without autograd: what ``in_torch`` is made of.

The rows of all steps lie one below the other, as in a PackedSequence: each step has the rows of the sequences that are
that long, in the same order. At small sizes an operation costs what calling it costs, about a microsecond: so there are
two of them a step in either direction, both in place, and all else is done for all steps at once. At large sizes memory
costs more than arithmetic: so backwards "all" is a chunk of steps that stays in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any

Tensor = Any

CHUNK = 2**20
"""Bytes of states in a chunk: with their slopes and what flows back they fit into a core's cache."""

SLOPE_AT: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": lambda h: h.new_ones(()).addcmul(h, h, value=-1),
    "sigmoid": lambda h: h.neg().add_(1).mul_(h),
    "relu": lambda h: h.sign(),
}
"""phi' as a function of the value of phi."""


@dataclass(frozen=True)
class Steps:
    """How rows are divided into steps.

    sizes: how many rows each has, never more than the one before, and 0 at the end. starts: the first row of each.
    """

    sizes: Sequence[int]
    starts: Sequence[int]
    are_equal: bool
    are_vectors: bool
    """Whether there is one sequence only: a step is then a vector, and its products are with a vector."""

    @classmethod
    def of(cls, sizes: Sequence[int]) -> Steps:
        return cls((*sizes, 0), (0, *accumulate(sizes)), sizes[0] == sizes[-1], sizes[0] == 1)

    @staticmethod
    @lru_cache
    def equal(T: int, B: int) -> Steps:
        """T steps of B rows."""
        return Steps.of((B,) * T)

    def chunks(self, bytes_of_row: int) -> Sequence[tuple[int, int]]:
        """The first step of each chunk, and the step after its last."""
        T, length = len(self.sizes) - 1, max(1, CHUNK // max(1, self.sizes[0] * bytes_of_row))
        return [(first, min(first + length, T)) for first in range(0, T, length)]

    def rows(self, of: Tensor, first: int, last: int) -> Tensor:
        """The rows of the steps from ``first`` to before ``last``; so in all that follows."""
        return of if last - first == len(self.sizes) - 1 else of[self.starts[first] : self.starts[last]]

    def each(self, rows: Tensor, first: int, last: int) -> Sequence[Tensor]:
        """The rows of these steps, step by step: views (B, n), or (n,) where the steps are vectors."""
        if self.are_vectors:
            return rows.unbind(0)
        if self.are_equal:
            return rows.view(last - first, self.sizes[0], rows.shape[1]).unbind(0)
        return rows.split(self.sizes[first:last])

    def going_on(self, each: Sequence[Tensor], first: int) -> Sequence[Tensor]:
        """Of each step, the first of which is ``first``, the rows whose sequence has a further step."""
        if self.are_equal:
            return each
        return [rows[:size] for rows, size in zip(each, self.sizes[first + 1 :], strict=False)]

    def last_rows(self) -> list[int]:
        """The row of each sequence's last step. Those that end later come first."""
        T = len(self.sizes) - 1
        return [self.starts[t] + k for t in reversed(range(T)) for k in range(self.sizes[t + 1], self.sizes[t])]

    def before(self, h: Tensor, h0: Tensor, first: int, last: int) -> Tensor:
        """The state before, for each row of these steps."""
        import torch

        inside = range(max(first, 1), last)
        if self.are_equal:
            earlier = [h[self.starts[inside.start - 1] : self.starts[last - 1]]]
        else:
            earlier = [h[self.starts[t - 1] : self.starts[t - 1] + self.sizes[t]] for t in inside]
        parts = earlier if first else [h0, *earlier]
        return parts[0] if len(parts) == 1 else torch.cat(parts)


def states(x: Tensor, hx: Tensor, W: Tensor, U: Tensor, b: Tensor | None, nonlinearity: str, steps: Steps) -> Tensor:
    """phi(W h[t-1] + U x[t] + b) for every row of x (..., d), as (..., n); hx (1, B, n), W (n, n), U (n, d), b (n,)."""
    import torch

    h = x.new_empty((*x.shape[:-1], len(W)))
    x, rows = x.reshape(-1, x.shape[-1]), h.view(-1, len(W))
    if b is None:
        torch.mm(x, U.t(), out=rows)
    else:
        torch.addmm(b, x, U.t(), out=rows)
    each = steps.each(rows, 0, len(steps.sizes) - 1)
    add_product, phi = product_with(W, steps), getattr(torch.Tensor, f"{nonlinearity}_")
    befores = (hx[0, 0] if steps.are_vectors else hx[0], *steps.going_on(each, 0))
    for h_t, before in zip(each, befores, strict=False):
        add_product(h_t, before)
        phi(h_t)
    return h


def gradients(
    nabla_h: Tensor,
    x: Tensor,
    hx: Tensor,
    W: Tensor,
    U: Tensor,
    h: Tensor,
    nonlinearity: str,
    steps: Steps,
    wanted: Sequence[bool],
) -> tuple[Tensor | None, ...]:
    """The gradients by x, hx, W, U and b, None for those that are not wanted.

    nabla_h (..., n): the derivative of the loss by every state as the layer's output. h: the states themselves, and the
    rest what they were computed from.
    """
    import torch

    of_x, of_hx, of_W, of_U, of_b = wanted
    nabla_x = x.new_empty(x.shape) if of_x else None
    nabla_W = nabla_U = nabla_b = later = None
    x, h, nabla_h = x.reshape(-1, x.shape[-1]), h.view(-1, len(W)), nabla_h.reshape(-1, len(W))
    add_product, slope_at = product_with(W.t(), steps), SLOPE_AT[nonlinearity]
    for first, last in reversed(steps.chunks(len(W) * h.element_size())):
        with torch.inference_mode():  # nothing made here is handed out, so views need not be tracked
            delta, slope = steps.rows(nabla_h, first, last).clone(), slope_at(steps.rows(h, first, last))
            deltas, slopes = steps.each(delta, first, last), steps.each(slope, first, last)
            reached = steps.going_on(deltas, first)
            for delta_t, reached_t, slope_t in zip(reversed(deltas), reversed(reached), reversed(slopes), strict=True):
                if later is not None:
                    add_product(reached_t, later)
                later = delta_t.mul_(slope_t)
        delta_T = delta.t()
        if of_W:
            nabla_W = plus(nabla_W, delta_T, steps.before(h, hx[0], first, last))
        if of_U:
            nabla_U = plus(nabla_U, delta_T, steps.rows(x, first, last))
        if of_b:
            nabla_b = delta.sum(0) if nabla_b is None else nabla_b.add_(delta.sum(0))
        if of_x:
            torch.mm(delta, U, out=steps.rows(nabla_x.view(x.shape), first, last))
    nabla_hx = delta[None, : hx.shape[1]] @ W if of_hx else None
    return nabla_x, nabla_hx, nabla_W, nabla_U, nabla_b


def plus(total: Tensor | None, a: Tensor, b: Tensor) -> Tensor:
    """total + a b"""
    return a.mm(b) if total is None else total.addmm_(a, b)


def product_with(W: Tensor, steps: Steps) -> Callable[[Tensor, Tensor], Any]:
    """add(to, h): to += W h where the steps are vectors, and the same for every row where they are not."""
    if steps.are_vectors:
        return lambda to, h: to.addmv_(W, h)
    WT = spread(W).t()  # as the second factor a transposed matrix is the faster one
    return lambda to, h: to.addmm_(h, WT)


def spread(W: Tensor) -> Tensor:
    """A copy whose rows are no power of two apart: those would compete for the same places in the cache."""
    n = len(W)
    return W.new_empty(n, n + 8)[:, :n].copy_(W)
