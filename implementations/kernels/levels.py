"""Where the states of a batch lie: all sequences that have a state h[t] side by side, the longest first.

Level t is the states h[t] of the sequences that have at least t steps, so that those which go on from it are its first
ones. Level 0 are the zeros that all begin with. The states of all levels are numbered through, level after level: a
plan keeps them as the rows of one array, with none for a step that a sequence does not have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from implementations.kernels.task import Array, Task

Places = slice | Array
"""Numbers of states: a slice where they are in a row, which is taken without a copy."""


@dataclass(frozen=True)
class Levels:
    """The levels 0 to T, T the steps of the longest sequence.

    widths, starts: T + 2 numbers, how many states a level has and the number of its first; T + 1 is an empty level.
    out_of_reach: T + 1 numbers, how many states of a level, its first ones, lie before their sequence's window. For
    all states after level 0, previous: the number of the state before; inputs: the place of the input among all T B,
    None where that is their order. ends: the number of each sequence's last state. targets: the place of each counted
    output's target among all targets, None where that is their order. by_length: whether the sequences are sorted.
    """

    widths: list[int]
    starts: list[int]
    out_of_reach: list[int]
    previous: Places
    inputs: Array | None
    ends: Places
    targets: Array | None
    by_length: bool

    @property
    def steps(self) -> int:
        return len(self.widths) - 2

    @property
    def states(self) -> int:
        return self.starts[-1]

    def level(self, t: int) -> slice:
        return slice(self.starts[t], self.starts[t + 1])

    def going_on(self, t: int) -> slice:
        """Those of level t that have a next state."""
        return slice(self.starts[t], self.starts[t] + self.widths[t + 1])

    def within(self, t: int) -> slice:
        """Those of level t that the backward pass reaches."""
        return slice(self.starts[t] + self.out_of_reach[t], self.starts[t + 1])


def levels_of(task: Task) -> Levels:
    lengths = np.full(task.B, task.T) if task.lengths is None else np.array(task.lengths)
    order = np.argsort(-lengths, kind="stable")
    lengths, T = lengths[order], int(lengths.max())
    widths = [int(np.sum(lengths >= t)) for t in range(T + 2)]
    starts = [0, *np.cumsum(widths).tolist()][: T + 2]
    window = task.T if task.window is None else task.window
    out_of_reach = [int(np.sum(lengths > t - 1 + window)) for t in range(T + 1)]
    if task.lengths is None:
        last = slice(starts[T], starts[T + 1])
        return Levels(widths, starts, out_of_reach, slice(0, starts[T]), None, last, None, by_length=False)
    previous = np.concatenate([starts[t] + np.arange(widths[t + 1]) for t in range(T)])
    inputs = np.concatenate([task.B * t + order[: widths[t + 1]] for t in range(T)])
    ends = np.array(starts)[lengths] + np.arange(task.B)
    targets = inputs if task.outputs == "each" else order
    return Levels(widths, starts, out_of_reach, previous, inputs, ends, targets, by_length=True)
