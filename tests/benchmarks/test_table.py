"""The tables of a run: their rows and columns, their place in a page, and the records that the report is made of."""

import json
import sys

import pytest

from gradproof.report import benchmarks
from gradproof.report.merge import merge
from tests.benchmarks import table
from tests.benchmarks.curves import Curve

HERE = "Python 3.11, here"


def saved(*infos, file="tests/benchmarks/bench_kernels.py", environment=HERE):
    """What pytest-benchmark saves of benchmarks that have this to say."""
    named = [{"fullname": f"{file}::test_kernel[{k}]", "extra_info": info} for k, info in enumerate(infos)]
    return {"machine_info": {"environment": environment}, "benchmarks": named}


def timing(kernel="fast NumPy", shape="weather-1", dtype="float64", peer="torch nn.RNN", ratio=18.4, **rest):
    return {
        "kernel": kernel, "shape": shape, "dtype": dtype, "peer": peer, "ratio": ratio, "iqr": [ratio / 2, ratio * 2],
        **rest,
    }  # fmt: skip


RUN = saved(
    timing(sizes="1, 24, 6, 10, 1", dtype="float32", ratio=0.123),
    timing(sizes="1, 24, 6, 10, 1"),
    timing(sizes="1, 24, 6, 10, 1", peer="JAX scan", ratio=1.26),
    timing(kernel="compiled", ratio=141, seconds=[1e-5, 1.41e-3]),
    timing(shape="big", ratio=0.004),
    {},
    {"kernel": "compiled", "dtype": "float64", "curve": Curve("T", "seconds", (1, 2), (0.1, 0.2)).info()},
)
TABLE = """\
| kernels, float64 / float32 | shape | torch nn.RNN | JAX scan |
|---|---|---|---|
| fast NumPy | weather-1 (1, 24, 6, 10, 1) | 18 / .12 | 1.3 / – |
|  | big | .004 / – | – |
| compiled | weather-1 | 140 / – | – |
"""


def tables(run):
    return "\n".join(table.lines(table.rows(table.published_in(run))))


def test_rows_are_kernels_and_shapes_and_columns_their_peers():
    assert tables(RUN) == TABLE


def test_each_section_has_a_table_of_its_own():
    infos = [{"section": name, **timing()} for name in ("kernels", "oracles")]
    heads = [line for line in table.lines(table.rows(infos)) if "shape" in line]
    assert [head.split(",")[0] for head in heads] == ["| kernels", "| oracles"]


def test_an_oracles_largest_error_has_a_column():
    infos = [timing(peer=peer, error=error) for peer, error in (("gradcheck", 2e-16), ("check_grads", 1e-17))]
    head, _, line, _ = table.lines(table.rows(table.published_in(saved(*infos))))
    assert head == "| kernels, float64 | shape | error | gradcheck | check_grads |"
    assert line == "| fast NumPy | weather-1 | 2e-16 | 18 | 18 |"


def test_padded_columns_stand_under_each_other():
    padded = list(table.lines(table.rows(table.published_in(RUN)), padded=True))
    assert len({len(line) for line in padded if line}) == 1


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [(141.0, "140"), (17.6, "18"), (9.96, "10"), (1.26, "1.3"), (0.999, "1.0"), (0.52, ".52"), (0.0123, ".012")],
)
def test_ratios_have_two_digits(ratio, shown):
    assert table.short(ratio) == shown


# In a page -----------------------------------------------------------------------------------------------------------


def test_the_tables_replace_what_lies_between_the_marks():
    page = f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n"
    written = table.with_tables(page, TABLE)
    assert written == f"before\n{table.BEGIN}\n\n{TABLE}\n{table.END}\nafter\n"
    assert table.with_tables(written, TABLE) == written


@pytest.mark.parametrize(
    "page", ["", table.BEGIN, f"{table.END} {table.BEGIN}", f"{table.BEGIN} {table.BEGIN} {table.END}"]
)
def test_a_page_without_its_marks_is_refused(page):
    with pytest.raises(ValueError, match="must have"):
        table.with_tables(page, TABLE)


# Records -------------------------------------------------------------------------------------------------------------


def test_a_record_has_the_reciprocal_and_the_page_turns_it_back():
    record = table.records(table.published_in(RUN))[1]
    assert record["kind"] == "benchmark"
    assert record["environment"] == HERE
    assert record["ratio"] == pytest.approx(1 / 18.4)
    assert record["iqr"] == pytest.approx([1 / 36.8, 1 / 9.2])
    read = benchmarks.Timing.read(record)
    assert (read.times, read.low, read.high) == pytest.approx((18.4, 9.2, 36.8))


def test_every_record_has_a_key_of_its_own():
    keys = [record["key"] for record in table.records(table.published_in(RUN))]
    assert keys[1] == "kernels: fast NumPy, against torch nn.RNN, weather-1, float64"
    assert keys[-1] == "kernels: compiled, seconds by T, float64"
    assert len(keys) == len(set(keys)) == 6


def test_the_command_prints_writes_and_reports(tmp_path, monkeypatch, capsys):
    first, second, page = tmp_path / "a.json", tmp_path / "b.json", tmp_path / "page.md"
    first.write_text(json.dumps(RUN), encoding="utf-8")
    second.write_text(json.dumps(saved(timing(shape="middle"))), encoding="utf-8")
    page.write_text(f"{table.BEGIN}\n{table.END}\n", encoding="utf-8")
    report = tmp_path / "report"
    words = [str(first), str(second), "--write", str(page), "--report-dir", str(report)]
    monkeypatch.setattr(sys, "argv", ["table", *words])
    assert table.main() == 0
    assert "| weather-1 (1, 24, 6, 10, 1) | 18 / .12 |" in capsys.readouterr().out
    assert "|  | middle | 18 / – | – |" in page.read_text(encoding="utf-8")
    merged = merge([report])
    assert merged.lost == ()
    (other, part) = benchmarks.parts(merged.records)
    assert [len(part.rows), len(part.panels), len(other.rows)] == [4, 1, 1]


# Curves --------------------------------------------------------------------------------------------------------------


def test_the_slope_is_that_of_the_upper_half():
    overhead = [1.0, 1.0, 1.0]
    grown = [float(x**2) for x in (8, 16, 32, 64)]
    assert Curve("n", "seconds", (1, 2, 4, 8, 16, 32, 64), overhead + grown).slope == pytest.approx(2)


@pytest.mark.parametrize(("at", "values"), [((1, 2), (1, 2)), ((1, 2, 4, 8, 16), (1, 1, 1, 0, 4))])
def test_too_few_sizes_or_no_time_have_no_slope(at, values):
    assert Curve("T", "bytes", at, values).slope is None
