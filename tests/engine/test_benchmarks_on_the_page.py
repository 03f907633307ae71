"""Benchmarks on the page: how many times faster each kernel is than each peer, and how time and memory grow."""

import pytest

from gradproof.report import benchmarks, race
from tests.engine import pages
from tests.engine.test_page import Parsed, rendered, without

ALL = [
    pages.benchmark("a"),
    pages.benchmark("b", peer="nn.RNN", ratio=2.0, iqr=[1.6, 2.5]),
    pages.benchmark("c", shape="weather", sizes=None, peer="nn.RNN", ratio=0.05, iqr=None),
    pages.benchmark("d", kernel="compiled", ratio=0.01),
    pages.benchmark("e", dtype="float32", ratio=0.1),
]


def seen(records=ALL):
    return Parsed(rendered(records)).text


# The table -----------------------------------------------------------------------------------------------------------


def test_rows_are_kernels_and_shapes_and_columns_their_peers():
    shown = seen()
    assert "kernel shape autograd nn.RNN" in shown
    assert "NumPy elman B=1, T=100, n=64 4.0 2.0 to 5.0 0.50 0.40 to 0.62" in shown
    assert "weather – 20" in shown
    assert "compiled elman B=1, T=100, n=64 100 2.0 to 5.0 –" in shown


def test_a_kernels_shapes_stand_together_in_the_order_in_which_they_came():
    records = [pages.benchmark(kernel=kernel, shape=shape) for shape in "ba" for kernel in ("z", "y")]
    (part,) = benchmarks.parts(records)
    assert {kernel: [row.shape for row in rows] for kernel, rows in part.kernels.items()} == {
        "z": ["b", "a"],
        "y": ["b", "a"],
    }
    assert list(part.kernels) == ["z", "y"]


def test_each_dtype_section_and_environment_has_a_table_of_its_own():
    elsewhere = pages.benchmark(environment=pages.THERE)
    found = benchmarks.parts([*ALL, elsewhere, pages.benchmark(section="oracles")])
    places = [(part.section, part.dtype, part.environment) for part in found]
    assert places == [
        ("kernels", "float64", pages.HERE),
        ("kernels", "float32", pages.HERE),
        ("kernels", "float64", pages.THERE),
        ("oracles", "float64", pages.HERE),
    ]
    assert list(benchmarks.sections(found)) == ["kernels", "oracles"]


@pytest.mark.parametrize(
    ("ratio", "level"), [(2.0, "slower"), (1.0, "faster"), (0.11, "faster"), (0.1, "muchfaster"), (1e-3, "muchfaster")]
)
def test_the_colour_says_whether_it_is_faster(ratio, level):
    assert benchmarks.Timing.read(pages.benchmark(ratio=ratio)).level == level


@pytest.mark.parametrize("ratio", [None, 0, -1, "inf", "nan", "0.5", True, [], 1e-320, 1e400])
def test_what_can_be_no_ratio_is_no_timing(ratio):
    assert benchmarks.Timing.read(pages.benchmark(ratio=ratio)) is None
    assert benchmarks.parts([pages.benchmark(ratio=ratio)]) == ()
    assert 'id="benchmarks"' not in rendered([pages.benchmark(ratio=ratio)])


@pytest.mark.parametrize("iqr", [None, 0.04, [], [1], ["a", 2], [0, 1], [1, 2, 3]])
def test_what_can_be_no_quartiles_is_left_out(iqr):
    timing = benchmarks.Timing.read(pages.benchmark(iqr=iqr))
    assert (timing.shown, timing.spread) == ("4.0", "")


def test_an_oracles_error_has_a_column():
    assert "kernel shape error autograd" in seen([pages.benchmark(error=2e-16)])
    assert "2.0 × 10⁻¹⁶ 4.0 2.0 to 5.0" in seen([pages.benchmark(error=2e-16)])


@pytest.mark.parametrize(
    ("x", "shown"),
    [(0.00763, "0.0076"), (0.5, "0.50"), (9.94, "9.9"), (9.96, "10"), (140.4, "140"), (1e-4, "1.0 × 10⁻⁴")],
)
def test_ratios_have_two_digits(x, shown):
    assert benchmarks.factor(x) == shown


def test_the_head_counts_the_ratios():
    assert "benchmarks 5 ratios to a peer" in seen([*ALL, pages.growth()])
    assert "benchmarks" not in seen([pages.formula()])


def test_benchmarks_pass_and_fail_nothing():
    assert "Nothing was checked" in seen()


# The charts ----------------------------------------------------------------------------------------------------------


def alts(records):
    pytest.importorskip("matplotlib")
    return [" ".join(alt.split()) for alt in Parsed(rendered(records)).having("alt")]


def test_the_chart_says_what_is_to_be_seen():
    (alt, _) = alts(ALL)
    assert alt == "Times faster than each peer, on a logarithmic axis: autograd up to 100; nn.RNN up to 20."


def test_growth_has_a_panel_for_each_size_and_a_line_for_each_kernel():
    by_n = {"by": "n", "of": "bytes", "at": [2, 4], "values": [1024, 4096]}
    (alt,) = alts([pages.growth(), pages.growth("compiled"), pages.growth(curve=by_n)])
    assert alt == (
        "On logarithmic axes, time by T: NumPy slope 1.00, compiled slope 1.00; memory by n: NumPy 1.02 kB to 4.1 kB."
    )


@pytest.mark.parametrize(
    "curve",
    [
        None,
        {},
        {"at": [1, 2]},
        {"at": [1], "values": [1]},
        {"at": [1, 1], "values": [1, 2]},
        {"at": [0, 2], "values": [1, 2]},
        {"at": [1, 2], "values": [-1, 2]},
        {"at": ["a", 2], "values": [1, 2]},
        {"at": [1, 2], "values": [1, "inf"]},
        {"at": 7, "values": "text"},
    ],
)
def test_what_can_be_no_curve_is_none(curve):
    assert benchmarks.Curve.read(pages.growth(curve=curve)) is None


@pytest.mark.parametrize("name", ["$x$", r"$\frac{$", "a\x00b", "\n", "𝓍" * 99, "half \ud800"])
def test_any_name_can_stand_in_the_charts(name):
    curve = {**pages.growth()["curve"], "by": name}
    assert len(alts([pages.benchmark(kernel=name, peer=name, shape=name), pages.growth(name, curve=curve)])) == 2


def test_extreme_numbers_do_not_cost_the_page():
    curve = {"by": "T", "of": "seconds", "at": [1e-300, 1e300], "values": [5e-324, 1e308]}
    assert rendered([pages.benchmark(ratio=1e-300, iqr=[1e-308, 1e300]), pages.growth(curve=curve)])


def test_too_many_bars_are_left_to_the_table():
    many = [pages.benchmark(shape=str(k)) for k in range(race.MOST_ROWS + 1)]
    assert "No chart of the benchmarks: there are too many of them." in seen(many)


def test_without_matplotlib_the_charts_are_left_out_with_the_reason(monkeypatch):
    without(monkeypatch, "matplotlib")
    shown = seen([*ALL, pages.growth()])
    assert "No chart of the benchmarks: Matplotlib is not installed." in shown
    assert "NumPy elman" in shown


@pytest.mark.parametrize(("x", "shown"), [(2e-5, "20 µs"), (1.5e6, "1.5 Ms"), (0.25, "250 ms"), (3.0, "3 s")])
def test_values_have_a_unit(x, shown):
    assert race.scaled(x, "s") == shown
