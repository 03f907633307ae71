"""Choose the formulas one mistake away that are in the corpus, and write their names down.

``python -m tests.power.choice`` writes ``formulas.json``; to be run when a formula is added, or when the diagnosis no
longer knows a chosen mistake by its name.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gradproof.bound import is_float
from gradproof.diagnosis.derived.program import Program
from gradproof.diagnosis.derived.setting import Mistake
from gradproof.diagnosis.derived.table import fingerprint
from gradproof.problem import Place, Point, Problem
from gradproof.sampling import draw_point, pinned_places
from gradproof.symbolic.lowering.program import array_of
from gradproof.symbolic.system import Equation
from tests.catalogue import IMPLEMENTATIONS as CODE
from tests.catalogue import both
from tests.power.formulas import CHOSEN_IN, Gradients, as_code, named_mistakes

EACH = 8
"""How many mistakes are chosen of a formula that has so many."""

CLEARLY = 1e-6
"""By how much of its largest entry a gradient must differ from the right one at the ordinary point to be another."""


def main() -> None:
    proved = [formula for formula in both if formula.system is not None]
    names = {formula.key: choose(formula.problem(CODE[formula.key])) for formula in proved}
    CHOSEN_IN.write_text(json.dumps(names, indent=2, ensure_ascii=False) + "\n", "utf-8")


def choose(problem: Problem) -> list[str]:
    """The names of EACH mistakes, of as many sorts as there are; the formula's key is the seed. Each runs at all pinned
    places, and gives another gradient than the right formula and than the others chosen."""
    program = Program(problem.system())
    ordinary, pinned = ordinary_point(problem), [draw_point(problem, place) for place in pinned_places(problem)]
    points = [ordinary, *(point for point in pinned if point is not None)]
    found: dict[str, str] = {}
    for name, mistake in in_turns(unambiguous(problem.name, program), random.Random(problem.name)):
        code = as_code(program, mistake)
        if all(runs(code, point) for point in points) and difference(problem, code, ordinary) > CLEARLY:
            found.setdefault(fingerprint(called(code, ordinary)), name)
        if len(found) == EACH:
            break
    return sorted(found.values())


def unambiguous(key: str, program: Program) -> dict[str, Mistake]:
    """The mistakes by name, without the names that two different mistakes have. What is read outside an array is no
    difference: where the words do not say it, the first in the order of OUTSIDE is taken."""
    named: dict[str, list[Mistake]] = defaultdict(list)
    for name, mistake in named_mistakes(key, program):
        if not any(map(reads_itself, mistake.changed.values())):
            named[name].append(mistake)
    return {name: one for name, (one, *more) in named.items() if all(other.changed == one.changed for other in more)}


def reads_itself(equation: Equation | None) -> bool:
    """Whether an equation reads what it is about to compute: no value that code could have there."""
    return equation is not None and equation.along is None and equation.value.has(array_of(equation.target))


def in_turns(mistakes: Mapping[str, Mistake], rng: random.Random) -> Iterator[tuple[str, Mistake]]:
    """All mistakes in an order of chance, but first one of each sort, then a second of each, and so on."""
    names = sorted(mistakes)
    rng.shuffle(names)
    met: Counter[str] = Counter()
    turns: dict[str, int] = {}
    for name in names:
        met[sort_of(mistakes[name])] += 1
        turns[name] = met[sort_of(mistakes[name])]
    return ((name, mistakes[name]) for name in sorted(names, key=turns.__getitem__))


def sort_of(mistake: Mistake) -> str:
    """What kind of mistake it is: its words without the formulas among them."""
    return " ".join(re.findall(r"(?<!\S)[a-z]{2,}(?!\S)", mistake.words))


# ---- what a mistake does --------------------------------------------------------------------------------------------


def ordinary_point(problem: Problem) -> Point:
    """Ordinary values at the largest sizes, where also the mistakes show that need a few steps, in long double; no
    gradient is zero there, as that of an inactive ReLU would be."""
    sizes = {name: high for name, (_, high) in problem.sizes.items()}
    drawn = (draw_point(problem, Place.of(sizes, seed=seed)) for seed in range(100))
    points = (in_long_double(point) for point in drawn if point is not None)
    return next(point for point in points if all(map(np.any, called(problem.derived, point).values())))


def in_long_double(point: Point) -> Point:
    def long(value: Any) -> Any:
        return np.asarray(value, np.longdouble) if is_float(value) else value

    params, data = ({name: long(value) for name, value in part.items()} for part in (point.params, point.data))
    return Point(point.place, params, data, long(point.upstream))


def called(code: Gradients, point: Point) -> dict[str, np.ndarray]:
    return code(point.params, point.data, point.upstream)


def runs(code: Gradients, point: Point) -> bool:
    """Whether code gives arrays of the right shapes at a point, finite at an ordinary one: anybody finds the others."""
    try:
        values = called(code, point)
    except (ValueError, IndexError, TypeError, KeyError, ZeroDivisionError, OverflowError):
        return False
    if point.place.regime == "ordinary" and not all(np.all(np.isfinite(value)) for value in values.values()):
        return False
    return all(values[name].shape == np.shape(value) for name, value in point.params.items())


def difference(problem: Problem, code: Gradients, point: Point) -> np.longdouble:
    """By how much a gradient differs from the proved one at a point, relative to that one's largest entry: the largest
    of all parameters'."""
    right, wrong = called(problem.derived, point), called(code, point)
    return max(np.max(np.abs(wrong[name] - right[name])) / np.max(np.abs(right[name])) for name in right)


if __name__ == "__main__":
    main()
