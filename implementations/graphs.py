"""Scalar computation graphs: each gradient walks the graph backwards, one local derivative at a time.

``df_dx`` stands for the derivative of f by x; every parameter is a 0-d array of float32 or float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradproof.catalogue import Computation
from gradproof.errors import NotRun
from gradproof.problem import Data, Implementation, Params
from implementations.activations import sigmoid_derivative, smooth_sigmoid, tanh_derivative

# x + y ---------------------------------------------------------------------------------------------------------------


def sum_loss(params: Any, data: Any) -> Any:
    return params["x"] + params["y"]


def sum_gradients(params: Params, data: Data) -> Params:
    return {"x": np.ones_like(params["x"]), "y": np.ones_like(params["y"])}


SUM = Implementation(key="sum", loss=sum_loss, gradients=sum_gradients, autograd_loss=sum_loss)


# h = tmp + c, tmp = a b ----------------------------------------------------------------------------------------------


def product_plus_loss(params: Any, data: Any) -> Any:
    tmp = params["a"] * params["b"]
    return tmp + params["c"]


def product_plus_gradients(params: Params, data: Data) -> Params:
    a, b, c = params["a"], params["b"], params["c"]
    dh_dtmp, dh_dc = np.ones_like(c), np.ones_like(c)
    dtmp_da, dtmp_db = b, a
    return {"a": dh_dtmp * dtmp_da, "b": dh_dtmp * dtmp_db, "c": dh_dc}


PRODUCT_PLUS = Implementation(
    key="product-plus", loss=product_plus_loss, gradients=product_plus_gradients, autograd_loss=product_plus_loss
)


def product_plus_at_2_3() -> dict[str, Any]:
    gradients = product_plus_gradients({"a": np.array(2.0), "b": np.array(3.0), "c": np.array(0.0)}, {})
    return {f"h_{name}": gradient for name, gradient in gradients.items()}


PRODUCT_PLUS_AT_2_3 = Computation(key="product-plus-at-2-3", run=product_plus_at_2_3)


# x^2 -----------------------------------------------------------------------------------------------------------------


def square_loss(params: Any, data: Any) -> Any:
    return params["x"] ** 2


def square_gradients(params: Params, data: Data) -> Params:
    return {"x": 2 * params["x"]}


SQUARE = Implementation(key="square", loss=square_loss, gradients=square_gradients, autograd_loss=square_loss)
SQUARE_AT_2 = Computation(key="square-at-2", run=lambda: {"dy/dx": square_gradients({"x": np.array(2.0)}, {})["x"]})


# The sigmoid as s(c(b(a(x)))) ----------------------------------------------------------------------------------------


def sigmoid_chain_loss(params: Any, data: Any) -> Any:
    return smooth_sigmoid(params["x"])


def sigmoid_chain_gradients(params: Params, data: Data) -> Params:
    a = -np.abs(params["x"])  # not -x: the derivative is even, and from this side b cannot overflow
    b = np.exp(a)
    c = 1 + b
    ds_dc = -1 / c**2
    dc_db = 1
    db_da = b
    da_dx = -1
    return {"x": ds_dc * dc_db * db_da * da_dx}


def sigmoid_chain_autograd(params: Any, data: Any) -> Any:
    import torch

    return torch.sigmoid(params["x"])


SIGMOID_CHAIN = Implementation(
    key="sigmoid-chain",
    loss=sigmoid_chain_loss,
    gradients=sigmoid_chain_gradients,
    autograd_loss=sigmoid_chain_autograd,
)


def sigmoid_derivative_at_2() -> dict[str, Any]:
    """Both numbers in the precision they were printed from: by hand in float64, by autograd in float32."""
    return {
        "manual": sigmoid_chain_gradients({"x": np.array(2.0)}, {})["x"],
        "autograd": float32_autograd_of_sigmoid(2.0),
    }


def float32_autograd_of_sigmoid(at: float) -> Any:
    try:
        import torch
    except ImportError:
        return NotRun("PyTorch is not installed")
    x = torch.tensor(at, dtype=torch.float32, requires_grad=True)
    (gradient,) = torch.autograd.grad(1 / (1 + torch.exp(-x)), x)
    return gradient.item()


SIGMOID_DERIVATIVE_AT_2 = Computation(key="sigmoid-derivative-at-2", run=sigmoid_derivative_at_2)


# Two branches: x and y both depend on a and b ------------------------------------------------------------------------


def two_branch_loss(params: Any, data: Any) -> Any:
    a, b = params["a"], params["b"]
    x = 2 * a + 3 * b
    y = 5 * a * a + 3 * b * b * b
    return 2 * x + 3 * y


def two_branch_gradients(params: Params, data: Data) -> Params:
    a, b = params["a"], params["b"]
    dz_dx, dz_dy = 2, 3
    dx_da, dx_db = 2, 3
    dy_da, dy_db = 10 * a, 9 * b * b
    return {"a": dz_dx * dx_da + dz_dy * dy_da, "b": dz_dx * dx_db + dz_dy * dy_db}


TWO_BRANCH_GRAPH = Implementation(
    key="two-branch-graph", loss=two_branch_loss, gradients=two_branch_gradients, autograd_loss=two_branch_loss
)


# One neuron: u = w x, v = u + b, then an activation a(v) -------------------------------------------------------------


def pre_activation(params: Any, data: Any) -> Any:
    u = params["w"] * data["x"]
    return u + params["b"]


def relu_neuron_loss(params: Any, data: Any) -> Any:
    return np.maximum(pre_activation(params, data), 0)


def relu_neuron_gradients(params: Params, data: Data) -> Params:
    v = pre_activation(params, data)
    da_dv = (v > 0).astype(v.dtype)
    dv_du = dv_db = 1
    du_dw = data["x"]
    return {"w": da_dv * dv_du * du_dw, "b": da_dv * dv_db}


def relu_neuron_autograd(params: Any, data: Any) -> Any:
    import torch

    return torch.relu(pre_activation(params, data))


RELU_NEURON = Implementation(
    key="relu-neuron", loss=relu_neuron_loss, gradients=relu_neuron_gradients, autograd_loss=relu_neuron_autograd
)


def sigmoid_neuron_loss(params: Any, data: Any) -> Any:
    return smooth_sigmoid(pre_activation(params, data))


def sigmoid_neuron_gradients(params: Params, data: Data) -> Params:
    v = pre_activation(params, data)
    da_dv = sigmoid_derivative(v)
    dv_du = dv_db = 1
    du_dw = data["x"]
    return {"w": da_dv * dv_du * du_dw, "b": da_dv * dv_db}


def sigmoid_neuron_autograd(params: Any, data: Any) -> Any:
    import torch

    return torch.sigmoid(pre_activation(params, data))


SIGMOID_NEURON = Implementation(
    key="sigmoid-neuron",
    loss=sigmoid_neuron_loss,
    gradients=sigmoid_neuron_gradients,
    autograd_loss=sigmoid_neuron_autograd,
)


# exp(-x^2 - 2x - sin x) ----------------------------------------------------------------------------------------------


def exp_trigonometric_loss(params: Any, data: Any) -> Any:
    x = params["x"]
    return np.exp(-(x**2) - 2 * x - np.sin(x))


def exp_trigonometric_gradients(params: Params, data: Data) -> Params:
    x = params["x"]
    f = np.exp(-(x**2) - 2 * x - np.sin(x))
    return {"x": -(2 * x + 2 + np.cos(x)) * f}


def exp_trigonometric_autograd(params: Any, data: Any) -> Any:
    import torch

    x = params["x"]
    return torch.exp(-(x**2) - 2 * x - torch.sin(x))


EXP_TRIGONOMETRIC = Implementation(
    key="exp-trigonometric",
    loss=exp_trigonometric_loss,
    gradients=exp_trigonometric_gradients,
    autograd_loss=exp_trigonometric_autograd,
)


# A polynomial --------------------------------------------------------------------------------------------------------


def quartic_loss(params: Any, data: Any) -> Any:
    x = params["x"]
    return 8 * x**4 + 3 * x**3 + 7 * x**2 + 6 * x + 3


def quartic_gradients(params: Params, data: Data) -> Params:
    x = params["x"]
    return {"x": 32 * x**3 + 9 * x**2 + 14 * x + 6}


QUARTIC = Implementation(key="quartic", loss=quartic_loss, gradients=quartic_gradients, autograd_loss=quartic_loss)
QUARTIC_AT_2 = Computation(key="quartic-at-2", run=lambda: {"y'": quartic_gradients({"x": np.array(2.0)}, {})["x"]})


# tanh(ln(1 + z 2x / sin y)) through a, b, c, d, e --------------------------------------------------------------------


def tanh_log_ratio_loss(params: Any, data: Any) -> Any:
    a = 2 * params["x"]
    b = np.sin(params["y"])
    c = a / b
    d = params["z"] * c
    e = np.log1p(d)
    return np.tanh(e)


def tanh_log_ratio_gradients(params: Params, data: Data) -> Params:
    x, y, z = params["x"], params["y"], params["z"]
    a = 2 * x
    b = np.sin(y)
    c = a / b
    d = z * c
    e = np.log1p(d)

    df_de = tanh_derivative(e)
    df_dd = df_de * 1 / (d + 1)
    df_dc, df_dz = df_dd * z, df_dd * c
    df_da, df_db = df_dc * 1 / b, df_dc * -a / b**2
    return {"x": df_da * 2, "y": df_db * np.cos(y), "z": df_dz}


def tanh_log_ratio_autograd(params: Any, data: Any) -> Any:
    import torch

    c = 2 * params["x"] / torch.sin(params["y"])
    return torch.tanh(torch.log1p(params["z"] * c))


TANH_LOG_RATIO = Implementation(
    key="tanh-log-ratio",
    loss=tanh_log_ratio_loss,
    gradients=tanh_log_ratio_gradients,
    autograd_loss=tanh_log_ratio_autograd,
)
