"""Charts of the page, drawn by Matplotlib as SVG that follows the reader's light or dark scheme."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from gradproof.errors import NotRun
from gradproof.report.power import Checker, Count

INKS = {
    "#010101": ("#1f2328", "#e8e6e1"),
    "#020202": ("#5c6370", "#a9afb8"),
    "#030303": ("#1f5f8b", "#8cc2ea"),
    "#040404": ("#a8201a", "#ffa198"),
    "#050505": ("#17663a", "#86d6a5"),
}
"""What is drawn in the colours on the left appears in those on the right: on light ground, and on dark."""
INK, MUTED, ACCENT, BAD, GOOD = INKS
METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LONGEST_NAME = 28
STYLE = {
    "figure.figsize": (4.0, 2.7),
    "figure.subplot.left": 0.17,
    "figure.subplot.right": 0.98,
    "figure.subplot.bottom": 0.17,
    "figure.subplot.top": 0.97,
    "font.size": 9,
    "font.family": "DejaVu Sans",  # Matplotlib's own, to lay out by; the reader's sans-serif takes its place
    "text.parse_math": False,  # a name with dollar signs is no formula
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.minor.visible": False,
    "ytick.minor.visible": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "svg.fonttype": "none",  # text stays text: a fraction of the size of its outlines
    "svg.hashsalt": "gradproof",  # the same ids each time
}


def drawn(draw: Callable[[Any], None], alt: str, **figure: Any) -> str:
    """What ``draw`` puts on a Matplotlib figure, as SVG with the title ``alt``.

    figure: what the figure is made with, such as its size. Raises NotRun where Matplotlib is missing or fails.
    """
    try:
        import matplotlib.figure
        import matplotlib.style
    except ImportError as error:
        raise NotRun("Matplotlib is not installed") from error
    with warnings.catch_warnings(), matplotlib.style.context(STYLE, after_reset=True):  # not the user's own settings
        warnings.simplefilter("ignore")  # what Matplotlib thinks of an axis with one value concerns nobody
        try:
            canvas = matplotlib.figure.Figure(**figure)
            draw(canvas)
            file = io.StringIO()
            metadata = {"Title": alt, "Creator": "gradproof", "Date": None}
            canvas.savefig(file, format="svg", transparent=True, metadata=metadata)
        except Exception as error:  # one chart that cannot be drawn does not cost the page
            raise NotRun(f"Matplotlib could not draw it ({type(error).__name__})") from error
    return inked(file.getvalue())


# The Taylor remainder ----------------------------------------------------------------------------------------------


def taylor_alt(points: Sequence[tuple[float, float]], slope: float | None) -> str:
    """What is to be seen in the chart, for who cannot see it."""
    fitted = "" if slope is None else f", with slope {slope:.3f} where 2 is right"
    first, last = points[0], points[-1]
    return (
        f"Taylor remainder by step size on logarithmic axes{fitted}: {first[1]:.1e} at step {first[0]:.1e},"
        f" {last[1]:.1e} at step {last[0]:.1e}."
    )


def taylor(points: Sequence[tuple[float, float]], slope: float | None) -> str:
    """The remainder of the first-order Taylor expansion by step size, beside a line of slope 2, as SVG.

    Raises NotRun where Matplotlib is missing or there are fewer than two points, which must be positive and finite.
    """
    if len(points) < 2:
        raise NotRun("fewer than two points")
    return drawn(lambda figure: draw_taylor(figure.subplots(), sorted(points), slope), taylor_alt(points, slope))


def draw_taylor(axes: Any, points: Sequence[tuple[float, float]], slope: float | None) -> None:
    """On Matplotlib's axes; points in the order of their steps."""
    from matplotlib.ticker import LogLocator, NullLocator

    steps, remainders = zip(*points, strict=True)
    square = [remainders[-1] * (step / steps[-1]) ** 2 for step in steps]
    axes.loglog(steps, square, color=MUTED, linestyle=(0, (4, 3)), label="slope 2")
    name = "remainder" if slope is None else f"remainder, slope {slope:.3f}"
    axes.loglog(steps, remainders, color=ACCENT, marker="o", markersize=4, linestyle="none", label=name)
    axes.set_xlabel("step t")
    axes.set_ylabel("remainder")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(numticks=5))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(lambda x, _: power_of_ten(x))
    axes.legend(loc="upper left")


def power_of_ten(x: float) -> str:
    return "10" + str(round(math.log10(x))).translate(RAISED)


# Checkers ----------------------------------------------------------------------------------------------------------


def power_alt(checkers: Sequence[Checker]) -> str:
    """What is to be seen in the chart, for who cannot see it."""
    said = (f"{legible(checker.name)} {percent(checker.caught)} and {percent(checker.alarmed)}" for checker in checkers)
    return f"Wrong gradients caught, and false alarms on correct code: {'; '.join(said)}."


def power(checkers: Sequence[Checker]) -> str:
    """Bars, a row for each checker: what it catches on the left, its false alarms on the right, as SVG.

    Raises NotRun where Matplotlib is missing or there is no checker.
    """
    if not checkers:
        raise NotRun("no checker was measured")
    size = (4.6, 0.7 + 0.27 * len(checkers))
    return drawn(lambda figure: draw_power(figure, checkers), power_alt(checkers), figsize=size, layout="constrained")


def draw_power(figure: Any, checkers: Sequence[Checker]) -> None:
    """On two axes, with the checkers from top to bottom."""
    left, right = figure.subplots(1, 2, sharey=True)
    colours = [ACCENT if checker.own else MUTED for checker in checkers]
    draw_bars(left, "wrong gradients caught", [checker.caught for checker in checkers], colours)
    draw_bars(right, "false alarms", [checker.alarmed for checker in checkers], [BAD] * len(checkers))
    left.set_yticks(range(len(checkers)), [legible(checker.name) for checker in checkers])
    left.invert_yaxis()


def draw_bars(axes: Any, title: str, counts: Sequence[Count | None], colours: Sequence[str]) -> None:
    """Bars from the left with their percentages behind them; a dash where there is none."""
    lengths = [0.0 if count is None else count.percentage for count in counts]
    axes.barh(range(len(counts)), lengths, color=colours, height=0.62)
    for row, (length, count) in enumerate(zip(lengths, counts, strict=True)):
        axes.annotate(percent(count), (length, row), (3, 0), textcoords="offset points", va="center")
    axes.set_title(title, loc="left", fontsize="medium")
    axes.set_xlim(0, 135)  # room for the number behind the longest bar
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines["bottom"].set_visible(False)


def percent(count: Count | None) -> str:
    return "–" if count is None else count.percent


def legible(name: str) -> str:
    """A name in one line that has room, in characters that an SVG may have."""
    shown = "".join(c if c.isprintable() else "?" for c in name)
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 1]}…"


# Colours -----------------------------------------------------------------------------------------------------------


def inked(svg: str) -> str:
    """The SVG with its colours as variables, which take the values of the reader's scheme."""
    svg = svg.replace("'DejaVu Sans'", "sans-serif")
    for i, ink in enumerate(INKS):
        svg = svg.replace(ink, f"var(--ink{i})")
    light, dark = ("".join(f"--ink{i}:{pair[scheme]};" for i, pair in enumerate(INKS.values())) for scheme in (0, 1))
    svg = METADATA.sub("", svg)  # the title is enough
    style = f"<style>svg{{{light}}}@media screen and (prefers-color-scheme:dark){{svg{{{dark}}}}}</style>"
    start = svg.index("<svg")
    end = svg.index(">", start) + 1
    return svg[:end] + style + svg[end:]
