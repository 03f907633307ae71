"""Every printed formula, derived again by SymPy for every size."""

import pytest

from gradproof.symbolic.proof import Disproved, Undecided
from tests.catalogue import FORMULAS, name


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=name)
def test_proof(formula, gradproof_results):
    entry = gradproof_results.entry(formula.key, formula)
    try:
        entry.proof = formula.derive()
    except Disproved as refutation:
        entry.refuted = str(refutation)
        raise
    except Undecided as why:
        entry.undecided = str(why)
        raise
    assert entry.proof.scope == "every size"
