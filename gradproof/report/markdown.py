"""Pages in Markdown, to be read where the code is: the mistakes with their counterexamples, and what was reproduced.

    python -m gradproof.report.markdown derivations ERRATA.md

writes the page of every Erratum of a package.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from gradproof.catalogue import collect
from gradproof.errata import KINDS, Erratum, FactErratum, GradientErratum
from gradproof.report.ordering import common_title, natural
from gradproof.reproduction import Judged
from gradproof.trial import example_lines, shown

# Mistakes ----------------------------------------------------------------------------------------------------------


def errata_page(errata: Iterable[Erratum]) -> str:
    """Every mistake with its printed form, its correction, why it is one, and the counterexample worked out."""
    ordered = sorted(errata, key=in_order)
    kinds = (f"**{kind}**: {meaning}" for kind, meaning in KINDS.items())
    lines = [
        "# Mistakes found in the documents",
        "",
        f"{len(ordered)} of them, by catalogue number. Each is refuted by a test, and its correction passes the same"
        " tests as any formula; a record that lost its mistake, or whose correction is broken, fails. This page is"
        " written from the records.",
        "",
        f"Kinds. {'; '.join(kinds)}.",
    ]
    for _, group in groupby(ordered, key=lambda erratum: erratum.rows[0].partition("-")[0]):
        of_one = list(group)
        lines += ["", f"## {common_title([erratum.source for erratum in of_one])}"]
        for erratum in of_one:
            lines += ["", *erratum_lines(erratum)]
    return "\n".join(lines) + "\n"


def in_order(erratum: Erratum) -> tuple[Any, ...]:
    """By catalogue number; one that gathers several comes after them."""
    return natural(erratum.rows[0]), len(erratum.rows)


def erratum_lines(erratum: Erratum) -> Iterator[str]:
    yield f"### {', '.join(erratum.rows)}: {erratum.title}"
    yield ""
    yield f"`{erratum.key}`, {erratum.kind}. {erratum.source}."
    yield ""
    yield f"- Printed: {code(erratum.printed)}"
    yield f"- Should be: {code(erratum.corrected)}"
    yield f"- {erratum.why}"
    if isinstance(erratum, FactErratum):
        yield f"- Checked: {erratum.promise}."
    if isinstance(erratum, GradientErratum):
        example = erratum.counterexample
        condition = f"; holds where {erratum.condition}" if erratum.condition else ""
        yield f"- Should be the gradient of `{erratum.formula}`{condition}."
        yield (
            f"- Counterexample: {code(f'{example.where} = {shown(example.printed)}')} by the printed form,"
            f" {code(shown(example.exact))} in truth."
        )
        yield ""
        yield "```text"
        yield from example_lines(example)
        yield "```"
    if erratum.note:
        yield ""
        yield erratum.note


def code(text: str) -> str:
    """In code font, whatever backticks it has."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}"


# Reproductions -----------------------------------------------------------------------------------------------------


def reproductions_page(claims: Iterable[Judged]) -> str:
    """What each source prints, what runs of the same settings give, and whether the one can come from the other."""
    lines = [
        "# Printed results, reproduced",
        "",
        "Runs of the documents' systems with their own settings, on top of the verified gradients. *Seen* is the median"
        " and the range over the seeds. A printed number *holds* when it lies in that range or the median rounds to its"
        " digits; it is *plausible* within 15 % of the range; else it cannot come from these settings. This page is"
        " written from a full run.",
    ]
    for reproduction, group in groupby(claims, key=lambda judged: judged.reproduction):
        of_one = list(group)
        seeds = max(judged.seeds for judged in of_one)
        lines += ["", f"## {', '.join(reproduction.rows)}: {reproduction.title}", ""]
        lines += [f"`{reproduction.key}`, {seeds} seed{'s' * (seeds != 1)}. {reproduction.source}.", ""]
        lines += ["| claim | printed | seen | verdict |", "|---|---|---|---|"]
        lines += [claim_line(judged) for judged in of_one]
        lines += ["", *dict.fromkeys(f"- {cell(judged.because)}" for judged in of_one if judged.because)]
        lines += [f"- Chosen: {cell(reproduction.chosen)}"] * bool(reproduction.chosen)
    return "\n".join(lines) + "\n"


def claim_line(judged: Judged) -> str:
    what = judged.claim.name if judged.printed is not None else f"{judged.claim.name}: {judged.says}"
    verdict = judged.verdict or "not run"
    return f"| {cell(what)} | {judged.printed or ''} | {cell(judged.shown)} | {verdict} |"


def cell(text: str) -> str:
    """Text that stays in its cell."""
    return text.replace("|", r"\|").replace("\n", " ")


def main(package: str, path: str) -> None:
    Path(path).write_text(errata_page(collect(importlib.import_module(package), Erratum).values()), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
