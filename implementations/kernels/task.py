"""What every kernel computes, and the checks of what it is given.

A batch is time-major, as in PyTorch: x (T, B, d), or (T, d) for one sequence. The letters are those of
``implementations.recurrent``: T steps, B sequences, d inputs, n states, m outputs.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray

ACTIVATIONS = ("tanh", "sigmoid")
OUTPUTS = ("each", "last")
LOSSES = ("squared error", "half squared error", "cross-entropy")


@dataclass(frozen=True)
class Task:
    """All that a kernel's plan depends on: sizes, dtype and options, but no values.

    activation: phi. outputs: whether the loss is of the output at "each" step or at the "last" of each sequence.
    loss: "squared error" is the sum of (y - target)**2, "half squared error" half of it, "cross-entropy" the sum of
    -target ln softmax(y); each is the sum over the batch. labels: whether the targets are the numbers of classes.
    biases: which of b and c there are. lengths: of each sequence, None where all have T steps. window: how many steps
    the backward pass goes back from a sequence's end, the state before them being taken as constant (truncated
    backpropagation); None for all. batched: whether x has an axis of sequences.
    """

    T: int
    B: int
    d: int
    n: int
    m: int
    dtype: np.dtype[Any]
    activation: str
    outputs: str
    loss: str
    labels: bool
    biases: frozenset[str]
    lengths: tuple[int, ...] | None
    window: int | None
    batched: bool

    @property
    def names(self) -> list[str]:
        """The parameters, in the order in which their gradients are handed out."""
        return [name for name in ("W", "U", "b", "V", "c") if name in {"W", "U", "V"} | self.biases]

    @property
    def target_shape(self) -> tuple[int, ...]:
        steps = (self.T,) if self.outputs == "each" else ()
        return (*steps, *((self.B,) if self.batched else ()), *(() if self.labels else (self.m,)))


def signature(
    params: Mapping[str, Array],
    x: Array,
    target: Array,
    activation: str,
    outputs: str,
    loss: str,
    lengths: Array | None,
    window: int | None,
) -> Hashable:
    """What is equal where the task is: a key that costs next to nothing, for looking up a plan made before."""
    return (
        x.shape,
        x.dtype,
        target.shape,
        target.dtype,
        tuple([(name, value.shape, value.dtype) for name, value in params.items()]),
        activation,
        outputs,
        loss,
        None if lengths is None else (lengths.shape, lengths.dtype, lengths.tobytes()),
        window,
    )


def task_of(
    params: Mapping[str, Array],
    x: Array,
    target: Array,
    activation: str,
    outputs: str,
    loss: str,
    lengths: Array | None,
    window: int | None,
) -> Task:
    """The task of a call. Raises ValueError or TypeError, naming what does not fit."""
    for name, value, allowed in (
        ("activation", activation, ACTIVATIONS),
        ("outputs", outputs, OUTPUTS),
        ("loss", loss, LOSSES),
    ):
        if value not in allowed:
            raise ValueError(f"{name}={value!r}: it is one of {', '.join(map(repr, allowed))}")
    dtype = checked_names_and_dtype(params)
    if x.ndim not in (2, 3) or 0 in x.shape:
        raise ValueError(f"x must be (T, d) or (T, B, d) with no axis empty, not {x.shape}")
    n, m = params["W"].shape[0] if params["W"].ndim else 0, params["V"].shape[0] if params["V"].ndim else 0
    batched = x.ndim == 3
    T, B, d = x.shape if batched else (x.shape[0], 1, x.shape[1])
    for name, shape in {"W": (n, n), "U": (n, d), "b": (n,), "V": (m, n), "c": (m,)}.items():
        if name in params and (params[name].shape != shape or 0 in shape):
            raise ValueError(f"{name} must be {shape}, not {params[name].shape}, where x is {x.shape}")
    labels = loss == "cross-entropy" and target.dtype.kind in "iu"
    task = Task(
        T=T,
        B=B,
        d=d,
        n=n,
        m=m,
        dtype=dtype,
        activation=activation,
        outputs=outputs,
        loss=loss,
        labels=labels,
        biases=frozenset(params) & {"b", "c"},
        lengths=checked_lengths(lengths, T, B, batched),
        window=checked_window(window, outputs),
        batched=batched,
    )
    if target.shape != task.target_shape:
        what = "class numbers" if labels else "targets"
        raise ValueError(f"the {what} must be {task.target_shape}, not {target.shape}, where x is {x.shape}")
    return task


def checked_names_and_dtype(params: Mapping[str, Array]) -> np.dtype[Any]:
    if missing := {"W", "U", "V"} - set(params):
        raise ValueError(f"parameters missing: {', '.join(sorted(missing))}")
    if unknown := set(params) - {"W", "U", "V", "b", "c"}:
        raise ValueError(f"unknown parameters: {', '.join(sorted(unknown))}; there are W, U, V, b and c")
    dtypes = {value.dtype for value in params.values()}
    if len(dtypes) > 1 or not dtypes <= {np.dtype(np.float32), np.dtype(np.float64)}:
        raise TypeError(f"the parameters must all be float32 or all float64, not {', '.join(sorted(map(str, dtypes)))}")
    return dtypes.pop()


def checked_lengths(lengths: Array | None, T: int, B: int, batched: bool) -> tuple[int, ...] | None:
    if lengths is None:
        return None
    if not batched:
        raise ValueError("lengths belong to a batch: x must be (T, B, d)")
    if lengths.dtype.kind not in "iu" or lengths.shape != (B,):
        raise ValueError(f"lengths must be {B} integers, not {lengths.dtype} of shape {lengths.shape}")
    if lengths.min() < 1 or lengths.max() > T:
        raise ValueError(f"lengths must be between 1 and T = {T}, not {lengths.min()} to {lengths.max()}")
    return None if np.all(lengths == T) else tuple(lengths.tolist())


def checked_window(window: int | None, outputs: str) -> int | None:
    if window is None:
        return None
    if outputs != "last":
        raise ValueError("a window goes back from the last output: it needs outputs='last'")
    if isinstance(window, bool) or not isinstance(window, int | np.integer) or window < 1:
        raise ValueError(f"window must be an integer of at least 1, not {window!r}")
    return int(window)


def checked_labels(target: Array, task: Task) -> Array:
    """The class numbers, if they are; an index from the end, as NumPy has it, is none. Raises ValueError.

    Those beyond the end of a sequence are not looked at.
    """
    if not task.labels:
        return target
    looked_at = target
    if task.lengths is not None and task.outputs == "each":
        looked_at = target[np.arange(task.T)[:, None] < task.lengths]
    if looked_at.astype(np.uint64, copy=False).max() >= task.m:  # a negative number has become a large one
        raise ValueError(
            f"class numbers must be between 0 and {task.m - 1}, not {looked_at.min()} to {looked_at.max()}"
        )
    return target
