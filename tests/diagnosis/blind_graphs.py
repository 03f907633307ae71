"""Wrong derivatives of scalar graphs: powers, products and chains."""

import numpy as np

from tests.diagnosis.blind_case import wrong
from tests.diagnosis.wording import HALVED, OPPOSITE_SIGN, instead, said, without

# polynomials and products -----------------------------------------------------------------------------------------


@wrong(
    "square",
    "x",
    "The derivative of x^2 is written x; the exponent 2 does not come down.",
    accept=(r"half of the exact", r"without the factor 2", instead("x", "2*x"), r"the parameter itself"),
)
def exponent_does_not_come_down(params, data):
    return {"x": 1 * params["x"]}


@wrong("quartic", "x", "The derivative of 3 x^3 is written 6 x^2; it is 9 x^2.", accept=(instead("6*x^2", "9*x^2"),))
def cubic_term_wrong(params, data):
    x = params["x"]
    return {"x": 32 * x**3 + 6 * x**2 + 14 * x + 6}


@wrong("quartic", "x", "The term 14 x, the derivative of 7 x^2, is missing.", accept=(without("14*x"),))
def quadratic_term_missing(params, data):
    x = params["x"]
    return {"x": 32 * x**3 + 9 * x**2 + 6}


@wrong(
    "quartic",
    "x",
    "The constant 3 is still there; its derivative is 0.",
    accept=(instead("9", "6"), r"\b3 added", r"term 3 too many"),
)
def constant_still_there(params, data):
    x = params["x"]
    return {"x": 32 * x**3 + 9 * x**2 + 14 * x + 6 + 3}


@wrong(
    "quartic",
    "x",
    "The exponent of the first term is not lowered: 32 x^4 for 32 x^3.",
    accept=(instead("x^4", "x^3"), instead("32*x^4", "32*x^3")),
)
def exponent_not_lowered(params, data):
    coefficients, x = (8, 3, 7, 6), params["x"]
    slope = 4 * coefficients[0] * x**4
    for k, coefficient in zip((3, 2, 1), coefficients[1:], strict=True):
        slope = slope + k * coefficient * x ** (k - 1)
    return {"x": slope}


@wrong(
    "product-plus",
    "a b",
    "The factors are exchanged: dtmp/da is a and dtmp/db is b; they are b and a.",
    accept=(r"each other's", r"exchanged"),
)
def factors_exchanged(params, data):
    a, b, c = params["a"], params["b"], params["c"]
    dh = np.ones_like(c)
    return {"a": dh * a, "b": dh * b, "c": dh}


@wrong(
    "product-plus",
    "c",
    "The gradient of c is tmp; c is added to tmp, so that it is 1.",
    accept=(said("a*b or b*a or tmp"),),
)
def summand_treated_as_a_factor(params, data):
    a, b = params["a"], params["b"]
    return {"a": b * 1, "b": a * 1, "c": a * b}


@wrong(
    "two-branch-graph",
    "a",
    "The path from a through y is forgotten: dz/da is 2 * 2 alone.",
    accept=(without("10*a*dz_dy or 30*a or dz_dy"),),
)
def one_path_forgotten(params, data):
    a, b = params["a"], params["b"]
    dz_dx, dz_dy = 2, 3
    return {"a": np.full_like(a, dz_dx * 2), "b": dz_dx * 3 + dz_dy * 9 * b**2}


@wrong(
    "two-branch-graph",
    "b",
    "dz/dy = 3 is forgotten on the path of b through y: 6 + 9 b^2 for 6 + 27 b^2.",
    accept=(without("dz_dy or 3"), instead("9*b^2", "27*b^2 or 9*b^2*dz_dy")),
)
def outer_factor_forgotten(params, data):
    a, b = params["a"], params["b"]
    return {"a": 2 * 2 + 3 * 10 * a, "b": 2 * 3 + 9 * b**2}


@wrong(
    "two-branch-graph",
    "a",
    "The two paths of a are multiplied; they must be added.",
    accept=(r"product of the terms where their sum belongs",),
)
def paths_multiplied(params, data):
    a, b = params["a"], params["b"]
    through_x, through_y = 2 * 2, 3 * 10 * a
    return {"a": through_x * through_y, "b": 2 * 3 + 3 * 9 * b * b}


@wrong(
    "two-branch-graph",
    "b",
    "The derivative of 3 b^3 is written 6 b^2; it is 9 b^2.",
    accept=(instead("6*b^2", "9*b^2"), instead("6*b^2*dz_dy", "9*b^2*dz_dy"), instead("18*b^2", "27*b^2")),
)
def cube_derived_like_a_square(params, data):
    a, b = params["a"], params["b"]
    dy_db = 3 * 2 * b**2
    return {"a": 4 + 30 * a, "b": 6 + 3 * dy_db}


# the sigmoid, step by step ----------------------------------------------------------------------------------------


@wrong(
    "sigmoid-chain",
    "x",
    "da/dx is written 1; with a = -x it is -1, and the result has the wrong sign.",
    accept=(OPPOSITE_SIGN, instead("1", "-1")),
)
def minus_of_the_exponent_forgotten(params, data):
    a = -params["x"]
    b = np.exp(a)
    c = 1 + b
    return {"x": -1 / c**2 * 1 * b * 1}


@wrong(
    "sigmoid-chain",
    "x",
    "ds/dc is written -1/c; the derivative of 1/c is -1/c^2.",
    accept=(r"factor c too many", instead("1/c or -1/c", "1/c^2 or -1/c^2"), r"without the division by c\b"),
)
def reciprocal_derived_without_the_square(params, data):
    b = np.exp(-params["x"])
    c = 1 + b
    ds_dc, dc_db, db_da, da_dx = -1 / c, 1, b, -1
    return {"x": ds_dc * dc_db * db_da * da_dx}


@wrong(
    "sigmoid-chain", "x", "The factor db/da = e^a is missing from the chain.", accept=(without("exp(a)"), without("b"))
)
def exponential_missing_from_the_chain(params, data):
    c = 1 + np.exp(-params["x"])
    return {"x": (-1 / c**2) * 1 * (-1)}


@wrong(
    "sigmoid-chain",
    "x",
    "dc/db is written b; with c = 1 + b it is 1.",
    accept=(r"factor b too many", r"factor exp\(a\) (too many|twice)"),
)
def derivative_of_one_plus_b(params, data):
    b = np.exp(-params["x"])
    c = 1 + b
    dc = -(c**-2.0)
    db = dc * b
    da = db * b
    return {"x": -da}


# an exponential ---------------------------------------------------------------------------------------------------


@wrong(
    "exp-trigonometric",
    "x",
    "The inner derivative is missing: the derivative of exp(g) is written exp(g).",
    accept=(without("-2*x - cos(x) - 2"),),
)
def inner_derivative_missing(params, data):
    x = params["x"]
    return {"x": np.exp(-(x**2) - 2 * x - np.sin(x))}


@wrong(
    "exp-trigonometric",
    "x",
    "The derivative of -sin x is written + cos x; it is - cos x.",
    accept=(r"sign of cos\(x\)",),
)
def sign_of_the_cosine(params, data):
    x = params["x"]
    f = np.exp(-(x**2) - 2 * x - np.sin(x))
    return {"x": (-2 * x - 2 + np.cos(x)) * f}


@wrong(
    "exp-trigonometric",
    "x",
    "The derivative of -2 x is left out of the inner derivative -(2 x + 2 + cos x).",
    accept=(r"without the term -?2(?![*\w^])",),
)
def linear_term_left_out(params, data):
    x = params["x"]
    inner = -2 * x - np.cos(x)
    return {"x": inner * np.exp(-(x**2) - 2 * x - np.sin(x))}


@wrong(
    "exp-trigonometric",
    "x",
    "The factor f is missing: only the derivative of the exponent is returned.",
    accept=(without("f"), without("exp(-x^2 - 2*x - sin(x))")),
)
def exponent_derived_alone(params, data):
    x = params["x"]
    return {"x": -2 * x - 2 - np.cos(x)}


@wrong(
    "exp-trigonometric",
    "x",
    "The derivative of the exponent stands in the exponent: exp(g') for g' exp(g).",
    accept=(said("exp(-2*x - cos(x) - 2)"),),
)
def derivative_put_into_the_exponent(params, data):
    x = params["x"]
    return {"x": np.exp(-2 * x - 2 - np.cos(x))}


# tanh of a logarithm of a ratio -----------------------------------------------------------------------------------


def graph(params):
    """a, b, c, d, e of the graph."""
    a, b = 2 * params["x"], np.sin(params["y"])
    c = a / b
    d = params["z"] * c
    return a, b, c, d, np.log1p(d)


@wrong(
    "tanh-log-ratio",
    "x",
    "da/dx = 2 is forgotten in the chain of x.",
    accept=(HALVED,),
)
def two_of_a_forgotten(params, data):
    a, b, c, d, e = graph(params)
    head = (1 - np.tanh(e) ** 2) / (d + 1)
    return {
        "x": head * params["z"] / b,
        "y": head * params["z"] * (-a / b**2) * np.cos(params["y"]),
        "z": head * c,
    }


@wrong(
    "tanh-log-ratio",
    "x y z",
    "The derivative of tanh is written 1 - tanh(e); its square is forgotten.",
    accept=(instead("tanh(e)", "tanh(e)^2"),),
)
def square_of_tanh_forgotten(params, data):
    a, b, c, d, e = graph(params)
    df_dd = (1 - np.tanh(e)) / (d + 1)
    df_dc = df_dd * params["z"]
    return {"x": df_dc * 2 / b, "y": -df_dc * a / b**2 * np.cos(params["y"]), "z": df_dd * c}


@wrong(
    "tanh-log-ratio",
    "x y z",
    "The derivative of ln(d + 1) is written 1/d; it is 1/(d + 1).",
    accept=(rf"without the term 1\b.*{said('d + 1')}", instead("1/d or d", "1/(d + 1) or d + 1")),
)
def one_lost_in_the_logarithm(params, data):
    a, b, c, d, e = graph(params)
    df_de = 1 - np.tanh(e) ** 2
    df_dd = df_de / d
    dc, dz = df_dd * params["z"], df_dd * c
    return {"x": dc / b * 2, "y": dc * (-a / b**2) * np.cos(params["y"]), "z": dz}


@wrong(
    "tanh-log-ratio",
    "y",
    "The minus of dc/db = -a/b^2 is lost in the chain of y.",
    accept=(OPPOSITE_SIGN,),
)
def minus_of_the_quotient_lost(params, data):
    a, b, c, d, e = graph(params)
    head = (1 - np.tanh(e) ** 2) / (1 + d)
    dc = head * params["z"]
    return {"x": 2 * dc / b, "y": dc * a / b**2 * np.cos(params["y"]), "z": head * c}


@wrong("tanh-log-ratio", "y", "db/dy = cos y is forgotten in the chain of y.", accept=(without("cos(y)"),))
def cosine_forgotten(params, data):
    a, b, c, d, e = graph(params)
    head = (1 - np.tanh(e) ** 2) / (1 + d)
    dc = head * params["z"]
    return {"x": 2 * dc / b, "y": dc * (-a / b**2), "z": head * c}


@wrong(
    "tanh-log-ratio",
    "y",
    "dc/db is written -a/b; the derivative of a/b by b is -a/b^2.",
    accept=(r"factor b too many", r"without the division by b\b", instead("1/b", "1/b^2")),
)
def quotient_without_the_square(params, data):
    a, b, c, d, e = graph(params)
    df_dd = (1 - np.tanh(e) ** 2) / (d + 1)
    df_dc = df_dd * params["z"]
    df_db = df_dc * (-a / b)
    return {"x": df_dc / b * 2, "y": df_db * np.cos(params["y"]), "z": df_dd * c}


@wrong("tanh-log-ratio", "z", "dd/dz is written z; with d = z c it is c.", accept=(instead("z", "c"),))
def product_derived_by_the_wrong_factor(params, data):
    a, b, _, d, e = graph(params)
    z = params["z"]
    df_dd = (1 - np.tanh(e) ** 2) / (d + 1)
    return {"x": df_dd * z / b * 2, "y": df_dd * z * (-a / b**2) * np.cos(params["y"]), "z": df_dd * z}


@wrong(
    "tanh-log-ratio",
    "x y z",
    "The factor 1/(d + 1) of the logarithm is missing from all three chains.",
    accept=(r"without the (division by |factor 1/\(?)d \+ 1",),
)
def logarithm_passed_through(params, data):
    a, b, c, _, e = graph(params)
    df_de = 1 - np.tanh(e) ** 2
    df_dc = df_de * params["z"]
    return {"x": df_dc / b * 2, "y": df_dc * (-a / b**2) * np.cos(params["y"]), "z": df_de * c}
