"""The command gradproof grade: points, partial credit, and a results.json whatever happens."""

import json
from xml.etree import ElementTree

import pytest

from gradproof.commands import main
from gradproof.grading import gradescope

KEY = "logistic-regression"
RIGHT = """
import numpy as np

def gradients(params, data):
    a = 1 / (1 + np.exp(-(data["X"] @ params["w"] + params["b"])))
    delta = (a - data["y"]) / len(a)
    return {"w": data["X"].T @ delta, "b": delta.sum()}
"""
SQUARE = "def gradients(params, data):\n    return {'x': 2 * params['x']}\n"
ASSIGNMENT = """
title = "Week 3"
budget = "quick"

[[formula]]
key = "logistic-regression"
file = "logistic.py"
points = 4
partial = { w = 3, b = 1 }

[[formula]]
key = "square"
file = "square.py"
points = 2
"""
OF_THE_SPECIFICATION = {
    "score", "execution_time", "output", "output_format", "visibility", "stdout_visibility", "tests",
}  # fmt: skip
OF_A_TEST = {"score", "max_score", "status", "name", "number", "output", "output_format", "visibility"}


@pytest.fixture
def grade(tmp_path):
    """Grade files by name under an assignment: exit status, results.json, and the root of the JUnit XML if any."""

    def run(files, assignment=ASSIGNMENT, submission=None):
        folder = tmp_path / "submission"
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text, "utf-8")
        (tmp_path / "assignment.toml").write_text(assignment, "utf-8")
        results, junit = tmp_path / "results" / "results.json", tmp_path / "junit.xml"
        words = [submission or folder, "--assignment", tmp_path / "assignment.toml"]
        words += ["--results", results, "--junit", junit]
        try:
            status = main(["grade", *map(str, words)])
        except SystemExit as exit:
            status = exit.code
        content = json.loads(results.read_text("utf-8"))
        assert not list(results.parent.glob("*.part"))
        return status, content, ElementTree.parse(junit).getroot() if junit.exists() else None

    return run


def scores(content):
    return [test["score"] for test in content["tests"]]


# Points -------------------------------------------------------------------------------------------------------------


def test_all_that_is_right_gets_all_points(grade):
    status, content, junit = grade({"logistic.py": RIGHT, "square.py": SQUARE})
    assert status == 0
    assert (content["score"], scores(content)) == (6, [4, 2])
    assert [test["status"] for test in content["tests"]] == ["passed", "passed"]
    assert not junit.findall(".//failure") + junit.findall(".//error")


def test_the_results_are_in_the_form_that_gradescope_reads(grade):
    _, content, _ = grade({"logistic.py": RIGHT, "square.py": SQUARE})
    assert content.keys() == OF_THE_SPECIFICATION
    assert all(test.keys() == OF_A_TEST for test in content["tests"])
    assert {test["output_format"] for test in [content, *content["tests"]]} == {"text"}
    assert [test["number"] for test in content["tests"]] == ["1", "2"]
    assert content["stdout_visibility"] == "hidden"


def test_a_parameter_gets_its_share_where_the_other_is_wrong(grade):
    status, content, junit = grade(
        {"logistic.py": RIGHT.replace("delta.sum()", "2 * delta.sum()"), "square.py": SQUARE}
    )
    assert status == 0
    assert scores(content) == [3, 2]
    first = content["tests"][0]
    assert first["status"] == "failed"
    assert first["output"].splitlines()[:2] == [
        "w: 3 of 3",
        "b: 0 of 1: the gradient of b is wrong in 1 of 1 entries",
    ]
    failed = {
        (case.get("classname"), case.get("name")) for case in junit.iter("testcase") if case.find("failure") is not None
    }
    assert failed == {(KEY, "all gradients"), (KEY, "gradient of b")}


def test_without_partial_credit_one_wrong_gradient_costs_all(grade):
    whole = ASSIGNMENT.replace("partial = { w = 3, b = 1 }", "")
    _, content, _ = grade({"logistic.py": RIGHT.replace("delta.sum()", "-delta.sum()"), "square.py": SQUARE}, whole)
    assert scores(content) == [0, 2]


def test_a_parameter_that_is_wrong_at_one_size_only_gets_nothing(grade):
    rarely = RIGHT.replace("delta.sum()", "delta.sum() + (len(a) == 9)").replace('X"].T @ delta', 'X"].T @ -delta')
    _, content, _ = grade({"logistic.py": rarely, "square.py": SQUARE})
    assert scores(content) == [0, 2]


WITH_ANOTHER_LOSS = """
import numpy as np

class Model:
    def forward(self, params, data):
        a = 1 / (1 + np.exp(-(data["X"] @ params["w"] + params["b"])))
        return a.sum(), a

    def backward(self, params, data, a):
        delta = (a - data["y"]) / len(a)
        return {"w": data["X"].T @ delta, "b": delta.sum()}
"""


@pytest.mark.parametrize(("costs", "score"), [("", 0), ("whole_costs = 0.25", 3), ("whole_costs = 0", 4)])
def test_another_loss_costs_what_the_assignment_says(grade, costs, score):
    assignment = ASSIGNMENT.replace("points = 4", f"points = 4\n{costs}")
    _, content, junit = grade({"logistic.py": WITH_ANOTHER_LOSS, "square.py": SQUARE}, assignment)
    assert scores(content) == [score, 2]
    assert content["tests"][0]["status"] == "failed"
    failed = [case.get("name") for case in junit.iter("testcase") if case.find("failure") is not None]
    assert failed == ["all gradients"]


def test_an_exception_at_one_size_leaves_no_parameter_right(grade):
    """What the gradients would have been there, nobody knows."""
    raising = RIGHT.replace("    return", "    assert len(a) != 9\n    return")
    assignment = ASSIGNMENT.replace("points = 4", "points = 4\nwhole_costs = 0")
    _, content, _ = grade({"logistic.py": raising, "square.py": SQUARE}, assignment)
    assert scores(content) == [0, 2]
    assert "w: 0 of 3: not returned at every point: AssertionError" in content["tests"][0]["output"]


def test_the_sizes_of_the_assignment_are_the_only_ones(grade):
    assignment = ASSIGNMENT.replace("points = 4", "points = 4\nsizes = { m = 1 }")
    _, content, _ = grade({"logistic.py": RIGHT.replace("/ len(a)", ""), "square.py": SQUARE}, assignment)
    assert scores(content) == [4, 2]


def test_a_formula_can_be_hidden(grade):
    assignment = ASSIGNMENT.replace("points = 2", 'points = 2\nvisibility = "after_published"')
    _, content, _ = grade({"logistic.py": RIGHT, "square.py": SQUARE}, assignment)
    assert [test["visibility"] for test in content["tests"]] == ["visible", "after_published"]


def test_one_file_can_be_a_submission(grade, tmp_path):
    (tmp_path / "upload.py").write_text(SQUARE, "utf-8")
    assignment = ASSIGNMENT[: ASSIGNMENT.index("[[")] + ASSIGNMENT[ASSIGNMENT.rindex("[[") :]
    assert scores(grade({}, assignment, tmp_path / "upload.py")[1]) == [2]


# Whatever the submission does -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import no_such_module", "No module named 'no_such_module'"),
        ("def gradients(", "SyntaxError"),
        ("raise SystemExit(0)", "SystemExit"),
        ("import os; os._exit(0)", "status 0"),
        ("x = 3", "defines"),
        ("def gradients(params, data):\n    raise ValueError('no\\x00idea \\ud800')", "ValueError: no"),
        ("import os\ndef gradients(params, data):\n    os._exit(0)", "status 0"),
    ],
)
def test_a_file_that_cannot_be_used_gets_nothing_and_the_others_their_points(grade, text, reason):
    status, content, junit = grade({"logistic.py": RIGHT, "square.py": text})
    assert status == 0
    assert scores(content) == [4, 0]
    assert reason in " ".join(content["tests"][1]["output"].split())
    assert "Traceback" not in content["tests"][1]["output"]
    assert [case.get("classname") for case in junit.iter("testcase") if case.find("failure") is not None] == ["square"]


def test_a_file_that_hangs_gets_nothing_within_the_time_limit(grade):
    hanging = "import time\ndef gradients(params, data):\n    time.sleep(3600)"
    status, content, _ = grade({"logistic.py": hanging, "square.py": SQUARE}, "time_limit = 0.5\n" + ASSIGNMENT)
    assert (status, scores(content)) == (0, [0, 2])
    assert "0.5 s" in content["tests"][0]["output"]
    assert content["execution_time"] < 60


def test_a_missing_file_gets_nothing_and_the_message_names_those_that_are_there(grade):
    status, content, _ = grade({"logistic.py": RIGHT, "sqare.py": SQUARE})
    assert (status, scores(content)) == (0, [4, 0])
    assert content["tests"][1]["output"] == (
        "There is no file square.py in the submission; its Python files are: logistic.py, sqare.py."
    )


def test_a_submission_that_is_not_there_gets_nothing(grade, tmp_path):
    status, content, _ = grade({}, submission=tmp_path / "nowhere")
    assert (status, scores(content)) == (0, [0, 0])
    assert "There is no submission at nowhere" in content["tests"][0]["output"]


# Whatever else goes wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("logistic-regression", "logistic-regresion"), "did you mean logistic-regression"),
        (("{ w = 3, b = 1 }", "{ w = 3 }"), "partial must weigh w, b"),
        (("{ w = 3, b = 1 }", "{ w = 0, b = 0 }"), "partial must weigh w, b"),
        (("{ w = 3, b = 1 }", "{ w = 3, b = -1 }"), "weight below 0"),
        (("{ w = 3, b = 1 }", '{ w = 3, b = "one" }'), "partial.b must be a number, not 'one'"),
        (("points = 4", ""), "formula 1: points is missing"),
        (("points = 4", 'points = "four"'), "points must be a number, not 'four'"),
        (("points = 4", "points = true"), "points must be a number, not True"),
        (("points = 4", "points = -4"), "points must be more than 0, not -4"),
        (("points = 4", "points = nan"), "points must be more than 0, not nan"),
        (("points = 4", "points = 4\nwhole_costs = 2"), "whole_costs must be between 0 and 1, not 2"),
        (("points = 4", "points = 4\npoint = 4"), "there is no field 'point'; the fields are "),
        (("points = 4", "points = 4\nsizes = { k = 1 }"), "no size 'k'"),
        (("points = 4", 'points = 4\nvisibility = "never"'), "visibility must be one of visible, "),
        (('"quick"', '"cheap"'), "budget must be one of quick, standard, thorough"),
        (("title = ", "title: "), "is not TOML"),
        ((ASSIGNMENT[ASSIGNMENT.index("[[") :], ""), "names no formula"),
        (("[[formula]]", "[[formulas]]"), "there is no field 'formulas'"),
    ],
)
def test_an_assignment_that_cannot_be_used_gives_no_points_and_says_whose_fault_it_is(grade, capsys, change, message):
    status, content, junit = grade({"logistic.py": RIGHT, "square.py": SQUARE}, ASSIGNMENT.replace(*change))
    assert (status, content["score"], content["tests"], junit) == (2, 0, [], None)
    assert message in content["output"]
    assert "not the submission's fault" in content["output"]
    assert message in capsys.readouterr().err


def test_an_error_of_the_grader_is_told_without_a_traceback_and_the_rest_is_graded(grade, monkeypatch, capsys):
    def broken(*args):
        raise RuntimeError("a mistake in gradproof")

    monkeypatch.setattr("gradproof.grading.grader.grade_of", broken)
    status, content, junit = grade({"logistic.py": RIGHT})
    assert (status, scores(content)) == (1, [0, 0])
    assert "not the submission's fault" in content["tests"][0]["output"]
    assert "Traceback" not in json.dumps(content)
    assert "RuntimeError: a mistake in gradproof" in capsys.readouterr().err
    assert "There is no file square.py" in content["tests"][1]["output"]
    assert len(junit.findall(".//error")) == 1


def test_a_grader_that_is_killed_leaves_what_was_graded_so_far(grade, monkeypatch, tmp_path):
    from gradproof.grading import grader

    def killed(part, *args):
        if part.key == "square":
            raise KeyboardInterrupt
        return first(part, *args)

    first = grader.grade
    monkeypatch.setattr(grader, "grade", killed)
    with pytest.raises(KeyboardInterrupt):
        grade({"logistic.py": RIGHT, "square.py": SQUARE})
    content = json.loads((tmp_path / "results" / "results.json").read_text("utf-8"))
    assert (content["score"], scores(content)) == (4, [4, 0])
    assert content["tests"][1]["output"] == gradescope.INTERRUPTED


def test_a_grader_that_is_killed_at_once_leaves_a_result_without_points(grade, monkeypatch, tmp_path):
    def killed(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("gradproof.documents.catalogue", killed)
    with pytest.raises(KeyboardInterrupt):
        grade({})
    content = json.loads((tmp_path / "results" / "results.json").read_text("utf-8"))
    assert (content["score"], content["tests"]) == (0, [])


def test_results_that_cannot_be_written_end_the_command_with_status_2(tmp_path, capsys):
    (tmp_path / "file").write_text("", "utf-8")
    words = [tmp_path, "--assignment", tmp_path / "a.toml", "--results", tmp_path / "file" / "results.json"]
    with pytest.raises(SystemExit) as exit:
        main(["grade", *map(str, words)])
    assert exit.value.code == 2
    assert "cannot be written" in capsys.readouterr().err


def test_characters_that_xml_cannot_hold_are_replaced(grade):
    status, content, junit = grade({}, ASSIGNMENT.replace("Week 3", r"Week\u0001 3"))
    assert (status, content["output"]) == (0, "Week\x01 3")
    assert junit.find("testsuite").get("name") == "Week? 3"
