"""Wrong gradients of recurrent networks under squared error at each step, or half of it."""

import numpy as np

from tests.diagnosis.blind_case import states, wrong, zeros
from tests.diagnosis.wording import HALVED, OPPOSITE_SIGN, divided_by, instead, only, said, without


def back_through_tanh(params, x, h, dy):
    """The right backward pass from the gradients dy (T, m) by the outputs on."""
    grads, carry = zeros(params), 0
    for t in range(len(x), 0, -1):
        delta = (1 - h[t] ** 2) * (params["V"].T @ dy[t - 1] + carry)
        grads["W"] += np.outer(delta, h[t - 1])
        grads["U"] += np.outer(delta, x[t - 1])
        grads["V"] += np.outer(dy[t - 1], h[t])
        grads["b"] += delta
        grads["c"] += dy[t - 1]
        carry = params["W"].T @ delta
    return grads


@wrong(
    "rnn-tanh-each-squared",
    "W U V b c",
    "The derivative of the square lacks its factor 2: nabla_yhat = yhat - y.",
    accept=(HALVED,),
)
def two_of_the_square_forgotten(params, data):
    h = states(params, data["x"])
    yhat = h[1:] @ params["V"].T + params["c"]
    return back_through_tanh(params, data["x"], h, yhat - data["y"])


@wrong(
    "rnn-tanh-each-squared",
    "W U V b c",
    "The gradient is divided by the number of steps T; the loss is a sum over t.",
    accept=(divided_by("T"),),
)
def averaged_over_the_steps(params, data):
    x, y = data["x"], data["y"]
    h = states(params, x)
    yhat = h[1:] @ params["V"].T + params["c"]
    dy = 2 * (yhat - y) / len(y)
    return back_through_tanh(params, x, h, dy)


@wrong(
    "rnn-tanh-each-squared",
    "W U V b c",
    "The sign is wrong: nabla_yhat is 2 (y - yhat) for 2 (yhat - y).",
    accept=(OPPOSITE_SIGN,),
)
def target_minus_prediction(params, data):
    h = states(params, data["x"])
    errors = [2 * (y - (params["V"] @ s + params["c"])) for y, s in zip(data["y"], h[1:], strict=True)]
    return back_through_tanh(params, data["x"], h, errors)


@wrong(
    "rnn-tanh-each-squared",
    "W U V b",
    "Step t is held against the target y[t-1]; c, a sum over t, cannot see it.",
    accept=(instead("y[t - 1]", "y[t]"),),
)
def targets_one_step_late(params, data):
    h = states(params, data["x"])
    yhat = h[1:] @ params["V"].T + params["c"]
    dy = np.empty_like(yhat)
    for t in range(len(yhat)):
        dy[t] = 2 * (yhat[t] - data["y"][t - 1])
    return back_through_tanh(params, data["x"], h, dy)


@wrong(
    "rnn-tanh-each-squared",
    "W U V b c",
    "The bias c is left out of the prediction that is compared with the target.",
    accept=(rf"{without('c')}",),
)
def prediction_without_output_bias(params, data):
    h = states(params, data["x"])
    yhat = np.array([params["V"] @ s for s in h[1:]])
    return back_through_tanh(params, data["x"], h, 2 * (yhat - data["y"]))


@wrong(
    "rnn-tanh-each-squared",
    "V",
    "The gradient of V has one step only: it is assigned and not added up over t.",
    accept=(only("t = 1"), r"the first along T alone"),
)
def output_weights_overwritten(params, data):
    W, V, x, y = params["W"], params["V"], data["x"], data["y"]
    h, grads, dhnext = states(params, x), zeros(params), 0
    for t in reversed(range(len(x))):
        dy = 2 * (V @ h[t + 1] + params["c"] - y[t])
        dV = np.outer(dy, h[t + 1])
        dz = (V.T @ dy + dhnext) * (1 - h[t + 1] ** 2)
        grads["c"] += dy
        grads["b"] += dz
        grads["W"] += np.outer(dz, h[t])
        grads["U"] += np.outer(dz, x[t])
        dhnext = W.T @ dz
    return {**grads, "V": dV}


@wrong(
    "rnn-tanh-each-squared",
    "W U b",
    "The carry goes forwards in time, from step t to t+1; it has to come from t+1 to t.",
    accept=(r"forwards? in time", r"nabla_h\[t - 1\] where nabla_h\[t \+ 1\]"),
)
def carry_runs_forwards(params, data):
    W, V, x, y = params["W"], params["V"], data["x"], data["y"]
    h, grads, carry = states(params, x), zeros(params), 0
    for t in range(1, len(x) + 1):
        dy = 2 * (V @ h[t] + params["c"] - y[t - 1])
        delta = (1 - h[t] ** 2) * (V.T @ dy + carry)
        grads["W"] += np.outer(delta, h[t - 1])
        grads["U"] += np.outer(delta, x[t - 1])
        grads["V"] += np.outer(dy, h[t])
        grads["b"] += delta
        grads["c"] += dy
        carry = W.T @ delta
    return grads


@wrong(
    "rnn-tanh-each-squared",
    "c",
    "The gradient of c lacks the factor 2 of the square that V's has.",
    accept=(HALVED,),
)
def output_bias_without_two(params, data):
    x = data["x"]
    h = states(params, x)
    residual = h[1:] @ params["V"].T + params["c"] - data["y"]
    grads = back_through_tanh(params, x, h, 2 * residual)
    return {**grads, "c": residual.sum(axis=0)}


@wrong(
    "rnn-tanh-each-squared",
    "U",
    "The gradient of U multiplies delta[t] by x[t-1]; it must be x[t].",
    accept=(instead("x[t - 1]", "x[t]"),),
)
def inputs_of_the_step_before(params, data):
    W, V, x, y = params["W"], params["V"], data["x"], data["y"]
    h, grads, carry = states(params, x), zeros(params), 0
    dy = 2 * (h[1:] @ V.T + params["c"] - y)
    for t in range(len(x) - 1, -1, -1):
        delta = (1 - h[t + 1] ** 2) * (V.T @ dy[t] + carry)
        grads["W"] += np.outer(delta, h[t])
        if t > 0:
            grads["U"] += np.outer(delta, x[t - 1])
        grads["b"] += delta
        carry = W.T @ delta
    return {**grads, "V": dy.T @ h[1:], "c": dy.sum(0)}


@wrong(
    "rnn-tanh-each-squared",
    "b",
    "The gradient of b is the mean of delta[t] over the steps; it must be the sum.",
    accept=(divided_by("T"), r"mean where the sum over"),
)
def bias_averaged_over_the_steps(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    h = states(params, x)
    dy = 2 * (h[1:] @ V.T + params["c"] - data["y"])
    delta, carry = np.zeros_like(h[1:]), np.zeros_like(h[0])
    for t in reversed(range(len(x))):
        delta[t] = (1 - h[t + 1] ** 2) * (V.T @ dy[t] + carry)
        carry = W.T @ delta[t]
    return {"W": delta.T @ h[:-1], "U": delta.T @ x, "V": dy.T @ h[1:], "b": delta.mean(axis=0), "c": dy.sum(axis=0)}


@wrong(
    "rnn-tanh-each-half-squared",
    "W U V b c",
    "A factor 2 too many: the loss has 1/2, so that nabla_yhat = yhat - y.",
    accept=(r"twice the exact", r"times 2\b", r"factor 2 too many"),
)
def two_in_spite_of_the_half(params, data):
    h = states(params, data["x"])
    yhat = h[1:] @ params["V"].T + params["c"]
    return back_through_tanh(params, data["x"], h, 2 * (yhat - data["y"]))


@wrong(
    "rnn-tanh-each-half-squared",
    "W U V b c",
    "The squared difference (yhat - y)^2 is passed back, not yhat - y.",
    accept=(said("(yhat[t] - y[t])^2 or (-y[t] + yhat[t])^2 or nabla_yhat[t]^2"), r"squared"),
)
def the_square_itself_passed_back(params, data):
    h = states(params, data["x"])
    yhat = h[1:] @ params["V"].T + params["c"]
    return back_through_tanh(params, data["x"], h, (yhat - data["y"]) ** 2)


@wrong(
    "rnn-tanh-each-half-squared",
    "W U V b c",
    "Gradients are clipped to [-1/2, 1/2], which belongs into the training.",
    accept=(r"clip|limited|cut off|held in",),
)
def clipping_left_in(params, data):
    h = states(params, data["x"])
    yhat = h[1:] @ params["V"].T + params["c"]
    grads = back_through_tanh(params, data["x"], h, yhat - data["y"])
    for grad in grads.values():
        np.clip(grad, -0.5, 0.5, out=grad)
    return grads
