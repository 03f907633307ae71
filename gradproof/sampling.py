"""Which points are tried: the pinned ones, where correct-looking code tends to break, then Hypothesis's.

Hypothesis draws sizes, regime, dtype and a seed; values come from ``default_rng(seed)``, because arrays drawn entry by
entry are nearly constant and miss half the transposed products.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Any
from unittest import mock

import numpy as np
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample
from hypothesis.internal.conjecture import providers

from gradproof.bound import is_float
from gradproof.errors import InvalidProblem
from gradproof.objective import leaves, like
from gradproof.problem import Data, Params, Place, Point, Problem

# Regimes ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Regime:
    """A stretch of the numbers: parameters and float data are multiplied by these after they were drawn."""

    params: float = 1.0
    data: float = 1.0
    one_hot: bool = False


REGIMES: dict[str, Regime] = {
    "ordinary": Regime(),
    "parameters x 30": Regime(params=30),
    "parameters x 300": Regime(params=300),
    "parameters x -300": Regime(params=-300),
    "parameters x 1000": Regime(params=1000),
    "parameters x 1e-3": Regime(params=1e-3),
    "zero parameters": Regime(params=0),
    "data x 30": Regime(data=30),
    "data x 1e-4": Regime(data=1e-4),
    "data x 1e-12": Regime(data=1e-12),
    "zero data": Regime(data=0),
    "one-hot upstream": Regime(one_hot=True),
}
LAYOUTS = ("C", "F", "strided")
DTYPES = ("float64", "float32")


def regimes_of(problem: Problem) -> list[str]:
    return [name for name, regime in REGIMES.items() if problem.is_layer or not regime.one_hot]


# Budgets ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Budget:
    """How much is tried: ``random`` points beside the pinned ones, and how often the oracles that are not needed for
    the bound are asked as well: at every ``witness_every``-th point."""

    name: str
    random: int
    witness_every: int


BUDGETS = {
    budget.name: budget for budget in (Budget("quick", 20, 3), Budget("standard", 100, 2), Budget("thorough", 500, 1))
}


# Pinned places ----------------------------------------------------------------------------------------------------


def pinned_places(problem: Problem) -> Iterator[Place]:
    """The places that are always tried, most telling first; each draws values of its own."""
    return (replace(place, seed=seed) for seed, place in enumerate(pinned_kinds(problem)))


def pinned_kinds(problem: Problem) -> Iterator[Place]:
    yield Place.of(middle_sizes(problem))
    for sizes in edge_sizes(problem):
        for dtype in DTYPES:
            yield Place.of(sizes, dtype=dtype)
    for regime in regimes_of(problem):
        for dtype in DTYPES:
            yield Place.of(middle_sizes(problem), regime=regime, dtype=dtype)
    for layout in LAYOUTS[1:]:
        for dtype in DTYPES:
            yield Place.of(middle_sizes(problem), layout=layout, dtype=dtype)


def middle_sizes(problem: Problem) -> dict[str, int]:
    """Small sizes, pairwise different as far as the ranges allow: a transpose then changes the shape."""
    chosen: dict[str, int] = {}
    for name, (low, high) in problem.sizes.items():
        candidates = [n for n in range(max(low, 3), high + 1) if n not in chosen.values()]
        chosen[name] = candidates[0] if candidates else high
    return chosen


def edge_sizes(problem: Problem) -> list[dict[str, int]]:
    """Every dimension least alone and all together, most alone and all together, square, and the problem's own."""
    if not problem.sizes:
        return [{}]
    low = {name: bounds[0] for name, bounds in problem.sizes.items()}
    high = {name: bounds[1] for name, bounds in problem.sizes.items()}
    middle = middle_sizes(problem)
    square = {name: min(max(3, low[name]), high[name]) for name in middle}
    edges = [low, high, square]
    edges += [{**middle, name: low[name]} for name in middle] + [{**low, name: high[name]} for name in middle]
    edges += [dict(extra) for extra in problem.pinned]
    return [dict(unique) for unique in dict.fromkeys(tuple(sizes.items()) for sizes in edges)]


# From a place to a point ------------------------------------------------------------------------------------------


def draw_point(problem: Problem, place: Place) -> Point | None:
    """The point at a place; None where it lies outside the problem's domain. Raises InvalidProblem on a bad draw."""
    rng = np.random.default_rng(place.seed)
    params, data = draw_values(problem, place, rng)
    if problem.domain is not None and not asked(problem, "domain", place, params, data):
        return None
    if not problem.is_layer:
        return Point(place, params, data)
    output = asked(problem, "output", place, params, data)
    return Point(place, params, data, upstream(problem, output, rng, REGIMES[place.regime], place))


def draw_values(problem: Problem, place: Place, rng: np.random.Generator) -> tuple[Params, Data]:
    """Parameters and data at a place, inside the domain or not. Raises InvalidProblem on a bad draw."""
    try:
        drawn = problem.draw(dict(place.sizes), rng)
    except Exception as error:
        raise InvalidProblem(f"{problem.name}: draw failed at {place}: {type(error).__name__}: {error}") from error
    if not isinstance(drawn, tuple) or len(drawn) != 2 or not all(isinstance(part, Mapping) for part in drawn):
        raise InvalidProblem(
            f"{problem.name}: draw must return (params, data), two mappings, not a {type(drawn).__name__}"
        )
    params = {name: parameter(problem, name, value) for name, value in drawn[0].items()}
    if not params:
        raise InvalidProblem(f"{problem.name}: draw returned no parameters")
    unshared(problem, drawn[0])
    regime = REGIMES[place.regime]
    params = {name: arranged(rounded(value * regime.params, place), place) for name, value in params.items()}
    data = {
        name: datum(value, None if name in problem.fixed else regime.data, place) if numeric(value) else value
        for name, value in drawn[1].items()
    }
    return params, data


def asked(problem: Problem, role: str, place: Place, params: Params, data: Data) -> Any:
    """The answer of the problem's own ``domain`` or ``output``; what it raises becomes InvalidProblem."""
    try:
        with np.errstate(all="ignore"):
            return getattr(problem, role)(dict(params), dict(data))
    except Exception as error:
        raise InvalidProblem(f"{problem.name}: {role} raised {type(error).__name__} at {place}: {error}") from error


def parameter(problem: Problem, name: str, value: Any) -> Any:
    """A drawn parameter as a float64 array, or the reason why it cannot be one."""
    try:
        array = np.asarray(value)
    except Exception as error:  # a list of lists that are not equally long
        raise InvalidProblem(f"{problem.name}: parameter {name!r} cannot be read as an array: {error}") from error
    kinds = {"i": "integers", "u": "integers", "b": "booleans", "c": "complex numbers", "O": "objects"}
    if array.dtype.kind != "f":
        what = kinds.get(array.dtype.kind, f"dtype {array.dtype}")
        raise InvalidProblem(f"{problem.name}: parameter {name!r} holds {what}; gradients are taken of real floats")
    if array.size == 0:
        raise InvalidProblem(f"{problem.name}: parameter {name!r} has shape {array.shape}, no entries")
    if not np.all(np.isfinite(array)):
        raise InvalidProblem(f"{problem.name}: parameter {name!r} was drawn with a value that is not finite")
    return array.astype(np.float64)


def unshared(problem: Problem, params: Mapping[str, Any]) -> None:
    arrays = [(name, value) for name, value in params.items() if isinstance(value, np.ndarray)]
    for k, (name, value) in enumerate(arrays):
        for other, second in arrays[k + 1 :]:
            if np.shares_memory(value, second):
                raise InvalidProblem(
                    f"{problem.name}: parameters {name!r} and {other!r} share memory; each needs an array of its own"
                )


def numeric(value: Any) -> bool:
    return isinstance(value, np.ndarray | np.generic) or is_float(value)


def datum(value: Any, scale: float | None, place: Place) -> Any:
    """Drawn data as the code gets them; ``scale`` None: the values must stay as they are."""
    array = np.asarray(value)
    if array.dtype.kind != "f":
        return array.copy() if isinstance(value, np.ndarray) else value
    return arranged(array if scale is None else rounded(array * scale, place), place)


def rounded(value: Any, place: Place) -> Any:
    """The values to the decimals of the place, where it has any; none becomes -0.0, which reads like a mistake."""
    return value if place.decimals is None else np.round(value, place.decimals) + 0.0


def arranged(value: Any, place: Place) -> Any:
    """A fresh array in the place's dtype and layout."""
    with np.errstate(over="ignore"):  # what is too large for the dtype is infinite, as the loss will then be
        array = np.array(value, place.dtype)
    if place.layout == "F":
        return np.asfortranarray(array) if array.ndim else array
    if place.layout == "strided" and array.ndim:
        wide = np.zeros([2 * n for n in array.shape], place.dtype)
        view = wide[tuple(slice(None, None, 2) for _ in array.shape)]
        view[...] = array
        return view
    return array


def upstream(problem: Problem, output: Any, rng: Any, regime: Regime, place: Place) -> Any:
    """The gradient flowing into a layer: random or one-hot, never uniform, for a uniform one hides mistakes."""
    if output is None:
        raise InvalidProblem(
            f"{problem.name}: output returned None; it must return an array, or several in a tuple or dict"
        )
    for part in leaves(output):
        if np.asarray(part).dtype.kind not in "fiu":
            raise InvalidProblem(f"{problem.name}: output returned {type(part).__name__}, which holds no real numbers")
    shapes = [np.shape(part) for part in leaves(output)]
    if regime.one_hot:
        parts = [np.zeros(shape) for shape in shapes]
        chosen = parts[int(rng.integers(len(parts)))]
        chosen.flat[int(rng.integers(max(1, chosen.size)))] = 1
    else:
        parts = [rounded(rng.standard_normal(shape), place) for shape in shapes]
    return like(output, [arranged(part, place) for part in parts])


# Random places ----------------------------------------------------------------------------------------------------


def random_place(problem: Problem) -> st.SearchStrategy[Place]:
    """Any place in the ranges; half of them ordinary."""
    sizes = st.tuples(*(st.tuples(st.just(name), st.integers(*bounds)) for name, bounds in problem.sizes.items()))
    regimes = regimes_of(problem)
    return st.builds(
        Place,
        sizes=sizes,
        seed=st.integers(0, 2**32 - 1),
        regime=st.sampled_from([*[regimes[0]] * len(regimes), *regimes]),
        dtype=st.sampled_from(DTYPES),
        layout=st.sampled_from([*["C"] * 4, *LAYOUTS]),
    )


def search(places: st.SearchStrategy[Place], fails: Callable[[Place], bool], examples: int, seed: int) -> Place | None:
    """The first place that fails, shrunk to the smallest Hypothesis finds; None when ``examples`` of them hold."""
    quiet = settings(
        max_examples=examples,
        phases=(Phase.generate, Phase.shrink),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    try:
        with from_the_seed_alone():
            return find(places, fails, settings=quiet, random=Random(seed))
    except NoSuchExample:
        return None


@contextmanager
def from_the_seed_alone() -> Iterator[None]:
    """Hypothesis mixes numbers into what it draws that it finds in the source of all modules imported so far. These are
    others in another run, or in a shard of this one, and the same seed would draw other places. There is no setting."""
    provider = getattr(providers, "HypothesisProvider", None)
    if hasattr(provider, "_maybe_draw_constant"):  # before Hypothesis 6.131 there is nothing to be left out
        with mock.patch.object(provider, "_maybe_draw_constant", return_value=None):
            yield
    else:
        yield


# Places that show a finding well -----------------------------------------------------------------------------------


SEEDS = 16
"""How many draws are tried at the same sizes; rounded ones are chosen from four times as many."""

DECIMALS = (0, 1, 2)
"""To what values are rounded: what a person calculates with first."""


def smaller_places(problem: Problem, place: Place) -> st.SearchStrategy[Place]:
    """Places like this one, no larger in any dimension, with any small seed."""
    low = {name: bounds[0] for name, bounds in problem.sizes.items()}
    sizes = st.tuples(*(st.tuples(st.just(n), st.integers(min(low[n], size), size)) for n, size in place.sizes))
    return st.builds(lambda sizes, seed: replace(place, sizes=sizes, seed=seed), sizes, st.integers(0, SEEDS - 1))


def rounder_places(problem: Problem, place: Place) -> Iterator[Place]:
    """Places of the same sizes with rounded values: fewest decimals first, and of these the most telling first."""
    for decimals in DECIMALS:
        draws = (replace(place, decimals=decimals, seed=seed) for seed in range(4 * SEEDS))
        yield from sorted(draws, key=lambda rounder: dull(problem, rounder))[:SEEDS]


def dull(problem: Problem, place: Place) -> int:
    """How many values say little (a zero hides what it is multiplied by) or are still long (``fixed`` data may be)."""
    params, data = draw_values(problem, place, np.random.default_rng(place.seed))
    floats = [value for value in (*params.values(), *data.values()) if is_float(value)]
    return sum(int(np.sum((value == 0) | (np.round(value, place.decimals or 0) != value))) for value in floats)


def require_known(problem: Problem, place: Place) -> None:
    """Raises InvalidProblem where the problem has no such place, whoever wrote it."""
    if {name for name, _ in place.sizes} != set(problem.sizes):
        names = ", ".join(problem.sizes) or "none"
        raise InvalidProblem(f"{problem.name}: a place must give the sizes of the problem ({names}), not {place}")
    known = {"regime": regimes_of(problem), "dtype": DTYPES, "layout": LAYOUTS}
    for part, choices in known.items():
        if getattr(place, part) not in choices:
            raise InvalidProblem(f"{problem.name}: {part} {getattr(place, part)!r} is none of {', '.join(choices)}")
