"""Wrong gradients of recurrent layers under any loss of their outputs: rnn-tanh, rnn-sigmoid, rnn-relu."""

import numpy as np

from tests.diagnosis.blind_case import states, wrong, zeros
from tests.diagnosis.wording import TRANSPOSED, divided_by, instead, only, said, without

# tanh -------------------------------------------------------------------------------------------------------------


@wrong(
    "rnn-tanh",
    "W U b h0",
    "nabla_h[t] takes W delta[t+1] from the step after it; W must be transposed.",
    accept=(instead("W", "W^T"),),
)
def carry_multiplies_by_w_as_it_is(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    grads = zeros(params)
    dh_next = np.zeros_like(h[0])
    for t in reversed(range(len(x))):
        dh = V.T @ upstream[t] + dh_next
        dz = dh * (1 - h[t + 1] ** 2)
        grads["W"] += np.outer(dz, h[t])
        grads["U"] += np.outer(dz, x[t])
        grads["b"] += dz
        grads["V"] += np.outer(upstream[t], h[t + 1])
        grads["c"] += upstream[t]
        dh_next = W @ dz
    grads["h0"] = dh_next
    return grads


@wrong(
    "rnn-tanh",
    "W U b h0",
    "Nothing is carried from step t+1 back to h[t]: nabla_h[t] is V^T nabla_y[t] alone.",
    accept=(
        r"(left out|zero|\b0\b).* in carry",
        without("carry or carry[t] or sum_i((1 - h[t + 1]^2)*W*nabla_h[t + 1])"),
        r"over 0 steps",
    ),
)
def carry_computed_and_dropped(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    grads = zeros(params)
    for t in range(len(x), 0, -1):
        dh = upstream[t - 1] @ V
        dz = dh * (1 - h[t] * h[t])
        dh_prev = dz @ W
        grads["W"] += dz[:, None] * h[t - 1][None, :]
        grads["U"] += dz[:, None] * x[t - 1][None, :]
        grads["b"] += dz
    return {**grads, "h0": dh_prev, "V": upstream.T @ h[1:], "c": upstream.sum(axis=0)}


@wrong(
    "rnn-tanh",
    "W",
    "The gradient of W multiplies delta[t] by h[t]; it must be h[t-1].",
    accept=(instead("h[t]", "h[t - 1]"),),
)
def recurrent_weights_meet_the_new_state(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])[1:]
    h0 = params["h0"]
    T = len(x)
    grads = zeros(params)
    da = np.zeros_like(h)
    back = np.zeros_like(h0)
    for t in range(T - 1, -1, -1):
        da[t] = (1 - h[t] ** 2) * (V.T.dot(upstream[t]) + back)
        back = W.T.dot(da[t])
    for t in range(T):
        grads["W"] += np.outer(da[t], h[t])
        grads["U"] += np.outer(da[t], x[t])
        grads["V"] += np.outer(upstream[t], h[t])
    return {**grads, "b": da.sum(0), "c": upstream.sum(0), "h0": back}


@wrong(
    "rnn-tanh",
    "W",
    "At t = 1 the index h[t-1] wraps round: W meets the last state h[T] there and not h[0].",
    accept=(instead("h[T]", "h[0] or h0"), r"h\[t - 1\] taken from the other end"),
)
def first_step_reads_the_last_state(params, data, upstream):
    W, V, x = params["W"], params["V"], data["x"]
    hidden = states(params, x)[1:]
    grads = zeros(params)
    dh_next = np.zeros_like(params["h0"])
    for t in reversed(range(len(x))):
        dy = upstream[t]
        grads["V"] += np.outer(dy, hidden[t])
        grads["c"] += dy
        draw = (1 - hidden[t] ** 2) * (V.T @ dy + dh_next)
        grads["b"] += draw
        grads["U"] += np.outer(draw, x[t])
        grads["W"] += np.outer(draw, hidden[t - 1])
        dh_next = W.T @ draw
    return {**grads, "h0": dh_next}


@wrong(
    "rnn-tanh",
    "W U b h0",
    "The derivative of tanh is taken at h[t], which is activated already: 1 - tanh(h[t])^2.",
    accept=(r"tanh applied again to h\[t\] in", said("tanh(h[t])")),
)
def tanh_taken_twice_in_its_derivative(params, data, upstream):
    def tanh_prime(z):
        return 1 - np.tanh(z) ** 2

    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    delta, carry = np.zeros_like(h), np.zeros_like(h[0])
    for t in range(len(x), 0, -1):
        delta[t] = tanh_prime(h[t]) * (V.T @ upstream[t - 1] + carry)
        carry = W.T @ delta[t]
    return {
        "W": delta[1:].T @ h[:-1],
        "U": delta[1:].T @ x,
        "V": upstream.T @ h[1:],
        "b": np.sum(delta, axis=0),
        "c": np.sum(upstream, axis=0),
        "h0": carry,
    }


@wrong(
    "rnn-tanh",
    "W U b h0",
    "The derivative of tanh is written 1 - h[t]; the square of h[t] is forgotten.",
    accept=(instead("h[t] or 1 - h[t]", "h[t]^2 or 1 - h[t]^2"),),
)
def square_forgotten_in_slope(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    grads, carry = zeros(params), 0
    for t in range(len(x), 0, -1):
        delta = (V.T @ upstream[t - 1] + carry) * (1 - h[t])
        for name, factor in (("W", h[t - 1]), ("U", x[t - 1])):
            grads[name] += np.outer(delta, factor)
        grads["b"] += delta
        carry = W.T @ delta
    return {**grads, "h0": carry, "V": upstream.T @ h[1:], "c": upstream.sum(0)}


@wrong(
    "rnn-tanh",
    "W U b h0",
    "delta[t] has the slope of the state before, 1 - h[t-1]^2, in place of 1 - h[t]^2.",
    accept=(
        rf"{instead('h[t - 1]', 'h[t]')}.* in delta",
        instead("h[t - 1]^2 or 1 - h[t - 1]^2", "h[t]^2 or 1 - h[t]^2"),
    ),
)
def slope_of_the_state_before(params, data, upstream):
    W, U, V, x = params["W"], params["U"], params["V"], data["x"]
    h = states(params, x)
    dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros_like(params["b"])
    dh = np.zeros_like(h[0])
    for t in reversed(range(len(x))):
        dh = dh + upstream[t] @ V
        delta = dh * (1 - h[t] ** 2)
        dW, dU, db = dW + np.outer(delta, h[t]), dU + np.outer(delta, x[t]), db + delta
        dh = delta @ W
    return {"W": dW, "U": dU, "b": db, "h0": dh, "V": upstream.T @ h[1:], "c": upstream.sum(0)}


@wrong(
    "rnn-tanh",
    "W U b h0",
    "What is carried back to h[t-1] lacks the slope: W^T nabla_h[t] for W^T delta[t].",
    accept=(without("1 - h[t + 1]^2"), instead("nabla_h[t + 1]", "delta[t + 1]")),
)
def slope_left_out_of_the_carry(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    nabla_h = np.zeros_like(h)
    for t in range(len(x), 0, -1):
        nabla_h[t] += V.T @ upstream[t - 1]
        nabla_h[t - 1] += W.T @ nabla_h[t]
    delta = (1 - h[1:] ** 2) * nabla_h[1:]
    return {
        "W": np.einsum("ti,tj->ij", delta, h[:-1]),
        "U": np.einsum("ti,tj->ij", delta, x),
        "V": np.einsum("ti,tj->ij", upstream, h[1:]),
        "b": delta.sum(axis=0),
        "c": upstream.sum(axis=0),
        "h0": nabla_h[0].copy(),
    }


@wrong(
    "rnn-tanh",
    "b",
    "The gradient of b adds up nabla_h[t] without the slope 1 - h[t]^2.",
    accept=(without("1 - h[t]^2"), instead("nabla_h[t]", "delta or delta[t]")),
)
def bias_without_slope(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    grads, carry = zeros(params), 0
    for t in range(len(x), 0, -1):
        dh = V.T @ upstream[t - 1] + carry
        da = (1 - h[t] ** 2) * dh
        grads["W"] += np.outer(da, h[t - 1])
        grads["U"] += np.outer(da, x[t - 1])
        grads["b"] += dh
        carry = W.T @ da
    return {**grads, "h0": carry, "V": upstream.T @ h[1:], "c": upstream.sum(0)}


@wrong(
    "rnn-tanh",
    "W U b h0",
    "The carry is added to and never replaced: every later step's W^T delta is counted again.",
    accept=(r"\bcarry added (up|at every step)",),
)
def carry_piles_up(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    grads = zeros(params)
    dh = np.zeros_like(h[0])
    for t in reversed(range(len(x))):
        delta = (1 - h[t + 1] ** 2) * (V.T @ upstream[t] + dh)
        dh += W.T @ delta
        grads["W"] += np.outer(delta, h[t])
        grads["U"] += np.outer(delta, x[t])
        grads["b"] += delta
    return {**grads, "h0": dh, "V": upstream.T @ h[1:], "c": upstream.sum(0)}


@wrong(
    "rnn-tanh",
    "b",
    "The gradient of b is overwritten at each step (= for +=): only delta[1] is left of the sum.",
    accept=(only("t = 1"),),
)
def bias_overwritten(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    grads, carry = zeros(params), np.zeros_like(h[0])
    for t in range(len(x) - 1, -1, -1):
        temp = (1 - h[t + 1] ** 2) * (V.T @ upstream[t] + carry)
        grads["b"] = temp
        grads["W"] += np.outer(temp, h[t])
        grads["U"] += np.outer(temp, x[t])
        carry = W.T @ temp
    return {**grads, "h0": carry, "V": upstream.T @ h[1:], "c": upstream.sum(0)}


@wrong(
    "rnn-tanh",
    "V",
    "The gradient of V multiplies nabla_y[t] by h[t-1]; the output of step t reads h[t].",
    accept=(instead("h[t - 1]", "h[t]"),),
)
def output_weights_meet_the_state_before(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    delta, carry = np.zeros_like(h[1:]), np.zeros_like(h[0])
    for t in range(len(x) - 1, -1, -1):
        delta[t] = (1 - h[t + 1] ** 2) * (V.T @ upstream[t] + carry)
        carry = W.T @ delta[t]
    before = h[:-1]
    return {
        "W": delta.T @ before,
        "U": delta.T @ x,
        "V": upstream.T @ before,
        "b": delta.sum(0),
        "c": upstream.sum(0),
        "h0": carry,
    }


@wrong(
    "rnn-tanh",
    "W U b h0",
    "The loop backwards ends at t = 2; the first step is left out of every sum and of h0.",
    accept=(r"without t = 1 in the sum", r"without step 1\b", r"contribution of step 1 is missing"),
)
def loop_ends_before_the_first_step(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    grads, carry = zeros(params), np.zeros_like(h[0])
    for t in range(len(x) - 1, 0, -1):
        delta = (1 - h[t + 1] ** 2) * (V.T @ upstream[t] + carry)
        grads["W"] += np.outer(delta, h[t])
        grads["U"] += np.outer(delta, x[t])
        grads["b"] += delta
        carry = W.T @ delta
    return {**grads, "h0": carry, "V": upstream.T @ h[1:], "c": upstream.sum(0)}


@wrong(
    "rnn-tanh",
    "W U V b c h0",
    "The gradient that flows in is ignored: nabla_y[t] is taken to be 1 everywhere.",
    accept=(without("nabla_y[t] or upstream"), instead("1", "nabla_y[t]")),
)
class UpstreamTakenForOnes:
    def forward(self, params, data):
        h = states(params, data["x"])
        return h[1:] @ params["V"].T + params["c"], (params, data["x"], h)

    def backward(self, upstream, cache):
        params, x, h = cache
        dy = np.ones_like(upstream)
        grads, carry = zeros(params), 0
        for t in range(len(x), 0, -1):
            delta = (1 - h[t] ** 2) * (params["V"].T @ dy[t - 1] + carry)
            grads["W"] += np.outer(delta, h[t - 1])
            grads["U"] += np.outer(delta, x[t - 1])
            grads["b"] += delta
            carry = params["W"].T @ delta
        return {**grads, "V": dy.T @ h[1:], "c": dy.sum(0), "h0": carry}


@wrong(
    "rnn-tanh", "W", "The gradient of W is transposed: h[t-1] delta[t]^T for delta[t] h[t-1]^T.", accept=(TRANSPOSED,)
)
def recurrent_gradient_transposed(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    delta, carry = np.zeros_like(h[1:]), np.zeros_like(h[0])
    for t in reversed(range(len(x))):
        delta[t] = (1 - h[t + 1] ** 2) * (V.T @ upstream[t] + carry)
        carry = W.T @ delta[t]
    dW = sum(np.outer(before, d) for before, d in zip(h, delta, strict=False))
    return {"W": dW, "U": delta.T @ x, "V": upstream.T @ h[1:], "b": delta.sum(0), "c": upstream.sum(0), "h0": carry}


@wrong(
    "rnn-tanh",
    "c",
    "The gradient of c is the mean of nabla_y[t] over the steps; it must be the sum.",
    accept=(divided_by("T"), r"mean where the sum over"),
)
def output_bias_averaged(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    grads, carry = zeros(params), 0
    for h_t, h_before, x_t, dy in zip(h[:0:-1], h[-2::-1], x[::-1], upstream[::-1], strict=True):
        delta = (1 - h_t**2) * (V.T @ dy + carry)
        grads["W"] += np.outer(delta, h_before)
        grads["U"] += np.outer(delta, x_t)
        grads["V"] += np.outer(dy, h_t)
        grads["b"] += delta
        carry = W.T @ delta
    return {**grads, "c": upstream.mean(axis=0), "h0": carry}


@wrong(
    "rnn-tanh",
    "W U V b h0",
    "The forward pass starts from zeros and not from h0, so that every h[t] is another.",
    accept=(r"(left out|zero|\b0\b).* in h\[0\]", without("h0 or h[0]"), instead("0", "h0 or h[0]")),
)
def forward_pass_forgets_the_initial_state(params, data, upstream):
    W, U, V, b, x = params["W"], params["U"], params["V"], params["b"], data["x"]
    hs = [np.zeros_like(params["h0"])]
    for x_t in x:
        hs.append(np.tanh(W @ hs[-1] + U @ x_t + b))
    grads, carry = zeros(params), 0
    for t in range(len(x), 0, -1):
        grads["V"] += np.outer(upstream[t - 1], hs[t])
        grads["c"] += upstream[t - 1]
        delta = (1 - hs[t] ** 2) * (V.T @ upstream[t - 1] + carry)
        grads["W"] += np.outer(delta, hs[t - 1])
        grads["U"] += np.outer(delta, x[t - 1])
        grads["b"] += delta
        carry = W.T @ delta
    return {**grads, "h0": carry}


@wrong(
    "rnn-tanh",
    "h0",
    "The gradient of h0 is delta[1]; it lacks the factor W^T, which leads from step 1 to h[0].",
    accept=(without("W or W^T"), instead("delta[1] or delta", "W^T delta[1]")),
)
def initial_state_without_recurrent_weights(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    grads, carry = zeros(params), np.zeros_like(h[0])
    for t in range(len(x), 0, -1):
        delta = (1 - h[t] ** 2) * (V.T @ upstream[t - 1] + carry)
        grads["W"] += np.outer(delta, h[t - 1])
        grads["U"] += np.outer(delta, x[t - 1])
        grads["b"] += delta
        carry = W.T @ delta
    return {**grads, "h0": delta, "V": upstream.T @ h[1:], "c": upstream.sum(0)}
