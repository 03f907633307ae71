"""The pytest plugin: the fixture, the options, and what stands at the end of the run. Nothing else knows pytest."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradproof.catalogue import Formula
from gradproof.loading import CannotLoad, load
from gradproof.problem import Problem
from gradproof.report.results import Results
from gradproof.report.terminal import table
from gradproof.sampling import BUDGETS
from gradproof.verdict import Verdict
from gradproof.verify import verify

ENVIRONMENT = "GRADPROOF_IMPLEMENTATION"
RESULTS = pytest.StashKey[Results]()
OVERRIDES = pytest.StashKey[dict[str, Any]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("gradproof", "gradient verification")
    group.addoption("--budget", choices=list(BUDGETS), default="quick", help="random points: 20, 100 or 500 a formula")
    group.addoption("--gradproof-seed", type=int, default=0, metavar="N", help="seed of the random points")
    group.addoption("--report-dir", type=Path, default=None, metavar="DIR", help="write results.jsonl here")
    group.addoption(
        "--implementation",
        action="append",
        default=[],
        metavar="KEY=PATH.py[:NAME]",
        help=f"check this code in place of the project's own for KEY; also ${ENVIRONMENT}, separated by '{os.pathsep}'",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Load what is to be checked first: a file that cannot be loaded ends the run with status 4 and one message."""
    config.stash[RESULTS] = Results()
    specs = config.getoption("--implementation") + list(filter(None, os.environ.get(ENVIRONMENT, "").split(os.pathsep)))
    try:
        config.stash[OVERRIDES] = dict(load(spec) for spec in specs)
    except CannotLoad as error:
        raise pytest.UsageError(f"--implementation: {error}") from error


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
def verify_gradients(pytestconfig: pytest.Config, gradproof_results: Results) -> Callable[..., Verdict]:
    """``verify_gradients(problem, gradients)``: check, keep the result for the report, and fail unless it passed.

    With ``formula=`` the result is filed under the formula, and ``--implementation`` may put other code in its place.
    """

    def check(problem: Problem, gradients: Any, *, formula: Formula | None = None, budget: Any = None) -> Verdict:
        __tracebackhide__ = True
        key = formula.key if formula else problem.name
        code = pytestconfig.stash[OVERRIDES].get(key, gradients)
        budget = budget or pytestconfig.getoption("--budget")
        verdict = verify(problem, code, budget=budget, seed=pytestconfig.getoption("--gradproof-seed"))
        gradproof_results.entry(key, formula).verdict = verdict
        if not verdict.passed:
            pytest.fail(str(verdict), pytrace=False)
        return verdict

    return check


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = list(table(config.stash[RESULTS]))
    if lines:
        terminalreporter.section("gradproof")
    for line in lines:
        terminalreporter.write_line(line)
    folder = config.getoption("--report-dir")
    if folder is not None:
        terminalreporter.write_line(f"written: {folder / 'results.jsonl'}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    folder = session.config.getoption("--report-dir")
    if folder is not None and RESULTS in session.config.stash:
        session.config.stash[RESULTS].write(folder / "results.jsonl")
