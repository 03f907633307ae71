"""The formulas one mistake away: each is another gradient, in the right form, and the same however it is run."""

import random
from collections import Counter

import numpy as np
import pytest

from gradproof.diagnosis.derived.mistakes import sources
from gradproof.diagnosis.derived.program import Program
from gradproof.diagnosis.derived.setting import Mistake
from gradproof.problem import Place
from gradproof.sampling import draw_point, middle_sizes
from tests.catalogue import FORMULAS, IMPLEMENTATIONS, both
from tests.power import choice
from tests.power.formulas import as_code, chosen_of, evaluated, formulas, lowered, make, mistaken

PROVED = [formula.key for formula in both if formula.system is not None]
FEW = "square", "class-cross-entropy", "linear-regression"
"""Formulas of few mistakes: choosing among them takes no time."""


def problem_of(key):
    return FORMULAS[key].problem(IMPLEMENTATIONS[key])


def test_every_formula_that_is_proved_from_equations_is_there_equally_often():
    counted = Counter(wrong.key for wrong in formulas())
    assert counted == dict.fromkeys(PROVED, choice.EACH), "choose again: python -m tests.power.choice"
    assert len({(wrong.key, wrong.name) for wrong in formulas()}) == len(PROVED) * choice.EACH


@pytest.mark.parametrize("key", PROVED)
def test_each_is_another_gradient_than_the_right_one(key):
    problem = problem_of(key)
    point = choice.ordinary_point(problem)
    for wrong in formulas():
        if wrong.key == key:
            code = wrong.make()
            assert choice.runs(code, point), wrong
            assert choice.difference(problem, code, point) > choice.CLEARLY, wrong


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("key", PROVED)
def test_each_gives_arrays_of_the_parameters_shapes_and_dtype(key, dtype):
    problem = problem_of(key)
    point = draw_point(problem, Place.of(middle_sizes(problem), dtype=dtype))
    for name in chosen_of(key)[1]:
        gradients = choice.called(make(key, name), point)
        assert {n: (type(g), g.shape, g.dtype) for n, g in gradients.items()} == {
            n: (np.ndarray, value.shape, value.dtype) for n, value in point.params.items()
        }, name


@pytest.mark.parametrize("key", PROVED)
def test_lowered_and_evaluated_a_mistake_is_the_same_gradient(key):
    program, found = chosen_of(key)
    point = choice.ordinary_point(problem_of(key))
    compared = 0
    for name, mistake in found.items():
        if run := lowered(program, mistake):
            one, other = choice.called(run, point), choice.called(evaluated(program, mistake), point)
            for parameter in one:
                np.testing.assert_allclose(one[parameter], other[parameter], rtol=1e-12, atol=1e-15, err_msg=name)
            compared += 1
    assert compared


@pytest.mark.parametrize("key", PROVED)
def test_without_a_mistake_it_is_the_right_gradient(key):
    problem, program = problem_of(key), chosen_of(key)[0]
    none = Mistake("without a mistake", "", {})
    point = choice.ordinary_point(problem)
    assert mistaken(program, none).equations == program.equations
    assert choice.difference(problem, as_code(program, none), point) < 1e-15
    assert choice.difference(problem, evaluated(program, none), point) < 1e-15


def test_a_mistake_that_is_no_longer_made_is_named_with_the_way_out():
    with pytest.raises(LookupError, match=r"square has no mistake 'dx times 7' .* python -m tests\.power\.choice"):
        make("square", "dx times 7")


# ---- the choice -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", FEW)
def test_the_choice_is_of_different_gradients_and_always_the_same(key):
    problem = problem_of(key)
    point = choice.ordinary_point(problem)
    names = choice.choose(problem)
    assert names == choice.choose(problem)
    program = Program(problem.system())
    named = choice.unambiguous(key, program)
    prints = {choice.fingerprint(choice.called(as_code(program, named[name]), point)) for name in names}
    assert len(prints) == len(names) == choice.EACH


def test_no_sort_is_chosen_twice_before_each_is_chosen_once():
    key = "class-cross-entropy"
    mistakes = choice.unambiguous(key, Program(FORMULAS[key].system()))
    sorts = [choice.sort_of(mistake) for _, mistake in choice.in_turns(mistakes, random.Random(0))]
    assert Counter(sorts) == Counter(map(choice.sort_of, mistakes.values()))
    assert len(set(sorts[: len(set(sorts))])) == len(set(sorts)) < len(sorts)


def test_what_would_be_read_before_it_is_computed_is_not_chosen():
    program = Program(FORMULAS["square"].system())
    made = [mistake for source in sources(program) for mistake in source.mistakes()]
    reading_itself = [m for m in made if any(map(choice.reads_itself, m.changed.values()))]
    assert reading_itself
    assert not set(reading_itself) & set(choice.unambiguous("square", program).values())


def test_code_that_crashes_or_is_misshapen_or_not_finite_is_not_chosen():
    problem = problem_of("square")
    point = choice.ordinary_point(problem)

    def crashing(params, data, upstream):
        raise ValueError

    assert choice.runs(problem.derived, point)
    assert not choice.runs(crashing, point)
    assert not choice.runs(lambda params, data, upstream: {"x": np.zeros(2)}, point)
    assert not choice.runs(lambda params, data, upstream: {"x": np.array(np.nan)}, point)
