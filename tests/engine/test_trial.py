"""The judge, judged: a record of a mistake passes only if both of its sides are as it says."""

from dataclasses import replace

import numpy as np
import pytest
from sympy import Integer, Rational, Symbol, log

from gradproof.catalogue import Formula
from gradproof.errata import Counterexample, Demonstration, FactErratum, GradientErratum, Misprint
from gradproof.errors import InvalidProblem, NotRun
from gradproof.problem import Implementation
from gradproof.symbolic import System, arrays, derivation, gradient, index, sizes, total
from gradproof.symbolic.system import axes
from gradproof.trial import shown, try_fact, try_gradient

# A formula small enough to hold in the head: L = sum (w x)^2, dL/dw = 2 w x^2 -----------------------------------------


def loss():
    (n,) = sizes("n")
    i, q = index("i", n), index("q", n)
    w, x = arrays("w x")
    return n, w, x, q, total((w[i] * x[i]) ** 2, i)


@derivation()
def line():
    n, w, x, q, L = loss()
    yield (dw := gradient("dL/dw_q", L, w[q], 2 * w[q] * x[q] ** 2))
    return System.of_claims({"w": dw}, {"w": (w, axes(n)), "x": (x, axes(n))})


def without_the_two():
    _, w, x, q, L = loss()
    return gradient("dL/dw_q without the 2", L, w[q], w[q] * x[q] ** 2)


FORMULA = Formula(
    key="line",
    title="a line",
    rows=("Z1",),
    source="a book, page 7",
    printed="2 w x^2",
    domain_text="all real w, x",
    derive=line,
    system=line.system,
    sizes={"n": (1, 4)},
    draw=lambda sizes, rng: ({"w": rng.normal(size=sizes["n"])}, {"x": rng.normal(size=sizes["n"])}),
)


def right(params, data):
    return {"w": 2 * params["w"] * data["x"] ** 2}


def halved(params, data):
    return {"w": params["w"] * data["x"] ** 2}


CODE = Implementation(key="line", loss=lambda p, d: np.sum((p["w"] * d["x"]) ** 2), gradients=right)
EXAMPLE = Counterexample(
    params={"w": [Integer(3)]},
    data={"x": [Rational(1, 2)]},
    entry=("w", 0),
    printed=Rational(3, 4),
    exact=Rational(3, 2),
    working=("dw = 2 * 3 / 4",),
)
ERRATUM = GradientErratum(
    key="two-forgotten",
    title="the factor 2 is missing",
    rows=("Z-E1",),
    source="a book, page 7",
    kind="wrong",
    printed="w x^2",
    corrected="2 w x^2",
    why="The square has a factor 2.",
    formula="line",
    counterexample=EXAMPLE,
    refuted=without_the_two,
)
MISPRINT = Misprint(key="two-forgotten", printed=halved, corrected=right)


def tried(misprint=MISPRINT, formula=FORMULA, example=None, **changes):
    example = {} if example is None else {"counterexample": replace(EXAMPLE, **example)}
    return try_gradient(replace(ERRATUM, **example, **changes), misprint, formula, CODE)


def problem(trial, words):
    assert trial.status == "fail", trial
    assert any(words in line for line in trial.problems), trial


def test_a_mistake_that_is_one_passes_and_tells_the_story():
    trial = tried()
    assert trial.status == "pass", trial
    assert trial.margin > 1e12
    text = str(trial)
    for words in ("w x^2  ->  dw[0] = 3/4", "2 w x^2  ->  dw[0] = 3/2", "w = [3]", "dw = 2 * 3 / 4", "verify refuses"):
        assert words in text


# What the record says ----------------------------------------------------------------------------------------------


def test_a_wrong_exact_value_is_found():
    problem(tried(example={"exact": Rational(5, 4)}), "dw[0] is 5/4 by hand, 1.5 by the proved formula")


def test_a_wrong_printed_value_is_found():
    problem(tried(example={"printed": Rational(1, 4)}), "the printed form gives dw[0] = 0.75, by hand 1/4")


def test_a_counterexample_at_which_nothing_is_wrong_is_found():
    zero = {"params": {"w": [Integer(0)]}, "printed": Integer(0), "exact": Integer(0)}
    problem(tried(example=zero), "off by 0.0e+00 times what arithmetic allows")


def test_a_mistake_as_small_as_rounding_is_no_wide_margin():
    near = Rational(3, 2) * (1 + Rational(1, 10**14))
    misprint = replace(MISPRINT, printed=lambda p, d: {"w": right(p, d)["w"] * (1 + 1e-14)})
    problem(tried(misprint, example={"printed": near}), "times what arithmetic allows")


@pytest.mark.parametrize(("entry", "named"), [(("v", 0), r"dv\[0\]"), (("w", 3), r"dw\[3\]"), (("w", "a"), r"dw\[a\]")])
def test_an_entry_that_is_not_there_is_refused_by_name(entry, named):
    with pytest.raises(InvalidProblem, match=f"two-forgotten: line has no gradient {named}"):
        tried(example={"entry": entry})


# The printed form --------------------------------------------------------------------------------------------------


def test_a_printed_form_that_is_right_is_found():
    trial = tried(replace(MISPRINT, printed=right))
    problem(trial, "the printed form gives dw[0] = 1.5, by hand 3/4")
    problem(trial, "verify does not refuse the printed form: pass")


def test_a_printed_form_that_only_crashes_is_found():
    problem(tried(replace(MISPRINT, printed=lambda p, d: p["nothing"])), "the printed form fails at the counterexample")


def test_a_printed_form_that_sympy_proves_is_found():
    problem(tried(refuted=lambda: line()), "SymPy proves the printed form")


# The correction ----------------------------------------------------------------------------------------------------


def test_a_broken_correction_is_found():
    trial = tried(replace(MISPRINT, corrected=halved))
    problem(trial, "the correction gives dw[0] = 0.75, by hand 3/2")
    problem(trial, "the correction does not pass")


def test_a_correction_that_is_not_proved_is_found():
    @derivation()
    def wrong():
        _, w, x, q, L = loss()
        yield gradient("dL/dw_q", L, w[q], 3 * w[q] * x[q] ** 2)

    problem(tried(formula=replace(FORMULA, derive=wrong)), "the correction is not proved")


def test_a_formula_without_a_program_cannot_be_held_against():
    with pytest.raises(InvalidProblem, match="two-forgotten: line has no program"):
        tried(formula=replace(FORMULA, system=None))


# Conditions and readings -------------------------------------------------------------------------------------------


def right_for_small(params, data):
    """Right where every |w| is below 1: it forgets the rest."""
    return {"w": np.where(np.abs(params["w"]) < 1, right(params, data)["w"], 0)}


SMALL = {"printed": Integer(0)}


def test_a_condition_that_is_met_where_it_says_passes():
    misprint = Misprint(
        key="two-forgotten",
        printed=right_for_small,
        corrected=right,
        holds_where=lambda params, data: bool(np.all(np.abs(params["w"]) < 1)),
    )
    trial = tried(misprint, example=SMALL, kind="conditional", condition="|w| < 1")
    assert trial.status == "pass", trial
    assert any("the printed form where |w| < 1: pass" in line for line in trial.checks)


def test_a_condition_under_which_it_is_wrong_too_is_found():
    misprint = replace(MISPRINT, holds_where=lambda params, data: True)
    problem(tried(misprint, kind="conditional", condition="always"), "the printed form where always: fail")


def test_a_conditional_one_needs_a_condition():
    problem(tried(kind="conditional"), "neither a domain nor readings are given")


@pytest.mark.parametrize(
    ("readings", "passing"),
    [({"one": right, "other": halved}, None), ({"one": right, "other": lambda p, d: right(p, d)}, "['one', 'other']")],
)
def test_exactly_one_reading_passes(readings, passing):
    trial = tried(replace(MISPRINT, readings=readings), kind="ambiguous")
    if passing is None:
        assert trial.status == "pass", trial
    else:
        problem(trial, f"exactly one reading must pass, not {passing}")


def test_no_reading_that_passes_is_one_too_few():
    readings = {"one": halved, "other": lambda p, d: {"w": 3 * p["w"]}}
    problem(tried(replace(MISPRINT, readings=readings), kind="ambiguous"), "exactly one reading must pass, not []")


# Code and text -----------------------------------------------------------------------------------------------------

FACT = FactErratum(
    key="sum-of-three",
    title="a sum",
    rows=("Z-E2",),
    source="a book, page 8",
    kind="text",
    printed="1 + 2 = 4",
    corrected="1 + 2 = 3",
    why="Count.",
    promise="the sum of 1 and 2",
    holds=lambda value: value == 1 + 2,
)


def fact(printed, corrected):
    return try_fact(FACT, Demonstration(key=FACT.key, printed=lambda: printed, corrected=lambda: corrected))


def test_a_fact_is_tried_from_both_sides():
    assert fact(4, 3).status == "pass"
    problem(fact(3, 3), "what is printed keeps the promise (the sum of 1 and 2): 3")
    problem(fact(4, 4), "the correction breaks the promise (the sum of 1 and 2): 4")


def test_a_fact_that_cannot_run_is_open_and_not_passed():
    def missing():
        raise NotRun("PyTorch is not installed")

    trial = try_fact(FACT, Demonstration(key=FACT.key, printed=missing, corrected=lambda: 3))
    assert trial.status == "inconclusive"
    assert trial.not_run == ("PyTorch is not installed",)


@pytest.mark.parametrize(("record", "kind"), [(FACT, "wrong"), (ERRATUM, "text"), (FACT, "typo")])
def test_a_kind_belongs_to_its_class(record, kind):
    with pytest.raises(InvalidProblem, match=f"kind '{kind}' is none of"):
        replace(record, kind=kind)


def test_values_are_shown_short_and_exact_where_they_can_be():
    assert shown(Rational(3, 32)) == "3/32"
    assert shown(log(3) * (1 - log(3)) / 2) == "-0.0541683"
    assert shown(0.1 + 0.2) == "0.3"
    assert shown((1, "inf")) == "1, inf"
    assert shown(Symbol("x")) == "x"
