"""What the page shows of all records: grouped and in order. No markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from gradproof.report import benchmarks
from gradproof.report.ordering import common_title, natural
from gradproof.report.power import Checker, Comparison, comparisons, merit
from gradproof.report.subjects import VERDICTS, WORST_FIRST, Subject, in_their_order, status
from gradproof.report.values import Record, mapping, text
from gradproof.verdict import plural

POWER = "power"
"""The id of the section about the checkers."""


@dataclass(frozen=True)
class Group:
    """Subjects under one heading: the mistakes of a document, the claims about a system."""

    title: str
    anchor: str
    subjects: tuple[Subject, ...]

    @property
    def first(self) -> Subject:
        return self.subjects[0]

    @property
    def status(self) -> str:
        return min((subject.status for subject in self.subjects), key=WORST_FIRST.index)

    @property
    def verdicts(self) -> dict[str, int]:
        return tally(self.subjects)

    @property
    def notes(self) -> list[str]:
        """Why the numbers come out as they do, each reason once."""
        return list(dict.fromkeys(filter(None, (subject["why"] for subject in self.subjects))))

    @property
    def chosen(self) -> list[str]:
        return list(dict.fromkeys(filter(None, (subject["chosen"] for subject in self.subjects))))


def tally(claims: Iterable[Subject]) -> dict[str, int]:
    """How many claims have each verdict; those that none has are left out."""
    found = [claim.verdict for claim in claims]
    return {word: found.count(word) for word in (*VERDICTS, "open") if word in found}


@dataclass(frozen=True)
class View:
    """Everything on the page.

    environments: of all but the measurements (comparisons, benchmarks), one line each, in the order in which they came.
    """

    environments: tuple[str, ...]
    formulas: tuple[Subject, ...]
    mistakes: tuple[Group, ...]
    checkers: tuple[Subject, ...]
    comparisons: tuple[Comparison, ...]
    examples: tuple[Subject, ...]
    systems: tuple[Group, ...]
    timed: tuple[Record, ...]

    @property
    def subjects(self) -> list[Subject]:
        grouped = (subject for group in (*self.mistakes, *self.systems) for subject in group.subjects)
        return [*self.formulas, *self.examples, *grouped, *self.checkers]

    @property
    def by_urgency(self) -> list[Subject]:
        """The formulas, what is wrong first."""
        return sorted(self.formulas, key=lambda formula: WORST_FIRST.index(formula.status))

    def having(self, status: str) -> list[Subject]:
        return [subject for subject in self.subjects if subject.status == status]

    @staticmethod
    def passed(subjects: Iterable[Subject]) -> int:
        return sum(subject.status == "pass" for subject in subjects)

    @property
    def errata(self) -> list[Subject]:
        return [subject for group in self.mistakes for subject in group.subjects]

    @property
    def claims(self) -> list[Subject]:
        return [subject for group in self.systems for subject in group.subjects]

    @property
    def verdicts(self) -> dict[str, int]:
        return tally(self.claims)

    @property
    def proved(self) -> int:
        return sum(formula["proof"] == "every size" for formula in self.formulas)

    @property
    def oracles(self) -> list[str]:
        """Those that were asked, or that somebody said were not."""
        records = [record for formula in self.formulas for record in formula.runs.values()]
        names = (name for record in records for part in ("oracles", "not_run") for name in mapping(record.get(part)))
        return [name for name in in_their_order(names) if name != "formula"]

    @property
    def left_out(self) -> list[str]:
        """Oracles that were asked nowhere in a formula, with the reason and how many formulas."""
        formulas: dict[str, set[str]] = {}
        for formula in self.formulas:
            for record in formula.runs.values():
                for name, why in mapping(record.get("not_run")).items():
                    reason = f"{name} not run: {next(iter(mapping(why)), 'no point')}"
                    formulas.setdefault(reason, set()).add(formula.key)
                if assumed := text(record.get("assumed")):
                    formulas.setdefault(f"bound assumed, not computed: {assumed}", set()).add(formula.key)
        return [f"{why} ({plural(len(keys), 'formula')})" for why, keys in formulas.items()]

    @property
    def caught(self) -> Checker | None:
        """gradproof as it was measured; where it was in several environments, where it caught least."""
        measured = [each.own for each in self.comparisons if each.own and each.own.caught]
        return min(measured, key=merit, default=None)

    @property
    def benchmarks(self) -> Mapping[str, list[benchmarks.Part]]:
        """By section."""
        return benchmarks.sections(benchmarks.parts(self.timed))

    @property
    def timings(self) -> int:
        return benchmarks.count(self.timed)


def view(records: Sequence[Record]) -> View:
    """Group the records by kind and key, in the order in which they came; mistakes by catalogue number."""
    taken = {"top", "wrong", "open", "formulas", "examples", "mistakes", POWER, "reproductions", "benchmarks"}
    subjects: dict[tuple[str, str], Subject] = {}
    environments: dict[str, None] = {}
    measured: dict[str, list[Record]] = {"benchmark": [], "power": []}
    for record in records:
        kind, key = text(record.get("kind")), text(record.get("key"))
        if kind in measured:
            measured[kind].append(record)
        if not judged(record):
            continue
        if (kind, key) not in subjects:
            subjects[kind, key] = Subject(key, kind, POWER if kind == "power" else anchor(key, taken))
        runs = subjects[kind, key].runs
        name = named = text(record.get("environment")) or "not recorded"
        again = 1
        while name in runs:
            again += 1
            name = f"{named} ({again})"
        runs[name] = record
        if kind not in measured:
            environments[name] = None
    kinds = ("erratum", "reproduction", "power")
    of_kind = {kind: [s for s in subjects.values() if s.kind == kind] for kind in kinds}
    claims = [subject for subject in of_kind["reproduction"] if ": " in subject.key]
    return View(
        environments=tuple(environments),
        formulas=tuple(subject for subject in subjects.values() if subject.kind not in of_kind),
        mistakes=tuple(by_document(of_kind["erratum"], taken)),
        checkers=tuple(of_kind["power"]),
        comparisons=comparisons(measured["power"]),
        examples=tuple(subject for subject in of_kind["reproduction"] if ": " not in subject.key),
        systems=tuple(by_system(claims, taken)),
        timed=tuple(measured["benchmark"]),
    )


def judged(record: Record) -> bool:
    """Whether it passes or fails something: a benchmark and a peer of gradproof are only measured, but a failure is one
    wherever it stands."""
    kind = text(record.get("kind"))
    return kind != "benchmark" and (kind != "power" or Checker(record).own or status(record) == "fail")


def anchor(key: str, taken: set[str]) -> str:
    """An id that nothing else on the page has: the key itself wherever it can be one."""
    name = base = re.sub(r"[^\w.-]+", "-", key).strip("-") or "unnamed"
    again = 1
    while name in taken:
        again += 1
        name = f"{base}-{again}"
    taken.add(name)
    return name


def by_document(errata: Iterable[Subject], taken: set[str]) -> Iterator[Group]:
    """By catalogue number; one that gathers several comes after them."""
    ordered = sorted(errata, key=lambda erratum: (natural(erratum.row), len(erratum.lines("rows"))))
    for letter, group in groupby(ordered, key=lambda erratum: erratum.row.partition("-")[0]):
        of_one = tuple(group)
        sources = [subject["source"] for subject in of_one]
        yield Group(common_title(sources) or "Other sources", anchor(f"mistakes-{letter}", taken), of_one)


def by_system(claims: Iterable[Subject], taken: set[str]) -> Iterator[Group]:
    """The claims about one system together, wherever they stand."""
    systems: dict[str, list[Subject]] = {}
    for claim in claims:
        systems.setdefault(claim.key.partition(": ")[0], []).append(claim)
    for key, of_one in systems.items():
        yield Group(key, anchor(key, taken), tuple(of_one))
