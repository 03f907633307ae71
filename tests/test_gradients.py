"""Every hand-written gradient, held against every oracle at pinned and random points."""

import pytest

from tests.catalogue import IMPLEMENTATIONS, both, name


@pytest.mark.parametrize("formula", both, ids=name)
def test_gradient(formula, verify_gradients):
    implementation = IMPLEMENTATIONS[formula.key]
    verify_gradients(formula.problem(implementation), implementation.gradients, formula=formula)
