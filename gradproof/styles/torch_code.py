"""Backward passes that PyTorch calls: autograd.Function, and a Module that has one somewhere inside."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gradproof.styles.adapted import Adapted, Unrecognised
from gradproof.styles.contract import Contract
from gradproof.styles.functions import read_function, shown
from gradproof.styles.making import maker
from gradproof.styles.network import WAY_OUT, forward_call, made
from gradproof.styles.results import returned_once
from gradproof.styles.tensors import default_dtype, dtype_of, to_array, to_tensor, torch_if_loaded
from gradproof.styles.weights import Weights, find, inner

Values = Mapping[str, Any]
Differentiable = tuple[Any, dict[str, Any]]
"""An output, and the tensors that it is differentiated by, by the name of the parameter."""


def autograd_function(subject: Any, contract: Contract) -> Adapted | None:
    """A torch.autograd.Function: its backward is called by way of PyTorch, which hands it the upstream gradient."""
    torch = torch_if_loaded()
    if torch is None or not is_subclass(subject, torch.autograd.Function):
        return None
    gets_ctx = subject.setup_context is torch.autograd.Function.setup_context
    call = read_function(subject.forward, contract, upstream=False, skip=int(gets_ctx))
    if call is None or call.unknown or not set(contract.params) <= set(call.takes):
        arguments = "" if call is None else f" of {shown(call)}"
        raise Unrecognised(
            f"the arguments{arguments} are not the parameters ({', '.join(contract.params)}) and data"
            f" ({', '.join(contract.data)}): {WAY_OUT}"
        )

    def run(params: Values, data: Values) -> Differentiable:
        tensors = tracked(params)
        given = {**{name: to_tensor(value) for name, value in data.items()}, **tensors}
        return subject.apply(*(given[name] for name in call.takes)), tensors

    return checked(Differentiated(contract, run), {}, "a torch.autograd.Function")


def module(subject: Any, contract: Contract) -> Adapted | None:
    """An nn.Module without a backward method of its own: PyTorch differentiates it, by what is hand-written inside."""
    torch = torch_if_loaded()
    if torch is None or not (is_subclass(subject, torch.nn.Module) or isinstance(subject, torch.nn.Module)):
        return None
    make = maker(subject, contract)
    params, data, _ = contract.values()
    with default_dtype(np.float64):
        theirs = made(make, params, data)
    call = forward_call(theirs.forward, contract)
    in_call = [name for name in call.takes if name in contract.params]
    sizes = {name: size for name, size in contract.sizes(params, data).items() if name in make.takes}
    weights = find(theirs, contract, (*make.takes, *in_call), sizes)

    def run(params: Values, data: Values) -> Differentiable:
        theirs = make(params, data)
        weights.put(theirs, params)
        passed = tracked({name: params[name] for name in in_call})
        given = {**{name: to_tensor(value) for name, value in data.items()}, **passed}
        return call.of_instance(theirs)(given), {
            **{name: inner(theirs, path) for name, path in weights.paths.items()},
            **passed,
        }

    return checked(Differentiated(contract, run, weights), weights.ones(contract), "an nn.Module")


def is_subclass(subject: Any, of: Any) -> bool:
    return inspect.isclass(subject) and issubclass(subject, of)


def tracked(params: Values) -> dict[str, Any]:
    """Copies as tensors that PyTorch differentiates by."""
    return {name: to_tensor(np.array(value)).requires_grad_() for name, value in params.items()}


def checked(code: Differentiated, ones: dict[str, int], style: str) -> Adapted:
    """Raises Unrecognised where the code turns out to return outputs, and their loss is asked for."""
    params, data, _ = code.contract.values(ones)
    returned = returned_once(lambda: code.forward(params, data)[0])
    if not code.contract.is_layer and returned is not None and np.size(returned) != 1:
        raise Unrecognised(
            f"{style} that returns outputs of the shape {np.shape(returned)}, and their loss is not known: return the"
            f" loss, or {WAY_OUT}"
        )
    return Adapted(code, style, ones)


class Differentiated:
    """Code that PyTorch differentiates, as forward and backward passes."""

    def __init__(
        self, contract: Contract, run: Callable[[Values, Values], Differentiable], weights: Weights | None = None
    ):
        self.contract, self.run = contract, run
        self.weights = weights or Weights({}, {})

    def forward(self, params: Values, data: Values) -> tuple[Any, Differentiable]:
        with default_dtype(dtype_of(params)):
            output, tensors = self.run(params, data)
        return to_array(output), (output, tensors)

    def backward(self, *args: Any) -> dict[str, Any]:
        """Of a layer backward(upstream, cache), of a loss backward(params, data, cache)."""
        *given, (output, tensors) = args
        upstream = to_tensor(given[0]) if self.contract.is_layer else None
        with default_dtype(dtype_of(to_array(dict(tensors)))):
            grads = torch_if_loaded().autograd.grad(
                output, list(tensors.values()), upstream, retain_graph=True, allow_unused=True
            )
        found = {name: to_array(grad) for name, grad in zip(tensors, grads, strict=True) if grad is not None}
        return self.weights.gradients(found)
