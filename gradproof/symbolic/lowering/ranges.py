"""What is proved of an index before it is emitted: at every size it is inside its array, at a computed place."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from gradproof.symbolic.indices import Index, is_never_negative
from gradproof.symbolic.system import Axis


@functools.lru_cache(4096)
def never_negative(expr: Any) -> bool:
    """Whether an affine expression in indices, sizes and Max or Min of such is >= 0 for certain."""
    least = sp.expand(expr)
    while cut := [i for i in least.atoms(Index) if (i.lower + i.upper).has(sp.Max, sp.Min)]:
        slope = least.coeff(cut[0])
        if not slope.is_Integer or slope == 0:
            return False
        least = sp.expand(least + slope * ((cut[0].lower if slope > 0 else cut[0].upper) - cut[0]))
    # Those inside of another one have no slope of their own: they come last.
    for extreme in sorted(least.atoms(sp.Max, sp.Min), key=lambda extreme: (least.coeff(extreme) == 0, str(extreme))):
        slope = least.coeff(extreme)
        if not slope.is_Integer or slope == 0:
            return False
        cases = (never_negative(least + slope * (argument - extreme)) for argument in extreme.args)
        # Max(a, b) is at least a: one case is enough. It is at most one of them: then all are needed.
        return any(cases) if (slope > 0) == isinstance(extreme, sp.Max) else all(cases)
    return is_never_negative(least)


def within(place: Any, first: Any, last: Any) -> bool:
    """Whether ``place`` lies in first..last for certain, whatever its indices and sizes are."""
    return never_negative(place - first) and never_negative(last - place)


def same(first: Any, second: Any) -> bool:
    return bool(sp.expand(first - second) == 0)


@functools.lru_cache(4096)
def count(first: Any, last: Any) -> Any:
    """How many places first..last has."""
    return sp.expand(last - first + 1)


def span(index: Any) -> Axis:
    """First and last value of an index plus a constant, or of a fixed place."""
    index = sp.sympify(index)
    ranges = index.atoms(Index)
    return index.xreplace({i: i.lower for i in ranges}), index.xreplace({i: i.upper for i in ranges})


def covered(axis: Axis, parts: Sequence[Axis]) -> bool:
    """Whether all places of ``axis`` lie in the parts for certain: the first in one, what follows that in another."""
    reached, left = axis[0], list(parts)
    while not never_negative(reached - axis[1] - 1):
        following = [part for part in left if same(part[0], reached) or within(reached, *part)]
        if not following:
            return False
        left.remove(following[0])
        reached = following[0][1] + 1
    return True


@dataclass
class Parts:
    """The parts of an array that equations have filled: stretches along one axis, whole along the others."""

    axis: int | None = None
    filled: list[Axis] = field(default_factory=list)
    in_loop: bool = False
    """Whether a loop is filling it now: what its steps may read is checked for the whole loop."""

    def has(self, indices: Sequence[Any]) -> bool:
        return self.in_loop or (self.axis is not None and covered(span(indices[self.axis]), self.filled))
