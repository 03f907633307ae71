"""The rule by which a printed number is judged, and that no claim passes without a run."""

import json
import math
from dataclasses import replace

import pytest

from gradproof.errors import InvalidProblem
from gradproof.report.markdown import reproductions_page
from gradproof.report.results import Results
from gradproof.report.terminal import table
from gradproof.reproduction import PrintedNumber, Reproduction, Statement, judge, not_run, short, verdict_on


@pytest.mark.parametrize(
    ("printed", "values", "verdict"),
    [
        ("0.129", [0.131, 0.144], "plausible"),
        ("0.129", [0.119, 0.143], "holds"),
        ("0.015", [0.0561, 0.0608], "no"),
        ("1.9", [1.94], "holds"),
        ("1.90", [1.94], "plausible"),
        ("0.0003", [0.00025, 0.00026, 0.00028], "holds"),  # the median rounds to the digits
        ("0.0001", [4.4e-5, 4.8e-5, 6.5e-5], "plausible"),  # 4.8e-5 rounds to 0.0000
        ("0.00001", [1.6e-5, 1.7e-5, 2.2e-5], "plausible"),
        ("0.00000", [1.8e-5, 1.9e-5, 4.5e-5], "no"),
        ("0.000", [0.0, 2.7e-7, 2.67], "holds"),
        ("48", [42, 48, 65], "holds"),
        ("-0.8", [-0.8], "holds"),
        ("-0.8", [-0.9, -0.85], "plausible"),
        ("-0.8", [0.8], "no"),
        ("1e-3", [0.001], "holds"),
        ("0.5", [0.4, math.nan], "no"),
        ("0.5", [0.4, math.inf], "no"),
        ("48", [30, 45, math.inf], "plausible"),
        ("40", [30, 45, math.inf], "holds"),
        ("60", [30, 45, math.inf], "no"),
        ("40", [math.inf, math.inf], "no"),
    ],
)
def test_the_verdict_on_a_printed_number(printed, values, verdict):
    assert verdict_on(printed, values) == verdict


NUMBER = PrintedNumber(value="loss", printed="0.5")
LOW = Statement(
    name="low",
    says="Every loss is below 1.",
    holds=lambda runs: all(run["loss"] < 1 for run in runs),
    shown=lambda runs: f"at most {max(run['loss'] for run in runs)}",
)
SYSTEM = Reproduction(
    key="system",
    title="a system",
    rows=("Z-i",),
    source="a book, page 9",
    run=lambda seed: {"loss": 0.4 + 0.1 * seed},
    claims=(NUMBER, LOW),
    seeds=3,
    few=1,
    chosen="the seed",
)


def runs(*losses):
    return [{"loss": loss} for loss in losses]


def statuses(system, seen):
    return [judged.status for judged in judge(system, seen)]


def test_a_claim_passes_with_the_verdict_that_was_expected_and_no_other():
    assert statuses(SYSTEM, runs(0.4, 0.5, 0.6)) == ["pass", "pass"]
    assert statuses(SYSTEM, runs(1.4, 1.5, 1.6)) == ["fail", "fail"]
    refuted = replace(NUMBER, expected="no", because="the rate is another")
    assert statuses(replace(SYSTEM, claims=(refuted,)), runs(1.4, 1.5, 1.6)) == ["pass"]
    assert statuses(replace(SYSTEM, claims=(refuted,)), runs(0.4, 0.5, 0.6)) == ["fail"]
    denied = replace(LOW, expected="no", because="it grows")
    assert statuses(replace(SYSTEM, claims=(denied,)), runs(0.4, 0.5, 1.6)) == ["pass"]
    assert statuses(replace(SYSTEM, claims=(denied,)), runs(0.4, 0.5, 0.6)) == ["fail"]


@pytest.mark.parametrize(
    ("expected", "loss", "status"),
    [
        ("holds", 0.3, "pass"),  # one seed of three, within a factor of 2
        ("holds", 0.2, "fail"),
        ("plausible", 0.8, "pass"),
        ("plausible", 1.2, "fail"),
        ("no", 0.7, "pass"),
        ("no", 0.51, "fail"),
    ],
)
def test_few_seeds_must_speak_for_the_verdict_that_all_gave(expected, loss, status):
    claim = replace(NUMBER, expected=expected, because="found with all seeds")
    assert statuses(replace(SYSTEM, claims=(claim,)), runs(loss)) == [status]


def test_a_statement_may_need_all_seeds():
    assert statuses(replace(SYSTEM, claims=(replace(LOW, few=False),)), runs(0.4)) == ["inconclusive"]


def test_a_run_that_never_gets_there_is_written_as_json_can_have_it(tmp_path):
    results = Results()
    for judged in judge(replace(SYSTEM, claims=(NUMBER,)), runs(0.4, 0.6, math.inf)):
        results.add(judged)
    results.write(tmp_path / "results.jsonl")
    assert json.loads((tmp_path / "results.jsonl").read_text())["reproduced"]["max"] == "inf"


def test_without_a_run_nothing_passes():
    assert statuses(SYSTEM, []) == ["inconclusive", "inconclusive"]
    open_ = not_run(SYSTEM, "PyTorch is not installed")
    assert [judged.status for judged in open_] == ["inconclusive", "inconclusive"]
    assert open_[0].not_run == ("PyTorch is not installed",)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: replace(NUMBER, printed="a half"), "loss: 'a half' is no number"),
        (lambda: replace(NUMBER, expected="maybe"), "loss: verdict 'maybe' is none of"),
        (lambda: replace(NUMBER, expected="no"), "loss: no, and no reason is given"),
        (lambda: replace(LOW, expected="plausible"), "low: a statement holds, or it does not"),
        (lambda: replace(LOW, expected="no"), "low: it does not hold, and no reason is given"),
        (lambda: replace(SYSTEM, claims=()), "system: claims must be there"),
        (lambda: replace(SYSTEM, claims=(NUMBER, NUMBER)), "have different names"),
        (lambda: replace(SYSTEM, few=4), "system: few=4 of seeds=3"),
    ],
)
def test_a_record_that_makes_no_sense_is_refused(make, message):
    with pytest.raises(InvalidProblem, match=message):
        make()


# What is shown -----------------------------------------------------------------------------------------------------


def test_every_claim_is_a_line_of_the_table_and_a_record(tmp_path):
    results = Results()
    for judged in judge(SYSTEM, runs(0.4, 0.5, 0.6)):
        results.add(judged)
    assert "system (Z-i; 3 seeds): 2 holds" in table(results)
    lines = list(table(results, every_claim=True))
    assert "system (Z-i; 3 seeds)" in lines
    (number,) = (line for line in lines if line.startswith("  loss"))
    assert number.split() == ["loss", "0.5", ".5", "[.4,", ".6]", "holds"]
    assert all(len(line) <= 80 for line in lines)
    results.write(tmp_path / "results.jsonl")
    first, second = (json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines())
    assert first["key"] == "system: loss"
    assert (first["kind"], first["status"], first["verdict"], first["printed"]) == (
        "reproduction",
        "pass",
        "holds",
        "0.5",
    )
    assert first["reproduced"] == {"median": 0.5, "min": 0.4, "max": 0.6, "seeds": 3}
    assert second["claim"] == "Every loss is below 1."
    assert second["shown"] == "at most 0.6"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (42984.0, "42984"),
        (0.0, "0"),
        (-0.0, "0"),
        (1.8049, "1.8"),
        (5.123e-5, "5.12e-5"),
        (-3e-12, "-3e-12"),
        (2.5e30, "2.5e30"),
    ],
)
def test_numbers_are_short(value, text):
    assert short(value) == text


def test_as_many_digits_are_shown_as_are_printed():
    claim = replace(NUMBER, printed="0.49999766")
    (judged,) = judge(replace(SYSTEM, claims=(claim,)), runs(0.499997657, 0.49999766, 0.499997663))
    assert judged.shown == "0.49999766 [0.49999766, 0.49999766]"


def test_another_verdict_is_a_finding_and_marked():
    results = Results()
    for judged in judge(SYSTEM, runs(1.4, 1.5, 1.6)):
        results.add(judged)
    record = results.entries["system: loss"].record()
    assert record["status"] == "fail"
    assert record["findings"] == [{"kind": "reproduction", "detail": "no, expected holds: 1.5 [1.4, 1.6]"}]
    assert any(line.startswith("  loss") and "F0.5 " in line for line in table(results))


def test_what_did_not_run_is_said():
    results = Results()
    for judged in not_run(SYSTEM, "PyTorch is not installed"):
        results.add(judged)
    assert results.entries["system: low"].record()["not_run"] == {"reproduction": {"PyTorch is not installed": 1}}
    lines = list(table(results))
    assert "system (Z-i; not run): 2 open" in lines
    assert lines.count("      not run: PyTorch is not installed") == 1
    lines = list(table(results, every_claim=True))
    assert lines.count("      not run: PyTorch is not installed") == 2


def test_the_page_keeps_text_in_its_cells():
    page = reproductions_page(judge(replace(SYSTEM, chosen="a | b"), runs(0.4, 0.5, 0.6)))
    assert "| loss | 0.5 | 0.5 [0.4, 0.6] | holds |" in page
    assert "| low: Every loss is below 1. |  | at most 0.6 | holds |" in page
    assert r"- Chosen: a \| b" in page
