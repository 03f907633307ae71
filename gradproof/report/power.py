"""What the page says of checkers: which wrong gradients each caught, how often it alarmed, its time. No markup."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from gradproof.report.values import Record, listed, mapping, number, short, text

OWN = "gradproof"
"""The checker whose page this is; the others are its peers."""


@dataclass(frozen=True)
class Count:
    """So many hits of so many; beside them, of correct points, at how many there is no verdict."""

    hits: int
    total: int
    undecided: int = 0

    @classmethod
    def read(cls, value: Any) -> Count | None:
        """From a list [hits, total] or [hits, total, undecided]; None of what cannot be one."""
        found = [number(part) for part in listed(value)[:3]]
        whole = [int(part) for part in found if part is not None and 0 <= part < math.inf]
        if len(whole) != len(found) or len(whole) < 2 or not 0 < whole[1] >= max(whole):
            return None
        return cls(*whole)

    @classmethod
    def sum(cls, counts: Iterable[Count]) -> Count | None:
        """All of them as one; None of none."""
        columns = list(zip(*((count.hits, count.total, count.undecided) for count in counts), strict=True))
        return cls(*map(sum, columns)) if columns else None

    @property
    def percentage(self) -> float:
        return 100 * self.hits / self.total

    @property
    def rounded(self) -> str:
        """The percentage with one decimal; 0 and 100 are of none and of all only."""
        if self.hits in (0, self.total):
            return f"{self.percentage:.0f}"
        return f"{min(max(self.percentage, 0.1), 99.9):.1f}"

    @property
    def percent(self) -> str:
        return f"{self.rounded}\N{NO-BREAK SPACE}%"


@dataclass(frozen=True)
class Checker:
    """What was measured of one checker."""

    record: Record

    def __getitem__(self, name: str) -> str:
        return text(self.record.get(name))

    @property
    def name(self) -> str:
        return self["checker"] or self["key"] or "unnamed"

    @property
    def own(self) -> bool:
        return self["checker"] == OWN

    @cached_property
    def kills(self) -> dict[str, Count]:
        """By kind of mistake, over all points."""
        return self.counts("kills")

    @cached_property
    def kills_at_one_point(self) -> dict[str, Count]:
        return self.counts("kills_at_one_point")

    @cached_property
    def alarms(self) -> dict[str, Count]:
        """By regime: how many points of correct code it rejects."""
        return self.counts("alarms")

    def counts(self, name: str) -> dict[str, Count]:
        """A field that counts something by name; empty for a checker that was not run, which has caught nothing."""
        if self["not_run"]:
            return {}
        found = ((text(part), Count.read(value)) for part, value in mapping(self.record.get(name)).items())
        return {part: count for part, count in found if count is not None}

    @property
    def caught(self) -> Count | None:
        return Count.sum(self.kills.values())

    @property
    def caught_at_one_point(self) -> Count | None:
        return Count.sum(self.kills_at_one_point.values())

    @property
    def alarmed(self) -> Count | None:
        return Count.sum(self.alarms.values())

    @property
    def milliseconds(self) -> dict[str, str]:
        """Those of median, low and high that are known; low and high are the quartiles."""
        found = {name: number(value) for name, value in mapping(self.record.get("milliseconds")).items()}
        return {name: short(x) for name in ("median", "low", "high") if (x := found.get(name)) is not None}

    @property
    def not_run(self) -> str:
        """Why there is nothing of it; "" where there is something."""
        nothing = not (self.kills or self.alarms or self.milliseconds)
        return self["not_run"] or "not run, and nobody said why" * nothing

    @property
    def survivors(self) -> list[Mapping[str, str]]:
        """The wrong gradients that it takes for right: name, formula, kind, and the reason, "" where none is given."""
        names = ("name", "formula", "kind", "reason")
        found = map(mapping, listed(self.record.get("survivors")))
        return [{name: text(survivor.get(name)) for name in names} for survivor in found if survivor]

    @property
    def unnamed(self) -> int:
        """How many it missed beside the survivors that are named."""
        missed = self.caught.total - self.caught.hits if self.caught else 0
        return max(missed - len(self.survivors), 0)

    @property
    def findings(self) -> list[str]:
        """What is wrong, where its status is no pass."""
        details = (text(mapping(finding).get("detail")) for finding in listed(self.record.get("findings")))
        return list(filter(None, details))


@dataclass(frozen=True)
class Comparison:
    """The checkers that were measured in one environment, gradproof first."""

    environment: str
    checkers: tuple[Checker, ...]

    @property
    def own(self) -> Checker | None:
        return self.checkers[0] if self.checkers[0].own else None

    @property
    def best(self) -> list[Checker]:
        """The peers that catch most; of those the ones with the fewest false alarms."""
        measured = [checker for checker in self.checkers if not checker.own and checker.caught]
        return [checker for checker in measured if merit(checker) == max(map(merit, measured))]

    @property
    def kinds(self) -> dict[str, int]:
        """Kind of mistake -> how many there are."""
        return sizes(checker.kills for checker in self.checkers)

    @property
    def regimes(self) -> dict[str, int]:
        """Regime -> how many points of correct code there are."""
        return sizes(checker.alarms for checker in self.checkers)

    @property
    def at_one_point(self) -> bool:
        return any(checker.kills_at_one_point for checker in self.checkers)


def merit(checker: Checker) -> tuple[float, float]:
    """Orders checkers by what they catch, then by how seldom they alarm; where nobody counted that: always."""
    caught, alarmed = checker.caught, checker.alarmed
    return caught.percentage if caught else 0.0, -alarmed.percentage if alarmed else -100.0


def sizes(counted: Iterable[Mapping[str, Count]]) -> dict[str, int]:
    """Name -> the largest total, in the order in which the names come."""
    found: dict[str, int] = {}
    for name, count in chain.from_iterable(part.items() for part in counted):
        found[name] = max(found.get(name, 0), count.total)
    return found


def comparisons(records: Sequence[Record]) -> tuple[Comparison, ...]:
    """One for each environment, in the order in which they came."""
    found: dict[str, list[Checker]] = {}
    for record in records:
        found.setdefault(text(record.get("environment")) or "not recorded", []).append(Checker(record))
    return tuple(
        Comparison(environment, tuple(sorted(checkers, key=lambda checker: not checker.own)))
        for environment, checkers in found.items()
    )
