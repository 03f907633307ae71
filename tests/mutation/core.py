"""What is mutated, and the tests that are asked: the engine's core, and the quick ones of the tests of it."""

from __future__ import annotations

from tests.mutation.mutants import ROOT

MODULES = (
    "bound", "candidate", "compare", "composites", "conduct", "convention", "duck", "fallback", "objective", "sampling",
    "soundness", "verdict", "verify", "witnesses",
)  # fmt: skip
"""Beside the packages: the reference and its bound, what is observed and compared, the points, and the verdict."""

PACKAGES = ("oracles", "symbolic", "tape")

WORDING = ("gradproof.symbolic.plain", "gradproof.symbolic.typeset")
"""Modules that turn formulas into text, and nothing else."""

TESTS = (
    "tests/engine/test_bad_input.py",
    "tests/engine/test_bound.py",
    "tests/engine/test_calculus_rules.py",
    "tests/engine/test_error_rules.py",
    "tests/engine/test_exhaustive.py",
    "tests/engine/test_forward_mode.py",
    "tests/engine/test_index_ranges.py",
    "tests/engine/test_lowering.py",
    "tests/engine/test_lowering_forms.py",
    "tests/engine/test_observation.py",
    "tests/engine/test_oracle_rules.py",
    "tests/engine/test_oracles.py",
    "tests/engine/test_recurrence.py",
    "tests/engine/test_sampling.py",
    "tests/engine/test_smallest_example.py",
    "tests/engine/test_symbolic.py",
    "tests/engine/test_tape.py",
    "tests/engine/test_tape_rules.py",
    "tests/engine/test_theorem_rules.py",
    "tests/engine/test_verdict.py",
    "tests/engine/test_wrong_gradients.py",
)
"""Tests of the core that take seconds, not minutes."""

SLOW = (
    "test_random_programs_agree_with_complex_steps_and_differences",
    "test_random_programs_in_torch_stay_within_the_bound",
)
"""Tests among these that are left out for the time they take."""


def modules() -> tuple[str, ...]:
    """The modules of the core, by name."""
    files = [ROOT / "gradproof" / f"{name}.py" for name in MODULES]
    files += [path for package in PACKAGES for path in (ROOT / "gradproof" / package).rglob("*.py")]
    names = (".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in files)
    return tuple(sorted(name for name in names if name not in WORDING))
