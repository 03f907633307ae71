"""Sigmoids, softmaxes and their gradients far into saturation: no overflow, no NaN, and relatively accurate."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from implementations import activations, classification, graphs, regression

DTYPES = [np.float32, np.float64]
SATURATIONS = [0, 1, 20, 100, 1000, 10_000]
ELEMENTARY = 4
"""Units in the last place that NumPy's vectorised exp, log and tanh may lose."""

both_dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
saturated = pytest.mark.parametrize("z", SATURATIONS, ids=lambda z: f"z={z}")
logits = st.floats(-1e4, 1e4, width=32)
"""Numbers that float32 holds exactly, so that both precisions start from the same z."""


@contextmanager
def no_trouble() -> Iterator[None]:
    """Every floating-point flag but underflow, and every warning, is an error; 50 digits for the exact values."""
    with np.errstate(all="raise", under="ignore"), warnings.catch_warnings(), mpmath.workdps(50):
        warnings.simplefilter("error")
        yield


def assert_close(computed: Any, exact: Any, ulps: float, scale: Any = 0) -> None:
    """Each entry within ``ulps`` of its exact value (or of ``scale``, if larger), or below the normal range."""
    computed = np.asarray(computed)
    info = np.finfo(computed.dtype)
    exact = np.asarray(exact, dtype=object)
    assert computed.shape == exact.shape
    for index in np.ndindex(computed.shape):
        allowed = ulps * float(info.eps) * max(abs(exact[index]), scale) + float(info.tiny)
        assert abs(mpmath.mpf(float(computed[index])) - exact[index]) <= allowed, f"{index}: {computed[index]}"


# Exact values, in 50 digits ------------------------------------------------------------------------------------------


def exact_sigmoid(z: float) -> Any:
    return 1 / (1 + mpmath.exp(-mpmath.mpf(z)))


def exact_sigmoid_derivative(z: float) -> Any:
    return exact_sigmoid(z) * exact_sigmoid(-z)


def exact_softplus(z: float) -> Any:
    return mpmath.log1p(mpmath.exp(mpmath.mpf(z)))


def exact_tanh_derivative(z: float) -> Any:
    return mpmath.sech(mpmath.mpf(z)) ** 2


def exact_softmax(o: Iterable[float]) -> list[Any]:
    powers = [mpmath.exp(mpmath.mpf(float(x))) for x in o]
    return [power / mpmath.fsum(powers) for power in powers]


SCALAR: dict[str, tuple[Callable[[Any], Any], Callable[[float], Any], int]] = {
    "sigmoid": (activations.sigmoid, exact_sigmoid, 2 * ELEMENTARY),
    "sigmoid derivative": (activations.sigmoid_derivative, exact_sigmoid_derivative, 3 * ELEMENTARY),
    "tanh derivative": (activations.tanh_derivative, exact_tanh_derivative, 3 * ELEMENTARY),
    "softplus": (activations.softplus, exact_softplus, 3 * ELEMENTARY),
}


# Activations ---------------------------------------------------------------------------------------------------------


@both_dtypes
@saturated
@pytest.mark.parametrize("name", SCALAR)
def test_activation_is_relatively_accurate(name: str, z: int, dtype: Any) -> None:
    function, exact, ulps = SCALAR[name]
    with no_trouble():
        computed = function(np.array([z, -z], dtype))
        assert computed.dtype == dtype
        assert_close(computed, [exact(z), exact(-z)], ulps)


@both_dtypes
@pytest.mark.parametrize("name", SCALAR)
@given(z=logits)
def test_activation_is_relatively_accurate_anywhere(name: str, dtype: Any, z: float) -> None:
    function, exact, ulps = SCALAR[name]
    with no_trouble():
        assert_close(function(dtype(z)), exact(z), ulps)


@both_dtypes
@given(z=logits)
def test_smooth_sigmoid_is_the_sigmoid(dtype: Any, z: float) -> None:
    """The exponent of the form for losses is rounded at its own size, which costs |z| ulps."""
    with no_trouble():
        assert_close(activations.smooth_sigmoid(dtype(z)), exact_sigmoid(z), 2 * ELEMENTARY * (1 + abs(z)))


@both_dtypes
@given(z=logits)
def test_sigmoid_mirrors(dtype: Any, z: float) -> None:
    with no_trouble():
        total = activations.sigmoid(dtype(z)) + activations.sigmoid(dtype(-z))
        assert abs(total - 1) <= np.finfo(dtype).eps


@both_dtypes
@saturated
def test_softmax_is_accurate(z: int, dtype: Any) -> None:
    o = np.array([z, 0, -z, z - 1], dtype)
    with no_trouble():
        assert_close(activations.softmax(o), exact_softmax(o), 3 * ELEMENTARY)
        log_p = [mpmath.log(p) for p in exact_softmax(o)]
        assert_close(activations.log_softmax(o), log_p, 3 * ELEMENTARY, scale=1)


# A whole multiple of 1/8 below 2^14 is exact in float32, and so is the difference of two: the shift then costs nothing.
exact_logits = st.integers(-80_000, 80_000).map(lambda k: k / 8)


@both_dtypes
@given(o=st.lists(exact_logits, min_size=1, max_size=6))
def test_softmax_is_accurate_anywhere(dtype: Any, o: list[float]) -> None:
    with no_trouble():
        p = activations.softmax(np.array(o, dtype))
        assert p.dtype == dtype
        assert_close(p, exact_softmax(o), 2 * ELEMENTARY + len(o))
        assert abs(np.sum(p) - 1) <= len(o) * np.finfo(dtype).eps


@given(o=st.lists(exact_logits, min_size=1, max_size=6), shift=exact_logits)
def test_softmax_ignores_a_common_shift(o: list[float], shift: float) -> None:
    with no_trouble():
        np.testing.assert_array_equal(activations.softmax(np.array(o)), activations.softmax(np.array(o) + shift))


# Cross-entropies -----------------------------------------------------------------------------------------------------


@both_dtypes
@saturated
@pytest.mark.parametrize("y", [0, 1])
def test_binary_cross_entropy(y: int, z: int, dtype: Any) -> None:
    """Accurate to the size of the terms that are subtracted, |z|."""
    with no_trouble():
        computed = activations.binary_cross_entropy(np.array([z, -z], dtype), np.array([y, y], dtype))
        assert computed.dtype == dtype
        assert_close(computed, [exact_softplus(sign * (1 - 2 * y) * z) for sign in (1, -1)], 3 * ELEMENTARY, scale=z)


@both_dtypes
@saturated
def test_cross_entropy_of_a_class_that_underflows(z: int, dtype: Any) -> None:
    """Softmax rounds p of the last class to 0 and its logarithm is still right."""
    o = np.array([z, 0, -z], dtype)
    with no_trouble():
        exact = -mpmath.log(exact_softmax(o)[2])
        computed = activations.cross_entropy(activations.log_softmax(o), np.array([0, 0, 1], dtype))
        assert computed.dtype == dtype
        assert_close(computed, exact, 3 * ELEMENTARY, scale=1)


# Gradients of the logistic and softmax implementations ---------------------------------------------------------------


def sigmoid_chain(z: int, dtype: Any) -> Any:
    return {"x": np.array(z, dtype)}, {}, None, {"x": exact_sigmoid_derivative(z)}


def sigmoid_neuron(z: int, dtype: Any) -> Any:
    slope = exact_sigmoid_derivative(2 * z)
    params = {"w": np.array(z, dtype), "b": np.array(z, dtype)}
    return params, {"x": np.array(1, dtype)}, None, {"w": slope, "b": slope}


def logistic_neuron(z: int, dtype: Any) -> Any:
    a = exact_sigmoid(z)
    params = {"w1": np.array(z, dtype), "w2": np.array(z, dtype), "b": np.array(0, dtype)}
    data = {"x1": np.array(2, dtype), "x2": np.array(-1, dtype), "y": 0}
    return params, data, None, {"w1": 2 * a, "w2": -a, "b": a}


def logistic_regression(z: int, dtype: Any) -> Any:
    """Rows whose labels agree with the sign of z and rows whose labels do not."""
    params = {"w": np.array([z], dtype), "b": np.array(0, dtype)}
    data = {"X": np.array([[1], [1], [-1], [-1]], dtype), "y": np.array([0, 1, 0, 1])}
    s, r = exact_sigmoid(z), exact_sigmoid(-z)
    return params, data, None, {"w": [(2 * s - 2 * r) / 4], "b": mpmath.mpf(0)}


def one_feature(z: int, dtype: Any) -> Any:
    """A label that agrees with the sign of w x: the tiny gradient that is left must be relatively right."""
    params = {"w": np.array(z, dtype), "b": np.array(0, dtype)}
    data = {"x": np.array([-1], dtype), "y": np.array([0])}
    return params, data, None, {"w": -exact_sigmoid(-z), "b": exact_sigmoid(-z)}


def softmax_jacobian(z: int, dtype: Any) -> Any:
    o, u = np.array([z, 0, -z], dtype), np.array([2, -1, 3], dtype)
    p = exact_softmax(o)
    mean = mpmath.fsum(p_i * int(u_i) for p_i, u_i in zip(p, u, strict=True))
    return {"o": o}, {}, u, {"o": [p_i * (int(u_i) - mean) for p_i, u_i in zip(p, u, strict=True)]}


def softmax_cross_entropy(z: int, dtype: Any) -> Any:
    o, y = np.array([[z, 0, -z], [-z, z, 0]], dtype), np.array([[0, 1, 0], [0, 1, 0]])
    do = [[p - int(y_i) for p, y_i in zip(exact_softmax(o_t), y_t, strict=True)] for o_t, y_t in zip(o, y, strict=True)]
    db_y = [sum(column) for column in zip(*do, strict=True)]
    return {"o": o, "b_y": np.zeros(3, dtype)}, {"y": y}, None, {"o": do, "b_y": db_y}


def class_cross_entropy(z: int, dtype: Any) -> Any:
    p = exact_softmax(y := np.array([z, 0, -z], dtype))
    return {"y": y}, {"c": 1}, None, {"y": [p[0], p[1] - 1, p[2]]}


def vector_chain_rule(z: int, dtype: Any) -> Any:
    data = {"A": np.array([[1, 2], [-1, 0], [0, 0]], dtype), "d": np.zeros(3, dtype)}
    slope = exact_tanh_derivative(z)
    return {"x": np.array([z, 0], dtype)}, data, np.array([1, 3, 5], dtype), {"x": [-2 * slope, 2 * slope]}


GRADIENTS = [
    (graphs.SIGMOID_CHAIN, sigmoid_chain),
    (graphs.SIGMOID_NEURON, sigmoid_neuron),
    (regression.LOGISTIC_NEURON, logistic_neuron),
    (regression.LOGISTIC_REGRESSION, logistic_regression),
    (regression.ONE_FEATURE_LOGISTIC, one_feature),
    (classification.SOFTMAX_JACOBIAN, softmax_jacobian),
    (classification.SOFTMAX_CROSS_ENTROPY, softmax_cross_entropy),
    (classification.CLASS_CROSS_ENTROPY, class_cross_entropy),
    (classification.VECTOR_CHAIN_RULE, vector_chain_rule),
]
CANCELS = {"logistic-regression", "softmax-jacobian", "softmax-cross-entropy", "class-cross-entropy"}
"""Entries of these are differences of numbers up to 1: accurate to the size of those, not to their own."""


def run(code: Any, params: Any, data: Any, upstream: Any) -> Any:
    if not hasattr(code, "forward"):
        return code(params, data) if upstream is None else code(params, data, upstream)
    value, cache = code.forward(params, data)
    assert np.all(np.isfinite(value))
    return code.backward(params, data, cache) if upstream is None else code.backward(upstream, cache)


@both_dtypes
@pytest.mark.parametrize("z", [*SATURATIONS, *(-z for z in SATURATIONS if z)], ids=lambda z: f"z={z}")
@pytest.mark.parametrize(("implementation", "point"), GRADIENTS, ids=lambda value: getattr(value, "key", ""))
def test_gradient_of_saturated_code(implementation: Any, point: Any, z: int, dtype: Any) -> None:
    with no_trouble():
        params, data, upstream, exact = point(z, dtype)
        gradients = run(implementation.gradients, params, data, upstream)
        assert gradients.keys() == exact.keys()
        for name, gradient in gradients.items():
            assert gradient.dtype == dtype
            assert_close(gradient, exact[name], 4 * ELEMENTARY, scale=1 if implementation.key in CANCELS else 0)


@both_dtypes
@saturated
@pytest.mark.parametrize(("implementation", "point"), GRADIENTS, ids=lambda value: getattr(value, "key", ""))
def test_loss_of_saturated_code_is_finite(implementation: Any, point: Any, z: int, dtype: Any) -> None:
    with no_trouble():
        params, data, *_ = point(z, dtype)
        assert np.all(np.isfinite((implementation.loss or implementation.output)(params, data)))
