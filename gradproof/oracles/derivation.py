"""The proved formula itself, run in long double: independent of every program that computes the gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gradproof.bound import Reference, is_float, own_error
from gradproof.errors import NotRun
from gradproof.oracles.base import Estimate
from gradproof.problem import Point, Problem


class DerivationOracle:
    name = "derivation"
    short = "form"
    order = 0
    entries = 10**9
    points = None

    def estimate(self, problem: Problem, point: Point, known: Reference | None) -> Estimate:
        if problem.derived is None:
            raise NotRun("the problem has no derivation")
        params = {name: np.asarray(value, np.longdouble) for name, value in point.params.items()}
        data = {
            name: np.asarray(value, np.longdouble) if is_float(value) else value for name, value in point.data.items()
        }
        gradients = problem.derived(params, data, point.upstream)
        if not all(np.all(np.isfinite(gradient)) for gradient in gradients.values()):
            raise NotRun("the proved formula is not finite in long double here")
        return Estimate(gradients, errors(known, point, gradients))


def errors(known: Reference | None, point: Point, gradients: Mapping[str, Any]) -> Mapping[str, Any]:
    """Twice the reference's own error: another correct program in long double, in another order of evaluation."""
    if known is None or not known.computed:
        return {name: np.zeros(gradient.shape, np.longdouble) for name, gradient in gradients.items()}
    return {name: 2 * error for name, error in own_error(known, point.dtype).items()}


ORACLE = DerivationOracle()
