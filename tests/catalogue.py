"""Where the two halves meet: every formula and worked example with the code of the same key."""

import derivations
import implementations
from gradproof.catalogue import Computation, Formula, Implementation, WorkedExample, collect

FORMULAS = collect(derivations, Formula)
IMPLEMENTATIONS = collect(implementations, Implementation)
EXAMPLES = collect(derivations, WorkedExample)
COMPUTATIONS = collect(implementations, Computation)

both = [formula for key, formula in FORMULAS.items() if key in IMPLEMENTATIONS]
"""Formulas that can be checked; that none is missing is test_completeness's to say."""


def name(record):
    """The id of a test about a record: its key."""
    return record.key
