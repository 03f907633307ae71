"""The mutants are what they are said to be, and a tenth of the sample is noticed by the tests of the core."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec

import pytest

from tests.mutation.core import TESTS, modules
from tests.mutation.justified import JUSTIFIED
from tests.mutation.mutants import ROOT, mutants_in, mutants_of, path_of
from tests.mutation.operators import OPERATORS
from tests.mutation.outcomes import Outcome, keep, kept
from tests.mutation.sample import sample
from tests.mutation.score import Score


def changes(source):
    """(operator, what stands there instead) of every mutant of a module with this text."""
    return {(mutant.operator, mutant.after) for mutant in mutants_in(ast.parse(source), "made.up")}


@pytest.fixture(scope="module")
def every():
    return [mutant for module in modules() for mutant in mutants_of(module)]


# What is exchanged ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "operator", "after"),
    [
        ("x < 1", "comparison", "x <= 1"),
        ("x is not y", "comparison", "x is y"),
        ("if x < 1:\n    f()", "condition", "not x < 1"),
        ("[x for x in y if x.z]", "condition", "not x.z"),
        ("[x for x in y if x.z]", "filtered", "for x in y"),
        ("x and y", "boolean", "x or y"),
        ("x and y", "boolean", "y"),
        ("isinstance(x, A | B | C)", "alternative", "A | C"),
        ("x + y", "arithmetic", "x - y"),
        ("x ** y", "arithmetic", "x * y"),
        ("x += y", "augmented", "x -= y"),
        ("x += y", "augmented", "x = y"),
        ("x += y", "statement", "pass"),
        ("x[0] = y", "statement", "pass"),
        ("f(x)", "statement", "pass"),
        ("not x", "sign", "x"),
        ("x[1:]", "constant", "2"),
        ("f(True)", "constant", "False"),
        ("min(x)", "name", "max"),
        ("np.maximum(x, y)", "name", "np.minimum"),
        ("abs(x)", "call", "x"),
        ("x.copy()", "call", "x"),
        ("f(x, a=y, b=z)", "argument", "f(x, b=z)"),
        ("def f():\n    return x", "result", "return None"),
        ("for x in y:\n    break", "jump", "continue"),
        ("{a: x, b: y}", "entry", "{b: y}"),
    ],
)
def test_an_operator_makes_its_mistake(source, operator, after):
    assert (operator, after) in changes(source)


def test_every_operator_has_a_mutant_in_the_core(every):
    assert {mutant.operator for mutant in every} == OPERATORS.keys()


@pytest.mark.parametrize(
    "source",
    [
        '"""x < 1"""',
        "x = 'a' + y + 'b'",
        "x = f'{y + 1} {y < 1}'",
        "import x as y",
        "x: list[A | B]",
        "Name = dict[str, A | B]",
        "if TYPE_CHECKING:\n    x = 1 + 1",
        "assert x is not None",
        "def __str__(self):\n    return f(1 + 1)",
    ],
)
def test_wording_and_types_are_left_alone(source):
    assert changes(source) == set()


def test_of_a_refusal_only_the_whole_is_left_out():
    assert changes("raise Wrong(str(x + 1))") == {("statement", "pass")}
    assert changes("refuse(f'{x}', str(x + 1))") == {("statement", "pass")}


def test_names_do_not_depend_on_lines():
    source = "def f(x):\n    if x < 1:\n        return x + 1\n    return x + 1 + (x + 1)\n"
    moved = "# a comment\n\nimport os\n\n" + source.replace("\n    ", "\n\n    # why\n    ")
    names = [mutant.name for mutant in mutants_in(ast.parse(source), "made.up")]
    assert names == [mutant.name for mutant in mutants_in(ast.parse(moved), "made.up")]
    assert "made.up:f: arithmetic: x + 1 -> x - 1 (3)" in names


def test_names_are_unique(every):
    assert Counter(mutant.name for mutant in every).most_common(1)[0][1] == 1


def test_a_mutant_is_the_module_with_one_change():
    original = compile(path_of("gradproof.convention").read_text(encoding="utf-8"), "", "exec", dont_inherit=True)
    mutants = mutants_of("gradproof.convention")
    codes = [mutant.code() for mutant in mutants]
    assert len({code.co_consts for code in (original, *codes)}) > 0.9 * len(mutants)
    assert [mutant.code() for mutant in mutants] == codes  # the tree they share is as it was


# The sample and the score ---------------------------------------------------------------------------------------------


def test_smaller_samples_are_parts_of_larger_ones(every):
    small, large = sample(every, 50, seed=3), sample(every, 500, seed=3)
    assert (len(small), len(large)) == (50, 500)
    assert set(small) < set(large)
    assert set(sample(every, 500, seed=4)) != set(large)


def test_each_module_has_its_share_of_the_sample(every):
    of_all, of_sample = (Counter(m.module for m in mutants) for mutants in (every, sample(every, 500, seed=0)))
    for module, count in of_all.items():
        assert abs(of_sample[module] - 500 * count / len(every)) <= 1


def outcomes(*statuses):
    return [Outcome(f"m{k}", status, "a test" if status == "killed" else "") for k, status in enumerate(statuses)]


@pytest.mark.parametrize(
    ("statuses", "justified", "share", "good"),
    [
        (["killed"] * 9 + ["survived"], {"m9": "the same"}, 1, True),
        (["killed"] * 9 + ["survived"], {}, 0.9, False),
        (["killed"] * 8 + ["timed out", "not reached"], {"m9": "the same"}, 1, True),
        (["killed"] * 8 + ["survived"] * 2, {"m8": "the same"}, 8 / 9, False),
        (["killed"] * 10, {"m3": "the same"}, 1, False),
        ([], {}, 0, False),
    ],
    ids=["justified", "unexplained", "late or not reached", "too few", "justified, but noticed", "none"],
)
def test_score_is_good_where_all_are_noticed_or_justified(statuses, justified, share, good):
    score = Score(outcomes(*statuses), justified)
    assert score.share == pytest.approx(share)
    assert score.good is good


def test_every_survivor_that_nothing_justifies_is_printed():
    lines = list(Score(outcomes("killed", "survived", "not reached"), {"m2": "the same"}).lines())
    assert [line for line in lines if line.startswith("  ")] == ["  survived: m1"]
    assert lines[-1] == "score 50.0% (1 of 2; 1 justified); of all 33.3%"


def test_the_latest_outcome_of_a_mutant_is_kept(tmp_path):
    path = tmp_path / "results" / "kept.jsonl"
    assert kept(path) == {}
    for outcome in (Outcome("m", "survived"), Outcome("n", "killed", "t"), Outcome("m", "killed", "u")):
        keep(path, outcome)
    assert kept(path) == {"m": Outcome("m", "killed", "u"), "n": Outcome("n", "killed", "t")}


# What is written down about the core ----------------------------------------------------------------------------------


def test_what_is_justified_is_a_mutant_and_has_a_reason(every):
    assert not JUSTIFIED.keys() - {mutant.name for mutant in every}
    assert all(reason.endswith(".") for reason in JUSTIFIED.values())


def test_the_tests_that_are_asked_exist():
    assert [path for path in TESTS if not (ROOT / path).is_file()] == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a mutant is tried in a forked process")
@pytest.mark.skipif(find_spec("torch") is None, reason="without PyTorch nothing notices mistakes in its oracle")
def test_the_mistakes_of_a_tenth_of_the_sample_are_noticed(tmp_path):
    command = [sys.executable, "-m", "tests.mutation", "--quick", "--jobs", "1", "--results", str(tmp_path / "kept")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mutants 50: " in done.stdout
