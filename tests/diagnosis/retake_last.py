"""Wrong gradients of rnn-tanh-last-squared, the tanh network under the squared error of its last output."""

import numpy as np

from tests.diagnosis.blind_case import states, wrong, zeros
from tests.diagnosis.wording import HALVED, NOT_ADDED_UP, instead, only, taken_as_zero, without


@wrong(
    "rnn-tanh-last-squared",
    "V",
    "The gradient of V multiplies nabla_yhat by h[T-1], where h[T] belongs.",
    accept=(instead("h[T - 1]", "h[T]"),),
)
def next_to_last_state_in_the_output(params, data):
    W, U, V, b, c, x = *(params[k] for k in "WUVbc"), data["x"]
    T, prev, cache = len(x), np.zeros_like(b), []
    for t in range(T):
        now = np.tanh(W @ prev + U @ x[t] + b)
        cache.append((prev, x[t], now))
        if t < T - 1:
            prev = now
    dy = 2 * (V @ now + c - data["y"])
    grads = {**zeros(params), "V": np.outer(dy, prev), "c": dy}
    dh = V.T @ dy
    while cache:
        before, fed, value = cache.pop()
        dz = dh * (1 - value**2)
        grads["W"] += np.outer(dz, before)
        grads["U"] += np.outer(dz, fed)
        grads["b"] += dz
        dh = W.T @ dz
    return grads


@wrong(
    "rnn-tanh-last-squared",
    "W U b",
    "V^T nabla_yhat enters nabla_h[t] at every step, where the loss reads the last one only.",
    accept=(
        r"((?<!not )added|plus|too many|once more|again|additional).{0,60}(V\^T|nabla_h\[T\]|seen|nabla_yhat)",
        r"(V\^T|nabla_h\[T\]|seen|nabla_yhat).{0,60}(at every step|at each step|(?<!not )added|again|too many)",
    ),
)
def output_gradient_added_at_every_step(params, data):
    h = states(params, data["x"])
    dy = 2 * (params["V"] @ h[-1] + params["c"] - data["y"])
    grads = zeros(params)
    grads["V"] += np.outer(dy, h[-1])
    grads["c"] += dy
    dh_next = np.zeros_like(h[0])
    for t in reversed(range(len(data["x"]))):
        dh = params["V"].T @ dy + dh_next
        draw = (1 - h[t + 1] * h[t + 1]) * dh
        grads["b"] += draw
        grads["U"] += np.outer(draw, data["x"][t])
        grads["W"] += np.outer(draw, h[t])
        dh_next = params["W"].T @ draw
    return grads


@wrong(
    "rnn-tanh-last-squared",
    "W U b",
    "The gradients of W, U and b have the last step's term only: nothing is carried back through time.",
    accept=(
        only("t = T"),
        taken_as_zero("carry[t] or carry"),
        without("carry[t] or carry"),
        NOT_ADDED_UP,
        r"(over|carried|back) (0|no) steps|last step only",
    ),
)
def no_way_back_through_time(params, data):
    h = states(params, data["x"])
    dy = 2 * (params["V"] @ h[-1] + params["c"] - data["y"])
    delta = (params["V"].T @ dy) * (1 - h[-1] ** 2)
    return {
        "V": np.outer(dy, h[-1]),
        "c": dy,
        "W": np.outer(delta, h[-2]),
        "U": np.outer(delta, data["x"][-1]),
        "b": delta,
    }


@wrong(
    "rnn-tanh-last-squared",
    "W U b",
    "The slope is 1 - a[t]^2 with the argument a[t] of tanh, where its value h[t] belongs.",
    accept=(r"argument of tanh", r"pre-?activation", r"before tanh", without("tanh")),
)
def slope_from_the_argument(params, data):
    W, U, V = params["W"], params["U"], params["V"]
    zs, hs = [], [np.zeros_like(params["b"])]
    for x_t in data["x"]:
        zs.append(U @ x_t + W @ hs[-1] + params["b"])
        hs.append(np.tanh(zs[-1]))
    dy = 2 * (V @ hs[-1] + params["c"] - data["y"])
    grads = {**zeros(params), "V": np.outer(dy, hs[-1]), "c": dy}
    dh = V.T @ dy
    for t in range(len(zs) - 1, -1, -1):
        dz = dh * (1 - zs[t] ** 2)
        grads["W"] += np.outer(dz, hs[t])
        grads["U"] += np.outer(dz, data["x"][t])
        grads["b"] += dz
        dh = W.T @ dz
    return grads


@wrong(
    "rnn-tanh-last-squared",
    "U b",
    "The sums for U and b stop before the first step: the term t = 1 is left out.",
    accept=(without("t = 1"), only("t = 2 or t > 1 or t >= 2"), without("first step")),
)
def countdown_stops_at_two(params, data):
    x, h = data["x"], states(params, data["x"])
    dy = 2 * (params["V"] @ h[len(x)] + params["c"] - data["y"])
    grads = zeros(params)
    grads["V"], grads["c"] = np.outer(dy, h[len(x)]), dy
    dh = dy @ params["V"]
    for t in range(len(x), 1, -1):
        dz = (1 - h[t] ** 2) * dh
        grads["W"] += np.outer(dz, h[t - 1])
        grads["U"] += np.outer(dz, x[t - 1])
        grads["b"] += dz
        dh = dz @ params["W"]
    return grads


@wrong(
    "rnn-tanh-last-squared",
    "W U b",
    "nabla_h[T] is V^T (yhat - y): the factor 2 is missing on the way to the states.",
    accept=(HALVED,),
)
class TwoKeptForTheOutputOnly:
    def forward(self, params, data):
        h = states(params, data["x"])
        diff = params["V"] @ h[-1] + params["c"] - data["y"]
        return diff @ diff, (h, diff)

    def backward(self, params, data, cache):
        h, diff = cache
        grads = zeros(params)
        grads["V"] += 2 * np.outer(diff, h[-1])
        grads["c"] += 2 * diff
        grad_h = params["V"].T @ diff
        for t in range(len(h) - 2, -1, -1):
            grad_a = grad_h * (1 - h[t + 1] ** 2)
            grads["W"] += np.outer(grad_a, h[t])
            grads["U"] += np.outer(grad_a, data["x"][t])
            grads["b"] += grad_a
            grad_h = params["W"].T @ grad_a
        return grads
