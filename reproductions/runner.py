"""Runs reproductions, several at a time, and keeps what each run leaves: no work is done twice."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gradproof.errors import NotRun
from gradproof.reproduction import Judged, Reproduction, Run, judge_claim, not_run
from reproductions.store import PACKAGE, Store, Unusable, home, plain

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


# What became of a reproduction ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Attempt:
    """What became of one seed: a run, or else the reason why it could not run, or the error that ended it.

    story: for an error, its traceback.
    """

    run: Run | None = None
    seconds: float = 0.0
    not_run: str = ""
    error: str = ""
    story: str = ""


@dataclass
class Outcome:
    """What became of one reproduction: its runs, in the order of the seeds.

    seconds: spent on them, whenever that was. not_run: why it could not run; error: what went wrong. Each is empty
    where there is nothing to say, and with either the runs are not all there and judge nothing.
    """

    reproduction: Reproduction
    runs: list[Run] = field(default_factory=list)
    seconds: float = 0.0
    not_run: str = ""
    error: str = ""

    @property
    def complete(self) -> bool:
        return bool(self.runs) and not self.not_run and not self.error

    def judged(self) -> list[Judged]:
        """Each claim: held against the runs, failed with the error, or open with the reason."""
        if self.error:
            return [self.failed(claim, self.error) for claim in self.reproduction.claims]
        if self.not_run:
            return not_run(self.reproduction, self.not_run)
        return [self.judge(claim) for claim in self.reproduction.claims]

    def judge(self, claim: Any) -> Judged:
        try:
            return judge_claim(self.reproduction, claim, self.runs, self.seconds)
        except Exception as error:  # a claim that cannot read its runs is wrong, and the other claims are not
            return self.failed(claim, f"cannot be judged: {in_one_line(error)}")

    def failed(self, claim: Any, because: str) -> Judged:
        return Judged(self.reproduction, claim, "fail", None, len(self.runs), "", because, seconds=self.seconds)


# Running -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """One seed of one reproduction. module: where a worker finds the record; it holds functions, and cannot be sent."""

    reproduction: Reproduction
    seed: int
    module: str

    @property
    def key(self) -> str:
        return self.reproduction.key

    def __str__(self) -> str:
        return f"{self.key}, seed {self.seed}"


def execute(
    reproductions: Iterable[Reproduction],
    *,
    quick: bool,
    folder: Path | None = None,
    workers: int = 2,
    progress: bool = True,
    fresh: bool = False,
    package: str = PACKAGE,
) -> list[Outcome]:
    """Run every seed of every reproduction that is not kept yet: an Outcome for each, in their order.

    quick: only the few seeds of a quick run. folder: where runs are kept; None keeps nothing. workers: processes, each
    with one BLAS thread; 1 runs them here. progress: a bar, where stderr is a terminal. fresh: whatever is kept, run
    again. package: whose modules define the reproductions; InvalidProblem if none does.

    An error ends its own seed only. A seed that cannot run (NotRun) speaks for those after it. What is finished when
    the user interrupts is kept. A kept run that is damaged, or was made by other code, is said and run again.
    """
    reproductions = list(reproductions)
    store = None if folder is None else Store(folder, package)
    attempts: dict[str, dict[int, Attempt]] = {reproduction.key: {} for reproduction in reproductions}
    todo = []
    with Progress(progress) as shown:
        for reproduction in reproductions:
            module, known = home(reproduction, package), attempts[reproduction.key]
            if store:
                store.fingerprint(reproduction)  # now: its files may be edited while it runs
                if not fresh:
                    known.update(attempts_kept(store, reproduction, quick, shown.say))
            todo += [Task(reproduction, seed, module) for seed in reproduction.seeds_of(quick) if seed not in known]
        shown.expect(len(todo))
        for task, attempt in each(todo, workers):
            known = attempts[task.key]
            if attempt.error and not any(other.error == attempt.error for other in known.values()):
                shown.say(f"{task}: {attempt.error}\n{attempt.story}".rstrip())
            known[task.seed] = attempt
            if store and attempt.run is not None:
                store.keep(task.reproduction, task.seed, attempt.run, attempt.seconds)
            shown.done(task, attempt)
    return [outcome(reproduction, attempts[reproduction.key]) for reproduction in reproductions]


def attempts_kept(
    store: Store, reproduction: Reproduction, quick: bool, say: Callable[[str], None]
) -> dict[int, Attempt]:
    """The runs that are kept, by seed; those that must not be used are said, a line for each reason."""
    kept: dict[int, Attempt] = {}
    unusable: dict[str, list[str]] = {}
    for seed in reproduction.seeds_of(quick):
        try:
            kept[seed] = Attempt(*store.read(reproduction, seed))
        except FileNotFoundError:
            continue
        except Unusable as error:
            unusable.setdefault(str(error), []).append(store.path(reproduction, seed).name)
    for reason, names in unusable.items():
        say(f"{store.place(reproduction)}: {', '.join(names)}: {reason}; run again")
    return kept


def outcome_kept(store: Store, reproduction: Reproduction) -> Outcome:
    """What is kept of a reproduction, without running anything: all its seeds, or else those of a quick run."""
    for quick in (False, True):
        with contextlib.suppress(FileNotFoundError, Unusable):
            seeds = reproduction.seeds_of(quick)
            return outcome(reproduction, {seed: Attempt(*store.read(reproduction, seed)) for seed in seeds})
    return Outcome(reproduction, not_run="no complete runs of the present code are kept")


def outcome(reproduction: Reproduction, attempts: Mapping[int, Attempt]) -> Outcome:
    """The attempts at a reproduction's seeds, put together."""
    errors = [f"seed {seed}: {attempts[seed].error}" for seed in sorted(attempts) if attempts[seed].error]
    reasons = [attempts[seed].not_run for seed in sorted(attempts) if attempts[seed].not_run]
    return Outcome(
        reproduction,
        [run for seed in sorted(attempts) if (run := attempts[seed].run) is not None],
        sum(attempt.seconds for attempt in attempts.values()),
        not_run=reasons[0] if reasons else "",
        error=errors[0] if errors else "",
    )


def each(tasks: Sequence[Task], workers: int) -> Iterator[tuple[Task, Attempt]]:
    """Every task with what became of it, as they end."""
    return in_workers(tasks, workers) if workers > 1 and len(tasks) > 1 else here(tasks)


def here(tasks: Iterable[Task]) -> Iterator[tuple[Task, Attempt]]:
    cannot: dict[str, Attempt] = {}
    for task in tasks:
        attempt = cannot.get(task.key) or attempted(task.reproduction, task.seed)
        if attempt.not_run:
            cannot[task.key] = attempt
        yield task, attempt


def in_workers(tasks: Sequence[Task], workers: int) -> Iterator[tuple[Task, Attempt]]:
    cannot: dict[str, Attempt] = {}
    context = multiprocessing.get_context("spawn")
    with (
        one_thread_each(),
        ProcessPoolExecutor(min(workers, len(tasks)), mp_context=context, initializer=die_with_parent) as pool,
    ):
        futures = {pool.submit(found_and_attempted, task.module, task.key, task.seed): task for task in tasks}
        try:
            for future in as_completed(futures):
                task = futures[future]
                try:
                    attempt = cannot[task.key] if future.cancelled() else future.result()
                except Exception as error:  # not the run's own: the worker was killed, or could not find the record
                    attempt = Attempt(error=in_one_line(error))
                if attempt.not_run and task.key not in cannot:
                    cannot[task.key] = attempt
                    for other, same in futures.items():
                        if same.key == task.key:
                            other.cancel()
                yield task, attempt
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextlib.contextmanager
def one_thread_each() -> Iterator[None]:
    """The environment that workers inherit: BLAS reads it when it is loaded, which no initializer comes before."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def die_with_parent() -> None:
    """An interrupt ends a worker at once and without a traceback, for the parent has its own; and so does the parent's
    end, which a worker would otherwise outlive, waiting for tasks."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def found_and_attempted(module: str, key: str, seed: int) -> Attempt:
    """One task in a worker."""
    records = vars(importlib.import_module(module)).values()
    return attempted(next(r for r in records if isinstance(r, Reproduction) and r.key == key), seed)


def attempted(reproduction: Reproduction, seed: int) -> Attempt:
    start = time.perf_counter()
    try:
        run = plain(reproduction.run(seed))
        if not isinstance(run, dict):
            raise TypeError(f"a run leaves named numbers, not a {type(run).__name__}")
    except NotRun as reason:
        return Attempt(not_run=str(reason) or "no reason is given", seconds=time.perf_counter() - start)
    except Exception as error:  # whatever it is, it is shown, and the other tasks go on
        story = traceback.format_exc()
        return Attempt(error=in_one_line(error), story=story, seconds=time.perf_counter() - start)
    return Attempt(run, time.perf_counter() - start)


def in_one_line(error: BaseException) -> str:
    first, *_ = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


# What is shown -------------------------------------------------------------------------------------------------------


class Progress:
    """One bar for all tasks, where stderr is a terminal; without tqdm, a line a task. ``say`` writes in any case."""

    def __init__(self, shown: bool) -> None:
        self.shown = shown and sys.stderr.isatty()
        self.bar: Any = None
        self.ended = self.expected = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def expect(self, tasks: int) -> None:
        self.expected = tasks
        if self.shown and tasks:
            with contextlib.suppress(ImportError):
                from tqdm import tqdm

                self.bar = tqdm(total=tasks, unit="run", file=sys.stderr)

    def done(self, task: Task, attempt: Attempt) -> None:
        self.ended += 1
        if self.bar is not None:
            self.bar.set_postfix_str(str(task), refresh=False)
            self.bar.update()
        elif self.shown:
            self.say(f"{self.ended} of {self.expected}: {task}, {attempt.seconds:.1f} s")

    def say(self, line: str) -> None:
        if self.bar is not None:
            self.bar.write(line, file=sys.stderr)
        else:
            sys.stderr.write(line + "\n")
