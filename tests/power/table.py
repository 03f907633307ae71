"""The records as tables of plain text, at most 120 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gradproof.report.power import Count

Record = Mapping[str, Any]

WIDTH = 120
MISSING = "-"
INDENTED = {"initial_indent": "    ", "subsequent_indent": "    "}


def lines(records: Sequence[Record]) -> Iterator[str]:
    """What was killed, what was a false alarm, how long a check takes, and what survived gradproof."""
    yield from kill_table("killed, in %: at every place a checker is asked", "kills", records)
    yield from kill_table("killed, in %: at one point", "kills_at_one_point", records)
    yield from alarm_table(records)
    yield from time_table(records)
    for record in records:
        if record["not_run"]:
            yield f"{record['checker']}: {record['not_run']}"
    for record in records:
        yield from surviving(record)
        yield from (f"{record['checker']}: {finding['detail']}" for finding in record["findings"])


def kill_table(title: str, field: str, records: Sequence[Record]) -> Iterator[str]:
    """A row for each kind of mistake, with how many there are, and one for all."""
    kinds = {kind: of for record in records for kind, (_, of) in record[field].items()}

    def share(record: Record, wanted: Sequence[str]) -> str:
        counts = [record[field][kind] for kind in wanted if kind in record[field]]
        count = Count.sum(Count(*count) for count in counts)
        return count.rounded if count else MISSING

    rows = {f"{kind} ({of})": [kind] for kind, of in sorted(kinds.items())}
    rows[f"all ({sum(kinds.values())})"] = list(kinds)
    yield from table(title, records, rows, share)


def alarm_table(records: Sequence[Record]) -> Iterator[str]:
    """Right code that was rejected, of how many; behind a plus, how often there was no verdict."""
    regimes = list(dict.fromkeys(regime for record in records for regime in record["alarms"]))

    def share(record: Record, wanted: Sequence[str]) -> str:
        counts = [record["alarms"][regime] for regime in wanted if regime in record["alarms"]]
        alarms, of, silent = (sum(count[k] for count in counts) for k in range(3))
        return f"{alarms}/{of}" + (f" +{silent}?" if silent else "") if of else MISSING

    rows = {regime: [regime] for regime in regimes} | {"all": regimes}
    title = "false alarms / points; +?: no verdict, for a gradient there is zero or lost in rounding"
    yield from table(title, records, rows, share)


def time_table(records: Sequence[Record]) -> Iterator[str]:
    def one(record: Record, wanted: str) -> str:
        return f"{record['milliseconds'][wanted]:.1f}" if record["milliseconds"] else MISSING

    rows = {"median": "median", "lower quartile": "low", "upper quartile": "high"}
    yield from table("milliseconds for one check", records, rows, one)


def table(
    title: str, records: Sequence[Record], rows: Mapping[str, Any], cell: Callable[[Record, Any], str]
) -> Iterator[str]:
    """A title, a head of two lines, for the checkers' names have two words, a row for each of ``rows``, and a gap."""
    names = [record["checker"].partition(" ") for record in records]
    body = {row: [cell(record, wanted) for record in records] for row, wanted in rows.items()}
    columns = list(zip(*names, strict=True))[::2]
    first = max(map(len, body))
    widths = [2 + max(map(len, column)) for column in zip(*columns, *body.values(), strict=True)]
    yield title
    for row, texts in [("", columns[0]), ("", columns[1]), *body.items()]:
        yield f"{row:{first}s}" + "".join(f"{text:>{width}s}" for text, width in zip(texts, widths, strict=True))
    yield ""


def surviving(record: Record) -> Iterator[str]:
    """What was not killed, and why."""
    if record["survivors"]:
        yield f"not killed by {record['checker']}:"
    for survivor in record["survivors"]:
        yield f"  {survivor['formula']}: {survivor['name']} ({survivor['kind']})"
        yield from textwrap.wrap(survivor["reason"] or "no reason is known", WIDTH, **INDENTED)
