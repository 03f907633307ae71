"""The same grades as JUnit XML, for everything else that shows test results: a case for each part, or each share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

from gradproof.grading.assignment import Assignment
from gradproof.grading.points import Grade, number

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML has no way to write."""


def write(path: Path, assignment: Assignment, grades: Sequence[Grade], seconds: float) -> None:
    """Replace the file as a whole. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    suites = ElementTree.Element("testsuites")
    suites.append(suite(assignment, grades, seconds))
    ElementTree.ElementTree(suites).write(unfinished, encoding="utf-8", xml_declaration=True)
    unfinished.replace(path)


def suite(assignment: Assignment, grades: Sequence[Grade], seconds: float) -> ElementTree.Element:
    found = [case for grade in grades for case in cases(grade)]
    counts = {kind: sum(case.find(kind[:-1]) is not None for case in found) for kind in ("failures", "errors")}
    element = ElementTree.Element(
        "testsuite",
        name=printable(assignment.title),
        tests=str(len(found)),
        failures=str(counts["failures"]),
        errors=str(counts["errors"]),
        skipped="0",
        time=f"{seconds:.1f}",
    )
    element.extend(found)
    return element


def cases(grade: Grade) -> Iterator[ElementTree.Element]:
    """One for the part, which fails unless the check passed; then, with partial credit, one for each parameter."""
    summary = f"{number(grade.score)} of {number(grade.part.points)} points"
    yield case(grade, "all gradients", "" if grade.passed else summary)
    for share in grade.shares:
        yield case(grade, f"gradient of {share.parameter}", share.missing)


def case(grade: Grade, name: str, wrong: str) -> ElementTree.Element:
    element = ElementTree.Element("testcase", classname=printable(grade.part.key), name=printable(name))
    if wrong:
        kind = "error" if grade.trouble else "failure"
        problem = ElementTree.SubElement(element, kind, message=printable(grade.trouble or wrong))
        problem.text = printable(grade.output)
    return element


def printable(text: str) -> str:
    return NOT_XML.sub("?", text)
