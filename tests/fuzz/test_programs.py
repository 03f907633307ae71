"""The tape's gradient of a random program is the exact one, and each operation it traces is in some of them."""

import operator

import numpy as np
import pytest

from gradproof.composites import COMPOSITES
from gradproof.duck import COMPARISONS, CONSTANTS, DuckArray
from gradproof.tape import elementwise
from gradproof.tape.arrays import OPERATIONS
from tests.engine.programs import problem_of
from tests.fuzz import comparison
from tests.fuzz.programs import Program
from tests.fuzz.rules import RULES
from tests.fuzz.run import fuzz, spelled

REFUSING = {"item", "tolist"}
"""Methods that refuse by name what would lose the trace."""

HOOKS = {"value", "assign", "apply_ufunc", "apply_function", "ask", "compare", "detached", "index"}
"""What NumPy's protocols and the oracles call, and no loss."""

PROTOCOLS = {"__len__", "__iter__", "__bool__"}
"""What a loss calls with Python's own functions and statements."""


@pytest.fixture(scope="module")
def run():
    return fuzz(200, seed=0)


def test_random_programs_agree_within_the_tapes_own_error(run):
    assert run.wrong is None, "\n".join(run.lines)
    assert run.agreed == 200
    assert 0.01 < run.worst <= 1


def test_pytorchs_gradients_are_within_the_bound():
    pytest.importorskip("torch")
    run = fuzz(40, seed=0, judge=comparison.in_pytorch)
    assert run.wrong is None, "\n".join(run.lines)
    assert 0.01 < run.worst <= 1


def test_programs_at_which_nothing_is_said_do_not_count_as_agreed(run):
    assert run.no_statement
    assert len(run.seen) == run.agreed + run.no_statement.total()


def test_the_same_seed_gives_the_same_programs():
    assert list(fuzz(10, seed=1).lines) == list(fuzz(10, seed=1).lines) != list(fuzz(10, seed=2).lines)


def test_every_operation_of_the_tape_is_in_the_programs():
    face = {name for name in vars(DuckArray) if name in PROTOCOLS or not name.startswith("_")} - REFUSING - HOOKS
    traced = {*OPERATIONS, *COMPOSITES, *COMPARISONS, *CONSTANTS} | {f"x.{name}" for name in face}
    assert set(RULES) == traced


def test_a_program_prints_as_code_that_runs():
    program = example("x1 = np.tanh(a)\nx1 += a")
    namespace = {"np": np, **vars(comparison)}
    exec("from tests.engine.programs import weights\n" + repr(program), namespace)
    assert namespace["loss"](namespace["params"], namespace["data"]) == program.loss(program.params, program.data)


def example(*lines, a=(0.5, -0.25)):
    values = {"a": np.array(a)}
    return Program(values, {}, "float64", (*lines, "return np.sum(x1 * weights((2,)))"), ())


# Broken on purpose ----------------------------------------------------------------------------------------------------


def spoil(monkeypatch, ufunc, **changes):
    rule = elementwise.UNARY[ufunc]
    monkeypatch.setitem(elementwise.UNARY, ufunc, elementwise.Unary(**{**vars(rule), **changes}))


def test_a_wrong_derivative_is_found_and_the_program_shrunk_to_it(monkeypatch):
    spoil(monkeypatch, np.exp, derivative=lambda x, y: (1 + 1e-15) * y)
    run = fuzz(2000, seed=0)
    program, found = run.wrong
    assert found.kind == "differs"
    assert [spelled(operation) for operation in program.operations] == ["np.exp"]
    assert "x1 = np.exp(" in "\n".join(run.lines)


def test_a_bound_that_is_too_small_is_found(monkeypatch):
    program = example("x1 = np.tanh(a)")
    assert comparison.exactly(program).kind == "agrees"
    monkeypatch.setattr(comparison, "own_error", lambda known, dtype: {n: 0 * b for n, b in known.bounds.items()})
    assert comparison.exactly(program).kind == "differs"


def test_a_crash_is_found(monkeypatch):
    def crash(tape, *args):
        raise RuntimeError("made up")

    monkeypatch.setitem(OPERATIONS, operator.getitem, crash)
    program, found = fuzz(2000, seed=0).wrong
    assert found.kind == "fails"
    assert "made up" in found.detail
    assert problem_of(program.loss)
