"""Wrong gradients of rnn-tanh, the recurrent layer with tanh under any loss of its outputs."""

import numpy as np

from tests.diagnosis.blind_case import states, wrong, zeros
from tests.diagnosis.wording import TRANSPOSED, instead, only, said, without


@wrong(
    "rnn-tanh",
    "W U b h0",
    "nabla_h[t] takes W delta[t+1] from the step after it, where W^T delta[t+1] belongs.",
    accept=(instead("W", "W^T"), rf"\b{said('W')}.*{TRANSPOSED}", rf"{TRANSPOSED}.*{said('W')}"),
)
def next_gradient_through_w(params, data, upstream):
    Wxh, Whh, Why, bh = params["U"], params["W"], params["V"], params["b"]
    xs, hs = data["x"], {-1: params["h0"]}
    for t in range(len(xs)):
        hs[t] = np.tanh(np.dot(Wxh, xs[t]) + np.dot(Whh, hs[t - 1]) + bh)
    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dbh, dby = np.zeros_like(bh), np.zeros_like(params["c"])
    dhnext = np.zeros_like(hs[0])
    for t in reversed(range(len(xs))):
        dWhy += np.outer(upstream[t], hs[t])
        dby += upstream[t]
        dh = np.dot(Why.T, upstream[t]) + dhnext
        dhraw = (1 - hs[t] * hs[t]) * dh
        dbh += dhraw
        dWxh += np.outer(dhraw, xs[t])
        dWhh += np.outer(dhraw, hs[t - 1])
        dhnext = np.dot(Whh, dhraw)
    return {"W": dWhh, "U": dWxh, "V": dWhy, "b": dbh, "c": dby, "h0": dhnext}


@wrong(
    "rnn-tanh",
    "W U b h0",
    "nabla_h[t] has V^T nabla_y[t] only: the term W^T delta[t+1] of the later steps is missing.",
    accept=(
        without("W^T or carry or carry[t] or delta[t + 1] or nabla_h[t + 1]"),
        only("V^T or seen or seen[t]"),
        r"zero, in carry",
    ),
)
def every_step_on_its_own(params, data, upstream):
    h = states(params, data["x"])
    dz = (upstream @ params["V"]) * (1 - h[1:] ** 2)
    return {
        "W": dz.T @ h[:-1],
        "U": dz.T @ data["x"],
        "b": dz.sum(0),
        "V": upstream.T @ h[1:],
        "c": upstream.sum(0),
        "h0": params["W"].T @ dz[0],
    }


@wrong(
    "rnn-tanh",
    "W",
    "dW multiplies delta[t] by h[t], where h[t-1] belongs.",
    accept=(instead("h[t] or h[t]^T", "h[t - 1] or h[t - 1]^T"),),
)
class RecurrentWeightsTakeTheState:
    def forward(self, params, data):
        self.x, self.p, h = data["x"], params, params["h0"]
        self.hidden, ys = [], []
        for xt in self.x:
            h = np.tanh(xt @ params["U"].T + h @ params["W"].T + params["b"])
            self.hidden.append(h)
            ys.append(h @ params["V"].T + params["c"])
        return np.array(ys), None

    def backward(self, upstream, cache):
        grads = zeros(self.p)
        carry = np.zeros_like(self.hidden[0])
        for xt, h, dy in zip(self.x[::-1], self.hidden[::-1], upstream[::-1], strict=True):
            da = (dy @ self.p["V"] + carry) * (1 - h**2)
            grads["W"] += np.outer(da, h)
            grads["U"] += np.outer(da, xt)
            grads["b"] += da
            grads["V"] += np.outer(dy, h)
            grads["c"] += dy
            carry = da @ self.p["W"]
        grads["h0"] = carry
        return grads


@wrong(
    "rnn-tanh",
    "W U b h0",
    "delta[t] has 1 - tanh(h[t])^2, where 1 - h[t]^2 belongs: the slope at a value taken for one at its argument.",
    accept=(said("tanh(h[t])"), r"twice", r"already (been )?activated", r"tanh applied again to h\[t\]"),
)
def derivative_function_gets_the_activated_value(params, data, upstream):
    def dtanh(z):
        return 1.0 - np.tanh(z) ** 2

    W, V, x = params["W"], params["V"], data["x"]
    h = states(params, x)
    grads, back = zeros(params), 0
    for t in range(len(x), 0, -1):
        da = dtanh(h[t]) * (V.T @ upstream[t - 1] + back)
        back = W.T @ da
        grads["W"] += da[:, None] * h[t - 1]
        grads["U"] += da[:, None] * x[t - 1]
        grads["b"] += da
    return {**grads, "V": upstream.T @ h[1:], "c": upstream.sum(axis=0), "h0": back}


@wrong(
    "rnn-tanh",
    "W",
    "At t = 1 dW takes the last state h[T], where h[0] belongs: the list of states begins with h[1] and wraps round.",
    accept=(
        instead("h[T] or h[T]^T", "h[0] or h[0]^T or h0"),
        r"h\[T\].*t = 1|t = 1.*h\[T\]|wraps",
        r"h\[t - 1\] taken from the other end",
    ),
)
def list_of_states_wraps_round(params, data, upstream):
    W, U, V, x = params["W"], params["U"], params["V"], data["x"]
    s, prev = [], params["h0"]
    for xt in x:
        prev = np.tanh(W @ prev + U @ xt + params["b"])
        s.append(prev)
    dW, dU, db, back = np.zeros_like(W), np.zeros_like(U), np.zeros_like(prev), np.zeros_like(prev)
    for t in range(len(s) - 1, -1, -1):
        da = (1 - s[t] ** 2) * (back + V.T @ upstream[t])
        dW += np.outer(da, s[t - 1])
        dU += np.outer(da, x[t])
        db += da
        back = W.T @ da
    return {"W": dW, "U": dU, "b": db, "h0": back, "V": upstream.T @ np.array(s), "c": upstream.sum(0)}


@wrong(
    "rnn-tanh",
    "W",
    "The sum over t in dW leaves out t = 1, which has the initial state h[0].",
    accept=(without("t = 1 or h[0] or h0"), r"\bt (>=|from) ?2|t = 2\.\.", instead("0", "h0 or h[0]")),
)
def first_step_has_no_predecessor(params, data, upstream):
    x, h = data["x"], states(params, data["x"])
    T = len(x)
    delta = np.zeros_like(h[1:])
    nabla_h = params["V"].T @ upstream[T - 1]
    for t in range(T - 1, -1, -1):
        delta[t] = (1 - h[t + 1] ** 2) * nabla_h
        nabla_h = params["W"].T @ delta[t] + (params["V"].T @ upstream[t - 1] if t > 0 else 0)
    dW = np.zeros_like(params["W"])
    for t in range(1, T):
        dW += np.outer(delta[t], h[t])
    return {
        "W": dW,
        "U": delta.T @ x,
        "b": delta.sum(0),
        "V": upstream.T @ h[1:],
        "c": upstream.sum(0),
        "h0": nabla_h,
    }


@wrong(
    "rnn-tanh",
    "c",
    "dc is overwritten at each step on the way back: only t = 1 of its sum over t is left.",
    accept=(only("t = 1 or nabla_y[1] or upstream[1]"),),
)
def output_bias_is_overwritten(params, data, upstream):
    x, h = data["x"], states(params, data["x"])
    g = zeros(params)
    dh = g["h0"]
    for t in reversed(range(len(x))):
        g["V"] += np.outer(upstream[t], h[t + 1])
        g["c"] = upstream[t].copy()
        dz = (params["V"].T @ upstream[t] + dh) * (1 - h[t + 1] ** 2)
        g["W"] += np.outer(dz, h[t])
        g["U"] += np.outer(dz, x[t])
        g["b"] += dz
        dh = params["W"].T @ dz
    g["h0"] = dh
    return g


@wrong(
    "rnn-tanh",
    "W U b V c h0",
    "nabla_y[t] is 1 everywhere, where the upstream gradient belongs.",
    accept=(
        without("upstream or upstream[t] or nabla_y or nabla_y[t]"),
        instead("1 or ones", "upstream or upstream[t] or nabla_y or nabla_y[t]"),
        r"upstream\S* (is )?(ignored|not used)|ignor\w+ (the )?upstream",
    ),
)
def outputs_have_gradient_one(params, data, upstream):
    x, h = data["x"], states(params, data["x"])
    dy = np.ones_like(upstream)
    delta, carry = np.zeros_like(h[1:]), 0
    for t in range(len(x))[::-1]:
        delta[t] = (dy[t] @ params["V"] + carry) * (1 - h[t + 1] ** 2)
        carry = delta[t] @ params["W"]
    return {"W": delta.T @ h[:-1], "U": delta.T @ x, "b": sum(delta), "V": dy.T @ h[1:], "c": sum(dy), "h0": carry}


@wrong(
    "rnn-tanh",
    "W U b h0",
    "What is carried back is W^T nabla_h[t+1], without the factor 1 - h[t+1]^2: W^T delta[t+1] belongs there.",
    accept=(
        instead("nabla_h[t + 1] or nabla_h[t]", "delta[t + 1] or delta[t]"),
        rf"{without('1 - h[t + 1]^2')}",
        rf"{without('1 - h[t]^2')}.*(carry|carried)",
    ),
)
def slope_is_left_out_of_what_is_carried(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    grads, dh_next = zeros(params), np.zeros_like(h[0])
    for t in range(len(x), 0, -1):
        dh = V.T @ upstream[t - 1] + dh_next
        dh_next = W.T @ dh
        dh = dh * (1 - h[t] ** 2)
        grads["W"] += np.outer(dh, h[t - 1])
        grads["U"] += np.outer(dh, x[t - 1])
        grads["b"] += dh
        grads["V"] += np.outer(upstream[t - 1], h[t])
        grads["c"] += upstream[t - 1]
    grads["h0"] = dh_next
    return grads


@wrong(
    "rnn-tanh",
    "h0",
    "dh0 is delta[1]: the factor W^T is missing.",
    accept=(without("W^T or W"), instead("delta[1]", "W^T delta[1]")),
)
def initial_state_gets_the_first_delta(params, data, upstream):
    x, h = data["x"], states(params, data["x"])
    W, V = params["W"], params["V"]
    g, da = zeros(params), np.zeros_like(h[0])
    for t in range(len(x) - 1, -1, -1):
        da = (V.T @ upstream[t] + W.T @ da) * (1 - np.square(h[t + 1]))
        g["W"] += np.outer(da, h[t])
        g["U"] += np.outer(da, x[t])
        g["b"] += da
    return {**g, "V": np.einsum("tm,tn->mn", upstream, h[1:]), "c": upstream.sum(0), "h0": da}
