"""Mutation testing of the engine's core: ``python -m tests.mutation``. Which mistakes in it would the tests notice?

Each mutant lives in a process of its own, so the files stay as they are: forked before the engine is imported where a
mistake shows at import, else after that, with the changed code put in place. There it is tried with the tests that run
its statements, up to the first that fails.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.mutation.child import import_libraries
from tests.mutation.core import modules
from tests.mutation.justified import JUSTIFIED
from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.outcomes import Outcome, before_import, keep, kept, try_all
from tests.mutation.reach import Reach, reach
from tests.mutation.sample import sample
from tests.mutation.score import Score
from tests.mutation.warm import after_import

KILLERS = Path(__file__).with_name("killers.json")
"""By mutant, the test that noticed it in the last full run. It is asked first; what it says now is what counts."""


def main() -> int:
    options = arguments()
    if not hasattr(os, "fork"):
        sys.stdout.write("not run: a mutant is tried in a forked process, and this system forks none\n")
        return 2
    if os.environ.get("PYTHONHASHSEED") != "0":  # so that the order of sets is the same in every run
        command = [sys.executable, "-m", "tests.mutation", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "PYTHONHASHSEED": "0"})
    every = [mutant for module in modules() for mutant in mutants_of(module)]
    size = options.sample // 10 if options.quick else options.sample
    chosen = [m for m in sample(every, size, options.seed) if m.module.startswith(options.only)]
    known = kept(options.results) if options.resume else {}
    outcomes = {m.name: known[m.name] for m in chosen if m.name in known and known[m.name].noticed}
    import_libraries()
    for outcome in tried([m for m in chosen if m.name not in outcomes], options):
        outcomes[outcome.mutant] = outcome
    score = Score([outcomes[m.name] for m in chosen], JUSTIFIED)
    sys.stdout.write("\n".join(score.lines()) + "\n")
    if options.remember:
        killers = {o.mutant: o.test for o in score.outcomes if o.noticed and o.test}
        KILLERS.write_text(json.dumps(killers, indent=0, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    return int(not score.good)


def tried(mutants: Sequence[Mutant], options: argparse.Namespace) -> Iterator[Outcome]:
    """The outcome of each: with the test that noticed it before; with all that reach it, where that one does not now.

    The quick form does not try those that are justified: that nothing notices them takes long to see.
    """
    killers = json.loads(KILLERS.read_text(encoding="utf-8"))
    first = [m for m in mutants if m.name in killers]
    left = {m.name: m for m in mutants if m.name not in killers}
    if first:
        known = reach(only={killers[m.name] for m in first})
        for outcome in attempted([(m, known.of(killers[m.name])) for m in first], known, options):
            if outcome.noticed:
                yield outcome
            else:
                left |= {m.name: m for m in first if m.name == outcome.mutant}
    if options.quick:
        yield from (Outcome(name, "not tried") for name in left if name in JUSTIFIED)
        left = {name: m for name, m in left.items() if name not in JUSTIFIED}
    if left:
        known = reach()
        yield from attempted([(m, known.order(m)) for m in left.values()], known, options)


def attempted(
    work: Sequence[tuple[Mutant, Mapping[str, float]]], known: Reach, options: argparse.Namespace
) -> Iterator[Outcome]:
    """The outcome of each, kept in the results as they come in."""
    for outcome in try_all([(m, tests) for m, tests in work if not known.is_deferred(m)], options.jobs, before_import):
        keep(options.results, outcome)
        yield outcome
    yield from after_import([(m, t) for m, t in work if known.is_deferred(m)], options.jobs, options.results)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the sample, as continuous integration has it")
    parser.add_argument("--sample", type=int, default=500, metavar="N", help="how many mutants (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the sample (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="how many at a time (default: %(default)s)")
    parser.add_argument("--only", default="", metavar="MODULE", help="of the sample, those in this module or package")
    parser.add_argument("--results", type=Path, default=Path("report/mutation.jsonl"), metavar="FILE", help="kept here")
    parser.add_argument("--resume", action="store_true", help="what is noticed according to the results is not tried")
    parser.add_argument("--remember", action="store_true", help="keep which test noticed each mutant, for a next run")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
