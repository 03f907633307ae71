"""The fast way to write it in NumPy: a plan for each task, made at its first call and kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any, Protocol

import numpy as np

from implementations.kernels.augmented import Augmented
from implementations.kernels.chunked import Chunked
from implementations.kernels.pointwise import WATCHED
from implementations.kernels.task import Array, Task, signature, task_of

NARROW = 32
"""States up to which NumPy's calls cost more than what they compute, even for hundreds of sequences."""

MOST_PLANS, MOST_BYTES = 16, 2**28
"""What a thread keeps: so many plans, and of more than one only as many as have buffers of so many bytes together."""


class Plan(Protocol):
    """The loss and gradients of one task, with buffers of its own: only one thread at a time may call it."""

    nbytes: int

    def __call__(self, params: Mapping[str, Array], x: Array, target: Array) -> tuple[Any, dict[str, Array]]: ...


def rnn_gradients(
    params: Mapping[str, Array],
    x: Array,
    target: Array,
    *,
    activation: str = "tanh",
    outputs: str = "last",
    loss: str = "squared error",
    lengths: Array | None = None,
    window: int | None = None,
) -> tuple[Any, dict[str, Array]]:
    """The loss of a batch, and its gradient by every parameter: as ``clear.rnn_gradients``, arguments and results."""
    return planned(
        plan_for,
        params,
        x,
        target,
        activation=activation,
        outputs=outputs,
        loss=loss,
        lengths=lengths,
        window=window,
    )


def plan_for(task: Task) -> Plan:
    return augmented(task) if task.B == 1 or task.n <= NARROW else Chunked(task)


def augmented(task: Task, watched: int = WATCHED) -> Plan:
    """The plan for batches of one length, if this is one."""
    return Augmented(task, watched) if task.lengths is None else Chunked(task, watched=watched)


def planned(
    make: Callable[[Task], Plan],
    params: Mapping[str, Array],
    x: Array,
    target: Array,
    *,
    activation: str = "tanh",
    outputs: str = "last",
    loss: str = "squared error",
    lengths: Array | None = None,
    window: int | None = None,
) -> tuple[Any, dict[str, Array]]:
    """``rnn_gradients`` by the plan kept for such a call, or else by a new one."""
    x, target = np.asarray(x), np.asarray(target)
    lengths = None if lengths is None else np.asarray(lengths)
    key = make, signature(params, x, target, activation, outputs, loss, lengths, window)
    plan = PLANS.look_up(key)
    if plan is None:
        plan = make(task_of(params, x, target, activation, outputs, loss, lengths, window))
        PLANS.keep(key, plan)
    return plan(params, x, target)


class Plans(threading.local):
    """The plans of a thread, the one used last at the end."""

    def __init__(self) -> None:
        self.kept: OrderedDict[Hashable, Plan] = OrderedDict()

    def look_up(self, key: Hashable) -> Plan | None:
        plan = self.kept.get(key)
        if plan is not None:
            self.kept.move_to_end(key)
        return plan

    def keep(self, key: Hashable, plan: Plan) -> None:
        self.kept[key] = plan
        while len(self.kept) > 1 and (len(self.kept) > MOST_PLANS or self.nbytes > MOST_BYTES):
            self.kept.popitem(last=False)

    @property
    def nbytes(self) -> int:
        return sum(plan.nbytes for plan in self.kept.values())


PLANS = Plans()


FAST_PLANS: dict[str, Callable[..., tuple[Any, dict[str, Array]]]] = {
    "augmented": partial(planned, partial(augmented, watched=1)),
    "chunked": partial(planned, Chunked),
    "a chunk a step": partial(planned, partial(Chunked, least=1, watched=1)),
    "chunks of eight rows": partial(planned, partial(Chunked, least=8)),
}
"""Every plan by a name, with the signature of ``rnn_gradients``, whatever the sizes: small ones are tests of all.

Two look for deltas that vanish at every step, which only long sequences would make them do.
"""
