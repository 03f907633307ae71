"""The pytest plugin: the fixture, the options, and what stands at the end of the run. Nothing else knows pytest."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gradproof.catalogue import Formula
from gradproof.errors import NotRun
from gradproof.isolation import Isolated
from gradproof.loading import CannotLoad, parse
from gradproof.problem import Problem
from gradproof.report import merge, page, results
from gradproof.report.results import Results
from gradproof.report.terminal import table
from gradproof.sampling import BUDGETS
from gradproof.sharding import CannotShard, Case, Shard, deal
from gradproof.styles.from_problem import contract_of
from gradproof.submission import assigned, at_sizes
from gradproof.verdict import Verdict, plural
from gradproof.verify import verify

ENVIRONMENT = "GRADPROOF_IMPLEMENTATION"
RESULTS = pytest.StashKey[Results]()
OVERRIDES = pytest.StashKey[dict[str, tuple[str, Isolated]]]()
"""By key: the KEY=PATH.py:NAME that was given, and the file it names, which runs in a process of its own."""
TAKEN = pytest.StashKey[dict[str, str]]()
"""By KEY=PATH.py:NAME: what the code in the file was taken for, in a line for the end of the run."""
ENDED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("gradproof", "gradient verification")
    group.addoption("--budget", choices=list(BUDGETS), default="quick", help="random points: 20, 100 or 500 a formula")
    group.addoption("--gradproof-seed", type=int, default=0, metavar="N", help="seed of the random points")
    group.addoption("--report-dir", type=Path, metavar="DIR", help="write results.jsonl, index.html, junit.xml here")
    group.addoption("--shard", metavar="K/N", help="divide the tests into N shares, and run the K-th")
    group.addoption(
        "--implementation",
        action="append",
        default=[],
        metavar="KEY=PATH.py[:NAME]",
        help=f"check this code in place of the project's own for KEY; also ${ENVIRONMENT}, separated by '{os.pathsep}'",
    )


@pytest.hookimpl(tryfirst=True)  # before pytest's own plugin for JUnit XML, which looks for its path here
def pytest_configure(config: pytest.Config) -> None:
    """Import what is to be checked first: what cannot be used ends the run with status 4 and one message."""
    config.stash[RESULTS] = Results()
    config.stash[TAKEN] = {}
    specs = config.getoption("--implementation") + list(filter(None, os.environ.get(ENVIRONMENT, "").split(os.pathsep)))
    try:
        config.stash[OVERRIDES] = dict(override(spec) for spec in specs)
    except CannotLoad as error:
        raise pytest.UsageError(f"--implementation: {error}") from error
    if (text := config.getoption("--shard")) is not None:
        try:
            config.pluginmanager.register(Share(Shard.parse(text)), "gradproof.shard")
        except CannotShard as error:
            raise pytest.UsageError(f"--shard: {error}") from error
    if (folder := config.getoption("--report-dir")) is not None:
        config.pluginmanager.register(Report(config, folder), "gradproof.report")


def override(spec: str) -> tuple[str, tuple[str, Isolated]]:
    """An entry of OVERRIDES. Raises CannotLoad."""
    key, path, name = parse(spec)
    file = Isolated(path, name)
    file.try_import()
    return key, (spec, file)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A KEY that no test which checks gradients is about would be checked by nobody."""
    checking = [item for item in items if "verify_gradients" in getattr(item, "fixturenames", ())]
    known = {getattr(value, "key", None) for item in checking for value in parameters(item)}
    for key in config.stash[OVERRIDES]:
        if key not in known:
            names = ", ".join(sorted(k for k in known if isinstance(k, str))) or "none"
            raise pytest.UsageError(
                f"--implementation: no collected test checks the gradient of {key!r}; there are: {names}"
            )


def parameters(item: pytest.Item) -> list[Any]:
    spec = getattr(item, "callspec", None)
    return list(spec.params.values()) if spec is not None else []


@pytest.fixture(scope="session")
def gradproof_results(pytestconfig: pytest.Config) -> Results:
    """Where the tests of a run leave what they found; written and shown at its end."""
    return pytestconfig.stash[RESULTS]


@pytest.fixture
def verify_gradients(
    request: pytest.FixtureRequest, pytestconfig: pytest.Config, gradproof_results: Results
) -> Callable[..., Verdict]:
    """``verify_gradients(problem, gradients)``: check, keep the result for the report, and fail unless it passed.

    With ``formula=`` the result is filed under the formula, and ``--implementation`` may put other code in its place.
    """

    def check(problem: Problem, gradients: Any, *, formula: Formula | None = None, budget: Any = None) -> Verdict:
        __tracebackhide__ = True
        key = formula.key if formula else problem.name
        spec, file = pytestconfig.stash[OVERRIDES].get(key, (None, None))
        budget = budget or pytestconfig.getoption("--budget")
        how = {"budget": budget, "seed": pytestconfig.getoption("--gradproof-seed")}
        entry = gradproof_results.entry(key, formula)
        if spec is None or file is None:
            verdict = verify(problem, gradients, **how)
        else:
            try:
                verdict, pytestconfig.stash[TAKEN][spec] = verify_file(problem, file, **how)
            except CannotLoad as reason:
                entry.refused, entry.test, entry.implementation = str(reason), request.node.nodeid, spec
                pytest.fail(f"{problem.name}: {reason}", pytrace=False)
        if entry.verdict is None or merge.worse(verdict.status, entry.verdict.status):
            # What another test of this name has found is not lost when this one finds nothing.
            entry.verdict, entry.test, entry.implementation = verdict, request.node.nodeid, spec
        if not verdict.passed:
            pytest.fail(str(verdict), pytrace=False)
        return verdict

    return check


def verify_file(problem: Problem, file: Isolated, **how: Any) -> tuple[Verdict, str]:
    """The verdict on the code in a file, and what it was taken for. Raises CannotLoad: it has no accepted style."""
    with file.started(problem, contract_of(problem)) as code:
        taken = [code.style, *[f"tried at {assigned(code.sizes)} only"] * bool(code.sizes), *code.notes]
        return verify(at_sizes(problem, code.sizes), code, **how), "; ".join(taken)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    plugins = (config.pluginmanager.get_plugin(f"gradproof.{name}") for name in ("shard", "report"))
    lines = [*table(config.stash[RESULTS]), *(f"{spec}: {taken}" for spec, taken in config.stash[TAKEN].items())]
    lines += [line for plugin in plugins if plugin for line in plugin.lines]
    if lines:
        terminalreporter.section("gradproof")
    for line in lines:
        terminalreporter.write_line(line)


class Report:
    """With --report-dir: the files of a run, written when it ends. Where no test ran, an earlier run's are left."""

    def __init__(self, config: pytest.Config, folder: Path) -> None:
        """Raises UsageError where nothing could be written: at once, not at the end of a long run."""
        self.shown, self.folder = folder, config.invocation_params.dir / folder
        self.finished = 0
        self.lines: list[str] = []
        if config.getoption("numprocesses", None):
            raise pytest.UsageError("--report-dir: a report is of one process; divide the run by --shard, not by -n")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise pytest.UsageError(f"--report-dir {folder}: {error.strerror}") from error
        self.junit = config.pluginmanager.hasplugin("junitxml") and config.option.xmlpath is None
        if self.junit and not config.option.collectonly:
            config.option.xmlpath = str(self.folder / "junit.xml")

    def pytest_runtest_logfinish(self) -> None:
        self.finished += 1

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        found = list(session.config.stash[RESULTS].entries.values())
        whole = self.finished >= len(session.items) and session.exitstatus in ENDED
        if session.config.option.collectonly or not (found or whole):
            return
        run = self.of_the_run(session)
        records = [entry.record() | run for entry in found]
        results.write(self.folder / merge.NAME, records)
        written = [merge.NAME]
        try:
            written.append(page.write(self.folder, records, problems=merge.cut_short(records)).name)
        except NotRun as reason:
            self.lines.append(str(reason))
        written += ["junit.xml"] * self.junit
        self.lines += [f"written: {self.shown / name}" for name in written]

    def of_the_run(self, session: pytest.Session) -> dict[str, str]:
        """What each record says of the run it comes from, where that is not a whole one."""
        share = session.config.pluginmanager.get_plugin("gradproof.shard")
        of_the_run = {"shard": str(share.shard)} if share else {}
        if self.finished < len(session.items):
            of_the_run["unfinished"] = f"{self.finished} of {plural(len(session.items), 'test')}"
        return of_the_run


class Share:
    """With --shard: this machine's tests. What -k, -m and the like select is selected from each share.

    That a share is empty is no failure, as long as other machines have tests.
    """

    def __init__(self, shard: Shard) -> None:
        self.shard = shard
        self.selected = self.kept = 0

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
        numbers = dict(zip(items, deal([case(item) for item in items], self.shard.of), strict=True))
        yield
        others = [item for item in items if numbers.get(item, self.shard.number) != self.shard.number]
        self.selected = len(items)
        if others:
            config.hook.pytest_deselected(items=others)
            items[:] = [item for item in items if numbers.get(item, self.shard.number) == self.shard.number]
        self.kept = len(items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and self.selected:
            session.exitstatus = pytest.ExitCode.OK

    @property
    def lines(self) -> list[str]:
        if self.selected and not self.kept:
            return [f"shard {self.shard}: none of {plural(self.selected, 'test')}; other shards have them"]
        return [f"shard {self.shard}: {self.kept} of {plural(self.selected, 'test')}"]


def case(item: pytest.Item) -> Case:
    """What a test has to do with. One that files no record needs no company for its other keys."""
    spec = getattr(item, "callspec", None)
    keys = [key for name, value in spec.params.items() if (key := key_of(name, value))] if spec else []
    files = "gradproof_results" in getattr(item, "fixturenames", ())
    return Case(item.nodeid.partition("[")[0], item.nodeid, tuple(keys if files else keys[:1]))


def key_of(name: str, value: Any) -> str | None:
    """The key of the record that a parameter of a test is, or is the key of; None for any other."""
    try:
        key = value if name == "key" else value.name if isinstance(value, Problem) else value.key
    except Exception:  # somebody's object, which may answer with anything at all
        return None
    return key if isinstance(key, str) else None
