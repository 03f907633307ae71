"""The scalar function of the parameters that every oracle differentiates, whatever arithmetic it runs in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradproof.duck import DuckArray
from gradproof.errors import InvalidProblem
from gradproof.problem import Point, Problem


def objective(
    problem: Problem, point: Point, data: Any = None, params: Mapping[str, Any] | None = None
) -> Callable[[Mapping[str, Any]], Any]:
    """The loss at ``point`` as a function of its parameters; for a layer <upstream, output>.

    data, params: the point's own, in the caller's arithmetic; None takes them as they are. Frozen values are computed
    from them here, once. The function raises InvalidProblem when the loss returns anything but a real scalar.
    """
    data = point.data if data is None else data
    if problem.frozen is not None:
        held = problem.frozen(dict(point.params if params is None else params), dict(data))
        data = {**data, **{name: detached(value) for name, value in held.items()}}

    def of_loss(params: Mapping[str, Any]) -> Any:
        assert problem.loss is not None
        return scalar(problem, problem.loss(dict(params), dict(data)))

    def of_layer(params: Mapping[str, Any]) -> Any:
        assert problem.output is not None
        parts = leaves(problem.output(dict(params), dict(data)))
        return sum(np.sum(u * part) for u, part in zip(leaves(point.upstream), parts, strict=True))

    return of_layer if problem.is_layer else of_loss


def detached(value: Any) -> Any:
    """A value as a constant: a duck array forgets how it came about."""
    return value.detached() if isinstance(value, DuckArray) else value


def scalar(problem: Problem, value: Any) -> Any:
    if value is None:
        raise InvalidProblem(f"{problem.name}: the loss returned None; it must return a scalar")
    if isinstance(value, bool | str | bytes | list | tuple | dict | set) or not hasattr(value, "__add__"):
        raise InvalidProblem(f"{problem.name}: the loss returned a {type(value).__name__}; it must return a scalar")
    if np.shape(value) != ():
        raise InvalidProblem(
            f"{problem.name}: the loss returned an array of shape {np.shape(value)}; "
            "it must return a scalar (np.sum or np.mean?)"
        )
    return value


def leaves(structure: Any) -> Sequence[Any]:
    """The arrays of an output: itself, or the parts of a tuple, list or dict in order."""
    if isinstance(structure, Mapping):
        return list(structure.values())
    return list(structure) if isinstance(structure, tuple | list) else [structure]


def like(structure: Any, parts: Sequence[Any]) -> Any:
    """``parts`` in the structure of an output: the inverse of ``leaves``."""
    if isinstance(structure, Mapping):
        return dict(zip(structure, parts, strict=True))
    return type(structure)(parts) if isinstance(structure, tuple | list) else parts[0]
