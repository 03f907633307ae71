"""What became of each mutant: which test noticed it, if one did. Kept in a file, line by line, as they come in."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from tests.mutation.child import BROKEN, Child, Say, run_tests
from tests.mutation.loading import load_from
from tests.mutation.mutants import Mutant

NOTICED = ("killed", "timed out")


@dataclass(frozen=True)
class Outcome:
    """status: "killed" by a test that fails, "timed out" in one that does not end, "survived" all that run its
    statements, or "not reached" by any. test: the one that noticed it, "" for none."""

    mutant: str
    status: str
    test: str = ""

    @property
    def noticed(self) -> bool:
        return self.status in NOTICED


Work = Iterable[tuple[Mutant, Mapping[str, float]]]
"""Mutants, each with the tests it is tried with and how long those usually take."""

Try = Callable[[Mutant, Mapping[str, float], Say], int]
"""Runs the tests of one mutant, in a process of its own; FAILED where one notices it, else 0."""


def try_all(work: Work, jobs: int, attempt: Try) -> Iterator[Outcome]:
    """The outcome of each mutant, as they come in; ``jobs`` are tried at a time."""
    running: dict[int, tuple[Mutant, Child]] = {}
    for mutant, tests in work:
        if not tests:
            yield Outcome(mutant.name, "not reached")
            continue
        if len(running) == jobs:
            yield first_ended(running)
        child = Child(partial(attempt, mutant, tests))
        running[child.pid] = mutant, child
    while running:
        yield first_ended(running)


def first_ended(running: dict[int, tuple[Mutant, Child]]) -> Outcome:
    pid, status = os.wait()
    mutant, child = running.pop(pid)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == BROKEN:
        raise RuntimeError(f"{mutant.name} could not be tried: {child.note}")
    if not status:
        return Outcome(mutant.name, "survived")
    late = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGPROF, signal.SIGALRM)
    return Outcome(mutant.name, "timed out" if late else "killed", child.note)


def before_import(mutant: Mutant, tests: Mapping[str, float], say: Say) -> int:
    """Try a mutant in a process that has not imported the engine."""
    load_from({mutant.module: mutant.code})
    return run_tests(tests, say)


# In a file --------------------------------------------------------------------------------------------------------


def kept(path: Path) -> dict[str, Outcome]:
    """The latest outcome of each mutant in a file; none where there is no file."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {outcome.mutant: outcome for outcome in (Outcome(**json.loads(line)) for line in lines)}


def keep(path: Path, outcome: Outcome) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(outcome), ensure_ascii=False) + "\n")
