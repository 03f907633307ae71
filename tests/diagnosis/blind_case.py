"""A wrong gradient with what is wrong with it, in a teacher's words: the record that the blind set consists of."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Kind = Literal["one", "two", "outside"]


@dataclass(frozen=True)
class Case:
    """Code that computes a formula's gradient wrongly.

    key: the formula's key. name: unique in the set. make: gives the code under test afresh. wrong: the parameters whose
    gradient is wrong. truth: what is wrong. kind: "one" mistake, "two" independent ones, or "outside" of what a list of
    mistakes in formulas can hold. accept: regular expressions, whatever the case of letters: a sentence that says what
    is wrong matches one. Of two mistakes the first pattern is for the one and the second for the other. Outside there
    is none, but where a part of the answer can be true.
    """

    key: str
    name: str
    make: Callable[[], Any]
    wrong: frozenset[str]
    truth: str
    kind: Kind = "one"
    accept: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Case({self.key}: {self.name})"


def wrong(
    key: str, parameters: str, truth: str, kind: Kind = "one", accept: tuple[str, ...] = ()
) -> Callable[[Any], Case]:
    """Decorates a function, or a class with forward and backward, and makes a Case of it.

    parameters: the names of those whose gradient is wrong, separated by blanks.
    """

    def as_case(code: Any) -> Case:
        name = re.sub("(?<=[a-z])(?=[A-Z])", "-", code.__name__).replace("_", "-").lower()
        make = code if isinstance(code, type) else lambda: code
        return Case(key, name, make, frozenset(parameters.split()), truth, kind, accept)

    return as_case


def states(params: Any, x: Any, phi: Callable[[Any], Any] = np.tanh) -> Any:
    """The right forward pass, for cases whose mistake is elsewhere: h (T + 1, n) from h[0] on, for inputs x (T, d)."""
    h = np.zeros((len(x) + 1, len(params["W"])), params["W"].dtype)
    h[0] = params.get("h0", 0)
    for t, x_t in enumerate(x):
        h[t + 1] = phi(params["W"] @ h[t] + params["U"] @ x_t + params.get("b", 0))
    return h


def zeros(params: Any) -> dict[str, Any]:
    """A zero gradient of every parameter, to add to."""
    return {name: np.zeros_like(value) for name, value in params.items()}
