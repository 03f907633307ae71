"""The sine network (A-iv): with the printed settings, where it cannot learn, and with settings in which it can."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from derivations.sources import A
from gradproof.problem import Data, Params
from gradproof.reproduction import PrintedNumber, Reproduction, Run, Statement
from implementations.activations import sigmoid
from implementations.errata.sine import SineAsPrinted
from implementations.optimizers import SGD
from implementations.recurrent import SineRNN
from reproductions.figures import Figure
from reproductions.training import Array, Training, uniform_by_fan_in

SOURCE = f"{A}, Sequence Prediction using RNN"
STEPS, HIDDEN, VALIDATION = 50, 100, 50
CLIP, TRUNCATED = 10.0, 5

# Data and network ----------------------------------------------------------------------------------------------------


def windows() -> tuple[Array, Array]:
    """Every window of 50 numbers of sin(0), ..., sin(199), and the number after it: (150, 50, 1) and (150, 1)."""
    wave = np.sin(np.arange(200))
    X = np.lib.stride_tricks.sliding_window_view(wave, STEPS)[: len(wave) - STEPS]
    return X[..., None].copy(), wave[STEPS:, None].copy()


def train_and_validation() -> tuple[list[Data], list[Data]]:
    """The records as the network takes them; the last 50 are for validation."""
    X, Y = windows()
    records: list[Data] = [{"x": x[:, 0], "y": y, "tau": TRUNCATED} for x, y in zip(X, Y, strict=True)]
    return records[:-VALIDATION], records[-VALIDATION:]


def printed_weights(rng: np.random.Generator) -> Params:
    shapes = {"U": (HIDDEN, STEPS), "W": (HIDDEN, HIDDEN), "V": (1, HIDDEN)}
    return {name: rng.uniform(0, 1, shape) for name, shape in shapes.items()}


def weights_by_fan_in(rng: np.random.Generator) -> Params:
    shapes = {"U": (HIDDEN, STEPS), "W": (HIDDEN, HIDDEN), "V": (1, HIDDEN)}
    return {name: uniform_by_fan_in(rng, *shape) for name, shape in shapes.items()}


@dataclass(frozen=True)
class Clipped:
    """Forward and backward pass whose gradients are cut to [-10, 10], entry by entry."""

    code: Any

    def forward(self, params: Params, data: Data) -> Any:
        return self.code.forward(params, data)

    def backward(self, params: Params, data: Data, cache: Any) -> Params:
        gradients = self.code.backward(params, data, cache)
        return {name: np.clip(gradient, -CLIP, CLIP) for name, gradient in gradients.items()}


@dataclass(frozen=True)
class AllSteps:
    """The sine network without truncation, whatever tau the records carry."""

    def forward(self, params: Params, data: Data) -> Any:
        return SineRNN().forward(params, {"x": data["x"], "y": data["y"]})

    def backward(self, params: Params, data: Data, cache: Any) -> Params:
        return SineRNN().backward(params, data, cache)


CODES = {"printed": SineAsPrinted(), "truncated": SineRNN(), "all steps": AllSteps()}
"""The backward passes that are compared: as printed, and corrected with 5 steps and with all."""


# Training ------------------------------------------------------------------------------------------------------------


def predictions(params: Params, records: Sequence[Data]) -> Array:
    """The trained network's output for each record, fed as in training; all records step by step together."""
    x = np.stack([record["x"] for record in records])
    h = np.zeros((len(x), HIDDEN))
    for t in range(STEPS):
        h = sigmoid(h @ params["W"].T + np.outer(x[:, t], params["U"][:, t]))
    return h @ params["V"][0]


def loss_per_record(predicted: Array, records: Sequence[Data]) -> float:
    target = np.array([record["y"][0] for record in records])
    return float(np.mean((predicted - target) ** 2) / 2)


@dataclass
class Trained:
    """A network after training. losses, validation: per record, before each epoch and after the last."""

    params: Params
    losses: list[float]
    validation: list[float]


def train(code: Any, params: Params, *, lr: float, epochs: int) -> Trained:
    """One step of gradient descent a record, in their order, as printed."""
    records, held_out = train_and_validation()
    training = Training(Clipped(code), SGD(lr=lr), params)
    losses, validation = [], []
    for epoch in range(epochs + 1):
        losses.append(loss_per_record(predictions(training.params, records), records))
        validation.append(loss_per_record(predictions(training.params, held_out), held_out))
        if epoch < epochs:
            for record in records:
                training.step(record)
    return Trained(training.params, losses, validation)


def correlation(predicted: Array, records: Sequence[Data]) -> float:
    """With the targets; 0 for a constant prediction, which says nothing about them."""
    target = np.array([record["y"][0] for record in records])
    if not np.all(np.isfinite(predicted)) or np.ptp(predicted) < 1e-9:
        return 0.0
    return float(np.corrcoef(predicted, target)[0, 1])


# The data ------------------------------------------------------------------------------------------------------------


def data_run(seed: int) -> Run:
    X, Y = windows()
    train_X, train_Y = X[:-VALIDATION], Y[:-VALIDATION]
    return {
        "records": train_X.shape[0],
        "steps of a record": train_X.shape[1],
        "numbers a step": train_X.shape[2],
        "targets": train_Y.shape[0],
        "numbers a target": train_Y.shape[1],
        "validation records": len(X[-VALIDATION:]),
    }


SINE_DATA = Reproduction(
    key="sine-data",
    title="the windows of the sine",
    rows=("A-iv",),
    source=f"{SOURCE}, Data Preparation",
    run=data_run,
    claims=tuple(
        PrintedNumber(value=name, printed=printed)
        for name, printed in {
            "records": "100",
            "steps of a record": "50",
            "numbers a step": "1",
            "targets": "100",
            "numbers a target": "1",
            "validation records": "50",
        }.items()
    ),
)

# The printed settings ------------------------------------------------------------------------------------------------

PRINTED_LR, PRINTED_EPOCHS = 1e-4, 2


def printed_settings_run(seed: int) -> Run:
    records, _ = train_and_validation()
    start = printed_weights(np.random.default_rng(seed))
    run: dict[str, Any] = {"closed form": closed_form(start, records)}
    for name, code in CODES.items():
        trained = train(code, start, lr=PRINTED_LR, epochs=PRINTED_EPOCHS)
        predicted = predictions(trained.params, records)
        run[f"{name}: losses"] = trained.losses
        run[f"{name}: spread of the predictions"] = float(np.std(predicted))
        run[f"{name}: mean prediction"] = float(np.mean(predicted))
    cache = AllSteps().forward(start, records[0])[1]
    gradients = AllSteps().backward(start, records[0], cache)
    run["largest dU, dW"] = [float(np.max(np.abs(gradients[name]))) for name in ("U", "W")]
    return run


def closed_form(start: Params, records: Sequence[Data]) -> list[float]:
    """The loss per record before epochs 1 and 2 and after: a saturated network predicts the sum of V, and each record
    moves every entry of V by eta times the clipped error, 100 e-4 * 10 in all, as long as it predicts more than 10."""
    target = np.array([record["y"][0] for record in records])
    fall = HIDDEN * PRINTED_LR * CLIP * len(records)
    return [float(np.mean((start["V"].sum() - k * fall - target) ** 2) / 2) for k in range(PRINTED_EPOCHS + 1)]


def as_in_closed_form(runs: Sequence[Run]) -> bool:
    return all(np.allclose(run[f"{name}: losses"], run["closed form"], rtol=1e-9) for run in runs for name in CODES)


def shown_losses(runs: Sequence[Run]) -> str:
    at = [[run["printed: losses"][k] for run in runs] for k in range(PRINTED_EPOCHS + 1)]
    return "loss per record " + " -> ".join(f"{min(values):.0f}-{max(values):.0f}" for values in at)


SINE_PRINTED_SETTINGS = Reproduction(
    key="sine-printed-settings",
    title="the sine network with the printed weights and learning rate",
    rows=("A-iv",),
    source=f"{SOURCE}, Create the Architecture and Train the Model",
    run=printed_settings_run,
    seeds=5,
    few=1,
    claims=(
        Statement(
            name="nothing depends on the code",
            says="Printed, truncated and whole backward pass give the same losses, those of a closed form.",
            holds=as_in_closed_form,
            shown=shown_losses,
        ),
        Statement(
            name="W and U have no gradient",
            says="Every unit is saturated: the exact gradient by W and by U is 0, to the last bit.",
            holds=lambda runs: all(run["largest dU, dW"] == [0, 0] for run in runs),
            shown=lambda runs: f"max |dU|, |dW|: {runs[0]['largest dU, dW']}",
            rows=("A-iv", "A-E16"),
        ),
        Statement(
            name="every prediction is the same",
            says="After two epochs the network predicts one number for every record, to six decimals.",
            holds=lambda runs: all(run[f"{name}: spread of the predictions"] < 1e-6 for run in runs for name in CODES),
            shown=lambda runs: (
                f"spread over the records {max(run['printed: spread of the predictions'] for run in runs):.0e}, about"
                f" {np.median([run['printed: mean prediction'] for run in runs]):.0f}"
            ),
        ),
    ),
    chosen="Weights from default_rng(seed); 2 epochs, eta 1e-4, clip 10 and truncation 5 are printed.",
)

# A setting in which it can learn -------------------------------------------------------------------------------------

LEARNING_LR, LEARNING_EPOCHS = 0.05, 25
LEARNT = 1e-3
MEAN_LOSS = 0.2493
"""The loss per record of always predicting the targets' mean."""


def learning_run(seed: int, lr: float = LEARNING_LR, epochs: int = LEARNING_EPOCHS) -> Run:
    records, held_out = train_and_validation()
    start = weights_by_fan_in(np.random.default_rng(seed))
    run: dict[str, Any] = {}
    for name, code in CODES.items():
        with np.errstate(over="ignore", invalid="ignore"):  # the printed code diverges
            trained = train(code, start, lr=lr, epochs=epochs)
            predicted = predictions(trained.params, records)
            held = predictions(trained.params, held_out)
        run[f"{name}: losses"] = trained.losses
        run[f"{name}: validation losses"] = trained.validation
        run[f"{name}: loss"] = trained.losses[-1]
        run[f"{name}: correlation"] = correlation(predicted, records)
        run[f"{name}: predictions"] = predicted.tolist()
        run[f"{name}: validation predictions"] = held.tolist()
    return run


def final_losses(*names: str) -> Callable[[Sequence[Run]], str]:
    def shown(runs: Sequence[Run]) -> str:
        parts = []
        for name in names:
            losses = [run[f"{name}: loss"] for run in runs]
            parts.append(f"{name} {np.median(losses):.2g} [{min(losses):.2g}, {max(losses):.2g}]")
        return "final loss: " + ", ".join(parts)

    return shown


SINE_LEARNING = Reproduction(
    key="sine-learning",
    title="the sine network in a setting in which it can learn",
    rows=("A-iv",),
    source=SOURCE,
    run=learning_run,
    seeds=5,
    few=1,
    claims=(
        Statement(
            name="the corrected code learns",
            says="Backpropagation through all steps and through 5 end below 1e-3 per record in every run.",
            holds=lambda runs: all(
                run[f"{name}: loss"] < LEARNT for run in runs for name in ("truncated", "all steps")
            ),
            shown=final_losses("truncated", "all steps"),
        ),
        Statement(
            name="the printed code does not",
            says="The printed backward pass ends above the loss of predicting the mean, in every run.",
            holds=lambda runs: all(not run["printed: loss"] <= MEAN_LOSS for run in runs),
            shown=final_losses("printed"),
        ),
    ),
    chosen="Weights uniform in +-1/sqrt(fan-in), eta .05 and 25 epochs are ours: with the printed ones nothing learns.",
)


def printed_rate_run(seed: int) -> Run:
    return learning_run(seed, lr=PRINTED_LR)


SINE_PRINTED_RATE = Reproduction(
    key="sine-printed-rate",
    title="the sine network from small weights, with the printed learning rate",
    rows=("A-iv",),
    source=SOURCE,
    run=printed_rate_run,
    seeds=3,
    few=1,
    claims=(
        Statement(
            name="25 epochs are too few for any code",
            says="With eta 1e-4 all three backward passes stay within 5 % of the loss of predicting the mean.",
            holds=lambda runs: all(abs(run[f"{name}: loss"] / MEAN_LOSS - 1) < 0.05 for run in runs for name in CODES),
            shown=final_losses(*CODES),
        ),
    ),
    chosen="Weights uniform in +-1/sqrt(fan-in) and 25 epochs are ours; eta is printed.",
)

# Plots ---------------------------------------------------------------------------------------------------------------


def draw_losses(figure: Any, runs: Mapping[str, Sequence[Run]]) -> None:
    axes = figure.subplots()
    for name, colour in zip(("printed", "truncated", "all steps"), ("C3", "C0", "C2"), strict=True):
        for k, run in enumerate(runs["sine-learning"]):
            axes.semilogy(run[f"{name}: losses"], color=colour, alpha=0.7, label=name if k == 0 else None)
    axes.axhline(MEAN_LOSS, color="0.5", linestyle=":", label="predicting the mean")
    axes.set(xlabel="epoch", ylabel="loss per record", title="sine: printed against corrected backward pass")
    axes.legend()


def draw_predictions(figure: Any, runs: Mapping[str, Sequence[Run]]) -> None:
    train_part, validation_part = figure.subplots(2, 1, sharey=True)
    run, parts = runs["sine-learning"][0], train_and_validation()
    for axes, records, suffix in zip(
        (train_part, validation_part), parts, ("predictions", "validation predictions"), strict=True
    ):
        axes.plot([record["y"][0] for record in records], color="0.3", label="sine")
        for name, colour in (("printed", "C3"), ("truncated", "C0")):
            axes.plot(np.clip(run[f"{name}: {suffix}"], -3, 3), color=colour, label=name)
        axes.set(xlabel="record", ylabel="next value")
    train_part.set_title("training windows")
    validation_part.set_title("validation windows (cut at ±3)")
    train_part.legend(loc="upper right")


SINE_LOSSES = Figure(
    key="sine-losses",
    alt="Loss per record over 25 epochs: the corrected backward passes fall by five powers of ten, the printed one"
    " stays above the loss of predicting the mean.",
    needs=("sine-learning",),
    draw=draw_losses,
)
SINE_PREDICTIONS = Figure(
    key="sine-predictions",
    alt="Predictions beside the sine on training and validation windows: the corrected code follows it, the printed one"
    " does not.",
    needs=("sine-learning",),
    draw=draw_predictions,
)
