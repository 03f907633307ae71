"""Mistakes that concern a formula as a whole: its sign, its scale, its shape, what it lacks or has too often."""

from __future__ import annotations

import sympy as sp

from gradproof.diagnosis.derived.phrases import step_or
from gradproof.diagnosis.derived.sites import Scope, Slip, Slips
from gradproof.symbolic.indices import Index, delta
from gradproof.symbolic.lowering.program import array_of, indices_of


def of_the_whole(value: sp.Expr, target: sp.Expr, scope: Scope) -> Slips:
    yield Slip("with the opposite sign", -value)
    is_result = array_of(target) in scope.phrases.gradients
    yield Slip(f"with {scope.phrases(target)} taken as zero", sp.S.Zero, 2 * is_result)
    if value == 0:
        yield from (Slip(f"with {wrong} where 0 belongs", wrong, 2) for wrong in (sp.S.One, sp.S.Half))
    for wrong in (value**2, sp.sign(value), sp.Abs(value)):
        yield Slip(f"with {scope.phrases(wrong)} where {scope.phrases(value)} belongs", wrong, 3)
    yield Slip("times 2", 2 * value, 1)
    yield Slip("divided by 2", value / 2, 1)
    for size in scope.sizes:
        yield Slip(f"times {size}", size * value, 1)
        yield Slip(f"divided by {size}", value / size, 1)
        for other in scope.sizes:
            if str(other) > str(size):
                yield Slip(f"divided by {size} {other}", value / (size * other), 2)
                yield Slip(f"times {size} {other}", size * other * value, 2)
    free = [i for i in indices_of(target) if isinstance(i, Index)]
    for i in free:
        name = step_or(i, scope.phrases)
        for place in (i.lower, i.upper):
            at = f"{name} = {scope.phrases(place)}"
            yield Slip(f"without the entries at {at}", value * (1 - delta(i, place)), 2)
            yield Slip(f"with the entries at {at} only", value * delta(i, place), 2)
    for mark in value.atoms(sp.KroneckerDelta):
        yield Slip(f"with the entries at {scope.phrases(mark)} only", value * mark, 2)
    for other, axes in scope.axes.items():
        if axes == ():
            yield Slip(f"with the factor {scope.phrases(other)} too many", value * other, 2)
            yield Slip(f"replaced by {scope.phrases(other)}", other, 4)
    yield from with_a_factor_too_many(value, target, scope)
    yield from without_an_array(value, target, scope)
    if len(free) == 2 and (free[0].lower, free[0].upper) == (free[1].lower, free[1].upper):
        yield Slip("transposed", value.xreplace({free[0]: free[1], free[1]: free[0]}))


def with_a_factor_too_many(value: sp.Expr, target: sp.Expr, scope: Scope) -> Slips:
    """A derivative of an activation that is in the formula already."""
    free = {i for i in indices_of(target) if isinstance(i, Index)}
    elements = [
        e for e in value.atoms(sp.Indexed) if free <= set(e.atoms(Index)) and e.base != getattr(target, "base", None)
    ]
    elements += [e for e in value.free_symbols & set(scope.activations) if not isinstance(e, sp.Indexed)]
    softmaxes = [e for e in value.atoms(sp.Mul) if any(f.is_Pow and f.exp == -1 and f.base.has(sp.exp) for f in e.args)]
    for e in [*sorted(elements, key=str), *softmaxes]:
        for factor in (e * (1 - e), 1 - e**2, e):
            yield Slip(f"with the factor {scope.phrases(factor)} too many", value * factor, 3)
        yield Slip(f"divided by {scope.phrases(e * (1 - e))}", value / (e * (1 - e)), 3)


def without_an_array(value: sp.Expr, target: sp.Expr, scope: Scope) -> Slips:
    """An array that is forgotten wherever the formula has it."""
    for base in sorted({e.base for e in value.atoms(sp.Indexed)}, key=str):
        elements = [e for e in value.atoms(sp.Indexed) if e.base == base]
        if len(elements) > 1:
            yield Slip(f"without {scope.phrases.name(base)}", value.xreplace(dict.fromkeys(elements, sp.S.Zero)), 1)
