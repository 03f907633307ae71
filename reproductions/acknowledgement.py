"""The long word (B-ii): spelt back after 1000 epochs of Adam, AdaGrad or RMSprop, at several hidden sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from derivations.sources import B
from gradproof.reproduction import Run, Statement
from implementations.optimizers import AdaGrad, Adam, RMSprop
from reproductions.figures import Figure
from reproductions.words import Settings, comes_back, draw_table, in_both, larger_is_better, printed_numbers, run_of

WORD = "Acknowledgement"
EPOCHS = 1000
SOURCE = f"{B}, Question 2 (i)"
CHOSEN = (
    "The loss of the last epoch, averaged over the 14 letters; everything starts uniform in ±1/sqrt(hidden), as PyTorch"
    " has it."
)


def by_hidden(sizes: Sequence[int], optimizer: Any) -> Settings:
    return {f"hidden {size}": (size, optimizer) for size in sizes}


def word_back_at_each(sizes: Sequence[int]) -> tuple[Statement, ...]:
    return tuple(comes_back(WORD, f"hidden {size}", 1) for size in sizes)


ADAM_SIZES, OTHER_SIZES = (5, 20, 50), (10, 20, 50)
ADAM_LOSSES = {"loss at hidden 5": "0.0059", "loss at hidden 20": "0.0003", "loss at hidden 50": "0.00001"}
ADAGRAD_LOSSES = {"loss at hidden 10": "0.0016", "loss at hidden 20": "0.0007", "loss at hidden 50": "0.0005"}
RMSPROP_LOSSES = {"loss at hidden 10": "0.0001", "loss at hidden 20": "0.00001", "loss at hidden 50": "0.00000"}
ADAM_LOG = {
    630: "0.0156",
    680: "0.0135",
    710: "0.0124",
    740: "0.0115",
    790: "0.0101",
    820: "0.0095",
    850: "0.0088",
    880: "0.0083",
    900: "0.0079",
    950: "0.0070",
    960: "0.0068",
    990: "0.0065",
    1000: "0.0064",
}
"""Epoch -> loss: those lines of the log that the scan has not broken in a way that leaves their epoch open."""
OTHER_SETTINGS = "It belongs to lr .01 and beta2 .999, the optimizer that the document shows in code."
FIVE_DECIMALS = "The last digit is .00001, which the printed program's four decimals cannot show."

ADAM, ADAM_TORCH = in_both(
    "acknowledgement-adam",
    title="the long word by Adam with the printed lr .1 and beta2 .99",
    rows=("B-ii",),
    source=SOURCE,
    run=run_of(WORD, EPOCHS, by_hidden(ADAM_SIZES, Adam(lr=0.1, beta2=0.99))),
    claims=(
        *printed_numbers(
            ADAM_LOSSES,
            {
                "loss at hidden 5": ("no", OTHER_SETTINGS),
                "loss at hidden 20": ("no", OTHER_SETTINGS),
                "loss at hidden 50": ("plausible", f"Just above the range. {FIVE_DECIMALS}"),
            },
            rows=("B-ii", "B-E4"),
        ),
        *word_back_at_each(ADAM_SIZES),
        larger_is_better(ADAM_SIZES, "no", "It rises from 20 to 50 hidden units."),
    ),
    seeds=5,
    few=(5, 3),
    chosen=CHOSEN,
)
ADAM_IN_CODE, ADAM_IN_CODE_TORCH = in_both(
    "acknowledgement-adam-in-code",
    title="the long word by Adam with lr .01 and beta2 .999, as in the document's code",
    rows=("B-ii",),
    source=SOURCE,
    run=run_of(WORD, EPOCHS, by_hidden(ADAM_SIZES, Adam(lr=0.01)), ADAM_LOG),
    claims=(
        *printed_numbers(
            ADAM_LOSSES,
            {"loss at hidden 50": ("no", f"Five times too low for these settings. {FIVE_DECIMALS}")},
            rows=("B-ii", "B-E4"),
        ),
        *printed_numbers({f"loss at epoch {epoch}": loss for epoch, loss in ADAM_LOG.items()}),
        *word_back_at_each(ADAM_SIZES),
        larger_is_better(ADAM_SIZES, "holds"),
    ),
    seeds=12,
    few=(3, 1),
    chosen=f"{CHOSEN} The training log does not say its hidden size: 5 is taken.",
)
ADAGRAD, ADAGRAD_TORCH = in_both(
    "acknowledgement-adagrad",
    title="the long word by AdaGrad",
    rows=("B-ii",),
    source=SOURCE,
    run=run_of(WORD, EPOCHS, by_hidden(OTHER_SIZES, AdaGrad(lr=0.1, eps=1e-18))),
    claims=(
        *printed_numbers(
            ADAGRAD_LOSSES,
            {"loss at hidden 50": ("plausible", "It is 2 % below the least of the seeds.")},
        ),
        *word_back_at_each(OTHER_SIZES),
        larger_is_better(OTHER_SIZES, "no", "20 and 50 hidden units end alike."),
    ),
    seeds=5,
    few=(5, 1),
    chosen=CHOSEN,
)
RMSPROP, RMSPROP_TORCH = in_both(
    "acknowledgement-rmsprop",
    title="the long word by RMSprop",
    rows=("B-ii",),
    source=SOURCE,
    run=run_of(WORD, EPOCHS, by_hidden(OTHER_SIZES, RMSprop(lr=0.01, alpha=0.99, eps=1e-18))),
    claims=(
        *printed_numbers(
            RMSPROP_LOSSES,
            {
                "loss at hidden 10": ("plausible", "The runs lie just where .00005 rounds to .0001, on both sides."),
                "loss at hidden 20": ("plausible", "It fits if digits are cut off rather than rounded."),
                "loss at hidden 50": ("no", f"Three times too low. {FIVE_DECIMALS}"),
            },
        ),
        *word_back_at_each(OTHER_SIZES),
        larger_is_better(OTHER_SIZES, "no", "It rises from 20 to 50 hidden units."),
    ),
    seeds=5,
    few=(5, 1),
    chosen=CHOSEN,
)

# Plots ---------------------------------------------------------------------------------------------------------------


def draw_losses(figure: Any, runs: Mapping[str, Sequence[Run]]) -> None:
    tables = {
        "acknowledgement-adam": ("Adam, lr .1, beta2 .99", ADAM_LOSSES),
        "acknowledgement-adam-in-code": ("Adam, lr .01, beta2 .999", ADAM_LOSSES),
        "acknowledgement-adagrad": ("AdaGrad, lr .1", ADAGRAD_LOSSES),
        "acknowledgement-rmsprop": ("RMSprop, lr .01", RMSPROP_LOSSES),
    }
    draw_table(figure, runs, tables, EPOCHS)


LOSSES = Figure(
    key="acknowledgement-losses",
    alt="Loss by epoch for each optimizer and hidden size: the dots, printed losses, lie at the ends of the curves but"
    " for Adam with lr .1, whose curves end far below the printed losses of 5 and 20 hidden units.",
    needs=(
        "acknowledgement-adam",
        "acknowledgement-adam-in-code",
        "acknowledgement-adagrad",
        "acknowledgement-rmsprop",
    ),
    draw=draw_losses,
)
