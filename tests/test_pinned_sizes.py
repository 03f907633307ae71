"""The sizes that a formula pins are worth it: at each of them there is a gradient to be seen."""

import numpy as np
import pytest

from gradproof.candidate import Candidate
from gradproof.problem import Place
from gradproof.sampling import draw_point
from tests.catalogue import IMPLEMENTATIONS, both, name


@pytest.mark.parametrize("formula", [formula for formula in both if formula.pinned], ids=name)
def test_a_pinned_size_has_a_gradient_that_is_not_zero(formula):
    problem, code = formula.problem(IMPLEMENTATIONS[formula.key]), IMPLEMENTATIONS[formula.key].gradients
    for sizes in formula.pinned:
        _, gradients = Candidate(problem, code).gradients(draw_point(problem, Place.of(sizes)))
        assert any(np.any(gradient) for gradient in gradients.values()), dict(sizes)
