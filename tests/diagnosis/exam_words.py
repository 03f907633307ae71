"""Wrong gradients of the networks that classify: character-rnn and sentiment-rnn."""

import numpy as np

from tests.diagnosis.blind_case import states, wrong, zeros
from tests.diagnosis.wording import OPPOSITE_SIGN, TRANSPOSED, divided_by, instead, only, said, times, without

SOFTMAX = "yhat or yhat[t] or softmax(o) or softmax(o[t]) or p or p[t]"


def softmax(o):
    e = np.exp(o - np.max(o, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def through_time(params, x, h, dy):
    """The right backward pass from dy (T, m), the derivatives by the logits, for cases whose mistake is in dy."""
    g, carry = zeros(params), 0
    for t in reversed(range(len(x))):
        dz = (1 - h[t + 1] ** 2) * (params["V"].T @ dy[t] + carry)
        g["W"] += np.outer(dz, h[t])
        g["U"] += np.outer(dz, x[t])
        g["b"] += dz
        carry = params["W"].T @ dz
    return {**g, "V": dy.T @ h[1:], "c": dy.sum(axis=0)}


def from_last(params, x, h, dy):
    """The same where only the last step has logits, with the derivative dy (m,) by them."""
    all_dy = np.zeros((len(x), len(dy)), dy.dtype)
    all_dy[-1] = dy
    return through_time(params, x, h, all_dy)


# character-rnn ----------------------------------------------------------------------------------------------------


@wrong(
    "character-rnn",
    "W U b V c",
    "nabla_o[t] is y[t] - softmax(o[t]), which has the opposite sign.",
    accept=(OPPOSITE_SIGN,),
)
def targets_minus_probabilities(params, data):
    x, h = data["x"], states(params, data["x"])
    p = softmax(h[1:] @ params["V"].T + params["c"])
    return through_time(params, x, h, data["y"] - p)


@wrong(
    "character-rnn",
    "W U b V c",
    "nabla_o[t] is softmax(o[t]): the term y[t] is not subtracted.",
    accept=(without("y[t] or y or -y[t]"),),
)
class TargetsAreNotSubtracted:
    def forward(self, params, data):
        h = states(params, data["x"])
        ps = [softmax(params["V"] @ s + params["c"]) for s in h[1:]]
        loss = -sum(np.sum(y * np.log(p)) for y, p in zip(data["y"], ps, strict=True))
        return loss, (h, ps)

    def backward(self, params, data, cache):
        h, ps = cache
        dy = np.copy(ps)
        return through_time(params, data["x"], h, dy)


@wrong(
    "character-rnn",
    "W U b V c",
    "nabla_o[t] is -y[t]/softmax(o[t]), the gradient by the probabilities; softmax(o[t]) - y[t] belongs there.",
    accept=(
        rf"-\s?y(\[t\])? ?\*? ?/ ?{said(SOFTMAX)}",
        r"-\s?\(?y(\[t\])? ?/",
        r"without (the )?(Jacobian|derivative) of (the )?softmax",
        r"-exp\(-o\[t\]\)\*y\[t\]\*sum_l\(exp\(o\[t\]\)\) where",
    ),
)
def softmax_is_not_gone_through(params, data):
    x, h = data["x"], states(params, data["x"])
    p = softmax(h[1:] @ params["V"].T + params["c"])
    return through_time(params, x, h, -data["y"] / p)


@wrong(
    "character-rnn",
    "W U b V c",
    "nabla_o[t] is divided by T: the loss is the sum over the steps and not their mean.",
    accept=(divided_by("T"),),
)
def loss_per_character(params, data):
    x, y, h = data["x"], data["y"], states(params, data["x"])
    dlogits = np.empty_like(y)
    for t in range(len(x)):
        dlogits[t] = softmax(params["V"] @ h[t + 1] + params["c"]) - y[t]
    dlogits /= len(x)
    return through_time(params, x, h, dlogits)


@wrong(
    "character-rnn",
    "W U b V c",
    "nabla_o[t] has the factor yhat[t] (1 - yhat[t]) of a sigmoid output, which does not belong there.",
    accept=(
        times("yhat[t] * (1 - yhat[t]) or yhat * (1 - yhat)"),
        r"(times|factor)\b.*\(?1 - (yhat|p|softmax)",
        r"factor \(1 - exp\(o\[t\]\).*too many",
    ),
)
def probabilities_are_differentiated_twice(params, data):
    x, h = data["x"], states(params, data["x"])
    p = softmax(h[1:] @ params["V"].T + params["c"])
    return through_time(params, x, h, (p - data["y"]) * p * (1 - p))


@wrong(
    "character-rnn",
    "W U b",
    "nabla_h[t] is V^T nabla_o[t] alone; the term W^T delta[t+1] from the step after it is missing.",
    accept=(
        without("W^T or carry or carry[t] or delta[t + 1] or nabla_h[t + 1]"),
        only("V^T or seen or seen[t]"),
        r"zero, in carry",
    ),
)
def carry_is_zeroed_in_the_loop(params, data):
    x, y, h = data["x"], data["y"], states(params, data["x"])
    g = zeros(params)
    for t in reversed(range(len(x))):
        dhnext = np.zeros_like(h[0])
        dy = softmax(params["V"] @ h[t + 1] + params["c"]) - y[t]
        g["V"] += np.outer(dy, h[t + 1])
        g["c"] += dy
        dhraw = (params["V"].T @ dy + dhnext) * (1 - h[t + 1] * h[t + 1])
        g["b"] += dhraw
        g["U"] += np.outer(dhraw, x[t])
        g["W"] += np.outer(dhraw, h[t])
        dhnext = params["W"].T @ dhraw
    return g


@wrong(
    "character-rnn",
    "W U b",
    "delta[t] has 1 + h[t]^2, where tanh's derivative 1 - h[t]^2 belongs.",
    accept=(
        instead("1 + h[t]^2", "1 - h[t]^2"),
        instead("h[t]^2", "-h[t]^2"),
        rf"{OPPOSITE_SIGN}.*h\[t\] ?(\^|\*\*) ?2",
        r"1 \+ h\[t\]",
        r"sign of h\[t\]\^2 flipped",
    ),
)
def slope_adds_the_square(params, data):
    x, h = data["x"], states(params, data["x"])
    dy = softmax(h[1:] @ params["V"].T + params["c"]) - data["y"]
    g, carry = {**zeros(params), "V": dy.T @ h[1:], "c": dy.sum(0)}, 0
    for t in range(len(x) - 1, -1, -1):
        dz = (1 + h[t + 1] ** 2) * (dy[t] @ params["V"] + carry)
        g["W"] += np.outer(dz, h[t])
        g["U"] += np.outer(dz, x[t])
        g["b"] += dz
        carry = dz @ params["W"]
    return g


@wrong(
    "character-rnn",
    "W U b V c",
    "The logits are V h[t], without the term c, so that the probabilities in nabla_o are wrong.",
    accept=(without("c or c[r]"),),
)
def output_bias_is_forgotten_in_the_logits(params, data):
    x, h = data["x"], states(params, data["x"])
    logits = np.einsum("mn,tn->tm", params["V"], h[1:])
    return through_time(params, x, h, softmax(logits) - data["y"])


@wrong(
    "character-rnn",
    "V",
    "dV is overwritten at each step: only t = 1 of its sum over t is left.",
    accept=(only("t = 1 or nabla_o[1]"),),
)
def output_weights_are_overwritten(params, data):
    x, y, h = data["x"], data["y"], states(params, data["x"])
    dWhh, dWxh, dbh, dby = (np.zeros_like(params[name]) for name in "WUbc")
    dnext = np.zeros_like(h[0])
    for t in reversed(range(len(x))):
        dy = softmax(params["V"] @ h[t + 1] + params["c"]) - y[t]
        dWhy = np.outer(dy, h[t + 1])
        dby += dy
        draw = (1 - h[t + 1] ** 2) * (params["V"].T @ dy + dnext)
        dWhh += np.outer(draw, h[t])
        dWxh += np.outer(draw, x[t])
        dbh += draw
        dnext = params["W"].T @ draw
    return {"W": dWhh, "U": dWxh, "V": dWhy, "b": dbh, "c": dby}


# sentiment-rnn ----------------------------------------------------------------------------------------------------


@wrong(
    "sentiment-rnn",
    "W U b V c",
    "nabla_o is softmax(o): the 1 at the label is not subtracted.",
    accept=(without("delta or y or label or 1 or [v = label]"), without("delta(v, label)"), r"without\b.*label"),
)
def label_is_not_subtracted(params, data):
    x, h = data["x"], states(params, data["x"])
    d_L_d_y = softmax(params["V"] @ h[-1] + params["c"])
    return from_last(params, x, h, d_L_d_y)


@wrong(
    "sentiment-rnn",
    "W U b V c",
    "nabla_o subtracts 1 from every probability, where it belongs to the label alone.",
    accept=(r"\b1 where .*(label|delta|=)", r"every class|all classes", r"\b1 at every entry where \[label"),
)
def one_is_subtracted_from_every_class(params, data):
    x, h = data["x"], states(params, data["x"])
    p = softmax(params["V"] @ h[-1] + params["c"])
    return from_last(params, x, h, p - 1)


@wrong(
    "sentiment-rnn",
    "W U b V c",
    "nabla_o adds 1 at the label, where it must be subtracted.",
    accept=(
        rf"({OPPOSITE_SIGN}).*(label|delta|term)",
        rf"(label|delta|term).*({OPPOSITE_SIGN})",
        r"\+ ?(1|delta).* where .*- ?(1|delta)",
        r"sign of \[label = \w\] flipped",
    ),
)
class OneIsAddedAtTheLabel:
    def forward(self, params, data):
        h = states(params, data["x"])
        p = softmax(params["V"] @ h[-1] + params["c"])
        return -np.log(p[data["label"]]), (h, p)

    def backward(self, params, data, cache):
        h, p = cache
        dy = p.copy()
        dy[data["label"]] += 1
        return from_last(params, data["x"], h, dy)


@wrong(
    "sentiment-rnn",
    "W U b",
    "nabla_h[t] takes tanh's derivative of step t, 1 - h[t]^2, where that of the step after, 1 - h[t+1]^2, belongs.",
    accept=(instead("1 - h[t]^2 or h[t] or h[t]^2", "1 - h[t + 1]^2 or h[t + 1] or h[t + 1]^2"),),
)
def slope_of_the_step_it_arrives_at(params, data):
    x, h, W = data["x"], states(params, data["x"]), params["W"]
    dy = softmax(params["V"] @ h[-1] + params["c"])
    dy[data["label"]] -= 1
    g = {**zeros(params), "V": np.outer(dy, h[-1]), "c": dy}
    dh = params["V"].T @ dy
    for t in range(len(x), 0, -1):
        dz = (1 - h[t] ** 2) * dh
        g["W"] += np.outer(dz, h[t - 1])
        g["U"] += np.outer(dz, x[t - 1])
        g["b"] += dz
        dh = W.T @ ((1 - h[t - 1] ** 2) * dh)
    return g


@wrong(
    "sentiment-rnn",
    "b",
    "db has nabla_h[t], where delta[t] = (1 - h[t]^2) nabla_h[t] belongs.",
    accept=(instead("nabla_h[t]", "delta[t]"), without("1 - h[t]^2")),
)
def hidden_bias_takes_the_gradient_before_the_slope(params, data):
    x, h = data["x"], states(params, data["x"])
    dy = softmax(params["V"] @ h[-1] + params["c"])
    dy[data["label"]] -= 1
    g = {**zeros(params), "V": np.outer(dy, h[-1]), "c": dy}
    d_h = params["V"].T @ dy
    for t in reversed(range(len(x))):
        temp = (1 - h[t + 1] ** 2) * d_h
        g["b"] += d_h
        g["W"] += np.outer(temp, h[t])
        g["U"] += np.outer(temp, x[t])
        d_h = params["W"].T @ temp
    return g


@wrong(
    "sentiment-rnn",
    "U",
    "dU has the last word only, t = T of its sum over t.",
    accept=(only("t = T or the last or delta[T]"),),
)
def last_word_only(params, data):
    x, h = data["x"], states(params, data["x"])
    dy = softmax(params["V"] @ h[-1] + params["c"])
    dy[data["label"]] -= 1
    g, dh = {**zeros(params), "V": np.outer(dy, h[-1]), "c": dy}, params["V"].T @ dy
    for t in range(len(x), 0, -1):
        dz = (1 - h[t] ** 2) * dh
        if t == len(x):
            g["U"] = np.outer(dz, x[t - 1])
        g["W"] += np.outer(dz, h[t - 1])
        g["b"] += dz
        dh = params["W"].T @ dz
    return g


@wrong(
    "sentiment-rnn",
    "W",
    "dW is transposed: h[t-1] delta[t]^T is added up, where delta[t] h[t-1]^T belongs.",
    accept=(TRANSPOSED, r"(dW|nabla_W|\))\^T", instead("h[t - 1] * delta[t]^T", "delta[t] * h[t - 1]^T")),
)
def recurrent_gradient_is_transposed(params, data):
    x, h = data["x"], states(params, data["x"])
    dy = softmax(params["V"] @ h[-1] + params["c"])
    dy[data["label"]] -= 1
    delta = np.zeros_like(h[1:])
    dh = dy @ params["V"]
    for t in reversed(range(len(x))):
        delta[t] = (1 - h[t + 1] ** 2) * dh
        dh = delta[t] @ params["W"]
    return {"W": h[:-1].T @ delta, "U": delta.T @ x, "b": delta.sum(0), "V": np.outer(dy, h[-1]), "c": dy}
