"""Somebody's file in a process of its own: whatever it does, there is an answer, soon, and it is none it could fake."""

import os
import re
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from textwrap import dedent

import numpy as np
import pytest

from gradproof import Problem, verify
from gradproof.candidate import Candidate, Crashed
from gradproof.errors import InvalidProblem
from gradproof.isolation import Isolated, Limits
from gradproof.loading import CannotLoad
from gradproof.problem import Place
from gradproof.sampling import Budget, draw_point
from gradproof.styles import adapt
from gradproof.styles.from_problem import contract_of
from gradproof.verdict import KINDS
from tests.catalogue import FORMULAS, IMPLEMENTATIONS
from tests.engine.hostile import AT_IMPORT, FORGED, HARMLESS, IN_A_CALL, PATCHED, RIGHT, forging
from tests.engine.wrong_gradients import WRONG

POSIX = pytest.mark.skipif(os.name != "posix", reason="these files use what only POSIX systems have")

AMPLE = Limits(seconds=60, import_seconds=60, memory=2**29)
"""So that nothing but an endless loop is too slow, on a busy machine either."""

SHORT = Limits(seconds=1, import_seconds=2, memory=2**29)

FEW = Budget("few", random=2, witness_every=10**9)


def draw(sizes, rng):
    return {"w": rng.normal(size=sizes["n"])}, {"x": rng.normal(size=sizes["n"])}


line = Problem(name="line", loss=lambda p, d: np.sum((p["w"] * d["x"]) ** 2), sizes={"n": (1, 4)}, draw=draw)


@pytest.fixture
def isolated(tmp_path):
    """The text of a file, as code under test in a process of its own."""

    @contextmanager
    def started(text, problem=line, name=None, limits=AMPLE):
        path = tmp_path / "theirs.py"
        path.write_text(dedent(text), encoding="utf-8")
        with Isolated(path, name, limits).started(problem, contract_of(problem)) as candidate:
            yield candidate

    return started


# Hostile files ------------------------------------------------------------------------------------------------------


@POSIX
@pytest.mark.parametrize("file", IN_A_CALL, ids=repr)
def test_a_file_that_misbehaves_in_a_call_fails_with_a_clear_finding(file, isolated):
    with isolated(file.text, limits=SHORT if file.endless else AMPLE) as candidate:
        verdict = verify(line, candidate, budget=FEW)
    assert verdict.status == "fail"
    found = [(finding.kind, finding.detail) for finding in verdict.findings]
    assert any(re.fullmatch(file.kind, kind) and re.search(file.detail, detail) for kind, detail in found), found


@pytest.mark.parametrize("answer", FORGED)
def test_an_answer_that_is_none_is_not_taken_for_one(answer, isolated):
    with isolated(forging(FORGED[answer]).text) as candidate:
        verdict = verify(line, candidate, budget=FEW)
        assert verdict.status == "fail"
        assert "Traceback" not in str(verdict)
    assert re.search("the process broke the protocol|no gradient of w|a object, not", str(verdict)), verdict


@POSIX
@pytest.mark.parametrize("file", AT_IMPORT, ids=repr)
def test_a_file_that_misbehaves_at_its_import_cannot_be_loaded_and_one_line_says_why(file, isolated):
    with pytest.raises(CannotLoad) as refusal, isolated(file.text, limits=SHORT if file.endless else AMPLE):
        pass
    assert re.search(f"theirs.py cannot be imported: {file.detail}", str(refusal.value))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("file", PATCHED, ids=repr)
def test_what_a_file_does_to_numpy_and_python_changes_no_verdict(file, isolated):
    try:
        with isolated(file.text) as candidate:
            verdict = verify(line, candidate, budget=FEW)
    except CannotLoad:
        assert not file.detail
    else:
        assert verdict.status == "fail"
        assert re.search(file.detail, str(verdict)), verdict


@POSIX
@pytest.mark.parametrize("file", HARMLESS, ids=repr)
def test_an_odd_file_that_is_right_passes_and_its_end_is_not_waited_for(file, isolated, tmp_path):
    (tmp_path / "beside.py").write_text(dedent(RIGHT), encoding="utf-8")
    with isolated(file.text) as candidate:
        assert verify(line, candidate, budget=FEW).passed
        leaving = time.monotonic()
    assert time.monotonic() - leaving < 5


def test_a_loop_without_end_costs_its_limit_once_and_not_at_each_point(isolated):
    text = "def gradients(params, data):\n    while params: pass"
    with isolated(text, limits=replace(AMPLE, seconds=2)) as candidate:
        verdict = verify(line, candidate, budget="standard")
        assert candidate.dead == "no answer within 2 s"
    assert verdict.seconds < 4


def test_code_that_dies_is_started_once_more_and_then_given_up(isolated, tmp_path):
    starts = tmp_path / "starts"
    text = f"""
        import os
        with open({str(starts)!r}, "a") as file:
            file.write("x")
        def gradients(params, data):
            if len(data["x"]) == 3:
                os._exit(7)
            return {{"w": 2 * params["w"] * data["x"] ** 2}}
    """
    with isolated(text) as candidate:
        starts.write_text("")
        verdict = verify(line, candidate, budget="standard")
        assert candidate.dead
    assert starts.read_text() == "x"
    assert [(f.kind, dict(f.place.sizes)) for f in verdict.findings] == [("exception", {"n": 3})]


# The same as here ---------------------------------------------------------------------------------------------------


def of_each_kind():
    """One wrong gradient for each kind of finding."""
    return {kind: next(k for k, wrong in enumerate(WRONG) if kind in wrong.kinds) for kind in KINDS}


@pytest.mark.parametrize(("kind", "place"), of_each_kind().items())
def test_what_is_wrong_is_found_as_it_is_in_this_process(kind, place, isolated):
    wrong = WRONG[place]
    problem = FORMULAS[wrong.key].problem(IMPLEMENTATIONS[wrong.key])
    here = verify(problem, adapt(wrong.make(), contract_of(problem)).code, budget=FEW)
    text = f"from tests.engine.wrong_gradients import WRONG\ngradients = WRONG[{place}].make()\n"
    with isolated(text, problem) as candidate:
        there = verify(problem, candidate, budget=FEW)
    assert list(map(str, there.findings)) == list(map(str, here.findings))
    assert (there.status, there.points) == (here.status, here.points)


@pytest.mark.parametrize("key", ["multiple-linear-regression", "vector-chain-rule", "rnn-tanh"])
def test_what_is_right_passes_at_as_many_points_and_no_bit_is_another(key, isolated):
    record = IMPLEMENTATIONS[key]
    problem = FORMULAS[key].problem(record)
    problem = replace(
        problem, pinned=(), sizes={n: (low, min(high, low + 2)) for n, (low, high) in problem.sizes.items()}
    )
    text = f"from tests.catalogue import IMPLEMENTATIONS\ngradients = IMPLEMENTATIONS[{key!r}].gradients\n"
    here = verify(problem, record.gradients, budget=FEW)
    with isolated(text, problem) as candidate:
        there = verify(problem, candidate, budget=FEW)
        assert (there.status, there.points) == ("pass", here.points)
        for layout in ("C", "F", "strided"):
            point = draw_point(problem, Place.of({n: high for n, (_, high) in problem.sizes.items()}, layout=layout))
            assert same(candidate.gradients(point)[1], Candidate(problem, record.gradients).gradients(point)[1])


def same(one, other):
    return one.keys() == other.keys() and all(one[n].tobytes() == other[n].tobytes() for n in one)


def test_arrays_arrive_in_the_layout_in_which_they_were_sent(isolated):
    text = """
        import numpy as np
        def gradients(params, data):
            seen = data["word"] == "abc", type(data["k"]) is int, len(data["l"])
            return {"w": np.array([*params["w"].strides, *seen])}
    """
    problem = Problem(
        name="any",
        loss=lambda p, d: np.sum(p["w"]),
        sizes={},
        draw=lambda s, rng: ({"w": rng.normal(size=(3, 2))}, {"word": "abc", "k": 7, "l": [np.arange(2), (1.5, None)]}),
    )
    with isolated(text, problem) as candidate:
        for layout, strides in {"C": (16, 8), "F": (8, 24), "strided": (64, 16)}.items():
            point = draw_point(problem, Place.of({}, layout=layout))
            assert candidate.gradients(point)[1]["w"].tolist() == [*strides, 1, 1, 2]


def test_data_that_cannot_be_sent_is_the_problems_mistake(isolated):
    problem = replace(line, draw=lambda s, rng: (draw(s, rng)[0], {**draw(s, rng)[1], "f": np.tanh}))
    with (
        isolated("def gradients(params, data): return {}", problem) as candidate,
        pytest.raises(InvalidProblem, match="line: the data hold a ufunc, which code in a process of its own"),
    ):
        verify(problem, candidate)


def test_neither_side_keeps_what_is_no_longer_needed(isolated):
    text = """
        import gc
        import numpy as np
        memory = [thing for thing in gc.get_objects() if type(thing).__name__ == "Memory"]
        class TwoPasses:
            def forward(self, params, data):
                return 0.0, np.zeros(1)
            def backward(self, params, data, cache):
                return {"w": np.float64(len(memory[0].kept))}
        gradients = TwoPasses()
    """
    with isolated(text) as candidate:
        kept = [candidate.gradients(draw_point(line, Place.of({"n": 2}, seed=k)))[1]["w"] for k in range(40)]
        handles = candidate.code.handles
        assert len(handles.entries) == 0
    assert max(kept) <= 6


# The process --------------------------------------------------------------------------------------------------------


def test_the_process_imports_numpy_and_nothing_that_takes_long(isolated):
    text = """
        import sys
        heavy = {"sympy", "hypothesis", "pytest", "torch", "matplotlib"} & sys.modules.keys()
        def gradients(params, data):
            assert not heavy, heavy
            return {"w": 2 * params["w"] * data["x"] ** 2}
    """
    with isolated(text) as candidate:
        verify(line, candidate, budget=FEW).require()


def test_its_folder_input_arguments_and_name_are_those_of_a_file_that_is_run_there(isolated, tmp_path):
    text = """
        import os, sys
        assert os.getcwd() == os.path.dirname(__file__) == sys.path[0]
        assert sys.argv == [__file__]
        assert sys.stdin.read() == ""
        assert __name__ != "__main__"
        def gradients(params, data): return {}
    """
    with isolated(text) as candidate:
        assert candidate.source.text == dedent(text)
        assert (candidate.source.file, candidate.source.name) == ("theirs.py", "gradients")
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.py"]


@POSIX
def test_what_it_started_ends_with_it(isolated, tmp_path):
    beats = tmp_path / "beats"
    text = f"""
        import subprocess
        subprocess.Popen(["sh", "-c", "while :; do echo >> {beats}; sleep 0.01; done"])
        def gradients(params, data): return {{}}
    """
    with isolated(text):
        wait_for(lambda: beats.exists())
    last = beats.stat().st_size
    time.sleep(0.2)
    assert beats.stat().st_size == last


def wait_for(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@POSIX
def test_a_cache_does_not_outlive_its_process(isolated):
    text = """
        import os
        class TwoPasses:
            def forward(self, params, data):
                return 0.0, None
            def backward(self, params, data, cache):
                os._exit(3)
        gradients = TwoPasses()
    """
    point = draw_point(line, Place.of({"n": 2}))
    with isolated(text) as candidate:
        _, cache = candidate.forward(point)
        for message in ("ended itself with status 3", "the process that had the cache of the forward pass is gone"):
            with pytest.raises(Crashed, match=message):
                candidate.backward(point, cache)
            candidate.forward(point)


def test_what_a_system_does_not_limit_is_said(monkeypatch):
    assert Limits().not_kept() == () or sys.platform != "linux"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "resource", None)
    (sentence,) = Limits().not_kept()
    assert sentence.startswith("memory is not limited on win32")
    Limits(memory=0, file=0).apply()  # this process goes on
    assert np.ones(10).sum() == 10


def test_two_files_of_one_name_are_two(tmp_path):
    for factor in (2, 3):
        path = tmp_path / str(factor) / "mine.py"
        path.parent.mkdir()
        path.write_text(f"def gradients(params, data): return {{'w': {factor} * params['w'] * data['x'] ** 2}}")
    two, three = (Isolated(tmp_path / str(k) / "mine.py").started(line, contract_of(line)) for k in (2, 3))
    with two as right, three as wrong:
        assert verify(line, right, budget=FEW).passed
        assert not verify(line, wrong, budget=FEW).passed
