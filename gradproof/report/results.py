"""The results of one run: a record for each formula, worked example, mistake and claim, gathered as the tests run."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gradproof.catalogue import Formula, WorkedExample
from gradproof.examples import ExampleOutcome
from gradproof.provenance import Code, environment
from gradproof.reproduction import Judged
from gradproof.symbolic.proof import Proof
from gradproof.trial import Trial
from gradproof.verdict import ErrorMap, Finding, Verdict, Witness

Outcome = ExampleOutcome | Trial | Judged
"""What became of anything but a formula: a worked example, an erratum, a claim about a run."""

UNCHECKED = Verdict("", "inconclusive", (), 0, {}, {}, (), (), {}, "", None, 0.0)
"""The verdict on what no code was checked for: nothing."""

LINE_ENDS = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}
"""Characters at which some readers end a line, as JSON escapes; the others are escaped anyway."""


@dataclass
class Entry:
    """What is known so far of one key: a "formula", an "erratum" or a "reproduction".

    source, rows, formula: none for a user's own. witnesses, code: of what was compared without a verdict: an update
    rule is no gradient, and is held against others' steps. outcome: of what is no formula. test: the node id of the
    pytest test that checked the code; implementation: the KEY=PATH.py:NAME that took its place; command: the words of
    the ``gradproof check`` that checked it. They say how to see findings again. refuted, undecided: why there is no
    proof, of what should have one. refused: why the code under test could not be started.
    """

    key: str
    kind: str
    source: str | None = None
    rows: tuple[str, ...] = ()
    formula: Formula | None = None
    verdict: Verdict | None = None
    proof: Proof | None = None
    refuted: str = ""
    undecided: str = ""
    witnesses: dict[str, Witness] = field(default_factory=dict)
    code: Code | None = None
    outcome: Outcome | None = None
    test: str | None = None
    implementation: str | None = None
    command: tuple[str, ...] = ()
    refused: str = ""

    @property
    def status(self) -> str:
        """Never a pass while something the entry needs has not run."""
        if self.outcome is not None:
            return self.outcome.status
        if self.refuted or self.refused or (self.verdict is not None and self.verdict.status == "fail"):
            return "fail"
        if self.undecided:
            return "inconclusive"
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
        """What a line of results.jsonl holds, in values that JSON knows."""
        verdict, outcome, oracles = self.verdict, self.outcome, self.oracles
        findings = [{**describe(f), "replay": self.replay(f)} for f in verdict.findings] if verdict is not None else []
        if self.refused:
            findings.insert(0, {"kind": "exception", "detail": self.refused})
        if self.refuted:
            findings.insert(0, {"kind": "proof", "detail": self.refuted})
        if self.undecided:
            findings.insert(0, {"kind": "proof", "detail": f"undecided: {self.undecided}"})
        if outcome:
            findings += [{"kind": self.kind, "detail": problem} for problem in outcome.problems]
        seconds = sum(part.seconds for part in (verdict, self.proof, outcome) if part is not None)
        record = {
            "key": self.key,
            "kind": self.kind,
            "source": self.source,
            "rows": list(self.rows),
            "status": self.status,
            "proof": self.proof.scope if self.proof else None,
            "points": self.points,
            "oracles": {
                name: {"worst": witness.worst, "points": witness.points}
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
            "environment": environment(),
            **(details(outcome) if outcome else {}),
            **(statement(self.formula, self.proof) if self.kind == "formula" else {}),
            **(evidence(verdict, self.code) if self.kind == "formula" else {}),
        }
        return json_value(record)

    def replay(self, finding: Finding) -> str:
        """How to see a finding again: a shell command where one found it, else Python that draws its point."""
        verdict = self.verdict
        if self.command:
            return shlex.join([*self.command, "--at", str(finding.place)])
        if self.test is None or verdict is None:
            draw = f"point = draw_point(problem, {finding.place!r})"
            return f"from gradproof import Place; from gradproof.sampling import draw_point; {draw}"
        command = ["pytest", self.test, "--gradproof-seed", str(verdict.seed)]
        command += ["--budget", verdict.budget] if verdict.budget else []
        command += ["--implementation", self.implementation] if self.implementation else []
        return shlex.join(command)


@dataclass
class Results:
    """All entries of a run, in the order in which they came."""

    entries: dict[str, Entry] = field(default_factory=dict)

    def entry(self, key: str, about: Formula | WorkedExample | None = None) -> Entry:
        kind = "reproduction" if isinstance(about, WorkedExample) else "formula"
        entry = self.entries.setdefault(key, Entry(key, kind))
        if about is not None:
            entry.source, entry.rows = about.source, about.rows
            entry.formula = None if isinstance(about, WorkedExample) else about
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
        """results.jsonl with a line for each entry."""
        write(path, (entry.record() for entry in self.entries.values()))


def write(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """A results.jsonl, replaced as a whole: a reader never finds half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes("".join(map(line, records)).encode())
    unfinished.replace(path)


def line(record: Mapping[str, Any]) -> str:
    """One line of results.jsonl, whatever names and messages hold: no character in it ends a line for any reader."""
    return json.dumps(json_value(record), ensure_ascii=False, allow_nan=False).translate(LINE_ENDS) + "\n"


def describe(finding: Finding) -> Mapping[str, Any]:
    """A finding: the place with all that draws it again, the whole error and, where few, the values."""
    place, values = finding.place, finding.values
    return {
        "kind": finding.kind,
        "parameter": finding.parameter,
        "index": list(finding.index) if finding.index is not None else None,
        "point": {
            "sizes": dict(place.sizes),
            "regime": place.regime,
            "dtype": place.dtype,
            "layout": place.layout,
            "decimals": place.decimals,
            "seed": place.seed,
        },
        "claimed": finding.claimed,
        "reference": finding.reference,
        "error": finding.error,
        "bound": finding.bound,
        "errors": errors(finding.errors),
        "params": values.params if values else None,
        "data": values.data if values else None,
        "upstream": values.upstream if values else None,
        "detail": finding.detail,
        "diagnosis": finding.diagnosis,
    }


def errors(known: ErrorMap | None) -> Mapping[str, Any] | None:
    """The errors of a whole gradient, to the two digits that a picture of them needs."""
    return None if known is None else {"shape": list(known.shape), "ratio": two_digits(known.ratio)}


def two_digits(ratio: Any) -> Any:
    return [two_digits(part) for part in ratio] if isinstance(ratio, list) else ratio and float(f"{ratio:.2g}")


def statement(formula: Formula | None, proof: Proof | None) -> Mapping[str, Any]:
    """What a formula says and how far it is proved; nothing of a user's own problem."""
    fields = {"title": "title", "statement": "printed", "domain": "domain_text", "note": "note"}
    return {
        **{name: getattr(formula, field, None) or None for name, field in fields.items()},
        "checked": [{"claim": each.claim, "latex": each.latex} for each in proof.checked] if proof else [],
        "argued": proof.argued if proof else "",
    }


def evidence(verdict: Verdict | None, compared: Code | None) -> Mapping[str, Any]:
    """What was checked, where, and how the oracles agreed; empty where nothing was, but for code that was compared."""
    seen = UNCHECKED if verdict is None else verdict
    code = seen.code or compared
    return {
        "code": None if code is None else asdict(code),
        "smallest": seen.smallest,
        "largest": seen.largest,
        "agreement": [{"first": a, "second": b, "worst": worst} for (a, b), worst in seen.agreement.items()],
        "outvoted": seen.outvoted,
        "disagreements": seen.disagreements,
        "assumed": seen.assumed,
        "taylor": seen.taylor,
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
            "margin": outcome.margin,
            "counterexample": list(outcome.example),
            "checks": list(outcome.checks),
        }
    if isinstance(outcome, Judged):
        return {
            "title": outcome.reproduction.title,
            "claim": outcome.says,
            "printed": outcome.printed,
            "reproduced": {
                "median": outcome.median,
                "min": outcome.low,
                "max": outcome.high,
                "seeds": outcome.seeds,
            },
            "shown": outcome.shown,
            "verdict": outcome.verdict,
            "why": outcome.because,
            "chosen": outcome.reproduction.chosen,
        }
    return {}


def json_value(value: Any) -> Any:
    """A value as every JSON reader takes it: NaN and infinity as text, and in text no half of a surrogate pair."""
    if isinstance(value, Mapping):
        return {json_value(str(name)): json_value(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(part) for part in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
