"""Wrong gradients for which no slip in the formula is to blame: what is right to say of them is that it is unknown."""

import numpy as np

from implementations.activations import sigmoid, softmax
from tests.diagnosis.blind_case import states, wrong, zeros


def back(params, x, h, dy, discount=1):
    """The tanh network's gradients for output gradients dy (T, m); ``discount`` multiplies what is carried back."""
    grads, carry = zeros(params), np.zeros_like(h[0])
    for t in range(len(x), 0, -1):
        delta = (1 - h[t] ** 2) * (params["V"].T @ dy[t - 1] + carry)
        grads["W"] += np.outer(delta, h[t - 1])
        grads["U"] += np.outer(delta, x[t - 1])
        grads["b"] += delta
        carry = discount * params["W"].T @ delta
    return {**grads, "V": dy.T @ h[1:], "c": dy.sum(axis=0)}


@wrong(
    "rnn-tanh-each-squared",
    "W U V b c",
    "The gradients are clipped to the range from -0.5 to 0.5 after they are computed.",
    kind="outside",
    accept=(r"clipped to \[-0\.5, 0\.5\]",),
)
def clipped_before_the_update(params, data):
    h = states(params, data["x"])
    grads = back(params, data["x"], h, 2 * (h[1:] @ params["V"].T + params["c"] - data["y"]))
    return {name: np.clip(g, -0.5, 0.5) for name, g in grads.items()}


@wrong(
    "rnn-tanh-each-squared",
    "W U b",
    "What is carried back is damped by 0.9 at every step.",
    kind="outside",
)
def damped_on_the_way_back(params, data):
    h = states(params, data["x"])
    error = h[1:] @ params["V"].T + params["c"] - data["y"]
    return back(params, data["x"], h, 2 * error, discount=0.9)


@wrong(
    "character-rnn",
    "U",
    "The outer product for U is filled in column by column and reshaped row by row, which scrambles it.",
    kind="outside",
    accept=(r"reshaped where it should be transposed",),
)
def entries_in_the_wrong_order(params, data):
    h = states(params, data["x"])
    grads = back(params, data["x"], h, softmax(h[1:] @ params["V"].T + params["c"]) - data["y"])
    return {**grads, "U": grads["U"].T.reshape(params["U"].shape)}


@wrong(
    "sentiment-rnn",
    "W U b",
    "The backward loop runs forwards in time, from the first step to the last.",
    kind="outside",
    accept=(r"recursion of nabla_h\[t\] run forwards in time",),
)
def backward_loop_runs_forwards(params, data):
    h = states(params, data["x"])
    do = softmax(params["V"] @ h[-1] + params["c"])
    do[data["label"]] -= 1
    grads = {**zeros(params), "V": np.outer(do, h[-1]), "c": do}
    dh = params["V"].T @ do
    for t in range(1, len(h)):
        delta = (1 - h[t] ** 2) * dh
        grads["W"] += np.outer(delta, h[t - 1])
        grads["U"] += np.outer(delta, data["x"][t - 1])
        grads["b"] += delta
        dh = params["W"].T @ delta
    return grads


@wrong(
    "rnn-tanh-last-squared",
    "W U b",
    "W is moved a step of 0.1 downhill within the backward loop, and the earlier steps see the new one.",
    kind="outside",
)
def weights_updated_while_in_use(params, data):
    h = states(params, data["x"])
    W, grads = params["W"].copy(), zeros(params)
    dy = 2 * (params["V"] @ h[-1] + params["c"] - data["y"])
    grads["V"], grads["c"] = np.outer(dy, h[-1]), dy
    dh = params["V"].T @ dy
    for t in range(len(h) - 1, 0, -1):
        delta = (1 - h[t] ** 2) * dh
        step = np.outer(delta, h[t - 1])
        grads["W"] += step
        grads["U"] += np.outer(delta, data["x"][t - 1])
        grads["b"] += delta
        W -= 0.1 * step
        dh = W.T @ delta
    return grads


@wrong(
    "weather-rnn-minibatch",
    "W U V b c",
    "Each window starts from the last state of the window before it, and not from zero.",
    kind="outside",
)
def state_kept_from_window_to_window(params, data):
    total, h = zeros(params), np.zeros((1, len(params["b"])), params["b"].dtype)
    for x, y in zip(data["x"], data["y"], strict=True):
        h = states({**params, "h0": h[-1]}, x)
        dy = np.zeros((len(x), len(y)), y.dtype)
        dy[-1] = 2 * (params["V"] @ h[-1] + params["c"] - y)
        for name, g in back(params, x, h, dy).items():
            total[name] += g
    return total


@wrong(
    "linear-regression",
    "w b",
    "Residuals are cut off at 1 in absolute value, as for Huber's loss.",
    kind="outside",
)
def residuals_cut_off(params, data):
    residual = np.clip(params["w"] * data["x"] + params["b"] - data["y"], -1, 1)
    return {"w": 2 * np.mean(residual * data["x"]), "b": 2 * np.mean(residual)}


@wrong(
    "multiple-linear-regression",
    "w b",
    "The gradient is a forward difference of the loss with a step of 0.01, whose error is of the order of the step.",
    kind="outside",
    accept=(r"^db .*\b0\.01 added to every entry",),
)
def coarse_forward_difference(params, data):
    def loss(w, b):
        return np.mean((data["X"] @ w + b - data["y"]) ** 2)

    w, b, step = params["w"], params["b"], params["b"].dtype.type(0.01)
    here = loss(w, b)
    moved = [loss(w + step * direction, b) for direction in np.eye(len(w), dtype=w.dtype)]
    return {"w": (np.array(moved) - here) / step, "b": (loss(w, b + step) - here) / step}


@wrong(
    "logistic-regression",
    "w b",
    "The denominators a (1 - a) of dJ/da are held away from zero by 0.01, so that they do not cancel.",
    kind="outside",
)
def guarded_division(params, data):
    X, y = data["X"], data["y"]
    a = sigmoid(X @ params["w"] + params["b"])
    da = (a - y) / (a * (1 - a) + 0.01)
    dz = da * a * (1 - a) / len(y)
    return {"w": X.T @ dz, "b": dz.sum()}


@wrong(
    "softmax-cross-entropy",
    "o b_y",
    "The targets are smoothed: a tenth of each goes evenly to all classes.",
    kind="outside",
)
def smoothed_targets(params, data):
    y = 0.9 * data["y"] + 0.1 / data["y"].shape[1]
    error = softmax(params["o"] + params["b_y"]) - y
    return {"o": error, "b_y": error.sum(axis=0)}


@wrong(
    "softmax-jacobian",
    "o",
    "The gradient is scaled to length 1.",
    kind="outside",
)
def scaled_to_unit_length(params, data, upstream):
    p = softmax(params["o"])
    grad = p * (upstream - p @ upstream)
    return {"o": grad / (np.linalg.norm(grad) + 1e-8)}


@wrong(
    "vector-chain-rule",
    "x",
    "The derivative of tanh is replaced by a step, 1 where the argument is within 1 of zero and 0 elsewhere.",
    kind="outside",
)
def straight_through(params, data, upstream):
    z = data["A"] @ params["x"] + data["d"]
    gate = (np.abs(z) <= 1).astype(z.dtype)
    return {"x": data["A"].T @ (gate * upstream)}
