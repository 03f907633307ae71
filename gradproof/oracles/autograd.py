"""PyTorch's autograd in float64 on the problem's ``autograd_loss``: the reference most people know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gradproof.bound import Reference
from gradproof.errors import NotRun
from gradproof.objective import leaves
from gradproof.oracles.base import Estimate
from gradproof.problem import Point, Problem


class AutogradOracle:
    """Autograd through the problem's function of one name: ``autograd_loss``, or ``autograd_kernel``."""

    entries = 10**9
    points = None

    def __init__(self, name: str, short: str, order: int, role: str) -> None:
        self.name, self.short, self.order, self.role = name, short, order, role

    def estimate(self, problem: Problem, point: Point, known: Reference | None) -> Estimate:
        forward = getattr(problem, self.role)
        if forward is None:
            raise NotRun(f"the problem has no {self.role}")
        try:
            import torch
        except ImportError as missing:
            raise NotRun("PyTorch is not installed") from missing
        params = {
            name: torch.tensor(np.asarray(value, np.float64), requires_grad=True)
            for name, value in point.params.items()
        }
        data = {name: as_tensor(torch, value) for name, value in point.data.items()}
        try:
            result = forward(dict(params), data)
        except Exception as error:  # somebody else's code: it says nothing here, but other oracles may
            raise NotRun(f"{self.role} raised {type(error).__name__}: {error}") from error
        if problem.is_layer:
            pairs = zip(leaves(point.upstream), leaves(result), strict=True)
            result = sum((torch.as_tensor(np.asarray(u, np.float64)) * part).sum() for u, part in pairs)
        if not torch.is_tensor(result) or result.shape != ():
            raise NotRun(f"{self.role} returned {type(result).__name__}, not a 0-d tensor")
        result.backward()
        gradients = {
            name: np.zeros(p.shape, np.longdouble) if p.grad is None else p.grad.numpy().astype(np.longdouble)
            for name, p in params.items()
        }
        if not all(np.all(np.isfinite(g)) for g in gradients.values()):
            raise NotRun("autograd's gradient is not finite here")
        return Estimate(gradients, errors(known, point, gradients))


def errors(known: Reference | None, point: Point, gradients: Mapping[str, Any]) -> Mapping[str, Any]:
    """A float64 program's share of the tape's bound; nothing where there is no tape to say."""
    if known is not None and known.computed:
        return known.bounds_in(np.float64, point.dtype)
    return {name: np.zeros(g.shape, np.longdouble) for name, g in gradients.items()}


def as_tensor(torch: Any, value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        return torch.tensor(value.astype(np.float64) if value.dtype.kind == "f" else value.astype(np.int64))
    return torch.tensor(float(value), dtype=torch.float64) if isinstance(value, float | np.floating) else value


ORACLE = AutogradOracle("autograd", "auto", 4, "autograd_loss")
