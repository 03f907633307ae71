"""The records of results.jsonl: what each field says of a right and of a wrong gradient, and that they stay JSON."""

import functools
import json
import shlex
import sys
from dataclasses import dataclass, replace
from importlib import metadata
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gradproof import Budget, Place, Problem, provenance, verify
from gradproof.provenance import code_of, environment
from gradproof.report.results import Results, json_value, line
from tests.catalogue import FORMULAS, IMPLEMENTATIONS
from tests.engine.test_trial import fact

# A loss and a layer of several sizes -------------------------------------------------------------------------------


def draw(sizes, rng):
    return {"w": rng.normal(size=(sizes["m"], sizes["n"]))}, {"x": rng.normal(size=sizes["n"]), "name": "here"}


def loss(params, data):
    return np.sum((params["w"] @ data["x"]) ** 2)


def gradients(params, data):
    return {"w": 2 * np.outer(params["w"] @ data["x"], data["x"])}


def doubled(params, data):
    return {"w": 2 * gradients(params, data)["w"]}


def output(params, data):
    return params["w"] @ data["x"]


def layer_gradients(params, data, upstream):
    return {"w": np.outer(upstream, data["x"])}


SIZES = {"m": (1, 5), "n": (2, 6)}
LOSS = Problem(name="loss", sizes=SIZES, draw=draw, loss=loss)
LAYER = Problem(name="layer", sizes=SIZES, draw=draw, output=output)


def in_json(entry):
    """The record as a strict reader sees it."""

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(line(entry.record()), parse_constant=refuse)


def record(problem, code, budget="quick", seed=0, formula=None, **fields):
    entry = Results().entry(problem.name, formula)
    entry.verdict = verify(problem, code, budget=budget, seed=seed)
    for name, value in fields.items():
        setattr(entry, name, value)
    return in_json(entry)


@pytest.fixture(scope="module")
def right():
    return record(LOSS, gradients)


@pytest.fixture(scope="module")
def wrong():
    return record(LOSS, doubled)


# What was checked --------------------------------------------------------------------------------------------------


def test_every_record_names_its_environment(right):
    assert right["environment"] == environment()
    results = Results()
    results.add(fact(4, 3))
    (erratum,) = results.entries.values()
    assert in_json(erratum)["environment"] == environment()


def test_the_environment_is_one_line_with_the_versions():
    assert environment().startswith(f"Python {sys.version.split()[0]}, NumPy {np.__version__}, SymPy ")
    assert "\n" not in environment()


def test_a_package_that_is_missing_is_said():
    with pytest.raises(metadata.PackageNotFoundError):
        metadata.version("no-such-package")
    assert provenance.version("no-such-package", "torch") == "no torch"


def test_a_formula_brings_its_statement_and_its_proof():
    formula, implementation = FORMULAS["sum"], IMPLEMENTATIONS["sum"]
    entry = Results().entry("sum", formula)
    entry.proof = formula.derive()
    proved = in_json(entry)
    assert proved["title"] == formula.title
    assert proved["statement"] == formula.printed
    assert proved["domain"] == formula.domain_text
    assert proved["note"] is None
    assert len(proved["checked"]) == len(entry.proof.checked)
    assert proved["checked"][0] == {"claim": "df/dx = 1", "latex": entry.proof.checked[0].latex}
    assert proved["argued"] == entry.proof.argued
    assert (proved["code"], proved["taylor"], proved["agreement"]) == (None, [], [])
    entry.verdict = verify(formula.problem(implementation), implementation.gradients, budget="quick")
    assert in_json(entry)["code"]["name"] == "sum_gradients"


def test_a_problem_without_a_formula_has_no_statement(right):
    assert [right[name] for name in ("title", "statement", "domain", "note")] == [None] * 4
    assert (right["checked"], right["argued"]) == ([], "")


def test_an_outcome_that_is_no_formula_has_none_of_it():
    results = Results()
    results.add(fact(4, 3))
    (erratum,) = results.entries.values()
    assert not {"statement", "checked", "code", "smallest", "agreement", "taylor"} & in_json(erratum).keys()


def test_the_sizes_tried_go_from_the_fewest_entries_to_the_most(right):
    assert right["smallest"] == {"m": 1, "n": 2}
    assert right["largest"] == {"m": 5, "n": 6}
    far = replace(LOSS, pinned=({"m": 2, "n": 60},))
    assert record(far, gradients)["largest"] == {"m": 2, "n": 60}


def test_a_problem_without_sizes_has_no_smallest():
    point = Problem(
        name="point", sizes={}, draw=lambda s, rng: ({"x": rng.normal()}, {}), loss=lambda p, d: p["x"] ** 2
    )
    seen = record(point, lambda p, d: {"x": 2 * p["x"]})
    assert (seen["status"], seen["smallest"], seen["largest"]) == ("pass", {}, {})


def test_places_outside_the_domain_are_no_sizes_tried():
    low = replace(LOSS, domain=lambda params, data: len(params["w"]) < 3)
    assert record(low, gradients)["largest"]["m"] == 2


def test_the_oracles_agree_pair_by_pair(right):
    agreement = right["agreement"]
    assert {"tape", "complex step"} in [{pair["first"], pair["second"]} for pair in agreement]
    assert all(0 <= pair["worst"] <= 1 for pair in agreement)
    assert (right["outvoted"], right["disagreements"], right["assumed"]) == ([], [], "")


def test_a_loss_that_cannot_be_traced_says_what_is_assumed():
    opaque = replace(LOSS, loss=lambda p, d: float(np.sum((p["w"] @ d["x"]) ** 2)))
    assert "float" in record(opaque, gradients)["assumed"]


def test_the_taylor_points_are_those_of_the_slope(right, wrong):
    for seen, slope in ((right, 2), (wrong, 1)):
        steps, remainders = np.array(seen["taylor"]).T
        assert len(steps) >= 3
        assert seen["taylor_slope"] == pytest.approx(slope, abs=0.1)
        assert np.polyfit(np.log(steps), np.log(remainders), 1)[0] == pytest.approx(seen["taylor_slope"])


def test_a_linear_loss_has_no_taylor_points():
    linear = replace(LOSS, loss=lambda p, d: np.sum(p["w"] @ d["x"]))
    seen = record(linear, lambda p, d: {"w": np.outer(np.ones(len(p["w"]), p["w"].dtype), d["x"])})
    assert (seen["status"], seen["taylor"], seen["taylor_slope"]) == ("pass", [], None)


# What is wrong -----------------------------------------------------------------------------------------------------


def test_a_wrong_value_comes_with_the_error_of_each_entry(wrong):
    (finding,) = wrong["findings"]
    shape = [finding["point"]["sizes"][name] for name in "mn"]
    assert finding["errors"]["shape"] == shape == list(np.shape(finding["errors"]["ratio"]))
    assert np.max(finding["errors"]["ratio"]) == pytest.approx(finding["error"] / finding["bound"], rel=0.05)


def test_a_single_wrong_entry_stands_out():
    def last_wrong(params, data):
        w = gradients(params, data)["w"]
        w[-1, -1] *= 1 + 1e-3
        return {"w": w}

    (finding,) = record(LOSS, last_wrong)["findings"]
    *others, last = np.ravel(finding["errors"]["ratio"])
    assert max(others) <= 1 < 1e6 < last


def test_a_wrong_value_comes_with_the_values_that_show_it(wrong):
    (finding,) = wrong["findings"]
    x, w = np.array(finding["data"]["x"]), np.array(finding["params"]["w"])
    assert finding["data"]["name"] == "here"
    assert finding["upstream"] is None
    exact = 2 * np.outer(w @ x, x)
    assert exact[tuple(finding["index"])] == pytest.approx(finding["reference"], rel=1e-12)
    assert finding["diagnosis"] == "dw equals twice the exact one"


def test_a_layer_shows_its_upstream_as_well():
    (finding,) = record(LAYER, lambda p, d, upstream: {"w": 2 * np.outer(upstream, d["x"])})["findings"]
    exact = np.outer(finding["upstream"], finding["data"]["x"])
    assert exact[tuple(finding["index"])] == pytest.approx(finding["reference"], rel=1e-12)


def test_values_are_shown_where_they_are_few():
    large = replace(LOSS, sizes={"m": (5, 5), "n": (6, 6)})
    (finding,) = record(large, doubled)["findings"]
    assert (finding["params"], finding["data"]) == (None, None)
    assert finding["errors"]["shape"] == [5, 6]


def test_values_that_are_neither_number_nor_text_are_not_shown():
    def draw_object(sizes, rng):
        params, data = draw(sizes, rng)
        return params, {**data, "anything": object()}

    (finding,) = record(replace(LOSS, draw=draw_object), doubled)["findings"]
    assert (finding["params"], finding["data"]) == (None, None)


def test_the_errors_of_a_large_gradient_are_its_shape_alone():
    large = replace(LOSS, sizes={"m": (20, 20), "n": (21, 21)})
    (finding,) = record(large, doubled)["findings"]
    assert finding["errors"] == {"shape": [20, 21], "ratio": None}
    just = replace(LOSS, sizes={"m": (20, 20), "n": (20, 20)})
    (finding,) = record(just, doubled)["findings"]
    assert np.shape(finding["errors"]["ratio"]) == (20, 20)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_entries_that_are_not_finite_stand_as_text_in_the_error_map(bad):
    def first_bad(params, data):
        w = gradients(params, data)["w"]
        w[0, 0] = bad
        return {"w": w}

    (finding,) = record(LOSS, first_bad)["findings"]
    (first, *rest), *_ = finding["errors"]["ratio"]
    assert finding["kind"] == "non-finite"
    assert finding["claimed"] == str(bad)
    assert first == str(abs(bad))
    assert all(ratio <= 1 for ratio in rest)


def test_an_error_where_none_is_allowed_is_infinite():
    point = Problem(name="flat", sizes={}, draw=lambda s, rng: ({"x": rng.normal()}, {}), loss=lambda p, d: p["x"] + 3)
    (finding,) = record(point, lambda p, d: {"x": np.full_like(p["x"], 1e30)})["findings"]
    assert finding["bound"] == 0
    assert finding["errors"] == {"shape": [], "ratio": "inf"}


def flattened(params, data):
    return {"w": gradients(params, data)["w"].ravel()}


def raising(params, data):
    raise ZeroDivisionError("here \ud800 and \u2028 there")


@pytest.mark.parametrize(("code", "kind"), [(flattened, "shape"), (raising, "exception")])
def test_a_finding_about_no_values_has_no_errors_but_can_be_seen_again(code, kind):
    (finding,) = record(LOSS, code)["findings"]
    assert finding["kind"] == kind
    assert finding["errors"] is None
    assert np.shape(finding["params"]["w"]) == tuple(finding["point"]["sizes"].values())
    assert "draw_point" in finding["replay"]


def test_the_errors_of_a_gradient_and_the_values_of_its_point_are_no_part_of_what_a_finding_is():
    finding = verify(LOSS, doubled, budget="quick").findings[0]
    assert str(replace(finding, errors=None)) == str(finding)
    bare = replace(finding, errors=None, values=None)
    assert repr(bare) == repr(finding)
    assert bare == finding


# Seen again --------------------------------------------------------------------------------------------------------

SUITE = """
    import pytest
    from tests.engine.test_results import LOSS, doubled, gradients

    class Named:
        key, source, rows = "loss", "a book, page 7", ("Z1",)

    @pytest.mark.parametrize("formula", [Named()], ids=["lo ss"])
    def test_gradient(formula, verify_gradients):
        verify_gradients(LOSS, gradients, formula=formula)
"""


def test_the_command_finds_the_finding_again(pytester):
    """Random points alone show this one; the command gives seed, budget and the file that was checked."""
    pytester.makeconftest("pytest_plugins = []")
    pytester.makepyfile(test_it=SUITE)
    pytester.makepyfile(mine="from tests.engine.test_results import rarely_wrong as gradients\n")
    test, spec = "test_it.py::test_gradient[lo ss]", "loss=mine.py"
    seen = record(LOSS, rarely_wrong, "standard", 5, test=test, implementation=spec)
    (finding,) = seen["findings"]
    command = shlex.split(finding["replay"])
    assert command == [
        "pytest", test, "--gradproof-seed", "5", "--budget", "standard", "--implementation", spec
    ]  # fmt: skip
    again = pytester.runpytest_inprocess("-p", "gradproof.plugin", "-p", "no:cacheprovider", *command[1:])
    place = Place.of(**finding["point"])
    again.stdout.fnmatch_lines([f"*at {place}".replace("[", "[[]"), f"*claimed {finding['claimed']!r}*"])


def rarely_wrong(params, data):
    """Wrong at one of the sizes that only random points have."""
    return doubled(params, data) if params["w"].shape == (4, 5) else gradients(params, data)


def test_without_a_test_the_point_can_be_drawn_again(wrong):
    (finding,) = wrong["findings"]
    namespace = {"problem": LOSS}
    exec(finding["replay"], namespace)
    assert namespace["point"].params["w"].tolist() == finding["params"]["w"]


def test_a_budget_of_ones_own_is_no_option():
    (finding,) = record(LOSS, doubled, Budget("quick", 3, 1), test="test_it.py::test_it")["findings"]
    assert finding["replay"] == "pytest test_it.py::test_it --gradproof-seed 0"


# The code ----------------------------------------------------------------------------------------------------------


class Passes:
    """Forward and backward."""

    def forward(self, params, data):
        return loss(params, data), None

    def backward(self, params, data, cache):
        return gradients(params, data)


@dataclass
class Whole:
    part: Any

    def __call__(self, params, data):
        return self.part(params, data)


def scaled(factor):
    def times(params, data):
        return {"w": factor * gradients(params, data)["w"]}

    return times


def recursive():
    def itself(params, data):
        return itself(params, data)

    return itself


@functools.cache
def kept(params, data):
    return gradients(params, data)


def wrapping(function):
    @functools.wraps(function)
    def wrapper(params, data):
        return function(params, data)

    return wrapper


SOURCES = {
    "function": (gradients, "gradients", "def gradients(params, data):\n    return"),
    "object": (Passes(), "Passes", "class Passes:"),
    "class": (Passes, "Passes", "class Passes:"),
    "bound method": (Passes().backward, "Passes.backward", "def backward(self, params, data, cache):\n    return"),
    "partial": (functools.partial(layer_gradients, upstream=1), "layer_gradients", "def layer_gradients("),
    "partial of a partial": (functools.partial(functools.partial(gradients)), "gradients", "def gradients("),
    "lambda": (lambda params, data: {}, "<lambda>", '"lambda": (lambda params, data: {}'),
    "nested": (scaled(3), "scaled.<locals>.times", "def times(params, data):\n    return"),
    "recursive": (recursive(), "recursive.<locals>.itself", "def itself(params, data):\n    return"),
    "cached": (kept, "kept", "@functools.cache\ndef kept("),
    "wrapped": (wrapping(gradients), "gradients", "def gradients(params, data):"),
    "dataclass": (Whole(gradients), "Whole", "@dataclass\nclass Whole:"),
    "module": (sys.modules[__name__], __name__, '"""The records of results.jsonl'),
}


@pytest.mark.parametrize(("code", "name", "start"), SOURCES.values(), ids=SOURCES)
def test_the_source_is_that_of_the_code_under_test(code, name, start):
    found = code_of(code)
    assert (found.file, found.name) == ("tests/engine/test_results.py", name)
    assert found.text.startswith(start)


def test_what_the_code_is_put_together_from_follows_once():
    text = code_of(Whole(Whole(scaled(3)))).text
    assert text.count("class Whole:") == 1
    assert text.count("def times(") == 1
    assert text.index("class Whole:") < text.index("def times(")


def executed(source):
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    return namespace


class Hostile:
    """Answers every question, and most with an exception."""

    def __getattr__(self, name):
        raise RuntimeError(name)


SOURCELESS = {
    "built in": len,
    "ufunc": np.tanh,
    "exec function": executed("def made(params, data): return {}")["made"],
    "exec class": executed("class Made:\n    def __call__(self, params, data): return {}")["Made"](),
    "namespace": SimpleNamespace(forward=len, backward=len),
}


@pytest.mark.parametrize("code", SOURCELESS.values(), ids=SOURCELESS)
def test_code_without_a_source_has_none(code):
    assert code_of(code) is None


def test_an_object_that_resists_inspection_stops_nothing():
    assert code_of(Hostile()) is None


def test_code_of_a_file_outside_the_working_directory_goes_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert code_of(gradients).file == "test_results.py"


def test_code_that_was_loaded_from_somebodys_file_is_shown(pytester):
    pytester.makepyfile(test_it=SUITE)
    pytester.makepyfile(mine="class Mine:\n    def __call__(self, params, data):\n        return {'w': 7}\n")
    pytester.runpytest_inprocess(
        "-p", "gradproof.plugin", "--implementation", "loss=mine.py:Mine", "--report-dir", "out"
    )
    (seen,) = [json.loads(text) for text in (pytester.path / "out" / "results.jsonl").read_text().splitlines()]
    assert seen["code"] == {
        "file": "mine.py",
        "name": "Mine",
        "text": "class Mine:\n    def __call__(self, params, data):\n        return {'w': 7}",
    }


# JSON --------------------------------------------------------------------------------------------------------------


def test_a_message_ends_no_line_and_breaks_no_reader():
    entry = Results().entry(LOSS.name)
    entry.verdict = verify(LOSS, raising, budget="quick")
    text = line(entry.record())
    assert text.splitlines() == [text.removesuffix("\n")]
    text.encode()
    (finding,) = in_json(entry)["findings"]
    assert finding["detail"] == "ZeroDivisionError: here \\ud800 and \u2028 there"


def test_numbers_that_json_does_not_know_are_text_wherever_they_stand():
    wild = {"a": [np.inf, (np.float64(-np.inf), {"b": np.nan})], "c": 1.5, "d": None, "e": True}
    assert json_value(wild) == {"a": ["inf", ["-inf", {"b": "nan"}]], "c": 1.5, "d": None, "e": True}


def test_the_file_is_valid_json_line_by_line(tmp_path):
    results = Results()
    for name, code in {"right": gradients, "wrong": doubled, "raising": raising}.items():
        results.entry(name).verdict = verify(LOSS, code, budget="quick")
    results.write(tmp_path / "results.jsonl")
    lines = (tmp_path / "results.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(text)["key"] for text in lines] == ["right", "wrong", "raising"]
    assert len({frozenset(json.loads(text)) for text in lines}) == 1


def test_what_was_read_from_a_file_can_be_written_again():
    read = {"key": "half of a pair: \udfff", "worst": "inf", "findings": [{"detail": "\x85"}]}
    assert json.loads(line(read))["key"] == "half of a pair: \\udfff"
    assert line(json.loads(line(read))) == line(read)
