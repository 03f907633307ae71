"""Every kernel, held against every oracle: at the catalogue's formulas, and at members of the family of its options.

A timing is published only of a kernel that passes here. Of the family these are the members in which each two options
meet; ``whole_family`` has them all.
"""

import pytest

from tests.catalogue import FORMULAS, IMPLEMENTATIONS
from tests.kernels.catalogue import CALLS
from tests.kernels.family import covering_members, members
from tests.kernels.kernels import KERNELS, Candidate, kernel_named


@pytest.mark.parametrize("key", CALLS)
@pytest.mark.parametrize("kernel", KERNELS)
def test_formula(kernel, key, verify_gradients):
    candidate = Candidate(kernel_named(kernel), CALLS[key])
    verify_gradients(FORMULAS[key].problem(IMPLEMENTATIONS[key]), candidate)


@pytest.mark.parametrize("member", covering_members(), ids=str)
@pytest.mark.parametrize("kernel", KERNELS)
def test_member(kernel, member, verify_gradients):
    verify_gradients(member.problem(), Candidate(kernel_named(kernel), member.call))


def test_the_members_cover_every_two_options():
    assert len(covering_members()) < len(members()) / 4
    assert set().union(*(m.choices for m in covering_members())) == set().union(*(m.choices for m in members()))
