"""Gradients that are off by little everywhere: noise, a lower precision, a bound on their size, one entry."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradproof.objective import leaves, like
from tests.power.wrappers.wrap import Arrays, Gradients, Spoil, Turn, after, changed, each, wrap

next_keys = Turn(first=18)

# Noise ----------------------------------------------------------------------------------------------------------------

NOISE = "noise"


def noisy(size: float) -> Spoil:
    """Every entry times 1 + size z, z normal, from a generator of its own."""

    def spoil(correct: Gradients) -> Gradients:
        rng = np.random.default_rng(0)
        return each(lambda g: g * (1 + size * rng.standard_normal(np.shape(g))))(correct)

    return spoil


# Precision ------------------------------------------------------------------------------------------------------------

PRECISION = "lower precision"


def computed_in(dtype: Any) -> Spoil:
    """The whole computation in a lower precision, the result in the parameters' own."""

    def lower(value: Any) -> Any:
        return value.astype(dtype) if isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "f" else value

    def spoil(correct: Gradients) -> Gradients:
        def gradients(params: Arrays, data: Arrays, *upstream: Any) -> Arrays:
            low = ({name: lower(value) for name, value in part.items()} for part in (params, data))
            with np.errstate(all="ignore"):
                g = correct(*low, *(like(u, [lower(leaf) for leaf in leaves(u)]) for u in upstream))
                return {name: np.asarray(gradient).astype(params[name].dtype) for name, gradient in g.items()}

        return gradients

    return spoil


# Clipping -------------------------------------------------------------------------------------------------------------

CLIPPED = "clipped"

UNBOUNDED = (
    "quartic",
    "two-branch-graph",
    "cross-entropy",
    "gradient-descent-step",
    "linear-regression",
    "multiple-linear-regression",
    "rnn-relu",
    "rnn-tanh",
    "rnn-tanh-each-squared",
)
"""Formulas whose gradients often leave [-5, 5]."""


def clipped(most: float) -> Spoil:
    return each(lambda g: np.clip(g, -most, most))


def norm_clipped(most: float) -> Spoil:
    """All gradients together, as one vector, are no longer than this."""

    def change(g: Arrays, *_: Any) -> Arrays:
        with np.errstate(all="ignore"):
            norm = np.sqrt(sum(np.sum(np.square(gradient, dtype=float)) for gradient in g.values()))
        scale = most / norm if norm > most else 1.0
        return {name: changed(lambda gradient: gradient * scale, gradient) for name, gradient in g.items()}

    return after(change)


# One entry ------------------------------------------------------------------------------------------------------------

SMALL = "small error"

ENTRIES = {"first": 0.0, "middle": 0.5, "last": 1.0}


def one_entry(at: float, size: float) -> Spoil:
    """The entry at a share of the way through the last gradient, off by so much of the largest."""

    def change(g: Arrays, *_: Any) -> Arrays:
        name = list(g)[-1]
        gradient = np.array(g[name])
        gradient.flat[int(at * (gradient.size - 1))] += size * np.max(np.abs(gradient))
        return {**g, name: gradient}

    return after(change)


def regularised(g: Arrays, params: Arrays, *_: Any) -> Arrays:
    return {name: gradient + gradient.dtype.type(1e-8) * params[name] for name, gradient in g.items()}


WRAPPERS = (
    *(w for k in range(6, 14) for w in wrap(NOISE, f"relative noise of 1e-{k}", noisy(10.0**-k), *next_keys(2))),
    *wrap(PRECISION, "float32 inside", computed_in(np.float32), *next_keys(7)),
    *wrap(PRECISION, "float16 inside", computed_in(np.float16), *next_keys(6)),
    *wrap(PRECISION, "rounded to float32", each(lambda g: np.asarray(g).astype(np.float32)), *next_keys(4)),
    *wrap(PRECISION, "rounded to 10 decimals", each(lambda g: np.round(g, 10)), *next_keys(4)),
    *wrap(CLIPPED, "clipped to [-1, 1]", clipped(1), *UNBOUNDED[0::2]),
    *wrap(CLIPPED, "clipped to [-5, 5]", clipped(5), *UNBOUNDED[1::2]),
    *wrap(CLIPPED, "norm clipped to 1", norm_clipped(1.0), *UNBOUNDED[0::3]),
    *wrap(CLIPPED, "norm clipped to 5", norm_clipped(5.0), *UNBOUNDED[1::3]),
    *wrap(CLIPPED, "clipped to [-1000, 1000]", clipped(1000), "quartic", "linear-regression"),
    *(
        w
        for k in range(3, 11)
        for place, at in ENTRIES.items()
        for w in wrap(SMALL, f"the {place} entry off by 1e-{k} of the largest", one_entry(at, 10.0**-k), *next_keys(1))
    ),
    *wrap(SMALL, "regularised by 1e-8 of the parameters", after(regularised), *next_keys(4)),
    *wrap(SMALL, "1e-8 added", each(lambda g: g + 1e-8), *next_keys(4)),
)
