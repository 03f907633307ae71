"""The loops compiled by numba: for one sequence or a few, where a call of NumPy costs more than what it computes.

numba is the extra ``compiled``. The first call with each dtype compiles, for about ten seconds, and leaves the machine
code in ``__pycache__`` for later processes. Between calls only plans are kept, and the loops run without the GIL.
"""

from __future__ import annotations

import inspect
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from implementations.kernels import compiled_loops, compiled_vectors
from implementations.kernels.task import Array, Task, checked_labels, signature, task_of

PLANS: dict[Hashable, Plan] = {}
MOST_PLANS = 256


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
    """The loss of a batch, and its gradient by every parameter: as ``clear.rnn_gradients``, arguments and results.

    Raises ImportError where numba is not installed.
    """
    x, target = np.asarray(x), np.asarray(target)
    lengths = None if lengths is None else np.asarray(lengths)
    key = signature(params, x, target, activation, outputs, loss, lengths, window)
    plan = PLANS.get(key)
    if plan is None:
        plan = Plan.of(task_of(params, x, target, activation, outputs, loss, lengths, window))
        if len(PLANS) >= MOST_PLANS:
            PLANS.clear()
        PLANS[key] = plan
    return plan.run(params, x, target)


@dataclass(frozen=True)
class Plan:
    """What calls of one signature have in common: the machine code, and the arguments that depend on no value.

    steps: order, offsets and options, see ``compiled_loops``. shapes: of all parameters, also of biases that there are
    not. absent, zeros: those biases, and what stands in their place. none: of the targets and the labels, those that
    there are not.
    """

    task: Task
    loops: Any
    steps: tuple[Array, Array, Array]
    shapes: tuple[tuple[int, ...], ...]
    absent: frozenset[str]
    zeros: tuple[Array, Array]
    none: Array
    x_shape: tuple[int, ...]
    target_shape: tuple[int, ...]
    target_dtype: np.dtype[Any]

    @classmethod
    def of(cls, task: Task) -> Plan:
        T, B, d, n, m, dtype = task.T, task.B, task.d, task.n, task.m, task.dtype
        ends = np.array(task.lengths or [T] * B)
        options = (
            task.activation == "sigmoid",
            task.outputs == "each",
            task.loss == "cross-entropy",
            task.loss == "half squared error",
            min(task.window or T, T),
        )
        return cls(
            task=task,
            loops=compiled(dtype),
            steps=(
                np.argsort(-ends, kind="stable").astype(np.int64),
                np.append(0, np.cumsum(np.sum(ends > np.arange(T)[:, None], axis=1))).astype(np.int64),
                np.array(options, np.int64),
            ),
            shapes=((n, n), (n, d), (n,), (m, n), (m,)),
            absent=frozenset({"b", "c"}) - task.biases,
            zeros=(np.zeros(n, dtype), np.zeros(m, dtype)),
            none=np.empty((0, 0, 0), dtype) if task.labels else np.empty((0, 0), np.int64),
            x_shape=(T, B, d),
            target_shape=(T if task.outputs == "each" else 1, B, *(() if task.labels else (m,))),
            target_dtype=np.dtype(np.int64) if task.labels else dtype,
        )

    def run(self, params: Mapping[str, Array], x: Array, target: Array) -> tuple[Any, dict[str, Array]]:
        task, (no_b, no_c) = self.task, self.zeros
        dtype = task.dtype
        x, target = as_given(x, self.x_shape, dtype), as_given(target, self.target_shape, self.target_dtype)
        W, U, b, V, c = [np.empty(shape, dtype) for shape in self.shapes]
        value = self.loops(
            (
                np.ascontiguousarray(params["W"]),
                np.ascontiguousarray(params["U"]),
                params.get("b", no_b),
                np.ascontiguousarray(params["V"]),
                params.get("c", no_c),
            ),
            (x, self.none, target) if task.labels else (x, target, self.none),
            self.steps,
            (W, U, b, V, c),
        )
        if value == -1:
            checked_labels(target, task)
        gradients = {"W": W, "U": U, "b": b, "V": V, "c": c}
        for name in self.absent:
            del gradients[name]
        return dtype.type(value), gradients


def as_given(values: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """The values themselves wherever they have this shape and dtype already."""
    if values.dtype != dtype:
        values = values.astype(dtype)
    return values if values.shape == shape else values.reshape(shape)


@cache
def compiled(dtype: np.dtype[Any]) -> Any:
    """The loops for a dtype, compiled or loaded. Raises ImportError where numba is not installed."""
    loops, sources = made_known_to_numba()
    from numba import njit

    def entry(params: Any, batch: Any, plan: Any, gradients: Any) -> float:
        # numba's cache sees changes of this file, and of what a function holds: it has to hold the other files' text.
        return loops(params, batch, plan, gradients) if sources else 0.0

    return njit(argument_types(dtype), nogil=True, error_model="numpy", cache=True)(entry)


@cache
def made_known_to_numba() -> tuple[FunctionType, str]:
    """The outermost of the loops, which numba can compile from now on, and the text of them all."""
    try:
        from numba.extending import register_jitable
    except ImportError as error:
        raise ImportError("this kernel needs numba: pip install gradproof[compiled]") from error
    for function in functions_of(compiled_vectors) + functions_of(compiled_loops):
        # A product may add up in any order; elsewhere the order is what makes a result accurate.
        flags = {"contract", "reassoc", "nsz"} if function in compiled_vectors.PRODUCTS else {"contract"}
        register_jitable(fastmath=flags, error_model="numpy")(function)
    text = inspect.getsource(compiled_loops) + inspect.getsource(compiled_vectors)
    return compiled_loops.loss_and_gradients, text


def functions_of(module: ModuleType) -> list[FunctionType]:
    return [f for f in vars(module).values() if isinstance(f, FunctionType) and f.__module__ == module.__name__]


def argument_types(dtype: np.dtype[Any]) -> Any:
    """Those of ``loss_and_gradients``: arrays of any strides, which need not be writeable but for the gradients."""
    from numba import float64, from_dtype, int64
    from numba.types import Array, Tuple

    real = from_dtype(dtype)

    def given(of: Any, ndim: int, layout: str = "A") -> Any:
        return Array(of, ndim, layout, readonly=True, aligned=False)

    matrix, vector = given(real, 2, "C"), given(real, 1)
    new_matrix, new_vector = Array(real, 2, "C"), Array(real, 1, "C")
    return float64(
        Tuple((matrix, matrix, vector, matrix, vector)),
        Tuple((given(real, 3), given(real, 3), given(int64, 2))),
        Tuple((given(int64, 1), given(int64, 1), given(int64, 1))),
        Tuple((new_matrix, new_matrix, new_vector, new_matrix, new_vector)),
    )
