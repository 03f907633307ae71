"""Mistakes in what a formula is given: one array for another that is made from it, a sequence or a number misread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import sympy as sp

from gradproof.diagnosis.derived.evaluate import OUTSIDE
from gradproof.diagnosis.derived.parts import wrong_part
from gradproof.diagnosis.derived.setting import Mistake, Setting, free, fresh
from gradproof.diagnosis.derived.shared import matched
from gradproof.symbolic.indices import Index
from gradproof.symbolic.lowering.program import array_of, indices_of
from gradproof.symbolic.system import Equation


def in_use(setting: Setting) -> Iterator[Mistake]:
    yield from a_part_for_what_it_is_made_from(setting)
    yield from less_than_an_array(setting)
    yield from a_misread_sequence(setting)
    yield from another_integer(setting)


def a_part_for_what_it_is_made_from(setting: Setting) -> Iterator[Mistake]:
    """delta[t] = (1 - h[t]^2) nabla_h[t] for nabla_h[t]."""
    for part in setting.shared:
        kinds = [e for e in part.value.atoms(sp.Indexed) if e.indices == indices_of(part.name)] if part.given else []
        for kind in kinds:
            for number, equation in setting.reading(kind.base).items():
                for element in equation.value.atoms(sp.Indexed):
                    at = matched(kind, element, free(part.name))
                    if at is not None and number not in part.users:
                        wrong = equation.value.xreplace({element: part.value.xreplace(at)})
                        words = f"with {setting.stated(part.name, part.value)} where {setting.phrases(element)} belongs"
                        yield Mistake(words, setting.place(equation), {number: replace(equation, value=wrong)}, 1)


def less_than_an_array(setting: Setting) -> Iterator[Mistake]:
    """An array that is right, and in one formula taken without some of its terms: V^T yhat for V^T (yhat - y)."""
    for maker in setting.equations:
        if maker.along is not None or not maker.value.is_Add:
            continue
        for number, equation in setting.reading(array_of(maker.target)).items():
            for value, words in with_less(setting, maker, equation.value):
                yield Mistake(words, setting.place(equation), {number: replace(equation, value=value)}, 2)
        for part in setting.shared:
            for value, words in with_less(setting, maker, part.value):
                yield wrong_part(setting, part, value, words, 2)


def with_less(setting: Setting, maker: Equation, formula: sp.Expr) -> Iterator[tuple[sp.Expr, str]]:
    """``formula`` with some of the terms of an array that it reads, where all belong; and the words for it."""
    some = {part for term in maker.value.args for part in (term, maker.value - term)}
    for element in [e for e in formula.atoms(sp.Indexed) if e.base == array_of(maker.target)]:
        at = dict(zip(indices_of(maker.target), element.indices, strict=True))
        for less in sorted(some, key=str):
            wrong = fresh(less).xreplace(at)
            words = f"with {setting.phrases(wrong)} where {setting.phrases(element)} belongs"
            yield formula.xreplace({element: wrong}), words


def a_misread_sequence(setting: Setting) -> Iterator[Mistake]:
    """A sequence among the inputs that is read in reversed order, or a step late or early, wherever it is used."""
    for symbol in setting.inputs:
        for axis in setting.phrases.step_positions(symbol):
            low, high = setting.phrases.axes[symbol][axis]
            name, t = setting.phrases.name(symbol), sp.Symbol("t", integer=True)
            for place, how in ((low + high - t, "reversed"), (t - 1, "late"), (t + 1, "early")):
                changed = {
                    number: replace(equation, value=misread(equation.value, symbol, axis, place, t))
                    for number, equation in setting.reading(symbol).items()
                }
                if how == "reversed":
                    words = f"with the steps of {name} in reversed order throughout"
                else:
                    words = f"with {name}[{place}] where {name}[t] belongs throughout"
                for outside in OUTSIDE if len(changed) > 1 else ():
                    yield Mistake(words, "", changed, 1 + (outside != "zero"), outside)


def misread(value: sp.Expr, array: Any, axis: int, place: sp.Expr, t: sp.Symbol) -> sp.Expr:
    """A formula that reads an array at other places along one axis: at ``place`` where it should at ``t``."""
    elements = [e for e in value.atoms(sp.Indexed) if e.base == array]
    places = {e: sp.expand(place.xreplace({t: e.indices[axis]})) for e in elements}
    return value.xreplace({e: array[(*e.indices[:axis], places[e], *e.indices[axis + 1 :])] for e in elements})


def another_integer(setting: Setting) -> Iterator[Mistake]:
    """A whole number, a window for instance, that is taken one too large or too small, or for another."""
    for symbol in setting.integers:
        for wrong in (symbol + 1, symbol - 1, sp.S.One, *setting.sizes):
            changed = {
                number: replace(equation, value=exchanged(equation.value, {symbol: wrong}))
                for number, equation in setting.reading(symbol).items()
            }
            yield Mistake(f"with {wrong} where {symbol} belongs", "", changed, 1)


def exchanged(value: sp.Expr, at: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
    """A formula with other sizes, in the ranges of its sums too."""

    def with_limits(e: sp.Sum) -> sp.Expr:
        others = {
            i: Index(sp.Dummy(str(i), integer=True), (low.xreplace(at), high.xreplace(at))) for i, low, high in e.limits
        }
        limits = [(others[i], others[i].lower, others[i].upper) for i, _, _ in e.limits]
        return sp.Sum(e.function.xreplace(others), *limits)

    return value.replace(lambda e: isinstance(e, sp.Sum), with_limits).xreplace(at)
