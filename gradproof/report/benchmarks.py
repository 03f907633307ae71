"""What the page says of benchmarks: how many times faster a program is than another, and how it grows. No markup."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gradproof.report.values import Record, listed, mapping, number, short, text

UNNAMED = "–"
MEASURES = {"seconds": "time", "bytes": "memory"}


@dataclass(frozen=True)
class Timing:
    """How many ``times`` faster a kernel is than its peer; for the middle half of the pairs, from ``low`` to ``high``.

    A record has the reciprocals: the kernel's time as a share of the peer's.
    """

    times: float
    low: float | None = None
    high: float | None = None

    @classmethod
    def read(cls, record: Record) -> Timing | None:
        """None where there is no ratio, or none that can be one."""
        times = reciprocal(record.get("ratio"))
        ends = [reciprocal(end) for end in listed(record.get("iqr"))]
        if times is None:
            return None
        known = [end for end in ends if end is not None]
        return cls(times, min(known), max(known)) if len(known) == len(ends) == 2 else cls(times)

    @property
    def faster(self) -> bool:
        return self.times >= 1

    @property
    def shown(self) -> str:
        return factor(self.times)

    @property
    def spread(self) -> str:
        """The middle half, "" where it is not known."""
        return "" if self.low is None or self.high is None else f"{factor(self.low)} to {factor(self.high)}"

    @property
    def level(self) -> str:
        """How the cell is coloured."""
        return "slower" if self.times < 1 else "faster" if self.times < 10 else "muchfaster"


def factor(x: float) -> str:
    """To two digits, but for large ones to the unit: 0.0076, 0.50, 4.0, 18, 140."""
    if 9.95 <= x < 1e4:
        return f"{x:.0f}"
    return f"{x:#.2g}" if 1e-3 <= x < 9.95 else short(x)


def reciprocal(value: object) -> float | None:
    ratio = number(value)
    if ratio is None or not 0 < ratio < math.inf:
        return None
    times = 1 / ratio
    return times if 0 < times < math.inf else None


@dataclass(frozen=True)
class Row:
    """A kernel at a shape. error: its largest error, as the record has it, or ""."""

    kernel: str
    shape: str
    sizes: str = ""
    error: str = ""
    timings: dict[str, Timing] = field(default_factory=dict)


@dataclass(frozen=True)
class Curve:
    """A measurement by a size. points: (size, value), ascending. slope: of the logarithms, None where unknown."""

    kernel: str
    by: str
    of: str
    points: tuple[tuple[float, float], ...]
    slope: float | None

    @classmethod
    def read(cls, record: Record) -> Curve | None:
        """None of what has fewer than two points on logarithmic axes."""
        found = mapping(record.get("curve"))
        columns = (map(number, listed(found.get(name))) for name in ("at", "values"))
        positive = ((x, y) for x, y in zip(*columns, strict=False) if x and y and x > 0 and y > 0)
        points = tuple(sorted((x, y) for x, y in positive if max(x, y) < math.inf))
        if len({x for x, _ in points}) < 2:
            return None
        kernel = text(record.get("kernel")) or UNNAMED
        return cls(kernel, text(found.get("by")), text(found.get("of")), points, number(found.get("slope")))

    @property
    def measure(self) -> str:
        return MEASURES.get(self.of, self.of)


@dataclass(frozen=True)
class Part:
    """The benchmarks of one section and dtype in one environment.

    rows: a kernel's shapes together. panels: the curves that share their axes, by what they measure and by which size.
    """

    section: str
    dtype: str
    environment: str
    rows: tuple[Row, ...]
    panels: tuple[tuple[Curve, ...], ...]

    @property
    def peers(self) -> list[str]:
        return list(dict.fromkeys(peer for row in self.rows for peer in row.timings))

    @property
    def kernels(self) -> dict[str, list[Row]]:
        """The rows by kernel."""
        grouped: dict[str, list[Row]] = {}
        for row in self.rows:
            grouped.setdefault(row.kernel, []).append(row)
        return grouped

    @property
    def errors(self) -> bool:
        return any(row.error for row in self.rows)


def parts(records: Sequence[Record]) -> tuple[Part, ...]:
    """The parts in the order in which their records came; without those of which nothing can be read."""
    grouped: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        section, dtype, environment = (text(record.get(name)) for name in ("section", "dtype", "environment"))
        grouped.setdefault((section, dtype, environment), []).append(record)
    found = (Part(*place, rows(of_one), panels(of_one)) for place, of_one in grouped.items())
    return tuple(part for part in found if part.rows or part.panels)


def rows(records: Iterable[Record]) -> tuple[Row, ...]:
    found: dict[tuple[str, str], Row] = {}
    for record in records:
        if (timing := Timing.read(record)) is None:
            continue
        kernel, peer = (text(record.get(name)) or UNNAMED for name in ("kernel", "peer"))
        shape, sizes = (text(record.get(name)) for name in ("shape", "sizes"))
        error = number(record.get("error"))
        row = Row(kernel, shape, sizes, "" if error is None else short(error))
        found.setdefault((kernel, shape), row).timings[peer] = timing
    kernels = list(dict.fromkeys(kernel for kernel, _ in found))
    return tuple(sorted(found.values(), key=lambda row: kernels.index(row.kernel)))


def panels(records: Iterable[Record]) -> tuple[tuple[Curve, ...], ...]:
    found: dict[tuple[str, str], list[Curve]] = {}
    for curve in filter(None, map(Curve.read, records)):
        found.setdefault((curve.of, curve.by), []).append(curve)
    return tuple(map(tuple, found.values()))


def count(records: Iterable[Record]) -> int:
    """How many timings there are."""
    return sum(Timing.read(record) is not None for record in records)


def sections(found: Iterable[Part]) -> Mapping[str, list[Part]]:
    """The parts by section."""
    grouped: dict[str, list[Part]] = {}
    for part in found:
        grouped.setdefault(part.section, []).append(part)
    return grouped
