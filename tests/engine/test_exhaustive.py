"""An exhaustive check: it goes on after what is wrong, and calls only those parameters right that are so everywhere."""

import numpy as np
import pytest

from gradproof import Budget, Problem, verify
from gradproof.oracles import all_oracles
from gradproof.witnesses import REFEREE
from tests.engine.test_oracles import Liar

FEW = Budget("few", 8, 100)


def loss(params, data):
    return np.mean((data["X"] @ params["w"] + params["b"] - data["y"]) ** 2)


def gradients(params, data):
    delta = 2 * (data["X"] @ params["w"] + params["b"] - data["y"]) / len(data["y"])
    return {"w": data["X"].T @ delta, "b": delta.sum()}


def draw(sizes, rng):
    m, n = sizes["m"], sizes["n"]
    return {"w": rng.normal(size=n), "b": rng.normal()}, {"X": rng.normal(size=(m, n)), "y": rng.normal(size=m)}


PROBLEM = Problem(name="line", loss=loss, sizes={"m": (1, 7), "n": (1, 5)}, draw=draw)


class Stale:
    """The right gradients the first time, and then the gradient of b from memory."""

    def __init__(self):
        self.kept = {}

    def __call__(self, params, data):
        right = gradients(params, data)
        shape = data["X"].shape, right["b"].dtype
        return {"w": -right["w"], "b": self.kept.setdefault(shape, right["b"]).copy()}


def changed(**how):
    def code(params, data):
        right = gradients(params, data)
        return {name: how[name](g, params, data) if name in how else g for name, g in right.items()}

    return code


def raising_at(m):
    def code(params, data):
        if len(data["y"]) == m:
            raise ValueError("seven rows")
        return gradients(params, data) | {"w": -gradients(params, data)["w"]}

    return code


def only_at(m, change):
    return lambda g, params, data: change(g) if len(data["y"]) == m else g


def unseen_where_w_is_wrong(g, params, data):
    """Wrong at the largest sizes alone, where the gradient of w is wrong as well."""
    return g * 2 if data["X"].shape == (7, 5) else g


CASES = {
    "right": (gradients, {"w", "b"}, set()),
    "one wrong everywhere": (changed(w=lambda g, *_: -g), {"b"}, {("value", "w")}),
    "the other wrong at one size": (
        changed(w=lambda g, *_: -g, b=only_at(7, lambda g: g + 1)),
        set(),
        {("value", "w"), ("value", "b")},
    ),
    "wrong only where another is": (
        changed(w=lambda g, *_: -g, b=unseen_where_w_is_wrong),
        set(),
        {("value", "w"), ("value", "b")},
    ),
    "not returned at one size": (
        changed(w=lambda g, *_: -g, b=only_at(7, lambda g: None)),
        set(),
        {("value", "w"), ("missing", "b")},
    ),
    "of another dtype": (changed(b=lambda g, *_: np.float64(g)), {"w"}, {("dtype", "b")}),
    "from memory": (Stale(), set(), {("value", "w"), ("value", "b"), ("stale", "b")}),
    "raising at one size": (raising_at(7), set(), {("value", "w"), ("exception", None)}),
    "returning too much": (lambda p, d: gradients(p, d) | {"X": d["X"].copy()}, {"w", "b"}, {("unexpected", "X")}),
}


@pytest.mark.parametrize("case", CASES)
def test_only_what_is_right_at_every_point_is_called_so(case):
    code, right, wrong = CASES[case]
    verdict = verify(PROBLEM, code, budget=FEW, exhaustive=True)
    assert set(verdict.correct) == right
    assert {(finding.kind, finding.parameter) for finding in verdict.findings} == wrong
    assert verdict.passed == (not wrong)


def test_the_points_are_those_that_a_right_gradient_is_tried_at():
    """A gradient that is wrong at one random point only is found: the search does not end at what is wrong before."""
    seen = []

    def watching(params, data):
        seen.append(data["X"].tobytes())
        return gradients(params, data)

    verify(PROBLEM, watching, budget=FEW)
    right = set(seen)
    seen.clear()
    verify(PROBLEM, lambda p, d: watching(p, d) | {"w": np.zeros_like(p["w"])}, budget=FEW, exhaustive=True)
    assert right <= set(seen)


def test_each_finding_is_shown_once_and_at_the_smallest_sizes_that_have_it():
    verdict = verify(PROBLEM, CASES["the other wrong at one size"][0], budget=FEW, exhaustive=True)
    sizes = {finding.parameter: dict(finding.place.sizes) for finding in verdict.findings}
    assert len(verdict.findings) == 2
    assert sizes == {"w": {"m": 1, "n": 1}, "b": {"m": 7, "n": 1}}


def test_nothing_is_right_where_no_point_could_be_judged():
    nowhere = Problem(name="nowhere", loss=loss, sizes=PROBLEM.sizes, draw=draw, domain=lambda params, data: False)
    verdict = verify(nowhere, gradients, budget=FEW, exhaustive=True)
    assert (verdict.status, verdict.correct) == ("inconclusive", ())


class LiesLater(Liar):
    asked = 0

    def estimate(self, problem, point, known):
        self.asked += 1
        return (self.oracle if self.asked == 1 else super()).estimate(problem, point, known)


def test_nothing_is_right_where_the_oracles_contradict_each_other(monkeypatch):
    oracles = {name: LiesLater(oracle) if name == REFEREE else oracle for name, oracle in all_oracles().items()}
    monkeypatch.setattr("gradproof.witnesses.all_oracles", lambda: oracles)
    verdict = verify(PROBLEM, gradients, budget=Budget("few", 8, 5), exhaustive=True)
    assert verdict.points == 5
    assert (verdict.status, verdict.correct) == ("inconclusive", ())


def test_a_check_that_stops_at_what_is_wrong_calls_nothing_right():
    assert verify(PROBLEM, gradients, budget=FEW).correct is None
