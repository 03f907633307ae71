"""The checkers on the page: what each catches, its false alarms and its time, as the records have them."""

import pytest

from gradproof.report.power import Count
from gradproof.report.view import view
from tests.engine import pages
from tests.engine.test_page import Parsed, rendered, without

ALL = [pages.peer(), pages.absent(), pages.power()]
"""As they might come: a peer, one that was not run, and gradproof."""


def seen(records=ALL):
    return Parsed(rendered(records)).text


# What each catches -------------------------------------------------------------------------------------------------


def test_rates_stand_by_kind_and_checker_with_gradproof_first():
    shown = seen()
    assert "kind gradproof torch gradcheck best peer JAX check_grads" in shown
    assert "all kinds 100 99.0 65.0 72.0 –" in shown
    assert "transpose dropped 60 100 75.0 80.0 –" in shown
    assert "term dropped 40 97.5 50.0 60.0 –" in shown


def test_what_comes_of_it_is_said_in_a_sentence():
    shown = seen()
    assert "gradproof rejects 99 of 100 wrong gradients (99.0 %), and correct code at 0 of 40 points (0 %)." in shown
    assert "The best peer, torch gradcheck, rejects 72 of 100 wrong gradients (72.0 %)" in shown
    assert "correct code at 9 of 40 points (22.5 %)." in shown
    assert "The best peers, a, b, reject 72 of 100" in seen([pages.power(), pages.peer("a"), pages.peer("b")])


@pytest.mark.parametrize(
    ("hits", "of", "rounded"),
    [(0, 7, "0"), (7, 7, "100"), (1, 5000, "0.1"), (4999, 5000, "99.9"), (2, 3, "66.7"), (999, 1000, "99.9")],
)
def test_all_and_none_are_all_and_none(hits, of, rounded):
    assert Count(hits, of).rounded == rounded


NO_COUNTS = [
    None, 7, "12", {}, [], [1], [3, 2], [-1, 2], [1, 0], [1, "2"], [True, 2], [1, 10**400], [1, 2, 3], ["nan", 2],
]  # fmt: skip


@pytest.mark.parametrize("value", NO_COUNTS, ids=lambda value: repr(value)[:20])
def test_what_cannot_be_a_count_is_a_dash(value):
    assert Count.read(value) is None
    shown = seen([pages.power(), pages.peer(kills={"transpose dropped": value, "term dropped": [24, 40]})])
    assert "transpose dropped 60 100 75.0 –" in shown
    assert "all kinds 100 99.0 65.0 60.0" in shown


@pytest.mark.parametrize(
    ("others", "best"),
    [
        ([pages.peer("a"), pages.peer("b", kills={"term dropped": [30, 40]})], ["b"]),
        ([pages.peer("a"), pages.peer("b", alarms={"float64, ordinary": [1, 20]})], ["b"]),
        ([pages.peer("a"), pages.peer("b", alarms={})], ["a"]),
        ([pages.peer("a"), pages.peer("b")], ["a", "b"]),
        ([pages.absent()], []),
    ],
)
def test_the_best_peer_catches_most_and_then_alarms_least(others, best):
    (comparison,) = view([pages.power(), *others]).comparisons
    assert [checker.name for checker in comparison.best] == best


@pytest.mark.parametrize("counted", [{}, {"transpose dropped": [0, 60], "term dropped": [0, 40]}])
def test_a_peer_that_is_not_installed_has_dashes_and_its_reason_and_never_zero(counted):
    shown = seen([pages.power(), pages.absent(kills=counted, alarms=counted)])
    assert "all kinds 100 99.0 65.0 –" in shown
    assert "all points 40 0 of 40 3 without a verdict –" in shown
    assert "JAX check_grads – jax is not installed" in shown


def test_survivors_are_named_with_their_reasons():
    shown = seen()
    assert "What gradproof does not catch: 1 wrong gradient dW[0, 0] off by 1e-16 rnn-tanh, term dropped" in shown
    assert "The term is smaller than what rounding may do." in shown
    assert "No reason is given." in seen([pages.power(survivors=[{"name": "stale"}])])


def test_survivors_without_a_name_are_counted():
    shown = seen([pages.power(kills={"term dropped": [30, 40]})])
    assert "What gradproof does not catch: 10 wrong gradients" in shown
    assert "9 of them the record does not name." in shown
    assert "catches every one" not in shown


def test_that_none_survives_is_said():
    assert "gradproof catches every one of them." in seen([pages.power(kills={"sign": [9, 9]}, survivors=[])])


# What each leaves alone, and its time ------------------------------------------------------------------------------


def test_false_alarms_stand_by_regime_and_points_without_a_verdict_apart():
    shown = seen()
    assert "all points 40 0 of 40 3 without a verdict 9 of 40 –" in shown
    assert "float64, ordinary 20 0 of 20 0 of 20 –" in shown
    assert "float32, saturated 20 0 of 20 3 without a verdict 9 of 20 –" in shown


def test_a_check_has_its_median_and_quartiles():
    assert "gradproof 2.13.0 14 9.50 to 31" in seen()


# The head ----------------------------------------------------------------------------------------------------------


def test_the_head_has_what_gradproof_caught_and_no_peer_in_its_counts():
    shown = seen()
    assert "All 1 passed" in shown
    assert "wrong gradients caught 99.0 % of 100; 0 false alarms at 40 points" in shown


def test_of_two_environments_the_head_has_the_one_in_which_less_was_caught():
    worse = pages.power(environment=pages.THERE, kills={"sign": [1, 2]})
    assert "wrong gradients caught 50.0 % of 2" in seen([pages.power(), worse])


def test_a_checker_that_fails_is_a_failure_with_its_reason():
    found = {"kind": "power", "detail": "stale (rnn-tanh) survives, and nobody said why"}
    shown = seen([pages.formula(), pages.power(status="fail", findings=[found])])
    assert "1 of 2 failed" in shown
    assert shown.count("stale (rnn-tanh) survives, and nobody said why") == 2


def test_a_peer_that_fails_is_a_failure():
    assert "1 of 2 failed" in seen([pages.power(), pages.peer(status="fail")])


def test_gradproof_that_was_not_run_is_open_and_a_peer_that_was_not_is_not():
    shown = seen([pages.absent("gradproof", not_run="the corpus is empty"), pages.absent()])
    assert "0 passed, 1 open" in shown
    assert "power: gradproof : the corpus is empty" in shown


def test_each_environment_has_its_own_tables():
    shown = seen([*ALL, pages.power(environment=pages.THERE, kills={"sign": [3, 3]})])
    here, _, there = shown.partition(f"{pages.THERE} gradproof rejects 3 of 3 wrong gradients")
    assert f"{pages.HERE} gradproof rejects 99 of 100 wrong gradients" in here
    assert "all kinds 100 99.0 65.0 72.0 –" in here
    assert "all kinds 3 100" in there


def test_where_checkers_were_measured_is_no_column_of_the_formulas():
    environments = view([pages.formula(), pages.power(environment=pages.THERE)]).environments
    assert environments == (pages.HERE,)


# To look at, and to listen to --------------------------------------------------------------------------------------


def test_the_chart_says_what_is_to_be_seen():
    pytest.importorskip("matplotlib")
    (alt,) = Parsed(rendered(ALL)).having("alt")
    assert " ".join(alt.split()) == (
        "Wrong gradients caught, and false alarms on correct code:"
        " gradproof 99.0 % and 0 %; torch gradcheck 72.0 % and 22.5 %."
    )


@pytest.mark.parametrize("name", ["$x$", r"$\frac{$", "a\x00b", "\n", "𝓍" * 99, "half \ud800"])
def test_any_name_can_stand_in_the_chart(name):
    pytest.importorskip("matplotlib")
    (alt,) = Parsed(rendered([pages.peer(name)])).having("alt")
    assert "72.0\N{NO-BREAK SPACE}%" in alt


def test_without_matplotlib_the_chart_is_left_out_with_the_reason(monkeypatch):
    without(monkeypatch, "matplotlib")
    shown = seen()
    assert "No chart of the checkers: Matplotlib is not installed." in shown
    assert "all kinds 100" in shown


def test_every_table_has_a_caption_and_every_head_its_scope():
    parsed = Parsed(rendered(ALL))
    assert parsed.tags.count("table") == parsed.tags.count("caption") == 3
    assert parsed.tags.count("th") == len(parsed.having("scope"))
