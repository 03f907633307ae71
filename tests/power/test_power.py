"""The quick form of the comparison, gradproof against a part of the corpus; and the rules by which it is scored."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from gradproof.problem import Place
from gradproof.report.results import line
from gradproof.sampling import draw_point
from tests.catalogue import IMPLEMENTATIONS, both, name
from tests.engine.wrong_gradients import right
from tests.power import corpus, points, table
from tests.power.checkers import CHECKERS
from tests.power.checkers.checker import Checker, Peer
from tests.power.checkers.gradproof import Gradproof
from tests.power.checkers.relative_error import RelativeError
from tests.power.comparison import Answer, Fate, Outcome, fate, middle, milliseconds, outcomes, timed
from tests.power.points import REGIMES, problem_of
from tests.power.records import not_run, record
from tests.power.survivors import REASONS
from tests.power.wrong_gradient import WrongGradient

KEY = "logistic-regression"
RIGHT = right(KEY)


def times(**factors):
    """The right gradients of KEY, those of some parameters multiplied."""
    return lambda params, data: {name: factors.get(name, 1) * g for name, g in RIGHT(params, data).items()}


DOUBLED = WrongGradient("doubled", KEY, "factor", lambda: times(w=2, b=2))
UNCHANGED = WrongGradient("unchanged", KEY, "none", lambda: RIGHT)


@pytest.fixture(scope="module")
def measured():
    """gradproof, its outcome on a wrong gradient and one that is right, and its times, at the points of one formula."""
    checker = Gradproof()
    ordinary = [point for point in timed(points.points()) if point.key == KEY]
    (outcome,) = outcomes([checker], [DOUBLED, UNCHANGED], ordinary)
    return checker, outcome, milliseconds([checker, Saying(True)], ordinary)[checker.name]


# The quick form -------------------------------------------------------------------------------------------------------


def test_gradproof_rejects_a_tenth_of_the_corpus_and_nothing_that_is_right():
    (outcome,) = outcomes([Gradproof()], corpus.tenth(), points.tenth())
    assert len(outcome.fates) > 100
    assert {answer.point.regime for answer in outcome.answers} == set(REGIMES)
    assert record(Gradproof(), outcome, [1.0, 2.0], REASONS)["findings"] == []


def test_a_reason_is_given_for_nothing_that_is_not_in_the_corpus():
    assert REASONS.keys() <= {(wrong.key, wrong.name) for wrong in corpus.CORPUS}


# The points -----------------------------------------------------------------------------------------------------------


def test_there_are_a_thousand_different_points_in_eight_regimes_over_all_formulas():
    assert Counter(point.regime for point in points.points()) == dict.fromkeys(REGIMES, 125)
    assert len(set(points.points())) == 1000
    assert {point.key for point in points.points()} == {formula.key for formula in both}


def test_a_tenth_of_the_points_has_all_regimes():
    assert len(points.tenth()) == 100
    assert {point.regime for point in points.tenth()} == set(REGIMES)


def test_every_point_is_in_the_domain_and_its_loss_is_finite():
    for point in points.tenth():
        drawn = draw_point(problem_of(point.key), point.place)
        assert drawn is not None, point
        assert points.is_finite(problem_of(point.key), drawn), point


# The score ------------------------------------------------------------------------------------------------------------


class Saying(Checker):
    """A checker that answers the same to everything."""

    name, distribution = "saying one thing", "numpy"

    def __init__(self, answer):
        self.answer = answer

    def accepts(self, problem, code, at):
        return self.answer

    def rejected_at(self, problem, make, fair):
        return middle(KEY) if self.answer is False and fair(middle(KEY)) else None


class Remembering(Peer):
    """A peer that rejects code at its second call; what is fresh each time it never rejects."""

    name, distribution = "remembering", "numpy"

    def agrees(self, case):
        case.gradients(*case.arrays)
        return case.candidate.code.calls == 1


@pytest.mark.parametrize("answer", [True, False, None])
def test_a_checker_that_says_the_same_to_all_is_credited_with_nothing(answer):
    assert not fate(Saying(answer), DOUBLED).killed
    assert not fate(Saying(answer), DOUBLED).at_one_point


@pytest.mark.parametrize("answer", [True, False, None])
def test_what_it_says_of_right_code_is_counted_by_regime(answer):
    (outcome,) = outcomes([Saying(answer)], [], points.tenth())
    alarms = record(Saying(answer), outcome, [1.0, 2.0], {})["alarms"]
    assert list(alarms) == list(REGIMES)
    assert sum(of for _, of, _ in alarms.values()) == 100
    assert all(
        counts == [of * (answer is False), of, of * (answer is None)]
        for counts in alarms.values()
        for of in counts[1:2]
    )


def test_the_outcome_does_not_depend_on_the_number_of_processes():
    some = [wrong for wrong in corpus.tenth() if wrong.key in (KEY, "rnn-tanh")]
    one, two = (list(outcomes([RelativeError()], some, points.tenth(), jobs)) for jobs in (1, 2))
    assert len(one[0].fates) == len(some) > 2
    assert one == two


def test_wrong_code_is_fresh_at_every_place():
    class Counting:
        calls = 0

        def __call__(self, params, data):
            self.calls += 1
            return RIGHT(params, data)

    assert Remembering().rejected_at(problem_of(KEY), Counting, lambda place: True) is None


def test_gradproof_is_credited_with_what_is_wrong_and_with_nothing_else(measured):
    _, outcome, _ = measured
    assert {fate.wrong[1]: (fate.killed, fate.at_one_point) for fate in outcome.fates} == {
        "doubled": (True, True),
        "unchanged": (False, False),
    }
    assert Gradproof().rejected_at(problem_of(KEY), DOUBLED.make, lambda place: False) is None


# The peers ------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[checker for checker in CHECKERS if isinstance(checker, Peer)], ids=lambda checker: checker.name)
def peer(request):
    if request.param.not_run:
        pytest.skip(request.param.not_run)
    return request.param


def test_a_peer_accepts_what_is_right_and_rejects_it_doubled(peer):
    assert peer.accepts(problem_of(KEY), RIGHT, middle(KEY)) is True
    assert fate(peer, DOUBLED).at_one_point
    assert fate(peer, DOUBLED).killed


@pytest.mark.parametrize("parameter", ["w", "b"])
def test_a_peer_looks_at_every_parameter(peer, parameter):
    assert peer.accepts(problem_of(KEY), times(), middle(KEY)) is True
    assert peer.accepts(problem_of(KEY), times(**{parameter: 2}), middle(KEY)) is False


class Scaled:
    """The right layer, its upstream gradient multiplied."""

    def __init__(self, factor):
        self.layer, self.factor = IMPLEMENTATIONS["rnn-tanh"].gradients, factor

    def forward(self, params, data):
        return self.layer.forward(params, data)

    def backward(self, upstream, cache):
        return self.layer.backward(self.factor * upstream, cache)


def test_a_peer_checks_a_layer_by_its_upstream(peer):
    assert peer.accepts(problem_of("rnn-tanh"), Scaled(1), middle("rnn-tanh")) is True
    assert peer.accepts(problem_of("rnn-tanh"), Scaled(2), middle("rnn-tanh")) is False


def test_a_peer_holds_constant_what_the_loss_does(peer):
    """The state a truncated pass starts from depends on the parameters; its derivative is no part of the gradient."""
    key, place = "sine-rnn-truncated", Place.of({"n": 2, "m": 1, "T": 20})
    point = draw_point(problem_of(key), place)
    moved = {name: param + 0.1 for name, param in point.params.items()}
    (here,), (there,) = (problem_of(key).frozen(params, point.data).values() for params in (point.params, moved))
    assert not np.allclose(here, there)
    assert peer.accepts(problem_of(key), IMPLEMENTATIONS[key].gradients, place) is True


def test_code_that_raises_or_returns_something_else_is_rejected_by_a_peer(peer):
    def raising(params, data):
        raise ArithmeticError

    for code in (raising, lambda params, data: None, lambda params, data: {"w": np.zeros(3)}):
        assert peer.accepts(problem_of(KEY), code, middle(KEY)) is False


@pytest.mark.parametrize("formula", [f for f in both if IMPLEMENTATIONS[f.key].output is not None], ids=name)
def test_the_output_of_a_layer_is_one_array_as_peers_take_it(formula):
    point = draw_point(problem_of(formula.key), middle(formula.key))
    assert isinstance(problem_of(formula.key).output(point.params, point.data), np.ndarray)


def test_a_checker_that_is_not_installed_is_said_to_be_missing():
    class Missing(Saying):
        name, distribution = "some check", "no-such-distribution"

    missing = not_run(Missing(True))
    assert (missing["status"], missing["not_run"]) == ("inconclusive", "no-such-distribution is not installed")
    assert missing["kills"] == missing["alarms"] == {}


# The records ----------------------------------------------------------------------------------------------------------


def test_a_survivor_needs_a_reason(measured):
    assert record(*measured, {})["status"] == "fail"
    unexplained = [finding["detail"] for finding in record(*measured, {})["findings"]]
    assert any("unchanged: survives" in detail for detail in unexplained)
    explained = record(*measured, {(KEY, "unchanged"): "It is right."})
    assert explained["survivors"] == [{"name": "unchanged", "formula": KEY, "kind": "none", "reason": "It is right."}]
    assert [finding["detail"] for finding in explained["findings"]] == [
        "kills 1 of 2 wrong gradients, fewer than 99.5%"
    ]


def test_a_reason_for_what_is_killed_is_out_of_date(measured):
    found = record(*measured, {(KEY, "unchanged"): "", (KEY, "doubled"): "Nobody sees it."})["findings"]
    assert any("doubled: has a reason" in finding["detail"] for finding in found)


def test_a_false_alarm_of_gradproof_is_a_finding():
    (outcome,) = outcomes([Saying(False)], [], points.tenth()[:1])
    assert "a false alarm at" in record(Saying(False), outcome, [1.0, 2.0], {})["findings"][0]["detail"]


def test_a_record_counts_by_kind_and_is_a_line_of_results(measured):
    written = json.loads(line(record(*measured, {})))
    assert written["key"] == "power: gradproof"
    assert written["kills"] == {"factor": [1, 1], "none": [0, 1]}
    assert written["kills_at_one_point"] == {"factor": [1, 1], "none": [0, 1]}
    assert written["milliseconds"]["low"] <= written["milliseconds"]["median"] <= written["milliseconds"]["high"]


def test_the_tables_show_a_dash_for_what_is_missing(measured):
    records = [record(*measured, {}), *(not_run(checker) for checker in CHECKERS[1:])]
    lines = list(table.lines(records))
    (factor, *_) = [row for row in lines if row.startswith("factor (1)")]
    assert factor.split()[2:] == ["100", *["-"] * len(CHECKERS[1:])]
    assert any("unchanged (none)" in row for row in lines)


def test_the_tables_of_the_whole_corpus_fit():
    fates = tuple(Fate((w.key, w.name), w.kind, killed=True, at_one_point=False) for w in corpus.CORPUS)
    answers = tuple(Answer(point, accepts=False) for point in points.points())
    records = [record(checker, Outcome(fates, answers), [1e4, 2e4], {}) for checker in CHECKERS]
    assert max(map(len, table.lines(records))) <= table.WIDTH
