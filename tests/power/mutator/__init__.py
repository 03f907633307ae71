"""Slips in a backward pass, made by program: one place of its code as a person might have written it by mistake."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tests.power.mutator.rules import RULES
from tests.power.mutator.syntax import SHOWN, Slip, brief, in_line, replaced, sites


@dataclass(frozen=True)
class Mutant:
    """A statement with one slip in it.

    kind: of the rule that made it. name: what is there now and what should be, unique among the mutants of a statement.
    source: the whole statement, a function for instance, as it reads now.
    """

    kind: str
    name: str
    source: str


def mutants(statement: ast.stmt, part: ast.AST | None = None) -> Iterator[Mutant]:
    """Every mutant of a statement, or of one part of it; two that read the same are one."""
    seen = {ast.unparse(statement)}
    names: set[str] = set()
    for node, place in sites(part or statement, part or statement):
        for kind, about, slips in RULES:
            for slip in slips(node) if isinstance(node, about) else ():
                source = ast.unparse(replaced(statement, slip))
                if source not in seen:
                    seen.add(source)
                    yield Mutant(kind, unique(title(slip, slip.place or place), names), source)


def title(slip: Slip, place: ast.AST) -> str:
    """What is there now, and what should be: ``carry = W @ delta[t - 1], not W.T @ delta[t - 1]``."""
    if slip.name:
        return slip.name
    now, right = in_line(replaced(place, slip)), in_line(value_of(place))
    if max(len(now), len(right)) <= SHOWN:
        return f"{now}, not {right}"
    return f"{in_line(slip.new)} for {in_line(slip.old)} in {brief(place)}"


def value_of(place: ast.AST) -> ast.AST:
    """The part of a statement, or of the entry of a dict, behind the sign that is the same in all its mutants."""
    if isinstance(place, ast.Dict):
        return place.values[0]
    if isinstance(place, ast.Assign | ast.AugAssign | ast.Return) and place.value is not None:
        return place.value
    return place


def unique(name: str, taken: set[str]) -> str:
    """The name, with a number behind it where it is taken."""
    numbered = (name if k == 1 else f"{name} ({k})" for k in range(1, len(taken) + 2))
    free = next(candidate for candidate in numbered if candidate not in taken)
    taken.add(free)
    return free
