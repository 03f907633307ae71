"""Mistakes in one element of an array, or one scalar: another place of it, another array, another function of it."""

from __future__ import annotations

from typing import Any

import sympy as sp

from gradproof.diagnosis.derived.evaluate import OUTSIDE, without_first
from gradproof.diagnosis.derived.sites import Site, Slips, argument_of
from gradproof.symbolic.indices import Index

AT_THE_EDGE = {"zero": "", "wrap": " (around the end, as an index of -1 does)", "clamp": " (at the edge the nearest)"}


def transposed(site: Site) -> Slips:
    """W for its transpose, where both are of one shape."""
    e = site.part
    axes = site.scope.axes.get(e.base, ())
    for k in range(len(axes) - 1):
        if tuple(axes[k]) == tuple(axes[k + 1]) and e.indices[k] != e.indices[k + 1]:
            swapped = (*e.indices[:k], e.indices[k + 1], e.indices[k], *e.indices[k + 2 :])
            name = site.scope.phrases.name(e.base)
            summed = {limit[0] for around in site.around if isinstance(around, sp.Sum) for limit in around.limits}
            as_it_is = f"{name}^T" if e.indices[k] in summed and e.indices[k + 1] not in summed else name
            wrong = name if as_it_is != name else f"{name}^T"
            yield site.slip(f"with {wrong} where {as_it_is} belongs", e.base[swapped])


def another_step(site: Site) -> Slips:
    """The step before or after, at every step the same one, or the steps in reversed order."""
    e = site.part
    for k in site.scope.phrases.step_positions(e.base):
        place = e.indices[k]

        def at(step: Any, k: int = k) -> Any:
            return e.base[(*e.indices[:k], step, *e.indices[k + 1 :])]

        for by in (-1, 1, -2, 2):
            for outside in OUTSIDE:
                words = f"with {site.shown(at(place + by))} where {site.shown(e)} belongs{AT_THE_EDGE[outside]}"
                yield site.slip(words, at(place + by), abs(by) - 1 + 2 * (outside != "zero"), outside)
        if place.has(Index):
            low, high = site.scope.axes[e.base][k]
            for step in dict.fromkeys((high, low, sp.S.One)):
                words = f"with {site.shown(at(step))} at every step where {site.shown(e)} belongs"
                yield site.slip(words, at(step), 1)
            (i,) = place.atoms(Index)
            words = f"with the steps of {site.scope.phrases.name(e.base)} in reversed order"
            yield site.slip(words, at(place.xreplace({i: i.lower + i.upper - i})), 2)


def all_steps(site: Site) -> Slips:
    """The sum over all steps where one step belongs."""
    e = site.part
    for k in site.scope.phrases.step_positions(e.base):
        if not sp.sympify(e.indices[k]).has(Index):
            low, high = site.scope.axes[e.base][k]
            step = Index(sp.Dummy("t", integer=True), (sp.Max(low, 1), high))
            every = e.base[(*e.indices[:k], step, *e.indices[k + 1 :])]
            words = f"with the sum of {site.shown(every)} over all steps where {site.shown(e)} belongs"
            yield site.slip(words, sp.Sum(every, (step, step.lower, step.upper)), 2)


def at_the_first_step(site: Site) -> Slips:
    """h[t - 1] at t = 1, from code that stores no h[0]: taken as zero, as the last step, or as the first."""
    e = site.part
    for k in site.scope.phrases.step_positions(e.base):
        if e.indices[k].has(Index) and not isinstance(e.indices[k], Index):
            for outside, words in (
                ("zero", "taken as zero at the edge"),
                ("wrap", "taken from the other end at the edge, as an index of -1 does"),
                ("clamp", "taken from the step beside it at the edge"),
            ):
                cut = without_first(e, sp.Integer(k))
                yield site.slip(f"with {site.shown(e)} {words}", cut, 1 + (outside == "clamp"), outside)


def another_array(site: Site) -> Slips:
    """An array of the same shape, what an activation is applied to, or the activation once more."""
    e = site.part
    own = site.scope.axes.get(e.base)
    for other, axes in site.scope.axes.items():
        if other in (e.base, getattr(site.target, "base", None)):
            continue
        if own and axes and [tuple(a) for a in axes] == [tuple(a) for a in own]:
            yield site.slip(f"with {site.shown(other[e.indices])} where {site.shown(e)} belongs", other[e.indices], 2)
    if e.base in site.scope.activations:
        equation = site.scope.activations[e.base]
        applied = type(equation.value).__name__
        words = f"with the argument of {applied} where {site.shown(e)} belongs"
        yield site.slip(words, argument_of(e, equation), 1)
        yield site.slip(f"with {applied} applied again to {site.shown(e)}", equation.value.func(e), 1)


def another_function(site: Site) -> Slips:
    """An element squared, or its sign."""
    for wrong in (site.part**2, sp.sign(site.part)):
        yield site.slip(f"with {site.shown(wrong)} where {site.shown(site.part)} belongs", wrong, 3)


def another_unit(site: Site) -> Slips:
    """An index of the same range."""
    e = site.part
    for k, place in enumerate(e.indices):
        if not isinstance(place, Index):
            continue
        for other in site.indices:
            if other != place and (other.lower, other.upper) == (place.lower, place.upper):
                changed = e.base[(*e.indices[:k], other, *e.indices[k + 1 :])]
                yield site.slip(
                    f"with {site.shown(e)} along the wrong axis ({e.base} of {other} for {place})", changed, 3
                )


def another_scalar(site: Site) -> Slips:
    """In a graph of scalars: another node, or a node's function once more."""
    e = site.part
    if site.scope.axes.get(e) != ():
        return
    for other, axes in site.scope.axes.items():
        if axes == () and other not in (e, site.target):
            words = f"with {site.shown(other)} where {site.shown(e)} belongs"
            yield site.slip(words, other, 1 if {e, other} <= site.scope.inputs else 3)
    if e in site.scope.activations:
        equation = site.scope.activations[e]
        yield site.slip(
            f"with {type(equation.value).__name__} applied again to {site.shown(e)}", equation.value.func(e), 1
        )
