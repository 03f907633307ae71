"""Im f(x + ih)/h: the derivative of an analytic loss without subtraction, entry by entry or along random directions."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradproof import composites
from gradproof.bound import Reference, is_float, own_error
from gradproof.duck import DuckArray, plain, refuse, spelled
from gradproof.errors import NotRun
from gradproof.objective import objective
from gradproof.oracles.base import Array, Direction, Estimate, evaluate
from gradproof.problem import Point, Problem
from gradproof.tape.linear import REARRANGEMENTS

STEP = 2.0**-332
"""About 1e-100; a power of two, so that multiplying and dividing by it is exact."""

TRUNCATION = STEP**2 * 1e30
"""About 1e-170: h**2 times a third derivative of 1e30, far more than any loss here has."""

DIRECTIONS = 4
Complex = np.clongdouble
Real = np.longdouble


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


def absolute(x: Array) -> Array:
    return np.where(np.real(x) < 0, -x, x)


def maximum(x: Array, y: Array) -> Array:
    return np.where(np.real(x) > np.real(y), x, y)


def minimum(x: Array, y: Array) -> Array:
    return np.where(np.real(x) <= np.real(y), x, y)  # the one np.maximum leaves, also where they tie


def logaddexp(x: Array, y: Array) -> Array:
    larger = maximum(x, y)
    return larger + np.log1p(np.exp(minimum(x, y) - larger))


# To first order in the imaginary part, where NumPy's own complex function is less exact than its real one.


def tanh(x: Array) -> Array:
    return np.tanh(np.real(x)) + 1j * np.imag(x) / np.cosh(np.real(x)) ** 2


def log1p(x: Array) -> Array:
    return np.log1p(np.real(x)) + 1j * np.imag(x) / (1 + np.real(x))


def exp2(x: Array) -> Array:
    value = np.exp2(np.real(x))
    return value + 1j * np.imag(x) * value * np.log(Real(2))


def power(x: Array, p: Array) -> Array:
    base, exponent = np.asarray(np.real(x), Real), np.real(p)
    value, dx, dp = base**exponent, np.imag(x), np.imag(p)
    along_x = np.where(dx * exponent == 0, 0, dx * exponent * base ** (exponent - 1))
    return value + 1j * (along_x + np.where(dp * value == 0, 0, dp * value * np.log(base)))


ANALYTIC: dict[np.ufunc, Any] = {
    np.absolute: absolute,
    np.fabs: absolute,
    np.maximum: maximum,
    np.fmax: maximum,
    np.minimum: minimum,
    np.fmin: minimum,
    np.logaddexp: logaddexp,
    np.tanh: tanh,
    np.log1p: log1p,
    np.exp2: exp2,
    np.power: power,
    np.float_power: power,
    np.conjugate: np.positive,
    np.sign: lambda x: np.sign(np.real(x)) + 0j,
}


NATIVE = {
    np.add, np.subtract, np.multiply, np.divide, np.negative, np.positive, np.square, np.reciprocal, np.sqrt, np.matmul,
    np.exp, np.expm1, np.log, np.log2, np.log10, np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan,
    np.sinh, np.cosh, np.arcsinh, np.arccosh, np.arctanh,
}  # fmt: skip
"""Ufuncs that are analytic in NumPy itself."""

FUNCTIONS = REARRANGEMENTS | {
    np.sum, np.prod, np.cumsum, np.cumprod, np.where, np.einsum, np.pad, np.kron, np.cross, np.append,
    np.insert, np.delete, np.select,
}  # fmt: skip
"""Functions that are analytic in NumPy itself; others conjugate (np.cov), or drop the imaginary part."""


def extreme(choose: Any) -> Any:
    """np.max or np.min by the real part."""

    def along(a: Array, axis: Any = None, out: None = None, keepdims: bool = False) -> Array:
        if not a.ndim:  # NumPy lets axis=0 and axis=-1 pass here
            return a
        if axis is None or isinstance(axis, tuple):
            axes = tuple(range(a.ndim)) if axis is None else tuple(k % a.ndim for k in axis)
            rest = [k for k in range(a.ndim) if k not in axes]
            flat = np.transpose(a, [*rest, *axes]).reshape([a.shape[k] for k in rest] + [-1])
            best = along(flat, axis=-1)
            return np.expand_dims(best, axes) if keepdims else best
        place = np.expand_dims(choose(np.real(a), axis=axis), axis)
        best = np.take_along_axis(a, place, axis)
        return best if keepdims else np.squeeze(best, axis)

    return along


EXTREMES = {
    np.max: extreme(np.argmax),
    np.amax: extreme(np.argmax),
    np.min: extreme(np.argmin),
    np.amin: extreme(np.argmin),
}


class ComplexStepOracle:
    name = "complex step"
    short = "cplx"
    order = 2
    entries = 10**9
    points = None
    each_entry = 64
    """Up to this many entries every one is stepped; above, random directions only."""

    def estimate(self, problem: Problem, point: Point, known: Reference | None) -> Estimate:
        values = {name: np.asarray(value, Complex) for name, value in point.params.items()}
        data = {name: np.asarray(value, Real) if is_float(value) else value for name, value in point.data.items()}
        f = objective(problem, point, data, {name: ComplexStep(value) for name, value in values.items()})

        def imaginary(stepped: dict[str, Array]) -> np.floating:
            with np.errstate(all="ignore"):
                result = plain(
                    evaluate(f, {name: ComplexStep(value) for name, value in stepped.items()}, "complex arrays")
                )
            slope = Real(np.imag(result)) / Real(STEP)
            if not np.isfinite(slope):
                raise NotRun("the complex loss is not finite here")
            return slope

        error = rounding(known, point)
        directions = tuple(
            Direction(vector, imaginary(step(values, vector)), total(vector, error))
            for vector in random_directions(values, point.place.seed)
        )
        if sum(value.size for value in values.values()) > self.each_entry:
            return Estimate(directions=directions)
        gradients = {
            name: np.array(
                [imaginary(step(values, {name: unit(value.shape, k)})) for k in range(value.size)], Real
            ).reshape(value.shape)
            for name, value in values.items()
        }
        return Estimate(gradients, error, directions)


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
