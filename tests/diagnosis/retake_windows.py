"""Wrong gradients of networks that read a window and predict once: weather-rnn-minibatch and sine-rnn."""

import numpy as np

from implementations.activations import sigmoid
from tests.diagnosis.blind_case import states, wrong, zeros
from tests.diagnosis.wording import AGAIN, DOUBLED, NOT_ADDED_UP, divided_by, instead, only, without

# a batch of windows -------------------------------------------------------------------------------------------------


def batch_states(params, x):
    """h (T + 1, B, n) for windows x (B, T, d)."""
    B, T, _ = x.shape
    h = np.zeros((T + 1, B, len(params["b"])), params["b"].dtype)
    for t in range(T):
        h[t + 1] = np.tanh(h[t] @ params["W"].T + x[:, t] @ params["U"].T + params["b"])
    return h


@wrong(
    "weather-rnn-minibatch",
    "W U V b c",
    "Everything is divided by B: the mean over the windows, where the loss is their sum.",
    accept=(divided_by("B"),),
)
def mean_over_the_batch(params, data):
    x, h = data["x"], batch_states(params, data["x"])
    batch_size = len(x)
    dy = 2 * (h[-1] @ params["V"].T + params["c"] - data["y"])
    g = zeros(params)
    g["V"] += dy.T @ h[-1]
    g["c"] += dy.sum(axis=0)
    dh = dy @ params["V"]
    for t in range(x.shape[1] - 1, -1, -1):
        dz = dh * (1 - h[t + 1] ** 2)
        g["W"] += dz.T @ h[t]
        g["U"] += dz.T @ x[:, t]
        g["b"] += dz.sum(axis=0)
        dh = dz @ params["W"]
    return {name: value / batch_size for name, value in g.items()}


@wrong(
    "weather-rnn-minibatch",
    "b",
    "The gradient of b is averaged over the windows, divided by B, where the others are sums.",
    accept=(divided_by("B"),),
)
def bias_alone_is_averaged(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    h, g = batch_states(params, x), zeros(params)
    dy = 2 * (h[-1] @ V.T + params["c"] - data["y"])
    dh = dy @ V
    for t in reversed(range(x.shape[1])):
        dpre = dh - dh * h[t + 1] ** 2
        g["W"] += np.einsum("wi,wj->ij", dpre, h[t])
        g["U"] += np.einsum("wi,wk->ik", dpre, x[:, t])
        g["b"] += dpre.mean(axis=0)
        dh = np.einsum("wi,ij->wj", dpre, W)
    return {**g, "V": np.einsum("wr,wi->ri", dy, h[-1]), "c": dy.sum(axis=0)}


@wrong(
    "weather-rnn-minibatch",
    "W U V b c",
    "Each window's gradients are assigned, not added up: those of the last window alone are left.",
    accept=(only("w = B - 1 or w = B or last window or last"), NOT_ADDED_UP, r"of the last along B alone"),
)
def last_window_overwrites_the_others(params, data):
    for window, target in zip(data["x"], data["y"], strict=True):
        h = states(params, window)
        grads = zeros(params)
        dy = 2 * (params["V"] @ h[-1] + params["c"] - target)
        grads["V"] = np.outer(dy, h[-1])
        grads["c"] = dy
        dh = params["V"].T @ dy
        for t in range(len(window), 0, -1):
            dz = dh * (1 - h[t] ** 2)
            grads["W"] += np.outer(dz, h[t - 1])
            grads["U"] += np.outer(dz, window[t - 1])
            grads["b"] += dz
            dh = params["W"].T @ dz
    return grads


@wrong(
    "weather-rnn-minibatch",
    "W U b",
    "carry[t] and nabla_h[t] go without the slope: delta[t] is nabla_h[t], not (1 - h[t]^2) nabla_h[t].",
    accept=(without("1 - h[t]^2 or 1 - h[w, t]^2 or slope or derivative"), instead("nabla_h[t]", "delta[t]")),
)
class NoSlopeAtAll:
    def forward(self, params, data):
        h = batch_states(params, data["x"])
        error = h[-1] @ params["V"].T + params["c"] - data["y"]
        return np.sum(error * error), (h, 2 * error)

    def backward(self, params, data, cache):
        h, dout = cache
        dh = dout @ params["V"]
        W, U, b = (np.zeros_like(params[name]) for name in "WUb")
        for t in range(len(h) - 1, 0, -1):
            W += dh.T @ h[t - 1]
            U += dh.T @ data["x"][:, t - 1]
            b += dh.sum(axis=0)
            dh = dh @ params["W"]
        return {"W": W, "U": U, "V": dout.T @ h[-1], "b": b, "c": dout.sum(axis=0)}


@wrong(
    "weather-rnn-minibatch",
    "W",
    "The gradient of W multiplies delta[t] by h[t], where h[t-1] belongs.",
    accept=(instead("h[t] or h[w, t]", "h[t - 1] or h[w, t - 1]"),),
)
def own_state_for_the_one_before(params, data):
    grads = zeros(params)
    for x, y in zip(data["x"], data["y"], strict=True):
        hs = [np.zeros_like(params["b"])]
        for row in x:
            hs.append(np.tanh(params["W"] @ hs[-1] + params["U"] @ row + params["b"]))
        dy = 2 * (params["V"] @ hs[-1] + params["c"] - y)
        grads["c"] += dy
        grads["V"] += np.outer(dy, hs[-1])
        dh = dy @ params["V"]
        for row in x[::-1]:
            state = hs.pop()
            dz = dh * (1 - state**2)
            grads["W"] += np.outer(dz, state)
            grads["U"] += np.outer(dz, row)
            grads["b"] += dz
            dh = dz @ params["W"]
    return grads


# the sine -----------------------------------------------------------------------------------------------------------


def sine_states(params, x):
    """s (T + 1, n), the states of the sine network from s[0] = 0 on."""
    s = np.zeros((len(x) + 1, len(params["W"])), params["W"].dtype)
    for t, x_t in enumerate(x):
        s[t + 1] = sigmoid(params["U"][:, t] * x_t + params["W"] @ s[t])
    return s


@wrong(
    "sine-rnn",
    "U W",
    "The slope is s (1 - s) with s = sigmoid(h[t]), the sigmoid applied again; it must be h[t] (1 - h[t]).",
    accept=(rf"sigmoid {AGAIN}", instead("sigmoid(h[t])", "h[t]"), r"1/\(1 ?\+ ?exp\(-h\[t\]\)\).{0,60}h\[t\]"),
)
def slope_of_a_sigmoid_squashed_twice(params, data):
    def sigmoid_prime(z):
        return sigmoid(z) * (1 - sigmoid(z))

    s = sine_states(params, data["x"])
    dy = params["V"] @ s[-1] - data["y"]
    dU, dW, ds = np.zeros_like(params["U"]), np.zeros_like(params["W"]), params["V"].T @ dy
    for t in reversed(range(len(data["x"]))):
        dadd = ds * sigmoid_prime(s[t + 1])
        dU[:, t] = dadd * data["x"][t]
        dW += np.outer(dadd, s[t])
        ds = params["W"].T @ dadd
    return {"U": dU, "W": dW, "V": np.outer(dy, s[-1])}


@wrong(
    "sine-rnn",
    "U",
    "The gradient of column t of U is delta[t], without the factor x[t].",
    accept=(without("x[t] or x[s] or x"),),
)
def column_without_its_input(params, data):
    x, s = data["x"], sine_states(params, data["x"])
    err = params["V"] @ s[len(x)] - data["y"]
    grads = zeros(params)
    grads["V"] += np.outer(err, s[len(x)])
    ds = params["V"].T @ err
    for t in range(len(x), 0, -1):
        dmul = s[t] * (1 - s[t]) * ds
        one_hot = np.zeros_like(x)
        one_hot[t - 1] = 1
        grads["U"] += np.outer(dmul, one_hot)
        grads["W"] += np.outer(dmul, s[t - 1])
        ds = params["W"].T @ dmul
    return grads


@wrong(
    "sine-rnn",
    "U W V",
    "nabla_yhat is 2 (yhat - y): the loss is half the squared error, so the factor 2 is too many.",
    accept=(DOUBLED,),
)
class TwoOfTheWholeSquare:
    def forward(self, params, data):
        s = sine_states(params, data["x"])
        error = params["V"] @ s[-1] - data["y"]
        return 0.5 * np.sum(error**2), (s, error)

    def backward(self, params, data, cache):
        s, error = cache
        dy = 2.0 * error
        deltas, ds = np.empty_like(s[1:]), params["V"].T @ dy
        for t in range(len(deltas) - 1, -1, -1):
            deltas[t] = ds * s[t + 1] * (1 - s[t + 1])
            ds = params["W"].T @ deltas[t]
        return {"U": (deltas * data["x"][:, None]).T, "W": deltas.T @ s[:-1], "V": np.outer(dy, s[-1])}


@wrong(
    "sine-rnn",
    "U W",
    "carry[t] is W delta[t+1], where W^T delta[t+1] belongs.",
    accept=(instead("W", "W^T"),),
)
def previous_state_through_w_itself(params, data):
    U, W, V, x = params["U"], params["W"], params["V"], data["x"]
    T, s = len(x), sine_states(params, x)
    dmulv = V @ s[T] - data["y"]
    dU, dW = np.zeros_like(U), np.zeros_like(W)
    dsv = V.T @ dmulv
    for t in range(T, 0, -1):
        dadd = s[t] * (1 - s[t]) * dsv
        dU += np.outer(dadd, x * (np.arange(T) == t - 1))
        dW += np.outer(dadd, s[t - 1])
        dsv = W @ dadd
    return {"U": dU, "W": dW, "V": np.outer(dmulv, s[T])}


@wrong(
    "sine-rnn",
    "U W",
    "The gradients of U and W reach the last two steps only: the sum over t is cut off.",
    accept=(
        only("t = T - 1 or t > T - 2 or t >= T - 1 or last 2 or last two"),
        r"last (2|two) (steps|terms)|(2|two) last",
        r"(after|over) (1|2|one|two) steps?",
        r"truncat",
    ),
)
def truncated_after_two_steps(params, data):
    x, s, g = data["x"], sine_states(params, data["x"]), zeros(params)
    diff = params["V"] @ s[-1] - data["y"]
    g["V"] += np.outer(diff, s[-1])
    ds, bptt_truncate = params["V"].T @ diff, 2
    for t in range(len(x) - 1, max(-1, len(x) - 1 - bptt_truncate), -1):
        dz = ds * s[t + 1] * (1 - s[t + 1])
        g["W"] += np.outer(dz, s[t])
        g["U"][:, t] = dz * x[t]
        ds = params["W"].T @ dz
    return g
