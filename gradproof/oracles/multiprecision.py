"""The loss in 50-digit arithmetic (mpmath), differenced: slow, exact for every purpose here, the referee."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np

from gradproof import composites
from gradproof.bound import Reference, allowance, is_float
from gradproof.duck import DuckArray, plain, refuse
from gradproof.errors import NotRun
from gradproof.objective import objective
from gradproof.oracles.base import Estimate, evaluate
from gradproof.problem import Point, Problem

DIGITS = 50
STEP = mpmath.mpf(2) ** -53

context = mpmath.mp.clone()
context.dps = DIGITS


class Multiprecision(DuckArray):
    """An object array of mpmath numbers."""

    def __init__(self, value: Any) -> None:
        # Every entry: of two integers that np.where picked, Python's quotient would be a float64.
        self.value = np.asarray(to_mpf(np.asarray(value, object)), object)

    def assign(self, other: Multiprecision) -> None:
        self.value = other.value

    def index(self, key: Any) -> Multiprecision:
        return Multiprecision(self.value[plain(key)])

    def compare(self, ufunc: np.ufunc, inputs: tuple[Any, ...]) -> Any:
        if ufunc in (np.isfinite, np.isnan, np.isinf):
            return ufunc(np.asarray(plain(inputs[0]), float))
        return np.asarray(ufunc(*(plain(x) for x in inputs)), bool)

    def apply_ufunc(self, ufunc: np.ufunc, inputs: tuple[Any, ...]) -> Multiprecision:
        exact = EXACT.get(ufunc)
        if exact is None and ufunc not in NATIVE:
            refuse(
                f"np.{ufunc.__name__} in multiprecision", "leave this oracle out, or use exp, log, tanh, sin, cos, sqrt"
            )
        operands = [numbers(plain(x)) for x in inputs]
        return Multiprecision((exact or ufunc)(*operands))

    def apply_function(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = composites.apply(function, args, kwargs)
        if result is NotImplemented:
            result = function(*(operand(a) for a in args), **kwargs)
        if isinstance(result, list | tuple):
            return [Multiprecision(part) for part in result]
        return result if isinstance(result, Multiprecision) else Multiprecision(result)


def numbers(x: Any) -> Any:
    """Plain floats and integers as exact mpmath numbers: an int divided by an int must not fall back to float64."""
    array = np.asarray(x)
    return array if array.dtype == object else to_mpf(array)


def operand(x: Any) -> Any:
    """An argument in plain arrays. A list that holds a duck array is one of arrays, another a shape or axes."""
    if isinstance(x, list | tuple) and any(isinstance(part, DuckArray) for part in x):
        return [numbers(plain(part)) for part in x]
    return plain(x)


def number(x: Any) -> Any:
    return x if isinstance(x, context.mpf) else context.mpf(x.item() if isinstance(x, np.generic) else x)


to_mpf = np.frompyfunc(number, 1, 1)


def lift(name: str, operands: int = 1) -> Any:
    return np.frompyfunc(getattr(context, name), operands, 1)


def log_add_exp(x: Any, y: Any) -> Any:
    larger = max(x, y)
    return larger + context.log1p(context.exp(min(x, y) - larger))


EXACT: dict[np.ufunc, Any] = {
    np.exp: lift("exp"),
    np.expm1: lift("expm1"),
    np.log: lift("log"),
    np.log1p: lift("log1p"),
    np.tanh: lift("tanh"),
    np.sinh: lift("sinh"),
    np.cosh: lift("cosh"),
    np.sin: lift("sin"),
    np.cos: lift("cos"),
    np.tan: lift("tan"),
    np.arctan: lift("atan"),
    np.arcsin: lift("asin"),
    np.conjugate: np.positive,
    np.sqrt: lift("sqrt"),
    np.sign: lift("sign"),
    np.power: lift("power", 2),
    np.float_power: lift("power", 2),
    np.fabs: np.absolute,
    np.fmax: np.maximum,
    np.fmin: np.minimum,
    np.logaddexp: np.frompyfunc(log_add_exp, 2, 1),
    np.square: np.frompyfunc(lambda x: x * x, 1, 1),
    np.reciprocal: np.frompyfunc(lambda x: 1 / x, 1, 1),
    np.exp2: np.frompyfunc(lambda x: context.mpf(2) ** x, 1, 1),
    np.log2: np.frompyfunc(lambda x: context.log(x, 2), 1, 1),
    np.log10: lift("log10"),
}
NATIVE = {
    np.add, np.subtract, np.multiply, np.divide, np.negative, np.positive, np.absolute, np.matmul,
    np.maximum, np.minimum,
}  # fmt: skip


class MultiprecisionOracle:
    name = "50 digits"
    short = "mp50"
    order = 6
    entries = 24
    points = 8
    """Points of a run at which it is asked: it is a hundred times slower than the others together."""

    data_entries = 120
    """The largest number of data entries it is asked with."""

    def estimate(self, problem: Problem, point: Point, known: Reference | None) -> Estimate:
        if sum(np.size(value) for value in point.data.values() if is_float(value)) > self.data_entries:
            raise NotRun(f"more than {self.data_entries} data entries")
        values = {name: numbers(value) for name, value in point.params.items()}
        data = {
            name: Multiprecision(numbers(np.asarray(value))) if is_float(value) else value
            for name, value in point.data.items()
        }
        f = objective(problem, point, data, {name: Multiprecision(value) for name, value in values.items()})

        def loss(name: str, k: int, t: Any) -> Any:
            moved = np.array(values[name], object)
            moved.flat[k] += t
            params = {key: Multiprecision(value) for key, value in {**values, name: moved}.items()}
            result = np.asarray(plain(evaluate(f, params, "50-digit arrays"))).item()
            if not context.isfinite(result):
                raise NotRun("the loss is not finite here")
            return result

        def slope(name: str, k: int) -> tuple[Any, Any]:
            """Difference quotient and its error: what doubling the step changes, and what rounding the loss costs.

            (A share of the slope would not do: x**3 has slope h**2 at 0, and a saturated one drowns in the rounding.)
            """
            (right, left), (far_right, far_left) = [(loss(name, k, h), loss(name, k, -h)) for h in (STEP, 2 * STEP)]
            quotient, coarse = (right - left) / (2 * STEP), (far_right - far_left) / (4 * STEP)
            return quotient, abs(quotient - coarse) + rounding * (max(1, abs(right)) + amplified) / STEP

        rounding, amplified = context.mpf(10) ** (3 - DIGITS), 0
        if known is not None and known.computed:  # what a rounding becomes in the loss, as the tape counted it
            amplified = context.mpf(float(known.loss_bound / allowance(point.dtype)))
        gradients, errors = {}, {}
        for name, value in values.items():
            slopes = [slope(name, k) for k in range(np.asarray(value).size)]
            shape = point.params[name].shape
            gradients[name] = np.array([long_double(s) for s, _ in slopes], np.longdouble).reshape(shape)
            errors[name] = np.array([long_double(e) for _, e in slopes], np.longdouble).reshape(shape)
            errors[name] += np.finfo(np.longdouble).eps * np.abs(gradients[name])
        return Estimate(gradients, errors)


def long_double(x: Any) -> np.longdouble:
    """An mpmath number rounded to long double; beyond its range infinite or zero, without a warning.

    Through text, since mpmath itself only knows float; the exponent apart, since NumPy warns of text beyond the range.
    """
    if not context.isfinite(x):
        return np.longdouble(context.nstr(x))
    mantissa, exponent = context.frexp(x)
    with np.errstate(all="ignore"):
        return np.ldexp(np.longdouble(context.nstr(mantissa, 30)), int(max(-(2**15), min(exponent, 2**15))))


ORACLE = MultiprecisionOracle()
