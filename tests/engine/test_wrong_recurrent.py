"""The checker, checked on recurrences: every backward pass that is wrong on purpose is rejected, and for what it is."""

from dataclasses import replace

import pytest

from gradproof import verify
from gradproof.sampling import Budget
from tests.catalogue import FORMULAS, IMPLEMENTATIONS
from tests.engine.unshrunk import Unshrunk
from tests.engine.wrong_recurrent import WRONG, in_pieces

REFERENCE_ONLY = Budget("reference only", random=20, witness_every=10**9)
"""As many points as the quick budget's; the witnesses have been heard where the right gradients are checked."""


def problem_of(key):
    """The formula's problem without its longest sequence, which takes most of the time and shows nothing new here."""
    problem = FORMULAS[key].problem(IMPLEMENTATIONS[key])
    return replace(problem, pinned=tuple(sizes for sizes in problem.pinned if sizes["T"] <= 30))


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{wrong.key}: {wrong.name}")
def test_is_rejected(wrong):
    verdict = Unshrunk(problem_of(wrong.key), wrong.make(), REFERENCE_ONLY, diagnose=False).run(seed=0)
    assert verdict.status == "fail", verdict
    assert {finding.kind for finding in verdict.findings} <= wrong.kinds, verdict


@pytest.mark.parametrize("key", ["rnn-tanh", "rnn-sigmoid", "rnn-relu", "rnn-tanh-states", "weather-rnn-minibatch"])
def test_the_pieces_are_right_before_one_is_spoiled(key):
    verify(problem_of(key), in_pieces(key), budget=REFERENCE_ONLY).require()
