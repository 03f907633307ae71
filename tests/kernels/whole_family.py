"""Every kernel at every member of the family; ``tox run -e kernels`` runs it."""

import pytest

from tests.kernels.family import members
from tests.kernels.kernels import KERNELS, Candidate, kernel_named


@pytest.mark.parametrize("member", members(), ids=str)
@pytest.mark.parametrize("kernel", KERNELS)
def test_every_member(kernel, member, verify_gradients):
    verify_gradients(member.problem(), Candidate(kernel_named(kernel), member.call))
