"""What became of somebody's file, as that person should read it: what is wrong, the smallest example, the evidence."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from gradproof.submission import Answer, assigned

WIDTH = 100


def answer_lines(answer: Answer, replay: str = "") -> Iterator[str]:
    """A verdict as it prints itself, and with it what the code was taken for; or why there is no verdict.

    replay: the command that shows the first finding again.
    """
    verdict = answer.verdict
    if verdict is None:
        yield f"{answer.formula.key}: FAIL  (nothing could be run)"
        yield from paragraph(answer.refused)
        return
    status, *rest = str(verdict).splitlines()
    yield status
    yield from taken_for(answer)
    yield from rest
    if replay:
        yield ""
        yield f"  See it again: {replay}"


def taken_for(answer: Answer) -> Iterator[str]:
    """What was checked, and what that leaves out."""
    code = f"{answer.path.name}:{answer.name}" if answer.name else answer.path.name
    yield from paragraph(f"{code}, taken for {answer.style}")
    if answer.sizes:
        yield from paragraph(f"Tried with {assigned(answer.sizes)} only.")
    for note in answer.notes:
        yield from paragraph(note)


def paragraph(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False) or ["  "]
