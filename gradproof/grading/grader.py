"""A submission graded part by part; whatever a file or the grader itself does, there is a grade for it."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from gradproof.documents import Catalogue
from gradproof.grading.assignment import Assignment, Part
from gradproof.grading.points import Grade, grade_of
from gradproof.submission import check_file

NAMED = 10
"""How many files of a submission are named where one is missing."""


def grades(assignment: Assignment, catalogue: Catalogue, submission: Path) -> Iterator[Grade]:
    """A grade for each part, in order, as soon as it is there. submission: a folder, or the one file there is."""
    for part in assignment.parts:
        try:
            yield grade(part, catalogue, submission)
        except Exception as error:  # the grader's own, since those of the submission are in the answer
            sys.stderr.write(traceback.format_exc())
            trouble = f"The grader itself failed ({type(error).__name__}). This is not the submission's fault."
            yield Grade(part, 0.0, f"{trouble} Tell your teacher.", trouble=trouble)


def grade(part: Part, catalogue: Catalogue, submission: Path) -> Grade:
    path = submission / part.file if submission.is_dir() else submission
    if not path.is_file():
        return Grade(part, 0.0, missing(part, submission))
    formula, implementation = catalogue.formulas[part.key], catalogue.implementations[part.key]
    return grade_of(part, check_file(formula, implementation, path, part.name, part.terms))


def missing(part: Part, submission: Path) -> str:
    if not submission.is_dir():
        return f"There is no submission at {submission.name}."
    there = sorted(str(path.relative_to(submission)) for path in submission.rglob("*.py"))
    named = ", ".join(there[:NAMED]) + ", ..." * (len(there) > NAMED)
    return f"There is no file {part.file} in the submission; its Python files are: {named or 'none'}."
