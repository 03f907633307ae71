"""Mistakes in a sum of terms, a power, a function, a number, or cases."""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from gradproof.diagnosis.derived.evaluate import without_first
from gradproof.diagnosis.derived.sites import Site, Slips
from gradproof.symbolic.functions import relu, sigmoid
from gradproof.symbolic.indices import delta


def a_term(site: Site) -> Slips:
    e = site.part
    in_factor = bool(site.around) and isinstance(site.around[-1], sp.Mul | sp.Pow)
    for term in e.args:
        positive = -term if term.could_extract_minus_sign() else term
        shown = site.shown(positive)
        missing = site.slip(f"without the term {shown}", e - term, 3 if in_factor else 0)
        yield missing if in_factor or term.is_Number else replace(missing, term=term)
        yield site.slip(f"with the sign of {shown} flipped", e - 2 * term)
        if not term.is_Number:
            yield site.slip(f"with {shown} twice", e + term, 1)
            yield site.slip(f"with {shown} halved", e - term / 2, 2)
    if not any(term.is_Number for term in e.args):
        yield site.slip("with the product of the terms where their sum belongs", sp.Mul(*e.args), 3 if in_factor else 2)
    if len(e.args) == 2 and sum(term.could_extract_minus_sign() for term in e.args) == 1:
        above, below = sorted(e.args, key=lambda term: not term.could_extract_minus_sign())
        yield site.slip(f"with {site.shown(above / below)} where {site.shown(e)} belongs", above / below, 3)


def a_power(site: Site) -> Slips:
    e = site.part
    if e.exp == -1:
        yield site.slip(f"with {site.shown(sp.log(e.base))} where {site.shown(e)} belongs", sp.log(e.base), 2)
        return
    yield site.slip(f"with {site.shown(e.base)} where {site.shown(e)} belongs", e.base, 1)
    if e.exp.is_Integer:
        for wrong in (e.exp - 1, e.exp + 1, -e.exp):
            other = e.base**wrong
            yield site.slip(f"with {site.shown(other)} where {site.shown(e)} belongs", other, 2)


FUNCTIONS = (sp.tanh, sigmoid, relu, sp.exp, sp.log, sp.sin, sp.cos)


def a_function(site: Site) -> Slips:
    e = site.part
    if len(e.args) != 1 or isinstance(e, without_first | sp.KroneckerDelta):
        return
    name, argument = type(e).__name__, e.args[0]
    yield site.slip(f"without the function {name}", argument)
    for other in FUNCTIONS:
        if not isinstance(e, other):
            yield site.slip(f"with {other.__name__} where {name} belongs", other(argument), 2)
    derivative = e.diff(argument) if argument.is_Symbol else None
    if derivative is not None:
        yield site.slip(f"with the derivative of {name} where {name} belongs", derivative, 2)


def a_mark(site: Site) -> Slips:
    """[i = label] one place further or before; beyond the end around it, as an index of -1 does."""
    yield site.slip(f"with 1 at every entry where {site.shown(site.part)} belongs", sp.S.One, 2)
    for label, other in (site.part.args, site.part.args[::-1]):
        if label in site.scope.inputs:
            for by in (1, -1):
                count = label.upper - label.lower + 1
                place = label.lower + sp.Mod(label + by - label.lower, count, evaluate=False)
                yield site.slip(
                    f"with {site.shown(label + by)} where {site.shown(label)} belongs", delta(place, other), 2
                )


def cases(site: Site) -> Slips:
    for value, _ in site.part.args:
        yield site.slip(f"with {site.shown(value)} in all cases", value, 1)
    (first, condition), (otherwise, _), *_rest = site.part.args
    yield site.slip("with the cases exchanged", sp.Piecewise((otherwise, condition), (first, True)), 1)


def a_number(site: Site) -> Slips:
    if site.around and isinstance(site.around[-1], sp.Add) and site.part != 0:
        yield site.slip(f"with {site.part + 1} where {site.part} belongs", site.part + 1, 3)
