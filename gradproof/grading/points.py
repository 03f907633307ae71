"""From an answer to points: all or nothing, or a share for each parameter whose gradient is right everywhere."""

from __future__ import annotations

from dataclasses import dataclass

from gradproof.grading.assignment import Part
from gradproof.report.answer import answer_lines
from gradproof.submission import Answer
from gradproof.verdict import Verdict


@dataclass(frozen=True)
class Share:
    """What a parameter's gradient brought. missing: why it brought nothing, "" where it is right."""

    parameter: str
    score: float
    points: float
    missing: str = ""


@dataclass(frozen=True)
class Grade:
    """What one part of an assignment brought.

    output: what the student reads. shares: by parameter, where there is partial credit. passed: the check passed.
    trouble: why it could not be graded, which is nobody's mistake in the submission; "" otherwise.
    """

    part: Part
    score: float
    output: str
    shares: tuple[Share, ...] = ()
    passed: bool = False
    trouble: str = ""


def grade_of(part: Part, answer: Answer) -> Grade:
    """The points for what became of a submission's file."""
    passed = answer.status == "pass"
    output = "\n".join(answer_lines(answer))
    if part.partial is None:
        return Grade(part, part.points if passed else 0.0, output, passed=passed)
    shares = tuple(share_of(part, name, answer.verdict) for name in part.partial)
    earned = sum(share.score for share in shares)
    lost = min(earned, part.whole_costs * part.points) if concerns_the_whole(part, answer) else 0.0
    return Grade(part, earned - lost, "\n".join([*share_lines(shares, lost), "", output]), shares, passed)


def share_of(part: Part, name: str, verdict: Verdict | None) -> Share:
    assert part.partial is not None
    points = part.points * part.partial[name] / sum(part.partial.values())
    reason = not_right(name, verdict)
    return Share(name, 0.0 if reason else points, points, reason)


def not_right(name: str, verdict: Verdict | None) -> str:
    """Why the gradient of a parameter gets no points; "" where it is right at every point."""
    if verdict is None:
        return "the code could not be run"
    if name in (verdict.correct or ()):
        return ""
    for finding in verdict.findings:
        if finding.parameter == name:
            return finding.detail
    for finding in verdict.findings:
        if finding.parameter is None:
            return f"not returned at every point: {finding.detail}"
    return "the check could not decide; this is no fault of the code"


def concerns_the_whole(part: Part, answer: Answer) -> bool:
    """Whether something is wrong that is wrong with no one parameter."""
    return any(finding.parameter not in (part.partial or {}) for finding in answer.findings)


def share_lines(shares: tuple[Share, ...], lost: float) -> list[str]:
    lines = [
        f"{share.parameter}: {number(share.score)} of {number(share.points)}{': ' * bool(share.missing)}{share.missing}"
        for share in shares
    ]
    return [*lines, f"minus {number(lost)} for what concerns the whole, see below"] if lost else lines


def number(points: float) -> str:
    return f"{round(points, 2):g}"
