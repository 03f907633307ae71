"""The checker, checked: every gradient that is wrong on purpose is rejected, with a finding that fits and no other."""

import pytest

from gradproof import verify
from gradproof.sampling import BUDGETS
from gradproof.verdict import KINDS
from tests.catalogue import FORMULAS, IMPLEMENTATIONS
from tests.engine.unshrunk import Unshrunk
from tests.engine.wrong_gradients import WRONG


def problem_of(wrong):
    return FORMULAS[wrong.key].problem(IMPLEMENTATIONS[wrong.key])


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{wrong.key}: {wrong.name}")
def test_is_rejected(wrong):
    verdict = Unshrunk(problem_of(wrong), wrong.make(), BUDGETS["quick"], diagnose=False).run(seed=0)
    assert verdict.status == "fail", verdict
    assert {finding.kind for finding in verdict.findings} <= wrong.kinds, verdict


def test_all_kinds_of_finding_are_covered():
    assert set().union(*(wrong.kinds for wrong in WRONG)) == set(KINDS)


def test_a_wrong_value_is_shown_on_a_small_point_with_its_numbers():
    """A factor 2 in a regression needs no more than one row and one feature."""
    right = IMPLEMENTATIONS["linear-regression"].gradients
    problem = FORMULAS["linear-regression"].problem(IMPLEMENTATIONS["linear-regression"])
    verdict = verify(problem, lambda p, d: {n: 2 * g for n, g in right(p, d).items()}, budget="quick")
    finding = verdict.findings[0]
    assert (finding.kind, finding.parameter, finding.place.sizes) == ("value", "w", (("n", 1),))
    assert finding.claimed == pytest.approx(2 * finding.reference, rel=1e-12)
    assert finding.error == pytest.approx(abs(finding.reference), rel=1e-12)
    assert 0 < finding.bound < 1e-12


def test_the_story_names_all_a_reader_needs():
    right = IMPLEMENTATIONS["multiple-linear-regression"].gradients

    def missing_factor(params, data):
        gradients = right.backward(params, data, right.forward(params, data)[1])
        return {"w": gradients["w"], "b": gradients["b"] / 2}

    problem = FORMULAS["multiple-linear-regression"].problem(IMPLEMENTATIONS["multiple-linear-regression"])
    verdict = verify(problem, missing_factor, budget="quick")
    for part in ("multiple-linear-regression: FAIL", "the gradient of b", "at m=1, n=1", "claimed", "exact", "allowed"):
        assert part in str(verdict)


def test_the_same_seed_gives_the_same_verdict():
    wrong = next(w for w in WRONG if w.key == "logistic-regression")
    first, second = (verify(problem_of(wrong), wrong.make(), budget="quick", seed=7, diagnose=False) for _ in range(2))
    assert first.findings == second.findings
