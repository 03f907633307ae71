"""The report as one HTML page: no network, no script, nothing beside the file.

What comes from records is text, and jinja2 escapes it. Markup comes from this folder only: the template, and formulas
through mathml.py. Plots are images, in which nothing runs.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradproof.errors import NotRun
from gradproof.report import charts, mathml, race
from gradproof.report.benchmarks import Part
from gradproof.report.power import Comparison
from gradproof.report.subjects import Subject
from gradproof.report.values import Record, number
from gradproof.report.view import view
from gradproof.verdict import plural

if TYPE_CHECKING:
    from markupsafe import Markup

NAME = "index.html"
TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)


def write(folder: Path, records: Sequence[Record], *, problems: Sequence[str] = ()) -> Path:
    """Write ``folder/index.html``, whole or not at all, with the plots of ``folder/plots``; returns its path.

    problems: as for render. Raises NotRun with the reason, in one line, where the page cannot be written; what stood
    there before is left as it was.
    """
    path = folder / NAME
    unfinished = path.with_suffix(".part")
    try:
        files = (folder / "plots").glob("*.svg")
        plots = {file.stem: file.read_text(encoding="utf-8", errors="replace") for file in files}
        text = render(records, problems=problems, plots=plots)
        folder.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(text, encoding="utf-8", errors="replace")  # half of a surrogate pair is in no encoding
        unfinished.replace(path)
    except (NotRun, OSError) as error:
        raise NotRun(f"{NAME} not written: {error}") from error
    return path


def render(
    records: Sequence[Mapping[str, Any]], *, problems: Sequence[str] = (), plots: Mapping[str, str] | None = None
) -> str:
    """The page of these records, as in results.jsonl, as HTML; the same for the same records.

    Records of several environments may share a key. problems: what could not be read, one line each. plots: SVG by the
    name of the figure. Raises NotRun where jinja2 is missing.
    """
    try:
        import jinja2
    except ImportError as error:
        raise NotRun("jinja2 is not installed") from error
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("gradproof.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        curves_chart=curves_chart,
        equations=equations,
        plural=plural,
        power_chart=power_chart,
        slope=slope,
        timings_chart=timings_chart,
    )
    images = [Image.of(svg, key) for key, svg in sorted((plots or {}).items())]
    return environment.get_template("page.html").render(view=view(records), problems=problems, plots=images)


def equations(latex: str) -> Markup:
    """The equations, each in a line of its own; as LaTeX, with the reason, where they cannot be set."""
    from markupsafe import Markup

    try:
        return Markup("\n").join(Markup(equation) for equation in mathml.display(latex))
    except NotRun as reason:
        return Markup('<code class="latex">{}</code> <small>({})</small>').format(latex, reason)


@dataclass(frozen=True)
class Image:
    """A picture that is part of the page. url: its data. alt: what is to be seen. reason: why there is none."""

    url: str = ""
    alt: str = ""
    reason: str = ""

    @classmethod
    def of(cls, svg: str, name: str) -> Image:
        """As an image: what is in it neither runs nor loads anything."""
        title = TITLE.search(svg)
        data = base64.b64encode(svg.encode("utf-8", errors="replace")).decode("ascii")
        return cls(f"data:image/svg+xml;base64,{data}", html.unescape(title[1]).strip() if title else name)


def slope(formula: Subject) -> Image:
    """The chart of a formula's Taylor remainder."""
    fitted = number(formula.record.get("taylor_slope"))
    return image(lambda: charts.taylor(formula.taylor, fitted), formula.key)


def power_chart(comparison: Comparison) -> Image:
    """The chart of what each checker catches, and of its false alarms."""
    return image(lambda: charts.power([checker for checker in comparison.checkers if checker.caught]), "checkers")


def timings_chart(part: Part) -> Image:
    """The chart of how many times faster each kernel is than each peer."""
    return image(lambda: race.timings(part), "benchmarks")


def curves_chart(part: Part) -> Image:
    """The chart of how time or memory grows."""
    return image(lambda: race.curves(part.panels), "growth")


def image(draw: Callable[[], str], name: str) -> Image:
    """What is drawn, or why it is not."""
    try:
        return Image.of(draw(), name)
    except NotRun as reason:
        return Image(reason=str(reason))
