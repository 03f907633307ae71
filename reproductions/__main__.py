"""The command: run reproductions, print what became of each claim, write results.jsonl, a page of it and the plots."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from gradproof.catalogue import collect
from gradproof.report.markdown import reproductions_page
from gradproof.report.results import Results
from gradproof.report.terminal import table
from gradproof.reproduction import Judged, Reproduction, Run
from reproductions import plots
from reproductions.figures import Figure
from reproductions.runner import Outcome, execute, outcome_kept
from reproductions.store import PACKAGE, Store

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None, package: str = PACKAGE) -> int:
    """Run the reproductions that are asked for. The exit status: 1 if a claim fails, 2 for a request that cannot be
    met, 130 when interrupted, else 0: a claim that could not be judged is open, which is said and is no failure.

    package: where the reproductions and the figures are.
    """
    parser = command_line()
    options = parser.parse_args(arguments)
    module = importlib.import_module(package)
    known, figures = collect(module, Reproduction), collect(module, Figure)
    try:
        chosen = [known[key] for key in selected(options.names, list(known))]
    except LookupError as error:
        parser.error(str(error))
    if options.list:
        say(listed(chosen))
        return 0
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--out: {error}")
    try:
        outcomes = execute(
            chosen,
            quick=options.quick,
            folder=options.out,
            workers=options.workers,
            fresh=options.fresh,
            package=package,
        )
    except KeyboardInterrupt:
        say([f"Interrupted. Finished runs are kept in {options.out}; the same command goes on from there."])
        return INTERRUPTED
    everything = with_kept(outcomes, known.values(), Store(options.out, package))
    judged = report(everything, outcomes, options.out)
    if options.plots and (drawn := touched(figures.values(), outcomes)):
        say(plots.draw(drawn, runs_of(everything), options.out / "plots"))
    say(summary(judged))
    return 1 if any(claim.status == "fail" for claim in judged) else 0


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reproductions",
        description="Run the documents' systems with their settings, and hold what they print against the runs.",
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="key of a reproduction, or its beginning, or a pattern (*rnn*)"
    )
    parser.add_argument("--quick", action="store_true", help="few seeds each")
    parser.add_argument("--out", type=Path, default=Path("reproduction"), metavar="DIR", help="default: %(default)s")
    parser.add_argument("--workers", type=positive, default=2, metavar="N", help="processes; default: %(default)s")
    parser.add_argument("--list", action="store_true", help="name them, run nothing")
    parser.add_argument("--fresh", action="store_true", help="run again what is kept in DIR")
    parser.add_argument("--no-plots", dest="plots", action="store_false", help="draw nothing")
    return parser


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes")
    return int(text)


def selected(names: Sequence[str], keys: Sequence[str]) -> list[str]:
    """The keys that the names mean, in their own order; all for no names. LookupError names one that means nothing."""
    meant: set[str] = set()
    for name in names:
        found = [name] if name in keys else [k for k in keys if k.startswith(name) or fnmatchcase(k, name)]
        if not found:
            raise LookupError(f"no reproduction is called {name!r}; there are {', '.join(keys)}")
        meant.update(found)
    return [key for key in keys if key in meant or not names]


def listed(reproductions: Iterable[Reproduction]) -> Iterator[str]:
    for r in reproductions:
        yield f"{r.key:32s} {','.join(r.rows):12s} {r.seeds:2d} seed{'s' * (r.seeds > 1):1s}  {r.title}"


def with_kept(outcomes: Sequence[Outcome], known: Iterable[Reproduction], store: Store) -> list[Outcome]:
    """The outcomes of every known reproduction: those that ran now, and what is kept of the others."""
    now = {outcome.reproduction.key: outcome for outcome in outcomes}
    return [now.get(reproduction.key) or outcome_kept(store, reproduction) for reproduction in known]


def touched(figures: Iterable[Figure], outcomes: Iterable[Outcome]) -> list[Figure]:
    """The figures that show something that ran now."""
    asked = {outcome.reproduction.key for outcome in outcomes}
    return [figure for figure in figures if asked & set(figure.needs)]


def runs_of(outcomes: Iterable[Outcome]) -> dict[str, Sequence[Run]]:
    return {outcome.reproduction.key: outcome.runs for outcome in outcomes if outcome.complete}


def report(everything: Sequence[Outcome], outcomes: Sequence[Outcome], folder: Path) -> list[Judged]:
    """Write results.jsonl and reproductions.md of everything; print the table of what ran now. Returns its claims."""
    shown, written = Results(), Results()
    asked = {outcome.reproduction.key for outcome in outcomes}
    claims = [claim for outcome in everything for claim in outcome.judged()]
    judged = [claim for claim in claims if claim.reproduction.key in asked]
    for claim in claims:
        written.add(claim)
    for claim in judged:
        shown.add(claim)
    written.write(folder / "results.jsonl")
    (folder / "reproductions.md").write_text(reproductions_page(claims), encoding="utf-8")
    say(table(shown, every_claim=True))
    return judged


def summary(judged: Sequence[Judged]) -> Iterator[str]:
    """Why what failed did, and how much is open for which reason."""
    for claim in judged:
        yield from (f"FAILED {claim.key}: {problem}" for problem in claim.problems)
    reasons = Counter(reason for claim in judged for reason in claim.not_run)
    yield from (f"{count} inconclusive: {reason}" for reason, count in reasons.items())


def say(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
