"""What comes out of adapting somebody's code, and what is raised where that fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gradproof.errors import GradproofError


class Unrecognised(GradproofError):
    """The code has none of the accepted styles; one sentence says what was found and what is missing."""


@dataclass(frozen=True)
class Adapted:
    """Somebody's code in the form in which it is checked.

    code: a function or an object with forward and backward, as Candidate wants it. style: what it was taken for, in a
    few words. sizes: name of a size -> the only value that the code can do. notes: sentences for the report.
    """

    code: Any
    style: str
    sizes: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
