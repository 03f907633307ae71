"""Which known mistake reproduces a wrong gradient: one that explains all of it, or several that share it out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from fractions import Fraction

import numpy as np
import sympy as sp

from gradproof.diagnosis.derived.evaluate import Array, Context
from gradproof.diagnosis.derived.phrases import Phrases, gradients, listed
from gradproof.diagnosis.derived.setting import Mistake
from gradproof.diagnosis.derived.table import Row, Table, table_for
from gradproof.diagnosis.evidence import Evidence, Explanation
from gradproof.diagnosis.generic.explanations import explanations as without_derivation
from gradproof.diagnosis.probe import POINTS

COEFFICIENT = 24
"""The largest numerator and denominator of a coefficient that is taken for one somebody wrote."""


def explanations(evidence: Sequence[Evidence], wrong: frozenset[str]) -> list[Explanation]:
    """The lightest explanation of all wrong gradients; else the fewest that share them out, as far as there are any.

    What reaches just the wrong gradients is looked at before what reaches others too.
    """
    singles = [e for e in without_derivation(evidence) if e.parameters <= wrong]
    table = table_for(evidence[0].problem, [point.point for point in evidence[:POINTS]])
    if table is None:
        return lightest(singles, wrong) or shared_out(singles)
    search = Search(table, evidence, wrong)
    likely = [*singles, *search.singles(table.likely(wrong))]
    if found := lightest(likely, wrong):
        return found
    every = [*singles, *search.singles([*table.likely(wrong), *table.others(wrong)])]
    shared = shared_out(every)
    return lightest(every, wrong) or (shared if covered(shared) == wrong else search.pair() or shared)


def lightest(singles: Sequence[Explanation], wrong: frozenset[str]) -> list[Explanation]:
    """The least far-fetched explanation of everything, if there is one."""
    whole = [e for e in singles if e.parameters == wrong]
    return [min(whole, key=lambda e: (e.weight, len(e.words)))] if whole else []


def covered(chosen: Sequence[Explanation]) -> frozenset[str]:
    return frozenset().union(*[explanation.parameters for explanation in chosen])


def shared_out(singles: Sequence[Explanation]) -> list[Explanation]:
    """Explanations of separate gradients, those of most first."""
    chosen: list[Explanation] = []
    for explanation in sorted(singles, key=lambda e: (-len(e.parameters), e.weight, len(e.words))):
        if not explanation.parameters & covered(chosen):
            chosen.append(explanation)
    return chosen


class Search:
    """The search among the mistakes of a derivation for one set of wrong gradients."""

    def __init__(self, table: Table, evidence: Sequence[Evidence], wrong: frozenset[str]) -> None:
        self.table, self.evidence, self.wrong = table, evidence, wrong
        self._right = dict(enumerate(table.right))

    def singles(self, rows: Iterable[Row]) -> Iterator[Explanation]:
        """Every mistake that reproduces all the gradients it reaches, all of them wrong ones; the same mistake in the
        formulas of several gradients is one."""
        made: dict[str, list[tuple[Mistake, frozenset[str]]]] = {}
        for row in rows:
            if row.reach <= self.wrong:
                for mistake in self.reproducing(row):
                    made.setdefault(mistake.words, []).append((mistake, row.reach))
        for several in made.values():
            yield from (explained([mistake], reach) for mistake, reach in several)
            reaches = [reach for _, reach in several]
            if len(several) > 1 and sum(map(len, reaches)) == len(frozenset().union(*reaches)):
                yield explained([mistake for mistake, _ in several], frozenset().union(*reaches))

    def reproducing(self, row: Row) -> Iterator[Mistake]:
        """The mistakes of a row that the code may have made; where a term is missing, also with another coefficient."""
        if self.reproduced(row.point, row.gradients) == row.reach:
            yield from (mistake for mistake in row.mistakes if self.holds_everywhere([mistake], row.reach))
        missing = [mistake for mistake in row.mistakes if mistake.term is not None]
        if missing and (share := self.share(row)) is not None:
            for mistake in missing:
                if self.holds_everywhere([mistake], row.reach, share):
                    yield with_coefficient(mistake, share, Phrases(self.table.program.system))

    def share(self, row: Row) -> Fraction | None:
        """How much of a row's mistake would give what the code claims: all 1, none 0; None where it is no number."""
        right, claimed = self.table.program.outputs(self.right(row.point)), self.evidence[row.point].claimed
        change = np.concatenate([np.ravel(row.gradients[name] - right[name]) for name in sorted(row.reach)])
        pairs = [(claimed.get(name), right[name]) for name in sorted(row.reach)]
        if any(claim is None or claim.shape != value.shape for claim, value in pairs):
            return None
        wanted = np.concatenate([np.ravel(claim - value) for claim, value in pairs])
        share = float(change @ wanted / (change @ change))
        if not np.isfinite(share) or not np.allclose(share * change, wanted, 1e-9, 1e-9 * np.max(np.abs(wanted))):
            return None
        simple = Fraction(share).limit_denominator(COEFFICIENT)
        return simple if abs(simple - share) < 1e-9 * max(1, abs(share)) and simple not in (0, 1, 2) else None

    def pair(self) -> list[Explanation]:
        """A mistake that explains some of what it reaches, and one for the rest of it."""
        rows = [*self.table.likely(self.wrong), *self.table.others(self.wrong)]
        for row in rows:
            right = self.reproduced(row.point, row.gradients)
            left = self.wrong - right
            if not right or not left or not row.reach <= self.wrong:
                continue
            for other in rows:
                both = [row.mistakes[0], other.mistakes[0]]
                apart = not both[0].changed.keys() & both[1].changed.keys()
                if other.reach == left and apart and self.holds_everywhere(both, self.wrong):
                    first, second = explained(both[:1], right), explained(both[1:], left)
                    also = f"{second.words}, and what is said of {gradients(sorted(right))}"
                    return [first, replace(second, words=also)]
        return []

    # ---- at one point -----------------------------------------------------------------------------------------------

    def right(self, number: int) -> Context:
        """The right program's values at a point of the evidence."""
        if number not in self._right:
            self._right[number] = self.table.computed(self.evidence[number].point)
        return self._right[number]

    def reproduced(self, number: int, values: Mapping[str, Array]) -> frozenset[str]:
        return frozenset(name for name, value in values.items() if self.evidence[number].reproduces(name, value))

    def holds_everywhere(self, made: Sequence[Mistake], names: Set[str], share: Fraction = Fraction(1)) -> bool:
        return all(self.holds(number, made, names, share) for number in range(len(self.evidence)))

    def holds(self, number: int, made: Sequence[Mistake], names: Set[str], share: Fraction) -> bool:
        """Whether the program with these mistakes gives what the code claims at a point.

        share: of the mistake's effect; 1 - k for a term that has the coefficient k where 1 belongs.
        """
        after = self.table.after(self.right(number), together(made))
        if after is None:
            return False
        values = self.table.program.outputs(after)
        if share != 1:
            before = self.table.program.outputs(self.right(number))
            values = {name: before[name] + float(share) * (values[name] - before[name]) for name in values}
        return names <= self.reproduced(number, values)


def together(made: Sequence[Mistake]) -> Mistake:
    changed = {number: equation for mistake in made for number, equation in mistake.changed.items()}
    outside = next((mistake.outside for mistake in made if mistake.outside != "zero"), "zero")
    return Mistake("", "", changed, 0, outside)


def with_coefficient(mistake: Mistake, share: Fraction, phrases: Phrases) -> Mistake:
    """The mistake of having a term (1 - share) times, not missing altogether."""
    assert mistake.term is not None
    times = 1 - sp.Rational(share.numerator, share.denominator)
    words = f"with {phrases(times * mistake.term)} where {phrases(mistake.term)} belongs"
    return replace(mistake, words=words, weight=mistake.weight + 2)


def explained(made: Sequence[Mistake], reach: frozenset[str]) -> Explanation:
    """The explanation that one mistake is, at one place or at several."""
    places = list(dict.fromkeys(mistake.place for mistake in made if mistake.place))
    formula = "the formula" if len(reach) == 1 else "their formulas"
    where = f", in {listed(places)}" if places else ""
    return Explanation(f"{formula} {made[0].words}{where}", reach, max(mistake.weight for mistake in made))
