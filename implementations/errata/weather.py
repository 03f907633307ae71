"""Mistakes of the lab on the weather network, as code: what is printed, and what it should be.

All data is made here, in the form of the hourly file: a row an hour, six columns, of which TEMP is the second.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np

from gradproof.errata import Demonstration
from implementations.errata.outcomes import outcome
from implementations.recurrent import TANH, WithLoss, at_last_step, squared_error
from implementations.recurrent_forward import output

Array = np.ndarray

# The data ------------------------------------------------------------------------------------------------------------

KEPT = 43000
"""The rows that are kept of the file, before they are cut to whole days."""


def kept_rows() -> Array:
    """An array of the shape of the dataset."""
    return np.empty((KEPT - KEPT % 24, 6))


ROWS_CALLED_COLUMNS = Demonstration(
    key="rows-called-columns", printed=lambda: kept_rows().shape[0], corrected=lambda: kept_rows().shape[1]
)

FIRST_HOUR = {"DEWP": "-21", "TEMP": "-11", "PRES": "1021", "cbwd": "NW", "Iws": "1.79", "Is": "0", "Ir": "0"}


def first_features(columns: str) -> Any:
    return outcome(lambda: tuple(float(FIRST_HOUR[column]) for column in columns.split()))


WIND_DIRECTION_AMONG_FEATURES = Demonstration(
    key="wind-direction-among-features",
    printed=lambda: first_features("DEWP TEMP PRES cbwd Iws Is Ir"),
    corrected=lambda: first_features("DEWP TEMP PRES Iws Is Ir"),
)


def hours_of_five_years() -> int:
    """The hours from 2010 to 2014: the rows of the file."""
    return (datetime(2015, 1, 1) - datetime(2010, 1, 1)) // timedelta(hours=1)


LAST_DAY_MISSING = Demonstration(
    key="last-day-missing", printed=lambda: hours_of_five_years() % 24, corrected=lambda: KEPT % 24
)


def parts(hours: int) -> tuple[Array, Array]:
    """A temperature with its days and seasons, and its last fifth apart from the rest."""
    t = np.arange(hours)
    temperature = 12 - 14 * np.cos(2 * np.pi * t / (365 * 24)) - 4 * np.cos(2 * np.pi * t / 24)
    return temperature[: hours * 4 // 5], temperature[hours * 4 // 5 :]


def standardised(part: Array, by: Array) -> Array:
    return (part - by.mean()) / by.std()


def rows_of_test_data(*, of_training_data: bool) -> int:
    train, test = parts(hours=240)
    return len(standardised(train if of_training_data else test, by=train))


TEST_DATA_CALLED_TRAINING = Demonstration(
    key="test-data-called-training",
    printed=lambda: rows_of_test_data(of_training_data=True),
    corrected=lambda: rows_of_test_data(of_training_data=False),
)


def training_moments(*, whole: bool) -> tuple[float, float]:
    """Mean and standard deviation of the training part, standardised."""
    train, test = parts(hours=365 * 24)
    data = standardised(train, by=np.concatenate([train, test]) if whole else train)
    return float(data.mean()), float(data.std())


WHOLE_DATASET_STATISTICS = Demonstration(
    key="whole-dataset-statistics",
    printed=lambda: training_moments(whole=True),
    corrected=lambda: training_moments(whole=False),
)

TARGET_SHAPE = Demonstration(
    key="target-shape",
    printed=lambda: str(kept_rows()[24, 1].shape),
    corrected=lambda: str(kept_rows()[24, 1:2].shape),
)

# The network ---------------------------------------------------------------------------------------------------------


def output_moved_by(name: str) -> float:
    """How far the output moves when each entry of a parameter is moved by 1, at the state 0."""
    params, h = {"V": np.full((1, 10), 0.5), "c": np.array([0.5])}, np.zeros(10)
    moved = {**params, name: params[name] + 1}
    return float((output(moved, h) - output(params, h))[0])


OUTPUT_WEIGHTS_CALLED_BIAS = Demonstration(
    key="output-weights-called-bias", printed=lambda: output_moved_by("V"), corrected=lambda: output_moved_by("c")
)


def batch_losses(*, last_only: bool) -> tuple[float, float]:
    """The loss of a batch of four days, in one order and in the reverse."""
    rng = np.random.default_rng(0)
    params = {
        "W": rng.normal(size=(10, 10)) / 10,
        "U": rng.normal(size=(10, 6)) / 10,
        "b": np.zeros(10),
        "V": rng.normal(size=(1, 10)) / 10,
        "c": np.zeros(1),
    }
    batch = [{"x": day[:24], "y": day[24, 1:2]} for day in rng.normal(size=(4, 25, 6))]
    losses = [float(WithLoss(TANH, at_last_step(squared_error)).forward(params, sample)[0]) for sample in batch]

    def total(ordered: list[float]) -> float:
        total_loss = 0.0
        for loss in ordered:
            total_loss = loss if last_only else total_loss + loss / len(ordered)
        return total_loss

    return total(losses), total(losses[::-1])


BATCH_LOSS_OF_LAST_SAMPLE = Demonstration(
    key="batch-loss-of-last-sample",
    printed=lambda: batch_losses(last_only=True),
    corrected=lambda: batch_losses(last_only=False),
)


def recorded_losses(*, in_the_loop: bool) -> int:
    """How many losses a training of 500 steps leaves; it fits the mean of a temperature."""
    (train, _), level, losses = parts(hours=240), 0.0, []
    for _ in range(500):
        loss = np.mean((level - train) ** 2)
        level -= 0.01 * 2 * np.mean(level - train)
        if in_the_loop:
            losses.append(loss)
    if not in_the_loop:
        losses.append(loss)
    return len(losses)


LOSS_APPENDED_ONCE = Demonstration(
    key="loss-appended-once",
    printed=lambda: recorded_losses(in_the_loop=False),
    corrected=lambda: recorded_losses(in_the_loop=True),
)
