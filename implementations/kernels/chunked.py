"""The plan for large batches, where the products are the work: they are few, large, and find their data in the cache.

The inputs of a chunk of steps are multiplied by U at once, its outputs by V, and its share of each gradient is one
product; in between, a step is one product with W. Only the states and dL/dy are kept for all steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from implementations.kernels.levels import Levels, Places, levels_of
from implementations.kernels.outputs import HEADS
from implementations.kernels.pointwise import WATCHED, Vanishing, activation_of
from implementations.kernels.task import Array, Task, checked_labels

CACHED = 2**19
"""Bytes of the states of a chunk: about half of a core's own cache."""

FEWEST = 256
"""Rows that a chunk has at least: with fewer, adding its share to a gradient costs as much as computing it."""


@dataclass(frozen=True)
class Chunk:
    """Some levels, their rows among all states, the rows of the states before them, and those of the inputs."""

    levels: range
    rows: slice
    previous: Places
    inputs: slice


def chunks_of(levels: Levels, B: int, least: int) -> Iterator[Chunk]:
    """Cut the levels after level 0 into chunks of at least so many rows, but for the last."""
    first = 1
    while first <= levels.steps:
        last = first
        while last < levels.steps and levels.starts[last + 1] - levels.starts[first] < least:
            last += 1
        rows = slice(levels.starts[first], levels.starts[last + 1])
        inputs = slice(rows.start - B, rows.stop - B)  # level 0 has none
        previous = levels.previous[inputs] if levels.by_length else inputs
        yield Chunk(range(first, last + 1), rows, previous, inputs)
        first = last + 1


@dataclass(frozen=True, slots=True)
class Forward:
    """A step's views: the states before it, None where they are 0; what its inputs gave; the states that come out."""

    before: Array | None
    from_input: Array
    h: Array


@dataclass(frozen=True, slots=True)
class Backward:
    """A step's views, all of the rows that the backward pass reaches.

    nabla: the gradient by the states, which the step after left in it for the sequences that go on: ``going_on``. own:
    the part of their outputs, None where only the last one counts. ended, own_ended: the same of those that end here.
    goes_back: whether there is a step before. watched: whether it is time to look for deltas that vanish.
    """

    nabla: Array
    going_on: Array
    own: Array | None
    ended: Array
    own_ended: Array
    h: Array
    slope: Array
    delta: Array
    goes_back: bool
    watched: bool


class Chunked:
    """The buffers of a task, and every step's views of them, made once.

    least: the rows of a chunk, None to choose. watched: after how many steps it looks for deltas that vanish.
    """

    def __init__(self, task: Task, least: int | None = None, watched: int = WATCHED) -> None:
        self.task = task
        self.levels = levels = levels_of(task)
        n, d, m, B, N, dtype = task.n, task.d, task.m, task.B, levels.states, task.dtype
        self.activation = activation_of(task.activation, dtype)
        self.head = HEADS[task.loss]
        self.vanishing, self.watched = Vanishing(dtype), watched
        self.chunks = list(chunks_of(levels, B, least or max(FEWEST, CACHED // (n * dtype.itemsize))))
        most = max(chunk.rows.stop - chunk.rows.start for chunk in self.chunks)
        self.states = np.zeros((N, n), dtype)
        self.deltas = np.zeros((most, n), dtype)  # of one chunk; in the forward pass, what its inputs give
        self.previous = np.empty((most if levels.by_length else 0, n), dtype)
        self.nabla, self.slopes, self.nabla_ends = (np.empty((B, n), dtype) for _ in range(3))
        self.outputs = np.empty((N - B if task.outputs == "each" else B, m), dtype)
        self.WT, self.UT = np.empty((n, n), dtype), np.empty((d, n), dtype)
        self.shares = {name: np.empty(shape, dtype) for name, shape in (("W", (n, n)), ("U", (n, d)), ("V", (m, n)))}
        self.ones, self.classes = np.ones(most, dtype), np.eye(m, dtype=dtype)
        self.nbytes = self.states.nbytes + self.outputs.nbytes
        self.forward_steps = [[self.views_forward(chunk, t) for t in chunk.levels] for chunk in self.chunks]
        self.backward_steps = [list(self.views_backward(chunk)) for chunk in self.chunks]

    def views_forward(self, chunk: Chunk, t: int) -> Forward:
        level = self.levels.level(t)
        return Forward(
            self.states[self.levels.going_on(t - 1)] if t > 1 else None,
            self.deltas[level.start - chunk.rows.start : level.stop - chunk.rows.start],
            self.states[level],
        )

    def views_backward(self, chunk: Chunk) -> Iterator[Backward]:
        """The steps that the backward pass reaches, the last one first."""
        levels, each = self.levels, self.task.outputs == "each"
        for t in reversed(chunk.levels):
            first, goes_on, end = levels.out_of_reach[t], levels.widths[t + 1], levels.widths[t]
            if first == end:
                continue
            start = levels.starts[t] - chunk.rows.start
            own = self.deltas[start : start + end] if each else self.nabla_ends
            yield Backward(
                nabla=self.nabla[first:end],
                going_on=self.nabla[first:goes_on],
                own=own[first:goes_on] if each else None,
                ended=self.nabla[max(first, goes_on) : end],
                own_ended=own[max(first, goes_on) : end],
                h=self.states[levels.within(t)],
                slope=self.slopes[first:end],
                delta=self.deltas[start + first : start + end],
                goes_back=t > 1,
                watched=t % self.watched == 0,
            )

    def __call__(self, params: Mapping[str, Array], x: Array, target: Array) -> tuple[Any, dict[str, Array]]:
        y = self.targets(target)
        x = np.ascontiguousarray(x, self.task.dtype).reshape(-1, self.task.d)
        x = x if self.levels.inputs is None else x[self.levels.inputs]
        # NumPy would copy a parameter that lies oddly in memory at every step.
        params = {name: np.ascontiguousarray(value) for name, value in params.items()}
        # Products of two arrays that are not transposed are the fastest: worth a copy of the weights.
        for name, transposed in (("W", self.WT), ("U", self.UT)):
            self.activation.folded(params[name].T, transposed)
        gradients = {name: np.zeros(params[name].shape, self.task.dtype) for name in self.task.names}
        value = self.run_forward(params, x, y, gradients)
        self.run_backward(params, x, gradients)
        return self.task.dtype.type(value), gradients

    def targets(self, target: Array) -> Array:
        """One a row; or the numbers of the classes."""
        if self.task.labels:
            rows = checked_labels(target, self.task).reshape(-1)
        else:
            rows = target.astype(self.task.dtype, copy=False).reshape(-1, self.task.m)
        return rows if self.levels.targets is None else rows[self.levels.targets]

    # Forward ----------------------------------------------------------------------------------------------------------

    def run_forward(self, params: Mapping[str, Array], x: Array, y: Array, gradients: dict[str, Array]) -> float:
        each, value = self.task.outputs == "each", 0.0
        for chunk, steps in zip(self.chunks, self.forward_steps, strict=True):
            self.read_inputs(params, x[chunk.inputs])
            with self.activation.quiet():
                self.run_steps(steps)
            if each:
                outputs = self.outputs[chunk.inputs]
                value += self.compare(params, self.states[chunk.rows], outputs, y[chunk.inputs], gradients)
        if not each:
            value = self.compare(params, self.states[self.levels.ends], self.outputs, y, gradients)
            np.dot(self.outputs, params["V"], self.nabla_ends)
        return value

    def read_inputs(self, params: Mapping[str, Array], x: Array) -> None:
        z = self.deltas[: len(x)]
        np.dot(x, self.UT, z)
        if "b" in params:
            z += self.activation.folded(params["b"])

    def run_steps(self, steps: list[Forward]) -> None:
        for step in steps:
            if step.before is None:
                self.activation.apply(step.from_input, step.h)
            else:
                np.dot(step.before, self.WT, step.h)
                np.add(step.h, step.from_input, step.h)
                self.activation.apply(step.h, step.h)

    def compare(
        self, params: Mapping[str, Array], h: Array, outputs: Array, y: Array, gradients: dict[str, Array]
    ) -> float:
        """The loss of some states; overwrites their outputs by its derivative, and adds to the gradients of V and c."""
        np.dot(h, params["V"].T, outputs)
        if "c" in params:
            outputs += params["c"]
        y = self.classes.take(y, 0) if self.task.labels else y
        value = self.head(outputs, y)
        self.add_share(gradients, "V", outputs, h)
        if "c" in params:
            gradients["c"] += outputs.sum(axis=0)
        return float(value)

    # Backward ---------------------------------------------------------------------------------------------------------

    def run_backward(self, params: Mapping[str, Array], x: Array, gradients: dict[str, Array]) -> None:
        vanishing = False
        for chunk, steps in zip(reversed(self.chunks), reversed(self.backward_steps), strict=True):
            if not steps:
                continue
            deltas = self.deltas[: chunk.rows.stop - chunk.rows.start]
            if self.task.outputs == "each":
                np.dot(self.outputs[chunk.inputs], params["V"], deltas)
            elif self.task.window is not None:
                deltas[...] = 0  # of the steps before a sequence's window
            vanishing = self.run_steps_back(params["W"], steps, vanishing)
            self.add_share(gradients, "W", deltas, self.states_before(chunk))
            self.add_share(gradients, "U", deltas, x[chunk.inputs])
            if "b" in gradients:
                gradients["b"] += self.ones[: len(deltas)].dot(deltas)

    def run_steps_back(self, W: Array, steps: list[Backward], vanishing: bool) -> bool:
        for step in steps:
            if step.own is not None:
                np.add(step.going_on, step.own, step.going_on)
            if len(step.ended):
                step.ended[...] = step.own_ended
            self.activation.slope(step.h, step.slope)
            np.multiply(step.nabla, step.slope, step.delta)
            if vanishing:
                self.vanishing.rounded(step.delta)
            if step.goes_back:
                np.dot(step.delta, W, step.nabla)
            if step.watched:
                vanishing = vanishing or self.vanishing.near(step.nabla)
        return vanishing

    def states_before(self, chunk: Chunk) -> Array:
        if not self.levels.by_length:
            return self.states[chunk.previous]
        previous = self.previous[: len(chunk.previous)]
        return np.take(self.states, chunk.previous, axis=0, out=previous, mode="clip")  # the default one would buffer

    def add_share(self, gradients: dict[str, Array], name: str, by_outcome: Array, of: Array) -> None:
        """Add to a matrix's gradient what some rows give it."""
        share = self.shares[name]
        np.dot(by_outcome.T, of, share)
        gradients[name] += share
