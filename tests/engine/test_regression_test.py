"""A finding written out as a test: it fails on the wrong code, passes on the right one, and needs NumPy alone."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradproof import Budget, NotRun, Place, Problem, verify
from gradproof.regression_test import SHOWN_BY_THE_GRADIENT, WIDTH, regression_test, rounded_up
from gradproof.sampling import DTYPES, LAYOUTS, draw_point
from gradproof.verdict import Finding
from tests.engine import wrong_gradients, wrong_recurrent
from tests.engine.test_smallest_example import (
    FIT,
    LAYER,
    WRONG,
    draw_fit,
    fit_gradients,
    halved,
    layer_gradients,
    problem_of,
    spoiled,
)


def outcome(source, **code):
    """What a test of the source raises, or None."""
    namespace = dict(code)
    exec(compile(source, "test_mine.py", "exec"), namespace)
    (test,) = (value for name, value in namespace.items() if name.startswith("test_"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            test()
        except Exception as error:
            return error
    return None


def with_an_axis(g, params, data):
    """A number as an array of one, which compares like the number."""
    return {**g, "b": np.reshape(g["b"], 1)}


MISTAKES = {
    "value": halved,
    "non-finite": spoiled(lambda g, p, d: {**g, "w": g["w"] * np.nan}),
    "shape": spoiled(with_an_axis),
    "dtype": spoiled(lambda g, p, d: {**g, "w": g["w"].astype(np.longdouble)}),
    "missing": spoiled(lambda g, p, d: {"b": g["b"]}),
    "exception": lambda params, data: fit_gradients(params, {"X": data["X"]}),
}


@pytest.mark.parametrize("kind", MISTAKES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_regression_test_fails_on_the_wrong_code_and_passes_on_the_right_one(kind, dtype, layout):
    place = Place.of({"m": 3, "n": 2}, dtype=dtype, layout=layout, decimals=1)
    (finding,) = verify(FIT, MISTAKES[kind], at=place).findings
    assert finding.kind == kind
    source = regression_test(FIT, finding, import_line="")
    assert outcome(source, gradients=MISTAKES[kind]) is not None
    assert outcome(source, gradients=fit_gradients) is None


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_regression_test_of_a_layer_has_its_upstream(dtype):
    def wrong(params, data, upstream):
        return {**layer_gradients(params, data, upstream), "W": np.outer(data["x"], upstream["shifted"])}

    (finding,) = verify(LAYER, wrong, at=Place.of({"n": 2}, dtype=dtype)).findings
    source = regression_test(LAYER, finding, import_line="")
    assert isinstance(outcome(source, gradients=wrong), AssertionError)
    assert outcome(source, gradients=layer_gradients) is None


@pytest.mark.parametrize(
    "wrong",
    [wrong for wrong in WRONG if wrong.kinds <= set(SHOWN_BY_THE_GRADIENT)],
    ids=lambda wrong: f"{wrong.key}: {wrong.name}",
)
def test_a_regression_test_tells_wrong_from_right(wrong):
    problem = problem_of(wrong.key)
    right = (wrong_gradients.RIGHT | wrong_recurrent.RIGHT)[wrong.key]
    verdict = verify(problem, wrong.make(), budget="quick", diagnose=False)
    findings = [finding for finding in verdict.findings if finding.values]
    assert findings
    for finding in findings:
        source = regression_test(problem, finding, import_line="", call="call(params, data, locals())")
        assert outcome(source, call=called(problem, wrong.make())) is not None, source
        assert outcome(source, call=called(problem, right)) is None, source
        assert max(map(len, source.splitlines())) <= WIDTH


def called(problem, code):
    """Gradients of a function or of an object with two passes, of a loss or of a layer."""

    def call(params, data, local):
        upstream = (local["upstream"],) if problem.is_layer else ()
        if not hasattr(code, "forward"):
            return code(params, data, *upstream)
        _, cache = code.forward(params, data)
        return code.backward(*upstream, cache) if upstream else code.backward(params, data, cache)

    return call


def test_arrays_are_written_with_dtype_and_layout():
    seen = {}

    def remembering(params, data):
        seen.update({**params, **data})
        return fit_gradients(params, data)

    for dtype in DTYPES:
        for layout in LAYOUTS:
            place = Place.of({"m": 3, "n": 2}, dtype=dtype, layout=layout)
            source = regression_test(FIT, Finding("value", place, "wrong", "w", (0,)), import_line="")
            assert outcome(source, gradients=remembering) is None
            point = draw_point(FIT, place)
            for name, array in {**point.params, **point.data}.items():
                assert seen[name].dtype == array.dtype
                assert seen[name].strides == array.strides
                np.testing.assert_array_equal(seen[name], array)


def test_data_of_all_kinds_are_written_as_they_are():
    extra = {
        "label": 2, "labels": np.array([1, 0], np.int32), "mask": np.array([True, False]), "name": "it's",
        "steps": (1,), "rest": [1.5, np.inf, None], "index": np.int64(3),
    }  # fmt: skip
    seen = {}

    def remembering(params, data):
        seen.update(data)
        return fit_gradients(params, data)

    various = replace(FIT, draw=lambda s, rng: (draw_fit(s, rng)[0], {**draw_fit(s, rng)[1], **extra}))
    finding = Finding("value", Place.of({"m": 1, "n": 1}, decimals=0), "wrong", "b", ())
    assert outcome(regression_test(various, finding, import_line=""), gradients=remembering) is None
    for name, value in extra.items():
        assert type(seen[name]) is type(value)
        assert np.asarray(seen[name]).dtype == np.asarray(value).dtype
        np.testing.assert_array_equal(seen[name], value)


def test_the_source_of_a_small_example_can_be_read():
    place = Place.of({"m": 1, "n": 1}, decimals=0, seed=6)
    point = draw_point(FIT, place)
    w, b, x, y = (float(a.item()) for a in (point.params["w"], point.params["b"], point.data["X"], point.data["y"]))
    (finding,) = verify(FIT, halved, at=place).findings
    lines = regression_test(FIT, finding).splitlines()
    assert lines[:13] == [
        "# The gradient of w of fit, at m=1, n=1, rounded to 0 decimals, seed 6.",
        "import numpy as np",
        "",
        "from my_code import gradients",
        "",
        "",
        "def test_gradient_of_w():",
        f'    params = {{"w": np.array([{w}]), "b": np.array({b})}}',
        f'    data = {{"X": np.array([[{x}]]), "y": np.array([{y}])}}',
        "    computed = gradients(params, data)",
        "",
        '    gradient = computed["w"]',
        f"    exact = np.array([{2 * (x * w + b - y) * x}])",
    ]


def test_a_tolerance_is_hardly_more_than_arithmetic_allows():
    (finding,) = verify(FIT, halved, budget="quick").findings
    source = regression_test(FIT, finding, import_line="")
    (atol,) = (float(line.rpartition("atol=")[2].rstrip(")")) for line in source.splitlines() if "atol=" in line)
    assert finding.bound <= atol <= 1.2 * finding.bound + 2.0**-53 * abs(finding.reference)


@given(st.floats(1e-300, 1e300))
def test_a_tolerance_is_rounded_up_by_a_tenth_at_most(x):
    assert x <= rounded_up(x) <= 1.11 * x


@pytest.mark.parametrize(
    ("problem", "code", "message"),
    [
        (FIT, lambda p, d: {**fit_gradients(p, d), "c": p["b"] * 1}, "one gradient does not show what is wrong"),
        (replace(FIT, sizes={"m": (6, 6), "n": (4, 4)}), halved, "has too many values"),
    ],
)
def test_a_test_that_cannot_be_written_says_why(problem, code, message):
    (finding,) = verify(problem, code, budget=Budget("few", 1, 1)).findings
    with pytest.raises(NotRun, match=f"no test is written: .*{message}"):
        regression_test(problem, finding)


def test_an_error_that_one_tolerance_would_hide_gets_no_test():
    """Off by what the entry itself is, beside one that is 1e15 times larger."""
    wide = Problem(
        name="wide",
        loss=lambda p, d: np.sum(d["x"] * p["w"] ** 2),
        sizes={},
        draw=lambda s, rng: ({"w": rng.normal(size=2)}, {"x": np.array([1e16, 1.0]) * rng.uniform(1, 2, 2)}),
    )
    (finding,) = verify(wide, lambda p, d: {"w": d["x"] * p["w"] * [2, 3]}, budget="quick").findings
    assert finding.index == (1,)
    with pytest.raises(NotRun, match=r"w\[1\] is off by less than other entries of w may be"):
        regression_test(wide, finding)
