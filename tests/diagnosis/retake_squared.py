"""Wrong gradients of rnn-tanh-each-squared, the tanh network under the squared errors of all its outputs."""

import numpy as np

from tests.diagnosis.blind_case import states, wrong, zeros
from tests.diagnosis.wording import (
    FROM_THE_OTHER_END,
    HALVED,
    NOT_ADDED_UP,
    OPPOSITE_SIGN,
    divided_by,
    instead,
    only,
    taken_as_zero,
    without,
)


@wrong(
    "rnn-tanh-each-squared",
    "W U V b c",
    "nabla_yhat[t] is yhat[t] - y[t], without the factor 2 of the squared error.",
    accept=(HALVED,),
)
class ErrorForItsDouble:
    def forward(self, params, data):
        h = states(params, data["x"])
        error = h[1:] @ params["V"].T + params["c"] - data["y"]
        return np.sum(error**2), (h, error)

    def backward(self, params, data, cache):
        h, error = cache
        dz, carry = np.empty_like(h[1:]), 0
        for t in range(len(error) - 1, -1, -1):
            dz[t] = (1 - h[t + 1] ** 2) * (error[t] @ params["V"] + carry)
            carry = dz[t] @ params["W"]
        return {
            "W": dz.T @ h[:-1],
            "U": dz.T @ data["x"],
            "b": dz.sum(axis=0),
            "V": error.T @ h[1:],
            "c": error.sum(axis=0),
        }


@wrong(
    "rnn-tanh-each-squared",
    "W U V b c",
    "nabla_yhat[t] is 2 (y[t] - yhat[t]): the sign is reversed.",
    accept=(OPPOSITE_SIGN, instead("y[t] - yhat[t]", "yhat[t] - y[t]")),
)
def target_less_output(params, data):
    W, U, V, b, c = (params[k] for k in "WUVbc")
    x, y = data["x"], data["y"]
    T = len(x)
    h = {0: np.zeros_like(b)}
    err = {}
    for t in range(1, T + 1):
        h[t] = np.tanh(W.dot(h[t - 1]) + U.dot(x[t - 1]) + b)
        err[t] = y[t - 1] - (V.dot(h[t]) + c)
    g = {k: np.zeros_like(v) for k, v in params.items()}
    back = np.zeros_like(b)
    for t in sorted(err, reverse=True):
        g["V"] += 2 * np.outer(err[t], h[t])
        g["c"] += 2 * err[t]
        delta = (V.T.dot(2 * err[t]) + back) * (1 - h[t] ** 2)
        g["W"] += np.outer(delta, h[t - 1])
        g["U"] += np.outer(delta, x[t - 1])
        g["b"] += delta
        back = W.T.dot(delta)
    return g


@wrong(
    "rnn-tanh-each-squared",
    "W U V b c",
    "Everything is divided by T: the mean over the steps, where the loss is their sum.",
    accept=(divided_by("T"),),
)
def loss_taken_as_mean_over_steps(params, data):
    V, W = params["V"], params["W"]
    h = states(params, data["x"])
    grad_out = 2 / len(data["y"]) * (h[1:] @ V.T + params["c"] - data["y"])
    grads, grad_h = zeros(params), np.zeros_like(h[0])
    for t, g in reversed(list(enumerate(grad_out))):
        grad_h = grad_h + V.T @ g
        grad_a = grad_h * (1 - np.square(h[t + 1]))
        grads["W"] += np.outer(grad_a, h[t])
        grads["U"] += np.outer(grad_a, data["x"][t])
        grads["b"] += grad_a
        grad_h = W.T @ grad_a
    grads["V"], grads["c"] = grad_out.T @ h[1:], grad_out.sum(axis=0)
    return grads


@wrong(
    "rnn-tanh-each-squared",
    "W U b",
    "carry[t] is W delta[t+1]; in rows, delta W is right and delta W^T is wrong.",
    accept=(instead("W", "W^T"),),
)
def rows_times_transposed_weights(params, data):
    h = states(params, data["x"])
    d_out = 2 * (h[1:] @ params["V"].T + params["c"] - data["y"])
    d_next = np.zeros((1, len(params["b"])), h.dtype)
    rows = []
    for t in range(len(d_out) - 1, -1, -1):
        d_h = d_out[t : t + 1] @ params["V"] + d_next
        d_z = d_h * (1 - h[t + 1 : t + 2] ** 2)
        rows.insert(0, d_z)
        d_next = d_z @ params["W"].T
    d_z = np.concatenate(rows)
    return {
        "W": d_z.T @ h[:-1],
        "U": d_z.T @ data["x"],
        "V": d_out.T @ h[1:],
        "b": d_z.sum(0),
        "c": d_out.sum(0),
    }


@wrong(
    "rnn-tanh-each-squared",
    "W U b",
    "nabla_h[t] before the last step is carry[t] alone: the term V^T nabla_yhat[t] of its own output is left out.",
    accept=(
        without("seen[t] or seen or V^T or V^T*nabla_yhat[t] or nabla_yhat[t] or V"),
        taken_as_zero("seen[t] or seen"),
        only("carry[t] or carry"),
        instead("carry[t]", "nabla_h[t]"),
    ),
)
def only_the_last_output_enters_the_states(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    h = states(params, x)
    dy = 2 * (h[1:] @ V.T + params["c"] - data["y"])
    grads = zeros(params)
    dh = V.T @ dy[-1]
    for t in range(len(x), 0, -1):
        grads["V"] += np.outer(dy[t - 1], h[t])
        grads["c"] += dy[t - 1]
        dz = dh * (1 - h[t] ** 2)
        grads["W"] += np.outer(dz, h[t - 1])
        grads["U"] += np.outer(dz, x[t - 1])
        grads["b"] += dz
        dh = W.T @ dz
    return grads


@wrong(
    "rnn-tanh-each-squared",
    "V",
    "The gradient of V has the last step only, 2 (yhat[T] - y[T]) h[T]^T, without the sum over t.",
    accept=(only("t = T"), NOT_ADDED_UP),
)
def output_weights_from_the_last_step(params, data):
    W, V, h = params["W"], params["V"], states(params, data["x"])
    yhat = [V @ h_t + params["c"] for h_t in h[1:]]
    dy = 2 * (np.array(yhat) - data["y"])
    delta, carry = [], np.zeros_like(h[0])
    for h_t, dy_t in zip(h[:0:-1], dy[::-1], strict=True):
        delta.append((dy_t @ V + carry) * (1 - h_t**2))
        carry = delta[-1] @ W
    delta = np.array(delta[::-1])
    dV = np.outer(dy[-1], h[-1])
    return {"W": delta.T @ h[:-1], "U": delta.T @ data["x"], "V": dV, "b": delta.sum(axis=0), "c": dy.sum(axis=0)}


@wrong(
    "rnn-tanh-each-squared",
    "W U V b c",
    "The outputs are computed as V h[t], without the bias c.",
    accept=(without("c"),),
)
def outputs_without_their_bias(params, data):
    x, y, V = data["x"], data["y"], params["V"]
    h, grads = states(params, x), zeros(params)
    dh_next = np.zeros_like(h[0])
    for step in range(len(x)):
        t = len(x) - 1 - step
        prediction = V @ h[t + 1]
        d = 2 * (prediction - y[t])
        grads["c"] += d
        grads["V"] += np.outer(d, h[t + 1])
        dz = (V.T @ d + dh_next) * (1 - h[t + 1] ** 2)
        grads["b"] += dz
        grads["U"] += np.outer(dz, x[t])
        grads["W"] += np.outer(dz, h[t])
        dh_next = params["W"].T @ dz
    return grads


@wrong(
    "rnn-tanh-each-squared",
    "U",
    "The gradient of U multiplies delta[t] by the input x[t-1] of the step before, where x[t] belongs.",
    accept=(instead("x[t - 1]", "x[t]"), FROM_THE_OTHER_END),
)
def input_of_the_step_before(params, data):
    x, h = data["x"], states(params, data["x"])
    residual = h[1:] @ params["V"].T + params["c"] - data["y"]
    grads, carry = zeros(params), np.zeros_like(h[0])
    for t in reversed(range(len(x))):
        grads["V"] += 2 * np.outer(residual[t], h[t + 1])
        grads["c"] += 2 * residual[t]
        delta = (1 - h[t + 1] ** 2) * (2 * params["V"].T @ residual[t] + carry)
        grads["W"] += np.outer(delta, h[t])
        grads["U"] += np.outer(delta, x[t - 1])
        grads["b"] += delta
        carry = params["W"].T @ delta
    return grads
