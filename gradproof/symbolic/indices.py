"""What a formula in index notation is made of: sizes, scalars, arrays, and indices that know their range.

Where an index lies is decided from the declared ranges alone; what they do not settle raises Undecided.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from gradproof.errors import GradproofError
from gradproof.symbolic.proof import Undecided

delta = sp.KroneckerDelta


class IndexClash(GradproofError, ValueError):
    """One index is used in two roles (free and summed, or summed twice), where SymPy would answer wrongly."""


class Index(sp.Idx):  # type: ignore[misc]
    """An integer with an inclusive range, ``lower`` to ``upper``: summed by ``total``, else arbitrary but fixed."""

    def _sympystr(self, printer: Any) -> str:
        return str(printer._print(self.label))

    def _latex(self, printer: Any) -> str:
        return str(printer._print(self.label))


def size(name: str) -> sp.Symbol:
    """A dimension, at least 1."""
    return sp.Symbol(name, integer=True, positive=True)


def sizes(names: str) -> list[sp.Symbol]:
    """Several dimensions, from their names separated by blanks."""
    return [size(name) for name in names.split()]


def scalars(names: str, positive: bool | None = None) -> list[sp.Symbol]:
    """Real numbers, from their names separated by blanks."""
    return [sp.Symbol(name, real=True, positive=positive) for name in names.split()]


def arrays(names: str, positive: bool | None = None) -> list[sp.IndexedBase]:
    """Arrays of real numbers of any rank; an array is a function of integers, whatever range an index runs through."""
    return [sp.IndexedBase(name, real=True, positive=positive) for name in names.split()]


def index(name: str, count: Any = None, *, lower: Any = 0, upper: Any = None) -> Index:
    """An index running from 0 to ``count - 1``, or from ``lower`` to ``upper`` inclusive.

    The ends may contain sizes and other indices: ``index("s", lower=1, upper=T - 1)``. A claim about a free index is
    a claim about every value in its range; the range is taken to be non-empty.
    """
    if (count is None) == (upper is None):
        raise TypeError(f"index {name!r} needs either a count or an upper end")
    return Index(sp.Symbol(name, integer=True), (lower, count - 1 if upper is None else upper))


def free_indices(expr: sp.Basic) -> set[Index]:
    """The indices of ``expr`` that no sum binds."""
    return {symbol for symbol in expr.free_symbols if isinstance(symbol, Index)}


def summed_indices(expr: sp.Basic) -> set[Index]:
    """The indices that some sum of ``expr`` binds."""
    return {limit[0] for node in expr.atoms(sp.Sum) for limit in node.limits}


def check_indices(expr: sp.Basic) -> None:
    """Raise IndexClash where an index is both free and summed, or summed again within its own sum.

    A sum that was not written with ``total`` is a TypeError: nothing is known about the range of its index.
    """
    for twice in free_indices(expr) & summed_indices(expr):
        raise IndexClash(f"index {twice} is both free and summed; give the sum an index of its own")
    for node in expr.atoms(sp.Sum):
        bound = [limit[0] for limit in node.limits]
        for i, *ends in node.limits:
            if not isinstance(i, Index) or [i.lower, i.upper] != ends:
                raise TypeError(f"write the sum over {i} with total(), over an index() that knows its range")
        for again in bound:
            if bound.count(again) > 1 or again in summed_indices(node.function):
                raise IndexClash(f"index {again} is summed again within its own sum; rename the inner one")


def inside(value: sp.Expr, span: Index) -> bool:
    """Whether ``value`` lies in the range of ``span``: for certain yes, for certain no, or Undecided is raised."""
    above_lower, below_upper = value - span.lower, span.upper - value
    if is_never_negative(above_lower) and is_never_negative(below_upper):
        return True
    if is_never_negative(-above_lower - 1) or is_never_negative(-below_upper - 1):
        return False
    raise Undecided(f"is {value} in the range {span.lower}..{span.upper}? The declared ranges do not settle it")


def differ(first: sp.Expr, second: sp.Expr) -> bool:
    """Whether two index values are for certain different."""
    return is_never_negative(first - second - 1) or is_never_negative(second - first - 1)


def is_never_negative(expr: sp.Expr) -> bool:
    """Whether an affine expression in indices and sizes is >= 0 at every value they may take; False where unknown."""
    least = sp.expand(expr)
    while found := sorted(least.atoms(Index), key=_most_dependent_first):
        slope = least.coeff(found[0])
        if not slope.is_Integer or slope == 0:
            return False
        least = sp.expand(least + slope * ((found[0].lower if slope > 0 else found[0].upper) - found[0]))
    # A size is at least 1: written as 1 + excess, sign rules for non-negative symbols are all that is needed.
    counts = [symbol for symbol in least.free_symbols if symbol.is_integer and symbol.is_positive]
    excess = {count: 1 + sp.Symbol(f"{count}-1", integer=True, nonnegative=True) for count in counts}
    return sp.expand(least.xreplace(excess)).is_nonnegative is True


def _most_dependent_first(i: Index) -> tuple[int, str]:
    """Replacing an index whose ends mention other indices brings those in, so it goes before them."""
    return -len((i.lower + i.upper).atoms(Index)), str(i)
