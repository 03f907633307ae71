"""Wrong gradients that no list of mistakes in formulas holds: the right answer about them is "no known mistake"."""

import zlib

import numpy as np

from implementations.activations import sigmoid, softmax
from implementations.classification import softmax_gradients
from implementations.graphs import quartic_gradients, tanh_log_ratio_gradients
from implementations.recurrent import CHARACTER_RNN, RNN_SIGMOID, RNN_TANH, SINE_RNN, WEATHER_RNN_MINIBATCH
from implementations.regression import linear_regression_gradients
from tests.diagnosis.blind_case import states, wrong, zeros
from tests.diagnosis.wording import divided_by


def right(record, params, data, upstream=None):
    """The right gradient, by the catalogue's own code; each case spoils it afterwards."""
    _, cache = record.gradients.forward(params, data)
    if upstream is None:
        return record.gradients.backward(params, data, cache)
    return record.gradients.backward(upstream, cache)


def noise_like(array, seed):
    return np.random.default_rng(seed).normal(size=array.shape).astype(array.dtype)


def fingerprint(*arrays):
    """A number in [0, 1) that depends on every bit of the arrays."""
    return zlib.crc32(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)) / 2**32


# noise and numbers that come from nowhere -------------------------------------------------------------------------


@wrong("rnn-tanh", "W U V b c h0", "Noise is added to every entry of the gradient.", kind="outside")
def noise_on_everything(params, data, upstream):
    grads = right(RNN_TANH, params, data, upstream)
    return {name: g + 0.3 * noise_like(g, seed) for seed, (name, g) in enumerate(grads.items())}


@wrong("rnn-tanh", "W", "The gradient of W is multiplied entry by entry by fixed noise.", kind="outside")
def noise_multiplies_the_recurrent_weights(params, data, upstream):
    grads = right(RNN_TANH, params, data, upstream)
    return {**grads, "W": grads["W"] * noise_like(grads["W"], 11)}


@wrong("linear-regression", "w b", "The gradients are a hash of the data.", kind="outside")
def hash_of_the_data(params, data):
    number = fingerprint(params["w"], params["b"], data["x"], data["y"])
    return {"w": params["w"].dtype.type(number - 0.5), "b": params["b"].dtype.type(0.5 + 3 * number)}


@wrong("multiple-linear-regression", "w", "w's gradient is another random vector at every point.", kind="outside")
def random_direction(params, data):
    error = data["X"] @ params["w"] + params["b"] - data["y"]
    seed = int(2**31 * fingerprint(data["X"], params["w"]))
    return {"w": noise_like(params["w"], seed), "b": 2 * error.mean()}


@wrong("character-rnn", "W U V b c", "Every entry is rounded to one digit after the point.", kind="outside")
def rounded_to_one_digit(params, data):
    return {name: np.round(g, 1) for name, g in right(CHARACTER_RNN, params, data).items()}


# odd patterns of entries ------------------------------------------------------------------------------------------


@wrong("rnn-tanh", "U", "Entries (i, j) of U with (3 i + 5 j) mod 4 = 0 are 1.37 times too large.", kind="outside")
def lattice_of_entries(params, data, upstream):
    grads = right(RNN_TANH, params, data, upstream)
    i, j = np.indices(grads["U"].shape)
    return {**grads, "U": np.where((3 * i + 5 * j) % 4 == 0, 1.37 * grads["U"], grads["U"])}


@wrong("rnn-sigmoid", "W", "The first and the last entry of W's gradient are exchanged.", kind="outside")
def first_and_last_entry_exchanged(params, data, upstream):
    grads = right(RNN_SIGMOID, params, data, upstream)
    W = grads["W"]
    W[0, 0], W[-1, -1] = W[-1, -1], W[0, 0]
    return grads


@wrong("softmax-cross-entropy", "o", "Where yhat > y the entry is raised to the power 1.3.", kind="outside")
def one_side_bent(params, data):
    do = softmax(params["o"] + params["b_y"]) - data["y"]
    return {"o": np.where(do > 0, np.abs(do) ** 1.3, do), "b_y": do.sum(axis=0)}


@wrong("weather-rnn-minibatch", "W U", "Rows of W and columns of U are permuted by an odd rule.", kind="outside")
def rows_and_columns_permuted(params, data):
    grads = right(WEATHER_RNN_MINIBATCH, params, data)
    n, d = params["U"].shape
    rows = np.argsort(np.sin(7.0 * np.arange(n) + 1))
    columns = np.argsort(np.cos(5.0 * np.arange(d) + 1))
    return {**grads, "W": grads["W"][rows], "U": grads["U"][:, columns]}


@wrong("class-cross-entropy", "y", "The gradient is sorted by size.", kind="outside")
def sorted_by_size(params, data):
    p = softmax(params["y"])
    p[data["c"]] -= 1
    return {"y": np.sort(p)}


@wrong("logistic-regression", "w", "Entries of w's gradient smaller than the median are set to it.", kind="outside")
def floor_at_the_median(params, data):
    X = data["X"]
    dz = (sigmoid(X @ params["w"] + params["b"]) - data["y"]) / len(X)
    dw = X.T @ dz
    return {"w": np.maximum(dw, np.median(dw)), "b": dz.sum()}


# a right gradient bent by functions of the inputs -----------------------------------------------------------------


@wrong(
    "rnn-sigmoid", "W U V b c h0", "All gradients are multiplied by 1 + sin(17 times the sum of x) / 2.", kind="outside"
)
def wave_of_the_inputs(params, data, upstream):
    factor = 1 + np.sin(17 * data["x"].sum()) / 2
    return {name: factor * g for name, g in right(RNN_SIGMOID, params, data, upstream).items()}


@wrong("sine-rnn", "U W V", "The gradient goes through the hyperbolic sine, entry by entry.", kind="outside")
def through_the_hyperbolic_sine(params, data):
    return {name: np.sinh(2 * g) for name, g in right(SINE_RNN, params, data).items()}


@wrong("quartic", "x", "A wave of high frequency rides on the right slope.", kind="outside")
def wave_on_the_slope(params, data):
    x = params["x"]
    return {"x": quartic_gradients(params, data)["x"] + 3 * np.sin(23 * x) + np.cos(31.4 * x * x)}


@wrong(
    "tanh-log-ratio", "x y z", "Each slope is multiplied by a Bessel-like series of the other inputs.", kind="outside"
)
def series_of_the_other_inputs(params, data):
    x, y, z = params["x"], params["y"], params["z"]
    ring = sum((-1) ** k * (x * x + y * y + z * z) ** k / 5.0**k / (k + 1) ** 3 for k in range(6))
    return {name: g * (0.2 + ring) for name, g in tanh_log_ratio_gradients(params, data).items()}


@wrong("linear-regression", "w", "w's gradient is weighted by exp(-|x - y|) over the points.", kind="outside")
def weights_from_a_kernel(params, data):
    x, y = data["x"], data["y"]
    kernel = np.exp(-np.abs(x - y))
    error = params["w"] * x + params["b"] - y
    return {"w": 2 * np.sum(kernel * error * x) / kernel.sum(), "b": linear_regression_gradients(params, data)["b"]}


@wrong("softmax-jacobian", "o", "The Jacobian is turned by a rotation of the first and the last axis.", kind="outside")
def rotated(params, data, upstream):
    grad = softmax_gradients(params, data, upstream)["o"]
    first, last = grad[0], grad[-1]
    cosine, sine = grad.dtype.type(0.7648421872844885), grad.dtype.type(0.644217687237691)
    grad[0], grad[-1] = cosine * first - sine * last, sine * first + cosine * last
    return {"o": grad}


# unrelated formulas -----------------------------------------------------------------------------------------------


@wrong("exp-trigonometric", "x", "The derivative of another function, of arctan(x^5) / (1 + x^2).", kind="outside")
def derivative_of_something_else(params, data):
    x = params["x"]
    return {"x": 5 * x**4 / (1 + x**10) / (1 + x**2) - 2 * x * np.arctan(x**5) / (1 + x**2) ** 2}


@wrong("vector-chain-rule", "x", "The Fourier transform of the input against the upstream's mean.", kind="outside")
def fourier_transform(params, data, upstream):
    x = params["x"]
    return {"x": (np.fft.fft(x).real * upstream.mean() + np.fft.fft(x).imag).astype(x.dtype)}


@wrong(
    "logistic-neuron", "w1 w2 b", "Three polynomials of the inputs that have to do with no derivative.", kind="outside"
)
def polynomials_of_the_inputs(params, data):
    w1, w2, b = params["w1"], params["w2"], params["b"]
    return {
        "w1": w1**3 - 2.5 * w2 * b + 0.3,
        "w2": w2 * w2 * b - 1.7 * w1 + data["x1"] ** 2,
        "b": 0.9 * b**3 + w1 * w2 * data["x2"] - 0.4,
    }


@wrong("multiple-linear-regression", "w b", "The solution of a ridge regression is returned.", kind="outside")
def solution_for_gradient(params, data):
    X, m = data["X"], len(data["X"])
    design = np.column_stack([X, np.ones(m, X.dtype)])
    ridge = design.T @ design + np.eye(design.shape[1], dtype=X.dtype)
    solution = np.linalg.solve(ridge, design.T @ data["y"])
    return {"w": solution[:-1].copy(), "b": solution[-1]}


@wrong("cross-entropy", "yhat", "An expression that is the derivative of no divergence.", kind="outside")
def of_no_divergence(params, data):
    yhat = params["yhat"]
    return {"yhat": 1 - np.sqrt((data["y"] + yhat**2) / (yhat + 0.37))}


# many mistakes at once --------------------------------------------------------------------------------------------


@wrong(
    "rnn-tanh",
    "W U V b c h0",
    "Many at once: W for W^T, slope 1 - h[t], h[t] for h[t-1], x[t-1] for x[t], means for V and c, h0 ignored.",
    kind="outside",
    accept=(rf"^dc .*{divided_by('T')}",),
)
def many_mistakes_in_one_loop(params, data, upstream):
    W, V, x, h = params["W"], params["V"], data["x"], states({**params, "h0": 0}, data["x"])
    grads, carry = zeros(params), 0
    for t in range(len(x), 0, -1):
        delta = (1 - h[t]) * (V.T @ upstream[t - 1] + carry)
        grads["W"] += np.outer(delta, h[t])
        grads["U"] += np.outer(delta, x[t - 2])
        grads["b"] += delta
        carry = W @ delta
    return {**grads, "V": upstream.T @ h[1:] / len(x), "c": upstream.mean(axis=0), "h0": delta}


@wrong(
    "character-rnn",
    "W U V b c",
    "Many at once: exp(V h - c) for the softmax, 2 y[t-1] for y[t], a squared c, a carry subtracted, W^T for W.",
    kind="outside",
)
def many_mistakes_of_a_hurried_evening(params, data):
    W, V, x = params["W"], params["V"], data["x"]
    h, grads, carry = states(params, x), zeros(params), 0
    for t in reversed(range(len(x))):
        dy = np.exp(V @ h[t + 1] - params["c"]) - 2 * data["y"][t - 1]
        grads["V"] += np.outer(dy, h[t])
        grads["c"] += dy * dy
        delta = (1 - h[t + 1]) ** 2 * (V.T @ dy - carry)
        grads["W"] += np.outer(h[t], delta)
        grads["U"] += np.outer(delta, x[-t])
        grads["b"] = delta - grads["b"]
        carry = W @ delta
    return grads


@wrong(
    "tanh-log-ratio",
    "x y z",
    "Many at once: sinh(e/3) for tanh(e), 1/2 + e^2 for d + 1, a sign, sin for cos, c^2 for c, 3 for 2.",
    kind="outside",
)
def many_mistakes_in_a_chain(params, data):
    x, y, z = params["x"], params["y"], params["z"]
    a, b = 3 * x, np.sin(y)
    c = a / b
    e = np.log1p(z * 2 * x / b)
    head = (1 - np.sinh(e / 3) ** 2) / (0.5 + e * e)
    return {"x": head * z * 3 / b, "y": head * z * a / b * np.sin(y), "z": head * c**2}


@wrong(
    "logistic-regression",
    "w b",
    "Many at once: half of b, a cubic for the sigmoid, rows weighted by their number, X^2 + 0.1 for X.",
    kind="outside",
)
def many_mistakes_in_one_regression(params, data):
    X, m = data["X"], len(data["X"])
    z = X @ params["w"] + params["b"] / 2
    a = 0.5 + z / 4 - z**3 / 48
    weights = np.arange(1, m + 1).astype(z.dtype) / (m * m)
    error = weights * (a - data["y"])
    return {"w": (X**2 + 0.1).T @ error, "b": error.sum() + 0.05 * params["b"] ** 2}
