"""Results of several runs in one: nothing is lost in silence, whatever the files hold and however they are called."""

import json
import os
from importlib.util import find_spec

import pytest

from gradproof.__main__ import main
from gradproof.report.merge import Unusable, merge
from gradproof.report.results import write
from tests.engine import pages

WRITES_A_PAGE = pytest.mark.skipif(find_spec("jinja2") is None, reason="jinja2 is not installed: there is no page")


def record(key="line", status="pass", *, kind="formula", environment="Python 3.11.9, Linux", seconds=1.0, **more):
    return {"key": key, "kind": kind, "status": status, "environment": environment, "seconds": seconds, **more}


@pytest.fixture
def results(tmp_path):
    """Write a results.jsonl of records, or of raw bytes, in a folder of its own; its path."""

    def make(name, *records, raw=b""):
        path = tmp_path / name / "results.jsonl"
        write(path, records)
        with path.open("ab") as file:
            file.write(raw)
        return path

    return make


def keys(merged):
    return [record["key"] for record in merged.records]


# What becomes one ----------------------------------------------------------------------------------------------------


def test_records_of_different_runs_come_together_by_kind_and_first_appearance(results):
    first = results("a", record("e", kind="erratum"), record("b"), record("new", kind="benchmark"))
    second = results("b", record("a"), record("r", kind="reproduction"), record("b"), record("p", kind="power"))
    merged = merge([first, second])
    assert keys(merged) == ["b", "a", "e", "p", "r", "new"]
    assert merged.lost == merged.notes == ()


def test_a_folder_means_the_results_in_it(results):
    assert keys(merge([results("a", record()).parent])) == ["line"]


def test_records_of_two_environments_are_all_kept(results):
    paths = [results(name, record(environment=name), record("b", environment=name)) for name in ("3.11", "3.12")]
    merged = merge([*paths, results("c", {"key": "line", "kind": "formula", "status": "pass"})])
    assert keys(merged) == ["line", "b", "line", "b", "line"]
    assert [r.get("environment") for r in merged.records] == ["3.11", "3.11", "3.12", "3.12", None]
    assert merged.lost == ()


def test_the_same_but_for_the_time_is_one(results):
    merged = merge([results("a", record(seconds=1.0)), results("b", record(seconds=2.0))])
    assert len(merged.records) == 1
    assert merged.lost == ()


@pytest.mark.parametrize("order", [("pass", "fail"), ("fail", "pass"), ("inconclusive", "fail")])
def test_of_two_that_contradict_each_other_the_worse_is_kept_and_it_is_said(results, order):
    a, b = (results(name, record(status=status)) for name, status in zip("ab", order, strict=True))
    merged = merge([a, b])
    assert [r["status"] for r in merged.records] == ["fail"]
    assert merged.lost == (f"{a} and {b} differ in line ({', '.join(order)}); the worse is kept",)


def test_a_checker_that_was_not_run_is_a_record_and_one_that_took_longer_is_the_same(results):
    there = pages.power(), pages.peer(), pages.absent()
    again = [{**checker, "milliseconds": {"median": 99.0}} for checker in there]
    merged = merge([results("a", *there), results("b", *again)])
    assert keys(merged) == ["power: gradproof", "power: torch gradcheck", "power: JAX check_grads"]
    assert merged.lost == ()


def test_of_two_that_are_equally_bad_the_first_is_kept_and_the_fields_are_named(results):
    a = results("a", record("x", points=20), record("y", points=20))
    b = results("b", record("x", points=100), record("y", points=20, proof="every size"))
    merged = merge([a, b])
    assert [r["points"] for r in merged.records] == [20, 20]
    assert merged.lost == (f"{a} and {b} differ in x (points), y (proof); the worse is kept",)


def test_a_file_with_two_records_of_one_key_contradicts_itself(results):
    path = results("a", record(), record(status="fail"))
    assert merge([path]).lost == (f"{path} contradicts itself in line (pass, fail); the worse is kept",)


def test_what_was_merged_can_be_merged_again(results):
    a, b = results("a", record("x", shard="1/2")), results("b", record("y", shard="2/2"))
    once = merge([a, b])
    assert merge([results("c", *once.records)]) == once


# Shards --------------------------------------------------------------------------------------------------------------


def test_a_whole_set_of_shards_is_a_whole_run(results):
    merged = merge(results(f"{k}", record(f"x{k}", shard=f"{k}/3")) for k in (1, 2, 3))
    assert merged.lost == ()
    assert all("shard" not in r for r in merged.records)


def test_a_shard_that_nobody_brought_along_is_missed_and_can_come_later(results):
    merged = merge(results(f"{k}", record(f"x{k}", shard=f"{k}/4")) for k in (1, 4))
    assert merged.lost == ("missing: shard 2/4, 3/4 of the run on Python 3.11.9, Linux",)
    later = merge([results("before", *merged.records), *(results(f"{k}", record(shard=f"{k}/4")) for k in (2, 3))])
    assert later.lost == ()


def test_shards_are_missed_by_environment(results):
    both = [results(f"a{k}", record(f"x{k}", shard=f"{k}/2", environment="3.11")) for k in (1, 2)]
    merged = merge([*both, results("b", record("x1", shard="1/2", environment="3.12"))])
    assert merged.lost == ("missing: shard 2/2 of the run on 3.12",)
    assert [r.get("shard") for r in merged.records] == [None, None, "1/2"]


def test_an_empty_file_stands_for_a_shard_without_records(results):
    merged = merge([results("a", record(shard="1/2")), empty := results("b")])
    assert merged.lost == ()
    assert merged.notes == (f"{empty}: a run without records",)
    assert merge([results("c", record(shard="1/3")), empty]).lost == (
        "missing: shard 2/3, 3/3 of the run on Python 3.11.9, Linux",
    )


def test_a_file_that_is_named_twice_counts_once(results):
    merged = merge([results("a", record(shard="1/3")), empty := results("b"), empty, empty.parent])
    assert len(merged.notes) == 1
    assert merged.lost[0].startswith("missing: shard 2/3, 3/3")


def test_no_list_is_made_of_a_billion_missing_shards(results):
    merged = merge([results("a", record(shard="1/999999999"))])
    assert "11/999999999 and 999999988 more of the run" in merged.lost[0]


def test_a_run_that_ended_early_is_named(results):
    path = results("a", record(unfinished="3 of 10 tests"), record("b", unfinished="3 of 10 tests"))
    assert merge([path]).lost == (f"{path}: the run ended after 3 of 10 tests",)


# Damage --------------------------------------------------------------------------------------------------------------

LINE = json.dumps(record("last")).encode()

DAMAGE = {
    "cut off": (LINE[:-9], "line 2: cut off in the middle"),
    "cut in a character": ('{"key": "é'.encode()[:-1], "line 2: cut off in the middle"),
    "not JSON": (b"line: pass\n", "line 2: not JSON: Expecting value"),
    "two on a line": (LINE + LINE + b"\n", "line 2: not JSON: Extra data"),
    "binary": (bytes(range(128, 256)) + b"\n", "line 2: not UTF-8"),
    "NUL": (b"\0\0\0\0\n", "line 2: not JSON: Expecting value"),
    "NaN": (
        b'{"key": "a", "kind": "formula", "status": "pass", "points": NaN}\n',
        "line 2: not JSON: NaN is no number",
    ),
    "list": (b"[1, 2]\n", "line 2: no JSON object"),
    "null": (b"null\n", "line 2: no JSON object"),
    "deep": (b"[" * 100_000 + b"\n", "line 2: nested too deeply"),
    "no key": (b'{"kind": "formula", "status": "pass"}\n', "line 2: a record without 'key'"),
    "no status": (b'{"kind": "formula", "key": "a"}\n', "line 2: a record without 'status'"),
    "status": (
        b'{"key": "a", "kind": "formula", "status": "ok"}\n',
        "line 2: a record whose status is none of pass, inconclusive, fail",
    ),
    "field": (
        b'{"key": "a", "kind": "formula", "status": "pass", "oracles": [1]}\n',
        "line 2: a record with something else as its 'oracles'",
    ),
    "true is no number": (
        b'{"key": "a", "kind": "formula", "status": "pass", "points": true}\n',
        "line 2: a record with something else as its 'points'",
    ),
    "shard": (
        b'{"key": "a", "kind": "formula", "status": "pass", "shard": "5/4"}\n',
        "line 2: a record of a shard that cannot be: '5/4' is not K/N with 1 <= K <= N, as in 2/4",
    ),
    "stretch": (b"junk\njunk\n\njunk\n" + LINE + b"\n", "lines 2 to 3: not JSON: Expecting value"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_line_is_named_and_left_out(results, name):
    raw, says = DAMAGE[name]
    path = results("a", record(), raw=raw)
    merged = merge([path, results("b", record("other"))])
    assert merged.lost[0] == f"{path}, {says}; left out"
    assert set(keys(merged)) - {"last"} == {"line", "other"}


def test_a_number_of_ten_thousand_digits_is_damage(results):
    merged = merge([results("a", record(), raw=LINE.replace(b"1.0", b"9" * 10_000) + b"\n")])
    assert keys(merged) == ["line"]
    assert "left out" in merged.lost[0]


def test_marks_and_line_ends_of_windows_are_no_damage(results):
    path = results("a")
    path.write_bytes(b"\xef\xbb\xbf" + LINE + b"\r\n\r\n" + LINE.replace(b"last", b"laster") + b"\r\n")
    merged = merge([path])
    assert keys(merged) == ["last", "laster"]
    assert merged.lost == ()


def test_separators_of_lines_inside_a_text_are_no_ends_of_lines(results):
    path = results("a", record("a\u2028b\x0bc\x85d\ne"))
    assert keys(merge([path])) == ["a\u2028b\x0bc\x85d\ne"]


def test_half_of_a_surrogate_pair_stops_nothing(results, tmp_path):
    path = results("a", raw=LINE.replace(b"last", rb"odd \udcff name") + b"\n")
    assert main(["report", str(path), "--out", str(tmp_path / "out")]) == 0
    assert keys(merge([tmp_path / "out"])) == [r"odd \udcff name"]


@pytest.mark.parametrize("raw", [LINE[:-9], b"\x7fELF\x02\x01\xff\n\xfe\n", b"junk\n" * 99])
def test_a_file_without_any_record_is_refused(results, raw):
    path = results("a", raw=raw)
    with pytest.raises(Unusable, match=f"{path}, line.*no line of the file is a record"):
        merge([results("b", record()), path])


def test_files_that_are_not_there_or_all_empty_are_refused(results, tmp_path):
    with pytest.raises(Unusable, match=r"there is no file .*absent"):
        merge([results("a", record()), tmp_path / "absent"])
    (tmp_path / "folder").mkdir()
    with pytest.raises(Unusable, match=r"there is no file .*folder.results\.jsonl"):
        merge([tmp_path / "folder"])
    with pytest.raises(Unusable, match=r"there is no record in .*b"):
        merge([results("b")])


# The command ---------------------------------------------------------------------------------------------------------


@WRITES_A_PAGE
def test_the_command_writes_one_file_and_one_page(results, tmp_path, capsys):
    paths = [results("a", record("x")), results("b", record("y", status="fail"))]
    out = tmp_path / "out"
    assert main(["report", *map(str, paths), "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["index.html", "results.jsonl"]
    assert keys(merge([out])) == ["x", "y"]
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "2 records: 1 pass, 1 fail",
        f"written: {out / 'results.jsonl'}",
        f"written: {out / 'index.html'}",
    ]
    assert said.err == ""


@WRITES_A_PAGE
def test_what_is_left_out_is_on_stderr_and_on_the_page_and_the_exit_status_is_1(results, tmp_path, capsys):
    path = results("a", record("x"), raw=LINE[:-9])
    assert main(["report", str(path), "--out", str(tmp_path / "out")]) == 1
    sentence = f"{path}, line 2: cut off in the middle; left out"
    assert capsys.readouterr().err == sentence + "\n"
    assert sentence in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def test_an_empty_shard_is_noted_on_stderr_and_the_exit_status_is_0(results, tmp_path, capsys):
    paths = [results("a", record("x", shard="1/2")), results("b")]
    assert main(["report", *map(str, paths), "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().err == f"{paths[1]}: a run without records\n"


@pytest.mark.parametrize("arguments", [[], ["report"], ["repor"], ["report", "absent.jsonl"], ["report", "a", "--no"]])
def test_a_request_that_cannot_be_met_is_status_2(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    assert exit.value.code == 2
    assert capsys.readouterr().err.count("error:") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_status_2(results, tmp_path, capsys):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(SystemExit) as exit:
        main(["report", str(results("a", record())), "--out", str(tmp_path / "out")])
    assert exit.value.code == 2
    assert "error: --out" in capsys.readouterr().err


def test_results_can_be_merged_into_the_folder_they_come_from(results, tmp_path):
    a, b = results("a", record("x")), results("b", record("y"))
    assert main(["report", str(a), str(b), "--out", str(a.parent)]) == 0
    assert keys(merge([a])) == ["x", "y"]


HOSTILE = ["<img src=x onerror=alert(1)>", "a\nline 9: forged", "\x1b[31mred", "\u202egnorw", "{{ 7 * 7 }}", "%s {0}"]


@WRITES_A_PAGE
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names of files")
@pytest.mark.parametrize("name", [*HOSTILE, os.fsdecode(b"not \xff UTF-8")])
def test_hostile_names_stay_text_in_one_line(results, tmp_path, capsys, name):
    path = results(name, record(name, rows=[name], source=name), raw=b"junk\n")
    assert main(["report", str(path), "--out", str(tmp_path / "out")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.isprintable()
    assert "<img src=x" not in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert keys(merge([tmp_path / "out"])) == [name.encode("utf-8", "backslashreplace").decode()]


# Plots ---------------------------------------------------------------------------------------------------------------


def with_plot(path, name, text):
    folder = path.parent / "plots"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f'<svg xmlns="http://www.w3.org/2000/svg"><title>{text}</title></svg>')
    return path


def test_plots_beside_the_results_are_taken_along(results, tmp_path):
    a = with_plot(results("a", record("x")), "curve.svg", "one")
    b = with_plot(with_plot(results("b", record("y")), "curve.svg", "one"), "other.svg", "two")
    assert main(["report", str(a), str(b.parent), "--out", str(tmp_path / "out")]) == 0
    plots = {path.name: path.read_text() for path in (tmp_path / "out" / "plots").iterdir()}
    assert plots.keys() == {"curve.svg", "other.svg"}
    again = with_plot(a, "curve.svg", "drawn anew")
    assert main(["report", str(again), "--out", str(tmp_path / "out")]) == 0
    assert "drawn anew" in (tmp_path / "out" / "plots" / "curve.svg").read_text()


def test_another_plot_of_the_same_name_is_left_out_and_it_is_said(results, tmp_path, capsys):
    a = with_plot(results("a", record("x")), "curve.svg", "one")
    b = with_plot(results("b", record("y")), "curve.svg", "two")
    assert main(["report", str(a), str(b), "--out", str(b.parent)]) == 1
    assert "is another plot than" in capsys.readouterr().err
    assert "one" in (b.parent / "plots" / "curve.svg").read_text()
