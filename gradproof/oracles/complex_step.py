"""Im f(x + ih)/h: the derivative of an analytic loss without subtraction.

Four random directions are whole runs of the loss in complex numbers. All entries come from one run, or a few, that
carries the derivatives forwards, with a complex step at each operation (``forward``); where that run cannot follow the
loss, they are stepped one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradproof import composites
from gradproof.bound import Reference, is_float, own_error
from gradproof.duck import DuckArray, plain, refuse, spelled
from gradproof.errors import CannotTrace, NotRun
from gradproof.objective import objective
from gradproof.oracles.analytic import ANALYTIC, EXTREMES, FUNCTIONS, NATIVE, STEP, Complex, Real
from gradproof.oracles.base import Array, Direction, Estimate, evaluate
from gradproof.oracles.forward.gradient import Carried, carried_forwards
from gradproof.problem import Point, Problem

TRUNCATION = STEP**2 * 1e30
"""About 1e-170: h**2 times a third derivative of 1e30, far more than any loss here has."""

DIRECTIONS = 4


class ComplexStep(DuckArray):
    """A complex array whose imaginary part is a derivative: ufuncs NumPy defines otherwise (abs) act analytically."""

    def __init__(self, value: Any) -> None:
        self.value = np.asarray(value, Complex)

    def assign(self, other: ComplexStep) -> None:
        self.value = other.value

    def index(self, key: Any) -> ComplexStep:
        return ComplexStep(self.value[plain(key)])

    def compare(self, ufunc: np.ufunc, inputs: tuple[Any, ...]) -> Any:
        return ufunc(*(np.real(plain(x)) for x in inputs))

    def apply_ufunc(self, ufunc: np.ufunc, inputs: tuple[Any, ...]) -> ComplexStep:
        if ufunc not in ANALYTIC and ufunc not in NATIVE:
            refuse(
                f"np.{ufunc.__name__} in complex numbers",
                "leave this oracle out, or use exp, log, tanh, sin, cos, sqrt",
            )
        return ComplexStep(ANALYTIC.get(ufunc, ufunc)(*(plain(x) for x in inputs)))

    def apply_function(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = composites.apply(function, args, kwargs)
        if result is NotImplemented:
            if function not in EXTREMES and function not in FUNCTIONS:
                refuse(
                    f"{spelled(function)} in complex numbers",
                    "write it out with arithmetic, np.sum, np.einsum, np.where",
                )
            args = tuple([plain(x) for x in a] if isinstance(a, list | tuple) else plain(a) for a in args)
            result = EXTREMES.get(function, function)(*args, **kwargs)
        if isinstance(result, list | tuple):
            return [ComplexStep(part) for part in result]
        return result if isinstance(result, ComplexStep) else ComplexStep(result)


class ComplexStepOracle:
    name = "complex step"
    short = "cplx"
    order = 2
    entries = 10**9
    points = None
    each_entry = 64
    """Where the derivatives cannot be carried forwards, up to this many entries are stepped one by one."""

    def estimate(self, problem: Problem, point: Point, known: Reference | None) -> Estimate:
        values = {name: np.asarray(value, Complex) for name, value in point.params.items()}
        along, error = stepper(problem, point, values), rounding(known, point)
        directions = tuple(
            Direction(vector, along(vector), total(vector, error))
            for vector in random_directions(values, point.place.seed)
        )
        try:
            carried = carried_forwards(problem, point)
        except CannotTrace:  # complex arrays may still know how
            if sum(value.size for value in values.values()) > self.each_entry:
                return Estimate(directions=directions)
            return Estimate(entry_by_entry(along, values), error, directions)
        if carried is None:
            return Estimate(directions=directions)
        return Estimate(carried.gradients, rounding_of(carried, known, point), directions)


def stepper(problem: Problem, point: Point, values: dict[str, Array]) -> Callable[[dict[str, Array]], np.floating]:
    """The derivative of the loss along a vector. Raises NotRun where it is not finite."""
    data = {name: np.asarray(value, Real) if is_float(value) else value for name, value in point.data.items()}
    with np.errstate(all="ignore"):  # what is held constant is worked out here
        f = objective(problem, point, data, {name: ComplexStep(value) for name, value in values.items()})

    def along(vector: dict[str, Array]) -> np.floating:
        stepped = {name: ComplexStep(value) for name, value in step(values, vector).items()}
        with np.errstate(all="ignore"):
            result = plain(evaluate(f, stepped, "complex arrays"))
        slope = Real(np.imag(result)) / Real(STEP)
        if not np.isfinite(slope):
            raise NotRun("the complex loss is not finite here")
        return slope

    return along


def entry_by_entry(along: Callable[[dict[str, Array]], np.floating], values: dict[str, Array]) -> dict[str, Array]:
    return {
        name: np.array([along({name: unit(value.shape, k)}) for k in range(value.size)], Real).reshape(value.shape)
        for name, value in values.items()
    }


def rounding(known: Reference | None, point: Point) -> Any:
    """What rounding the complex loss may cost each entry.

    The derivative travels forwards here: where the tape's backward sweep copies, this adds, and each of the loss's
    operations may round it once more, or lose what lies below the smallest normal number (divided by the step). What
    the step itself leaves out is h**2 times a third derivative: nothing, unless the exact gradient is zero.
    """
    if known is None or not known.computed:
        return {name: np.zeros(value.shape, Real) for name, value in point.params.items()}
    kinds, own = np.finfo(Real), own_error(known, point.dtype)
    return {
        name: 2 * own[name] + known.operations * (kinds.eps * np.abs(g) + kinds.tiny / Real(STEP)) + TRUNCATION
        for name, g in known.gradients.items()
    }


def rounding_of(carried: Carried, known: Reference | None, point: Point) -> Any:
    """The same of derivatives that were carried forwards; in float64 a program's share of the bound is added."""
    error = rounding(known, point)
    if carried.dtype == Real:
        return error
    eps = np.finfo(carried.dtype).eps
    if known is None or not known.computed:
        largest = max(np.max(np.abs(g), initial=0) for g in carried.gradients.values())
        return {name: np.full(g.shape, carried.operations * eps * largest) for name, g in carried.gradients.items()}
    shares = known.bounds_in(carried.dtype, point.dtype)
    return {
        name: error[name] + shares[name] + known.operations * eps * np.abs(g) for name, g in known.gradients.items()
    }


def step(values: dict[str, Array], vector: dict[str, Array]) -> dict[str, Array]:
    return {name: value + 1j * STEP * vector[name] if name in vector else value for name, value in values.items()}


def unit(shape: tuple[int, ...], k: int) -> Array:
    vector = np.zeros(shape)
    vector.flat[k] = 1
    return vector


def random_directions(values: dict[str, Array], seed: int) -> list[dict[str, Array]]:
    rng = np.random.default_rng([seed, 0xD1])
    return [{name: rng.standard_normal(value.shape) for name, value in values.items()} for _ in range(DIRECTIONS)]


def total(vector: dict[str, Array], error: Any) -> Any:
    """How far <gradient, vector> may be off when each entry may be off by ``error``."""
    return sum((np.sum(np.abs(vector[name]) * error[name]) for name in vector), Real(0))


ORACLE = ComplexStepOracle()
