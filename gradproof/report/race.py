"""Charts of benchmarks: how many times faster each kernel is than each peer, and how time and memory grow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradproof.errors import NotRun
from gradproof.report.benchmarks import Curve, Part, Timing, factor
from gradproof.report.charts import ACCENT, BAD, GOOD, INK, MUTED, drawn, legible

COLOURS, MARKERS = (ACCENT, GOOD, BAD, MUTED, INK), "os^Dvx"
MOST_ROWS, MOST_PANELS = 60, 8
UNITS = {"seconds": "s", "bytes": "B"}
PREFIXES = {1e-9: "n", 1e-6: "µ", 1e-3: "m", 1.0: "", 1e3: "k", 1e6: "M", 1e9: "G"}


# Times faster --------------------------------------------------------------------------------------------------------


def timings_alt(part: Part) -> str:
    """What is to be seen in the chart, for who cannot see it; the numbers are in the table."""
    best = {peer: max(row.timings[peer].times for row in part.rows if peer in row.timings) for peer in part.peers}
    said = (f"{legible(peer)} up to {factor(times)}" for peer, times in best.items())
    return f"Times faster than each peer, on a logarithmic axis: {'; '.join(said)}."


def timings(part: Part) -> str:
    """Bars from 1, a row for each kernel and shape, a panel for each peer, as SVG.

    Raises NotRun where Matplotlib is missing or the chart would be too large to be read.
    """
    if len(part.rows) > MOST_ROWS or len(part.peers) > MOST_PANELS:
        raise NotRun("there are too many of them")
    size = (2.1 + 1.5 * len(part.peers), 0.9 + 0.2 * len(part.rows))
    return drawn(lambda figure: draw_timings(figure, part), timings_alt(part), figsize=size, layout="constrained")


def draw_timings(figure: Any, part: Part) -> None:
    axes = figure.subplots(1, len(part.peers), sharey=True, squeeze=False)[0]
    for panel, peer in zip(axes, part.peers, strict=True):
        draw_panel(panel, peer, [row.timings.get(peer) for row in part.rows])
    names = [legible(", ".join(filter(None, (row.kernel, row.shape)))) for row in part.rows]
    axes[0].set_yticks(range(len(names)), names)
    axes[0].set_ylim(len(names) - 0.4, -0.6)


def draw_panel(axes: Any, peer: str, found: Sequence[Timing | None]) -> None:
    """Bars from 1 to how many times faster, whiskers over the middle half."""
    from matplotlib.ticker import NullLocator

    axes.set_xscale("log")
    for row, timing in enumerate(found):
        if timing is None:
            continue
        left, right = sorted((1.0, timing.times))
        axes.barh(row, right - left, left=left, height=0.62, color=ACCENT if timing.faster else BAD)
        if timing.low is not None and timing.high is not None:
            axes.plot([timing.low, timing.high], [row, row], color=INK, linewidth=1)
    axes.axvline(1, color=INK, linewidth=0.8)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, 0.8), max(high, 1.25))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
    axes.set_title(legible(peer), loc="left", fontsize="medium")


# Growth --------------------------------------------------------------------------------------------------------------


def curves_alt(panels: Sequence[Sequence[Curve]]) -> str:
    """What is to be seen in the chart, for who cannot see it."""
    said = []
    for of_one in panels:
        each = (f"{legible(curve.kernel)} {with_slope(curve) or span(curve)}" for curve in of_one)
        said.append(f"{of_one[0].measure} by {of_one[0].by}: {', '.join(each)}")
    return legible_text(f"On logarithmic axes, {'; '.join(said)}.")


def legible_text(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def with_slope(curve: Curve) -> str:
    return "" if curve.slope is None else f"slope {curve.slope:.2f}"


def span(curve: Curve) -> str:
    """The first and the last value."""
    ends = (scaled(curve.points[k][1], UNITS.get(curve.of, "")) for k in (0, -1))
    return " to ".join(ends)


def curves(panels: Sequence[Sequence[Curve]]) -> str:
    """A panel for each size, a line for each kernel, as SVG. Raises NotRun where Matplotlib is missing."""
    if len(panels) > MOST_PANELS:
        raise NotRun("there are too many of them")
    size = (max(3.3 * len(panels), 4.0), 3.0)
    return drawn(lambda figure: draw_curves(figure, panels), curves_alt(panels), figsize=size, layout="constrained")


def draw_curves(figure: Any, panels: Sequence[Sequence[Curve]]) -> None:
    from matplotlib.ticker import NullLocator

    for axes, of_one in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for k, curve in enumerate(of_one):
            name = ", ".join(filter(None, (legible(curve.kernel), with_slope(curve))))
            style = {"color": COLOURS[k % len(COLOURS)], "marker": MARKERS[k % len(MARKERS)], "markersize": 3.5}
            axes.loglog(*zip(*curve.points, strict=True), label=name, **style)
        at = sorted({x for curve in of_one for x, _ in curve.points})
        axes.set_xticks(at[:: 1 + len(at) // 6])
        unit = UNITS.get(of_one[0].of, "")
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
        axes.yaxis.set_major_formatter(lambda y, _, unit=unit: scaled(y, unit))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_locator(NullLocator())
        axes.set_xlabel(legible(of_one[0].by))
        axes.set_title(legible(of_one[0].measure), loc="left", fontsize="medium")
        low, high = axes.get_ylim()
        axes.set_ylim(low, high * (high / low) ** (0.12 * len(of_one)))  # room for the legend above the lines
        axes.legend(loc="upper left", fontsize="small")


def scaled(x: float, unit: str) -> str:
    """A value with its unit: 20 µs, 1.5 MB."""
    prefix = max((size for size in PREFIXES if size <= x), default=min(PREFIXES))
    return f"{x / prefix:.3g} {PREFIXES[prefix]}{unit}".strip()
