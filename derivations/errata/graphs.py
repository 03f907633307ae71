"""Mistakes about computation graphs: derivatives with each other's names, and code that overflows."""

from __future__ import annotations

from typing import Any

from sympy import Integer, exp

from derivations.sources import A, D
from gradproof.errata import Counterexample, FactErratum, GradientErratum
from gradproof.symbolic import scalars

CHAIN_RULE = f"{A}, Computational graph and chain rule"

# ---- h = tmp + c, tmp = a b -----------------------------------------------------------------------------------------


def _are_slopes_of_the_product(value: Any) -> bool:
    a, b = scalars("a b")
    return value == tuple(float((a * b).diff(v).subs({a: 2, b: 3})) for v in (a, b))


product_step_derivatives = FactErratum(
    key="product-step-derivatives",
    title="the two factors of the chain rule with each other's values",
    rows=("A-E1",),
    source=CHAIN_RULE,
    kind="text",
    printed="da/da = 3, dtmp/da = 1; da/db = 2, dtmp/db = 1",
    corrected="dh/dtmp = 1, dtmp/da = b = 3; dh/dtmp = 1, dtmp/db = a = 2",
    why="The products 3 and 2 are right, their factors are not: tmp = a b has the slopes b and a, and the other factor"
    " is dh/dtmp; da/da is 1 and da/db is 0.",
    promise="dtmp/da and dtmp/db at a = 2, b = 3",
    holds=_are_slopes_of_the_product,
    note="The values of a and b stood in a figure that is missing; they are read off the printed derivatives.",
)


def _are_slopes_of_the_graph(value: Any) -> bool:
    a, b, c, tmp = scalars("a b c tmp")
    steps = ((tmp + c, c), (tmp + c, tmp), (a * b, a), (a * b, b))
    return value == tuple(float(f.diff(v).subs({a: 2, b: 3})) for f, v in steps)


operator_as_factor = FactErratum(
    key="operator-as-factor",
    title="a derivative multiplied by what it is the derivative of",
    rows=("A-E17",),
    source=CHAIN_RULE,
    kind="text",
    printed="dh/dc = dh/dc (tmp + c), and three more like it",
    corrected="dh/dc = d/dc (tmp + c)",
    why="The operator is d/dc. With dh/dc in its place the line says 1 = 1 (tmp + c).",
    promise="right sides that equal dh/dc, dh/dtmp, dtmp/da and dtmp/db, here at a = 2, b = 3, c = 1",
    holds=_are_slopes_of_the_graph,
    note="The values of a, b and c stood in a figure that is missing; c = 1 is ours.",
)

# ---- functions of one variable --------------------------------------------------------------------------------------

manual_sigmoid_overflow = GradientErratum(
    key="manual-sigmoid-overflow",
    title="the square of 1 + exp(-x) overflows where the slope of the sigmoid is still a number",
    rows=("D-E5",),
    source=f"{D}, Problem 4",
    kind="conditional",
    printed="ds/dx = -1/c^2 * exp(a) * -1, with a = -x, c = 1 + exp(a)",
    corrected="the same with a = -|x|",
    why="For x below -355 (-44 in float32) c^2 is inf and the slope comes out as 0; for x below -710 (-89) exp(a) is"
    " inf too and it comes out as NaN. The slope is even, and from the other side nothing overflows.",
    formula="sigmoid-chain",
    counterexample=Counterexample(
        params={"x": Integer(-400)},
        data={},
        entry=("x",),
        printed=Integer(0),
        exact=exp(-400) / (1 + exp(-400)) ** 2,
        working=(
            "c = 1 + e^400 = 5e173; c^2 = 2.7e347 is more than the largest float64, 1.8e308, and becomes inf",
            "printed: -1/inf * e^400 * -1 = 0; in truth e^400 / c^2 = 1.9e-174",
        ),
    ),
    condition="c^2 is finite",
)


def _is_the_quartic(value: Any) -> bool:
    (x,) = scalars("x")
    return value == float((8 * x**4 + 3 * x**3 + 7 * x**2 + 6 * x + 3).subs(x, 2))


quartic_constant = FactErratum(
    key="quartic-constant",
    title="the derivation of another polynomial than the question's",
    rows=("D-E1",),
    source=f"{D}, Exercise question 5",
    kind="text",
    printed="8x^4 + 3x^3 + 7x^2 + 6x + 1",
    corrected="8x^4 + 3x^3 + 7x^2 + 6x + 3",
    why="Question and code have the constant term 3. The derivative does not show it, the function's value does.",
    promise="what is differentiated has the value of the question's function, here at x = 2",
    holds=_is_the_quartic,
)
