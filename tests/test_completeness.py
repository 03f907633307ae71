"""The two sides hold the same keys, every catalogue row of the topics is covered, and no record is half empty."""

import pytest

from gradproof.symbolic.proof import Proof
from tests.catalogue import COMPUTATIONS, EXAMPLES, FORMULAS, IMPLEMENTATIONS, name

ROWS = {
    "graphs": {"A1", "A2", *(f"D{k}" for k in range(1, 8))},
    "regression": {"A3", "A4", "A5", "D8", "D9", "D10"},
    "classification": {"B2", "B3", "E2", "C4"},
    "recurrent": {"A6", "A7", "B1", "B4", "B5", "B6", "C1", "C2", "C3", "C5", "C6", "E1", "E3", "E4", "E5", "E6"},
    "worked examples": {"A-i", "D-i", "D-iii", "D-iv"},
}


def test_every_formula_has_an_implementation_and_every_implementation_a_formula():
    assert FORMULAS.keys() == IMPLEMENTATIONS.keys()


def test_every_worked_example_has_a_computation_and_every_computation_an_example():
    assert EXAMPLES.keys() == COMPUTATIONS.keys()


@pytest.mark.parametrize("topic", ROWS)
def test_every_row_is_covered(topic):
    covered = {row for record in (*FORMULAS.values(), *EXAMPLES.values()) for row in record.rows}
    assert ROWS[topic] <= covered


@pytest.mark.parametrize("record", [*FORMULAS.values(), *EXAMPLES.values()], ids=name)
def test_no_field_is_empty(record):
    fields = ["title", "rows", "source"] + ["printed", "domain_text"] * (record.key in FORMULAS)
    assert all(getattr(record, field) for field in fields)


@pytest.mark.parametrize("key", FORMULAS)
def test_the_autograd_oracle_has_a_forward_pass(key):
    assert IMPLEMENTATIONS[key].autograd_loss is not None


def test_a_proof_that_checked_nothing_is_none():
    from gradproof.symbolic.proof import Undecided

    with pytest.raises(Undecided, match="proves nothing"):
        Proof("every size", (), "", 0.0)
