"""The code under test behind one face, whether it is a function or an object with forward and backward."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradproof.convention import is_two_passes, overlap, value_and_cache
from gradproof.errors import InvalidProblem
from gradproof.objective import leaves
from gradproof.problem import Point, Problem
from gradproof.provenance import Code, code_of


class Crashed(Exception):
    """The code under test raised ``cause``, or ended otherwise, as a text then says."""

    def __init__(self, cause: BaseException | str) -> None:
        super().__init__(cause if isinstance(cause, str) else f"{type(cause).__name__}: {text_of(cause)}")


def text_of(error: BaseException) -> str:
    """What an exception says, also where it is somebody's and cannot say it."""
    try:
        return str(error)
    except Exception:
        return "(its text cannot be printed)"


@dataclass(frozen=True)
class Candidate:
    """Code that claims to compute a problem's gradient.

    ``gradients(params, data)`` for a loss, ``gradients(params, data, upstream)`` for a layer; or an object with
    ``forward(params, data) -> (loss or output, cache)`` and ``backward(params, data, cache)`` for a loss,
    ``backward(upstream, cache)`` for a layer.
    """

    problem: Problem
    code: Any

    def __post_init__(self) -> None:
        if not callable(self.code) and not self.has_forward:
            raise InvalidProblem(
                f"{self.problem.name}: the code under test must be a function gradients(params, data) or an object "
                f"with forward and backward, not {type(self.code).__name__}"
            )

    @property
    def has_forward(self) -> bool:
        return is_two_passes(self.code)

    @property
    def dead(self) -> str:
        """Why no further call is answered, or "": in another process the code may have ended for good."""
        return ""

    @property
    def source(self) -> Code | None:
        """The source of the code, None where there is none."""
        return code_of(self.code)

    def forward(self, point: Point) -> tuple[Any, Any]:
        """(loss or output, cache) of an object with forward and backward."""
        try:
            return value_and_cache(self.call(self.code.forward, point.params, point.data))
        except TypeError as error:
            raise Crashed(error) from error

    def backward(self, point: Point, cache: Any) -> Any:
        args = (point.upstream, cache) if self.problem.is_layer else (point.params, point.data, cache)
        return self.call(self.code.backward, *args)

    def gradients(self, point: Point) -> tuple[Any, Any]:
        """(loss or output, or None for a plain function; whatever was returned as gradients)."""
        if self.has_forward:
            value, cache = self.forward(point)
            return value, self.backward(point, cache)
        return None, self.alone(point)

    def alone(self, point: Point) -> Any:
        """The gradients of a plain function."""
        extra = (point.upstream,) if self.problem.is_layer else ()
        return self.call(self.code, point.params, point.data, *extra)

    def overlap(self, a: np.ndarray, b: np.ndarray) -> bool:
        """Whether two arrays share memory where the code runs: arrays it was called with, or that it returned."""
        return overlap(a, b)

    def call(self, function: Any, *args: Any) -> Any:
        """Run somebody's code, with dicts of its own around the point's arrays; whatever it raises becomes Crashed."""
        args = tuple(dict(a) if isinstance(a, Mapping) and type(a) is dict else a for a in args)
        try:
            with np.errstate(all="ignore"):
                return function(*args)
        except (Exception, SystemExit) as error:
            raise Crashed(error) from error


def as_loss(problem: Problem, point: Point, value: Any) -> Any:
    """A forward's result as the number the reference knows: the loss, or <upstream, output>; None if it is neither."""
    try:
        with np.errstate(all="ignore"):
            if not problem.is_layer:
                return real(value)[()] if np.shape(value) == () else None
            pairs = [(real(u), real(part)) for u, part in zip(leaves(point.upstream), leaves(value), strict=True)]
            if any(u.shape != part.shape for u, part in pairs):
                return None
            return sum(np.sum(u * part) for u, part in pairs)
    except Exception:  # what somebody's forward returned may be anything, and raise anything when it is read
        return None


def real(value: Any) -> np.ndarray:
    """Real numbers in long double. Raises TypeError where it is something else, a text that reads like a number too."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiu" or np.ma.is_masked(value):
        raise TypeError(f"{array.dtype} holds no real numbers, or hides some")
    return array.astype(np.longdouble)


def shown(value: Any) -> str:
    """The beginning of a value's text, its type where it has none."""
    try:
        return f"{value!r:.80}"
    except Exception:
        return f"a {type(value).__name__} that cannot be printed"
