"""docs/classroom.md: the assignment is one, the commands are understood, and the tests for Otter grade."""

import re
import shlex
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from gradproof.commands import command_line
from gradproof.documents import catalogue
from gradproof.grading.assignment import read

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "classroom.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_the_assignment_can_be_graded_by(tmp_path):
    path = tmp_path / "assignment.toml"
    path.write_text(*blocks("toml"), "utf-8")
    assignment = read(path, catalogue())
    first, second = assignment.parts
    assert (first.key, first.points, first.whole_costs, first.visibility) == ("logistic-regression", 4, 1, "visible")
    assert (second.name, second.terms.sizes, second.whole_costs) == ("RNN", {"m": 1}, 0.2)


@pytest.mark.parametrize("command", re.findall(r"gradproof (?:check|grade|list) [^\n`]*", PAGE))
def test_every_command_is_understood(command):
    command_line().parse_args(shlex.split(command)[1:])


def right(params, data):
    a = 1 / (1 + np.exp(-(data["X"] @ params["w"] + params["b"])))
    delta = (a - data["y"]) / len(a)
    return {"w": data["X"].T @ delta, "b": delta.sum()}


def wrong(params, data):
    return {name: gradient * len(data["y"]) ** (name == "b") for name, gradient in right(params, data).items()}


def test_the_tests_for_otter_pass_right_code_and_refuse_wrong_one(monkeypatch):
    """Without Otter, whose decorator only keeps what it is given."""
    otter = ModuleType("otter.test_files")
    otter.test_case = lambda **given: lambda function: function
    monkeypatch.setitem(sys.modules, "otter", ModuleType("otter"))
    monkeypatch.setitem(sys.modules, "otter.test_files", otter)
    space = {}
    for block in blocks("python"):
        exec(block, space)
    space["test_gradients"](right)
    with pytest.raises(AssertionError, match="the gradient of b is wrong"):
        space["test_gradients"](wrong)
    space["test_gradient_of_w"](wrong)
    with pytest.raises(AssertionError, match="the gradient of w is wrong"):
        space["test_gradient_of_w"](
            lambda params, data: {"w": -right(params, data)["w"], "b": right(params, data)["b"]}
        )
