"""Right gradients whose code writes into its arguments, or returns them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradproof.objective import leaves
from tests.power.wrappers.wrap import Arrays, Spoil, Turn, after, copied, floats, is_layer, scales_data, wrap

next_keys = Turn(first=9)

# Writing --------------------------------------------------------------------------------------------------------------

WRITES = "writes into its arguments"


def writing(write: Callable[..., None]) -> Spoil:
    """Right gradients of code that calls ``write(g, params, data[, upstream])`` on its way."""

    def change(g: Arrays, *args: Any) -> Arrays:
        kept = copied(g)
        with np.errstate(all="ignore"):
            write(g, *args)
        return kept

    return after(change)


def take_the_step(g: Arrays, params: Arrays, *_: Any) -> None:
    for name, theta in params.items():
        theta -= theta.dtype.type(0.01) * g[name]


def move_last_entry(g: Arrays, params: Arrays, *_: Any) -> None:
    theta = list(params.values())[-1]
    last = (-1,) * theta.ndim
    theta[last] = np.nextafter(theta[last], theta.dtype.type(np.inf))


def halve_data(g: Arrays, params: Arrays, data: Arrays, *_: Any) -> None:
    for value in floats(data):
        value *= value.dtype.type(0.5)


def normalise_large_data(g: Arrays, params: Arrays, data: Arrays, *_: Any) -> None:
    for value in floats(data):
        value /= max(value.dtype.type(1), np.max(np.abs(value)) / value.dtype.type(10))


def empty_upstream(g: Arrays, params: Arrays, data: Arrays, upstream: Any) -> None:
    for leaf in leaves(upstream):
        leaf[...] = 0


# Returning ------------------------------------------------------------------------------------------------------------

SHARED = "shared memory"


def not_copied(g: Arrays, params: Arrays, data: Arrays) -> Arrays:
    """The argument itself for a gradient that equals it."""
    arguments = floats({**params, **data})
    return {name: next((a for a in arguments if same(a, gradient)), gradient) for name, gradient in g.items()}


def one_for_all(g: Arrays, *_: Any) -> Arrays:
    """One array for all gradients that are equal."""
    arrays = copied(g)
    return {name: next(a for a in arrays.values() if same(a, gradient)) for name, gradient in arrays.items()}


def same(a: Any, b: Any) -> bool:
    return a.dtype == b.dtype and np.array_equal(a, b)


WRAPPERS = (
    *wrap(WRITES, "takes the step of the descent itself", writing(take_the_step), *next_keys(5)),
    *wrap(WRITES, "moves the last entry of a parameter to the next float", writing(move_last_entry), *next_keys(4)),
    *wrap(WRITES, "halves the data", writing(halve_data), *next_keys(4, scales_data)),
    *wrap(WRITES, "divides data larger than 10", writing(normalise_large_data), *next_keys(4, scales_data)),
    *wrap(WRITES, "empties the upstream gradient", writing(empty_upstream), *next_keys(3, is_layer)),
    *wrap(SHARED, "the argument itself where a gradient equals it", after(not_copied), "product-plus", "relu-neuron"),
    *wrap(SHARED, "one array for gradients that are equal", after(one_for_all), "sum"),
)
