"""The recurrent networks in PyTorch, twice: step by step in plain operations, and through PyTorch's own modules.

Letters and shapes as in ``recurrent``; parameters are tensors that are differentiated, so a module gets them through
``functional_call``: copied weights would be cut off from the graph. PyTorch is optional, so imported where it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Forward = Callable[[Any, Any], Any]

STUCK = 1000.0
"""A gate's pre-activation, or a cell's content, at which sigmoid and tanh are 1 to the last bit, with slope 0."""


# Step by step --------------------------------------------------------------------------------------------------------


def stepwise(params: Any, data: Any, phi: Callable[[Any], Any]) -> Any:
    """y (T, m), or (B, T, m) for x (B, T, d)."""
    import torch

    x, W, U = data["x"], params["W"], params["U"]
    h, rows = start(params), []
    for t in range(x.shape[-2]):
        h = phi(h @ W.T + x[..., t, :] @ U.T + params.get("b", 0))
        rows.append(output(params, h))
    return torch.stack(rows, dim=-2)


def start(params: Any) -> Any:
    W = params["W"]
    return params.get("h0", W.new_zeros(len(W)))


def output(params: Any, h: Any) -> Any:
    return h @ params["V"].T + params.get("c", 0)


def tanh_outputs(params: Any, data: Any) -> Any:
    import torch

    return stepwise(params, data, torch.tanh)


def sigmoid_outputs(params: Any, data: Any) -> Any:
    import torch

    return stepwise(params, data, torch.sigmoid)


def relu_outputs(params: Any, data: Any) -> Any:
    import torch

    return stepwise(params, data, torch.relu)


def outputs_of_moved_states(params: Any, data: Any) -> Any:
    import torch

    h, rows = data["h0"], []
    for x_t, eps_t in zip(data["x"], params["eps"], strict=True):
        h = torch.tanh(data["W"] @ h + data["U"] @ x_t + data["b"]) + eps_t
        rows.append(output(data, h))
    return torch.stack(rows)


# Through PyTorch's modules -------------------------------------------------------------------------------------------


def elman(params: Any, data: Any, nonlinearity: str) -> Any:
    """The outputs through nn.RNN."""
    import torch

    U = params["U"]
    module = torch.nn.RNN(U.shape[1], U.shape[0], nonlinearity=nonlinearity, batch_first=True, dtype=U.dtype)
    states, _ = torch.func.functional_call(module, weights(params, "_l0"), (data["x"], first_state(params, data["x"])))
    return output(params, states)


def weights(params: Any, suffix: str) -> dict[str, Any]:
    """The parameters by the names they have in nn.RNN or nn.RNNCell, which have two biases for our one."""
    b = params.get("b", start(params).new_zeros(len(params["W"])))
    named = {"weight_ih": params["U"], "weight_hh": params["W"], "bias_ih": b, "bias_hh": b.new_zeros(len(b))}
    return {name + suffix: tensor for name, tensor in named.items()}


def first_state(params: Any, x: Any) -> Any:
    """h0 as the modules want it: (1, n), or (1, B, n) for x (B, T, d)."""
    h0 = start(params)
    return h0.expand(1, *x.shape[:-2], len(h0))


def tanh_module(params: Any, data: Any) -> Any:
    return elman(params, data, "tanh")


def relu_module(params: Any, data: Any) -> Any:
    return elman(params, data, "relu")


def sigmoid_module(params: Any, data: Any) -> Any:
    """nn.RNN has no sigmoid, but nn.LSTM's output gate is a sigmoid network once everything else in it is stuck.

    With the forget gate at 1 and no new content the cell stays full, so the state is output gate * tanh(cell), which is
    sigmoid(W h + U x + b) * 1, to the last bit.
    """
    import torch

    U, W, x = params["U"], params["W"], data["x"]
    b = params.get("b", W.new_zeros(len(W)))
    zero = b.new_zeros(len(b))
    gates = {  # one above the other: input, forget, content, output
        "weight_ih_l0": torch.cat([torch.zeros_like(U)] * 3 + [U]),
        "weight_hh_l0": torch.cat([torch.zeros_like(W)] * 3 + [W]),
        "bias_ih_l0": torch.cat([zero, zero + STUCK, zero, b]),
        "bias_hh_l0": torch.cat([zero] * 4),
    }
    module = torch.nn.LSTM(U.shape[1], U.shape[0], batch_first=True, dtype=U.dtype)
    h0 = first_state(params, x)
    states, _ = torch.func.functional_call(module, gates, (x, (h0, torch.full_like(h0, STUCK))))
    return output(params, states)


def moved_states_cell(params: Any, data: Any) -> Any:
    """nn.RNN keeps its states to itself; nn.RNNCell hands out each, so that eps can be added to it."""
    import torch

    U, h, rows = data["U"], data["h0"], []
    cell = torch.nn.RNNCell(U.shape[1], U.shape[0], dtype=U.dtype)
    for x_t, eps_t in zip(data["x"], params["eps"], strict=True):
        h = torch.func.functional_call(cell, weights(data, ""), (x_t, h)) + eps_t
        rows.append(output(data, h))
    return torch.stack(rows)


# Losses of the outputs, whichever way those were computed -------------------------------------------------------------


def half(loss: Forward) -> Forward:
    return lambda params, data: loss(params, data) / 2


def each_squared(outputs: Forward) -> Forward:
    return lambda params, data: ((outputs(params, data) - data["y"]) ** 2).sum()


def last_squared(outputs: Forward) -> Forward:
    """The outputs may have a batch before their steps; the loss is then the batch's sum."""
    return lambda params, data: ((outputs(params, data)[..., -1, :] - data["y"]) ** 2).sum()


batch_squared = last_squared(tanh_outputs)
batch_squared_module = last_squared(tanh_module)


def character(outputs: Forward) -> Forward:
    return lambda params, data: -(data["y"] * outputs(params, data).log_softmax(dim=-1)).sum()


def sentiment(outputs: Forward) -> Forward:
    return lambda params, data: -outputs(params, data)[-1].log_softmax(dim=-1)[data["label"]]


def sine(outputs: Forward) -> Forward:
    """x (T,) is fed in one number a step, each at a place of its own."""
    return half(last_squared(lambda params, data: outputs(params, {"x": data["x"].diag()})))


def truncated(outputs: Forward) -> Forward:
    """The sine network's loss, differentiated back through the last tau steps only: the state before is detached."""

    def loss(params: Any, data: Mapping[str, Any]) -> Any:
        x, tau = data["x"].diag(), data["tau"]
        before, after = x[:-tau], x[-tau:]
        states = outputs({**params, "V": identity(params), "c": 0}, {"x": before}) if len(before) else [start(params)]
        yhat = outputs({**params, "h0": states[-1].detach()}, {"x": after})[-1]
        return ((yhat - data["y"]) ** 2).sum() / 2

    return loss


def identity(params: Any) -> Any:
    """The output weights that hand out the state itself."""
    import torch

    return torch.eye(len(params["W"]), dtype=params["W"].dtype)


truncated_sine = truncated(sigmoid_outputs)
truncated_sine_module = truncated(sigmoid_module)
