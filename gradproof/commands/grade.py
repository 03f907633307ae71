"""``gradproof grade`` gives points for a submission: results.json for Gradescope, and JUnit XML for others."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gradproof import documents
from gradproof.commands.console import CannotAnswer, add_catalogue, say
from gradproof.errors import GradproofError
from gradproof.grading import assignment, gradescope, junit
from gradproof.grading.grader import grades
from gradproof.grading.points import Grade, number

NOT_GRADED = "The grader was stopped before it graded anything; submit again, or tell your teacher."


def add(commands: Any) -> None:
    about = "Grade a submission: points for each formula of an assignment, with partial credit by parameter."
    end = (
        "The exit status is 0 when everything was graded, whatever the points; 1 when the grader itself failed; 2 when"
    )
    end += " there is no such assignment, or it cannot be used. There is a results.json in each case."
    parser = commands.add_parser("grade", help="give points for a submission", description=about, epilog=end)
    parser.add_argument("submission", type=Path, metavar="SUBMISSION", help="a folder, or the one file there is")
    parser.add_argument("--assignment", type=Path, required=True, metavar="FILE.toml")
    parser.add_argument("--results", type=Path, required=True, metavar="FILE.json", help="for Gradescope")
    parser.add_argument("--junit", type=Path, metavar="FILE.xml", help="the same as JUnit XML")
    add_catalogue(parser)
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    started = time.perf_counter()
    keep(options.results, gradescope.without_points(NOT_GRADED))  # a grader that is killed leaves this
    try:
        catalogue = documents.catalogue(options.catalogue)
        asked = assignment.read(options.assignment, catalogue)
    except GradproofError as error:
        message = f"The assignment cannot be graded: {error}. This is not the submission's fault; tell your teacher."
        keep(options.results, gradescope.without_points(message))
        raise
    found: list[Grade] = []
    for grade in grades(asked, catalogue, options.submission):
        found.append(grade)
        keep(options.results, gradescope.document(asked, found, time.perf_counter() - started))
        say([f"{grade.part.key}: {number(grade.score)} of {number(grade.part.points)} points"])
    if options.junit is not None:
        try:
            junit.write(options.junit, asked, found, time.perf_counter() - started)
        except OSError as error:
            raise CannotAnswer(f"--junit {options.junit} cannot be written: {error.strerror}") from error
    return 1 if any(grade.trouble for grade in found) else 0


def keep(path: Path, content: Mapping[str, Any]) -> None:
    try:
        gradescope.write(path, content)
    except OSError as error:
        raise CannotAnswer(f"--results {path} cannot be written: {error.strerror}") from error
