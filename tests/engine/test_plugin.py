"""The harness around a test: fixture, options, exit codes, table and results.jsonl, each in a run of its own."""

import importlib
import json
import os
import sys
from collections import Counter
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gradproof.report.merge import merge

WRITES_A_PAGE = pytest.mark.skipif(find_spec("jinja2") is None, reason="jinja2 is not installed: there is no page")

for package in ("jinja2", "matplotlib.figure", "torch"):  # else each run in this process imports them anew,
    with suppress(ImportError):  # which takes long, and not all of them bear it
        importlib.import_module(package)

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
    assert finding["point"].keys() == {"sizes", "regime", "dtype", "layout", "decimals", "seed"}


def test_somebodys_file_takes_the_place_of_the_implementation(suite, pytester):
    pytester.makepyfile(mine="def gradients(params, data):\n    return {'w': params['w']}\n")
    pytester.makepyfile(yours="class Mine:\n    def __call__(self, params, data):\n        return 7\n")
    assert suite(FORMULA, "--implementation", "line=mine.py").ret == 1
    assert suite(FORMULA, "--implementation", "line=yours.py:Mine").ret == 1


def test_somebodys_file_runs_elsewhere_and_what_it_was_taken_for_is_said(suite, pytester):
    pytester.makepyfile(
        mine=f"""
        import os
        assert os.getpid() != {os.getpid()}
        def gradients(w, x):
            return 2 * w * x**2
        """
    )
    result = suite(FORMULA, "--implementation", "line=mine.py")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["line=mine.py: a function *"])


def test_a_file_of_no_accepted_style_fails_its_test_with_one_line(suite, pytester):
    pytester.makepyfile(mine="def gradients(a, b, c):\n    return 0\n")
    result = suite(FORMULA, "--implementation", "line=mine.py", "--report-dir", "out")
    assert result.ret == 1
    (record,) = records(pytester)
    assert record["status"] == "fail"
    assert record["findings"][0]["detail"].startswith("mine.py cannot be used: ")
    result.stdout.fnmatch_lines(["line: mine.py cannot be used: *"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_the_record_says_which_test_and_which_code_it_is_about(suite, pytester):
    pytester.makepyfile(mine="def gradients(params, data):\n    return {'w': params['w']}\n")
    suite(FORMULA, "--implementation", "line=mine.py", "--report-dir", "out")
    (finding, *_) = records(pytester)[0]["findings"]
    assert "::test_line[line]" in finding["replay"]
    assert finding["replay"].endswith("--implementation line=mine.py")


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


# Files of a run ------------------------------------------------------------------------------------------------------

TEN = (
    RIGHT
    + """
    class Named:
        def __init__(self, key):
            self.key, self.source, self.rows = key, "a book, page 7", ("Z1",)

    FORMULAS = [Named(f"line-{k}") for k in range(6)]
    by_key = dict(ids=lambda formula: formula.key)

    @pytest.mark.parametrize("formula", FORMULAS, **by_key)
    def test_proof(formula, gradproof_results):
        gradproof_results.entry(formula.key, formula).refuted = "no" * (formula.key == "line-3")

    @pytest.mark.parametrize("formula", FORMULAS, **by_key)
    def test_gradient(formula, verify_gradients):
        problem = Problem(name=formula.key, loss=line.loss, sizes={"n": (1, 4), "m": (1, 2)}, draw=draw)
        verify_gradients(problem, wrong if formula.key == "line-4" else gradients, formula=formula)

    def test_one_of_its_own(verify_gradients):
        verify_gradients(line, gradients)

    @pytest.mark.parametrize("problem", [Problem(name="square", loss=line.loss, sizes={"n": (1, 3)}, draw=draw)])
    def test_problem(problem, verify_gradients):
        verify_gradients(problem, gradients)

    def test_that_is_about_no_record():
        pass

    def test_that_fails_and_is_about_no_record():
        raise ValueError
"""
)


def timeless(records):
    """Records by kind and key, without what differs between two runs of the same."""
    return {(r["kind"], r["key"]): {name: r[name] for name in r if name != "seconds"} for r in records}


def outcomes(result):
    return {key: n for key, n in result.parseoutcomes().items() if key in ("passed", "failed")}


@WRITES_A_PAGE
def test_a_report_has_records_a_page_and_junit_xml(suite, pytester):
    result = suite(FORMULA, "--report-dir", "out")
    names = ["results.jsonl", "index.html", "junit.xml"]
    result.stdout.fnmatch_lines([f"written: out?{name}" for name in names])
    assert sorted(path.name for path in (pytester.path / "out").iterdir()) == sorted(names)
    (suite_of_tests,) = ElementTree.parse(pytester.path / "out" / "junit.xml").getroot()
    assert suite_of_tests.get("tests") == "1"


def test_a_junit_path_of_the_users_own_stays(suite, pytester):
    result = suite(FORMULA, "--report-dir", "out", "--junitxml", "mine.xml")
    assert (pytester.path / "mine.xml").exists()
    assert not (pytester.path / "out" / "junit.xml").exists()
    result.stdout.no_fnmatch_line("written: out?junit.xml")


@WRITES_A_PAGE
def test_without_pytests_junit_plugin_there_is_no_junit_xml_and_none_is_claimed(suite, pytester):
    result = suite(FORMULA, "--report-dir", "out", "-p", "no:junitxml")
    assert result.ret == 0
    assert {path.name for path in (pytester.path / "out").iterdir()} == {"results.jsonl", "index.html"}
    result.stdout.no_fnmatch_line("written: out?junit.xml")


def test_without_jinja2_one_line_says_that_there_is_no_page(suite, pytester, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    result = suite(FORMULA, "--report-dir", "out")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["index.html not written: jinja2 is not installed", "written: out?results.jsonl"])
    result.stdout.no_fnmatch_line("written: out?index.html")


def test_a_report_folder_that_cannot_be_is_status_4_before_any_test(suite, pytester):
    (pytester.path / "out").write_text("a file")
    result = suite(FORMULA, "--report-dir", "out")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: --report-dir out: *"])
    result.stdout.no_fnmatch_line("*passed*")


@pytest.mark.parametrize("options", [["--collect-only"], ["-k", "nothing"], ["--implementation", "circle=mine.py"]])
def test_a_run_without_tests_leaves_the_results_of_an_earlier_one(suite, pytester, options):
    pytester.makepyfile(mine="def gradients(params, data):\n    return {}\n")
    suite(FORMULA, "--report-dir", "out")
    before = {path.name: path.read_bytes() for path in (pytester.path / "out").iterdir() if path.suffix != ".xml"}
    suite(FORMULA, "--report-dir", "out", *options)
    assert before.items() <= {path.name: path.read_bytes() for path in (pytester.path / "out").iterdir()}.items()


@WRITES_A_PAGE
def test_a_run_that_ends_early_says_so_in_its_records(suite, pytester):
    suite(TEN, "--report-dir", "out", "-x")
    assert {record["unfinished"] for record in records(pytester)} == {"11 of 16 tests"}
    assert "the run ended after 11 of 16 tests" in (pytester.path / "out" / "index.html").read_text("utf-8")


def test_the_worse_of_two_tests_about_one_problem_is_kept(suite, pytester):
    both = "\n    def test_{}(verify_gradients):\n        verify_gradients(line, {})\n"
    for order in (["wrong", "gradients"], ["gradients", "wrong"]):
        suite(RIGHT + "".join(both.format(name, name) for name in order), "--report-dir", "out")
        (record,) = records(pytester)
        assert record["status"] == "fail"


# Shards --------------------------------------------------------------------------------------------------------------


def test_four_shards_merged_are_the_whole_run_record_by_record(suite, pytester):
    whole = suite(TEN, "--report-dir", "whole")
    assert outcomes(whole) == {"passed": 14, "failed": 2}
    ran = Counter()
    for number in range(1, 5):
        shard = suite(TEN, "--report-dir", f"shard-{number}", "--shard", f"{number}/4")
        shard.stdout.fnmatch_lines([f"shard {number}/4: * of 16 tests"])
        ran.update(outcomes(shard))
    assert ran == outcomes(whole)
    merged = merge(pytester.path / f"shard-{number}" for number in range(1, 5))
    assert merged.lost == merged.notes == ()
    assert timeless(merged.records) == timeless(merge([pytester.path / "whole"]).records)
    assert Counter(record["status"] for record in merged.records) == {"pass": 6, "fail": 2}


def test_a_shard_is_the_same_whatever_else_is_selected(suite):
    def names(*options):
        return {line for line in suite(TEN, "--collect-only", "-q", *options).outlines if "::" in line}

    shares = [names("--shard", f"{number}/3") for number in (1, 2, 3)]
    assert sum(map(len, shares)) == len(set().union(*shares)) == 16
    for number, share in enumerate(shares, start=1):
        selected = names("--shard", f"{number}/3", "-k", "test_gradient")
        assert selected == {name for name in share if "::test_gradient" in name}


def test_an_empty_shard_is_no_failure_and_says_where_the_tests_are(suite, pytester):
    two = RIGHT + "".join(
        f"\n    def test_{k}(verify_gradients):\n        verify_gradients(line, gradients)\n" for k in range(2)
    )
    for number in range(1, 5):
        result = suite(two, "--shard", f"{number}/4", "--report-dir", f"shard-{number}")
        assert result.ret == 0
        says = f"shard {number}/4: 1 of 2 tests" if number <= 2 else f"shard {number}/4: none of 2 tests; other*"
        result.stdout.fnmatch_lines([says])
    merged = merge(pytester.path / f"shard-{number}" for number in range(1, 5))
    assert len(merged.records) == 1
    assert merged.lost == ()
    assert len(merged.notes) == 2


@pytest.mark.parametrize("options", [["-k", "nothing"], ["absent.py"]])
def test_where_no_shard_has_a_test_the_run_fails_as_ever(suite, options):
    assert suite(FORMULA, "--shard", "1/2", *options).ret != 0


@pytest.mark.parametrize("text", ["0/4", "5/4", "two", "1/0", ""])
def test_a_shard_that_cannot_be_is_status_4_and_one_message(suite, text):
    result = suite(FORMULA, f"--shard={text}")
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: --shard: '{text}' is not K/N with 1 <= K <= N, as in 2/4"])


def test_what_other_machines_run_is_reported_as_deselected(suite):
    seen = suite(TEN, "--shard", "2/4").parseoutcomes()
    assert seen["deselected"] == 16 - sum(seen.get(key, 0) for key in ("passed", "failed"))


def test_four_shards_of_our_own_tests_are_the_whole_run_as_well(pytester):
    here = Path(__file__).parents[2]
    files = [here / "tests" / f"test_{name}.py" for name in ("proofs", "gradients", "worked_examples")]
    chosen = ["-k", "quartic or relu-neuron or product-plus"]

    def run(folder, *options):
        where = [f"--rootdir={here}", f"--config-file={here / 'pyproject.toml'}", "-p", "no:cacheprovider"]
        result = pytester.runpytest_subprocess(*where, *chosen, "--report-dir", folder, *options, *files)
        assert result.ret == 0
        return result.parseoutcomes()["passed"], pytester.path / folder

    passed, whole = run("whole")
    shards = [run(f"shard-{number}", "--shard", f"{number}/4") for number in range(1, 5)]
    assert sum(tests for tests, _ in shards) == passed
    merged = merge(folder for _, folder in shards)
    assert merged.lost == merged.notes == ()
    assert timeless(merged.records) == timeless(merge([whole]).records)
    assert {kind for kind, _ in timeless(merged.records)} == {"formula", "reproduction"}


# The terminal --------------------------------------------------------------------------------------------------------


def test_sixty_formulas_of_long_names_keep_to_80_columns(suite, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    sixty = FORMULA.replace('key, source, rows = "line", "a book, page 7", ("Z1",)', "source, rows = 'book', ('Z1',)")
    sixty = sixty.replace('[Named()], ids=["line"]', "[Named() for _ in range(60)], ids=range(60)")
    sixty = sixty.replace(
        "verify_gradients(line, gradients, formula=formula)",
        "formula.key = f'formula-of-a-very-long-name-{id(formula)}-indeed'\n"
        "        verify_gradients(line, wrong, formula=formula, budget=Budget('one', 1, 1))",
    )
    lines = suite(
        sixty.replace("import Problem", "import Budget, Problem"), "-q", "--tb=no", "-rN", "--shard=1/1"
    ).outlines
    table = lines[next(k for k, line in enumerate(lines) if "= gradproof =" in line) :]
    assert sum(line.startswith("formula-of-a-very-long") for line in table) == 60
    assert max(map(len, table)) <= 80
