"""How many of the mutants are noticed, and which are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.mutation.outcomes import Outcome

REQUIRED = 0.9
"""The share of the mutants that must be noticed, of those that change anything."""


@dataclass(frozen=True)
class Score:
    """The outcomes of some mutants, and the reasons why some of them may survive, by the mutant's name."""

    outcomes: Sequence[Outcome]
    justified: Mapping[str, str]

    def of(self, status: str) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.status == status]

    @property
    def noticed(self) -> int:
        return sum(outcome.noticed for outcome in self.outcomes)

    @property
    def excused(self) -> list[Outcome]:
        return [o for o in self.outcomes if not o.noticed and o.mutant in self.justified]

    @property
    def amiss(self) -> list[Outcome]:
        """Neither noticed nor justified."""
        return [o for o in self.outcomes if not o.noticed and o.mutant not in self.justified]

    @property
    def unneeded(self) -> list[Outcome]:
        """Justified, and noticed all the same: the reason is none."""
        return [o for o in self.outcomes if o.noticed and o.mutant in self.justified]

    @property
    def share(self) -> float:
        """Noticed, of those that are not justified; 0 of none."""
        return self.noticed / max(len(self.outcomes) - len(self.excused), 1)

    @property
    def good(self) -> bool:
        return self.share >= REQUIRED and not self.amiss and not self.unneeded

    def lines(self) -> Iterator[str]:
        for module in sorted({module_of(outcome) for outcome in self.outcomes}):
            of_module = [outcome for outcome in self.outcomes if module_of(outcome) == module]
            yield f"{module:44s}{sum(o.noticed for o in of_module):5d} of {len(of_module)}"
        yield ""
        counts = {status: len(self.of(status)) for status in ("killed", "timed out", "survived", "not reached")}
        yield f"mutants {len(self.outcomes)}: " + ", ".join(f"{status} {count}" for status, count in counts.items())
        yield from (f"  {outcome.status}: {outcome.mutant}" for outcome in self.amiss)
        yield from (f"  justified, but noticed by {o.test}: {o.mutant}" for o in self.unneeded)
        all_of_them = self.noticed / max(len(self.outcomes), 1)
        yield (
            f"score {self.share:.1%} ({self.noticed} of {len(self.outcomes) - len(self.excused)}; "
            f"{len(self.excused)} justified); of all {all_of_them:.1%}"
        )


def module_of(outcome: Outcome) -> str:
    return outcome.mutant.partition(":")[0]
