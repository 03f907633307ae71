"""Wrong gradients of the softmax as a layer, and of the chain rule through a layer."""

import numpy as np

from implementations.activations import softmax
from tests.diagnosis.blind_case import wrong
from tests.diagnosis.wording import instead, said, without

# the softmax as a layer -------------------------------------------------------------------------------------------


@wrong(
    "softmax-jacobian",
    "o",
    "Only the diagonal of the Jacobian is there: p_i (1 - p_i) u_i, without -p_i p_j.",
    accept=(said("p*u alone"), r"diagonal", said("p*(1 - p)")),
)
def softmax_like_a_sigmoid(params, data, upstream):
    p = softmax(params["o"])
    return {"o": upstream * p * (1 - p)}


@wrong(
    "softmax-jacobian",
    "o",
    "The off-diagonal entries have the wrong sign: p_i p_j for -p_i p_j.",
    accept=(
        r"(opposite |wrong )?sign .*off.diagonal|off.diagonal.* sign",
        r"i != [jk]",
        r"sign of the terms .*other than i = j flipped",
    ),
)
def off_diagonal_positive(params, data, upstream):
    p = softmax(params["o"])
    J = np.outer(p, p)
    for i in range(len(p)):
        J[i, i] = p[i] * (1 - p[i])
    return {"o": J @ upstream}


@wrong(
    "softmax-jacobian",
    "o",
    "The factor p in front is left out: u - sum(u p) for p (u - sum(u p)).",
    accept=(r"without the factor p(?! (in|of) (the |sum))", r"\(1/p\)"),
)
def factor_p_in_front_left_out(params, data, upstream):
    p = softmax(params["o"])
    return {"o": upstream - np.dot(upstream, p)}


@wrong(
    "softmax-jacobian",
    "o",
    "sum(u p) is a mean in the code; the sum must not be divided by K.",
    accept=(r"mean where the sum over i",),
)
def mean_of_u_p(params, data, upstream):
    p = softmax(params["o"])
    return {"o": p * (upstream - np.mean(upstream * p))}


@wrong(
    "softmax-jacobian",
    "o",
    "The upstream is summed without its weights p: p (u - sum(u)).",
    accept=(
        r"without the factor p (in|of) (the |sum)",
        r"without the factor p, in p\*u",
        said("sum_i(u) or sum_k(u) or sum(u)"),
    ),
)
def upstream_not_weighted(params, data, upstream):
    p = softmax(params["o"])
    return {"o": p * (upstream - upstream.sum())}


@wrong(
    "softmax-jacobian", "o", "The term -p sum(u p) is missing: what is left is p u.", accept=(without("sum_i(p*u)"),)
)
def second_term_missing(params, data, upstream):
    p = softmax(params["o"])
    return {"o": p * upstream}


# the chain rule ---------------------------------------------------------------------------------------------------


@wrong(
    "vector-chain-rule",
    "x",
    "The derivative of tanh, 1 - y^2, is forgotten: A^T u alone.",
    accept=(without("1 - y^2"),),
)
def tanh_passed_through(params, data, upstream):
    return {"x": data["A"].T @ upstream}


@wrong(
    "vector-chain-rule",
    "x",
    "The slope is 1 - z^2 at the pre-activation z; it must be 1 - y^2 with y = tanh z.",
    accept=(r"argument of tanh where (its value )?y belongs in (1 - )?y\^2", r"without the function tanh"),
)
def slope_of_the_pre_activation(params, data, upstream):
    z = data["A"] @ params["x"] + data["d"]
    return {"x": data["A"].T @ ((1 - z**2) * upstream)}


@wrong("vector-chain-rule", "x", "The offset d is left out of z = A x + d.", accept=(without("d"),))
def offset_left_out(params, data, upstream):
    y = np.tanh(data["A"] @ params["x"])
    return {"x": upstream * (1 - y**2) @ data["A"]}


@wrong("vector-chain-rule", "x", "A is reshaped to (n, m) where it must be transposed.", accept=(r"reshaped",))
def reshaped_jacobian(params, data, upstream):
    A = data["A"]
    m, n = A.shape
    y = np.tanh(A @ params["x"] + data["d"])
    return {"x": A.reshape(n, m) @ ((1 - y**2) * upstream)}


@wrong(
    "vector-chain-rule",
    "x",
    "The upstream gradient u is ignored: the columns of the Jacobian are just added up.",
    accept=(without("u or upstream"), r"\b1 where u belongs"),
)
class UpstreamIgnored:
    def forward(self, params, data):
        y = np.tanh(data["A"] @ params["x"] + data["d"])
        return y, (data["A"], y)

    def backward(self, upstream, cache):
        A, y = cache
        return {"x": np.sum(A * (1 - y**2)[:, None], axis=0)}


@wrong(
    "vector-chain-rule",
    "x",
    "The sum over the outputs y_j starts at the second; j = 1 is missing.",
    accept=(r"without the first along m", r"without j = (0|1)"),
)
def first_output_missing(params, data, upstream):
    A, x = data["A"], params["x"]
    m, n = A.shape
    y = np.tanh(A @ x + data["d"])
    dx = np.zeros_like(x)
    for i in range(n):
        for j in range(1, m):
            dx[i] += upstream[j] * (1 - y[j] ** 2) * A[j, i]
    return {"x": dx}


@wrong(
    "vector-chain-rule",
    "x",
    "The slope is the sigmoid's, y (1 - y); the layer is tanh, with slope 1 - y^2.",
    accept=(instead("(1 - y)*y or y*(1 - y)", "1 - y^2"),),
)
def slope_of_another_activation(params, data, upstream):
    y = np.tanh(data["A"] @ params["x"] + data["d"])
    return {"x": data["A"].T.dot(y * (1 - y) * upstream)}
