"""Tensors of PyTorch, for code that uses it. It is never imported here: where it is not loaded, there are none."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np


def torch_if_loaded() -> Any:
    """The module, or None; one that is only half loaded counts as none."""
    torch = sys.modules.get("torch")
    return torch if hasattr(torch, "Tensor") else None


def is_tensor(value: Any) -> bool:
    torch = torch_if_loaded()
    return torch is not None and isinstance(value, torch.Tensor)


def is_module(value: Any) -> bool:
    torch = torch_if_loaded()
    return torch is not None and hasattr(torch, "nn") and isinstance(value, torch.nn.Module)


def to_tensor(value: Any) -> Any:
    """An array as a tensor that shares its memory, in a dict too; what is neither, such as a label, as it is.

    Without PyTorch everything stays as it is.
    """
    torch = torch_if_loaded()
    if type(value) is dict:
        return {name: to_tensor(part) for name, part in value.items()}
    return torch.from_numpy(value) if torch is not None and isinstance(value, np.ndarray) else value


def to_array(value: Any) -> Any:
    """A tensor as an array, tensors in lists, tuples and dicts too; everything else as it is."""
    if is_tensor(value):
        return value.detach().numpy()
    if type(value) in (list, tuple):
        return type(value)(map(to_array, value))
    if type(value) is dict:
        return {name: to_array(part) for name, part in value.items()}
    return value


def dtype_of(values: Mapping[str, Any]) -> np.dtype[Any]:
    """The dtype of arrays that all have the same."""
    return next(iter(values.values())).dtype


@contextlib.contextmanager
def default_dtype(dtype: Any) -> Iterator[None]:
    """Tensors that are made without a dtype get this one meanwhile, where PyTorch is loaded."""
    torch = torch_if_loaded()
    if torch is None:
        yield
        return
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, np.dtype(dtype).name))
    try:
        yield
    finally:
        torch.set_default_dtype(before)
