"""Mistakes in a product: a factor that is missing, doubled or another, the slope of an activation, wrong brackets."""

from __future__ import annotations

import sympy as sp

from gradproof.diagnosis.derived.evaluate import OUTSIDE
from gradproof.diagnosis.derived.sites import Site, Slips, argument_of
from gradproof.diagnosis.derived.slips.elements import AT_THE_EDGE


def a_factor(site: Site) -> Slips:
    e = site.part
    for factor in e.args:
        if factor == -1 or (len(e.args) == 2 and -1 in e.args):  # the sign is another matter, and so is a whole term
            continue
        if factor.is_Pow and factor.exp.could_extract_minus_sign():
            yield site.slip(f"without the division by {site.shown(1 / factor)}", e / factor)
            yield site.slip(f"times {site.shown(1 / factor)} where the division by it belongs", e / factor**2, 2)
            continue
        weight = 0 if factor.is_Add or factor.is_Number else 1
        yield site.slip(f"without the factor {site.shown(factor)}{which(site, factor)}", e / factor, weight)
        yield site.slip(f"with the factor {site.shown(factor)} twice", e * factor, 2)
        if not factor.is_Number:
            yield site.slip(f"divided by {site.shown(factor)} where the product belongs", e / factor**2, 3)
    if e.args[0].is_Rational and e.args[0] not in (1, -1):
        c = e.args[0]
        for wrong in dict.fromkeys((c + 1, c - 1, 1 / c)):
            yield site.slip(f"with the coefficient {wrong} where {c} belongs", e / c * wrong, 3)


def which(site: Site, factor: sp.Expr) -> str:
    """Which of several factors that read the same is meant: the product it stands in."""
    array = getattr(factor, "base", None)
    elements = site.rebuild(site.part).atoms(sp.Indexed)
    several = isinstance(factor, sp.Indexed) and sum(e.base == array for e in elements) > 1
    return f", in {site.shown(site.part)}" if several else ""


def a_quotient(site: Site) -> Slips:
    """A difference where a quotient belongs: the gradient by logits, yhat - y, for that by probabilities, -y/yhat."""
    above, below = sp.fraction(site.part)
    if below != 1 and not below.is_Number and above.could_extract_minus_sign():
        wrong = below + above
        yield site.slip(f"with {site.shown(wrong)} where {site.shown(site.part)} belongs", wrong, 3)


def a_slope(site: Site) -> Slips:
    """The derivative of an activation: left out, twice, of another activation, of another argument, at another step."""
    e = site.part
    for element in sorted(e.atoms(sp.Indexed), key=str):
        factors = [f for f in e.args if f.free_symbols and f.atoms(sp.Indexed) == {element}]
        if not any(isinstance(f, sp.Add | sp.Function) for f in factors):
            continue
        slope = sp.Mul(*factors)
        rest = sp.Mul(*[f for f in e.args if f not in factors])
        shown = site.shown(slope)
        yield site.slip(f"without the factor {shown}", rest)
        yield site.slip(f"with the factor {shown} twice", rest * slope**2, 1)
        others = (1 - element**2, element * (1 - element), sp.sign(element), 1 - element, 1 + element**2)
        for other in (*others, (1 - element) ** 2):
            if other != slope:
                yield site.slip(f"with {site.shown(other)} where {shown} belongs", rest * other, 1)
        if element.base in site.scope.activations:
            equation = site.scope.activations[element.base]
            name = type(equation.value).__name__
            at = argument_of(element, equation)
            yield site.slip(
                f"with the argument of {name} where its value {site.shown(element)} belongs in {shown}",
                rest * slope.xreplace({element: at}),
            )
            again = slope.xreplace({element: equation.value.func(element)})
            yield site.slip(f"with {name} applied again to {site.shown(element)} in {shown}", rest * again)
        for k in site.scope.phrases.step_positions(element.base):
            for by in (-1, 1):
                moved = element.base[(*element.indices[:k], element.indices[k] + by, *element.indices[k + 1 :])]
                for outside in OUTSIDE:
                    wrong = slope.xreplace({element: moved})
                    words = f"with {site.shown(wrong)} where {shown} belongs{AT_THE_EDGE[outside]}"
                    yield site.slip(words, rest * wrong, 2 * (outside != "zero"), outside)


def brackets(site: Site) -> Slips:
    """A factor of a sum that is applied to one of its terms only, or to all but one."""
    for inner in site.part.args:
        if inner.is_Add:
            factor = site.part / inner
            for term in inner.args:
                rest = inner - term
                yield site.slip(
                    f"with the factor {site.shown(factor)} on {site.shown(term)} only", factor * term + rest, 1
                )
                if len(inner.args) > 2:
                    words = f"with the factor {site.shown(factor)} missing on {site.shown(term)}"
                    yield site.slip(words, factor * rest + term, 2)
