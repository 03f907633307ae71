"""The corpus: every gradient that is wrong on purpose, by program and by hand, for gradproof and its peers to judge."""

from __future__ import annotations

from itertools import chain

from tests.engine import wrong_gradients, wrong_recurrent
from tests.power.backward import backward
from tests.power.equivalent import EQUIVALENT
from tests.power.formulas import formulas
from tests.power.wrappers import WRAPPERS
from tests.power.wrong_gradient import WrongGradient

BY_HAND = "by hand"


def by_hand() -> tuple[WrongGradient, ...]:
    """What the engine's own tests call wrong."""
    written = chain(wrong_gradients.WRONG, wrong_recurrent.WRONG)
    return tuple(WrongGradient(wrong.name, wrong.key, BY_HAND, wrong.make) for wrong in written)


ALL = (*backward()[0], *formulas(), *WRAPPERS, *by_hand())
"""Everything that was made, the mutants that are no mistakes among it."""

CORPUS = tuple(
    sorted(
        (wrong for wrong in ALL if (wrong.key, wrong.name) not in EQUIVALENT),
        key=lambda wrong: (wrong.kind, wrong.key, wrong.name),
    )
)


def tenth() -> tuple[WrongGradient, ...]:
    """Every tenth entry of each kind, the first always: all kinds are there, and no formula fills a kind alone."""
    kinds: dict[str, list[WrongGradient]] = {}
    for wrong in CORPUS:
        kinds.setdefault(wrong.kind, []).append(wrong)
    return tuple(wrong for alike in kinds.values() for wrong in alike[::10])
