"""How often the diagnosis says what is wrong: ``python -m tests.diagnosis.score``, over wrong gradients by others.

Their authors had not seen which mistakes the diagnosis knows. What a set measures depends on who has seen it since:

blind: the diagnosis was developed with it at hand. It shows what has become worse, not how good the diagnosis is.
exam: scored once before anybody who develops the diagnosis had seen it: 116 of 127 mistakes named (91.3 %), 8 not
    known; of 142 cases, with those outside, 3 were given a wrong name (2.1 %). Since then it has been used for mends.
retake: scored once at the end, unseen as well: 85 of 90 mistakes named (94.4 %), 4 not known; of 102 cases 1 was given
    a wrong name (1.0 %), which has been mended since.

Those figures are by meaning, as a developer of the diagnosis judged it. Of the retake's 85 the patterns, written blind,
found 71. The other 14 sentences say what the case is in other words, and 4 of the 12 cases outside got a name that is
true in part. Patterns for such sentences were added to all sets, afterwards.

The first sentence of a diagnosis decides:

right: it says what is wrong, that is, it matches a pattern that the case accepts.
wrong: it names a known mistake, and another one.
none: it says that no known mistake reproduces the gradient, or there is no diagnosis.

Cases with two mistakes are right where both are named in any sentence, and right in part where one is. What is outside
of any list of mistakes is answered by none; a case there can accept a sentence too, and is then right in part. The
shares of right and none are those of the cases with one mistake, the share of wrong names is that of these and the ones
outside together.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from gradproof.candidate import Candidate
from gradproof.diagnosis import diagnose
from gradproof.diagnosis.diagnosis import NONE
from gradproof.problem import Problem
from tests.catalogue import FORMULAS, IMPLEMENTATIONS
from tests.diagnosis import blind_set, exam_set, retake_set
from tests.diagnosis.blind_case import Case

SETS = {"blind": blind_set.CASES, "exam": exam_set.CASES, "retake": retake_set.CASES}

HEADS = {
    "one": {"right": "right", "wrong": "wrong", "none": "none"},
    "two": {"right": "both", "part": "one", "wrong": "wrong", "none": "none"},
    "outside": {"none": "none", "part": "in part", "wrong": "wrong"},
}
"""The outcomes of each kind of case, and what the table calls them."""


@dataclass(frozen=True)
class Answer:
    """What the diagnosis says of a case, in sentences."""

    case: Case
    sentences: tuple[str, ...]

    @property
    def outcome(self) -> str:
        """ "right", "part", "wrong" or "none"."""
        if self.case.kind == "two":
            found = len(self.accepted(self.sentences))
            if found:
                return "right" if found == len(self.case.accept) else "part"
        elif self.accepted(self.sentences[:1]):
            return "right" if self.case.kind == "one" else "part"
        return "wrong" if self.sentences and NONE not in self.sentences[0] else "none"

    @property
    def later(self) -> bool:
        """Whether a sentence behind the first says of one mistake what the first does not."""
        return self.case.kind == "one" and self.outcome != "right" and bool(self.accepted(self.sentences[1:]))

    def accepted(self, sentences: Iterable[str]) -> set[str]:
        """The case's patterns that one of the sentences matches."""
        return {p for p in self.case.accept if any(re.search(p, s, re.IGNORECASE) for s in sentences)}


@dataclass(frozen=True)
class Score:
    """The answers about some cases."""

    answers: tuple[Answer, ...]

    def of(self, *kinds: str) -> Score:
        return Score(tuple(answer for answer in self.answers if answer.case.kind in kinds))

    def count(self, outcome: str) -> int:
        return sum(answer.outcome == outcome for answer in self.answers)

    def share(self, outcome: str) -> float:
        """How many of the answers are so, from 0 to 1; 0 of none."""
        return self.count(outcome) / max(len(self.answers), 1)

    @property
    def right(self) -> float:
        return self.of("one").share("right")

    @property
    def none(self) -> float:
        return self.of("one").share("none")

    @property
    def wrong(self) -> float:
        return self.of("one", "outside").share("wrong")


def score(cases: Iterable[Case], ask: Callable[[Case], Sequence[str]] | None = None) -> Score:
    """The answers about all cases. ask: gives the sentences about one, by default those of the diagnosis."""
    return Score(tuple(Answer(case, tuple((ask or sentences)(case))) for case in cases))


def sentences(case: Case) -> Sequence[str]:
    """What the diagnosis says of a case; nothing where it sees nothing wrong."""
    problem = problem_of(case.key)
    diagnosis = diagnose(problem, Candidate(problem, case.make()))
    return diagnosis.sentences if diagnosis else ()


@functools.cache
def problem_of(key: str) -> Problem:
    return FORMULAS[key].problem(IMPLEMENTATIONS[key])


# ---- in print -----------------------------------------------------------------------------------------------------


def tables(result: Score) -> Iterator[str]:
    """For each kind of case a line for each formula and one for all, and then the shares."""
    for kind, heads in HEADS.items():
        of_kind = result.of(kind)
        if of_kind.answers:
            later = f"{'later':>9s}" if kind == "one" else ""
            yield f"{kind:28s}{'cases':>6s}" + "".join(f"{head:>9s}" for head in heads.values()) + later
            for key in sorted({answer.case.key for answer in of_kind.answers}):
                yield line(key, Score(tuple(answer for answer in of_kind.answers if answer.case.key == key)), kind)
            yield line("all", of_kind, kind)
            yield ""
    yield f"right {result.right:.1%}, none {result.none:.1%}, wrong names {result.wrong:.1%}"


def line(name: str, result: Score, kind: str) -> str:
    counts = [result.count(outcome) for outcome in HEADS[kind]]
    counts += [sum(answer.later for answer in result.answers)] if kind == "one" else []
    return f"{name:28s}{len(result.answers):6d}" + "".join(f"{count:9d}" for count in counts)


def amiss(result: Score) -> Iterator[str]:
    """Every case that is not answered as it should be: what is wrong with it, and what is said of it."""
    for answer in result.answers:
        if answer.outcome != ("none" if answer.case.kind == "outside" else "right"):
            yield f"{answer.outcome}: {answer.case.key}: {answer.case.name} ({answer.case.kind})"
            yield f"    is      {answer.case.truth}"
            yield from (f"    called  {sentence}" for sentence in answer.sentences)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.diagnosis.score", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--set", choices=[*SETS, "all"], default="retake", help="which wrong gradients (default: %(default)s)"
    )
    parser.add_argument("--verbose", action="store_true", help="print every case that is not answered as it should be")
    options = parser.parse_args()
    result = score(itertools.chain(*SETS.values()) if options.set == "all" else SETS[options.set])
    lines = [*tables(result), *(["", *amiss(result)] if options.verbose else [])]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
