"""results.json as Gradescope reads it: always there, whole, and never with more points than were earned so far."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gradproof.grading.assignment import Assignment
from gradproof.grading.points import Grade
from gradproof.report.results import json_value

INTERRUPTED = "The grader was stopped before it came to this; submit again, or tell your teacher."


def without_points(message: str) -> dict[str, Any]:
    """What stands in results.json before anything was graded, or where nothing can be."""
    return {"score": 0.0, "output": message, "output_format": "text", "stdout_visibility": "hidden", "tests": []}


def document(assignment: Assignment, grades: Sequence[Grade], seconds: float) -> dict[str, Any]:
    """The grades so far; what has not been graded yet has no points and says so."""
    tests = [entry(k, grade) for k, grade in enumerate(grades, start=1)]
    for k, part in enumerate(assignment.parts[len(grades) :], start=len(grades) + 1):
        tests.append(entry(k, Grade(part, 0.0, INTERRUPTED)))
    return {
        **without_points(assignment.title),
        "score": round(sum(grade.score for grade in grades), 2),
        "execution_time": round(seconds, 1),
        "visibility": assignment.visibility,
        "tests": tests,
    }


def entry(number: int, grade: Grade) -> dict[str, Any]:
    part = grade.part
    return {
        "number": str(number),
        "name": f"{part.key} ({part.file})",
        "score": round(grade.score, 2),
        "max_score": part.points,
        "status": "passed" if grade.passed else "failed",
        "output": grade.output,
        "output_format": "text",
        "visibility": part.visibility,
    }


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Replace the file as a whole: whoever reads it never finds half of it. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(json.dumps(json_value(content), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    unfinished.replace(path)
