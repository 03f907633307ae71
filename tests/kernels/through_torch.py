"""The layer ``in_torch.RNN`` as a kernel like the others: from NumPy arrays to NumPy arrays, the rest plain PyTorch.

PyTorch is imported where it is used, so that a test can skip without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from implementations.kernels.task import Array, Task, checked_labels, task_of

NAMES = {"W": "weight_hh_l0", "U": "weight_ih_l0", "b": "bias_ih_l0"}

Run = Callable[..., tuple[Any, Any]]
"""The layer's forward pass with the parameters of a call: of an input and a first state, if it is not zero."""


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
    """As ``clear.rnn_gradients``."""
    import torch

    x, target = np.asarray(x), np.asarray(target)
    lengths = None if lengths is None else np.asarray(lengths)
    task = task_of(params, x, target, activation, outputs, loss, lengths, window)
    checked_labels(target, task)
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}
    run = with_parameters(tensors, task)
    x = torch.tensor(x, dtype=tensors["W"].dtype).reshape(task.T, task.B, task.d)
    y = torch.tensor(target, dtype=None if task.labels else x.dtype)
    y = y.reshape(*((task.T,) if outputs == "each" else ()), task.B, *(() if task.labels else (task.m,)))
    h, h_last = packed_states(run, task, x) if task.lengths else equal_states(run, task, x)
    if outputs == "last":
        yhat = h_last[0] @ tensors["V"].T + tensors.get("c", 0)
    else:
        within = torch.arange(task.T)[:, None] < torch.tensor(task.lengths or [task.T] * task.B)
        yhat, y = h[within] @ tensors["V"].T + tensors.get("c", 0), y[within]
    value = loss_of(task, yhat, y)
    gradients = torch.autograd.grad(value, [tensors[name] for name in task.names])
    return value.detach().numpy()[()], {
        name: gradient.numpy() for name, gradient in zip(task.names, gradients, strict=True)
    }


def with_parameters(tensors: Mapping[str, Any], task: Task) -> Run:
    """A module's own parameters would be copies, cut off from the graph."""
    import torch

    from implementations.kernels.in_torch import RNN

    dtype = tensors["W"].dtype
    layer = RNN(task.d, task.n, nonlinearity=task.activation, bias="b" in task.biases, dtype=dtype)
    named = {theirs: tensors[ours] for ours, theirs in NAMES.items() if ours in tensors}
    if "b" in tensors:
        named["bias_hh_l0"] = torch.zeros_like(tensors["b"])
    return lambda x, hx=None: torch.func.functional_call(layer, named, (x, hx))


def equal_states(run: Run, task: Task, x: Any) -> tuple[Any, Any]:
    """The states (T, B, n) and the last ones (1, B, n); with a window, those before it count as a constant."""
    import torch

    first = 0 if task.window is None else max(task.T - task.window, 0)
    if not first:
        return run(x)
    with torch.no_grad():
        _, before = run(x[:first])
    return run(x[first:], before)


def packed_states(run: Run, task: Task, x: Any) -> tuple[Any, Any]:
    """The same for sequences of different lengths; the states beyond an end are zero."""
    import torch
    from torch.nn.utils.rnn import pack_sequence, pad_packed_sequence

    assert task.lengths is not None
    firsts = [0 if task.window is None else max(end - task.window, 0) for end in task.lengths]
    begun = [k for k, first in enumerate(firsts) if first]
    before = x.new_zeros(1, task.B, task.n)
    if begun:
        with torch.no_grad():
            _, before[:, begun] = run(pack_sequence([x[: firsts[k], k] for k in begun], enforce_sorted=False))
    parts = [x[first:end, k] for k, (first, end) in enumerate(zip(firsts, task.lengths, strict=True))]
    h, h_last = run(pack_sequence(parts, enforce_sorted=False), before)
    return pad_packed_sequence(h, total_length=task.T)[0], h_last


def loss_of(task: Task, yhat: Any, y: Any) -> Any:
    import torch

    if task.labels:
        return torch.nn.functional.cross_entropy(yhat, y, reduction="sum")
    if task.loss == "cross-entropy":
        return -(y * yhat.log_softmax(dim=-1)).sum()
    error = ((yhat - y) ** 2).sum()
    return error / 2 if task.loss == "half squared error" else error
