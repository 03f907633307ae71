"""What ``bench_oracles`` times: networks of three sizes, each oracle there, and the gradient checks people use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from gradproof.bound import reference
from gradproof.errors import NotRun
from gradproof.oracles import all_oracles
from gradproof.oracles.forward.gradient import carried_forwards
from gradproof.problem import Place, Point, Problem
from gradproof.sampling import draw_point
from tests.catalogue import FORMULAS, IMPLEMENTATIONS

KEY = "rnn-tanh-last-squared"
"""The formula: a tanh network with biases, the squared error of its last output."""

SIZES = {
    42: {"n": 4, "d": 3, "m": 2, "T": 10},
    181: {"n": 10, "d": 6, "m": 1, "T": 24},  # the weather network
    10_301: {"n": 100, "d": 1, "m": 1, "T": 50},
}
"""By the number of parameters."""

Gradients = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """The network at one point, and what the reference says there."""

    point: Point

    @property
    def entries(self) -> int:
        return sum(value.size for value in self.point.params.values())


@cache
def problem() -> Problem:
    return FORMULAS[KEY].problem(IMPLEMENTATIONS[KEY])


@cache
def case(**sizes: int) -> Case:
    """A network that does not amplify rounding errors, even if they all add up: else the bound grows with n**T."""
    point = draw_point(problem(), Place.of({name: sizes[name] for name in problem().sizes}, seed=1))
    W = point.params["W"]
    return Case(replace(point, params={**point.params, "W": W / np.max(np.sum(np.abs(W), axis=1))}))


# The oracles: a case -> a call that returns all entries of the gradient -----------------------------------------------


def asked(name: str) -> Callable[[Case], Callable[[], Gradients]]:
    def prepared(at: Case) -> Callable[[], Gradients]:
        oracle, known = all_oracles()[name], reference(problem(), at.point)

        def call() -> Gradients:
            return oracle.estimate(problem(), at.point, known).gradients

        return call

    return prepared


ORACLES: dict[str, Callable[[Case], Callable[[], Gradients]]] = {
    "reference with its bound": lambda at: lambda: reference(problem(), at.point).gradients,
    "derivation": asked("derivation"),
    "forward mode, all entries": lambda at: lambda: carried_forwards(problem(), at.point).gradients,
    "complex step, with 4 directions": asked("complex step"),
    "central differences": asked("central diff"),
    "autograd": asked("autograd"),
    "50 digits": asked("50 digits"),
}
"""The tape is the reference. The complex step's answer has the entries carried forwards and four directions."""

SLOW = {"central differences": 42, "50 digits": 42}
"""Oracles for small networks, with the most parameters they are timed at."""


def error(found: Gradients, exact: Gradients) -> float:
    """Norm of the difference, as a share of the gradient's."""
    apart, size = (sum(np.sum(np.square(a)) for a in arrays) for arrays in (
        (found[name] - exact[name] for name in exact), exact.values()
    ))  # fmt: skip
    return float(np.sqrt(apart / size))


@cache
def exact(entries: int, oracle: str) -> Gradients:
    """50 digits, and for a network too large for them the proved formula in long double; of each itself, another."""
    at = case(**SIZES[entries])
    if entries == 42 and oracle != "50 digits":
        return ORACLES["50 digits"](at)()
    return ORACLES["reference with its bound" if oracle == "derivation" else "derivation"](at)()


# The peers ------------------------------------------------------------------------------------------------------------


def gradcheck(at: Case, *, fast_mode: bool = False) -> Callable[[], bool]:
    """torch.autograd.gradcheck of the same loss at the same point."""
    torch = package("torch")
    names = list(at.point.params)
    params = [torch.tensor(at.point.params[name], dtype=torch.float64, requires_grad=True) for name in names]
    data = {name: torch.tensor(value, dtype=torch.float64) for name, value in at.point.data.items()}

    def loss(*values: Any) -> Any:
        return problem().autograd_loss(dict(zip(names, values, strict=True)), data)

    return lambda: torch.autograd.gradcheck(loss, params, fast_mode=fast_mode)


def check_grads(at: Case, *, mode: str, jitted: bool) -> Callable[[], None]:
    """jax.test_util.check_grads, of the same loss with a scan over the steps; along one random direction."""
    jax = package("jax")
    from jax.test_util import check_grads as check

    with jax.enable_x64(True):
        params = {name: jax.numpy.asarray(value, "float64") for name, value in at.point.params.items()}
        x, y = (jax.numpy.asarray(at.point.data[name], "float64") for name in "xy")

    def loss(params: Any) -> Any:
        def step(h: Any, x_t: Any) -> Any:
            return jax.numpy.tanh(params["W"] @ h + params["U"] @ x_t + params["b"]), None

        h, _ = jax.lax.scan(step, jax.numpy.zeros_like(params["b"]), x)
        return jax.numpy.sum((params["V"] @ h + params["c"] - y) ** 2)

    checked = jax.jit(loss) if jitted else loss

    def call() -> None:
        with jax.enable_x64(True):
            check(checked, (params,), order=1, modes=[mode])

    return call


PEERS: dict[str, Callable[[Case], Callable[[], Any]]] = {
    "gradcheck": gradcheck,
    "gradcheck, fast mode": lambda at: gradcheck(at, fast_mode=True),
    **{
        f"check_grads, {mode}{', jit' if jitted else ''}": lambda at, mode=mode, jitted=jitted: check_grads(
            at, mode=mode, jitted=jitted
        )
        for mode in ("rev", "fwd")
        for jitted in (False, True)
    },
}
"""gradcheck differences every entry; the others check one random direction."""


def package(name: str) -> Any:
    """A package that may be missing. Raises NotRun."""
    try:
        module = __import__(name)
    except ImportError as missing:
        raise NotRun(f"{name} is not installed") from missing
    if name == "torch":
        module.set_num_threads(1)
    return module
