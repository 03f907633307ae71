"""The loss in 50-digit arithmetic (mpmath), differenced: slow, exact for every purpose here, the referee at small sizes."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np

from gradproof import composites
from gradproof.bound import Reference, is_float
from gradproof.duck import DuckArray, plain, refuse
from gradproof.errors import NotRun
from gradproof.objective import objective
from gradproof.oracles.base import Estimate
from gradproof.problem import Point, Problem

DIGITS = 50
STEP = mpmath.mpf(10) ** -16
TRUNCATION = 1e-25
"""Relative error of the difference quotient: h**2 = 1e-32 times a third derivative that is at most 1e7 of the first."""

context = mpmath.mp.clone()
context.dps = DIGITS


class Multiprecision(DuckArray):
    """An object array of mpmath numbers."""

    def __init__(self, value: Any) -> None:
        self.value = np.asarray(value, object)

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
            refuse(f"np.{ufunc.__name__} in multiprecision", "leave this oracle out, or use exp, log, tanh, sin, cos, sqrt")
        operands = [numbers(plain(x)) for x in inputs]
        return Multiprecision((exact or ufunc)(*operands))

    def apply_function(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = composites.apply(function, args, kwargs)
        if result is NotImplemented:
            args = tuple([numbers(plain(x)) for x in a] if isinstance(a, list | tuple) else plain(a) for a in args)
            result = function(*args, **kwargs)
        if isinstance(result, list | tuple):
            return [Multiprecision(part) for part in result]
        return result if isinstance(result, Multiprecision) else Multiprecision(result)


def numbers(x: Any) -> Any:
    """Plain floats and integers as exact mpmath numbers: an int divided by an int must not fall back to float64."""
    array = np.asarray(x)
    return array if array.dtype == object else to_mpf(array)


to_mpf = np.frompyfunc(lambda x: context.mpf(x.item() if isinstance(x, np.generic) else x), 1, 1)


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
    np.sqrt: lift("sqrt"),
    np.sign: lift("sign"),
    np.power: lift("power", 2),
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
    order = 5
    entries = 24
    points = 8
    """Points of a run at which it is asked: it is a hundred times slower than the others together."""

    def estimate(self, problem: Problem, point: Point, known: Reference | None) -> Estimate:
        values = {name: numbers(value) for name, value in point.params.items()}
        data = {
            name: Multiprecision(numbers(np.asarray(value))) if is_float(value) else value
            for name, value in point.data.items()
        }
        f = objective(problem, point, data)

        def loss(name: str, k: int, t: Any) -> Any:
            moved = np.array(values[name], object)
            moved.flat[k] += t
            params = {**values, name: moved}
            result = np.asarray(plain(f({key: Multiprecision(value) for key, value in params.items()}))).item()
            if not context.isfinite(result):
                raise NotRun("the loss is not finite here")
            return result

        gradients, errors = {}, {}
        for name, value in values.items():
            size = np.asarray(value).size
            slopes = [(loss(name, k, STEP) - loss(name, k, -STEP)) / (2 * STEP) for k in range(size)]
            shape = point.params[name].shape
            gradients[name] = np.array([long_double(s) for s in slopes], np.longdouble).reshape(shape)
            errors[name] = TRUNCATION * np.abs(gradients[name]) + np.finfo(np.longdouble).eps * np.abs(gradients[name])
        return Estimate(gradients, errors)


def long_double(x: Any) -> np.longdouble:
    """An mpmath number rounded to long double (through text: mpmath itself only knows float)."""
    return np.longdouble(context.nstr(x, 30))


ORACLE = MultiprecisionOracle()
