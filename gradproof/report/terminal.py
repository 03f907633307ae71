"""The tables in 80 columns: formulas by oracles, worked examples, mistakes, reproductions; and what was left out."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from gradproof.examples import ExampleOutcome
from gradproof.oracles import all_oracles
from gradproof.report.ordering import natural
from gradproof.report.results import Entry, Results
from gradproof.reproduction import VERDICTS, Judged
from gradproof.trial import Trial
from gradproof.verdict import Witness, plural

WIDTH = 80
KEY, ROWS, PROOF, POINTS, SHARE = 26, 4, 4, 5, 5
NAME, PRINTED, SEEN = 30, 11, 27
MARKS = {"pass": " ", "fail": "F", "inconclusive": "?"}
ASSUMED = "bound assumed, not computed"
WORDS = {"pass": "ok", "fail": "FAILED", "inconclusive": "incomplete"}


def table(results: Results, *, every_claim: bool = False) -> Iterator[str]:
    """The lines of the summary; none when nothing was checked.

    every_claim: a line for each claim about a run; else one for each system, and those claims that are not as expected.
    """
    entries = results.entries.values()
    formulas = [entry for entry in entries if entry.outcome is None]
    sections = (
        formula_table(formulas),
        example_table([entry for entry in entries if isinstance(entry.outcome, ExampleOutcome)]),
        errata_table([entry.outcome for entry in entries if isinstance(entry.outcome, Trial)]),
        reproduction_table([entry.outcome for entry in entries if isinstance(entry.outcome, Judged)], every_claim),
    )
    for section in sections:
        if lines := list(section):
            yield from lines
            yield ""
    if entries:
        yield tally(results)


# Formulas ----------------------------------------------------------------------------------------------------------


def formula_table(formulas: list[Entry]) -> Iterator[str]:
    if not formulas:
        return
    heads = "".join(f"{oracle.short:>{SHARE}s}" for oracle in all_oracles().values())
    yield f"{'formula':{KEY + 1}s}{'row':{ROWS}s}{'all':{PROOF}s}{'tried':>{POINTS}s}{heads}"
    yield from (formula_line(entry) for entry in formulas)
    yield "all: proved by SymPy for all sizes. tried: points. Then the worst error, as a"
    yield "share of what each oracle allows: up to 1 passes; - not run. F failed, ? open."
    yield from left_out(formulas)


def formula_line(entry: Entry) -> str:
    proof = entry.proof
    scope = "no" if entry.refuted else "-" if proof is None else "yes" if proof.scope == "every size" else "few"
    shares = "".join(f"{share(entry.oracles.get(name)):>{SHARE}s}" for name in all_oracles())
    points = fitted(str(entry.points or "-"), POINTS).strip()
    row = fitted(entry.rows[0] if entry.rows else "", ROWS - 1).strip()
    return (
        f"{fitted(entry.key, KEY)}{MARKS[entry.status]}{row:>{ROWS - 1}s} {scope:{PROOF}s}{points:>{POINTS}s}{shares}"
    )


def share(witness: Witness | None) -> str:
    if witness is None or not witness.points:
        return "-"
    return f"{witness.worst:.2f}".removeprefix("0") if witness.worst < 10 else ">9"


def fitted(text: str, width: int) -> str:
    return f"{text:{width}s}" if len(text) <= width else text[: width - 1] + "~"


def left_out(formulas: list[Entry]) -> Iterator[str]:
    """Oracles that were asked nowhere in a formula, with the reason, and bounds that were not computed: never silent,
    but said once for all formulas."""
    reasons: dict[str, list[str]] = {}
    for entry in formulas:
        if entry.verdict is None:
            continue
        for name, witness in entry.verdict.oracles.items():
            if not witness.points:
                why = f"{name} not run: {next(iter(witness.not_run), 'no point')}"
                reasons.setdefault(why, []).append(entry.key)
        if entry.verdict.assumed:
            reasons.setdefault(ASSUMED, []).append(entry.key)
    for why, keys in reasons.items():
        which = f": {', '.join(keys)}" if why == ASSUMED else ""
        yield from textwrap.wrap(f"{why}{which} ({plural(len(keys), 'formula')})", WIDTH, subsequent_indent="  ")


# Worked examples ---------------------------------------------------------------------------------------------------


def example_table(examples: list[Entry]) -> Iterator[str]:
    if examples:
        yield f"{'worked example':{KEY + 6}s}{'row':{ROWS + 2}s}numbers"
    for entry in examples:
        assert isinstance(entry.outcome, ExampleOutcome)
        numbers = entry.outcome.numbers
        printed = sum(number.printed is not None for number in numbers)
        computed = sum(number.computed is not None for number in numbers)
        text = f"{len(numbers)} exact, {computed} computed, {printed} printed"
        row = entry.rows[0] if entry.rows else ""
        yield f"{fitted(entry.key, KEY + 6)}{row:{ROWS + 2}s}{text}  {WORDS[entry.status]}"


# Mistakes ----------------------------------------------------------------------------------------------------------


def errata_table(trials: list[Trial]) -> Iterator[str]:
    """Each mistake in three lines: its name, the printed form and the correction, with what each gives."""
    if not trials:
        return
    yield f"{'mistake':{KEY + 14}s}{'row':{ROWS + 3}s}{'kind':12s}refuted"
    for trial in sorted(trials, key=lambda trial: natural(trial.erratum.rows[0])):
        erratum = trial.erratum
        off = "" if trial.margin is None else f"{trial.margin:.0e} x bound"
        word = {"pass": off or "yes", "fail": "FAILED", "inconclusive": "not run"}[trial.status]
        yield f"{fitted(erratum.key, KEY + 14)}{erratum.rows[0]:{ROWS + 3}s}{erratum.kind:12s}{word}"
        yield from beside("printed", erratum.printed, trial.printed)
        yield from beside("correct", erratum.corrected, trial.corrected)
        yield from (f"  not as the record says: {problem.splitlines()[0]}" for problem in trial.problems)
        yield from (f"  not run: {reason}" for reason in trial.not_run)
    yield "Refuted: off by so many times what arithmetic allows at the counterexample; the"
    yield "correction passes there and at every point. Counterexamples: results.jsonl."


def beside(role: str, form: str, gives: str) -> Iterator[str]:
    """A form and what it gives, in one line where both fit, else in two."""
    line, result = f"  {role}  {form}", f"  ->  {gives}"
    if len(line + result) <= WIDTH:
        yield line + result
    else:
        yield fitted(line, WIDTH).rstrip()
        yield fitted(f"{'':9s}{result}", WIDTH).rstrip()


# Reproductions -----------------------------------------------------------------------------------------------------


def reproduction_table(claims: list[Judged], every_claim: bool) -> Iterator[str]:
    """Under the name of each system its claims, or else how many of them hold and those that are not as expected."""
    if not claims:
        return
    yield f"{'reproduction':{NAME + 3}s}{'printed':{PRINTED}s}{'seen':{SEEN}s}verdict"
    for key, group in groupby(claims, key=lambda judged: judged.reproduction.key):
        of_one = list(group)
        count = max(judged.seeds for judged in of_one)
        seeds = f"{count} seed{'s' * (count != 1)}" if count else "not run"
        name = f"{key} ({', '.join(of_one[0].reproduction.rows)}; {seeds})"
        yield fitted(name if every_claim else f"{name}: {verdicts(of_one)}", WIDTH).rstrip()
        for judged in of_one:
            if every_claim or judged.status == "fail":
                yield from claim_lines(judged)
        if not every_claim:
            reasons = dict.fromkeys(reason for judged in of_one for reason in judged.not_run)
            yield from (fitted(f"      not run: {reason}", WIDTH).rstrip() for reason in reasons)
    yield "printed: as the source has it. seen: median [range over seeds]. plausible: up to"
    yield "15 % outside. F: not the verdict that was found before, ? not run."


def verdicts(claims: list[Judged]) -> str:
    """How many claims of a system have which verdict."""
    counts = Counter(judged.verdict or "open" for judged in claims)
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in (*VERDICTS, "open") if counts[verdict])


def claim_lines(judged: Judged) -> Iterator[str]:
    name, mark, verdict = judged.claim.name, MARKS[judged.status], judged.verdict or "-"
    if judged.printed is None:
        yield f"  {fitted(name, NAME + PRINTED + SEEN - 1)}{mark} {verdict}"
        if judged.shown:
            yield fitted(f"      {judged.shown}", WIDTH).rstrip()
    else:
        seen = re.sub(r"\b0\.", ".", judged.shown)
        printed = f"{fitted(judged.printed, PRINTED - 1)} {fitted(seen, SEEN - 1)}"
        yield f"  {fitted(name, NAME)}{mark}{printed} {verdict}"
    if judged.status == "inconclusive":
        yield fitted(f"      not run: {judged.because}", WIDTH).rstrip()


# All together ------------------------------------------------------------------------------------------------------


def tally(results: Results) -> str:
    counts = {status: sum(e.status == status for e in results.entries.values()) for status in WORDS}
    proved = sum(entry.proof is not None and entry.proof.scope == "every size" for entry in results.entries.values())
    words = [f"{counts['pass']} passed"]
    words += [f"{counts['fail']} failed"] * bool(counts["fail"])
    words += [f"{counts['inconclusive']} inconclusive"] * bool(counts["inconclusive"])
    return f"gradproof: {', '.join(words)}" + f"; {proved} proved for every size" * bool(proved)
