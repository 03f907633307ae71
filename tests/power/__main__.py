"""``python -m tests.power``: the checker, checked and compared with others; tables, records and the report's page."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gradproof.errors import NotRun
from gradproof.report import page, results
from tests.power import corpus, points, table
from tests.power.checkers import CHECKERS
from tests.power.checkers.checker import Checker
from tests.power.comparison import milliseconds, outcomes, timed
from tests.power.records import not_run, record
from tests.power.survivors import REASONS


def main() -> int:
    """Print the tables and, where asked, write the report; 1 when gradproof's own record is no pass."""
    options = arguments()
    checkers = [checker for checker in CHECKERS if options.only is None or checker.name in options.only]
    records = list(compared(checkers, quick=options.quick, jobs=options.jobs))
    sys.stdout.write("\n".join(table.lines(records)) + "\n")
    if options.report_dir is not None:
        results.write(options.report_dir / "results.jsonl", records)
        try:
            sys.stdout.write(f"{page.write(options.report_dir, records)}\n")
        except NotRun as reason:
            sys.stdout.write(f"{reason}\n")
    return int(any(record["status"] == "fail" for record in records))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.power", description=__doc__.partition(": ")[2])
    parser.add_argument("--quick", action="store_true", help="a tenth of the wrong gradients and of the points")
    parser.add_argument(
        "--jobs", type=at_least_one, default=os.cpu_count() or 1, metavar="N", help="processes (default: %(default)s)"
    )
    parser.add_argument("--report-dir", type=Path, metavar="DIR", help="write results.jsonl and index.html here")
    parser.add_argument(
        "--only",
        action="append",
        choices=[checker.name for checker in CHECKERS],
        help="leave the others out; repeatable",
    )
    return parser.parse_args()


def at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} processes do no work; give 1 or more")
    return number


def compared(checkers: Sequence[Checker], *, quick: bool, jobs: int) -> Iterator[dict[str, Any]]:
    """The records, in the order of the checkers. Times come last, when nothing else of this runs."""
    there = [checker for checker in checkers if not checker.not_run]
    wrong, right = (corpus.tenth(), points.tenth()) if quick else (corpus.CORPUS, points.points())
    done, started = {}, time.perf_counter()
    for checker, outcome in zip(there, outcomes(there, wrong, right, jobs), strict=True):
        done[checker.name] = outcome
        sys.stderr.write(f"{checker.name}: done after {time.perf_counter() - started:.0f} s\n")
    taken = milliseconds(there, timed(right))
    for checker in checkers:
        if checker.not_run:
            yield not_run(checker)
        else:
            yield record(checker, done[checker.name], taken[checker.name], REASONS)


if __name__ == "__main__":
    sys.exit(main())
