"""A mistake on trial: the printed form must be refuted by a wide margin, and the correction must pass like any formula.

A gradient is refuted three times over: in numbers at the counterexample, where the proved formula is run in 50 digits;
by the check that any code goes through; and, where the record states it in index notation, by SymPy for every size. A
record that is not as it says fails, whichever side is at fault.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from gradproof.bound import reference
from gradproof.candidate import Candidate, Crashed
from gradproof.catalogue import Formula
from gradproof.errata import Counterexample, Demonstration, Erratum, FactErratum, GradientErratum, Misprint
from gradproof.errors import InvalidProblem, NotRun
from gradproof.examples import room
from gradproof.problem import Implementation, Place, Point, Problem
from gradproof.symbolic.proof import Disproved, Undecided
from gradproof.verdict import Verdict, plural
from gradproof.verify import verify

WIDE = 1e6
"""How many times what arithmetic allows a printed gradient must be off at its counterexample."""

DIGITS = 50
BUDGET = "quick"


@dataclass(frozen=True)
class Trial:
    """The outcome for one erratum.

    status: "pass" where the printed form is refuted and the correction passes, "fail" where the record is not as it
    says, "inconclusive" where something is missing. printed, corrected: what the two forms give, at the counterexample
    or as demonstrated. margin: how many times the allowed error the printed form is off; None for code and text.
    checks: what was run and seen. problems: what is not as the record says; not_run: why nothing was run.
    """

    erratum: Erratum
    status: str
    printed: str
    corrected: str
    margin: float | None
    checks: tuple[str, ...]
    problems: tuple[str, ...]
    not_run: tuple[str, ...]
    seconds: float

    @property
    def points(self) -> int:
        """Places at which the printed form was refuted by hand."""
        return int(self.margin is not None)

    @property
    def example(self) -> tuple[str, ...]:
        """The counterexample worked out, a line each; none for code and text."""
        return tuple(example_lines(self.erratum.counterexample)) if isinstance(self.erratum, GradientErratum) else ()

    def __str__(self) -> str:
        erratum = self.erratum
        lines = [
            f"{', '.join(erratum.rows)} {erratum.key} ({erratum.kind}): {self.status.upper()}",
            f"  printed    {erratum.printed}  ->  {self.printed}",
            f"  corrected  {erratum.corrected}  ->  {self.corrected}",
            f"  {erratum.why}",
            *(f"    {line}" for line in self.example),
            *(f"  {line}" for line in self.checks),
            *(f"  NOT AS THE RECORD SAYS: {line}" for line in self.problems),
            *(f"  not run: {line}" for line in self.not_run),
        ]
        return "\n".join(lines)


# Code and text -----------------------------------------------------------------------------------------------------


def try_fact(erratum: FactErratum, demonstration: Demonstration) -> Trial:
    """The promise is broken by what is printed, and kept by the correction."""
    started = time.perf_counter()
    problems = []
    try:
        with np.errstate(all="ignore"):
            printed, corrected = demonstration.printed(), demonstration.corrected()
    except NotRun as reason:
        return Trial(erratum, "inconclusive", "-", "-", None, (), (), (str(reason),), time.perf_counter() - started)
    if erratum.holds(printed):
        problems.append(f"what is printed keeps the promise ({erratum.promise}): {shown(printed)}")
    if not erratum.holds(corrected):
        problems.append(f"the correction breaks the promise ({erratum.promise}): {shown(corrected)}")
    return Trial(
        erratum,
        "fail" if problems else "pass",
        shown(printed),
        shown(corrected),
        None,
        (f"promised: {erratum.promise}",),
        tuple(problems),
        (),
        time.perf_counter() - started,
    )


# Gradients ---------------------------------------------------------------------------------------------------------


def try_gradient(
    erratum: GradientErratum, misprint: Misprint, formula: Formula, implementation: Implementation
) -> Trial:
    """The printed form against the formula it should be, in numbers, by the check and by SymPy; the correction too."""
    started = time.perf_counter()
    case = Case(erratum, misprint, formula, implementation)
    checks: list[str] = []
    problems: list[str] = []
    for complaint, seen in case.steps():
        (problems if complaint else checks).append(seen)
    example = erratum.counterexample
    return Trial(
        erratum,
        "fail" if problems else "pass",
        f"{example.where} = {shown(example.printed)}",
        f"{example.where} = {shown(example.exact)}",
        case.margin,
        tuple(checks),
        tuple(problems),
        (),
        time.perf_counter() - started,
    )


Seen = Iterator[tuple[bool, str]]
"""(whether it contradicts the record, what was seen)."""


@dataclass(frozen=True)
class Case:
    """One gradient erratum with its formula, and the steps of its trial."""

    erratum: GradientErratum
    misprint: Misprint
    formula: Formula
    implementation: Implementation

    @functools.cached_property
    def problem(self) -> Problem:
        return self.formula.problem(self.implementation)

    def steps(self) -> Seen:
        yield from self.at_the_counterexample()
        yield from self.by_the_check()
        yield from self.of_the_correction()
        yield from self.by_sympy()
        yield from self.of_readings()

    # ---- the counterexample ----

    @functools.cached_property
    def point(self) -> Point:
        example = self.erratum.counterexample
        upstream = None if example.upstream is None else as_floats(example.upstream)
        params = {name: as_floats(value) for name, value in example.params.items()}
        return Point(Place.of({}), params, as_data(example.data, as_floats), upstream)

    def pick(self, gradients: Mapping[str, Any]) -> Any:
        """The counterexample's entry. Raises LookupError or TypeError where there is none."""
        parameter, *index = self.erratum.counterexample.entry
        return np.asarray(gradients[parameter])[tuple(index)]

    def entry(self, code: Any) -> Any:
        """The entry by somebody's code. Raises Crashed, also where there is no such entry."""
        _, gradients = Candidate(self.problem, code).gradients(self.point)
        try:
            return self.pick(gradients)
        except (LookupError, TypeError) as error:
            raise Crashed(error) from error

    @functools.cached_property
    def proved(self) -> Any:
        """The entry by the proved formula in 50 digits. Raises InvalidProblem where the record names none."""
        example = self.erratum.counterexample
        if self.formula.derived is None:
            raise InvalidProblem(f"{self.erratum.key}: {self.formula.key} has no program to be held against")
        with mpmath.workdps(DIGITS):
            params = {name: as_digits(value) for name, value in example.params.items()}
            upstream = None if example.upstream is None else as_digits(example.upstream)
            gradients = self.formula.derived(params, as_data(example.data, as_digits), upstream)
        try:
            return self.pick(gradients)
        except LookupError as error:
            raise InvalidProblem(f"{self.erratum.key}: {self.formula.key} has no gradient {example.where}") from error

    @functools.cached_property
    def margin(self) -> float:
        """How many times the allowed error lies between the two values of the record."""
        example = self.erratum.counterexample
        off = abs(float(example.printed) - float(example.exact))
        if not np.isfinite(off):
            return float("inf")
        allowed = float(self.pick(reference(self.problem, self.point).bounds))
        return off / allowed if allowed else float("inf") if off else 0.0

    def at_the_counterexample(self) -> Seen:
        example, where = self.erratum.counterexample, self.erratum.counterexample.where
        with mpmath.workdps(DIGITS):
            exact, proved = digits(example.exact), self.proved
            wrong = not abs(exact - proved) <= mpmath.mpf(10) ** (10 - DIGITS) * (1 + abs(exact))
            yield wrong, f"{where} is {shown(example.exact)} by hand, {mpmath.nstr(proved, 12)} by the proved formula"
        for name, code, value in (
            ("printed form", self.misprint.printed, example.printed),
            ("correction", self.misprint.corrected, example.exact),
        ):
            try:
                given = self.entry(code)
            except Crashed as error:
                yield True, f"the {name} fails at the counterexample: {error}"
                continue
            by_hand = np.longdouble(str(sp.N(value, 30)))
            same = abs(np.longdouble(given) - by_hand) <= room(by_hand, "float64")
            same = same or bool(np.isnan(given) and np.isnan(by_hand))
            yield not same, f"the {name} gives {where} = {float(given):.12g}, by hand {shown(value)}"
        yield self.margin < WIDE, f"off by {self.margin:.1e} times what arithmetic allows"

    # ---- the check ----

    def by_the_check(self) -> Seen:
        verdict = checked(self.formula, self.implementation, self.misprint.printed)
        if verdict.status == "fail":
            finding = verdict.findings[0]
            yield False, f"verify refuses the printed form: {finding.detail}, at {finding.place}"
        else:
            yield True, f"verify does not refuse the printed form: {verdict.status}"

    def of_the_correction(self) -> Seen:
        verdict = checked(self.formula, self.implementation, self.misprint.corrected)
        if not verdict.passed:
            yield True, f"the correction does not pass: {verdict}"
            return
        worst = verdict.oracles["tape"].worst if verdict.oracles["tape"].points else 0.0
        yield False, f"the correction passes at {plural(verdict.points, 'point')}, worst error {worst:.2f} of the bound"

    # ---- SymPy ----

    def by_sympy(self) -> Seen:
        try:
            scope = self.formula.derive().scope
            yield False, f"the correction is proved by SymPy for {scope}"
        except (Disproved, Undecided) as error:
            yield True, f"the correction is not proved: {error}"
        if self.erratum.refuted is None:
            return
        try:
            self.erratum.refuted()
        except Disproved as refutation:
            yield False, f"SymPy refutes the printed form: {str(refutation).partition(' Remainder')[0]}"
        except Undecided as undecided:
            yield True, f"SymPy cannot decide the printed form: {undecided}"
        else:
            yield True, "SymPy proves the printed form"

    # ---- conditions and readings ----

    def of_readings(self) -> Seen:
        if self.misprint.holds_where is not None:
            narrow = within(self.problem, self.misprint.holds_where)
            verdict = verify(narrow, self.misprint.printed, budget=BUDGET, diagnose=False)
            yield not verdict.passed, f"the printed form where {self.erratum.condition}: {verdict.status}"
        elif self.erratum.kind != "wrong" and not self.misprint.readings:
            yield True, f"{self.erratum.kind}, but neither a domain nor readings are given"
        passing = []
        for name, code in self.misprint.readings.items():
            verdict = checked(self.formula, self.implementation, code)
            passing += [name] * verdict.passed
            yield False, f"read as {name}: {verdict.status}"
        if self.misprint.readings and len(passing) != 1:
            yield True, f"exactly one reading must pass, not {passing}"


@functools.lru_cache(maxsize=256)  # many mistakes share one correction
def checked(formula: Formula, implementation: Implementation, code: Any) -> Verdict:
    return verify(formula.problem(implementation), code, budget=BUDGET, diagnose=False)


def within(problem: Problem, holds_where: Any) -> Problem:
    """The problem on a narrower domain."""

    def domain(params: Any, data: Any) -> bool:
        return (problem.domain is None or problem.domain(params, data)) and bool(holds_where(params, data))

    return replace(problem, domain=domain)


# The numbers of a counterexample -----------------------------------------------------------------------------------


def as_data(data: Mapping[str, Any], convert: Any) -> dict[str, Any]:
    """A plain int is an integer to the code too, a label or a number of steps; all else are floats."""
    return {name: value if isinstance(value, int) else convert(value) for name, value in data.items()}


def as_floats(value: Any) -> Any:
    return np.vectorize(lambda x: float(sp.N(x, 20)), otypes=[np.float64])(as_objects(value))


def as_digits(value: Any) -> Any:
    return np.vectorize(digits, otypes=[object])(as_objects(value))


def digits(value: Any) -> Any:
    return mpmath.mpf(str(sp.N(value, mpmath.mp.dps + 5)))


def as_objects(value: Any) -> Any:
    return np.array(value, dtype=object)


def shown(value: Any) -> str:
    """A value as a table has room for: a short exact number as it is, a long one in six digits."""
    if isinstance(value, tuple | list):
        return ", ".join(map(shown, value))
    text = written(value)
    if isinstance(value, sp.Expr) and len(text) > 12:
        return f"{float(value):.6g}"
    return f"{value:.6g}" if isinstance(value, float | np.floating) else text


def written(value: Any) -> str:
    """With the documents' ln for what SymPy calls log."""
    return str(value).replace("log(", "ln(")


def example_lines(example: Counterexample) -> Iterator[str]:
    """The point and how it is worked out, a line each."""
    for role in (example.params, example.data, {"upstream": example.upstream}):
        for name, value in role.items():
            if value is not None:
                yield f"{name} = {written(value)}"
    yield from example.working
