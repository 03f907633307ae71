"""A problem that is none, in whatever way, is an InvalidProblem or never passes; nothing else comes out of verify."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gradproof import InvalidProblem, Problem, verify
from tests.fuzz.junk import EXCEPTIONS, JUNK
from tests.fuzz.test_results import FEW, draw, fuzzed, gradients, loss

junk = st.sampled_from([name for name in JUNK if name != "an unreadable object"])
"""What somebody's own problem may hold by mistake; what raises when it is printed is made on purpose."""

OWN_EXCEPTIONS = [name for name in EXCEPTIONS if name not in ("SystemExit", "an exception that cannot be printed")]
"""Likewise; and a problem that ends the process has said what it wants."""

SAME_LOSS = {"a list", "long double", "the other byte order", "a silent array, wrong"}
"""Of JUNK those that are the loss in another form, or the loss and a constant."""


def outcome(**changes):
    """The status of the right gradients on a changed problem; "invalid" where the problem is refused in a sentence."""
    try:
        problem = Problem(**{"name": "sines", "sizes": {"n": (1, 3)}, "draw": draw, "loss": loss, **changes})
        return verify(problem, gradients, budget=FEW, diagnose=False).status
    except InvalidProblem as refusal:
        return "invalid" if str(refusal).startswith("sines: ") else str(refusal)


def test_the_problem_without_changes_passes():
    assert outcome() == "pass"


@fuzzed
@given(name=junk)
def test_a_loss_that_returns_anything_else_does_not_pass(name):
    status = outcome(loss=lambda params, data: JUNK[name](np.asarray(loss(params, data))))
    assert status in ("invalid", "fail", "inconclusive") or name in SAME_LOSS


@fuzzed
@given(role=st.sampled_from(["loss", "draw", "domain"]), error=st.sampled_from(OWN_EXCEPTIONS))
def test_a_problem_that_raises_is_refused(role, error):
    def raising(*_):
        make = EXCEPTIONS[error]
        raise make()

    assert outcome(**{role: raising}) == "invalid"


@fuzzed
@given(name=junk, place=st.sampled_from(["all", "params", "data", "w", "x"]))
def test_a_draw_that_returns_anything_else_is_refused_or_checked(name, place):
    def other(sizes, rng):
        params, data = draw(sizes, rng)
        odd = JUNK[name](params["w"] if place == "w" else data["x"])
        return {
            "all": odd,
            "params": (odd, data),
            "data": (params, odd),
            "w": ({**params, "w": odd}, data),
            "x": (params, {**data, "x": odd}),
        }[place]

    status = outcome(draw=other)
    assert status in (("pass", "fail", "inconclusive", "invalid") if place in ("w", "x") else ("invalid",))


@fuzzed
@given(names=st.lists(junk, min_size=1, max_size=3), count=st.integers(1, 3))
def test_sizes_that_are_no_ranges_are_refused(names, count):
    bounds = tuple(JUNK[name](np.ones(2)) for name in names)[:count]
    assert outcome(sizes={"n": bounds if count > 1 else bounds[0]}) == "invalid"
