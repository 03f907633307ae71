"""What the page says of one key: its records in all environments, its findings, how its oracles agree. No markup."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from gradproof.oracles import all_oracles
from gradproof.report.values import Record, Share, heat, listed, mapping, number, short, text, texts
from gradproof.verdict import KINDS

WORST_FIRST = ("fail", "inconclusive", "pass")
VERDICTS = ("holds", "plausible", "no")
LARGEST_MAP = 400
"""Entries of a parameter up to which the map of its errors is drawn."""


@dataclass
class Subject:
    """All that is known of one key: its records, one an environment.

    anchor: its id in the page. runs: environment -> record.
    """

    key: str
    kind: str
    anchor: str
    runs: dict[str, Record] = field(default_factory=dict)

    @cached_property
    def record(self) -> Record:
        """The one that is shown: the worst."""
        return min(self.runs.values(), key=lambda record: WORST_FIRST.index(status(record)))

    def __getitem__(self, name: str) -> str:
        return text(self.record.get(name))

    def lines(self, name: str) -> list[str]:
        """A field that is a list of lines."""
        return texts(self.record.get(name))

    def part(self, name: str) -> dict[str, str]:
        """A field that is a mapping, such as code, printed or smallest."""
        return {text(key): text(value) for key, value in mapping(self.record.get(name)).items()}

    @property
    def name(self) -> str:
        """For a reader: the title where there is one."""
        return self["title"] or self.key

    @property
    def status(self) -> str:
        return status(self.record)

    @property
    def row(self) -> str:
        """The first of its catalogue numbers."""
        return next(iter(self.lines("rows")), "")

    @property
    def margin(self) -> str:
        """Of a mistake: how far off it is, as a multiple of what is allowed."""
        margin = number(self.record.get("margin"))
        return "" if margin is None else short(margin)

    @property
    def unlike(self) -> dict[str, str]:
        """Environment -> status, where the environments differ."""
        found = {name: status(record) for name, record in self.runs.items()}
        return found if len(set(found.values())) > 1 else {}

    @property
    def points(self) -> int:
        return sum(count(record.get("points")) for record in self.runs.values())

    @property
    def missing(self) -> list[str]:
        """Why it is not passed, where nothing is wrong."""
        if self["claim"] and self["why"]:
            return [self["why"]]
        if isinstance(why := self.record.get("not_run"), str) and why:  # of a checker: it is one part
            return [why]
        not_run = mapping(self.record.get("not_run")).values()
        reasons = [*self.lines("disagreements"), *(reason for why in not_run for reason in mapping(why))]
        return list(dict.fromkeys(reasons)) or ["no point allows a statement, or a part was not run"]

    @property
    def findings(self) -> list[tuple[str, Finding]]:
        """What is wrong, each with its environment, the same in two of them once."""
        found: dict[str, tuple[str, Finding]] = {}
        for name, record in self.runs.items():
            for finding in listed(record.get("findings")):
                if isinstance(finding, Mapping):
                    found.setdefault(repr(finding), (name, Finding(finding)))
        return list(found.values())

    def share(self, oracle: str, environment: str) -> Share:
        """How one oracle saw it."""
        record = self.runs.get(environment, {})
        seen = mapping(mapping(record.get("oracles")).get(oracle))
        if seen:
            return Share(number(seen.get("worst")), count(seen.get("points")))
        why = mapping(mapping(record.get("not_run")).get(oracle))
        return Share(None, why="; ".join(why))

    def worst(self, environment: str) -> Share:
        """Over all oracles."""
        record = self.runs.get(environment)
        if record is None:
            return Share(None, why="no record")
        found = [number(mapping(seen).get("worst")) for seen in mapping(record.get("oracles")).values()]
        known = [x for x in found if x is not None]
        worst = math.nan if any(map(math.isnan, known)) else max(known, default=None)
        return Share(worst, count(record.get("points")))

    @cached_property
    def agreement(self) -> Agreement:
        return Agreement.of(pair for record in self.runs.values() for pair in listed(record.get("agreement")))

    @property
    def checked(self) -> list[tuple[str, str]]:
        """(claim, LaTeX) of what SymPy checked."""
        return [
            (text(part.get("claim")), text(part.get("latex")))
            for part in map(mapping, listed(self.record.get("checked")))
        ]

    @property
    def taylor(self) -> list[tuple[float, float]]:
        """Step and remainder, as far as both can stand on a logarithmic axis."""
        pairs = (
            [x for x in map(number, listed(pair)) if x is not None and 0 < x < math.inf]
            for pair in listed(self.record.get("taylor"))
        )
        return [(pair[0], pair[1]) for pair in pairs if len(pair) == 2]

    @property
    def verdict(self) -> str:
        """Of a claim about a run: one of VERDICTS, or "open"."""
        return self["verdict"] if self["verdict"] in VERDICTS else "open"


def status(record: Record) -> str:
    """What is no status is none: open."""
    found = record.get("status")
    return found if found in WORST_FIRST else "inconclusive"


def count(value: Any) -> int:
    found = number(value)
    return int(found) if found is not None and 0 <= found < math.inf else 0


@dataclass(frozen=True)
class Agreement:
    """Oracle against oracle: their largest distance as a share of what the two allow each other.

    odd: the oracles that contradict more of the others than any other does; none where all agree.
    """

    oracles: tuple[str, ...]
    worst: Mapping[tuple[str, str], float]

    @classmethod
    def of(cls, pairs: Iterable[Any]) -> Agreement:
        worst: dict[tuple[str, str], float] = {}
        for pair in map(mapping, pairs):
            first, second, distance = text(pair.get("first")), text(pair.get("second")), number(pair.get("worst"))
            if distance is not None:
                distance = math.inf if math.isnan(distance) else distance
                for names in ((first, second), (second, first)):
                    worst[names] = max(worst.get(names, 0.0), distance)
        return cls(tuple(in_their_order(first for first, _ in worst)), worst)

    def share(self, first: str, second: str) -> Share:
        return Share(self.worst.get((first, second)))

    @property
    def odd(self) -> tuple[str, ...]:
        contradicted = {
            name: sum(distance > 1 for (first, _), distance in self.worst.items() if first == name)
            for name in self.oracles
        }
        most = max(contradicted.values(), default=0)
        return tuple(name for name, times in contradicted.items() if times == most) if most else ()

    @property
    def farthest(self) -> tuple[str, str, Share] | None:
        """The two that are farthest apart."""
        if not self.worst:
            return None
        first, second = max(self.worst, key=self.worst.__getitem__)
        return first, second, self.share(first, second)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, in words and numbers."""

    record: Record

    def __getitem__(self, name: str) -> str:
        return text(self.record.get(name))

    @property
    def means(self) -> str:
        return KINDS.get(self["kind"], self["kind"])

    @property
    def entry(self) -> str:
        index = ", ".join(texts(self.record.get("index")))
        return self["parameter"] + (f"[{index}]" if index else "")

    @property
    def place(self) -> str:
        """The point in words: its sizes, and what else draws it again."""
        point = mapping(self.record.get("point"))
        sizes = text(mapping(point.get("sizes")))
        rest = (f"{name} {text(point.get(name))}" for name in ("regime", "dtype", "layout", "decimals", "seed"))
        return ", ".join(filter(None, (sizes, *(part for part in rest if not part.endswith(" ")))))

    @property
    def times(self) -> str:
        """How far it is off, as a multiple of what is allowed."""
        error, bound = number(self.record.get("error")), number(self.record.get("bound"))
        if error is None or bound is None:
            return ""
        return f"{short(error / bound)} times what arithmetic allows" if bound else "no error is allowed"

    @property
    def values(self) -> list[tuple[str, str]]:
        """The smallest counterexample: every parameter and datum with its value, and a layer's upstream gradient."""
        parts = [mapping(self.record.get(part)) for part in ("params", "data")]
        values = {**{name: value for part in parts for name, value in part.items()}, "upstream": self["upstream"]}
        return [(name, text(value)) for name, value in values.items() if text(value)]

    @property
    def maps(self) -> list[HeatMap]:
        """The errors of every entry, a map for each matrix of the parameter."""
        errors = mapping(self.record.get("errors"))
        return list(heat_maps(errors.get("ratio"), self["parameter"]))

    @property
    def shape(self) -> str:
        return " × ".join(texts(mapping(self.record.get("errors")).get("shape")))


@dataclass(frozen=True)
class HeatMap:
    """Errors of a matrix, row by row, as multiples of the bound. vector: it is one row, and an entry has one index."""

    name: str
    cells: tuple[tuple[float | None, ...], ...]
    vector: bool = False

    @property
    def wrong(self) -> int:
        return sum(x is not None and not x <= 1 for row in self.cells for x in row)

    @property
    def total(self) -> int:
        return sum(map(len, self.cells))

    @property
    def shown(self) -> list[list[tuple[int, str, str]]]:
        """Level, text and place of each cell."""
        return [
            [
                (heat(x), "–" if x is None else short(x, 1), f"[{j}]" if self.vector else f"[{i}, {j}]")
                for j, x in enumerate(row)
            ]
            for i, row in enumerate(self.cells)
        ]


def heat_maps(ratio: Any, name: str, limit: int = LARGEST_MAP) -> Iterator[HeatMap]:
    """Maps of a nested list: one number is a cell, a list a row, a list of lists a matrix, more a matrix each.

    Nothing where it is no such list, or is ragged or too large to be looked at.
    """
    if number(ratio) is not None:
        yield HeatMap(name, ((number(ratio),),), vector=True)
        return
    parts = listed(ratio)
    if not parts or len(parts) > limit:
        return
    if not any(map(listed, parts)):
        yield HeatMap(name, (tuple(map(number, parts)),), vector=True)
    elif all(listed(part) and not any(map(listed, part)) for part in parts):
        if sum(map(len, parts)) <= limit and len({len(part) for part in parts}) == 1:
            yield HeatMap(name, tuple(tuple(map(number, part)) for part in parts))
    else:
        for i, part in enumerate(parts):
            yield from heat_maps(part, f"{name}[{i}]", limit // len(parts))


def in_their_order(names: Iterable[str]) -> list[str]:
    """Oracles as the engine has them, then those that it does not know."""
    found = dict.fromkeys(names)
    known = [name for name in all_oracles() if name in found]
    return known + [name for name in found if name not in known]
