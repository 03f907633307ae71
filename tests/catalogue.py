"""Where the two halves meet: every formula, worked example and erratum with the code of the same key."""

import derivations
import implementations
import reproductions
from gradproof.catalogue import Computation, Formula, Implementation, WorkedExample, collect
from gradproof.errata import Demonstration, Erratum, Misprint
from gradproof.reproduction import Reproduction

FORMULAS = collect(derivations, Formula)
IMPLEMENTATIONS = collect(implementations, Implementation)
EXAMPLES = collect(derivations, WorkedExample)
COMPUTATIONS = collect(implementations, Computation)
ERRATA = collect(derivations, Erratum)
MISPRINTS = collect(implementations, Misprint)
DEMONSTRATIONS = {**collect(implementations, Demonstration), **collect(reproductions, Demonstration)}
REPRODUCTIONS = collect(reproductions, Reproduction)

both = [formula for key, formula in FORMULAS.items() if key in IMPLEMENTATIONS]
"""Formulas that can be checked; that none is missing is test_completeness's to say."""


def name(record):
    """The id of a test about a record: its key."""
    return record.key
