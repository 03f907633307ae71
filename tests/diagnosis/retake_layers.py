"""Wrong gradients of recurrent layers under any loss of their outputs: rnn-tanh, rnn-sigmoid, rnn-relu."""

import numpy as np

from implementations.activations import sigmoid
from tests.diagnosis.blind_case import states, wrong, zeros
from tests.diagnosis.wording import (
    AGAIN,
    FROM_THE_OTHER_END,
    NOT_ADDED_UP,
    TRANSPOSED,
    divided_by,
    instead,
    is_zero,
    only,
    said,
    taken_as_zero,
    without,
)

# tanh ---------------------------------------------------------------------------------------------------------------


@wrong(
    "rnn-tanh",
    "W U b h0",
    "carry[t] is W delta[t+1], where W^T delta[t+1] belongs.",
    accept=(instead("W", "W^T"), rf"{said('W')}.*{TRANSPOSED}", rf"{TRANSPOSED}.*{said('W')}"),
)
def recurrent_weights_contracted_over_columns(params, data, upstream):
    W, V, x = params["W"], params["V"], data["x"]
    h = states(params, x)
    g_state = np.einsum("ri,tr->ti", V, upstream)
    g_pre = np.zeros_like(g_state)
    later = np.zeros_like(h[0])
    for t in range(len(x))[::-1]:
        g_pre[t] = (g_state[t] + later) * (1 - h[t + 1] ** 2)
        later = np.einsum("ij,j->i", W, g_pre[t])
    return {
        "W": np.einsum("ti,tj->ij", g_pre, h[:-1]),
        "U": np.einsum("ti,tk->ik", g_pre, x),
        "b": np.einsum("ti->i", g_pre),
        "V": np.einsum("tr,ti->ri", upstream, h[1:]),
        "c": np.einsum("tr->r", upstream),
        "h0": later,
    }


@wrong(
    "rnn-tanh",
    "W U b h0",
    "nabla_h[t] is V^T nabla_y[t] alone: carry[t], what the later steps owe to h[t], is left out.",
    accept=(
        without("carry[t] or carry or W^T*delta[t + 1] or delta[t + 1]"),
        taken_as_zero("carry[t] or carry"),
        only("seen[t] or seen or V^T"),
        r"without the term sum_\w\([^,]*\*nabla_h\[t \+ 1\]\)",
    ),
)
class EachStepOnItsOwn:
    def forward(self, params, data):
        h = states(params, data["x"])
        return h[1:] @ params["V"].T + params["c"], (params, data["x"], h)

    def backward(self, upstream, cache):
        params, x, h = cache
        dz = (upstream @ params["V"]) * (1 - h[1:] * h[1:])
        return {
            "W": dz.T @ h[:-1],
            "U": dz.T @ x,
            "b": dz.sum(0),
            "V": upstream.T @ h[1:],
            "c": upstream.sum(0),
            "h0": params["W"].T @ dz[0],
        }


@wrong(
    "rnn-tanh",
    "W",
    "The gradient of W at the first step multiplies delta[1] by the last state h[T], where h[0] = h0 belongs.",
    accept=(FROM_THE_OTHER_END, instead("h[T] or h[-1]", "h[0] or h0")),
)
def state_before_the_first_is_the_last(params, data, upstream):
    W, U, V = params["W"], params["U"], params["V"]
    hs, h = [], params["h0"]
    for x_t in data["x"]:
        h = np.tanh(W @ h + U @ x_t + params["b"])
        hs.append(h)
    grads, dh_next = zeros(params), 0
    for t in reversed(range(len(hs))):
        dy = upstream[t]
        grads["V"] += np.outer(dy, hs[t])
        grads["c"] += dy
        dz = (1 - hs[t] ** 2) * (V.T @ dy + dh_next)
        grads["b"] += dz
        grads["U"] += np.outer(dz, data["x"][t])
        grads["W"] += np.outer(dz, hs[t - 1])
        dh_next = W.T @ dz
    return {**grads, "h0": dh_next}


def d_tanh(a):
    return 1 - np.tanh(a) ** 2


@wrong(
    "rnn-tanh",
    "W U b h0",
    "The slope is 1 - tanh(h[t])^2, tanh applied again to the state; it must be 1 - h[t]^2.",
    accept=(rf"tanh {AGAIN}", instead("tanh(h[t])", "h[t]"), instead("1 - tanh(h[t])^2", "1 - h[t]^2")),
)
def derivative_function_gets_the_state(params, data, upstream):
    h = states(params, data["x"])
    grads, dnext = zeros(params), np.zeros_like(params["h0"])
    for t, x_t in reversed(list(enumerate(data["x"]))):
        delta = d_tanh(h[t + 1]) * (params["V"].T @ upstream[t] + dnext)
        for name, factor in (("W", h[t]), ("U", x_t)):
            grads[name] += delta[:, None] * factor
        grads["b"] += delta
        dnext = params["W"].T @ delta
    return grads | {"V": upstream.T @ h[1:], "c": upstream.sum(axis=0), "h0": dnext}


@wrong(
    "rnn-tanh",
    "W U V b c h0",
    "The layer's own outputs y[t] stand where the upstream gradients nabla_y[t] belong.",
    accept=(instead("y[t] or y", "nabla_y[t] or nabla_y or upstream[t] or upstream"), r"upstream.*(ignored|not used)"),
)
def outputs_for_their_gradients(params, data, upstream):
    W, V, x = params["W"], params["V"], data["x"]
    h = states(params, x)
    y = h[1:] @ V.T + params["c"]
    grads, dh = zeros(params), np.zeros_like(h[0])
    for t in range(len(x) - 1, -1, -1):
        dy = y[t]
        grads["V"] += np.outer(dy, h[t + 1])
        grads["c"] += dy
        da = (dh + dy @ V) * (1 - h[t + 1] ** 2)
        grads["W"] += np.outer(da, h[t])
        grads["U"] += np.outer(da, x[t])
        grads["b"] += da
        dh = da @ W
    return {**grads, "h0": dh}


@wrong(
    "rnn-tanh",
    "b",
    "The gradient of b is delta[1] alone: each step's delta[t] is assigned, not added up.",
    accept=(only("t = 1"), NOT_ADDED_UP),
)
def bias_written_over_at_each_step(params, data, upstream):
    W, U, V, x = params["W"], params["U"], params["V"], data["x"]
    h = states(params, x)
    dW, dU, dV = np.zeros_like(W), np.zeros_like(U), np.zeros_like(V)
    carry = np.zeros_like(h[0])
    t = len(x)
    while t > 0:
        dV += np.outer(upstream[t - 1], h[t])
        dz = (V.T @ upstream[t - 1] + carry) * (1 - h[t] ** 2)
        dW += np.outer(dz, h[t - 1])
        dU += np.outer(dz, x[t - 1])
        db = dz
        carry = W.T @ dz
        t -= 1
    return {"W": dW, "U": dU, "V": dV, "b": db, "c": upstream.sum(axis=0), "h0": carry}


@wrong(
    "rnn-tanh",
    "c",
    "The gradient of c is the mean over the steps; it must be the sum over t of nabla_y[t].",
    accept=(divided_by("T"),),
)
def output_bias_averaged_over_time(params, data, upstream):
    h, grads = states(params, data["x"]), zeros(params)
    dh = np.zeros_like(h[0])
    for h_prev, h_now, x_t, dy in list(zip(h[:-1], h[1:], data["x"], upstream, strict=True))[::-1]:
        dh = dh + params["V"].T @ dy
        dz = dh - dh * h_now**2
        grads["V"] += dy[:, None] @ h_now[None, :]
        grads["W"] += dz[:, None] @ h_prev[None, :]
        grads["U"] += dz[:, None] @ x_t[None, :]
        grads["b"] += dz
        dh = params["W"].T @ dz
    grads["h0"] = dh
    grads["c"] = upstream.mean(axis=0)
    return grads


@wrong(
    "rnn-tanh",
    "U",
    "The gradient of U multiplies every delta[t] by the last input x[T], where x[t] belongs.",
    accept=(instead("x[T]", "x[t]"),),
)
def input_left_over_from_the_forward_loop(params, data, upstream):
    W, U, V, b = params["W"], params["U"], params["V"], params["b"]
    hs = [params["h0"]]
    for xt in data["x"]:
        hs.append(np.tanh(U @ xt + W @ hs[-1] + b))
    d = zeros(params)
    for t in range(len(hs) - 1, 0, -1):
        d["V"] += np.outer(upstream[t - 1], hs[t])
        d["c"] += upstream[t - 1]
        dh = V.T @ upstream[t - 1] + d["h0"]
        dpre = dh * (1 - hs[t] * hs[t])
        d["U"] += np.outer(dpre, xt)
        d["W"] += np.outer(dpre, hs[t - 1])
        d["b"] += dpre
        d["h0"] = W.T @ dpre
    return d


# sigmoid ------------------------------------------------------------------------------------------------------------


def walk_back(params, x, h, upstream, slope):
    """The deltas (T, n), and what is left for h0."""
    deltas, carry = np.zeros_like(h[1:]), np.zeros_like(h[0])
    for t in range(len(x), 0, -1):
        deltas[t - 1] = slope(h[t]) * (params["V"].T @ upstream[t - 1] + carry)
        carry = params["W"].T @ deltas[t - 1]
    return deltas, carry


@wrong(
    "rnn-sigmoid",
    "W U b h0",
    "The slope is that of tanh, 1 - h[t]^2; the sigmoid's is h[t] (1 - h[t]).",
    accept=(
        instead("1 - h[t]^2", "h[t]*(1 - h[t]) or (1 - h[t])*h[t] or h[t] - h[t]^2"),
        r"(slope|derivative) of tanh",
    ),
)
def slope_of_the_other_activation(params, data, upstream):
    h = states(params, data["x"], sigmoid)
    deltas, carry = walk_back(params, data["x"], h, upstream, lambda a: 1 - a * a)
    grads = {"W": deltas.T @ h[:-1], "U": deltas.T @ data["x"], "b": deltas.sum(axis=0), "h0": carry}
    return {**grads, "V": upstream.T @ h[1:], "c": upstream.sum(axis=0)}


@wrong(
    "rnn-sigmoid",
    "W",
    "The gradient of W is transposed: the sum of h[t-1] delta[t]^T, where delta[t] h[t-1]^T belongs.",
    accept=(TRANSPOSED,),
)
def outer_product_the_other_way_round(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"], sigmoid)
    g, dh = zeros(params), np.zeros_like(h[0])
    for t in reversed(range(len(x))):
        s_prev, s = h[t], h[t + 1]
        g["V"] += np.outer(upstream[t], s)
        g["c"] += upstream[t]
        dnet = (V.T @ upstream[t] + dh) * s * (1 - s)
        g["W"] += np.outer(s_prev, dnet)
        g["U"] += np.outer(dnet, x[t])
        g["b"] += dnet
        dh = W.T @ dnet
    g["h0"] = dh
    return g


@wrong("rnn-sigmoid", "h0", "The gradient of h0 is never set and stays zero.", accept=(is_zero("h0"),))
def initial_state_forgotten(params, data, upstream):
    h, grads = states(params, data["x"], sigmoid), zeros(params)
    deltas, _ = walk_back(params, data["x"], h, upstream, lambda a: a * (1 - a))
    for t, delta in enumerate(deltas):
        grads["W"] += np.outer(delta, h[t])
        grads["U"] += np.outer(delta, data["x"][t])
        grads["V"] += np.outer(upstream[t], h[t + 1])
        grads["b"] += delta
        grads["c"] += upstream[t]
    return grads


@wrong(
    "rnn-sigmoid",
    "b",
    "The gradient of b adds up nabla_h[t], where delta[t] = h[t] (1 - h[t]) nabla_h[t] belongs.",
    accept=(
        without("h[t]*(1 - h[t]) or (1 - h[t])*h[t] or slope or derivative"),
        instead("nabla_h[t]", "delta[t]"),
    ),
)
def bias_takes_the_gradient_after_the_sigmoid(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"], sigmoid)
    grads, dh_next = zeros(params), np.zeros_like(h[0])
    for t in range(len(x), 0, -1):
        dh = V.T @ upstream[t - 1] + dh_next
        grads["b"] += dh
        dh = dh * h[t] * (1 - h[t])
        grads["W"] += np.outer(dh, h[t - 1])
        grads["U"] += np.outer(dh, x[t - 1])
        dh_next = W.T @ dh
    return {**grads, "V": upstream.T @ h[1:], "c": np.sum(upstream, axis=0), "h0": dh_next}


# ReLU ---------------------------------------------------------------------------------------------------------------


@wrong(
    "rnn-relu",
    "W U b h0",
    "The slope is 1 for every unit, since h[t] >= 0 always holds: the factor that is 0 where h[t] = 0 is missing.",
    accept=(
        without("sign(h[t]) or sgn(h[t]) or step(h[t]) or slope or derivative"),
        instead("nabla_h[t]", "delta[t] or sign(h[t])*nabla_h[t]"),
        instead("1", "sign(h[t])"),
    ),
)
def silent_units_count_as_active(params, data, upstream):
    h = states(params, data["x"], lambda a: np.maximum(a, 0))
    grads, dh = zeros(params), np.zeros_like(h[0])
    for t in range(len(upstream) - 1, -1, -1):
        dh = dh + params["V"].T @ upstream[t]
        dh[h[t + 1] < 0] = 0
        grads["W"] += np.outer(dh, h[t])
        grads["U"] += np.outer(dh, data["x"][t])
        grads["b"] += dh
        dh = params["W"].T @ dh
    return {**grads, "h0": dh, "V": upstream.T @ h[1:], "c": upstream.sum(axis=0)}
