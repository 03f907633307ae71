"""Tables of what a run of the benchmarks has saved, for the README; and its records, for the report.

    python -m tests.benchmarks.table FILE.json
    python -m tests.benchmarks.table FILE.json --write README.md --report-dir report

FILE.json is what ``pytest --benchmark-json`` or ``--benchmark-save`` writes; the files of several runs go together.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from gradproof.errors import NotRun
from gradproof.report import page, results

BEGIN, END = "<!-- benchmarks -->", "<!-- end of benchmarks -->"
"""Between these lines of a file ``--write`` puts the tables."""

Info = Mapping[str, Any]


def main() -> int:
    options = arguments()
    published = [info for file in options.files for info in published_in(json.loads(file.read_text(encoding="utf-8")))]
    tables = "\n".join(lines(rows(published)))
    sys.stdout.write(f"{tables}\n")
    if options.write is not None:
        text = options.write.read_text(encoding="utf-8")
        options.write.write_text(with_tables(text, tables), encoding="utf-8")
    if options.report_dir is not None:
        found = records(published)
        results.write(options.report_dir / "results.jsonl", found)
        try:
            sys.stdout.write(f"{page.write(options.report_dir, found)}\n")
        except NotRun as reason:
            sys.stdout.write(f"{reason}\n")
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.table", description="Tables of a benchmark run.")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE.json", help="what --benchmark-json has written")
    parser.add_argument("--write", type=Path, metavar="PAGE.md", help=f"put the tables between {BEGIN} and {END}")
    parser.add_argument("--report-dir", type=Path, metavar="DIR", help="write results.jsonl and index.html here")
    return parser.parse_args()


# What a run has published --------------------------------------------------------------------------------------------


def published_in(saved: Info) -> Iterator[Info]:
    """The ``extra_info`` of each benchmark, with the section it belongs to and the environment it was run in."""
    environment = saved.get("machine_info", {}).get("environment")
    for benchmark in saved["benchmarks"]:
        if benchmark["extra_info"]:
            where = {"section": section(benchmark["fullname"]), "environment": environment}
            yield {**where, **benchmark["extra_info"]}


def section(nodeid: str) -> str:
    """What the file of a benchmark is about: "kernels" for bench_kernels.py."""
    return PurePath(nodeid.partition("::")[0]).stem.removeprefix("bench_")


# Tables --------------------------------------------------------------------------------------------------------------


@dataclass
class Row:
    """A kernel at a shape: its ratio to each peer, by peer and dtype. error: the largest, of what has errors."""

    section: str
    kernel: str
    shape: str
    ratios: dict[tuple[str, str], float] = field(default_factory=dict)
    error: float | None = None


def rows(published: Iterable[Info]) -> list[Row]:
    """The timings, a kernel's shapes together, in the order in which they came."""
    found: dict[tuple[str, str, str], Row] = {}
    for info in published:
        if not {"kernel", "shape", "peer", "ratio"} <= info.keys():
            continue
        shape = f"{info['shape']} ({info['sizes']})" if "sizes" in info else info["shape"]
        place = info["section"], info["kernel"], shape
        row = found.setdefault(place, Row(*place))
        if "error" in info:
            row.error = max(info["error"], row.error or 0.0)
        row.ratios[info["peer"], info.get("dtype", "float64")] = info["ratio"]
    order = {key[:2]: None for key in found}
    return [row for first in order for key, row in found.items() if key[:2] == first]


def lines(table: Sequence[Row], *, padded: bool = False) -> Iterator[str]:
    """A table in Markdown for each section: how many times faster than each peer, float64 / float32. padded: to be
    read as it stands."""
    for name in dict.fromkeys(row.section for row in table):
        of_one = [row for row in table if row.section == name]
        peers = list(dict.fromkeys(peer for row in of_one for peer, _ in row.ratios))
        dtypes = sorted({dtype for row in of_one for _, dtype in row.ratios}, reverse=True)  # float64 first
        errors = ["error"] * any(row.error is not None for row in of_one)
        cells = [[f"{name}, {' / '.join(dtypes)}", "shape", *errors, *peers]]
        for k, row in enumerate(of_one):
            again = k > 0 and of_one[k - 1].kernel == row.kernel
            ratios = [cell([row.ratios.get((peer, dtype)) for dtype in dtypes]) for peer in peers]
            error = ["–" if row.error is None else f"{row.error:.0e}" for _ in errors]
            cells.append(["" if again else row.kernel, row.shape, *error, *ratios])
        yield from markdown(cells, padded)
        yield ""


def cell(ratios: Sequence[float | None]) -> str:
    return "–" if not any(ratios) else " / ".join("–" if ratio is None else short(ratio) for ratio in ratios)


def short(ratio: float) -> str:
    """To two digits: 120, 12, 1.2, .12; what is far from 1 needs no decimals."""
    text = f"{float(f'{ratio:.2g}'):.{0 if ratio >= 9.95 else 1 if ratio >= 0.995 else 2 if ratio >= 0.0995 else 3}f}"
    return text.removeprefix("0") or "0"


def markdown(cells: Sequence[Sequence[str]], padded: bool) -> Iterator[str]:
    widths = [max(map(len, column)) if padded else 0 for column in zip(*cells, strict=True)]
    for k, row in enumerate(cells):
        yield f"| {' | '.join(f'{text:{width}s}' for text, width in zip(row, widths, strict=True))} |"
        if k == 0:
            yield f"|{'|'.join('-' * max(3, width + 2) for width in widths)}|"


def with_tables(text: str, tables: str) -> str:
    """A page with what lies between its two marks replaced. Raises ValueError where it has not exactly one of each."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"the page must have {BEGIN} once, and {END} once behind it")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables.strip()}\n\n{END}{after}"


# Records -------------------------------------------------------------------------------------------------------------


def records(published: Iterable[Info]) -> list[dict[str, Any]]:
    """For results.jsonl. There ``ratio`` is the kernel's time as a share of its peer's, the reciprocal of that here."""
    return [record(info) for info in published if "kernel" in info]


def record(info: Info) -> dict[str, Any]:
    curve = info.get("curve", {})
    told = [f"against {info['peer']}"] if "peer" in info else [f"{curve['of']} by {curve['by']}"] if curve else []
    words = [info["kernel"], *told, *(info[name] for name in ("shape", "dtype") if name in info)]
    timed = {"ratio": 1 / info["ratio"], "iqr": [1 / end for end in reversed(info["iqr"])]} if "ratio" in info else {}
    if "seconds" in info:
        timed["seconds"], timed["peer_seconds"] = info["seconds"]
    key = f"{info['section']}: {', '.join(words)}"
    return {"kind": "benchmark", "key": key, "source": None, "status": "pass", "findings": [], **info, **timed}


if __name__ == "__main__":
    sys.exit(main())
