"""The numbers the documents print, against exact ones and against what the code computes."""

import pytest

from gradproof.examples import check_example
from tests.catalogue import COMPUTATIONS, EXAMPLES, name


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=name)
def test_numbers(example, gradproof_results):
    entry = gradproof_results.entry(example.key, example)
    entry.outcome = outcome = check_example(example, COMPUTATIONS[example.key])
    if outcome.status == "inconclusive":
        pytest.skip("; ".join(outcome.not_run))
    assert outcome.status == "pass", f"\n{outcome}"
