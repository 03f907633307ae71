"""The exact gradient of a random program, in arithmetic so wide that nothing is lost: 900 digits.

The loss is the program's own, run on mpmath numbers, and differenced with a step of 1e-361. What the step leaves out is
its length times a second derivative, what rounding costs is 1e-900 of the largest value on the way over the step: with
values below 1e308, neither reaches what a long double can hold beside an ordinary number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradproof.bound import is_float
from gradproof.duck import plain
from gradproof.oracles.multiprecision import Multiprecision, context, long_double, numbers
from tests.engine.programs import Long
from tests.fuzz.programs import Program

DIGITS = 900
STEP_BITS = 1200
NOISE = Long(10) ** -200
"""What rounding may leave of a slope that is zero."""


@dataclass(frozen=True)
class Slopes:
    """The derivatives to the right and to the left, by parameter, each correctly rounded to long double."""

    right: Mapping[str, Any]
    left: Mapping[str, Any]


def exact(program: Program) -> Slopes:
    """The one-sided derivatives of a program by each entry of each parameter."""
    with context.workdps(DIGITS):
        step = context.ldexp(1, -STEP_BITS)
        values = {name: np.asarray(numbers(value), object) for name, value in program.params.items()}
        data = {
            name: Multiprecision(numbers(value)) if is_float(value) else value for name, value in program.data.items()
        }

        def loss(changed: Mapping[str, Any]) -> Any:
            params = {name: Multiprecision(value) for name, value in {**values, **changed}.items()}
            return np.asarray(plain(program.loss(params, data))).item()

        middle = loss({})

        def slope(name: str, k: int, sign: int) -> Any:
            moved = np.array(values[name], object)
            moved.flat[k] += sign * step
            return long_double(sign * (loss({name: moved}) - middle) / step)

        def slopes(sign: int) -> dict[str, Any]:
            return {
                name: np.array([slope(name, k, sign) for k in range(value.size)], Long).reshape(value.shape)
                for name, value in values.items()
            }

        return Slopes(slopes(1), slopes(-1))
