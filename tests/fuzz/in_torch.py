"""A random program's gradient by PyTorch, in the dtype under test: correct code that others wrote.

The program runs on arrays that look like NumPy's and are PyTorch's tensors; nothing of the tape is used but the list of
functions that only move entries about, and how np.einsum spells its subscripts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from gradproof import composites
from gradproof.bound import is_float
from gradproof.duck import DuckArray, plain, refuse, spelled
from gradproof.tape.linear import REARRANGEMENTS, explicit
from tests.fuzz.programs import Program

SAME_NAME = (
    np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.tanh, np.sinh, np.cosh, np.sin, np.cos, np.tan,
    np.arctan, np.arcsin, np.sqrt, np.reciprocal, np.square, np.negative, np.positive, np.absolute, np.sign, np.add,
    np.subtract, np.multiply, np.divide, np.logaddexp, np.maximum, np.minimum, np.fmax, np.fmin, np.matmul,
)  # fmt: skip
UFUNCS = {ufunc: getattr(torch, ufunc.__name__) for ufunc in SAME_NAME}
UFUNCS |= {np.fabs: torch.abs, np.conjugate: torch.positive, np.power: torch.pow, np.float_power: torch.pow}
REDUCTIONS = {np.sum: torch.sum, np.max: torch.amax, np.amax: torch.amax, np.min: torch.amin, np.amin: torch.amin}


def gradients(program: Program) -> dict[str, Any]:
    """By parameter, in its shape and dtype; perhaps not finite."""
    params = {name: InTorch(torch.tensor(value, requires_grad=True)) for name, value in program.params.items()}
    data = {name: InTorch(torch.tensor(value)) if is_float(value) else value for name, value in program.data.items()}
    result = program.loss(dict(params), data).tensor
    if result.requires_grad:
        result.backward()
    slopes = {name: param.tensor.grad for name, param in params.items()}
    return {name: np.zeros(params[name].shape) if slope is None else slope.numpy() for name, slope in slopes.items()}


class InTorch(DuckArray):
    """A tensor behind an array's face."""

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor

    @property
    def value(self) -> Any:
        return self.tensor.detach().numpy()

    def assign(self, other: InTorch) -> None:
        self.tensor = other.tensor

    def lift(self, x: Any) -> Any:
        """A tensor of this one's dtype."""
        return x.tensor if isinstance(x, InTorch) else torch.as_tensor(np.asarray(x)).to(self.tensor.dtype)

    def apply_ufunc(self, ufunc: np.ufunc, inputs: tuple[Any, ...]) -> InTorch:
        return InTorch(UFUNCS[ufunc](*(self.lift(x) for x in inputs)))

    def apply_function(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if function in REARRANGEMENTS:
            parts = list(args[0]) if isinstance(args[0], list | tuple) else args[0]
            return self.moved(lambda places: function(places, *(plain(a) for a in args[1:]), **kwargs), parts)
        if function in REDUCTIONS:
            return self.reduced(function, *args, **kwargs)
        if function in OTHERS:
            return OTHERS[function](self, *args, **kwargs)
        result = composites.apply(function, args, kwargs)
        if result is NotImplemented:
            refuse(spelled(function), "write it out")
        return result

    def index(self, key: Any) -> Any:
        return self.moved(lambda places: places[plain(key)], self)

    def moved(self, function: Callable[[Any], Any], parts: Any) -> Any:
        """What a function does to the entries of an array or of several, found out on their positions behind a zero."""
        several = isinstance(parts, list)
        tensors = [self.lift(part) for part in (parts if several else [parts])]
        flat = torch.cat([torch.zeros(1, dtype=self.tensor.dtype), *(tensor.reshape(-1) for tensor in tensors)])
        starts = np.cumsum([1, *(tensor.numel() for tensor in tensors)])
        places = [k + np.arange(t.numel()).reshape(tuple(t.shape)) for k, t in zip(starts, tensors, strict=False)]
        found = function(places if several else places[0])
        if isinstance(found, list | tuple):
            return [InTorch(flat[torch.as_tensor(np.array(part))]) for part in found]
        return InTorch(flat[torch.as_tensor(np.array(found))])

    def reduced(self, function: Any, a: Any, axis: Any = None, keepdims: bool = False, initial: float = 0) -> InTorch:
        tensor = self.lift(a)
        axes = tuple(range(tensor.ndim)) if axis is None else axis
        result = REDUCTIONS[function](tensor, dim=axes, keepdim=keepdims) if tensor.ndim else tensor
        return InTorch(result + initial)

    def where(self, condition: Any, x: Any, y: Any) -> InTorch:
        return InTorch(torch.where(torch.as_tensor(np.asarray(plain(condition), bool)), self.lift(x), self.lift(y)))

    def einsum(self, *args: Any) -> InTorch:
        terms, out, operands = explicit(args)
        return InTorch(torch.einsum(f"{','.join(terms)}->{out}", *(self.lift(x) for x in operands)))

    def pad(self, a: Any, widths: Sequence[Any], mode: str, constant_values: float = 0) -> InTorch:
        inside = np.pad(np.ones(np.shape(a), bool), widths)
        padded = self.moved(lambda places: np.pad(places, widths, mode=mode), a)
        return padded if mode != "constant" else self.where(inside, padded, constant_values)


OTHERS: dict[Any, Callable[..., Any]] = {np.where: InTorch.where, np.einsum: InTorch.einsum, np.pad: InTorch.pad}
