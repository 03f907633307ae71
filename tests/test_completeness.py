"""The two sides hold the same keys, every catalogue row of the topics is covered, and no record is half empty."""

import pytest

from gradproof.errata import GradientErratum
from gradproof.symbolic.proof import Proof
from tests.catalogue import (
    COMPUTATIONS,
    DEMONSTRATIONS,
    ERRATA,
    EXAMPLES,
    FORMULAS,
    IMPLEMENTATIONS,
    MISPRINTS,
    REPRODUCTIONS,
    name,
)

ROWS = {
    "graphs": {"A1", "A2", *(f"D{k}" for k in range(1, 8))},
    "regression": {"A3", "A4", "A5", "D8", "D9", "D10"},
    "classification": {"B2", "B3", "E2", "C4"},
    "recurrent": {"A6", "A7", "B1", "B4", "B5", "B6", "C1", "C2", "C3", "C5", "C6", "E1", "E3", "E4", "E5", "E6"},
    "worked examples": {"A-i", "D-i", "D-iii", "D-iv"},
}
SYSTEMS = {"A-ii", "A-iii", "A-iv", "B-i", "B-ii", "B-iii", "C-i", "D-ii", "D-iv", "D-v", "E-i"}
KNOWN_ERRATA = {"A": 16, "B": 5, "C": 5, "D": 3, "E": 5}
"""How many the catalogue of each document began with; what was found later goes on from there."""


def test_every_formula_has_an_implementation_and_every_implementation_a_formula():
    assert FORMULAS.keys() == IMPLEMENTATIONS.keys()


def test_every_worked_example_has_a_computation_and_every_computation_an_example():
    assert EXAMPLES.keys() == COMPUTATIONS.keys()


def test_every_erratum_has_code_and_all_code_an_erratum():
    gradients = {key for key, erratum in ERRATA.items() if isinstance(erratum, GradientErratum)}
    assert gradients == MISPRINTS.keys()
    assert ERRATA.keys() - gradients == DEMONSTRATIONS.keys()


def test_every_gradient_erratum_is_about_a_formula():
    named = {erratum.formula for erratum in ERRATA.values() if isinstance(erratum, GradientErratum)}
    assert named <= FORMULAS.keys()


@pytest.mark.parametrize("document", KNOWN_ERRATA)
def test_the_errata_of_a_document_are_numbered_without_a_gap(document):
    numbers = {
        int(row.partition("-E")[2])
        for erratum in ERRATA.values()
        for row in erratum.rows
        if row.startswith(f"{document}-E")
    }
    assert numbers == set(range(1, max(numbers) + 1))
    assert len(numbers) >= KNOWN_ERRATA[document]


def test_every_system_is_reproduced():
    assert {row for record in REPRODUCTIONS.values() for row in record.rows} >= SYSTEMS


@pytest.mark.parametrize("topic", ROWS)
def test_every_row_is_covered(topic):
    covered = {row for record in (*FORMULAS.values(), *EXAMPLES.values()) for row in record.rows}
    assert ROWS[topic] <= covered


RECORDS = [*FORMULAS.values(), *EXAMPLES.values(), *ERRATA.values(), *REPRODUCTIONS.values()]


@pytest.mark.parametrize("record", RECORDS, ids=name)
def test_no_field_is_empty(record):
    fields = ["title", "rows", "source"]
    fields += ["printed", "domain_text"] * (record.key in FORMULAS)
    fields += ["printed", "corrected", "why"] * (record.key in ERRATA)
    fields += ["condition"] * (record.key in MISPRINTS and record.kind == "conditional")
    assert all(getattr(record, field) for field in fields)


@pytest.mark.parametrize("key", FORMULAS)
def test_the_autograd_oracle_has_a_forward_pass(key):
    assert IMPLEMENTATIONS[key].autograd_loss is not None


def test_a_proof_that_checked_nothing_is_none():
    from gradproof.symbolic.proof import Undecided

    with pytest.raises(Undecided, match="proves nothing"):
        Proof("every size", (), "", 0.0)
