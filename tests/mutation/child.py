"""Processes of their own in which tests run against changed code: forked, so that the libraries are imported once."""

from __future__ import annotations

import importlib
import itertools
import mmap
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress

import pytest

from tests.mutation.mutants import ROOT

LIBRARIES = ("numpy", "sympy", "hypothesis.internal.conjecture.providers", "_hypothesis_pytestplugin", "torch")
"""What the engine and its tests import from elsewhere. One that is not there is left out."""

MEMORY = 16 * 2**30
"""Address space of a process, in bytes: a mistake may ask for more than there is."""

NOTE = 4096
"""Bytes a child can leave to its parent."""

OPTIONS = ("-q", "-x", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist")
"""Assertions as they stand: what pytest rewrites would not be loaded from changed code, and nobody reads a message."""


FAILED, BROKEN = 1, 70
"""How a child ends where a test fails, and where it could not do its work."""

GOOD = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)

Say = Callable[[str], None]
"""Leaves a note to the parent process."""


def import_libraries() -> None:
    for name in LIBRARIES:
        with suppress(ImportError):
            importlib.import_module(name)


class Child:
    """A process that does some work. note: what it has said last. Its output is thrown away."""

    def __init__(self, work: Callable[[Say], int]) -> None:
        self._memory = mmap.mmap(-1, NOTE)
        self.pid = os.fork()
        if not self.pid:
            self._live(work)

    def _live(self, work: Callable[[Say], int]) -> None:
        status = BROKEN
        try:
            silence = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(silence, stream)
            limit_memory()
            status = work(self._say)
        except BaseException as error:
            self._say(f"{type(error).__name__}: {error}")
        finally:  # whatever happened: the code behind the fork is the parent's
            os._exit(status)

    def _say(self, text: str) -> None:
        self._memory[:] = text.encode()[:NOTE].ljust(NOTE, b"\0")

    @property
    def note(self) -> str:
        return self._memory[:].rstrip(b"\0").decode(errors="replace")


def run_tests(seconds: Mapping[str, float], say: Say) -> int:
    """Run tests in the order given, file by file, up to the first that fails: FAILED then, else 0.

    seconds: how long each usually takes. say: hears of each before it runs.
    """
    os.chdir(ROOT)
    for file, tests in itertools.groupby(seconds, key=lambda test: test.partition("::")[0]):
        only = Only({test: seconds[test] for test in tests}, say)
        say(next(iter(only.seconds)))  # the file may not even be collected
        if pytest.main([*OPTIONS, file], plugins=[only]) not in GOOD:
            return FAILED
    return 0


class Only:
    """The pytest plugin that runs some tests in a given order. One that takes too long ends the process by a signal."""

    def __init__(self, seconds: Mapping[str, float], say: Say) -> None:
        self.seconds, self.say = seconds, say

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        order = {test: k for k, test in enumerate(self.seconds)}
        items[:] = sorted((item for item in items if item.nodeid in order), key=lambda item: order[item.nodeid])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.say(nodeid)
        limit_time(self.seconds[nodeid])


def limit_memory() -> None:
    import resource  # not on Windows, where nothing is forked either

    with suppress(ValueError, OSError):  # a lower limit is in force already, or none can be set
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.RLIM_INFINITY))


def limit_time(seconds: float) -> None:
    """The process ends by a signal where a test that usually takes so long takes much longer."""
    signal.setitimer(signal.ITIMER_PROF, 10 * seconds + 5)  # of its own time
    signal.setitimer(signal.ITIMER_REAL, 100 * seconds + 200)  # of any: it may wait for something
