"""How ordinary values of order 1 are drawn: float64 arrays, 0-d for a scalar."""

from __future__ import annotations

import numpy as np

Array = np.ndarray
Generator = np.random.Generator


def scalars(rng: Generator, names: str) -> dict[str, Array]:
    """Normal 0-d arrays, by their names separated by blanks."""
    return {name: np.asarray(rng.normal()) for name in names.split()}


def normal(rng: Generator, *shape: int) -> Array:
    """Standard normal values."""
    return np.asarray(rng.normal(size=shape))


def bits(rng: Generator, *shape: int) -> Array:
    """Labels or features 0.0 and 1.0."""
    return rng.integers(2, size=shape).astype(np.float64)


def parity(table: Array) -> Array:
    """XOR of the columns of a table of bits, one label per row."""
    return np.asarray(table.sum(axis=-1) % 2)


def distributions(rng: Generator, rows: int, classes: int) -> Array:
    """Positive rows that sum to 1, none of them near 0.

    Exactly 1, also in float32: the entries are multiples of 2**-20. Formulas that hold for rows of sum 1 are checked in
    more digits than rounding to float64 would leave.
    """
    weights = rng.uniform(0.2, 1.0, size=(rows, classes))
    parts = np.floor(weights / weights.sum(axis=1, keepdims=True) * 2**20)
    parts[:, 0] += 2**20 - parts.sum(axis=1)
    return np.asarray(parts / 2**20)


def one_hot_rows(rng: Generator, rows: int, classes: int) -> Array:
    """One class per row, at random."""
    return np.asarray(np.eye(classes)[rng.integers(classes, size=rows)])


def targets(rng: Generator, rows: int, classes: int) -> Array:
    """What a prediction of class probabilities is compared with: one-hot rows, or as often distributions."""
    return one_hot_rows(rng, rows, classes) if rng.random() < 0.5 else distributions(rng, rows, classes)
