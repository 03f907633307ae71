"""Wrong gradients of weather-rnn-minibatch and sine-rnn: windows in a batch, and one number a step."""

import numpy as np

from tests.diagnosis.blind_case import states, wrong, zeros
from tests.diagnosis.wording import (
    DOUBLED,
    HALVED,
    OPPOSITE_SIGN,
    TRANSPOSED,
    divided_by,
    instead,
    only,
    said,
    times,
    without,
)


def batch_of_states(params, x):
    """The right states of all windows together: T + 1 arrays (B, n)."""
    h = [np.zeros((len(x), len(params["W"])), params["W"].dtype)]
    for t in range(x.shape[1]):
        h.append(np.tanh(h[-1] @ params["W"].T + x[:, t] @ params["U"].T + params["b"]))
    return h


def window_gradients(params, x, h, dy):
    """The right backward pass of one window, from dy, the derivative by its output."""
    g, dh = zeros(params), params["V"].T @ dy
    for t in range(len(x), 0, -1):
        dz = dh * (1 - h[t] ** 2)
        g["W"] += np.outer(dz, h[t - 1])
        g["U"] += np.outer(dz, x[t - 1])
        g["b"] += dz
        dh = params["W"].T @ dz
    return {**g, "V": np.outer(dy, h[-1]), "c": dy}


# weather-rnn-minibatch --------------------------------------------------------------------------------------------


@wrong(
    "weather-rnn-minibatch",
    "W U b V c",
    "nabla_yhat is divided by the number B of windows, as if the loss were their mean; it is their sum.",
    accept=(divided_by("B"),),
)
def batch_is_averaged(params, data):
    x, B = data["x"], len(data["x"])
    h = batch_of_states(params, x)
    dy = 2 * (h[-1] @ params["V"].T + params["c"] - data["y"]) / B
    g = {**zeros(params), "V": dy.T @ h[-1], "c": dy.sum(axis=0)}
    dh = dy @ params["V"]
    for t in reversed(range(x.shape[1])):
        dz = dh * (1 - h[t + 1] ** 2)
        g["W"] += dz.T @ h[t]
        g["U"] += dz.T @ x[:, t]
        g["b"] += dz.sum(axis=0)
        dh = dz @ params["W"]
    return g


@wrong(
    "weather-rnn-minibatch",
    "W U b V c",
    "The gradients are set to zero for each window anew: only the last window of the sum over the batch is left.",
    accept=(
        only("w = B or w = B - 1 or g = B - 1 or the last or one window"),
        r"last window",
        r"the last along B alone",
    ),
)
def gradients_are_cleared_for_each_window(params, data):
    for x, y in zip(data["x"], data["y"], strict=True):
        grads = zeros(params)
        h = states(params, x)
        dy = 2 * (params["V"] @ h[-1] + params["c"] - y)
        for name, value in window_gradients(params, x, h, dy).items():
            grads[name] += value
    return grads


@wrong(
    "weather-rnn-minibatch",
    "c",
    "dc is the mean of nabla_yhat over the batch, where the sum belongs.",
    accept=(divided_by("B"),),
)
def output_bias_is_averaged_over_the_batch(params, data):
    parts, errors = [], []
    for x, y in zip(data["x"], data["y"], strict=True):
        h = states(params, x)
        errors.append(2 * (params["V"] @ h[-1] + params["c"] - y))
        parts.append(window_gradients(params, x, h, errors[-1]))
    total = {name: sum(part[name] for part in parts) for name in params}
    return {**total, "c": np.mean(errors, axis=0)}


@wrong(
    "weather-rnn-minibatch",
    "W U b V c",
    "A window starts from the last state of the window before it, where h[0] = 0 belongs.",
    accept=(
        r"(window|h\[w).*before",
        r"h\[[wg] - 1",
        instead("h[T] or h[w - 1, T]", "h[0] or h[w, 0] or 0"),
        r"not reset",
    ),
)
def state_is_not_reset_between_windows(params, data):
    W, U, V = params["W"], params["U"], params["V"]
    total, h = zeros(params), np.zeros_like(params["b"])
    for x, y in zip(data["x"], data["y"], strict=True):
        hs = [h]
        for x_t in x:
            h = np.tanh(W @ h + U @ x_t + params["b"])
            hs.append(h)
        for name, part in window_gradients(params, x, hs, 2 * (V @ h + params["c"] - y)).items():
            total[name] += part
    return total


@wrong(
    "weather-rnn-minibatch",
    "b",
    "db is overwritten at each step on the way back: only t = 1 of its sum over t is left.",
    accept=(only("t = 1"),),
)
def hidden_bias_of_the_batch_is_overwritten(params, data):
    x, h = data["x"], batch_of_states(params, data["x"])
    dy = 2 * (h[-1] @ params["V"].T + params["c"] - data["y"])
    dW, dU = np.zeros_like(params["W"]), np.zeros_like(params["U"])
    dh = dy @ params["V"]
    for t in reversed(range(x.shape[1])):
        dz = dh * (1 - h[t + 1] ** 2)
        dW += np.einsum("bi,bj->ij", dz, h[t])
        dU += np.einsum("bi,bk->ik", dz, x[:, t])
        db = np.einsum("bi->i", dz)
        dh = np.einsum("bi,ij->bj", dz, params["W"])
    return {"W": dW, "U": dU, "b": db, "V": dy.T @ h[-1], "c": dy.sum(0)}


@wrong(
    "weather-rnn-minibatch",
    "W U b",
    "What is carried back is W delta[t+1], written for rows; W^T delta[t+1] belongs there.",
    accept=(instead("W", "W^T"), rf"\b{said('W')}.*{TRANSPOSED}", rf"{TRANSPOSED}.*{said('W')}"),
)
class RowsTimesTransposedMatrix:
    def forward(self, params, data):
        h = batch_of_states(params, data["x"])
        error = h[-1] @ params["V"].T + params["c"] - data["y"]
        return np.sum(error**2), (h, error)

    def backward(self, params, data, cache):
        h, error = cache
        dout = 2 * error
        g = {**zeros(params), "V": dout.T @ h[-1], "c": np.sum(dout, axis=0)}
        dh = dout @ params["V"]
        for t in range(len(h) - 1, 0, -1):
            dz = dh * (1 - h[t] ** 2)
            g["W"] += dz.T @ h[t - 1]
            g["U"] += dz.T @ data["x"][:, t - 1]
            g["b"] += np.sum(dz, axis=0)
            dh = dz @ params["W"].T
        return g


@wrong(
    "weather-rnn-minibatch",
    "W U b V c",
    "nabla_yhat lacks the factor 2 of the square's derivative.",
    accept=(without("2"), divided_by("2"), HALVED),
)
def windows_without_the_two(params, data):
    total = zeros(params)
    for i in range(len(data["y"])):
        h = states(params, data["x"][i])
        part = window_gradients(params, data["x"][i], h, params["V"] @ h[-1] + params["c"] - data["y"][i])
        total = {name: total[name] + part[name] for name in total}
    return total


# sine-rnn ---------------------------------------------------------------------------------------------------------


def sine_states(params, x):
    """The right states, from s[0] = 0 on."""
    s = [np.zeros_like(params["W"][0])]
    for t, number in enumerate(x):
        s.append(1 / (1 + np.exp(-(params["W"] @ s[-1] + params["U"][:, t] * number))))
    return s


@wrong(
    "sine-rnn",
    "W U",
    "delta[t] has tanh's derivative 1 - h[t]^2, where the sigmoid's h[t] (1 - h[t]) belongs.",
    accept=(instead("1 - h[t]^2", "h[t] * (1 - h[t]) or (1 - h[t]) * h[t]"),),
)
def sine_with_the_slope_of_tanh(params, data):
    U, W, V, x = params["U"], params["W"], params["V"], data["x"]
    s = sine_states(params, x)
    dmulv = V @ s[-1] - data["y"]
    dU, dW, ds = np.zeros_like(U), np.zeros_like(W), V.T @ dmulv
    for t in range(len(x), 0, -1):
        dadd = (1 - s[t] ** 2) * ds
        dU[:, t - 1] = dadd * x[t - 1]
        dW += np.outer(dadd, s[t - 1])
        ds = W.T @ dadd
    return {"U": dU, "W": dW, "V": np.outer(dmulv, s[-1])}


@wrong(
    "sine-rnn",
    "W U V",
    "nabla_yhat is 2 (yhat - y): the loss is half the square, so the factor 2 does not belong there.",
    accept=(times("2"), r"without the factor 1/2", DOUBLED),
)
def sine_error_is_doubled(params, data):
    x, s = data["x"], sine_states(params, data["x"])
    dy = 2 * (params["V"] @ s[-1] - data["y"])
    g = {**zeros(params), "V": np.outer(dy, s[-1])}
    ds = dy @ params["V"]
    for t in reversed(range(len(x))):
        da = ds * s[t + 1] * (1 - s[t + 1])
        g["W"] += np.outer(da, s[t])
        g["U"][:, t] += da * x[t]
        ds = da @ params["W"]
    return g


@wrong(
    "sine-rnn",
    "W U V",
    "nabla_yhat is y - yhat, which has the opposite sign.",
    accept=(OPPOSITE_SIGN, instead("y - yhat", "yhat - y")),
)
def sine_error_the_other_way_round(params, data):
    x, s = data["x"], sine_states(params, data["x"])
    error = data["y"] - params["V"] @ s[-1]
    dU, dW, da = np.zeros_like(params["U"]), np.zeros_like(params["W"]), None
    for t in range(len(x) - 1, -1, -1):
        ds = params["V"].T @ error if da is None else params["W"].T @ da
        da = ds * s[t + 1] * (1 - s[t + 1])
        dU[:, t] = da * x[t]
        dW += np.outer(da, s[t])
    return {"U": dU, "W": dW, "V": np.outer(error, s[-1])}


@wrong(
    "sine-rnn",
    "U",
    "Column t of dU is delta[t]: the factor x[t] is missing.",
    accept=(without("x[t] or x[s] or x"),),
)
def column_without_its_number(params, data):
    T, s = len(data["x"]), sine_states(params, data["x"])
    diff = params["V"].dot(s[T]) - data["y"]
    dW, columns, ds = 0, [], params["V"].T.dot(diff)
    for t in range(T, 0, -1):
        da = ds * (s[t] - s[t] ** 2)
        columns.insert(0, da)
        dW = dW + np.outer(da, s[t - 1])
        ds = params["W"].T.dot(da)
    return {"U": np.stack(columns, axis=1), "W": dW, "V": np.outer(diff, s[T])}


@wrong(
    "sine-rnn",
    "W",
    "dW multiplies delta[t] by h[t], where h[t-1] belongs.",
    accept=(instead("h[t] or h[t]^T", "h[t - 1] or h[t - 1]^T"),),
)
def sine_weights_take_the_new_state(params, data):
    x, s = data["x"], np.array(sine_states(params, data["x"]))
    dy = params["V"] @ s[-1] - data["y"]
    da, ds = np.zeros_like(s[1:]), params["V"].T @ dy
    for t in reversed(range(len(x))):
        da[t] = s[t + 1] * (1 - s[t + 1]) * ds
        ds = params["W"].T @ da[t]
    return {"U": da.T * x, "W": da.T @ s[1:], "V": np.outer(dy, s[-1])}


@wrong(
    "sine-rnn",
    "W U",
    "delta[t] is nabla_h[t] itself: the sigmoid's derivative h[t] (1 - h[t]) is missing.",
    accept=(without("h[t] * (1 - h[t]) or (1 - h[t]) * h[t]"), instead("1", "h[t] * (1 - h[t])")),
)
def sine_without_any_slope(params, data):
    x, s = data["x"], sine_states(params, data["x"])
    dmulv = params["V"] @ s[-1] - data["y"]
    g, ds = {**zeros(params), "V": np.outer(dmulv, s[-1])}, params["V"].T @ dmulv
    for t in reversed(range(len(x))):
        g["U"][:, t] = ds * x[t]
        g["W"] += np.outer(ds, s[t])
        ds = params["W"].T @ ds
    return g


@wrong(
    "sine-rnn",
    "U",
    "Column t of dU has the number of the step before, x[t-1], where x[t] belongs.",
    accept=(instead("x[t - 1] or x[s - 1]", "x[t] or x[s]"),),
)
def column_with_the_number_before(params, data):
    x, s = data["x"], sine_states(params, data["x"])
    dmulv = params["V"] @ s[-1] - data["y"]
    dU, dW, ds = np.zeros_like(params["U"]), np.zeros_like(params["W"]), params["V"].T @ dmulv
    for t in range(len(x) - 1, -1, -1):
        dadd = ds * s[t + 1] * (1 - s[t + 1])
        dW += np.outer(dadd, s[t])
        if t > 0:
            dU[:, t] = dadd * x[t - 1]
        ds = params["W"].T @ dadd
    return {"U": dU, "W": dW, "V": np.outer(dmulv, s[-1])}
