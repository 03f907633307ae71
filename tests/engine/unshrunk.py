"""Checks whose findings are not made small, for tests that ask only whether something is wrong."""

from __future__ import annotations

from gradproof.problem import Place
from gradproof.verdict import Finding
from gradproof.verify import Check


class Unshrunk(Check):
    """A check that shows what is wrong where it was met: of a long sequence, many times as fast."""

    def smallest(self, place: Place) -> list[Finding]:
        return self.check(place)
