"""Wrong gradients of scalar computation graphs and single neurons."""

import numpy as np

from implementations.activations import sigmoid
from tests.diagnosis.blind_case import wrong
from tests.diagnosis.wording import (
    HALVED,
    ONE_LEFT_OUT,
    OPPOSITE_SIGN,
    divided_by,
    instead,
    multiple,
    only,
    times,
    without,
)


@wrong(
    "product-plus",
    "a b",
    "The derivatives of a b are exchanged: dh/da is a, where b belongs, and dh/db is b.",
    accept=(instead("a", "b"), instead("b", "a"), r"exchanged|swapped|interchanged"),
)
def each_factor_for_itself(params, data):
    a, b = params["a"], params["b"]
    dh_dtmp = np.ones_like(a)
    return {"a": a * dh_dtmp, "b": b * dh_dtmp, "c": np.ones_like(params["c"])}


@wrong(
    "two-branch-graph",
    "a",
    "dz/da follows the path by x only: the term 3 * 10 a by y is left out.",
    accept=(
        without("30*a or 3*10*a or 10*a or dy/da or dz/dy or y"),
        only("x or 2*2 or 4 or dx/da or dz/dx"),
        r"path.{0,30}\bx\b",
    ),
)
def path_by_y_not_walked(params, data):
    b = params["b"]
    dz_dx, dz_dy = 2, 3
    dx_da, dx_db = np.full_like(b, 2), 3
    dy_db = 9 * b * b
    return {"a": dz_dx * dx_da, "b": dz_dx * dx_db + dz_dy * dy_db}


@wrong(
    "two-branch-graph",
    "b",
    "dy/db is 9 b, where the derivative of 3 b^3 is 9 b^2.",
    accept=(instead("b or 9*b or 27*b", "b^2 or 9*b^2 or 27*b^2"), r"without the (square|power)", divided_by("b")),
)
def power_lowered_twice(params, data):
    a, b = params["a"], params["b"]
    grads = {"a": 2 * 2.0 + 3 * (10 * a), "b": 2 * 3.0 + 3 * (9 * b)}
    return {name: np.asarray(g, a.dtype) for name, g in grads.items()}


@wrong(
    "tanh-log-ratio",
    "y",
    "dc/db is a/b^2, without the minus.",
    accept=(OPPOSITE_SIGN, without("minus or -1")),
)
class QuotientWithoutMinus:
    def forward(self, params, data):
        a, b = 2 * params["x"], np.sin(params["y"])
        c = a / b
        d = params["z"] * c
        f = np.tanh(np.log(d + 1))
        return f, (a, b, c, d, f)

    def backward(self, params, data, cache):
        a, b, c, d, f = cache
        de = 1 - f * f
        dd = de / (d + 1)
        dc, dz = dd * params["z"], dd * c
        da, db = dc / b, dc * a / b**2
        return {"x": 2 * da, "y": db * np.cos(params["y"]), "z": dz}


@wrong(
    "tanh-log-ratio",
    "x y z",
    "de/dd is 1/d, where 1/(d + 1) belongs.",
    accept=(instead("1/d or d", "1/(d + 1) or 1/(1 + d) or d + 1 or 1 + d"), ONE_LEFT_OUT),
)
def logarithm_of_d_alone(params, data):
    x, y, z = params["x"], params["y"], params["z"]
    a, b = 2 * x, np.sin(y)
    c = a / b
    d = z * c
    f = np.tanh(np.log1p(d))
    g = (1 - f**2) * (1 / d)
    return {"x": g * z / b * 2, "y": g * z * (-a / b**2) * np.cos(y), "z": g * c}


@wrong(
    "exp-trigonometric",
    "x",
    "The inner derivative alone is returned, without the factor f.",
    accept=(without("f or exp"),),
)
def exponential_dropped(params, data):
    x = params["x"]
    inner = -(2 * x) - 2 - np.cos(x)
    return {"x": inner}


@wrong(
    "quartic",
    "x",
    "The derivative of 7 x^2 is written 7 x, without the factor 2 of 14 x.",
    accept=(HALVED, instead("7 or 7*x", "14 or 14*x"), r"14\*x halved"),
)
def exponent_not_brought_down(params, data):
    x = params["x"]
    return {"x": 32 * x**3 + 9 * x**2 + 7 * x + 6}


@wrong(
    "sigmoid-chain",
    "x",
    "ds/dc is -1/c, where -1/c^2 belongs.",
    accept=(instead("c or 1/c or -1/c", "c^2 or 1/c^2 or -1/c^2"), r"without the (square|power)", multiple("c")),
)
class ReciprocalWithoutSquare:
    def forward(self, params, data):
        b = np.exp(-params["x"])
        return 1 / (1 + b), b

    def backward(self, params, data, cache):
        grad = -1 / (1 + cache)
        grad *= cache
        return {"x": -grad}


@wrong(
    "sigmoid-neuron",
    "w",
    "du/dw = x is left out in the gradient of w.",
    accept=(without("x"), instead("1", "x"), divided_by("x")),
)
def weight_without_its_input(params, data):
    a = sigmoid(params["w"] * data["x"] + params["b"])
    dv = a * (1 - a)
    du = dv
    return {"w": du, "b": dv}


@wrong(
    "sigmoid-neuron",
    "w b",
    "da/dv is v (1 - v) with the argument v of the sigmoid, where its value a belongs.",
    accept=(
        instead("v", "a"),
        r"argument of (the )?sigmoid",
        r"before the sigmoid",
        r"without the function sigmoid, in a =",
    ),
)
def slope_before_squashing(params, data):
    v = params["w"] * data["x"] + params["b"]
    slope = v * (1 - v)
    return {"w": slope * data["x"], "b": slope * np.ones_like(v)}


@wrong(
    "relu-neuron",
    "w b",
    "da/dv is the value a = ReLU(v) itself, where the step, 1 for v > 0, belongs.",
    accept=(
        times("a or v or relu(v)"),
        instead("a or v or relu(v)", "1"),
        r"ReLU(\(v\))? .{0,30}(where|instead of|for) (its|the) (slope|derivative|step)",
    ),
)
def activation_for_its_derivative(params, data):
    def relu(v):
        return np.maximum(v, 0)

    v = params["w"] * data["x"] + params["b"]
    return {"w": relu(v) * data["x"], "b": relu(v)}
