"""Runs are made once, kept whole, made again when they must be; and nothing that did not run counts as passed."""

import json
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import reproductions
from gradproof.catalogue import collect
from gradproof.errors import InvalidProblem
from gradproof.reproduction import PrintedNumber, Reproduction
from reproductions.__main__ import INTERRUPTED, main
from reproductions.figures import Figure
from reproductions.runner import THREADS, execute
from reproductions.store import plain, reached

COMMON = """
from pathlib import Path

LOG = Path(__file__).with_name("log")


def note(key, seed):
    with LOG.open("a") as log:
        log.write(f"{key} {seed}\\n")
"""

SYSTEMS = """
import os

from gradproof.errors import NotRun
from gradproof.reproduction import PrintedNumber, Reproduction, Statement
from reproductions.figures import Figure
from systems.common import note


def steady(seed):
    note("steady", seed)
    return {"number": 2 + seed / 10, "odd": [float("nan"), -float("inf")], "word": "nan", "threads": os.environ.get(
        "OMP_NUM_THREADS")}


def other(seed):
    note("other", seed)
    return {"number": 1.0}


def unable(seed):
    note("unable", seed)
    raise NotRun("there is no telescope")


def broken(seed):
    note("broken", seed)
    if seed == 1:
        raise ZeroDivisionError("of seed one\\nand more")
    return {"number": 1.0}


def number(printed):
    return PrintedNumber(value="number", printed=printed)


def system(run, **rest):
    fields = {"title": "a system", "rows": ("Z-i",), "source": "a book, page 7", "claims": (number("2.1"),)}
    return Reproduction(run=run, **{"key": run.__name__, "seeds": 3, **fields, **rest})


STEADY = system(steady)
OTHER = system(other, key="steady-too", claims=(number("7"),))
UNABLE = system(unable)
BROKEN = system(broken)
UNREADABLE = system(other, key="unreadable", claims=(number("1"), PrintedNumber(value="weight", printed="1")))


def draw(figure, runs):
    axes = figure.subplots()
    axes.plot([run["number"] for run in runs["steady"]])
    axes.set(xlabel="seed", ylabel="number")


PLOT = Figure(key="plot", alt="Numbers that rise < in a line.", needs=("steady",), draw=draw)
MISSING = Figure(key="missing", alt="Nothing.", needs=("steady", "unable"), draw=draw)
CROOKED = Figure(key="crooked", alt="Nothing.", needs=("steady",), draw=lambda figure, runs: 1 / 0)
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The folder of a package ``systems``; its records by key are ``records()``."""
    folder = tmp_path / "systems"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "common.py").write_text(COMMON)
    (folder / "tiny.py").write_text(SYSTEMS)
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "systems"]:
        del sys.modules[name]


@pytest.fixture
def run(package, tmp_path):
    """``run(key, ...)`` executes these and gives back their outcomes."""

    def run(*keys, folder=tmp_path / "out", workers=1, quick=False, **rest):
        records = collect(sys.modules.get("systems") or __import__("systems"), Reproduction)
        chosen = [records[key] for key in keys]
        return execute(chosen, quick=quick, folder=folder, workers=workers, package="systems", **rest)

    return run


@pytest.fixture
def runs_made(package):
    """What ran since it was last asked."""

    def read():
        log = package / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines

    return read


def statuses(outcome):
    return [claim.status for claim in outcome.judged()]


# Running -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
def test_the_runs_of_all_seeds_come_back_in_order(workers, run, runs_made):
    steady, other = run("steady", "steady-too", workers=workers)
    assert [outcome.reproduction.key for outcome in (steady, other)] == ["steady", "steady-too"]
    assert [one["number"] for one in steady.runs] == [2.0, 2.1, 2.2]
    assert statuses(steady) == ["pass"]
    assert statuses(other) == ["fail"]
    assert sorted(runs_made()) == sorted(f"{key} {seed}" for key in ("steady", "other") for seed in range(3))


def test_each_worker_has_one_thread_and_the_environment_is_as_before(run, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    before = {name: os.environ.get(name) for name in THREADS}
    (steady,) = run("steady", workers=2)
    assert {one["threads"] for one in steady.runs} == {"1"}
    assert {name: os.environ.get(name) for name in THREADS} == before


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_ends_its_own_seed_and_fails_its_own_reproduction(workers, run, runs_made, capfd):
    broken, steady = run("broken", "steady", workers=workers)
    assert {"broken 0", "broken 1", "broken 2", "steady 2"} <= set(runs_made())
    assert statuses(steady) == ["pass"]
    (claim,) = broken.judged()
    assert (claim.status, claim.verdict, claim.because) == ("fail", None, "seed 1: ZeroDivisionError: of seed one")
    error = capfd.readouterr().err
    assert "broken, seed 1: ZeroDivisionError: of seed one" in error
    assert "Traceback" in error


def test_a_worker_that_dies_fails_what_it_had_and_is_no_crash(package, run):
    (package / "tiny.py").write_text(
        SYSTEMS.replace('raise ZeroDivisionError("of seed one\\nand more")', "os._exit(3)")
    )
    (broken,) = run("broken", workers=2)
    (claim,) = broken.judged()
    assert claim.status == "fail"
    assert "process" in claim.because


SLEEPER = """
import os
import time

from gradproof.reproduction import PrintedNumber, Reproduction
from systems.common import note


def sleeper(seed):
    note(str(os.getpid()), seed)
    time.sleep(600)


SLEEPER = Reproduction(
    key="sleeper", title="a sleeper", rows=("Z-i",), source="a book, page 8", run=sleeper, seeds=2,
    claims=(PrintedNumber(value="number", printed="1"),),
)
"""

PARENT = """
from reproductions.runner import execute
from systems.sleeper import SLEEPER

if __name__ == "__main__":
    execute([SLEEPER], quick=False, workers=2, package="systems")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="asks for processes as POSIX has them")
def test_workers_do_not_outlive_a_parent_that_is_killed(package, tmp_path):
    (package / "sleeper.py").write_text(SLEEPER)
    (tmp_path / "parent.py").write_text(PARENT)
    path = os.pathsep.join([str(tmp_path), str(Path(reproductions.__file__).parents[1])])
    parent = subprocess.Popen([sys.executable, str(tmp_path / "parent.py")], env={**os.environ, "PYTHONPATH": path})
    try:
        workers = soon(lambda: len(started := noted(package)) == 2 and started)
        parent.kill()
        parent.wait()
        assert soon(lambda: not any(map(alive, workers)))
    finally:
        parent.kill()


def noted(package):
    log = package / "log"
    return [int(line.split()[0]) for line in log.read_text().splitlines()] if log.exists() else []


def alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"  # a zombie is at its end


def soon(ask, seconds=30):
    """The answer once it is true; the last one if it never is."""
    end = time.monotonic() + seconds
    while not (answer := ask()) and time.monotonic() < end:
        time.sleep(0.05)
    return answer


@pytest.mark.parametrize("workers", [1, 2])
def test_what_cannot_run_is_open_and_never_passed(workers, run, tmp_path):
    unable, steady = run("unable", "steady", workers=workers)
    assert [(claim.status, claim.because) for claim in unable.judged()] == [("inconclusive", "there is no telescope")]
    assert statuses(steady) == ["pass"]
    assert not (tmp_path / "out" / "runs" / "unable").exists()


def test_what_cannot_run_is_not_tried_with_every_seed(run, runs_made):
    run("unable")
    assert runs_made() == ["unable 0"]


def test_a_claim_that_cannot_read_the_runs_fails_alone(run):
    (unreadable,) = run("unreadable")
    readable, other = unreadable.judged()
    assert readable.status == "pass"
    assert (other.status, other.because) == ("fail", "cannot be judged: KeyError: 'weight'")


@pytest.mark.parametrize(
    ("left", "message"),
    [
        ("{'number': {1.0}}", "number is a set, which cannot be kept"),
        ("{'number': {1: 2}}", "number has the name 1, which is no string"),
        ("None", "a run leaves named numbers, not a NoneType"),
    ],
)
def test_a_run_that_json_cannot_hold_is_an_error(left, message, package, run):
    (package / "tiny.py").write_text(SYSTEMS.replace('{"number": 1.0}', left, 1))
    (other,) = run("steady-too", quick=True)
    assert statuses(other) == ["fail"]
    assert message in other.error


def test_numpy_is_left_as_python():
    run = {
        "a": np.float32(0.5),
        "n": np.int64(3),
        "series": np.arange(2.0),
        "pairs": ((1, np.bool_(True)),),
        "none": None,
    }
    left = plain(run)
    assert left == {"a": 0.5, "n": 3, "series": [0.0, 1.0], "pairs": [[1, True]], "none": None}
    assert json.loads(json.dumps(left)) == left


def test_a_record_that_no_module_defines_is_refused(run):
    record = Reproduction(
        key="loose", title="t", rows=("Z",), source="s", run=dict, claims=(PrintedNumber(value="x", printed="1"),)
    )
    with pytest.raises(InvalidProblem, match="loose: no module of systems defines it"):
        execute([record], quick=True, package="systems")


# Resuming ------------------------------------------------------------------------------------------------------------


def test_what_is_kept_is_not_run_again(run, runs_made, capsys):
    (first,) = run("steady")
    runs_made()
    (second,) = run("steady")
    assert not runs_made()
    assert repr(second.runs) == repr(first.runs)
    assert second.seconds == pytest.approx(first.seconds)
    assert capsys.readouterr().err == ""


def test_a_full_run_goes_on_from_a_quick_one(run, runs_made):
    (quick,) = run("steady", quick=True)
    assert len(quick.runs) == 1
    assert runs_made() == ["steady 0"]
    (full,) = run("steady")
    assert len(full.runs) == 3
    assert runs_made() == ["steady 1", "steady 2"]


def test_an_error_is_not_kept_but_the_other_seeds_are(run, runs_made):
    run("broken")
    runs_made()
    run("broken")
    assert runs_made() == ["broken 1"]


def test_fresh_runs_what_is_kept_too(run, runs_made):
    run("steady")
    runs_made()
    run("steady", fresh=True)
    assert runs_made() == ["steady 0", "steady 1", "steady 2"]


def test_without_a_folder_nothing_is_kept(run, runs_made, tmp_path):
    run("steady", folder=None)
    run("steady", folder=None)
    assert len(runs_made()) == 6
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("file", ["tiny.py", "common.py"], ids=["its module", "what that imports"])
def test_a_run_made_by_other_code_is_said_and_made_again(file, package, run, runs_made, capsys):
    run("steady", quick=True)
    runs_made()
    with (package / file).open("a") as code:
        code.write("\n# another line\n")
    run("steady", quick=True)
    assert runs_made() == ["steady 0"]
    assert re.search(r"steady: 0\.json: made by other code; run again\n$", capsys.readouterr().err)
    run("steady", quick=True)
    assert not runs_made()


def test_what_is_wrong_with_many_runs_alike_is_said_in_one_line(package, run, capsys):
    run("steady")
    with (package / "tiny.py").open("a") as code:
        code.write("# another line\n")
    (steady,) = run("steady")
    assert steady.complete
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("steady: 0.json, 1.json, 2.json: made by other code; run again")


def test_code_that_a_run_does_not_reach_changes_nothing(package, run, runs_made):
    run("steady", quick=True)
    runs_made()
    (package / "elsewhere.py").write_text("NUMBER = 1\n")
    run("steady", quick=True)
    assert not runs_made()


def test_a_run_made_with_another_library_is_made_again(package, run, runs_made, monkeypatch):
    (package / "tiny.py").write_text("import numpy\n" + SYSTEMS)
    run("steady", quick=True)
    runs_made()
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0")
    run("steady", quick=True)
    assert runs_made() == ["steady 0"]


def test_the_code_of_the_weather_network_is_its_data_and_the_verified_gradients():
    sources, libraries = reached("reproductions.weather")
    assert {"reproductions.weather", "reproductions.weather_data", "implementations.recurrent"} <= sources.keys()
    assert not {"reproductions.plots", "reproductions.runner", "gradproof.reproduction"} & sources.keys()
    assert {"numpy", "torch"} <= libraries


DAMAGES = {
    "cut short": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
    "no record": lambda text: "[1, 2]",
    "without seconds": lambda text: text.replace('"seconds"', '"minutes"'),
    "of another shape": lambda text: re.sub(r'"run": \{.*\}\}', '"run": 1}', text, flags=re.DOTALL),
    "not JSON": lambda text: text.replace('{"float": "nan"}', "NaN"),
    "of another seed": lambda text: text.replace('"seed": 0', '"seed": 1'),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_said_and_the_run_made_again(damage, run, runs_made, tmp_path, capsys):
    (before,) = run("steady", quick=True)
    runs_made()
    path = tmp_path / "out" / "runs" / "steady" / "0.json"
    whole = path.read_text()
    assert damage(whole) != whole
    path.write_text(damage(whole))
    (after,) = run("steady", quick=True)
    assert runs_made() == ["steady 0"]
    assert re.search(r"steady: 0\.json: (damaged|the run of).*; run again\n$", capsys.readouterr().err)
    assert repr(after.runs) == repr(before.runs)


def test_bytes_that_are_no_text_are_damage_too(run, tmp_path, capsys):
    run("steady", quick=True)
    (tmp_path / "out" / "runs" / "steady" / "0.json").write_bytes(b"\xff\xfe\x00")
    run("steady", quick=True)
    assert "damaged" in capsys.readouterr().err


def test_nan_and_infinity_are_kept_in_json_and_words_stay_words(run, tmp_path):
    run("steady", quick=True)
    text = (tmp_path / "out" / "runs" / "steady" / "0.json").read_text()
    json.loads(text, parse_constant=pytest.fail)
    (steady,) = run("steady", quick=True)
    (kept,) = steady.runs
    assert math.isnan(kept["odd"][0])
    assert kept["odd"][1] == -math.inf
    assert kept["word"] == "nan"


def test_a_run_that_was_half_written_is_none(run, runs_made, tmp_path):
    folder = tmp_path / "out" / "runs" / "steady"
    folder.mkdir(parents=True)
    (folder / "0.part").write_text('{"key": "steady"')
    run("steady", quick=True)
    assert runs_made() == ["steady 0"]
    assert [path.name for path in folder.iterdir()] == ["0.json"]


def test_an_interrupt_keeps_what_is_finished(package, run, runs_made, tmp_path, capsys):
    interrupted = SYSTEMS.replace('raise ZeroDivisionError("of seed one\\nand more")', "raise KeyboardInterrupt")
    (package / "tiny.py").write_text(interrupted)
    assert main(["broken", "--workers", "1", "--out", str(tmp_path / "out")], "systems") == INTERRUPTED
    assert "the same command goes on from there" in capsys.readouterr().out
    runs_made()
    with pytest.raises(KeyboardInterrupt):
        run("broken")
    assert runs_made() == ["broken 1"]


# Progress ------------------------------------------------------------------------------------------------------------


def test_nothing_is_shown_where_stderr_is_no_terminal(run, capsys):
    run("steady")
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar(run, capsys, monkeypatch):
    pytest.importorskip("tqdm", reason="tqdm is not installed")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    run("steady", "broken")
    error = capsys.readouterr().err
    assert "6/6" in error
    assert "broken, seed 1: ZeroDivisionError" in error


def test_without_tqdm_a_terminal_gets_lines(run, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    run("steady")
    assert [line.rpartition(",")[0] for line in capsys.readouterr().err.splitlines()] == [
        "1 of 3: steady, seed 0",
        "2 of 3: steady, seed 1",
        "3 of 3: steady, seed 2",
    ]


def test_progress_can_be_refused(run, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    run("steady", progress=False)
    assert capsys.readouterr().err == ""


# The command ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def command(package, tmp_path, capsys):
    """``command(*words)``: its exit status, and what it wrote on stdout and stderr."""

    def command(*words):
        status = main([*words, "--workers", "1", "--out", str(tmp_path / "out")], "systems")
        written = capsys.readouterr()
        return status, written.out, written.err

    return command


def written(tmp_path):
    lines = (tmp_path / "out" / "results.jsonl").read_text(encoding="utf-8").splitlines()
    return {record["key"]: record["status"] for record in map(json.loads, lines)}


@pytest.mark.parametrize(
    ("words", "status"),
    [(["steady"], 0), (["steady-too"], 1), (["unable"], 0), (["broken"], 1), ([], 1)],
    ids=["as printed", "not as printed", "could not run", "an error", "all"],
)
def test_the_exit_status_is_1_only_if_a_claim_fails(words, status, command):
    assert command(*words, "--no-plots")[0] == status


def test_the_table_ends_with_what_failed_and_what_is_open_and_why(command):
    _, out, _ = command("unable", "broken", "--no-plots")
    assert "FAILED broken: number: seed 1: ZeroDivisionError: of seed one" in out
    assert "1 inconclusive: there is no telescope" in out
    assert re.search(r"gradproof: 0 passed, 1 failed, 1 inconclusive", out)


@pytest.mark.parametrize(
    ("names", "meant"),
    [
        (["steady"], ["steady"]),
        (["stead"], ["steady", "steady-too"]),
        (["*too"], ["steady-too"]),
        (["un*", "steady"], ["steady", "unable", "unreadable"]),
        ([], ["steady", "steady-too", "unable", "broken", "unreadable"]),
    ],
)
def test_a_name_is_a_key_or_its_beginning_or_a_pattern(names, meant, command):
    status, out, _ = command(*names, "--list")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == meant


def test_an_unknown_name_is_refused_with_the_names_there_are(command, runs_made, capsys):
    with pytest.raises(SystemExit) as exit_:
        command("steady", "pluto")
    assert exit_.value.code == 2
    assert "no reproduction is called 'pluto'; there are steady, steady-too, unable, broken" in capsys.readouterr().err
    assert not runs_made()


@pytest.mark.parametrize("workers", ["0", "-1", "many"])
def test_a_number_of_workers_that_is_none_is_refused(workers, package, capsys):
    with pytest.raises(SystemExit) as exit_:
        main([f"--workers={workers}"], "systems")
    assert exit_.value.code == 2
    assert f"{workers!r} is no number of processes" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_refused(package, tmp_path, runs_made, capsys):
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as exit_:
        main(["steady", "--out", str(tmp_path / "file")], "systems")
    assert exit_.value.code == 2
    assert "--out: " in capsys.readouterr().err
    assert not runs_made()


def test_results_hold_every_claim_whoever_was_asked_last(command, tmp_path):
    command("steady", "--no-plots")
    assert written(tmp_path) == {
        "steady: number": "pass",
        "steady-too: number": "inconclusive",
        "unable: number": "inconclusive",
        "broken: number": "inconclusive",
        "unreadable: number": "inconclusive",
        "unreadable: weight": "inconclusive",
    }
    _, out, _ = command("steady-too", "--no-plots")
    assert written(tmp_path)["steady: number"] == "pass"
    assert written(tmp_path)["steady-too: number"] == "fail"
    assert "steady: " not in out


def test_what_was_made_by_other_code_is_open_in_the_results(command, package, tmp_path):
    command("steady", "--no-plots")
    with (package / "tiny.py").open("a") as code:
        code.write("# another line\n")
    command("steady-too", "--no-plots")
    assert written(tmp_path)["steady: number"] == "inconclusive"


# Plots ---------------------------------------------------------------------------------------------------------------


def test_plots_are_drawn_where_their_runs_are_and_else_it_is_said(command, tmp_path):
    pytest.importorskip("matplotlib", reason="Matplotlib is not installed")
    _, out, _ = command("steady")
    assert [path.name for path in (tmp_path / "out" / "plots").iterdir()] == ["plot.svg"]
    assert "plot missing left out: no runs of unable" in out
    assert "plot crooked left out: ZeroDivisionError" in out


def test_plots_of_what_was_not_asked_for_are_let_be(command, tmp_path):
    _, out, _ = command("steady-too")
    assert "plot" not in out
    assert not (tmp_path / "out" / "plots").exists()


def test_a_plot_has_its_text_and_is_the_same_each_time(command, tmp_path):
    pytest.importorskip("matplotlib", reason="Matplotlib is not installed")
    path = tmp_path / "out" / "plots" / "plot.svg"
    command("steady")
    first = path.read_bytes()
    command("steady")
    assert path.read_bytes() == first
    svg = ElementTree.fromstring(first)
    assert svg.find("{http://www.w3.org/2000/svg}title").text == "Numbers that rise < in a line."
    assert b"<dc:date>" not in first


def test_drawing_leaves_the_users_settings_alone(command):
    matplotlib = pytest.importorskip("matplotlib", reason="Matplotlib is not installed")

    def settings():  # but for the backend: to ask for it is to choose one, and loads pyplot
        return {name: matplotlib.rcParams[name] for name in matplotlib.rcParams if name != "backend"}

    before, pyplot = settings(), "matplotlib.pyplot" in sys.modules
    command("steady")
    assert settings() == before
    assert ("matplotlib.pyplot" in sys.modules) == pyplot


def test_without_matplotlib_it_is_said_in_one_line(command, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    status, out, _ = command("steady")
    assert status == 0
    assert out.count("Matplotlib is not installed") == 1


@pytest.mark.parametrize("figure", collect(reproductions, Figure).values(), ids=lambda figure: figure.key)
def test_every_figure_needs_reproductions_that_there_are_and_says_what_is_seen(figure):
    assert figure.needs
    assert set(figure.needs) <= collect(reproductions, Reproduction).keys()
    assert figure.alt.endswith(".")
