"""Lab 9 from end to end: its class, solved, passes; each of its six gradient methods, broken alone, is named."""

import re
from pathlib import Path

import pytest

from gradproof.submission import Terms, check_file
from tests.catalogue import FORMULAS, IMPLEMENTATIONS

pytest.importorskip("torch")

KEY = "rnn-tanh-last-squared"
SOLVED = (Path(__file__).parent / "lab9" / "solved.py").read_text(encoding="utf-8")

BROKEN = {
    "_compute_grad_h": (
        "self.w.T @ ((1 - hidden[i + 1] ** 2)",
        "self.w @ ((1 - hidden[i + 1] ** 2)",
        {"W", "U", "b"},
        r"with W where W\^T belongs",
    ),
    "_compute_grad_h, the slope": (
        "(1 - hidden[i + 1] ** 2) * grad_h[i + 1]",
        "(1 - hidden[i] ** 2) * grad_h[i + 1]",
        {"W", "U", "b"},
        r"with h\[t\] where h\[t \+ 1\] belongs",
    ),
    "_compute_grad_c": (
        "return 2 * (y_pred - y_true)\n",
        "return y_pred - y_true\n",
        {"c"},
        "half|divided by 2|factor 2",
    ),
    "_compute_grad_b": ("grad_b += ", "grad_b = ", {"b"}, r"only t = T of the sum"),
    "_compute_grad_v": (
        "return 2 * (y_pred - y_true) * hidden[-1]",
        "return 2 * (y_true - y_pred) * hidden[-1]",
        {"V"},
        "sign",
    ),
    "_compute_grad_w": (
        "* grad_h[t], hidden[t - 1])",
        "* grad_h[t], hidden[t])",
        {"W"},
        r"with h\[t\] where h\[t - 1\] belongs",
    ),
    "_compute_grad_u": (
        "(1 - hidden[t] ** 2) * grad_h[t], x[t])",
        "grad_h[t], x[t])",
        {"U"},
        r"without the factor 1 - h\[t\]\^2",
    ),
}
"""Method -> what stands in the solution, what stands in its place, whose gradients are wrong, what is said of them."""


def answer(folder, text):
    path = folder / "lab9.py"
    path.write_text(text, encoding="utf-8")
    return check_file(FORMULAS[KEY], IMPLEMENTATIONS[KEY], path, "RNN", Terms(budget="quick"))


def test_the_solved_class_passes(tmp_path):
    found = answer(tmp_path, SOLVED)
    assert found.status == "pass", found.verdict or found.refused
    assert found.sizes == {"m": 1}, "the class has one output"


@pytest.mark.parametrize("method", BROKEN)
def test_a_broken_method_is_found_and_named(method, tmp_path):
    right, wrong, parameters, words = BROKEN[method]
    assert SOLVED.count(right) == 1
    found = answer(tmp_path, SOLVED.replace(right, wrong))
    assert found.status == "fail"
    assert {finding.parameter for finding in found.verdict.findings} == parameters
    assert len(found.verdict.diagnosis) == 1
    assert re.search(words, found.verdict.diagnosis[0]), found.verdict.diagnosis
    assert set(re.findall(r"\bd(\w+)\b(?=.* equal)", found.verdict.diagnosis[0])) == parameters
