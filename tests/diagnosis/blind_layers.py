"""More wrong gradients of recurrent layers with tanh: slips of time, and the gradient by every state."""

import numpy as np

from tests.diagnosis.blind_case import states, wrong, zeros
from tests.diagnosis.wording import instead, without

# tanh: which step is read -----------------------------------------------------------------------------------------


@wrong(
    "rnn-tanh",
    "W U b h0",
    "Each step passes back the gradient of the last output, nabla_y[T], not of its own.",
    accept=(r"nabla_y\[T\] at every step where nabla_y\[t\] belongs", instead("nabla_y[T]", "nabla_y[t]")),
)
def last_output_gradient_at_every_step(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    grads, carry = zeros(params), 0
    seen = V.T @ upstream[-1]
    for t in range(len(x), 0, -1):
        delta = (1 - h[t] ** 2) * (seen + carry)
        grads["W"] += np.outer(delta, h[t - 1])
        grads["U"] += np.outer(delta, x[t - 1])
        grads["b"] += delta
        carry = W.T @ delta
    return {**grads, "h0": carry, "V": upstream.T @ h[1:], "c": upstream.sum(0)}


@wrong(
    "rnn-tanh",
    "W U b h0",
    "nabla_h[t] takes in the output gradient one step early: V^T nabla_y[t-1], round the end.",
    accept=(instead("nabla_y[t - 1]", "nabla_y[t]"),),
)
def output_gradient_one_step_off(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    grads, carry = zeros(params), 0
    for t in range(len(x) - 1, -1, -1):
        delta = (1 - h[t + 1] ** 2) * (V.T @ upstream[t - 1] + carry)
        grads["W"] += np.outer(delta, h[t])
        grads["U"] += np.outer(delta, x[t])
        grads["V"] += np.outer(upstream[t], h[t + 1])
        grads["b"] += delta
        grads["c"] += upstream[t]
        carry = W.T @ delta
    return {**grads, "h0": carry}


@wrong(
    "rnn-tanh",
    "U",
    "The gradient of U pairs the steps back to front: delta[t] meets x[T+1-t].",
    accept=(r"steps of x in reversed order", r"x\[T( [+-] t)?( \+ 1)?( - t)?\] where x\[t\]"),
)
def inputs_back_to_front(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    deltas, carry = [], np.zeros_like(h[0])
    for t in range(len(x), 0, -1):
        delta = (1 - h[t] ** 2) * (V.T @ upstream[t - 1] + carry)
        deltas.append(delta)
        carry = W.T @ delta
    deltas = np.array(deltas)  # the last step comes first
    return {
        "W": deltas[::-1].T @ h[:-1],
        "U": deltas.T @ x,
        "V": upstream.T @ h[1:],
        "b": deltas.sum(0),
        "c": upstream.sum(0),
        "h0": carry,
    }


@wrong(
    "rnn-tanh",
    "W U b h0",
    "delta[t] divides by the slope 1 - h[t]^2 in place of multiplying by it.",
    accept=(r"divided by \(?1 - h\[t\]\^2",),
)
def divided_by_the_slope(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    grads, dh_next = zeros(params), 0
    for t in range(len(x), 0, -1):
        dt = (V.T @ upstream[t - 1] + dh_next) / (1 - h[t] ** 2)
        grads["W"] += np.outer(dt, h[t - 1])
        grads["U"] += np.outer(dt, x[t - 1])
        grads["b"] += dt
        dh_next = W.T @ dt
    return {**grads, "h0": dh_next, "V": upstream.T @ h[1:], "c": upstream.sum(0)}


@wrong(
    "rnn-tanh",
    "W U b h0",
    "Backpropagation stops after two steps: for each output only delta[t], delta[t-1] count.",
    accept=(r"carried back over 1 step\b", r"\b(two|2) steps only"),
)
def stops_two_steps_back(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    grads = zeros(params)
    for t in range(len(x), 0, -1):
        delta = (1 - h[t] ** 2) * (V.T @ upstream[t - 1])
        for s in range(t, max(t - 2, 0), -1):
            grads["W"] += np.outer(delta, h[s - 1])
            grads["U"] += np.outer(delta, x[s - 1])
            grads["b"] += delta
            if s == 1:
                grads["h0"] += W.T @ delta
            else:
                delta = (W.T @ delta) * (1 - h[s - 1] ** 2)
    return {**grads, "V": upstream.T @ h[1:], "c": upstream.sum(0)}


@wrong(
    "rnn-tanh",
    "W U b h0",
    "W is updated by a step of descent inside the loop, so that the carry has a changed W.",
    accept=(r"\bW\b.*(updated|changed|step of descent)",),
)
def weights_updated_before_they_are_used(params, data, upstream):
    W, V, x, h = params["W"].copy(), params["V"], data["x"], states(params, data["x"])
    grads, carry = zeros(params), 0
    for t in range(len(x), 0, -1):
        delta = (1 - h[t] ** 2) * (V.T @ upstream[t - 1] + carry)
        step = np.outer(delta, h[t - 1])
        W -= 0.1 * step
        grads["W"] += step
        grads["U"] += np.outer(delta, x[t - 1])
        grads["b"] += delta
        carry = W.T @ delta
    return {**grads, "h0": carry, "V": upstream.T @ h[1:], "c": upstream.sum(0)}


@wrong(
    "rnn-tanh",
    "W U b h0",
    "The slope 1 - h[t]^2 is applied twice: once to V^T nabla_y[t], then to delta[t] again.",
    accept=(r"factor 1 - h\[t\]\^2 twice",),
)
def slope_applied_twice(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    grads, carry = zeros(params), 0
    for t in range(len(x), 0, -1):
        slope = 1 - h[t] ** 2
        dh = slope * (V.T @ upstream[t - 1] + carry)
        delta = slope * dh
        grads["W"] += np.outer(delta, h[t - 1])
        grads["U"] += np.outer(delta, x[t - 1])
        grads["b"] += delta
        carry = W.T @ delta
    return {**grads, "h0": carry, "V": upstream.T @ h[1:], "c": upstream.sum(0)}


# tanh: the gradient by every state --------------------------------------------------------------------------------


def moved_states(params, data):
    """h (T + 1, n) with eps[t] added to the states."""
    h = np.zeros((len(data["x"]) + 1, len(data["W"])), data["W"].dtype)
    h[0] = data["h0"]
    for t, x_t in enumerate(data["x"]):
        h[t + 1] = np.tanh(data["W"] @ h[t] + data["U"] @ x_t + data["b"]) + params["eps"][t]
    return h


@wrong(
    "rnn-tanh-states",
    "eps",
    "delta[t] is returned, the slope included; by h[t] itself the gradient is nabla_h[t].",
    accept=(r"\bdelta\b.* where nabla_h\[t\] belongs", r"factor 1 - .*h\[t\].* too many"),
)
def pre_activation_gradients_returned(params, data, upstream):
    W, V = data["W"], data["V"]
    h, delta = moved_states(params, data), np.zeros_like(params["eps"])
    carry = np.zeros_like(h[0])
    for t in reversed(range(len(delta))):
        delta[t] = (1 - h[t + 1] ** 2) * (V.T @ upstream[t] + carry)
        carry = W.T @ delta[t]
    return {"eps": delta}


@wrong(
    "rnn-tanh-states",
    "eps",
    "The steps before the last lack V^T nabla_y[t]: only the last output is passed back.",
    accept=(rf"{without('sum_r(V*nabla_y[t])')}.* in nabla_h\[t\]",),
)
def own_outputs_of_the_steps_left_out(params, data, upstream):
    h, nabla_h = moved_states(params, data), np.zeros_like(params["eps"])
    nabla_h[-1] = data["V"].T @ upstream[-1]
    for t in range(len(nabla_h) - 2, -1, -1):
        nabla_h[t] = data["W"].T @ ((1 - h[t + 2] ** 2) * nabla_h[t + 1])
    return {"eps": nabla_h}


@wrong(
    "rnn-tanh-states",
    "eps",
    "nabla_h[T] is left at zero; the recursion must start from V^T nabla_y[T].",
    accept=(r"zero.* in nabla_h\[T\]", without("sum_r(V*nabla_y[T])")),
)
def last_state_left_at_zero(params, data, upstream):
    h, nabla_h = moved_states(params, data), np.zeros_like(params["eps"])
    for t in range(len(nabla_h) - 2, -1, -1):
        carried = data["W"].T @ ((1 - h[t + 2] ** 2) * nabla_h[t + 1])
        nabla_h[t] = carried + data["V"].T @ upstream[t]
    return {"eps": nabla_h}
