"""Results of several runs in one: of shards, tox environments, machines. What is left out is said, never dropped.

A line that is no record is left out. Records of one key and environment that are the same but for the time they took
become one; of those that contradict each other the worse is kept, the first where they are equally bad. Records of
different environments are all kept. A shard that nobody brought along is missed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from gradproof.errors import GradproofError
from gradproof.sharding import CannotShard, Shard

Record = dict[str, Any]

NAME = "results.jsonl"
STATUSES = ("pass", "inconclusive", "fail")
"""From better to worse."""

KINDS = ("formula", "erratum", "power", "reproduction")
"""In the order of a page; other kinds follow."""

OF_A_RUN = ("seconds", "milliseconds", "shard", "unfinished")
"""Fields that may differ between two runs that found the same."""

NAMED = 10
"""How many missing shards are named one by one."""


class Unusable(GradproofError):
    """There is nothing to merge in a file; the message names it and says why."""


@dataclass(frozen=True)
class Merged:
    """The records, by kind and first appearance. lost: what was left out or is missing, a sentence each. notes: what
    is worth knowing, though nothing is lost by it."""

    records: tuple[Record, ...]
    lost: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Reading:
    """What stands in one file: its records and its damaged lines."""

    path: Path
    records: tuple[Record, ...]
    damaged: tuple[str, ...]


def merge(paths: Iterable[Path]) -> Merged:
    """The records of all files; a folder means the results.jsonl in it. Raises Unusable.

    An empty file is one of a run without records, such as a small suite's last shard, and only noted.
    """
    files = {path.resolve(): path for path in map(file_of, paths)}  # a file that is named twice counts once
    readings = [read(path) for path in files.values()]
    empty = [shown(reading.path) for reading in readings if not reading.records]
    if len(empty) == len(readings):
        raise Unusable(f"there is no record in {', '.join(empty)}")
    missing, partial = gaps((record for reading in readings for record in reading.records), len(empty))
    kept, contradictions = united(readings)
    records = [record if share_of(record) in partial else without(record, ("shard",)) for record in kept]
    damaged = (line for reading in readings for line in reading.damaged)
    short = (f"{shown(reading.path)}: {line}" for reading in readings for line in cut_short(reading.records))
    return Merged(
        records=tuple(sorted(records, key=in_order)),
        lost=(*damaged, *short, *contradictions, *missing),
        notes=tuple(f"{name}: a run without records" for name in empty),
    )


def in_order(record: Record) -> int:
    return KINDS.index(record["kind"]) if record["kind"] in KINDS else len(KINDS)


def without(record: Record, fields: Iterable[str]) -> Record:
    return {name: value for name, value in record.items() if name not in fields}


# Reading -----------------------------------------------------------------------------------------------------------


def file_of(path: Path) -> Path:
    return path / NAME if path.is_dir() else path


def read(path: Path) -> Reading:
    """The records of a file. Raises Unusable where there are lines and none of them is one, or no file."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise Unusable(f"there is no file {shown(path)}") from error
    except OSError as error:
        raise Unusable(f"{shown(path)} cannot be read: {error.strerror}") from error
    records: list[Record] = []
    flaws: list[tuple[int, str]] = []
    *lines, last = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for number, line in enumerate([*lines, last], start=1):
        if not line.strip():
            continue
        try:
            records.append(record_of(line))
        except ValueError as error:
            cut = number > len(lines) and isinstance(error, json.JSONDecodeError | UnicodeDecodeError)
            flaws.append((number, "cut off in the middle" if cut else reason(error)))
    damaged = tuple(f"{shown(path)}, {where}: {why}; left out" for where, why in stretches(flaws))
    if damaged and not records:
        raise Unusable(damaged[0].removesuffix("; left out") + "; no line of the file is a record")
    return Reading(path, tuple(records), damaged)


def record_of(line: bytes) -> Record:
    """The record in a line. Raises ValueError with the reason why there is none."""
    try:
        record = json.loads(line.decode("utf-8"), parse_constant=no_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(record, dict):
        raise ValueError("no JSON object")
    for name in ("key", "kind", "status"):
        if name not in record:
            raise ValueError(f"a record without {name!r}")
    for name, shape in SHAPES.items():
        if name in record and not fits(record[name], shape):
            raise ValueError(f"a record with something else as its {name!r}")
    if record["status"] not in STATUSES:
        raise ValueError(f"a record whose status is none of {', '.join(STATUSES)}")
    share_of(record)
    return record


def no_constant(name: str) -> Any:
    raise ValueError(f"not JSON: {name} is no number")


def reason(error: ValueError) -> str:
    """Without columns and offsets, so that a stretch of damaged lines is told in one sentence."""
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg}"
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else shown(error)


def stretches(flaws: Iterable[tuple[int, str]]) -> Iterator[tuple[str, str]]:
    """(lines, reason), with lines that follow on each other and have the same reason taken together."""
    for (_, why), group in groupby(enumerate(flaws), key=lambda pair: (pair[1][0] - pair[0], pair[1][1])):
        numbers = [number for _, (number, _) in group]
        yield (f"lines {numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else f"line {numbers[0]}"), why


def shown(name: object) -> str:
    """A name or a message in one line, whatever characters it is made of."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(name))


# The shape of a record ---------------------------------------------------------------------------------------------

TEXT = (str, None)
NUMBER = (int, float, str)  # a number that is not finite is text: nan, inf, -inf

SHAPES: Mapping[str, Any] = {
    **dict.fromkeys(("key", "kind", "status"), str),
    **dict.fromkeys(("source", "title", "statement", "domain", "note", "proof", "argued", "assumed"), TEXT),
    **dict.fromkeys(
        ("environment", "shard", "unfinished", "erratum", "why", "claim", "shown", "verdict", "chosen"), TEXT
    ),
    **{name: [str] for name in ("rows", "outvoted", "disagreements", "counterexample", "checks")},
    **{name: [dict] for name in ("findings", "checked", "agreement")},
    **{name: {str: int} for name in ("smallest", "largest")},
    "points": int,
    "seconds": (int, float),
    "oracles": {str: {str: NUMBER}},
    "not_run": ({str: {str: int}}, str),  # of a checker that could not run: why
    "taylor_slope": (*NUMBER, None),
    "taylor": [[NUMBER]],
    "code": ({str: TEXT}, None),
    "margin": (*NUMBER, None),
    "reproduced": ({str: (*NUMBER, None)}, None),
}
"""What the fields of a record are, where they are there: a type, [of each element], {str: of each value}, or any of
several. Fields that are not among them are kept as they are."""


def fits(value: Any, shape: Any) -> bool:
    if isinstance(shape, tuple):
        return any(fits(value, each) for each in shape)
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(element, shape[0]) for element in value)
    if isinstance(shape, dict):
        return isinstance(value, dict) and all(fits(part, shape[str]) for part in value.values())
    return value is None if shape is None else isinstance(value, shape) and not isinstance(value, bool)


# Several into one --------------------------------------------------------------------------------------------------


def united(readings: Sequence[Reading]) -> tuple[list[Record], list[str]]:
    """One record for each kind, key and environment, and a sentence for each pair of files that disagree on some."""
    kept: dict[tuple[str, ...], tuple[Path, Record]] = {}
    contradicting: dict[tuple[Path, Path], list[str]] = defaultdict(list)
    for reading in readings:
        for record in reading.records:
            about = record["kind"], record["key"], str(record.get("environment"))
            path, known = kept.setdefault(about, (reading.path, record))
            if different := difference(known, record):
                contradicting[path, reading.path].append(f"{shown(record['key'])} ({different})")
                if worse(record["status"], known["status"]):
                    kept[about] = reading.path, record
    said = [
        f"{pair(first, second)} in {', '.join(keys)}; the worse is kept"
        for (first, second), keys in contradicting.items()
    ]
    return [record for _, record in kept.values()], said


def worse(status: str, other: str) -> bool:
    return STATUSES.index(status) > STATUSES.index(other)


def pair(first: Path, second: Path) -> str:
    same = first == second
    return f"{shown(first)} contradicts itself" if same else f"{shown(first)} and {shown(second)} differ"


def difference(first: Record, second: Record) -> str:
    """In what two records differ: their statuses, else the names of the fields; "" where they found the same."""
    if first["status"] != second["status"]:
        return f"{first['status']}, {second['status']}"
    names = dict.fromkeys((*first, *second))
    return ", ".join(shown(n) for n in names if n not in OF_A_RUN and first.get(n) != second.get(n))


def cut_short(records: Iterable[Record]) -> list[str]:
    """A sentence for each run among them that ended before its last test."""
    ends = dict.fromkeys(record.get("unfinished") for record in records)
    return [f"the run ended after {shown(end)}" for end in ends if end]


# Shards ------------------------------------------------------------------------------------------------------------

Share = tuple[str, int]
"""A run that was divided: its environment, and over how many shards."""


def share_of(record: Record) -> Share | None:
    """None for a record of a whole run. Raises ValueError for a shard that cannot be."""
    if record.get("shard") is None:
        return None
    try:
        return str(record.get("environment")), Shard.parse(record["shard"]).of
    except CannotShard as error:
        raise ValueError(f"a record of a shard that cannot be: {error}") from error


def gaps(records: Iterable[Record], empty: int) -> tuple[list[str], set[Share]]:
    """What is said of missing shards, and the runs that are not whole. ``empty`` files may be shards without records:
    which, they do not say."""
    seen: dict[Share, set[int]] = defaultdict(set)
    for record in records:
        if share := share_of(record):
            seen[share].add(Shard.parse(record["shard"]).number)
    partial = {share for share, numbers in seen.items() if len(numbers) < share[1]}
    if sum(share[1] - len(seen[share]) for share in partial) <= empty:
        return [], set()
    return [missing(share, seen[share]) for share in seen if share in partial], partial


def missing(share: Share, numbers: set[int]) -> str:
    environment, of = share
    absent = islice((number for number in range(1, of + 1) if number not in numbers), NAMED)
    names = ", ".join(f"{number}/{of}" for number in absent)
    more = of - len(numbers) - NAMED
    return f"missing: shard {names}" + f" and {more} more" * (more > 0) + f" of the run on {shown(environment)}"


# Plots -------------------------------------------------------------------------------------------------------------


def take_plots(paths: Iterable[Path], folder: Path) -> list[str]:
    """Copy the plots beside the files into ``folder``; a sentence for each that could not be taken along."""
    taken: dict[str, tuple[Path, bytes]] = {}  # read before any is written: the folder may be one of theirs
    lost = []
    for plot in (plot for path in paths for plot in sorted(file_of(path).parent.glob("plots/*.svg"))):
        try:
            first, drawing = taken.setdefault(plot.name, (plot, plot.read_bytes()))
            if drawing != plot.read_bytes():
                lost.append(f"{shown(plot)} is another plot than {shown(first)}; left out")
        except OSError as error:
            lost.append(f"{shown(plot)} cannot be read: {error.strerror}; left out")
    for name, (_, drawing) in taken.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(drawing)
    return lost
