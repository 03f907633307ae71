"""The small tables that the documents train on, as arrays."""

from __future__ import annotations

import numpy as np


def numbers(text: str) -> np.ndarray:
    return np.array(text.split(), dtype=float)


FIVE_POINTS = {"x": numbers("5 7 12 16 20"), "y": numbers("40 120 180 210 240")}
"""A line's, of Problem 1 and Exercise question 3 of the PyTorch manual."""

TWENTY_THREE_POINTS = {
    "x": numbers(
        "12.4 14.3 14.5 14.9 16.1 16.9 16.5 15.4 17.0 17.9 18.8 20.3"
        " 22.4 19.4 15.5 16.7 17.3 18.4 19.2 17.4 19.5 19.7 21.2"
    ),
    "y": numbers(
        "11.2 12.5 12.7 13.1 14.1 14.8 14.4 13.4 14.9 15.6 16.4 17.7"
        " 19.6 16.9 14.0 14.6 15.1 16.1 16.8 15.2 17.0 17.2 18.6"
    ),
}
"""A line's, of Exercise question 1."""

FIVE_SUBJECTS = {
    "X": np.array([[3.0, 8.0], [4.0, 5.0], [5.0, 7.0], [6.0, 3.0], [2.0, 1.0]]),
    "y": numbers("-3.7 3.5 2.5 11.5 5.7"),
}
"""Two features each, of Exercise question 6."""

NINE_POINTS = {"x": numbers("1 5 10 10 25 50 70 75 100"), "y": numbers("0 0 0 0 0 1 1 1 1")}
"""One feature and a label, of Exercise question 7."""
