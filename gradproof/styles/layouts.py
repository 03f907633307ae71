"""How an array of ours lies in somebody's code: the same, as a column, transposed, or without an axis of length 1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Layout:
    """axes: for each axis of theirs, the axis of ours that it is, or None for one of length 1 that we do not have.

    count: how many axes ours has. One that theirs does not have is of length 1.
    """

    axes: tuple[int | None, ...]
    count: int

    @property
    def dropped(self) -> tuple[int, ...]:
        return tuple(axis for axis in range(self.count) if axis not in self.axes)

    @property
    def column(self) -> bool:
        return self.axes == (0, None)

    @property
    def transposed(self) -> bool:
        return self.axes == (1, 0)

    def theirs(self, ours: Any) -> Any:
        """A copy of ours as theirs."""
        kept = [axis for axis in self.axes if axis is not None]
        lengths = [1 if axis is None else ours.shape[axis] for axis in self.axes]
        return ours.transpose([*kept, *self.dropped]).reshape(lengths).copy()

    def ours(self, theirs: Any) -> Any:
        """Theirs as ours; what is no array, or has other axes, is left as it is."""
        if not isinstance(theirs, np.ndarray) or theirs.ndim != len(self.axes):
            return theirs
        if any(n != 1 for n, axis in zip(theirs.shape, self.axes, strict=True) if axis is None):
            return theirs
        kept = [axis for axis in self.axes if axis is not None]
        lengths = [n for n, axis in zip(theirs.shape, self.axes, strict=True) if axis is not None]
        return np.expand_dims(theirs.reshape(lengths).transpose(np.argsort(kept)), self.dropped)


def same(count: int) -> Layout:
    return Layout(tuple(range(count)), count)


def layout_of(shape: tuple[int, ...], axes: tuple[str, ...], sizes: Mapping[str, int]) -> Layout | None:
    """How an array with these sizes as its axes lies in one of this shape; None where it cannot."""
    if len(shape) == len(axes) and all(sizes.get(size, n) == n for size, n in zip(axes, shape, strict=True)):
        return same(len(axes))
    taken: list[int | None] = []
    for n in shape:
        fitting = [k for k, size in enumerate(axes) if k not in taken and sizes.get(size) == n]
        if not fitting and n != 1:
            return None
        taken.append(fitting[0] if fitting else None)
    return Layout(tuple(taken), len(axes))


def with_sizes(known: Mapping[str, int], arrays: Iterable[tuple[tuple[str, ...], tuple[int, ...]]]) -> dict[str, int]:
    """The sizes that are known, and those that (axes, shape) of arrays tell, also of transposed ones."""
    sizes = dict(known)
    for axes, shape in arrays:
        for lengths in (shape, shape[::-1]):
            if len(axes) == len(shape) and all(sizes.get(a, n) == n for a, n in zip(axes, lengths, strict=True)):
                sizes |= zip(axes, lengths, strict=True)
                break
    return sizes


def all_transposed(layouts: Mapping[str, Layout], shapes: Mapping[str, tuple[str, ...]]) -> dict[str, Layout]:
    """Square matrices lie as the others do, which show whether they are transposed."""
    square = {name for name in layouts if len(shapes[name]) == 2 and len(set(shapes[name])) == 1}
    others = [layout for name, layout in layouts.items() if layout.count == 2 and name not in square]
    if not others or not all(layout.transposed for layout in others):
        return dict(layouts)
    return {name: Layout((1, 0), 2) if name in square else layout for name, layout in layouts.items()}
