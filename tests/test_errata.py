"""Every mistake of the documents on trial, from both sides; a record without its mistake or its cure must fail."""

import functools
from dataclasses import replace

import pytest

from gradproof.errata import Demonstration, GradientErratum
from gradproof.errors import NotRun
from gradproof.trial import try_fact, try_gradient
from tests.catalogue import DEMONSTRATIONS, ERRATA, FORMULAS, IMPLEMENTATIONS, MISPRINTS, name

GRADIENTS = {key: erratum for key, erratum in ERRATA.items() if isinstance(erratum, GradientErratum)}
FACTS = {key: erratum for key, erratum in ERRATA.items() if key not in GRADIENTS}


def tried(erratum, misprint=None):
    """The trial of a gradient, with the code of its key or with other code."""
    formula = FORMULAS[erratum.formula]
    return try_gradient(erratum, misprint or MISPRINTS[erratum.key], formula, IMPLEMENTATIONS[formula.key])


@functools.cache
def demonstrated(key):
    """What printed form and correction of a key give, run once: some take a training run."""
    return DEMONSTRATIONS[key].printed(), DEMONSTRATIONS[key].corrected()


def demonstration(key, *order):
    """The demonstration of a key, with its two forms in another order."""
    return Demonstration(
        key=key, printed=lambda: demonstrated(key)[order[0]], corrected=lambda: demonstrated(key)[order[1]]
    )


@pytest.mark.parametrize("erratum", GRADIENTS.values(), ids=name)
def test_gradient(erratum, gradproof_results):
    trial = tried(erratum)
    gradproof_results.add(trial)
    assert trial.status == "pass", f"\n{trial}"


@pytest.mark.parametrize("erratum", FACTS.values(), ids=name)
def test_fact(erratum, gradproof_results):
    trial = try_fact(erratum, demonstration(erratum.key, 0, 1))
    gradproof_results.add(trial)
    if trial.status == "inconclusive":
        pytest.skip("; ".join(trial.not_run))
    assert trial.status == "pass", f"\n{trial}"


@pytest.mark.parametrize("erratum", GRADIENTS.values(), ids=name)
def test_a_gradient_without_its_mistake_fails(erratum):
    misprint = MISPRINTS[erratum.key]
    trial = tried(erratum, replace(misprint, printed=misprint.corrected))
    assert trial.status == "fail"
    assert any("verify does not refuse the printed form" in problem for problem in trial.problems)


@pytest.mark.parametrize("erratum", GRADIENTS.values(), ids=name)
def test_a_gradient_whose_correction_is_broken_fails(erratum):
    misprint = MISPRINTS[erratum.key]
    trial = tried(erratum, replace(misprint, corrected=misprint.printed))
    assert trial.status == "fail"
    assert any("the correction does not pass" in problem for problem in trial.problems)


@pytest.mark.parametrize("erratum", FACTS.values(), ids=name)
@pytest.mark.parametrize(("order", "complaint"), [((1, 1), "keeps the promise"), ((0, 0), "breaks the promise")])
def test_a_fact_without_its_mistake_or_its_correction_fails(erratum, order, complaint):
    try:
        demonstrated(erratum.key)
    except NotRun as reason:
        pytest.skip(str(reason))
    trial = try_fact(erratum, demonstration(erratum.key, *order))
    assert trial.status == "fail"
    assert complaint in trial.problems[0]
