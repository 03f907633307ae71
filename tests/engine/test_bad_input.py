"""Bad input gets one clear error that names the thing; it never passes, and nothing of NumPy's inside shows."""

from collections import UserDict
from fractions import Fraction

import numpy as np
import pytest

from gradproof import InvalidProblem, Problem, verify


def draw(sizes, rng):
    return {"w": rng.normal(size=sizes["n"]), "b": np.asarray(rng.normal())}, {"x": rng.normal(size=sizes["n"])}


def loss(params, data):
    return np.sum((params["w"] * data["x"] + params["b"]) ** 2)


def gradients(params, data):
    residual = 2 * (params["w"] * data["x"] + params["b"])
    return {"w": residual * data["x"], "b": residual.sum()}


def problem(**changes):
    return Problem(**{"name": "line", "sizes": {"n": (1, 4)}, "draw": draw, "loss": loss, **changes})


def layer(output):
    return problem(loss=None, output=output)


def drawing(**params):
    """A draw whose parameters are replaced by these."""
    return lambda sizes, rng: ({**draw(sizes, rng)[0], **params}, draw(sizes, rng)[1])


def sharing(sizes, rng):
    both = rng.normal(size=2)
    return {"w": both, "b": both[1:].reshape(())}, {"x": rng.normal(size=2)}


def changing_names(sizes, rng):
    params, data = draw(sizes, rng)
    return ({**params, "extra": rng.normal(size=2)} if sizes["n"] == 2 else params), data


def writing(params, data):
    data["x"][0] = 1
    return loss(params, data)


class Unreadable(UserDict):
    """A mapping that lists a name it has no value for."""

    def __iter__(self):
        return iter(("w", "b", "c"))


def test_the_good_problem_passes():
    verify(problem(), gradients, budget="quick").require()


BAD_PROBLEMS = {
    "vector loss": (problem(loss=lambda p, d: p["w"] + p["b"]), r"line: the loss returned an array of shape \(\d,\)"),
    "loss of shape (1,)": (problem(loss=lambda p, d: loss(p, d).reshape(1)), r"array of shape \(1,\).*scalar"),
    "None": (problem(loss=lambda p, d: None), "line: the loss returned None"),
    "text": (problem(loss=lambda p, d: "0.5"), "the loss returned a str"),
    "list": (problem(loss=lambda p, d: [loss(p, d)]), "the loss returned a list"),
    "NaN": (problem(loss=lambda p, d: loss(p, d) * np.nan), "the loss is nan at n=.*domain="),
    "infinite": (problem(loss=lambda p, d: loss(p, d) + np.inf), "the loss is inf"),
    "complex": (problem(loss=lambda p, d: loss(p, d) + 1j), "the loss is complex"),
    "fraction": (problem(loss=lambda p, d: Fraction(1, 3)), "the loss returned object, not a real number, at n="),
    "array of text": (problem(loss=lambda p, d: np.array("0.5")), "the loss returned <U3, not a real number"),
    "raising": (problem(loss=lambda p, d: d["missing"]), "the loss raised KeyError at n=.*missing"),
    "writing": (problem(loss=writing), "the loss changes the data x"),
    "ignoring": (problem(loss=lambda p, d: np.sum(p["w"] ** 2)), "the loss ignores the parameter b"),
    "integers": (problem(draw=drawing(w=np.arange(3))), "parameter 'w' holds integers"),
    "booleans": (problem(draw=drawing(b=True)), "parameter 'b' holds booleans"),
    "complex parameter": (problem(draw=drawing(w=np.ones(3, complex))), "parameter 'w' holds complex numbers"),
    "objects": (problem(draw=drawing(w=[None, 1.0])), "parameter 'w' holds objects"),
    "ragged": (problem(draw=drawing(w=[[1.0], []])), "parameter 'w' cannot be read as an array"),
    "too large for float32": (problem(draw=drawing(b=1e300)), "the loss is inf at n=.*draw other values"),
    "no entries": (problem(draw=drawing(w=np.ones((0, 3)))), r"parameter 'w' has shape \(0, 3\), no entries"),
    "NaN parameter": (problem(draw=drawing(b=np.nan)), "parameter 'b' was drawn with a value that is not finite"),
    "shared memory": (problem(draw=sharing), "parameters 'w' and 'b' share memory"),
    "other names": (problem(draw=changing_names), r"draw returned the parameters \['b', 'extra', 'w'\] at n=2"),
    "draw raises": (problem(draw=lambda sizes, rng: sizes["m"]), "draw failed at n=.*KeyError: 'm'"),
    "draw returns one": (problem(draw=lambda sizes, rng: draw(sizes, rng)[0]), r"draw must return \(params, data\)"),
    "no parameters": (problem(draw=lambda sizes, rng: ({}, {})), "draw returned no parameters"),
    "domain raises": (problem(domain=lambda p, d: d["missing"]), "domain raised KeyError"),
    "output None": (layer(lambda p, d: None), "output returned None"),
    "output raises": (layer(lambda p, d: d["missing"]), "output raised KeyError"),
    "output of text": (layer(lambda p, d: "out"), "output returned str"),
}


@pytest.mark.parametrize(("bad", "message"), BAD_PROBLEMS.values(), ids=BAD_PROBLEMS)
def test_a_bad_problem_is_named(bad, message):
    with pytest.raises(InvalidProblem, match=message):
        verify(bad, gradients, budget="quick")


BAD_DECLARATIONS = {
    "min above max": ({"sizes": {"n": (5, 2)}}, r"size 'n' needs a range .* not \(5, 2\)"),
    "min 0": ({"sizes": {"n": (0, 2)}}, "1 <= min <= max"),
    "one number": ({"sizes": {"n": 3}}, "size 'n' needs a range"),
    "floats": ({"sizes": {"n": (1.0, 2.0)}}, "range .* of integers"),
    "neither": ({"loss": None}, "either loss= .* or output="),
    "both": ({"output": loss}, "either loss= .* or output="),
    "loss no function": ({"loss": 3.0}, "loss= must be a function, not 3.0"),
    "pinned other sizes": ({"pinned": ({"m": 2},)}, r"pinned sizes \{'m': 2\} must name \['n'\]"),
}


@pytest.mark.parametrize(("changes", "message"), BAD_DECLARATIONS.values(), ids=BAD_DECLARATIONS)
def test_a_bad_declaration_is_named(changes, message):
    with pytest.raises(InvalidProblem, match=message):
        problem(**changes)


def test_code_that_is_no_code_is_named():
    with pytest.raises(InvalidProblem, match=r"must be a function .* not dict"):
        verify(problem(), {"w": 1}, budget="quick")


def test_an_unknown_budget_is_named():
    with pytest.raises(InvalidProblem, match="budget 'huge' is none of quick, standard, thorough"):
        verify(problem(), gradients, budget="huge")


def test_a_draw_that_does_not_use_its_rng_is_named():
    def own_rng(sizes, rng):
        return draw(sizes, np.random.default_rng())

    def nothing_outside(params, data):
        return bool(np.random.default_rng().random() < 0.7)

    with pytest.raises(InvalidProblem, match=r"draws at n=.* differ"):
        verify(problem(draw=own_rng), gradients, budget="quick")
    with pytest.raises(InvalidProblem, match=r"draws at n=.* differ"):
        verify(problem(domain=nothing_outside), gradients, budget="quick")


BAD_RESULTS = {
    "missing": (lambda g: {"w": g["w"]}, "missing", "no gradient of b"),
    "None": (lambda g: {**g, "b": None}, "missing", r"no gradient of b \(it is None\)"),
    "extra": (lambda g: {**g, "c": g["b"]}, "unexpected", "'c' is no parameter; the parameters are w, b"),
    "not a mapping": (lambda g: (g["w"], g["b"]), "missing", "returned tuple, not a mapping"),
    "nothing": (lambda g: None, "missing", "returned NoneType, not a mapping"),
    "a list": (lambda g: {**g, "w": list(g["w"])}, "dtype", "the gradient of w is a list, not an array"),
    "text": (lambda g: {**g, "w": "0.1"}, "dtype", "the gradient of w is a str"),
    "shape": (lambda g: {**g, "w": g["w"][:, None]}, "shape", r"the gradient of w has shape \(\d, 1\), w has \(\d,\)"),
    "dtype": (lambda g: {**g, "w": g["w"].astype(int)}, "dtype", "the gradient of w is int64, w is float64"),
    "complex": (lambda g: {**g, "w": g["w"] + 0j}, "dtype", "the gradient of w is complex128"),
    "masked": (lambda g: {**g, "w": np.ma.masked_array(g["w"], True)}, "dtype", "the gradient of w is a masked array"),
    "unreadable": (lambda g: Unreadable(g), "exception", "KeyError"),
}


@pytest.mark.parametrize(("spoil", "kind", "message"), BAD_RESULTS.values(), ids=BAD_RESULTS)
def test_a_bad_result_is_a_finding(spoil, kind, message):
    verdict = verify(problem(), lambda params, data: spoil(gradients(params, data)), budget="quick")
    assert verdict.status == "fail"
    assert [finding.kind for finding in verdict.findings] == [kind]
    with pytest.raises(AssertionError, match=message):
        verdict.require()


@pytest.mark.parametrize("odd", ["0.5", 1j, Fraction(1, 3), np.ma.masked])
def test_a_loss_that_is_no_real_number_is_a_finding(odd):
    class Code:
        def forward(self, params, data):
            return odd, (params, data)

        def backward(self, params, data, cache):
            return gradients(params, data)

    verdict = verify(problem(), Code(), budget="quick")
    assert [finding.kind for finding in verdict.findings] == ["loss"]


def test_an_exception_that_cannot_be_printed_is_a_finding():
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError

    def code(params, data):
        raise Mute

    verdict = verify(problem(), code, budget="quick")
    assert [finding.detail for finding in verdict.findings] == ["Mute: (its text cannot be printed)"]


def test_scalars_and_plain_floats_are_parameters():
    scalar = problem(sizes={}, draw=lambda sizes, rng: ({"w": rng.normal(), "b": np.asarray(rng.normal())}, {"x": 2.0}))
    verify(scalar, gradients, budget="quick").require()


def test_read_only_draws_are_copied():
    def frozen(sizes, rng):
        params, data = draw(sizes, rng)
        for array in (params["w"], data["x"]):
            array.setflags(write=False)
        return params, data

    verify(problem(draw=frozen), gradients, budget="quick").require()


def test_nothing_inside_the_domain_is_no_pass():
    verdict = verify(problem(domain=lambda params, data: False), gradients, budget="quick")
    assert verdict.status == "inconclusive"
    assert "no point could be judged" in str(verdict)


def test_a_loss_that_is_random_is_no_pass():
    noise = np.random.default_rng(0)
    verdict = verify(problem(loss=lambda p, d: loss(p, d) * (1 + 1e-3 * noise.random())), gradients, budget="quick")
    assert not verdict.passed


def test_a_parameter_judged_only_where_its_gradient_is_zero_is_no_pass():
    """Adding 1e30 drowns the gradient of w everywhere but at zero data, where code that returns zero looks right."""
    drowned = problem(loss=lambda p, d: np.sum(((p["w"] * d["x"] + 1e30) - 1e30) ** 2) + p["b"] ** 2)
    verdict = verify(drowned, lambda p, d: {"w": np.zeros_like(p["w"]), "b": 2 * p["b"]}, budget="quick")
    assert not verdict.passed
