"""Logistic regression on one row (A-ii) and on nine separable points (D-v)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from derivations.sources import A, D
from gradproof.reproduction import Reproduction, Run, Statement
from implementations import datasets
from implementations.activations import sigmoid
from implementations.regression import LOGISTIC_NEURON, ONE_FEATURE_LOGISTIC, neuron
from reproductions.figures import Figure
from reproductions.training import Array, descent

# One neuron, many steps (A-ii) ---------------------------------------------------------------------------------------

NEURON_ETA = 0.007
NEURON_STEPS = (1000, 2000)


def neuron_run(seed: int) -> Run:
    params = {"w1": np.array(0.04), "w2": np.array(0.75), "b": np.array(0.0015)}
    x1, x2 = 1, 0
    data = {"x1": np.array(float(x1)), "x2": np.array(float(x2)), "y": np.array(x1 ^ x2)}
    steps = list(islice(descent(LOGISTIC_NEURON, params, data, NEURON_ETA), max(NEURON_STEPS)))
    losses = [loss for loss, _ in steps]
    z = np.array([neuron(before, data) for _, before in steps])
    return {
        "losses": losses,
        "activations": sigmoid(z).tolist(),
        "change of w2": float(abs(steps[-1][1]["w2"] - params["w2"])),
        "growth": float((z[-1] + math.exp(z[-1]) - z[0] - math.exp(z[0])) / (len(steps) - 1)),
    }


def shown_neuron(runs: Sequence[Run]) -> str:
    (run,) = runs
    ends = [
        f"{steps} steps: L {run['losses'][steps - 1]:.6f}, a {run['activations'][steps - 1]:.6f}"
        for steps in NEURON_STEPS
    ]
    return f"start: L {run['losses'][0]:.6f}, a {run['activations'][0]:.6f}; " + "; ".join(ends)


NEURON = Reproduction(
    key="logistic-neuron-trained",
    title="one logistic neuron trained for 1000 and 2000 steps",
    rows=("A-ii",),
    source=f"{A}, Update Parameters w and b multiple times",
    run=neuron_run,
    claims=(
        Statement(
            name="it learns",
            says="At every step the loss falls and the activation rises towards the label, 1.",
            holds=lambda runs: all(
                np.all(np.diff(run["losses"]) < 0) and np.all(np.diff(run["activations"]) > 0) for run in runs
            ),
            shown=shown_neuron,
        ),
        Statement(
            name="as the differential equation",
            says="z + e^z grows by 2 eta a step, as in dz/dt = 2 eta (1 - a), to half a per cent: w1 and b move alike.",
            holds=lambda runs: all(abs(run["growth"] / (2 * NEURON_ETA) - 1) < 0.005 for run in runs),
            shown=lambda runs: f"{runs[0]['growth']:.6f} a step, 2 eta = {2 * NEURON_ETA:g}",
        ),
        Statement(
            name="w2 stays",
            says="The weight of the input that is 0 never moves.",
            holds=lambda runs: all(run["change of w2"] == 0 for run in runs),
            shown=lambda runs: f"|change| {runs[0]['change of w2']:g}",
        ),
    ),
    chosen="Values as they are logged: before the step. No number is printed.",
)

# Nine points (D-v) ---------------------------------------------------------------------------------------------------

X, Y = datasets.NINE_POINTS["x"], datasets.NINE_POINTS["y"]
MIDDLE = 37.5
"""Half-way between the two classes."""
STARTS = {
    "from 0": (X, 0.0, 0.001, 100000),
    "from 1": (X, 1.0, 0.001, 20000),
    "standardised": ((X - X.mean()) / X.std(), 0.0, 0.1, 2000),
}
"""Name -> x, what w and b start from, eta, epochs."""
SHOWN = 200
"""How many epochs are kept for the plot, evenly spread on a logarithmic axis."""


def follow(x: Array, start: float, eta: float, epochs: int) -> tuple[list[float], Array, Array]:
    """The losses, w and b before training and after each epoch."""
    params = {"w": np.array(start), "b": np.array(start)}
    steps = list(islice(descent(ONE_FEATURE_LOGISTIC, params, {"x": x, "y": Y}, eta), epochs + 1))
    w, b = (np.array([float(params[name]) for _, params in steps]) for name in ("w", "b"))
    return [loss for loss, _ in steps], w, b


def points_run(seed: int) -> Run:
    run: dict[str, Any] = {}
    for name, (x, start, eta, epochs) in STARTS.items():
        losses, w, b = follow(x, start, eta, epochs)
        right = np.all((w[:, None] * x + b[:, None] > 0) == Y, axis=1)
        run[f"all right for good, {name}"] = int(len(right) - np.argmin(right[::-1])) if right[-1] else math.inf
        tenfold = [epochs // 100, epochs // 10, epochs]
        run[f"boundaries, {name}"] = np.interp(-b[tenfold] / w[tenfold], x, X).tolist()
        run[f"weights, {name}"] = w[tenfold].tolist()
        shown = np.unique(np.geomspace(1, epochs, SHOWN, dtype=int))
        run[f"epochs, {name}"], run[f"losses, {name}"] = shown.tolist(), [losses[epoch] for epoch in shown]
        if name == "from 1":
            run["loss, epoch 1"] = losses[0]
            run["ln form of the loss, epoch 1"] = float(ln_form(w[0] * x + b[0]))
    for dtype in (np.float64, np.float32):
        z = np.arange(100, dtype=dtype)
        run[f"sigmoid is 1 from, {np.dtype(dtype).name}"] = int(np.argmax(1 / (1 + np.exp(-z)) == 1))
    return run


def ln_form(z: Array) -> Any:
    """The loss as -mean(y ln a + (1 - y) ln(1 - a)), a = sigmoid(z) being formed first."""
    a = 1 / (1 + np.exp(-z))
    with np.errstate(divide="ignore", invalid="ignore"):
        return -np.mean(Y * np.log(a) + (1 - Y) * np.log(1 - a))


def nears_the_middle(run: Run, name: str) -> bool:
    distances = np.abs(np.array(run[f"boundaries, {name}"]) - MIDDLE)
    return bool(np.all(np.diff(distances) < 0) and np.all(np.diff(run[f"weights, {name}"]) > 0))


NINE_POINTS = Reproduction(
    key="logistic-nine-points",
    title="logistic regression on nine points",
    rows=("D-v",),
    source=f"{D}, Exercise Questions, 7",
    run=points_run,
    claims=(
        Statement(
            name="the points are separated",
            says="From some epoch on every point is on its side for good, from either start and standardised.",
            holds=lambda runs: all(
                math.isfinite(run[f"all right for good, {name}"]) for run in runs for name in STARTS
            ),
            shown=lambda runs: "; ".join(f"{name}: epoch {runs[0][f'all right for good, {name}']}" for name in STARTS),
        ),
        Statement(
            name="there is no minimum",
            says="Tenfold time brings the boundary nearer to 37.5, half-way between the classes, and a greater w.",
            holds=lambda runs: all(nears_the_middle(run, name) for run in runs for name in ("from 0", "standardised")),
            shown=lambda runs: "; ".join(
                f"{name}: " + ", ".join(f"{boundary:.2f}" for boundary in runs[0][f"boundaries, {name}"])
                for name in ("from 0", "standardised")
            ),
        ),
        Statement(
            name="the ln form of the loss fails at once",
            says="With w = b = 1 the loss written with ln a and ln(1 - a) is NaN at epoch 1; the loss is finite.",
            holds=lambda runs: all(
                math.isnan(run["ln form of the loss, epoch 1"]) and math.isfinite(run["loss, epoch 1"]) for run in runs
            ),
            shown=lambda runs: (
                f"{runs[0]['ln form of the loss, epoch 1']} for {runs[0]['loss, epoch 1']:.4f};"
                f" the sigmoid is 1 from z = {runs[0]['sigmoid is 1 from, float64']},"
                f" in float32 from {runs[0]['sigmoid is 1 from, float32']}"
            ),
            rows=("D-v", "D-E2"),
        ),
    ),
    chosen="eta .001 on x as it is, or .1 on x standardised; w = b = 0, or 1. No number is printed.",
)

# Plots ---------------------------------------------------------------------------------------------------------------


def draw_neuron(figure: Any, runs: Mapping[str, Sequence[Run]]) -> None:
    figure.set_size_inches(9, 4)
    panels = figure.subplots(1, 2)
    (run,) = runs["logistic-neuron-trained"]
    for axes, name in zip(panels, ("losses", "activations"), strict=True):
        axes.plot(run[name])
        axes.axvline(NEURON_STEPS[0], color="0.6", linestyle=":")
        axes.set(xlabel="step", title={"losses": "loss", "activations": "activation"}[name], ylim=(0, None))


def draw_points(figure: Any, runs: Mapping[str, Sequence[Run]]) -> None:
    axes = figure.subplots()
    (run,) = runs["logistic-nine-points"]
    for name, (_, _, eta, _) in STARTS.items():
        axes.loglog(run[f"epochs, {name}"], run[f"losses, {name}"], label=f"{name}, η = {eta:g}")
    axes.set(xlabel="epoch", ylabel="mean cross-entropy", title="nine separable points: the loss tends to 0")
    axes.legend()


NEURON_CURVES = Figure(
    key="logistic-neuron",
    alt="Loss and activation of one neuron over 2000 steps: the loss falls from .67 to .04, the activation rises from"
    " .51 to .96.",
    needs=("logistic-neuron-trained",),
    draw=draw_neuron,
)
NINE_POINTS_LOSS = Figure(
    key="logistic-nine-points",
    alt="Loss by epoch on nine points, in doubly logarithmic axes: it goes on falling from either start.",
    needs=("logistic-nine-points",),
    draw=draw_points,
)
