"""What a verdict says is what was seen: its values, its entries, its counts, and whether it is a pass."""

from dataclasses import replace

import numpy as np
import pytest

from gradproof import Place, Problem, verify
from gradproof.problem import Point
from gradproof.sampling import Budget, pinned_places
from gradproof.verdict import FEW, WIDTH, Finding, Values, Verdict, Witness, count, in_lines, listed, plural, shortest

PLACE = Place.of({"n": 2}, seed=3)
WRONG = Finding("value", PLACE, "the gradient of w is wrong", "w", (1,), 2.0, 1.0, 1.0, 0.25)


def verdict_of(status, *findings, **fields):
    return Verdict("made up", status, findings, 5, {}, {}, (), (), {}, "", None, 0.5, **fields)


# Values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (np.array([[1.5, 2.0]]), [[1.5, 2.0]]),
        (np.array(3), 3),
        (np.array([True, False]), [True, False]),
        (np.array(["a"]), ["a"]),
        (np.uint8(7), 7),
        (np.float32(0.5), 0.5),
        ((1, "b", None), [1, "b", None]),
        ({"x": np.zeros(2), "k": [np.ones(1)]}, {"x": [0.0, 0.0], "k": [[1.0]]}),
        (2.5, 2.5),
        (None, None),
    ],
)
def test_a_value_is_written_in_lists_numbers_and_text(value, written):
    assert repr(listed(value)) == repr(written)


@pytest.mark.parametrize("value", [1j, np.array(1j), np.array([object()]), b"bytes", {1, 2}, [len]])
def test_what_is_neither_number_nor_text_is_not_written(value):
    with pytest.raises(TypeError, match="neither number nor text"):
        listed(value)


@pytest.mark.parametrize(
    ("value", "number"), [(None, 0), (1.0, 1), ("text", 1), ([], 0), ([[1, 2], [3]], 3), ({"a": [1, 2], "b": None}, 2)]
)
def test_numbers_and_texts_are_counted(value, number):
    assert count(value) == number


@pytest.mark.parametrize("role", ["params", "data", "upstream"])
def test_values_are_shown_where_they_are_few_all_together(role):
    def point(extra):
        held = {"params": {"w": np.ones(4)}, "data": {"x": np.ones(5)}, "upstream": np.ones(6)}
        more = np.ones(FEW - 15 + extra)
        held[role] = {**held[role], "more": more} if isinstance(held[role], dict) else [held[role], more]
        return Point(PLACE, **held)

    assert Values.few(point(0)).params["w"] == [1.0] * 4
    assert Values.few(point(1)) is None


def test_values_that_cannot_be_written_are_not_shown():
    assert Values.few(Point(PLACE, {"w": np.ones(1)}, {"f": len})) is None


@pytest.mark.parametrize(
    ("number", "dtype", "text"),
    [
        (0.10000000149011612, "float32", "0.1"),
        (0.10000000149011612, "float64", "0.10000000149011612"),
        (0.1, "float64", "0.1"),
        (0.1, "float32", "0.1"),
        (1 / 3, "float32", repr(1 / 3)),
        (1e300, "float32", "1e+300"),
    ],
)
def test_a_number_has_no_more_digits_than_tell_it_from_its_neighbours(number, dtype, text):
    assert shortest(number, dtype) == text


def test_a_line_holds_as_many_parts_as_fit():
    half = "x" * (WIDTH // 2 - 1)
    assert in_lines([half, half]) == [f"{half}, {half}"]
    assert in_lines([half, half + "x"]) == [half, half + "x"]
    assert in_lines(["a", "b", "c"]) == ["a, b, c"]
    assert in_lines(["y" * 2 * WIDTH, "z"]) == ["y" * 2 * WIDTH, "z"]
    assert in_lines([]) == []


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [(1, "point", "1 point"), (0, "point", "0 points"), (2, "entry", "2 entries"), (1, "pass", "1 pass")],
)
def test_numbers_of_things_agree_with_them(number, noun, text):
    assert plural(number, noun) == text


# Findings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "entry"),
    [
        ({}, "w[1]"),
        ({"index": (0, 2)}, "w[0, 2]"),
        ({"index": ()}, "w"),
        ({"index": None}, "w"),
        ({"parameter": None}, ""),
    ],
)
def test_an_entry_is_written_as_one_would_read_it(changes, entry):
    assert replace(WRONG, **changes).entry == entry


def test_a_finding_says_how_often_the_error_is_what_arithmetic_allows():
    text = str(WRONG)
    assert "the gradient of w[1]: claimed 2.0, exact 1.0" in text
    assert "off by 1; allowed 0.25 (4 times what arithmetic allows)" in text
    assert "no error is allowed" in str(replace(WRONG, bound=0.0))
    assert "off by" not in str(replace(WRONG, error=None))
    assert "claimed" not in str(replace(WRONG, claimed=None))
    assert "loss: claimed 2.0, exact 1.0" in str(replace(WRONG, kind="loss", parameter=None, index=None))


# Verdicts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "passed"), [("pass", True), ("fail", False), ("inconclusive", False)])
def test_only_a_pass_is_true(status, passed):
    verdict = verdict_of(status, *[WRONG] * (status == "fail"))
    assert verdict.passed is passed
    assert bool(verdict) is passed
    if passed:
        assert verdict.require() is verdict
    else:
        with pytest.raises(AssertionError, match=f"made up: {status.upper()}"):
            verdict.require()


def test_the_values_of_a_place_are_shown_with_its_first_finding_only():
    values = Values({"w": [1.0, 2.0]}, {})
    here = [replace(WRONG, values=values, index=(k,)) for k in range(2)]
    there = replace(WRONG, place=replace(PLACE, seed=4), values=values)
    text = str(verdict_of("fail", *here, there))
    assert text.count("w = [1.0, 2.0]") == 2
    assert text.index("w = [1.0, 2.0]") < text.index("w[1]")


def test_a_verdict_says_where_nothing_was_said_and_why():
    verdict = replace(
        verdict_of("inconclusive"),
        inconclusive={"it is dark": 2},
        disagreements=tuple(f"quarrel {k}" for k in range(7)),
        outvoted=tuple(f"vote {k}" for k in range(7)),
        assumed="nothing could be traced",
    )
    text = str(verdict)
    assert "No statement at 2 points: it is dark" in text
    assert ("quarrel 4" in text, "quarrel 5" in text) == (True, False)
    assert ("vote 2" in text, "vote 3" in text) == (True, False)
    assert "assumed, not computed: nothing could be traced" in text
    assert "assumed" not in str(verdict_of("pass"))


def test_a_witness_says_how_often_it_could_not_answer():
    witness = Witness()
    assert str(witness) == "not run: no point"
    witness.skip("too dark")
    witness.skip("too dark")
    assert str(witness) == "not run: too dark (2x)"
    seen = replace(witness, worst=0.5, points=1)
    assert str(seen) == "worst error 0.5 of what is allowed, 1 point; not run: too dark (2x)"


# What a check counts ----------------------------------------------------------------------------------------------

FIT = Problem(
    name="fit",
    loss=lambda p, d: np.sum((d["X"] @ p["w"]) ** 2),
    sizes={"m": (1, 5), "n": (1, 4)},
    draw=lambda s, rng: ({"w": rng.normal(size=s["n"])}, {"X": rng.normal(size=(s["m"], s["n"]))}),
)


def right(params, data):
    return {"w": 2 * data["X"].T @ (data["X"] @ params["w"])}


def half(params, data):
    return {"w": right(params, data)["w"] / 2}


def test_a_passing_check_has_asked_every_oracle_that_applies_and_they_agree():
    verdict = verify(FIT, right, budget=Budget("each", 10, 1))
    answered = {name for name, witness in verdict.oracles.items() if witness.points}
    assert answered == {"tape", "complex step", "central diff", "50 digits"}
    assert set(verdict.agreement) >= {("tape", "complex step"), ("tape", "central diff")}
    assert all(ratio < 1 for ratio in verdict.agreement.values())
    assert all(witness.worst < 1 for witness in verdict.oracles.values())
    assert verdict.taylor_slope == pytest.approx(2, abs=0.1)
    assert (verdict.smallest, verdict.largest) == ({"m": 1, "n": 1}, {"m": 5, "n": 4})
    assert verdict.points >= 10
    assert (verdict.budget, verdict.seed, verdict.correct) == ("", 0, None)


def test_oracles_are_asked_as_often_as_the_budget_says():
    every, third = (verify(FIT, right, budget=Budget("each", 10, often)).oracles["tape"] for often in (1, 3))
    assert 2 * third.points < every.points <= 3 * third.points


def test_oracles_are_not_asked_at_the_places_tried_for_a_small_example():
    verdict = verify(FIT, half, budget=Budget("each", 10, 1), diagnose=False)
    assert verdict.status == "fail"
    assert all(witness.points <= 1 for witness in verdict.oracles.values())


def test_the_budget_is_how_many_random_points_are_judged():
    pinned = len(list(pinned_places(FIT)))
    points = verify(FIT, right, budget=Budget("each", 40, 1000)).points
    assert pinned + 40 <= points < pinned + 60  # where a place was drawn twice, a few more are drawn


def test_points_outside_the_domain_do_not_count_as_judged():
    positive = replace(FIT, domain=lambda p, d: p["w"][0] > 0)
    verdict = verify(positive, right, budget=Budget("each", 30, 1000))
    assert verdict.passed
    assert verdict.points >= 30


def test_each_complaint_is_shown_once_though_a_later_example_shows_the_first_again():
    def draw(sizes, rng):
        params, data = FIT.draw(sizes, rng)
        return {**params, "b": rng.normal(size=sizes["m"])}, data

    both = replace(FIT, draw=draw, loss=lambda p, d: FIT.loss(p, d) + np.sum(p["b"] ** 2))

    def wrong(params, data):
        return {"w": right(params, data)["w"] / 2, "b": params["b"] * (2 if params["b"].size < 2 else 3)}

    findings = verify(both, wrong, budget="quick", diagnose=False).findings
    assert [(finding.parameter, dict(finding.place.sizes)["m"]) for finding in findings] == [("w", 1), ("b", 2)]


def test_a_verdict_knows_the_source_of_the_code():
    assert verify(FIT, right, budget=Budget("few", 1, 1000)).code is not None


def test_findings_carry_the_values_of_their_place():
    (finding,) = verify(FIT, half, budget="quick", diagnose=False).findings
    assert finding.values.params.keys() == {"w"}
    assert finding.claimed == finding.reference / 2
    assert finding.error == abs(finding.claimed - finding.reference)
    assert finding.errors.shape == (1,)
