"""``gradproof list``: the formulas a file can be checked against, each with its gradient, and one of them in detail."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gradproof import documents
from gradproof.catalogue import Formula
from gradproof.commands.console import add_catalogue, say
from gradproof.commands.facts import Facts, listed
from gradproof.verdict import plural

WIDTH = 120


def add(commands: Any) -> None:
    about = "Show the formulas that a file can be checked against: key, sizes, title, catalogue numbers and gradient."
    parser = commands.add_parser("list", help="show the formulas", description=about)
    parser.add_argument("key", nargs="?", metavar="KEY", help="show only this one, in detail")
    parser.add_argument("--json", action="store_true", help="the same as JSON, all details included")
    add_catalogue(parser)
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    catalogue = documents.catalogue(options.catalogue)
    formulas = list(catalogue.formulas.values()) if options.key is None else [catalogue.formula(options.key)]
    facts = (Facts(formula, catalogue.implementations[formula.key]) for formula in formulas)
    if options.json:
        say([json.dumps([record(each) for each in facts], indent=1, ensure_ascii=False)])
    else:
        say(table(formulas, facts) if options.key is None else details(next(facts)))
    return 0


def table(formulas: Sequence[Formula], facts: Iterable[Facts]) -> Iterator[str]:
    """A line for each formula in aligned columns, and its gradient under it. It is proved first, so lines take time."""
    head = ("key", "sizes", "title")
    cells = [(each.key, " ".join(each.sizes) or "-", each.title) for each in formulas]
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    yield aligned(head, widths)
    for each, line in zip(facts, cells, strict=True):
        yield aligned(line, widths)
        yield from wrapped("rows       ", ", ".join(each.formula.rows))
        yield from wrapped("parameters ", listed(each.parameters))
        yield from wrapped("data       ", listed(each.data))
        yield from (line for equation in each.gradients for line in wrapped("", equation))
    yield f"{plural(len(formulas), 'formula')}. 'gradproof list KEY' shows all of one."


def aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(f"{cell:{width}s}" for cell, width in zip(cells, widths, strict=True)).rstrip()


def wrapped(label: str, text: str, indent: str = "    ") -> list[str]:
    follow = indent + " " * max(len(label), 4)
    return textwrap.wrap(text, WIDTH, initial_indent=indent + label, subsequent_indent=follow, break_on_hyphens=False)


def details(facts: Facts) -> Iterator[str]:
    formula = facts.formula
    yield f"{formula.key} ({', '.join(formula.rows)}): {formula.title}"
    yield from wrapped("source      ", formula.source, "")
    yield from wrapped("holds for   ", formula.domain_text, "")
    yield from wrapped("sizes tried ", facts.sizes, "")
    yield from wrapped("parameters  ", listed(facts.parameters), "")
    yield from wrapped("data        ", listed(facts.data), "")
    if formula.note:
        yield from wrapped("note        ", formula.note, "")
    yield "the gradient, as it is proved, in the order of evaluation:"
    yield from (line for equation in facts.equations for line in wrapped("", equation))
    yield "as the source prints it, in LaTeX:"
    yield from wrapped("", formula.printed)


def record(facts: Facts) -> dict[str, Any]:
    """What --json has of a formula."""
    formula = facts.formula
    return {
        "key": formula.key,
        "title": formula.title,
        "rows": list(formula.rows),
        "source": formula.source,
        "domain": formula.domain_text,
        "note": formula.note or None,
        "layer": facts.contract.is_layer,
        "sizes": {name: list(bounds) for name, bounds in formula.sizes.items()},
        "parameters": facts.parameters,
        "data": facts.data,
        "gradients": facts.gradients,
        "equations": facts.equations,
        "statement": formula.printed,
    }
