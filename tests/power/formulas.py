"""Formulas one mistake away from the proved ones, as code; ``formulas.json`` says which, as ``choice`` chose them.

The mistaken equations are lowered to NumPy source, as the right ones are: they then run in the precision of the
parameters, as written code does. Lowering refuses equations that read outside an array or what is not computed yet,
which code that somebody wrote may well do. Those the diagnosis can evaluate, each read outside answered as the mistake
says; it does so in long double, and the gradients are rounded to the parameters' dtype.
"""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gradproof.diagnosis.derived.mistakes import sources
from gradproof.diagnosis.derived.phrases import gradients
from gradproof.diagnosis.derived.program import Program
from gradproof.diagnosis.derived.setting import Mistake
from gradproof.problem import Place, Point
from gradproof.symbolic.lowering import CannotLower, lower
from gradproof.symbolic.lowering.lowered import UPSTREAM
from gradproof.symbolic.system import System
from tests.catalogue import FORMULAS
from tests.power.wrong_gradient import WrongGradient

KIND = "formula one mistake away"
ORIGINS = 6
"""In how many equations and shared parts of a formula mistakes are made; in all it would take three times as long."""

CHOSEN_IN = Path(__file__).with_name("formulas.json")

Gradients = Callable[..., dict[str, np.ndarray]]
Values = Mapping[str, Any]


def formulas() -> Iterator[WrongGradient]:
    """The chosen mistakes of every formula that is proved from equations; no system is built before one is made."""
    for key, names in chosen().items():
        for name in names:
            yield WrongGradient(name, key, KIND, functools.partial(make, key, name))


@functools.cache
def chosen() -> Mapping[str, list[str]]:
    """The names of the chosen mistakes, by the formula's key."""
    return json.loads(CHOSEN_IN.read_text("utf-8"))


def make(key: str, name: str) -> Gradients:
    """The code of one chosen mistake. Raises LookupError where the rules of the diagnosis make none of this name."""
    program, found = chosen_of(key)
    if name not in found:
        raise LookupError(f"{key} has no mistake {name!r} any more; choose again with python -m tests.power.choice")
    return as_code(program, found[name])


@functools.cache
def chosen_of(key: str) -> tuple[Program, Mapping[str, Mistake]]:
    """The program of a formula and its chosen mistakes; the others are made on the way, and let go."""
    program, wanted = Program(FORMULAS[key].system()), frozenset(chosen()[key])
    found: dict[str, Mistake] = {}
    for name, mistake in named_mistakes(key, program):
        if name in wanted:
            found.setdefault(name, mistake)
    return program, found


def named_mistakes(key: str, program: Program) -> Iterator[tuple[str, Mistake]]:
    """The mistakes that the rules of the diagnosis make in ORIGINS parts of a formula, the same for a key each time.

    Each comes with its name in the corpus: the gradients it reaches, what is wrong, and where; two may read alike.
    """
    origins = list(sources(program))
    for source in random.Random(key).sample(origins, min(ORIGINS, len(origins))):
        for mistake in source.mistakes():
            where = f", in {mistake.place}" if mistake.place else ""
            yield f"{gradients(sorted(program.depending(mistake.changed)))} {mistake.words}{where}", mistake


def as_code(program: Program, mistake: Mistake) -> Gradients:
    """``gradients(params, data)``, a layer's with the upstream gradient as third argument, with the mistake in it."""
    run = lowered(program, mistake) or evaluated(program, mistake)

    def wrong_gradients(params: Values, data: Values, upstream: Any = None) -> dict[str, np.ndarray]:
        values = run(params, data, upstream)
        return {name: np.array(value, np.asarray(params[name]).dtype) for name, value in values.items()}

    return wrong_gradients


def lowered(program: Program, mistake: Mistake) -> Gradients | None:
    """The mistaken equations as NumPy source; None where lowering refuses them."""
    try:
        function = lower(mistaken(program, mistake))
    except CannotLower:
        return None
    return lambda params, data, upstream=None: function({**data, **params, UPSTREAM: upstream})


def mistaken(program: Program, mistake: Mistake) -> System:
    """The program's system with the mistaken equations in the places of the right ones."""
    equations = [mistake.changed.get(number, right) for number, right in enumerate(program.equations)]
    return replace(program.system, equations=tuple(equation for equation in equations if equation is not None))


def evaluated(program: Program, mistake: Mistake) -> Gradients:
    """The mistaken equations as the diagnosis evaluates them: in long double."""

    def run(params: Values, data: Values, upstream: Any = None) -> dict[str, np.ndarray]:
        before = program.inputs(Point(Place(()), dict(params), dict(data), upstream))
        with np.errstate(all="ignore"):
            program.run(before)
            return program.outputs(program.rerun(before, mistake.changed, mistake.outside))

    return run
