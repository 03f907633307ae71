"""The harness around a test: fixture, options, exit codes, table and results.jsonl, each in a run of its own."""

import json

import pytest

RIGHT = """
    import numpy as np
    import pytest
    from gradproof import Problem

    def draw(sizes, rng):
        return {"w": rng.normal(size=sizes["n"])}, {"x": rng.normal(size=sizes["n"])}

    line = Problem(name="line", loss=lambda p, d: np.sum((p["w"] * d["x"]) ** 2), sizes={"n": (1, 4)}, draw=draw)

    def gradients(params, data):
        return {"w": 2 * params["w"] * data["x"] ** 2}

    def wrong(params, data):
        return {"w": params["w"] * data["x"] ** 2}
"""
FORMULA = (
    RIGHT
    + """
    class Named:
        key, source, rows = "line", "a book, page 7", ("Z1",)

    @pytest.mark.parametrize("formula", [Named()], ids=["line"])
    def test_line(formula, verify_gradients):
        verify_gradients(line, gradients, formula=formula)
"""
)


@pytest.fixture
def suite(pytester):
    """Run a test file under the plugin and give back pytest's result."""

    def run(source, *options):
        pytester.makeconftest("pytest_plugins = []")
        pytester.makepyfile(source)
        return pytester.runpytest_inprocess("-p", "gradproof.plugin", "-p", "no:cacheprovider", *options)

    return run


def records(pytester):
    return [json.loads(line) for line in (pytester.path / "out" / "results.jsonl").read_text().splitlines()]


def test_a_right_gradient_passes_and_stands_in_the_table(suite):
    result = suite(RIGHT + "\n    def test_line(verify_gradients):\n        verify_gradients(line, gradients)\n")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["formula *tape*diff*", "line * .*", "gradproof: 1 passed*"])


def test_a_wrong_gradient_fails_with_the_whole_story_and_no_traceback(suite):
    result = suite(RIGHT + "\n    def test_line(verify_gradients):\n        verify_gradients(line, wrong)\n")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*line: FAIL*", "*the gradient of w is wrong*", "*at n=1*", "*claimed*exact*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.fnmatch_lines(["line *F*", "gradproof: 0 passed, 1 failed*"])


def test_the_plain_assertion_works_without_the_plugin():
    from gradproof import Problem, verify

    problem = Problem(name="p", loss=lambda p, d: p["x"] ** 2, sizes={}, draw=lambda s, rng: ({"x": rng.normal()}, {}))
    assert verify(problem, lambda p, d: {"x": 2 * p["x"]}, budget="quick")
    assert not verify(problem, lambda p, d: {"x": 3 * p["x"]}, budget="quick")


def test_results_are_one_json_object_a_formula(suite, pytester):
    suite(FORMULA, "--report-dir", "out")
    (record,) = records(pytester)
    assert record["key"] == "line"
    assert record["kind"] == "formula"
    assert record["source"] == "a book, page 7"
    assert record["rows"] == ["Z1"]
    assert record["status"] == "pass"
    assert record["points"] >= 20
    assert record["oracles"]["tape"]["worst"] <= 1
    assert "autograd" not in record["oracles"]
    assert record["not_run"]["autograd"] == {"the problem has no autograd_loss": record["oracles"]["tape"]["points"]}
    assert record["findings"] == []


def test_the_record_of_a_failure_replays_it(suite, pytester):
    suite(FORMULA.replace("* data[", "* 3 * data["), "--report-dir", "out")
    (record,) = records(pytester)
    assert record["status"] == "fail"
    (finding,) = record["findings"]
    assert finding["kind"] == "value"
    assert finding["point"]["sizes"] == {"n": 1}
    assert finding["point"].keys() == {"sizes", "regime", "dtype", "layout", "seed"}


def test_somebodys_file_takes_the_place_of_the_implementation(suite, pytester):
    pytester.makepyfile(mine="def gradients(params, data):\n    return {'w': params['w']}\n")
    pytester.makepyfile(yours="class Mine:\n    def __call__(self, params, data):\n        return 7\n")
    assert suite(FORMULA, "--implementation", "line=mine.py").ret == 1
    assert suite(FORMULA, "--implementation", "line=yours.py:Mine").ret == 1


def test_the_environment_names_a_file_as_well(suite, pytester, monkeypatch):
    pytester.makepyfile(mine="def gradients(params, data):\n    return {'w': params['w']}\n")
    monkeypatch.setenv("GRADPROOF_IMPLEMENTATION", "line=mine.py")
    assert suite(FORMULA).ret == 1


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("line=absent.py", "there is no file absent.py"),
        ("line", "'line' is not KEY=PATH.py*:NAME*"),
        ("line=broken.py", "broken.py cannot be imported: ZeroDivisionError*"),
        ("line=leaving.py", "leaving.py cannot be imported: SystemExit*"),
        ("line=good.py:absent", "good.py defines no 'absent'; it defines gradients"),
        ("circle=good.py", "no collected test checks the gradient of 'circle'; there are: line"),
    ],
)
def test_a_file_that_cannot_be_used_is_status_4_and_one_message(suite, pytester, spec, message):
    pytester.makepyfile(
        good="def gradients(params, data):\n    return {}\n", broken="1 / 0", leaving="raise SystemExit(0)"
    )
    result = suite(FORMULA, "--implementation", spec)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: --implementation: {message}"])


def test_a_key_that_is_there_but_not_checked_is_refused_as_well(suite, pytester):
    pytester.makepyfile(good="def gradients(params, data):\n    return {}\n")
    unchecked = FORMULA.replace("(formula, verify_gradients)", "(formula)").replace(
        "verify_gradients(line", "print(line"
    )
    result = suite(unchecked, "--implementation", "line=good.py")
    assert result.ret == 4


def test_nothing_checked_is_no_table(suite):
    result = suite("def test_nothing():\n    pass\n")
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*gradproof:*")


def test_the_table_keeps_to_80_columns(suite):
    named = 'key, source, rows = "a-formula-with-a-very-long-name-indeed-yes"'
    wrong = FORMULA.replace('key, source, rows = "line"', named).replace("* data[", "* 3 * data[")
    lines = suite(wrong).outlines
    start = next(k for k, line in enumerate(lines) if line.startswith("formula"))
    assert max(map(len, lines[start : start + 6])) <= 80


def test_budget_and_seed_reach_the_check(suite, pytester):
    suite(FORMULA, "--report-dir", "out", "--budget", "standard", "--gradproof-seed", "3")
    (record,) = records(pytester)
    assert record["points"] >= 100
