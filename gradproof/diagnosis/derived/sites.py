"""Where in a formula a mistake can be: every part of it, what stands around it, how to put another in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from gradproof.diagnosis.derived.phrases import Phrases
from gradproof.symbolic.indices import Index
from gradproof.symbolic.lowering.program import indices_of
from gradproof.symbolic.system import Axis, Equation

Rebuild = Callable[[sp.Expr], sp.Expr]


@dataclass(frozen=True)
class Slip:
    """A formula that is wrong by one mistake.

    words: what follows "equals the formula". value: the formula. weight: how far-fetched it is; 0 for what is often
    seen. outside: what reads outside an array give, see ``evaluate.OUTSIDE``. term: the term that is missing, where
    that is the mistake: with another coefficient it would be another one.
    """

    words: str
    value: sp.Expr
    weight: int = 0
    outside: str = "zero"
    term: sp.Expr | None = None


Slips = Iterator[Slip]


@dataclass(frozen=True, eq=False)
class Scope:
    """What a formula could have been mixed up with.

    phrases: how it is written in a sentence. axes: of every array and scalar that is there when the formula is
    evaluated. inputs: those of them that are given. activations: array -> the equation that computes it as a function
    of one argument. sizes: all of them.
    """

    phrases: Phrases
    axes: Mapping[Any, Sequence[Axis]]
    inputs: frozenset[Any]
    activations: Mapping[Any, Equation]
    sizes: Sequence[sp.Symbol]


@dataclass(frozen=True, eq=False)
class Site:
    """A part of a formula.

    part: the part. rebuild: the whole formula with another part in its place. around: what it stands in, outermost
    first. target: what the formula computes.
    """

    part: sp.Expr
    rebuild: Rebuild
    target: sp.Expr
    scope: Scope
    around: tuple[sp.Expr, ...] = field(default=())

    def slip(self, words: str, part: Any, weight: int = 0, outside: str = "zero") -> Slip:
        return Slip(words, self.rebuild(sp.sympify(part)), weight, outside)

    def shown(self, e: Any) -> str:
        return self.scope.phrases(e)

    @property
    def indices(self) -> list[Index]:
        """The indices that mean something here: the target's, and those summed around the part."""
        free = [i for i in indices_of(self.target) if isinstance(i, Index)]
        return free + [limit[0] for e in self.around if isinstance(e, sp.Sum) for limit in e.limits]


def sites(value: sp.Expr, target: sp.Expr, scope: Scope) -> Iterator[Site]:
    """Every part of a formula, the whole first. Indices and what an element is made of are no parts."""
    waiting = [Site(value, lambda new: new, target, scope)]
    while waiting:
        site = waiting.pop()
        yield site
        if isinstance(site.part, sp.Indexed | sp.KroneckerDelta):
            continue
        for position, argument in enumerate(site.part.args):
            if isinstance(argument, sp.Expr):
                inside = (*site.around, site.part)
                waiting.append(Site(argument, _replacing(site, position), target, scope, inside))
            elif isinstance(argument, sp.functions.elementary.piecewise.ExprCondPair):
                inside = (*site.around, site.part)
                waiting.append(Site(argument.expr, _replacing_case(site, position), target, scope, inside))


def _replacing(site: Site, position: int) -> Rebuild:
    args = site.part.args
    return lambda new: site.rebuild(site.part.func(*args[:position], new, *args[position + 1 :]))


def _replacing_case(site: Site, position: int) -> Rebuild:
    args = site.part.args
    return lambda new: site.rebuild(sp.Piecewise(*args[:position], (new, args[position].cond), *args[position + 1 :]))


def argument_of(element: sp.Expr, equation: Equation) -> sp.Expr:
    """What the activation of an element is applied to: the pre-activation at the element's indices."""
    argument = equation.value.args[0]
    own = {limit[0] for e in argument.atoms(sp.Sum) for limit in e.limits}
    fresh = {i: Index(sp.Dummy(str(i), integer=True), (i.lower, i.upper)) for i in own}
    at = dict(zip(indices_of(equation.target), indices_of(element), strict=True))
    return argument.xreplace(fresh).xreplace(at)


def activation_of(equation: Equation) -> bool:
    """Whether an equation computes an elementwise function of one argument, as h[t] = tanh(...)."""
    return isinstance(equation.value, sp.Function) and len(equation.value.args) == 1
