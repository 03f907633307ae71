"""Wrong gradients with exactly two mistakes that have nothing to do with each other."""

import numpy as np

from implementations.activations import sigmoid, softmax
from tests.diagnosis.blind_case import states, wrong, zeros
from tests.diagnosis.wording import divided_by, instead, only, without

# recurrent --------------------------------------------------------------------------------------------------------


@wrong(
    "rnn-tanh",
    "W U b h0 c",
    "The carry multiplies delta by W and not by W transposed; and c has the mean of nabla_y[t], not the sum.",
    kind="two",
    accept=(instead("W", "W^T"), rf"^dc .*{divided_by('T')}"),
)
def carry_not_transposed_and_output_bias_averaged(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    grads, carry = zeros(params), 0
    for t in range(len(x), 0, -1):
        delta = (1 - h[t] ** 2) * (V.T @ upstream[t - 1] + carry)
        grads["W"] += np.outer(delta, h[t - 1])
        grads["U"] += np.outer(delta, x[t - 1])
        grads["b"] += delta
        carry = W @ delta
    return {**grads, "V": upstream.T @ h[1:], "c": upstream.mean(axis=0), "h0": carry}


@wrong(
    "rnn-tanh",
    "W V",
    "W meets h[t] where it must be h[t-1]; and the gradient of V has the last step only.",
    kind="two",
    accept=(rf"^dW .*{instead('h[t]', 'h[t - 1]')}", rf"^dV .*{only('t = T')}"),
)
def new_state_for_w_and_last_step_for_v(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"])
    delta, carry = np.zeros_like(h[1:]), np.zeros_like(h[0])
    for t in reversed(range(len(x))):
        delta[t] = (1 - h[t + 1] ** 2) * (V.T @ upstream[t] + carry)
        carry = W.T @ delta[t]
    return {
        "W": delta.T @ h[1:],
        "U": delta.T @ x,
        "V": np.outer(upstream[-1], h[-1]),
        "b": delta.sum(axis=0),
        "c": upstream.sum(axis=0),
        "h0": carry,
    }


@wrong(
    "rnn-sigmoid",
    "W U b h0",
    "The slope is tanh's, 1 - h[t]^2; and the carry to the step before is dropped.",
    kind="two",
    accept=(
        instead("1 - h[t]^2", "(1 - h[t])*h[t] or h[t]*(1 - h[t])"),
        r"(left out|zero|\b0\b).* in (carry|nabla_h)|without (the term )?carry",
    ),
)
def slope_of_tanh_and_no_carry(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states(params, data["x"], sigmoid)
    delta = (1 - h[1:] ** 2) * (upstream @ V)
    return {
        "W": delta.T @ h[:-1],
        "U": delta.T @ x,
        "V": upstream.T @ h[1:],
        "b": delta.sum(axis=0),
        "c": upstream.sum(axis=0),
        "h0": W.T @ delta[0],
    }


@wrong(
    "rnn-tanh-each-squared",
    "W U V b c",
    "The factor 2 of the square is missing everywhere; and b is overwritten at each step, not added up.",
    kind="two",
    accept=(r"divided by 2|half of the exact|without the factor 2", rf"^db .*{only('t = 1')}"),
)
def no_two_and_bias_overwritten(params, data):
    W, V, x, y = params["W"], params["V"], data["x"], data["y"]
    h, grads, carry = states(params, x), zeros(params), 0
    for t in range(len(x), 0, -1):
        dy = V @ h[t] + params["c"] - y[t - 1]
        delta = (1 - h[t] ** 2) * (V.T @ dy + carry)
        grads["V"] += np.outer(dy, h[t])
        grads["c"] += dy
        grads["W"] += np.outer(delta, h[t - 1])
        grads["U"] += np.outer(delta, x[t - 1])
        grads["b"] = delta
        carry = W.T @ delta
    return grads


@wrong(
    "rnn-tanh-last-squared",
    "W U V b c",
    "The sign is wrong, y - yhat for yhat - y; and V meets the state h[T-1] in place of h[T].",
    kind="two",
    accept=(r"opposite sign|sign is wrong", rf"^dV .*{instead('h[T - 1]', 'h[T]')}"),
)
def sign_and_state_before_for_v(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    h, grads = states(params, x), zeros(params)
    error = 2 * (data["y"] - (V @ h[-1] + params["c"]))
    carry = V.T @ error
    for t in range(len(x), 0, -1):
        delta = (1 - h[t] ** 2) * carry
        grads["W"] += np.outer(delta, h[t - 1])
        grads["U"] += np.outer(delta, x[t - 1])
        grads["b"] += delta
        carry = W.T @ delta
    return {**grads, "V": np.outer(error, h[-2]), "c": error}


@wrong(
    "weather-rnn-minibatch",
    "W U V b c",
    "The gradients are averaged over the B windows; and the recursion of nabla_h has no slope 1 - h[t+1]^2.",
    kind="two",
    accept=(divided_by("B"), r"without the factor 1 - h\[t \+ 1\]\^2|nabla_h\[t \+ 1\] where delta\[t \+ 1\]"),
)
def averaged_and_without_slope_in_the_recursion(params, data):
    W, V, B = params["W"], params["V"], len(data["x"])
    grads = zeros(params)
    for x, y in zip(data["x"], data["y"], strict=True):
        h = states(params, x)
        error = 2 / B * (V @ h[-1] + params["c"] - y)
        grads["V"] += np.outer(error, h[-1])
        grads["c"] += error
        dh = V.T @ error
        for t in range(len(x), 0, -1):
            delta = (1 - h[t] ** 2) * dh
            grads["W"] += np.outer(delta, h[t - 1])
            grads["U"] += np.outer(delta, x[t - 1])
            grads["b"] += delta
            dh = W.T @ dh
    return grads


@wrong(
    "character-rnn",
    "W U V b c",
    "The target is not subtracted from yhat; and U meets the input x[t-1] in place of x[t].",
    kind="two",
    accept=(without("y[t]"), rf"^dU .*{instead('x[t - 1]', 'x[t]')}"),
)
def target_missing_and_input_one_step_off(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    h, grads, carry = states(params, x), zeros(params), 0
    for t in reversed(range(len(x))):
        nabla_o = softmax(V @ h[t + 1] + params["c"])
        grads["V"] += np.outer(nabla_o, h[t + 1])
        grads["c"] += nabla_o
        delta = (1 - h[t + 1] ** 2) * (V.T @ nabla_o + carry)
        grads["W"] += np.outer(delta, h[t])
        grads["U"] += np.outer(delta, x[t - 1])
        grads["b"] += delta
        carry = W.T @ delta
    return grads


@wrong(
    "sentiment-rnn",
    "W U b V",
    "The slope is 1 - h[t], without the square; and V has the label's row only.",
    kind="two",
    accept=(instead("1 - h[t] or h[t]", "1 - h[t]^2 or h[t]^2"), r"^dV .*entr\w+ at \[.*label.*\] only"),
)
def square_forgotten_and_one_row_of_v(params, data):
    W, V, x, label = params["W"], params["V"], data["x"], data["label"]
    h, grads = states(params, x), zeros(params)
    d_y = softmax(V @ h[-1] + params["c"])
    d_y[label] -= 1
    d_h = V.T @ d_y
    for t in reversed(range(len(x))):
        temp = (1 - h[t + 1]) * d_h
        grads["W"] += np.outer(temp, h[t])
        grads["U"] += np.outer(temp, x[t])
        grads["b"] += temp
        d_h = W.T @ temp
    grads["V"][label] = d_y[label] * h[-1]
    return {**grads, "c": d_y}


# the others -------------------------------------------------------------------------------------------------------


@wrong(
    "multiple-linear-regression",
    "w b",
    "w's gradient is divided by the number of features n; and b's lacks the factor 2.",
    kind="two",
    accept=(
        r"^dw .*(multiplied by m.*divided by n|m/n)|divided by n\b.* where m",
        r"^db .*(half of the exact|divided by 2|without the factor 2)",
    ),
)
def features_for_rows_and_half_the_intercept(params, data):
    X = data["X"]
    error = X @ params["w"] + params["b"] - data["y"]
    return {"w": 2 / X.shape[1] * X.T @ error, "b": error.mean()}


@wrong(
    "linear-regression",
    "w b",
    "The intercept b is left out of the prediction; and w's gradient lacks the factor x.",
    kind="two",
    accept=(without("b"), rf"^dw .*{without('x')}"),
)
def no_intercept_and_no_x(params, data):
    error = params["w"] * data["x"] - data["y"]
    return {"w": 2 * np.mean(error), "b": 2 * np.mean(error)}


@wrong(
    "logistic-regression",
    "w b",
    "A factor a (1 - a) too many in both gradients; and the gradient of b is a sum, not a mean.",
    kind="two",
    accept=(r"factor .*\(1 - a\).* too many|factor .*a.*\(1 - a.* too many", r"^db .*(multiplied by m|times m)"),
)
def slope_kept_and_intercept_summed(params, data):
    X = data["X"]
    a = sigmoid(X @ params["w"] + params["b"])
    dz = (a - data["y"]) * a * (1 - a)
    return {"w": X.T @ dz / len(X), "b": dz.sum()}


@wrong(
    "logistic-neuron",
    "w1 w2 b",
    "The sign is wrong, y - a for a - y; and w2 is multiplied by x1 in place of x2.",
    kind="two",
    accept=(
        r"opposite sign|sign is wrong|minus the exact",
        rf"^dw2 .*({instead('x1', 'x2')}|minus the gradient of w1)",
    ),
)
def sign_and_wrong_input(params, data):
    z = params["w1"] * data["x1"] + params["w2"] * data["x2"] + params["b"]
    error = data["y"] - sigmoid(z)
    return {"w1": data["x1"] * error, "w2": data["x1"] * error, "b": error}


@wrong(
    "softmax-cross-entropy",
    "o b_y",
    "The bias b_y is left out of the logits; and its gradient is the mean over the rows, not the sum.",
    kind="two",
    accept=(without("b_y"), rf"^db_y .*{divided_by('T')}"),
)
def bias_left_out_and_averaged(params, data):
    do = softmax(params["o"]) - data["y"]
    return {"o": do, "b_y": do.mean(axis=0)}


@wrong(
    "vector-chain-rule",
    "x",
    "The slope 1 - y^2 is taken without the offset d in z; and the result has the wrong sign.",
    kind="two",
    accept=(without("d"), r"opposite sign|sign is wrong|minus the exact"),
)
def offset_left_out_and_negated(params, data, upstream):
    A = data["A"]
    y = np.tanh(A @ params["x"])
    return {"x": -A.T @ (upstream * (1 - y**2))}


@wrong(
    "quartic",
    "x",
    "The term 6, the derivative of 6 x, is missing; and 9 x^2 is written 9 x^3.",
    kind="two",
    accept=(without("6"), instead("x^3 or 9*x^3", "x^2 or 9*x^2")),
)
def two_terms_wrong(params, data):
    x = params["x"]
    return {"x": 32 * x**3 + 9 * x**3 + 14 * x}


@wrong(
    "exp-trigonometric",
    "x",
    "The 2 of -2 x is missing; and the derivative of -sin x is + cos x.",
    kind="two",
    accept=(r"without the term -?2(?![*\w^])", r"sign of cos\(x\)"),
)
def linear_term_and_sign_of_the_cosine(params, data):
    x = params["x"]
    return {"x": (-2 * x + np.cos(x)) * np.exp(-(x**2) - 2 * x - np.sin(x))}


@wrong(
    "tanh-log-ratio",
    "x y",
    "da/dx = 2 is forgotten in the chain of x; and cos y is forgotten in the chain of y.",
    kind="two",
    accept=(r"^dx .*(half of the exact|divided by 2|without the factor 2)", rf"^dy .*{without('cos(y)')}"),
)
def two_factors_forgotten(params, data):
    b = np.sin(params["y"])
    a = 2 * params["x"]
    c = a / b
    d = params["z"] * c
    head = (1 - np.tanh(np.log1p(d)) ** 2) / (d + 1)
    return {"x": head * params["z"] / b, "y": head * params["z"] * (-a / b**2), "z": head * c}
