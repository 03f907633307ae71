"""The right gradients of every formula as a function, and what it takes to spoil them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import cycle, islice
from typing import Any

import numpy as np

from gradproof.convention import is_two_passes
from tests.catalogue import FORMULAS, IMPLEMENTATIONS
from tests.power.wrong_gradient import WrongGradient

Arrays = dict[str, Any]
Gradients = Callable[..., Arrays]
Spoil = Callable[[Gradients], Gradients]
"""Takes the right gradients of a formula, returns wrong ones without a memory of other runs."""


def wrap(kind: str, name: str, spoil: Spoil, *keys: str) -> list[WrongGradient]:
    """The right gradients of each of the formulas, spoiled."""
    return [WrongGradient(name, key, kind, partial(spoiled, spoil, key)) for key in keys]


def spoiled(spoil: Spoil, key: str) -> Gradients:
    return spoil(right(key))


def right(key: str) -> Gradients:
    """The right gradients of a formula as a function, also where they are an object with two passes."""
    code = IMPLEMENTATIONS[key].gradients
    if not is_two_passes(code):
        return code

    def gradients(params: Arrays, data: Arrays, *upstream: Any) -> Arrays:
        _, cache = code.forward(params, data)
        return code.backward(*upstream, cache) if upstream else code.backward(params, data, cache)

    return gradients


# Ways to spoil --------------------------------------------------------------------------------------------------------


def after(change: Callable[..., Arrays]) -> Spoil:
    """Gradients g that pass through ``change(g, params, data[, upstream])`` before they are returned."""
    return lambda correct: lambda *args: change(dict(correct(*args)), *args)


def each(change: Callable[[Any], Any]) -> Spoil:
    """The same change to every gradient, which keeps its dtype."""
    return after(lambda g, *_: {name: changed(change, gradient) for name, gradient in g.items()})


def changed(change: Callable[[Any], Any], gradient: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.asarray(change(gradient)).astype(np.asarray(gradient).dtype)


def where(holds: Callable[[Arrays, Arrays], bool], spoil: Spoil) -> Spoil:
    """Spoiled only where ``holds(params, data)``; right elsewhere."""

    def sometimes(correct: Gradients) -> Gradients:
        wrong = spoil(correct)
        return lambda params, data, *rest: (wrong if holds(params, data) else correct)(params, data, *rest)

    return sometimes


def copied(g: Arrays) -> Arrays:
    return {name: np.array(gradient) for name, gradient in g.items()}


def floats(arrays: Arrays) -> list[Any]:
    """The arrays of floats."""
    return [array for array in arrays.values() if isinstance(array, np.ndarray) and array.dtype.kind == "f"]


def largest(arrays: Arrays) -> float:
    """The largest size of any entry of floats; 0 where there are none."""
    return max((float(np.max(np.abs(array))) for array in floats(arrays)), default=0.0)


# Formulas in turn -----------------------------------------------------------------------------------------------------


class Turn:
    """Hands out the keys of the formulas in turn, from a place in their order on, so that each gets its share.

    One is left out: the gradients of x + y are constants, which most of what is done here leaves as they are.
    """

    def __init__(self, first: int) -> None:
        keys = [key for key in IMPLEMENTATIONS if key in FORMULAS and key != "sum"]
        self.keys = islice(cycle(keys), first, None)

    def __call__(self, count: int, fit: Callable[[str], bool] = lambda key: True) -> list[str]:
        """The next ones that fit."""
        return list(islice(filter(fit, self.keys), count))


def is_layer(key: str) -> bool:
    return IMPLEMENTATIONS[key].output is not None


def is_sized(key: str) -> bool:
    """Whether the formula is about arrays: a single number has no other entries with which it could be confused."""
    return bool(FORMULAS[key].sizes)


def scales_data(key: str) -> bool:
    """Whether the formula has data that may be any floats."""
    formula = FORMULAS[key]
    _, data = formula.draw({name: high for name, (_, high) in formula.sizes.items()}, np.random.default_rng(0))
    return bool(floats({name: np.asarray(value) for name, value in data.items() if name not in formula.fixed}))
