"""A piece of NumPy source: its text, the indices that are its axes, and how its outermost operator binds."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gradproof.errors import GradproofError
from gradproof.symbolic.indices import Index

SUM, PRODUCT, POWER, ATOM = range(4)
"""What binds ever more tightly."""

Axes = tuple[Index, ...]


class CannotLower(GradproofError, TypeError):
    """A formula that cannot become array code, or whose indices cannot be proved to stay inside their arrays."""


@dataclass(frozen=True)
class Code:
    """text: an expression. axes: what its array's axes run over. level: how its outermost operator binds.

    whole: it consists of integers, which NumPy would divide, or take the logarithm of, in float64.
    """

    text: str
    axes: Axes = ()
    level: int = ATOM
    whole: bool = False

    def within(self, level: int) -> str:
        """The text as an operand of something that binds as ``level`` does."""
        return self.text if self.level >= level else f"({self.text})"

    def real(self) -> Code:
        """The same in the precision of the arrays."""
        if not self.whole:
            return self
        if self.axes:
            return Code(f"{self.within(PRODUCT)}*real(1)", self.axes, PRODUCT)
        return Code(f"real({self.text})")

    def along(self, wanted: Axes) -> Code:
        """Transposed and given new axes, so that NumPy broadcasts it against arrays of the axes ``wanted``."""
        kept = tuple(i for i in wanted if i in self.axes)
        code = self if kept == self.axes else self._transposed(kept)
        places = [":" if i in kept else "None" for i in wanted]
        while places and places[0] == "None":  # NumPy puts these in front by itself
            places.pop(0)
        if "None" not in places:
            return code
        return replace(code, text=f"{code.within(ATOM)}[{', '.join(places)}]", level=ATOM)

    def _transposed(self, kept: Axes) -> Code:
        if len(kept) == 2 and kept == self.axes[::-1]:
            return replace(self, text=f"{self.within(ATOM)}.T", axes=kept, level=ATOM)
        return contraction([self], kept)


def common_axes(parts: Sequence[Code], scope: Axes) -> Axes:
    """The axes when ``parts`` are combined entry by entry: in the order of the widest part, or else of the scope."""
    widest = max((part.axes for part in parts), key=len, default=())
    present = {i for part in parts for i in part.axes}
    return widest if present <= set(widest) else tuple(i for i in scope if i in present)


def alike(parts: Sequence[Code]) -> list[Code]:
    """Parts of which one is picked entry by entry: all whole, or all in the precision of the arrays."""
    return list(parts) if all(part.whole for part in parts) else [part.real() for part in parts]


def added(terms: Sequence[tuple[bool, Code]], scope: Axes) -> Code:
    """The sum of ``(is subtracted, term)``; one that is added comes first where there is one."""
    terms = sorted(terms, key=lambda term: term[0]) if terms[0][0] else terms
    axes = common_axes([code for _, code in terms], scope)
    text = ""
    for subtracted, code in terms:
        sign = ("- " if subtracted else "+ ") if text else ("-" if subtracted else "")
        text += f"{' ' if text else ''}{sign}{code.along(axes).within(PRODUCT if subtracted else SUM)}"
    return Code(text, axes, SUM, all(code.whole for _, code in terms))


def quotient(above: Sequence[Code], below: Sequence[Code], scope: Axes) -> Code:
    """The product of ``above``, divided by the product of ``below``, entry by entry."""
    above = [code for code in above if code.text != "1"] or [Code("1", whole=True)]
    if len(above) == 1 and not below:
        return above[0]
    if below and all(code.whole for code in [*above, *below]):
        above = [above[0].real(), *above[1:]]
    axes = common_axes([*above, *below], scope)
    text = "*".join(code.along(axes).within(PRODUCT) for code in above)
    if below:
        divisor = "*".join(code.along(axes).within(POWER) for code in below)
        text += f"/{divisor}" if len(below) == 1 else f"/({divisor})"
    return Code(text, axes, PRODUCT, all(code.whole for code in above) and not below)


def contraction(operands: Sequence[Code], kept: Axes) -> Code:
    """The product of ``operands`` summed over every index that is not kept."""
    if len(operands) == 1 and operands[0].axes == kept:
        return operands[0]
    letters = _letters([i for code in operands for i in code.axes])
    spelt = ["".join(letters[i] for i in code.axes) for code in operands]
    pattern = f"{','.join(spelt)}->{''.join(letters[i] for i in kept)}"
    text = f"einsum('{pattern}', {', '.join(code.text for code in operands)})"
    return Code(text, kept, whole=all(code.whole for code in operands))


def _letters(indices: Sequence[Index]) -> dict[Index, str]:
    """The formula's own letters; another one where a name is longer, or where two indices share one."""
    letters: dict[Index, str] = {}
    for i in dict.fromkeys(indices):
        own = str(i)
        if own in string.ascii_letters and len(own) == 1 and own not in letters.values():
            letters[i] = own
    spare = (c for c in string.ascii_letters if c not in letters.values())
    return {i: letters.get(i) or next(spare) for i in dict.fromkeys(indices)}
