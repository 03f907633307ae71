"""The catalogue's formulas that a kernel computes, each with how its point is handed to one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

LAST_SQUARED = {"outputs": "last", "loss": "squared error"}
EACH_SQUARED = {"outputs": "each", "loss": "squared error"}
EACH_HALF_SQUARED = {"outputs": "each", "loss": "half squared error"}

Call = tuple[Any, Any, dict[str, Any]]
"""x, target and the options of a kernel."""


def weather(data: Any) -> Call:
    return np.swapaxes(data["x"], 0, 1), data["y"], LAST_SQUARED


def sine(data: Any) -> Call:
    options = {"activation": "sigmoid", "outputs": "last", "loss": "half squared error", "window": data.get("tau")}
    return np.diag(data["x"]), data["y"], options


def characters(data: Any) -> Call:
    return data["x"], data["y"], {"outputs": "each", "loss": "cross-entropy"}


def sentiment(data: Any) -> Call:
    return data["x"], data["label"], {"outputs": "last", "loss": "cross-entropy"}


CALLS: dict[str, Callable[[Any], Call]] = {
    "rnn-tanh-each-squared": lambda data: (data["x"], data["y"], EACH_SQUARED),
    "rnn-tanh-each-half-squared": lambda data: (
        data["x"],
        data["y"],
        {"outputs": "each", "loss": "half squared error"},
    ),
    "rnn-tanh-last-squared": lambda data: (data["x"], data["y"], LAST_SQUARED),
    "weather-rnn-minibatch": weather,
    "sine-rnn": sine,
    "sine-rnn-truncated": sine,
    "character-rnn": characters,
    "character-rnn-without-bias": characters,
    "sentiment-rnn": sentiment,
}
