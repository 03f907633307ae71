"""Mistakes in a part that several formulas share, in all of them at once or in the use one of them makes of it."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from gradproof.diagnosis.derived.evaluate import OUTSIDE
from gradproof.diagnosis.derived.setting import Mistake, Setting
from gradproof.diagnosis.derived.shared import Shared, with_another
from gradproof.diagnosis.derived.sites import Slip
from gradproof.diagnosis.derived.slips import slips
from gradproof.symbolic.indices import delta


def in_a_part(setting: Setting, part: Shared) -> Iterator[Mistake]:
    for slip in slips(part.value, part.name, setting.scope(max(part.users))):
        for value, words, weight in also_at_one_step(setting, part, slip):
            yield wrong_part(setting, part, value, words, weight + (not part.given), slip.outside)
    if part.given:
        yield from shifted_in_one_use(setting, part)
        yield from of_the_last_steps(setting, part)


def wrong_part(
    setting: Setting, part: Shared, value: sp.Expr, words: str, weight: int, outside: str = "zero"
) -> Mistake:
    """The mistake of having another value for a part, wherever it is used."""
    changed = {number: with_another(setting.equations[number], part, value) for number in part.users}
    return Mistake(words, setting.place_of(part), changed, weight, outside)


def also_at_one_step(setting: Setting, part: Shared, slip: Slip) -> Iterator[tuple[sp.Expr, str, int]]:
    """A slip at every step, and, where it is a likely one, at the last or the first step only: value, words, weight."""
    yield slip.value, slip.words, slip.weight
    steps = setting.steps(part)
    if part.given and slip.weight == 0 and len(steps) == 1:
        for place in (steps[0].upper, steps[0].lower):
            there = delta(steps[0], place)
            words = f"{slip.words}, at step {setting.phrases(place)} only"
            yield there * slip.value + (1 - there) * part.value, words, 2


def shifted_in_one_use(setting: Setting, part: Shared) -> Iterator[Mistake]:
    """A part that is right, and in one formula taken from another step."""
    for step in setting.steps(part) if len(part.users) > 1 else ():
        for place in (step - 1, step + 1, step.upper, step.lower):
            every = "" if place in (step - 1, step + 1) else " at every step"
            taken = setting.phrases(part.name.xreplace({step: place}))
            words = f"with {taken}{every} where {setting.phrases(part.name)} belongs"
            for number in part.users:
                equation = setting.equations[number]
                changed = {number: with_another(equation, part, part.value.xreplace({step: place}))}
                where = "; ".join(filter(None, (setting.place(equation), setting.stated(part.name, part.value))))
                for outside in OUTSIDE if not every else OUTSIDE[:1]:
                    yield Mistake(words, where, changed, 2, outside)


def of_the_last_steps(setting: Setting, part: Shared) -> Iterator[Mistake]:
    """A loop backwards that does a few steps only, whatever it computes."""
    for step in setting.steps(part):
        for kept in range(1, 6):
            value = sp.Piecewise((part.value, step > step.upper - kept), (sp.S.Zero, True))
            words = f"with {setting.phrases(part.name)} of the last {kept} {'step' if kept == 1 else 'steps'} only"
            yield wrong_part(setting, part, value, words, 2)
