"""Mistakes about computation graphs, as code: what is printed, and what it should be."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradproof.errata import Demonstration, Misprint
from gradproof.problem import Data, Params
from implementations.graphs import quartic_loss, sigmoid_chain_gradients

# h = tmp + c, tmp = a b ----------------------------------------------------------------------------------------------

A_VALUE, B_VALUE, C_VALUE = 2.0, 3.0, 1.0
TMP = A_VALUE * B_VALUE


def slope(f: Any, at: float) -> float:
    """The slope of a linear function: a central difference of step 1, which is exact for it."""
    return (f(at + 1) - f(at - 1)) / 2


def product_slopes() -> tuple[float, float]:
    return slope(lambda a: a * B_VALUE, A_VALUE), slope(lambda b: A_VALUE * b, B_VALUE)


PRODUCT_STEP_DERIVATIVES = Demonstration(
    key="product-step-derivatives", printed=lambda: (1.0, 1.0), corrected=product_slopes
)


def graph_slopes() -> tuple[float, ...]:
    """dh/dc, dh/dtmp, dtmp/da and dtmp/db."""
    return slope(lambda c: TMP + c, C_VALUE), slope(lambda tmp: tmp + C_VALUE, TMP), *product_slopes()


def slopes_times_functions() -> tuple[float, ...]:
    """Each slope multiplied by the function that it belongs to, as the right sides are printed."""
    h = TMP + C_VALUE
    return tuple(s * f for s, f in zip(graph_slopes(), (h, h, TMP, TMP), strict=True))


OPERATOR_AS_FACTOR = Demonstration(key="operator-as-factor", printed=slopes_times_functions, corrected=graph_slopes)

# Functions of one variable -------------------------------------------------------------------------------------------


def overflowing_sigmoid_gradients(params: Params, data: Data) -> Params:
    a = -params["x"]
    b = np.exp(a)
    c = 1 + b
    ds_dc = -1 / c**2
    dc_db = 1
    db_da = b
    da_dx = -1
    return {"x": ds_dc * dc_db * db_da * da_dx}


def square_is_finite(params: Params, data: Data) -> bool:
    with np.errstate(over="ignore"):
        return bool(np.isfinite((1 + np.exp(-params["x"])) ** 2))


MANUAL_SIGMOID_OVERFLOW = Misprint(
    key="manual-sigmoid-overflow",
    printed=overflowing_sigmoid_gradients,
    corrected=sigmoid_chain_gradients,
    holds_where=square_is_finite,
)

QUARTIC_CONSTANT = Demonstration(
    key="quartic-constant",
    printed=lambda: float(np.polyval([8, 3, 7, 6, 1], 2.0)),
    corrected=lambda: float(quartic_loss({"x": 2.0}, {})),
)
