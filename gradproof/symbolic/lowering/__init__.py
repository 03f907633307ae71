"""From a proved gradient to a program: a System becomes NumPy source that runs at any sizes and in any precision.

Read next: ``program`` (equations to statements and loops), ``expressions`` (one formula to one line), ``stable`` (forms
that do not overflow), ``ranges`` (what must be proved of every index), ``shapes`` (where sizes come from), ``code``
(pieces of source), ``names``, ``lowered`` (how the function is called). What the emitted source calls is in
``gradproof.symbolic.runtime``.

SymPy has an own way from indices to arrays, ``convert_indexed_to_array``; it silently reads h[t - 1] as an unrelated
index. Here every slice is proved to lie inside its array, or refused.
"""

from gradproof.symbolic.lowering.code import CannotLower
from gradproof.symbolic.lowering.lowered import Lowered, derived, lower
from gradproof.symbolic.lowering.shapes import WrongInputs

__all__ = ["CannotLower", "Lowered", "WrongInputs", "derived", "lower"]
