"""What the values of a record are, whatever they are: numbers, text, lists; and errors as shares and colours.

A record is read as it comes, from any version and any hand: what it lacks, or has of another type, is not shown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, Any]


def number(value: Any) -> float | None:
    """A number as JSON has it, also "nan", "inf" and "-inf"; None of anything else."""
    if isinstance(value, str) and value in ("nan", "inf", "-inf"):
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:  # an integer of 400 digits
            return math.inf if value > 0 else -math.inf
    return None


def text(value: Any) -> str:
    """A string; a number, or a list or mapping of such, as one would write it; "" of nothing."""
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={text(part)}" for name, part in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(text, value))}]"
    return str(value)


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else []


def texts(value: Any) -> list[str]:
    return [text(part) for part in listed(value)]


def short(x: float, digits: int = 2) -> str:
    """A number in few characters: 0.35, 12, 7 × 10¹⁴."""
    if math.isnan(x) or math.isinf(x):
        return {math.inf: "∞", -math.inf: "-∞"}.get(x, "not a number")
    if x == 0 or 1e-3 <= abs(x) < 1e4:
        return f"{x:.{digits}f}" if abs(x) < 10 else f"{x:.0f}"
    mantissa, _, exponent = f"{x:.{digits - 1}e}".partition("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa} × 10{raised}"


# An error as a share of what is allowed ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Share:
    """The worst error as a share of what is allowed, with its level: "low", "some", "near" or "over"; "none" where it
    is not known. points: at how many points. why: for what reason it is not known."""

    worst: float | None
    points: int = 0
    why: str = ""

    @property
    def level(self) -> str:
        if self.worst is None:
            return "none"
        if not self.worst <= 1:  # NaN as well
            return "over"
        return "low" if self.worst <= 0.1 else "some" if self.worst <= 0.5 else "near"

    @property
    def shown(self) -> str:
        if self.worst is None:
            return "–"
        return short(self.worst, 1 if self.worst >= 1e4 else 2).replace(" ", "")  # a cell is narrow


def heat(ratio: float | None) -> int:
    """0 up to the bound, then one step for each three powers of ten, up to 5."""
    if ratio is None:
        return 0
    if not ratio < math.inf:
        return 5
    return 0 if ratio <= 1 else min(1 + int(math.log10(ratio) // 3), 5)
