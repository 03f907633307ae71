"""The table formula x oracle in 80 columns, and under it what was left out and why."""

from __future__ import annotations

from collections.abc import Iterator

from gradproof.oracles import all_oracles
from gradproof.report.results import Entry, Results
from gradproof.verdict import Witness

KEY, ROWS, PROOF, POINTS, SHARE = 26, 4, 4, 5, 5
MARKS = {"pass": " ", "fail": "F", "inconclusive": "?"}
WORDS = {"pass": "ok", "fail": "FAILED", "inconclusive": "incomplete"}


def table(results: Results) -> Iterator[str]:
    """The lines of the summary; none when nothing was checked."""
    formulas = [entry for entry in results.entries.values() if entry.kind == "formula"]
    examples = [entry for entry in results.entries.values() if entry.kind == "reproduction"]
    if formulas:
        heads = "".join(f"{oracle.short:>{SHARE}s}" for oracle in all_oracles().values())
        yield f"{'formula':{KEY + 1}s}{'row':{ROWS}s}{'all':{PROOF}s}{'tried':>{POINTS}s}{heads}"
        yield from (formula_line(entry) for entry in formulas)
        yield "all: proved by SymPy for all sizes. tried: points. Then the worst error, as a"
        yield "share of what each oracle allows: up to 1 passes; - not run. F failed, ? open."
        yield from left_out(formulas)
    if examples:
        yield ""
        yield f"{'worked example':{KEY + 6}s}{'row':{ROWS + 2}s}numbers"
        yield from (example_line(entry) for entry in examples)
    if formulas or examples:
        yield ""
        yield tally(results)


def formula_line(entry: Entry) -> str:
    proof = entry.proof
    scope = "no" if entry.refuted else "-" if proof is None else "yes" if proof.scope == "every size" else "few"
    shares = "".join(f"{share(entry.oracles.get(name)):>{SHARE}s}" for name in all_oracles())
    points = str(entry.points or "-")
    row = entry.rows[0] if entry.rows else ""
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
    """Oracles that were asked nowhere in a formula, with the reason: said, never silent."""
    reasons: dict[str, int] = {}
    for entry in formulas:
        if entry.verdict is None:
            continue
        for name, witness in entry.verdict.oracles.items():
            if not witness.points:
                why = f"{name} not run: {next(iter(witness.not_run), 'no point')}"
                reasons[why] = reasons.get(why, 0) + 1
        if entry.verdict.assumed:
            why = f"bound assumed, not computed: {entry.key}"
            reasons[why] = 1
    yield from (f"{why} ({count} formula{'s' * (count > 1)})" for why, count in reasons.items())


def example_line(entry: Entry) -> str:
    example = entry.example
    assert example is not None
    printed = sum(number.printed is not None for number in example.numbers)
    computed = sum(number.computed is not None for number in example.numbers)
    text = f"{len(example.numbers)} exact, {computed} computed, {printed} printed"
    row = entry.rows[0] if entry.rows else ""
    return f"{fitted(entry.key, KEY + 6)}{row:{ROWS + 2}s}{text}  {WORDS[entry.status]}"


def tally(results: Results) -> str:
    counts = {status: sum(e.status == status for e in results.entries.values()) for status in WORDS}
    proved = sum(entry.proof is not None and entry.proof.scope == "every size" for entry in results.entries.values())
    words = [f"{counts['pass']} passed"]
    words += [f"{counts['fail']} failed"] * bool(counts["fail"])
    words += [f"{counts['inconclusive']} inconclusive"] * bool(counts["inconclusive"])
    return f"gradproof: {', '.join(words)}" + f"; {proved} proved for every size" * bool(proved)
