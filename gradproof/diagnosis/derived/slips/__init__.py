"""The mistakes that are made in one place of a formula: one rule a kind, each from a part of it to wrong formulas.

Not all are likely, which is what weights are for: of two that give the same gradient the lighter is the name. Adding a
kind is one function in the module of what it is about, and its name in RULES.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import sympy as sp

from gradproof.diagnosis.derived.sites import Scope, Site, Slips, sites
from gradproof.diagnosis.derived.slips import elements, products, sums, terms, whole


def slips(value: sp.Expr, target: sp.Expr, scope: Scope) -> Slips:
    """Every formula that is one mistake away from ``value``."""
    yield from whole.of_the_whole(value, target, scope)
    for site in sites(value, target, scope):
        for kind, rules in RULES.items():
            if isinstance(site.part, kind):
                for rule in rules:
                    yield from rule(site)
    yield from of_repeated_elements(value, target, scope)


def of_repeated_elements(value: sp.Expr, target: sp.Expr, scope: Scope) -> Slips:
    """An element that occurs twice, as in h (1 - h), is misread twice."""
    for element in value.atoms(sp.Indexed):
        if value.count(element) > 1:
            site = Site(element, partial(exchanged, value, element), target, scope)
            for rule in RULES[sp.Indexed]:
                yield from rule(site)


def exchanged(value: sp.Expr, old: sp.Expr, new: sp.Expr) -> sp.Expr:
    return value.xreplace({old: new})


RULES: dict[Any, tuple[Callable[[Site], Slips], ...]] = {
    sp.Indexed: (
        elements.transposed,
        elements.another_step,
        elements.all_steps,
        elements.at_the_first_step,
        elements.another_array,
        elements.another_unit,
        elements.another_function,
    ),
    sp.Symbol: (elements.another_scalar,),
    sp.Mul: (products.a_slope, products.a_factor, products.a_quotient, products.brackets),
    sp.Add: (terms.a_term,),
    sp.Pow: (terms.a_power,),
    sp.KroneckerDelta: (terms.a_mark,),
    sp.Function: (terms.a_function,),
    sp.Piecewise: (terms.cases,),
    sp.Number: (terms.a_number,),
    sp.Sum: (sums.a_sum,),
}
"""By the kind of part."""
