"""Draws the plots: every Figure record whose runs are there, as an SVG file that is the same each time it is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gradproof.reproduction import Run
from reproductions.figures import Figure

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
"""C0, C1, ...: Okabe and Ito's, which differ for colour-blind readers too; yellow, too pale for lines, is left out."""

STYLE = {
    "figure.figsize": (7.0, 4.2),
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e0e0e0",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.4,
    "legend.frameon": False,
    "savefig.facecolor": "white",  # a page may be dark
}


def draw(figures: Iterable[Figure], runs: Mapping[str, Sequence[Run]], folder: Path) -> Iterator[str]:
    """Draw into ``folder/KEY.svg`` each figure whose runs are all there; yield a line for each that is left out.

    runs: key of a reproduction -> its runs. A figure that is left out keeps the file it may have.
    """
    try:
        import matplotlib.style
    except ImportError:
        yield "no plots: Matplotlib is not installed"
        return
    for figure in figures:
        if missing := [key for key in figure.needs if not runs.get(key)]:
            yield f"plot {figure.key} left out: no runs of {', '.join(missing)}"
            continue
        with matplotlib.style.context(style(figure.key), after_reset=True):  # whatever the user's own settings are
            try:
                save(figure, {key: runs[key] for key in figure.needs}, folder / f"{figure.key}.svg")
            except Exception as error:  # one plot that cannot be drawn does not cost the others
                yield f"plot {figure.key} left out: {type(error).__name__}: {error}"


def style(key: str) -> dict[str, Any]:
    """Matplotlib's settings. Ids in the file come from the salt: the same each time, and no two plots of one page
    share them."""
    from cycler import cycler

    return {**STYLE, "axes.prop_cycle": cycler(color=COLOURS), "svg.hashsalt": key}


def save(figure: Figure, runs: Mapping[str, Sequence[Run]], path: Path) -> None:
    """Draw one figure and write it, whole or not at all. What is to be seen in it is the title of the SVG."""
    import matplotlib.figure

    canvas = matplotlib.figure.Figure()
    figure.draw(canvas, runs)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    metadata = {"Title": figure.alt, "Creator": "gradproof", "Date": None}
    canvas.savefig(unfinished, format="svg", metadata=metadata)
    unfinished.replace(path)
