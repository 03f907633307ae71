"""The command gradproof: what list, template and check print, leave behind and exit with."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from gradproof import documents
from gradproof.commands import main
from gradproof.commands.console import CannotAnswer
from gradproof.commands.facts import Facts
from gradproof.commands.template import FUNCTION, OBJECT, starting_file
from gradproof.excerpt import CannotExcerpt, excerpt
from gradproof.problem import Place
from gradproof.sampling import draw_point, middle_sizes
from gradproof.submission import Terms, check_file
from tests.catalogue import FORMULAS, IMPLEMENTATIONS

RIGHT = """
import numpy as np

def gradients(params, data):
    a = 1 / (1 + np.exp(-(data["X"] @ params["w"] + params["b"])))
    delta = (a - data["y"]) / len(a)
    return {"w": data["X"].T @ delta, "b": delta.sum()}
"""
WRONG = RIGHT.replace("/ len(a)", "")
KEY = "logistic-regression"


@pytest.fixture
def run(capsys):
    """Run the command; its exit status and what it printed on both streams."""

    def command(*words):
        try:
            status = main([str(word) for word in words])
        except SystemExit as exit:
            status = exit.code
        return status, *capsys.readouterr()

    return command


@pytest.fixture
def file(tmp_path):
    def write(text, name="mine.py"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def facts(key):
    return Facts(FORMULAS[key], IMPLEMENTATIONS[key])


# list ---------------------------------------------------------------------------------------------------------------


def test_the_list_has_every_formula_with_its_gradient_parameters_and_data(run):
    status, printed, _ = run("list")
    assert status == 0
    lines = printed.splitlines()
    heads = [line.split()[0] for line in lines[1:-1] if not line.startswith(" ")]
    assert heads == list(FORMULAS)
    below = lines[lines.index(next(line for line in lines if line.startswith(KEY + " "))) :]
    assert below[1:6] == [
        "    rows       A4",
        "    parameters w (n,), b (a number)",
        "    data       X (m, n), y (m,)",
        "    dw[q] = sum[i = 0..m - 1]((a[i] - y[i])*X[i, q])/m",
        "    db = sum[i = 0..m - 1](a[i] - y[i])/m",
    ]
    assert all(len(line) <= 120 for line in lines)


def test_the_columns_of_the_list_are_aligned(run):
    _, printed, _ = run("list")
    head, *lines = (line for line in printed.splitlines()[:-1] if not line.startswith(" "))
    column = head.index("title")
    assert all(line[column - 2 : column] == "  " and line[column] != " " for line in lines)


def test_one_formula_is_listed_with_all_its_equations_and_its_source(run):
    status, printed, _ = run("list", "sentiment-rnn")
    assert status == 0
    formula = FORMULAS["sentiment-rnn"]
    assert formula.source in printed
    assert formula.domain_text in printed
    assert "label (an integer)" in printed
    assert "h[t, i] = tanh(" in printed
    assert "nabla_o[v] = exp(o[v])/sum[l = 0..m - 1](exp(o[l])) - delta(label, v)" in printed


def test_the_upstream_gradient_of_a_layer_is_listed_with_its_shape(run):
    assert "upstream (T, m)" in run("list", "rnn-tanh")[1]


def test_a_formula_whose_data_no_other_process_can_be_given_is_said_to_be_one():
    formula = replace(FORMULAS[KEY], draw=lambda sizes, rng: ({"w": rng.normal(size=sizes["n"])}, {"f": np.sin}))
    with pytest.raises(CannotAnswer, match="no arrays, numbers or text"):
        _ = Facts(formula, IMPLEMENTATIONS[KEY]).parameters


def test_the_list_as_json_has_shapes_and_statement(run):
    status, printed, _ = run("list", "rnn-tanh-last-squared", "--json")
    assert status == 0
    (record,) = json.loads(printed)
    assert record["parameters"] == {"W": "(n, n)", "U": "(n, d)", "V": "(m, n)", "b": "(n,)", "c": "(m,)"}
    assert record["data"] == {"x": "(T, d)", "y": "(m,)"}
    assert record["sizes"] == {"n": [1, 5], "d": [1, 4], "m": [1, 3], "T": [1, 8]}
    assert record["statement"] == FORMULAS["rnn-tanh-last-squared"].printed
    assert record["layer"] is False


# template -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", FORMULAS)
def test_an_unfilled_template_runs_and_is_told_that_each_gradient_is_missing(key, file):
    formula, implementation = FORMULAS[key], IMPLEMENTATIONS[key]
    at = Place.of(middle_sizes(formula.problem(implementation)))
    answer = check_file(formula, implementation, file(starting_file(facts(key))), None, Terms(at=at))
    assert answer.status == "fail"
    parameters = facts(key).contract.params
    assert [(each.kind, each.parameter) for each in answer.verdict.findings] == [("missing", p) for p in parameters]


@pytest.mark.parametrize("key", FORMULAS)
def test_the_loss_in_a_template_is_that_of_the_check(key):
    formula, implementation = FORMULAS[key], IMPLEMENTATIONS[key]
    given = implementation.output or implementation.loss
    space = {}
    exec(compile(starting_file(facts(key)), "<template>", "exec"), space)
    problem = formula.problem(implementation)
    point = draw_point(problem, Place.of(middle_sizes(problem)))
    data = point.data | (formula.frozen(point.params, point.data) if formula.frozen else {})
    assert np.array_equal(space[given.__name__](point.params, data), given(point.params, data))


@pytest.mark.parametrize("key", [key for key, formula in FORMULAS.items() if formula.frozen is None])
def test_a_template_with_forward_and_backward_has_a_right_forward_pass(key):
    problem = FORMULAS[key].problem(IMPLEMENTATIONS[key])
    space = {}
    exec(compile(starting_file(facts(key), OBJECT), "<template>", "exec"), space)
    point = draw_point(problem, Place.of(middle_sizes(problem)))
    value, cache = space["gradients"].forward(point.params, point.data)
    assert np.array_equal(value, (problem.output or problem.loss)(point.params, point.data))
    arguments = (point.upstream,) if problem.is_layer else (point.params, point.data)
    assert space["gradients"].backward(*arguments, cache) == dict.fromkeys(point.params)


def filled(text, code, gradients):
    """A template with code in the place of its TODO, and expressions in those of the gradients."""
    (todo,) = (line for line in text.splitlines() if line.strip() == "# TODO: compute the gradients here")
    indent = todo[: todo.index("#")]
    text = text.replace(todo, "\n".join(indent + line for line in code.strip().splitlines()))
    for name, expression in gradients.items():
        assert f'"{name}": None,' in text
        text = text.replace(f'"{name}": None,', f'"{name}": {expression},')
    return text


REGRESSION = """
a = 1 / (1 + np.exp(-(X @ w + b)))
delta = (a - y) / len(y)
"""
LAYER = """
delta = upstream * (1 - np.tanh(A @ x + d) ** 2)
"""
NETWORK = """
h = [np.zeros_like(b), *states(params, x, np.tanh)]
nabla_y = 2 * (V @ h[-1] + c - y)
nabla_h, delta = V.T @ nabla_y, []
for t in range(len(x), 0, -1):
    delta.insert(0, (1 - h[t] ** 2) * nabla_h)
    nabla_h = W.T @ delta[0]
"""
SOLVED = {
    KEY: (REGRESSION, {"w": "X.T @ delta", "b": "delta.sum()"}),
    "vector-chain-rule": (LAYER, {"x": "A.T @ delta"}),
    "rnn-tanh-last-squared": (
        NETWORK,
        {
            "W": "np.transpose(delta) @ h[:-1]",
            "U": "np.transpose(delta) @ x",
            "V": "np.outer(nabla_y, h[-1])",
            "b": "np.sum(delta, axis=0)",
            "c": "nabla_y",
        },
    ),
}


@pytest.mark.parametrize("style", [FUNCTION, OBJECT])
@pytest.mark.parametrize("key", SOLVED)
def test_a_template_that_is_filled_in_right_passes(key, style, run, tmp_path):
    path = tmp_path / "filled.py"
    assert run("template", key, "--style", style, "-o", path)[0] == 0
    path.write_text(filled(path.read_text("utf-8"), *SOLVED[key]), "utf-8")
    status, printed, _ = run("check", path, "--as", key, "--budget", "quick")
    assert status == 0, printed
    assert printed.startswith(f"{key}: PASS")


def test_a_template_does_not_replace_a_file(run, file):
    path = file("somebody's work")
    status, _, said = run("template", KEY, "-o", path)
    assert (status, path.read_text("utf-8")) == (2, "somebody's work")
    assert "is there already" in said


def test_a_loss_that_needs_what_the_code_does_not_get_is_no_object(run):
    status, _, said = run("template", "sine-rnn-truncated", "--style", OBJECT)
    assert status == 2
    assert "write a function" in said


def test_a_function_that_is_not_alone_is_no_excerpt():
    def inside(params, data):
        return 0

    with pytest.raises(CannotExcerpt, match="top level"):
        excerpt(inside)
    with pytest.raises(CannotExcerpt, match="uses KEY"):
        excerpt(uses_a_constant)


def uses_a_constant(params, data):
    return KEY


# check --------------------------------------------------------------------------------------------------------------


def test_a_right_file_passes_with_exit_status_0(run, file):
    status, printed, _ = run("check", file(RIGHT), "--as", KEY, "--budget", "quick")
    assert status == 0
    assert printed.startswith(f"{KEY}: PASS")
    assert "mine.py, taken for a function" in printed
    assert "derivation    worst error 0." in printed
    assert "See it again" not in printed


def test_a_wrong_file_fails_with_the_numbers_and_a_command_that_shows_them_again(run, file):
    path = file(WRONG)
    status, printed, _ = run("check", path, "--as", f"{KEY}:gradients", "--budget", "quick")
    assert status == 1
    assert printed.startswith(f"{KEY}: FAIL")
    numbers = next(line for line in printed.splitlines() if "claimed" in line)
    (command,) = (line for line in printed.splitlines() if "See it again: " in line)
    program, *words = command.partition("See it again: ")[2].replace("'", "").split(" --at ")
    assert program == f"gradproof check {path} --as {KEY}:gradients"
    again, shown, _ = run("check", path, "--as", f"{KEY}:gradients", "--at", words[0])
    assert again == 1
    assert numbers in shown
    assert "(1 point," in shown


def test_what_is_wrong_in_two_formulas_is_told_of_both(run, file):
    status, printed, _ = run("check", file(WRONG), "--as", "square", "--as", KEY, "--budget", "quick")
    assert status == 1
    assert "square: FAIL" in printed
    assert f"\n\n{KEY}: FAIL" in printed


def test_the_sizes_that_are_asked_for_are_the_only_ones(run, file, tmp_path):
    """The mean over one row is the sum, so that what is wrong elsewhere passes, and that is said."""
    status, printed, _ = run("check", file(WRONG), "--as", KEY, "--size", "m=1", "--budget", "quick")
    assert status == 0
    assert "Tried with m = 1 only." in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--as", "logistic-regresion"], "did you mean logistic-regression"),
        (["--as", "xyzzy"], "'gradproof list' shows them all"),
        (["--as", KEY, "--size", "k=1"], "no size 'k'; its sizes are: m, n"),
        (["--as", KEY, "--size", "m"], "not NAME=N"),
        (["--as", KEY, "--size", "m=0"], "must be at least 1"),
        (["--as", KEY, "--at", "nowhere"], "is no place"),
        (["--as", KEY, "--as", f"{KEY}:gradients"], "names a formula twice"),
        (["--as", KEY, "--time-limit", "0"], "must be positive"),
        (["--as", KEY, "--catalogue", "derivations"], "not DERIVATIONS:IMPLEMENTATIONS"),
        (["--as", KEY, "--catalogue", "no_such_package:implementations"], "cannot be imported"),
    ],
)
def test_a_request_that_cannot_be_met_ends_with_status_2_and_one_message(run, file, words, message):
    status, printed, said = run("check", file(RIGHT), *words)
    assert (status, printed) == (2, "")
    assert message in said.splitlines()[-1]


def test_a_file_that_is_not_there_ends_with_status_2(run, tmp_path):
    status, _, said = run("check", tmp_path / "nothing.py", "--as", KEY)
    assert status == 2
    assert f"there is no file {tmp_path / 'nothing.py'}" in said


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        ("import no_such_module", "", "No module named 'no_such_module'"),
        ("def gradients(:", "", "SyntaxError"),
        ("raise SystemExit(0)", "", "SystemExit"),
        (RIGHT, ":gradient", "defines no 'gradient'; it defines gradients"),
        ("gradients = 3", "", "cannot be used"),
    ],
)
def test_a_file_that_cannot_be_used_fails_and_says_why(run, file, tmp_path, text, name, reason):
    report = tmp_path / "report"
    status, printed, _ = run("check", file(text), "--as", KEY + name, "--report-dir", report)
    assert status == 1
    assert printed.startswith(f"{KEY}: FAIL  (nothing could be run)")
    assert reason in " ".join(printed.split())
    (record,) = map(json.loads, (report / "results.jsonl").read_text("utf-8").splitlines())
    assert record["status"] == "fail"
    assert reason in record["findings"][0]["detail"]


def test_a_report_has_the_result_and_how_to_see_it_again(run, file, tmp_path):
    report = tmp_path / "report"
    path = file(WRONG)
    status, printed, _ = run("check", path, "--as", KEY, "--budget", "quick", "--report-dir", report)
    assert status == 1
    (record,) = map(json.loads, (report / "results.jsonl").read_text("utf-8").splitlines())
    assert (record["key"], record["status"], record["source"]) == (KEY, "fail", FORMULAS[KEY].source)
    assert record["findings"][0]["replay"].startswith(f"gradproof check {path} --as {KEY} --at ")
    assert f"written: {report / 'results.jsonl'}" in printed
    assert (report / "index.html").exists() or "index.html not written" in printed


def test_a_regression_test_fails_on_the_wrong_code_and_passes_on_the_right_one(run, file, tmp_path):
    path, test = file(WRONG), tmp_path / "test_it.py"
    assert run("check", path, "--as", KEY, "--budget", "quick", "--regression-test", test)[0] == 1
    space = {"__file__": str(test)}
    exec(test.read_text("utf-8"), space)
    (name,) = (name for name in space if name.startswith("test_"))
    with pytest.raises(AssertionError):
        space[name]()
    path.write_text(RIGHT, "utf-8")
    exec(test.read_text("utf-8"), space)
    space[name]()


def test_without_a_finding_no_regression_test_is_written(run, file, tmp_path):
    test = tmp_path / "test_it.py"
    _, printed, _ = run("check", file(RIGHT), "--as", KEY, "--budget", "quick", "--regression-test", test)
    assert f"{test} is not written: there is no finding" in printed
    assert not test.exists()


# The catalogue and the process ----------------------------------------------------------------------------------------


def test_another_project_can_bring_its_own_catalogue(tmp_path):
    """In a process of its own, which starts in that project's folder."""
    root = documents.documents()
    for package, module in {"claims": "derivations", "code": "implementations"}.items():
        folder = tmp_path / package
        folder.mkdir()
        (folder / "__init__.py").write_text("", "utf-8")
        (folder / "graphs.py").write_text(f"from {module}.graphs import *\n", "utf-8")
    command = [sys.executable, "-m", "gradproof", "list", "--catalogue", "claims:code"]
    environment = os.environ | {"PYTHONPATH": str(root)}
    listed = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100)
    assert listed.returncode == 0, listed.stderr
    assert "\nquartic " in listed.stdout
    assert "rnn-tanh" not in listed.stdout


def test_the_path_of_the_documents_is_not_left_behind():
    before = list(sys.path)
    documents.catalogue()
    assert sys.path == before


@pytest.mark.skipif(os.name == "nt", reason="needs a shell with pipes")
def test_a_reader_that_stops_early_is_no_error():
    command = f"{sys.executable} -m gradproof list | head -n 1"
    shown = subprocess.run(
        ["sh", "-c", command], cwd=documents.documents(), capture_output=True, text=True, timeout=100
    )
    assert shown.stdout.startswith("key ")
    assert shown.stderr == ""
