"""Wrong gradients in which no part of a formula stands in a wrong place: there is no mistake to be named."""

import numpy as np

from tests.diagnosis.blind_case import states, wrong, zeros


def softmax(o):
    e = np.exp(o - np.max(o, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def logistic(z):
    return 1 / (1 + np.exp(-z))


def layer_gradients(params, x, h, upstream, decay=1, mask=1):
    """The right gradients of a tanh layer for decay 1 and mask 1; they multiply what is carried, and each delta[t]."""
    g, carry = zeros(params), 0
    for t in reversed(range(len(x))):
        dz = mask * (1 - h[t + 1] ** 2) * (params["V"].T @ upstream[t] + decay * carry)
        g["W"] += np.outer(dz, h[t])
        g["U"] += np.outer(dz, x[t])
        g["b"] += dz
        carry = params["W"].T @ dz
    g |= {"V": upstream.T @ h[1:], "c": upstream.sum(axis=0)}
    return {**g, "h0": carry} if "h0" in params else g


def squared_gradients(params, x, h, y):
    return layer_gradients(params, x, h, 2 * (h[1:] @ params["V"].T + params["c"] - y))


@wrong(
    "rnn-tanh",
    "W U V b c h0",
    "Every gradient is clipped to 0.1 on either side.",
    "outside",
    accept=(r"clipped to \[-0\.1, 0\.1\]",),
)
def clipped_gradients(params, data, upstream):
    g = layer_gradients(params, data["x"], states(params, data["x"]), upstream)
    return {name: np.clip(value, -0.1, 0.1) for name, value in g.items()}


@wrong("rnn-tanh", "W U b h0", "What is carried back is damped by 0.7 at each step.", "outside")
def damped_memory(params, data, upstream):
    return layer_gradients(params, data["x"], states(params, data["x"]), upstream, decay=0.7)


@wrong("rnn-tanh", "W", "The gradient of W is made symmetric.", "outside")
def symmetric_recurrent_gradient(params, data, upstream):
    g = layer_gradients(params, data["x"], states(params, data["x"]), upstream)
    return {**g, "W": (g["W"] + g["W"].T) / 2}


@wrong("rnn-tanh-each-squared", "W U V b c", "Every gradient is scaled to length 1.", "outside")
def gradients_of_unit_length(params, data):
    g = squared_gradients(params, data["x"], states(params, data["x"]), data["y"])
    return {name: value / (np.sqrt(np.sum(value**2)) + 1e-8).astype(value.dtype) for name, value in g.items()}


@wrong("rnn-tanh-each-squared", "W U b V c", "The states are kept in fixed point, in steps of 1/4.", "outside")
def quantised_states(params, data):
    h = np.round(4 * states(params, data["x"])) / 4
    return squared_gradients(params, data["x"], h, data["y"])


@wrong("rnn-tanh-last-squared", "W U b", "Every third hidden unit is dropped on the way back.", "outside")
def dropout_on_the_way_back(params, data):
    x, h = data["x"], states(params, data["x"])
    dy = np.zeros((len(x), len(params["c"])), h.dtype)
    dy[-1] = 2 * (params["V"] @ h[-1] + params["c"] - data["y"])
    mask = (np.arange(len(params["b"])) % 3 != 0).astype(h.dtype)
    return layer_gradients(params, x, h, dy, mask=mask)


@wrong("rnn-tanh-last-squared", "U", "The gradient of U sees the inputs less their mean over time.", "outside")
def centred_inputs(params, data):
    x, h = data["x"], states(params, data["x"])
    dy = np.zeros((len(x), len(params["c"])), h.dtype)
    dy[-1] = 2 * (params["V"] @ h[-1] + params["c"] - data["y"])
    centred = layer_gradients(params, x - x.mean(axis=0), h, dy)
    return {**layer_gradients(params, x, h, dy), "U": centred["U"]}


@wrong("character-rnn", "W U V b c", "The targets are smoothed: 0.8 y + 0.2/m.", "outside")
def label_smoothing(params, data):
    h = states(params, data["x"])
    yhat = softmax(h[1:] @ params["V"].T + params["c"])
    m = yhat.shape[1]
    return layer_gradients(params, data["x"], h, yhat - (0.8 * data["y"] + 0.2 / m))


@wrong(
    "character-rnn", "W U V b c", "Softmax is taken at temperature 2.", "outside", accept=(r"divided by 2, in o\[t\]",)
)
def softmax_at_a_temperature(params, data):
    h = states(params, data["x"])
    logits = h[1:] @ params["V"].T + params["c"]
    return layer_gradients(params, data["x"], h, softmax(logits / 2) - data["y"])


@wrong("multiple-linear-regression", "w", "The columns are weighed by the inverse of X^T X: Newton's step.", "outside")
def newton_step(params, data):
    X, y = data["X"], data["y"]
    e = X @ params["w"] + params["b"] - y
    curvature = X.T @ X + np.eye(X.shape[1], dtype=X.dtype)
    return {"w": np.linalg.solve(curvature, X.T @ e), "b": 2 * e.mean()}


@wrong("multiple-linear-regression", "w b", "Errors above 1/2 count as 1/2: Huber's loss.", "outside")
def huber_residuals(params, data):
    X, m = data["X"], len(data["y"])
    e = np.clip(X @ params["w"] + params["b"] - data["y"], -0.5, 0.5)
    return {"w": 2 * X.T @ e / m, "b": 2 * np.sum(e) / m}


@wrong(
    "logistic-regression",
    "w b",
    "Of each gradient only the signs are returned.",
    "outside",
    accept=(r"the sign of the exact",),
)
def signs_only(params, data):
    error = logistic(data["X"] @ params["w"] + params["b"]) - data["y"]
    return {"w": np.sign(data["X"].T @ error), "b": np.sign(error.sum())}


@wrong("logistic-regression", "w b", "The gradients are one-sided differences with a step of 1/2.", "outside")
def coarse_differences(params, data):
    def loss(w, b):
        z = data["X"] @ w + b
        return np.mean(np.logaddexp(0, z) - data["y"] * z)

    w, b, step = params["w"], params["b"], params["b"].dtype.type(0.5)
    here, directions = loss(w, b), np.eye(len(w), dtype=w.dtype)
    dw = [(loss(w + step * direction, b) - here) / step for direction in directions]
    return {"w": np.array(dw), "b": (loss(w, b + step) - here) / step}


@wrong(
    "vector-chain-rule", "x", "The slope of tanh is taken for 1 where |z| < 1 and for 0 beyond: hard tanh.", "outside"
)
def hard_tanh(params, data, upstream):
    z = data["A"] @ params["x"] + data["d"]
    return {"x": data["A"].T @ (upstream * (np.abs(z) < 1))}


@wrong("softmax-cross-entropy", "o b_y", "Each row counts by its squared largest error, as in focal losses.", "outside")
def rows_weighed_by_their_error(params, data):
    do = softmax(params["o"] + params["b_y"]) - data["y"]
    do = do * np.max(np.abs(do), axis=1, keepdims=True) ** 2
    return {"o": do, "b_y": do.sum(axis=0)}
