"""Mistakes in a sum over an index: its ends, its terms, its index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from gradproof.diagnosis.derived.phrases import step_or
from gradproof.diagnosis.derived.sites import Site, Slips
from gradproof.symbolic.indices import Index


def a_sum(site: Site) -> Slips:
    e = site.part
    for k, (i, low, high) in enumerate(e.limits):
        others = [*e.limits[:k], *e.limits[k + 1 :]]
        name = step_or(i, site.scope.phrases)

        def over(function: Any, *limits: Any, others: Any = others) -> Any:
            kept = (*others, *limits)
            return sp.Sum(function, *kept) if kept else function

        def between(first: Any, last: Any, i: Index = i) -> Any:
            j = Index(sp.Dummy(str(i), integer=True), (first, last))
            return over(e.function.xreplace({i: j}), (j, first, last))

        first, last = site.shown(low), site.shown(high)
        yield site.slip(f"without {name} = {first} in the sum over {name}", between(low + 1, high), 1)
        yield site.slip(f"without {name} = {last} in the sum over {name}", between(low, high - 1), 1)
        only = "only {} = {} of the sum over {} (assigned, not added)"
        yield site.slip("with " + only.format(name, last, name), over(e.function.xreplace({i: high})), 1)
        yield site.slip("with " + only.format(name, first, name), over(e.function.xreplace({i: low})), 1)
        for end in (low, high):
            twice = e + over(e.function.xreplace({i: end}))
            yield site.slip(f"with {name} = {site.shown(end)} twice in the sum over {name}", twice, 1)
        for j in site.indices:
            if (j.lower, j.upper) == (i.lower, i.upper):
                alone = over(e.function.xreplace({i: j}))
                yield site.slip(f"without the sum over {name}: {site.shown(alone)} alone", alone, 2)
                words = f"with the sign of the terms of the sum over {name} other than {name} = {j} flipped"
                yield site.slip(words, 2 * alone - e, 2)
        yield site.slip(f"with the mean where the sum over {name} belongs", e / (high - low + 1), 1)
        yield site.slip(f"times the number of terms of the sum over {name}", e * (high - low + 1), 2)
        yield from from_the_second_on(site, i, over)
        yield from of_an_integer(site, i, over)
        yield from of_separate_sums(site, i, over)
        yield from along_another_axis(site, i, over)
        yield from without_a_matrix(site, i, over)


def from_the_second_on(site: Site, i: Index, over: Callable[..., Any]) -> Slips:
    """A loop that skips the first step, where h[t - 1] is the h[0] = 0 that nobody stored, and reads h[t]."""
    for element in site.part.function.atoms(sp.Indexed):
        if i - 1 in element.indices:
            shifted = element.xreplace({i: i + 1})
            j = Index(sp.Dummy(str(i), integer=True), (i.lower + 1, i.upper))
            later = over(site.part.function.xreplace({element: shifted}).xreplace({i: j}), (j, j.lower, j.upper))
            words = f"with {site.shown(shifted)} where {site.shown(element)} belongs, from the second step on"
            yield site.slip(words, later, 2)


def of_an_integer(site: Site, i: Index, over: Callable[..., Any]) -> Slips:
    """The term of one index that is given, a label, where the sum over all belongs."""
    name = step_or(i, site.scope.phrases)
    for label in site.scope.inputs:
        if isinstance(label, Index) and (label.lower, label.upper) == (i.lower, i.upper):
            alone = over(site.part.function.xreplace({i: label}))
            yield site.slip(f"with only {name} = {label} of the sum over {name}", alone, 2)


def of_separate_sums(site: Site, i: Index, over: Callable[..., Any]) -> Slips:
    """The product of two sums, or of two means, where the sum of the products belongs."""
    body = site.part.function
    j = Index(sp.Dummy(str(i), integer=True), (i.lower, i.upper))
    for factor in body.args if body.is_Mul else ():
        rest = body / factor
        if factor.has(i) and rest.has(i):
            product = over(factor, (i, i.lower, i.upper)) * over(rest.xreplace({i: j}), (j, j.lower, j.upper))
            shown = f"of {site.shown(factor)} and {site.shown(rest)}"
            yield site.slip(f"with the product of the sums {shown} where the sum of the product belongs", product, 3)
            means = product / (i.upper - i.lower + 1)
            yield site.slip(f"with the product of the means {shown} where the mean of the product belongs", means, 3)


def along_another_axis(site: Site, i: Index, over: Callable[..., Any]) -> Slips:
    """A sum over rows where one over columns belongs."""
    e = site.part
    same = [j for j in site.indices if (j.lower, j.upper) == (i.lower, i.upper)]
    for other in site.indices:
        if same and other not in same and e.function.has(other):
            j = Index(sp.Dummy(str(other), integer=True), (other.lower, other.upper))
            body = e.function.xreplace({other: j, i: same[0]})
            yield site.slip(f"with a sum over {other} where one over {i} belongs", over(body, (j, j.lower, j.upper)), 2)
            both = over(e.function.xreplace({other: j}), (i, i.lower, i.upper), (j, j.lower, j.upper))
            yield site.slip(f"with a sum over {i} and {other} where one over {i} belongs", both, 2)


def without_a_matrix(site: Site, i: Index, over: Callable[..., Any]) -> Slips:
    """A vector where its product with a square matrix belongs, with or without what else is multiplied."""
    body = site.part.function
    for matrix in body.args if body.is_Mul else ():
        if isinstance(matrix, sp.Indexed) and len(matrix.indices) > 1 and i in matrix.indices:
            name = site.scope.phrases.name(matrix.base)
            for other in set(matrix.indices) & set(site.indices) - {i}:
                if (other.lower, other.upper) != (i.lower, i.upper):
                    continue
                yield site.slip(f"without the product with {name}", over((body / matrix).xreplace({i: other})), 1)
                for vector in body.args:
                    if isinstance(vector, sp.Indexed) and vector != matrix and i in vector.indices:
                        words = f"with {site.shown(vector)} where {site.shown(site.part)} belongs"
                        yield site.slip(words, over(vector.xreplace({i: other})), 2)
