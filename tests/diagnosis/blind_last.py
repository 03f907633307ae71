"""Wrong gradients of a recurrent network under the squared error of its last output."""

import numpy as np

from tests.diagnosis.blind_case import states, wrong, zeros
from tests.diagnosis.wording import OPPOSITE_SIGN, instead, only, said, without


@wrong(
    "rnn-tanh-last-squared",
    "W U b",
    "The recursion of nabla_h lacks diag(1 - h[t+1]^2): it is W^T nabla_h[t+1] alone.",
    accept=(without("1 - h[t + 1]^2"), instead("nabla_h[t + 1]", "delta[t + 1]")),
)
def recursion_without_slope(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    h, T = states(params, x), len(x)
    error = 2 * (V @ h[T] + params["c"] - data["y"])
    nabla_h = [V.T @ error]
    for _ in range(T - 1):
        nabla_h.insert(0, W.T @ nabla_h[0])
    delta = (1 - h[1:] ** 2) * np.array(nabla_h)
    return {"W": delta.T @ h[:-1], "U": delta.T @ x, "V": np.outer(error, h[T]), "b": delta.sum(0), "c": error}


@wrong(
    "rnn-tanh-last-squared",
    "W U b",
    "The recursion of nabla_h[t] has the slope at h[t]; it must be that at h[t+1].",
    accept=(instead("h[t] or 1 - h[t]^2 or h[t]^2", "h[t + 1] or 1 - h[t + 1]^2 or h[t + 1]^2"),),
)
def recursion_with_slope_of_the_wrong_step(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    h, T = states(params, x), len(x)
    error = 2 * (V @ h[T] + params["c"] - data["y"])
    nabla_h = np.zeros_like(h)
    nabla_h[T] = V.T @ error
    for t in range(T - 1, 0, -1):
        nabla_h[t] = W.T @ np.diag(1 - h[t] ** 2) @ nabla_h[t + 1]
    delta = ((1 - h**2) * nabla_h)[1:]
    return {"W": delta.T @ h[:-1], "U": delta.T @ x, "V": np.outer(error, h[T]), "b": delta.sum(0), "c": error}


@wrong(
    "rnn-tanh-last-squared",
    "W U b",
    "W^T and diag(1 - h[t+1]^2) are exchanged: the slope is applied after W^T.",
    accept=(r"h\[t \+ 1\] along the wrong axis.* in carry", r"nabla_h\[t \+ 1\] already multiplied"),
)
def slope_and_weights_exchanged(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    h, T = states(params, x), len(x)
    grads = zeros(params)
    error = 2 * (V @ h[T] + params["c"] - data["y"])
    dh = V.T @ error
    for t in range(T, 0, -1):
        grads["W"] += np.outer((1 - h[t] ** 2) * dh, h[t - 1])
        grads["U"] += np.outer((1 - h[t] ** 2) * dh, x[t - 1])
        grads["b"] += (1 - h[t] ** 2) * dh
        dh = (1 - h[t] ** 2) * (W.T @ dh)
    return {**grads, "V": np.outer(error, h[T]), "c": error}


@wrong(
    "rnn-tanh-last-squared",
    "W U b",
    "V^T nabla_yhat is added at every step; only the last step has an output in the loss.",
    accept=(r"added at every step",),
)
def error_of_the_last_step_added_everywhere(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    h, T = states(params, x), len(x)
    grads = zeros(params)
    dy = 2 * (V @ h[T] + params["c"] - data["y"])
    dh_next = np.zeros_like(h[0])
    for t in reversed(range(T)):
        dh = V.T @ dy + dh_next
        draw = (1 - h[t + 1] ** 2) * dh
        grads["W"] += np.outer(draw, h[t])
        grads["U"] += np.outer(draw, x[t])
        grads["b"] += draw
        dh_next = W.T @ draw
    return {**grads, "V": np.outer(dy, h[T]), "c": dy}


@wrong(
    "rnn-tanh-last-squared",
    "V",
    "The gradient of V adds up the states of all steps; the loss reads h[T] alone.",
    accept=(r"sum of h\[\w\] over all steps where h\[T\] belongs", r"added up over the steps", said("sum_t(h[t])")),
)
def output_weights_meet_every_state(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    h, T = states(params, x), len(x)
    grads = zeros(params)
    error = 2 * (V @ h[T] + params["c"] - data["y"])
    dh = V.T @ error
    for t in range(T, 0, -1):
        delta = (1 - h[t] ** 2) * dh
        grads["V"] += np.outer(error, h[t])
        grads["W"] += np.outer(delta, h[t - 1])
        grads["U"] += np.outer(delta, x[t - 1])
        grads["b"] += delta
        dh = W.T @ delta
    return {**grads, "c": error}


@wrong(
    "rnn-tanh-last-squared",
    "W",
    "The gradient of W has the term of the last step only, delta[T] h[T-1]^T.",
    accept=(only("t = T or step T"),),
)
def recurrent_weights_at_the_last_step_only(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    h, T = states(params, x), len(x)
    grads = zeros(params)
    error = 2 * (V @ h[T] + params["c"] - data["y"])
    dh = V.T @ error
    grads["W"] = np.outer((1 - h[T] ** 2) * dh, h[T - 1])
    for t in range(T, 0, -1):
        delta = (1 - h[t] ** 2) * dh
        grads["U"] += np.outer(delta, x[t - 1])
        grads["b"] += delta
        dh = W.T @ delta
    return {**grads, "V": np.outer(error, h[T]), "c": error}


@wrong(
    "rnn-tanh-last-squared",
    "W U b",
    "What goes back into h[T] is V^T yhat; it must be V^T 2 (yhat - y).",
    accept=(r"\byhat where (nabla_yhat|2\*yhat - 2\*y)", rf"{without('y or 2*y')}(?!.* in nabla_yhat)"),
)
def prediction_goes_back_in_place_of_the_error(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    h, T = states(params, x), len(x)
    grads = zeros(params)
    yhat = V @ h[T] + params["c"]
    error = 2 * (yhat - data["y"])
    carry = V.T @ yhat
    for t in range(T, 0, -1):
        delta = (1 - h[t] ** 2) * carry
        grads["W"] += np.outer(delta, h[t - 1])
        grads["U"] += np.outer(delta, x[t - 1])
        grads["b"] += delta
        carry = W.T @ delta
    return {**grads, "V": np.outer(error, h[T]), "c": error}


@wrong(
    "rnn-tanh-last-squared",
    "W U V b c",
    "The forward pass reads the sequence from its end: x[T] comes first.",
    accept=(r"steps of x in reversed order", r"x\[T( [+-] t)?( \+ 1)?( - t)?\] where x\[t\]"),
)
def sequence_read_from_its_end(params, data):
    W, V, x = params["W"], params["V"], data["x"][::-1]
    h, T = states(params, x), len(x)
    grads = zeros(params)
    error = 2 * (V @ h[T] + params["c"] - data["y"])
    carry = V.T @ error
    for t in range(T, 0, -1):
        delta = (1 - h[t] ** 2) * carry
        grads["W"] += np.outer(delta, h[t - 1])
        grads["U"] += np.outer(delta, x[t - 1])
        grads["b"] += delta
        carry = W.T @ delta
    return {**grads, "V": np.outer(error, h[T]), "c": error}


@wrong(
    "rnn-tanh-last-squared",
    "V",
    "The gradient of V alone has the wrong sign: -2 (yhat - y) h[T]^T.",
    accept=(OPPOSITE_SIGN,),
)
def output_weights_negative(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    h, grads = states(params, x), zeros(params)
    error = 2 * (V @ h[-1] + params["c"] - data["y"])
    grads["V"] -= np.outer(error, h[-1])
    carry = V.T @ error
    for t in range(len(x), 0, -1):
        delta = (1 - h[t] ** 2) * carry
        grads["W"] += np.outer(delta, h[t - 1])
        grads["U"] += np.outer(delta, x[t - 1])
        grads["b"] += delta
        carry = W.T @ delta
    return {**grads, "c": error}
