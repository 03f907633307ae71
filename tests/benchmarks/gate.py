"""No timing without a verdict: what is timed has passed ``verify``, and agrees with the clear kernel at its batch."""

from __future__ import annotations

import functools
import os
from typing import Any

import numpy as np

from gradproof.problem import Problem
from gradproof.verdict import Verdict
from gradproof.verify import verify
from tests.benchmarks.contestants import CONTESTANTS, Call, Contestant
from tests.benchmarks.shapes import Array, Point, Shape
from tests.catalogue import FORMULAS, IMPLEMENTATIONS
from tests.kernels.catalogue import CALLS
from tests.kernels.family import Member
from tests.kernels.kernels import Candidate

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


# The verdict ---------------------------------------------------------------------------------------------------------


def verdicts(contestant: Contestant, shape: Shape) -> list[Verdict]:
    """On the shape's member of the family and on its formulas, with the quick budget; each is sought once a run."""
    return [of_member(contestant.name, shape.member), *(of_formula(contestant.name, key) for key in shape.formulas)]


@functools.cache
def of_member(name: str, member: Member) -> Verdict:
    return verify(member.problem(), candidate_of(CONTESTANTS[name], member.call), budget="quick")


@functools.cache
def of_formula(name: str, key: str) -> Verdict:
    return verify(formula_problem(key), candidate_of(CONTESTANTS[name], CALLS[key]), budget="quick")


def formula_problem(key: str) -> Problem:
    return FORMULAS[key].problem(IMPLEMENTATIONS[key])


def candidate_of(contestant: Contestant, call: Any) -> Candidate:
    """A contestant as code under test. call: from a point's data to x, target and options."""

    def rnn_gradients(params: Any, x: Array, target: Array, **options: Any) -> tuple[Any, dict[str, Array]]:
        return in_numpy(contestant.prepare(batch(params, x, target, **options))())

    return Candidate(rnn_gradients, call)


def batch(
    params: Any,
    x: Array,
    target: Any,
    *,
    outputs: str,
    loss: str,
    activation: str = "tanh",
    lengths: Any = None,
    **_: Any,
) -> Point:
    """A point of a problem as a batch: one sequence is a batch of one, and all floats get the parameters' dtype."""
    target, dtype = np.asarray(target), params["W"].dtype
    if x.ndim == 2:
        x, target = x[:, None], target[:, None] if outputs == "each" else target[None]
    target = target if target.dtype.kind == "i" else target.astype(dtype)
    return Point(dict(params), x.astype(dtype), target, activation, outputs, loss, lengths)


def in_numpy(answer: tuple[Any, dict[str, Any]]) -> tuple[Any, dict[str, Array]]:
    """Loss and gradients in arrays of one's own: other libraries' may be read-only, or share memory."""
    loss, gradients = answer
    return np.asarray(loss)[()], {name: np.asarray(gradient).copy() for name, gradient in gradients.items()}


# The timed batch -----------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=len(CONTESTANTS))
def prepared(name: str, shape: Shape, dtype: str) -> Call:
    """A contestant's call at a shape's batch; it is kept, for one is timed against several."""
    return CONTESTANTS[name].prepare(shape.draw(dtype))


@functools.cache
def apart(name: str, shape: Shape, dtype: str) -> float:
    """How far a contestant is from the clear kernel at a shape's batch."""
    return distance(prepared(name, shape, dtype)(), prepared("clear", shape, dtype)())


def distance(answer: tuple[Any, dict[str, Any]], other: tuple[Any, dict[str, Any]]) -> float:
    """The largest difference of the loss or of a gradient, as a share of its norm."""
    (loss, gradients), (other_loss, others) = in_numpy(answer), in_numpy(other)
    pairs = [(loss, other_loss), *((gradients[name], others[name]) for name in others)]
    return max(float(np.linalg.norm(np.ravel(a - b)) / np.linalg.norm(np.ravel(b))) for a, b in pairs)


def allowed(shape: Shape, dtype: str) -> float:
    """How far two programs that pass may be apart: a rounding for each state that a derivative comes through."""
    return float(np.finfo(dtype).eps) * shape.T * shape.n


# The machine ---------------------------------------------------------------------------------------------------------


def not_single_threaded() -> str:
    """Why this run may use several threads; "" where it cannot. Their number is fixed when NumPy is imported."""
    loose = [name for name in THREADS if os.environ.get(name) != "1"]
    if loose:
        return f"benchmarks run on one thread: set {', '.join(f'{name}=1' for name in loose)}, as tox run -e bench does"
    return ""
