"""What a plot is: a record with the runs that it needs, its text alternative, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradproof.reproduction import Run


@dataclass(frozen=True, kw_only=True, eq=False)
class Figure:
    """One plot of what runs left.

    key: its file name without ending. alt: what is to be seen, one sentence, for who cannot see it. needs: keys of the
    reproductions whose runs it shows. draw: ``draw(figure, runs)`` on a Matplotlib figure; runs maps each key of
    ``needs`` to its runs, one a seed.
    """

    key: str
    alt: str
    needs: tuple[str, ...]
    draw: Callable[[Any, Mapping[str, Sequence[Run]]], None]
