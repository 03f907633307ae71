"""Wrong gradients of single neurons, with ReLU and with the sigmoid."""

import numpy as np

from implementations.activations import sigmoid
from tests.diagnosis.blind_case import wrong
from tests.diagnosis.wording import instead, without


@wrong(
    "relu-neuron",
    "w b",
    "The derivative of ReLU is left out: the gradient passes where v is negative.",
    accept=(r"\b1 in all cases", without("da_dv")),
)
def relu_always_open(params, data):
    x = data["x"]
    return {"w": x * 1, "b": np.ones_like(params["b"])}


@wrong(
    "relu-neuron",
    "w b",
    "ReLU's value max(v, 0) is used for its derivative.",
    accept=(r"factor v too many", instead("v", "1")),
)
def relu_for_its_slope(params, data):
    v = params["w"] * data["x"] + params["b"]
    a = np.maximum(v, 0)
    return {"w": a * data["x"], "b": a}


@wrong(
    "relu-neuron",
    "w b",
    "Whether ReLU is open is decided by u = w x; it is decided by v = u + b.",
    accept=(rf"{without('b')}.* in v =", instead("u", "v")),
)
def open_by_u_and_not_by_v(params, data):
    u = params["w"] * data["x"]
    da_dv = np.where(u > 0, 1, 0).astype(u.dtype)
    return {"w": da_dv * data["x"], "b": da_dv * 1}


@wrong("relu-neuron", "w", "du/dw is written w; with u = w x it is x.", accept=(instead("w", "x"),))
def weight_for_input(params, data):
    w, x, b = params["w"], data["x"], params["b"]
    slope = (w * x + b > 0).astype(w.dtype)
    return {"w": slope * w, "b": slope * 1}


@wrong(
    "sigmoid-neuron",
    "w b",
    "The factor 1 - a is missing: the sigmoid's derivative is a (1 - a).",
    accept=(without("1 - a"),),
)
def half_of_the_slope(params, data):
    a = sigmoid(params["w"] * data["x"] + params["b"])
    return {"w": a * data["x"], "b": a * 1}


@wrong(
    "sigmoid-neuron",
    "b",
    "The gradient of b has a factor x; dv/db is 1.",
    accept=(r"(multiplied by x|factor x too many)(?!.*mean)",),
)
def bias_multiplied_by_the_input(params, data):
    a = sigmoid(params["w"] * data["x"] + params["b"])
    dv = a * (1 - a)
    return {"w": dv * data["x"], "b": dv * data["x"]}


@wrong(
    "sigmoid-neuron",
    "w b",
    "The slope is taken at the pre-activation: v (1 - v) for a (1 - a).",
    accept=(r"without the function sigmoid", instead("v", "a"), r"argument of sigmoid where .*\ba belongs"),
)
def slope_in_the_pre_activation(params, data):
    v = params["w"] * data["x"] + params["b"]
    return {"w": v * (1 - v) * data["x"], "b": v * (1 - v)}
