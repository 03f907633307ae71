"""Wrong gradients of recurrent layers with other activations than tanh: rnn-sigmoid and rnn-relu."""

import numpy as np

from tests.diagnosis.blind_case import states, wrong, zeros
from tests.diagnosis.wording import OPPOSITE_SIGN, TRANSPOSED, divided_by, instead, without


def logistic(z):
    return 1 / (1 + np.exp(-z))


# sigmoid ----------------------------------------------------------------------------------------------------------


@wrong(
    "rnn-sigmoid",
    "W U b h0",
    "delta[t] has tanh's derivative 1 - h[t]^2, where h[t] (1 - h[t]) belongs.",
    accept=(instead("1 - h[t]^2", "h[t] * (1 - h[t]) or (1 - h[t]) * h[t]"), r"1 - h\[t\] ?(\^|\*\*) ?2 where"),
)
def slope_copied_from_the_tanh_network(params, data, upstream):
    x, h = data["x"], states(params, data["x"], logistic)
    g, carry = zeros(params), 0
    for t in reversed(range(len(x))):
        dz = (1 - h[t + 1] ** 2) * (params["V"].T @ upstream[t] + carry)
        g["W"] += np.outer(dz, h[t])
        g["U"] += np.outer(dz, x[t])
        g["b"] += dz
        carry = params["W"].T @ dz
    return {**g, "V": upstream.T @ h[1:], "c": upstream.sum(0), "h0": carry}


@wrong(
    "rnn-sigmoid",
    "W U b h0",
    "delta[t] takes the sigmoid's derivative at h[t]: sigmoid(h[t]) stands where h[t] belongs in h[t] (1 - h[t]).",
    accept=(
        r"sigmoid\(h\[t\]\)",
        r"exp\(-h\[t\]\)",
        r"twice",
        r"already (been )?activated",
        r"sigmoid applied again to h\[t\]",
    ),
)
class SigmoidPrimeOfTheState:
    @staticmethod
    def sigmoid_prime(z):
        return logistic(z) * (1 - logistic(z))

    def forward(self, params, data):
        h = states(params, data["x"], logistic)
        return h[1:] @ params["V"].T + params["c"], (params, data["x"], h)

    def backward(self, upstream, cache):
        params, x, h = cache
        deltas, dh = [], upstream[-1] @ params["V"]
        for t in range(len(x) - 1, -1, -1):
            deltas.insert(0, dh * self.sigmoid_prime(h[t + 1]))
            dh = deltas[0] @ params["W"] + (upstream[t - 1] @ params["V"] if t else 0)
        d = np.array(deltas)
        return {
            "W": d.T @ h[:-1],
            "U": d.T @ x,
            "b": d.sum(0),
            "V": upstream.T @ h[1:],
            "c": upstream.sum(0),
            "h0": dh,
        }


@wrong(
    "rnn-sigmoid",
    "W U b V h0",
    "The pre-activation W h[t-1] + U x[t] of the forward pass lacks the term b.",
    accept=(without("b or bias or b[i]"),),
)
def hidden_bias_is_forgotten_in_the_forward_pass(params, data, upstream):
    W, U, V, x = params["W"], params["U"], params["V"], data["x"]
    h = [params["h0"]]
    for t in range(len(x)):
        h.append(logistic(W.dot(h[-1]) + U.dot(x[t])))
    g, back = zeros(params), np.zeros_like(h[0])
    for t in range(len(x), 0, -1):
        dz = h[t] * (1 - h[t]) * (V.T.dot(upstream[t - 1]) + back)
        g["W"] += np.outer(dz, h[t - 1])
        g["U"] += np.outer(dz, x[t - 1])
        g["V"] += np.outer(upstream[t - 1], h[t])
        g["b"] += dz
        back = W.T.dot(dz)
    return {**g, "c": upstream.sum(0), "h0": back}


@wrong(
    "rnn-sigmoid",
    "W",
    "dW is transposed: h[t-1] delta[t]^T is added up, where delta[t] h[t-1]^T belongs.",
    accept=(TRANSPOSED, r"(dW|nabla_W|\))\^T", instead("h[t - 1] * delta[t]^T", "delta[t] * h[t - 1]^T")),
)
def outer_product_the_wrong_way_round(params, data, upstream):
    x, h = data["x"], states(params, data["x"], logistic)
    g, dh_next = zeros(params), 0
    for t in range(len(x) - 1, -1, -1):
        s = h[t + 1]
        dz = s * (1 - s) * (params["V"].T @ upstream[t] + dh_next)
        g["W"] += np.outer(h[t], dz)
        g["U"] += np.outer(dz, x[t])
        g["b"] += dz
        g["V"] += np.outer(upstream[t], s)
        g["c"] += upstream[t]
        dh_next = params["W"].T @ dz
    g["h0"] = dh_next
    return g


@wrong(
    "rnn-sigmoid",
    "c",
    "dc is the mean of nabla_y[t] over the steps, where their sum belongs.",
    accept=(divided_by("T"),),
)
def output_bias_is_averaged_over_time(params, data, upstream):
    x, h = data["x"], states(params, data["x"], logistic)
    delta = np.empty_like(h[1:])
    carry = np.zeros_like(h[0])
    for t, dy in reversed(list(enumerate(upstream))):
        delta[t] = h[t + 1] * (1 - h[t + 1]) * (dy @ params["V"] + carry)
        carry = delta[t] @ params["W"]
    g = {"W": delta.T @ h[:-1], "U": delta.T @ x, "b": delta.sum(axis=0), "h0": carry}
    return {**g, "V": upstream.T @ h[1:], "c": upstream.mean(axis=0)}


@wrong(
    "rnn-sigmoid",
    "W U b V h0",
    "The forward pass begins with zeros, where the parameter h0 belongs as h[0].",
    accept=(
        instead("0 or h[0] = 0", "h0 or h[0]"),
        without("h0 or h[0]"),
        r"h\[0\] (is|=) (0|zero)",
        r"zero.* in h\[0\]",
    ),
)
def forward_pass_starts_from_zero(params, data, upstream):
    W, V, x = params["W"], params["V"], data["x"]
    h = states({**params, "h0": np.zeros_like(params["h0"])}, x, logistic)
    g, carry = zeros(params), 0
    for t in reversed(range(len(x))):
        dz = h[t + 1] * (1 - h[t + 1]) * (V.T @ upstream[t] + carry)
        g["W"] += np.outer(dz, h[t])
        g["U"] += np.outer(dz, x[t])
        g["b"] += dz
        carry = W.T @ dz
    return {**g, "V": upstream.T @ h[1:], "c": upstream.sum(0), "h0": carry}


@wrong("rnn-sigmoid", "U", "dU has the opposite sign: its terms are subtracted.", accept=(OPPOSITE_SIGN, r"-\s?dU"))
def input_weights_are_subtracted(params, data, upstream):
    x, h = data["x"], states(params, data["x"], logistic)
    g = zeros(params)
    dh = np.zeros_like(h[0])
    for t in range(len(x), 0, -1):
        dh = dh + params["V"].T @ upstream[t - 1]
        dz = dh * h[t] * (1 - h[t])
        g["U"] -= np.outer(dz, x[t - 1])
        g["W"] += np.outer(dz, h[t - 1])
        g["b"] += dz
        dh = params["W"].T @ dz
    return {**g, "V": upstream.T @ h[1:], "c": upstream.sum(0), "h0": dh}


# ReLU -------------------------------------------------------------------------------------------------------------


@wrong(
    "rnn-relu",
    "W U b h0",
    "delta[t] multiplies nabla_h[t] by h[t], where ReLU's slope sign(h[t]), 1 or 0, belongs.",
    accept=(instead("h[t]", "sign(h[t])"), rf"{without('sign')}.*", r"times h\[t\]"),
)
def state_in_place_of_its_mask(params, data, upstream):
    x, h = data["x"], states(params, data["x"], lambda z: np.maximum(z, 0))
    g, carry = zeros(params), 0
    for t in reversed(range(len(x))):
        dz = h[t + 1] * (params["V"].T @ upstream[t] + carry)
        g["W"] += np.outer(dz, h[t])
        g["U"] += np.outer(dz, x[t])
        g["b"] += dz
        carry = params["W"].T @ dz
    return {**g, "V": upstream.T @ h[1:], "c": upstream.sum(0), "h0": carry}


@wrong(
    "rnn-relu",
    "W U b h0",
    "delta[t] is nabla_h[t] itself: the factor sign(h[t]), ReLU's slope, is missing.",
    accept=(without("sign(h[t]) or sign"), instead("1", "sign(h[t])")),
)
def mask_is_forgotten(params, data, upstream):
    W, V, x = params["W"], params["V"], data["x"]
    h = states(params, x, lambda z: z * (z > 0))
    nabla_h = np.zeros_like(h)
    for t in range(len(x), 0, -1):
        nabla_h[t] += V.T @ upstream[t - 1]
        nabla_h[t - 1] = W.T @ nabla_h[t]
    d = nabla_h[1:]
    g = {"W": d.T @ h[:-1], "U": d.T @ x, "b": d.sum(0), "h0": nabla_h[0]}
    return {**g, "V": upstream.T @ h[1:], "c": upstream.sum(0)}


@wrong(
    "rnn-relu",
    "V",
    "dV multiplies nabla_y[t] by h[t-1], where h[t] belongs.",
    accept=(instead("h[t - 1] or h[t - 1]^T", "h[t] or h[t]^T"),),
)
def output_weights_take_the_state_before(params, data, upstream):
    x, h = data["x"], states(params, data["x"], lambda z: np.maximum(0, z))
    delta, carry = np.zeros_like(h[1:]), np.zeros_like(h[0])
    for t in range(len(x))[::-1]:
        delta[t] = np.where(h[t + 1] > 0, upstream[t] @ params["V"] + carry, 0)
        carry = delta[t] @ params["W"]
    g = {"W": delta.T @ h[:-1], "U": delta.T @ x, "b": delta.sum(0), "h0": carry, "c": upstream.sum(0)}
    g["V"] = sum(np.outer(dy, before) for dy, before in zip(upstream, h[:-1], strict=True))
    return g
