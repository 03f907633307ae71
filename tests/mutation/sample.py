"""Which mutants are tried where all would take hours: as many of each module as its share, chosen by a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from tests.mutation.mutants import Mutant


def sample(mutants: Sequence[Mutant], size: int, seed: int) -> list[Mutant]:
    """``size`` of the mutants, or all where they are fewer, each module's share of them rounded; in a random order.

    A mutant's turn follows from its name alone, so that an edit of the engine exchanges few of the others, and the
    beginning of a sample is a sample, too.
    """
    by_module: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        by_module.setdefault(mutant.module, []).append(mutant)
    ranked = [
        ((k + 0.5) / len(group), turn(mutant, seed), mutant)
        for group in by_module.values()
        for k, mutant in enumerate(sorted(group, key=lambda mutant: turn(mutant, seed)))
    ]
    chosen = sorted(ranked, key=lambda entry: entry[:2])[:size]
    return [mutant for *_, mutant in sorted(chosen, key=lambda entry: entry[1])]


def turn(mutant: Mutant, seed: int) -> str:
    return hashlib.sha256(f"{seed} {mutant.name}".encode()).hexdigest()
