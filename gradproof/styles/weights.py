"""Where an instance of somebody's class keeps its parameters: as attributes, in a dict, or registered in a Module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradproof.styles.adapted import Unrecognised
from gradproof.styles.contract import Contract
from gradproof.styles.layouts import Layout, all_transposed, layout_of, same, with_sizes
from gradproof.styles.names import matched
from gradproof.styles.tensors import is_module, is_tensor, to_array, torch_if_loaded

HOLDERS = ("params", "parameters", "weights", "theta")
"""Attributes that are dicts with all the parameters in them."""

Path = tuple[str, ...]
"""Attributes, or keys of a dict, one inside the other."""


@dataclass(frozen=True)
class Weights:
    """Parameter -> where it is in an instance, and how it lies there."""

    paths: Mapping[str, Path]
    layouts: Mapping[str, Layout]

    def ones(self, contract: Contract) -> dict[str, int]:
        """The sizes that can only be 1, since arrays of theirs lack their axis."""
        return {contract.shapes[name][axis]: 1 for name, layout in self.layouts.items() for axis in layout.dropped}

    def put(self, theirs: Any, params: Mapping[str, Any]) -> None:
        """Copies of the parameters, in their dtype, in the place of the instance's own."""
        for name, path in self.paths.items():
            *owners, last = path
            owner, value = inner(theirs, owners), self.layouts[name].theirs(params[name])
            old = inner(owner, [last])
            if is_tensor(old):
                value = as_tensor_like(old, value)
            if isinstance(owner, dict):
                owner[last] = value
            else:
                setattr(owner, last, value)

    def get(self, theirs: Any) -> dict[str, Any]:
        """Copies of what is there now, as arrays as they lie there."""
        return {name: np.array(to_array(inner(theirs, path))) for name, path in self.paths.items()}

    def gradients(self, theirs: Mapping[str, Any]) -> dict[str, Any]:
        """Gradients that lie as their parameters do, as ours."""
        return {name: self.layouts[name].ours(g) if name in self.layouts else g for name, g in theirs.items()}


def inner(owner: Any, path: list[str] | Path) -> Any:
    for name in path:
        owner = owner[name] if isinstance(owner, dict) else getattr(owner, name)
    return owner


def as_tensor_like(old: Any, value: Any) -> Any:
    torch = torch_if_loaded()
    if isinstance(old, torch.nn.Parameter):
        return torch.nn.Parameter(torch.from_numpy(value), requires_grad=old.requires_grad)
    return torch.from_numpy(value).requires_grad_(old.requires_grad)


def find(theirs: Any, contract: Contract, elsewhere: tuple[str, ...], sizes: Mapping[str, int]) -> Weights:
    """Where the parameters are in an instance, made with ``sizes``; what is given ``elsewhere`` need not be there.

    Raises Unrecognised where one is missing, or has a shape that it cannot have.
    """
    found = candidates(theirs)
    wanted = () if "params" in elsewhere else tuple(name for name in contract.params if name not in elsewhere)
    chosen = matched(contract.spellings(*contract.params), found)
    shapes = {text: np.shape(to_array(inner(theirs, path))) for text, path in found.items()}
    of_known_shape = [(contract.shapes[name], shapes[text]) for name, text in chosen.items() if name in contract.shapes]
    known = with_sizes(sizes, of_known_shape)
    left = {
        text: shapes[text] for text in found if text not in chosen.values() and is_array(inner(theirs, found[text]))
    }
    chosen |= matched_by_shape([name for name in wanted if name not in chosen], left, contract, known)
    missing = [name for name in wanted if name not in chosen]
    if missing:
        raise Unrecognised(
            f"there is no attribute for the parameter {', '.join(missing)}; the arrays among the attributes of"
            f" {type(theirs).__name__} are {', '.join(found) or 'none'}"
        )
    layouts = {}
    for name, text in chosen.items():
        axes = contract.shapes.get(name)
        if axes is None or inner(theirs, found[text]) is None:
            layouts[name] = same(len(shapes[text] if axes is None else axes))
            continue
        layout = layout_of(shapes[text], axes, known)
        if layout is None or any(sizes.get(axes[k], 1) != 1 for k in layout.dropped):
            raise Unrecognised(f"{text} has the shape {shapes[text]}, {name} has ({', '.join(axes)})")
        layouts[name] = layout
    return Weights({name: found[text] for name, text in chosen.items()}, all_transposed(layouts, contract.shapes))


def candidates(theirs: Any, holders: tuple[str, ...] = HOLDERS) -> dict[str, Path]:
    """A name -> where an array, a tensor or a number is that may be a parameter."""
    if is_module(theirs):
        registered = {tuple(name.split(".")) for name, _ in theirs.named_parameters()}
        if registered:
            return {named(path): path for path in sorted(registered)}
    for holder in holders:
        inside = getattr(theirs, "__dict__", {}).get(holder)
        if type(inside) is dict and inside and all(isinstance(name, str) for name in inside):
            return {name: (holder, name) for name in inside}
    return {name: (name,) for name, value in getattr(theirs, "__dict__", {}).items() if may_be_weight(value)}


def named(path: Path) -> str:
    """A registered parameter by its own name; nn.Linear's weight by the name of the layer."""
    return path[-2] if path[-1] == "weight" and len(path) > 1 else path[-1] if path[-1] != "bias" else ".".join(path)


def may_be_weight(value: Any) -> bool:
    return value is None or is_array(value) or isinstance(value, np.generic | float)


def is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) or is_tensor(value)


def matched_by_shape(
    missing: list[str], left: Mapping[str, tuple[int, ...]], contract: Contract, sizes: Mapping[str, int]
) -> dict[str, str]:
    """Parameters without an attribute of their name, where exactly one of the arrays that are left has their shape."""
    fitting = {}
    for name in missing:
        wanted = [sizes.get(size) for size in contract.shapes.get(name, ("",))]
        texts = [text for text, shape in left.items() if None not in wanted and squeezed(shape) == tuple(wanted)]
        if len(texts) == 1:
            fitting[name] = texts[0]
    return {name: text for name, text in fitting.items() if list(fitting.values()).count(text) == 1}


def squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Without axes of length 1; the sizes it is compared with are larger."""
    return tuple(n for n in shape if n != 1)
