"""Wrong gradients of recurrent networks on batches of windows (weather-rnn-minibatch) and of the sine network."""

import numpy as np

from implementations.activations import sigmoid
from tests.diagnosis.blind_case import states, wrong, zeros
from tests.diagnosis.wording import divided_by, instead, without

# batches of windows, one at a time --------------------------------------------------------------------------------


def one_window(params, x, y):
    """The right gradient of one window's squared error."""
    W, V = params["W"], params["V"]
    h, grads = states(params, x), zeros(params)
    error = 2 * (V @ h[-1] + params["c"] - y)
    carry = V.T @ error
    for t in range(len(x), 0, -1):
        delta = (1 - h[t] ** 2) * carry
        grads["W"] += np.outer(delta, h[t - 1])
        grads["U"] += np.outer(delta, x[t - 1])
        grads["b"] += delta
        carry = W.T @ delta
    return {**grads, "V": np.outer(error, h[-1]), "c": error}


@wrong(
    "weather-rnn-minibatch",
    "W U V b c",
    "Only the last window counts: each overwrites the gradients of the one before.",
    accept=(r"the last along B alone", r"only \w = B( - 1)?\b"),
)
def last_window_only(params, data):
    grads = zeros(params)
    for x, y in zip(data["x"], data["y"], strict=True):
        of_window = one_window(params, x, y)
        for name in grads:
            grads[name] = of_window[name]
    return grads


@wrong(
    "weather-rnn-minibatch",
    "W U V b c",
    "The loop over the windows begins at the second; the first is left out.",
    accept=(r"without the first along B", r"without \w = (0|1) in the sum over"),
)
def first_window_left_out(params, data):
    grads = zeros(params)
    for k in range(1, len(data["x"])):
        for name, gradient in one_window(params, data["x"][k], data["y"][k]).items():
            grads[name] += gradient
    return grads


@wrong(
    "weather-rnn-minibatch",
    "W U V b c",
    "The gradients are averaged over the B windows; the loss is their sum.",
    accept=(divided_by("B"),),
)
def averaged_over_the_windows(params, data):
    total = zeros(params)
    B = len(data["x"])
    for x, y in zip(data["x"], data["y"], strict=True):
        for name, gradient in one_window(params, x, y).items():
            total[name] += gradient / B
    return total


@wrong(
    "weather-rnn-minibatch",
    "W U V b c",
    "A window starts from the last state of the window before and not from zero.",
    accept=(r"h\[0\].*(previous|before|kept|last state)",),
)
def state_kept_between_windows(params, data):
    W, U, V = params["W"], params["U"], params["V"]
    grads, h_start = zeros(params), np.zeros_like(params["b"])
    for x, y in zip(data["x"], data["y"], strict=True):
        h = [h_start]
        for x_t in x:
            h.append(np.tanh(W @ h[-1] + U @ x_t + params["b"]))
        h_start = h[-1]
        error = 2 * (V @ h[-1] + params["c"] - y)
        grads["V"] += np.outer(error, h[-1])
        grads["c"] += error
        carry = V.T @ error
        for t in range(len(x), 0, -1):
            delta = (1 - h[t] ** 2) * carry
            grads["W"] += np.outer(delta, h[t - 1])
            grads["U"] += np.outer(delta, x[t - 1])
            grads["b"] += delta
            carry = W.T @ delta
    return grads


@wrong(
    "weather-rnn-minibatch",
    "W U b",
    "The carry is not set to zero between windows: it leaks from one into the next.",
    accept=(r"(carry|nabla_h).*(kept|leaks|between|previous|window before)",),
)
def carry_kept_between_windows(params, data):
    W, V = params["W"], params["V"]
    grads, carry = zeros(params), np.zeros_like(params["b"])
    for x, y in zip(data["x"], data["y"], strict=True):
        h = states(params, x)
        error = 2 * (V @ h[-1] + params["c"] - y)
        grads["V"] += np.outer(error, h[-1])
        grads["c"] += error
        carry = carry + V.T @ error
        for t in range(len(x), 0, -1):
            delta = (1 - h[t] ** 2) * carry
            grads["W"] += np.outer(delta, h[t - 1])
            grads["U"] += np.outer(delta, x[t - 1])
            grads["b"] += delta
            carry = W.T @ delta
    return grads


# batches of windows, all at once ----------------------------------------------------------------------------------


def batched_states(params, x):
    """h (T + 1, B, n), the states of all windows side by side."""
    h = np.zeros((x.shape[1] + 1, len(x), len(params["W"])), x.dtype)
    for t in range(x.shape[1]):
        h[t + 1] = np.tanh(h[t] @ params["W"].T + x[:, t] @ params["U"].T + params["b"])
    return h


@wrong(
    "weather-rnn-minibatch",
    "W U b",
    "With a window in each row the carry is delta W; it is multiplied by W transposed.",
    accept=(instead("W", "W^T"),),
)
def batched_carry_transposed(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    h, grads = batched_states(params, x), zeros(params)
    error = 2 * (h[-1] @ V.T + params["c"] - data["y"])
    dh = error @ V
    for t in reversed(range(x.shape[1])):
        delta = dh * (1 - h[t + 1] ** 2)
        grads["W"] += delta.T @ h[t]
        grads["U"] += delta.T @ x[:, t]
        grads["b"] += delta.sum(axis=0)
        dh = delta @ W.T
    return {**grads, "V": error.T @ h[-1], "c": error.sum(axis=0)}


@wrong(
    "weather-rnn-minibatch",
    "V",
    "V gets the product of two sums over the windows; it must be the sum of the products.",
    accept=(r"product of the sums",),
)
def product_of_sums_for_sum_of_products(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    h, grads = batched_states(params, x), zeros(params)
    error = 2 * (h[-1] @ V.T + params["c"] - data["y"])
    dh = error @ V
    for t in reversed(range(x.shape[1])):
        delta = dh * (1 - h[t + 1] ** 2)
        grads["W"] += delta.T @ h[t]
        grads["U"] += delta.T @ x[:, t]
        grads["b"] += delta.sum(axis=0)
        dh = delta @ W
    return {**grads, "V": np.outer(error.sum(axis=0), h[-1].sum(axis=0)), "c": error.sum(axis=0)}


@wrong(
    "weather-rnn-minibatch",
    "b",
    "b takes the mean of delta over the windows where the weights take the sum.",
    accept=(divided_by("B"), r"mean .*over (B|the windows)"),
)
def mean_over_windows_for_the_bias_alone(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    h, grads = batched_states(params, x), zeros(params)
    error = 2 * (h[-1] @ V.T + params["c"] - data["y"])
    dh = error @ V
    for t in reversed(range(x.shape[1])):
        delta = dh * (1 - h[t + 1] ** 2)
        grads["W"] += np.einsum("bi,bj->ij", delta, h[t])
        grads["U"] += np.einsum("bi,bj->ij", delta, x[:, t])
        grads["b"] += delta.mean(axis=0)
        dh = np.einsum("bi,ij->bj", delta, W)
    return {**grads, "V": error.T @ h[-1], "c": error.sum(axis=0)}


@wrong(
    "weather-rnn-minibatch",
    "c",
    "c gets the sum over windows and outputs in every entry; outputs must stay apart.",
    accept=(r"sum of (all of )?the exact one's entries", r"summed over (m|all|the outputs)"),
)
def output_bias_summed_over_the_outputs_too(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    h, grads = batched_states(params, x), zeros(params)
    error = 2 * (h[-1] @ V.T + params["c"] - data["y"])
    dh = error @ V
    for t in range(x.shape[1] - 1, -1, -1):
        delta = dh * (1 - h[t + 1] ** 2)
        grads["W"] += delta.T @ h[t]
        grads["U"] += delta.T @ x[:, t]
        grads["b"] += delta.sum(axis=0)
        dh = delta @ W
    grads["c"] += error.sum()
    return {**grads, "V": error.T @ h[-1]}


# the sine network -------------------------------------------------------------------------------------------------


def sine_states(params, x):
    """s (T + 1, n): the states, of which step t reads x[t] through column t of U."""
    s = np.zeros((len(x) + 1, len(params["W"])), x.dtype)
    for t in range(len(x)):
        s[t + 1] = sigmoid(params["W"] @ s[t] + params["U"][:, t] * x[t])
    return s


@wrong(
    "sine-rnn", "U", "Column t of U is multiplied by x[t-1]; it must be x[t].", accept=(instead("x[t - 1]", "x[t]"),)
)
def column_meets_the_input_before(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    s, dU, dW = sine_states(params, x), np.zeros_like(params["U"]), np.zeros_like(W)
    dmulv = V @ s[-1] - data["y"]
    ds = V.T @ dmulv
    for t in range(len(x) - 1, -1, -1):
        dadd = ds * s[t + 1] * (1 - s[t + 1])
        dU[:, t] = dadd * x[t - 1]
        dW += np.outer(dadd, s[t])
        ds = W.T @ dadd
    return {"U": dU, "W": dW, "V": np.outer(dmulv, s[-1])}


@wrong(
    "sine-rnn",
    "U",
    "All columns of U get delta[T]; column t must get delta[t], each x[t] being read at its own step.",
    accept=(r"delta\[T\] at every step", instead("delta[T]", "delta[t]")),
)
def delta_of_the_last_step_in_every_column(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    s, dW = sine_states(params, x), np.zeros_like(W)
    dmulv = V @ s[-1] - data["y"]
    delta_last = delta = s[-1] * (1 - s[-1]) * (V.T @ dmulv)
    for t in range(len(x), 0, -1):
        dW += np.outer(delta, s[t - 1])
        delta = s[t - 1] * (1 - s[t - 1]) * (W.T @ delta)
    return {"U": np.outer(delta_last, x), "W": dW, "V": np.outer(dmulv, s[-1])}


@wrong(
    "sine-rnn",
    "U",
    "The gradient of column t of U is delta[t]; the factor x[t] is forgotten.",
    accept=(without("x[t] or x"),),
)
def input_forgotten(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    s, grads = sine_states(params, x), zeros(params)
    error = V @ s[-1] - data["y"]
    carry = V.T @ error
    for t in reversed(range(len(x))):
        delta = s[t + 1] * (1 - s[t + 1]) * carry
        grads["U"][:, t] += delta
        grads["W"] += np.outer(delta, s[t])
        carry = W.T @ delta
    return {**grads, "V": np.outer(error, s[-1])}


@wrong(
    "sine-rnn",
    "U W",
    "The backward pass stops after four steps, although nothing is truncated.",
    accept=(r"(after|last|over) (4|3|four|three) steps",),
)
def stops_after_four_steps(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    s, grads, T = sine_states(params, x), zeros(params), len(x)
    error = V @ s[-1] - data["y"]
    carry = V.T @ error
    for t in range(T - 1, max(T - 5, -1), -1):
        delta = s[t + 1] * (1 - s[t + 1]) * carry
        grads["U"][:, t] += delta * x[t]
        grads["W"] += np.outer(delta, s[t])
        carry = W.T @ delta
    return {**grads, "V": np.outer(error, s[-1])}


@wrong(
    "sine-rnn",
    "U W V",
    "The first state h[0] is taken to be sigma(0) = 1/2; it is zero.",
    accept=(instead("1/2 or 0.5", "0"),),
)
def starts_from_a_half(params, data):
    U, W, V, x = params["U"], params["W"], params["V"], data["x"]
    s = [np.full_like(W[0], 0.5)]
    for t in range(len(x)):
        s.append(sigmoid(W @ s[t] + U[:, t] * x[t]))
    grads = zeros(params)
    error = V @ s[-1] - data["y"]
    carry = V.T @ error
    for t in reversed(range(len(x))):
        delta = s[t + 1] * (1 - s[t + 1]) * carry
        grads["U"][:, t] += delta * x[t]
        grads["W"] += np.outer(delta, s[t])
        carry = W.T @ delta
    return {**grads, "V": np.outer(error, s[-1])}


@wrong(
    "sine-rnn",
    "U W",
    "The slope in the carry is missing: W^T multiplies nabla_h[t] and not delta[t].",
    accept=(without("(1 - h[t + 1])*h[t + 1] or h[t + 1]*(1 - h[t + 1])"), instead("nabla_h[t + 1]", "delta[t + 1]")),
)
def sine_carry_without_slope(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    s, grads = sine_states(params, x), zeros(params)
    error = V @ s[-1] - data["y"]
    dsv = V.T @ error
    for t in reversed(range(len(x))):
        dadd = s[t + 1] * (1 - s[t + 1]) * dsv
        grads["U"][:, t] = dadd * x[t]
        grads["W"] += np.outer(dadd, s[t])
        dsv = W.T @ dsv
    return {**grads, "V": np.outer(error, s[-1])}


@wrong(
    "sine-rnn-truncated",
    "U W",
    "The truncated sum goes back tau + 1 steps; it must be tau.",
    accept=(instead("tau + 1", "tau"),),
)
def one_step_too_far(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    s, grads, T = sine_states(params, x), zeros(params), len(x)
    error = V @ s[-1] - data["y"]
    carry = V.T @ error
    for t in range(T, max(T - data["tau"] - 1, 0), -1):
        delta = s[t] * (1 - s[t]) * carry
        grads["U"][:, t - 1] += delta * x[t - 1]
        grads["W"] += np.outer(delta, s[t - 1])
        carry = W.T @ delta
    return {**grads, "V": np.outer(error, s[-1])}


@wrong(
    "sine-rnn-truncated",
    "U W",
    "tau is ignored: the backward pass goes all the way to the first step.",
    accept=(instead("T", "tau"),),
)
def not_truncated(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    s, grads = sine_states(params, x), zeros(params)
    error = V @ s[-1] - data["y"]
    carry = V.T @ error
    for t in range(len(x), 0, -1):
        delta = s[t] * (1 - s[t]) * carry
        grads["U"][:, t - 1] += delta * x[t - 1]
        grads["W"] += np.outer(delta, s[t - 1])
        carry = W.T @ delta
    return {**grads, "V": np.outer(error, s[-1])}
