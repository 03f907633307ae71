"""The results of one run: a record for each formula and worked example, gathered while the tests run."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gradproof.catalogue import Formula, WorkedExample
from gradproof.examples import ExampleOutcome
from gradproof.reproduction import Judged
from gradproof.symbolic.proof import Proof
from gradproof.trial import Trial
from gradproof.verdict import Finding, Verdict, Witness

Outcome = ExampleOutcome | Trial | Judged
"""What became of anything but a formula: a worked example, an erratum, a claim about a run."""


@dataclass
class Entry:
    """What is known so far of one key: a "formula", an "erratum" or a "reproduction".

    source, rows: none for a user's own. witnesses: what was compared without a verdict: an update rule is no gradient,
    and is held against others' steps. outcome: of what is no formula.
    """

    key: str
    kind: str
    source: str | None = None
    rows: tuple[str, ...] = ()
    verdict: Verdict | None = None
    proof: Proof | None = None
    refuted: str = ""
    witnesses: dict[str, Witness] = field(default_factory=dict)
    outcome: Outcome | None = None

    @property
    def status(self) -> str:
        """Never a pass while something the entry needs has not run."""
        if self.outcome is not None:
            return self.outcome.status
        if self.refuted or (self.verdict is not None and self.verdict.status == "fail"):
            return "fail"
        if self.verdict is not None:
            return self.verdict.status
        if not self.witnesses:
            return "inconclusive"
        return "pass" if all(witness.worst <= 1 for witness in self.witnesses.values()) else "fail"

    @property
    def oracles(self) -> Mapping[str, Witness]:
        return self.witnesses if self.verdict is None else self.verdict.oracles

    @property
    def points(self) -> int:
        if self.verdict is not None:
            return self.verdict.points
        return self.outcome.points if self.outcome else sum(w.points for w in self.witnesses.values())

    def record(self) -> dict[str, Any]:
        """One line of results.jsonl."""
        verdict, outcome, oracles = self.verdict, self.outcome, self.oracles
        findings = [describe(f) for f in verdict.findings] if verdict is not None else []
        if self.refuted:
            findings.insert(0, {"kind": "proof", "detail": self.refuted})
        if outcome:
            findings += [{"kind": self.kind, "detail": problem} for problem in outcome.problems]
        seconds = sum(part.seconds for part in (verdict, self.proof, outcome) if part is not None)
        return {
            "key": self.key,
            "kind": self.kind,
            "source": self.source,
            "rows": list(self.rows),
            "status": self.status,
            "proof": self.proof.scope if self.proof else None,
            "points": self.points,
            "oracles": {
                name: {"worst": finite(witness.worst), "points": witness.points}
                for name, witness in oracles.items()
                if witness.points
            },
            "not_run": {
                **{name: witness.not_run for name, witness in oracles.items() if not witness.points},
                **({self.kind: dict.fromkeys(outcome.not_run, 1)} if outcome and outcome.not_run else {}),
            },
            "findings": findings,
            "taylor_slope": verdict.taylor_slope if verdict is not None else None,
            "seconds": round(seconds, 3),
            **(details(outcome) if outcome else {}),
        }


@dataclass
class Results:
    """All entries of a run, in the order in which they came."""

    entries: dict[str, Entry] = field(default_factory=dict)

    def entry(self, key: str, about: Formula | WorkedExample | None = None) -> Entry:
        kind = "reproduction" if isinstance(about, WorkedExample) else "formula"
        entry = self.entries.setdefault(key, Entry(key, kind))
        if about is not None:
            entry.source, entry.rows = about.source, about.rows
        return entry

    def add(self, outcome: Trial | Judged) -> None:
        """File the outcome of an erratum's trial, or of one claim of a reproduction."""
        if isinstance(outcome, Trial):
            about, key, kind = outcome.erratum, outcome.erratum.key, "erratum"
            self.entries[key] = Entry(key, kind, about.source, about.rows, outcome=outcome)
        else:
            source = outcome.reproduction.source
            self.entries[outcome.key] = Entry(outcome.key, "reproduction", source, outcome.rows, outcome=outcome)

    def write(self, path: Path) -> None:
        """results.jsonl, replaced as a whole: a reader never finds half of it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        lines = (json.dumps(entry.record(), ensure_ascii=False) + "\n" for entry in self.entries.values())
        unfinished.write_text("".join(lines), encoding="utf-8")
        unfinished.replace(path)


def describe(finding: Finding) -> Mapping[str, Any]:
    """A finding in JSON: NaN and infinity as text, the place with all that replays it."""
    place = finding.place
    return {
        "kind": finding.kind,
        "parameter": finding.parameter,
        "index": list(finding.index) if finding.index is not None else None,
        "point": {
            "sizes": dict(place.sizes),
            "regime": place.regime,
            "dtype": place.dtype,
            "layout": place.layout,
            "seed": place.seed,
        },
        "claimed": finite(finding.claimed),
        "reference": finite(finding.reference),
        "error": finite(finding.error),
        "bound": finite(finding.bound),
        "detail": finding.detail,
        "diagnosis": finding.diagnosis,
    }


def details(outcome: Outcome) -> Mapping[str, Any]:
    """What a record has beside the fields of all records."""
    if isinstance(outcome, Trial):
        erratum = outcome.erratum
        return {
            "erratum": erratum.kind,
            "title": erratum.title,
            "printed": {"form": erratum.printed, "gives": outcome.printed},
            "corrected": {"form": erratum.corrected, "gives": outcome.corrected},
            "why": erratum.why,
            "note": erratum.note,
            "margin": finite(outcome.margin),
            "counterexample": list(outcome.example),
            "checks": list(outcome.checks),
        }
    if isinstance(outcome, Judged):
        return {
            "title": outcome.reproduction.title,
            "claim": outcome.says,
            "printed": outcome.printed,
            "reproduced": {
                "median": finite(outcome.median),
                "min": finite(outcome.low),
                "max": finite(outcome.high),
                "seeds": outcome.seeds,
            },
            "shown": outcome.shown,
            "verdict": outcome.verdict,
            "why": outcome.because,
            "chosen": outcome.reproduction.chosen,
        }
    return {}


def finite(x: float | None) -> float | str | None:
    """JSON has no infinity and no NaN."""
    return x if x is None or math.isfinite(x) else str(x)
