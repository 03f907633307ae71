"""A measurement as a curve: of time or memory, by a size."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Any


@dataclass(frozen=True)
class Curve:
    """by: the name of the size. of: the unit of what was measured, "seconds" or "bytes". at: the sizes, ascending."""

    by: str
    of: str
    at: Sequence[int]
    values: Sequence[float]

    @property
    def slope(self) -> float | None:
        """Of the logarithms, fitted by least squares over the upper half of the sizes; None where these are too few."""
        upper = list(zip(self.at, self.values, strict=True))[len(self.at) // 2 :]
        if len(upper) < 3 or min(value for _, value in upper) <= 0:
            return None
        x, y = ([log(part) for part in column] for column in zip(*upper, strict=True))
        return statistics.linear_regression(x, y).slope

    def info(self) -> dict[str, Any]:
        """As the ``curve`` of a benchmark's ``extra_info``."""
        return {"by": self.by, "of": self.of, "at": [*self.at], "values": [*self.values], "slope": self.slope}
