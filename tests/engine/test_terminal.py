"""The tables keep to 80 columns, whatever the names and the numbers."""

from dataclasses import replace

from gradproof.errata import Demonstration
from gradproof.report.ordering import natural
from gradproof.report.results import Results
from gradproof.report.terminal import table
from gradproof.reproduction import judge
from gradproof.trial import try_fact, try_gradient
from tests.engine.test_reproduction import LOW, NUMBER, SYSTEM, runs
from tests.engine.test_trial import CODE, ERRATUM, FACT, FORMULA, MISPRINT, fact

LONG = "a name that is as long as a name can be, and longer still than any table has columns for it, or a page"


def lines_of(*outcomes):
    results = Results()
    for outcome in outcomes:
        results.add(outcome)
    return list(table(results, every_claim=True))


def test_a_mistake_has_its_name_both_forms_and_what_they_give():
    lines = lines_of(fact(4, 3), try_gradient(ERRATUM, MISPRINT, FORMULA, CODE))
    assert lines[0].split() == ["mistake", "row", "kind", "refuted"]
    first = lines.index(next(line for line in lines if line.startswith("two-forgotten")))
    assert lines[first].split()[:3] == ["two-forgotten", "Z-E1", "wrong"]
    assert lines[first].endswith("x bound")
    assert lines[first + 1 : first + 3] == ["  printed  w x^2  ->  dw[0] = 3/4", "  correct  2 w x^2  ->  dw[0] = 3/2"]
    assert lines[first + 3].split() == ["sum-of-three", "Z-E2", "text", "yes"]


def test_a_record_that_is_not_as_it_says_is_told_in_the_table():
    (line,) = (line for line in lines_of(fact(3, 3)) if "not as the record says" in line)
    assert "keeps the promise" in line


def test_long_names_forms_and_numbers_stay_in_80_columns():
    wordy = replace(FACT, key=LONG, printed=LONG, corrected=LONG)
    trial = try_fact(wordy, Demonstration(key=LONG, printed=lambda: LONG, corrected=lambda: 3))
    system = replace(
        SYSTEM,
        key=LONG,
        claims=(replace(NUMBER, because=LONG), replace(LOW, name=LONG, says=LONG, shown=lambda runs: LONG)),
    )
    lines = lines_of(trial, *judge(system, runs(1.23456e-30, 2.34567e-30, 3.45678e-30)))
    assert max(map(len, lines)) <= 80
    assert sum("~" in line for line in lines) >= 4


def test_rows_come_in_their_natural_order():
    rows = ["A-E10", "B-E1", "A-E2", "A-E1"]
    assert sorted(rows, key=natural) == ["A-E1", "A-E2", "A-E10", "B-E1"]
