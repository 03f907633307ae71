"""Mutants of what only runs when it is called: tried in processes forked after the import, which saves much time."""

from __future__ import annotations

import gc
import importlib
import itertools
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType

import pytest
from _pytest.runner import runtestprotocol

from tests.mutation.child import FAILED, OPTIONS, Child, Say, limit_time
from tests.mutation.core import TESTS, modules
from tests.mutation.mutants import ROOT, Mutant
from tests.mutation.outcomes import Outcome, Work, keep, kept, try_all

Functions = Mapping[tuple[str, str, int], list[FunctionType]]
"""Functions by the file, name and line of their code."""


def after_import(work: Work, jobs: int, path: Path) -> Iterator[Outcome]:
    """The outcome of each mutant; they are also kept in the file. Raises RuntimeError."""
    work = list(work)
    if work:
        child = Child(partial(run_session, work, jobs, path))
        if os.waitpid(child.pid, 0)[1]:
            raise RuntimeError(child.note or "the tests of the core could not be collected")
        outcomes = kept(path)
        yield from (outcomes[mutant.name] for mutant, _ in work)


def run_session(work: Work, jobs: int, path: Path, say: Say) -> int:
    os.chdir(ROOT)
    return int(pytest.main([*OPTIONS, *TESTS], plugins=[Session(work, jobs, path, say)]))


class Session:
    """The pytest plugin that, in place of running the tests collected, runs those of each mutant."""

    def __init__(self, work: Work, jobs: int, path: Path, say: Say) -> None:
        self.work, self.jobs, self.path, self.say = work, jobs, path, say

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        attempt = partial(notices, items, functions())
        gc.freeze()
        try:
            for outcome in try_all(self.work, self.jobs, attempt):
                keep(self.path, outcome)
        except RuntimeError as error:
            self.say(str(error))
            raise
        return True


def notices(
    items: Mapping[str, pytest.Item], known: Functions, mutant: Mutant, tests: Mapping[str, float], say: Say
) -> int:
    """Run the tests with the mutant's code in place of the original's, up to the first that fails."""
    install(mutant, known)
    chosen = [items[test] for test in tests]
    for item, following in itertools.pairwise([*chosen, None]):
        say(item.nodeid)
        limit_time(tests[item.nodeid])
        if any(report.failed for report in runtestprotocol(item, nextitem=following, log=False)):
            return FAILED
    return 0


def functions() -> Functions:
    """Every function of the core that has a name of its own, among others."""
    for module in modules():
        importlib.import_module(module)
    found: defaultdict[tuple[str, str, int], list[FunctionType]] = defaultdict(list)
    for thing in gc.get_objects():
        if type(thing) is FunctionType and thing.__name__ != "<lambda>":  # isinstance would ask the thing itself
            found[key(thing.__code__)].append(thing)
    return found


def key(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def install(mutant: Mutant, known: Functions) -> None:
    """Give the functions of a module their code in the mutant. Raises LookupError where there is none of them."""
    installed = 0
    for code in codes_in(mutant.code()):
        for function in known.get(key(code), ()):
            function.__code__ = code
            installed += 1
    if not installed:
        raise LookupError(f"no function of {mutant.module} has been imported")


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """All functions that are defined in some code."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from codes_in(constant)
