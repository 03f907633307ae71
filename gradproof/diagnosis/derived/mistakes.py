"""Every program that is one mistake away from a proved one, by where the mistake is: equation, part, recursion, use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import sympy as sp

from gradproof.diagnosis.derived import parts, recursions, uses
from gradproof.diagnosis.derived.program import Program
from gradproof.diagnosis.derived.setting import Mistake, Setting
from gradproof.diagnosis.derived.slips import slips
from gradproof.symbolic.lowering.program import array_of, indices_of
from gradproof.symbolic.system import Equation


@dataclass(frozen=True, eq=False)
class Source:
    """Mistakes of one origin, made when they are asked for.

    reach: the parameters whose gradients depend on what is mistaken.
    """

    reach: frozenset[str]
    made: Callable[[], Iterator[Mistake]]

    def mistakes(self) -> Iterator[Mistake]:
        return (mistake for mistake in self.made() if all(map(reads_what_is_there, mistake.changed.values())))


def reads_what_is_there(equation: Equation | None) -> bool:
    """Whether a recursion reads its own array where earlier steps have filled it: elsewhere is zero by accident."""
    if equation is None or equation.along is None:
        return True
    array, indices = array_of(equation.target), indices_of(equation.target)
    axis = indices.index(equation.along)
    places = [e.indices[axis] - equation.along for e in equation.value.atoms(sp.Indexed) if e.base == array]
    ahead = [sp.expand(place if equation.down else -place) for place in places]
    return all(shift.is_Integer and shift > 0 for shift in ahead)


def sources(program: Program) -> Iterator[Source]:
    setting = Setting(program)
    for number, equation in enumerate(setting.equations):
        yield Source(program.depending([number]), partial(in_an_equation, setting, number))
        if equation.along is not None:
            in_recursion = partial(recursions.in_a_recursion, setting, number, equation)
            yield Source(program.depending([number]), in_recursion)
    for part in setting.shared:
        yield Source(program.depending(part.users), partial(parts.in_a_part, setting, part))
    yield Source(frozenset(program.system.outputs), partial(uses.in_use, setting))


def in_an_equation(setting: Setting, number: int) -> Iterator[Mistake]:
    """A slip in one equation. Those of a forward pass are less likely: its values would be wrong as well."""
    equation = setting.equations[number]
    forward = equation.along is not None and not equation.down
    place = setting.place(equation)
    for slip in slips(equation.value, equation.target, setting.scope(number)):
        changed = {number: replace(equation, value=slip.value)}
        yield Mistake(slip.words, place, changed, slip.weight + bool(place) + forward, slip.outside, slip.term)
