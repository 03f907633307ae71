"""The blind set and both examinations are what they say: wrong in the parameters named, right in the others, and in
good form everywhere."""

from collections import Counter
from functools import cache
from itertools import combinations, count, islice

import numpy as np
import pytest

from gradproof.candidate import Candidate
from gradproof.conduct import changed, snapshot
from gradproof.problem import Place
from gradproof.sampling import draw_point
from tests.catalogue import FORMULAS, IMPLEMENTATIONS
from tests.diagnosis import blind_set, exam_set, retake_set

SETS = {"blind": blind_set.CASES, "exam": exam_set.CASES, "retake": retake_set.CASES}
CASES = blind_set.CASES + exam_set.CASES + retake_set.CASES

CLEARLY_WRONG = 1e-3
RIGHT = 1e-10


@cache
def problem_of(key):
    return FORMULAS[key].problem(IMPLEMENTATIONS[key])


def sizes_above_one(problem):
    """Three choices of sizes, all larger than 1 and pairwise different as far as the ranges allow."""
    for offset in (2, 3, 0):
        chosen = {}
        for name, (_, high) in problem.sizes.items():
            free = [n for n in range(2, high + 1) if n not in chosen.values()] or [high]
            chosen[name] = free[(offset + len(chosen)) % len(free)]
        yield chosen


def points_at(problem, sizes, first_seed, **place):
    """Points at these sizes, from the first seed on, without those outside the domain."""
    drawn = (draw_point(problem, Place.of(sizes, seed=seed, **place)) for seed in count(first_seed))
    return (point for point in drawn if point is not None)


@cache
def points(key):
    """Three points at each choice of sizes, each with the right gradient, which is the implementation's."""
    problem = problem_of(key)
    found = []
    for k, sizes in enumerate(sizes_above_one(problem)):
        found += islice(points_at(problem, sizes, 100 * k), 3)
    return [(point, gradients(IMPLEMENTATIONS[key].gradients, problem, point)) for point in found]


def gradients(code, problem, point):
    return Candidate(problem, code).gradients(point)[1]


def deviation(claimed, exact):
    """The largest difference, relative to the largest entry; of the difference itself where the gradient is zero."""
    difference, scale = np.max(np.abs(claimed - exact)), np.max(np.abs(exact))
    return difference / scale if scale else difference


def worst(case):
    """The largest deviation of each parameter's gradient over the points; NaN, which is neither, if one is NaN."""
    deviations = {}
    for point, exact in points(case.key):
        claimed = gradients(case.make(), problem_of(case.key), point)
        for name in exact:
            deviations[name] = np.maximum(deviations.get(name, 0), deviation(claimed[name], exact[name]))
    return deviations


each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.key}-{case.name}")


@each_case
def test_wrong_where_it_says_so_and_right_elsewhere(case):
    deviations = worst(case)
    seen = {name for name, amount in deviations.items() if amount > CLEARLY_WRONG}
    assert seen == case.wrong
    assert all(deviations[name] < RIGHT for name in set(deviations) - seen), deviations


@each_case
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_form_is_right_and_nothing_is_changed(case, dtype):
    problem = problem_of(case.key)
    for sizes in (dict.fromkeys(problem.sizes, 1), *sizes_above_one(problem)):
        point = next(points_at(problem, sizes, 0, dtype=dtype))
        before = snapshot(point)
        claimed = gradients(case.make(), problem, point)
        assert {name: (np.shape(g), g.dtype) for name, g in claimed.items()} == {
            name: (value.shape, value.dtype) for name, value in point.params.items()
        }
        assert not changed(point, before)


@pytest.mark.parametrize(("name", "key"), sorted({(name, case.key) for name in SETS for case in SETS[name]}))
def test_no_two_cases_are_the_same_mistake(name, key):
    cases = [case for case in SETS[name] if case.key == key]
    claims = {case.name: [gradients(case.make(), problem_of(key), point) for point, _ in points(key)] for case in cases}
    for (one, first), (other, second) in combinations(claims.items(), 2):
        pairs = zip(first, second, strict=True)
        assert any(deviation(a[p], b[p]) > CLEARLY_WRONG for a, b in pairs for p in a), f"{one} is {other}"


def test_no_two_cases_have_the_same_name():
    assert not [name for name, times in Counter(case.name for case in CASES).items() if times > 1]


ENOUGH = [
    ("blind", "one", 90),
    ("blind", "two", 12),
    ("blind", "outside", 20),
    ("exam", "one", 80),
    ("exam", "outside", 15),
    ("retake", "one", 70),
    ("retake", "outside", 12),
]


@pytest.mark.parametrize(("name", "kind", "least"), ENOUGH)
def test_there_are_enough_of_each_kind(name, kind, least):
    assert sum(case.kind == kind for case in SETS[name]) >= least


@pytest.mark.parametrize("name", SETS)
def test_mistakes_of_every_kind_of_formula_are_among_them(name):
    assert len({case.key for case in SETS[name] if case.kind == "one"}) >= 14
