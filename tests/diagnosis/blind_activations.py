"""Wrong gradients of recurrent layers with the sigmoid and with ReLU."""

import numpy as np

from implementations.activations import sigmoid
from implementations.recurrent import relu
from tests.diagnosis.blind_case import states, wrong, zeros
from tests.diagnosis.wording import instead, said, without

# sigmoid ----------------------------------------------------------------------------------------------------------


@wrong(
    "rnn-sigmoid",
    "W U b h0",
    "The slope is that of tanh, 1 - h[t]^2; the sigmoid's is h[t] (1 - h[t]).",
    accept=(instead("1 - h[t]^2", "(1 - h[t])*h[t] or h[t]*(1 - h[t])"),),
)
def slope_of_tanh_for_the_sigmoid(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"], sigmoid)
    delta, carry = np.empty_like(h[1:]), np.zeros_like(h[0])
    for t in range(len(x) - 1, -1, -1):
        delta[t] = (upstream[t] @ V + carry) * (1 - h[t + 1] ** 2)
        carry = delta[t] @ W
    return {
        "W": delta.T @ h[:-1],
        "U": delta.T @ x,
        "V": upstream.T @ h[1:],
        "b": delta.sum(0),
        "c": upstream.sum(0),
        "h0": carry,
    }


@wrong(
    "rnn-sigmoid",
    "W U b h0",
    "The sigmoid's derivative is applied to its value: sigma(h[t]) (1 - sigma(h[t])).",
    accept=(r"sigmoid applied again to h\[t\] in", said("sigmoid(h[t])")),
)
def sigmoid_taken_twice_in_its_derivative(params, data, upstream):
    def derivative(z):
        return sigmoid(z) * (1 - sigmoid(z))

    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"], sigmoid)
    grads, dh = zeros(params), np.zeros_like(h[0])
    for t in reversed(range(len(x))):
        dh = dh + V.T @ upstream[t]
        dz = derivative(h[t + 1]) * dh
        grads["W"] += np.outer(dz, h[t])
        grads["U"] += np.outer(dz, x[t])
        grads["b"] += dz
        dh = W.T @ dz
    return {**grads, "h0": dh, "V": upstream.T @ h[1:], "c": upstream.sum(0)}


@wrong(
    "rnn-sigmoid",
    "W U b h0",
    "The slope of the sigmoid has the wrong sign: h[t] (h[t] - 1) for h[t] (1 - h[t]).",
    accept=(r"(opposite sign|sign is wrong).* in delta",),
)
def sigmoid_slope_negative(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"], sigmoid)
    grads, carry = zeros(params), 0
    for t in range(len(x), 0, -1):
        ds = V.T @ upstream[t - 1] + carry
        dadd = h[t] * (h[t] - 1) * ds
        grads["W"] += np.outer(dadd, h[t - 1])
        grads["U"] += np.outer(dadd, x[t - 1])
        grads["b"] += dadd
        carry = W.T @ dadd
    return {**grads, "h0": carry, "V": upstream.T @ h[1:], "c": upstream.sum(0)}


@wrong(
    "rnn-sigmoid",
    "W U b h0",
    "At the last step delta[T] lacks the slope h[T] (1 - h[T]).",
    accept=(r"without the factor .*h\[[tT]\].*(step|t =) T\b", without("(1 - h[T])*h[T]")),
)
def last_step_without_slope(params, data, upstream):
    W, V, x, s = params["W"], params["V"], data["x"], states(params, data["x"], sigmoid)
    T = len(x)
    delta = np.zeros_like(s[1:])
    delta[T - 1] = V.T @ upstream[T - 1]
    for t in range(T - 2, -1, -1):
        delta[t] = s[t + 1] * (1 - s[t + 1]) * (V.T @ upstream[t] + W.T @ delta[t + 1])
    return {
        "W": delta.T @ s[:-1],
        "U": delta.T @ x,
        "V": upstream.T @ s[1:],
        "b": delta.sum(0),
        "c": upstream.sum(0),
        "h0": W.T @ delta[0],
    }


@wrong(
    "rnn-sigmoid",
    "W U V b h0",
    "The forward pass leaves out the bias b, so that every state h[t] is another.",
    accept=(rf"{without('b')}.* in h\[t\]",),
)
def forward_pass_without_bias(params, data, upstream):
    W, U, V, x = params["W"], params["U"], params["V"], data["x"]
    s = np.zeros((len(x) + 1, len(W)), W.dtype)
    s[0] = params["h0"]
    for t in range(len(x)):
        s[t + 1] = sigmoid(W @ s[t] + U @ x[t])
    grads, carry = zeros(params), 0
    for t in range(len(x), 0, -1):
        delta = s[t] * (1 - s[t]) * (V.T @ upstream[t - 1] + carry)
        grads["W"] += np.outer(delta, s[t - 1])
        grads["U"] += np.outer(delta, x[t - 1])
        grads["b"] += delta
        carry = W.T @ delta
    return {**grads, "h0": carry, "V": upstream.T @ s[1:], "c": upstream.sum(0)}


@wrong(
    "rnn-sigmoid",
    "W",
    "The sum for W starts at t = 2: the term delta[1] h[0]^T is missing, as if h0 were zero.",
    accept=(r"without t = 1 in the sum", without("h[0] or h0"), r"contribution of step 1 is missing"),
)
def term_of_the_initial_state_missing(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"], sigmoid)
    delta, carry = np.empty_like(h[1:]), np.zeros_like(h[0])
    for t in reversed(range(len(x))):
        delta[t] = h[t + 1] * (1 - h[t + 1]) * (V.T @ upstream[t] + carry)
        carry = W.T @ delta[t]
    return {
        "W": delta[1:].T @ h[1:-1],
        "U": delta.T @ x,
        "V": upstream.T @ h[1:],
        "b": delta.sum(0),
        "c": upstream.sum(0),
        "h0": carry,
    }


@wrong(
    "rnn-sigmoid",
    "W",
    "The term of each step is added to W's gradient twice, in the loop and after it.",
    accept=(r"twice the exact", r"times 2\b"),
)
def recurrent_weights_counted_twice(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"], sigmoid)
    grads, deltas, carry = zeros(params), np.zeros_like(h[1:]), 0
    for t in reversed(range(len(x))):
        deltas[t] = h[t + 1] * (1 - h[t + 1]) * (V.T @ upstream[t] + carry)
        grads["W"] += np.outer(deltas[t], h[t])
        grads["V"] += np.outer(upstream[t], h[t + 1])
        carry = W.T @ deltas[t]
    grads["W"] += deltas.T @ h[:-1]
    return {**grads, "U": deltas.T @ x, "b": deltas.sum(0), "c": upstream.sum(0), "h0": carry}


# ReLU -------------------------------------------------------------------------------------------------------------


@wrong(
    "rnn-relu",
    "W U b h0",
    "The derivative of ReLU is left out: gradients pass units whose pre-activation is negative.",
    accept=(without("sign(h[t]) or relu'(a[t])"), r"\b1 in all cases"),
)
def units_that_are_off_let_gradients_pass(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"], relu)
    grads, carry = zeros(params), 0
    for t in range(len(x), 0, -1):
        delta = V.T @ upstream[t - 1] + carry
        grads["W"] += np.outer(delta, h[t - 1])
        grads["U"] += np.outer(delta, x[t - 1])
        grads["b"] += delta
        carry = W.T @ delta
    return {**grads, "h0": carry, "V": upstream.T @ h[1:], "c": upstream.sum(0)}


@wrong(
    "rnn-relu",
    "W U b h0",
    "The gradient nabla_h[t] is cut at zero where it is negative, in place of where h[t] is off.",
    accept=(r"(sign|relu|Max)\((0, )?nabla_h\[t\]|\[nabla_h\[t\] > 0\]",),
)
def mask_from_the_gradient(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"], relu)
    grads, carry = zeros(params), 0
    for t in range(len(x), 0, -1):
        dh = V.T @ upstream[t - 1] + carry
        delta = dh * (dh > 0)
        grads["W"] += np.outer(delta, h[t - 1])
        grads["U"] += np.outer(delta, x[t - 1])
        grads["b"] += delta
        carry = W.T @ delta
    return {**grads, "h0": carry, "V": upstream.T @ h[1:], "c": upstream.sum(0)}


@wrong(
    "rnn-relu",
    "W U b h0",
    "delta[t] is multiplied by ReLU's value h[t] in place of its derivative, 1 or 0.",
    accept=(r"without the function sign\b", instead("h[t]", "sign(h[t])")),
)
def value_of_relu_for_its_derivative(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"], relu)
    grads, carry = zeros(params), 0
    for t in range(len(x), 0, -1):
        delta = np.maximum(h[t], 0) * (V.T @ upstream[t - 1] + carry)
        grads["W"] += np.outer(delta, h[t - 1])
        grads["U"] += np.outer(delta, x[t - 1])
        grads["b"] += delta
        carry = W.T @ delta
    return {**grads, "h0": carry, "V": upstream.T @ h[1:], "c": upstream.sum(0)}
