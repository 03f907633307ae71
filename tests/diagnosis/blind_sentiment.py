"""Wrong gradients of the sentiment network, which reads a sequence of words and names one class."""

import numpy as np

from implementations.activations import softmax
from tests.diagnosis.blind_case import states, wrong, zeros
from tests.diagnosis.wording import instead, only, said, without


def back_from_the_end(params, x, h, nabla_o):
    """The right backward pass from the gradient nabla_o (m,) by the logits on."""
    grads, d_h = zeros(params), params["V"].T @ nabla_o
    for t in reversed(range(len(x))):
        temp = (1 - h[t + 1] ** 2) * d_h
        grads["b"] += temp
        grads["W"] += np.outer(temp, h[t])
        grads["U"] += np.outer(temp, x[t])
        d_h = params["W"].T @ temp
    return {**grads, "V": np.outer(nabla_o, h[-1]), "c": nabla_o}


def logits(params, h):
    return params["V"] @ h[-1] + params["c"]


@wrong(
    "sentiment-rnn",
    "W U V b c",
    "1 is not subtracted from the probability of the right class.",
    accept=(without("[label = m] or [label = r] or [label = l] or [label = k]"), r"without the term \[.*label"),
)
def one_not_subtracted_at_the_label(params, data):
    h = states(params, data["x"])
    return back_from_the_end(params, data["x"], h, softmax(logits(params, h)))


@wrong(
    "sentiment-rnn",
    "W U V b c",
    "1 is subtracted at the class before the label: labels are counted from 1.",
    accept=(r"entry before the one of \[.*label", said("label - 1")),
)
def label_counted_from_one(params, data):
    h = states(params, data["x"])
    d_y = softmax(logits(params, h))
    d_y[data["label"] - 1] -= 1
    return back_from_the_end(params, data["x"], h, d_y)


@wrong(
    "sentiment-rnn",
    "W U V b c",
    "At the label the sign is wrong: 1 - p[label] for p[label] - 1.",
    accept=(r"sign .*(at|for) (the label|\[.*label)", r"\bAbs\(exp\(o\)/sum_l\(exp\(o\)\) - \[label = v\]\) where"),
)
def sign_wrong_at_the_label_alone(params, data):
    h = states(params, data["x"])
    d_y = softmax(logits(params, h))
    d_y[data["label"]] = 1 - d_y[data["label"]]
    return back_from_the_end(params, data["x"], h, d_y)


@wrong(
    "sentiment-rnn",
    "W U V b c",
    "The exponentials are divided by the greatest of them; it must be by their sum.",
    accept=(r"\bmax\w*\(|greatest|largest",),
)
def divided_by_the_greatest(params, data):
    h = states(params, data["x"])
    e = np.exp(logits(params, h))
    d_y = e / e.max()
    d_y[data["label"]] -= 1
    return back_from_the_end(params, data["x"], h, d_y)


@wrong(
    "sentiment-rnn",
    "U",
    "The gradient of U is overwritten at each step: only the first word counts.",
    accept=(only("t = 1"),),
)
def input_weights_overwritten(params, data):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    d_y = softmax(logits(params, h))
    d_y[data["label"]] -= 1
    d_W, d_b, d_h = np.zeros_like(W), np.zeros_like(params["b"]), V.T @ d_y
    for t in range(len(x) - 1, -1, -1):
        temp = (1 - h[t + 1] ** 2) * d_h
        d_b += temp
        d_W += np.outer(temp, h[t])
        d_U = np.outer(temp, x[t])
        d_h = W.T @ temp
    return {"W": d_W, "U": d_U, "V": np.outer(d_y, h[-1]), "b": d_b, "c": d_y}


@wrong(
    "sentiment-rnn", "V", "h[T] nabla_o^T is reshaped to the shape of V; it must be transposed.", accept=(r"reshaped",)
)
def reshaped_for_transposed(params, data):
    h = states(params, data["x"])
    d_y = softmax(logits(params, h))
    d_y[data["label"]] -= 1
    grads = back_from_the_end(params, data["x"], h, d_y)
    return {**grads, "V": np.outer(h[-1], d_y).reshape(params["V"].shape)}


@wrong(
    "sentiment-rnn",
    "W U",
    "The deltas are collected from the last step on, and paired with h and x from the first.",
    accept=(r"revers|back to front",),
)
def deltas_paired_in_the_wrong_order(params, data):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    d_y = softmax(logits(params, h))
    d_y[data["label"]] -= 1
    deltas, d_h = [], V.T @ d_y
    for h_t in h[:0:-1]:
        deltas.append((1 - h_t**2) * d_h)
        d_h = W.T @ deltas[-1]
    return {
        "W": sum(np.outer(delta, before) for delta, before in zip(deltas, h[:-1], strict=True)),
        "U": sum(np.outer(delta, x_t) for delta, x_t in zip(deltas, x, strict=True)),
        "V": np.outer(d_y, h[-1]),
        "b": sum(deltas),
        "c": d_y,
    }


@wrong(
    "sentiment-rnn",
    "W U b",
    "Only the right class sends its error back into h[T]: V[label] (p[label] - 1).",
    accept=(r"only \w = label of the sum.* in nabla_h\[T\]", r"at \[.*label.*\] only"),
)
def error_of_the_label_alone_goes_back(params, data):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    label, grads = data["label"], zeros(params)
    d_y = softmax(logits(params, h))
    d_y[label] -= 1
    d_h = V[label] * d_y[label]
    for t in reversed(range(len(x))):
        temp = (1 - h[t + 1] ** 2) * d_h
        grads["b"] += temp
        grads["W"] += np.outer(temp, h[t])
        grads["U"] += np.outer(temp, x[t])
        d_h = W.T @ temp
    return {**grads, "V": np.outer(d_y, h[-1]), "c": d_y}


@wrong(
    "sentiment-rnn",
    "W U b",
    "The carry multiplies temp by W as it is; going back in time it must be W transposed.",
    accept=(instead("W", "W^T"),),
)
def whh_not_transposed(params, data):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    grads = zeros(params)
    d_y = softmax(logits(params, h))
    d_y[data["label"]] -= 1
    d_h = V.T @ d_y
    for t in reversed(range(len(x))):
        temp = (1 - h[t + 1] ** 2) * d_h
        grads["b"] += temp
        grads["W"] += temp[:, None] @ h[t][None, :]
        grads["U"] += temp[:, None] @ x[t][None, :]
        d_h = W @ temp
    return {**grads, "V": np.outer(d_y, h[-1]), "c": d_y}
