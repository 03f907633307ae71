"""Wrong gradients of computation graphs: products, polynomials, chains and single neurons."""

import numpy as np

from tests.diagnosis.blind_case import wrong
from tests.diagnosis.wording import HALVED, OPPOSITE_SIGN, instead, only, without


def logistic(v):
    return 1 / (1 + np.exp(-v))


@wrong(
    "product-plus",
    "a",
    "dh/da is a itself, where the other factor b belongs.",
    accept=(instead("a", "b"), r"the parameter itself"),
)
def factor_is_its_own_derivative(params, data):
    a, b = params["a"], params["b"]
    return {"a": a.copy(), "b": a.copy(), "c": np.ones_like(b)}


@wrong(
    "two-branch-graph",
    "a",
    "dz/da has the path through x only; the path through y is missing.",
    accept=(only("x"), without("y or dz/dy or dy/da or 30 * a or 10 * a")),
)
def one_of_two_paths(params, data):
    b = params["b"]
    dz_dx, dz_dy = 2, 3
    return {"a": np.ones_like(b) * dz_dx * 2, "b": dz_dx * 3 + dz_dy * 9 * b**2}


@wrong(
    "two-branch-graph",
    "b",
    "dy/db is 9 b, where 9 b^2 belongs.",
    accept=(instead("b or 9 * b", "b^2 or 9 * b^2"), instead("27 * b", "27 * b^2"), r"(without|missing) the square"),
)
def cube_becomes_linear(params, data):
    a, b = params["a"], params["b"]
    dx = {"a": 2, "b": 3}
    dy = {"a": 10 * a, "b": 9 * b}
    return {name: 2 * dx[name] + 3 * dy[name] for name in ("a", "b")}


@wrong(
    "two-branch-graph",
    "a",
    "dy/da is 5 a, where 10 a belongs: the factor 2 of the square's derivative is missing.",
    accept=(
        instead("5 * a", "10 * a"),
        instead("15 * a", "30 * a"),
        without("2"),
        instead("5", "10"),
        r"10\*a\*dz_dy halved",
    ),
)
def square_without_its_two(params, data):
    a, b = params["a"], params["b"]
    z_x, z_y = 2.0, 3.0
    return {"a": z_x * 2 + z_y * 5 * a, "b": z_x * 3 + z_y * 9 * b * b}


@wrong(
    "quartic",
    "x",
    "The term 6 is missing: the derivative of 6 x is taken for 0.",
    accept=(without("6"),),
)
def linear_term_is_dropped(params, data):
    x = params["x"]
    return {"x": 32 * x**3 + 9 * x**2 + 14 * x}


@wrong(
    "exp-trigonometric",
    "x",
    "The factor f is missing: the derivative of the exponent stands alone.",
    accept=(without("f or exp"),),
)
def exponent_alone(params, data):
    x = params["x"]
    return {"x": -2 * x - 2 - np.cos(x)}


@wrong(
    "exp-trigonometric",
    "x",
    "The term cos x has the opposite sign, as if the exponent had + sin x.",
    accept=(
        rf"cos.*({OPPOSITE_SIGN})",
        rf"({OPPOSITE_SIGN}).*cos",
        r"-\s?cos.* where .*cos",
        r"sign of cos\(x\) flipped",
    ),
)
def cosine_with_the_other_sign(params, data):
    x = params["x"]
    f = np.exp(-x * x - 2 * x - np.sin(x))
    return {"x": f * (np.cos(x) - 2 * x - 2)}


@wrong(
    "sigmoid-chain",
    "x",
    "The last factor da/dx = -1 is missing, which leaves the opposite sign.",
    accept=(OPPOSITE_SIGN, without("-1 or da/dx")),
)
def last_link_is_missing(params, data):
    a = -params["x"]
    b = np.exp(a)
    c = 1 + b
    ds_dc, dc_db, db_da = -1 / c**2, 1, b
    return {"x": ds_dc * dc_db * db_da}


@wrong(
    "tanh-log-ratio",
    "y",
    "dc/db is a/b^2, without its minus: the opposite sign.",
    accept=(OPPOSITE_SIGN, instead("a/b^2", "-a/b^2")),
)
def quotient_rule_without_minus(params, data):
    x, y, z = params["x"], params["y"], params["z"]
    a, b = 2 * x, np.sin(y)
    d = z * a / b
    outer = (1 - np.tanh(np.log(d + 1)) ** 2) / (d + 1)
    return {"x": outer * z / b * 2, "y": outer * z * a / b**2 * np.cos(y), "z": outer * a / b}


@wrong(
    "tanh-log-ratio",
    "y",
    "The factor db/dy = cos y is missing.",
    accept=(without("cos(y) or cos or db/dy"),),
)
def sine_is_not_differentiated(params, data):
    x, y, z = params["x"], params["y"], params["z"]
    a = 2 * x
    b = np.sin(y)
    c = a / b
    e = np.log(z * c + 1)
    dc = (1 - np.tanh(e) ** 2) / (z * c + 1) * z
    return {"x": dc / b * 2, "y": dc * -a / b**2, "z": dc / z * c}


@wrong(
    "tanh-log-ratio",
    "x y z",
    "The factor df/de is 1 - tanh(e), where 1 - tanh(e)^2 belongs.",
    accept=(
        instead("1 - tanh(e) or tanh(e) or 1 - f or f", "1 - tanh(e)^2 or tanh(e)^2 or 1 - f^2 or f^2"),
        r"(without|missing) the square",
    ),
)
def tanh_is_not_squared(params, data):
    a, b = 2 * params["x"], np.sin(params["y"])
    c = a / b
    d = params["z"] * c
    df_dd = (1 - np.tanh(np.log(d + 1))) / (d + 1)
    df_dc = df_dd * params["z"]
    return {"x": df_dc / b * 2, "y": df_dc * (-a / b**2) * np.cos(params["y"]), "z": df_dd * c}


@wrong(
    "tanh-log-ratio",
    "x",
    "The factor da/dx = 2 is missing.",
    accept=(without("2 or da/dx"), HALVED),
)
def first_factor_is_missing(params, data):
    x, y, z = params["x"], params["y"], params["z"]
    a, b = 2 * x, np.sin(y)
    d = z * a / b
    head = (1 - np.tanh(np.log(1 + d)) ** 2) / (1 + d)
    return {"x": head * z / b, "y": head * z * (-a / (b * b)) * np.cos(y), "z": head * a / b}


@wrong(
    "relu-neuron",
    "w b",
    "The slope of ReLU is taken for 1 everywhere: it is 0 where v < 0.",
    accept=(without("da/dv or v > 0 or slope or relu or Piecewise or sign"), r"\b1 where", r"\b1 in all cases"),
)
def neuron_without_its_gate(params, data):
    return {"w": data["x"] * np.ones_like(params["w"]), "b": np.ones_like(params["b"])}


@wrong("sigmoid-neuron", "w", "da/dw lacks the factor x.", accept=(without("x or du/dw"), r"divided by x\b(?!.*mean)"))
def weight_like_the_bias(params, data):
    a = logistic(params["w"] * data["x"] + params["b"])
    slope = a * (1 - a)
    return {"w": slope, "b": slope.copy()}


@wrong(
    "sigmoid-neuron",
    "w b",
    "da/dv is v (1 - v) of the pre-activation, where a (1 - a) belongs.",
    accept=(instead("v or v * (1 - v)", "a or a * (1 - a)"), without("sigmoid")),
)
def slope_of_the_wrong_variable(params, data):
    v = params["w"] * data["x"] + params["b"]
    da_dv = v * (1 - v)
    return {"w": da_dv * data["x"], "b": da_dv}


@wrong(
    "sigmoid-neuron",
    "w b",
    "da/dv is 1 - a, where a (1 - a) belongs: the factor a is missing.",
    accept=(without("a"), instead("1 - a", "a * (1 - a)")),
)
def half_of_the_sigmoid_slope(params, data):
    a = logistic(params["w"] * data["x"] + params["b"])
    return {"w": (1 - a) * data["x"], "b": 1 - a}
