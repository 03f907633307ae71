"""``gradproof report`` merges the results of several runs into one file and one page."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from gradproof.commands.console import CannotAnswer, say
from gradproof.errors import NotRun
from gradproof.report import merge, page, results
from gradproof.verdict import plural


def add(commands: Any) -> None:
    about = "Merge the results of several runs (shards, tox environments, machines) into one file and one page."
    end = "The exit status is 1 when anything was left out or is missing: a damaged line, a record that another one"
    end += " contradicts, a shard. It does not say whether the checks passed; the runs themselves have said that."
    parser = commands.add_parser("report", help="merge results into one page", description=about, epilog=end)
    parser.add_argument(
        "results", nargs="+", type=Path, metavar="RESULTS", help="a results.jsonl, or a folder that has one"
    )
    parser.add_argument("--out", type=Path, default=Path("report"), metavar="DIR", help="default: %(default)s")
    parser.set_defaults(run=report, parser=parser)


def report(options: argparse.Namespace) -> int:
    """Merge, write, and say what was left out. Exit status 1 if anything was, 2 if there is nothing to merge."""
    folder: Path = options.out
    try:
        merged = merge.merge(options.results)
        lost = [*merged.lost, *merge.take_plots(options.results, folder / "plots")]
        results.write(folder / merge.NAME, merged.records)
    except OSError as error:
        raise CannotAnswer(f"--out {merge.shown(folder)}: {error.strerror}") from error
    say((*lost, *merged.notes), "stderr")
    written = [merge.NAME]
    try:
        written.append(page.write(folder, merged.records, problems=[*lost, *merged.notes]).name)
    except NotRun as reason:
        say([str(reason)])
    counts = Counter(str(record["status"]) for record in merged.records)
    statuses = ", ".join(f"{counts[status]} {status}" for status in merge.STATUSES if counts[status])
    say([f"{plural(len(merged.records), 'record')}: {statuses}"])
    say(f"written: {merge.shown(folder / name)}" for name in written)
    return 1 if lost else 0
