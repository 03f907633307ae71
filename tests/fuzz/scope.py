"""The values a random program has so far, and the choices a rule makes among them to write its next line."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

NUMBERS = ("0.5", "2", "-1.5", "3", "0.1", "1", "-1", "0", "1e-3", "30.0", "-0.0")
"""Constants written in a loss: integers and floats, some that float32 cannot hold."""

LATEST = 4
"""Half of the operands are among so many of the latest values, so that programs get deep."""


class NoOperand(Exception):
    """No value of the program fits what a rule needs."""


class Scope:
    """Names and values of a program under way. Every choice is Hypothesis's, the simplest one first."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any], values: Mapping[str, Any]) -> None:
        self.draw = draw
        self.values = dict(values)

    # Choices ------------------------------------------------------------------------------------------------------

    def pick(self, choices: Sequence[Any]) -> Any:
        if not choices:
            raise NoOperand
        return self.draw(st.sampled_from(choices))

    def flag(self) -> bool:
        return self.draw(st.booleans())

    def integer(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def number(self) -> str:
        return self.pick(NUMBERS)

    # Operands -----------------------------------------------------------------------------------------------------

    def shape(self, name: str) -> tuple[int, ...]:
        return np.shape(self.values[name])

    def array(self, least: int = 0, most: int = 4, square: bool = False) -> str:
        """The name of a float value with so many axes."""
        return self.where(
            lambda shape: least <= len(shape) <= most and (not square or (len(shape) > 1 and shape[0] == shape[1]))
        )

    def where(self, fits: Callable[[tuple[int, ...]], bool]) -> str:
        """The name of a float value whose shape fits."""
        names = [n for n, value in self.values.items() if value.dtype.kind == "f" and fits(value.shape)]
        return self.pick(names[-LATEST:] if self.flag() else names)

    def partner(self, x: str, function: Callable[..., Any]) -> str:
        """The name of a float value y for which ``function(x, y)`` is defined."""

        def fits(shape: tuple[int, ...]) -> bool:
            try:
                function(np.ones(self.shape(x)), np.ones(shape))
            except ValueError:
                return False
            return True

        return self.where(fits)

    def other(self, x: str) -> str:
        """Something that broadcasts with x: a value, a constant, or integer data."""
        integers = [
            n for n, v in self.values.items() if v.dtype.kind == "i" and broadcast(v.shape, self.shape(x)) is not None
        ]
        kind = self.pick(["value", "number", "integers"] if integers else ["value", "number"])
        if kind == "value":
            return self.partner(x, np.add)
        return self.pick(integers) if kind == "integers" else self.number()

    # Arguments ----------------------------------------------------------------------------------------------------

    def axis(self, x: str) -> int:
        """One axis, counted from either end."""
        ndim = len(self.shape(x))
        if not ndim:
            raise NoOperand
        return self.integer(-ndim, ndim - 1)

    def axes(self, x: str) -> Any:
        """None, one axis or several."""
        ndim = len(self.shape(x))
        kind = self.pick(["none", "one", "several"] if ndim else ["none"])
        if kind == "none":
            return None
        return self.axis(x) if kind == "one" else tuple(self.permutation(ndim)[: self.integer(1, ndim)])

    def permutation(self, count: int) -> list[int]:
        return list(self.draw(st.permutations(range(count))))

    def places(self, count: int, length: int) -> list[int]:
        """Positions along an axis of this length; any may come twice."""
        return [self.integer(-length, length - 1) for _ in range(count)]

    def factors(self, size: int) -> tuple[int, ...]:
        """A shape with so many entries, one of them perhaps left to be worked out."""
        first = self.pick([n for n in range(1, size + 1) if size % n == 0])
        shape = self.pick([(size,), (first, size // first), (1, size), (first, 1, size // first)])
        return (-1, *shape[1:]) if self.flag() else shape


def broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape they stretch to, None where they do not fit."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


def count(shape: tuple[int, ...]) -> int:
    return math.prod(shape)
