"""The diagnosis names what is wrong with gradients it has not seen, and the scorer does not flatter it."""

import re
from itertools import chain

import pytest

from gradproof.diagnosis.diagnosis import NONE
from tests.diagnosis.blind_case import Case
from tests.diagnosis.score import SETS, Answer, amiss, score, sentences, tables

UNKNOWN = f"dW: {NONE}"
HALF, NO_X, OTHER = "dW equals half of the exact one", "db equals the formula without the factor x", "dW is transposed"


@pytest.fixture(scope="module", params=["exam", "retake"])
def examination(request):
    return score(SETS[request.param])


def test_at_least_nine_in_ten_mistakes_are_named(examination):
    assert examination.right >= 0.9, "\n".join(amiss(examination))


def test_at_most_one_name_in_fifty_is_wrong(examination):
    assert examination.wrong <= 0.02, "\n".join(amiss(examination))


def test_nothing_outside_of_the_list_is_given_a_wrong_name(examination):
    outside = examination.of("outside")
    assert outside.answers
    assert not outside.count("wrong"), "\n".join(amiss(outside))


def case(kind, *accept):
    return Case("square", "made-up", lambda: None, frozenset({"W"}), "as the test has it", kind, accept)


@pytest.mark.parametrize(
    ("kind", "accept", "said", "outcome"),
    [
        ("one", ("HALF OF",), [HALF], "right"),
        ("one", ("half of", "factor x"), [NO_X], "right"),
        ("one", ("half of",), [OTHER], "wrong"),
        ("one", ("half of",), [OTHER, HALF], "wrong"),
        ("one", ("half of",), [UNKNOWN], "none"),
        ("one", ("half of",), [UNKNOWN, HALF], "none"),
        ("one", ("half of",), [], "none"),
        ("two", ("half of", "factor x"), [HALF, NO_X], "right"),
        ("two", ("half of", "factor x"), [HALF, OTHER], "part"),
        ("two", ("half of", "factor x"), [HALF, UNKNOWN], "part"),
        ("two", ("half of", "factor x"), [OTHER], "wrong"),
        ("two", ("half of", "factor x"), [UNKNOWN], "none"),
        ("outside", (), [UNKNOWN], "none"),
        ("outside", (), [], "none"),
        ("outside", (), [HALF, UNKNOWN], "wrong"),
        ("outside", ("half of",), [HALF, UNKNOWN], "part"),
        ("outside", ("half of",), [OTHER], "wrong"),
    ],
)
def test_first_sentence_decides(kind, accept, said, outcome):
    assert Answer(case(kind, *accept), tuple(said)).outcome == outcome


@pytest.mark.parametrize(
    ("said", "later"), [([OTHER, HALF], True), ([UNKNOWN, HALF], True), ([HALF, HALF], False), ([OTHER], False)]
)
def test_later_sentence_is_told_apart(said, later):
    assert Answer(case("one", "half of"), tuple(said)).later is later


def test_shares_are_those_of_their_kinds():
    said = {
        "one": [[HALF], [HALF], [OTHER], [UNKNOWN]],
        "two": [[OTHER]],
        "outside": [[UNKNOWN], [OTHER]],
    }
    made = [(case(kind, "half of"), words) for kind, every in said.items() for words in every]
    answers = {id(one): words for one, words in made}
    result = score([one for one, _ in made], ask=lambda one: answers[id(one)])
    assert (result.right, result.none, result.wrong) == (1 / 2, 1 / 4, 2 / 6)


@pytest.mark.parametrize("cases", [SETS["exam"], SETS["retake"]], ids=["exam", "retake"])
def test_another_diagnosis_is_no_right_answer(cases):
    exchanged = score(cases, ask=lambda _: ["dZ equals the formula with nonsense where sense belongs"])
    assert exchanged.right == 0
    assert exchanged.wrong == 1


def test_table_has_a_line_for_each_formula_and_one_for_all():
    lines = list(tables(score([case("one", "half of"), case("outside")], ask=lambda _: [HALF])))
    assert [line.split() for line in lines if line.startswith(("square", "all"))] == [
        ["square", "1", "1", "0", "0", "0"],
        ["all", "1", "1", "0", "0", "0"],
        ["square", "1", "0", "0", "1"],
        ["all", "1", "0", "0", "1"],
    ]
    assert lines[-1] == "right 100.0%, none 0.0%, wrong names 50.0%"


def test_right_gradient_has_no_diagnosis():
    right = Case("square", "right", lambda: lambda params, data: {"x": 2 * params["x"]}, frozenset(), "nothing", "one")
    assert sentences(right) == ()


@pytest.mark.parametrize("case", [*chain(*SETS.values())], ids=lambda case: f"{case.key}-{case.name}")
def test_patterns_are_as_many_as_the_kind_has_and_accept_no_empty_words(case):
    assert len(case.accept) >= {"one": 1, "two": 2, "outside": 0}[case.kind]
    assert case.kind != "two" or len(case.accept) == 2
    for pattern in case.accept:
        for name in case.wrong:
            for nothing in ("", "dx", f"d{name} equals the formula", f"d{name}: {NONE}"):
                assert not re.search(pattern, nothing, re.IGNORECASE)
