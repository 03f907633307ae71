"""What the shapes of inputs tell about sizes: to the emitted code, and when its function is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

from gradproof.errors import GradproofError
from gradproof.symbolic.indices import Index
from gradproof.symbolic.lowering.code import CannotLower
from gradproof.symbolic.lowering.names import Names
from gradproof.symbolic.lowering.ranges import count
from gradproof.symbolic.system import System


class WrongInputs(GradproofError, ValueError):
    """Inputs that do not fit the declared axes: one is missing, two disagree about a size, a label is out of range."""


def is_whole(symbol: Any) -> bool:
    """Whether an input is declared to hold integers: an index, a size, or an array of such."""
    return isinstance(symbol, Index) or bool(getattr(symbol, "label", symbol).is_integer)


# ---- in the emitted code --------------------------------------------------------------------------------------------


def reading(wanted: set[Any], system: System, names: Names) -> Iterator[str]:
    """Statements that read sizes off the inputs' shapes, as few as possible. Raises CannotLower."""
    wanted = wanted - {symbol for symbol, _ in system.inputs.values()}
    lengths = {symbol: [count(*axis) for axis in axes] for symbol, axes in system.inputs.values()}
    while wanted:
        symbol = max(lengths, key=lambda symbol: len(wanted & _told_by(lengths[symbol])))
        found = wanted & _told_by(lengths[symbol])
        if not found:
            raise CannotLower(f"the shapes of the inputs do not tell {', '.join(map(str, wanted))}")
        shape, array = lengths[symbol], names.of(symbol)
        if len(found) > 1 and len({n for n in shape if n.is_Symbol}) == len(shape):
            yield f"{', '.join(map(names.of, shape))} = {array}.shape"
        else:
            for size in sorted(found, key=str):
                yield f"{names.of(size)} = {_told(size, shape, array)}"
        wanted -= found


def _told_by(shape: Sequence[Any]) -> set[Any]:
    """The sizes that some of these lengths are, give or take a number."""
    return {size for length in shape for size in length.free_symbols if (length - size).is_Integer}


def _told(size: Any, shape: Sequence[Any], array: str) -> str:
    axis = next(k for k, length in enumerate(shape) if (length - size).is_Integer)
    length, more = f"len({array})" if axis == 0 else f"{array}.shape[{axis}]", shape[axis] - size
    return length if more == 0 else f"{length} - {more}" if more > 0 else f"{length} + {-more}"


# ---- when the function is called ------------------------------------------------------------------------------------


def sizes_of(system: System, arrays: Mapping[str, Any]) -> dict[Any, int]:
    """The value of every size, which all inputs must agree about."""
    sizes: dict[Any, int] = {}
    origin: dict[Any, str] = {}
    lengths: list[tuple[str, int, Any, int]] = []
    for name, (symbol, axes) in system.inputs.items():
        shape = arrays[name].shape
        if len(shape) != len(axes):
            raise WrongInputs(f"{name} has shape {shape}, but {symbol} has {len(axes)} axes")
        if is_whole(symbol) and not axes and not isinstance(symbol, Index):
            sizes[symbol], origin[symbol] = int(arrays[name]), name
        lengths += [(name, axis, count(*ends), shape[axis]) for axis, ends in enumerate(axes)]
    for name, axis, expected, found in lengths:
        if len(expected.free_symbols) == 1:
            (size,) = expected.free_symbols
            if (expected - size).is_Integer and size not in sizes:
                sizes[size], origin[size] = found - int(expected - size), f"axis {axis} of {name}"
    for name, axis, expected, found in lengths:
        value = expected.xreplace({size: sp.Integer(n) for size, n in sizes.items()})
        if value != found:
            known = ", ".join(f"{s} = {sizes[s]} by {origin[s]}" for s in expected.free_symbols if s in sizes)
            raise WrongInputs(f"axis {axis} of {name} has length {found}, not {expected} ({known or 'a size unknown'})")
    for size, n in sizes.items():
        if size.is_positive and n < 1:
            raise WrongInputs(f"{size} is {n} by {origin[size]}; it must be at least 1")
    return sizes


def whole(name: str, symbol: Any, value: Any, sizes: Mapping[Any, int]) -> Any:
    """An integer input; an index must lie in its range, where NumPy would count from the other end."""
    if value.dtype.kind not in "iub" and not np.all(value == np.round(value)):
        raise WrongInputs(f"{name} must hold integers, not {value.dtype}")
    integers = value.astype(np.int64)
    if isinstance(symbol, Index):
        known = {size: sp.Integer(n) for size, n in sizes.items()}
        low, high = (int(sp.sympify(end).xreplace(known)) for end in (symbol.lower, symbol.upper))
        if not low <= integers <= high:
            raise WrongInputs(f"{name} is {integers}, not in {low}..{high}")
    return integers if integers.ndim else int(integers)
