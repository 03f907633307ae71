"""The corpus is what it says: many different wrong gradients of every formula, and none that is no mistake."""

import ast
import re
import sys
from collections import Counter
from contextlib import contextmanager
from itertools import cycle, islice, product
from pathlib import Path

import numpy as np
import pytest

from gradproof.candidate import Candidate
from gradproof.conduct import observe
from gradproof.problem import Place
from gradproof.provenance import code_of
from gradproof.sampling import DTYPES, LAYOUTS, draw_point, middle_sizes, regimes_of
from implementations import recurrent
from tests.catalogue import FORMULAS, IMPLEMENTATIONS, both
from tests.power.backward import MISSHAPEN, MODULES, PREPARED, RAISES, Text, backward, fresh
from tests.power.corpus import ALL, BY_HAND, CORPUS, tenth
from tests.power.equivalent import EQUIVALENT

EACH = 12
"""Wrong gradients of every formula, at least."""

POINTS = 40
"""At so many an equivalent mutant is held against the original."""

ULPS = 4
"""So many units in the last place of the largest entry may equivalent code differ by: it may round in another order."""

MADE = {(wrong.key, wrong.name): wrong for wrong in ALL}


def problem_of(wrong):
    return FORMULAS[wrong.key].problem(IMPLEMENTATIONS[wrong.key])


def gradients(wrong, code, point):
    return Candidate(problem_of(wrong), code).gradients(point)[1]


def middle(wrong, seed=0):
    return draw_point(problem_of(wrong), Place.of(middle_sizes(problem_of(wrong)), seed=seed))


def at_the_middle(wrong):
    return gradients(wrong, wrong.make(), middle(wrong))


def shapes(arrays):
    return {name: np.shape(array) for name, array in arrays.items()}


# The whole ------------------------------------------------------------------------------------------------------------


def test_no_two_entries_have_the_same_formula_and_name():
    assert [entry for entry, times in Counter((w.key, w.name) for w in ALL).items() if times > 1] == []


def test_entries_are_in_order():
    assert list(CORPUS) == sorted(CORPUS, key=lambda wrong: (wrong.kind, wrong.key, wrong.name))


def test_the_readme_says_how_many_there_are():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"(\d,\d{3}) wrong gradients", readme)) == {f"{len(CORPUS):,}"}


def test_six_hundred_are_made_by_program():
    assert sum(wrong.kind != BY_HAND for wrong in CORPUS) >= 600


def test_every_formula_has_its_share():
    share = Counter(wrong.key for wrong in CORPUS)
    assert set(share) == {formula.key for formula in both}
    assert min(share.values()) >= EACH


def test_a_tenth_has_every_kind():
    chosen = tenth()
    assert {wrong.kind for wrong in chosen} == {wrong.kind for wrong in CORPUS}
    assert set(chosen) <= set(CORPUS)
    assert len(CORPUS) <= 10 * len(chosen) < 1.3 * len(CORPUS)


# Mutants of the backward passes ---------------------------------------------------------------------------------------


def test_every_formula_has_mutants_of_its_own_code():
    assert {wrong.key for wrong in backward()[0]} == {formula.key for formula in both}


def test_every_derivative_that_a_forward_pass_prepares_is_found():
    for module in MODULES:
        parts = {ast.unparse(part) for _, part in Text.of(module).places() if part is not None}
        assert parts == set(PREPARED.get(module.__name__, ()))


def test_mutants_that_need_no_checker_are_left_out_and_counted():
    mutants, left_out = backward()
    assert left_out.keys() == {RAISES, MISSHAPEN}
    assert min(left_out.values()) > 0
    for wrong in mutants[::20]:
        right = gradients(wrong, IMPLEMENTATIONS[wrong.key].gradients, middle(wrong))
        assert shapes(at_the_middle(wrong)) == shapes(right)


def test_the_implementations_themselves_stay_as_they_are():
    before = dict(vars(recurrent))
    next(wrong for wrong in backward()[0] if wrong.key == "rnn-tanh").make()
    assert sys.modules["implementations.recurrent"] is recurrent
    assert dict(vars(recurrent)) == before


def test_no_mutant_reads_what_was_never_written(monkeypatch):
    """It would be wrong in another way each time."""
    every_fifth = [wrong for wrong in backward()[0] if IMPLEMENTATIONS[wrong.key] in vars(recurrent).values()][::5]
    before = [at_the_middle(wrong) for wrong in every_fifth]
    for name in "empty", "empty_like":
        allocate = getattr(np, name)
        monkeypatch.setattr(np, name, lambda *args, allocate=allocate: np.full_like(allocate(*args), 1000))
    for wrong, gradients_before in zip(every_fifth, before, strict=True):
        for parameter, gradient in at_the_middle(wrong).items():
            np.testing.assert_array_equal(gradient, gradients_before[parameter], err_msg=f"{wrong}: {parameter}")


@pytest.mark.parametrize("key", ["logistic-neuron", "logistic-regression"], ids=["a function", "an object"])
def test_the_source_of_a_mutant_is_the_mutated_one(key):
    """What a report shows as the code under test."""
    wrong = next(w for w in CORPUS if w.key == key and w.kind == "operator or sign" and ", not " in w.name)
    now, _ = wrong.name.split(", not ")
    assert now in code_of(wrong.make()).text


# Each entry is made fresh ---------------------------------------------------------------------------------------------


def test_what_is_made_has_no_memory_of_what_was_made_before():
    late = next(wrong for wrong in CORPUS if wrong.name == "the gradients of the call before")
    one, two = middle(late, seed=1), middle(late, seed=2)
    code = late.make()
    first, second = gradients(late, code, one), gradients(late, code, two)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    fresh = gradients(late, late.make(), two)
    assert not all(np.array_equal(second[name], fresh[name]) for name in fresh)


@pytest.mark.parametrize("wrong", [w for w in CORPUS if w.kind == "wrong at one size"][::6], ids=repr)
def test_what_is_wrong_at_one_size_is_right_at_all_others(wrong):
    problem = problem_of(wrong)
    low, high = ({name: bounds[end] for name, bounds in problem.sizes.items()} for end in (0, 1))
    at = [{**low, name: size} for name in problem.sizes for size in range(low[name], high[name] + 1)]
    at += [{**high, name: size} for name in problem.sizes for size in range(low[name], high[name] + 1)]
    factors = set()
    for sizes in [*at, *problem.pinned]:
        point = draw_point(problem, Place.of(sizes))
        right = gradients(wrong, IMPLEMENTATIONS[wrong.key].gradients, point)
        found = gradients(wrong, wrong.make(), point)
        factors |= {k for k in (1, 2) if all(np.array_equal(found[name], k * right[name]) for name in right)}
    assert factors == {1, 2}


# Mutants that are no mistakes -----------------------------------------------------------------------------------------


def test_only_what_was_made_is_taken_out():
    assert EQUIVALENT.keys() <= MADE.keys()
    assert all(EQUIVALENT.values())


@pytest.mark.parametrize("entry", EQUIVALENT, ids=": ".join)
def test_what_is_no_mistake_agrees_with_the_original(entry):
    """At points of all regimes, dtypes and layouts, and in what it does to its arguments and returns of them.

    The changed lines are run there, so that something is compared.
    """
    wrong, right = MADE[entry], IMPLEMENTATIONS[entry[0]].gradients
    source, title, key = wrong.make.args
    normal, original = (ast.unparse(ast.parse(text)) for text in (source, Text.of(module_of(right)).source))
    code = fresh(normal, title, key)
    run = set()
    problem = problem_of(wrong)
    for point in points(problem):
        assert observe(problem, Candidate(problem, code), point, None)[1] == []
        with lines_run(f"<{title}>", run):
            found = gradients(wrong, code, point)
        for name, gradient in gradients(wrong, right, point).items():
            assert found[name].dtype == gradient.dtype
            np.testing.assert_allclose(
                found[name], gradient, rtol=0, atol=slack(gradient), err_msg=f"{name} at {point}"
            )
    assert differing(normal.splitlines(), original.splitlines()) <= run


def points(problem):
    """POINTS of them in the domain, of any sizes."""
    rng = np.random.default_rng(0)
    kinds = zip(cycle(product(regimes_of(problem), DTYPES)), cycle(LAYOUTS), strict=False)
    places = (
        Place.of(
            {name: int(rng.integers(low, high + 1)) for name, (low, high) in problem.sizes.items()},
            seed=seed,
            regime=regime,
            dtype=dtype,
            layout=layout,
        )
        for seed, ((regime, dtype), layout) in enumerate(kinds)
    )
    return islice(filter(None, (draw_point(problem, place) for place in places)), POINTS)


def slack(gradient):
    return ULPS * float(np.spacing(np.max(np.abs(gradient), where=np.isfinite(gradient), initial=0)))


def differing(now, before):
    """The numbers of the lines that are not what they were."""
    return {number for number, (a, b) in enumerate(zip(now, before, strict=True), 1) if a != b}


def module_of(code):
    return sys.modules[getattr(code, "__module__", type(code).__module__)]


@contextmanager
def lines_run(file, run):
    """Adds to ``run`` the lines of a file that are run meanwhile."""

    def trace(frame, event, _):
        if frame.f_code.co_filename != file:
            return None
        run.add(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)
