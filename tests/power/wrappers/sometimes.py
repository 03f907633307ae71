"""Gradients that are wrong at some points only: at one size, at extreme values, in float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.power.wrappers.wrap import Arrays, Turn, after, each, largest, where, wrap
from tests.power.wrong_gradient import WrongGradient

next_keys = Turn(first=27)

halved = each(lambda g: g / 2)
not_a_number = each(lambda g: g * np.nan)

# At one size ----------------------------------------------------------------------------------------------------------

SIZE = "wrong at one size"

SIZES: dict[str, dict[str, Callable[[Arrays, Arrays], int]]] = {
    "logistic-regression": {"m": lambda p, d: len(d["X"]), "n": lambda p, d: p["w"].size},
    "multiple-linear-regression": {"m": lambda p, d: len(d["X"]), "n": lambda p, d: p["w"].size},
    "gradient-descent-step": {"m": lambda p, d: len(d["X"]), "n": lambda p, d: d["w"].size},
    "linear-regression": {"n": lambda p, d: d["x"].size},
    "linear-regression-reversed": {"n": lambda p, d: d["x"].size},
    "one-feature-logistic": {"n": lambda p, d: d["x"].size},
    "cross-entropy": {"T": lambda p, d: len(p["yhat"]), "K": lambda p, d: p["yhat"].shape[1]},
    "softmax-cross-entropy": {"T": lambda p, d: len(p["o"]), "K": lambda p, d: p["b_y"].size},
    "softmax-jacobian": {"K": lambda p, d: p["o"].size},
    "class-cross-entropy": {"K": lambda p, d: p["y"].size},
    "vector-chain-rule": {"n": lambda p, d: p["x"].size, "m": lambda p, d: d["d"].size},
    "weather-rnn-minibatch": {"B": lambda p, d: len(d["x"])},
}
"""How large the dimensions of a formula are, by their names."""

RECURRENT: dict[str, Callable[[Arrays, Arrays], int]] = {
    "T": lambda p, d: len(d["x"]),
    "n": lambda p, d: len(p["W"]),
    "d": lambda p, d: p["U"].shape[1],
    "m": lambda p, d: len(p["V"]),
}


ONE_SIZE = {
    "logistic-regression": {"m": 7, "n": 4},
    "multiple-linear-regression": {"m": 1, "n": 6},
    "gradient-descent-step": {"m": 9, "n": 2},
    "linear-regression": {"n": 4},
    "linear-regression-reversed": {"n": 1},
    "one-feature-logistic": {"n": 12},
    "cross-entropy": {"T": 4, "K": 1},
    "softmax-cross-entropy": {"T": 1, "K": 5},
    "softmax-jacobian": {"K": 7},
    "class-cross-entropy": {"K": 2},
    "vector-chain-rule": {"n": 4, "m": 1},
    "rnn-tanh": {"T": 4, "n": 1},
    "rnn-sigmoid": {"T": 1, "n": 5},
    "rnn-relu": {"T": 8, "n": 2},
    "rnn-tanh-each-squared": {"T": 7, "n": 4},
    "rnn-tanh-each-half-squared": {"T": 2, "d": 1},
    "rnn-tanh-last-squared": {"d": 4, "m": 3},
    "character-rnn": {"T": 2, "n": 3},
    "character-rnn-rtrl": {"T": 6, "n": 5},
    "sentiment-rnn": {"T": 5, "n": 1},
    "sine-rnn": {"T": 3, "n": 4},
    "sine-rnn-truncated": {"T": 7, "n": 2},
    "weather-rnn-minibatch": {"B": 1},
}
"""Of each of these sizes, gradients that are twice too large there."""

LARGE = {
    "multiple-linear-regression": {"m": 33},
    "one-feature-logistic": {"n": 40},
    "softmax-jacobian": {"K": 20},
    "character-rnn-without-bias": {"T": 30},
    "sentiment-rnn": {"T": 100},
    "rnn-tanh-last-squared": {"T": 150},
}
"""The same from a size on."""


def size_of(key: str, name: str) -> Callable[[Arrays, Arrays], int]:
    return SIZES.get(key, RECURRENT)[name]


def doubled(key: str, name: str, holds: Callable[[Arrays, Arrays], bool]) -> list[WrongGradient]:
    return wrap(SIZE, f"doubled where {name}", where(holds, each(lambda g: 2 * g)), key)


def doubled_at(key: str, name: str, value: int) -> list[WrongGradient]:
    size = size_of(key, name)
    return doubled(key, f"{name} = {value}", lambda p, d: size(p, d) == value)


def doubled_from(key: str, name: str, least: int) -> list[WrongGradient]:
    size = size_of(key, name)
    return doubled(key, f"{name} is {least} or more", lambda p, d: size(p, d) >= least)


def doubled_when_square(key: str) -> list[WrongGradient]:
    m, n = size_of(key, "m"), size_of(key, "n")
    return doubled(key, "m = n", lambda p, d: m(p, d) == n(p, d))


# At extremes ----------------------------------------------------------------------------------------------------------

EXTREME = "wrong at extremes or in float32"


def exceeds(most: float) -> Callable[[Arrays, Arrays], bool]:
    return lambda params, data: largest(params) > most


def is_float32(params: Arrays, data: Arrays) -> bool:
    return all(theta.dtype == np.float32 for theta in params.values())


def flushed(least: float) -> Any:
    return each(lambda g: np.where(np.abs(g) < least, 0, g))


def widened(g: Arrays, *_: Any) -> Arrays:
    return {name: np.asarray(gradient, np.float64) for name, gradient in g.items()}


WRAPPERS = (
    *(w for key, sizes in ONE_SIZE.items() for name, value in sizes.items() for w in doubled_at(key, name, value)),
    *(w for key, sizes in LARGE.items() for name, least in sizes.items() for w in doubled_from(key, name, least)),
    *doubled_when_square("logistic-regression"),
    *doubled_when_square("multiple-linear-regression"),
    *doubled_when_square("vector-chain-rule"),
    *wrap(
        EXTREME,
        "halved where a parameter exceeds 100",
        where(exceeds(100), halved),
        *("logistic-regression", "linear-regression", "two-branch-graph", "character-rnn", "rnn-tanh-last-squared"),
    ),
    *wrap(
        EXTREME,
        "NaN where a parameter exceeds 700",
        where(exceeds(700), not_a_number),
        *("sigmoid-chain", "logistic-neuron", "softmax-jacobian", "sine-rnn", "rnn-tanh"),
    ),
    *wrap(
        EXTREME,
        "NaN where all parameters are zero",
        where(lambda params, data: largest(params) == 0, not_a_number),
        *next_keys(4),
    ),
    *wrap(
        EXTREME,
        "halved where all data are below 1e-3",
        where(lambda params, data: largest(data) < 1e-3, halved),
        *("linear-regression", "multiple-linear-regression", "rnn-relu"),
    ),
    *wrap(EXTREME, "zero below 1e-6", flushed(1e-6), "logistic-regression", "linear-regression", "rnn-tanh"),
    *wrap(EXTREME, "zero below 1e-9", flushed(1e-9), "multiple-linear-regression", "sentiment-rnn", "rnn-relu"),
    *wrap(EXTREME, "off by 1e-3 in float32", where(is_float32, each(lambda g: g * 1.001)), *next_keys(4)),
    *wrap(EXTREME, "float64 for float32", after(widened), *next_keys(4)),
)
