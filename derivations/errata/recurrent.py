"""Printed gradients of recurrent networks that are none: a transpose, a time index, a letter, a one.

The counterexamples keep the states at 0 or 1/2, where tanh' is 1 or 3/4, and the probabilities at 1/2.
"""

from __future__ import annotations

from typing import Any

from sympy import Integer, Rational, log

from derivations import elman
from derivations.elman import (
    CLASS_CROSS_ENTROPY,
    CROSS_ENTROPY,
    TANH,
    V,
    W,
    before,
    h,
    i,
    nabla_h,
    nabla_o,
    network,
    q,
    r,
    squared,
    v,
    y,
    yhat,
)
from derivations.errata.claims import claimed
from derivations.sources import B, C, E
from gradproof.errata import Counterexample, GradientErratum
from gradproof.symbolic import arrays, delta, equal, total

ZERO, ONE, HALF = Integer(0), Integer(1), Rational(1, 2)


def two_units_at_rest(**weights: Any) -> dict[str, Any]:
    """Parameters of two units, one input and two outputs, 0 but for the given: every state is tanh(0) = 0."""
    square = [[ZERO, ZERO], [ZERO, ZERO]]
    return {"W": square, "U": [[ZERO], [ZERO]], "b": [ZERO, ZERO], "V": square, "c": [ZERO, ZERO], **weights}


# ---- the character network ----------------------------------------------------------------------------------------

character_output_not_transposed = GradientErratum(
    key="character-output-not-transposed",
    title="the output weights without their transpose",
    rows=("B-E1",),
    source=f"{B}, Question 1, Derivation (b)",
    kind="wrong",
    printed="dL/dh = -W_yh (y - yhat)",
    corrected="dL/dh = -W_yh^T (y - yhat)",
    why="W_yh takes states to outputs, so its transpose takes the error back; as printed the shapes fit only where"
    " there are as many classes as units.",
    formula="character-rnn",
    counterexample=Counterexample(
        params=two_units_at_rest(V=[[ONE, Integer(2)], [Integer(3), Integer(4)]]),
        data={"x": [[ONE]], "y": [[ONE, ZERO]]},
        entry=("b", 0),
        printed=HALF,
        exact=ONE,
        working=(
            "h = tanh(0) = 0, so the logits are 0, yhat = (1/2, 1/2) and yhat - y = (-1/2, 1/2)",
            "db = (1 - h^2) dL/dh = dL/dh; its first entry is -1/2 + 3/2 = 1",
            "printed: -1/2 + 2/2 = 1/2",
        ),
    ),
    refuted=claimed(lambda: network(TANH, CROSS_ENTROPY), "last", lambda: total(V[q, r] * nabla_o[elman.T, r], r)),
    note="(scan) A handwritten page, badly scanned: the reading is ours; the time index on the right reads t, and is"
    " taken for t + 1.",
)

(dh_db,) = arrays("dh_db")


def _ones_for_identity() -> Any:
    """The recursion for b with 1 in every entry, against the chain rule's."""
    slope = TANH.slope(h[elman.s, i])
    carried = total(W[i, elman.j] * dh_db[elman.s - 1, elman.j, elman.p], elman.j)
    return equal("dh_s/db", slope * (delta(i, elman.p) + carried), slope * (1 + carried))


character_rtrl_one = GradientErratum(
    key="character-rtrl-one",
    title="what the 1 is in the recursion of the states' derivative by the bias",
    rows=("B-E14",),
    source=f"{B}, Question 1, Derivation (b)",
    kind="ambiguous",
    printed="dh'/db = f'(z') (1 + W_hh dh/db)",
    corrected="dh'/db = diag(f'(z')) (I + W_hh dh/db)",
    why="The derivative of one vector by another is a matrix, and that of b by itself the identity; ones, or a vector"
    " of them, give another gradient as soon as there are two units.",
    formula="character-rnn-rtrl",
    counterexample=Counterexample(
        params=two_units_at_rest(V=[[ONE, Integer(2)], [Integer(3), Integer(4)]]),
        data={"x": [[ONE]], "y": [[ZERO, ONE]]},
        entry=("b", 0),
        printed=Integer(-2),
        exact=-ONE,
        working=(
            "h = tanh(0) = 0, yhat - y = (1/2, -1/2) and dL/dh = V^T (yhat - y) = (-1, -1)",
            "dh/db is the identity, so db = dL/dh = (-1, -1); with ones both units count for each bias: -2",
        ),
    ),
    refuted=_ones_for_identity,
    note="(scan) A handwritten page, badly scanned: the reading is ours.",
)

# ---- the weather network ------------------------------------------------------------------------------------------

weather_roles_exchanged = GradientErratum(
    key="weather-roles-exchanged",
    title="2 (yhat - y) under two notations",
    rows=("C-E3",),
    source=f"{C}, Exercise 2, with the letters of Exercise 1, which Exercise 3 keeps to",
    kind="conditional",
    printed="dL/dc = 2 (yhat - y), y the output as in Exercise 1",
    corrected="dL/dc = 2 (yhat - y), yhat the output",
    why="Exercise 1 calls the output y and the target yhat. With its letters the three formulas that contain"
    " 2 (yhat - y) have the wrong sign, and training goes uphill.",
    formula="rnn-tanh-last-squared",
    condition="yhat is the output and y the target",
    counterexample=Counterexample(
        params={"W": [[ZERO]], "U": [[ZERO]], "b": [ZERO], "V": [[ONE]], "c": [ZERO]},
        data={"x": [[ONE]], "y": [ONE]},
        entry=("c", 0),
        printed=Integer(2),
        exact=Integer(-2),
        working=("h = tanh(0) = 0, so the output is 0 and the target 1", "dc = 2 (0 - 1) = -2; printed: 2 (1 - 0) = 2"),
    ),
    refuted=claimed(lambda: network(TANH, squared(), last_only=True), "output", lambda: -2 * (yhat[v] - y[v])),
)

# ---- the sentiment network ----------------------------------------------------------------------------------------

sentiment_slope_one_step_early = GradientErratum(
    key="sentiment-slope-one-step-early",
    title="the recursion with tanh' at the wrong step",
    rows=("E-E1",),
    source=f"{E}, Back propagation, Gradients",
    kind="wrong",
    printed="dy/dh_t = dy/dh_(t+1) (1 - h_t^2) W_hh",
    corrected="dy/dh_t = dy/dh_(t+1) (1 - h_(t+1)^2) W_hh",
    why="h_(t+1) = tanh(... + W_hh h_t), so the derivative is tanh' at h_(t+1). The source's code has it right.",
    formula="sentiment-rnn",
    counterexample=Counterexample(
        params={
            "W": [[ONE]],
            "U": [[ONE]],
            "b": [log(3) / 2],
            "V": [[ONE], [ZERO]],
            "c": [ZERO, ZERO],
        },
        data={"x": [[ZERO], [-HALF - log(3) / 2]], "label": 1},
        entry=("b", 0),
        printed=Rational(25, 32),
        exact=Rational(7, 8),
        working=(
            "h_1 = tanh(ln(3)/2) = 1/2, h_2 = tanh(h_1 + x_2 + b) = tanh(0) = 0, so p = (1/2, 1/2)",
            "dL/dh_2 = V^T (p - y) = 1/2, and dL/dh_1 = (1 - h_2^2) W 1/2 = 1/2; printed: (1 - h_1^2) W 1/2 = 3/8",
            "db = (1 - h_2^2) dL/dh_2 + (1 - h_1^2) dL/dh_1 = 1/2 + 3/8 = 7/8; printed: 1/2 + 9/32 = 25/32",
        ),
    ),
    refuted=claimed(
        lambda: network(TANH, CLASS_CROSS_ENTROPY, last_only=True),
        "step",
        lambda: total(W[i, q] * TANH.slope(h[before, i]) * nabla_h[before + 1, i], i),
    ),
)

sentiment_carry_not_transposed = GradientErratum(
    key="sentiment-carry-not-transposed",
    title="the recurrent weights without their transpose, in the code",
    rows=("E-E2",),
    source=f"{E}, Back propagation, method backprop",
    kind="wrong",
    printed="dL/dh_(t-1) = W_hh delta_t",
    corrected="dL/dh_(t-1) = W_hh^T delta_t",
    why="The derivative is a row times W_hh, as the formula above it has it; as a column it needs the transpose. It"
    " costs time: trained with it, 4 of 13 networks do not learn their phrases within 1000 epochs.",
    formula="sentiment-rnn",
    counterexample=Counterexample(
        params=two_units_at_rest(V=[[Integer(2), ZERO], [ZERO, ZERO]], W=[[ZERO, ONE], [ZERO, ZERO]]),
        data={"x": [[ONE], [ONE]], "label": 1},
        entry=("b", 1),
        printed=ZERO,
        exact=ONE,
        working=(
            "h_1 = h_2 = tanh(0) = 0, so p = (1/2, 1/2), p - y = (1/2, -1/2) and delta_2 = V^T (p - y) = (1, 0)",
            "delta_1 = W^T delta_2 = (0, 1), so db = delta_2 + delta_1 = (1, 1); printed: W delta_2 = (0, 0)",
        ),
    ),
    refuted=claimed(
        lambda: network(TANH, CLASS_CROSS_ENTROPY, last_only=True),
        "step",
        lambda: total(W[q, i] * TANH.slope(h[before + 1, i]) * nabla_h[before + 1, i], i),
    ),
)
