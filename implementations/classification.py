"""Softmax, its cross-entropies, and the chain rule through a vector-valued layer.

o (K,) or (T, K) are logits, yhat = softmax(o) and p likewise probabilities, y targets of the same shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradproof.catalogue import Computation
from gradproof.problem import Data, Implementation, Params
from implementations.activations import cross_entropy, log_softmax, softmax, tanh_derivative, targets

# Cross-entropy of given probabilities --------------------------------------------------------------------------------


def cross_entropy_loss(params: Any, data: Any) -> Any:
    return cross_entropy(np.log(params["yhat"]), data["y"])


def cross_entropy_gradients(params: Params, data: Data) -> Params:
    yhat = params["yhat"]
    return {"yhat": -targets(data, yhat.dtype) / yhat}


def cross_entropy_autograd(params: Any, data: Any) -> Any:
    import torch

    return -(data["y"] * torch.log(params["yhat"])).sum()


CROSS_ENTROPY = Implementation(
    key="cross-entropy",
    loss=cross_entropy_loss,
    gradients=cross_entropy_gradients,
    autograd_loss=cross_entropy_autograd,
)


# The softmax as a layer ----------------------------------------------------------------------------------------------


def softmax_output(params: Any, data: Any) -> Any:
    return softmax(params["o"])


def softmax_gradients(params: Params, data: Data, upstream: Any) -> Params:
    """The upstream u against the Jacobian p_i ([i = j] - p_j), which is never formed."""
    p, u = softmax(params["o"]), upstream
    return {"o": p * (u - np.sum(u * p))}


def softmax_autograd(params: Any, data: Any) -> Any:
    import torch

    return torch.softmax(params["o"], dim=-1)


SOFTMAX_JACOBIAN = Implementation(
    key="softmax-jacobian", output=softmax_output, gradients=softmax_gradients, autograd_loss=softmax_autograd
)


# Softmax and cross-entropy together: o_t + b_y against y_t, summed over t --------------------------------------------


class SoftmaxCrossEntropy:
    """Cross-entropy of softmax(o_t + b_y) against y_t, summed over t, by forward and backward pass.

    params: o (T, K), b_y (K,). data: y (T, K), each row of sum 1.
    """

    def forward(self, params: Params, data: Data) -> tuple[Any, Any]:
        logits = params["o"] + params["b_y"]
        y = targets(data, logits.dtype)
        return cross_entropy(log_softmax(logits), y), (softmax(logits), y)

    def backward(self, params: Params, data: Data, cache: Any) -> Params:
        yhat, y = cache
        do = yhat - y
        return {"o": do, "b_y": np.sum(do, axis=0)}


def softmax_cross_entropy_loss(params: Any, data: Any) -> Any:
    return cross_entropy(log_softmax(params["o"] + params["b_y"]), data["y"])


def softmax_cross_entropy_autograd(params: Any, data: Any) -> Any:
    import torch

    return -(data["y"] * torch.log_softmax(params["o"] + params["b_y"], dim=-1)).sum()


SOFTMAX_CROSS_ENTROPY = Implementation(
    key="softmax-cross-entropy",
    loss=softmax_cross_entropy_loss,
    gradients=SoftmaxCrossEntropy(),
    autograd_loss=softmax_cross_entropy_autograd,
)


# Cross-entropy of one class c: the logits are called y ---------------------------------------------------------------


def class_cross_entropy_loss(params: Any, data: Any) -> Any:
    return -log_softmax(params["y"])[data["c"]]


def class_cross_entropy_gradients(params: Params, data: Data) -> Params:
    p = softmax(params["y"])
    is_c = (np.arange(len(p)) == data["c"]).astype(p.dtype)
    return {"y": p - is_c}


def class_cross_entropy_autograd(params: Any, data: Any) -> Any:
    import torch

    return -torch.log_softmax(params["y"], dim=-1)[data["c"]]


CLASS_CROSS_ENTROPY = Implementation(
    key="class-cross-entropy",
    loss=class_cross_entropy_loss,
    gradients=class_cross_entropy_gradients,
    autograd_loss=class_cross_entropy_autograd,
)


def cross_entropy_gradient_example() -> dict[str, Any]:
    """The gradient at logits whose softmax is (0.2, 0.2, 0.6), for class 0."""
    y = np.log([0.2, 0.2, 0.6])
    gradient = class_cross_entropy_gradients({"y": y}, {"c": 0})["y"]
    return {f"dL/dy_{i}": value for i, value in enumerate(gradient)}


CROSS_ENTROPY_GRADIENT_EXAMPLE = Computation(key="cross-entropy-gradient-example", run=cross_entropy_gradient_example)


# The vector chain rule, for a layer y = tanh(A x + d) ----------------------------------------------------------------


class VectorChainRule:
    """The layer y = tanh(A x + d) and its backward pass, nabla_x z = nabla_x y . nabla_y z.

    params: x (n,). data: A (m, n), d (m,). output y and upstream nabla_y z: (m,).
    """

    def forward(self, params: Params, data: Data) -> tuple[Any, Any]:
        A = data["A"]
        z = A @ params["x"] + data["d"]
        nabla_x_y = A.T * tanh_derivative(z)  # (n, m): entry i, j is the derivative of y_j by x_i
        return np.tanh(z), nabla_x_y

    def backward(self, upstream: Any, cache: Any) -> Params:
        nabla_x_y, nabla_y_z = cache, upstream
        return {"x": nabla_x_y @ nabla_y_z}


def vector_chain_rule_output(params: Any, data: Any) -> Any:
    return np.tanh(data["A"] @ params["x"] + data["d"])


def vector_chain_rule_autograd(params: Any, data: Any) -> Any:
    import torch

    return torch.tanh(data["A"] @ params["x"] + data["d"])


VECTOR_CHAIN_RULE = Implementation(
    key="vector-chain-rule",
    output=vector_chain_rule_output,
    gradients=VectorChainRule(),
    autograd_loss=vector_chain_rule_autograd,
)
