"""Wrong gradients of the networks that classify: character-rnn at every step, sentiment-rnn at the last."""

import numpy as np

from implementations.activations import softmax
from tests.diagnosis.blind_case import states, wrong, zeros
from tests.diagnosis.wording import (
    FROM_THE_OTHER_END,
    NOT_ADDED_UP,
    ONE_LEFT_OUT,
    OPPOSITE_SIGN,
    instead,
    only,
    said,
    taken_as_zero,
    times,
    without,
)

# characters ---------------------------------------------------------------------------------------------------------


@wrong(
    "character-rnn",
    "W U V b c",
    "nabla_o[t] is yhat[t]: the target y[t] is not subtracted.",
    accept=(without("y[t] or y"), taken_as_zero("y[t] or y")),
)
def target_never_subtracted(params, data):
    Wxh, Whh, Why, bh, by = (params[name] for name in ("U", "W", "V", "b", "c"))
    xs, hs, ps = data["x"], {-1: np.zeros_like(bh)}, {}
    for t in range(len(xs)):
        hs[t] = np.tanh(Wxh @ xs[t] + Whh @ hs[t - 1] + bh)
        ps[t] = softmax(Why @ hs[t] + by)
    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dbh, dby, dhnext = np.zeros_like(bh), np.zeros_like(by), np.zeros_like(bh)
    for t in reversed(range(len(xs))):
        dy = np.copy(ps[t])
        dWhy += np.outer(dy, hs[t])
        dby += dy
        dhraw = (1 - hs[t] * hs[t]) * (Why.T @ dy + dhnext)
        dbh += dhraw
        dWxh += np.outer(dhraw, xs[t])
        dWhh += np.outer(dhraw, hs[t - 1])
        dhnext = Whh.T @ dhraw
    return {"U": dWxh, "W": dWhh, "V": dWhy, "b": dbh, "c": dby}


@wrong(
    "character-rnn",
    "U",
    "The gradient of U is the outer product of the first step alone: it is assigned, not added up over t.",
    accept=(only("t = 1"), NOT_ADDED_UP),
)
def input_weights_assigned(params, data):
    h = states(params, data["x"])
    do = softmax(h[1:] @ params["V"].T + params["c"]) - data["y"]
    grads = {**zeros(params), "V": do.T @ h[1:], "c": do.sum(axis=0)}
    carry = np.zeros_like(h[0])
    for t in range(len(do) - 1, -1, -1):
        delta = (params["V"].T @ do[t] + carry) * (1 - h[t + 1] ** 2)
        grads["W"] += np.outer(delta, h[t])
        grads["U"] = np.outer(delta, data["x"][t])
        grads["b"] += delta
        carry = params["W"].T @ delta
    return grads


@wrong(
    "character-rnn",
    "W U b",
    "carry[t] is set to zero at each step of the loop, so that nabla_h[t] is V^T nabla_o[t] alone.",
    accept=(
        taken_as_zero("carry[t] or carry"),
        without("carry[t] or carry or W^T*delta[t + 1] or delta[t + 1]"),
        only("seen[t] or seen or V^T"),
    ),
)
def carry_zeroed_at_each_step(params, data):
    x, y, V = data["x"], data["y"], params["V"]
    h, grads = states(params, x), zeros(params)
    for t in range(len(x), 0, -1):
        dh_next = np.zeros_like(h[0])
        do = softmax(V @ h[t] + params["c"]) - y[t - 1]
        grads["V"] += np.outer(do, h[t])
        grads["c"] += do
        dz = (V.T @ do + dh_next) * (1 - h[t] ** 2)
        grads["W"] += np.outer(dz, h[t - 1])
        grads["U"] += np.outer(dz, x[t - 1])
        grads["b"] += dz
        dh_next = params["W"].T @ dz
    return grads


@wrong(
    "character-rnn",
    "W U V b c",
    "yhat is a softmax over the steps t; it must be one over the classes at each step.",
    accept=(
        r"(normali[sz]ed|softmax|exp|divided).{0,30} (over|along) (the )?(t\b|s\b|steps|time|rows)",
        r"(over|along) (t|the steps|time|the rows) (where|instead of|in place of|for) ",
        r"a sum over s where one over l belongs",
    ),
)
class SoftmaxDownTheColumns:
    def forward(self, params, data):
        h = states(params, data["x"])
        o = h[1:] @ params["V"].T + params["c"]
        loss = -np.sum(data["y"] * np.log(softmax(o)))
        exps = np.exp(o - o.max())
        return loss, (h, exps / exps.sum(axis=0))

    def backward(self, params, data, cache):
        h, probs = cache
        do = probs - data["y"]
        delta, dh = np.zeros_like(h[1:]), np.zeros_like(h[0])
        for t in range(len(do))[::-1]:
            delta[t] = (1 - h[t + 1] ** 2) * (do[t] @ params["V"] + dh)
            dh = delta[t] @ params["W"]
        return {
            "W": delta.T @ h[:-1],
            "U": delta.T @ data["x"],
            "V": do.T @ h[1:],
            "b": delta.sum(axis=0),
            "c": do.sum(axis=0),
        }


YHAT_SLOPE = " or ".join(
    f"{p}*(1 - {p}) or (1 - {p})*{p}" for p in ("yhat[t]", "yhat", "p", "softmax(o[t])", "softmax(o)", "softmax")
)


@wrong(
    "character-rnn",
    "W U V b c",
    "nabla_o[t] has a factor yhat[t] (1 - yhat[t]) too many: the softmax is differentiated already in yhat[t] - y[t].",
    accept=(
        times(YHAT_SLOPE),
        rf"with .{{0,40}}{said(YHAT_SLOPE)}",
        r"(derivative|slope) of (the )?(softmax|sigmoid).{0,40}(again|twice|too many|once more)",
        r"factor \(1 - exp\(o\[t\]\)/sum_\w\(exp\(o\[t\]\)\)\)\*exp\(o\[t\]\)/\S+ too many",
    ),
)
def slope_of_the_output_once_more(params, data):
    h, grads = states(params, data["x"]), zeros(params)
    carry = np.zeros_like(h[0])
    for x_t, y_t, h_prev, h_now in list(zip(data["x"], data["y"], h[:-1], h[1:], strict=True))[::-1]:
        p = softmax(params["V"] @ h_now + params["c"])
        do = (p - y_t) * p * (1 - p)
        grads["V"] += np.outer(do, h_now)
        grads["c"] += do
        dz = (do @ params["V"] + carry) * (1 - h_now * h_now)
        grads["W"] += np.outer(dz, h_prev)
        grads["U"] += np.outer(dz, x_t)
        grads["b"] += dz
        carry = dz @ params["W"]
    return grads


@wrong(
    "character-rnn",
    "W U V b",
    "nabla_o[t] compares yhat[t] with the target y[t-1] of the step before, where y[t] belongs.",
    accept=(instead("y[t - 1]", "y[t]"), FROM_THE_OTHER_END),
)
def targets_behind_by_one(params, data):
    x, y, h = data["x"], data["y"], states(params, data["x"])
    grads, dh_next = zeros(params), np.zeros_like(h[0])
    for t in range(len(x), 0, -1):
        o = params["V"] @ h[t] + params["c"]
        do = softmax(o) - y[t - 2]
        grads["V"] += np.outer(do, h[t])
        grads["c"] += do
        dz = (params["V"].T @ do + dh_next) * (1 - h[t] ** 2)
        grads["W"] += np.outer(dz, h[t - 1])
        grads["U"] += np.outer(dz, x[t - 1])
        grads["b"] += dz
        dh_next = params["W"].T @ dz
    return grads


@wrong(
    "character-rnn",
    "W U b",
    "delta[t] is (1 - h[t]^2) V^T nabla_o[t] + carry[t]: the slope multiplies the output's part only, not carry[t].",
    accept=(
        r"carry.{0,60}(without|not multiplied|outside|unscaled)",
        rf"without .{{0,40}}{said('1 - h[t]^2')}.{{0,80}}carry",
        rf"{said('1 - h[t]^2')}.{{0,60}}(only|alone)",
        rf"\+ {said('carry[t]')} where",
    ),
)
def brackets_around_the_wrong_sum(params, data):
    h = states(params, data["x"])
    do = softmax(h[1:] @ params["V"].T + params["c"]) - data["y"]
    dh, g = np.zeros_like(h[0]), zeros(params)
    for t in reversed(range(len(do))):
        raw = (1 - h[t + 1] ** 2) * (params["V"].T @ do[t]) + dh
        g["W"] += np.outer(raw, h[t])
        g["U"] += np.outer(raw, data["x"][t])
        g["b"] += raw
        dh = params["W"].T @ raw
    return g | {"V": do.T @ h[1:], "c": do.sum(axis=0)}


@wrong(
    "character-rnn",
    "W U b",
    "carry[t] is W^T nabla_h[t+1], without the slope 1 - h[t+1]^2 of the step after.",
    accept=(
        without("1 - h[t + 1]^2 or slope or derivative"),
        rf"{without('1 - h[t]^2')}.{{0,80}}carry",
        instead("nabla_h[t + 1] or nabla_h", "delta[t + 1] or delta"),
    ),
)
def gradient_carried_around_the_tanh(params, data):
    h = states(params, data["x"])
    yhat = np.array([softmax(params["V"] @ h_t + params["c"]) for h_t in h[1:]])
    nabla_o = yhat - data["y"]
    nabla_h = nabla_o @ params["V"]
    for t in range(len(nabla_h) - 2, -1, -1):
        nabla_h[t] += params["W"].T @ nabla_h[t + 1]
    delta = nabla_h * (1 - h[1:] ** 2)
    grads = {"W": delta.T @ h[:-1], "U": delta.T @ data["x"], "b": delta.sum(axis=0)}
    return {**grads, "V": nabla_o.T @ h[1:], "c": nabla_o.sum(axis=0)}


# sentiment ----------------------------------------------------------------------------------------------------------


def sentiment_back(params, x, h, do, slope=lambda h, t: 1 - h[t] ** 2):
    """The gradients from nabla_o on; ``slope(h, t)`` is the derivative of step t."""
    grads = {**zeros(params), "V": np.outer(do, h[-1]), "c": do}
    dh = params["V"].T @ do
    for t in range(len(x), 0, -1):
        delta = slope(h, t) * dh
        grads["W"] += np.outer(delta, h[t - 1])
        grads["U"] += np.outer(delta, x[t - 1])
        grads["b"] += delta
        dh = params["W"].T @ delta
    return grads


@wrong(
    "sentiment-rnn",
    "W U V b c",
    "nabla_o is the softmax alone: the 1 at the label is not subtracted.",
    accept=(
        ONE_LEFT_OUT,
        without("label or [v = label] or delta(v, label) or one-hot or one-hot label"),
        taken_as_zero("[v = label] or delta(v, label)"),
    ),
)
def label_never_subtracted(params, data):
    h = states(params, data["x"])
    probs = softmax(params["V"] @ h[-1] + params["c"])
    return sentiment_back(params, data["x"], h, probs)


@wrong(
    "sentiment-rnn",
    "W U V b c",
    "nabla_o adds 1 to the softmax at the label, where 1 must be subtracted.",
    accept=(OPPOSITE_SIGN, r"\+ ?(1|\[|delta).{0,30} where -", r"sign of \[label = \w\] flipped"),
)
class OneAddedAtTheLabel:
    def forward(self, params, data):
        h = states(params, data["x"])
        p = softmax(params["V"] @ h[-1] + params["c"])
        return -np.log(p[data["label"]]), (h, p)

    def backward(self, params, data, cache):
        h, p = cache
        d_L_d_y = p.copy()
        d_L_d_y[data["label"]] += 1
        return sentiment_back(params, data["x"], h, d_L_d_y)


@wrong(
    "sentiment-rnn",
    "W U b",
    "The slope of step t is 1 - h[t-1]^2, that of the step before; 1 - h[t]^2 belongs.",
    accept=(instead("h[t - 1]", "h[t]"), instead("1 - h[t - 1]^2", "1 - h[t]^2")),
)
def slope_of_the_step_before(params, data):
    h = states(params, data["x"])
    p = softmax(params["V"] @ h[-1] + params["c"])
    p[data["label"]] -= 1
    return sentiment_back(params, data["x"], h, p, slope=lambda h, t: 1 - h[t - 1] ** 2)


@wrong(
    "sentiment-rnn",
    "U",
    "The gradient of U takes nabla_h[t], where delta[t] = (1 - h[t]^2) nabla_h[t] belongs.",
    accept=(without("1 - h[t]^2 or slope or derivative"), instead("nabla_h[t]", "delta[t]")),
)
def input_weights_skip_the_tanh(params, data):
    x, h = data["x"], states(params, data["x"])
    do = softmax(params["V"] @ h[-1] + params["c"]) - np.eye(len(params["c"]), dtype=h.dtype)[data["label"]]
    d_Whh, d_Wxh, d_bh = np.zeros_like(params["W"]), np.zeros_like(params["U"]), np.zeros_like(params["b"])
    d_h = params["V"].T @ do
    for t in reversed(range(len(x))):
        temp = (1 - h[t + 1] ** 2) * d_h
        d_bh += temp
        d_Whh += temp[:, None] @ h[t][None]
        d_Wxh += d_h[:, None] @ x[t][None]
        d_h = params["W"].T @ temp
    return {"W": d_Whh, "U": d_Wxh, "b": d_bh, "V": np.outer(do, h[-1]), "c": do}


@wrong(
    "sentiment-rnn",
    "V",
    "The gradient of V adds up nabla_o h[t]^T over all steps, where nabla_o h[T]^T alone belongs.",
    accept=(
        r"(summed|added up|every|each).{0,30}(step|over t|h\[t\])",
        instead("h[t]", "h[T]"),
        r"sum of h\[t\] over all steps where h\[T\] belongs",
    ),
)
def output_weights_at_every_step(params, data):
    h = states(params, data["x"])
    p = softmax(params["V"] @ h[-1] + params["c"])
    p[data["label"]] -= 1
    dV = np.zeros_like(params["V"])
    for state in h[1:]:
        dV += np.outer(p, state)
    return sentiment_back(params, data["x"], h, p) | {"V": dV}
