"""``gradproof check`` holds somebody's file against formulas: is its gradient right and, if not, what is wrong."""

from __future__ import annotations

import argparse
import json
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gradproof import documents
from gradproof.catalogue import Formula
from gradproof.commands.console import CannotAnswer, add_catalogue, say
from gradproof.documents import Catalogue
from gradproof.errors import GradproofError, NotRun
from gradproof.isolation import Limits
from gradproof.problem import Place
from gradproof.regression_test import regression_test
from gradproof.report import merge, page, results
from gradproof.report.answer import answer_lines
from gradproof.report.results import Results
from gradproof.sampling import BUDGETS
from gradproof.submission import Answer, Terms, check_file

MiB = 2**20


def add(commands: Any) -> None:
    about = "Check the gradient in a Python file, in a process of its own, against a proved formula and other oracles."
    end = "The exit status is 0 when all passed, 1 when something is wrong or could not be decided, 2 when there is no"
    end += " such file or formula. The process has limits but is no sandbox: run hostile code in a container."
    parser = commands.add_parser("check", help="check a file", description=about, epilog=end)
    parser.add_argument("path", type=Path, metavar="PATH.py")
    parser.add_argument(
        "--as",
        dest="subjects",
        action="append",
        required=True,
        metavar="KEY[:NAME]",
        help="the formula, and the function or class in the file; may be given again for another one",
    )
    parser.add_argument("--budget", choices=list(BUDGETS), default="standard", help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the random points")
    parser.add_argument(
        "--size",
        dest="sizes",
        type=size,
        action="append",
        default=[],
        metavar="NAME=N",
        help="try only this value of a size; may be given again for another one",
    )
    parser.add_argument("--at", type=place, metavar="PLACE", help="check at this place only, as a finding names it")
    add_limits(parser)
    parser.add_argument("--report-dir", type=Path, metavar="DIR", help="write results.jsonl and index.html here")
    parser.add_argument("--regression-test", type=Path, metavar="FILE", help="write a test of the first finding here")
    add_catalogue(parser)
    parser.set_defaults(run=run, parser=parser)


def add_limits(parser: argparse.ArgumentParser) -> None:
    limits = Limits()
    parser.add_argument(
        "--time-limit",
        type=float,
        default=limits.seconds,
        metavar="S",
        help="seconds for one call of the code; default: %(default)g",
    )
    parser.add_argument(
        "--memory-limit",
        type=int,
        default=limits.memory // MiB,
        metavar="MB",
        help="memory of its process; default: %(default)d",
    )


def run(options: argparse.Namespace) -> int:
    """Exit status 1 unless all that was asked passed."""
    if not options.path.is_file():
        raise CannotAnswer(f"there is no file {options.path}")
    catalogue = documents.catalogue(options.catalogue)
    subjects = {formula.key: (formula, name) for formula, name in (asked(catalogue, text) for text in options.subjects)}
    if len(subjects) < len(options.subjects):
        raise CannotAnswer("--as names a formula twice; check the two in two runs")
    if options.report_dir is not None:
        make(options.report_dir)
    terms = Terms(
        budget=options.budget, seed=options.seed, at=options.at, sizes=dict(options.sizes), limits=limits_of(options)
    )
    answers = []
    for formula, name in subjects.values():
        answers.append(check_file(formula, catalogue.implementations[formula.key], options.path, name, terms))
        say([""] * (len(answers) > 1))
        say(answer_lines(answers[-1], replay(options, answers[-1])))
    if options.regression_test is not None:
        write_regression_test(options.regression_test, answers, options)
    if options.report_dir is not None:
        write_report(options.report_dir, answers, options)
    return 0 if all(answer.status == "pass" for answer in answers) else 1


def make(folder: Path) -> None:
    """Raises CannotAnswer where nothing could be written: at once, not at the end of a long check."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotAnswer(f"--report-dir {folder}: {error.strerror}") from error


def asked(catalogue: Catalogue, text: str) -> tuple[Formula, str | None]:
    key, _, name = text.partition(":")
    return catalogue.formula(key), name or None


def limits_of(options: argparse.Namespace) -> Limits:
    if not options.time_limit > 0 or not options.memory_limit > 0:
        raise CannotAnswer("--time-limit and --memory-limit must be positive")
    return Limits(seconds=options.time_limit, memory=options.memory_limit * MiB)


def size(text: str) -> tuple[str, int]:
    name, _, value = text.partition("=")
    if not name or not value.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=N, for instance m=1")
    return name, int(value)


def place(text: str) -> Place:
    try:
        return Place.parse(text)
    except GradproofError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


# What is left behind ------------------------------------------------------------------------------------------------


def command(options: argparse.Namespace, answer: Answer) -> list[str]:
    """The command that checks this file against this formula again."""
    subject = answer.formula.key + (f":{answer.name}" if answer.name else "")
    words = ["gradproof", "check", str(options.path), "--as", subject]
    words += [word for name, value in options.sizes for word in ("--size", f"{name}={value}")]
    words += ["--catalogue", options.catalogue] * (options.catalogue != documents.DOCUMENTS)
    return words


def replay(options: argparse.Namespace, answer: Answer) -> str:
    """The command that shows the first finding again; "" where there is none."""
    return shlex.join([*command(options, answer), "--at", str(answer.findings[0].place)]) if answer.findings else ""


def write_regression_test(path: Path, answers: Sequence[Answer], options: argparse.Namespace) -> None:
    """A test of the first finding that can be made into one; where there is none, that is said."""
    reason = "there is no finding"
    found = [(answer, finding) for answer in answers for finding in answer.findings]
    for answer, finding in found:
        try:
            text = regression_test(answer.problem, finding, import_line=import_line(path, answer, options))
        except NotRun as why:
            reason = str(why)
            continue
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise CannotAnswer(f"--regression-test {path} cannot be written: {error.strerror}") from error
        say([f"written: {path}"])
        return
    say([f"{path} is not written: {reason}"])


def import_line(path: Path, answer: Answer, options: argparse.Namespace) -> str:
    """How a test in this file gets at the code, whatever its style."""
    words = [os.path.relpath(answer.path, path.parent), answer.formula.key, *([answer.name] if answer.name else [])]
    arguments = ", ".join(map(json.dumps, words)) + ", beside=__file__"
    arguments += f", catalogue={json.dumps(options.catalogue)}" if options.catalogue != documents.DOCUMENTS else ""
    return f"from gradproof.submission import gradients_of\n\ngradients = gradients_of({arguments})"


def write_report(folder: Path, answers: Sequence[Answer], options: argparse.Namespace) -> None:
    """results.jsonl and, where it can be made, index.html, as a run of pytest leaves them."""
    found = Results()
    for answer in answers:
        entry = found.entry(answer.formula.key, answer.formula)
        entry.verdict, entry.refused = answer.verdict, answer.refused
        entry.command = tuple(command(options, answer))
    records = [entry.record() for entry in found.entries.values()]
    results.write(folder / merge.NAME, records)
    say([f"written: {folder / merge.NAME}"])
    try:
        say([f"written: {page.write(folder, records)}"])
    except NotRun as reason:
        say([str(reason)])
