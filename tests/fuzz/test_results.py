"""Whatever the code under test returns or raises, there is a verdict, and no pass unless the gradient is right."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradproof import Problem, Verdict, verify
from gradproof.sampling import Budget
from tests.fuzz.junk import CONTAINERS, EXCEPTIONS, JUNK, NO_CONTAINERS, RIGHT

FEW = Budget("few", random=1, witness_every=1000)
fuzzed = settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    database=None,
    # verify searches its points with Hypothesis as well; older releases have no check for that
    suppress_health_check=[check for check in HealthCheck if check.name == "nested_given"],
)


def draw(sizes, rng):
    return {"w": rng.normal(size=sizes["n"]), "b": np.asarray(rng.normal())}, {"x": rng.normal(size=sizes["n"])}


def loss(params, data):
    return np.sum(np.sin(params["w"]) * data["x"]) + params["b"] ** 2


def gradients(params, data):
    return {"w": np.cos(params["w"]) * data["x"], "b": np.asarray(2 * params["b"])}


PROBLEM = Problem(name="sines", sizes={"n": (1, 3)}, draw=draw, loss=loss)
LAYER = Problem(name="layer", sizes={"n": (1, 3)}, draw=draw, output=lambda p, d: np.sin(p["w"]) * d["x"] + p["b"])


def judged(code, problem=PROBLEM, diagnose=False):
    verdict = verify(problem, code, budget=FEW, diagnose=diagnose)
    assert isinstance(verdict, Verdict)
    assert str(verdict).startswith(problem.name)
    assert bool(verdict.findings) == (verdict.status == "fail")
    return verdict


def returning(container, w, b):
    makers = {**JUNK, **RIGHT}

    def code(params, data):
        exact = gradients(params, data)
        return {**CONTAINERS, **NO_CONTAINERS}[container]({"w": makers[w](exact["w"]), "b": makers[b](exact["b"])})

    return code


SAME_VALUE = {"a list", "a tuple", "a dict", "a memoryview", "long double", "the other byte order"}
"""Of JUNK the right numbers in another form: wrong for a gradient, but a loss or an output may be so."""

any_gradient = st.sampled_from([*JUNK, *RIGHT])
right_gradient = st.sampled_from(list(RIGHT))


@fuzzed
@given(container=st.sampled_from(list(CONTAINERS)), w=right_gradient, b=right_gradient)
def test_right_gradients_pass_however_they_are_stored(container, w, b):
    judged(returning(container, w, b)).require()


@fuzzed
@given(container=st.sampled_from(list(CONTAINERS)), w=any_gradient, b=any_gradient, diagnose=st.booleans())
def test_only_right_gradients_pass(container, w, b, diagnose):
    verdict = judged(returning(container, w, b), diagnose=diagnose)
    assert verdict.passed == (w in RIGHT and b in RIGHT)


@fuzzed
@given(container=st.sampled_from(list(NO_CONTAINERS)), w=any_gradient, b=any_gradient)
def test_what_is_no_mapping_of_names_to_arrays_does_not_pass(container, w, b):
    assert judged(returning(container, w, b)).status == "fail"


@fuzzed
@given(error=st.sampled_from(list(EXCEPTIONS)), calls=st.integers(0, 6))
def test_an_exception_at_any_call_is_a_finding(error, calls):
    left = calls

    def code(params, data):
        nonlocal left
        left -= 1
        if left < 0:
            make = EXCEPTIONS[error]
            raise make()
        return gradients(params, data)

    verdict = judged(code)
    assert [finding.kind for finding in verdict.findings] == ["exception"]


@fuzzed
@given(value=any_gradient, cache=any_gradient, pair=st.booleans())
def test_only_a_forward_pass_that_returns_the_loss_passes(value, cache, pair):
    class Code:
        def forward(self, params, data):
            made = {**JUNK, **RIGHT}[value](np.asarray(loss(params, data)))
            return (made, {**JUNK, **RIGHT}[cache](np.ones(2))) if pair else made

        def backward(self, params, data, cache):
            return gradients(params, data)

    verdict = judged(Code())
    assert not verdict.passed or value in RIGHT.keys() | SAME_VALUE


@fuzzed
@given(value=any_gradient, w=any_gradient, b=any_gradient)
def test_only_a_layer_with_its_output_and_gradients_passes(value, w, b):
    makers = {**JUNK, **RIGHT}

    class Code:
        def forward(self, params, data):
            return makers[value](np.asarray(LAYER.output(params, data))), (params, data)

        def backward(self, upstream, cache):
            params, data = cache
            exact = np.cos(params["w"]) * data["x"] * upstream
            return {"w": makers[w](exact), "b": makers[b](np.asarray(np.sum(upstream)))}

    verdict = judged(Code(), LAYER)
    right = {w, b} <= RIGHT.keys()
    assert verdict.passed == (right and value in RIGHT) or (right and value in SAME_VALUE)
