"""Errata whose evidence is a training run: what the printed form and its correction come to."""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np

from gradproof.errata import Demonstration
from implementations.optimizers import AdaGrad, Adam, RMSprop
from reproductions import acknowledgement, characters, edgement, sine
from reproductions.words import CONVERGED, epochs_to, in_numpy, train

SEEDS = range(5)


# The character network: loss * eta * epochs ---------------------------------------------------------------------------


def printed_product() -> float:
    with_biases, _ = characters.BY_EPOCHS[characters.LAST]
    return float(with_biases) * characters.FIRST_RATE * characters.LAST


def product() -> float:
    losses = characters.train(0, biased=True, eta=characters.FIRST_RATE, epochs=characters.LAST)
    return losses[-1] * characters.FIRST_RATE * characters.LAST


CHARACTER_TABLE_LAST_LOSS = Demonstration(key="character-table-last-loss", printed=printed_product, corrected=product)


# The long word -------------------------------------------------------------------------------------------------------


def long_word(seed: int, hidden: int, optimizer: Any) -> list[float]:
    """The loss of each epoch."""
    losses, _ = train(in_numpy, acknowledgement.WORD, seed, hidden, optimizer, acknowledgement.EPOCHS)
    return losses


PRINTED_ADAM = Adam(lr=0.1, beta2=0.99)

ACKNOWLEDGEMENT_ADAM_SETTINGS = Demonstration(
    key="acknowledgement-adam-settings",
    printed=lambda: long_word(0, 5, PRINTED_ADAM)[-1],
    corrected=lambda: long_word(0, 5, Adam(lr=0.01, beta2=0.999))[-1],
)


def epochs_against_others(claimed: str) -> float:
    """The epochs that an optimizer takes to a loss below .01, as a share of those of the faster of the other two."""
    optimizers = {"Adam": PRINTED_ADAM, "AdaGrad": AdaGrad(lr=0.1, eps=1e-18), "RMSprop": RMSprop(lr=0.01, eps=1e-18)}
    epochs = {name: epochs_to(long_word(0, 20, optimizer), 0.01) for name, optimizer in optimizers.items()}
    return epochs.pop(claimed) / min(epochs.values())


FASTEST_OPTIMIZER = Demonstration(
    key="fastest-optimizer",
    printed=lambda: epochs_against_others("RMSprop"),
    corrected=lambda: epochs_against_others("Adam"),
)


def loss_ratio(larger: int, smaller: int) -> float:
    """The last loss of a larger hidden layer as a share of a smaller one's, by Adam; the median of the seeds."""
    return statistics.median(
        long_word(seed, larger, PRINTED_ADAM)[-1] / long_word(seed, smaller, PRINTED_ADAM)[-1] for seed in SEEDS
    )


HIDDEN_SIZE_AND_LOSS = Demonstration(
    key="hidden-size-and-loss", printed=lambda: loss_ratio(50, 20), corrected=lambda: loss_ratio(20, 5)
)


# The short word ------------------------------------------------------------------------------------------------------


def epochs_to_convergence(alpha: float) -> float:
    """The first epoch whose loss prints as 0.0000, by RMSprop with lr .1; infinity if there is none."""
    optimizer = RMSprop(lr=0.1, alpha=alpha, eps=1e-18)
    runs = (train(in_numpy, edgement.WORD, seed, edgement.HIDDEN, optimizer, edgement.EPOCHS) for seed in SEEDS)
    return statistics.median(epochs_to(losses, CONVERGED) for losses, _ in runs)


EDGEMENT_RMSPROP_ALPHA = Demonstration(
    key="edgement-rmsprop-alpha",
    printed=lambda: epochs_to_convergence(0.99),
    corrected=lambda: epochs_to_convergence(0.5),
)


def losses_at_18(lr: float) -> tuple[float, float]:
    """The least and the greatest loss at epoch 18 of 20 seeds, by RMSprop with alpha .5."""
    optimizer = RMSprop(lr=lr, alpha=0.5, eps=1e-18)
    runs = (train(in_numpy, edgement.WORD, seed, edgement.HIDDEN, optimizer, 18) for seed in range(20))
    losses = [each[-1] for each, _ in runs]
    return min(losses), max(losses)


LOG_OF_ANOTHER_RATE = Demonstration(
    key="log-of-another-rate", printed=lambda: losses_at_18(0.1), corrected=lambda: losses_at_18(0.4)
)

# The sine network ----------------------------------------------------------------------------------------------------


def largest_dw(weights: Any) -> float:
    """The largest entry of the exact gradient by W at the first record, from weights of a kind."""
    params, (first, *_) = weights(np.random.default_rng(0)), sine.train_and_validation()[0]
    _, cache = sine.AllSteps().forward(params, first)
    return float(np.max(np.abs(sine.AllSteps().backward(params, first, cache)["W"])))


SINE_SETTINGS_CANNOT_LEARN = Demonstration(
    key="sine-settings-cannot-learn",
    printed=lambda: largest_dw(sine.printed_weights),
    corrected=lambda: largest_dw(sine.weights_by_fan_in),
)
