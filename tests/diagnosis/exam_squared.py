"""Wrong gradients of tanh networks under a squared error: at every step, half of it, or at the last step only."""

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


def through_time(params, x, h, dy):
    """The right backward pass from dy (T, m), the derivatives by the outputs, for cases whose mistake is in dy."""
    g, carry = zeros(params), 0
    for t in reversed(range(len(x))):
        dz = (1 - h[t + 1] ** 2) * (params["V"].T @ dy[t] + carry)
        g["W"] += np.outer(dz, h[t])
        g["U"] += np.outer(dz, x[t])
        g["b"] += dz
        carry = params["W"].T @ dz
    return {**g, "V": dy.T @ h[1:], "c": dy.sum(axis=0)}


# At every step ----------------------------------------------------------------------------------------------------


@wrong(
    "rnn-tanh-each-squared",
    "W U b V c",
    "nabla_yhat[t] is yhat[t] - y[t]: the factor 2 of the square's derivative is missing.",
    accept=(without("2"), divided_by("2"), HALVED),
)
def square_loses_its_two(params, data):
    h = states(params, data["x"])
    yhat = h[1:] @ params["V"].T + params["c"]
    return through_time(params, data["x"], h, yhat - data["y"])


@wrong(
    "rnn-tanh-each-squared",
    "W U b V c",
    "nabla_yhat[t] is 2 (y[t] - yhat[t]), which has the opposite sign.",
    accept=(OPPOSITE_SIGN, instead("y[t] - yhat[t]", "yhat[t] - y[t]")),
)
class TargetMinusOutput:
    def forward(self, params, data):
        h = states(params, data["x"])
        error = data["y"] - (h[1:] @ params["V"].T + params["c"])
        return (error**2).sum(), (h, error)

    def backward(self, params, data, cache):
        h, error = cache
        return through_time(params, data["x"], h, 2 * error)


@wrong(
    "rnn-tanh-each-squared",
    "W U b V c",
    "nabla_yhat[t] is divided by T, as if the loss were the mean over the steps; it is their sum.",
    accept=(divided_by("T"),),
)
def mean_over_the_steps_is_assumed(params, data):
    x, y, h = data["x"], data["y"], states(params, data["x"])
    T = x.shape[0]
    out = np.stack([params["V"] @ h[t] + params["c"] for t in range(1, T + 1)])
    return through_time(params, x, h, 2.0 / T * (out - y))


@wrong(
    "rnn-tanh-each-squared",
    "W U b V c",
    "nabla_yhat[t] is divided by the number m of outputs, as if each step had a mean; it is a sum.",
    accept=(divided_by("m"),),
)
def mean_over_the_outputs_is_assumed(params, data):
    h = states(params, data["x"])
    out = h[1:] @ params["V"].T + params["c"]
    dy = 2 * (out - data["y"]) / out.shape[1]
    return through_time(params, data["x"], h, dy)


@wrong(
    "rnn-tanh-each-squared",
    "W U b",
    "Only the last output's error goes back through time: V^T nabla_yhat[t] is missing in nabla_h[t] for t < T.",
    accept=(
        without("V^T or seen or seen[t] or nabla_yhat[t] or V^T * nabla_yhat[t]"),
        only("W^T or carry or carry[t] or nabla_yhat[T] or t = T"),
    ),
)
def errors_before_the_last_do_not_go_back(params, data):
    x, V, W = data["x"], params["V"], params["W"]
    h = states(params, x)
    e = 2 * (h[1:] @ V.T + params["c"] - data["y"])
    g = {**zeros(params), "V": e.T @ h[1:], "c": e.sum(0)}
    dh = e[-1] @ V
    for t in range(len(x) - 1, -1, -1):
        da = dh * (1 - h[t + 1] ** 2)
        g["W"] += np.outer(da, h[t])
        g["U"] += np.outer(da, x[t])
        g["b"] += da
        dh = da @ W
    return g


@wrong(
    "rnn-tanh-each-squared",
    "V",
    "dV multiplies nabla_yhat[t] by h[t-1], where h[t] belongs.",
    accept=(instead("h[t - 1] or h[t - 1]^T", "h[t] or h[t]^T"),),
)
def outputs_meet_the_state_one_too_early(params, data):
    x, h = data["x"], states(params, data["x"])
    e = 2 * (h[1:] @ params["V"].T + params["c"] - data["y"])
    dV = np.zeros_like(params["V"])
    for t in range(len(x)):
        dV += e[t][:, None] * h[t][None, :]
    return {**through_time(params, x, h, e), "V": dV}


@wrong(
    "rnn-tanh-each-squared",
    "U b",
    "The loop backward stops at t = 2: the sums over t in dU and db lack t = 1.",
    accept=(without("t = 1"), r"\bt (>=|from) ?2|t = 2\.\."),
)
def loop_stops_before_the_first_step(params, data):
    x, y, h = data["x"], data["y"], states(params, data["x"])
    V, W = params["V"], params["W"]
    dy = [2 * (V @ s + params["c"] - target) for s, target in zip(h[1:], y, strict=True)]
    dW, dU, db, back = np.zeros_like(W), np.zeros_like(params["U"]), np.zeros_like(params["b"]), 0
    for t in range(len(x), 1, -1):
        dz = (1 - h[t] ** 2) * (V.T @ dy[t - 1] + back)
        dW += np.outer(dz, h[t - 1])
        dU += np.outer(dz, x[t - 1])
        db += dz
        back = W.T @ dz
    return {"W": dW, "U": dU, "b": db, "V": np.array(dy).T @ h[1:], "c": sum(dy)}


@wrong(
    "rnn-tanh-each-squared",
    "W U b",
    "nabla_h[t] adds V^T of all errors from t to T up, beside what is carried; only V^T nabla_yhat[t] belongs there.",
    accept=(r"nabla_yhat\[(t \+ 1|tau)\]", r"(added|counted) (again|twice|more than once)", r"\bcumulat|\baccumulat"),
)
def errors_pile_up_on_the_way_back(params, data):
    x, h = data["x"], states(params, data["x"])
    e = 2 * (h[1:] @ params["V"].T + params["c"] - data["y"])
    g = {**zeros(params), "V": e.T @ h[1:], "c": e.sum(0)}
    dy, carry = np.zeros_like(e[0]), 0
    for t in reversed(range(len(x))):
        dy = dy + e[t]
        dz = (1 - h[t + 1] ** 2) * (params["V"].T @ dy + carry)
        g["W"] += np.outer(dz, h[t])
        g["U"] += np.outer(dz, x[t])
        g["b"] += dz
        carry = params["W"].T @ dz
    return g


# Half of it -------------------------------------------------------------------------------------------------------


@wrong(
    "rnn-tanh-each-half-squared",
    "W U b V c",
    "nabla_yhat[t] is 2 (yhat[t] - y[t]): the half in the loss has taken the factor 2 away.",
    accept=(times("2"), r"without the factor 1/2", DOUBLED),
)
def half_is_forgotten(params, data):
    h = states(params, data["x"])
    difference = h[1:] @ params["V"].T + params["c"] - data["y"]
    return through_time(params, data["x"], h, difference + difference)


@wrong(
    "rnn-tanh-each-half-squared",
    "U",
    "dU has nabla_h[t], where delta[t] = (1 - h[t]^2) nabla_h[t] belongs.",
    accept=(instead("nabla_h[t]", "delta[t]"), without("1 - h[t]^2")),
)
def input_weights_take_the_gradient_before_the_slope(params, data):
    x, h = data["x"], states(params, data["x"])
    dy = h[1:] @ params["V"].T + params["c"] - data["y"]
    g, dprev = zeros(params), np.zeros_like(h[0])
    for t in reversed(range(len(x))):
        dh = params["V"].T @ dy[t] + dprev
        g["U"] += np.outer(dh, x[t])
        dh_raw = dh * (1 - h[t + 1] ** 2)
        g["W"] += np.outer(dh_raw, h[t])
        g["b"] += dh_raw
        dprev = params["W"].T @ dh_raw
    return {**g, "V": dy.T @ h[1:], "c": dy.sum(0)}


# At the last step -------------------------------------------------------------------------------------------------


@wrong(
    "rnn-tanh-last-squared",
    "V",
    "dV lacks the factor 2, which nabla_yhat has everywhere else.",
    accept=(without("2"), divided_by("2"), HALVED),
)
def output_weights_lose_the_two(params, data):
    x, h = data["x"], states(params, data["x"])
    error = params["V"] @ h[-1] + params["c"] - data["y"]
    g = {**zeros(params), "V": np.outer(error, h[-1]), "c": 2 * error}
    dh = 2 * params["V"].T @ error
    for t in range(len(x), 0, -1):
        dz = dh * (1 - h[t] ** 2)
        g["W"] += np.outer(dz, h[t - 1])
        g["U"] += np.outer(dz, x[t - 1])
        g["b"] += dz
        dh = params["W"].T @ dz
    return g


@wrong(
    "rnn-tanh-last-squared",
    "W U b",
    "nabla_h[t] is W delta[t+1]; W must be transposed.",
    accept=(instead("W", "W^T"), rf"\b{said('W')}.*{TRANSPOSED}", rf"{TRANSPOSED}.*{said('W')}"),
)
def carried_by_rows_instead_of_columns(params, data):
    Whh, x, T = params["W"], data["x"], len(data["x"])
    h = states(params, x)
    dy = 2 * (params["V"].dot(h[T]) + params["c"] - data["y"])
    nabla_h = np.zeros_like(h)
    nabla_h[T] = params["V"].T.dot(dy)
    for t in range(T - 1, 0, -1):
        nabla_h[t] = Whh.dot((1 - h[t + 1] ** 2) * nabla_h[t + 1])
    d = (1 - h[1:] ** 2) * nabla_h[1:]
    return {"W": d.T @ h[:-1], "U": d.T @ x, "b": d.sum(0), "V": np.outer(dy, h[T]), "c": dy}


@wrong(
    "rnn-tanh-last-squared",
    "V",
    "dV multiplies by h[T-1], where the last state h[T] belongs.",
    accept=(instead("h[T - 1] or h[T - 1]^T or h[t - 1]", "h[T] or h[T]^T or h[t]"),),
)
def output_weights_take_the_last_state_but_one(params, data):
    x, h = data["x"], states(params, data["x"])
    dy = 2 * (h[-1] @ params["V"].T + params["c"] - data["y"])
    g = {**zeros(params), "V": np.outer(dy, h[len(x) - 1]), "c": dy}
    dh = dy @ params["V"]
    for xt, prev, new in zip(x[::-1], h[-2::-1], h[:0:-1], strict=True):
        dz = dh * (1 - new**2)
        g["W"] += np.outer(dz, prev)
        g["U"] += np.outer(dz, xt)
        g["b"] += dz
        dh = dz @ params["W"]
    return g


@wrong(
    "rnn-tanh-last-squared",
    "b",
    "db is overwritten at each step on the way back: only t = 1 of its sum over t is left.",
    accept=(only("t = 1 or delta[1]"),),
)
def hidden_bias_is_overwritten(params, data):
    x, h = data["x"], states(params, data["x"])
    dy = 2 * (params["V"] @ h[-1] + params["c"] - data["y"])
    dW, dU = np.zeros_like(params["W"]), np.zeros_like(params["U"])
    dh = params["V"].T @ dy
    for t in reversed(range(len(x))):
        db = dh * (1 - h[t + 1] ** 2)
        dW += np.outer(db, h[t])
        dU += np.outer(db, x[t])
        dh = params["W"].T @ db
    return {"W": dW, "U": dU, "b": db, "V": np.outer(dy, h[-1]), "c": dy}


@wrong(
    "rnn-tanh-last-squared",
    "U",
    "dU takes the last input x[T] at every step, where x[t] belongs: the name is left from the forward loop.",
    accept=(instead("x[T] or x[T]^T", "x[t] or x[t]^T"),),
)
def input_is_left_from_the_forward_loop(params, data):
    W, U, V, b = (params[name] for name in "WUVb")
    hs = [np.zeros_like(b)]
    for x_t in data["x"]:
        hs.append(np.tanh(W @ hs[-1] + U @ x_t + b))
    dy = 2 * (V @ hs[-1] + params["c"] - data["y"])
    g = {**zeros(params), "V": np.outer(dy, hs[-1]), "c": dy}
    dh = V.T @ dy
    for t in range(len(hs) - 1, 0, -1):
        dz = (1 - hs[t] ** 2) * dh
        g["W"] += np.outer(dz, hs[t - 1])
        g["U"] += np.outer(dz, x_t)
        g["b"] += dz
        dh = W.T @ dz
    return g


@wrong(
    "rnn-tanh-last-squared",
    "W U b",
    "delta[t] has 1 - h[t], where tanh's derivative 1 - h[t]^2 belongs.",
    accept=(instead("1 - h[t]", "1 - h[t]^2"), instead("h[t]", "h[t]^2"), r"(without|missing) the square"),
)
def square_is_missing_in_the_slope(params, data):
    x, h = data["x"], states(params, data["x"])
    dy = 2 * (params["V"] @ h[-1] + params["c"] - data["y"])
    g = {**zeros(params), "V": np.outer(dy, h[-1]), "c": dy}
    dh = params["V"].T @ dy
    for t in range(len(x), 0, -1):
        dz = (1 - h[t]) * dh
        g["W"] += np.outer(dz, h[t - 1])
        g["U"] += np.outer(dz, x[t - 1])
        g["b"] += dz
        dh = params["W"].T @ dz
    return g


@wrong(
    "rnn-tanh-last-squared",
    "W U b",
    "The sums over t in dW, dU and db have the last step only: nothing goes back through time.",
    accept=(only("t = T or the last or delta[T]"), without("t < T"), r"zero, in carry"),
)
def last_step_alone(params, data):
    h = states(params, data["x"])
    dy = 2 * (params["V"] @ h[-1] + params["c"] - data["y"])
    dz = (1 - h[-1] ** 2) * (params["V"].T @ dy)
    return {"W": np.outer(dz, h[-2]), "U": np.outer(dz, data["x"][-1]), "b": dz, "V": np.outer(dy, h[-1]), "c": dy}


@wrong(
    "rnn-tanh-last-squared",
    "W",
    "dW multiplies each delta[t] by the last state h[T], where h[t-1] belongs.",
    accept=(instead("h[T] or h[T]^T", "h[t - 1] or h[t - 1]^T"),),
)
def recurrent_weights_always_take_the_last_state(params, data):
    x, h = data["x"], states(params, data["x"])
    last = h[-1]
    dy = 2 * (params["V"] @ last + params["c"] - data["y"])
    g = {**zeros(params), "V": np.outer(dy, last), "c": dy}
    dh = params["V"].T @ dy
    for t in reversed(range(len(x))):
        dz = dh * (1 - h[t + 1] * h[t + 1])
        g["W"] += np.outer(dz, last)
        g["U"] += np.outer(dz, x[t])
        g["b"] += dz
        dh = params["W"].T @ dz
    return g
