"""Wrong gradients of recurrent networks that classify: characters, also forward in time, and sentiment."""

import numpy as np

from implementations.activations import softmax
from tests.diagnosis.blind_case import states, wrong, zeros
from tests.diagnosis.wording import divided_by, instead, only, said, without


def back_from_logits(params, x, h, nabla_o):
    """The right backward pass from the gradients nabla_o (T, m) by the logits on."""
    grads, carry = zeros(params), 0
    for t in range(len(x), 0, -1):
        delta = (1 - h[t] ** 2) * (params["V"].T @ nabla_o[t - 1] + carry)
        grads["W"] += np.outer(delta, h[t - 1])
        grads["U"] += np.outer(delta, x[t - 1])
        grads["V"] += np.outer(nabla_o[t - 1], h[t])
        if "b" in params:
            grads["b"] += delta
            grads["c"] += nabla_o[t - 1]
        carry = params["W"].T @ delta
    return grads


# the loss's derivative by the logits ------------------------------------------------------------------------------


@wrong(
    "character-rnn",
    "W U V b c",
    "The sign is wrong: the gradient by the logits is y - yhat for yhat - y.",
    accept=(r"opposite sign(?!.* in o\[t\] =)", r"sign is wrong", instead("y[t] - yhat[t]", "yhat[t] - y[t]")),
)
def label_minus_probability(params, data):
    h = states(params, data["x"])
    p = softmax(h[1:] @ params["V"].T + params["c"])
    return back_from_logits(params, data["x"], h, data["y"] - p)


@wrong(
    "character-rnn",
    "W U V b c",
    "The exponentials are not normalised: exp(o) stands for the softmax.",
    accept=(
        without("1/sum_l(exp(o[t]))"),
        r"not (normalised|divided)",
        r"exp\(o\[t\]\) (where|in place of)",
        r"division by sum_l\(exp\(o\[t\]\)\)",
    ),
)
def exponentials_not_normalised(params, data):
    h = states(params, data["x"])
    p = np.exp(h[1:] @ params["V"].T + params["c"])
    return back_from_logits(params, data["x"], h, p - data["y"])


@wrong(
    "character-rnn",
    "W U V b c",
    "The softmax is normalised over the steps and not over the classes.",
    accept=(r"sum over [st] where one over l belongs", r"over (the |all )?steps where .*classes"),
)
def softmax_over_time(params, data):
    h = states(params, data["x"])
    e = np.exp(h[1:] @ params["V"].T + params["c"])
    p = e / e.sum(axis=0, keepdims=True)
    return back_from_logits(params, data["x"], h, p - data["y"])


@wrong(
    "character-rnn",
    "W U V b c",
    "The target is not subtracted: the gradient by the logits is yhat for yhat - y.",
    accept=(without("y[t]"),),
)
def target_not_subtracted(params, data):
    h = states(params, data["x"])
    nabla_o = [softmax(params["V"] @ h_t + params["c"]) for h_t in h[1:]]
    return back_from_logits(params, data["x"], h, nabla_o)


@wrong(
    "character-rnn",
    "W U V b c",
    "A factor yhat (1 - yhat) too many: yhat - y has the softmax's derivative in it.",
    accept=(r"factor .*\(1 - (yhat|exp\(o).*too many",),
)
def softmax_derivative_counted_twice(params, data):
    h = states(params, data["x"])
    p = softmax(h[1:] @ params["V"].T + params["c"])
    return back_from_logits(params, data["x"], h, (p - data["y"]) * p * (1 - p))


@wrong(
    "character-rnn",
    "W U V b",
    "Step t is held against the target of step t+1; c, a sum over t, cannot see it.",
    accept=(instead("y[t + 1]", "y[t]"),),
)
def target_of_the_next_step(params, data):
    h = states(params, data["x"])
    p = softmax(h[1:] @ params["V"].T + params["c"])
    return back_from_logits(params, data["x"], h, p - np.roll(data["y"], -1, axis=0))


@wrong("character-rnn", "W U V b c", "The bias c is left out of the logits.", accept=(without("c"),))
def logits_without_bias(params, data):
    h = states(params, data["x"])
    p = softmax(h[1:] @ params["V"].T)
    return back_from_logits(params, data["x"], h, p - data["y"])


@wrong(
    "character-rnn",
    "W U V b c",
    "The gradients are divided by the number of steps T; the loss is a sum over t.",
    accept=(divided_by("T"),),
)
def mean_over_the_sequence(params, data):
    h = states(params, data["x"])
    p = softmax(h[1:] @ params["V"].T + params["c"])
    grads = back_from_logits(params, data["x"], h, p - data["y"])
    return {name: g / len(p) for name, g in grads.items()}


@wrong(
    "character-rnn",
    "W U V b c",
    "The softmax is taken of -o, so that it turns the classes' order round.",
    accept=(r"opposite sign.* in o\[t\] =", said("exp(-o[t])")),
)
def softmax_of_the_negative_logits(params, data):
    h = states(params, data["x"])
    e = np.exp(-(h[1:] @ params["V"].T + params["c"]))
    p = e / e.sum(axis=1, keepdims=True)
    return back_from_logits(params, data["x"], h, p - data["y"])


# back through time ------------------------------------------------------------------------------------------------


@wrong(
    "character-rnn",
    "W U b",
    "What goes back into h[t] is V^T yhat; it must be V^T (yhat - y).",
    accept=(rf"{without('y[t]')}(?!.* in nabla_o)", r"(yhat\[t\]|/sum_+l\(exp\(o\[t\]\)\)) where nabla_o\[t\]"),
)
def hidden_state_gets_the_probabilities(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    h, grads, dhnext = states(params, x), zeros(params), 0
    for t in reversed(range(len(x))):
        p = softmax(V @ h[t + 1] + params["c"])
        dy = p - data["y"][t]
        grads["V"] += np.outer(dy, h[t + 1])
        grads["c"] += dy
        dhraw = (1 - h[t + 1] ** 2) * (V.T @ p + dhnext)
        grads["b"] += dhraw
        grads["U"] += np.outer(dhraw, x[t])
        grads["W"] += np.outer(dhraw, h[t])
        dhnext = W.T @ dhraw
    return grads


@wrong(
    "character-rnn",
    "W U b",
    "dhnext is set to zero anew in every step, so that no gradient goes back in time.",
    accept=(
        r"(left out|zero|\b0\b).* in carry",
        without("carry or carry[t] or sum_i((1 - h[t + 1]^2)*W*nabla_h[t + 1])"),
        r"over 0 steps",
    ),
)
def carry_reset_inside_the_loop(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    h, grads = states(params, x), zeros(params)
    for t in reversed(range(len(x))):
        dhnext = np.zeros_like(h[0])
        dy = softmax(V @ h[t + 1] + params["c"]) - data["y"][t]
        grads["V"] += np.outer(dy, h[t + 1])
        grads["c"] += dy
        dhraw = (1 - h[t + 1] ** 2) * (V.T @ dy + dhnext)
        grads["b"] += dhraw
        grads["U"] += np.outer(dhraw, x[t])
        grads["W"] += np.outer(dhraw, h[t])
        dhnext = W.T @ dhraw
    return grads


@wrong(
    "character-rnn",
    "U",
    "The gradient of U has nabla_h[t] x[t]^T: the slope 1 - h[t]^2 is missing there.",
    accept=(without("1 - h[t]^2"), instead("nabla_h[t]", "delta[t] or delta")),
)
def input_weights_without_slope(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    h, grads, dhnext = states(params, x), zeros(params), 0
    for t in reversed(range(len(x))):
        dy = softmax(V @ h[t + 1] + params["c"]) - data["y"][t]
        grads["V"] += np.outer(dy, h[t + 1])
        grads["c"] += dy
        dh = V.T @ dy + dhnext
        dhraw = (1 - h[t + 1] ** 2) * dh
        grads["b"] += dhraw
        grads["U"] += np.outer(dh, x[t])
        grads["W"] += np.outer(dhraw, h[t])
        dhnext = W.T @ dhraw
    return grads


@wrong(
    "character-rnn",
    "c",
    "The gradient of c is that of the last step; it must be the sum over all steps.",
    accept=(only("t = T"),),
)
def output_bias_of_the_last_step(params, data):
    h = states(params, data["x"])
    nabla_o = softmax(h[1:] @ params["V"].T + params["c"]) - data["y"]
    return {**back_from_logits(params, data["x"], h, nabla_o), "c": nabla_o[-1].copy()}


@wrong(
    "character-rnn-without-bias",
    "W U",
    "The slope of tanh is written (1 - h[t])^2 for 1 - h[t]^2.",
    accept=(instead("(1 - h[t])^2", "1 - h[t]^2"),),
)
def square_around_the_difference(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    h, grads, dhnext = states(params, x), zeros(params), 0
    nabla_o = softmax(h[1:] @ V.T) - data["y"]
    for t in reversed(range(len(x))):
        dhraw = (1 - h[t + 1]) ** 2 * (V.T @ nabla_o[t] + dhnext)
        grads["U"] += np.outer(dhraw, x[t])
        grads["W"] += np.outer(dhraw, h[t])
        dhnext = W.T @ dhraw
    return {**grads, "V": nabla_o.T @ h[1:]}


@wrong(
    "character-rnn-without-bias",
    "W U V",
    "1 is taken from the likeliest class only, as if each row of y were one-hot.",
    accept=(r"one-hot|argmax|likeliest|largest (entry|class)",),
)
def targets_taken_for_one_hot(params, data):
    h = states(params, data["x"])
    nabla_o = softmax(h[1:] @ params["V"].T)
    for t, y_t in enumerate(data["y"]):
        nabla_o[t, np.argmax(y_t)] -= 1
    return back_from_logits(params, data["x"], h, nabla_o)


@wrong(
    "character-rnn-without-bias",
    "V",
    "The gradient of V multiplies h[t] by yhat; the target y is not subtracted.",
    accept=(r"(yhat\[t\]|/sum_+l\(exp\(o\[t\]\)\)) where nabla_o\[t\]", without("y[t]")),
)
def probabilities_alone_for_the_output_weights(params, data):
    h = states(params, data["x"])
    p = softmax(h[1:] @ params["V"].T)
    grads = back_from_logits(params, data["x"], h, p - data["y"])
    return {**grads, "V": np.einsum("tv,ti->vi", p, h[1:])}


# forward in time --------------------------------------------------------------------------------------------------


def run_forward(params, data, sensitivities):
    """Real-time recurrent learning with what ``sensitivities(W, x, before, after, dh)`` makes of dh at each step."""
    W, V, n = params["W"], params["V"], len(params["W"])
    grads, h = zeros(params), np.zeros_like(params["b"])
    dh = {name: np.zeros((n, *params[name].shape), W.dtype) for name in ("W", "U", "b")}
    for x, y in zip(data["x"], data["y"], strict=True):
        after = np.tanh(W @ h + params["U"] @ x + params["b"])
        dh = sensitivities(W, x, h, after, dh)
        h = after
        nabla_o = softmax(V @ h + params["c"]) - y
        grads["V"] += np.outer(nabla_o, h)
        grads["c"] += nabla_o
        for name, derivative in dh.items():
            grads[name] += np.tensordot(V.T @ nabla_o, derivative, axes=1)
    return grads


def by_rows(one, factor):
    """(n, n, len(factor)): the derivative by a matrix, of which row i acts on unit i alone, and there by ``factor``."""
    return one[:, :, None] * factor


@wrong(
    "character-rnn-rtrl",
    "W U b",
    "dh[t] is taken for its direct part; W dh[t-1], what came before, is left out.",
    accept=(r"without (the term )?(sum_j\()?W\*dh_d\w\[t - 1\]", r"\b0 where (W\*)?dh_d\w\[t - 1\]"),
)
def sensitivities_forget_the_past(params, data):
    def step(W, x, before, after, dh):
        slope = np.diag(1 - after**2)
        return {"W": by_rows(slope, before), "U": by_rows(slope, x), "b": slope}

    return run_forward(params, data, step)


@wrong(
    "character-rnn-rtrl",
    "W",
    "The direct part of dh[t]/dW is h[t], the new state; it must be h[t-1].",
    accept=(instead("h[t]", "h[t - 1]"),),
)
def direct_part_has_the_new_state(params, data):
    def step(W, x, before, after, dh):
        one, slope = np.eye(len(W), dtype=W.dtype), 1 - after**2
        direct = {"W": by_rows(one, after), "U": by_rows(one, x), "b": one}
        return {k: np.einsum("i,i...->i...", slope, direct[k] + np.tensordot(W, dh[k], axes=1)) for k in dh}

    return run_forward(params, data, step)


@wrong(
    "character-rnn-rtrl",
    "W U b",
    "The slope 1 - h[t]^2 multiplies the direct part only, not the carried W dh[t-1].",
    accept=(r"factor 1 - h\[t\]\^2 (on \[i = p\]\S* only|missing on .*W\*dh_d)",),
)
def carried_part_without_slope(params, data):
    def step(W, x, before, after, dh):
        slope = np.diag(1 - after**2)
        direct = {"W": by_rows(slope, before), "U": by_rows(slope, x), "b": slope}
        return {k: direct[k] + np.tensordot(W, dh[k], axes=1) for k in dh}

    return run_forward(params, data, step)


@wrong(
    "character-rnn-rtrl",
    "b",
    "In the recursion of dh/db the last dh[t-1]/db is added without the factor W.",
    accept=(without("W"),),
)
def bias_recursion_without_weights(params, data):
    def step(W, x, before, after, dh):
        one, slope = np.eye(len(W), dtype=W.dtype), 1 - after**2
        direct = {"W": by_rows(one, before), "U": by_rows(one, x)}
        new = {k: np.einsum("i,i...->i...", slope, direct[k] + np.tensordot(W, dh[k], axes=1)) for k in direct}
        return {**new, "b": slope[:, None] * (one + dh["b"])}

    return run_forward(params, data, step)
