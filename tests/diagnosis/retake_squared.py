"""Wrong gradients of a tanh network under squared errors: of the outputs of all steps, and of the last step's."""

import numpy as np

from tests.diagnosis.blind_case import states, wrong, zeros
from tests.diagnosis.exam_wording import divided_by, instead, only, without
from tests.diagnosis.retake_wording import FROM_THE_OTHER_END, HALF, WRONG_SIGN, taken_as_zero

# an error at each step ----------------------------------------------------------------------------------------------


@wrong(
    "rnn-tanh-each-squared",
    "W U V b c",
    "nabla_yhat[t] is yhat[t] - y[t], without the factor 2 of the squared error.",
    accept=(HALF,),
)
class SquareWithoutItsTwo:
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
    accept=(WRONG_SIGN, instead("y[t] - yhat[t]", "yhat[t] - y[t]")),
)
def target_minus_output(params, data):
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
    accept=(only("t = T"), without("sum over t")),
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


# an error at the last step ------------------------------------------------------------------------------------------


@wrong(
    "rnn-tanh-last-squared",
    "V",
    "The gradient of V is (yhat - y) h[T]^T: the factor 2 is missing there.",
    accept=(HALF,),
)
def two_kept_for_the_states_only(params, data):
    W, V = params["W"], params["V"]
    h = states(params, data["x"])
    e = V @ h[-1] + params["c"] - data["y"]
    grads = zeros(params)
    grads["V"] = np.outer(e, h[-1])
    grads["c"] = 2 * e
    dh = 2 * V.T @ e
    for t in range(len(h) - 1, 0, -1):
        dz = dh * (1 - h[t] ** 2)
        grads["W"] += np.outer(dz, h[t - 1])
        grads["U"] += np.outer(dz, data["x"][t - 1])
        grads["b"] += dz
        dh = W.T @ dz
    return grads


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
        r"(added|plus|with|has|too many|once more|again).{0,60}(V\^T|nabla_h\[T\]|seen|nabla_yhat)",
        r"(V\^T|nabla_h\[T\]|seen|nabla_yhat).{0,60}(at every step|at each step|added|again|too many)",
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
        without("carry[t] or carry or sum over t"),
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
def loop_ends_before_the_first_step(params, data):
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
    "The slope is 1 - h[t]: the square of h[t] in 1 - h[t]^2 is missing.",
    accept=(instead("h[t]", "h[t]^2"), instead("1 - h[t]", "1 - h[t]^2"), r"without the (square|power)"),
)
def slope_without_its_square(params, data):
    h = states(params, data["x"])
    dy = 2 * (params["V"] @ h[-1] + params["c"] - data["y"])
    deltas = [(params["V"].T @ dy) * (1 - h[-1])]
    for h_t in h[-2:0:-1]:
        deltas.append((params["W"].T @ deltas[-1]) * (1 - h_t))
    deltas = np.array(deltas[::-1])
    return {
        "W": deltas.T @ h[:-1],
        "U": deltas.T @ data["x"],
        "b": deltas.sum(axis=0),
        "V": np.outer(dy, h[-1]),
        "c": dy,
    }


@wrong(
    "rnn-tanh-last-squared",
    "W U b",
    "nabla_h[T] is V^T (yhat - y): the factor 2 is missing on the way to the states.",
    accept=(HALF,),
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
