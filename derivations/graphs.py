"""Computation graphs of scalars: sums, products, chains, and the functions of the lab manual's exercises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sympy import Piecewise, cos, exp, false, log, sin, tanh, true

from derivations import draws
from derivations.sources import A, D
from gradproof.catalogue import Formula, Printed, WorkedExample
from gradproof.problem import Draw
from gradproof.symbolic import Graph, System, derivation, equal, scalars, sigmoid, sigmoid_derivative
from gradproof.symbolic.prove import Steps


def _normal(params: str, data: str = "") -> Draw:
    return lambda sizes, rng: (draws.scalars(rng, params), draws.scalars(rng, data))


# ---- sums and products --------------------------------------------------------------------------------------------


@derivation()
def _sum() -> Steps:
    x, y, f = scalars("x y f")
    graph = Graph((f, x + y))
    local = {(f, x): 1, (f, y): 1}
    total = {x: 1, y: 1}
    yield from graph.check(local, total)
    return System.of_graph(graph, total, local)


sum_of_two = Formula(
    key="sum",
    title="a sum of two variables",
    rows=("A1",),
    source=f"{A}, 1. Derivation",
    printed=r"f(x, y) = x + y \quad \rightarrow \quad"
    r" \frac{\partial f}{\partial x} = 1 \quad \frac{\partial f}{\partial y} = 1",
    domain_text="all real x, y",
    derive=_sum,
    system=_sum.system,
    sizes={},
    draw=_normal("x y"),
)


@derivation()
def _product_plus() -> Steps:
    a, b, c, tmp, h = scalars("a b c tmp h")
    graph = Graph((tmp, a * b), (h, tmp + c))
    local = {(h, c): 1, (h, tmp): 1, (tmp, a): b, (tmp, b): a}
    total = {a: b, b: a, c: 1}
    yield from graph.check(local, total)
    return System.of_graph(graph, total, local)


product_plus = Formula(
    key="product-plus",
    title="a product plus a variable, through tmp",
    rows=("A2",),
    source=f"{A}, Computational graph and chain rule",
    printed=r"\frac{\partial h}{\partial c} = 1, \quad \frac{\partial h}{\partial tmp} = 1, \quad"
    r" \frac{\partial tmp}{\partial a} = b, \quad \frac{\partial tmp}{\partial b} = a, \quad"
    r" \frac{\partial h}{\partial a} = \frac{\partial h}{\partial tmp} * \frac{\partial tmp}{\partial a}, \quad"
    r" \frac{\partial h}{\partial b} = \frac{\partial h}{\partial tmp} * \frac{\partial tmp}{\partial b}",
    domain_text="all real a, b, c",
    derive=_product_plus,
    system=_product_plus.system,
    sizes={},
    draw=_normal("a b c"),
)


def _product_plus_exact() -> Mapping[str, Any]:
    a, b, c = scalars("a b c")
    h = a * b + c
    return {f"h_{v}": h.diff(v).subs({a: 2, b: 3}) for v in (a, b, c)}


product_plus_at_2_3 = WorkedExample(
    key="product-plus-at-2-3",
    title="the product graph at a = 2, b = 3",
    rows=("A2",),
    source=f"{A}, Computational graph and chain rule",
    exact=_product_plus_exact,
    printed={"h_a": Printed("3"), "h_b": Printed("2"), "h_c": Printed("1")},
    note="The values of a and b stood in a figure that is missing; they are read off the printed derivatives.",
)


@derivation()
def _two_branch_graph() -> Steps:
    a, b, x, y, z = scalars("a b x y z")
    graph = Graph((x, 2 * a + 3 * b), (y, 5 * a * a + 3 * b * b * b), (z, 2 * x + 3 * y))
    local = {(x, a): 2, (x, b): 3, (y, a): 10 * a, (y, b): 9 * b**2, (z, x): 2, (z, y): 3}
    total = {a: 4 + 30 * a, b: 6 + 27 * b**2}
    yield from graph.check(local, total)
    return System.of_graph(graph, total, local)


two_branch_graph = Formula(
    key="two-branch-graph",
    title="two paths from each input to the output",
    rows=("D3",),
    source=f"{D}, Exercise question 1",
    printed=r"x = 2*a + 3*b, \quad y = 5*a*a + 3*b*b*b, \quad z = 2*x + 3*y",
    domain_text="all real a, b",
    derive=_two_branch_graph,
    system=_two_branch_graph.system,
    sizes={},
    draw=_normal("a b"),
    note="The source asks for dz/da and prints no answer; dz/da = 4 + 30 a and dz/db = 6 + 27 b^2 are ours.",
)


# ---- functions of one variable ------------------------------------------------------------------------------------


@derivation()
def _square() -> Steps:
    x, y = scalars("x y")
    graph, local, total = Graph((y, x**2)), {(y, x): 2 * x}, {x: 2 * x}
    yield from graph.check(local, total)
    return System.of_graph(graph, total, local)


square = Formula(
    key="square",
    title="the square",
    rows=("D1",),
    source=f"{D}, end of the problem before Problem 4",
    printed=r"\frac{dy}{dx} = 2*x",
    domain_text="all real x",
    derive=_square,
    system=_square.system,
    sizes={},
    draw=_normal("x"),
    note="The page before is missing; y = x^2 is read off the printed gradient 2*x.",
)


def _square_exact() -> Mapping[str, Any]:
    (x,) = scalars("x")
    return {"dy/dx": (x**2).diff(x).subs(x, 2)}


square_at_2 = WorkedExample(
    key="square-at-2",
    title="the slope of x^2 at 2",
    rows=("D1",),
    source=f"{D}, end of the problem before Problem 4",
    exact=_square_exact,
    printed={"dy/dx": Printed("4.", dtype="float32")},
    note="The page before is missing; x = 2 is read off the printed value.",
)


@derivation()
def _sigmoid_chain() -> Steps:
    x, a, b, c, s = scalars("x a b c s")
    chain = Graph((a, -x), (b, exp(a)), (c, 1 + b), (s, 1 / c))
    local = {(s, c): -1 / c**2, (c, b): 1, (b, a): exp(a), (a, x): -1}
    total = {x: -1 / c**2 * 1 * exp(a) * -1}
    yield from chain.check(local, total)
    yield equal(
        "the product of the four factors is s (1 - s)", chain.composed(exp(a) / c**2), chain.composed(s * (1 - s))
    )
    return System.of_graph(chain, total, local)


sigmoid_chain = Formula(
    key="sigmoid-chain",
    title="the sigmoid as four elementary steps",
    rows=("D2",),
    source=f"{D}, Problem 4",
    printed=r"\frac{\partial s}{\partial x} = \frac{\partial s}{\partial c} \frac{\partial c}{\partial b}"
    r" \frac{\partial b}{\partial a} \frac{\partial a}{\partial x}",
    domain_text="all real x",
    derive=_sigmoid_chain,
    system=_sigmoid_chain.system,
    sizes={},
    draw=_normal("x"),
    note="The factors -1/c^2, 1, e^a and -1 are printed as code.",
)


def _sigmoid_derivative_exact() -> Mapping[str, Any]:
    slope = (exp(-2) / (1 + exp(-2)) ** 2).evalf(40)
    return {"manual": slope, "autograd": slope}


sigmoid_derivative_at_2 = WorkedExample(
    key="sigmoid-derivative-at-2",
    title="the slope of the sigmoid at 2, by hand and by autograd",
    rows=("D-i",),
    source=f"{D}, Problem 4",
    exact=_sigmoid_derivative_exact,
    printed={"manual": Printed("0.1049935854035065"), "autograd": Printed("0.10499356687068939", dtype="float32")},
    note="Both printed numbers are right: autograd's tensor was float32, and .item() printed it as a float64.",
)


@derivation()
def _exp_trigonometric() -> Steps:
    x, f = scalars("x f")
    slope = -(2 * x + 2 + cos(x)) * f
    graph, local, total = Graph((f, exp(-(x**2) - 2 * x - sin(x)))), {(f, x): slope}, {x: slope}
    yield from graph.check(local, total)
    return System.of_graph(graph, total, local)


exp_trigonometric = Formula(
    key="exp-trigonometric",
    title="an exponential of a polynomial and a sine",
    rows=("D5",),
    source=f"{D}, Exercise question 4",
    printed=r"f = \exp(-x^2 - 2x - \sin(x))",
    domain_text="all real x",
    derive=_exp_trigonometric,
    system=_exp_trigonometric.system,
    sizes={},
    draw=_normal("x"),
    note="The source asks for the derivative and prints no answer; f' = -(2x + 2 + cos x) f is ours.",
)


@derivation()
def _quartic() -> Steps:
    x, y = scalars("x y")
    slope = 32 * x**3 + 9 * x**2 + 14 * x + 6
    for constant in (3, 1):
        polynomial = 8 * x**4 + 3 * x**3 + 7 * x**2 + 6 * x + constant
        graph, local, total = Graph((y, polynomial)), {(y, x): slope}, {x: slope}
        yield from graph.check(local, total, where=f", with constant term {constant}")
    return System.of_graph(graph, total, local)


quartic = Formula(
    key="quartic",
    title="a polynomial of degree four",
    rows=("D6",),
    source=f"{D}, Exercise question 5",
    printed=r"\frac{d}{dx} [8x^4 + 3x^3 + 7x^2 + 6x + 1] = 32x^3 + 9x^2 + 14x + 6",
    domain_text="all real x",
    derive=_quartic,
    system=_quartic.system,
    sizes={},
    draw=_normal("x"),
    note="The question and the code have the constant term 3, the derivation 1; the derivative is the same.",
)


def _quartic_exact() -> Mapping[str, Any]:
    (x,) = scalars("x")
    return {"y'": (8 * x**4 + 3 * x**3 + 7 * x**2 + 6 * x + 3).diff(x).subs(x, 2)}


quartic_at_2 = WorkedExample(
    key="quartic-at-2",
    title="the slope of the polynomial at 2",
    rows=("D6",),
    source=f"{D}, Exercise question 5",
    exact=_quartic_exact,
    printed={"y'": Printed("326")},
)


# ---- a neuron -----------------------------------------------------------------------------------------------------


@derivation(argued="At w x + b = 0 ReLU has no derivative; elsewhere one of the two cases holds in a neighbourhood.")
def _relu_neuron() -> Steps:
    w, x, b, u, v, a = scalars("w x b u v a")
    relu, slope = (Piecewise((value, v > 0), (0, True)) for value in (v, 1))

    def graph_where(is_positive: Any) -> Any:
        """The graph with the printed derivatives, where v > 0 is true, false, or open."""
        value, factor = (e.xreplace({v > 0: is_positive}) for e in (relu, slope))
        local = {(u, w): x, (v, u): 1, (v, b): 1, (a, v): factor}
        return Graph((u, w * x), (v, u + b), (a, value)), {w: factor * x, b: factor}, local

    for is_positive, where in ((true, ", where v > 0"), (false, ", where v < 0")):
        graph, total, local = graph_where(is_positive)
        yield from graph.check(local, total, where)
    return System.of_graph(*graph_where(v > 0))


def _away_from_the_kink(params: Any, data: Any) -> bool:
    w, b, x = params["w"], params["b"], data["x"]
    return bool(abs(w * x + b) > 0.05 * (abs(w * x) + abs(b)))


relu_neuron = Formula(
    key="relu-neuron",
    title="one neuron with ReLU",
    rows=("D4",),
    source=f"{D}, Exercise question 2",
    printed=r"\frac{\partial a}{\partial w} = \frac{\partial a}{\partial v} \frac{\partial v}{\partial u}"
    r" \frac{\partial u}{\partial w}",
    domain_text="w x + b not 0, and not the small difference of large numbers",
    derive=_relu_neuron,
    system=_relu_neuron.system,
    sizes={},
    draw=_normal("w b", "x"),
    domain=_away_from_the_kink,
    note="The figure with the graph is missing; u = w x, v = u + b, a = ReLU(v) is our reading.",
)


@derivation()
def _sigmoid_neuron() -> Steps:
    w, x, b, u, v, a = scalars("w x b u v a")
    yield from sigmoid_derivative()
    graph = Graph((u, w * x), (v, u + b), (a, sigmoid(v)))
    local = {(u, w): x, (v, u): 1, (v, b): 1, (a, v): a * (1 - a)}
    total = {w: a * (1 - a) * x, b: a * (1 - a)}
    yield from graph.check(local, total)
    return System.of_graph(graph, total, local)


sigmoid_neuron = Formula(
    key="sigmoid-neuron",
    title="one neuron with the sigmoid",
    rows=("D4",),
    source=f"{D}, Exercise question 3",
    printed=r"\frac{\partial a}{\partial w} = \frac{\partial a}{\partial v} \frac{\partial v}{\partial u}"
    r" \frac{\partial u}{\partial w}",
    domain_text="all real w, b, x",
    derive=_sigmoid_neuron,
    system=_sigmoid_neuron.system,
    sizes={},
    draw=_normal("w b", "x"),
    note="The figure with the graph is missing; u = w x, v = u + b, a = sigmoid(v) is our reading.",
)


# ---- five steps, three inputs -------------------------------------------------------------------------------------


@derivation()
def _tanh_log_ratio() -> Steps:
    x, y, z, a, b, c, d, e, f = scalars("x y z a b c d e f")
    head = (1 - tanh(e) ** 2) * 1 / (d + 1)
    graph = Graph((a, 2 * x), (b, sin(y)), (c, a / b), (d, z * c), (e, log(d + 1)), (f, tanh(e)))
    local = {
        (f, e): 1 - tanh(e) ** 2,
        (e, d): 1 / (d + 1),
        (d, c): z,
        (d, z): c,
        (c, a): 1 / b,
        (c, b): -a / b**2,
        (b, y): cos(y),
        (a, x): 2,
    }
    total = {x: head * z * (1 / b) * 2, y: head * z * (-a / b**2) * cos(y), z: head * c}
    yield from graph.check(local, total)
    return System.of_graph(graph, total, local)


def _log_is_defined(params: Any, data: Any) -> bool:
    x, y, z = params["x"], params["y"], params["z"]
    return bool(abs(np.sin(y)) >= 0.05 and 1 + z * 2 * x / np.sin(y) >= 0.05)


def _draw_where_log_is_defined(sizes: Any, rng: np.random.Generator) -> tuple[dict[str, Any], dict[str, Any]]:
    while not _log_is_defined(params := draws.scalars(rng, "x y z"), {}):
        pass
    return params, {}


tanh_log_ratio = Formula(
    key="tanh-log-ratio",
    title="tanh of a logarithm of a ratio, through five steps",
    rows=("D7",),
    source=f"{D}, Exercise question 6",
    printed=r"\frac{\partial f}{\partial x} = (1 - \tanh^2(e)) \cdot \frac{1}{d+1} \cdot z \cdot \frac{1}{b} \cdot 2,"
    r" \quad \frac{\partial f}{\partial y} = (1 - \tanh^2(e)) \cdot \frac{1}{d+1} \cdot z"
    r" \cdot \frac{-a}{b^2} \cdot \cos(y)",
    domain_text="sin y not 0 and d > -1, each by a margin of 0.05",
    derive=_tanh_log_ratio,
    system=_tanh_log_ratio.system,
    sizes={},
    draw=_draw_where_log_is_defined,
    domain=_log_is_defined,
    note="The figure with the graph is missing, but its factors are printed. The derivative in z is ours.",
)
