"""The normal form: a formula as a sum of terms, each a product summed over named indices, with every delta used up.

Two formulas that differ only in how their sums are written (split over +, exchanged, renamed, multiplied out, with or
without a Kronecker delta) have the same normal form. Formulas whose normal forms differ may still be equal.
The ends of a sum may contain sizes, but not another index.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from gradproof.symbolic.indices import Index, check_indices, delta, differ, inside, is_never_negative
from gradproof.symbolic.proof import Undecided

#: Side conditions, for instance ``{total(y[t, i], i): 1}``: "each row of y sums to 1", for every t.
Given = Mapping[sp.Expr, sp.Expr]


def total(expr: Any, *over: Index) -> sp.Expr:
    """The sum of ``expr`` as each index of ``over`` runs through its range."""
    result = sp.sympify(expr)
    for i in over:
        if not isinstance(i, Index):
            raise TypeError(f"can only sum over an index made with index(), not {i!r}")
        result = sp.Sum(result, (i, i.lower, i.upper))
    check_indices(result)
    return result


def normal_form(expr: sp.Expr, given: Given | None = None) -> sp.Expr:
    """``expr`` in normal form, using the side conditions ``given``.

    Raises IndexClash where an index has two roles, and Undecided where the declared ranges do not settle whether a
    delta's index lies within its sum.
    """
    check_indices(expr)
    conditions = [_Condition.read(pattern, value) for pattern, value in (given or {}).items()]
    return _normal(expr, conditions)


def cancels(remainder: sp.Expr) -> bool:
    """Whether an expression in normal form is zero, also by rational arithmetic under each sum (p/q - p/q, q/q - 1)."""
    under: defaultdict[tuple[Index, ...], sp.Expr] = defaultdict(lambda: sp.S.Zero)
    for part in sp.Add.make_args(remainder):
        summed = [factor for factor in sp.Mul.make_args(part) if isinstance(factor, sp.Sum)]
        outer, rest = (summed[0], part / summed[0]) if len(summed) == 1 else (None, part)
        over = tuple(limit[0] for limit in outer.limits) if outer else ()
        under[over] += rest * (outer.function if outer else 1)
    return all(sp.cancel(sp.together(body)) == 0 for body in under.values())


def _normal(expr: sp.Expr, conditions: list[_Condition]) -> sp.Expr:
    return sp.expand(sp.Add(*[term.written() for term in _reduced_terms(expr, conditions)]), **_EXPAND)


@dataclass(frozen=True)
class Term:
    """A product ``factor``, summed as each index of ``over`` runs through its range."""

    factor: sp.Expr
    over: tuple[Index, ...] = ()

    def written(self) -> sp.Expr:
        """The term as SymPy writes it, its summed indices under standard names, constants in front of the sum."""
        renamed = _renamed(self)
        if not renamed.over:
            return renamed.factor
        constant, summand = renamed.factor.as_independent(*renamed.over, as_Add=False)
        return constant * sp.Sum(summand, *[(i, i.lower, i.upper) for i in renamed.over])


# ---- from an expression to terms ----------------------------------------------------------------------------------

# log(a b) is left alone: splitting it would need signs. Everything else here holds for all real values.
_EXPAND = {"log": False, "power_base": False}


def _reduced_terms(expr: sp.Expr, conditions: list[_Condition]) -> Iterator[Term]:
    for raw in _terms(sp.expand(expr, **_EXPAND), conditions):
        for factor in sp.Add.make_args(sp.expand(raw.factor, **_EXPAND)):
            term = _without_deltas(Term(factor, raw.over))
            if term is not None:
                for condition in conditions:
                    term = condition.used_on(term)
                yield _without_idle_sums(term)


def _terms(expr: sp.Expr, conditions: list[_Condition]) -> list[Term]:
    """``expr`` as terms, each sum with an index of its own, so that nothing can be captured."""
    if isinstance(expr, sp.Add):
        return [term for part in expr.args for term in _terms(part, conditions)]
    if isinstance(expr, sp.Mul):
        return _product([_terms(part, conditions) for part in expr.args])
    if isinstance(expr, sp.Pow) and expr.exp.is_Integer and expr.exp > 1 and expr.base.has(sp.Sum):
        return _product([_terms(expr.base, conditions) for _ in range(int(expr.exp))])
    if isinstance(expr, sp.Sum):
        own = {limit[0]: _with_range(limit) for limit in expr.limits}
        summand = sp.expand(expr.function.xreplace(own), **_EXPAND)
        return [Term(t.factor, t.over + tuple(own.values())) for t in _terms(summand, conditions)]
    if expr.has(sp.Sum) and not isinstance(expr, sp.Indexed):  # a function of sums is one factor, its arguments normal
        return [Term(expr.func(*[_normal(argument, conditions) for argument in expr.args]))]
    return [Term(expr)]


def _product(factors: list[list[Term]]) -> list[Term]:
    return [
        Term(sp.Mul(*[term.factor for term in choice]), sum((term.over for term in choice), ()))
        for choice in itertools.product(*factors)
    ]


def _with_range(limit: sp.Tuple) -> Index:
    """A fresh index of the range of a sum's limit."""
    i, lower, upper = limit
    if lower.has(Index) or upper.has(Index):
        raise Undecided(f"the sum over {i} runs between ends that depend on another index: not supported")
    return Index(sp.Dummy(str(i), integer=True), (lower, upper))


# ---- simplifying one term -----------------------------------------------------------------------------------------


def _without_deltas(term: Term) -> Term | None:
    """Sum over i of delta(i, a) f(i) is f(a) if a is in the range of i, else nothing (None)."""
    factors = sp.Mul.make_args(term.factor)
    for position, factor in enumerate(factors):
        if isinstance(factor, delta):
            if differ(*factor.args):
                return None
            rest = sp.Mul(*factors[:position], *factors[position + 1 :])
            if taken := _summed_index_of(factor, term.over):
                i, value, within = taken
                over = tuple(other for other in term.over if other != i)
                return _without_deltas(Term(rest.xreplace({i: value}), over)) if within else None
        elif any(inner.has(*term.over) for inner in factor.atoms(delta)):
            raise Undecided(f"a delta is hidden inside {factor}")
    return term


def _summed_index_of(pair: sp.KroneckerDelta, over: tuple[Index, ...]) -> tuple[Index, sp.Expr, bool] | None:
    """The summed index this delta fixes, the value it fixes it to, and whether that value is within its range."""
    undecided = None
    gap = sp.expand(pair.args[0] - pair.args[1])
    for i in over:
        slope = gap.coeff(i)
        if abs(slope) == 1:
            value = sp.expand(i - gap / slope)
            try:
                return i, value, inside(value, i)
            except Undecided as why:  # with two summed indices the other one may be decided
                undecided = why
        elif gap.has(i):
            undecided = Undecided(f"{pair} does not fix {i} to one value")
    if undecided:
        raise undecided
    return None


def _without_idle_sums(term: Term) -> Term:
    """A sum over an index that does not occur counts the values of the index."""
    idle = [i for i in term.over if not term.factor.has(i)]
    for i in idle:
        if not is_never_negative(i.upper - i.lower + 1):
            raise Undecided(f"how many values are there in {i.lower}..{i.upper}?")
    counts = [i.upper - i.lower + 1 for i in idle]
    return Term(sp.Mul(term.factor, *counts), tuple(i for i in term.over if i not in idle))


@dataclass(frozen=True)
class _Condition:
    """A side condition "the sum over i of array[..., i, ...] is value", for all values of the other indices."""

    array: sp.IndexedBase
    position: int
    span: tuple[sp.Expr, sp.Expr]
    value: sp.Expr

    @classmethod
    def read(cls, pattern: sp.Expr, value: Any) -> _Condition:
        if not (isinstance(pattern, sp.Sum) and len(pattern.limits) == 1 and isinstance(pattern.function, sp.Indexed)):
            raise TypeError(f"a side condition is the sum of one array over one index, not {pattern}")
        i, value = pattern.limits[0][0], sp.sympify(value)
        if value.has(Index):
            raise TypeError(
                f"a side condition holds for every value of its free indices, so {value} may not depend on one"
            )
        return cls(pattern.function.base, pattern.function.indices.index(i), (i.lower, i.upper), value)

    def used_on(self, term: Term) -> Term:
        for i in term.over:
            rest, summand = term.factor.as_independent(i, as_Add=False)
            if (
                isinstance(summand, sp.Indexed)
                and summand.base == self.array
                and [p for p, used in enumerate(summand.indices) if used.has(i)] == [self.position]
                and summand.indices[self.position] == i
                and (i.lower, i.upper) == self.span
            ):
                return self.used_on(Term(rest * self.value, tuple(other for other in term.over if other != i)))
        return term


# ---- standard names -----------------------------------------------------------------------------------------------


def _renamed(term: Term) -> Term:
    """The same term under standard names, equal for terms that differ only in the names or the order of their sums."""
    taken = {limit[0].label for node in term.factor.atoms(sp.Sum) for limit in node.limits}
    names = (name for k in itertools.count() if (name := _standard_name(k)) not in taken)
    labels = list(itertools.islice(names, len(term.over)))
    by_range = sorted(term.over, key=lambda i: str((i.lower, i.upper)))
    groups = [list(group) for _, group in itertools.groupby(by_range, key=lambda i: (i.lower, i.upper))]
    orders = itertools.product(*[itertools.permutations(group) for group in groups])
    candidates = (_under_names(term.factor, list(itertools.chain(*order)), labels) for order in orders)
    return min(candidates, key=lambda candidate: str(candidate.factor))


def _under_names(factor: sp.Expr, order: list[Index], labels: list[sp.Dummy]) -> Term:
    named = [Index(label, (i.lower, i.upper)) for i, label in zip(order, labels, strict=True)]
    return Term(factor.xreplace(dict(zip(order, named, strict=True))), tuple(named))


def _standard_name(k: int) -> sp.Dummy:
    """A label no declared index can have: a Dummy equals only Dummies of its own number."""
    return sp.Dummy("ijklpqrs"[k] if k < 8 else f"i{k}", dummy_index=k, integer=True)
