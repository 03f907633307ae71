"""PyTorch with autograd: through nn.RNN, through the module to put in its place, and step by step in a Python loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.benchmarks.shapes import Point


def torch_module(point: Point) -> Any:
    import torch

    return through_module(torch.nn.RNN, point)


def own_module(point: Point) -> Any:
    from implementations.kernels import in_torch

    return through_module(in_torch.RNN, point)


def through_module(module_class: Any, point: Point) -> Any:
    """A recurrent layer, nn.Linear and a loss; the sequences of a ragged batch are packed before the clock runs.

    The layer has two biases for our one. The second is zero, and differentiated as anybody's is who trains the layer.
    """
    import torch

    params = {name: torch.tensor(value) for name, value in point.params.items()}
    n, d = params["U"].shape
    module = module_class(d, n, nonlinearity=point.activation, bias="b" in params, dtype=params["U"].dtype)
    head = torch.nn.Linear(n, len(params["V"]), bias="c" in params, dtype=params["V"].dtype)
    leaves = {"W": module.weight_hh_l0, "U": module.weight_ih_l0, "V": head.weight}
    if "b" in params:
        leaves["b"] = module.bias_ih_l0
        torch.nn.init.zeros_(module.bias_hh_l0)
    if "c" in params:
        leaves["c"] = head.bias
    with torch.no_grad():
        for name, leaf in leaves.items():
            leaf.copy_(params[name])
    x, target = torch.tensor(point.x), torch.tensor(point.target)
    if point.lengths is not None:
        lengths = torch.tensor(point.lengths)
        x = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
    compared = loss_of(point)

    def forward() -> Any:
        states, last = module(x)
        return compared(head(states if point.outputs == "each" else last[0]), target)

    return differentiated(forward, leaves, [module.bias_hh_l0] if "b" in params else [])


def loop(point: Point) -> Any:
    """The equations as one writes them, a step at a time; a sequence that has ended keeps its state."""
    import torch

    params = {name: torch.tensor(value, requires_grad=True) for name, value in point.params.items()}
    W, U, V = params["W"], params["U"], params["V"]
    b, c = params.get("b", 0), params.get("c", 0)
    x, target = torch.tensor(point.x), torch.tensor(point.target)
    phi = {"tanh": torch.tanh, "sigmoid": torch.sigmoid}[point.activation]
    running = None
    if point.lengths is not None:
        running = torch.arange(len(x))[:, None, None] < torch.tensor(point.lengths)[:, None]
    compared = loss_of(point)

    def forward() -> Any:
        h, states = x.new_zeros(x.shape[1], len(W)), []
        for t in range(len(x)):
            after = phi(h @ W.T + x[t] @ U.T + b)
            h = after if running is None else torch.where(running[t], after, h)
            states.append(h)
        return compared((torch.stack(states) if point.outputs == "each" else h) @ V.T + c, target)

    return differentiated(forward, params)


def differentiated(forward: Callable[[], Any], leaves: dict[str, Any], others: Sequence[Any] = ()) -> Any:
    """The call that runs ``forward`` and differentiates its loss by the leaves, and by others without a name here."""
    import torch

    names, tensors = list(leaves), [*leaves.values(), *others]

    def call() -> tuple[Any, dict[str, Any]]:
        loss = forward()
        return loss.detach(), dict(zip(names, torch.autograd.grad(loss, tensors), strict=False))

    return call


def loss_of(point: Point) -> Callable[[Any, Any], Any]:
    """The loss as a function of the outputs and the targets."""
    import torch

    if point.loss == "cross-entropy":
        if point.outputs == "each" and point.lengths is not None:
            raise NotImplementedError("ragged batches with a loss at each step are no shape here")
        cross_entropy = torch.nn.functional.cross_entropy
        last_axis = -2 if point.target.dtype.kind == "f" else -1  # probabilities, or the numbers of classes
        return lambda y, target: cross_entropy(y.flatten(0, -2), target.flatten(0, last_axis), reduction="sum")
    half = 0.5 if point.loss == "half squared error" else 1
    return lambda y, target: half * ((y - target) ** 2).sum()
