"""Every kernel, held against every oracle: at the catalogue's formulas, and at every member of the family.

A timing is published only of a kernel that passes here.
"""

import pytest

from implementations.kernels import clear
from tests.catalogue import FORMULAS, IMPLEMENTATIONS
from tests.kernels.candidate import Candidate
from tests.kernels.catalogue import CALLS
from tests.kernels.family import members

KERNELS = {"clear": clear.rnn_gradients}


@pytest.mark.parametrize("key", CALLS)
@pytest.mark.parametrize("kernel", KERNELS)
def test_formula(kernel, key, verify_gradients):
    verify_gradients(FORMULAS[key].problem(IMPLEMENTATIONS[key]), Candidate(KERNELS[kernel], CALLS[key]))


@pytest.mark.parametrize("member", members(), ids=str)
@pytest.mark.parametrize("kernel", KERNELS)
def test_family(kernel, member, verify_gradients):
    candidate = Candidate(KERNELS[kernel], lambda data: (data["x"], data["target"], member.options(data)))
    verify_gradients(member.problem(), candidate)
