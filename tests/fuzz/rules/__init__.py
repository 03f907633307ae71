"""How a random program calls each operation that the tape traces: a rule writes one line, with operands that fit.

elementwise.py   ufuncs, comparisons among them
contractions.py  products of arrays
reductions.py    sums, means, extremes
arrangements.py  indexing, selecting, reshaping, joining
face.py          the methods and attributes of the arrays themselves, and what a loss may ask of one
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.fuzz.rules import arrangements, contractions, elementwise, face, reductions
from tests.fuzz.scope import Scope

Rule = Callable[[Scope], str]
"""Writes an expression, and below it lines that change the ``{result}`` in place. Raises NoOperand where none fits."""

RULES: dict[Any, Rule] = {
    **elementwise.RULES,
    **contractions.RULES,
    **reductions.RULES,
    **arrangements.RULES,
    **face.RULES,
}
"""By NumPy function, operator or method ("x.sum")."""
