"""Parts that several formulas share: code computes them once, so one mistake in it is a mistake in all of them."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from gradproof.symbolic.indices import Index
from gradproof.symbolic.system import Equation, System

Places = dict[Index, Any]


@dataclass(frozen=True, eq=False)
class Shared:
    """A part ``value`` that the equations of these numbers have, at one or several values of the indices of ``name``.

    given: whether the system names it, so that a reader knows the name.
    """

    name: sp.Expr
    value: sp.Expr
    users: tuple[int, ...]
    given: bool


def shared_parts(system: System, equations: Sequence[Equation]) -> Iterator[Shared]:
    """Those that the system names, as far as it has them, then what two equations have in common anyway, each once."""
    found: list[Shared] = []
    candidates = [(name, value) for name, value in system.shared.items()]
    candidates += [(named(part), part) for equation in equations for part in parts(equation.value) if is_large(part)]
    for name, value in candidates:
        if any(value == at_other for part in found for at_other in at_places(part, value)):
            continue
        having = users(equations, name, value)
        if len(having) > (name not in system.shared):
            found.append(Shared(name, value, having, name in system.shared))
            yield found[-1]


def is_large(part: sp.Expr) -> bool:
    """Whether a part is worth a line of code: a sum, or a product of more than a number and one thing."""
    several = isinstance(part, sp.Add | sp.Sum) or len([f for f in factors(part) if not f.is_Number]) > 1
    return several and bool(part.atoms(sp.Indexed))


def at_places(part: Shared, formula: sp.Expr) -> Iterator[sp.Expr]:
    """The shared part at each place at which ``formula`` has it."""
    return (part.value.xreplace(at) for at in occurrences(formula, part.name, part.value))


def named(part: sp.Expr) -> sp.Expr:
    """An element of an array that could hold the part: with its free indices."""
    bound = {limit[0] for e in part.atoms(sp.Sum) for limit in e.limits}
    free = sorted(part.atoms(Index) - bound, key=str)
    return sp.IndexedBase(sp.Dummy("part"))[free] if free else sp.Dummy("part")


def users(equations: Sequence[Equation], name: sp.Expr, value: sp.Expr) -> tuple[int, ...]:
    return tuple(k for k, equation in enumerate(equations) if occurrences(equation.value, name, value))


def with_another(equation: Equation, part: Shared, wrong: sp.Expr) -> Equation:
    """``equation`` with ``wrong`` wherever it has the part, at whatever indices."""
    result = equation.value
    for at in occurrences(equation.value, part.name, part.value):
        old, new = part.value.xreplace(at), wrong.xreplace(at)
        result = result.replace(lambda e, old=old: holds(e, old), lambda e, old=old, new=new: rest(e, old) * new)
    return replace(equation, value=result)


def holds(e: sp.Expr, part: sp.Expr) -> bool:
    """Whether an expression is the part, or has it as some of its factors."""
    return bool(e == part or (e.is_Mul and part.is_Mul and set(part.args) < set(e.args)))


def rest(e: sp.Expr, part: sp.Expr) -> sp.Expr:
    return sp.Mul(*[factor for factor in factors(e) if factor not in factors(part)])


def factors(e: sp.Expr) -> tuple[sp.Expr, ...]:
    return tuple(e.args) if e.is_Mul else (e,)


@functools.lru_cache(4096)  # hundreds of wrong parts take the place of one
def occurrences(formula: sp.Expr, name: sp.Expr, value: sp.Expr) -> list[Places]:
    """The values of the free indices of ``name`` at which ``formula`` has ``value``, each once."""
    own = [i for i in getattr(name, "indices", ()) if isinstance(i, Index)]
    if not own:
        return [{}] if any(holds(e, value) for e in parts(formula)) else []
    found: list[Places] = []
    for at in assignments(own, sorted(value.atoms(sp.Indexed), key=str), formula, {}):
        if at not in found and any(holds(e, value.xreplace(at)) for e in parts(formula)):
            found.append(at)
    return found


def assignments(own: Sequence[Index], anchors: Sequence[sp.Indexed], formula: sp.Expr, at: Places) -> Iterator[Places]:
    """What the indices ``own`` can be if the elements ``anchors`` are to be elements of ``formula``."""
    open_ = [i for i in own if i not in at]
    if not open_:
        yield at
        return
    anchor = next((a for a in anchors if any(sp.sympify(p).has(*open_) for p in a.indices)), None)
    for element in formula.atoms(sp.Indexed) if anchor is not None else ():
        more = matched(anchor, element, own)
        if more is not None and all(at.get(i, place) == place for i, place in more.items()):
            yield from assignments(own, anchors, formula, {**at, **more})


def matched(pattern: sp.Indexed, element: sp.Indexed, own: Sequence[Index]) -> Places | None:
    """What the indices ``own`` of ``pattern`` are in ``element``; None where it is no such element."""
    if element.base != pattern.base:
        return None
    at: Places = {}
    for wanted, actual in zip(pattern.indices, element.indices, strict=True):
        free = [i for i in own if sp.sympify(wanted).has(i)]
        if not free and wanted != actual:
            return None
        if free:
            place = sp.expand(actual - (wanted - free[0]))
            if at.setdefault(free[0], place) != place:
                return None
    return at


def parts(e: sp.Expr) -> Iterator[sp.Expr]:
    """An expression and all it is made of, down to the elements of arrays."""
    yield e
    if not isinstance(e, sp.Indexed):
        for argument in e.args:
            if isinstance(argument, sp.Expr):
                yield from parts(argument)
