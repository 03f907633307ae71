"""Mistakes in a recursion: where it starts and ends, which way it runs, what it carries on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from gradproof.diagnosis.derived.parts import wrong_part
from gradproof.diagnosis.derived.setting import Mistake, Setting, free, fresh
from gradproof.diagnosis.derived.shared import factors, matched
from gradproof.symbolic.indices import Index
from gradproof.symbolic.lowering.program import array_of, indices_of
from gradproof.symbolic.system import Equation


@dataclass(frozen=True, eq=False)
class Recursion:
    """``nabla_h[s] = direct(s) + carry(nabla_h[s + 1])``, and what it starts from.

    number, equation: of a step. start: the number of the equation of the place it starts from, None where it has none.
    """

    number: int
    equation: Equation
    along: Index
    start: int | None

    @property
    def array(self) -> Any:
        return array_of(self.equation.target)

    @property
    def carry(self) -> sp.Expr:
        return sp.Add(*[term for term in sp.Add.make_args(self.equation.value) if term.has(self.array)])

    @property
    def direct(self) -> sp.Expr:
        return self.equation.value - self.carry

    @property
    def before(self) -> sp.Expr:
        """The element that a step starts from."""
        return self.equation.target.xreplace({self.along: self.along + (1 if self.equation.down else -1)})


def in_a_recursion(setting: Setting, number: int, equation: Equation) -> Iterator[Mistake]:
    assert equation.along is not None
    starts = [k for k in range(number) if array_of(setting.equations[k].target) == array_of(equation.target)]
    recursion = Recursion(number, equation, equation.along, starts[0] if starts else None)
    yield from cut_short(setting, recursion)
    yield from started_again(setting, recursion)
    yield from added_up(setting, recursion)
    if equation.down:
        yield from already_multiplied(setting, recursion)
        yield from piled_up(setting, recursion)
        yield from a_few_steps_back(setting, recursion)
        yield from run_forwards(setting, recursion)


def cut_short(setting: Setting, recursion: Recursion) -> Iterator[Mistake]:
    """A loop that ends too early, or begins too late; what it does not compute stays zero."""
    name = setting.phrases(recursion.equation.target)
    low, high = recursion.along.lower, recursion.along.upper
    for first, last, missed in ((low + 1, high, low), (low, high - 1, high)):
        words = f"with the recursion of {name} without step {setting.phrases(missed)}"
        yield over_steps(recursion, first, last, words, 1)
    for kept in (1, 2, 3, 4):
        words = f"with the recursion of {name} ended after {kept} {'step' if kept == 1 else 'steps'}"
        yield over_steps(recursion, sp.Max(low, high - kept + 1), high, words, 2)


def over_steps(recursion: Recursion, first: Any, last: Any, words: str, weight: int) -> Mistake:
    i = Index(recursion.along.label, (first, last))
    at, equation = {recursion.along: i}, recursion.equation
    changed = Equation(equation.target.xreplace(at), equation.value.xreplace(at), i, equation.down)
    return Mistake(words, "", {recursion.number: changed}, weight)


def started_again(setting: Setting, recursion: Recursion) -> Iterator[Mistake]:
    """What starts the recursion is added at every step of it."""
    if recursion.start is None:
        return
    start, equation = setting.equations[recursion.start], recursion.equation
    pairs = zip(indices_of(start.target), indices_of(equation.target), strict=True)
    place = next(place for place, index in pairs if index == recursion.along)
    again = start.value.xreplace({place: recursion.along})
    if again != 0 and again not in sp.Add.make_args(equation.value):
        words = f"with {setting.phrases(again)} added at every step, not only where the recursion starts"
        changed = {recursion.number: replace(equation, value=equation.value + again)}
        yield Mistake(words, setting.place(equation), changed)


def added_up(setting: Setting, recursion: Recursion) -> Iterator[Mistake]:
    """What is carried on is added to what was there."""
    equation = recursion.equation
    words = f"with {setting.phrases(recursion.before)} added at every step (+= for =)"
    changed = {recursion.number: replace(equation, value=equation.value + recursion.before)}
    yield Mistake(words, setting.place(equation), changed, 1)


def piled_up(setting: Setting, recursion: Recursion) -> Iterator[Mistake]:
    """A carry that is added to and never set anew: what is carried to step s + 1 reaches step s as well."""
    for part in setting.shared:
        at = (
            matched(part.name, part.name.base[recursion.equation.target.indices], free(part.name))
            if part.given
            else None
        )
        if at is None or part.value.xreplace(at) != recursion.carry:
            continue
        ahead = {recursion.along: recursion.along + 1}
        carried_there = recursion.before - fresh(recursion.direct).xreplace(ahead)
        own_names = {place: index for index, place in at.items()}
        words = f"with {setting.phrases(part.name)} added up over the steps (+= for =)"
        yield wrong_part(setting, part, part.value + carried_there.xreplace(own_names), words, 1)


def already_multiplied(setting: Setting, recursion: Recursion) -> Iterator[Mistake]:
    """An adjoint that is passed on with the derivative of the activation already in it."""
    for part in setting.shared:
        for element in part.value.args if part.value.is_Mul else ():
            if not isinstance(element, sp.Indexed) or element.base != recursion.array:
                continue
            slope = sp.Mul(*[factor for factor in factors(part.value) if factor != element])
            changed: dict[int, Equation | None] = {}
            for number, other in enumerate(setting.equations):
                if array_of(other.target) == recursion.array:
                    at = matched(element, other.target, free(part.name)) or {}
                    changed[number] = replace(other, value=other.value * slope.xreplace(at))
            words = f"with {setting.phrases(element)} already multiplied by {setting.phrases(slope)}"
            yield Mistake(words, "", changed, 2)


def a_few_steps_back(setting: Setting, recursion: Recursion) -> Iterator[Mistake]:
    """Each step's error goes back a few steps only: the recursion written out, that many times."""
    if recursion.start is None or recursion.direct == 0 or recursion.carry == 0:
        return
    along, equation = recursion.along, recursion.equation
    every = Index(sp.Dummy(str(along), integer=True), (along.lower, along.upper + 1))
    value = recursion.direct
    for kept in (1, 2, 3, 4):
        value = recursion.direct + written_out(recursion, value)
        whole = Equation(equation.target.xreplace({along: every}), value.xreplace({along: every}))
        words = f"with each error carried back over {kept} {'step' if kept == 1 else 'steps'} only"
        yield Mistake(words, setting.place(equation), {recursion.start: None, recursion.number: whole}, 1)


def written_out(recursion: Recursion, value: sp.Expr) -> sp.Expr:
    """The carry with a formula in place of the elements of the array it carries back."""

    def instead(element: sp.Indexed) -> sp.Expr:
        return fresh(value).xreplace(dict(zip(recursion.equation.target.indices, element.indices, strict=True)))

    return recursion.carry.replace(lambda e: isinstance(e, sp.Indexed) and e.base == recursion.array, instead)


def run_forwards(setting: Setting, recursion: Recursion) -> Iterator[Mistake]:
    """A recursion backwards that runs from the first step to the last."""
    if recursion.start is None or recursion.carry == 0:
        return
    along, start = recursion.along, setting.equations[recursion.start]
    to_first = {e: e.xreplace({along.upper + 1: along.lower}) for e in start.value.atoms(sp.Indexed)}
    begun = Equation(start.target.xreplace({along.upper + 1: along.lower}), start.value.xreplace(to_first))
    up = Index(along.label, (along.lower + 1, along.upper + 1))
    value = recursion.direct.xreplace({along: up}) + recursion.carry.xreplace({along: up - 2})
    forwards = Equation(recursion.equation.target.xreplace({along: up}), value, up)
    words = f"with the recursion of {setting.phrases(recursion.equation.target)} run forwards in time"
    yield Mistake(words, "", {recursion.start: begun, recursion.number: forwards}, 2)
